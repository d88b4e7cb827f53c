#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Renewals of a cluster: two httpds with several children each, one database, and everybody at once.
# mpm: all
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use SL;
use SL::Tokens;
use SL::Traffic;

my $callers = 200;
my $fewer = 50;
my $w = world(start => 0, fpm => 0, ehr_block => 'SmartOutbound timeout=6s max=60');
my ($httpd, $ehr) = ($w->httpd, $w->ehr);
nobody_leads($w);
$httpd->start;
my $second = $w->another_host(fpm => 0, ehr_block => 'SmartOutbound timeout=6s max=60');
my @hosts = ($httpd, $second);
cmp_ok scalar($_->children), '>=', 2, 'a host has several children' for @hosts;
my @patients = @{ $ehr->patients }[ 0 .. 3 ];
$w->launch(login => 'alice');

# So many calls under way at the same time, to the hosts in turn; call number N is of $launches[N].
# Returns [status, id of the patient in the answer] of each.
sub herd {
    my ($count, @launches) = @_;
    my @calls = map {
        my $l = $launches[ $_ % @launches ];
        my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $hosts[ $_ % 2 ]{gateway_port}, Timeout => 30)
            or die "connect: $!";
        print {$socket} "GET /fhir/sandbox/Patient/$l->{patient} HTTP/1.1\r\nHost: x\r\nSmart-Session: $l->{session}\r\n"
            . "Connection: close\r\n\r\n";
        $socket->flush;
        $socket;
    } 0 .. $count - 1;
    return map {
        my $socket = $_;
        local $/ = undef;
        my $response = SL::HTTP::_parse(scalar(<$socket>) // '', 'GET');
        [ $response->code, $response->code == 200 ? json($response)->{id} : '-' ];
    } @calls;
}

sub tally { my %seen; $seen{$_}++ for @_; return join ', ', map { "$seen{$_} x $_" } sort keys %seen }

# The one token, ended
my $l = lapsed($w, -1, patient => $patients[0]);
$ehr->faults(refresh => { delay_ms => 700 });
is tally(map { "@$_" } herd($callers, $l)), "$callers x 200 $patients[0]", "RFR-4 $callers callers on one expired token: all are served";
is scalar(renewals($w)), 1, '… the EHR sees one refresh';
is scalar(my @asked = asked($w)), $callers, '… and every call';
is tally(map { $_->{headers}{authorization} } @asked), "$callers x $asked[0]{headers}{authorization}", '… with the new token only';
is_deeply [ @{ token($w, $l) }{qw(generation renewals lease_until status)} ], [ 2, 1, undef, 'active' ], '… which the row has';

# Ahead of its end: nobody waits who need not
$l = lapsed($w, 40, patient => $patients[0]);
is tally(map { $_->[0] } herd($fewer, $l)), "$fewer x 200", "RFR-4 $fewer callers on a token about to end: all are served";
is scalar(renewals($w)), 1, '… the EHR sees one refresh';

# Refused by the EHR: everybody meets the 401
$ehr->faults;
$l = lapsed($w, 3000, patient => $patients[0]);
is tally(map { $_->[0] } herd(2, $l)), '2 x 200', 'both hosts know a token';
$ehr->end('access');
$ehr->forget;
$ehr->faults(refresh => { delay_ms => 300 });
is tally(map { $_->[0] } herd($callers, $l)), "$callers x 200", "RFR-5 $callers callers on a token that the EHR refuses: none of them sees the 401";
is scalar(renewals($w)), 1, '… the EHR sees one refresh';
@asked = asked($w);
cmp_ok scalar(@asked), '<=', 2 * $callers, '… and no call more than twice';
is scalar(grep { $_->{status} == 200 } @asked), $callers, '… each once with success';

# One host renews, the other has the old one in memory
$ehr->faults;
$l = lapsed($w, 3000, patient => $patients[0]);
is tally(map { $_->[0] } herd(2, $l)), '2 x 200', 'both hosts know another token';
$ehr->end('access');
$ehr->forget;
for my $host (@hosts) {
    is $w->fhir(GET => "/Patient/$patients[0]", session => $l->{session}, host => $host)->code, 200, 'RFR-4 a host that meets a 401';
}
is scalar(renewals($w)), 1, '… and the other: one refresh';

# Several tokens at once: nobody gets another's
my @launches = map { lapsed($w, -1, patient => $_) } @patients;
$ehr->faults(refresh => { delay_ms => 300 });
is tally(map { "@$_" } herd(80, @launches)), join(', ', map { "20 x 200 $_" } sort @patients), 'RFR-4 four expired tokens at once: to each his own patient';
is scalar(renewals($w)), 4, '… four refreshes';
my %whose = map { $_->{path} => {} } asked($w);
$whose{ $_->{path} }{ $_->{headers}{authorization} } = 1 for asked($w);
is_deeply [ map { scalar keys %$_ } values %whose ], [ 1, 1, 1, 1 ], '… each patient was asked for with one token';

# The EHR has trouble: everybody is told, the EHR is left alone
$l = lapsed($w, -1, patient => $patients[0]);
$ehr->faults(refresh => { status => 503, headers => { 'Retry-After' => '30' }, delay_ms => 500 });
is tally(map { $_->[0] } herd($fewer, $l)), "$fewer x 503", "RFR-7 $fewer callers, and the EHR is busy: 503 to all";
is scalar(renewals($w)), 1, '… it was asked once';
is scalar(asked($w)), 0, '… no call went there with a token that had ended';
is tally(map { $_->[0] } herd(20, $l)), '20 x 503', '… nor is it while Retry-After runs';
is scalar(renewals($w)), 1, '… by any host';
is_deeply [ @{ token($w, $l) }{qw(status lease_until generation)} ], [ 'active', undef, 1 ], '… the token stays';

# Refused for good: everybody is told
$l = lapsed($w, -1, patient => $patients[0]);
$ehr->faults(refresh => { status => 400, body => '{"error":"invalid_grant"}', content_type => 'application/json', delay_ms => 500 });
is tally(map { $_->[0] } herd($fewer, $l)), "$fewer x 401", "RFR-6 $fewer callers, and the EHR refuses: 401 to all";
is scalar(renewals($w)), 1, '… after one refresh';

# A host renews while the other is stopped and comes back
$ehr->faults;
$l = lapsed($w, -1, patient => $patients[0]);
is $w->fhir(GET => "/Patient/$patients[0]", session => $l->{session}, host => $second)->code, 200, 'a host renews';
$httpd->stop;
is $w->fhir(GET => "/Patient/$patients[0]", session => $l->{session}, host => $second)->code, 200, '… the other is stopped';
$ehr->end('access');
is $w->fhir(GET => "/Patient/$patients[0]", session => $l->{session}, host => $second)->code, 200, '… it renews again';
$httpd->start;
is $w->fhir(GET => "/Patient/$patients[0]", session => $l->{session})->code, 200, '… which the other finds when it is back';
is scalar(renewals($w)), 2, '… without a refresh of its own';

is $ehr->counts->{reused}, 0, 'RFR-4 no refresh token came twice to the EHR';
is_deeply [ map { journal($_) } @hosts ], [], 'nothing is left in a journal';
is $w->pg->value('SELECT count(*) FROM smartlaunch.token WHERE lease_until IS NOT NULL'), 0, 'no lease is left';
in_no_log($w, $_, @patients) for @hosts;

$_->allow_log(qw(AH00161 AH00484 AH10159 AH00286 AH00287 AH00898 AH01102 SL2135 SL2136 SL4514 SL4516 SL4546 SL4548 SL4550 SL4551 SL4555)) for @hosts;
done();
