#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What an EHR grants, leaves out and refuses is said in one line, with the likely cause: in the log and
# in the flight recorder, without a word of the EHR's own but its error_uri.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::Refused;
use SL::TLS;
use SL::Tokens;
use URI::Escape qw(uri_escape);

my $usual = 'launch openid fhirUser offline_access patient/*.rs';
my $w = world(start => 0, fpm => 0, ehr => { tenants => 'public,ecw,keyless' });
my ($ehr, $httpd) = ($w->ehr, $w->httpd);
my ($dir, $ca) = ($httpd->dir, SL::TLS::ca());

sub block {
    my ($name, @lines) = @_;
    return join "\n    ", "<SmartEHR $name>", 'SmartIssuer ' . $ehr->issuer($name), qq(SmartScope "$usual"), "SmartOutbound ca=$ca",
        'SmartIdentity id_token:preferred_username', @lines, "\n</SmartEHR>\n";
}
$httpd->{extra} = block('public', 'SmartClient app-public', 'SmartClientAuth none')
    . block('ecw', 'SmartProfile ecw', 'SmartClient app-basic', "SmartClientSecret file:$dir/secret")
    . block('keyless', 'SmartClient app-basic', 'SmartClientAuth none');
nobody_leads($w);
$httpd->start;

# The answer to a launch under a fault of the token endpoint, and the step `token` of it.
sub launch {
    my (%arg) = @_;
    my $there = delete $arg{ehr} || $ehr;
    my $l = $w->launch(ehr => $there, stop => 'authorize', %{ $arg{how} || {} });
    $there->faults(token => $arg{token}) if $arg{token};
    $there->id_token(%{ $arg{id_token} }) if $arg{id_token};
    $w->finish($l, 'callback');
    $there->faults;
    $there->id_token;
    my %query = URI->new($l->{start}->header('Location'))->query_form;
    ($l->{step}) = $w->pg->rows("SELECT s.* FROM smartlaunch.launch_step s JOIN smartlaunch.launch l ON l.id = s.launch
        WHERE l.state_hash = sha256(?::text::bytea) AND s.step = 'token'", $query{state});
    return $l;
}
sub lines { my ($id) = @_; return grep { /\b$id:/ } split /\n/, $httpd->error_log }

# Asked, granted, missing
my $l = launch();
is $l->{step}{detail}, qq(asked "$usual", granted "$usual", nothing is missing), 'TRS-3 the flight recorder says what was asked and granted';
is_deeply [ lines('SL4201') ], [], 'TRS-3 and where nothing is missing the log says nothing';

for my $case (
    [ 'fewer types', { patch => { scope => 'launch openid fhirUser offline_access patient/Patient.rs' } }, {}, 'patient/*.rs', qr/name the types/ ],
    [ 'nothing', { patch => { scope => '' } }, {}, 'patient/*.rs', qr/no data scope was granted/ ],
    [ 'v1 for v2', { patch => { scope => 'openid fhirUser user/Patient.read' } }, {}, 'patient/*.rs', qr/SMART v1 scopes: write \.read/ ],
    [ 'another level', { patch => { scope => 'openid fhirUser user/*.rs' } }, {}, 'patient/*.rs', qr{patient/ scopes are not} ],
    [ 'a constraint', { patch => { scope => 'openid patient/*.rs?category=x' } }, {}, 'patient/*.rs', qr/constraint/ ],
    [ 'no refresh token', { patch => { refresh_token => undef } }, {}, 'offline_access', qr/persistent access/ ],
    [ 'no refresh token, nor a word of scopes', { patch => { refresh_token => undef, scope => undef } }, {}, 'offline_access', qr/persistent access/ ],
    [ 'no fhirUser', undef, { claims => { fhirUser => undef } }, 'fhirUser', qr/no fhirUser/ ],
) {
    my ($what, $token, $id_token, $missing, $cause) = @$case;
    my $before = lines('SL4201');
    $l = launch(token => $token, id_token => $id_token);
    is $l->{callback}->code, 303, "TRS-3 $what: the launch goes on";
    my @lines = lines('SL4201');
    is scalar(@lines), $before + 1, "TRS-3 $what: one line";
    like $lines[-1], qr/sandbox: asked "\Q$usual\E", .*, missing "\Q$missing\E": .*$cause/, "TRS-3 $what: asked, granted, missing, cause"
        or diag $lines[-1];
    my ($said) = $lines[-1] =~ /SL4201: sandbox: (.*) \(reference ([\w-]+)\)/;
    is $l->{step}{detail}, $said, "TRS-3 $what: the same in the flight recorder";
    like $lines[-1], qr/\Q$l->{step}{reference}\E/, "TRS-3 $what: with its reference";
}
is launch(token => { patch => { scope => 'PATIENT' } })->{callback}->code, 303, 'TRS-3 odd scopes are no failure';
$l = launch(ehr => $ehr->tenant('public'), token => { patch => { refresh_token => undef } });
like $l->{step}{detail}, qr/missing "offline_access": many EHRs give no refresh token to a client without secret/, 'TRS-3 a public client: another cause';

# smartlaunchctl tells it
my ($rc, $story) = capture(build() . '/smartlaunchctl', '--db', $w->pg->conninfo, 'trace', $l->{step}{reference});
is $rc, 0, 'smartlaunchctl trace';
like $story, qr/ token .* asked "\Q$usual\E", granted .*, missing "offline_access": many EHRs/, 'TRS-3 smartlaunchctl trace tells what was asked and granted';

my ($patient) = @{ $ehr->patients };
$l = launch(token => { patch => { patient => "Patient/$patient" } });
refused($w, $l->{callback}, 502, 'SL2152', 'CTX-1 Patient/… where the profile does not say so', step => 'context');
ok !(grep { /\Q$patient\E/ } grep { /\[smartlaunch:/ } split /\n/, $httpd->error_log), 'CTX-1 and the log names no patient';
is launch(ehr => $ehr->tenant('ecw'), token => { patch => { patient => "Patient/$patient" } })->{callback}->code, 303, '… and where it does';

# Refused by the token endpoint
my $uri = 'https://authorization.ehr.example/errors/urn%3Aehr%3Aerror%3Aoauth2';
for my $case (
    [ 'invalid_client, null', 401, '{"error":"invalid_client","error_description":null}', qr/\(401\): invalid_client; likely: SmartClient or SmartClientSecret .*hours to days/ ],
    [ 'invalid_client by 400', 400, '{"error":"invalid_client"}', qr/\(400\): invalid_client; likely: SmartClient or/ ],
    [ 'unauthorized_client', 400, '{"error":"unauthorized_client"}', qr/unauthorized_client; likely: the app is known there, but not allowed/ ],
    [ 'invalid_grant', 400, '{"error":"invalid_grant"}', qr/invalid_grant; likely: .*of a scope that they do not support/ ],
    [ 'invalid_scope', 400, '{"error":"invalid_scope"}', qr/invalid_scope; likely: .*SmartScope/ ],
    [ 'access_denied by 500', 500, '{"error":"access_denied"}', qr/\(500\): access_denied; likely: / ],
    [ 'error_uri', 400, qq({"error":"invalid_request","error_uri":"$uri?client=1&user=2"}), qr/invalid_request; it refers to \Q$uri\E \(status/ ],
    [ 'error_uri alone', 400, qq({"error_uri":"urn:ehr:error:oauth2"}), qr/\(400\): none, by JSON without an error; it refers to urn:ehr:error:oauth2 / ],
    [ 'a bad error_uri', 400, '{"error":"invalid_request","error_uri":"javascript:alert(1)"}', qr/\(400\): invalid_request \(status/ ],
    [ 'expires_in beside it', 400, '{"error":"invalid_grant","expires_in":0}', qr/\(400\): invalid_grant; / ],
    [ 'a page', 500, '<html>Oops! <script>alert(1)</script></html>', qr/\(500\): none, by a web page; likely: a proxy/ ],
    [ 'a page by 200', 200, '<!DOCTYPE html><title>Oops!</title>', qr/SL2137: .* but a web page/ ],
    [ 'nothing', 401, '', qr/\(401\): none, by nothing/ ],
    [ 'text', 404, 'Oops! no such tenant', qr/\(404\): none, by text; likely: is the token endpoint the right one/ ],
) {
    my ($what, $status, $body, $logged) = @$case;
    $l = launch(token => { status => $status, body => $body, content_type => $body =~ /^</ ? 'text/html' : 'application/json' });
    my $id = $status == 200 ? 'SL2137' : 'SL2136';
    refused($w, $l->{callback}, 502, $id, "TRS-5 $what", step => 'token');
    my $reference = reference_of($l->{callback});
    my ($line) = grep { /\Q$reference\E/ } lines($id);
    like $line, $logged, "TRS-5 $what: with what to look at" or diag $line;
    ok index($line, $l->{step}{detail}) > 0, "TRS-5 $what: in the flight recorder as well";
    unlike join("\n", $line, $l->{callback}->decoded_content), qr/alert|Oops|client=1|user=2/, "TRS-5 $what: nothing else of theirs";
    unlike $l->{callback}->decoded_content, qr/\Q$uri\E|urn:ehr/, "CBK-4 $what: no error_uri on the page" if $body =~ /error_uri/;
}
for my $case ([ 'Cerner-Correlation-Id', '6f1c-0a.b:c_d', '; its correlation id: 6f1c-0a.b:c_d (' ],
    [ 'X-Correlation-ID', 'a<b>', ' (' ], [ 'X-Correlation-ID', 'a' x 81, ' (' ]) {
    my ($header, $value, $logged) = @$case;
    launch(token => { status => 401, body => '{"error":"invalid_client"}', headers => { $header => $value } });
    like +(lines('SL2136'))[-1], qr/hours to days\)\Q$logged\E/, "TRS-5 $header: $value";
}
$l = launch(ehr => $ehr->tenant('keyless'));
like +(lines('SL2136'))[-1], qr/keyless: .*\(401\): invalid_client; likely: it wants this client to authenticate/, 'TRS-5 a public client that is none there';
$l = launch(ehr => $ehr->tenant('ecw'), token => { status => 429, body => '' });
refused($w, $l->{callback}, 503, 'SL2135', 'RFR-7 ecw: 429 without Retry-After', step => 'token', retry => 1);

# Refused by the authorization endpoint
for my $case (
    [ 'access_denied', {}, qr/access_denied; likely: mostly the user's own no/ ],
    [ 'unauthorized_client', { error => 'unauthorized_client' }, qr/unauthorized_client; likely: the app's registration/ ],
    [ 'invalid_scope', { error => 'invalid_scope', error_uri => "$uri?x=1" }, qr/invalid_scope; likely: .*SmartScope.*; it refers to \Q$uri\E \(status/ ],
    [ 'error_uri with markup', { error => 'invalid_request', error_uri => 'https://x.example/"><script>alert(1)</script>' }, qr/invalid_request; likely: [^;]*\(status/ ],
) {
    my ($what, $params, $logged) = @$case;
    $ehr->faults(authorize => { params => $params }) if %$params;
    $l = $w->launch(refuse => \1, stop => 'callback');
    $ehr->faults;
    refused($w, $l->{callback}, 403, 'SL4311', "CBK-4 $what", step => 'callback');
    my $reference = reference_of($l->{callback});
    like +(grep { /\Q$reference\E/ } lines('SL4311'))[0], $logged, "CBK-4 $what: the log says what to look at";
    unlike $l->{callback}->decoded_content, qr/href|alert|\Q$uri\E/, "CBK-4 $what: nothing on the page leads there";
}

# A 5xx that is a client's error, at a renewal: by profile
$w->launch(login => 'alice');
$w->launch(ehr => $ehr->tenant('ecw'), login => 'alice');
for my $case ([ sandbox => 503, 'active', 'live' ], [ ecw => 401, 'relaunch', 'ended' ]) {
    my ($name, $code, @state) = @$case;
    local $w->{ehr} = $name eq 'ecw' ? $ehr->tenant('ecw') : $ehr;
    $l = $w->launch;
    lapse($w, $l);
    $w->ehr->faults(refresh => { status => 500, body => '{"error":"access_denied"}' });
    $w->ehr->forget;
    is_deeply came_to($w, $l, $w->fhir(GET => "/Patient/$patient", session => $l->{session}, ehr => $name)), [ $code, 1, 0, @state ],
        "RFR-6 RFR-7 access_denied by 500 at $name: " . ($code == 401 ? 'launch again' : 'for the moment');
    $w->ehr->faults;
}

# A form_post where our cookie is Lax
my $top = $w->another_host(fpm => 0, vhost => 'SmartCookie __Host-smart toplevel');
{
    local $SL::HTTP::via{ $httpd->{port} } = $top->{port};
    $ehr->settings(response_mode => 'form_post');
    my $window = $w->browser->window;
    $window->nav($ehr->base . '/');
    my $tokens = sub { return scalar grep { $_->{path} eq "/auth/token" } $ehr->log };
    my $one = $w->launch(window => $window, stop => 'authorize');
    $ehr->forget;
    my $posted = $window->submit(follow => 0);
    is $posted->code, 303, 'CBK-2 a form_post without its Lax cookie is sent on';
    is index($window->location, $w->url('/smart?code=')), 0, '… to the same address';
    is $tokens->(), 0, '… and nothing was done';
    is $posted->header('Set-Cookie'), undef, '… no cookie either';
    is $posted->header('Cache-Control'), 'no-store', '… nothing is stored';
    my $to = $window->location;
    is $window->nav($to)->code, 303, 'CBK-2 by GET the cookie comes along, and the launch is finished';
    is $tokens->(), 1, '… by one token call';
    my $stranger = $w->browser->window;
    is $stranger->nav($to)->code, 400, 'CBK-2 nobody else';
    my %query = URI->new($to)->query_form;
    my $forged = $stranger->post($w->url('/smart'), { code => 'x', state => 'x' x length $query{state} });
    is $forged->code, 400, 'CBK-1 a state that is none of ours is not sent on';
    is $stranger->post($w->url('/smart'), { code => 'x', state => $query{state} }, follow => 1)->code, 400,
        'CBK-2 nor does it help another browser';
    is $stranger->post($w->url('/smart'), { code => '+' x 16_000, state => $query{state} })->code, 400, 'CBK-11 too long for a request line';
    $ehr->settings(response_mode => 'query');
}
$top->expect_log('SL4305', 'SL4313');
$httpd->expect_log('SL4546', 'SL2106');
done();
