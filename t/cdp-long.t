#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A chart of 20,000 results on 200 pages: all of them are held, once, and of the pages nothing stays
# in memory.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use Time::HiRes qw(time);

my $w = world(fpm => 0, ehr => { search => 1 }, gateway => undef, cdp => {}, extra => 'SmartAudit required');
my ($httpd, $ehr, $cdp) = ($w->httpd, $w->ehr, $w->cdp);
$cdp->grant('alice');
my $l = $w->launch(login => 'alice', patient => 'luna-mccullough');
is $cdp->api(PUT => 'mapping', user => 'alice', json => {
    version => 1, project => 'study', day_offset => { days => 365, direction => '+' },
    identifier => { source => 'id', event => 'visit', field => 'mrn' },
    fields => [ { source => '718-7', event => 'visit', field => 'hb', temporal_field => 'visit_date', preselect => 'MAX' } ],
})->code, 200, 'a mapping with a window of a year';

# Megabytes that the children ever had at once, or have now.
sub memory { my ($what) = @_; my $sum = 0; $sum += slurp("/proc/$_/status") =~ /^$what:\s+(\d+) kB/m ? $1 / 1024 : 0 for $httpd->children; return $sum }
sub fetch {
    my ($total) = @_;
    $ehr->faults('fhir:Observation' => { observations => { total => $total, first => '2024-01-01T12:00:00Z' } });
    return $cdp->api(POST => 'records/1/fetch', session => $l->{session}, timeout => 120,
        json => { mrn => 'MRN-10021', dates => { visit => { visit_date => '2024-01-01' } } });
}
is json(fetch(200))->{held}, 200, 'two pages';
my ($before, $began) = (memory('VmHWM'), time);
my $answer = fetch(20_000);
diag sprintf '%.1f s, %.0f MB before, %.0f MB at most, %.0f now', time - $began, $before, memory('VmHWM'), memory('VmRSS');
my $result = json($answer);
is_deeply [ @{$result}{qw(outcome held new)} ], [ 'ok', 19_800, 1 ], 'C9 200 pages: everything is held, once' or diag $answer->as_string;
is scalar(grep { $_->{path} eq '/fhir/Observation' } $ehr->log('/fhir/')), 202, 'C9 page by page';
is $w->pg->value(q{SELECT count(*) FROM smartlaunch.cdp_value WHERE state = 'new'}), 20_000, 'C9 20,000 rows';
is $w->pg->value(q{SELECT count(*) FROM smartlaunch.fhir_access WHERE resource = 'Observation' AND caller = 'cdp:study' AND status = 200}), 202,
    'C13 under SmartAudit required the row of each page is there before the page is used';
cmp_ok memory('VmHWM') - $before, '<', 24, 'memory is bounded by one page, not by the chart';
done();
