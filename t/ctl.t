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
for my $conninfo ('host=127.0.0.1 port=1 hunter2', 'postgresql://u:hunter2%zz\@127.0.0.1:1/x') {
    unlike is_ctl(1, qr/SL3009/, 'a malformed connection string', '--db', $conninfo, qw(schema status)), qr/hunter2/, 'SEC-5 … is not quoted: it may be a password';
}

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
like($text, qr/03:04:06\.789Z\s+ref-b\s+token\s+SL4120\s+400\s+31 ms\s+the EHR gave no tokens: invalid_grant/, '… and what went wrong, in words');
unlike($text, qr/ref-c/, '… and nothing of others');
is_deeply([ map { $_->{reference} } @{ decode_json((ctl(@as_module, qw(--json trace ref-a)))[1])->{steps} } ],
    [ qw(ref-a ref-b) ], '… also as JSON');
is_ctl(3, qr/no step/, 'no such reference', @as_module, qw(trace nothing));

# keyring add, first: the file
my $ring_dir = run_dir('ring');
my $ring = spit("$ring_dir/keyring", "# our keys\nk1 " . 'A' x 43 . "=\nk0 " . 'B' x 42 . 'A=', 0600);
my @ring = ('--keyring', $ring);
($rc, $text) = ctl(@ring, qw(keyring add));
is($rc, 0, 'keyring add');
my ($added) = slurp($ring) =~ /\A(k\d{8}-[0-9a-f]{4}) [A-Za-z0-9+\/]{43}=\n# our keys\nk1 A{43}=\nk0 B{42}A=\n\z/;
ok(defined $added, '… puts a new line on top, and keeps the others') or diag(slurp($ring));
like($text, qr/\A\S+ \Q$added\E is .*reload httpd.*keyring rotate/s, '… and says what comes next');
unlike($text, qr/=/, '… not the key');
is((stat $ring)[2] & 07777, 0600, '… nobody else may read it');
is_deeply([ glob "$ring*" ], [$ring], '… and nothing is left beside it');
($rc, $text) = ctl(@ring, qw(--json keyring add --last));
my $last = decode_json($text)->{id};
like(slurp($ring), qr/k0 B{42}A=\n\Q$last\E \S{44}\n\z/, 'keyring add --last: at its end');
ok(!decode_json($text)->{seals}, '… where it only opens');
is_ctl(0, qr/reload httpd/, 'keyring first', @ring, qw(keyring first), $last);
like(slurp($ring), qr/\A\Q$last\E \S{44}\n\Q$added\E /, '… moves its line to the top');
is(scalar(() = slurp($ring) =~ /^\Q$last\E /mg), 1, '… which stands there once');
my @adding = map {
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>', '/dev/null' or die "/dev/null: $!";
        exec build() . '/smartlaunchctl', @ring, qw(keyring add --last) or die "exec: $!";
    }
    $pid;
} 1 .. 6;
waitpid $_, 0 for @adding;
is(scalar(() = slurp($ring) =~ /^k\S+ /mg), 10, 'six administrators at once: no key is lost') or diag(slurp($ring) =~ s/ .*//mgr);
my $before = slurp($ring);
is_ctl(3, qr/SL7023/, 'a key that is not there', @ring, qw(keyring first k9));
is_ctl(2, qr/^usage:/m, 'no key', @ring, qw(keyring first));
chmod 0644, $ring;
is_ctl(1, qr/chmod/, 'a ring that others may read is left alone', @ring, qw(keyring add));
chmod 0600, $ring;
spit($ring, "k1 short\n", 0600);
is_ctl(1, qr/SL1404/, 'what is no ring is left alone', @ring, qw(keyring add));
is(slurp($ring), "k1 short\n", '… as it is');

# jwks new
my $keys = run_dir('keys');
for ([ [], 'RS384', 'RSA', 'PRIVATE KEY' ], [ [qw(--alg ES384)], 'ES384', 'EC', 'PRIVATE KEY' ], [ [qw(--alg RS384 --jwk --kid one)], 'RS384', 'RSA', '"kid":"one"' ],
    [ [qw(--alg ES384 --jwk)], 'ES384', 'EC', '"crv":"P-384"' ]) {
    my ($how, $alg, $kty, $inside) = @$_;
    my $name = join ' ', 'jwks new', @$how;
    my $file = "$keys/" . join '', 'key', @$how;
    ($rc, $text) = ctl(qw(jwks new), $file, @$how);
    is($rc, 0, "REG-2 REG-6 $name") or diag($text);
    my ($jwks, $directive) = split /\n/, $text;
    my ($key) = @{ decode_json($jwks)->{keys} };
    is_deeply([ @$key{qw(kty alg use)} ], [ $kty, $alg, 'sig' ], '… prints the public key');
    is_deeply([ grep { exists $key->{$_} } qw(d p q dp dq qi k) ], [], '… and nothing of the private one');
    ok(length $key->{kid}, '… with its name');
    like($directive, qr/^SmartClientKey \Q$file\E$/, '… and the directive');
    is((stat $file)[2] & 07777, 0600, 'REG-4 nobody else may read the file');
    like(slurp($file), qr/\Q$inside\E/, '… which is of the kind that was asked for');
    is_ctl(1, qr/File exists.*SL7051/, '… and is never made twice', qw(jwks new), $file, @$how);
}
($rc, $text) = ctl(qw(--json jwks new), "$keys/named", qw(--kid prod-1));
is_deeply([ @{ decode_json($text) }{qw(kid alg directive)} ], [ 'prod-1', 'RS384', "SmartClientKey $keys/named kid=prod-1" ], 'as JSON, with a name');
is(decode_json($text)->{jwks}{keys}[0]{kid}, 'prod-1', '… which the public key has, too');
like(capture('openssl', 'pkey', '-in', "$keys/named", '-noout', '-text'), qr/3072 bit/, 'RSA has 3072 bits');
is_ctl(2, qr/^usage:/m, 'another algorithm', qw(jwks new), "$keys/none", qw(--alg RS256));
ok(!-e "$keys/none", '… makes nothing');
is_ctl(1, qr/SL7051/, 'a directory that is not there', qw(jwks new /nonexistent/key));

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
is_ctl(2, qr/^usage:/m, $_, @db, split / /) for 'link', 'link nonsense', 'link list too', 'launch', 'token list x', 'keyring', 'keyring rotate x', 'jwks', 'jwks new';
is_ctl(2, qr/which link/, 'a link without a name', @db, qw(link revoke));
is_ctl(2, qr/which link/, 'a link that is no id', @db, qw(link revoke x));
is_ctl(2, qr/which launch/, 'a launch that is no id', @db, qw(launch end), "0' OR true--");
is_ctl(2, qr/whose token/, 'a token without a launch', @db, qw(token renew));
is_ctl(2, qr/-f/, 'token renew without a configuration', @db, qw(token renew), $launch);
is_ctl(2, qr/^usage:/m, 'a limit that is no number', @db, qw(link list --limit many));
is_ctl(1, qr/SL7006/, 'a ring that nobody named', @db, qw(keyring rotate));
is_ctl(0, qr/^usage: smartlaunchctl/, 'help', '--help');
# Usage and man page name the same verbs.
my $man = slurp(top() . '/man/smartlaunchctl.8') =~ s/\\-/-/gr;
my (undef, $usage) = ctl('--help');
my %verbs = map { $_ => 1 } $usage =~ /^  ([a-z]+ (?:new|add|first|rotate|status|install|upgrade|list|revoke|end|check|renew))\b/mg;
like $man, qr/\b$_\b/, "the man page has $_" for sort keys %verbs;
is_deeply [ grep { !$verbs{$_} } $man =~ /^\.B[IR]? "?((?:keyring|schema|link|launch|token|jwks) [a-z]+)/mg ], [], 'usage has every verb of the man page';
is_ctl(0, qr/^smartlaunchctl \d+\.\d+\.\d+$/, 'version', '--version');
is_ctl(2, qr/^usage:/m, 'nothing to do');
is_ctl(2, qr/^usage:/m, 'an unknown verb', 'nonsense');
is_ctl(2, qr/^usage:/m, 'a verb without its word', @db, 'trace');
is_ctl(2, qr/^usage:/m, 'a word too many', @db, qw(trace a b));
is_ctl(2, qr/^usage:/m, 'two sources of one thing', '-f', 'x', @db, qw(schema status));
done();
