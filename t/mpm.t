#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A slow EHR holds as many workers as SmartOutbound max= says, over all children, and no more.
# mpm: all
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;

my $w = world(redirect => 'SmartLink none', ehr_block => 'SmartOutbound max=2 timeout=10s');
my @patients = @{ $w->ehr->patients };

sub shown {
    my ($response) = @_;
    return $response->code if $response->code != 200 || $response->content !~ /^\{/;
    return json($response)->{headers}{'smart-patient'} // '-';
}

sub lines { my ($id) = @_; return scalar(() = $w->httpd->error_log =~ /\b$id: /g) }

# The app, asked often enough to meet every child, while the EHR has not answered anybody.
sub app_is_quick {
    my ($what, $live) = @_;
    my @codes = many(4, sub { [ map { $w->browser->window->type($w->url('/papp/'))->code } 1 .. 4 ] });
    is_deeply [ map { @$_ } @codes ], [ (200) x 16 ], "$what: the app answers";
    is shown($live->{window}->reload), $live->{patient}, "$what: in a launch, too" if $live;
    is lines('SL3505') + lines('SL4603'), 0, "$what: … all while the EHR keeps everybody waiting";
    return;
}

# Discovery, when nothing is known yet.
$w->ehr->faults(discovery => { held => 1 });
my $codes = SL::Traffic->during(sub { [ many(8, sub { $w->launch(stop => 'start')->{start}->code }) ] }, sub {
    wait_for('the question', sub { scalar(my @asked = $w->ehr->log('/fhir/.well-known')) });
    wait_for('those who find no place', sub { lines('SL4605') >= 6 });
    app_is_quick('discovery is slow');
    $w->ehr->release;
});
is_deeply [ sort @$codes ], [ (302) x 2, (503) x 6 ], 'discovery is slow: two wait and are served, six are told to come again';
is scalar(my @asked = $w->ehr->log('/fhir/.well-known')), 1, 'DIS-9 the EHR was asked once';
$w->httpd->expect_log(qw(SL4605));
$w->httpd->allow_log('SL4603');
$w->ehr->faults;
my $before = lines('SL3505') + lines('SL4603');

# Token calls.
my $live = $w->launch(patient => $patients[0]);
is shown($live->{app}), $patients[0], 'a launch';
my @half = map { $w->launch(patient => $patients[$_], stop => 'authorize') } 1 .. 6;
$w->ehr->forget;
$w->ehr->faults(token => { hang => 1 });
my $answers = SL::Traffic->during(sub {
    [ many(6, sub { my $l = $half[ $_[0] ]; my $got = $l->{window}->nav($l->{callback_url}); [ $got->code, $got->header('Retry-After') // 0 ] }) ];
}, sub {
    wait_for('those who find no place', sub { lines('SL3513') >= 4 });
    is lines('SL3505') + lines('SL4603'), $before, 'the token endpoint hangs: who finds no place is told at once';
    is scalar(my @calls = $w->ehr->log('/auth/token')), 2, '… two are waiting, over all children';
    my @codes = many(4, sub { [ map { $w->browser->window->type($w->url('/papp/'))->code } 1 .. 4 ] });
    is_deeply [ map { @$_ } @codes ], [ (200) x 16 ], '… the app answers';
    is shown($live->{window}->reload), $live->{patient}, '… in a launch, too';
    is lines('SL3505') + lines('SL4603'), $before, '… all while the EHR keeps them waiting';
});
is_deeply [ sort map { $_->[0] } @$answers ], [ (503) x 4, (504) x 2 ], '… in the end those two are told that it took too long';
is scalar(grep { $_->[0] == 503 && $_->[1] < 1 } @$answers), 0, '… and the others when to come again';
is scalar(my @calls = $w->ehr->log('/auth/token')), 2, 'TKR-4 two token calls in all';
$w->httpd->expect_log(qw(SL3513 SL3505));
$w->ehr->faults;
my @again = many(6, sub { my $l = $w->launch(patient => $patients[1]); $l->{app} ? shown($l->{app}) : $l->{callback} ? $l->{callback}->code : $l->{start}->code });
is scalar(grep { $_ eq $patients[1] } @again), scalar(grep { $_ ne '503' } @again), 'the EHR is well again: launches go through';
is shown($w->launch(patient => $patients[2])->{app}), $patients[2], '… one by one they all do';

done();
