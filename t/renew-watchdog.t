#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Tokens are renewed while nobody asks, by one host of the cluster: as long as their launch lives, and
# with offline_access as long as their link does.
# mpm: all
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::Tokens;

my $w = world(start => 0, fpm => 0);
my ($httpd, $ehr) = ($w->httpd, $w->ehr);
my $secret = 'this-is-what-only-the-nightly-job-knows';
spit($httpd->dir . '/caller.secret', "$secret\n", 0600);
$httpd->{gateway} = 'SmartCaller nightly file:' . $httpd->dir . "/caller.secret\n        Require local";
nobody_leads($w);
$httpd->start;
my $second = $w->another_host(fpm => 0);
my @patients = @{ $ehr->patients }[ 0 .. 3 ];
$w->launch(login => 'alice');

sub end_launch {
    my ($l) = @_;
    $w->pg->dbh->do("UPDATE smartlaunch.launch SET state = 'ended', ended_at = now(), end_reason = 'the test' WHERE id = ?", undef, id_of($w, $l));
    return $l;
}

# offline_access: the newest token of link and patient, whether its launch lives or not
my $live = lapsed($w, 3000, patient => $patients[0]);
my $night = end_launch(lapsed($w, 3000, patient => $patients[1]));
my $long = lapsed($w, 3000, patient => $patients[2]);
# online_access: as long as the launch lives
my $scope = 'launch openid fhirUser online_access patient/*.rs';
my $third = $w->another_host(fpm => 0, scope => $scope);
my ($online, $over) = do {
    local $SL::HTTP::via{ $httpd->{port} } = $third->{port};
    (lapsed($w, 3000, patient => $patients[3]), end_launch(lapsed($w, 3000, patient => $patients[3])));
};
$third->stop;
# A person says that two users are one while the token of this launch is renewed
my $pending = $w->launch(user => 'dr-jones', patient => $patients[0]);
$w->login($pending, 'bob', stop => 1);
my ($id) = $w->pg->value("SELECT id FROM smartlaunch.launch WHERE ehr_user = 'dr-jones'");
$w->pg->dbh->do("UPDATE smartlaunch.token SET issued_at = now() - interval '1 hour', expires_at = now() + interval '20 seconds' WHERE launch = ?", undef, $id);

$ehr->forget;
$ehr->forget_counts;
$ehr->faults(refresh => { held => 1 });
somebody_may_lead($w);
wait_for('the renewal of the pending launch', sub {
    return $w->pg->value('SELECT lease_until IS NOT NULL FROM smartlaunch.token WHERE launch = ?', $id);
}, 40);
my $window = $pending->{window};
$pending->{app} = $window->submit(button => [ answer => 'yes' ]);
is json($pending->{app})->{headers}{'smart-user'}, 'bob', 'a link is made while the token of its launch is renewed';
$pending->{session} = SL::session_of($pending->{app});
$ehr->release;
wait_for('that renewal', sub { token($w, $pending)->{generation} == 2 });
$ehr->faults;
is token($w, $pending)->{app_user}, 'bob', '… whose outcome is sealed for the new user';
is $w->fhir(GET => "/Patient/$patients[0]", session => $pending->{session})->code, 200, '… and works';
$ehr->end('access');
is $w->fhir(GET => "/Patient/$patients[0]", session => $pending->{session})->code, 200, '… and so does its refresh token';

lapse($w, $_, 30) for $live, $night, $online, $over;
for my $case ([ $live, 'a token that is about to lapse, while its launch lives' ], [ $night, 'offline_access: one whose launch has ended' ],
    [ $online, 'online_access: one whose launch lives' ]) {
    my ($l, $name) = @$case;
    wait_for($name, sub { token($w, $l)->{generation} == 2 });
    pass "RFR-5 the watchdog renews $name";
}
wait_for('a turn later', sub {
    my $again = lapsed_again($live);
    return $again;
}, 60);
is token($w, $long)->{generation}, 1, 'one that is valid for long is left alone';
is_deeply [ @{ token($w, $over) }{qw(generation status)} ], [ 1, 'active' ], 'RFR-10 online_access: one whose launch has ended is left alone';

# Once more, to know that the watchdog has been through all of them
sub lapsed_again {
    my ($l) = @_;
    my $generation = token($w, $l)->{generation};
    return 1 if $generation > 2;
    lapse($w, $l, 30) if token($w, $l)->{left} > 60;
    return 0;
}

# The nightly job
is $w->fhir(GET => "/Patient/$patients[1]", user => 'alice', patient => $patients[1], caller => $secret)->code, 200,
    'a pull at night, by user, works without a launch';

# The link is revoked: nothing is renewed any more
$w->pg->dbh('dba')->do('SELECT smartlaunch.revoke_link(?, ?, ?, ?)', undef, 'app', 'sandbox', 'dr-smith', 'a test');
is_deeply [ @{ token($w, $night) }{qw(status refresh_sealed)} ], [ 'revoked', undef ], 'a revoked link: its tokens are gone';
cmp_ok lasted('the token', sub { $w->fhir(GET => "/Patient/$patients[1]", user => 'alice', patient => $patients[1], caller => $secret)->code == 401 }), '<=', 5,
    '… nobody gets one, five seconds later';

my $counts = $ehr->counts;
my $sum = $w->pg->value('SELECT sum(renewals) FROM smartlaunch.token');
is $counts->{refreshes}, $sum, "RFR-4 two hosts: $sum renewals, as many refreshes at the EHR";
is $counts->{reused}, 0, '… and no refresh token twice';
$_->allow_log(qw(SL2531 SL4512 SL4514 SL4516 SL4520 SL4550 SL5806)) for $httpd, $second;
done();
