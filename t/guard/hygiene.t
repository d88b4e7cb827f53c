#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What does not belong into a published tree.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use SL::Guard;
use Test::More;

my @texts = grep { !/\.(?:png|ico|gz|xz)$/ && $_ ne 'LICENSE' } files(qr/./);
my @sources = grep { /\.(?:[ch]|pm|pl|t|sh|mjs|php|sql|am|ac|m4|conf|css)$/ || m{^\.ci/run$} } @texts;

guard('every source file names its licence', [ grep { !m{/templates/} } @sources ], sub {
    my $head = substr text($_[0]), 0, 400;
    return $head =~ /SPDX-License-Identifier: Apache-2\.0/ ? () : $_[0];
});

guard('nothing is left to be done without a reason', [ grep { !m{^t/guard/} } @sources ], sub {
    my ($file) = @_;
    return map { "$file: $_" } text($file) =~ /^(.*\b(?:TODO|FIXME|XXX)\b(?!\().*)$/mg;
});

guard('no file names the machine it was written on', [ grep { !m{^t/guard/} } @texts ], sub {
    my ($file) = @_;
    return map { "$file: $_" } text($file) =~ m{^(.*(?<![\w.])/(?:work/|root/\w|home/\w|Users/\w).*)$}mg;
});

guard('lock files name no registry', [ grep { m{package-lock\.json$} } @texts ], sub {
    my ($file) = @_;
    return text($file) =~ /"resolved"|registry\./ ? $file : ();
});

guard('text ends with a newline and has no blanks at the end of lines', \@sources, sub {
    my ($file) = @_;
    my $text = text($file);
    return ($text !~ /\n\z/ ? "$file: no newline at the end" : (), $text =~ /[ \t]\n/ ? "$file: blanks" : ());
});

done_testing();
