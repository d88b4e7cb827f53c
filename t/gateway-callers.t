#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Callers that speak for users: how they prove it, whose token they get for which patient, and that it
# ends with the link, the token, the app and the EHR it was made for.
# mpm: prefork sanitized
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::TLS;
use SL::Tokens qw(id_of nobody_leads);

my $w = world(start => 0, fpm => 0, ehr => { search => 1, tenants => 'other' }, ehr_block => 'SmartOutbound timeout=60s');
my ($httpd, $ehr, $pg) = ($w->httpd, $w->ehr, $w->pg);
my $dir = $httpd->dir;
my %secret = (nightly => 'nightly-secret-0123456789', new => 'nightly-next-9876543210', ward => 'ward-secret-abcdefghij', two => 'secret-of-the-second-app');
spit("$dir/$_.secret", "$secret{$_}\n", 0600) for keys %secret;
$httpd->{extra} = <<"CONF";
<SmartEHR other>
    SmartIssuer ${\ $ehr->issuer('other') }
    SmartClient app-basic
    SmartClientSecret file:$dir/secret
    SmartScope "launch openid fhirUser offline_access patient/*.rs"
    SmartIdentity id_token:preferred_username
    SmartOutbound ca=${\ SL::TLS::ca() }
</SmartEHR>
CONF
$httpd->{vhost} = <<'CONF';
    <Location /smart/two>
        SmartTarget /papp/two/
        SmartApp two
    </Location>
    <Location /papp/two>
        SmartApp two
    </Location>
CONF
$httpd->{gateway} = <<"CONF";
        SmartCaller nightly file:$dir/nightly.secret
        SmartCaller nightly file:$dir/new.secret
        SmartCaller ward file:$dir/ward.secret
        Require local
    </Location>
    <Location /two>
        SmartGateway on
        SmartApp two
        SmartCaller nightly file:$dir/two.secret
        Require local
    </Location>
    <Location /none>
        SmartGateway on
        Require local
CONF
my ($client) = SL::EHR::default_clients('');
$client->{redirect_uris} = [ map { "$_" } $w->url('/smart'), $w->url('/smart/two') ];
$ehr->clients($client);
nobody_leads($w);
$httpd->start;

my ($A, $B, $C) = @{ $ehr->patients };
my $host = $httpd->gateway_url =~ s{/fhir\z}{}r;

sub asked { my @asked = map { $_->log('/fhir/') } $ehr, $ehr->tenant('other'); $_->forget for $ehr, $ehr->tenant('other'); return @asked }

# A call at a gateway's path with these headers.
sub call { my ($path, @headers) = @_; return request('GET', "$host$path", headers => [@headers]) }
sub user { my ($name, $patient, $by) = @_; return ('Smart-User' => $name, defined $patient ? ('Smart-Patient' => $patient) : (), 'Smart-Caller' => $secret{ $by // 'nightly' }) }
sub reads { my ($patient, @headers) = @_; return call("/fhir/sandbox/Patient/$patient", @headers) }

# The bearer that the EHR was sent, or the status of our refusal, after which it was sent nothing.
sub token_of {
    my ($answer) = @_;
    my @asked = asked();
    return $asked[0]{headers}{authorization} if $answer->code == 200 && @asked == 1;
    return @asked ? "asked, and " . $answer->code : $answer->code;
}

sub is_refused {
    my ($answer, $status, $name, $says) = @_;
    my @asked = asked();
    my $said = eval { outcome($answer) } // 'no OperationOutcome';
    my $help = $answer->header('WWW-Authenticate') // '';
    ok $answer->code == $status && !@asked && $said =~ /^error [\w-]+: .*Reference/ && $help eq ($status == 401 ? 'Smart error="' . ($says // 'relaunch') . '"' : ''), $name
        or diag $answer->as_string, map { "$_->{url}\n" } @asked;
    return;
}

# Alice was at three charts, the last without a patient; Carol only in the other app; nobody knows Bob.
my %l = (A => $w->launch(login => 'alice', patient => $A), B => $w->launch(patient => $B), none => $w->launch(patient => undef));
my $two = $w->launch(user => 'dr-jones', path => '/smart/two', login => 'carol', patient => $A);
asked();
my %token = map { $_ => token_of(call('/fhir/sandbox/metadata', 'Smart-Session' => $l{$_}{session})) } keys %l;
my %unlike = reverse %token;
is scalar(grep { /^Bearer / } keys %unlike), 3, 'three launches, three tokens';

# Whose token, for whom
is token_of(reads($A, user('alice', $A))), $token{A}, 'Smart-User and Smart-Patient: the token of that patient';
is token_of(reads($B, user('alice', $B))), $token{B}, '… of the other one';
is token_of(reads($C, user('alice', $C))), $token{none}, '… of a patient whom no token is bound to: the one that is bound to nobody';
is token_of(reads($C, user('alice'))), $token{none}, 'without Smart-Patient: that one, too';
is token_of(call("/fhir/sandbox/Observation?patient=$B&_count=1", user('alice'))), $token{none}, '… which nobody is guarded by';
is_refused(reads($B, user('alice', $A)), 403, 'SEC-10 Smart-Patient is who is guarded: another patient is 403');
is_refused(reads($A, user('alice', $C)), 403, '… by the token that is bound to nobody, too');
is_refused(call("/fhir/sandbox/Observation?patient=$A", user('alice', $B)), 403, '… in a search');
is_refused(reads($A, user('bob', $A)), 401, 'a user without a token: 401');
is_refused(reads($A, user('alice', $A, 'two')), 401, 'SEC-10 the secret of another gateway: 401', 'invalid_caller');
is_refused(reads($A, user('carol', $A)), 401, 'SEC-10 a user of another app has no token here');
is_refused(call("/two/sandbox/Patient/$A", user('alice', $A, 'two')), 401, '… and the other way round');
like token_of(call("/two/sandbox/Patient/$A", user('carol', $A, 'two'))), qr/^Bearer /, '… where it was made it serves';
is_refused(call("/fhir/other/Patient/$A", user('alice', $A)), 401, 'SEC-10 nor has she one at another EHR');
is_refused(call("/fhir/nobody/Patient/$A", user('alice', $A)), 404, 'an EHR that is not there: 404');
is_refused(request('POST', "$host/fhir/sandbox/Observation", headers => [ user('alice', $A), 'Content-Type' => 'application/fhir+json' ], body => '{}'), 403,
    'a write where SmartWrites is off');
is_refused(call('/fhir/sandbox/metadata', 'Smart-System' => 'on', 'Smart-Caller' => $secret{nightly}), 403, 'the system token: 403');
is_refused(call('/fhir/sandbox/metadata', 'Smart-System' => 'on'), 401, '… and without proof 401', 'invalid_caller');

# The proof
is token_of(reads($A, user('alice', $A, $_))), $token{A}, "the secret of $_" for qw(new ward);
my $own = $secret{nightly};
for my $bad ("${own}x", substr($own, 0, -1), uc $own, "$own,$own", '', "\"$own\"", 'x' x 5000, "$own\t$own", $secret{two}) {
    is_refused(reads($A, 'Smart-User' => 'alice', 'Smart-Patient' => $A, 'Smart-Caller' => $bad), 401,
        'SEC-10 a wrong secret: ' . (length $bad > 60 ? 'long' : $bad =~ s/\Q$own\E/S/gr), 'invalid_caller');
}
is_refused(reads($A, user('alice', $A), 'Smart-Caller' => $own), 401, 'SEC-10 the secret twice is none', 'invalid_caller');
is_refused(reads($A, 'Smart-User' => 'alice', 'Smart-Patient' => $A), 401, 'SEC-10 no secret: the user counts for nothing');
is_refused(reads($A, 'Smart-User' => 'alice', 'Smart-Patient' => $A, $_ => $own), 401, "SEC-10 $_ is no header of ours") for qw(Smart_Caller Smart.Caller X-Smart-Caller);
is_refused(call("/fhir/sandbox/Patient/$A?Smart-User=alice&Smart-Caller=something", 'Smart-Caller' => $own), 401, 'a user in the query is none');
is_refused(call("/none/sandbox/Patient/$A", user('alice', $A)), 401, 'SEC-10 a gateway without callers takes no secret', 'invalid_caller');
is_refused(call("/none/sandbox/Patient/$A", 'Smart-User' => 'alice', 'Smart-Patient' => $A), 401, '… and no user');
is token_of(call("/none/sandbox/Patient/$A", 'Smart-Session' => $l{A}{session}, 'Smart-User' => 'bob')), $token{A}, '… but a session';

# Odd names
is_refused(reads($A, @$_, 'Smart-Caller' => $own), 401, "SEC-10 $_->[0] '$_->[1]'" . (@$_ > 4 ? ' and more' : '') . ': no token')
    for [ 'Smart-User' => '', 'Smart-Patient' => $A ], [ 'Smart-User' => 'alice', 'Smart-Patient' => $A, 'Smart-User' => 'alice' ], [ 'Smart-User' => 'Alice', 'Smart-Patient' => $A ],
    [ 'Smart-User' => "alice' OR '1'='1", 'Smart-Patient' => $A ], [ 'Smart-User' => 'al%', 'Smart-Patient' => $A ], [ 'Smart-User' => "ali\xffce", 'Smart-Patient' => $A ],
    [ 'Smart_User' => 'alice', 'Smart-Patient' => $A ], [ 'Smart-User' => 'x' x 7000, 'Smart-Patient' => $A ];
for my $odd ("$A,$B", "$A/../$B", " ", "Patient/$A", "\xff", 'x' x 7000, "$A?", '*') {
    my $answer = reads($A, user('alice', $odd));
    like $answer->code, qr/^40[0134]$/, 'SEC-10 Smart-Patient ' . (length $odd > 50 ? 'of 7000 bytes' : "'$odd'" =~ s/\xff/\\xff/r) . ' opens nobody\'s record';
    is scalar(asked()), 0, '… and the EHR is not asked';
}

# A session id, where there is one, says it all.
is token_of(reads($A, 'Smart-Session' => $l{A}{session}, user('bob', $B))), $token{A}, 'a session id goes before Smart-User and Smart-Patient';
is_refused(reads($B, 'Smart-Session' => $l{A}{session}, user('alice', $B)), 403, '… whose patient stays the session\'s');
is_refused(reads($A, 'Smart-Session' => 'invented', user('alice', $A)), 401, '… and one that is wrong is no reason to look at the user');

# Rows
my @rows = $w->accesses(60);
my ($by_nightly) = grep { $_->{via} eq 'user' && $_->{status} == 200 } @rows;
is_deeply [ @$by_nightly{qw(app app_user ehr patient asked_patient caller)} ], [ 'app', 'alice', 'sandbox', $A, $A, 'nightly' ], 'a call for a user leaves its row, with the caller';
is scalar(grep { $_->{via} eq 'user' && $_->{status} == 200 && ($_->{caller} // '') eq 'ward' } @rows), 1, '… whichever it was';
is_deeply [ grep { ($_->{app_user} // '') =~ /^(?:bob|Alice|al%)$/ && $_->{status} == 200 } @rows ], [], 'nobody else got through';
my $log = $httpd->error_log . $httpd->access_log;
is scalar(grep { index($log, $_) >= 0 } values %secret, map { $_->{session} } values %l), 0, 'SEC-5 no log has a secret or a session id';
is scalar(grep { index($log, s/^Bearer //r) >= 0 } values %token), 0, 'SEC-5 … nor a token';

# The newest; and what ends it
sub within { my ($what, $wanted, $patient) = @_; wait_for($what, sub { token_of(reads($patient, user('alice', $patient))) eq $wanted }); pass $what; return }
my $newer = $w->launch(patient => $A);
asked();
my $new = token_of(reads($A, 'Smart-Session' => $newer->{session}));
within('a newer launch: its token is the one', $new, $A);
my $dba = $pg->dbh('dba');
$dba->do('SELECT smartlaunch.revoke_token(?::uuid, ?)', undef, id_of($w, $newer), 'a test');
within('SEC-10 a token is revoked: the one before it serves', $token{A}, $A);
$pg->dbh->do("UPDATE smartlaunch.launch SET expires_at = now() - interval '1 second' WHERE id = ?", undef, id_of($w, $l{B}));
wait_for('the launch to be over', sub { reads($B, 'Smart-Session' => $l{B}{session})->code == 401 });
asked();
is token_of(reads($B, user('alice', $B))), $token{B}, 'a launch is past its end: its session is over, its user\'s token is not';
$dba->do('SELECT smartlaunch.revoke_launch(?::uuid, ?)', undef, id_of($w, $l{none}), 'a test');
within('SEC-10 a launch is revoked: its token serves nobody', 401, $C);
# What memory knows of a user is of one patient each, and each is read anew by itself.
wait_for('… also without a patient', sub { call('/fhir/sandbox/metadata', user('alice'))->code == 401 });
asked();
is_refused(call('/fhir/sandbox/metadata', user('alice')), 401, '… also without Smart-Patient: a token of some patient is not taken');
$dba->do('SELECT smartlaunch.revoke_link(?, ?, ?, ?)', undef, 'app', 'sandbox', 'dr-smith', 'a test');
within("SEC-10 a link is revoked: the user's tokens are over ($_->[0])", 401, $_->[1]) for [ 'one patient', $A ], [ 'the other', $B ];
like token_of(call("/two/sandbox/Patient/$A", user('carol', $A, 'two'))), qr/^Bearer /, '… not those of another user';

# A secret is changed: the old one goes with the next graceful restart, the other stays meanwhile.
spit("$dir/two.secret", "another-secret-of-the-second-app\n", 0600);
$httpd->graceful;
wait_for('the old secret to be over', sub { call("/two/sandbox/Patient/$A", user('carol', $A, 'two'))->code == 401 });
asked();
like token_of(call("/two/sandbox/Patient/$A", 'Smart-User' => 'carol', 'Smart-Patient' => $A, 'Smart-Caller' => 'another-secret-of-the-second-app')), qr/^Bearer /,
    'a changed secret holds after a graceful restart, and the old one no more';

$httpd->expect_log(qw(SL2601 SL2606 SL5802 SL5806 SL5809 SL5811));
done();
