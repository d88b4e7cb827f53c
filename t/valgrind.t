#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Once through every path with valgrind: nothing of ours reads or writes where it must not, decides by
# what nobody wrote, or loses memory.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::Tokens;

my $logs = run_dir('valgrind');
chmod 0777, "$logs";
my $w = world(start => 0, fpm => 0, pg => { own => 1 }, ehr => { search => 1 },
    ehr_block => 'SmartOutbound connect=20s timeout=60s max=40',
    under => [ 'valgrind', '--quiet', '--leak-check=full', '--show-leak-kinds=definite', '--errors-for-leak-kinds=definite',
        '--num-callers=40', '--keep-debuginfo=yes', "--log-file=$logs/%p" ]);
my ($httpd, $ehr) = ($w->httpd, $w->ehr);
my $dir = $httpd->dir;
spit("$dir/nightly.secret", "a-long-secret-of-the-nightly-job\n", 0600);
$httpd->{gateway} = <<"CONF";
        SmartCaller nightly file:$dir/nightly.secret
        SmartSessionParam _smart_session _redox_session
        Require local
    </Location>
    <Location /writes>
        SmartGateway on
        SmartWrites on
        SmartReplay 4K
        SmartPatientGuard strict
        Require local
CONF
nobody_leads($w);
$httpd->start;
my @patients = @{ $ehr->patients }[ 0 .. 2 ];
my @slow = (timeout => 120);

# Launches and the app
my $l = $w->launch(patient => $patients[0], login => 'alice');
ok defined $l->{session}, 'a launch, a link';
my $second = $w->launch(patient => $patients[1]);
is $_->{window}->reload->code, 200, 'a page of the app' for $l, $second;
is $l->{window}->xhr('GET', "/smart/session?smart_launch=$l->{handle}")->code, 200, 'what the page may know';
is $w->launch(stop => 'start', extra => {})->{start}->code, 302, 'a launch that goes no further';
is $w->browser->window->type($w->url('/smart?iss=https://elsewhere.example&launch=x'))->code, 403, 'an unknown EHR';
is $w->browser->window->type($w->url('/smart?code=x&state=y'))->code, 400, 'an unknown state';
is $l->{window}->nav($l->{callback_url})->code, 303, 'a callback that comes again';

# The gateway
sub fhir { my ($method, $path, %arg) = @_; return $w->fhir($method, $path, session => $l->{session}, @slow, %arg) }
my $patient = "/Patient/$patients[0]";
is fhir(GET => $patient)->code, 200, 'a read';
is fhir(HEAD => $patient)->code, 200, 'HEAD';
is $w->fhir(GET => "$patient?_redox_session=$l->{session}", @slow)->code, 200, 'a session in the query';
is fhir(POST => '/Observation/_search', form => { patient => $patients[0], _count => 5 })->code, 200, 'a search by POST';
cmp_ok scalar(my @pages = $w->pages("/Observation?patient=$patients[0]&category=laboratory&_count=40", session => $l->{session}, @slow)), '>', 1, 'pages';
is fhir(GET => "/Patient/$patients[1]")->code, 403, 'another patient';
is $w->fhir(GET => $patient, session => 'A' x 32, @slow)->code, 401, 'an invented session';
is $w->fhir(GET => $patient, @slow)->code, 401, 'no session';
is fhir(GET => $patient, ehr => 'nowhere')->code, 404, 'an unknown EHR';
my @nightly = (user => 'alice', patient => $patients[0], @slow);
is $w->fhir(GET => $patient, @nightly, caller => 'a-long-secret-of-the-nightly-job')->code, 200, 'a user';
is $w->fhir(GET => $patient, @nightly, caller => 'guessed')->code, 401, 'a caller who guesses';
$ehr->faults(fhir => { gzip => 1, escape_slashes => 1, times => 1 });
is fhir(GET => "/Observation?patient=$patients[0]&_count=20")->code, 200, 'gzip, and slashes escaped';
$ehr->faults(fhir => { bundle => { bytes => 300_000, entry_bytes => 700, patient => $patients[0] }, times => 1 });
is fhir(GET => "/Observation?patient=$patients[0]")->code, 200, 'a large Bundle';
$ehr->faults(fhir => { truncate => 1, times => 1 });
ok !eval { json(fhir(GET => $patient)) }, 'an answer that breaks off';
$ehr->faults(fhir => { status => 429, headers => { 'Retry-After' => '7' }, times => 1 });
is fhir(GET => $patient)->code, 429, 'an EHR that is busy';
$ehr->faults(fhir => { redirect => 'https://elsewhere.example/x', times => 1 });
is fhir(GET => $patient)->code, 307, 'a redirect';
$ehr->faults;

# Writes: with a body to look into, and one too long to be sent twice
my $writes = $httpd->gateway_url =~ s{/fhir$}{/writes/sandbox/Observation}r;
for my $size (100, 20_000) {
    my $body = JSON::PP->new->utf8->canonical->encode({ resourceType => 'Observation', status => 'final',
        subject => { reference => "Patient/$patients[0]" }, code => { text => 'x' x $size } });
    my $answer = request('POST', $writes, headers => [ 'Smart-Session' => $l->{session}, 'Content-Type' => 'application/fhir+json' ], body => $body, @slow);
    is $answer->code, 201, "a write of $size bytes";
}

# Renewals
lapse($w, $_) for $l, $second;
$ehr->forget;
is $w->fhir(GET => "/Patient/$second->{patient}", session => $second->{session}, @slow)->code, 200, 'a renewal';
is scalar(my @renewals = renewals($w)), 1, '… indeed';
$ehr->end('access');
is fhir(GET => $patient)->code, 200, 'a token that is refused';
lapse($w, $second);
$ehr->faults(refresh => { status => 400, body => '{"error":"invalid_grant"}', content_type => 'application/json', times => 1 });
wait_for('its end', sub { $w->fhir(GET => "/Patient/$second->{patient}", session => $second->{session}, @slow)->code == 401 }, 60);
pass 'a renewal that is refused';
somebody_may_lead($w);

# PostgreSQL goes and comes, children go and come
$httpd->allow_log(qw(SL3001 SL3003 SL3004 SL3005 SL3006 SL3007 SL3010 SL3016 SL3420));
$w->pg->stop;
# What it is, t/gateway-outage.t knows: here a hint of the last renewal may come so late that memory forgot.
like fhir(GET => $patient)->code, qr/^(?:200|503)$/, 'PostgreSQL is away';
is $w->launch(stop => 'start')->{start}->code, 503, '… a launch';
$w->pg->start;
wait_for('PostgreSQL to be found', sub { $w->launch(stop => 'start')->{start}->code == 302 }, 60);
$httpd->graceful;
is fhir(GET => $patient)->code, 200, 'after a graceful restart';
is $l->{window}->xhr('POST', "/smart/logout?smart_launch=$l->{handle}")->code, 200, 'logging out';
wait_for('its end', sub { fhir(GET => $patient)->code == 401 }, 60);
wait_for('somebody to lead', sub { $w->pg->value("SELECT count(*) FROM smartlaunch.caretaker WHERE held_by <> 'the test'") }, 60);
ok $httpd->{server}->stop(120), 'httpd ended when it was told to';
delete $httpd->{server};

# What valgrind said: stacks in which a function of ours stands
my @reports = glob "$logs/*";
cmp_ok scalar(@reports), '>', 2, 'valgrind saw parent and children';
my @ours = grep { /\b(?:sl_\w+|mod_smartlaunch)\b/ } map { split /^==\d+== ?$/m } map { slurp($_) } @reports;
is scalar(@ours), 0, 'no report of valgrind with a function of ours in it' or diag join "\n", splice @ours, 0, 5;
$httpd->allow_log(map { $_->{id} } $httpd->errors);
done();
