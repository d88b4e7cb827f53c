# SPDX-License-Identifier: Apache-2.0
# The holding area of the Clinical Data Pull on a real PostgreSQL, as the role the module has: the
# checks are in t/lib/c/store_cdp_*.c. Then what a dump gives away, and what a DBA may do.
# mpm: sanitized
use strict;
use warnings;
use utf8;
use lib 't/lib';
use SL;
use MIME::Base64 qw(encode_base64);
use SL::Run qw(build capture run_dir spit);
use SL::Served qw(served);

my $pg = SL::Postgres->new;
served($_, pg => $pg) for qw(cdp-setup cdp-hold cdp-claim cdp-keys);

# The last group leaves a record with everything that can be sealed.
my $dump = $pg->dump;
for my $what (qw(Morris Lockman 71.25 83.75 MRN-4711), '2031-01-02', 'is away') {
    my $hex = join '', map { sprintf '%02x', ord } split //, $what;
    unlike $dump, qr/\Q$what\E|$hex/i, "H1 a dump has no $what";
}
like $dump, qr/\balice\b.*\bfetched\b/, '… but who did what';
like $dump, qr/2024-03-15 10:00:00/, '… and times of values';

# A rotation by smartlaunchctl: what the C tests do, and what the administrator is told.
my $dir = run_dir('ring');
my $ring = spit("$dir/ring", "k2 " . encode_base64("\x02" x 32) . "k1 " . encode_base64("\x01" x 32), 0600);
my @ctl = (build() . '/smartlaunchctl', '--db', $pg->conninfo, '--keyring', $ring, 'keyring');
like +(capture(@ctl, 'status'))[1], qr/^k1 +0 +0 +10 +0 +until keyring rotate has run$/m, 'H1 keyring status: the old key is needed for what is held';
my ($rc, $text) = capture(@ctl, 'rotate');
is $rc, 0, 'H1 keyring rotate' or diag $text;
like $text, qr/^sealed anew under k2: 0 tokens, 0 launches under way, 10 held$/m, '… seals it anew';
like $text, qr/^k1 +0 +0 +0 +0 +no: its line may go$/m, '… and its line may go';
$pg->dbh->do(q(UPDATE smartlaunch.cdp_value SET key_id = 'k1' WHERE id = (SELECT min(id) FROM smartlaunch.cdp_value)));
($rc, $text) = capture(@ctl, 'rotate');
is $rc, 1, 'H1 a value whose key is another than it says';
like $text, qr/project study stays as it is.*SL8013|SL8013.*project study stays as it is/, '… is told of';
like $text, qr/1 still sealed under another key, some of which cannot be opened/, '… and counted';
unlike $text, qr/Morris|MRN-4711/, '… without what it is';

my $dba = $pg->dbh('dba');
is_deeply [ map { @{$_}{qw(record state outcome has_mrn new_values refused)} }
    @{ $dba->selectall_arrayref('SELECT * FROM smartlaunch.cdp_status', { Slice => {} }) } ],
    [ 1, 'idle', 'partial', 1, 4, 1 ], 'a DBA sees how records are';
is_deeply [ grep { /_sealed|_print|_key$/ } map { $_->[0] } @{ $dba->selectall_arrayref(
    q(SELECT column_name FROM information_schema.columns WHERE table_name = 'cdp_status')) } ], [], '… nothing sealed';
for my $table (qw(cdp_key cdp_record cdp_value cdp_outbox)) {
    ok !eval { $dba->do("SELECT * FROM smartlaunch.$table"); 1 }, "a DBA cannot read $table itself";
}
my $web = $pg->dbh('web');
for my $table (qw(cdp_view cdp_log)) {
    ok !eval { $web->do("UPDATE smartlaunch.$table SET app_user = 'x'"); 1 }, "the module cannot change $table";
    ok !eval { $web->do("DELETE FROM smartlaunch.$table"); 1 }, '… nor delete from it';
}
ok !eval { $web->do("SELECT smartlaunch.cdp_purge('study')"); 1 }, 'the module cannot purge a project';

my $logged = $pg->value('SELECT count(*) FROM smartlaunch.cdp_log');
is $dba->selectrow_array(q(SELECT smartlaunch.cdp_purge('study'))), 1, 'a DBA purges a project: one record';
is $pg->value("SELECT count(*) FROM smartlaunch.$_"), 0, "… nothing is left in $_"
    for qw(cdp_project cdp_mapping cdp_preview cdp_right cdp_record cdp_value cdp_outbox);
is $pg->value('SELECT count(*) FROM smartlaunch.cdp_log'), $logged, '… but who did what';
done();
