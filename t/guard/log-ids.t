#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A log id leads to one place in the code and to one line of docs/log-ids.md.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use SL::Guard;
use Test::More;

my %layer = (1 => 'base', 2 => 'smart', 3 => 'store|net', 4 => 'flow', 5 => 'httpd', 6 => 'httpd', 7 => 'ctl');
# The Clinical Data Pull has a thousand of its own, in all of its layers (SL60xx to SL65xx are httpd's).
my $cdp = '8';
my %used;
for my $file (grep { /\.c$/ } module_files()) {
    push @{ $used{$_} }, $file for text($file) =~ /"(SL\d{4})/g;
}
my %told;
$told{$_}++ for text('docs/log-ids.md') =~ /^\|\s*`?(SL\d{4})\b/mg;

guard('every log id is used in one place', [ sort keys %used ],
    sub { my @at = @{ $used{ $_[0] } }; return @at > 1 ? "$_[0]: @at" : () });
guard('its thousands are the layer', [ sort keys %used ], sub {
    my ($id) = @_;
    my $layer = layer_of($used{$id}[0]) || 'httpd';
    return $id =~ /^SL$cdp/ ? () : "$id in $used{$id}[0]: write SL${cdp}nnn" if $used{$id}[0] =~ m{/cdp/|/sl_(?:store_)?cdp};
    my $may = $layer{ substr $id, 2, 1 } // 'none';
    return $layer =~ /^(?:$may)$/ ? () : "$id in $used{$id}[0]";
});
guard('every log id is explained in docs/log-ids.md, once', [ sort keys %used ],
    sub { return ($told{ $_[0] } // 0) == 1 ? () : "$_[0]: " . ($told{ $_[0] } // 0) . ' lines' });
guard('docs/log-ids.md explains no id that is not used', [ sort keys %told ],
    sub { return $used{ $_[0] } ? () : $_[0] });
is text('docs/log-ids.md'), scalar `${\ top() }/scripts/log-ids.sh`, 'docs/log-ids.md is what scripts/log-ids.sh prints';

done_testing();
