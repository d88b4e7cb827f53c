#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Functions of 60 lines and files of 500 at most: what does not fit on a page hides something.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use SL::Guard;
use Test::More;

my @files = module_files();

guard('no file is longer than 500 lines', \@files, sub {
    my $lines = () = text($_[0]) =~ /\n/g;
    return $lines > 500 ? "$_[0] has $lines lines" : ();
});

guard('no line is longer than 100 columns', \@files, sub {
    my ($file) = @_;
    my ($number, @long) = (0);
    for my $line (split /\n/, text($file)) {
        $number++;
        utf8::decode($line);
        push @long, "$file:$number" if length $line > 100;
    }
    return @long;
});

# In the house style a brace in the first column opens a function, and nothing else.
my @functions;
for my $file (grep { /\.c$/ } @files) {
    my ($number, $name, $start) = (0, '?', 0);
    for my $line (split /\n/, text($file)) {
        $number++;
        $name = $1 if $line =~ /^[A-Za-z].*?(\w+)\(/ && !$start;
        $start = $number if $line eq '{';
        next if $line ne '}' || !$start;
        push @functions, [ "$file:$start: $name", $number - $start + 1 ];
        $start = 0;
    }
}
guard('no function is longer than 60 lines', \@functions,
    sub { my ($name, $lines) = @{ $_[0] }; return $lines > 60 ? "$name has $lines lines" : () });

done_testing();
