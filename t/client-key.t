#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# SmartClientKey: we prove ourselves by a signature, our public keys are there for the EHR to fetch,
# and a key is changed for another while people work.
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use MIME::Base64 qw(decode_base64url);
use SL::Keys;

my $w = world(start => 0, fpm => 0, client => 'app-key', redirect => 'SmartLink none', gateway => '',
    log_level => 'debug smartlaunch:trace8');
my ($httpd, $ehr) = ($w->httpd, $w->ehr);
my $dir = $httpd->dir;
my ($rsa, $ec) = (SL::Keys::guide($dir, 'RS384'), SL::Keys::guide($dir, 'ES384'));
my ($rsa_kid, $ec_kid) = qw(eee9f17a3b598fd86417a980b591fbe6 cd520211e5661dbba2256f67f6d53f97);
my @kept;    # every assertion the EHR was sent

sub registered {
    my (%more) = @_;
    return $ehr->clients({ client_id => 'app-key', token_endpoint_auth_method => 'private_key_jwt',
        redirect_uris => [ $w->url('/smart') ], id_token_signed_response_alg => 'RS256',
        jwks_uri => $w->url('/smart/jwks.json'), %more });
}
registered();

# The server with these keys, the first of which signs.
sub keys_are {
    my ($how, @lines) = @_;
    $httpd->{credential} = join "\n", map { "SmartClientKey $_" } @lines;
    $httpd->write_config;
    return $how eq 'graceful' ? graceful() : $httpd->$how;
}

# Until the last child of before has gone: the EHR may fetch our keys over a connection that it keeps.
sub graceful {
    my @before = $httpd->children;
    $httpd->graceful;
    wait_for('the end of the old children', sub { my %now = map { $_ => 1 } $httpd->children; return !grep { $now{$_} } @before });
    return;
}

# What came to the token endpoint since the log was emptied.
sub calls {
    my @calls = $ehr->log('/auth/token');
    $ehr->forget;
    push @kept, map { $_->{form}{client_assertion} // () } @calls;
    return @calls;
}

sub jwks { return json(request(GET => $w->url('/smart/jwks.json'))) }
sub parts { my ($jwt) = @_; return map { JSON::PP->new->utf8->decode(decode_base64url($_)) } (split /\./, $jwt)[ 0, 1 ] }

# One launch, one renewal.
keys_are(start => $rsa, $ec);
my $l = $w->launch;
is json($l->{app})->{headers}{'smart-patient'}, $l->{patient}, 'REG-3 a launch with an RS384 key';
my ($call) = calls();
is $call->{assertion}{failure}, undef, 'TKR-A4 the EHR found the assertion right';
is_deeply [ sort keys %{ $call->{form} } ],
    [qw(client_assertion client_assertion_type code code_verifier grant_type redirect_uri)],
    'TKR-A1 the assertion and its type, and no client_id, secret or other parameter';
is $call->{form}{client_assertion_type}, 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer', 'TKR-A1 its type';
is $call->{headers}{authorization}, undef, 'TKR-A1 no Authorization header';
my ($header, $claims) = parts($call->{form}{client_assertion});
is_deeply $header, { alg => 'RS384', kid => $rsa_kid, typ => 'JWT' }, 'TKR-A2 alg, kid and typ, no jku';
is_deeply [ sort keys %$claims ], [qw(aud exp iat iss jti sub)], 'TKR-A3 the claims, nbf is not among them';
is "$claims->{iss} $claims->{sub} $claims->{aud}", 'app-key app-key ' . $ehr->auth . '/token',
    'TKR-A3 iss = sub = our client id, aud = the token endpoint';
ok $claims->{exp} > time && $claims->{exp} <= time + 300, 'TKR-A3 exp within five minutes';
like $claims->{jti}, qr/^[\w-]{22,}$/, 'TKR-A3 jti of 128 bits';

$ehr->end('access');
is $w->fhir(GET => "/Patient/$l->{patient}", session => $l->{session})->code, 200, 'RFR-2 a renewal';
my ($renewal) = grep { $_->{form}{grant_type} eq 'refresh_token' } calls();
is $renewal->{assertion}{failure}, undef, 'RFR-2 the EHR found its assertion right';
is_deeply [ sort keys %{ $renewal->{form} } ], [qw(client_assertion client_assertion_type grant_type refresh_token)],
    'RFR-2 the same way of client authentication';
isnt +(parts($renewal->{form}{client_assertion}))[1]{jti}, $claims->{jti}, 'TKR-A5 a new assertion for it';

# The public keys
my $answer = request(GET => $w->url('/smart/jwks.json'), headers => [ Origin => 'https://ehr.example', 'Sec-Fetch-Site' => 'cross-site' ]);
is $answer->code, 200, 'REG-2 anybody may fetch our keys, from wherever';
like $answer->header('Content-Type'), qr{^application/json}, 'REG-2 as JSON';
like $answer->header('Cache-Control'), qr/max-age=\d+/, 'REG-2 and keep them for a while';
is $answer->header('Set-Cookie'), undef, 'REG-2 there is no cookie';
my @shown = @{ json($answer)->{keys} };
is_deeply [ map { $_->{kid} } @shown ], [ $rsa_kid, $ec_kid ], 'REG-2 both keys are there, the one that signs first';
is_deeply [ map { join ' ', sort keys %$_ } @shown ], [ 'alg e kid kty n use', 'alg crv kid kty use x y' ],
    'REG-2 what is public of them, and no member more';
is_deeply [ map { "$_->{alg} $_->{use}" } @shown ], [ 'RS384 sig', 'ES384 sig' ], 'REG-2 alg and use';
is request(HEAD => $w->url('/smart/jwks.json'))->code, 200, 'REG-2 HEAD';
$httpd->expect_log('SL6001');
is request(POST => $w->url('/smart/jwks.json'), body => 'x')->code, 405, 'REG-2 nothing else';
is request(GET => $w->url('/smart/jwks.json'), headers => [ Host => 'evil.example' ])->content, $answer->content,
    'REG-2 whatever Host says';

# The algorithm
$ehr->settings(assertion_algs => ['ES384']);
keys_are(stop => $rsa, $ec)->start;
is $w->launch->{app}->code, 200, 'DIS-7 the EHR takes ES384 only: a launch';
my ($by_ec) = calls();
is_deeply +(parts($by_ec->{form}{client_assertion}))[0], { alg => 'ES384', kid => $ec_kid, typ => 'JWT' },
    'DIS-7 the other key signs';
is $by_ec->{assertion}{failure}, undef, 'TKR-A4 and the EHR found the assertion right';
$ehr->settings(assertion_algs => undef);
keys_are(stop => $ec, $rsa)->start;
is $w->launch->{app}->code, 200, 'DIS-7 the EHR does not say what it takes: a launch';
is +(parts((calls())[0]{form}{client_assertion}))[0]{alg}, 'ES384', 'DIS-7 the first key signs';
$ehr->settings(assertion_algs => ['RS384']);
keys_are(stop => $ec)->start;
$httpd->expect_log('SL2136');
$l = $w->launch;
like $httpd->error_log, qr/SL2057/, 'DIS-7 no key of ours fits: a line says so';
is +(parts((calls())[0]{form}{client_assertion}))[0]{alg}, 'ES384', 'DIS-7 the first key signs all the same';
is $l->{callback}->code, 502, 'TRS-5 which the EHR refuses';
$ehr->settings(assertion_algs => [qw(RS384 ES384)]);

# While people work: a new key beside the old one, then it signs, then the old one goes.
my ($old, $new) = (SL::Keys::pem($dir, 'rsa', 'old.pem'), SL::Keys::pem($dir, 'ec', 'new.pem'));
registered();
keys_are(stop => $old)->start;
$w->launch;
calls();
my @patients = @{ $ehr->patients }[ 0 .. 2 ];
my $traffic = SL::Traffic->new(map { my $patient = $_; sub {
    my $run = $w->launch(patient => $patient);
    return $run->{app} ? json($run->{app})->{headers}{'smart-patient'} // '-' : ($run->{callback} // $run->{start})->code;
} } @patients);
for my $step ([ $old, "$new kid=2" ], [ "$new kid=2", $old ], ["$new kid=2"]) {
    keys_are(graceful => @$step);
    $traffic->more(3);
}
my @seen = $traffic->stop;
for my $i (0 .. $#seen) {
    my @failed = grep { $_ ne $patients[$i] } map { $_->{got} } @{ $seen[$i] };
    is_deeply \@failed, [], 'REG-4 keys changed under traffic: no launch fails, client ' . $i;
}
my @calls = calls();
is_deeply [ grep { defined } map { $_->{assertion}{failure} } @calls ], [], '… and no assertion';
my %kids = map { (parts($_->{form}{client_assertion}))[0]{kid} => 1 } @calls;
is scalar(keys %kids), 2, '… the old key signed, then the new one';
is_deeply [ map { $_->{kid} } @{ jwks()->{keys} } ], ['2'], 'REG-2 the old one is published no more';

# The file itself changed: it is read at the next restart, and only then.
my $current = SL::Keys::pem($dir, 'rsa', 'current.pem');
keys_are(graceful => $current);
my $before = jwks()->{keys}[0]{kid};
SL::Keys::pem($dir, 'rsa', 'current.pem');
is $w->launch->{app}->code, 200, 'REG-4 a key file is not read again while we run';
is jwks()->{keys}[0]{kid}, $before, '… and the old key is what we show';
graceful();
isnt jwks()->{keys}[0]{kid}, $before, '… until a graceful restart';
is $w->launch->{app}->code, 200, 'REG-4 then the new one is shown and signs';

# All of them together
calls();
my @claims = map { (parts($_))[1] } @kept;
my %jti = map { $_->{jti} => 1 } @claims;
cmp_ok scalar(@kept), '>', 20, 'some assertions came together';
is scalar(keys %jti), scalar(@kept), 'TKR-A3 no jti came twice, over all workers and restarts';
my @of_ec = grep { (parts($_))[0]{kid} eq $ec_kid } @kept;
my @of_rsa = grep { (parts($_))[0]{kid} eq $rsa_kid } @kept;
is SL::Keys::verified({ keys => \@shown }, @of_ec, @of_rsa), @of_ec + @of_rsa, 'TKR-A4 node verifies each of them by what we published';
my $logs = $httpd->error_log . $httpd->access_log;
is_deeply [ grep { index($logs, (split /\./)[2]) >= 0 } @kept ], [], 'SEC-5 no assertion stands in a log, at trace8';
unlike $logs, qr/client_assertion|BEGIN|eyJhbGci/, 'SEC-5 nor a part of one';

done();
