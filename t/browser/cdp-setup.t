#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Runs cdp-setup.mjs in Chromium: the setup of a study with a REDCap behind it, under another login of
# httpd's. With SL_SHOTS=FOLDER it leaves its screenshots there.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use SL;
use SL::REDCap;

my $redcap = SL::REDCap->new;
my $w = world(start => 0, fpm => 0, gateway => undef, cdp => { redcap => $redcap });
my ($httpd, $cdp) = ($w->httpd, $w->cdp);
my $dir = $httpd->dir;
spit("$dir/users", join '', map { "$_:" . crypt('secret', 'ab') . "\n" } qw(alice bob));
$httpd->{vhost} = <<"CONF";
    <Location /desk>
        SmartCDP on
        AuthType Basic
        AuthName desk
        AuthUserFile $dir/users
        Require valid-user
    </Location>
CONF
$httpd->start;
$httpd->expect_log('SL8580');
$cdp->grant('alice')->grant(bob => 'adjudicate');

local $ENV{CDP_DESK} = $w->url('/desk/study/');
open my $node, '-|', 'node', "$FindBin::Bin/cdp-setup.mjs" or die "node: $!";
my $tests = 0;
while (my $line = <$node>) {
    my $told = eval { JSON::PP->new->utf8->decode($line) } or diag($line), next;
    $tests++;
    ok $told->{ok}, $told->{name} or diag $told->{text};
}
ok close $node, 'the browser ended well';
ok $tests, '… and said something';
done();
