#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A child is killed in the middle of a launch: that launch is lost and says so, nothing else is.
# mpm: all
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::Refused;

my $w = world(redirect => 'SmartLink none', ehr_block => 'SmartOutbound timeout=4s');
my @patients = @{ $w->ehr->patients }[ 0 .. 3 ];

sub shown {
    my ($response) = @_;
    return $response->code if $response->code != 200 || $response->content !~ /^\{/;
    return json($response)->{headers}{'smart-patient'} // '-';
}

sub again { my ($l) = @_; return shown($l->{window}->reload(timeout => 30)) }

# Kills all children that there are now, at once.
sub kill_all {
    my @children = $w->httpd->children;
    kill 'KILL', @children;
    wait_for('the parent to notice', sub { !grep { -e "/proc/$_" } @children });
    return;
}

# The first sign of life after that.
sub alive { wait_for('a new child', sub { eval { $w->browser->window->type($w->url('/papp/'))->code == 200 } }) }

# Killed while the EHR is asked for its configuration.
$w->httpd->allow_log('broken', 'AH00052');
$w->ehr->faults(discovery => { hang => 1 });
my $got = SL::Traffic->during(sub { $w->launch(stop => 'start')->{start}->code }, sub {
    wait_for('the question', sub { scalar(my @asked = $w->ehr->log('/fhir/.well-known')) });
    kill_all();
});
like $got, qr/^died: the connection was closed/, 'a child is killed while it asks for the smart-configuration';
$w->ehr->faults;
alive();
$w->httpd->allow_log('SL4603');
wait_for('the next launch', sub { $w->launch(stop => 'start')->{start}->code == 302 });
pass 'DIS-9 the question is asked again before long';

my @live = map { $w->launch(patient => $_) } @patients[ 0, 1 ];
is again($live[$_]), $patients[$_], "a launch of patient $_" for 0, 1;
my $waiting = $w->launch(patient => $patients[3], stop => 'authorize');

# Killed in the token call.
my $half = $w->launch(patient => $patients[2], stop => 'authorize');
$w->ehr->forget;
$w->ehr->faults(token => { hang => 1 });
$got = SL::Traffic->during(sub { $half->{window}->nav($half->{callback_url})->code }, sub {
    wait_for('the token call', sub { scalar(my @calls = $w->ehr->log('/auth/token')) });
    kill_all();
});
like $got, qr/^died: the connection was closed/, 'a child is killed in the token call';
$w->ehr->faults;
alive();
is again($live[$_]), $patients[$_], "the launch of patient $_ goes on" for 0, 1;
$w->finish($waiting);
is shown($waiting->{app}), $patients[3], 'a launch that had begun is finished';
my $new = $w->launch(patient => $patients[2]);
is shown($new->{app}), $patients[2], 'a new launch works';
$got = $half->{window}->nav($half->{callback_url}, timeout => 20);
is $got->code, 503, 'CBK-3 the callback again: nobody knows yet what became of the first';
cmp_ok $got->header('Retry-After') // 0, '>', 0, '… and it says when to ask';
is $w->pg->dbh->do("UPDATE smartlaunch.launch SET claimed_at = now() - interval '3 minutes' WHERE state = 'claimed'"), 1,
    'some minutes later';
refused($w, $half->{window}->nav($half->{callback_url}), 400, 'SL4302', 'CBK-3 … it is lost, and says "launch again"',
    says => qr/open the application there once more/);
is scalar(my @calls = grep { ($_->{form}{code} // '') eq URI->new($half->{callback_url})->query_param('code') }
    $w->ehr->log('/auth/token')), 1, 'TKR-4 its code was sent once';
$w->httpd->expect_log('SL4301');

# Killed again and again while pages are served and launches go through.
my @clients = (
    (map { my $l = $_; sub { again($l) } } @live),
    sub { my $l = $w->launch(patient => $patients[2]); return $l->{app} ? shown($l->{app}) : $l->{callback} ? $l->{callback}->code : $l->{start}->code },
);
my $traffic = SL::Traffic->new(@clients);
for (1 .. 4) {
    $w->httpd->kill_child;
    $traffic->more(2);
}
my @seen = $traffic->stop;
for my $i (0 .. $#seen) {
    my %other = map { $_ => 1 } grep { $_ ne $patients[$i] } map { $_->{got} } @{ $seen[$i] };
    is_deeply [ grep { !/^(?:503$|died: (?:connect to|the connection was closed|the answer was cut|no HTTP answer))/ } sort keys %other ], [],
        "kill -9 under traffic: client $i sees its own patient, or the connection breaks";
    is $seen[$i][-1]{got}, $patients[$i], '… its own to the end';
}
is $w->pg->value("SELECT count(*) FROM smartlaunch.launch WHERE state = 'live' AND patient IN (?, ?)", @patients[ 0, 1 ]), 2,
    'both are live in the database';
my @broken = $w->httpd->deaths;
is_deeply \@broken, [], 'nobody died of anything else';

done();
