#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Two httpds on one database under load, while children are killed, httpds restarted and stopped, and
# PostgreSQL stopped and started; tokens end every few seconds. Afterwards everything is counted: what
# was answered, what the EHR was asked to renew, what the audit has, and which tokens are lost.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::Tokens;
use SL::Traffic;
use Time::HiRes qw(time);

# A lease outlives the time that a host with a renewed token in its journal may be down here: thereafter
# another host would take the renewal for one that was interrupted, until that host is back.
my $block = 'SmartOutbound timeout=20s max=60';
my $w = world(fpm => 0, pg => { own => 1 }, ehr => { search => 1 }, ehr_block => $block, extra => 'SmartAudit required');
my ($ehr, $pg, $A) = ($w->ehr, $w->pg, $w->httpd);
my $B = $w->another_host(fpm => 0, ehr_block => $block, extra => 'SmartAudit on');
my @hosts = ($A, $B);

# A child that died, and who looks after a PostgreSQL that is away
$_->allow_log(qw(broken AH00052 SL3001 SL3003 SL3004 SL3005 SL3006 SL3007 SL3010 SL3016 SL3420 SL4541 SL4543 SL4546
    SL4548 SL4551 SL4553 SL4617 SL5816 SL5818)) for @hosts;

$ehr->settings(expires_in => 6);
my @patients = @{ $ehr->patients }[ 0 .. 3 ];
my @launches = map { $w->launch(patient => $_, login => 'alice') } $patients[0];
push @launches, map { $w->launch(patient => $_) } @patients[ 1 .. 3 ];
is scalar(grep { defined $_->{session} } @launches), 4, 'four launches have a session';

# The calls: what is asked of a host tells the audit's rows of the hosts apart.
my %resource = (A => 'Patient', B => 'AllergyIntolerance');

# "200 <whose data>", "503 and when to come again", or the status
sub call {
    my ($l, $name) = @_;
    my $path = $name eq 'A' ? "/Patient/$l->{patient}" : "/AllergyIntolerance?patient=$l->{patient}&_count=1";
    my $answer = $w->fhir(GET => $path, session => $l->{session}, host => $name eq 'A' ? $A : $B, timeout => 40);
    return join ' ', $answer->code, $answer->header('Retry-After') // '-' if $answer->code == 503;
    return join ' ', $answer->code, $answer->code == 200
        ? grep { index($answer->content, $_) >= 0 } @{ $ehr->patients } : substr $answer->content, 0, 300;
}

# A caller asks each host in turn; two callers share a session.
my @callers = map { { launch => $launches[ $_ % 4 ], n => $_ } } 0 .. 5;
my @clients = map {
    my $caller = $_;
    sub {
        my $name = $caller->{n}++ % 2 ? 'A' : 'B';
        my $got = eval { call($caller->{launch}, $name) } // 'died: ' . $@ =~ s/\s+\z//r;
        return "$name $got";
    };
} @callers;

# What is done to them

my %killed = (A => [], B => []);

# Kills a child while it holds no lease of a token: what becomes of one that does is told in another
# test. A stopped child begins nothing, and what it has sent PostgreSQL is done when nothing is active.
sub kill_one {
    my ($name) = @_;
    my $host = $name eq 'A' ? $A : $B;
    wait_for('a child without a lease', sub {
        my @children = $host->children;
        my $pid = $children[ rand @children ] // return 0;
        kill 'STOP', $pid or return 0;
        wait_for('statements to end', sub {
            return !$pg->value("SELECT count(*) FROM pg_stat_activity WHERE usename = 'web' AND state = 'active'
                AND query !~ 'LISTEN'");
        });
        if ($pg->value("SELECT count(*) FROM smartlaunch.token WHERE lease_by LIKE '%:$pid:%'")) {
            kill 'CONT', $pid;
            return 0;
        }
        kill 'KILL', $pid;
        wait_for('the parent to notice', sub { !-e "/proc/$pid" });
        push @{ $killed{$name} }, time;
        return 1;
    });
    return;
}

my $traffic = SL::Traffic->new(@clients);
my $outages = 0;

# $calls more of every caller while PostgreSQL is away
sub outage {
    my ($calls, $meanwhile) = @_;
    $pg->stop;
    $outages++;
    $meanwhile->() if $meanwhile;
    $traffic->more($calls);
    $pg->start;
    $traffic->more(4);
    return;
}

my $rounds = 0;
do {
    $rounds++;
    for my $name (qw(A B)) {
        kill_one($name);
        $traffic->more(3);
    }
    $_->graceful for @hosts;
    $traffic->more(4);
    outage(6);
    kill_one('B');
    $hosts[ $rounds % 2 ]->restart;
    $traffic->more(4);
    outage(4, sub { $A->graceful });
    $B->stop;
    $traffic->more(4);
    kill_one('A');
    $B->start;
    $traffic->more(4);
} while ($rounds < 3); # each restarts one host, stops the other, and takes PostgreSQL away twice
my @seen = $traffic->stop;
my $stopped = time;

# What was answered

my (%answers, %answered);
my %broken = (A => 0, B => 0);
for my $i (0 .. $#seen) {
    my $l = $callers[$i]{launch};
    my %odd;
    for my $seen (@{ $seen[$i] }) {
        my ($name, $what) = $seen->{got} =~ /^([AB]) (.*)/s;
        my $kind = $what =~ /^(200|503 [1-9][0-9]*$)/ ? substr $what, 0, 3 : $what =~ /^died: (?!connect to)/ ? 'broken' : $what;
        $answers{$kind =~ s/^died: connect to\K.*//sr}++;
        if ($kind eq '200' || $kind eq '503') {
            push @{ $answered{$name}{$l->{patient}} }, { status => $kind, at => $seen->{began} + $seen->{took} };
        }
        $broken{$name}++ if $kind eq 'broken';
        next if $what eq "200 $l->{patient}" || $kind eq '503'
            || $what =~ /^died: (?:connect to|the connection was closed|no HTTP answer|the answer was cut)/;
        $odd{$what}++;
    }
    is_deeply \%odd, {}, "caller $i: its own patient, or 503 with Retry-After, or a connection that breaks";
    like $seen[$i][-1]{got}, qr/^[AB] (?:200 \Q$l->{patient}\E|503)/, '… to the end';
}
my $calls = scalar map { @$_ } @seen;
# Refusals come at once, so that in an outage there are as many as a machine can count.
cmp_ok $answers{200} // 0, '>', 200 * $rounds, 'calls are answered throughout';
is_deeply [ grep { $_->{took} > 15 } map { @$_ } @seen ], [], 'nobody waited for long';

# Tokens: each is there and can be renewed.

for my $l (@launches) {
    wait_for('a call', sub { call($l, 'A') eq "200 $l->{patient}" });
    lapse($w, $l);
    wait_for('the renewal', sub { call($l, 'B') eq "200 $l->{patient}" && token($w, $l)->{left} > 0 });
}
wait_for('journals to be empty', sub { !map { journal($_), journal($_, 'access.') } @hosts }, 90);
my @tokens = map { token($w, $_) } @launches;
my $lost = grep { $_->{status} ne 'active' || $_->{state} ne 'live' } @tokens;
is $lost, 0, 'RFR-4 tokens lost: 0' or diag join "\n", map { $_->{last_error} // '-' } @tokens;
my $counts = $ehr->counts;
is $counts->{reused}, 0, 'RFR-4 refresh tokens that came twice to the EHR: 0';
my $generations = 0;
$generations += $_->{generation} - 1 for @tokens;
is $generations, $counts->{refreshes}, "every renewal of the EHR's is a generation of ours";
cmp_ok $counts->{refreshes}, '>', 4 * $rounds, '… and there were many';

# The audit

# Calls of the traffic at a host that have a row, by status; of a patient, who is not known where a call
# was refused before its token was found.
sub rows {
    my ($name, $status, $patient) = @_;
    return $pg->value("SELECT count(DISTINCT (at, reference)) FROM smartlaunch.fhir_access WHERE resource = ?
        AND at < to_timestamp(?) AND status = coalesce(?, status) AND coalesce(patient, '') = coalesce(?, patient, '')",
        $resource{$name}, $stopped, $status, $patient);
}

# Times of the answers
sub answered {
    my ($name, $status, @of) = @_;
    @of = @patients if !@of;
    return map { $_->{at} } grep { !$status || $_->{status} == $status } map { @{ $answered{$name}{$_} || [] } } @of;
}

cmp_ok rows('A', 200, $_), '>=', answered('A', 200, $_), 'required: each 200 has its row' for @patients;
cmp_ok rows('A'), '<=', answered('A') + $broken{A}, '… once, and other rows are of calls only that broke off';
cmp_ok rows('B'), '<=', answered('B') + $broken{B}, 'on: no call has two rows';

# Refusals, and all rows under `on`, may be lost with a child that is killed.
sub before_kills {
    my ($name, @answers) = @_;
    return scalar grep { my $at = $_; grep { $at > $_ - 1 && $at < $_ + 0.1 } @{ $killed{$name} } } @answers;
}

cmp_ok answered('A', 503) - rows('A', 503), '<=', before_kills('A', answered('A', 503)), 'required: each 503 has its row, but for those just before a child was killed';
cmp_ok answered('B') - rows('B'), '<=', before_kills('B', answered('B')), 'on: so has each call';
is $pg->value('SELECT count(*) FROM (SELECT 1 FROM smartlaunch.fhir_access GROUP BY at, reference HAVING count(DISTINCT status) > 1) d'), 0,
    'no call has two ends';
is $pg->value('SELECT count(*) FROM smartlaunch.fhir_access WHERE patient IS NOT NULL AND asked_patient IS NOT NULL AND asked_patient <> patient'), 0,
    'no call was let through to another patient';

my @broken = map { $_->deaths } @hosts;
is_deeply \@broken, [], 'nobody died of anything but being killed';
note sprintf '%d calls in %d rounds: %s; children killed %d, outages of PostgreSQL %d; refreshes at the EHR %d, generations %d; '
    . 'answers %d, audit rows %d; tokens lost %d, refresh tokens used twice %d', $calls, $rounds,
    join(', ', map { "$answers{$_} x $_" } sort keys %answers), scalar(map { @$_ } values %killed), $outages,
    $counts->{refreshes}, $generations, scalar(map { answered($_) } qw(A B)), rows('A') + rows('B'), $lost, $counts->{reused};
for my $host (@hosts) {
    my ($errors, $access) = ($host->error_log, $host->access_log);
    is scalar(grep { index("$errors$access", $_->{session}) >= 0 } @launches), 0, 'no session id is in a log';
    is scalar(grep { index($errors, $_) >= 0 } @patients), 0, 'no patient is in the error log';
}
done();
