#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The callback: the EHR's answer comes back to the redirect URL.
# mpm: prefork sanitized
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::Refused;
use URI::Escape qw(uri_escape_utf8);

my $w = world();
my $auth = $w->ehr->auth;

sub token_calls { return scalar $w->ehr->log('/auth/token') }

sub launch_row {
    my ($l) = @_;
    my $state = state_of($l);
    my ($row) = $w->pg->rows('SELECT * FROM smartlaunch.launch WHERE state_hash = sha256(?::text::bytea)', $state);
    return $row;
}

sub state_of { my %q = URI->new($_[0]{start}->header('Location'))->query_form; return $q{state} }
sub code_of { my %q = URI->new($_[0]{callback_url})->query_form; return $q{code} }
sub opened { return $w->launch(stop => 'authorize', @_) }
sub started { return $w->launch(stop => 'start', @_) }

# The callback of a launch with other parameters than the EHR gave.
sub answer_with {
    my ($l, $query, %opt) = @_;
    return $l->{window}->nav($w->url("/smart?$query"), %opt);
}

# state
my $l = opened();
my ($state, $code) = (state_of($l), code_of($l));
my ($letter) = $state =~ /(.)$/;
my $bent = substr($state, 0, -1) . ($letter eq 'A' ? 'B' : 'A');
for my $case (
    [ 'none', "code=$code", 'SL2023' ],
    [ 'an empty one', "code=$code&state=", 'SL2023' ],
    [ 'an invented one', "code=$code&state=0123456789abcdef0123456789abcdef", 'SL4313' ],
    [ 'one with its last letter changed', "code=$code&state=$bent", 'SL4313' ],
    [ 'one cut short', "code=$code&state=" . substr($state, 0, -1), 'SL4313' ],
    [ 'one with more behind', "code=$code&state=${state}A", 'SL4313' ],
    [ 'one of 600 characters', "code=$code&state=" . 'a' x 600, 'SL2022' ],
    [ 'that of a cookie', "code=$code&state=" . ($l->{window}->jar->get('__Host-smart')->{value}), 'SL4313' ],
) {
    my ($what, $query, $id) = @$case;
    refused($w, answer_with($l, $query), 400, $id, "CBK-1 state: $what", step => $id =~ /^SL2/ ? 'launch' : 'callback');
}

# Doubled, together, and neither.
for my $case (
    [ 'code twice', "code=$code&code=$code&state=$state", 'SL2024' ],
    [ 'state twice', "code=$code&state=$state&state=$state", 'SL2024' ],
    [ 'iss twice', "code=$code&state=$state&iss=$auth&iss=$auth", 'SL2024' ],
    [ 'error twice', "error=access_denied&error=access_denied&state=$state", 'SL2024' ],
    [ 'code and error', "code=$code&error=access_denied&state=$state", 'SL2025' ],
    [ 'neither', "state=$state", 'SL2021' ],
    [ 'an empty code', "code=&state=$state", 'SL2023' ],
    [ 'a code of 17,000 characters', 'code=' . 'c' x 17_000 . "&state=$state", 'SL2023' ],
    [ 'a NUL in the code', "code=a%00&state=$state", 'SL2003' ],
) {
    my ($what, $query, $id) = @$case;
    refused($w, answer_with($l, $query), 400, $id, "CBK-6 $what", step => 'launch');
}
is token_calls(), 0, 'CBK-1 CBK-6 none of these made a token call';
is launch_row($l)->{state}, 'pending', 'CBK-1 CBK-6 nor touched the launch';

# Another browser.
my $stranger = $w->browser->frame($w->ehr->base . '/');
refused($w, $stranger->nav($l->{callback_url}), 400, 'SL4305', 'CBK-2 another browser, with no cookie', step => 'callback');
my $other = opened(patient => $w->ehr->patients->[1]);
refused($w, $other->{window}->nav($l->{callback_url}), 400, 'SL4305', 'CBK-2 another browser, with a launch of its own');
is token_calls(), 0, 'CBK-2 no token call';
is launch_row($l)->{state}, 'pending', 'CBK-2 the launch waits for its own browser';

# Its own.
my $cookie = $l->{window}->jar->get('__Host-smart')->{value};
$w->httpd->forget;
answer_with($l, URI->new($l->{callback_url})->query . '&session_state=x&token_endpoint=https%3A%2F%2Fevil.example'
    . '&patient=p9&return=%2F%2Fevil.example&target=https%3A%2F%2Fevil.example&smart_target=%2Fx');
$l->{callback} = ($l->{window}->hops)[0];
is $l->{callback}->code, 303, 'CBK-6 unknown parameters are ignored';
like $l->{callback}->header('Location'), qr{^\Q@{[ $w->url('/papp/') ]}\E\?smart_launch=[\w-]{22,}$},
    'CBK-9 AZR-13 the launch goes on at SmartTarget with its handle alone, whatever the parameters say';
is $l->{callback}->header('Cache-Control'), 'no-store', 'CBK-9 not stored';
is $l->{callback}->header('Referrer-Policy'), 'no-referrer', 'CBK-9 the code does not go on as Referer';
like $l->{callback}->header('Content-Security-Policy'), qr/^default-src 'none'/, 'CBK-9 nothing from elsewhere is loaded';
unlike $l->{callback}->as_string, qr/\Q$code\E|\Q$state\E/, 'CBK-8 code and state are nowhere in the answer';
isnt $l->{window}->jar->get('__Host-smart')->{value}, $cookie, 'CBK-10 the cookie has a new value';
$l->{app} = $l->{window}->go_on(follow => 1);
is $l->{app}->code, 200, 'CBK-9 the app is there';
unlike JSON::PP::encode_json([ $w->httpd->seen ]), qr/\Q$code\E|\Q$state\E|evil/, 'CBK-8 the app is told neither';
is token_calls(), 1, 'CBK-3 one token call';

my $id = launch_row($l)->{id};
my @steps = $w->pg->rows('SELECT step, outcome, reference FROM smartlaunch.launch_step WHERE launch = ? ORDER BY id', $id);
is_deeply [ map { $_->{step} } @steps ], [qw(discovery launch callback token jwks id_token finish)],
    'CBK-9 the flight recorder has every step';
is_deeply [ grep { $_->{outcome} ne 'ok' } @steps ], [], 'CBK-9 and each was well';
my @lines = grep { /\b(?:$steps[0]{reference}|$steps[-1]{reference})\b/ } split /\n/, $w->httpd->error_log;
is scalar(@lines), 1, 'CBK-9 a launch that goes well is one line in the log';
like $lines[0], qr/\[smartlaunch:info\].* SL6101: launch from sandbox for app app, link pending/, 'CBK-9 which says what went well';

# Again.
my $again = $l->{window}->nav($l->{callback_url});
is $again->code, 303, 'CBK-3 the same callback again goes on to the app';
is $again->header('Location'), $l->{callback}->header('Location'), 'CBK-3 with the same handle';
is $again->header('Set-Cookie'), undef, 'CBK-3 and the same cookie';
refused($w, $stranger->nav($l->{callback_url}), 400, 'SL4305', 'CBK-3 CBK-2 but not from anywhere else');
is answer_with($l, "code=quite-another&state=$state")->code, 303, 'CBK-3 nor is another code tried';
is answer_with($l, "error=access_denied&state=$state")->code, 303, 'CBK-3 and an error that comes afterwards ends nothing';
is launch_row($l)->{state}, 'live', 'CBK-3 the launch lives';
is token_calls(), 1, 'CBK-3 still one token call';

# Twenty times at once.
$l = opened(patient => $w->ehr->patients->[2]);
$w->ehr->faults(token => { delay_ms => 300 });
$w->ehr->forget;
my $url = $l->{callback_url};
my $header = $l->{window}->jar->header(URI->new("$url"), cross => 1,
    top => SL::Cookies::site(URI->new($w->ehr->base)));
my @all = many(20, sub { request('GET', "$url", headers => [ Cookie => $header, 'Sec-Fetch-Site' => 'cross-site',
    'Sec-Fetch-Mode' => 'navigate', 'Sec-Fetch-Dest' => 'iframe' ]) });
$w->ehr->faults;
is_deeply [ grep { $_ != 303 } map { $_->code } @all ], [], 'CBK-3 twenty at once all go on to the app'
    or diag join ' ', map { $_->code } @all;
is scalar(keys %{ { map { $_->header('Location') // '-' => 1 } @all } }), 1, 'CBK-3 with one handle';
is token_calls(), 1, 'CBK-3 and one token call';
is scalar(grep { $_->header('Set-Cookie') } @all), 1, 'CBK-3 and one new cookie';

# Late.
$l = opened();
$w->ehr->forget;
$w->pg->dbh->do(q(UPDATE smartlaunch.launch SET created_at = now() - interval '10 minutes 1 second'
    WHERE state_hash = sha256(?::text::bytea)), undef, state_of($l));
refused($w, answer_with($l, URI->new($l->{callback_url})->query), 400, 'SL4306', 'CBK-1 after ten minutes it is too late',
    says => qr/took too long/);
$l = opened();
$w->pg->dbh->do(q(UPDATE smartlaunch.launch SET created_at = now() - interval '9 minutes'
    WHERE state_hash = sha256(?::text::bytea)), undef, state_of($l));
is answer_with($l, URI->new($l->{callback_url})->query)->code, 303, 'CBK-1 after nine it is not';
is token_calls(), 1, 'CBK-1 which alone made a token call';
$l = opened();
$w->pg->dbh->do('DELETE FROM smartlaunch.launch WHERE state_hash = sha256(?::text::bytea)', undef, state_of($l));
refused($w, answer_with($l, URI->new($l->{callback_url})->query), 400, 'SL4304', 'CBK-1 a state of ours that nobody waits for');

# The EHR's or the clinician's no.
$w->ehr->forget;
$l = $w->launch(refuse => \1, stop => 'callback');
refused($w, $l->{callback}, 403, 'SL4311', 'CBK-4 the clinician said no', step => 'callback',
    says => qr/did not allow the launch, or you declined it/);
is launch_row($l)->{state}, 'failed', 'CBK-4 the launch is closed';
refused($w, answer_with($l, 'code=late&state=' . state_of($l)), 400, 'SL4302', 'CBK-4 CBK-3 and no code opens it again');
for my $case (
    [ unauthorized_client => 403, 'SL4311', qr/does not allow this application/ ],
    [ invalid_scope => 403, 'SL4311', qr/does not grant what this application asks/ ],
    [ server_error => 403, 'SL4311', qr/a problem of its own/ ],
    [ temporarily_unavailable => 503, 'SL4310', qr/is busy/ ],
    [ login_required => 403, 'SL4311', qr/log in first/ ],
    [ 'made_up<b>' => 403, 'SL4311', qr/without telling a reason/ ],
) {
    my ($error, $status, $id, $says) = @$case;
    $l = started();
    my $response = answer_with($l, 'error=' . uri_escape_utf8($error) . "&iss=$auth&state=" . state_of($l));
    refused($w, $response, $status, $id, "CBK-4 $error in our words", says => $says, retry => $status == 503);
    unlike $response->content, qr/made_up|<b>/, "CBK-4 $error: nothing of theirs" if $error =~ /made/;
}
for my $case (
    [ 'a script', '<script>alert(1)</script>', qr/&lt;script&gt;alert\(1\)&lt;/ ],
    [ 'markup in quotes', q("><img src=x onerror=alert(1)>'), qr/&quot;&gt;&lt;img src=x onerror=alert\(1\)&gt;&#39;/ ],
    [ 'CR and LF', "one\r\nSet-Cookie: a=b\r\n\r\ntwo", qr/one  Set-Cookie: a=b    two/ ],
    [ '20,000 characters', 'd' x 20_000, qr/"?d{200}[^d]/ ],
    [ 'umlauts at the limit', 'ü' x 300, qr/ü{100}[^ü]/ ],
) {
    my ($what, $description, $says) = @$case;
    $l = started();
    my $response = answer_with($l, 'error=access_denied&state=' . state_of($l) . "&iss=$auth&error_description="
        . uri_escape_utf8($description) . '&error_uri=https%3A%2F%2Fevil.example%2F');
    is $response->code, 403, "CBK-4 error_description: $what: refused";
    like $response->decoded_content, $says, "CBK-4 error_description: $what: escaped and cut";
    unlike $response->as_string, qr/<script>alert|<img|^Set-Cookie|evil\.example/m, "CBK-4 error_description: $what: harmless";
    unlike $w->httpd->error_log, qr/alert\(1\)|Set-Cookie: a=b|d{200}|ü{50}/, "CBK-4 error_description: $what: not in the log";
}
$l = started();
refused($w, answer_with($l, '', method => 'POST', type => 'application/x-www-form-urlencoded',
    body => 'error=access_denied&error_description=' . 'd' x 102_400 . '&state=' . state_of($l)), 400, 'SL6004',
    'CBK-4 error_description: 100 KiB', step => 'launch');
is token_calls(), 0, 'CBK-4 no error made a token call';

# An error that belongs to nothing.
$l = $w->launch(login => 'alice');
is $l->{app}->code, 200, 'CBK-5 a live session';
my $pending = opened(window => $l->{window}, patient => $w->ehr->patients->[3]);
$w->ehr->forget;
my @jar = map { $_->{line} } $l->{window}->jar->all;
for my $case ([ 'without a state', '', 'SL6102' ], [ 'with an unknown state', '&state=abc', 'SL4313' ],
    [ 'with a state of ours that fits nothing', "&state=$state", 'SL4305' ])
{
    my ($what, $more, $id) = @$case;
    refused($w, $l->{window}->nav($w->url("/smart?error=server_error$more")), 400, $id, "CBK-5 an error $what", step => 'callback');
}
is_deeply [ map { $_->{line} } $l->{window}->jar->all ], \@jar, 'CBK-5 no cookie is touched';
is launch_row($l)->{state}, 'live', 'CBK-5 the session lives';
is json($l->{window}->type($w->url("/papp/?smart_launch=$l->{handle}")))->{headers}{'smart-user'}, 'alice', 'CBK-5 and serves';
$w->finish($pending);
is $pending->{callback}->code, 303, 'CBK-5 what was pending completes';

# Two launches, two sessions.
isnt $pending->{handle}, $l->{handle}, 'CBK-10 a new launch has its own handle';
for my $one ($l, $pending) {
    my $shown = json($one->{window}->type($w->url("/papp/?smart_launch=$one->{handle}")));
    is $shown->{headers}{'smart-patient'}, $one->{patient}, 'CBK-10 the other launch of the browser is kept';
}

# RFC 9207
my $foreign = uri_escape_utf8('https://evil.example/auth');
for my $case (
    [ 'a foreign issuer', "iss=$foreign", 'SL2033' ],
    [ 'none, where the EHR promised one', '', 'SL2031' ],
    [ 'the FHIR base, which is another thing', 'iss=' . uri_escape_utf8($w->ehr->issuer), 'SL2033' ],
    [ 'one that differs by a slash', 'iss=' . uri_escape_utf8("$auth/"), 'SL2033' ],
    [ 'an empty one', 'iss=', 'SL2033' ],
) {
    my ($what, $iss, $id) = @$case;
    $l = started();
    my $query = 'state=' . state_of($l) . "&$iss";
    refused($w, answer_with($l, "code=abc&$query"), 400, $id, "CBK-7 iss of the answer: $what", step => 'callback');
    is launch_row($l)->{state}, 'failed', "CBK-7 iss of the answer: $what: the launch is closed";
    $l = started();
    refused($w, answer_with($l, 'error=access_denied&state=' . state_of($l) . "&$iss"), 400, $id,
        "CBK-7 iss of an error: $what");
}
is token_calls(), 1, 'CBK-7 no token call for any of them';
like $pending->{callback_url}, qr/[?&]iss=/, 'CBK-7 the right one passes';

# Long codes, and the answer by POST.
for my $length (4096, 8192) {
    $w->ehr->settings(code_length => $length);
    $l = $w->launch;
    is length code_of($l), $length, "CBK-11 a code of $length characters";
    is $l->{callback}->code, 303, "CBK-11 $length characters are redeemed";
}
$w->ehr->settings(code_length => 0);
$l = opened();
my %form = URI->new($l->{callback_url})->query_form;
my $posted = $l->{window}->post($w->url('/smart'), \%form);
is $posted->code, 303, 'CBK-6 the answer may come by form_post';
is $posted->header('Location') =~ s/=.*//r, $w->url('/papp/?smart_launch'), 'CBK-9 and goes on by GET';
$l = opened();
refused($w, $l->{window}->post($w->url("/smart?state=$form{state}"), \%form), 400, 'SL2024',
    'CBK-6 state in the query and in the form');

# Floods.
my $browser = $w->browser;
my @many = map { started(window => $browser->frame($w->ehr->base . '/')) } 1 .. 18;
my $jar = $browser->jar->get('__Host-smart')->{value};
is $w->pg->value(q(SELECT count(*) FROM smartlaunch.launch WHERE state = 'pending' AND browser_hash = sha256(?::text::bytea)),
    $jar), 16, 'CBK-12 a browser has at most 16 launches under way';
refused($w, answer_with($many[0], 'code=abc&state=' . state_of($many[0])), 400, 'SL4304', 'CBK-12 the oldest gave way');
is launch_row($many[17])->{state}, 'pending', 'CBK-12 the newest did not';
$w->pg->dbh->do(q(INSERT INTO smartlaunch.launch (id, app, ehr, kind, state, state_hash, browser_hash, key_id,
        pending_sealed, redirect_path, client_net)
    SELECT gen_random_uuid(), app, ehr, kind, state, sha256(n::text::bytea), sha256(('b' || n)::bytea), key_id,
        pending_sealed, redirect_path, client_net
    FROM smartlaunch.launch, generate_series(1, 2000) n WHERE state_hash = sha256(?::text::bytea)), undef, state_of($many[17]));
my $flood = started();
refused($w, $flood->{start}, 503, 'SL3040', 'CBK-12 a network that opens thousands is told to wait', retry => 1, step => 'launch');
is launch_row($pending)->{state}, 'live', 'CBK-12 live launches are not touched';
is json($pending->{window}->type($w->url("/papp/?smart_launch=$pending->{handle}")))->{headers}{'smart-launch'},
    $pending->{handle}, 'CBK-12 and serve';

done();
