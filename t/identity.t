#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Who the EHR says the user is: id_token, keys, fhirUser, SmartIdentity.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;

my @tenants = qw(swapped nokeys viaopenid foreign noname nosource twokeys rotating downkeys oddkeys nokid);
my $w = world(start => 0, ehr => { tenants => join ',', @tenants });
my ($ehr, $httpd, $pg) = ($w->ehr, $w->httpd, $w->pg);
my %also = (noname => 'SmartIdentity id_token:nickname',
    nosource => 'SmartIdentity token:ehr_login id_token:nickname fhirUser');
$httpd->{extra} = join '', map { ehr_block($_, $also{$_} || 'SmartIdentity id_token:preferred_username') }
    @tenants;
$httpd->start;

sub ehr_block {
    my ($name, $identity) = @_;
    my ($dir, $ca) = ($httpd->dir, SL::TLS::ca());
    return <<"CONF";
<SmartEHR $name>
    SmartIssuer ${\ $ehr->issuer($name) }
    SmartClient app-basic
    SmartClientSecret file:$dir/secret
    SmartScope "launch openid fhirUser"
    $identity
    SmartOutbound ca=$ca
</SmartEHR>
CONF
}

sub steps {
    my ($reference) = @_;
    return $pg->rows('SELECT * FROM smartlaunch.launch_step WHERE reference = ? ORDER BY id', $reference);
}

# A launch that ends at the app, which sees whom the EHR named (pending: nobody is linked here).
sub good {
    my ($name, %arg) = @_;
    my $got = $w->launch(%arg);
    my $fine = $got->{app} && $got->{app}->code == 200;
    my $user = $fine ? json($got->{app})->{headers}{'smart-ehr-user'} : undef;
    is $user, $arg{expect} // 'dr-smith', $name;
    return $got;
}

# A launch that ends at the callback: status, log id, nothing let in, nothing kept.
sub bad {
    my ($name, $id, %arg) = @_;
    my $status = delete $arg{status} // 502;
    $httpd->expect_log($id);
    $httpd->forget;
    my $got = $w->launch(stop => 'callback', %arg);
    my $answer = $got->{callback};
    is $answer->code, $status, "$name: $status";
    my ($reference) = $answer->content =~ m{Reference: <code>([^<]+)</code>};
    ok defined $reference, "$name: a page with a reference";
    $reference //= 'none';
    my ($line) = grep { /\(status .*\Q$reference\E/ } split /\n/, $httpd->error_log;
    like $line, qr/\b$id:/, "$name: $id, with the reference in the log";
    ok scalar(grep { $_->{outcome} eq $id } steps($reference)), "$name: the flight recorder says why";
    my ($row) = $pg->rows('SELECT l.*, t.launch AS token FROM smartlaunch.launch l LEFT JOIN
        smartlaunch.token t ON t.launch = l.id ORDER BY l.created_at DESC LIMIT 1');
    is "$row->{state} $row->{end_reason}", "failed $id", "$name: the launch has failed";
    is_deeply [ @{$row}{qw(token handle_hash session_hash app_user pending_sealed)} ], [ (undef) x 5 ],
        "$name: no token, no session, no verifier is left";
    my $after = $got->{window}->nav($w->url('/papp/'));
    ok !(grep { /^smart-/ } map { keys %{ $_->{headers} } } $httpd->seen) && json($after)->{by},
        "$name: the app sees nobody";
    return $got;
}

sub gets { my ($path, $who) = @_; return scalar grep { $_->{method} eq 'GET' } ($who || $ehr)->log($path) }

# Whose keys, and how they are found

good('IDT-1 a verified id_token names the user');
is gets('/auth/jwks'), 1, 'IDT-1 the keys are those of smart-configuration';
is gets('/auth/.well-known'), 0, 'IDT-1 and no openid-configuration is needed when it names them';
good('IDT-1 the next launch');
is gets('/auth/jwks'), 1, 'IDT-1 the keys are fetched once';

my $openid = $ehr->tenant('viaopenid');
$openid->faults(discovery => { patch => { jwks_uri => undef } });
good('IDT-1 without jwks_uri in smart-configuration', ehr => $openid);
is gets('/auth/.well-known/openid-configuration', $openid), 1,
    'IDT-1 {iss}/.well-known/openid-configuration is asked';
is gets('/auth/jwks', $openid), 1, 'IDT-1 and its keys';

my $swapped = $ehr->tenant('swapped');
$swapped->faults(discovery => { patch => { jwks_uri => undef } },
    openid => { patch => { issuer => $ehr->auth('foreign') } });
bad('IDT-2 openid-configuration names another issuer', 'SL2064', ehr => $swapped);
is gets('/auth/jwks', $swapped), 0, 'IDT-2 its keys are not even asked for';
$httpd->allow_log('SL4601');

my $nokeys = $ehr->tenant('nokeys');
$nokeys->faults(map { $_ => { patch => { jwks_uri => undef } } } qw(discovery openid));
bad('IDT-1 nobody says where the keys are', 'SL2065', ehr => $nokeys);

my $foreign = $ehr->tenant('foreign');
$foreign->id_token(claims => { iss => $ehr->auth('viaopenid') });
$_->forget for $foreign, $openid;
bad('IDT-2 an id_token of another EHR', 'SL2328', ehr => $foreign);
is gets('/auth/jwks', $foreign), 0, 'IDT-2 no key is fetched for a foreign iss';
is gets('/auth', $openid), 0, 'IDT-2 nor is that other EHR asked';
my $right = $ehr->auth('foreign');
for my $iss ('https://evil.example/auth', "$right/", uc $right, [$right], undef) {
    $foreign->id_token(claims => { iss => $iss });
    bad('IDT-2 iss ' . JSON::PP->new->allow_nonref->encode($iss), 'SL2328', ehr => $foreign);
}

my $down = $ehr->tenant('downkeys');
$down->faults(jwks => { status => 500 });
bad('IDT-6 keys down', 'SL4602', ehr => $down);
$down->faults();
my $odd = $ehr->tenant('oddkeys');
$odd->faults(jwks => { status => 200, body => '<html>', content_type => 'text/html' });
bad('IDT-6 keys that are no JSON', 'SL2301', ehr => $odd);
# Signatures

for my $alg (qw(RS256 RS384 ES256 ES384)) {
    $ehr->id_token(alg => $alg);
    good("IDT-3 signed with $alg");
}
for my $case (
    [ 'alg none', 'SL2323', sign => 'none' ],
    [ 'HS256 with the public key as secret', 'SL2323', sign => 'hs256-public' ],
    [ 'another key under the known kid', 'SL2334', sign => 'other-key' ],
    [ 'the signature cut off', 'SL2334', sign => 'strip' ],
    [ 'alg RS512 in the header', 'SL2323', header => { alg => 'RS512' } ],
    [ 'alg RS384 over an RS256 signature', 'SL2334', header => { alg => 'RS384' } ],
    [ 'alg ES256 over an RS256 signature', 'SL2334', header => { alg => 'ES256' } ],
    [ 'alg in lower case', 'SL2323', header => { alg => 'rs256' } ],
    [ 'no alg', 'SL2323', header => { alg => undef } ],
    [ 'crit in the header', 'SL2324', header => { crit => ['exp'] } ],
    [ 'a kid that is a number', 'SL2324', header => { kid => 7 } ],
) {
    my ($what, $id, %bend) = @$case;
    $ehr->id_token(%bend);
    bad("IDT-3 $what", $id);
}
my $own = { kty => 'oct', k => 'c2VjcmV0', alg => 'HS256' };
my %stray = (jwk => $own, jku => 'https://evil.example/keys', x5u => 'https://evil.example/x');
$ehr->id_token(sign => 'other-key', header => \%stray);
bad('IDT-3 keys in the header are no keys', 'SL2334');
$ehr->id_token(header => \%stray);
good('IDT-3 and a good signature is not spoilt by them');

# kid

$ehr->forget;
$ehr->id_token(header => { kid => 'nobody-knows' });
bad('IDT-4 an unknown kid', 'SL2303');
is gets('/auth/jwks'), 1, 'IDT-4 the keys were fetched once more, not more often';

my $two = $ehr->tenant('twokeys');
$two->id_token(no_kid => 1);
good('IDT-4 no kid, and one key fits', ehr => $two);
$two->id_token(no_kid => 1, alg => 'ES256');
good('IDT-4 no kid, and one key of each kind', ehr => $two);
$two->rotate(keep_old => JSON::PP::true);
$two->id_token();
good('IDT-4 the kid of a new key', ehr => $two);
$two->id_token(no_kid => 1);
bad('IDT-4 no kid, and two keys fit', 'SL2334', ehr => $two);

my $rotating = $ehr->tenant('rotating');
good('IDT-4 before the keys rotate', ehr => $rotating);
my $midway = $w->launch(ehr => $rotating, stop => 'authorize');
$rotating->rotate();
$rotating->forget;
$w->finish($midway);
is json($midway->{app})->{headers}{'smart-ehr-user'}, 'dr-smith', 'IDT-4 keys that rotate in mid-launch';
is gets('/auth/jwks', $rotating), 1, 'IDT-4 are fetched again, once';
$rotating->forget;
good('IDT-4 and the next launch', ehr => $rotating);
is gets('/auth/jwks', $rotating), 0, 'IDT-4 needs no further fetch';

my $nokid = $ehr->tenant('nokid');
$nokid->id_token(no_kid => 1);
good('IDT-4 an EHR that never sends a kid', ehr => $nokid);
$nokid->rotate();
$nokid->forget;
good('IDT-4 … and has new keys', ehr => $nokid);
is gets('/auth/jwks', $nokid), 1, 'IDT-4 … which are fetched, once';
$nokid->id_token(no_kid => 1, sign => 'other-key');
$nokid->forget;
bad('IDT-4 … and is forged', 'SL2334', ehr => $nokid);
is gets('/auth/jwks', $nokid), 1, 'IDT-4 … after one look whether its keys are new';

# Claims

my $now = time;
for my $case (
    [ 'aud of another client', 'SL2329', aud => 'app-other' ],
    [ 'aud with a stranger beside us', 'SL2329', aud => [ 'app-basic', 'app-other' ] ],
    [ 'an empty aud', 'SL2329', aud => [] ],
    [ 'no aud', 'SL2329', aud => undef ],
    [ 'aud that is an object', 'SL2329', aud => { 'app-basic' => 1 } ],
    [ 'azp of another client', 'SL2330', azp => 'app-other' ],
    [ 'exp past', 'SL2325', exp => $now - 600 ],
    [ 'no exp', 'SL2325', exp => undef ],
    [ 'exp as text', 'SL2325', exp => '' . ($now + 600) ],
    [ 'exp zero', 'SL2325', exp => 0 ],
    [ 'iat in the future', 'SL2326', iat => $now + 3600 ],
    [ 'iat two days ago', 'SL2326', iat => $now - 2 * 86400 ],
    [ 'no iat', 'SL2326', iat => undef ],
    [ 'nbf in the future', 'SL2327', nbf => $now + 3600 ],
    [ 'no sub', 'SL2331', sub => undef ],
    [ 'an empty sub', 'SL2331', sub => '' ],
    [ 'a sub that is a number', 'SL2331', sub => 17 ],
    [ 'a sub of 256 characters', 'SL2331', sub => 'x' x 256 ],
    [ 'a sub that is not ASCII', 'SL2331', sub => "dr-sm\x{ef}th" ],
) {
    my ($what, $id, @claim) = @$case;
    $ehr->id_token(claims => {@claim});
    bad("IDT-5 $what", $id);
}
for my $case ([ 'aud as an array of us', aud => ['app-basic'] ], [ 'azp is us', azp => 'app-basic' ],
    [ 'exp 30 s ago is the clocks', exp => $now - 30 ], [ 'a sub of 255 characters', sub => 'x' x 255 ]) {
    my ($what, @claim) = @$case;
    $ehr->id_token(claims => {@claim});
    good("IDT-5 $what");
}

# fhirUser

my $base = $ehr->issuer;
sub user_of_last { return ($pg->rows('SELECT fhir_user FROM smartlaunch.launch ORDER BY created_at DESC LIMIT 1'))[0]{fhir_user} }
for my $case (
    [ "$base/Practitioner/pract-smith", "$base/Practitioner/pract-smith" ],
    [ 'Practitioner/p1', "$base/Practitioner/p1" ],
    [ 'PractitionerRole/r1', "$base/PractitionerRole/r1" ],
    [ 'Person/x.1-2', "$base/Person/x.1-2" ],
    [ 'https://other.example/fhir/Practitioner/p2', 'https://other.example/fhir/Practitioner/p2' ],
) {
    my ($said, $url) = @$case;
    $ehr->id_token(claims => { fhirUser => $said });
    $ehr->forget;
    my $got = good("IDT-7 fhirUser $said");
    is user_of_last(), $url, 'IDT-7 … as an absolute URL';
    is scalar($ehr->log('/fhir/')), scalar($ehr->log('/fhir/.well-known')), 'IDT-8 … which is not fetched';
}
for my $case (
    [ 'Device/1', 'SL2252' ], [ 'Practitioner', 'SL2252' ], [ 'Practitioner/', 'SL2252' ],
    [ "$base/Device/1", 'SL2252' ], [ 'practitioner/1', 'SL2252' ],
    [ 'javascript:alert(1)', 'SL2252' ], [ 'javascript:/Practitioner/1', 'SL2253' ],
    [ "$base/Practitioner/1?x=1", 'SL2252' ], [ "$base/Practitioner/1#x", 'SL2252' ],
    [ 'Practitioner/' . 'x' x 65, 'SL2252' ], [ 'ftp://h.example/Practitioner/1', 'SL2253' ],
    [ "Practitioner/1\r\nSmart-Patient: 2", 'SL2251' ], [ '', 'SL2251' ],
) {
    my ($said, $id) = @$case;
    $ehr->id_token(claims => { fhirUser => $said });
    bad("IDT-7 fhirUser " . ($said =~ s/[^ -~]+/ /gr =~ s/x{9,}/x…/r) . ' is refused', $id);
}
$ehr->id_token(claims => { fhirUser => { url => 'Practitioner/1' } });
bad('IDT-7 fhirUser that is no text is refused', 'SL2251');
$ehr->id_token(claims => { fhirUser => undef });
good('IDT-7 no fhirUser at all');
$ehr->id_token(claims => { fhirUser => undef, profile => 'Practitioner/p-old' });
good('IDT-11 the older claim profile, in place of fhirUser');
is user_of_last(), $ehr->issuer . '/Practitioner/p-old', 'IDT-11 … is the user';
$ehr->id_token(claims => { fhirUser => 'Practitioner/p-new', profile => 'Practitioner/p-old' });
good('IDT-11 both claims');
is user_of_last(), $ehr->issuer . '/Practitioner/p-new', 'IDT-11 … fhirUser counts';
for my $page ('https://people.example/dr-smith', 'https://people.example/Practitioner/p1', 'javascript:alert(1)', 'dr-smith', { a => 1 }) {
    $ehr->id_token(claims => { fhirUser => undef, profile => $page });
    good('IDT-11 a profile that is no user of this EHR: ' . (ref $page ? 'an object' : $page));
    is user_of_last(), undef, 'IDT-11 … is none';
}
$ehr->id_token(claims => { fhirUser => undef });
is $pg->value('SELECT fhir_user FROM smartlaunch.launch ORDER BY created_at DESC LIMIT 1'), undef,
    'IDT-7 … and none is made up';
for my $type (qw(Patient RelatedPerson)) {
    $ehr->id_token(claims => { fhirUser => "$type/p1" });
    bad("IDT-7 a $type is not linked with an app user", 'SL4402', status => 403);
}

# The name

for my $case ([ 'a number', 7 ], [ 'an object', {} ], [ 'empty', '' ],
    [ 'with a line end', "dr\r\nSmart-User: root" ], [ 'not ASCII', "dr-sm\x{ef}th" ],
    [ 'with a blank at its end', 'dr-smith ' ], [ 'of 256 characters', 'x' x 256 ],
    [ 'with a NUL', "dr\0smith" ], [ 'false', JSON::PP::false ]) {
    my ($what, $value) = @$case;
    $ehr->id_token(claims => { preferred_username => $value });
    bad("IDT-9 a name that is $what", 'SL2362');
}
$ehr->id_token(claims => { preferred_username => 'Dr. O\'Neil <b>&amp; "x"' });
good('IDT-9 an odd but printable name', expect => 'Dr. O\'Neil <b>&amp; "x"');
$ehr->id_token(claims => { preferred_username => undef });
bad('IDT-9 no source has a name', 'SL4401');

my $noname = $ehr->tenant('noname');
for my $extra ({}, { nickname => 'from-token', preferred_username => 'x', user => 'y' }) {
    bad('IDT-9 a member of the token response is no claim', 'SL4401', ehr => $noname, extra => $extra);
}
my $sources = $ehr->tenant('nosource');
good('IDT-9 sources are tried in their order: fhirUser', ehr => $sources,
    expect => 'Practitioner/pract-smith');
$sources->id_token(claims => { nickname => 'nick' });
good('IDT-9 … a claim', ehr => $sources, expect => 'nick');
good('IDT-9 … a member of the token response', ehr => $sources, extra => { ehr_login => 'SMITHS' },
    expect => 'SMITHS');
bad('IDT-9 … a first one that is no name does not fall back', 'SL2362', ehr => $sources,
    extra => { ehr_login => [] });
is_deeply [ map { $_->{source} } $pg->rows(q{SELECT source FROM smartlaunch.launch WHERE ehr = 'nosource'
    AND state = 'live' ORDER BY created_at}) ], [qw(fhirUser id_token:nickname token:ehr_login)],
    'IDT-9 where the name came from is kept';

$ehr->id_token(omit => JSON::PP::true);
bad('IDT-10 no id_token', 'SL4401');
$sources->id_token(omit => JSON::PP::true);
good('IDT-10 no id_token, but the token response names the user', ehr => $sources,
    extra => { ehr_login => 'SMITHS' }, expect => 'SMITHS');
bad('IDT-10 nor fhirUser nor claims without it', 'SL4401', ehr => $sources,
    extra => { fhirUser => 'Practitioner/1' });
$ehr->id_token();
for my $token ('x', 'a.b', 'a.b.c', 'e30.e30.', 'e30.e30.!', 'x.' x 3, 'x' x 70_000) {
    $ehr->faults(token => { patch => { id_token => $token } });
    bad('IDT-6 an id_token that is no JWT (' . substr($token, 0, 9) . ')',
        $token eq 'e30.e30.' ? 'SL2323' : $token =~ /^(?:a\.b\.c|e30)/ ? 'SL2322' : 'SL2321');
}
for my $token (7, {}, [], '') {
    $ehr->faults(token => { patch => { id_token => $token } });
    bad('IDT-6 an id_token that is no text', 'SL4401');
}
$ehr->faults();

# Never from the request

$ehr->id_token();
my $made = $ehr->launch();
my $uri = URI->new($w->url('/smart'));
$uri->query_form(iss => $made->{iss}, launch => $made->{launch}, user => 'root', preferred_username => 'root',
    ehr_user => 'root', login_hint => 'root', sub => 'root', SMART_EHR_USER => 'root');
my $window = $w->browser->frame($ehr->base . '/');
my @spoof = (headers => [ 'Smart-Ehr-User' => 'root', 'Smart-User' => 'root', 'X-Remote-User' => 'root',
    'Remote-User' => 'root', 'Smart_Ehr_User' => 'root' ]);
$window->nav("$uri", @spoof);
unlike $window->location, qr/root/, 'IDT-9 what a launch says of a user goes nowhere';
my $callback = $window->nav($window->location, follow => 1, until => qr/^\Q${\ $w->url }\E/);
$window->nav($window->location . '&user=root&preferred_username=root&sub=root', @spoof);
is $window->hops, 1, 'IDT-9 a callback that says more';
my $app = json($window->go_on(@spoof));
is $app->{headers}{'smart-ehr-user'}, 'dr-smith', 'IDT-9 still is whom the EHR said';
ok !(grep { $_->[0] =~ /^Smart\W/i && $_->[1] =~ /root/ } @{ $app->{header_list} }),
    'SEC-3 and the app never hears of root';

my $back = wait_for('keys again', sub {
    my $got = $w->launch(ehr => $down);
    return $got->{app} && $got->{app}->code == 200 ? $got : 0;
});
is json($back->{app})->{headers}{'smart-ehr-user'}, 'dr-smith', 'IDT-6 and up again: the launch goes well';

is $pg->value(q{SELECT count(*) FROM smartlaunch.link}), 0, 'IDT-6 of all these launches, none made a link';
my @same = $pg->rows(q{SELECT DISTINCT ehr, issuer FROM smartlaunch.launch WHERE state = 'live'
    AND sub = 'u-7f3a91c2e4' AND ehr IN ('sandbox', 'rotating') ORDER BY ehr});
is_deeply \@same, [ { ehr => 'rotating', issuer => $ehr->auth('rotating') },
    { ehr => 'sandbox', issuer => $ehr->auth } ],
    'IDT-9 the same sub at two EHRs is told apart by iss';

done();
