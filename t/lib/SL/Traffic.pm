# SPDX-License-Identifier: Apache-2.0
# Clients that go on asking while the test does something to the servers.
#
#   my $traffic = SL::Traffic->new(map { my $c = $_; sub { $c->... } } @clients);
#   … restart something …
#   my @seen = $traffic->stop;      # per client a list of what each of its calls returned
#
#   my $got = SL::Traffic->during(sub { one slow request }, sub { what happens meanwhile });
#
# Each client is a process of its own that calls its code again and again and keeps what it returns,
# or, when it died, "died: …".
package SL::Traffic;
use strict;
use warnings;
use Carp qw(croak);
use SL::Run qw(run_dir spit wait_for);
use Storable ();
use Time::HiRes qw(time);

sub new {
    my ($class, @clients) = @_;
    my $self = bless { dir => run_dir('traffic'), owner => $$ }, $class;
    $self->{pids} = [ map { $self->_client($_, $clients[$_]) } 0 .. $#clients ];
    return $self->more;
}

# Waits until every client has had $count answers more.
sub more {
    my ($self, $count) = @_;
    my @now = map { $self->_count($_) } 0 .. $#{ $self->{pids} };
    wait_for('traffic', sub {
        return !grep { $self->_count($_) < $now[$_] + ($count // 2) } 0 .. $#now;
    }, 60);
    return $self;
}

sub stop {
    my ($self) = @_;
    spit("$self->{dir}/stop", '');
    my @seen;
    for my $i (0 .. $#{ $self->{pids} }) {
        waitpid $self->{pids}[$i], 0;
        croak "client $i ended with status $?" if $?;
        push @seen, Storable::retrieve("$self->{dir}/seen.$i");
    }
    $self->{pids} = [];
    return @seen;
}

# Runs $client in a process of its own while $meanwhile runs here; returns what $client returned.
sub during {
    my ($class, $client, $meanwhile) = @_;
    my $dir = run_dir('during');
    my $pid = fork // croak "fork: $!";
    if (!$pid) {
        my $got = eval { $client->() } // 'died: ' . $@ =~ s/\s+\z//r;
        Storable::store([$got], "$dir/got");
        POSIX::_exit(0);
    }
    $meanwhile->();
    waitpid $pid, 0;
    return Storable::retrieve("$dir/got")->[0];
}

sub _count { my ($self, $i) = @_; return (-s "$self->{dir}/count.$i") // 0 }

sub _client {
    my ($self, $i, $code) = @_;
    my $pid = fork // croak "fork: $!";
    return $pid if $pid;
    my @seen;
    my $fine = eval {
        open my $count, '>', "$self->{dir}/count.$i" or croak "count: $!";
        $count->autoflush(1);
        until (-e "$self->{dir}/stop" || getppid != $self->{owner}) {
            my $began = time;
            my $got = eval { $code->() } // 'died: ' . $@ =~ s/\s+\z//r;
            push @seen, { got => $got, began => $began, took => time - $began };
            print {$count} '.';
        }
        Storable::store(\@seen, "$self->{dir}/seen.$i");
    };
    print STDERR $@ if !$fine;
    POSIX::_exit($fine ? 0 : 1);
}

sub DESTROY {
    my ($self) = @_;
    return if $self->{owner} != $$ || !@{ $self->{pids} || [] };
    local ($@, $?, $!);
    kill 'TERM', @{ $self->{pids} };
    waitpid $_, 0 for @{ $self->{pids} };
    return;
}

1;
