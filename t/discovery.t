#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Where an EHR's endpoints are: its smart-configuration, asked once, believed with care.
# mpm: prefork sanitized
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::Odd;
use SL::Refused;
use Time::HiRes qw(time);
use URI::Escape qw(uri_escape_utf8);

my $odd = SL::Odd->new;
my $known = '/.well-known/smart-configuration';

# Every EHR below is a path of the odd server, so that each has a discovery of its own.
my (%base, @blocks);
sub ehr {
    my ($name, %opt) = @_;
    $base{$name} = $odd->url($opt{path} // "/$name", %opt);
    push @blocks, $odd->block($name, $base{$name}, @{ $opt{lines} || [] });
    return;
}
my %good = (authorization_endpoint => $odd->url('/as/authorize'), token_endpoint => $odd->url('/as/token'));
sub document { return { %good, code_challenge_methods_supported => ['S256'], @_ } }

ehr($_) for qw(plain minimal junk absolute relative unlisted no-pkce plain-pkce methods request type many negative
    forgotten);
ehr('slash', path => '/slash/');
ehr('stored', lines => [ "SmartEndpoint authorize $good{authorization_endpoint}", "SmartEndpoint token $good{token_endpoint}" ]);

# What is no discovery document: name => [answer, status, log id].
my %bad = (
    'not-found' => [ { status => 404 }, 502, 'SL4602' ],
    'server-error' => [ { status => 500, body => document() }, 502, 'SL4602' ],
    'unauthorized' => [ { status => 401 }, 502, 'SL4602' ],
    'no-content' => [ { status => 204 }, 502, 'SL4602' ],
    'busy' => [ { status => 503, headers => { 'Retry-After' => '7' } }, 503, 'SL4602' ],
    'too-many' => [ { status => 429, headers => { 'Retry-After' => '9' } }, 503, 'SL4602' ],
    'redirect-here' => [ { status => 302, headers => { Location => "/plain$known" } }, 502, 'SL4602' ],
    'redirect-away' => [ { status => 307, headers => { Location => $odd->url("/plain$known", listener => 'plain') } }, 502, 'SL4602' ],
    'html' => [ { body => '<!DOCTYPE html><title>Welcome</title>' }, 502, 'SL2061' ],
    'empty' => [ { body => '' }, 502, 'SL2061' ],
    'list' => [ { body => [ document() ] }, 502, 'SL2061' ],
    'null' => [ { body => 'null' }, 502, 'SL2061' ],
    'text' => [ { body => '"https://ehr.localhost/"' }, 502, 'SL2061' ],
    'cut' => [ { body => '{"authorization_endpoint":"https://ehr.loc' }, 502, 'SL2061' ],
    'nul' => [ { body => "{\"authorization_endpoint\":\"$good{authorization_endpoint}\",\"token_endpoint\":\"$good{token_endpoint}\"}\0" },
        502, 'SL2061' ],
    'deep' => [ { body => '{"a":' . '[' x 1000 . ']' x 1000 . '}' }, 502, 'SL2061' ],
    'big' => [ { body => 'x' x 1024, repeat => 257 }, 502, 'SL3504' ],
    'huge' => [ { body => 'x' x 65536, repeat => 256 }, 502, 'SL3504' ],
    'no-token' => [ { body => { authorization_endpoint => $good{authorization_endpoint} } }, 502, 'SL2062' ],
    'no-authorize' => [ { body => { token_endpoint => $good{token_endpoint} } }, 502, 'SL2062' ],
    'http-token' => [ { body => document(token_endpoint => $odd->url('/as/token', listener => 'plain')) }, 502, 'SL2062' ],
    'http-authorize' => [ { body => document(authorization_endpoint => 'http://ehr.localhost/a') }, 502, 'SL2062' ],
    'user-token' => [ { body => document(token_endpoint => 'https://a:b@ehr.localhost/t') }, 502, 'SL2062' ],
    'script' => [ { body => document(authorization_endpoint => 'javascript:alert(1)') }, 502, 'SL2062' ],
    'fragment' => [ { body => document(authorization_endpoint => "$good{authorization_endpoint}#x") }, 502, 'SL2062' ],
    'number' => [ { body => document(token_endpoint => 1) }, 502, 'SL2062' ],
    'crlf' => [ { body => document(authorization_endpoint => "$good{authorization_endpoint}\r\nSet-Cookie: a=b") }, 502, 'SL2062' ],
    'never' => [ { hang => \1 }, 504, 'SL3505' ],
    'slow' => [ { delay_ms => 5000, body => document() }, 504, 'SL3505' ],
    'drip' => [ { drip_ms => 100, body => document() }, 504, 'SL3505' ],
    'closed' => [ { close => \1 }, 502, 'SL3510' ],
    'hidden-header' => [ { headers => { 'X-Long' => 'x' x 70_000 }, body => document() }, 502, qr/SL35(?:04|10)/ ],
);
ehr($_, $bad{$_}[1] == 504 ? (lines => ['SmartOutbound timeout=1s']) : ()) for sort keys %bad;
ehr('nobody', lines => []);
$base{nobody} = 'https://ehr.localhost:' . free_port() . '/nobody';
$blocks[-1] = $odd->block('nobody', $base{nobody});
ehr('stranger', listener => 'stranger');
ehr('expired', listener => 'expired');
ehr('old', listener => 'old');
ehr('wrong-host', host => 'wrong.localhost');
ehr('no-tls', listener => 'plain', scheme => 'https');

my $w = world(extra => join('', @blocks), fpm => 0);

sub visit {
    my ($name, %opt) = @_;
    my $iss = uri_escape_utf8($opt{iss} // $base{$name});
    return $w->browser->window->nav($w->url("/smart?iss=$iss&launch=abc" . ($opt{more} // '')));
}

sub goes_to {
    my ($response) = @_;
    return ($response->header('Location') // '') =~ s/\?.*//r;
}

# Where it is asked for, and how.
$odd->route("/$_$known" => { body => document() }) for qw(plain slash request);
is goes_to(visit('plain')), $good{authorization_endpoint}, 'DIS-1 the launch goes where the document says';
my ($asked, @more) = $odd->log;
is $asked->{path}, "/plain$known", 'DIS-1 it is below the FHIR base, which has a path';
is $asked->{method}, 'GET', 'DIS-1 asked for by GET';
is $asked->{headers}{accept}, 'application/json', 'DIS-1 as JSON';
is_deeply [ @{ $asked->{headers} }{qw(authorization cookie referer)}, $asked->{query}, $asked->{body}, @more ],
    [ undef, undef, undef, '', '' ], 'DIS-1 once, and nothing else is told';
is goes_to(visit('slash')), $good{authorization_endpoint}, 'DIS-1 a base that ends in a slash';
is +($odd->log)[-1]{path}, "/slash$known", 'DIS-1 gets no second one';
visit('plain', iss => "$base{plain}/");
is scalar($odd->log("/plain$known")), 1, 'DIS-1 DIS-9 the slash of a launch makes no difference';

# Not from the request.
my $bent = visit('request', more => '&authorize_url=https%3A%2F%2Fevil.example&authorization_endpoint=https%3A%2F%2Fevil.example'
    . '&token_endpoint=https%3A%2F%2Fevil.example&token_url=https%3A%2F%2Fevil.example');
is goes_to($bent), $good{authorization_endpoint}, 'DIS-2 endpoints in the request have no effect';
unlike $bent->as_string, qr/evil/, 'DIS-2 and do not come back';

# Forms of a good document.
$odd->route("/absolute$known" => { body => document(authorization_endpoint => '/auth/authorize', token_endpoint => '/auth/token') });
is goes_to(visit('absolute')), $odd->url('/auth/authorize'), 'DIS-3 an endpoint that begins with a slash';
$odd->route("/relative$known" => { body => document(authorization_endpoint => 'auth/authorize') });
is goes_to(visit('relative')), $odd->url('/relative/auth/authorize'), 'DIS-3 one that does not is below the FHIR base';
like $w->httpd->logged('SL2052'), qr/EHR relative/, 'DIS-3 and the log says so';
$odd->route("/minimal$known" => { body => {%good} });
is goes_to(visit('minimal')), $good{authorization_endpoint}, 'DIS-4 two members are enough';
$odd->route("/junk$known" => { body => document(capabilities => { a => [ 1, undef ] }, issuer => 7, jwks_uri => [],
    x => "\x{1F600}", '' => \0, revocation_endpoint => 'http://x', introspection_endpoint => {}) });
is goes_to(visit('junk')), $good{authorization_endpoint}, 'DIS-4 junk in other members does no harm';
$odd->route("/unlisted$known" => { body => document(scopes_supported => [ 'openid', 'patient/*.read' ]) });
like visit('unlisted')->header('Location'), qr/[?&]scope=launch&/, 'DIS-5 a scope is asked for that the document does not list';
$odd->route("/no-pkce$known" => { body => {%good} }, "/plain-pkce$known" =>
        { body => document(code_challenge_methods_supported => ['plain']) });
for my $name (qw(no-pkce plain-pkce)) {
    like visit($name)->header('Location'), qr/&code_challenge=[\w-]{43}&code_challenge_method=S256$/, "DIS-6 S256 all the same: $name";
    like $w->httpd->error_log, qr/SL2054: EHR $name: /, "DIS-6 and the log says so: $name";
}
$odd->route("/methods$known" => { body => document(token_endpoint_auth_methods_supported => ['private_key_jwt']) });
is visit('methods')->code, 302, 'DIS-7 an unlisted way of client authentication is tried';
like $w->httpd->error_log, qr/SL2055: EHR methods: .*none/, 'DIS-7 and the log says so';
$odd->route("/type$known" => { body => document(), headers => { 'Content-Type' => 'text/html' } });
is visit('type')->code, 302, 'DIS-8 the Content-Type does not matter when the body is right';

# Stored endpoints.
$odd->forget;
is goes_to(visit('stored')), $good{authorization_endpoint}, 'DIS-2 stored endpoints are used';
is_deeply [ $odd->log ], [], 'DIS-9 and nothing is asked for them';

# What is wrong.
$odd->route("/$_$known" => $bad{$_}[0]) for keys %bad;
for my $name (sort keys %bad) {
    my (undef, $status, $id) = @{ $bad{$name} };
    my $began = time;
    my $response = visit($name);
    if (ref $id) {
        ($id) = $w->httpd->error_log =~ /($id): localhost.*\n\z/;
    }
    refused($w, $response, $status, $id // '-', "DIS-8 $name", step => 'discovery', retry => $status == 503);
    cmp_ok time - $began, '<', 5, "DIS-8 $name: within the time-out" if $status == 504;
}
is visit('too-many')->header('Retry-After') // 0, 5, 'DIS-8 a busy EHR, known from a moment ago: come again soon';
$w->httpd->expect_log('SL4601');
is scalar($odd->log("/plain$known")), 0, 'DIS-8 no redirect was followed';
is $odd->connections('plain'), 0, 'DIS-8 TKR-3 nothing went out without TLS';
is_deeply [ grep { $_->{path} =~ m{^/as/} } $odd->log ], [], 'DIS-8 nothing was sent to authorize or token endpoints';
refused($w, visit('nobody'), 502, 'SL3506', 'DIS-8 nobody listens', step => 'discovery');
for my $case ([ stranger => qr/unable to get local issuer certificate|self-signed/ ], [ expired => qr/expired/ ],
    [ old => qr/TLS 1\.2/ ], [ 'wrong-host' => qr/not for this host/ ], [ 'no-tls' => qr/TLS 1\.2/ ])
{
    my ($name, $why) = @$case;
    refused($w, visit($name), 502, 'SL3508', "TKR-3 DIS-8 no trusted TLS: $name", step => 'discovery');
    like +(split /\n/, $w->httpd->error_log)[-1], qr/SL3508: .*(?:$why)/, "TKR-3 the log says why: $name";
}
is_deeply [ map { $_->{path} } grep { $_->{listener} ne 'good' || $_->{path} =~ /wrong-host/ } $odd->log ], [],
    'TKR-3 and no HTTP request left us';
is $w->pg->value('SELECT count(*) FROM smartlaunch.launch WHERE ehr = ANY(?)', [ keys %bad, qw(nobody stranger expired old) ]), 0,
    'DIS-8 no launch is under way that cannot go on';

# Once for all.
$odd->route("/many$known" => { body => document(), delay_ms => 300 });
my $many = uri_escape_utf8($base{many});
my @answers = many(50, sub { request('GET', $w->url("/smart?iss=$many&launch=a"))->code });
is_deeply [ grep { $_ != 302 } @answers ], [], 'DIS-9 fifty launches at once all go on' or diag "@answers";
is scalar($odd->log("/many$known")), 1, 'DIS-9 and one request was made';
$w->httpd->graceful;
is visit('many')->code, 302, 'DIS-9 a launch after a graceful restart';
is scalar($odd->log("/many$known")), 1, 'DIS-9 needs no other';

# A failure is remembered for a moment.
$odd->route("/negative$known" => { status => 500, delay_ms => 200 });
my $negative = uri_escape_utf8($base{negative});
@answers = many(20, sub { request('GET', $w->url("/smart?iss=$negative&launch=a"))->code });
is_deeply [ grep { $_ != 502 } @answers ], [], 'DIS-9 twenty launches at an EHR that is down' or diag "@answers";
is scalar($odd->log("/negative$known")), 1, 'DIS-9 made one request';
refused($w, visit('negative'), 502, 'SL4601', 'DIS-9 one more says that it is known', step => 'launch');
$odd->route("/negative$known" => { body => document() });
ok wait_for('the EHR to be asked again', sub { return visit('negative')->code == 302 }), 'DIS-9 soon it is asked again';
is scalar($odd->log("/negative$known")), 2, 'DIS-9 once';

# A token endpoint that is gone, or does not know us: perhaps it moved.
for my $case ([ 404, { status => 404 } ], [ 'invalid_client', { status => 401, body => { error => 'invalid_client' } } ]) {
    my ($what, $answer) = @$case;
    $odd->route("/forgotten$known" => { body => document() }, '/as/token' => $answer);
    $odd->forget;
    my $window = $w->browser->window;
    my %query = URI->new($window->nav($w->url('/smart?launch=a&iss=' . uri_escape_utf8($base{forgotten})))->header('Location'))->query_form;
    my $before = $odd->log("/forgotten$known");
    refused($w, $window->nav($w->url("/smart?code=x&state=$query{state}")), 502, 'SL2136', "DIS-9 $what at the token endpoint",
        step => 'token');
    is visit('forgotten')->code, 302, "DIS-9 $what: the next launch";
    is scalar($odd->log("/forgotten$known")), $before + 1, "DIS-9 $what: asks anew";
    visit('forgotten');
    is scalar($odd->log("/forgotten$known")), $before + 1, "DIS-9 $what: once";
}

done();
