#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What another host changed, and how a host learns of it: by LISTEN, or by reading again where nobody
# listens, or behind a pooler that lets nobody listen.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::Tokens;

# "200 <whose data>", or the status
sub call {
    my ($w, $l, %arg) = @_;
    my $answer = $w->fhir(GET => "/Patient/$l->{patient}", session => $l->{session}, timeout => 30, %arg);
    return join ' ', $answer->code, $answer->code == 200 ? json($answer)->{id} : ();
}

my $w = world(start => 0, fpm => 0, pg => { own => 1 }, redirect => 'SmartLink same-name');
my ($httpd, $ehr, $pg) = ($w->httpd, $w->ehr, $w->pg);
nobody_leads($w);
$httpd->start;
my $bouncer = SL::Bouncer->new(pg => $pg, pool => 4);
my %host = (
    'by LISTEN' => $w->another_host(fpm => 0),
    'behind a transaction pooler' => $w->another_host(fpm => 0, database => $bouncer->conninfo, prepare => 'off'),
    'with nobody to listen to' => $w->another_host(fpm => 0, prepare => 'on "listen=host=127.0.0.1 port=' . free_port() . '"'),
);
for my $how (sort keys %host) {
    my $l = $w->launch;
    my @hosts = ($httpd, $host{$how});
    is call($w, $l, host => $_), "200 $l->{patient}", "$how: both hosts know a session" for @hosts;
    $ehr->end('access');
    $ehr->forget;
    is call($w, $l, host => $_), "200 $l->{patient}", "RFR-4 $how: its token is refused, and renewed for both" for @hosts;
    is scalar(my @renewals = renewals($w)), 1, '… once';
    $pg->dbh('dba')->do('SELECT smartlaunch.revoke_launch(?, ?)', undef, id_of($w, $l), 'a test');
    cmp_ok lasted('the session', sub { call($w, $l, host => $host{$how}) eq '401' }), '<=', 5, "$how: what another host revoked is refused within five seconds";
    $ehr->forget;
    is call($w, $l, host => $_), 401, '… by both' for @hosts;
    is_deeply [ $ehr->log('/fhir/Patient') ], [], '… and the EHR is not asked';
}
is $ehr->counts->{reused}, 0, 'RFR-4 no refresh token came twice to the EHR';
$_->allow_log(qw(SL4514 SL4516 SL4546 SL4551)) for SL::Httpd->all;
done();
