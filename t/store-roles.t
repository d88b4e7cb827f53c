# SPDX-License-Identifier: Apache-2.0
# Least privilege: what smartlaunch_module and smartlaunch_dba may do, and what a DBA gets to read.
use strict;
use warnings;
use lib 't/lib';
use SL;

my $pg = SL::Postgres->new;
my ($web, $dba) = map { $pg->dbh($_) } qw(web dba);

my $launch = '01900000-0000-7000-8000-000000000001';
my $link = $pg->value(q(INSERT INTO smartlaunch.link (app, ehr, ehr_user, app_user, how)
    VALUES ('app', 'epic', 'dr-smith', 'alice', 'app') RETURNING id));
$pg->dbh->do(q(INSERT INTO smartlaunch.launch (id, app, ehr, kind, state, link, link_state, app_user,
        handle_hash, session_hash, browser_hash, key_id, authorized_at, expires_at)
    SELECT ?, 'app', 'epic', 'ehr', 'live', ?, 'linked', 'alice', sha256('h'), sha256('s'), sha256('b'),
        'k1', now(), now() + interval '1 hour'), undef, $launch, $link);
$pg->dbh->do(q(INSERT INTO smartlaunch.token (launch, link, app, ehr, app_user, access_sealed,
        refresh_sealed, key_id) VALUES (?, ?, 'app', 'epic', 'alice', 'SEALED-A', 'SEALED-R', 'k1')),
    undef, $launch, $link);
$pg->dbh->do(q(INSERT INTO smartlaunch.launch_step (launch, at, step, outcome, reference)
    VALUES (?, now(), 'launch', 'ok', 'ref-1')), undef, $launch);

sub refused {
    my ($dbh, $sql, $name) = @_;
    ok(!eval { $dbh->do($sql); 1 }, $name);
    is($dbh->state, '42501', '… for lack of the right') or diag($dbh->errstr);
    return;
}

sub allowed {
    my ($dbh, $sql, $name) = @_;
    ok(eval { $dbh->do($sql); 1 }, $name) or diag($@);
    return;
}

# The module
allowed($web, q(INSERT INTO smartlaunch.fhir_access (at, via, method, status, reference)
    VALUES (now(), 'session', 'GET', 200, 'ref-2')), 'the module writes the access log');
allowed($web, q(INSERT INTO smartlaunch.launch_step (at, step, outcome, reference)
    VALUES (now(), 'launch', 'SL4001', 'ref-3')), 'the module writes the flight recorder');
for my $table (qw(fhir_access launch_step)) {
    refused($web, "UPDATE smartlaunch.$table SET reference = 'x'", "the module cannot change $table");
    refused($web, "DELETE FROM smartlaunch.$table", "the module cannot delete from $table");
    refused($web, "TRUNCATE smartlaunch.$table", "the module cannot empty $table");
}
my ($part) = map { $_->{name} } $pg->rows(q(SELECT inhrelid::regclass::text AS name FROM pg_inherits
    WHERE inhparent = 'smartlaunch.fhir_access'::regclass AND inhrelid::regclass::text ~ '\d{6}$'));
refused($web, "DELETE FROM $part", 'the module cannot delete from a partition of it');
refused($web, "INSERT INTO $part DEFAULT VALUES", 'the module cannot write into one directly');
refused($web, 'SELECT * FROM smartlaunch.fhir_access', 'the module cannot read the access log');
refused($web, "DELETE FROM smartlaunch.$_", "the module cannot delete from $_") for qw(launch token link ehr);
refused($web, 'UPDATE smartlaunch.link SET revoked_at = NULL', 'the module cannot undo a revocation');
refused($web, "UPDATE smartlaunch.link SET app_user = 'bob'", 'the module cannot bend a link');
refused($web, 'UPDATE smartlaunch.schema_version SET version = 1', 'the module cannot change the version');
refused($web, 'CREATE TABLE smartlaunch.x (x int)', 'the module can make no table');
refused($web, 'CREATE SCHEMA x', 'the module can make no schema');
refused($web, 'CREATE FUNCTION smartlaunch.x() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$',
    'the module can make no function');
refused($web, 'SELECT smartlaunch.revoke_link(gen_random_uuid(), NULL)', 'the module cannot revoke a link');
refused($web, "SELECT smartlaunch.end_launches('{}', '')", 'the module cannot use what revoking uses');
allowed($web, "SELECT smartlaunch.access_partition((now() + interval '1 month')::date)",
    'the module has partitions made');
ok(!eval { $web->do("SELECT smartlaunch.access_partition('2099-01-01')"); 1 }, '… not just any');
ok(!eval { $web->do("SELECT smartlaunch.purge('1 second')"); 1 }, 'the module cannot purge what is fresh');
allowed($web, "SELECT smartlaunch.purge('30 days')", '… only what is old');
is($pg->value('SELECT count(*) FROM smartlaunch.launch_step'), 2, '… so the steps are there');
allowed($web, "SELECT smartlaunch.prune_pending(sha256('b'), gen_random_uuid(), 0)", 'the module prunes');
is($pg->value('SELECT count(*) FROM smartlaunch.launch'), 1, '… pending launches only');

# Functions with the owner's rights cannot be led astray by names of the caller's.
my @definer = $pg->rows(q(SELECT p.oid::regprocedure AS name, p.proconfig::text AS config,
        has_function_privilege('public', p.oid, 'EXECUTE') AS everybody
    FROM pg_proc p WHERE pronamespace = 'smartlaunch'::regnamespace));
cmp_ok(scalar @definer, '>=', 7, 'there are functions');
is($_->{config}, '{"search_path=pg_catalog, pg_temp"}', "$_->{name} has its own search_path") for @definer;
ok(!$_->{everybody}, "$_->{name} is not everybody's") for @definer;

# The DBA
my @seen = map { @{$_}{qw(table_name column_name)} ? $_ : () } @{ $dba->selectall_arrayref(
    q(SELECT c.relname AS table_name, a.attname AS column_name
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
      WHERE c.relnamespace = 'smartlaunch'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND a.attnum > 0
        AND has_column_privilege(c.oid, a.attnum, 'SELECT')), { Slice => {} }) };
cmp_ok(scalar @seen, '>', 60, 'a DBA reads many columns');
is_deeply([ grep { $_->{column_name} =~ /_sealed$|_hash$/ } @seen ], [], '… none that is sealed, and no hash');
is_deeply([ sort keys %{ { map { $_->{table_name} => 1 } @seen } } ],
    [ qw(caretaker cdp_log cdp_mapping cdp_preview cdp_project cdp_right cdp_status cdp_view ehr fhir_access host launch_status launch_step link_status schema_version token_status) ], '… of these tables');
my ($sealed_columns) = $pg->value(q(SELECT count(*) FROM information_schema.columns
    WHERE table_schema = 'smartlaunch' AND column_name LIKE '%\_sealed' AND data_type = 'bytea'));
is($sealed_columns, 13, 'what is sealed is bytea and named so');
my $all = join "\n", map { my $t = $_; map { join '|', map { $_ // '' } @$_ }
    @{ $dba->selectall_arrayref("SELECT * FROM smartlaunch.$t") } }
    qw(ehr fhir_access launch_status launch_step link_status token_status);
like($all, qr/dr-smith/, 'a DBA sees who is who');
unlike($all, qr/SEALED/, '… and no token');
refused($dba, "SELECT * FROM smartlaunch.$_", "a DBA cannot read $_ itself") for qw(launch token link);
refused($dba, "INSERT INTO smartlaunch.launch_step (at, step, outcome, reference) VALUES (now(), '', '', '')",
    'a DBA writes nothing');
is($dba->selectrow_array('SELECT can_renew FROM smartlaunch.token_status'), 1, 'token_status knows');
is($dba->selectrow_array('SELECT session_print FROM smartlaunch.launch_status'),
    $pg->value(q(SELECT substr(encode(sha256('s'), 'hex'), 1, 32))), 'launch_status names the session as the log does');
is($dba->selectrow_array(q(SELECT smartlaunch.revoke_link('app', 'epic', 'dr-smith', 'left'))), 1,
    'a DBA revokes a link by name');
is_deeply($dba->selectrow_arrayref('SELECT status, revoked_by, revoke_reason FROM smartlaunch.link_status'),
    [ 'revoked', 'dba', 'left' ], '… and it says who and why');
is($dba->selectrow_array('SELECT state FROM smartlaunch.launch_status'), 'ended', '… its launch has ended');
is_deeply($dba->selectrow_arrayref('SELECT status, can_renew FROM smartlaunch.token_status'),
    [ 'revoked', 0 ], '… its token is gone');
unlike($pg->dump, qr/SEALED/, '… for good');
is($dba->selectrow_array(q(SELECT smartlaunch.revoke_link('app', 'epic', 'dr-smith', 'left'))), 0,
    'what is not there is not revoked');

# Everything says what it is.
my @mute = $pg->rows(q(SELECT c.relname || coalesce('.' || a.attname, '') AS what
    FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = 'smartlaunch'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
      AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid, 'pg_class') IS NULL)));
is_deeply(\@mute, [], 'every table, view and column has a comment');
my @silent = $pg->rows(q(SELECT oid::regprocedure AS what FROM pg_proc
    WHERE pronamespace = 'smartlaunch'::regnamespace AND obj_description(oid, 'pg_proc') IS NULL));
is_deeply(\@silent, [], 'every function has one');
done();
