#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Every header compiles alone, where its layer may look and with the warnings of the house.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use SL::Guard;
use SL::Run qw(capture);
use Test::More;

my @library = split ' ', make_variable('SL_LIB_CPPFLAGS') // BAIL_OUT('build first');
my @httpd = split ' ', make_variable('HTTPD_CPPFLAGS');
my @cflags = grep { !/sanitize/ } split ' ', make_variable('SL_CFLAGS');

my %headers;
# Those of the Clinical Data Pull see its rules, too.
sub room_of { my ($file) = @_; return layer_of($file) . ($file =~ m{/(?:flow|httpd)/sl_cdp} ? '-cdp' : '') }
push @{ $headers{ room_of($_) } }, $_ for grep { /\.h$/ } module_files();
guard('every header compiles alone', [ sort keys %headers ], sub {
    my ($layer) = @_;
    my @path = ('-I' . build() . "/layers/$layer", $layer =~ /^httpd/ ? @httpd : (), @library);
    my @all = map { top() . "/$_" } @{ $headers{$layer} };
    my ($rc, $text) = capture('gcc', '-fsyntax-only', '-Werror', @cflags, @path, '-x', 'c', @all);
    return $rc ? $text : ();
});

guard('every header has a guard of its own name', [ map { @$_ } values %headers ], sub {
    my ($file) = @_;
    my ($stem) = $file =~ m{/(\w+)\.h$};
    my $name = uc "${stem}_H";
    return text($file) =~ /^#ifndef $name\n#define $name\n.*^#endif/ms ? () : "$file: no #ifndef $name";
});

done_testing();
