#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The demo's own parts hold what the other tests take for granted.
use strict;
use warnings;
use Cwd qw(abs_path);
use FindBin;
use Test::More;

my $demo = abs_path("$FindBin::Bin/../demo");

for my $part (qw(ehr card)) {
    my $said = qx(cd $demo/$part && node --test selftest.mjs 2>&1);
    is $?, 0, "demo/$part/selftest.mjs" or diag $said;
    like $said, qr/^# pass [1-9]/m, '… and it tested something';
}

done_testing;
