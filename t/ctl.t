# SPDX-License-Identifier: Apache-2.0
# smartlaunchctl: the verbs, what they print, how they end.
use strict;
use warnings;
use lib 't/lib';
use SL;
use JSON::PP;

my $pg = SL::Postgres->new(schema => 0);
my @db = ('--db', $pg->owner_conninfo);
$ENV{SL_SQLDIR} = top() . '/sql';

sub ctl { return capture(build() . '/smartlaunchctl', @_) }

sub is_ctl {
    my ($want_rc, $want, $name, @args) = @_;
    my ($rc, $text) = ctl(@args);
    is($rc, $want_rc, "$name: status") or diag($text);
    like($text, $want, "$name: words");
    return $text;
}

my @files = sort map { m{([^/]+)$} } glob top() . '/sql/*.sql';
my $newest = @files;

# schema
is_ctl(3, qr/version 0, .*schema install/, 'status of an empty database', @db, qw(schema status));
is_ctl(1, qr/schema install/, 'nothing to upgrade', @db, qw(schema upgrade));
is_ctl(2, qr/--db/, 'install wants the owner', qw(schema install));
my $text = is_ctl(0, qr/version $newest$/m, 'install', @db, qw(schema install));
is_deeply([ $text =~ /^(\S+\.sql): done$/mg ], \@files, '… runs every file in order');
is_ctl(0, qr/nothing to do/, 'install again', @db, qw(schema install));
is_ctl(0, qr/nothing to do/, 'upgrade', @db, qw(schema upgrade));
is_ctl(0, qr/: ok$/m, 'status', @db, qw(schema status));
is(decode_json(is_ctl(0, qr/^\{/, 'status as JSON', @db, qw(--json schema status)))->{version}, $newest, '… is right');
is_ctl(0, qr/: ok$/m, 'the module may ask', '--db', $pg->conninfo, qw(schema status));
is_ctl(1, qr/SL3074.*|denied/, 'the module may not install', '--db',
    SL::Postgres->new(schema => 0)->conninfo, qw(schema install));
is_ctl(1, qr/SL3073/, 'no such server', '--db', 'host=127.0.0.1 port=1', qw(schema status));

# Two at once: one waits, then finds it done.
my $twice = SL::Postgres->new(schema => 0);
my @pids = map {
    my $pid = fork // die;
    if (!$pid) {
        open STDOUT, '>', '/dev/null';
        exec build() . '/smartlaunchctl', '--db', $twice->owner_conninfo, qw(schema install);
    }
    $pid;
} 1 .. 3;
is(join(' ', map { waitpid $_, 0; $? } @pids), '0 0 0', 'three install at once, and all is well');
is($twice->value('SELECT count(*) FROM smartlaunch.schema_version'), $newest, '… once');

# A migration that does not run leaves everything as it was.
my $broken = run_dir('sql');
spit("$broken/$_", slurp(top() . "/sql/$_")) for @files[0 .. $#files - 1];
spit("$broken/$files[-1]", slurp(top() . "/sql/$files[-1]") . ";\nSELECT nonsense;\n");
my $fresh = SL::Postgres->new(schema => 0);
my @fresh = ('--db', $fresh->owner_conninfo);
is_ctl(1, qr/\Q$files[-1]\E: .*nonsense/, 'a broken migration', @fresh, '--sql', "$broken", qw(schema install));
is($fresh->value(q(SELECT count(*) FROM pg_namespace WHERE nspname = 'smartlaunch')), 0, '… leaves nothing');
unlink "$broken/$files[0]";
is_ctl(1, qr/001 is missing/, 'a migration is missing', @fresh, '--sql', "$broken", qw(schema install));
is_ctl(1, qr/cannot be read/, 'no migrations', @fresh, '--sql', '/nonexistent', qw(schema install));

# An older schema is upgraded.
my $old = SL::Postgres->new(schema => 0);
for my $file (@files[0 .. $#files - 1]) {
    $old->dbh->do(slurp(top() . "/sql/$file"));
}
my @old = ('--db', $old->owner_conninfo);
is_ctl(3, qr/schema upgrade/, 'status of older tables', @old, qw(schema status));
is_ctl(1, qr/schema upgrade/, 'older tables are not installed over', @old, qw(schema install));
is_ctl(0, qr/\Q$files[-1]\E: done/, 'older tables are upgraded', @old, qw(schema upgrade));
$old->dbh->do('INSERT INTO smartlaunch.schema_version (version) VALUES (999)');
is_ctl(1, qr/newer/, 'newer tables are left alone', @old, qw(schema upgrade));

# keyring
my ($rc, $line) = ctl(qw(keyring new));
is($rc, 0, 'a key');
like($line, qr{^k\d{8}-[0-9a-f]{4} [A-Za-z0-9+/]{43}=\n$}, '… has a name and 32 bytes');
isnt((ctl(qw(keyring new)))[1], $line, '… and the next one is another');
like(decode_json((ctl(qw(--json keyring new)))[1])->{key}, qr{^[A-Za-z0-9+/]{43}=$}, '… also as JSON');

# trace
my $launch = '01900000-0000-7000-8000-000000000009';
$pg->dbh->do(q(INSERT INTO smartlaunch.launch_step (launch, at, step, outcome, http_status, ms, detail, reference)
    VALUES (?, '2026-01-02 03:04:05.678+00', 'launch', 'ok', NULL, NULL, NULL, 'ref-a'),
           (?, '2026-01-02 03:04:06.789+00', 'token', 'SL4120', 400, 31, 'invalid_grant', 'ref-b'),
           (NULL, '2026-01-02 03:04:07+00', 'launch', 'SL4001', NULL, NULL, 'else', 'ref-c')), undef, $launch, $launch);
my @as_module = ('--db', $pg->conninfo);
$text = is_ctl(0, qr/^launch $launch$/m, 'trace', @as_module, 'trace', 'ref-b');
like($text, qr/03:04:05\.678Z\s+ref-a\s+launch\s+ok/, '… tells the earlier request of the launch');
like($text, qr/03:04:06\.789Z\s+ref-b\s+token\s+SL4120\s+400\s+31 ms\s+invalid_grant/, '… and what went wrong');
unlike($text, qr/ref-c/, '… and nothing of others');
is_deeply([ map { $_->{reference} } @{ decode_json((ctl(@as_module, qw(--json trace ref-a)))[1]) } ],
    [ qw(ref-a ref-b) ], '… also as JSON');
is_ctl(3, qr/no step/, 'no such reference', @as_module, qw(trace nothing));

# -f: httpd says what it is configured for
my $conf = run_dir('ctl');
my $fake = spit("$conf/apachectl", <<'SH', 0755);
#!/bin/sh
[ "$*" = "-t -D DUMP_SMARTLAUNCH -f /etc/some.conf" ] || { echo "asked: $*" >&2; exit 1; }
cat "$(dirname "$0")/dump"
SH
spit("$conf/dump", encode_json({ database => $pg->conninfo }));
{
    local $ENV{SL_APACHECTL} = $fake;
    is_ctl(0, qr/ref-a/, 'trace by the configuration of httpd', qw(-f /etc/some.conf trace ref-a));
    is_ctl(1, qr/SL7002/, 'a configuration httpd does not take', qw(-f /etc/other.conf trace ref-a));
    spit("$conf/dump", 'Syntax OK');
    is_ctl(1, qr/SL7003/, 'an httpd without the module', qw(-f /etc/some.conf trace ref-a));
    spit("$conf/dump", '{}');
    is_ctl(1, qr/SL7004/, 'a configuration without SmartDatabase', qw(-f /etc/some.conf trace ref-a));
}

# the command line
is_ctl(0, qr/^usage: smartlaunchctl/, 'help', '--help');
is_ctl(0, qr/^smartlaunchctl \d+\.\d+\.\d+$/, 'version', '--version');
is_ctl(2, qr/^usage:/m, 'nothing to do');
is_ctl(2, qr/^usage:/m, 'an unknown verb', 'nonsense');
is_ctl(2, qr/^usage:/m, 'a verb without its word', @db, 'trace');
is_ctl(2, qr/^usage:/m, 'a word too many', @db, qw(trace a b));
is_ctl(2, qr/^usage:/m, 'two sources of one thing', '-f', 'x', @db, qw(schema status));
done();
