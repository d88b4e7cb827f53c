#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Three EHRs behind one httpd: one with a secret, a tenant of the same host with a key, and one on
# another host with another key and the same client id. The same person and the same patient ids are in
# all of them, and nothing of one means anything at another.
# mpm: prefork sanitized
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::Keys;
use SL::Refused;
use SL::TLS;
use SL::Tokens qw(id_of lapse nobody_leads token);
use URI::Escape qw(uri_escape_utf8);

my $scope = 'launch openid fhirUser offline_access patient/*.rs';
my $caller = 'a secret of the nightly job';
my $w = world(start => 0, fpm => 0, ehr => { tenants => 'b', search => 1 });
my ($httpd, $pg) = ($w->httpd, $w->pg);
my %ehr = (sandbox => $w->ehr, b => $w->ehr->tenant('b'), c => SL::EHR->new(origin => $w->url));
my @names = sort keys %ehr;
my $dir = $httpd->dir;
my %issuer = (sandbox => $w->ehr->issuer, b => $w->ehr->issuer('b'), c => $ehr{c}->issuer);
my %key = (b => SL::Keys::guide($dir, 'RS384'), c => SL::Keys::guide($dir, 'ES384'));
my %kid = (b => 'eee9f17a3b598fd86417a980b591fbe6', c => 'cd520211e5661dbba2256f67f6d53f97');
spit("$dir/nightly", "$caller\n", 0600);
my %more = (
    extra => join('', map { block($_) } qw(b c)),
    vhost => join('', map { <<"CONF" } @names),
    <Location /smart-$_>
        SmartTarget /papp/
        SmartServe $_
    </Location>
CONF
    gateway => "SmartSystem on\nSmartCaller nightly file:$dir/nightly\nRequire local",
);
$httpd->{$_} = $more{$_} for keys %more;

sub block {
    my ($name) = @_;
    my $ca = SL::TLS::ca();
    return <<"CONF";
<SmartEHR $name>
    SmartIssuer $issuer{$name}
    SmartClient app-key
    SmartClientKey $key{$name}
    SmartScope "$scope"
    SmartSystemScope "system/*.rs"
    SmartIdentity id_token:preferred_username
    SmartEmbed ${\ $ehr{$name}->base }
    SmartOutbound ca=$ca
</SmartEHR>
CONF
}

$httpd->{vhost} .= "<Location /smart-status>\nSetHandler smart-status\nRequire local\n</Location>\n";

# Each EHR knows the redirect URI that is its own, and the common one; b and c know only their own key.
my ($client) = SL::EHR::default_clients('');
for my $name (@names) {
    my @uris = map { $w->url($_) } '/smart', "/smart-$name";
    $ehr{$name}->clients($name eq 'sandbox' ? { %$client, redirect_uris => \@uris }
        : { client_id => 'app-key', token_endpoint_auth_method => 'private_key_jwt', redirect_uris => \@uris,
            id_token_signed_response_alg => 'RS256', jwks_uri => $w->url("/smart-$name/jwks.json") });
}
nobody_leads($w);
$httpd->start;
my $other = $w->another_host(fpm => 0, %more);
my ($first, $second) = @{ $w->ehr->patients };

sub told { my ($response) = @_; return $response && $response->code == 200 ? json($response)->{headers} : {} }
sub who { my ($response) = @_; return join ' ', map { $_ // '-' } @{ told($response) }{qw(smart-ehr smart-link smart-user smart-patient)} }
sub launch { my ($name, %arg) = @_; return $w->launch(ehr => $ehr{$name}, patient => $first, %arg) }
sub forget { $_->forget for values %ehr; return }

# The token requests, FHIR calls and revocations that each EHR was sent.
sub sent {
    my ($path) = @_;
    return { map { my @all = $ehr{$_}->log($path); @all ? ($_ => scalar @all) : () } @names };
}

sub bearers {
    my ($name) = @_;
    return map { $_->{headers}{authorization} // () } $ehr{$name}->log('/fhir');
}

# Whose launch

for my $case (
    [ sandbox => "$issuer{sandbox}/", 'a slash at its end' ], [ b => "$issuer{b}/", 'a tenant\'s with a slash at its end' ],
    [ b => $issuer{b} =~ s/^https:\/\/localhost/HTTPS:\/\/LocalHost/r, 'a tenant\'s with its host in another case' ],
    [ c => $issuer{c}, 'of another host' ],
) {
    my ($name, $iss, $what) = @$case;
    my $response = $w->browser->window->nav($w->url('/smart?launch=a&iss=' . uri_escape_utf8($iss)));
    like $response->header('Location'), qr/^\Q${\ $ehr{$name}->auth($name eq 'b' ? 'b' : undef) }\E\/authorize\?/, "LCH-2 iss $what leads to its own EHR";
    my %asked = URI->new($response->header('Location'))->query_form;
    is "$asked{aud} $asked{client_id}", "$iss " . ($name eq 'sandbox' ? 'app-basic' : 'app-key'), 'AZR-3 by its own name, with our name there';
}
my ($host) = $issuer{b} =~ m{^(https://[^/]+)};
for my $wrong ([ "$host/t/B/fhir", 'a tenant in another case' ], [ "$host/t/bb/fhir", 'a tenant whose name begins like ours' ],
    [ "$host/t/fhir", 'no tenant' ], [ "$host/t/b", 'no FHIR base' ], [ "$host/t/%62/fhir", 'a tenant that is escaped' ],
    [ "$host/t/b//fhir", 'two slashes' ], [ "$host/t/b/../b/fhir", 'dots' ], [ "$host/fhir/t/b/fhir", 'a tenant below the other base' ],
    [ $issuer{b} =~ s/localhost/ehr.localhost/r, 'a tenant by another name of its host' ],
    [ $issuer{c} =~ s{/fhir}{/t/b/fhir}r, 'a tenant of another host' ]) {
    my ($iss, $what) = @$wrong;
    refused($w, $w->browser->window->nav($w->url('/smart?launch=a&iss=' . uri_escape_utf8($iss))), 403, 'SL4101', "LCH-2 iss $what: 403");
}

# The same person

forget();
my %l = map { $_ => launch($_) } @names;
is_deeply { map { $_ => who($l{$_}{app}) } @names }, { map { $_ => "$_ pending - -" } @names }, 'IDT-9 dr-smith of three EHRs: nobody is known yet';
$w->login($l{sandbox}, 'alice');
is who($l{sandbox}{app}), "sandbox linked alice $first", 'IDT-9 one is linked';
is who(launch($_)->{app}), "$_ pending - -", "IDT-9 which says nothing of dr-smith at $_" for qw(b c);
$w->login($l{b}, 'alice');
is who($l{b}{app}), "b linked alice $first", 'IDT-9 one app user is linked in two EHRs';
$w->login($l{c}, 'bob');
is who($l{c}{app}), "c linked bob $first", 'IDT-9 and dr-smith of the third is somebody else';
is_deeply [ map { "$_->{ehr} $_->{ehr_user} $_->{app_user}" } $pg->rows('SELECT * FROM smartlaunch.link ORDER BY ehr') ],
    [ 'b dr-smith alice', 'c dr-smith bob', 'sandbox dr-smith alice' ], 'IDT-9 three links';
my %ids = map { $_->{session} => 1 } values %l;
is scalar(keys %ids), 3, 'with a session each';

sub by_status { return { map { $_->{name} => "$_->{launches}{linked} $_->{launches}{pending}" } @{ json(request(GET => $w->url('/smart-status?format=json')))->{ehrs} } } }
my $counted = { sandbox => '1 0', b => '1 1', c => '1 1' };
wait_for('the numbers of each EHR', sub { return join(',', %{ by_status() }) if by_status()->{c} eq '1 1' });
is_deeply by_status(), $counted, 'the status page counts the launches of each EHR apart' or diag explain json(request(GET => $w->url('/smart-status?format=json')))->{ehrs};

# Keys and secrets

my @calls = map { my $name = $_; map { [ $name, $_ ] } $ehr{$name}->log('/auth/token') } @names;
is scalar(@calls), 5, 'TKR-1 five launches, five token requests';
for (@calls) {
    my ($name, $call) = @$_;
    my $is_keyed = $name ne 'sandbox';
    my $assertion = $call->{assertion} || {};
    is_deeply [ $call->{status}, !!$call->{headers}{authorization}, $assertion->{header}{kid}, $assertion->{claims}{aud}, $assertion->{failure} ],
        [ 200, !$is_keyed, $is_keyed ? ($kid{$name}, $ehr{$name}->auth($name eq 'b' ? 'b' : undef) . '/token') : (undef, undef), undef ],
        "TKR-A4 $name is sent its own proof and no other" or diag explain $assertion;
}
is_deeply { map { my $path = $_; $path => [ map { $_->{kid} } @{ json(request(GET => $w->url("$path/jwks.json")))->{keys} } ] } '/smart', map { "/smart-$_" } @names },
    { '/smart' => [ @kid{qw(b c)} ], '/smart-sandbox' => [], '/smart-b' => [ $kid{b} ], '/smart-c' => [ $kid{c} ] },
    'REG-2 a Redirect URL publishes the keys of the EHRs it serves';

# A Redirect URL for each, of one app

for my $name (qw(sandbox b)) {
    my $l = launch($name, path => "/smart-$name");
    is who($l->{app}), "$name linked alice $first", "REG-1 a launch at $name\'s own Redirect URL: the same app, so the same link";
    my %asked = URI->new($l->{authorize_url})->query_form;
    is $asked{redirect_uri}, $w->url("/smart-$name"), 'REG-1 with the redirect URI that this EHR knows';
    my ($other) = grep { $_ ne $name } qw(sandbox b);
    my $waits = launch($name, path => "/smart-$name", stop => 'authorize');
    forget();
    is $waits->{window}->nav($waits->{callback_url} =~ s{/smart-$name\?}{$_?}r)->code, 400, "SEC-1 its answer at $_: 400" for "/smart-$other", '/smart';
    is_deeply sent('/auth/token'), {}, 'SEC-1 and no token call';
}
$httpd->expect_log('SL4305');

# Tokens: each goes to its own EHR, and is renewed there

forget();
for my $name (@names) {
    is $w->fhir(GET => "/Patient/$first", session => $l{$name}{session}, ehr => $name)->code, 200, "FHR-1 a read at $name";
    for my $wrong (grep { $_ ne $name } @names) {
        is $w->fhir(GET => "/Patient/$first", session => $l{$name}{session}, ehr => $wrong)->code, 403,
            "FHR-1 the session of $name at $wrong: 403, though the patient's id is the same";
    }
}
$httpd->expect_log('SL4517');
is_deeply sent('/fhir/Patient'), { map { $_ => 1 } @names }, 'FHR-1 each EHR was asked once';
my %bearer = map { my ($b) = bearers($_); $b => $_ } @names;
is scalar(keys %bearer), 3, 'FHR-1 with a token of its own';
forget();
lapse($w, $_) for values %l;
is $w->fhir(GET => "/Patient/$first", session => $l{$_}{session}, ehr => $_, host => $other)->code, 200, "RFR-2 $_: renewed, by another host" for @names;
is_deeply sent('/auth/token'), { map { $_ => 1 } @names }, 'RFR-2 each at its own token endpoint';
for my $name (qw(b c)) {
    my ($call) = $ehr{$name}->log('/auth/token');
    is $call->{assertion}{header}{kid}, $kid{$name}, "TKR-A4 $name: by its own key";
}
my %refresh;
$refresh{ $_->{form}{refresh_token} }++ for map { $ehr{$_}->log('/auth/token') } @names;
is scalar(keys %refresh), 3, 'RFR-2 with its own refresh token';

# Backend services: a token for each EHR that has them

forget();
my %asks = (system => 'on', caller => $caller);
is $w->fhir(GET => "/Patient/$second", ehr => $_, %asks)->code, 200, "BKS-1 a token of our own at $_" for qw(b c b c);
is $w->fhir(GET => "/Patient/$second", ehr => 'sandbox', %asks)->code, 403, 'BKS-1 an EHR that has none for us: 403';
$httpd->expect_log('SL5842');
is_deeply sent('/auth/token'), { b => 1, c => 1 }, 'BKS-3 one grant at each';
my %system = map { my ($b) = bearers($_); $_ => $b } qw(b c);
isnt $system{b}, $system{c}, 'BKS-3 each has its own';
is_deeply [ bearers('sandbox') ], [], 'BKS-3 and the third was sent neither';
is_deeply [ map { my ($c) = $ehr{$_}->log('/auth/token'); $c->{assertion}{header}{kid} } qw(b c) ], [ @kid{qw(b c)} ], 'TKR-A4 asked for by its own key';

# The caller speaks for a user: of which EHR


forget();
sub as_user {
    my ($user, $patient, $name) = @_;
    forget();
    my $code = $w->fhir(GET => "/Patient/$patient", ehr => $name, user => $user, patient => $patient, caller => $caller)->code;
    my %got = map { $_ => scalar(my @b = bearers($_)) } @names;
    return join ' ', $code, grep { $got{$_} } @names;
}
is as_user(alice => $first, $_), "200 $_", "FHR-1 alice at $_: her token there" for qw(sandbox b);
is as_user(alice => $first, 'c'), '401', 'FHR-1 alice has none at c, though dr-smith of c saw a patient of this id';
is as_user(bob => $first, 'c'), '200 c', 'FHR-1 which bob has';
is as_user(bob => $first, $_), '401', "FHR-1 and not at $_" for qw(sandbox b);
is as_user(alice => $second, $_), '401', "FHR-1 alice was launched with another patient at $_" for qw(sandbox b);
my $there = launch('b', patient => $second);
is as_user(alice => $second, 'b'), '200 b', 'FHR-1 once she is at b with the second one, there is a token at b';
is as_user(alice => $second, 'sandbox'), '401', 'FHR-1 and none at the other: equal ids are other patients';

# The guard: this id is our patient at this base only

forget();
sub guarded { my ($name, $query) = @_; return $w->fhir(GET => "/Observation?$query&_count=1", session => $l{$name}{session}, ehr => $name)->code }
is guarded(sandbox => "patient=$first"), 200, 'FHR-7 the patient\'s observations';
is guarded(sandbox => 'patient=' . uri_escape_utf8("$issuer{sandbox}/Patient/$first")), 200, 'FHR-7 by the absolute URL';
for my $name (qw(b c)) {
    is guarded(sandbox => 'patient=' . uri_escape_utf8("$issuer{$name}/Patient/$first")), 403, "FHR-7 the same id at $name is another patient: 403";
}
is guarded(b => 'patient=' . uri_escape_utf8("$issuer{sandbox}/Patient/$first")), 403, 'FHR-7 and the other way round';
$httpd->expect_log('SL2606');
is_deeply sent('/fhir/Observation'), { sandbox => 2 }, 'FHR-7 no EHR was asked';

# Two windows of one browser, two EHRs, one patient id

my $browser = $w->browser;
my %at = map { $_ => launch($_, window => $browser->frame($ehr{sandbox}->base . '/')) } qw(sandbox b);
is who($at{$_}{window}->xhr(GET => '/papp/')), "$_ linked alice $first", "CTX-10 the window of $_ is its own" for qw(sandbox b);
my $typed = $browser->frame($ehr{sandbox}->base . '/')->type($w->url('/papp/'));
is $typed->code, 409, 'CTX-10 a page that names no launch: nobody guesses, for equal ids of two EHRs are two patients';
like $typed->content, qr/smart_launch=\Q$at{$_}{handle}\E/, "CTX-10 one may choose $_" for qw(sandbox b);
is $at{sandbox}{window}->nav("/papp/?smart_launch=$at{b}{handle}")->code, 409, 'CTX-10 a link from one window to the other EHR\'s launch is asked about';
$httpd->allow_log(qw(SL2533 SL2534));

# Another user's EHR in the same browser: "you are now bob"
my $now = launch('c', window => $browser->frame($ehr{sandbox}->base . '/'));
unlike $now->{app}->content, qr/\Q$first\E/, 'IDT-9 a launch from c, where this person is bob, in alice\'s browser: asked first';
$now->{app} = $now->{window}->submit(button => [ answer => 'yes' ]);
is who($now->{app}), "c linked bob $first", 'IDT-9 then it is bob\'s';
is $at{$_}{window}->nav("/papp/?smart_launch=$at{$_}{handle}")->code, 401, "IDT-9 and alice's launch at $_ has ended" for qw(sandbox b);
$httpd->expect_log('SL2531');
is $w->fhir(GET => "/Patient/$first", session => $l{sandbox}{session})->code, 200, 'IDT-9 her launches in other browsers have not';

# The end of one

forget();
is $l{b}{window}->xhr(POST => "/smart/logout?smart_launch=$l{b}{handle}", body => '')->code, 200, 'SEC-9 a logout from the launch at b';
wait_for('the revocation', sub { $ehr{b}->log('/auth/revoke') });
is_deeply sent('/auth/revoke'), { b => 1 }, 'SEC-10 its token is revoked at b and nowhere else';
is $w->fhir(GET => "/Patient/$first", session => $l{sandbox}{session})->code, 200, 'SEC-9 the launch at the other EHR goes on';
$pg->dbh('dba')->do('SELECT smartlaunch.revoke_link(?, ?, ?, ?)', undef, 'app', 'sandbox', 'dr-smith', 'left');
wait_for('the end of the session', sub { $w->fhir(GET => "/Patient/$first", session => $l{sandbox}{session})->code == 401 });
is $w->fhir(GET => "/Patient/$second", session => $there->{session}, ehr => 'b')->code, 200, 'SEC-10 a link revoked at one EHR leaves those at others';
is $w->fhir(GET => "/Patient/$first", session => $l{c}{session}, ehr => 'c')->code, 200, 'SEC-10 everybody\'s';
is who(launch('b')->{app}), "b linked alice $first", 'IDT-9 and is asked for again there only';
is who(launch('sandbox')->{app}), 'sandbox pending - -', 'IDT-9 where it was revoked';

# One of them is down, or lies about where its token endpoint is

(delete $ehr{c})->stop;
@names = qw(b sandbox);
is launch('b')->{app}->code, 200, 'DIS-9 one EHR is gone: launches from another';
is $w->fhir(GET => "/Patient/$second", session => $there->{session}, ehr => 'b')->code, 200, '… and its FHIR server';
my $gone = $w->fhir(GET => "/Patient/$first", session => $l{c}{session}, ehr => 'c');
like $gone->code, qr/^50[234]$/, '… the one that is gone says so';
$httpd->expect_log(qw(AH00957 AH01114 SL5819));
my $token_b = $ehr{b}->auth('b') . '/token';
$ehr{sandbox}->faults(discovery => { patch => { token_endpoint => $token_b } });
$httpd->stop;
$httpd->start;
forget();
my $led = launch('sandbox', stop => 'callback');
refused($w, $led->{callback}, 502, 'SL2136', 'SEC-1 a discovery document that names another EHR\'s token endpoint', step => 'token');
my @led = map { $ehr{$_}->log('/auth/token') } qw(sandbox b);
is_deeply [ map { [ $_->{status} >= 400, $_->{form}{client_assertion} ] } @led ], [ [ !!1, undef ] ],
    'SEC-1 it is sent its own EHR\'s secret, no assertion of the other\'s key, and refuses';
$httpd->allow_log(qw(SL4602 SL2131 SL2132));

done();
