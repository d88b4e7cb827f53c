# SPDX-License-Identifier: Apache-2.0
# A database that has been in use: so many links, each with a launch and its token.
package Bench::Fill;
use strict;
use warnings;
use Exporter qw(import);

our @EXPORT_OK = qw(fill);

# Adds rows until there are $wanted of each.
sub fill {
    my ($pg, $wanted) = @_;
    my $dbh = $pg->dbh;
    my $have = $pg->value("SELECT count(*) FROM smartlaunch.link WHERE ehr_user LIKE 'filled-%'");
    my $range = 'generate_series(' . ($have + 1) . ", $wanted) i";
    $dbh->do($_) for <<"LINK", <<"LAUNCH", <<"TOKEN", <<"STEP";
INSERT INTO smartlaunch.link (id, app, ehr, ehr_user, app_user, how)
SELECT md5('l' || i)::uuid, 'app', 'sandbox', 'filled-' || i, 'user-' || i, 'app' FROM $range
LINK
INSERT INTO smartlaunch.launch (id, app, ehr, kind, state, link, link_state, handle_hash, session_hash,
    state_hash, browser_hash, key_id, app_user, ehr_user, patient, created_at, authorized_at, last_seen_at,
    expires_at)
SELECT md5('r' || i)::uuid, 'app', 'sandbox', 'ehr', CASE WHEN i % 2 = 0 THEN 'live' ELSE 'ended' END,
    md5('l' || i)::uuid, 'linked', sha256(('h' || i)::bytea), sha256(('s' || i)::bytea),
    sha256(('o' || i)::bytea), sha256(('b' || i)::bytea), 'k1', 'user-' || i, 'filled-' || i, 'p' || i,
    t, t, t, now() + interval '12 hours'
FROM $range, LATERAL (SELECT now() - i * interval '0.01 second' AS t) x
LAUNCH
INSERT INTO smartlaunch.token (launch, link, app, ehr, app_user, access_sealed, key_id)
SELECT md5('r' || i)::uuid, md5('l' || i)::uuid, 'app', 'sandbox', 'user-' || i, decode(repeat('00', 1200), 'hex'), 'k1'
FROM $range
TOKEN
INSERT INTO smartlaunch.launch_step (launch, at, step, outcome, reference)
SELECT md5('r' || i)::uuid, now() - i * interval '0.01 second', 'launch', 'ok', 'ref-' || i FROM $range
STEP
    $dbh->do("VACUUM ANALYZE smartlaunch.$_") for qw(link launch token launch_step);
    return;
}

1;
