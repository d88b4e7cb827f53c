#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Every rule that is a must has a test that carries its id, and no test names a rule that is none.
use strict;
use warnings;
use File::Find qw(find);
use FindBin;
use Test::More;

my $top = "$FindBin::Bin/../..";
my %tier;
open my $in, '<', "$top/docs/conformance.d/rules.txt" or die "rules.txt: $!";
while (<$in>) { $tier{$1} = $2 if /^((?:[A-Z]{3}-[A-Z]?|[CHWX])\d+) ([ML]) / }
cmp_ok(scalar keys %tier, '>=', 180, 'there is a list of rules');

my %named;
find({ no_chdir => 1, wanted => sub {
    return if !/\.(?:t|pm|mjs|[ch])$/ || m{/t/guard/[^/]+$};
    open my $file, '<', $_ or die "$_: $!";
    while (my $line = <$file>) {
        my $at = $_;
        # of a text: 'AZR-3 aud is …'
        $named{$_} //= $at for $line =~ /\b((?:DIS|REG|LCH|AZR|CBK|TKR|TRS|CTX|SCP|IDT|RFR|BKS|FHR|SEC)-[A-Z]?\d+)\b/g;
        $named{$_} //= $at for $line =~ /["'`\s](X(?:\d|1[01]))\b(?= \w)/g;
        # The Clinical Data Pull: ids at the start of a text, 'C4 C6 three items'
        for my $ids ($line =~ /["'`{]((?:[CHW]\d+[,:]? )+)/g) { $named{$_} //= $at for $ids =~ /\w+/g }
    }
} }, "$top/t");

for my $rule (sort keys %tier) {
    ok($named{$rule}, "$rule has a test") if $tier{$rule} eq 'M';
}
my @unknown = grep { !$tier{$_} } sort keys %named;
is("@unknown", '', 'no test names a rule that there is not') or diag("$_: $named{$_}") for @unknown ? @unknown : ();
done_testing();
