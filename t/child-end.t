#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A child's end: no thread of ours, nor of mod_watchdog's that worked for us, still holds what exit() frees.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;

my $status = "<Location /smart-status>\nSetHandler smart-status\nRequire local\n</Location>\n";
my $w = world(start => 0, fpm => 0, preload => 'late', vhost => $status);
my $httpd = $w->httpd;

# Nobody waits for mod_watchdog's threads, which end as a rule while exit() is at work: t/lib/c/late.c takes down
# who does so with OpenSSL's part of the thread in its hands.
for my $way (qw(stop restart graceful)) {
    $httpd->start if !$httpd->{server};
    $w->hears;
    my @children = $httpd->children;
    is request('GET', $w->url('/smart-status'))->code, 200, "$way: the children are at work, one of them as the caretaker";
    $httpd->$way;
    wait_for('all of them to end', sub { !grep { -e "/proc/$_" } @children });
}
my @late = map { m{/late\.(\d+)} } glob $httpd->dir . '/cores/late.*';
is_deeply \@late, [], 'no child ended with a thread that held on to OpenSSL';
done();
