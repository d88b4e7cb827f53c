# SPDX-License-Identifier: Apache-2.0
# CPU time and statements, counted from outside.
package Bench::Count;
use strict;
use warnings;
use Carp qw(croak);
use Exporter qw(import);
use SL::Run qw(slurp);

our @EXPORT_OK = qw(median cpu_of statements);

sub median {
    my @sorted = sort { $a <=> $b } @_ or croak 'nothing to take the median of';
    return ($sorted[ $#sorted / 2 ] + $sorted[ @sorted / 2 ]) / 2;
}

# Microseconds of CPU, in user space and kernel, that all threads of these processes have had. The
# scheduler counts it in nanoseconds; /proc/PID/stat has it in steps of 10 ms.
sub cpu_of {
    my $sum = 0;
    for my $task (map { glob "/proc/$_/task/*/schedstat" } @_) {
        $sum += (split ' ', slurp($task))[0] // 0;
    }
    return $sum / 1000;
}

# Statements httpd sent while $code ran: (how many, how many of them write), both as a hash from the
# statement to its number. PostgreSQL writes them to its log before it runs them.
sub statements {
    my ($pg, $code) = @_;
    my $log = "$pg->{cluster}{dir}/log";
    my $before = -s $log;
    $code->();
    open my $fh, '<', $log or croak "$log: $!";
    seek $fh, $before, 0;
    my (%all, %writes, $sql);
    my $note = sub {
        return if !defined $sql;
        my ($name, $text) = $sql =~ /^web LOG:  (?:execute (\S+)|statement): (.*)/s or return;
        $all{ $name // 'unnamed' }++;
        $writes{ $name // 'unnamed' }++ if $text =~ /\b(?:INSERT INTO|UPDATE \w|DELETE FROM)/;
    };
    while (my $line = <$fh>) {
        if ($line =~ /^\t/) {
            $sql .= $line;
        } else {
            $note->();
            $sql = $line;
        }
    }
    $note->();
    return (\%all, \%writes);
}

1;
