# SPDX-License-Identifier: Apache-2.0
# Flat as it grows: with many rows, no statement of ours reads a table from end to end.
use strict;
use warnings;
use lib 't/lib';
use SL;
use SL::Served qw(served);

my $rows = 60_000;
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
INSERT INTO smartlaunch.token (launch, link, app, ehr, app_user, access_sealed, key_id)
SELECT md5('r' || i)::uuid, md5('l' || i)::uuid, 'app', 'epic', 'user-' || i, 'x', 'k1'
FROM generate_series(1, $rows) i
SQL
$dbh->do(<<"SQL");
INSERT INTO smartlaunch.launch_step (launch, at, step, outcome, reference)
SELECT md5('r' || i)::uuid, now() - i * interval '0.1 second', 'launch', 'ok', 'ref-' || i
FROM generate_series(1, $rows) i
SQL
$dbh->do("ANALYZE smartlaunch.$_") for qw(link launch token launch_step);

sub scans {
    $dbh->do('SELECT pg_stat_force_next_flush()');
    $dbh->do('SELECT pg_stat_clear_snapshot()');
    return { map { $_->{relname} => $_ } $pg->rows(
        q(SELECT relname, seq_tup_read, idx_tup_fetch, n_tup_ins FROM pg_stat_user_tables
          WHERE schemaname = 'smartlaunch' AND relname IN ('link', 'launch', 'token', 'launch_step'))) };
}

my $before = wait_for('the statistics of the filling',
    sub { my $s = scans(); $s->{launch_step}{n_tup_ins} >= $rows && $s });
served('scale', pg => $pg);
my $after = wait_for('the statistics of the run',
    sub { my $s = scans(); $s->{token}{n_tup_ins} > $before->{token}{n_tup_ins} && $s });
for my $table (qw(link launch token launch_step)) {
    is($after->{$table}{seq_tup_read} - $before->{$table}{seq_tup_read}, 0, "$table is never read from end to end");
    cmp_ok($after->{$table}{idx_tup_fetch} - $before->{$table}{idx_tup_fetch}, '<', 2000,
        "… and few of its rows are looked at") if $table ne 'launch_step';
}
done();
