#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The directives that the code knows, that conf/smartlaunch.conf explains and that docs/design.md
# promises are the same ones.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use SL::Guard;
use Test::More;

my $code = join '', map { text($_) } files(qr{^mod_smartlaunch/(?:mod_smartlaunch|httpd/\w+)\.c$});
my %known = map { $_ => 1 } $code =~ /\b[A-Z][A-Z0-9_]+\(\s*"<?(Smart[A-Z]\w*)"?/g;
my $conf = text('conf/smartlaunch.conf');
my %explained = map { $_ => 1 } $conf =~ /^\s*#?\s*<?(Smart[A-Z]\w*)\b/mg;
my $design = text('docs/design.md');

guard('every directive of the code is in conf/smartlaunch.conf', [ sort keys %known ],
    sub { return $explained{ $_[0] } ? () : $_[0] });
guard('every directive of conf/smartlaunch.conf is in the code', [ sort keys %explained ],
    sub { return $known{ $_[0] } ? () : $_[0] });
guard('every directive of the code is in docs/design.md', [ sort keys %known ],
    sub { return $design =~ /\b$_[0]\b/ ? () : $_[0] });

my @documents = files(qr{^(?:README\.md|CHANGES|docs/[^/]*\.md|man/.*|demo/.*\.md)$});
guard('no document names a directive that is not in the code', \@documents, sub {
    my ($file) = @_;
    return map { "$file: $_" } grep { !$known{$_} } text($file) =~ /\b(Smart[A-Z]\w*)/g;
});

done_testing();
