#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Who looks into a secret is on a list with the reason (t/guard/reveal.txt); nobody prints one.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use SL::Guard;
use Test::More;

my @files = grep { /\.c$/ } module_files();
my %may;
for my $line (split /\n/, text('t/guard/reveal.txt')) {
    next if $line =~ /^\s*(?:#|$)/;
    my ($file, $why) = split ' ', $line, 2;
    $may{$file} = $why;
}
my @reveals = grep { m{/sl_secret\.c$} ? 0 : text($_) =~ /\bsl_secret_reveal\s*\(/ } @files;

guard('whoever reveals a secret is on the list', \@reveals,
    sub { return $may{ $_[0] } ? () : "$_[0] is not in t/guard/reveal.txt" });
guard('whoever is on the list reveals one', [ sort keys %may ], sub {
    my ($file) = @_;
    return (grep { $_ eq $file } @reveals) ? () : "$file reveals nothing";
});

# A statement, from the call to its semicolon.
my @calls;
for my $file (@files) {
    push @calls, map { [ $file, $_ ] }
        text($file) =~ /\b((?:sl_log|sl_err_set|sl_trace_\w+|ap_log_\w+)\s*\([^;]*;)/g;
}
guard('no message is made of a secret', \@calls, sub {
    my ($file, $call) = @{ $_[0] };
    return $call =~ /sl_secret_reveal/ ? "$file: $call" : ();
});
guard('no message is made of a query, a header or a cookie', \@calls, sub {
    my ($file, $call) = @{ $_[0] };
    return $call =~ /->(?:args|unparsed_uri|the_request|headers_in|headers_out|parsed_uri)\b/ ? "$file: $call" : ();
});

done_testing();
