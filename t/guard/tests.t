#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What is written is built and run: no source, no test and no migration is forgotten in a list.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use SL::Guard;
use Test::More;

sub listed {
    my ($list, $pattern) = @_;
    my %in = map { $_ => 1 } text($list) =~ m{(?<![\w/.-])($pattern)}g;
    return \%in;
}

sub same {
    my ($what, $list, $in, @there) = @_;
    my %there = map { $_ => 1 } @there;
    guard("every $what is in $list", \@there, sub { return $in->{ $_[0] } ? () : $_[0] });
    guard("every $what in $list exists", [ sort keys %$in ], sub { return $there{ $_[0] } ? () : $_[0] });
    return;
}

for my $layer (qw(base smart cdp store net flow httpd ctl)) {
    my @there = files(qr{^mod_smartlaunch/$layer/\w+\.[ch]$});
    push @there, files(qr{^mod_smartlaunch/\w+\.[ch]$}) if $layer eq 'httpd';
    my $list = "mod_smartlaunch/$layer/files.am";
    same('source', $list, listed($list, qr{mod_smartlaunch/(?:$layer/)?\w+\.[ch]\b}), @there);
}

same('migration', 'Makefile.am', listed('Makefile.am', qr{sql/\w+\.sql}), files(qr{^sql/.*\.sql$}));

my @units = files(qr{^t/unit/test_\w+\.c$});
same('unit test', 't/unit/files.am', listed('t/unit/files.am', qr{t/unit/test_\w+}), map { s/\.c$//r } @units);
guard('every unit test ends with its plan', \@units,
    sub { return text($_[0]) =~ /return (?:tap_done|rule_done)\(/ ? () : $_[0] });

my @run = text('test.sh') =~ m{(t/(?:\w+/)?)\*\.t\b}g;
my %run = map { $_ => 1 } @run;
guard('test.sh runs every directory of tests', [ files(qr{^t/.*\.t$}) ],
    sub { return $run{ $_[0] =~ s{[^/]+$}{}r } ? () : $_[0] });
guard('every integration test ends with a look at the error log', [ files(qr{^t/[^/]+\.t$}) ],
    sub { return text($_[0]) =~ /^done\(\);$/m ? () : $_[0] });
guard('no test is skipped or expected to fail', [ files(qr{^t/(?!guard/).*\.(?:t|c|mjs)$}) ], sub {
    my ($file) = @_;
    return text($file) =~ /\b(?:skip_all|SKIP|TODO)\b/ ? $file : ();
});
guard('some tests run in every MPM and under sanitizers',
    [ grep { text($_) =~ /^# mpm: all$/m } files(qr{^t/[^/]+\.t$}) ], sub { return () });

done_testing();
