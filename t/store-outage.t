# SPDX-License-Identifier: Apache-2.0
# PostgreSQL goes away and comes back: nobody waits for it, nobody has to be restarted.
use strict;
use warnings;
use lib 't/lib';
use SL;
use IO::Handle;
use IPC::Open2;

my $pg = SL::Postgres->new(own => 1);
$ENV{SL_STORE_DB} = $pg->conninfo;
$ENV{SL_STORE_OWNER} = $pg->owner_conninfo;
my $pid = open2(my $out, my $in, build() . '/t/lib/c/store', 'serve');

# One statement ("r" may be asked again, "w" not): its outcome, how long it took in ms, log lines.
my @log;
sub ask {
    my ($kind) = @_;
    print {$in} "$kind\n";
    $in->flush;
    while (my $line = <$out>) {
        if ($line =~ /^# log (.*)/) {
            push @log, $1;
            next;
        }
        my ($rc, $ms, $id) = split ' ', $line;
        return ($rc, $ms, $id // '');
    }
    return ('gone', 0, '');
}

is((ask('r'))[0], 'SL_OK', 'a statement is answered');
$pg->stop;
my ($rc, $ms) = ask('w');
is($rc, 'SL_UNAVAILABLE', 'PostgreSQL stopped: it is unavailable');
cmp_ok($ms, '<', 2500, '… which is said soon');
my @quick = map { [ ask('r') ] } 1 .. 20;
is(scalar(grep { $_->[0] eq 'SL_UNAVAILABLE' } @quick), 20, '… to everybody');
cmp_ok((sort { $a <=> $b } map { $_->[1] } @quick)[10], '<', 50, '… at once');
is(scalar(grep { /^SL3001/ } @log), 1, 'the log has one line of it') or diag("@log");
$pg->start;
wait_for('the store to find PostgreSQL again', sub { (ask('r'))[0] eq 'SL_OK' });
pass('PostgreSQL is back, and found');
is(scalar(grep { /SL3002/ } @log), 1, '… the log says so');

# A quick restart is not even noticed by who asks afterwards: the connections that died are idle.
$pg->stop;
$pg->start;
is((ask('w'))[0], 'SL_OK', 'after a restart a statement that writes is answered');
is(scalar(grep { /SL300[12]/ } @log), 2, '… without a word in the log');

# A server that hangs is given up after its time.
$pg->{cluster}{server}->signal('STOP');
kill 'STOP', $_ for backends();
($rc, $ms, my $id) = ask('r');
is($rc, 'SL_UNAVAILABLE', 'PostgreSQL hangs: it is unavailable');
is($id, 'SL3005', '… for being late');
cmp_ok($ms, '<', 8000, '… after five seconds');
($rc, $ms) = ask('r');
is($rc, 'SL_UNAVAILABLE', 'a new connection hangs, too');
cmp_ok($ms, '<', 5000, '… for two seconds');
($rc, $ms) = ask('r');
cmp_ok($ms, '<', 200, '… and then nobody tries for a while');
kill 'CONT', $_ for backends();
$pg->{cluster}{server}->signal('CONT');
wait_for('the store to find PostgreSQL again', sub { (ask('r'))[0] eq 'SL_OK' });
pass('… until it answers again');

# The server processes of the cluster's connections.
sub backends {
    my $parent = $pg->{cluster}{server}{pid};
    return grep { slurp("/proc/$_/stat") =~ /^\d+ \(.*\) \S \Q$parent\E / } map { m{/(\d+)/} } glob '/proc/[0-9]*/stat';
}

close $in;
waitpid $pid, 0;
is($?, 0, 'and it ends well');
done();
