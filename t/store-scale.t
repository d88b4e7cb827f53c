# SPDX-License-Identifier: Apache-2.0
# Flat as it grows: with many rows, no statement of ours reads a table from end to end.
use strict;
use warnings;
use lib 't/lib';
use SL;
use SL::Served qw(served);

# SL_ROWS=1000000 for the figures that docs/database.md speaks of.
my $rows = $ENV{SL_ROWS} || 60_000;
my $pg = SL::Postgres->new;
my $dbh = $pg->dbh;
$dbh->do(<<"SQL");
INSERT INTO smartlaunch.link (id, app, ehr, ehr_user, app_user, how)
SELECT md5('l' || i)::uuid, 'app', 'epic', 'dr-' || i, 'user-' || i, 'app' FROM generate_series(1, $rows) i
SQL
$dbh->do(<<"SQL");
INSERT INTO smartlaunch.launch (id, app, ehr, kind, state, link, link_state, handle_hash, session_hash,
    state_hash, browser_hash, prev_browser_hash, moved_at, key_id, app_user, ehr_user, patient, created_at,
    authorized_at, last_seen_at, expires_at)
SELECT md5('r' || i)::uuid, 'app', 'epic', 'ehr', CASE WHEN i % 2 = 0 THEN 'live' ELSE 'ended' END,
    md5('l' || i)::uuid, 'linked', sha256(('h' || i)::bytea), sha256(('s' || i)::bytea),
    sha256(('o' || i)::bytea), sha256(('b' || i)::bytea), sha256(('p' || i)::bytea), t, 'k1', 'user-' || i,
    'dr-' || i, 'p' || i, t, t, t, t + interval '12 hours'
FROM generate_series(1, $rows) i, LATERAL (SELECT now() - i * interval '0.1 second' AS t) x
SQL
$dbh->do(<<"SQL");
INSERT INTO smartlaunch.token (launch, link, app, ehr, app_user, patient, access_sealed, refresh_sealed,
    scope_granted, key_id, issued_at, expires_at)
SELECT md5('r' || i)::uuid, md5('l' || CASE WHEN i % 10 = 0 THEN 1 ELSE i END)::uuid, 'app', 'epic',
    CASE WHEN i % 10 = 0 THEN 'busy' ELSE 'user-' || i END, 'p' || i % 1000, 'x', CASE WHEN i % 3 > 0 THEN 'r' END::bytea,
    CASE WHEN i % 4 = 0 THEN 'offline_access' END, 'k1', t, t + interval '1 hour'
FROM generate_series(1, $rows) i, LATERAL (SELECT now() - (i - 40) * interval '30 seconds' AS t) x
SQL
$dbh->do(<<"SQL");
INSERT INTO smartlaunch.fhir_access (at, via, method, status, reference)
SELECT now() - i * interval '0.1 second', 'session', 'GET', 200, 'ref-' || i FROM generate_series(1, $rows) i
SQL
$dbh->do(<<"SQL");
INSERT INTO smartlaunch.launch_step (launch, at, step, outcome, reference)
SELECT md5('r' || i)::uuid, now() - i * interval '0.1 second', 'launch', 'ok', 'ref-' || i
FROM generate_series(1, $rows) i
SQL
$dbh->do("ANALYZE smartlaunch.$_") for qw(link launch token launch_step fhir_access);

# Partitions of the audit count as one table.
sub scans {
    $dbh->do('SELECT pg_stat_force_next_flush()');
    $dbh->do('SELECT pg_stat_clear_snapshot()');
    return { map { $_->{name} => $_ } $pg->rows(
        q(SELECT regexp_replace(relname, '_(other|[0-9]{6})$', '') AS name, sum(seq_tup_read) AS seq_tup_read,
              sum(idx_tup_fetch) AS idx_tup_fetch, sum(n_tup_ins) AS n_tup_ins
          FROM pg_stat_user_tables WHERE schemaname = 'smartlaunch' GROUP BY 1)) };
}

my @tables = qw(link launch token launch_step fhir_access);
my $before = wait_for('the statistics of the filling',
    sub { my $s = scans(); (grep { $s->{$_}{n_tup_ins} < $rows } @tables) ? undef : $s });
served('scale', pg => $pg);
my $after = wait_for('the statistics of the run',
    sub { my $s = scans(); $s->{fhir_access}{n_tup_ins} > $before->{fhir_access}{n_tup_ins} && $s });
for my $table (@tables) {
    is($after->{$table}{seq_tup_read} - $before->{$table}{seq_tup_read}, 0, "$table is never read from end to end");
    cmp_ok($after->{$table}{idx_tup_fetch} - $before->{$table}{idx_tup_fetch}, '<', 4000,
        "… and few of its rows are looked at") if $table ne 'launch_step';
}
done();
