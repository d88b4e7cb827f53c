#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Which directive holds where: the main server's in virtual hosts, a virtual host's own, a location's
# in the locations below it, and two applications beside one another.
# mpm: sanitized
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use URI;

my $w = world(start => 0, no_redirect => 1);
my ($httpd, $ehr) = ($w->httpd, $w->ehr);
my $echo = "http://127.0.0.1:$httpd->{echo}{port}";
my ($first, $second) = @{ $ehr->patients };

sub origin { return "https://$_[0].site.localhost:$httpd->{port}" }

# A virtual host NAME.site.localhost with the proxied app and these lines.
sub host {
    my ($name, $lines, $app) = @_;
    my $tls = SL::TLS::dir();
    return <<"CONF";
<VirtualHost 127.0.0.1:$httpd->{port}>
    ServerName $name.site.localhost:$httpd->{port}
    SSLEngine on
    SSLCertificateFile $tls/server.pem
    SSLCertificateKeyFile $tls/server.key
    ProxyPass /papp/ $echo/papp/
    <Location /papp>
        AuthType Smart
        SmartLogin on
        ${\ ($app // '') }
        Require all granted
    </Location>
    $lines
</VirtualHost>
CONF
}

sub public { return 'SmartPublicURL ' . origin($_[0]) . "\n" }

$httpd->{extra} = <<'CONF';
SmartSession idle=20m max=2h
<Location /smart>
    SmartTarget /papp/
</Location>
CONF
$httpd->{vhost} = <<'CONF';
    <Location /second>
        SmartTarget /app/
        SmartApp two
    </Location>
    <Location /app>
        SmartApp two
    </Location>
    <Location /papp/two>
        SmartApp two
    </Location>
    <Location /papp/env>
        SmartPassAs env
        SmartUserHeader X-Inner-User
    </Location>
    <Location /papp/headers>
        SmartPassAs headers
        SmartUserHeader X-Other-User
    </Location>
    <Location /papp/headers/none>
        SmartUserHeader none
    </Location>
    <Location /smart/deeper>
        SmartTarget /papp/deeper/
        SmartApp deeper
        SetHandler smart-launch
    </Location>
    <Location /papp/deeper>
        SmartApp deeper
    </Location>
CONF
$httpd->{after} = join "\n",
    host('one', public('one') . "SmartCookie __Host-one toplevel\nSmartSession idle=5m"),
    host('two', public('two') . "<Location /smart>\nSmartTarget /papp/two/\nSmartLink none\n</Location>"),
    host('three', public('three') . "<Location /smart>\nSmartLink same-name\n</Location>"),
    host('four', public('four') . "<Location />\nSmartApp four\n</Location>"),
    host('five', '');

my ($client) = SL::EHR::default_clients('');
$client->{redirect_uris} = [ map { "$_" } $w->url('/smart'), $w->url('/second'), $w->url('/smart/deeper'),
    map { origin($_) . '/smart' } qw(one two three four) ];
$ehr->clients($client);
$httpd->start;

sub query_of { my %q = URI->new($_[0])->query_form; return \%q }
sub redirect_uri { my ($l) = @_; return query_of($l->{authorize_url})->{redirect_uri} }
sub seen { my ($response) = @_; return json($response)->{headers} }
sub smart { my ($headers) = @_; return join ' ', map { "$_=$headers->{$_}" } grep { /^smart-/ } sort keys %$headers }

# What /smart/session says of a launch, to a script of its own page.
sub session {
    my ($l, $origin, $path) = @_;
    return $l->{window}->xhr(GET => $origin . ($path // '/smart') . "/session?smart_launch=$l->{handle}");
}

# The main server's, inherited
{
    my $l = $w->launch(login => 'alice');
    is redirect_uri($l), $w->url('/smart'), 'a virtual host inherits SmartTarget and SmartPublicURL';
    is seen($l->{app})->{'smart-user'}, 'alice', 'and EHR and database: a launch comes through';
    like +($l->{start}->header('Set-Cookie'))[0], qr/^__Host-smart=.*; SameSite=None; Partitioned$/, 'with the default cookie';
    my $in = json(session($l, $w->url))->{expires_in};
    ok $in > 1100 && $in <= 1200, 'and the main server\'s SmartSession' or diag $in;
}

# A virtual host's own
{
    my $l = $w->launch(origin => origin('one'), window => $w->browser->window);
    is redirect_uri($l), origin('one') . '/smart', 'REG-1 SmartPublicURL of a virtual host makes its redirect_uri';
    my ($token) = grep { $_->{form}{code} eq query_of($l->{callback_url})->{code} } $ehr->log('/auth/token');
    is $token->{form}{redirect_uri}, redirect_uri($l), 'TKR-1 and the token request\'s';
    is $l->{window}->page->host, 'one.site.localhost', 'the launch ends where it began';
    is seen($l->{app})->{'smart-user'}, 'alice', 'in the same app, with the link made at the other host';
    like +($l->{callback}->header('Set-Cookie'))[0], qr/^__Host-one=[^;]+; Path=\/; Secure; HttpOnly; SameSite=Lax$/,
        'LCH-6 SmartCookie of a virtual host';
    my $in = json(session($l, origin('one')))->{expires_in};
    ok $in > 250 && $in <= 300, 'SmartSession idle= of a virtual host' or diag $in;
    my $max = $w->pg->value("SELECT round(extract(epoch FROM expires_at - authorized_at)) FROM smartlaunch.launch"
        . " WHERE handle_hash = sha256('$l->{handle}'::bytea)");
    is $max, 7200, 'and max= of the main server';
}
{
    my $l = $w->launch(origin => origin('two'));
    is $l->{window}->page->path, '/papp/two/', 'SmartTarget of a virtual host, of the same path, wins';
    is seen($l->{app})->{'smart-link'}, 'none', 'with its SmartLink';
    $l = $w->launch(origin => origin('three'), user => 'dr-jones');
    is $l->{window}->page->path, '/papp/', 'a section of a virtual host that has no SmartTarget adds to the main server\'s';
    is seen($l->{app})->{'smart-user'}, 'dr-jones', 'its SmartLink same-name holds: linked at once';
    $l = $w->launch(origin => origin('four'));
    is $w->pg->value('SELECT app FROM smartlaunch.launch ORDER BY created_at DESC LIMIT 1'), 'four',
        'SmartApp of an outer location holds for the Redirect URL';
    is seen($l->{app})->{'smart-link'}, 'pending', 'as it does for the app: a link of another app is none here';
    my $named = $w->launch(origin => origin('five'), stop => 'start');
    is query_of($named->{start}->header('Location'))->{redirect_uri}, $w->url('/smart'),
        'REG-1 a host without a SmartPublicURL of its own has the main server\'s';
}

# REG-1 Nothing of the request goes into redirect_uri or Location
for my $spoof ([ Host => 'evil.example' ], [ 'X-Forwarded-Host' => 'evil.example' ], [ 'X-Forwarded-Proto' => 'http' ],
    [ 'X-Forwarded-Port' => 81 ], [ 'X-Forwarded-Server' => 'evil.example' ], [ Forwarded => 'host=evil.example;proto=http' ],
    [ 'X-Original-Host' => 'evil.example' ], [ 'X-Forwarded-Prefix' => '/evil' ], [ 'X-Original-URL' => '/evil' ]) {
    my $made = $ehr->launch;
    my $url = URI->new($w->url('/smart'));
    $url->query_form(iss => $made->{iss}, launch => $made->{launch});
    my $response = request(GET => "$url", headers => $spoof);
    is $response->code, 302, "REG-1 $spoof->[0]: $spoof->[1]: the launch goes on";
    is query_of($response->header('Location'))->{redirect_uri}, $w->url('/smart'), 'REG-1 with the configured redirect_uri';
    unlike $response->as_string, qr/evil/, 'REG-1 and nothing of the header anywhere';
}
{
    my $made = $ehr->launch;
    my $query = URI->new($w->url('/smart'));
    $query->query_form(iss => $made->{iss}, launch => $made->{launch});
    my $target = $query->path_query;
    my $raw = raw($w->url, "GET https://evil.example$target HTTP/1.1\r\nHost: app.localhost\r\nConnection: close\r\n\r\n");
    my ($location) = $raw =~ /^Location: (\S+)/m;
    is query_of($location // '')->{redirect_uri}, $w->url('/smart'), 'REG-1 an absolute request target changes nothing';
    unlike $raw, qr/evil/, 'REG-1 and is not repeated';
    my $l = $w->launch(stop => 'authorize');
    $l->{callback} = $l->{window}->nav($l->{callback_url}, headers => [ 'X-Forwarded-Host' => 'evil.example', Forwarded => 'host=evil.example' ]);
    like $l->{callback}->header('Location'), qr{^(?:\Q${\ $w->url }\E)?/papp/\?smart_launch=}, 'REG-1 nor the callback\'s Location';
}

# Two apps
{
    my $browser = $w->browser;
    my $one = $w->launch(window => $browser->frame($ehr->base . '/'), patient => $first);
    my $two = $w->launch(window => $browser->frame($ehr->base . '/'), patient => $second, path => '/second');
    is json($two->{app})->{env}{SMART_LINK}, 'pending', 'IDT-9 a link of one app is none of another';
    $w->login($two, 'alice');
    is json($two->{app})->{env}{SMART_USER}, 'alice', 'until it is made there, too';
    is seen($one->{window}->xhr(GET => '/papp/'))->{'smart-patient'}, $first, 'each app has its own launch: the first';
    is json($two->{window}->xhr(GET => '/app/'))->{env}{SMART_PATIENT}, $second, 'and the second';
    my $anew = $browser->frame($ehr->base . '/');
    for my $try ([ $one, '/app/', 'one app\'s handle in the other' ], [ $two, '/papp/', 'and the other way round' ],
        [ $one, '/papp/two/', 'in a location below that is another app\'s' ]) {
        my ($l, $path, $what) = @$try;
        my $response = $l->{window}->xhr(GET => "$path?smart_launch=$l->{handle}", without => qr/^Referer$/);
        is $response->code, 401, "CTX-10 $what: 401";
        unlike $response->content, qr/alice|\Q$l->{patient}\E/, 'CTX-10 that says nothing of it';
    }
    is session($one, $w->url)->code, 200, '/smart/session knows its own launches';
    is session($one, $w->url, '/second')->code, 401, 'and not those of the other Redirect URL';
    is session($two, $w->url, '/second')->code, 200, 'which has its own';
    is $two->{window}->xhr(POST => "/smart/logout?smart_launch=$two->{handle}", body => '')->code, 401, 'SEC-9 nor ends them';
    is session($two, $w->url, '/second')->code, 200, 'SEC-9 as one sees';

    my $crossed = $w->launch(window => $browser->frame($ehr->base . '/'), stop => 'authorize');
    $ehr->forget;
    my $elsewhere = $crossed->{callback_url} =~ s{/smart\?}{/second?}r;
    is $crossed->{window}->nav($elsewhere)->code, 400, 'CBK-2 the callback at the other Redirect URL: 400';
    is scalar($ehr->log('/auth/token')), 0, 'CBK-2 no token call';
    is $crossed->{window}->nav($crossed->{callback_url})->code, 303, 'CBK-2 and it goes on at its own';
    $httpd->expect_log(qw(SL2531 SL4305));
}

# Locations in locations
{
    my $l = $w->launch(patient => $first);
    my $ask = sub { return seen($l->{window}->xhr(GET => "$_[0]?smart_launch=$l->{handle}")) };
    is $ask->('/papp/')->{'smart-patient'}, $first, 'the outer location';
    is smart($ask->('/papp/env/')), '', 'SmartPassAs env in an inner one: no header reaches a proxied app';
    is $ask->('/papp/env/')->{'x-inner-user'}, 'alice', 'but SmartUserHeader does';
    my $headers = $ask->('/papp/headers/');
    is "$headers->{'smart-patient'} $headers->{'x-other-user'}", "$first alice", 'SmartPassAs headers in another';
    ok !exists $headers->{'x-inner-user'}, 'whose SmartUserHeader is its own';
    ok !exists $ask->('/papp/headers/none/')->{'x-other-user'}, 'and is taken back below it';
    is $ask->('/papp/headers/none/')->{'smart-patient'}, $first, 'where the rest stays as it was';
    for my $path ('/papp/', '/papp/env/', '/papp/headers/none/', '/plain/') {
        for my $name ('X-Inner-User', 'x_other_user', 'X.Inner.User') {
            my $response = request(GET => $w->url($path), headers => [ $name => 'mallory' ]);
            unlike $response->content, qr/mallory/, "SEC-3 $name of a client is removed at $path";
        }
    }
    my $deep = $w->launch(path => '/smart/deeper', user => 'dr-jones');
    is redirect_uri($deep), $w->url('/smart/deeper'), 'a Redirect URL below another';
    is $deep->{window}->page->path, '/papp/deeper/', 'has its own target';
    is seen($deep->{app})->{'smart-link'}, 'pending', 'and its own app';
    is session($deep, $w->url, '/smart/deeper')->code, 200, 'and pages';
    is session($deep, $w->url, '/smart')->code, 401, 'apart from those of the outer one';
}

done();
