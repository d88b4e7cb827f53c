#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What must not grow or stay: junk in the flight recorder, launches of an EHR that is gone.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;

my $w = world(extra => <<"CONF");
<SmartEHR elsewhere>
    SmartIssuer https://elsewhere.example/fhir
    SmartClient x
    SmartClientAuth none
    SmartScope "launch"
</SmartEHR>
CONF

# An EHR that is taken out of the configuration takes its launches along.
my $l = $w->launch(login => 'alice');
is $l->{app}->code, 200, 'a launch from an EHR that is configured';
my $conf = $w->httpd->config;
$conf =~ s/<SmartEHR sandbox>(.*?)<\/SmartEHR>//s or die 'no section';
my $written = $w->httpd->dir . '/httpd.conf';
spit($written, $conf);
$w->httpd->graceful;
my $again = $l->{window}->reload;
is $again->code, 401, 'the EHR is gone: its launches are over';
unlike $again->content, qr/alice|\Q$l->{patient}\E/, '… and nobody is named';
spit($written, $w->httpd->config);
$w->httpd->graceful;

# Junk from one network fills the flight recorder up to a bound, and is answered beyond it.
my @codes = map { request('GET', $w->url("/smart?state=junk$_"))->code } 1 .. 650;
is_deeply [ grep { $_ != 400 } @codes ], [], '650 times junk: 650 pages';
my $rows = $w->pg->value(q{SELECT count(*) FROM smartlaunch.launch_step WHERE launch IS NULL});
cmp_ok $rows, '>=', 500, "most of it is on record ($rows)";
cmp_ok $rows, '<=', 1201, '… and it is bounded by the minute';
is $w->launch->{app}->code, 200, 'launches go on';

$w->httpd->expect_log('SL2531');
$w->httpd->allow_log(map { "SL20$_" } '01' .. '99');
done();
