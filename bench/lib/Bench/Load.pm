# SPDX-License-Identifier: Apache-2.0
# Many connections at once, by wrk.
package Bench::Load;
use strict;
use warnings;
use Carp qw(croak);
use Exporter qw(import);
use SL::Run qw(capture);

our @EXPORT_OK = qw(load);

my %factor = (us => 0.001, ms => 1, s => 1000, m => 60_000);

# load($url, \@headers, seconds => …, connections => …): {rate (answers per second), p50, p99 (ms)}.
# An answer that is not 2xx is an exception, and so are many lost ones.
sub load {
    my ($url, $headers, %how) = @_;
    my @headers = @$headers;
    my @options;
    while (my ($name, $value) = splice @headers, 0, 2) {
        push @options, '-H', "$name: $value";
    }
    my ($rc, $text) = capture('wrk', '--latency', '-t', 1, '-c', $how{connections}, '-d', "$how{seconds}s",
        '--timeout', '30s', @options, $url);
    croak "wrk $url: $text" if $rc || $text =~ /Non-2xx/ || _lost($text) > 0.01;
    my ($rate) = $text =~ m{^Requests/sec:\s+([\d.]+)}m or croak "wrk: $text";
    return { rate => $rate, p50 => _ms($text, 50), p99 => _ms($text, 99) };
}

# The part of the answers that never came. Event MPM closes idle connections when it has much to do,
# which wrk counts as an error and tries again.
sub _lost {
    my ($text) = @_;
    my ($connect, $read, $write, $timeout) =
        $text =~ /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/ or return 0;
    my ($answers) = $text =~ /^\s*(\d+) requests in/m or return 1;
    return 1 if $connect || $timeout || !$answers;
    return ($read + $write) / $answers;
}

sub _ms {
    my ($text, $percent) = @_;
    my ($number, $unit) = $text =~ /^\s+$percent%\s+([\d.]+)(us|ms|s|m)$/m or croak "wrk: $text";
    return $number * $factor{$unit};
}

1;
