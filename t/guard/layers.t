#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Arrows point downward only: httpd → flow → smart, store, net → base.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use SL::Guard;
use Test::More;

my %below = (
    base => ['base'],
    smart => [qw(base smart)],
    cdp => [qw(base cdp)],
    store => [qw(base store)],
    net => [qw(base net)],
    flow => [qw(base smart cdp store net flow)],
    ctl => [qw(base smart cdp store net flow ctl)],
    httpd => [qw(base smart cdp store net flow httpd)],
);
my @files = module_files();

sub includes { my ($file) = @_; return text($file) =~ /^\s*#\s*include\s+"([^"]+)"/mg }

guard('every layer is known', [ grep { m{/\w+/} } @files ],
    sub { return $below{ layer_of($_[0]) } ? () : "$_[0]: which layer is this?" });

guard('a file includes "layer/sl_unit.h" of its own layer or a lower one', \@files, sub {
    my ($file) = @_;
    my %may = map { $_ => 1 } @{ $below{ layer_of($file) || 'httpd' } };
    return map { "$file includes \"$_\"" } grep { !m{^(\w+)/sl_\w+\.h$} || !$may{$1} } includes($file);
});

guard('the core knows nothing of the Clinical Data Pull',
    [ grep { layer_of($_) && layer_of($_) !~ /^(?:cdp|ctl)$/ && !m{/sl_(?:store_)?cdp} } @files ],
    sub { my ($file) = @_; return map { "$file includes \"$_\"" } grep { m{^cdp/|/sl_(?:store_)?cdp} } includes($file) });

guard('what is included exists', \@files, sub {
    my ($file) = @_;
    return map { "$file: no $_" } grep { !-f top() . "/mod_smartlaunch/$_" } includes($file);
});

guard('only httpd/ sees httpd', [ grep { layer_of($_) && layer_of($_) ne 'httpd' } @files ], sub {
    my ($file) = @_;
    my @httpd = text($file) =~ /^\s*#\s*include\s+<((?:httpd|ap_\w+|http_\w+|util_\w+|mod_\w+|mpm_\w+|scoreboard)\.h)>/mg;
    return map { "$file includes <$_>" } @httpd;
});

my %graph = map { my $f = $_; s{^mod_smartlaunch/}{}r => [ includes($f) ] } grep { /\.h$/ } @files;
my %state;
sub cycle {
    my ($unit, @path) = @_;
    return join ' → ', @path, $unit if ($state{$unit} // '') eq 'open';
    return () if $state{$unit};
    $state{$unit} = 'open';
    my @found = map { cycle($_, @path, $unit) } @{ $graph{$unit} || [] };
    $state{$unit} = 'done';
    return @found;
}
guard('no header includes itself by a detour', [ sort keys %graph ], sub { return cycle($_[0]) });

my %stem;
push @{ $stem{ m{/(\w+)\.c$} ? $1 : '' } }, $_ for grep { /\.c$/ } @files;
guard('the file stem is the unit and unique in the tree', [ sort keys %stem ],
    sub { my @all = @{ $stem{ $_[0] } }; return @all > 1 ? "@all" : () });

done_testing();
