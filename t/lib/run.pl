#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Runs prove (arguments: its own) with one PostgreSQL cluster and one certificate authority for all
# tests, and ends both afterwards.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use SL::Postgres;
use SL::Run qw(run_dir);
use SL::Stack;
use SL::TLS;

my ($tls, $pg) = (run_dir('tls'), run_dir('pg'));
SL::TLS::make("$tls");
my $server = SL::Postgres::share("$pg");
local @ENV{qw(SL_TLS SL_PG SL_STACK)} = ("$tls", "$pg", SL::Stack::make("$tls"));
my $rc = system 'prove', @ARGV;
$server->stop;
exit($rc == 0 ? 0 : $rc >> 8 || 1);
