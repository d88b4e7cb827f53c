#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What leaves the modules, and what the libraries keep between calls.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use SL::Guard;
use SL::Run qw(capture);
use Test::More;

for my $name (qw(smartlaunch smartlaunch_cdp)) {
    my $module = build() . "/.libs/mod_$name.so";
    my ($rc, $text) = capture('nm', '-D', '--defined-only', $module);
    is $rc, 0, "mod_$name is built" or diag $text;
    my @exported = map { (split)[-1] } split /\n/, $text;
    is_deeply \@exported, ["${name}_module"], '… and only the module record leaves it';
    ($rc, $text) = capture('nm', '-D', '--undefined-only', $module);
    my @wanted = map { (split)[-1] } grep { / [Uw] / } split /\n/, $text;
    guard('it wants no symbol of another module, nor one that is nowhere', \@wanted,
        sub { return $_[0] =~ /^(?:proxy_|ap_proxy_|ssl_|dav_|sl_)/ ? $_[0] : () });
}

for my $library (qw(libsmartlaunch libsmartlaunch_cdp)) {
    my ($bad, $symbols) = capture('objdump', '-t', build() . "/.libs/$library.a");
    is $bad, 0, "$library is built";
    my @objects = grep { /^[0-9a-f]+ / && / O / } split /\n/, $symbols;
    guard('it has no mutable state of file scope', \@objects,
        sub { return $_[0] =~ / O (?:\.data|\.bss|\.tbss|\*COM\*)(?:\.(?!rel\.ro)\S*)?\t/ ? $_[0] : () });
}

done_testing();
