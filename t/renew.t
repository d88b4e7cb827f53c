#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The life of a token: renewed ahead of its end and on a 401, once, however many ask; and the call that
# met the 401 goes once more.
# mpm: all
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::Tokens;
use SL::Traffic;

my $w = world(start => 0, fpm => 0, log_level => 'warn smartlaunch:trace8', ehr_block => 'SmartOutbound timeout=3s max=40');
my ($httpd, $ehr) = ($w->httpd, $w->ehr);
$httpd->{gateway} = <<'CONF';
        Require local
    </Location>
    <Location /writes>
        SmartGateway on
        SmartWrites on
        SmartPatientGuard off
        SmartReplay 2K
        Require local
CONF
nobody_leads($w);
$httpd->start;

my $patient = $ehr->patients->[0];
$w->launch(login => 'alice');

sub fhir { my ($l, %arg) = @_; return $w->fhir(GET => "/Patient/$patient", session => $l->{session}, %arg) }

# Ahead of its end, and after it
for my $left (3000, 30, -1) {
    my $l = lapsed($w, $left);
    my $answer = fhir($l);
    my $need = $left < 60 ? 1 : 0;
    is_deeply came_to($w, $l, $answer), [ 200, $need, 1, 'active', 'live' ], "RFR-5 $left seconds before its end: $need renewals";
    my $row = token($w, $l);
    is_deeply [ @$row{qw(generation renewals lease_until)} ], [ 1 + $need, $need, undef ], '… the row says the same';
    next if !$need;
    cmp_ok $row->{left}, '>', 3500, '… and when the new one ends';
    my ($post) = renewals($w);
    is_deeply [ sort keys %{ $post->{form} } ], [qw(grant_type refresh_token)], 'RFR-1 grant_type and refresh_token, no scope';
    like $post->{headers}{authorization}, qr/^Basic /, 'RFR-2 with the same authentication as the code';
    my ($first, $second) = ((asked($w))[0], do { fhir($l); (asked($w))[-1] });
    is $first->{headers}{authorization}, $second->{headers}{authorization}, 'RFR-5 the new token serves the next call, too';
    is scalar(renewals($w)), 1, '… which renews nothing';
    is $w->pg->value("SELECT count(*) FROM smartlaunch.launch_step WHERE launch = ? AND step = 'renew' AND outcome = 'ok'", $l->{id}), 1,
        '… the flight recorder has the renewal';
}

# 401 for ever, by every caller
my $l = lapsed($w, 3000);
$ehr->faults(fhir => { status => 401 });
is_deeply [ map { $_->{code} } many(6, sub { return { code => fhir($l)->code } }) ], [ (401) x 6 ], 'RFR-5 401 for ever: 401 for everybody';
fhir($l) for 1 .. 5;
is scalar(renewals($w)), 1, '… after one renewal in half a minute';
$ehr->faults;
is_deeply [ fhir($l)->code, token($w, $l)->{state} ], [ 200, 'live' ], '… and when the EHR changes its mind, it goes on';

# 401 in the middle of a series of calls
$l = lapsed($w, 3000);
is fhir($l)->code, 200, 'RFR-5 a series of calls';
$ehr->end('access');
is_deeply [ map { fhir($l)->code } 1 .. 3 ], [ (200) x 3 ], '… in whose middle the token is refused';
is scalar(renewals($w)), 1, '… after one renewal';

# The body goes once more, or the caller is asked to send it again
my $url = $httpd->gateway_url =~ s{/fhir$}{/writes/sandbox/Observation}r;
for my $case ([ 500, 200, 2 ], [ 3000, 503, 1 ]) {
    my ($size, $code, $calls) = @$case;
    $l = lapsed($w, 3000);
    $ehr->faults(fhir => { status => 401, times => 1 });
    my $body = JSON::PP->new->utf8->canonical->encode({ resourceType => 'Observation', status => 'final',
        subject => { reference => "Patient/$patient" }, code => { text => 'x' x $size } });
    my @post = ('POST', $url, headers => [ 'Smart-Session' => $l->{session}, 'Content-Type' => 'application/fhir+json' ], body => $body);
    my $answer = request(@post);
    like $answer->code, $code == 200 ? qr/^20[01]$/ : qr/^$code$/, "RFR-5 a POST of $size bytes that met a 401" or diag $answer->as_string;
    my @sent = $ehr->log('/fhir/Observation');
    is scalar(@sent), $calls, "… went $calls times";
    is_deeply [ map { $_->{body} } grep { $_->{status} != 401 } @sent ], [ ($body) x ($calls - 1) ], '… the same';
    is scalar(renewals($w)), 1, '… with one renewal';
    next if $code == 200;
    says_later($answer, qr/^[0-9]+$/, 'RFR-5 … above SmartReplay');
    like request(@post)->code, qr/^20[01]$/, '… and sent again it is taken';
    is scalar(renewals($w)), 1, '… without another renewal';
}

# Many at once
for my $left (-1, 30) {
    $l = lapsed($w, $left);
    $ehr->faults(refresh => { delay_ms => 500 });
    my @codes = map { $_->{code} } many(20, sub { return { code => fhir($l)->code } });
    is_deeply \@codes, [ (200) x 20 ], 'RFR-4 twenty callers at once, ' . ($left < 0 ? 'ended' : 'ahead') . ': all are served';
    is scalar(renewals($w)), 1, '… by one renewal';
}
$l = lapsed($w, -1);
$ehr->faults(refresh => { hang => 1 });
my @codes = map { $_->{code} } many(12, sub { return { code => fhir($l)->code } });
is scalar(grep { $_ != 503 && $_ != 504 } @codes), 0, 'RFR-7 twelve callers, and the EHR does not answer: none of them waits for ever' or diag "@codes";
is scalar(renewals($w)), 1, '… it was asked once';
is scalar(asked($w)), 0, '… and no call went with the token that had ended';
$ehr->faults;
is $ehr->counts->{reused}, 0, 'RFR-4 no refresh token came twice to the EHR';

# Who waits for a renewal counts for SmartOutbound max=, as who renews does; the rest goes on
my $narrow_gate = $w->another_host(fpm => 0, ehr_block => 'SmartOutbound timeout=20s max=1');
$l = lapsed($w, -1);
my $page_of = lapsed($w, 3000);
$ehr->faults(refresh => { held => 1 });
my $first = SL::Traffic->during(sub { fhir($l, host => $narrow_gate)->code }, sub {
    wait_for('the renewal', sub { scalar(my @all = renewals($w)) });
    my $answer = fhir($l, host => $narrow_gate);
    is $answer->code, 503, 'while an EHR is slow with a renewal, calls beyond SmartOutbound max= are refused at once';
    like $answer->content, qr/too much to do/, '… because there is no place';
    local $SL::HTTP::via{ $httpd->{port} } = $narrow_gate->{port};
    is $page_of->{window}->reload->code, 200, '… and pages of the app are served';
    $ehr->release;
});
is $first, 200, '… whoever had the place is served when the EHR has answered';
wait_for('a host that has never asked where the endpoints are, and has one place', sub { fhir($l, host => $narrow_gate)->code == 200 });
$narrow_gate->stop;

in_no_log($w, $httpd, $patient);
$_->allow_log(qw(SL4546 SL4548 SL4551 SL4553 SL4555 SL5816 SL5836 SL3505 SL5815)) for SL::Httpd->all;
done();
