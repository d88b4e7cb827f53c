# SPDX-License-Identifier: Apache-2.0
# Runs a group of the C tests in t/lib/c against a database and reports each of its checks.
package SL::Served;
use strict;
use warnings;
use utf8;
use Exporter qw(import);
use SL::Run qw(build capture);
use Test::More;

our @EXPORT_OK = qw(served);

# served($group, pg => SL::Postgres, db => conninfo (default: pg's), env => {…}): one test per check,
# named "$group: …". Returns the comment lines the program printed.
sub served {
    my ($group, %arg) = @_;
    local %ENV = (%ENV, %{ $arg{env} || {} });
    local $ENV{SL_STORE_DB} = $arg{db} || $arg{pg}->conninfo;
    local $ENV{SL_STORE_OWNER} = $arg{pg}->owner_conninfo;
    my ($rc, $text) = capture(build() . '/t/lib/c/store', $group);
    utf8::decode($text);
    my ($count, $plan) = (0);
    for my $line (split /\n/, $text) {
        if ($line =~ /^(not )?ok \d+ - (.*)/) {
            ok(!$1, "$group: $2");
            $count++;
        } elsif ($line =~ /^1\.\.(\d+)$/) {
            $plan = $1;
        } elsif ($line =~ /^# (.*)/) {
            note($1);
        } else {
            diag($line);
        }
    }
    my $whole = $rc == 0 && $count > 0 && defined $plan && $plan == $count;
    ok($whole, "$group: ran to its end") or diag("status $rc, $count checks: $text");
    return grep { /^# / } split /\n/, $text;
}

1;
