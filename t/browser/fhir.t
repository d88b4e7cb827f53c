#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Runs fhir.mjs in Chromium against the demo's servers, with a gateway on the app's own site.
use strict;
use warnings;
use FindBin qw($Bin);

$ENV{DEMO_SITE} = "$Bin/fhir.conf";
exec "$Bin/../../demo/lib/with-stack.sh", 'node', "$Bin/fhir.mjs" or die "with-stack.sh: $!";
