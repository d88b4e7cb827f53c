#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What is done without a request: one host of the cluster keeps house, every host listens.
# mpm: all
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;

my $w = world(fpm => 0, extra => 'SmartKeep access=31d');
my $owner = $w->pg->dbh;
my $other = $w->another_host(fpm => 0, extra => 'SmartKeep access=31d');
my @hosts = ($w->httpd, $other);

sub holder { return $owner->selectrow_array("SELECT held_by FROM smartlaunch.caretaker WHERE held_until > now()") // '' }

# The host that the caretaker of the cluster is a child of.
sub leads {
    my ($pid) = holder() =~ /^[^:]+:(\d+):[0-9a-f]+$/ or return -1;
    my ($i) = grep { my $h = $hosts[$_]; $h->{server} && grep { $_ == $pid } $h->children } 0 .. $#hosts;
    return $i // -1;
}

sub listening { return $owner->selectrow_array("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'web' AND query IN ('LISTEN smartlaunch', 'SELECT 1')") }

wait_for('somebody to lead', sub { leads() >= 0 });
my ($first, $who) = (leads(), holder());
wait_for('a lease that was prolonged', sub {
    return $owner->selectrow_array("SELECT held_until - now() > interval '11 seconds' FROM smartlaunch.caretaker");
}, 30);
is holder(), $who, 'one child of one host leads, and prolongs its lease';
wait_for('both hosts to listen', sub { listening() == 2 });
pass 'every host listens once, however many children';

# Revoked is revoked, on every host
my $l = $w->launch(login => 'alice');
sub codes { return map { $w->fhir(GET => "/Patient/$l->{patient}", session => $l->{session}, host => $_)->code } @hosts }
is_deeply [ codes() ], [ 200, 200 ], 'a launch that both hosts know';
$w->pg->dbh('dba')->do('SELECT smartlaunch.revoke_link(?, ?, ?, ?)', undef, 'app', 'sandbox', 'dr-smith', 'a test');
cmp_ok lasted('the launch', sub { return !grep { $_ != 401 } codes() }), '<=', 5, 'a link is revoked: within 5 seconds no host lets its launch through';

# The audit's old rows go, young ones stay; the month has its partition
$owner->do("INSERT INTO smartlaunch.fhir_access (at, via, method, status, reference) VALUES
    (now() - interval '100 days', 'none', 'GET', 401, 'OLD'), (now() - interval '20 days', 'none', 'GET', 401, 'YOUNG')");
my ($part) = $owner->selectrow_array("SELECT to_regclass('smartlaunch.fhir_access_' || to_char(now() AT TIME ZONE 'UTC', 'YYYYMM'))");
ok $part, 'this month has its partition';

# The leader ends: another takes over before the lease would have run out
$hosts[$first]->stop;
cmp_ok lasted('nobody leads', sub { leads() == 1 - $first }), '<', 9, 'a leader that ends steps down';
wait_for('old rows of the audit to go', sub {
    return !$owner->selectrow_array("SELECT count(*) FROM smartlaunch.fhir_access WHERE reference = 'OLD'");
}, 30);
is $owner->selectrow_array("SELECT count(*) FROM smartlaunch.fhir_access WHERE reference = 'YOUNG'"), 1,
    'SmartKeep access=: old rows of the audit go, young ones stay';
$hosts[$first]->start;
wait_for('both to listen again', sub { listening() == 2 });

# The leader is killed: another takes over when the lease has run out
$hosts[$_]->allow_log('broken', 'AH00052') for 0, 1;
$who = holder();
kill 'KILL', $hosts[1 - $first]->children;
ok wait_for('another to lead', sub { my $now = holder(); return $now ne '' && $now ne $who && leads() >= 0 }),
    'a leader that is killed is followed by a child that lives';

# PostgreSQL breaks off the connection: hosts listen again by themselves
wait_for('both to listen', sub { listening() == 2 });
$hosts[$_]->allow_log(qw(SL3010 SL3001)) for 0, 1;
my @before = map { $_->[0] } @{ $owner->selectall_arrayref("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND usename = 'web' AND query IN ('LISTEN smartlaunch', 'SELECT 1')") };
$owner->do('SELECT pg_terminate_backend(?)', undef, $_) for @before;
wait_for('both to listen once more', sub {
    return 2 == $owner->selectrow_array("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'web'
        AND query IN ('LISTEN smartlaunch', 'SELECT 1') AND pid <> ALL (?)", undef, \@before);
}, 30);
pass 'a connection that broke is made anew';

# A stop does not wait for anybody
for my $host (@hosts) {
    my $begun = time;
    $host->stop;
    cmp_ok time - $begun, '<', 8, 'httpd ends soon';
}

done();
