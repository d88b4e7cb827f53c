#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# smartlaunchctl keyring rotate: everything sealed is sealed anew while httpd serves and renews; killed
# in the middle and run again; and no refresh token is lost by it.
# mpm: prefork sanitized
use strict;
use warnings;
use feature qw(state);
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::Tokens;
use SL::Traffic;
use JSON::PP;

my ($one, $two, $stranger) = map { SL::Httpd::new_key($_) } qw(k1 k2 k9);
my $w = world(fpm => 0, start => 0, keyring => $one, redirect => 'SmartLink none');
my ($pg, $httpd, $ehr) = ($w->pg, $w->httpd, $w->ehr);
nobody_leads($w);
$httpd->start;
wait_for('a host that says which keys it has', sub { $pg->value("SELECT count(*) FROM smartlaunch.host WHERE keys = '{k1}'") });

# A ctl of its own process, which can be killed: pid and where its words go.
sub begin {
    my (@args) = @_;
    my $file = $httpd->dir . "/ctl.$$." . ++(state $n);
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        my ($rc, $text) = $httpd->ctl(@args);
        spit($file, $text);
        POSIX::_exit($rc);
    }
    return { pid => $pid, file => $file };
}
sub end { my ($ctl) = @_; waitpid $ctl->{pid}, 0; return ($? >> 8, slurp($ctl->{file})) }

sub keys_of { my ($what) = @_; return join ' ', map { "$_->{key_id}:$_->{n}" } $pg->rows("SELECT key_id, count(*) AS n FROM smartlaunch.$what GROUP BY 1 ORDER BY 1") }
sub fhir { my ($l) = @_; return $w->fhir(GET => "/Patient/$l->{patient}", session => $l->{session}) }
sub status_of { my ($key, @args) = @_; my ($rc, $text) = $httpd->ctl('--json', qw(keyring status), @args); return (grep { $_->{key} eq $key } @{ decode_json($text) })[0] }

# The new key is in the file, and httpd does not know it yet
$httpd->keyring($two . $one);
my $too_early = begin(qw(keyring rotate));
my @l = map { $w->launch(patient => $ehr->patients->[ $_ % 5 ]) } 0 .. 7; # while it waits
my $pending = $w->launch(patient => $ehr->patients->[0], stop => 'authorize');
is fhir($_)->code, 200, 'a launch' for @l[ 0, 7 ];
my ($rc, $text) = end($too_early);
is $rc, 1, 'httpd has not got the new key: nothing is sealed with it';
like $text, qr/does not have the key k2 yet.*reload httpd.*SL7022/, '… and what to do is said';
is keys_of('token'), 'k1:8', '… nothing has changed';

# Under traffic, killed in the middle
$httpd->graceful;
my %status = %{ status_of('k1') };
is_deeply [ @status{qw(in_ring seals needed tokens launches pending)} ], [ JSON::PP::true, JSON::PP::false, JSON::PP::true, 8, 8, 1 ], 'keyring status: what the old key is needed for';
my @ids = sort map { id_of($w, $_) } @l;
my $lock = $pg->dbh->clone;
$lock->begin_work;
$lock->do('SELECT 1 FROM smartlaunch.token WHERE launch = ? FOR UPDATE', undef, $ids[3]);
my @busy = @l[ 0, 1, 2, 5, 6, 7 ];
$ehr->forget_counts;
$ehr->end('access'); # so that each of them is renewed on its next call
my $traffic = SL::Traffic->new(map { my $mine = $_; sub { join ' ', map { fhir($_)->code } @busy[ @$mine ] } } [ 0, 3 ], [ 1, 4 ], [ 2, 5 ]);
my $rotate = begin(qw(keyring rotate));
my $waiting = wait_for('the rotation to come to the row that is locked', sub {
    $pg->value("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%kept AS%access_sealed%' AND query NOT LIKE '%renewals%' AND datname = current_database()") });
my ($ctl) = map { m{^/proc/(\d+)/} } grep { slurp($_) =~ /^\d+ \(smartlaunchctl\) \S \Q$rotate->{pid}\E /s } glob '/proc/[0-9]*/stat';
ok $ctl, 'a rotation is at work';
kill 'KILL', $ctl;
waitpid $rotate->{pid}, 0;
is $pg->value('SELECT key_id FROM smartlaunch.token WHERE launch = ?', $ids[3]), 'k1', 'kill -9: a row is as it was';
is $pg->value('SELECT count(*) FROM smartlaunch.token WHERE key_id = ? AND launch < ?', 'k2', $ids[3]), 3, '… those before it are done';
$lock->rollback; # what the dead one had asked PostgreSQL for may still come to pass

($rc, $text) = $httpd->ctl(qw(keyring rotate));
is $rc, 0, 'and again' or diag $text;
like $text, qr/^sealed anew under k2: \d tokens?, 1 launch under way, 0 held\n/, '… goes on where it was';
is keys_of('token'), 'k2:8', '… all are sealed under the new key';
like $text, qr/^k1 +0 +8 +0 +0 +until \d{4}-\d\d-\d\dT/m, '… and until when the old one is needed is said';
$traffic->more(3);
my @seen = $traffic->stop;
is_deeply [ grep { $_ ne '200 200' } map { $_->{got} } map { @$_ } @seen ], [], 'nobody noticed';
cmp_ok $ehr->counts->{refreshes}, '>=', 6, '… while tokens were renewed';
is $ehr->counts->{reused}, 0, 'RFR-4 … each refresh token was used once';

# None is lost
is_deeply [ map { ($httpd->ctl(qw(token renew), $_))[0] } @ids ], [ (0) x 8 ], 'RFR-3 every token can be renewed';
is $ehr->counts->{reused}, 0, '… with a refresh token that was not used';
is keys_of('token'), 'k2:8', '… and stays under the new key';
$w->finish($pending);
is fhir($pending)->code, 200, 'a launch that was under way is finished';

# Until when the old key is needed
%status = %{ status_of('k1') };
is_deeply [ @status{qw(needed tokens launches pending journal)} ], [ JSON::PP::true, 0, 8, 0, 0 ], 'the old key: for launches, whose handles come of it';
is $status{until}, $pg->value(q(SELECT to_char(max(expires_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') FROM smartlaunch.launch WHERE key_id = 'k1')), '… until the last of them ends';
($rc, $text) = $httpd->ctl(qw(keyring status --json --keyring), spit($httpd->dir . '/other', $stranger, 0600));
is $rc, 3, 'a ring that lacks keys: exit code';
is_deeply [ map { $_->{key} } grep { !$_->{in_ring} } @{ decode_json($text) } ], [qw(k1 k2)], '… and which';
$httpd->stop;
spit($httpd->dir . '/state/access.test', "smartlaunch-1 k1\n" . 'x' x 40);
SL::Run::own_by(SL::Run::www_user(), $httpd->dir . '/state/access.test');
is status_of('k1')->{journal}, 1, 'what waits in the journal counts, too';
unlink $httpd->dir . '/state/access.test';
$pg->dbh->do("UPDATE smartlaunch.launch SET expires_at = now() - interval '1 second' WHERE key_id = 'k1'");
like((my $all = ($httpd->ctl(qw(keyring status)))[1]), qr/^k1 +0 +0 +0 +0 +no: its line may go$/m, 'when they are over its line may go');

# What cannot be opened stays
$pg->dbh->do('UPDATE smartlaunch.token SET key_id = ? WHERE launch = ?', undef, 'k0', $ids[0]);
$pg->dbh->do('UPDATE smartlaunch.token SET key_id = ? WHERE launch = ?', undef, 'k1', $ids[1]);
($rc, $text) = $httpd->ctl(qw(keyring rotate));
is $rc, 1, 'a token whose key is gone, and one whose key is wrong';
like $text, qr/token of launch $_ stays as it is/, '… are named' for @ids[ 0, 1 ];
like $text, qr/2 still sealed under another key, some of which cannot be opened/, '… and counted';
like $text, qr/MISSING/, '… with the key that is not there';
unlike $text, qr/$two|$one/, '… no key is printed';
my ($dba_rc, $dba) = capture(build() . '/smartlaunchctl', '--db', $pg->dba_conninfo, '--keyring', $httpd->dir . '/keyring', qw(keyring rotate));
is $dba_rc, 1, 'a DBA does not rotate';
like $dba, qr/permission denied/, '… for want of the right to see what is sealed';
$httpd->start;
$httpd->allow_log(map { $_->{id} } $httpd->errors);
done();
