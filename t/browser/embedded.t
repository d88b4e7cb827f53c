#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Runs embedded.mjs in Chromium against the demo's servers, with two more applications on the app's site.
use strict;
use warnings;
use FindBin qw($Bin);

$ENV{DEMO_SITE} = "$Bin/embedded.conf";
exec "$Bin/../../demo/lib/with-stack.sh", 'node', "$Bin/embedded.mjs" or die "with-stack.sh: $!";
