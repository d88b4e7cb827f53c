#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Standalone launch: the user is in the app, logs in to the EHR at <redirect>/start and comes back to
# the page she left. With each way of linking but SmartLink site (t/site.t).
# mpm: all
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use URI;
use URI::Escape qw(uri_escape);

my $scope = 'openid fhirUser offline_access launch/patient patient/*.rs';
my $w = world(start => 0, ehr => { tenants => 'b,c' }, ehr_block => "SmartStandaloneScope \"$scope\"");
my ($ehr, $httpd, $pg) = ($w->ehr, $w->httpd, $w->pg);
my $echo = "http://127.0.0.1:$httpd->{echo}{port}";
my %tenant = map { $_ => $ehr->tenant($_) } qw(b c);
my @redirects = map { $w->url("/$_") } qw(smart smart-same smart-none smart-quick);
for my $one ($ehr, values %tenant) {
    my ($client) = SL::EHR::default_clients($redirects[0]);
    $one->clients({ %$client, redirect_uris => \@redirects });
}
# Two more EHRs: b knows user-level scopes only, c no standalone launch at all.
$httpd->{extra} = join "\n", map { my ($name, $more) = @$_; <<"CONF" } [ b => 'SmartStandaloneScope "openid fhirUser user/*.rs"' ], [ c => '' ];
<SmartEHR $name>
    SmartIssuer ${\ $ehr->issuer($name) }
    SmartClient app-basic
    SmartClientSecret file:$httpd->{dir}/secret
    SmartScope "launch openid fhirUser patient/*.rs"
    SmartIdentity id_token:preferred_username
    SmartOutbound ca=${\ SL::TLS::ca() }
    $more
</SmartEHR>
CONF
$httpd->{redirect} = 'SmartServe sandbox c';
$httpd->{vhost} = join "\n", map { my ($name, $link, $serve) = @$_; <<"CONF" }
    ProxyPass /$name/ $echo/$name/
    <Location /smart-$name>
        SmartTarget /$name/
        SmartApp $name
        SmartLink $link
        SmartServe $serve
    </Location>
    <Location /$name>
        AuthType Smart
        SmartApp $name
        SmartLogin on
        Require all granted
    </Location>
CONF
    [ same => 'same-name', 'sandbox b c' ], [ none => 'none', 'b' ], [ quick => 'app confirm=off', 'sandbox' ];
$httpd->start;
my @patients = @{ $ehr->patients };

# Helpers

sub links { return $pg->rows('SELECT * FROM smartlaunch.link ORDER BY linked_at') }
sub active { return sort map { "$_->{app} $_->{ehr_user}=$_->{app_user} $_->{how}" } grep { !$_->{revoked_at} } links() }
sub launches { my ($one) = $pg->rows(q{SELECT count(*) AS n FROM smartlaunch.launch WHERE kind = 'standalone'}); return $one->{n} }
sub newest { my ($row) = $pg->rows(q{SELECT * FROM smartlaunch.launch WHERE kind = 'standalone' ORDER BY created_at DESC LIMIT 1}); return $row }
sub told { my ($response) = @_; return { map { /^smart-(.*)/ ? ($1 => json($response)->{headers}{$_}) : () } keys %{ json($response)->{headers} } } }

# Who logs in at the EHR, and whom she picks.
sub at_ehr { my (%who) = @_; $_->settings(standalone => { user => 'dr-smith', patient => $patients[0], %who }) for $ehr, values %tenant; return }

sub start_path {
    my ($redirect, %query) = @_;
    my $uri = URI->new("/$redirect/start");
    $uri->query_form(map { $_ => $query{$_} } sort keys %query);
    return "$uri";
}

# A window of an app in which $user has logged in (undef: nobody of whom we know).
sub logged_in {
    my ($app, $user, $browser) = @_;
    my $window = ($browser || $w->browser)->window;
    my $login = defined $user ? '?' . answer(headers => [ 'Smart-Login' => $user ]) : '';
    $window->type($w->url("/$app/login$login"));
    return $window;
}

# From the app's page by a link to the EHR and back, up to the answer to the callback.
sub go {
    my ($window, $path) = @_;
    my %got = (window => $window, start => $window->nav($path));
    return \%got if !$window->location;
    $got{authorize} = $window->nav($window->location, follow => 1, until => qr/^\Q${\ $w->url }\E/);
    $got{callback} = $window->nav($window->location);
    $got{handle} = SL::handle_of($window->location);
    return \%got;
}

sub asked { return { URI->new($_[0]{start}->header('Location'))->query_form } }

# An app user whom the app has told us of: one question, and back to the page.

at_ehr();
my $window = logged_in(papp => 'alice');
my $page = $window->nav('/papp/work?x=1&y=%C3%A9');
is told($page)->{user}, 'alice', 'LCH-4 alice is at work in the app, without an EHR';
$ehr->forget;
my $first = go($window, start_path(smart => (ehr => 'sandbox', return => '/papp/work?x=1&y=%C3%A9')));
is $first->{start}->code, 302, 'LCH-4 /start leads to the EHR at once: the app\'s own page asked' or diag $first->{start}->as_string;
my $asked = asked($first);
is_deeply [ sort keys %$asked ], [ sort qw(response_type client_id redirect_uri scope state aud code_challenge code_challenge_method) ],
    'LCH-4 AZR-4 no launch in the authorize request';
is $asked->{scope}, $scope, 'AZR-4 the scopes are exactly SmartStandaloneScope, without launch';
is $asked->{aud}, $ehr->issuer, 'AZR-3 aud is the configured issuer';
is $asked->{redirect_uri}, $w->url('/smart'), 'AZR-5 the redirect URI is the one that is registered';
is_deeply [ map { $first->{start}->header($_) } qw(Cache-Control Referrer-Policy) ], [qw(no-store no-referrer)],
    'LCH-7 nobody keeps this answer, nobody is told where it came from';
is_deeply [ @{ newest() }{qw(kind return_to app_user login_user)} ], [ 'standalone', '/papp/work?x=1&y=%C3%A9', undef, 'alice' ],
    'LCH-4 stored as a standalone launch, with the way back and the question';
is $first->{callback}->header('Location'), $w->url("/smart/confirm?smart_launch=$first->{handle}"), 'LCH-4 she is asked first';
my $question = $window->go_on;
like $question->decoded_content, qr/Join dr-smith at sandbox with alice\?.*You logged in to sandbox as dr-smith, and to this application as alice\./s,
    'the page names both';
is_deeply [ active() ], [], 'asking links nothing';
my $back = $window->submit(button => [ answer => 'yes' ]);
is $window->page->path_query, "/papp/work?x=1&y=%C3%A9&smart_launch=$first->{handle}", 'LCH-4 back on the page she left';
is_deeply [ @{ told($back) }{qw(user link patient ehr ehr-user)} ], [ 'alice', 'linked', $patients[0], 'sandbox', 'dr-smith' ],
    'CTX-1 as alice, with the patient she picked at the EHR';
is_deeply [ active() ], ['app dr-smith=alice app'], 'and the link is stored';
is scalar($ehr->log('/auth/token')), 1, 'TKR-1 one token request';
my $typed = SL::Browser::Window->new(jar => $window->jar)->type($w->url('/papp/home'));
is_deeply [ $typed->code, @{ told($typed) }{qw(user patient)} ], [ 200, 'alice', $patients[0] ],
    'CTX-10 her own session is no other patient: an address without a handle meets no chooser';

# The next time there is nothing to ask.

my $again = go($window, start_path(smart => (ehr => 'sandbox', return => '/papp/work')));
is $again->{callback}->header('Location'), $w->url("/papp/work?smart_launch=$again->{handle}"), 'LCH-4 the second time leads straight back';
isnt $again->{handle}, $first->{handle}, 'LCH-5 as a launch of its own';
is told($window->go_on)->{user}, 'alice', 'as alice';

# Logged out is logged out of both.
$window->nav("/papp/out?smart_launch=$again->{handle}&" . answer(headers => [ 'Smart-Logout' => 1 ]));
is_deeply [ map { $_->{state} } $pg->rows(q{SELECT state FROM smartlaunch.launch WHERE kind = 'session'}) ], ['ended'],
    'Smart-Logout ends the session, too, from which the launch came';
$window->nav("/papp/out?smart_launch=$first->{handle}&" . answer(headers => [ 'Smart-Logout' => 1 ]));
is told(SL::Browser::Window->new(jar => $window->jar)->type($w->url('/papp/home')))->{user}, undef, 'nobody is logged in here any more';

# Without SmartTarget's page; the app names nobody before.

my $stranger = logged_in('papp');
at_ehr(user => 'dr-jones', patient => $patients[1]);
my $pending = go($stranger, start_path(smart => (ehr => 'sandbox')));
is $pending->{callback}->header('Location'), $w->url("/papp/?smart_launch=$pending->{handle}"),
    'LCH-4 without return: SmartTarget; nobody is known, nobody is asked';
my $told = told($stranger->go_on);
is_deeply $told, { link => 'pending', launch => $pending->{handle}, ehr => 'sandbox', 'ehr-user' => 'dr-jones' },
    'the launch waits for a login, and tells no patient';
$w->login($pending, 'bob');
is_deeply [ @{ told($pending->{app}) }{qw(user patient)} ], [ 'bob', $patients[1] ], 'which may come afterwards, as in any launch';

# The click itself says who it is: Smart-Login and the way to /start in one answer.

my $click = $w->browser->window;
$click->type($w->url('/papp/'));
my $to = answer(status => 302, headers => [ 'Smart-Login' => 'bob', Location => start_path(smart => (ehr => 'sandbox', return => '/papp/x')) ]);
$click->nav("/papp/click?$to");
my $clicked = go($click, $click->location);
is $clicked->{callback}->header('Location'), $w->url("/papp/x?smart_launch=$clicked->{handle}"), 'design 5.5 a click answered by Smart-Login and a redirect to /start';
is told($click->go_on)->{user}, 'bob', 'comes back as bob';

# Whose it is not.

$ehr->forget;
my @links = active();
at_ehr(user => 'dr-smith');
my $other = logged_in(papp => 'bob');
my $wrong = go($other, start_path(smart => (ehr => 'sandbox', return => '/papp/')));
is $wrong->{callback}->code, 409, 'bob began it and dr-smith is alice: 409';
$httpd->expect_log('SL4410');
is_deeply [ scalar $wrong->{callback}->header('Location'), newest()->{state} ], [ undef, 'failed' ], 'it leads nowhere and the launch is closed';
is_deeply [ $pg->rows('SELECT 1 FROM smartlaunch.token t JOIN smartlaunch.launch l ON l.id = t.launch WHERE l.state = ?', 'failed') ], [], 'no token of it is kept';
is told($other->nav('/papp/'))->{user}, 'bob', 'bob goes on as bob';
at_ehr(user => 'nurse-lee');
$wrong = go($other, start_path(smart => (ehr => 'sandbox', return => '/papp/')));
is $wrong->{callback}->code, 409, 'bob is linked with dr-jones, and nurse-lee logged in: 409';
$httpd->expect_log('SL4411');
is_deeply [ active() ], \@links, 'nothing was linked or overwritten';

# Two patients at a time: each by its name, nobody guesses.

my $desk = logged_in(papp => 'alice');
at_ehr(user => 'dr-smith', patient => $patients[0]);
my $one = go($desk, start_path(smart => (ehr => 'sandbox', return => '/papp/a')));
$desk->go_on;
at_ehr(user => 'dr-smith', patient => $patients[2]);
my $two = go($desk, start_path(smart => (ehr => 'sandbox', return => '/papp/b')));
is_deeply [ map { told($desk->type($w->url("/papp/?smart_launch=$_->{handle}")))->{patient} } $one, $two ], [ @patients[ 0, 2 ] ],
    'CTX-10 two standalone launches, each with its own patient';
is $desk->type($w->url('/papp/'))->code, 409, 'CTX-10 an address without a handle gets the chooser, session or not';
is told($desk->type($w->url("/papp/c?smart_launch=$one->{handle}")))->{patient}, $patients[0], 'CTX-10 and the first is as it was';

# SmartLink same-name, none, and app with confirm=off.

at_ehr(user => 'dr-smith', patient => $patients[0]);
my $same = go(logged_in('same', 'dr-smith'), start_path('smart-same', ehr => 'sandbox', return => '/same/p'));
is_deeply [ map { told($same->{window}->go_on)->{$_} } qw(user) ], ['dr-smith'], 'LCH-4 SmartLink same-name: back at once';
is $same->{window}->page->path, '/same/p', 'on the page she left';
$same = go(logged_in('same'), start_path('smart-same', ehr => 'sandbox', return => '/same/p'));
is told($same->{window}->go_on)->{user}, 'dr-smith', 'also where the app had not named her';
$wrong = go(logged_in('same', 'mallory'), start_path('smart-same', ehr => 'sandbox', return => '/same/p'));
is $wrong->{callback}->code, 409, 'and never as another than the one who began it';

my $none = go(logged_in('none'), start_path('smart-none', return => '/none/p'));
is asked($none)->{scope}, 'openid fhirUser user/*.rs', 'LCH-4 without ehr: the one EHR that has a standalone scope';
$told = told($none->{window}->go_on);
is_deeply [ @{$told}{qw(link ehr ehr-user user patient scope)} ], [ 'none', 'b', 'dr-smith', undef, undef, 'openid fhirUser user/*.rs' ],
    'LCH-4 SmartLink none, user-level scopes: no patient, and the app maps the user itself';

my $quick = go(logged_in('quick', 'erin'), start_path('smart-quick', return => '/quick/p'));
is told($quick->{window}->go_on)->{user}, 'erin', 'LCH-4 confirm=off: nothing is asked';
is scalar(grep { /^quick dr-smith=erin app$/ } active()), 1, 'and linked';
$pg->dbh->do(q{UPDATE smartlaunch.link SET revoked_at = now() WHERE app = 'quick'});
$quick = go(logged_in('quick', 'erin'), start_path('smart-quick', return => '/quick/p'));
like $quick->{callback}->header('Location'), qr{/smart-quick/confirm\?}, 'a link that was revoked is asked for again, also with confirm=off';

# CTX-8
$ehr->faults(token => { patch => { patient => undef }, times => 1 });
my $unpicked = go(logged_in('papp'), start_path(smart => (ehr => 'sandbox')));
is $unpicked->{callback}->code, 403, 'CTX-8 launch/patient was asked for, and no patient came: refused' or diag $unpicked->{callback}->as_string;
like $unpicked->{callback}->decoded_content, qr{<a href="[^"]*/smart/start\?ehr=sandbox">Log in again}, 'and the page leads back to the beginning, not to a chart';
$ehr->faults;

# The user or the EHR says no.
at_ehr(refuse => JSON::PP::true());
my $refused = go(logged_in('papp'), start_path(smart => (ehr => 'sandbox', return => '/papp/p?q=1')));
is $refused->{callback}->code, 403, 'CBK-4 access_denied at the EHR is 403';
like $refused->{callback}->decoded_content, qr{<a href="[^"]*/smart/start\?ehr=sandbox&amp;return=%2Fpapp%2Fp%3Fq%3D1">}, 'with a way to try again';
at_ehr();
is go($refused->{window}, start_path(smart => (ehr => 'sandbox')))->{callback}->code, 303, 'which works';
$httpd->expect_log(qw(SL2154 SL4311));

# Refused, before anything is asked or stored.

$ehr->forget;
my $before = launches();
my $in_app = logged_in(papp => 'alice');
for my $case (
    [ 403, 'SL2963', 'an EHR that is not configured', 'ehr=unknown' ],
    [ 403, 'SL2963', 'an EHR by its URL', 'ehr=' . uri_escape($ehr->issuer) ],
    [ 403, 'SL2963', 'an EHR that this Redirect URL does not serve', 'ehr=b' ],
    [ 403, 'SL2963', 'an EHR in other letters', 'ehr=Sandbox' ],
    [ 403, 'SL2962', 'an EHR without SmartStandaloneScope', 'ehr=c' ],
    [ 400, 'SL2960', 'two EHRs', 'ehr=sandbox&ehr=c' ],
    [ 400, 'SL2960', 'an empty EHR', 'ehr=' ],
    [ 400, 'SL2960', 'two ways back', 'ehr=sandbox&return=/papp/&return=/papp/x' ],
    [ 400, 'SL2960', 'an empty way back', 'ehr=sandbox&return=' ],
    map({ [ 400, $_->[1], "return $_->[0]", 'ehr=sandbox&return=' . uri_escape($_->[0]) ] }
        [ 'https://evil.example/', 'SL2961' ], [ '//evil.example/', 'SL2961' ], [ '/\\evil.example', 'SL2961' ], [ '\\\\evil', 'SL2961' ],
        [ '/%2Fevil.example', 'SL2961' ], [ '%2F%2Fevil.example', 'SL2961' ], [ "/papp/\r\nX: y", 'SL2961' ], [ '/papp/%0d%0aX:y', 'SL2961' ],
        [ 'papp/', 'SL2961' ], [ '/papp/../plain/', 'SL2961' ], [ '/papp/%2e%2e/plain/', 'SL2961' ], [ '/papp/#x', 'SL2961' ],
        [ 'javascript:alert(1)', 'SL2961' ], [ '/papp/' . 'a' x 3000, 'SL2961' ], [ "/papp/\t", 'SL2961' ],
        [ '/plain/', 'SL6330' ], [ '/', 'SL6330' ], [ '/same/', 'SL6330' ], [ '/smart', 'SL6330' ], [ '/smart/logout', 'SL6330' ],
        [ '/smart-same/start', 'SL6330' ], [ '/papp%2Fx', 'SL6330' ], [ '/pappx/', 'SL6330' ]),
) {
    my ($status, $id, $what, $query) = @$case;
    $what =~ s/([\r\n\t])/sprintf '\\x%02x', ord $1/ge;
    $what = substr $what, 0, 60;
    for my $how ('GET', 'POST') {
        $in_app->nav('/papp/');
        my $response = $how eq 'GET' ? $in_app->nav("/smart/start?$query")
            : $in_app->nav('/smart/start', method => 'POST', body => $query, type => 'application/x-www-form-urlencoded');
        is $response->code, $status, "LCH-4 AZR-13 $how $what: $status";
        is $response->header('Location'), undef, "AZR-13 $how $what: leads nowhere";
    }
    ok $httpd->error_log =~ /\b$id: /, "LCH-4 $what: $id";
    $httpd->expect_log($id);
}
is launches(), $before, 'LCH-4 none of these was stored';
is_deeply [ grep { $_->{path} ne '/auth/revoke' } $ehr->log ], [], 'LCH-4 nor was the EHR asked anything';
for my $method (qw(HEAD PUT DELETE OPTIONS)) {
    my $response = $in_app->xhr($method, start_path(smart => (ehr => 'sandbox')));
    is_deeply [ $response->code, scalar $response->header('Allow'), scalar $response->header('Set-Cookie') ], [ 405, 'GET, POST', undef ], "LCH-7 $method starts nothing";
}
$httpd->expect_log('SL6001');

# Without proof of our own origin: a page with one button.

my $path = start_path(smart => (ehr => 'sandbox', return => '/papp/a?b=<c>'));
my @no_fetch = (without => qr/^(?:Sec-Fetch-.*|Origin)$/);
for my $case (
    [ 'a link on another site', sub { my $at = shift; $at->type($ehr->base . '/'); return $at->nav($w->url($path)) } ],
    [ 'typed or bookmarked', sub { return $_[0]->type($w->url($path)) } ],
    [ 'a browser that proves nothing', sub { return $_[0]->nav($path, @no_fetch) } ],
    [ 'a form of another site', sub { my $at = shift; $at->type($ehr->base . '/'); return $at->post($w->url('/smart/start'), { ehr => 'sandbox' }) } ],
    [ 'another site, by its Origin', sub { return $_[0]->nav($path, @no_fetch, headers => [ Origin => 'https://evil.example' ]) } ],
    [ 'a prefetch', sub { return $_[0]->nav($path, headers => [ 'Sec-Purpose' => 'prefetch' ]) } ],
    [ 'a script', sub { return $_[0]->xhr('GET', $path) } ],
) {
    my ($what, $visit) = @$case;
    my $at = logged_in(papp => 'alice');
    $ehr->forget;
    my $response = $visit->($at);
    is $response->code, 200, "design 12 $what: a page";
    my ($form, @more) = HTML::Form->parse($response->decoded_content, base => $w->url('/smart/start'), strict => 0);
    is_deeply [ scalar(@more), $form->method, $form->action->path, scalar(grep { $_->type eq 'submit' } $form->inputs) ], [ 0, 'POST', '/smart/start', 1 ],
        "design 12 $what: with one button";
    is_deeply [ launches(), grep { $_->{path} !~ m{^/$|/auth/revoke$} } $ehr->log ], [$before], "design 12 $what: nothing is stored, nothing asked";
    is $response->header('Set-Cookie'), undef, "design 12 $what: no cookie";
}
my $asking = logged_in(papp => 'alice');
my $button = $asking->type($w->url($path));
unlike $button->decoded_content, qr/<c>|<script|onclick/i, 'SEC-4 what the URL says is escaped, and there is no script';
like $button->header('Content-Security-Policy'), qr/default-src 'none'.*base-uri 'none'; frame-ancestors 'self' \Q${\ $ehr->base }\E$/, 'SEC-4 with a strict policy';
my $pressed = $asking->submit(button => [ answer => 'yes' ], follow => 0);
is $pressed->code, 302, 'LCH-4 the button leads to the EHR';
like $pressed->header('Location'), qr{^\Q${\ $ehr->auth }\E/}, 'LCH-4 and nowhere else';
is newest()->{return_to}, '/papp/a?b=<c>', 'with the way back';
$asking->type($w->url($path));
is $asking->submit(button => [ answer => 'yes' ], follow => 0, without => qr/^Sec-Fetch-/)->code, 302, 'LCH-4 also of a browser that sends no Sec-Fetch headers';

# Several EHRs: the user says which.

my $which = logged_in('same');
my $choice = $which->nav('/smart-same/start?return=/same/p');
is $choice->code, 200, 'LCH-4 without ehr, and two have a standalone scope: a page asks';
my @choices = $choice->decoded_content =~ /<a href="([^"]+)"/g;
is_deeply \@choices, [ map { "/smart-same/start?ehr=$_&amp;return=%2Fsame%2Fp" } qw(sandbox b) ], 'LCH-4 and offers those two';
my $b = go($which, '/smart-same/start?ehr=b&return=%2Fsame%2Fp');
is $b->{start}->code, 302, 'LCH-4 its links need no button';
is told($b->{window}->go_on)->{ehr}, 'b', 'LCH-4 and lead to that EHR';

# When it is over: the way back is in the app.

my $worker = logged_in(papp => 'alice');
my $live = go($worker, start_path(smart => (ehr => 'sandbox', return => '/papp/form?id=7')));
$worker->go_on;
$pg->dbh->do(q{UPDATE smartlaunch.launch SET expires_at = now() - interval '1 second' WHERE state = 'live'});
my $script = wait_for('the launch to be over', sub { my $r = $worker->xhr('GET', '/papp/api'); return $r->code == 401 ? $r : 0 });
my $relaunch = $w->url('/smart/start?ehr=sandbox&return=%2Fpapp%2Fform%3Fid%3D7');
is json($script)->{relaunch_url}, $relaunch, 'relaunch_url of a standalone launch: /start, and back to the page';
my $over = $worker->nav('/papp/next?a=1');
is $over->code, 303, 'a page of it is sent on with its handle' if $over->code == 303;
$over = $worker->go_on if $over->code == 303;
is $over->code, 401, 'a page of it is 401';
my ($link) = $over->decoded_content =~ /<a href="([^"]+)">Log in again/;
is $link =~ s/&amp;/&/gr, $w->url('/smart/start?ehr=sandbox&return=%2Fpapp%2Fnext%3Fa%3D1'), 'with a way to begin again';
unlike $over->decoded_content, qr/chart/, 'that does not speak of a chart';
my $renewed = go($worker, $link =~ s/&amp;/&/gr);
is $renewed->{start}->code, 302, 'which leads to the EHR';
is $renewed->{callback}->header('Location'), $w->url("/papp/next?a=1&smart_launch=$renewed->{handle}"), 'and back to that page';
$httpd->expect_log('SL2531');
my $chart = $w->launch(window => $w->browser->frame($ehr->base . '/'));
$pg->dbh->do(q{UPDATE smartlaunch.launch SET expires_at = now() - interval '1 second' WHERE state = 'live'});
$script = wait_for('the launch to be over', sub { my $r = $chart->{window}->xhr('GET', '/papp/api'); return $r->code == 401 ? $r : 0 });
is json($script)->{relaunch_url}, undef, 'relaunch_url of an EHR launch: none, it begins in the chart';

# SEC-5: nothing of it is in a log
my $logs = $httpd->error_log . $httpd->access_log;
is scalar(grep { $logs =~ /\Q$_->{handle}\E/ } $first, $two, $live), 0, 'SEC-5 no handle in any log';
is_deeply [ $logs =~ /^.*(?:return=|state=|code=).*$/mg ], [], 'SEC-5 no query of ours in any log';

done();
