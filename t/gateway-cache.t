#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Shared memory of tokens: children are killed while they write to it, and it is far too small. It may
# forget; it is never wrong.
# mpm: all
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::Tokens;
use SL::Traffic;

# Launches in another browser each, made by several processes: their number per process is $each.
sub launches {
    my ($w, $each, @patients) = @_;
    my @all = many(4, sub {
        my ($process) = @_;
        return [ map {
            my $patient = $patients[ ($process + $_) % @patients ];
            my $l = $w->launch(patient => $patient);
            { patient => $patient, session => $l->{session} };
        } 1 .. $each ];
    });
    return map { @$_ } @all;
}

# "200 <whose data>", or the status
sub call {
    my ($w, $l, %arg) = @_;
    my $answer = $w->fhir(GET => "/Patient/$l->{patient}", session => $l->{session}, timeout => 30, %arg);
    return join ' ', $answer->code, $answer->code == 200 ? json($answer)->{id} : ();
}

sub wrong { my ($w, @launches) = @_; return grep { call($w, $_) ne "200 $_->{patient}" } @launches }

my @away = qw(SL3001 SL3003 SL3004 SL3005 SL3006 SL3007 SL3010 SL3016 SL3420);

# Killed while they write
{
    my $w = world(start => 0, fpm => 0, pg => { own => 1 }, redirect => 'SmartLink same-name', ehr_block => 'SmartOutbound timeout=6s max=60');
    my ($httpd, $ehr) = ($w->httpd, $w->ehr);
    nobody_leads($w);
    $httpd->start;
    $httpd->allow_log('broken', 'AH00052', @away);
    my @patients = @{ $ehr->patients }[ 0 .. 3 ];
    my @launches = map { $w->launch(patient => $_) } @patients;

    # A hint that a launch changed makes the host drop its entry, and the next child writes it anew.
    my $traffic = SL::Traffic->new(map { my $l = $_; sub { call($w, $l) } } @launches, @launches[ 0, 1 ]);
    my $hints = $w->pg->dbh->prepare("SELECT pg_notify('smartlaunch', 'launch ' || id || ' ' || key_id) FROM smartlaunch.launch");
    for (1 .. 6) {
        for (1 .. 3) {
            $hints->execute;
            $traffic->more(1);
        }
        $hints->execute;
        $httpd->kill_child;
    }
    $traffic->more(3);
    my @seen = $traffic->stop;
    for my $i (0 .. $#seen) {
        my $own = "200 $patients[ $i % 4 ]";
        my %other = map { $_ => 1 } grep { $_ ne $own && !/^died: (?:connect to|the connection was closed|no HTTP answer|the answer was cut)/ }
            map { $_->{got} } @{ $seen[$i] };
        is_deeply [ sort keys %other ], [], "children are killed while they write: caller $i gets its own patient, or the connection breaks";
        is $seen[$i][-1]{got}, $own, '… to the end';
    }
    is_deeply [ wrong($w, @launches) ], [], 'afterwards all are served';
    $w->pg->stop;
    is_deeply [ wrong($w, @launches) ], [], '… from memory, which is whole';
    $httpd->graceful;
    is_deeply [ wrong($w, @launches) ], [], '… after a graceful restart, too';
    $httpd->restart;
    is_deeply [ wrong($w, @launches) ], [], '… and after a restart';
    my @broken = $httpd->deaths;
    is_deeply \@broken, [], 'nobody died of anything else';
    $httpd->stop;
    $w->pg->start;
}

# Far too small: tokens of 8 KiB in the smallest memory there may be
{
    my $w = world(start => 0, fpm => 0, pg => { own => 1 }, redirect => 'SmartLink same-name', extra => 'SmartCache 1M');
    my ($httpd, $ehr) = ($w->httpd, $w->ehr);
    nobody_leads($w);
    $httpd->start;
    $httpd->allow_log(@away);
    my @patients = @{ $ehr->patients }[ 0 .. 3 ];
    $ehr->settings(token_length => 8192);
    my @launches = launches($w, 28, @patients);
    my %sessions = map { $_->{session} // '-' => 1 } @launches;
    is scalar(keys %sessions), 112, 'SmartCache 1M: a hundred and twelve sessions';
    for my $round (1 .. 2) {
        my @wrong = map { @$_ } many(4, sub { my ($i) = @_; return [ wrong($w, @launches[ map { 4 * $_ + $i } 0 .. 27 ]) ] });
        is_deeply \@wrong, [], '… with long tokens: each gets its own patient';
    }
    my @asked = asked($w);
    my %whose = map { $_->{headers}{authorization} => {} } @asked;
    $whose{ $_->{headers}{authorization} }{ $_->{path} } = 1 for @asked;
    is scalar(grep { keys %$_ > 1 } values %whose), 0, '… and no token is used for two patients';
    cmp_ok length((keys %whose)[0]), '>', 8192, '… tokens are long indeed';
    $w->pg->stop;
    my %got;
    $got{ call($w, $_) eq "200 $_->{patient}" ? 'own' : call($w, $_) }++ for @launches;
    cmp_ok $got{own} // 0, '>', 0, 'PostgreSQL is away: what memory still has is served';
    cmp_ok $got{503} // 0, '>', 0, '… the rest has to come again';
    is_deeply [ grep { !/^(?:own|503)$/ } keys %got ], [], '… and nobody gets anything else';
    $w->pg->start;
    wait_for('every child to find PostgreSQL', sub { !wrong($w, @launches) });
    pass 'PostgreSQL is back: all are served';
    my $l = $launches[0];
    lapse($w, $l);
    $ehr->forget;
    wait_for('a renewal', sub { call($w, $l) eq "200 $l->{patient}" && scalar(my @r = renewals($w)) });
    is scalar(my @renewals = renewals($w)), 1, 'RFR-4 a full memory elects one to renew';
    my $log = $httpd->error_log . $httpd->access_log;
    is scalar(grep { index($log, $_->{session}) >= 0 } @launches), 0, 'no session id is in a log';
}

$_->allow_log(qw(SL4514 SL4516 SL4546 SL4551)) for SL::Httpd->all;
done();
