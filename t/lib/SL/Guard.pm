# SPDX-License-Identifier: Apache-2.0
# A guard reads the source tree and says what must not be there. One that finds nothing to look at
# has failed.
package SL::Guard;
use strict;
use warnings;
use Exporter qw(import);
use File::Find ();
use SL::Run qw(build slurp top);
use Test::More;

our @EXPORT = qw(files text guard layer_of module_files make_variable build top);

# Files of the project (paths from its top) that match; what git ignores is none of it.
my @project;
sub files {
    my ($pattern) = @_;
    if (!@project) {
        my $top = top();
        @project = split /\n/, `cd '$top' && git ls-files --cached --others --exclude-standard 2>/dev/null`;
        @project = _found($top) if !@project;
        @project = grep { -f "$top/$_" } @project;
    }
    return grep { /$pattern/ } @project;
}

# Where there is no git: an unpacked release.
sub _found {
    my ($top) = @_;
    my @all;
    File::Find::find({ no_chdir => 1, wanted => sub {
        $File::Find::prune = 1, return if /\/(?:node_modules|build|\.git)$/;
        push @all, s{^\Q$top\E/}{}r if -f;
    } }, $top);
    return sort @all;
}

sub text { return slurp(top() . "/$_[0]") }
sub module_files { return files(qr{^mod_smartlaunch/.*\.[ch]$}) }
sub layer_of { return $_[0] =~ m{^mod_smartlaunch/(\w+)/} ? $1 : '' }

# A variable as configure left it in the build directory's Makefile.
sub make_variable {
    my ($name) = @_;
    return slurp(build() . '/Makefile') =~ /^\Q$name\E = (.*)$/m ? $1 : undef;
}

# guard(what, [things], sub { problems of one thing }): one test, which names every problem.
sub guard {
    my ($what, $things, $problems) = @_;
    my @wrong = map { $problems->($_) } @$things;
    my $fine = ok(@$things > 0 && !@wrong, $what);
    diag('it found nothing to look at') if !@$things;
    diag($_) for @wrong > 30 ? (@wrong[ 0 .. 29 ], 'and ' . (@wrong - 30) . ' more') : @wrong;
    return $fine;
}

1;
