#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Runs shift.mjs in Chromium against the demo's servers, with an old application beside them.
use strict;
use warnings;
use FindBin qw($Bin);

$ENV{DEMO_SITE} = "$Bin/embedded.conf";
exec "$Bin/../../demo/lib/with-stack.sh", 'node', "$Bin/shift.mjs" or die "with-stack.sh: $!";
