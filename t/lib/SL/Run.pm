# SPDX-License-Identifier: Apache-2.0
# What every part of the harness stands on: run directories, free ports, child processes that never
# outlive the test, and waiting for a condition instead of for a time.
package SL::Run;
use strict;
use warnings;
use Carp qw(croak);
use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Temp ();
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX qw(WNOHANG);
use Time::HiRes qw(sleep time);

# Whoever serves must be able to read what we write, and a test that is interrupted clears up.
umask 022;
$SIG{$_} = sub { exit 130 } for qw(INT TERM HUP);

our @EXPORT_OK = qw(top build run_dir free_port wait_for lasted spawn spit slurp own_by www_user capture);

# The source tree, and the build directory whose module and tools are under test.
sub top { return abs_path(dirname(__FILE__) . '/../../..') }
sub build { return $ENV{SL_BUILD} || top() . '/build' . ($ENV{SL_SANITIZE} ? '/asan' : '') }

# A directory of our own under /tmp: short (Unix sockets), and every server user may enter it.
# SL_KEEP=1 leaves it there.
sub run_dir {
    my ($name) = @_;
    my $dir = File::Temp->newdir("/tmp/sl-$name-XXXXXX", CLEANUP => !$ENV{SL_KEEP});
    chmod 0755, "$dir" or croak "$dir: $!";
    print "# $dir is kept\n" if $ENV{SL_KEEP};
    return $dir;
}

# A port that is nobody's: outside those that the kernel gives to outgoing connections, and held by a
# name of ours until this process ends, so that no test beside it picks the same before its server is up.
my %given;
sub free_port {
    for (1 .. 400) {
        my $port = _any_port();
        next if $given{$port};
        my $held = IO::Socket::UNIX->new(Local => "\0mod_smartlaunch test port $port", Listen => 1) or next;
        my $socket = IO::Socket::INET->new(
            LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 1, ReuseAddr => 1) or next;
        close $socket;
        $given{$port} = $held;
        return $port;
    }
    croak 'no free port';
}

sub _any_port {
    my ($low, $high) = slurp('/proc/sys/net/ipv4/ip_local_port_range') =~ /(\d+)\s+(\d+)/;
    ($low, $high) = ($low // 32_768, $high // 60_999);
    my @ranges = grep { $_->[1] - $_->[0] > 2000 } [ 10_000, $low < 30_000 ? $low - 1 : 29_999 ], [ $high + 1, 65_535 ];
    my ($from, $to) = @{ $ranges[0] || [ 10_000, 29_999 ] };
    return $from + int rand($to - $from + 1);
}

# Calls $condition until it returns something true, and returns that; dies after $seconds.
sub wait_for {
    my ($what, $condition, $seconds) = @_;
    my $deadline = time + ($seconds || 60);
    while (1) {
        my $got = $condition->();
        return $got if $got;
        croak "waited in vain for $what" if time > $deadline;
        sleep 0.02;
    }
}

# Waits until $is_over, and returns for how long it was not: until the last look that said no began. So
# a machine that is slow to answer does not make it longer.
sub lasted {
    my ($what, $is_over) = @_;
    my ($began, $last) = (time, 0);
    wait_for($what, sub {
        my $now = time;
        return 1 if $is_over->();
        $last = $now - $began;
        return 0;
    });
    return $last;
}

sub spit {
    my ($path, $text, $mode) = @_;
    open my $fh, '>', $path or croak "$path: $!";
    chmod $mode, $path if defined $mode;
    print $fh $text or croak "$path: $!";
    close $fh or croak "$path: $!";
    return $path;
}

sub slurp {
    my ($path) = @_;
    open my $fh, '<:raw', $path or return '';
    local $/ = undef;
    return scalar(<$fh>) // '';
}

# Runs a command to its end: (exit status, stdout and stderr together).
sub capture {
    my (@command) = @_;
    my $pid = open(my $out, '-|') // croak "fork: $!";
    if (!$pid) {
        open STDERR, '>&', \*STDOUT or POSIX::_exit(126);
        open STDIN, '<', '/dev/null' or POSIX::_exit(126);
        { no warnings 'exec'; exec @command }
        print "$command[0]: $!\n";
        POSIX::_exit(127);
    }
    local $/ = undef;
    my $text = <$out> // '';
    close $out;
    return ($? >> 8 || $? & 127, $text);
}

# Who serves pages when the tests run as root.
sub www_user {
    return undef if $>;
    my ($user) = grep { getpwnam $_ } qw(www-data apache nobody);
    return $user;
}

sub own_by {
    my ($user, @paths) = @_;
    return if $> || !defined $user;
    my (undef, undef, $uid, $gid) = getpwnam $user or croak "no user $user";
    chown $uid, $gid, @paths;
    return;
}

# Starts a server in a process group of its own. It is ended with the test, even when the test is
# killed. Options: user, env (hash), out, err (files), in (file handle), end (signal name).
my @running;
sub spawn {
    my ($command, %opt) = @_;
    my $end = $opt{end} || 'TERM';
    my @as = defined $opt{user} && !$> ? _as($opt{user}) : ();
    my @all = ('setpriv', '--pdeathsig', $end, @as, '--', @$command);
    my $pid = fork // croak "fork: $!";
    if (!$pid) {
        setpgrp 0, 0;
        chdir '/';
        $ENV{$_} = $opt{env}{$_} for keys %{ $opt{env} || {} };
        open STDIN, '<', '/dev/null' or POSIX::_exit(126);
        open STDOUT, '>>', $opt{out} || '/dev/null' or POSIX::_exit(126);
        open STDERR, '>>', $opt{err} || '/dev/null' or POSIX::_exit(126);
        { no warnings 'exec'; exec @all }
        print STDERR "$all[0]: $!\n";
        POSIX::_exit(127);
    }
    my $self = bless { pid => $pid, end => $end, name => $opt{name} || $command->[0], owner => $$ };
    push @running, $self;
    return $self;
}

sub _as {
    my ($user) = @_;
    my (undef, undef, $uid, $gid) = getpwnam $user or croak "no user $user";
    return ("--reuid=$uid", "--regid=$gid", '--init-groups');
}

# Still there? Notes the exit status when it is not.
sub alive {
    my ($self) = @_;
    return 0 if !$self->{pid};
    return 1 if waitpid($self->{pid}, WNOHANG) != $self->{pid};
    $self->{status} = $?;
    delete $self->{pid};
    return 0;
}

sub _is_dead { my ($self) = @_; return slurp("/proc/$self->{pid}/stat") =~ /^\d+ \(.*\) [ZX]/s }

sub signal {
    my ($self, $name) = @_;
    return $self->{pid} ? kill $name, $self->{pid} : 0;
}

# Ends it, by force after $seconds. Returns true if it went by itself.
sub stop {
    my ($self, $seconds) = @_;
    my $group = $self->{pid} or return 1;
    $self->signal($self->{end});
    my $willing = eval { wait_for("$self->{name} to end", sub { $self->_is_dead }, $seconds || 20) };
    kill 'KILL', -$group; # whoever is left; nobody else can have this number before it is waited for
    waitpid $self->{pid}, 0;
    delete $self->{pid};
    @running = grep { $_ != $self } @running;
    return $willing ? 1 : 0;
}

END {
    my $status = $?;
    my @mine = reverse grep { $_->{owner} == $$ } @running;
    $_->stop(5) for @mine;
    $? = $status;
}

1;
