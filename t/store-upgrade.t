# SPDX-License-Identifier: Apache-2.0
# The tables of an earlier version, with what is in them, become those of this one.
use strict;
use warnings;
use lib 't/lib';
use SL;

my @files = sort glob top() . '/sql/*.sql';
my $launch = '01900000-0000-7000-8000-000000000001';

# Tables of version 3, as mod_smartlaunch left them before it had a gateway.
my $pg = SL::Postgres->new(schema => 0);
my $dbh = $pg->dbh;
$dbh->begin_work;
$dbh->do(slurp($_)) for @files[0 .. 2];
$dbh->commit;
is($pg->value('SELECT max(version) FROM smartlaunch.schema_version'), 3, 'tables of version 3');
my $link = $pg->value(q(INSERT INTO smartlaunch.link (app, ehr, ehr_user, app_user, how)
    VALUES ('app', 'epic', 'dr-smith', 'alice', 'app') RETURNING id));
$dbh->do(q(INSERT INTO smartlaunch.launch (id, app, ehr, kind, state, link, link_state, app_user,
        handle_hash, session_hash, browser_hash, key_id, authorized_at, expires_at)
    SELECT ?, 'app', 'epic', 'ehr', 'live', ?, 'linked', 'alice', sha256('h'), sha256('s'), sha256('b'),
        'k1', now(), now() + interval '1 hour'), undef, $launch, $link);
$dbh->do(q(INSERT INTO smartlaunch.token (launch, link, app, ehr, app_user, access_sealed, refresh_sealed,
        key_id) VALUES (?, ?, 'app', 'epic', 'alice', 'SEALED-A', 'SEALED-R', 'k1')), undef, $launch, $link);
$dbh->do(q(INSERT INTO smartlaunch.fhir_access (at, via, method, status, reference)
    VALUES (now(), 'session', 'GET', 200, 'ref-1')));
my @dump = map { $_->{row} } $pg->rows(q(SELECT (to_jsonb(l) || to_jsonb(t))::text AS row FROM smartlaunch.launch l
    JOIN smartlaunch.token t ON t.launch = l.id));

$ENV{SL_SQLDIR} = top() . '/sql';
my @ctl = (build() . '/smartlaunchctl', '--db', $pg->owner_conninfo, 'schema');
my ($rc, $text) = capture(@ctl, 'status');
is($rc, 3, 'they are too old for this program') or diag($text);
like($text, qr/schema upgrade/, '… which says what to do');
($rc, $text) = capture(@ctl, 'upgrade');
is($rc, 0, 'schema upgrade') or diag($text);
is_deeply([ $text =~ /^(\S+\.sql): done$/mg ], [ map { m{([^/]+)$} } @files[3 .. $#files] ], '… runs what is new');
($rc, $text) = capture(@ctl, 'status');
is($rc, 0, '… and they fit') or diag($text);

is_deeply([ map { $_->{row} } $pg->rows(q(SELECT (to_jsonb(l) - 'stand_in_for' || (to_jsonb(t) - 'retry_at'))::text AS row
    FROM smartlaunch.launch l JOIN smartlaunch.token t ON t.launch = l.id)) ], \@dump, 'launch and token are as they were');
is($pg->value(q(SELECT reference FROM smartlaunch.fhir_access)), 'ref-1', '… and the audit');
done();
