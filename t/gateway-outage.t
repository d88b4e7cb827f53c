#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# PostgreSQL goes away: sessions and users that shared memory knows go on reading, up to SmartOffline;
# what only PostgreSQL can say is 503; nothing of what was refused reaches the EHR; all catches up.
# mpm: all
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::Tokens;
use SL::Traffic;

my $w = world(start => 0, fpm => 0, pg => { own => 1 }, ehr => { search => 1 }, ehr_block => 'SmartOutbound timeout=6s max=60');
my ($httpd, $ehr, $pg) = ($w->httpd, $w->ehr, $w->pg);
spit($httpd->dir . '/nightly.secret', "a-long-secret-of-the-nightly-job\n", 0600);
$httpd->{gateway} = "        SmartCaller nightly file:@{[ $httpd->dir ]}/nightly.secret\n";
$httpd->{redirect} = 'SmartLink same-name';
nobody_leads($w);
$httpd->start;
my @patients = @{ $ehr->patients }[ 0 .. 3 ];

sub read_patient { my ($l, %arg) = @_; return $w->fhir(GET => "/Patient/$l->{patient}", session => $l->{session}, timeout => 30, %arg) }
sub code { return read_patient(@_)->code }

my @nightly = (caller => 'a-long-secret-of-the-nightly-job');
sub of_user { my ($user, $patient) = @_; return $w->fhir(GET => "/Patient/$patient", user => $user, patient => $patient, @nightly) }

# Nothing for a patient came to the EHR while $code ran, and no token was asked for.
sub nothing_upstream {
    my ($what, $code) = @_;
    $ehr->forget;
    my $got = $code->();
    is_deeply [ map { "$_->{method} $_->{path}" } grep { $_->{path} !~ m{/\.well-known/} } $ehr->log ], [], "$what: nothing goes to the EHR";
    return $got;
}

sub comes_later {
    my ($answer, $what) = @_;
    is $answer->code, 503, "$what: 503";
    says_later($answer, qr/^[1-9][0-9]*$/, $what);
    return;
}

# The first answer that is not "later": each child lets a second pass before it tries PostgreSQL again.
sub at_last {
    my ($ask) = @_;
    my $code;
    wait_for('a child that has found PostgreSQL', sub { ($code = $ask->()) != 503 });
    return $code;
}

# What memory knows
$w->hears;
my $known = $w->launch(user => 'dr-smith', patient => $patients[0]);
my $ending = $w->launch(user => 'dr-smith', patient => $patients[1]);
my $about = lapsed($w, 20, user => 'dr-smith', patient => $patients[2]);
my $out = $w->launch(user => 'dr-smith', patient => $patients[3]);
my $unknown = $w->launch(user => 'dr-jones', patient => $patients[1]);
$ehr->faults(refresh => { status => 503, times => 1 });
is code($_), 200, 'a session that the gateway has seen' for $known, $ending, $out, $about;
$ehr->faults;
is of_user('dr-smith', $patients[0])->code, 200, 'a user that it has seen';
is $out->{window}->xhr('POST', "/smart/logout?smart_launch=$out->{handle}")->code, 200, 'one of them is logged out';
wait_for('its end', sub { code($out) == 401 });

# It is away
$httpd->expect_log(qw(SL2601 SL5806));
$httpd->allow_log(qw(AH00045 SL3001 SL3003 SL3004 SL3006 SL3007 SL3010 SL3016 SL3420 SL4546 SL4548 SL4551 SL4553)); # a child that ends while PostgreSQL is away is slow
$pg->stop;
is code($known), 200, 'PostgreSQL is away: a session that memory knows goes on';
is json(read_patient($known))->{id}, $patients[0], '… for its own patient';
is $w->fhir(GET => "/Condition?patient=$patients[0]", session => $known->{session})->code, 200, '… searches';
is $w->fhir(POST => '/Condition/_search', session => $known->{session}, form => { patient => $patients[0] })->code, 200, '… searches by POST';
my @pages = $w->pages("/Observation?patient=$patients[0]&_count=20&category=laboratory", session => $known->{session});
cmp_ok scalar(@pages), '>', 1, '… follows pages';
is session_of($known->{window}->reload), $known->{session}, '… and its window of the app has the same session';
is of_user('dr-smith', $patients[0])->code, 200, '… so does a user that memory knows';
is code($about), 200, '… and a token that cannot be renewed now, and is still good';
is_deeply [ grep { $_ != 200 } many(12, sub { code($known) }) ], [], '… many at once';

nothing_upstream('a guarded call', sub { is $w->fhir(GET => "/Patient/$patients[1]", session => $known->{session})->code, 403, 'the patient guard holds' });
nothing_upstream('a session that memory does not know', sub { comes_later(read_patient($unknown), 'a session that memory does not know') });
nothing_upstream('a user that memory does not know', sub { comes_later(of_user('dr-jones', $patients[1]), 'a user that memory does not know') });
nothing_upstream('a caller without its secret', sub {
    is $w->fhir(GET => "/Patient/$patients[0]", user => 'dr-smith', patient => $patients[0], caller => 'guessed')->code, 401, 'a caller with a wrong secret is refused as before';
});
nothing_upstream('an invented session', sub { is code({ patient => $patients[0], session => 'A' x 32 }), 401, 'an invented session: 401, as before' });
nothing_upstream('a session that was logged out', sub { isnt code($out), 200, 'a session that was logged out stays so' });

# Children that come and go
$httpd->graceful;
is code($known), 200, 'PostgreSQL is away: a graceful restart keeps what memory knows';
$httpd->restart;
is code($known), 200, '… a restart, too';
is of_user('dr-smith', $patients[0])->code, 200, '… for users as well';
comes_later(read_patient($unknown), 'afterwards a session that memory does not know');

# Back: all catches up
$pg->start;
wait_for('a session that memory did not know', sub { code($unknown) == 200 });
is at_last(sub { of_user('dr-jones', $patients[1])->code }), 200, 'PostgreSQL is back: so is the user';
is at_last(sub { code($out) }), 401, '… what was ended stays ended';
wait_for('rows of the calls', sub { $pg->value('SELECT count(*) FROM smartlaunch.fhir_access WHERE at > now() - interval \'5 minutes\' AND status = 403') });
is $pg->value('SELECT count(*) FROM smartlaunch.fhir_access WHERE status = 200 AND session_print IS NULL AND via <> \'user\''), 0, '… rows of the outage name their session';
wait_for('the renewal that had to wait', sub { code($about) == 200 && token($w, $about)->{generation} > 1 });
asked($w);
is $ehr->counts->{reused}, 0, 'RFR-4 no refresh token was used twice';

# A token ends while it is away: nothing can be leased, so nothing is sent
lapse($w, $ending, 4, 3);
$ehr->faults(refresh => { status => 503, headers => { 'Retry-After' => '1' } });
wait_for('memory to have read it', sub { code($ending); token($w, $ending)->{retry_at} });
$ehr->faults;
$pg->stop;
wait_for('its end', sub { code($ending) == 503 });
nothing_upstream('a token that ended while PostgreSQL is away', sub { comes_later(read_patient($ending), 'a token that ended while PostgreSQL is away') });
is code($known), 200, '… the others go on';
$pg->start;
wait_for('its renewal', sub { code($ending) == 200 });
is token($w, $ending)->{status}, 'active', 'RFR-7 … and it is renewed when PostgreSQL is back';

# Back for a moment: whoever listens again has missed hints, and still knows what it knew
$w->hears;
wait_for('the gateway', sub { code($known) == 200 });
$pg->stop;
$pg->start;
$w->hears;
$pg->stop;
is code($known), 200, 'PostgreSQL was back only for who listens for changes: a session that memory knows goes on';
is of_user('dr-smith', $patients[0])->code, 200, '… a user, too';
$pg->start;

# What is revoked then is refused before long
$w->hears;
wait_for('the gateway', sub { code($known) == 200 });
$pg->stop;
$pg->start;
$pg->dbh('dba')->do('SELECT smartlaunch.revoke_launch(?, ?)', undef, id_of($w, $known), 'a test');
cmp_ok lasted('the session', sub { code($known) == 401 }), '<=', 5, 'revoked just after PostgreSQL came back: refused within five seconds';
$pg->stop;
nothing_upstream('what was revoked', sub { isnt code($known), 200, '… and not believed again when it goes away' });
$pg->start;

# The end of SmartOffline
$httpd->{extra} = 'SmartOffline 5s';
$httpd->write_config;
$httpd->graceful;
wait_for('a session', sub { code($unknown) == 200 && of_user('dr-jones', $patients[1])->code == 200 });
$pg->stop;
is code($unknown), 200, 'SmartOffline 5s: a session goes on without PostgreSQL';
wait_for('the end of SmartOffline', sub { code($unknown) == 503 });
pass '… and is not believed for longer, however often it is used';
nothing_upstream('afterwards', sub { comes_later(read_patient($unknown), 'afterwards') });
nothing_upstream('afterwards, by user', sub { comes_later(of_user('dr-jones', $patients[1]), 'afterwards, by user') });

# httpd starts without PostgreSQL, and finds it
$httpd->stop;
$httpd->start;
comes_later(read_patient($unknown), 'httpd started without PostgreSQL');
$pg->start;
wait_for('a session', sub { code($unknown) == 200 });
pass '… which is found when it comes';

my @odd = grep { !/^(?:200|302|303|401|403|503)$/ } $httpd->access_log =~ /HTTP\/1\.1" (\d+)/g;
is_deeply \@odd, [], 'in all this nobody got a 500';
in_no_log($w, $httpd, @patients);
done();
