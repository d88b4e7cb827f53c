#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The demo's own parts hold what the other tests take for granted.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;

for my $part (qw(ehr card)) {
    my ($status, $said) = capture('node', '--test', top() . "/demo/$part/selftest.mjs");
    is $status, 0, "demo/$part/selftest.mjs" or diag $said;
    like $said, qr/^\S* ?pass [1-9]/m, '… and it tested something';
}

done();
