#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Behind PgBouncer in transaction mode, with fewer server connections than we have of our own.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;

my $w = world(pg => { own => 1 }, prepare => 'off', redirect => 'SmartLink same-name', start => 0);
my $pg = $w->pg;
my $bouncer = SL::Bouncer->new(pg => $pg, pool => 2);
$w->httpd->{database} = $bouncer->conninfo;
my @patients = @{ $w->ehr->patients }[ 0 .. 3 ];

sub shown {
    my ($response) = @_;
    return $response->code if $response->code != 200 || $response->content !~ /^\{/;
    my $headers = json($response)->{headers};
    return join ' ', map { $headers->{$_} // '-' } 'smart-patient', 'smart-user';
}

# Launches that go on at the same time, each clicking on and ending as it should.
sub at_once {
    my ($count) = @_;
    return many($count, sub {
        my ($i) = @_;
        my $l = $w->launch(patient => $patients[ $i % 4 ], user => 'dr-smith');
        return shown($l->{callback}) if !$l->{app};
        my @shown = (shown($l->{app}), map { shown($l->{window}->reload) } 1 .. 2);
        my $out = $l->{window}->xhr('POST', "/smart/logout?smart_launch=$l->{handle}")->code;
        my %different = map { $_ => 1 } @shown;
        return join ' ', sort(keys %different), $out, $l->{window}->reload->code;
    });
}

sub wanted { my ($count) = @_; return [ map { "$patients[$_ % 4] dr-smith 200 401" } 0 .. $count - 1 ] }

$w->httpd->start;
is_deeply [ at_once(8) ], wanted(8), 'transaction mode, prepare=off: eight launches at once over two connections';
cmp_ok $pg->value("SELECT count(*) FROM pg_stat_activity WHERE usename = 'web'"), '<=', 2, 'PostgreSQL has two of ours';
is_deeply [ $w->httpd->error_log =~ /SL3008/g ], [], 'nothing was prepared';
my $l = $w->launch(patient => $patients[0]);
is shown($l->{app}), "$patients[0] dr-smith", 'a launch';

# PostgreSQL is restarted behind the pooler.
$w->httpd->allow_log(qw(SL3001 SL3004 SL3005 SL3006 SL3007 SL3010 SL3016));
$pg->stop;
is shown($l->{window}->reload(timeout => 20)), "$patients[0] dr-smith", 'PostgreSQL stops behind the pooler: the launch goes on';
my $refused = $w->launch(stop => 'start')->{start};
is $refused->code, 503, '… a new one is told to come again';
cmp_ok $refused->header('Retry-After') // 0, '>', 0, '… and when';
$pg->start;
wait_for('new launches', sub { $w->launch(stop => 'start')->{start}->code == 302 });
wait_for('the launch', sub { shown($l->{window}->reload) eq "$patients[0] dr-smith" });
pass '… and all is well when it is back';

# Who forgot to say prepare=off is told so, and served all the same.
$w->httpd->{prepare} = 'on';
$w->httpd->expect_log('SL2531')->write_config;
$w->httpd->restart;
is_deeply [ at_once(6) ], wanted(6), 'without prepare=off: six launches at once';
like $w->httpd->logged('SL3008'), qr/:warn\].*prepare=off/, '… and a warning that says what to do';
$w->httpd->expect_log('SL3008');

done();
