#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Runs standalone.mjs in Chromium against the demo's servers.
use strict;
use warnings;
use FindBin qw($Bin);

exec "$Bin/../../demo/lib/with-stack.sh", 'node', "$Bin/standalone.mjs" or die "with-stack.sh: $!";
