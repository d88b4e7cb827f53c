#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Two apps on one host and a third on a virtual host of its own, one EHR, one person, one browser, one
# patient: what one app was given opens nothing in another, and what a thief has of a session opens
# nothing at all. (Links, handles, callbacks and /session of two apps are in t/vhosts.t.)
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::Signon;
use SL::TLS;
use SL::Tokens qw(nobody_leads);

my $signon = SL::Signon->new;
my $w = world(start => 0, fpm => 0, ehr_block => 'SmartStandaloneScope "openid fhirUser launch/patient patient/*.rs"');
my ($httpd, $ehr, $pg) = ($w->httpd, $w->ehr, $w->pg);
my $echo = "http://127.0.0.1:$httpd->{echo}{port}";
my ($dir, $tls) = ($httpd->dir, SL::TLS::dir());
my %secret = (one => 'the secret of the first app', two => 'the secret of the second app');
spit("$dir/$_.caller", "$secret{$_}\n", 0600) for keys %secret;
my $third = "https://third.site.localhost:$httpd->{port}";
$httpd->{vhost} = <<"CONF";
    <Location /two>
        SmartTarget /papp/two/
        SmartApp two
        ${\ $signon->notify }
    </Location>
    <Location /papp/two>
        SmartApp two
    </Location>
CONF
$httpd->{after} = <<"CONF";
<VirtualHost 127.0.0.1:$httpd->{port}>
    ServerName $third
    SSLEngine on
    SSLCertificateFile $tls/server.pem
    SSLCertificateKeyFile $tls/server.key
    SmartPublicURL $third
    ProxyPass /papp/ $echo/papp/
    <Location /smart>
        SmartTarget /papp/
        SmartApp three
    </Location>
    <Location /papp>
        AuthType Smart
        SmartApp three
        SmartLogin on
        Require all granted
    </Location>
</VirtualHost>
CONF
$httpd->{gateway} = <<"CONF";
        SmartCaller one file:$dir/one.caller
        Require local
    </Location>
    <Location /gate-two>
        SmartGateway on
        SmartApp two
        SmartCaller two file:$dir/two.caller
        Require local
    </Location>
    <Location /gate-three>
        SmartGateway on
        SmartApp three
        Require local
CONF
my ($client) = SL::EHR::default_clients('');
$ehr->clients({ %$client, redirect_uris => [ (map { $w->url($_) } qw(/smart /two)), "$third/smart" ] });
nobody_leads($w);
$httpd->start;
$signon->answers(302, Location => $w->url('/papp/two/?ticket=1'));

my ($patient, $second) = @{ $ehr->patients };
my %path = (one => '/smart', two => '/two', three => '/smart');
my %place = (one => $w->url('/papp/'), two => $w->url('/papp/two/'), three => "$third/papp/");
my %gate = map { $_ => ($httpd->gateway_url =~ s{/fhir$}{}r) . ($_ eq 'one' ? '/fhir' : "/gate-$_") } keys %path;

sub launch {
    my ($app, %arg) = @_;
    return $w->launch(path => $path{$app}, patient => $patient, $app eq 'three' ? (origin => $third) : (), %arg);
}

sub told { my ($response) = @_; return $response->code == 200 && $response->content =~ /^\{/ ? json($response)->{headers} : {} }
sub who { my ($response) = @_; return join ' ', map { $_ // '-' } @{ told($response) }{qw(smart-link smart-user smart-patient)} }
sub nobody { my ($response, $name) = @_; return is_deeply [ grep { /^smart-|^remote-user$/ } keys %{ told($response) } ], [], $name }
sub links { return map { "$_->{app} $_->{ehr_user}=$_->{app_user}" } $pg->rows('SELECT * FROM smartlaunch.link WHERE revoked_at IS NULL ORDER BY app') }
sub at_gate { my ($app, @headers) = @_; return request(GET => "$gate{$app}/sandbox/Patient/$patient", headers => \@headers)->code }
sub state_of { my ($l) = @_; return $pg->value('SELECT state FROM smartlaunch.launch WHERE handle_hash = sha256(?::text::bytea)', $l->{handle}) }
sub frame { return $_[0]->frame($ehr->base . '/') }
sub reread { my ($l, $app) = @_; return $l->{window}->xhr(GET => "$place{$app}?smart_launch=$l->{handle}") }

# One person is somebody else in each app.

my $browser = $w->browser;
my %l = (one => launch('one', window => frame($browser), login => 'alice'));
is scalar(my @none = $signon->requests), 0, 'X2 an app that wants no sign-on message: nobody is told of its launches';
$l{two} = launch('two', window => frame($browser));
is who($l{two}{app}), 'pending - -', 'IDT-9 who is linked in one app is not in the other';
my ($message) = $signon->told;
is_deeply [ map { $message->{body}{Meta}{$_} } qw(SessionID SessionBaseURL) ], [ undef, undef ], 'X10 which is told of a launch without a session';
$w->login($l{two}, 'anna');
is who($l{two}{app}), "linked anna $patient", 'IDT-9 in that app she is anna';
$l{three} = launch('three', window => frame($browser), login => 'al');
is_deeply [ links() ], [ 'app dr-smith=alice', 'three dr-smith=al', 'two dr-smith=anna' ], 'IDT-9 a link for each';
is who(reread($l{$_->[0]}, $_->[0])), "linked $_->[1] $patient", "IDT-9 $_->[1] of $_->[0] is ended by nobody else's name in another app"
    for [ one => 'alice' ], [ two => 'anna' ], [ three => 'al' ];

# The session id, in the hands of the next app's server or of a browser

for my $owner (sort keys %l) {
    for my $gate (sort keys %gate) {
        is at_gate($gate, 'Smart-Session' => $l{$owner}{session}), $gate eq $owner ? 200 : 401, "SEC-10 the session of $owner at the gateway of $gate";
    }
}
my $id = $l{one}{session};
is at_gate('two', 'Smart-Session' => $id, 'Smart-Caller' => $secret{two}), 401, 'SEC-10 … with the credentials of that gateway\'s caller';
is at_gate('one', 'Smart-Session' => $id, 'Smart-Caller' => $secret{two}), 401, 'SEC-10 … at its own gateway with those of another\'s';
is at_gate('two', 'Smart-User' => 'alice', 'Smart-Patient' => $patient, 'Smart-Caller' => $secret{two}), 401, 'SEC-10 alice of one app has no token in the other';
is at_gate('two', 'Smart-User' => 'anna', 'Smart-Patient' => $patient, 'Smart-Caller' => $secret{two}), 200, 'SEC-10 which anna has';
for my $from ([ Origin => $w->url ], [ 'Sec-Fetch-Site' => 'same-origin' ]) {
    my $code = at_gate('one', 'Smart-Session' => $id, @$from);
    is $code, 403, "SEC-10 a session id from a browser ($from->[0]): 403";
}
my $thief = $w->browser->window;
for my $try ([ 'in Smart-Session', '', 'Smart-Session' => $id ], [ 'in the query', "?_smart_session=$id" ], [ 'as a cookie', '', Cookie => "__Host-smart=$id" ],
    [ 'in Smart-Launch', '', 'Smart-Launch' => $id ], [ 'as the handle', "?smart_launch=$id" ], [ 'with the handle', "?smart_launch=$l{one}{handle}", 'Smart-Session' => $id ]) {
    my ($how, $query, @headers) = @$try;
    for my $app (qw(one two)) {
        my $response = $thief->nav($place{$app} . $query, typed => 1, headers => \@headers);
        my $told = told($response);
        is_deeply [ map { $told->{$_} } qw(smart-user smart-patient smart-session remote-user) ], [ (undef) x 4 ], "SEC-10 a stolen session id $how, without the cookie, opens nothing at $app";
    }
    my $asked = request(GET => $w->url("/smart/session$query"), headers => [ 'Sec-Fetch-Site' => 'same-origin', @headers ]);
    is $asked->code, 401, "SEC-10 … nor at /session";
}
my ($cookie) = map { $_->{value} } $l{one}{window}->jar->all('__Host-smart');
nobody(request(GET => $place{three}, headers => [ Cookie => "__Host-smart=$cookie", 'Sec-Fetch-Site' => 'none' ]),
    'SEC-10 the cookie of one host, carried to another app\'s: nobody');
is request(GET => "$place{three}?smart_launch=$l{one}{handle}", headers => [ Cookie => "__Host-smart=$cookie", 'Sec-Fetch-Site' => 'none' ])->code, 401,
    'SEC-10 … with the handle, too: 401';

# A window ticket

sub ticket { my ($l, $at) = @_; return $l->{window}->xhr(POST => "$at/window", headers => [ 'Smart-Launch' => $l->{handle} ]) }
is ticket($l{one}, '/two')->code, 401, 'a launch of one app gets no ticket at the other\'s Redirect URL';
my $url = json(ticket($l{one}, '/smart'))->{url};
my $tab = SL::Browser::Window->new(jar => $l{one}{window}->jar, opener => $l{one}{window}->page);
my $wrong = $tab->nav($url =~ s{/smart/window}{/two/window}r);
is $wrong->header('Location'), undef, 'SEC-10 a ticket is not redeemed at another app\'s Redirect URL';
cmp_ok $wrong->code, '>=', 400, 'SEC-10 but refused';
is state_of($l{$_}), 'live', "SEC-10 which ends no launch: $_" for qw(one two);
is $tab->nav($url)->code, 303, 'at its own it is good yet';
is who($tab->go_on(follow => 1)), "linked alice $patient", 'and takes the launch along';
$l{one}{window} = $tab;

# The question of one app, answered at another

my $desktop = $w->browser;
my $asking = launch('one', window => frame($desktop), user => 'dr-jones');
$w->login($asking, 'bob', stop => 1);
my ($form) = $asking->{window}->forms;
my %field = map { ($_->name => $_->value) } grep { defined $_->name && $_->type ne 'submit' } $form->inputs;
my $crossing = launch('two', window => frame($desktop), user => 'dr-jones');
$w->login($crossing, 'beth', stop => 1);
like $crossing->{login}->content, qr/beth/, 'IDT-9 each app asks its own question in this browser';
my @before = links();
for my $try ([ '/two', $asking, 'at the other Redirect URL' ], [ '/two', $crossing, 'for a launch of the other app' ], [ '/smart', $crossing, 'with the other app\'s handle' ]) {
    my ($at, $whose, $what) = @$try;
    my $response = $asking->{window}->post("$at/confirm?smart_launch=$whose->{handle}", [ %field, answer => 'yes' ]);
    cmp_ok $response->code, '>=', 400, "IDT-9 the answer to one app's question, $what: refused";
    is_deeply [ links() ], \@before, 'IDT-9 … nothing is linked';
}
$asking->{window}->nav("/smart/confirm?smart_launch=$asking->{handle}");
$asking->{app} = $asking->{window}->submit(button => [ answer => 'yes' ]);
is who($asking->{app}), "linked bob $patient", 'IDT-9 where it was asked it may be answered';

# Smart-Login of one app in the name of the other's pending launch

my $pending = launch('one', window => frame($w->browser), user => 'nurse-lee');
@before = links();
my $said = answer(headers => [ 'Smart-Login' => 'mallory' ]);
for my $url ("/papp/two/?smart_launch=$pending->{handle}&$said", "/papp/two/?$said") {
    $pending->{window}->nav($url);
    is_deeply [ links() ], \@before, 'IDT-9 Smart-Login from another app links no launch of this one';
}
is who(reread($pending, 'one')), 'pending - -', 'IDT-9 which waits as before';

# A session without an EHR

my $desk = $w->browser->window;
$desk->type("$place{one}?" . answer(headers => [ 'Smart-Login' => 'alice' ]));
is told($desk->type($place{one}))->{'smart-user'}, 'alice', 'LCH-4 a session of alice in one app';
nobody($desk->type($place{two}), 'LCH-4 is none in the other');
is $desk->type('/smart/start?ehr=sandbox&return=/papp/two/')->code, 400, 'LCH-4 nor does a standalone launch of one return to the other'
    if $desk->nav($place{one});
$ehr->settings(standalone => { user => 'dr-smith', patient => $patient });
$desk->type("$place{two}?" . answer(headers => [ 'Smart-Login' => 'anna' ]));
is told($desk->type($place{$_->[0]}))->{'smart-user'}, $_->[1], "LCH-4 $_->[1] has one of her own in $_->[0]" for [ one => 'alice' ], [ two => 'anna' ];

# The app's own cookies

my $kept = launch('one', window => frame($browser));
$kept->{window}->nav("$place{one}?smart_launch=$kept->{handle}&" . answer(headers => [ 'Set-Cookie' => 'PHPSESSID=of-one; HttpOnly; Path=/' ]));
like told(reread($kept, 'one'))->{cookie} // '', qr/PHPSESSID=of-one/, 'SEC-7 a cookie of one app in its launch';
unlike told(reread($l{two}, 'two'))->{cookie} // '', qr/of-one/, 'SEC-7 is not seen by the other in its own';

# The end

is $kept->{window}->xhr(POST => "/two/logout?smart_launch=$kept->{handle}", body => '')->code, 401, 'SEC-9 a logout at the other app\'s Redirect URL: 401';
is state_of($kept), 'live', 'SEC-9 ends nothing';
is $kept->{window}->xhr(POST => "/smart/logout?smart_launch=$kept->{handle}", body => '')->code, 200, 'SEC-9 at its own';
is state_of($_), 'live', 'SEC-9 ends this one, and no other app\'s' for @l{qw(two three)};
my $last = launch('one', window => frame($browser));
is $last->{window}->xhr(POST => "/smart/logout?smart_launch=$last->{handle}&all=1", body => '')->code, 200, 'SEC-9 all=1 takes the browser\'s cookie';
is state_of($l{two}), 'ended', 'SEC-9 so it ends the other app\'s launch, which nobody could reach any more';
wait_for('the end of its session', sub { at_gate('two', 'Smart-Session' => $l{two}{session}) == 401 });
pass 'SEC-9 with its session';
is state_of($l{three}), 'live', 'SEC-9 not those of another host, whose cookie is another';
is who(reread($l{three}, 'three')), "linked al $patient", 'SEC-9 where the work goes on';
is state_of($asking), 'live', 'SEC-9 nor another browser\'s';

$httpd->expect_log(qw(SL2531 SL5806 SL5807 SL6005 SL4903 SL6330));
$httpd->allow_log(qw(SL6302 SL6301 SL6303));
done();
