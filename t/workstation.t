#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A shared workstation: one browser, several people. Nobody works under somebody else's name
# (design section 12, "Shared workstation"), and logins without a launch (section 11).
# mpm: all
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;

my $w = world();
my ($ehr, $httpd, $pg) = ($w->ehr, $w->httpd, $w->pg);
my @patients = @{ $ehr->patients };

# Another frame, or another tab, of the same browser.
sub beside {
    my ($window, %how) = @_;
    return SL::Browser::Window->new(jar => $window->jar, top => $window->{top}, opener => $window->{opener}, %how);
}

sub row {
    my ($got) = @_;
    my ($row) = $pg->rows(q{SELECT l.state, l.end_reason, l.app_user, t.status AS token, t.access_sealed
        FROM smartlaunch.launch l LEFT JOIN smartlaunch.token t ON t.launch = l.id
        WHERE l.handle_hash = sha256(?)},
        $got->{handle});
    return $row;
}

# What the launch's own window gets: the user, or the status.
sub user_of {
    my ($got, $path) = @_;
    my $response = $got->{window}->nav($w->url(($path // '/papp/') . "?smart_launch=$got->{handle}"));
    return $response->code == 200 ? json($response)->{headers}{'smart-user'} // 'nobody' : $response->code;
}

sub says {
    my ($window, $path, @headers) = @_;
    return $window->type($w->url("$path?") . answer(headers => \@headers));
}

# Links, made in browsers of their own.
$w->launch(login => 'alice');
$w->launch(user => 'dr-jones', login => 'bob');

# Another clinician opens a chart in the same browser

my $alice = $w->launch(patient => $patients[0]);
my $alice2 = $w->launch(window => beside($alice->{window}), patient => $patients[1]);
is_deeply [ user_of($alice), user_of($alice2) ], [qw(alice alice)],
    'two charts of one clinician live side by side';
my $lone = $alice->{window}->jar->copy;
my %jones = (user => 'dr-jones', patient => $patients[2], stop => 'callback');
my $bob = $w->launch(window => beside($alice->{window}), %jones);
is $bob->{callback}->code, 303, 'the next clinician\'s callback';
like $bob->{window}->location, qr{/smart/confirm\?smart_launch=\Q$bob->{handle}\E$},
    'leads to a page of ours first';
is row($bob)->{state}, 'held', 'her launch has not begun';
my $page = $bob->{window}->go_on;
like $page->decoded_content, qr/You are now bob/, 'the page says who she is now';
unlike $page->decoded_content, qr/alice/, 'and not who was there before';
like $page->header('Content-Security-Policy'), qr/frame-ancestors 'self' \Q${\ $ehr->base }/,
    'the EHR may frame it';
is_deeply [ user_of($alice), user_of($alice2) ], [qw(alice alice)], 'until she answers, the others go on';
$httpd->forget;
is $bob->{window}->nav("/papp/?smart_launch=$bob->{handle}")->code, 401, 'and her launch opens nothing';
$httpd->expect_log('SL2531');
is scalar($httpd->seen), 0, 'the app is not asked';
my $callback = $bob->{window}->nav($bob->{callback_url});
like $callback->header('Location') // '', qr{/smart/confirm\?},
    'CBK-3 the callback again leads to the page again';
is scalar(grep { $_->{method} eq 'POST' } $ehr->log('/auth/token')), 5, 'CBK-3 with no further token call';

$bob->{window}->go_on;
my ($form) = $bob->{window}->forms;
my %fields = (answer => 'yes', token => $form->value('token'));
my $at = "/smart/confirm?smart_launch=$bob->{handle}";
for my $case (
    [ 'a forged token', { %fields, token => 'x' x 43 } ],
    [ 'another site', \%fields, without => qr/^(?:Origin|Sec-Fetch-Site)$/,
        headers => [ Origin => 'https://evil.example', 'Sec-Fetch-Site' => 'cross-site' ] ],
    [ 'no proof', \%fields, without => qr/^(?:Origin|Sec-Fetch-.*|Referer)$/ ],
) {
    my ($what, $body, %opt) = @$case;
    is $bob->{window}->post($at, $body, %opt)->code, 403, "$what does not change who is here";
    is_deeply [ row($bob)->{state}, user_of($alice) ], [qw(held alice)], "$what: all is as before";
    $bob->{window}->nav($at);
}
$httpd->expect_log('SL6301');
is $bob->{window}->nav("$at&answer=yes&token=$fields{token}")->code, 200, 'a GET does not, either';
is row($bob)->{state}, 'held', 'whatever it says';
my $elsewhere = $w->browser->frame($ehr->base . '/');
is $elsewhere->nav($w->url($at))->code, 401, 'another browser finds nothing there';
$httpd->expect_log('SL6302');

my $before = $bob->{window}->jar->get('__Host-smart')->{value};
$bob->{window}->nav($at);
$bob->{app} = $bob->{window}->submit(button => [ answer => 'yes' ]);
is json($bob->{app})->{headers}{'smart-user'}, 'bob', 'Go on: she is bob';
is json($bob->{app})->{headers}{'smart-patient'}, $patients[2], 'with her patient';
isnt $bob->{window}->jar->get('__Host-smart')->{value}, $before, 'and a new cookie';
is_deeply [ map { @{ row($_) }{qw(state end_reason)} } $alice, $alice2 ], [ ('ended', 'other user') x 2 ],
    'the launches of the one before have ended';
is_deeply [ map { user_of($_) } $alice, $alice2 ], [ 401, 401 ], 'their windows say: launch again';
my $typed = beside($bob->{window});
is json($typed->type($w->url('/papp/?smart_launch=') . $bob->{handle}))->{headers}{'smart-user'}, 'bob',
    'bob goes on';
my $unnamed = beside($bob->{window})->type($w->url('/papp/'));
unlike $unnamed->content, qr/alice|\Q$patients[0]\E|\Q$patients[1]\E/,
    'a request without handle knows nothing of alice';

# The old cookie opens nothing of the new user.
my $old = SL::Browser::Window->new(jar => $lone, top => $alice->{window}{top});
is $old->type($w->url("/papp/?smart_launch=$bob->{handle}"))->code, 401,
    'old cookie: bob\'s launch is not open to it';
is $old->type($w->url("/papp/?smart_launch=$alice->{handle}"))->code, 401,
    'old cookie: nor is alice\'s any more';

# She says no

my $back = $w->launch(window => beside($bob->{window}), patient => $patients[0], stop => 'callback');
$back->{window}->go_on;
like $back->{window}->response->decoded_content, qr/You are now alice/, 'alice comes back';
my $no = $back->{window}->submit(button => [ answer => 'no' ]);
like $no->decoded_content, qr/Nothing was changed/, 'and leaves it';
is_deeply [ @{ row($back) }{qw(state token access_sealed)} ], [ 'ended', 'revoked', undef ],
    'her launch has ended, with its token';
is user_of($bob), 'bob', 'bob was not disturbed';

# Somebody who is not linked yet

my $new = $w->launch(window => beside($bob->{window}), user => 'nurse-lee', stop => 'callback');
$new->{window}->go_on;
like $new->{window}->response->decoded_content, qr/You are now nurse-lee/,
    'one who is not linked is told by her EHR name';
$new->{app} = $new->{window}->submit(button => [ answer => 'yes' ]);
is json($new->{app})->{headers}{'smart-link'}, 'pending', 'she goes on to the app\'s login';
is user_of($bob), 401, 'and bob has left';
my $third = $w->launch(window => beside($new->{window}), user => 'dr-jones', stop => 'callback');
$third->{window}->go_on;
$third->{app} = $third->{window}->submit(button => [ answer => 'yes' ]);
is json($third->{app})->{headers}{'smart-user'}, 'bob', 'who comes back before she has logged in';
is_deeply [ @{ row($new) }{qw(state token access_sealed)} ], [ 'ended', 'revoked', undef ],
    'her launch is over, and its token, which was nobody\'s, is not left behind';
is $pg->value(q{SELECT count(*) FROM smartlaunch.token t JOIN smartlaunch.launch l ON l.id = t.launch
    WHERE t.app_user IS NULL AND t.status = 'active' AND l.state IN ('ended', 'failed')}), 0,
        'no token of nobody is left';

# A pending launch whose person turns out to be another than the one who is live

my $sitting = $w->launch;
my $guest = $w->launch(window => beside($sitting->{window}), user => 'nurse-lee', stop => 'callback');
$guest->{window}->go_on;
$guest->{app} = $guest->{window}->submit(button => [ answer => 'yes' ]);
$w->login($guest, 'carol');
is json($guest->{app})->{headers}{'smart-user'}, 'carol', 'a new clinician links herself';
is_deeply [ @{ row($sitting) }{qw(state end_reason)} ], [ 'ended', 'other user' ],
    'and the one before has left';

# The same person again is no change

my $same = $w->launch(window => beside($guest->{window}), user => 'nurse-lee', patient => $patients[1]);
is json($same->{app})->{headers}{'smart-user'}, 'carol', 'the same clinician is not asked';
is user_of($guest), 'carol', 'and both charts stay open';

# Who is gone is not asked about

my $idle = $w->launch;
$pg->dbh->do(q{UPDATE smartlaunch.launch SET last_seen_at = now() - interval '31 minutes'
    WHERE handle_hash = sha256(?)}, undef, $idle->{handle});
my $fresh = $w->launch(window => beside($idle->{window}), user => 'dr-jones', stop => 'callback');
unlike $fresh->{window}->location, qr/confirm/, 'a launch that lapsed is nobody to be asked about';
is row($idle)->{state}, 'ended', 'it is ended for good';
is user_of($fresh), 'bob', 'and the next one is in';

# Logins without a launch

my $browser = $w->browser;
my $tab = $browser->window;
my $login = says($tab, '/papp/login', 'Smart-Login' => 'dave', 'Set-Cookie' => 'PHPSESSID=d; Path=/; HttpOnly');
is $login->code, 200, 'a login without a launch: the app\'s answer';
is $login->header('Smart-Login'), undef, 'without Smart-Login';
like $login->header('Cache-Control'), qr/no-store/, 'never cached';
my ($session_cookie) = $browser->jar->all('__Host-smart');
ok $session_cookie, 'and our cookie' or diag $login->as_string;
my $told = json($tab->type($w->url('/papp/')))->{headers};
is_deeply [ @{$told}{qw(smart-user smart-link)} ], [qw(dave none)], 'the next page is dave\'s';
is_deeply [ grep { /^smart-(?:patient|ehr|ehr-user|session|session-base-url|scope|encounter)$/ } keys %$told ], [],
    'with no EHR, no patient, no session id';
my $env = json($tab->type($w->url('/app/')))->{env};
is $env->{REMOTE_USER}, 'dave', 'REMOTE_USER too';
is_deeply [ $pg->rows(q{SELECT kind, state, app_user, ehr, patient FROM smartlaunch.launch
    WHERE app_user = 'dave'}) ],
    [ { kind => 'session', state => 'live', app_user => 'dave', ehr => undef, patient => undef } ],
        'one row, of kind session';
says($tab, '/papp/', 'Smart-Login' => 'dave');
is $pg->value(q{SELECT count(*) FROM smartlaunch.launch WHERE app_user = 'dave'}), 1, 'dave again: still one';
says($tab, '/app/', 'Smart-Login' => 'erin');
is json($tab->type($w->url('/papp/')))->{headers}{'smart-user'}, 'erin',
    'erin logs in: the next page is hers';
is_deeply [ $pg->rows(q{SELECT state, end_reason FROM smartlaunch.launch WHERE app_user = 'dave'}) ],
    [ { state => 'ended', end_reason => 'other user' } ], 'dave\'s session has ended';
my $opened = $w->launch(window => beside($tab), stop => 'callback');
$opened->{window}->go_on;
like $opened->{window}->response->decoded_content, qr/You are now alice/,
    'a launch of somebody else than the session\'s user asks';
$opened->{window}->submit(button => [ answer => 'yes' ]);
is_deeply [ $pg->rows(q{SELECT state, end_reason FROM smartlaunch.launch WHERE app_user = 'erin'}) ],
    [ { state => 'ended', end_reason => 'other user' } ], 'and ends the session';
is says(beside($tab), '/papp/login', 'Smart-Login' => 'frank')->code, 409,
    'frank logs in where alice\'s launch is';
is row($opened)->{state}, 'ended', 'it ends';
$httpd->expect_log('SL6504');
says($tab, '/papp/login', 'Smart-Login' => 'frank');
is json($tab->type($w->url('/papp/')))->{headers}{'smart-user'}, 'frank', 'and his next login counts';
is says($tab, '/papp/', 'Smart-Logout' => '1')->header('Smart-Logout'), undef, 'Smart-Logout is taken out';
ok !exists json($tab->type($w->url('/papp/')))->{headers}{'smart-user'}, 'and ends the session';

# Another site cannot make a browser somebody's

my $planted = $w->browser->window;
$planted->{opener} = URI->new('https://evil.example/');
my $trap = $planted->nav($w->url('/papp/?') . answer(headers => [ 'Smart-Login' => 'mallory' ]));
is $trap->code, 200, 'a login from another site: the app\'s own login is the app\'s';
is_deeply [ $planted->jar->all('__Host-smart') ], [], 'but there is no session of ours';
$httpd->expect_log('SL6505');
is $pg->value(q{SELECT count(*) FROM smartlaunch.launch WHERE app_user = 'mallory'}), 0, 'and no row';

done();
