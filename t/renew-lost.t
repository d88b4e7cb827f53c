#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A renewed token is never lost: PostgreSQL goes away before it is stored, children are killed at every
# step, the journal is brought home by whoever is there.
# mpm: all
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::Tokens;
use SL::Traffic;

my %host = (fpm => 0, ehr_block => 'SmartOutbound timeout=10s max=40');
my $status = "<Location /smart-status>\nSetHandler smart-status\nRequire local\n</Location>\n";
my $w = world(start => 0, pg => { own => 1 }, %host, vhost => $status);
my ($httpd, $ehr, $pg) = ($w->httpd, $w->ehr, $w->pg);
my $patient = $ehr->patients->[0];
nobody_leads($w);
$httpd->start;
$w->launch(login => 'alice');
# Memory of its own, and a disk of its own
my $second = $w->another_host(%host);

sub fhir { my ($l, %arg) = @_; return $w->fhir(GET => "/Patient/$patient", session => $l->{session}, timeout => 60, %arg) }
sub code { my ($l, %arg) = @_; return fhir($l, %arg)->code }
sub name_of { my ($l, $generation) = @_; return 'token.' . id_of($w, $l) . '.' . ($generation // 1) }

# While $count calls for $l are under way, each of which knows whose it is, and their renewal is at the EHR,
# whose answer is held, $meanwhile happens; it ends with $ehr->release. Their status codes, or how they died.
sub during {
    my ($l, $count, $meanwhile, %arg) = @_;
    my $got = SL::Traffic->during(sub { return [ many($count, sub { return eval { { code => code($l, %arg) } } || { code => "died: $@" } }) ] }, sub {
        wait_for('the refresh', sub { scalar(my @all = renewals($w)) });
        wait_for('all calls', sub { json(request('GET', $w->url('/smart-status?format=json')))->{ehrs}[0]{taken} == $count }) if $count > 1;
        $meanwhile->();
    });
    return map { $_->{code} =~ s/^died: (?:the connection was closed|connect|no HTTP answer|the answer was cut).*/broken/sr } @$got;
}

sub tally { my %seen; $seen{$_}++ for @_; return join ', ', map { "$seen{$_} x $_" } sort keys %seen }

# The newest refresh token is in the row, and works: one more renewal, and the EHR sees no reuse.
sub works {
    my ($l, $generation, $name) = @_;
    wait_for("$name: the new generation in the row", sub { token($w, $l)->{generation} == $generation });
    my $row = token($w, $l);
    is_deeply [ @$row{qw(status lease_until state)} ], [ 'active', undef, 'live' ], "RFR-3 $name: the row has it";
    wait_for("$name: an empty journal", sub { !grep { index($_, id_of($w, $l)) >= 0 } map { journal($_) } $httpd, $second });
    $ehr->forget;
    is code($l), 200, '… it is used';
    is scalar(renewals($w)), 0, '… without another renewal';
    $ehr->end('access');
    my $code;
    wait_for('children to find PostgreSQL again', sub { ($code = code($l)) != 503 });
    if ($code == 401) { # it had been renewed for a 401 half a minute ago: ahead of its end, then
        lapse($w, $l, 5);
        wait_for('the renewal', sub { code($l); token($w, $l)->{generation} > $generation });
        $code = code($l);
    }
    is $code, 200, '… and its refresh token works';
    is $ehr->counts->{reused}, 0, '… RFR-4 none came twice to the EHR';
    return;
}

# PostgreSQL hangs, or is gone, when the EHR answers
for my $way ([ 'hangs', sub { $pg->freeze }, sub { $pg->thaw } ], [ 'is gone', sub { $pg->crash }, sub { $pg->start } ]) {
    my ($what, $away, $back) = @$way;
    my $l = lapsed($w, -1);
    $ehr->faults(refresh => { held => 1, times => 1 });
    is tally(during($l, 6, sub { $away->(); $ehr->release })), '6 x 200', "RFR-3 PostgreSQL $what when the EHR answers: everybody is served" or diag grep { /warn|error/ } map { "$_\n" } split /\n/, $httpd->error_log;
    is_deeply [ journal($httpd) ], [ name_of($l) ], '… what came is in the journal';
    is code($l), 200, '… and used on';
    is scalar(renewals($w)), 1, 'RFR-4 … after one renewal';
    my @bearers = map { $_->{headers}{authorization} } asked($w);
    is tally(@bearers), "7 x $bearers[0]", '… all calls with the new token';
    my $shown = slurp($httpd->dir . '/state/' . name_of($l));
    is scalar(grep { index($shown, $_) >= 0 } $patient, map { substr $_, 7 } @bearers), 0, '… which the journal does not show';
    is sprintf('%o', (stat $httpd->dir . '/state/' . name_of($l))[2]), '100600', '… nor lets others read';
    $back->();
    nobody_leads($w);
    works($l, 2, "PostgreSQL $what");
    wait_for('every child to have found PostgreSQL again', sub {
        $w->launch(stop => 'start');
        my $log = $httpd->error_log;
        return (() = $log =~ /SL3002/g) >= (() = $log =~ /SL3001/g);
    });
}

# Killed after the EHR's answer, before it is stored: another process brings it home
my $l = lapsed($w, -1);
$ehr->faults(refresh => { held => 1, times => 1 });
my @codes = during($l, 6, sub {
    my $pid = holder($w, $l);
    $pg->freeze;
    $ehr->release;
    wait_for('the journal', sub { journal($httpd) });
    $httpd->kill_child($pid);
    $pg->thaw;
});
is scalar(grep { $_ ne 'broken' && $_ != 200 } @codes), 0, 'RFR-3 killed after the answer: who waits in another process is served'
    or diag tally(@codes), map { "\n$_" } grep { /warn|error/ } split /\n/, $httpd->error_log;
cmp_ok scalar(grep { $_ eq 'broken' } @codes), '>=', 1, '… who was in the killed one is not';
is scalar(renewals($w)), 1, 'RFR-4 … after one renewal';
works($l, 2, 'killed after the answer');

# Killed after PostgreSQL took it, before anybody here knows
$l = lapsed($w, -1);
$ehr->faults(refresh => { held => 1, times => 1 });
@codes = during($l, 1, sub {
    my $pid = holder($w, $l);
    my $dbh = $pg->dbh;
    $dbh->begin_work;
    $dbh->selectrow_array('SELECT 1 FROM smartlaunch.token WHERE launch = ? FOR UPDATE', undef, id_of($w, $l));
    $ehr->release;
    wait_for('the journal', sub { journal($httpd) });
    wait_for('the statement', sub { $dbh->selectrow_array("SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'") });
    $httpd->kill_child($pid);
    $dbh->commit;
});
is_deeply \@codes, ['broken'], 'RFR-3 killed while PostgreSQL stores it';
works($l, 2, 'killed after the commit');
is token($w, $l)->{renewals}, 2, '… and nothing was stored twice';

# Killed while the EHR has the refresh token: nobody can know, so it is not used again
for my $fault ({ held => 1, times => 1 }, { hang => 1 }) {
    my $what = $fault->{hang} ? 'and the EHR never saw it' : 'and the EHR renewed';
    $l = lapsed($w, -1);
    $ehr->faults(refresh => $fault);
    my $before = $ehr->counts->{refreshes};
    is_deeply [ during($l, 1, sub { $httpd->kill_child(holder($w, $l)); $ehr->release }) ], ['broken'], "RFR-4 killed before the answer, $what";
    wait_for('the EHR', sub { $fault->{hang} || $ehr->counts->{refreshes} > $before });
    $ehr->faults;
    is_deeply [ @{ token($w, $l) }{qw(status generation)} ], [ 'active', 1 ], '… the row says nothing yet';
    ok let_lease_lapse($w, $l), '… but has the lease, whose time runs out';
    my $answer = fhir($l, host => $second);
    is_deeply came_to($w, $l, $answer), [ 401, 1, 0, 'relaunch', 'live' ], '… then the token is marked: launch again';
    says_relaunch($answer, '… the caller');
    like token($w, $l)->{last_error}, qr/interrupted/, '… and the row says why';
    is $l->{window}->reload->code, 200, '… the app goes on';
}

# Killed before the refresh token left
my $fresh = $w->another_host(%host);
$l = lapsed($w, 40);
$ehr->faults(discovery => { hang => 1 });
my $got = SL::Traffic->during(sub { code($l, host => $fresh) }, sub {
    wait_for('the question for endpoints', sub { scalar(my @all = $ehr->log('/fhir/.well-known')) });
    $fresh->kill_child(holder($w, $l));
});
like $got, qr/^died: the connection was closed/, 'RFR-4 killed before the refresh token was sent';
$ehr->faults;
let_lease_lapse($w, $l);
is_deeply came_to($w, $l, fhir($l)), [ 200, 0, 1, 'active', 'live' ], '… a token that is valid serves to its end';
lapse($w, $l);
is_deeply came_to($w, $l, fhir($l, host => $second)), [ 401, 0, 1, 'relaunch', 'live' ], '… then it is marked; the refresh token was never sent';
$fresh->stop;

is $ehr->counts->{reused}, 0, 'RFR-4 no refresh token came twice to the EHR';
in_no_log($w, $_, $patient) for $httpd, $second;
$_->allow_log(qw(broken AH00052 AH00898 AH01102 SL2531 SL2532 SL3001 SL3004 SL3005 SL3006 SL3010 SL4514 SL4543 SL4544 SL4546 SL4547 SL4548
    SL4551 SL4553 SL4555 SL4611 SL5836)) for SL::Httpd->all;
my @broken = map { $_->deaths } SL::Httpd->all;
is_deeply \@broken, [], 'nobody died of anything else';
done();
