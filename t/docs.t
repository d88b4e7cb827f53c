#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What the documents print works as it is printed.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;

# The fenced blocks of one language in a document.
sub blocks {
    my ($file, $language) = @_;
    my @found = slurp(top() . "/$file") =~ /^```$language\n(.*?)^```$/msg;
    ok @found > 0, "$file has an example in $language";
    return @found;
}

my $w = world(target => '/app/example.php');
my $dir = $w->httpd->dir;

# Configurations. Only paths and the module's own place differ here.
spit("$dir/epic.secret", "not-a-secret\n", 0600);
for my $file (qw(README.md docs/admin.md)) {
    my ($config) = grep { /SmartDatabase/ } blocks($file, 'apache');
    $config =~ s/^LoadModule .*\n//m;
    $config =~ s{/etc/smartlaunch/}{$dir/}g;
    my ($rc, $said) = $w->httpd->configtest(config => $config, no_redirect => 1);
    is $rc, 0, "$file: configtest takes the configuration" or diag $said;
}
{
    my ($proxied) = grep { /ProxyPass/ } blocks('docs/app.md', 'apache');
    my ($rc, $said) = $w->httpd->configtest(vhost => $proxied);
    is $rc, 0, 'docs/app.md: configtest takes the proxied app' or diag $said;
}
{
    my $config = slurp(top() . '/conf/smartlaunch.conf') =~ s/^LoadModule .*\n//mr;
    $config =~ s{/etc/smartlaunch/}{$dir/}g;
    my ($rc, $said) = $w->httpd->configtest(config => $config, no_redirect => 1);
    is $rc, 0, 'conf/smartlaunch.conf: configtest takes it' or diag $said;
}

# The PHP application. Its password check and its login page are left to the reader.
my ($php) = blocks('docs/app.md', 'php');
$php =~ s/^<\?php\n//;
spit("$dir/htdocs/app/example.php", <<'PHP' . $php, 0644);
<?php
function password_is_right($user, $password) { return $user !== '' && $password === "$user-demo"; }
function show_login_page() { echo '<form method="post"><input name="user"><input name="password"></form>'; }
PHP

my $first = $w->launch;
like $first->{app}->content, qr/<form method="post">/, 'the first time the app asks who it is';
my $window = $first->{window};
$window->submit(fields => { user => 'alice', password => 'alice-demo' }, follow => 1);
like $window->response->content, qr/alice/, 'the module asks whether she is the EHR user, too';
$window->submit(button => [ answer => 'yes' ], follow => 1);
is $window->response->content, "User alice, patient $first->{patient}", 'then the app has user and patient';

my $second = $w->launch;
is $second->{app}->content, "User alice, patient $second->{patient}", 'the second time nobody logs in';

done();
