#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What leaves the module, and what the library keeps between calls.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use SL::Guard;
use SL::Run qw(capture);
use Test::More;

my $module = build() . '/.libs/mod_smartlaunch.so';
my ($rc, $text) = capture('nm', '-D', '--defined-only', $module);
is $rc, 0, 'the module is built' or diag $text;
my @exported = map { (split)[-1] } split /\n/, $text;
is_deeply \@exported, ['smartlaunch_module'], 'only the module record leaves it';

($rc, $text) = capture('nm', '-D', '--undefined-only', $module);
my @wanted = map { (split)[-1] } split /\n/, $text;
guard('it wants no symbol of another module', \@wanted,
    sub { return $_[0] =~ /^(?:proxy_|ap_proxy_|ssl_|dav_)/ ? $_[0] : () });

my ($bad, $symbols) = capture('objdump', '-t', build() . '/.libs/libsmartlaunch.a');
is $bad, 0, 'the library is built';
my @objects = grep { /^[0-9a-f]+ / && / O / } split /\n/, $symbols;
guard('the library has no mutable state of file scope', \@objects,
    sub { return $_[0] =~ / O (?:\.data|\.bss|\.tbss|\*COM\*)(?:\.(?!rel\.ro)\S*)?\t/ ? $_[0] : () });

done_testing();
