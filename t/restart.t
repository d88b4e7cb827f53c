#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# graceful, restart, stop and start under traffic: no launch is lost, and what shared memory knows
# outlives all but the last.
# mpm: all
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;

my $w = world(pg => { own => 1 }, redirect => 'SmartLink none');
my @patients = @{ $w->ehr->patients }[ 0 .. 4 ];

sub shown {
    my ($response) = @_;
    return $response->code if $response->code != 200 || $response->content !~ /^\{/;
    return json($response)->{headers}{'smart-patient'} // '-';
}

sub again { my ($l) = @_; return shown($l->{window}->reload(timeout => 30)) }

my @live = map { $w->launch(patient => $_) } @patients[ 0, 1 ];
is again($live[$_]), $patients[$_], "a launch of patient $_" for 0, 1;

# One client that clicks, one that launches from chart to app; what they get must be right each time.
my $new = $patients[2];
my @clients = (
    (map { my $l = $_; sub { again($l) } } @live),
    sub { my $l = $w->launch(patient => $new); return $l->{app} ? shown($l->{app}) : $l->{callback} ? $l->{callback}->code : $l->{start}->code },
);

sub right {
    my ($what, $allowed, @seen) = @_;
    for my $i (0 .. $#seen) {
        my $own = $i == 2 ? $new : $patients[$i];
        my @got = map { $_->{got} } @{ $seen[$i] };
        my %wrong = map { $_ => 1 } grep { $_ ne $own && !(defined $allowed && $_ =~ $allowed) } @got;
        is_deeply [ sort keys %wrong ], [], "$what: client $i sees its own patient only";
        is $got[-1], $own, "$what: … to the end";
    }
    return;
}

my $traffic = SL::Traffic->new(@clients);
for (1 .. 2) {
    $w->httpd->graceful;
    $traffic->more(3);
}
right('graceful', undef, $traffic->stop);

# A restart cuts off who is being served; nobody is served wrongly.
$traffic = SL::Traffic->new(@clients);
for (1 .. 2) {
    $w->httpd->restart;
    $traffic->more(3);
}
right('restart', qr/^died: (?:connect to|the connection was closed|no HTTP answer|the answer was cut short)/, $traffic->stop);
is again($live[$_]), $patients[$_], "the launch of patient $_ is the same" for 0, 1;

# Half-way through.
my $half = $w->launch(patient => $patients[3], stop => 'authorize');
$w->httpd->graceful;
$w->finish($half);
is shown($half->{app}), $patients[3], 'LCH-5 a launch that began before a graceful restart is finished after it';
$half = $w->launch(patient => $patients[4], stop => 'authorize');
$w->httpd->restart;
$w->finish($half);
is shown($half->{app}), $patients[4], '… before a restart, too';

# In the middle of the token call: the old generation of children finishes it.
$half = $w->launch(patient => $patients[3], stop => 'authorize');
$w->ehr->forget;
$w->ehr->faults(token => { held => 1, times => 1 });
my $code = SL::Traffic->during(sub { $half->{window}->nav($half->{callback_url})->code }, sub {
    wait_for('the token call', sub { scalar(my @calls = $w->ehr->log('/auth/token')) });
    $w->httpd->graceful;
    is again($live[0]), $patients[0], 'the new children serve while an old one is busy';
    $w->ehr->release;
});
is $code, 303, 'a callback that was being served at a graceful restart is finished';
is scalar(my @calls = $w->ehr->log('/auth/token')), 1, 'TKR-4 … with one token call';

# Only memory can know, while PostgreSQL is away.
is again($live[$_]), $patients[$_], "patient $_ before" for 0, 1;
$w->httpd->allow_log(qw(SL3001 SL3004 SL3006 SL3010 SL3016));
$w->pg->stop;
$w->httpd->graceful;
is again($live[$_]), $patients[$_], "shared memory is kept over a graceful restart: patient $_" for 0, 1;
$w->httpd->restart;
is again($live[$_]), $patients[$_], "… and over a restart: patient $_" for 0, 1;
$w->httpd->stop->start;
is again($live[0]), 503, 'after a stop and a start there is nothing to remember';
$w->pg->start;
wait_for('PostgreSQL to be found', sub { again($live[0]) ne '503' });
is again($live[$_]), $patients[$_], "… but PostgreSQL does: patient $_" for 0, 1;

# Another size is another memory.
$w->httpd->{extra} = 'SmartCache 16M';
$w->httpd->write_config;
$w->httpd->graceful;
is again($live[$_]), $patients[$_], "SmartCache changed by a graceful restart: patient $_" for 0, 1;
my @odd = grep { !/^(?:200|302|303|503)$/ } $w->httpd->access_log =~ /HTTP\/1\.1" (\d+)/g;
is_deeply \@odd, [], 'in all this nobody got a 500';

done();
