#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The third build of every fuzz target: without a fuzzer, over the stored inputs of t/fuzz/corpus/.
# With libFuzzer:  clang -fsanitize=fuzzer,address,undefined … t/fuzz/fuzz_query.c, then run it on
# t/fuzz/corpus/query; what it finds is kept there.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use SL::Guard;
use SL::Run qw(capture run_dir);
use Test::More;

# The library with sanitizers, where it is built: a read beyond the end is then seen.
my $build = -f build() . '/asan/.libs/libsmartlaunch_cdp.a' ? build() . '/asan' : build();
my @sanitize = $build =~ m{/asan$} ? ('-fsanitize=address,undefined', '-fno-sanitize-recover=all') : ();
my @includes = ('-I' . top() . '/mod_smartlaunch', '-I' . top() . '/t/fuzz', split ' ', make_variable('SL_LIB_CPPFLAGS'));
my @libraries = ("$build/.libs/libsmartlaunch_cdp.a", split ' ', make_variable('SL_LIB_LIBS'));
my $dir = run_dir('fuzz');

my @targets = map { m{fuzz_(\w+)\.c$} ? $1 : () } files(qr{^t/fuzz/fuzz_\w+\.c$});
ok @targets > 0, 'there are fuzz targets';

for my $unit (@targets) {
    my @inputs = map { top() . "/$_" } files(qr{^t/fuzz/corpus/\Q$unit\E/});
    ok @inputs > 0, "$unit: there are stored inputs" or next;
    my ($rc, $text) = capture('gcc', '-std=gnu11', '-g', '-Wall', '-Wextra', @sanitize, @includes,
        '-o', "$dir/$unit", (map { top() . "/t/fuzz/$_.c" } "fuzz_$unit", 'replay'), @libraries);
    is $rc, 0, "$unit: the target is built" or diag($text), next;
    ($rc, $text) = capture("$dir/$unit", @inputs);
    is $rc, 0, "$unit: nothing fails over the stored inputs" or diag $text;
    like $text, qr/^${\ scalar @inputs}$/m, "$unit: all of them were read";
}

my %known = map { $_ => 1 } @targets;
guard('every stored input has its target', [ files(qr{^t/fuzz/corpus/}) ],
    sub { return $_[0] =~ m{^t/fuzz/corpus/(\w+)/} && $known{$1} ? () : $_[0] });

done_testing();
