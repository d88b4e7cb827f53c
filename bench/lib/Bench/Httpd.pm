# SPDX-License-Identifier: Apache-2.0
# An SL::Httpd that can run as one process under callgrind, and whose CPU time is counted.
package Bench::Httpd;
use strict;
use warnings;
use parent 'SL::Httpd';
use Carp qw(croak);
use Bench::Count qw(cpu_of);
use IO::Socket::INET;
use List::Util qw(max);
use SL::Run qw(own_by slurp spawn wait_for www_user);

sub cpu { my ($self) = @_; return cpu_of($self->children) }

# KiB of memory the largest of the children has had at once.
sub peak {
    my ($self) = @_;
    return max(map { slurp("/proc/$_/status") =~ /^VmHWM:\s+(\d+)/m ? $1 : 0 } $self->children);
}

# Where callgrind writes.
sub profile { my ($self) = @_; return ($self->{keep} // $self->dir) . "/callgrind.$self->{called}" }

# Like start, in one process and under callgrind.
sub start_counted {
    my ($self, $keep) = @_;
    $self->{keep} = $keep // $self->dir . '/profile';
    $self->{dumps} = 0;
    mkdir $self->{keep};
    own_by(www_user(), $self->{keep});
    $self->write_config;
    my $log = $self->dir . '/stderr.log';
    my @ports = slurp($self->dir . '/httpd.conf') =~ /^Listen 127\.0\.0\.1:(\d+)/mg;
    $self->{server} = spawn([ 'valgrind', '--tool=callgrind', '--callgrind-out-file=' . $self->profile,
            '--dump-before=ap_send_http_trace', SL::Httpd::_binary(), '-X', '-d', $self->dir, '-f', $self->dir . '/httpd.conf' ],
        out => $log, err => $log, name => 'httpd under callgrind');
    wait_for('httpd under callgrind', sub {
        $self->{server}->alive or croak 'it ended: ' . slurp($log) . $self->error_log;
        return !grep { !IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $_) } @ports;
    }, 120);
    return $self;
}

# Every TRACE request makes callgrind write what it has counted since the one before. Returns the
# number of instructions.
sub counted {
    my ($self, $client) = @_;
    my ($status) = $client->ask("TRACE / HTTP/1.1\r\nHost: app.localhost\r\n\r\n");
    croak "TRACE was answered with $status" if $status != 200;
    my $newest = $self->profile . '.' . ++$self->{dumps};
    my ($total) = slurp($newest) =~ /^(?:summary|totals): (\d+)/m or croak "callgrind wrote no $newest";
    return $total;
}

1;
