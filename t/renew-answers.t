#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What the EHR's answer to a renewal makes of the token: what it may change, leave out and refuse,
# and what is trouble for the moment.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::TLS;
use SL::Tokens;

my $w = world(start => 0, fpm => 0, log_level => 'warn smartlaunch:trace8', ehr_block => 'SmartOutbound timeout=3s');
my ($httpd, $ehr) = ($w->httpd, $w->ehr);
nobody_leads($w);
$httpd->start;

my $patient = $ehr->patients->[0];
$w->launch(login => 'alice');
my $other = $ehr->patients->[1];

sub fhir { my ($l, %arg) = @_; return $w->fhir(GET => "/Patient/$patient", session => $l->{session}, %arg) }

# Client authentication: the launch and its renewals at a host with this client
for my $way ([ 'app-post', 'post', qw(- client_id client_secret) ], [ 'app-form', 'basic form', 'basic' ],
    [ 'app-public', 'none', qw(- client_id) ]) {
    my ($client, $auth, @wanted) = @$way;
    my $host = $w->another_host(fpm => 0, client => $client, client_auth => $auth);
    local $SL::HTTP::via{ $httpd->{port} } = $host->{port};
    my $l = lapsed($w, -1);
    is_deeply came_to($w, $l, fhir($l, host => $host)), [ 200, 1, 1, 'active', 'live' ], "RFR-2 $client renews";
    my ($post) = renewals($w);
    my $basic = $post->{headers}{authorization};
    is_deeply [ defined $basic ? 'basic' : '-', sort grep { /^client/ } keys %{ $post->{form} } ],
        \@wanted, "… by SmartClientAuth $auth";
    $host->stop;
}

# What may be missing in the answer
$ehr->settings(rotate_refresh => JSON::PP::false());
my $l = lapsed($w, -1);
$ehr->faults(refresh => { patch => { refresh_token => undef, scope => undef, patient => undef, id_token => undef, need_patient_banner => undef } });
my $before = token($w, $l);
is fhir($l)->code, 200, 'RFR-3 no new refresh token' or diag $httpd->error_log;
my $row = token($w, $l);
is_deeply [ @$row{qw(scope_granted patient encounter context)} ], [ @$before{qw(scope_granted patient encounter context)} ],
    'RFR-9 what the answer does not say stays as it was';
$ehr->faults;
$ehr->end('access');
is_deeply came_to($w, $l, fhir($l)), [ 200, 2, 3, 'active', 'live' ], 'RFR-3 the old one serves the next renewal';
my @posts = renewals($w);
is $posts[0]{form}{refresh_token}, $posts[1]{form}{refresh_token}, '… the same';
$ehr->settings(rotate_refresh => JSON::PP::true());

# What is changed by the answer
$l = lapsed($w, -1);
my $narrow = 'launch openid fhirUser patient/Patient.rs';
$ehr->faults(refresh => { patch => { scope => $narrow, encounter => 'e-9', patient => $patient } });
is fhir($l)->code, 200, 'RFR-9 a narrower scope and another encounter';
$row = token($w, $l);
is_deeply [ @$row{qw(scope_granted encounter patient)} ], [ $narrow, 'e-9', $patient ], '… replace what was';
wait_for('the app to be told of the encounter', sub {
    my $seen = json($l->{window}->reload)->{headers};
    return ($seen->{'smart-encounter'} // '') eq 'e-9' && $seen->{'smart-scope'} eq $narrow;
});
pass '… and the app is told';
$ehr->faults;

$l = lapsed($w, -1);
$ehr->faults(refresh => { patch => { patient => $other } });
my $answer = fhir($l);
is_deeply came_to($w, $l, $answer), [ 401, 1, 0, 'relaunch', 'ended' ], 'RFR-9 another patient: the session ends, nothing is asked';
says_relaunch($answer, 'RFR-9');
$ehr->faults;
is fhir($l)->code, 401, '… for good';
is_deeply [ map { defined } @{ token($w, $l) }{qw(access_sealed refresh_sealed)} ], [ '', '' ], '… its tokens are gone';
cmp_ok lasted('the page', sub { $l->{window}->reload->code == 401 }), '<=', 5, '… and so is the launch in the browser';

# id_token
for my $case (
    [ { claims => { sub => 'somebody-else' } }, 401, 'another sub' ],
    [ { omit => JSON::PP::true() }, 200, 'none' ],
    [ { claims => { aud => undef } }, 200, 'no aud' ],
    [ { claims => { aud => undef, sub => 'somebody-else' } }, 200, 'no aud, of somebody else' ],
    [ { claims => { sub => 'somebody-else' }, sign => 'other-key' }, 200, 'of another key' ],
    [ { claims => { sub => 'somebody-else' }, sign => 'none' }, 200, 'alg none' ],
    [ { claims => { sub => 'somebody-else' }, sign => 'hs256-public' }, 200, 'HS256 with the public key' ],
    [ { claims => { sub => 'somebody-else', iss => 'https://other.example' } }, 200, 'another iss' ],
    [ { claims => { exp => 1 } }, 200, 'one that has ended' ]) {
    my ($how, $code, $name) = @$case;
    $l = lapsed($w, -1);
    $ehr->id_token(%$how);
    $answer = fhir($l);
    my $ends = $code == 401;
    is_deeply came_to($w, $l, $answer), [ $code, 1, $ends ? 0 : 1, $ends ? 'relaunch' : 'active', $ends ? 'ended' : 'live' ],
        "RFR-8 id_token: $name: " . ($ends ? 'the session ends' : 'the login identity stays');
    $ehr->id_token;
    next if $ends;
    is json($l->{window}->reload)->{headers}{'smart-user'}, 'alice', '… as it was';
    is token($w, $l)->{app_user}, 'alice', '… in the row, too';
}

# Refused for good
my $page = '<html>no</html>';
for my $case ([ 400, 'invalid_grant' ], [ 403, 'invalid_grant' ], [ 401, 'invalid_client' ], [ 400, 'unauthorized_client' ],
    [ 400, 'invalid_scope' ], [ 404, undef ], [ 403, undef ]) {
    my ($status, $error) = @$case;
    my $name = "RFR-6 $status " . ($error // 'with a page');
    $l = lapsed($w, 30);
    $ehr->faults(refresh => { status => $status, body => $error ? qq({"error":"$error"}) : $page,
        content_type => $error ? 'application/json' : 'text/html' });
    $answer = fhir($l);
    is_deeply came_to($w, $l, $answer), [ 401, 1, 0, 'relaunch', 'ended' ], "$name: launch again, even though it was valid for seconds";
    says_relaunch($answer, $name);
    $row = token($w, $l);
    is_deeply [ @$row{qw(access_sealed refresh_sealed lease_until)} ], [ undef, undef, undef ], '… the tokens are dropped';
    ok length($row->{last_error} // ''), '… with a reason';
    $ehr->faults;
    is_deeply came_to($w, $l, fhir($l)), [ 401, 1, 0, 'relaunch', 'ended' ], '… one POST, however often one asks';
}
$l = lapsed($w, -1);
$ehr->end('grants');
is_deeply came_to($w, $l, fhir($l)), [ 401, 1, 0, 'relaunch', 'ended' ], 'RFR-6 the EHR forgot the grant';

# Trouble for the moment
for my $case (
    [ 503, qr/^1?[0-9]$/, '500', status => 500 ],
    [ 503, qr/^[1-3]$/, '503', status => 503 ],
    [ 503, qr/^[78]$/, '503 and Retry-After', status => 503, headers => { 'Retry-After' => '7' } ],
    [ 503, qr/^[1-3]$/, '429', status => 429 ],
    [ 503, qr/^[78]$/, '429 and Retry-After', status => 429, headers => { 'Retry-After' => '7' } ],
    [ 503, qr/^(?:60|61)$/, '429, for a day', status => 429, headers => { 'Retry-After' => '86400' } ],
    [ 503, qr/^[1-3]$/, '408', status => 408 ],
    [ 503, qr/^[1-3]$/, '200 with a page', status => 200, body => $page, content_type => 'text/html' ],
    [ 503, qr/^[1-3]$/, '400 temporarily_unavailable', status => 400, body => '{"error":"temporarily_unavailable"}' ],
    [ 503, qr/^[1-3]$/, 'the connection is closed', close => 'before' ],
    [ 504, qr/^(?:-|[1-3])$/, 'no answer', hang => 1 ]) {
    my ($code, $retry, $name, %fault) = @$case;
    my $waits = $retry eq qr/^[1-3]$/;
    for my $left (30, -1) {
        $l = lapsed($w, $left);
        $ehr->faults(refresh => \%fault);
        if ($left > 0) {
            my @codes = map { fhir($l)->code } 1 .. 3;
            is_deeply \@codes, [ 200, 200, 200 ], "RFR-7 $name: a token that is valid goes on serving";
            cmp_ok scalar(renewals($w)), '<=', 3, '… without a storm';
            is scalar(asked($w)), 3, '… each call was forwarded';
        }
        else {
            $answer = fhir($l);
            is_deeply came_to($w, $l, $answer), [ $code, 1, 0, 'active', 'live' ], "RFR-7 $name: ended: $code, nothing is asked, nothing is lost";
            says_later($answer, $retry, "RFR-7 $name");
            my $again = fhir($l);
            cmp_ok $again->code, '>=', 503, '… and at once again' ;
            cmp_ok scalar(renewals($w)), '<=', 2, '… without a storm';
        }
        $row = token($w, $l);
        is_deeply [ defined $row->{refresh_sealed}, $row->{lease_until}, $row->{generation} ], [ 1, undef, 1 ],
            '… the refresh token stays, the lease is given back';
        $ehr->faults;
    }
    next if !$waits;
    wait_for("a renewal after $name", sub { fhir($l)->code == 200 });
    is token($w, $l)->{generation}, 2, "RFR-7 $name: renewed when it is over";
}
is $ehr->counts->{reused}, 0, 'RFR-4 no refresh token came twice to the EHR';

# An EHR that cannot be trusted is not asked
my $strict = $w->another_host(fpm => 0, ehr_block => 'SmartOutbound ca=' . SL::TLS::dir() . '/strangers-ca.pem');
$l = lapsed($w, -1);
$answer = fhir($l, host => $strict);
is_deeply came_to($w, $l, $answer), [ 503, 0, 0, 'active', 'live' ], 'RFR-7 TLS that does not verify: 503, and no token goes there';
is fhir($l)->code, 200, '… the other host renews' if wait_for('the time to try again', sub {
    return $w->pg->value('SELECT coalesce(retry_at, now()) <= now() FROM smartlaunch.token WHERE launch = ?', $l->{id});
});
$strict->stop;

# A profile that says how often
my $throttled = $w->another_host(fpm => 0, ehr_block => 'SmartProfile oracle');
$l = lapse($w, lapsed($w, -1), 5, 20);
is fhir($l, host => $throttled)->code, 200, 'a throttled EHR: a token that is valid';
is scalar(renewals($w)), 0, '… is not renewed too soon';
is fhir($l)->code, 200, '… elsewhere';
is scalar(renewals($w)), 1, '… it would be';
$l = lapse($w, lapsed($w, -1), -1, 20);
is fhir($l, host => $throttled)->code, 200, '… one that has ended';
is scalar(renewals($w)), 1, '… is';
$throttled->stop;

# No refresh token
$ehr->settings(refresh => JSON::PP::false());
$l = lapsed($w, 30);
is_deeply came_to($w, $l, fhir($l)), [ 200, 0, 1, 'active', 'live' ], 'RFR-10 no refresh token: it serves to its end';
$l = lapsed($w, -1);
$answer = fhir($l);
is_deeply came_to($w, $l, $answer), [ 401, 0, 0, 'active', 'live' ], '… and then one has to launch again';
says_relaunch($answer, 'RFR-10');
is $l->{window}->reload->code, 200, '… the app goes on';
$l = lapsed($w, 3000);
$ehr->faults(fhir => { status => 401 });
is_deeply came_to($w, $l, fhir($l)), [ 401, 0, 1, 'active', 'live' ], 'RFR-10 refused: no renewal, no second call';
$ehr->faults;
$ehr->settings(refresh => JSON::PP::true());

# The EHR renewed, but its answer is lost: nobody can know. What is left is told as it is
$l = lapsed($w, -1);
$ehr->faults(refresh => { close => 'after', times => 1 });
is fhir($l)->code, 503, 'RFR-7 an answer that is lost';
wait_for('the end of it', sub { fhir($l)->code == 401 });
is_deeply [ @{ token($w, $l) }{qw(status state)} ], [ 'relaunch', 'ended' ], '… the EHR refuses the old token, which is final';

in_no_log($w, $httpd, $patient, $other);
$_->allow_log(qw(SL2106 SL2135 SL2136 SL2137 SL2531 SL3505 SL3508 SL3510 SL4514 SL4516 SL4546 SL4548 SL4550 SL4551
    SL4554 SL4556)) for SL::Httpd->all;
done();
