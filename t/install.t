#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# `make install`: what lies where afterwards, and that it runs from there. `make dist`: what is in it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::Guard qw(files make_variable);
use File::Find ();

my $root = run_dir('install');
my $make = $ENV{MAKE} || 'make';
my ($rc, $text) = capture($make, '-s', '-C', build(), 'install', "DESTDIR=$root");
is $rc, 0, 'make install' or die $text;

# A directory of the Makefile, written out.
sub place {
    my ($name) = @_;
    my $path = make_variable($name) // die "no $name in the Makefile";
    1 while $path =~ s/\$[({](\w+)[)}]/make_variable($1)/e;
    return $path;
}

sub installed {
    my %files;
    File::Find::find({ no_chdir => 1, wanted => sub { $files{ substr $_, length $root } = (stat)[2] & 07777 if -f || -l } }, "$root");
    return %files;
}

my ($lib, $sbin, $data, $man, $doc) = map { place($_) } qw(moduledir sbindir pkgdatadir mandir docdir);
my %mode = ("$lib/mod_smartlaunch.so" => 0755, "$lib/mod_smartlaunch_cdp.so" => 0755, "$sbin/smartlaunchctl" => 0755, "$man/man8/smartlaunchctl.8" => 0644,
    "$data/smartlaunch.conf" => 0644);
$mode{"$data/sql/$_"} = 0644 for map { s{.*/}{}r } glob top() . '/sql/*.sql';
my %files = installed();
my %shown = map { $_ => sprintf '%o', $files{$_} } grep { !m{^\Q$doc\E/} } keys %files;
is_deeply \%shown, { map { $_ => sprintf '%o', $mode{$_} } keys %mode }, 'every file where it belongs, and no other';
is_deeply [ grep { $files{$_} != 0644 } grep { m{^\Q$doc\E/} } keys %files ], [], 'documents can be read by everybody';
ok exists $files{"$doc/$_"}, "$_ is among them" for qw(README.md CHANGES LICENSE docs/admin.md docs/app.md docs/design.md);
my $readme = slurp("$root$doc/README.md");
my @links = grep { !/^(?:https?:|#)/ } $readme =~ /\]\(([^)\s]+)\)/g;
my %only_in_source = map { $_ => 1 } grep { m{^(?:conf|demo|t|\.ci)(?:/|$)|\.sh$} } @links;
is_deeply [ grep { !-e "$root$doc/" . s/#.*//r } grep { !$only_in_source{$_} } @links ], [], 'what the README refers to is there';
is_deeply [ grep { slurp("$root$_") =~ /\Q$root\E/ } keys %files ], [], 'no file knows where it was installed to for the moment';

# The module as a shared object
my $so = "$root$lib/mod_smartlaunch.so";
sub told { my ($rc, $text) = capture(@_); die "@_: $text" if $rc; return $text }
is_deeply [ map { (split)[-1] } split /\n/, told('nm', '-D', '--defined-only', $so) ], ['smartlaunch_module'],
    'only the module record leaves it';
is_deeply [ map { (split)[-1] } split /\n/, told('nm', '-D', '--defined-only', "$root$lib/mod_smartlaunch_cdp.so") ],
    ['smartlaunch_cdp_module'], 'and so it is with the second module';
for my $file ($so, "$root$lib/mod_smartlaunch_cdp.so", "$root$sbin/smartlaunchctl") {
    my $dynamic = told('readelf', '-d', $file);
    unlike $dynamic, qr/RPATH|RUNPATH/, "$file finds its libraries where the system has them";
    my @odd = grep { !/^lib(?:curl|crypto|ssl|json-c|pq|apr-1|aprutil-1|asan|ubsan|m|c|pthread)\.so|^ld-linux/ }
        $dynamic =~ /\(NEEDED\).*\[(.*)\]/g;
    is_deeply \@odd, [], 'and needs none but those of the design';
}

# The tool
my $ctl = "$root$sbin/smartlaunchctl";
like +(capture($ctl, '--version'))[1], qr/^smartlaunchctl \d+\.\d+\.\d+$/, 'smartlaunchctl runs';
like slurp($ctl), qr/\Q$data\E\/sql/, 'and looks for the SQL where it was installed';
my $pg = SL::Postgres->new(schema => 0);
{
    local $ENV{SL_SQLDIR} = "$root$data/sql";
    my ($rc, $text) = capture($ctl, '--db', $pg->owner_conninfo, qw(schema install));
    is $rc, 0, 'it makes the tables from there' or diag $text;
}

# The modules, in httpd
my $w = world(so => $so, start => 0, cdp => { so => "$root$lib/mod_smartlaunch_cdp.so" });
$w->httpd->{database} = $pg->conninfo;
is +($w->httpd->configtest)[1], "Syntax OK\n", 'httpd takes it without a word';
$w->httpd->start;
is $w->launch(login => 'alice')->{app}->code, 200, 'and a launch comes through';
ok $pg->value('SELECT count(*) FROM smartlaunch.launch'), 'with the tables just made';
ok !(grep { $_->{level} } $w->httpd->errors), 'nothing was worth a warning' or diag map { "$_->{text}\n" } $w->httpd->errors;

# And away again
($rc, $text) = capture($make, '-s', '-C', build(), 'uninstall', "DESTDIR=$root");
is $rc, 0, 'make uninstall' or diag $text;
my %left = installed();
is_deeply [ sort keys %left ], [], 'leaves nothing';

# A release
my $release = "$root/release";
($rc, $text) = capture($make, '-s', '-C', build(), 'distdir', "distdir=$release");
is $rc, 0, 'make distdir' or diag $text;
is_deeply [ grep { !-e "$release/$_" } files(qr/./) ], [], 'a release has all that a clone has';
ok -x "$release/$_", "and $_" for qw(configure demo.sh test.sh bench/run.sh);

done();
