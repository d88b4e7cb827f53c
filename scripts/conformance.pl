#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Prints docs/conformance.md: each rule, the tests that carry its id, and how they ended.
#   ./test.sh && scripts/conformance.pl build/tap >docs/conformance.md
use strict;
use warnings;
use File::Find qw(find);
use FindBin;

my $top = "$FindBin::Bin/..";
my $dumped = shift // "$top/build/tap";
my $rules = "$top/docs/conformance.d/rules.txt";
my $id = qr/\b(?:(?:DIS|REG|LCH|AZR|CBK|TKR|TRS|CTX|SCP|IDT|RFR|BKS|FHR|SEC)-[A-Z]?\d+|X\d+)\b/;
# Those of the Clinical Data Pull are short, and count at the start of a name only: "C4 C6 three items".
my $pull = qr/(?:C1?\d|H\d|W1?\d)\b/;

# What prove ran: {rule}{test file} = [passed, failed]. A variant (worker, prefork, sanitized) counts
# for the test it is of.
sub results {
    my ($dir) = @_;
    my %of;
    find({ no_chdir => 1, wanted => sub {
        return if !-f $_;
        my ($test) = m{(t/(?:unit/|browser/)?[\w-]+(?:\.t)?)$} or return;
        open my $tap, '<', $_ or die "$_: $!\n";
        while (<$tap>) {
            my ($not, $name) = /^\s*(not )?ok \d+(?: - | )(.*)/ or next;
            next if $name =~ /# (?:skip|todo)/i;
            my %seen = map { $_ => 1 } $name =~ /$id/g, $name =~ /\G($pull)[,: ]+/g;
            $of{$_}{$test}[$not ? 1 : 0]++ for keys %seen;
        }
    } }, $dir);
    return \%of;
}

sub summary {
    my ($tests) = @_;
    return ('none', '—') if !%$tests;
    my ($passed, $failed) = (0, 0);
    for (values %$tests) {
        $passed += $_->[0] // 0;
        $failed += $_->[1] // 0;
    }
    my @files = sort { ($tests->{$b}[0] // 0) <=> ($tests->{$a}[0] // 0) || $a cmp $b } keys %$tests;
    my $more = @files > 4 ? ' and ' . (@files - 4) . ' more' : '';
    splice @files, 4 if @files > 4;
    return (join(', ', map { s{^t/}{}r } @files) . $more, $failed ? "$passed of " . ($passed + $failed) : $passed);
}

-d $dumped or die "$dumped is not there: run ./test.sh first\n";
my $of = results($dumped);
open my $in, '<', $rules or die "$rules: $!\n";
print <<'TEXT';
# Conformance

What a SMART client and the Clinical Data Pull owe, rule by rule, with the tests that carry the rule's id in
their names and how many of their checks passed in the last complete run of `./test.sh` (all MPMs and
sanitizers counted).
`grep -rn AZR-3 t/` finds the checks themselves. M: must have; L: later, tested as far as it is there.

Made by `scripts/conformance.pl` from the tests' own output and `docs/conformance.d/rules.txt`.
TEXT
while (<$in>) {
    chomp;
    next if /^#/ || !/\S/;
    if (/^= (.*)/) {
        print "\n## $1\n| rule | | | tests | passed |\n|---|---|---|---|---|\n";
        next;
    }
    my ($rule, $tier, $words) = /^(\S+) ([ML]) (.+)/ or die "$rules: not understood: $_\n";
    my ($tests, $passed) = summary($of->{$rule} || {});
    print "| $rule | $tier | $words | $tests | $passed |\n";
}
