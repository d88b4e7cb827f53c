#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The authorize request: what the browser is sent to the EHR with.
# mpm: prefork sanitized
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::Odd;
use SL::Refused;
use Digest::SHA qw(sha256);
use MIME::Base64 qw(encode_base64url);
use URI::Escape qw(uri_escape uri_escape_utf8 uri_unescape);

my $odd = SL::Odd->new;
my $known = '/.well-known/smart-configuration';
my $long = 'launch openid fhirUser launch/patient?role=a patient/Observation.rs?category=http%3A%2F%2Fx%7Cvital-signs&status=final'
    . ' user/*.cruds system/Patient.read https://ns.example/scope?a=b&c=%25 __odd:one|two';
my $endpoint = $odd->url('/as/authorize');
my @stored = ("SmartEndpoint authorize $endpoint", 'SmartEndpoint token ' . $odd->url('/as/token'));
my @blocks = (
    $odd->block('bare', $odd->url('/bare'), @stored, 'SmartScope "patient/Patient.rs"'),
    $odd->block('wide', $odd->url('/wide'), @stored, qq(SmartScope "$long")),
    $odd->block('query', $odd->url('/query'), "SmartEndpoint authorize $endpoint?tenant=a%20b&x=", $stored[1]),
    $odd->block('strip', $odd->url('/strip/'), @stored, 'SmartAud strip-slash'),
    $odd->block('no-aud', $odd->url('/no-aud'), @stored, 'SmartAud none'),
    $odd->block('own-aud', $odd->url('/own-aud'), @stored, 'SmartAud https://aud.example/fhir?a=b'),
    $odd->block('no-pkce', $odd->url('/no-pkce'), @stored, 'SmartPKCE off'),
    $odd->block('moved', $odd->url('/moved')),
);
my $w = world(extra => join('', @blocks), fpm => 0);

sub visit {
    my ($iss, $launch, %opt) = @_;
    my $window = $opt{window} || $w->browser->window;
    return $window->nav($w->url('/smart?iss=' . uri_escape_utf8($iss) . '&launch=' . uri_escape_utf8($launch // 'abc'))
        . ($opt{more} // ''));
}

# The parameters as they stand in the query, in order, once each.
sub params {
    my ($response) = @_;
    my ($query) = $response->header('Location') =~ /\?([^#]*)/;
    my @pairs = map { [ split /=/, $_, 2 ] } split /&/, $query;
    my %all = map { $_->[0] => uri_unescape($_->[1]) } @pairs;
    is scalar(keys %all), scalar(@pairs), 'AZR-1 no parameter is given twice' if keys %all != @pairs;
    return \%all;
}

my $l = $w->launch;
my $asked = params($l->{start});
my $scope = 'launch openid fhirUser offline_access patient/*.rs';
is $l->{callback}->code, 303, 'AZR-1 a strict authorization server takes the request';
like $l->{start}->header('Location'), qr/^\Q@{[ $w->ehr->auth ]}\E\/authorize\?[!-~]+$/, 'AZR-1 at the endpoint, well escaped';
is $asked->{response_type}, 'code', 'AZR-1 response_type';
is $asked->{client_id}, 'app-basic', 'AZR-1 client_id as configured';
is $asked->{redirect_uri}, $w->url('/smart'), 'AZR-1 redirect_uri is SmartPublicURL and the path, nothing more';
is $asked->{aud}, $w->ehr->issuer, 'AZR-3 aud is the FHIR base';
is $asked->{launch}, $l->{launch}, 'AZR-4 launch as it came';
is $asked->{scope}, $scope, 'AZR-5 scope as configured';
is $asked->{code_challenge_method}, 'S256', 'AZR-6 PKCE by S256';
ok !exists $asked->{max_age} && !exists $asked->{nonce} && !exists $asked->{prompt}, 'AZR-9 no max_age, nor anything optional';
for my $foreign ([ Host => 'evil.example' ], [ 'X-Forwarded-Host' => 'evil.example' ], [ Forwarded => 'host=evil.example;proto=http' ],
    [ 'X-Forwarded-Proto' => 'http' ])
{
    my $response = request('GET', $w->url('/smart?launch=a&iss=' . uri_escape_utf8($w->ehr->issuer)), headers => $foreign);
    is params($response)->{redirect_uri}, $w->url('/smart'), "AZR-1 REG-1 redirect_uri whatever $foreign->[0] says";
}

# aud
is params(visit($w->ehr->issuer . '/'))->{aud}, $w->ehr->issuer . '/', 'AZR-3 byte for byte: a slash stays';
is params(visit($odd->url('/bare') =~ s/ehr/EHR/r))->{aud}, $odd->url('/bare') =~ s/ehr/EHR/r, 'AZR-3 and capitals do';
is params(visit($odd->url('/strip/')))->{aud}, $odd->url('/strip'), 'AZR-3 SmartAud strip-slash';
ok !exists params(visit($odd->url('/no-aud')))->{aud}, 'AZR-3 SmartAud none';
is params(visit($odd->url('/own-aud')))->{aud}, 'https://aud.example/fhir?a=b', 'AZR-3 SmartAud URL';

# scope
is params(visit($odd->url('/bare')))->{scope}, 'launch patient/Patient.rs', 'AZR-4 the scope launch is added where it was forgotten';
is params(visit($odd->url('/bare')))->{scope}, 'launch patient/Patient.rs', 'AZR-10 and nothing else is';
my $wide = visit($odd->url('/wide'));
is params($wide)->{scope}, $long, 'AZR-5 every character of a scope survives';
unlike $wide->header('Location') =~ s/.*[?&]scope=([^&]*).*/$1/r, qr/[+ |?*]/, 'AZR-5 because it is escaped';

# The endpoint's own query.
my $with = visit($odd->url('/query'))->header('Location');
like $with, qr/^\Q$endpoint?tenant=a%20b&x=&response_type=code&\E/, 'AZR-7 appended to a query that is there already';
unlike $with, qr/#|\?.*\?/, 'AZR-7 no fragment, one question mark';

# SmartPKCE off
my $off = params(visit($odd->url('/no-pkce')));
ok !exists $off->{code_challenge} && !exists $off->{code_challenge_method}, 'AZR-6 PKCE is off only where it is switched off';

# Who was asked gets the code: another document in mid-flow changes nothing.
my @bodies = map { { authorization_endpoint => $endpoint, token_endpoint => $odd->url("/as/$_") } } qw(first second);
$odd->route("/moved$known" => { body => $bodies[0] }, '/as/first' => { status => 400, body => { error => 'invalid_client' } },
    '/as/second' => { status => 400, body => { error => 'invalid_grant' } });
my ($early, $other, $late) = map { { window => $w->browser->window } } 1 .. 3;
$_->{start} = visit($odd->url('/moved'), 'a', window => $_->{window}) for $early, $other;
sub come_back {
    my ($one) = @_;
    my $state = params($one->{start})->{state};
    return $one->{window}->nav($w->url("/smart?code=abc&state=$state&token_endpoint=" . uri_escape($odd->url('/as/third'))));
}
refused($w, come_back($other), 502, 'SL2136', 'AZR-12 a token endpoint that has forgotten us', step => 'token');
$odd->route("/moved$known" => { body => $bodies[1] });
$late->{start} = visit($odd->url('/moved'), 'a', window => $late->{window});
$odd->forget;
refused($w, come_back($early), 502, 'SL2136', 'AZR-12 a launch that began before the document changed');
is_deeply [ map { $_->{path} } $odd->log ], ['/as/first'], 'AZR-12 takes its code where it was when it began';
$odd->forget;
refused($w, come_back($late), 502, 'SL2136', 'AZR-12 a launch that began afterwards');
is_deeply [ map { $_->{path} } $odd->log ], ['/as/second'], 'AZR-12 takes its code to the new endpoint';
my $sealed = $w->pg->value('SELECT count(*) FROM smartlaunch.launch WHERE state = ? AND octet_length(pending_sealed) > 100', 'pending');
cmp_ok $sealed, '>', 0, 'AZR-12 what a launch needs later is stored with it';
unlike join('', $w->pg->dump), qr{as/first|as/second|code_verifier}, 'AZR-12 and sealed';

# Nothing makes us an open redirector.
for my $to ('//evil.example', 'https:evil.example', '\\\\evil.example', '/%0d%0aLocation:%20https://evil.example', "/a\r\nX: y",
    'https://evil.example', '/\\evil.example', '%2f%2fevil.example', 'javascript:alert(1)')
{
    my $escaped = uri_escape($to);
    my $more = join '', map { "&$_=$escaped" } qw(return return_to redirect redirect_uri target next url RelayState goto state);
    my $start = visit($w->ehr->issuer, 'abc', more => $more);
    like $start->header('Location'), qr/^\Q@{[ $w->ehr->auth ]}\E\/authorize\?/, "AZR-13 a launch goes to the EHR only: $to" =~ s/\s+/ /gr;
    unlike $start->as_string, qr/evil|alert\(1\)|^X: y/m, 'AZR-13 and the parameter leads nowhere';
}

# Fresh every time: over all processes, a thousand launches.
my $iss = uri_escape_utf8($odd->url('/bare'));
my @sets = many(4, sub {
    my @got = map { request('GET', $w->url("/smart?iss=$iss&launch=a"))->header('Location') } 1 .. 250;
    return [ map { [ /[?&]state=([^&]*)/, /[?&]code_challenge=([^&]*)/ ] } @got ];
});
my @all = map { @$_ } @sets;
my (%state, %half, %challenge);
for (@all) {
    $state{ $_->[0] }++;
    $half{$_}++ for substr($_->[0], 0, 11), substr $_->[0], 11, 11;
    $challenge{ $_->[1] }++;
}
is scalar(@all), 1000, 'AZR-2 a thousand launches over all children';
is scalar(keys %state), 1000, 'AZR-2 no state comes twice';
cmp_ok scalar(keys %half), '>=', 1999, 'AZR-2 nor does a part of one';
is_deeply [ grep { !/^[A-Za-z0-9_-]{22,}$/ } keys %state ], [], 'AZR-2 each is at least 22 characters that URLs like';
is scalar(keys %challenge), 1000, 'AZR-6 no verifier comes twice';
my %letter;
$letter{$_}++ for map { split //, substr $_, 0, 20 } keys %state;
is scalar(keys %letter), 64, 'AZR-2 of all 64 letters';
cmp_ok((sort { $a <=> $b } values %letter)[0], '>', 200, 'AZR-2 each about as often (20000 / 64)');

# The verifier fits the challenge.
$w->ehr->forget;
my @challenges = map { params($w->launch(patient => $_)->{start})->{code_challenge} } @{ $w->ehr->patients }[ 0 .. 4 ];
my @verifiers = map { $_->{form}{code_verifier} } $w->ehr->log('/auth/token');
is_deeply \@challenges, [ map { encode_base64url(sha256($_)) } @verifiers ], 'AZR-6 code_challenge is the SHA-256 of the later verifier';
is_deeply [ grep { !/^[A-Za-z0-9._~-]{43,128}$/ } @verifiers ], [], 'AZR-6 which has 43 characters at least';

done();
