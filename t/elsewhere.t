#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# SEC-3: a handler fills in the variables of a request; what came of that leaves the app's path
# neither by an error page elsewhere nor by a page that includes another.
# mpm: sanitized
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use File::Copy qw(copy);

my $w = world(start => 0, app => "SmartUserHeader X-Remote-User\n");
my $httpd = $w->httpd;
$httpd->{extra} = "LoadModule include_module /usr/lib/apache2/modules/mod_include.so\nSmartGatewayURL http://127.0.0.1:9/fhir\n";
$httpd->{vhost} = <<'CONF';
    <Location /app>
        ProxyErrorOverride on
        ErrorDocument 404 /plain/index.php/not-found
        ErrorDocument 410 /app/index.php/gone
    </Location>
    <Location /sapp>
        Options +Includes
        AddOutputFilter INCLUDES .shtml
    </Location>
CONF
copy(top() . '/t/lib/app/index.php', $httpd->dir . '/htdocs/plain/index.php') or die $!;
spit($httpd->dir . '/htdocs/sapp/page.shtml', '<!--#include virtual="/plain/index.php/included" -->');
spit($httpd->dir . '/htdocs/sapp/own.shtml', '<!--#include virtual="/app/index.php/included" -->');
$httpd->start;

my ($first) = @{ $w->ehr->patients };
my $l = $w->launch(login => 'alice', patient => $first);
my ($window, $h) = @{$l}{qw(window handle)};

sub env_at {
    my ($url) = @_;
    my $response = $window->type($w->url($url . ($url =~ /\?/ ? '&' : '?') . "smart_launch=$h"));
    return JSON::PP->new->decode($response->content)->{env};
}

env_at('/app/index.php?' . answer(headers => [ 'Set-Cookie' => 'sid=of-this-launch; HttpOnly; Path=/' ]));
my $in = env_at('/app/index.php');
is $in->{REMOTE_USER}, 'alice', 'the app has a user';
is $in->{HTTP_COOKIE}, 'sid=of-this-launch', 'and a cookie';
my $session = $in->{SMART_SESSION};

for my $case ([ '/app/index.php?' . answer(status => 404), '/not-found', 'an error page elsewhere' ],
    [ '/sapp/page.shtml', '/included', 'an included page from elsewhere' ]) {
    my ($url, $info, $what) = @$case;
    my $env = env_at($url);
    is $env->{PATH_INFO}, $info, "$what is asked for";
    # httpd itself tells every error page who had logged in, whatever the way
    my @left = grep { /SMART|REMOTE_USER|AUTH_TYPE/ && $_ ne 'REDIRECT_REMOTE_USER' } sort keys %$env;
    is "@left", '', "SEC-3 $what: user and context stay behind, in every disguise";
    my @cookies = grep { ($env->{$_} // '') =~ /of-this-launch/ } sort keys %$env;
    is "@cookies", '', "SEC-3 $what: the launch's cookies, too";
    unlike join(' ', map { $_ // '' } values %$env), qr/\Q$session\E/, "TRS-7 $what: and the session id";
}
for my $case ([ '/app/index.php?' . answer(status => 410), '/gone', 'an error page of the app' ],
    [ '/sapp/own.shtml', '/included', 'an included page of the app' ]) {
    my ($url, $info, $what) = @$case;
    my $env = env_at($url);
    is $env->{PATH_INFO}, $info, "$what is asked for";
    is $env->{REMOTE_USER}, 'alice', "CTX-1 $what has the user";
    is $env->{HTTP_SMART_PATIENT}, $first, "CTX-1 $what has the patient";
    is $env->{HTTP_COOKIE}, $url =~ m{^/app} ? 'sid=of-this-launch' : undef, "CTX-1 $what has the cookies of its path";
}

done();
