#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The way of a request through the gateway: who may ask, what the EHR is sent, what comes back, and
# the row it leaves.
# mpm: prefork sanitized
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::Gateway qw(next_of outcome);

my $w = world(start => 0, fpm => 0, ehr => { search => 1 });
my ($httpd, $ehr) = ($w->httpd, $w->ehr);
my $dir = $httpd->dir;
my $secret = 'this-is-what-only-the-nightly-job-knows';
spit("$dir/caller.secret", "$secret\n", 0600);
$httpd->{gateway} = <<"CONF";
        SmartCaller nightly file:$dir/caller.secret
        SmartSessionParam _smart_session _redox_session
        Require local
    </Location>
    <Location /fhir/sandbox/Schedule>
        Require all denied
    </Location>
    <Location /fhir/sandbox/Slot>
        Require all denied
        ErrorDocument 403 /index.html
CONF
$httpd->{after} = <<"CONF";
CustomLog "$dir/gateway.log" "%{SMART_USER}e|%{SMART_EHR}e|%{SMART_VIA}e|%{SMART_CALLER}e|%{SMART_RESOURCE}e|%{SMART_SESSION_PRINT}e|%{SMART_REFERENCE}e|%r"
CONF
$httpd->start;

my $l = $w->launch(login => 'alice');
my ($session, $patient) = @$l{qw(session patient)};
my $others = (grep { $_ ne $patient } @{ $ehr->patients })[0];

sub fhir { my ($method, $path, %arg) = @_; return $w->fhir($method => $path, session => $session, %arg) }

# What the EHR's FHIR server was asked since the last time.
sub asked {
    my @asked = $ehr->log('/fhir/');
    $ehr->forget;
    return @asked;
}

# A refusal: status, OperationOutcome with this code, and nothing was sent to the EHR.
sub refused {
    my ($response, $status, $code, $name) = @_;
    is $response->code, $status, "$name: $status" or diag $response->as_string;
    like eval { outcome($response) } // $@, qr/^error $code: \S.* Reference: [0-9A-Z]{5}-[0-9A-Z]{5}$/, '… an OperationOutcome';
    is scalar(asked()), 0, '… and nothing went to the EHR';
    return;
}

# Forwarding
asked();
my $answer = fhir(GET => "/Patient/$patient");
is $answer->code, 200, 'a read comes through' or diag $answer->as_string;
is json($answer)->{id}, $patient, '… the resource that was asked for';
my ($seen) = asked();
like $seen->{headers}{authorization}, qr/^Bearer \S+$/, 'FHR-1 the EHR gets the bearer';
is scalar(grep { lc eq 'authorization' } @{ $seen->{raw_headers} }), 1, '… once';
is scalar(grep { $_ eq 'Authorization' } @{ $seen->{raw_headers} }), 1, '… in that spelling';
is $seen->{headers}{accept}, 'application/fhir+json', 'FHR-6 and is asked for FHIR in JSON';
is $answer->header('Cache-Control'), 'no-store', 'FHR-9 nobody keeps the answer';
like $answer->header('ETag'), qr/^W\//, 'FHR-6 the ETag comes through';
is_deeply [ grep { /^(?:smart|x-forwarded|cookie)/i } keys %{ $seen->{headers} } ], [], 'FHR-8 nothing of ours goes there';

my @smuggled = (Authorization => 'Basic x', authorization => 'Bearer y', Cookie => 'PHPSESSID=1; __Host-smart=2',
    'X-Forwarded-For' => '10.1.1.1', Forwarded => 'for=10.1.1.1', Via => '1.1 x', 'X-HTTP-Method-Override' => 'DELETE',
    'X-Method-Override' => 'DELETE', 'X-HTTP-Method' => 'DELETE', Range => 'bytes=0-9', 'If-Range' => '"x"',
    'Proxy-Authorization' => 'Basic z', 'Proxy-Connection' => 'x', Referer => 'https://app.localhost/record?id=7',
    Smart_Patient => 'x', 'Smart.Foo' => 'x', 'X-Real-IP' => '10.1.1.1', Upgrade => 'websocket',
    Connection => 'close, Upgrade, X-Hop', 'X-Hop' => '1');
$answer = fhir(GET => "/Patient/$patient", headers => [ @smuggled, Prefer => 'return=minimal', 'If-None-Match' => 'W/"none"',
    Accept => 'application/json', 'Epic-Client-ID' => 'e1' ]);
is $answer->code, 200, 'FHR-8 a request with all that nobody should send' or diag $answer->as_string;
($seen) = asked();
is_deeply [ sort grep { !/^(?:host|connection|accept|accept-encoding|authorization|prefer|if-none-match|epic-client-id)$/ }
        keys %{ $seen->{headers} } ], [], '… loses it';
like $seen->{headers}{authorization}, qr/^Bearer (?!y$)\S+$/, 'FHR-1 … and has our bearer';
is_deeply [ @{ $seen->{headers} }{qw(prefer if-none-match accept accept-encoding epic-client-id)} ],
    [ 'return=minimal', 'W/"none"', 'application/json', 'identity', 'e1' ], 'FHR-6 … and keeps what is FHIR';

# HEAD, 304
my $etag = fhir(GET => "/Patient/$patient")->header('ETag');
$answer = fhir(HEAD => "/Patient/$patient");
is $answer->code, 200, 'HEAD';
isnt $answer->header('Content-Length') // '', '0', '… does not lie about the length';
$ehr->faults(fhir => { status => 304, headers => { ETag => $etag }, times => 1 });
$answer = fhir(GET => "/Patient/$patient", headers => [ 'If-None-Match' => $etag ]);
is_deeply [ $answer->code, $answer->header('ETag') ], [ 304, $etag ], 'FHR-6 304 with its ETag';
asked();

# Who asks
refused($w->fhir(GET => '/Patient/x'), 401, 'login', 'no session');
$answer = $w->fhir(GET => '/Patient/x');
is $answer->header('WWW-Authenticate'), 'Smart error="relaunch"', '… says what helps';
(my $forged = $session) =~ tr/A-Za-z/B-ZAb-za/;
refused($w->fhir(GET => '/Patient/x', session => $forged), 401, 'login', 'a forged session id');
refused($w->fhir(GET => '/Patient/x', session => $session, ehr => 'nobody'), 404, 'not-found', 'an EHR that is not there');
refused(fhir(GET => "/Patient/$patient", headers => [ 'Sec-Fetch-Site' => 'same-origin' ]), 403, 'forbidden',
    'a session id from a browser');
refused(fhir(GET => "/Patient/$patient", headers => [ Origin => $httpd->url ]), 403, 'forbidden', '… told by Origin');
refused(fhir(GET => "/Patient/$patient", caller => 'guessed-at-random'), 401, 'login', 'a wrong Smart-Caller');
refused($w->fhir(GET => "/Patient/$patient", user => 'alice', patient => $patient), 401, 'login', 'Smart-User without proof');
refused($w->fhir(GET => "/Patient/$patient", system => 'on', caller => $secret), 403, 'forbidden', 'the system token');
$answer = $w->fhir(GET => "/Patient/$patient", user => 'alice', patient => $patient, caller => $secret);
is $answer->code, 200, 'Smart-User by a caller that proves itself' or diag $answer->as_string;
asked();
refused($w->fhir(GET => "/Patient/$patient", user => 'bob', patient => $patient, caller => $secret), 401, 'login',
    'a user without a token');

# The session id as a parameter
for my $name (qw(_smart_session _redox_session _smart%5Fsession)) {
    $answer = $w->fhir(GET => "/Observation?patient=$patient&$name=$session&_count=1&access_token=abc");
    is $answer->code, 200, "$name" or diag $answer->as_string;
    ($seen) = asked();
    is $seen->{url} =~ s/.*\?//r, "patient=$patient&_count=1", 'FHR-3 … is taken out, and so is access_token';
}
refused(fhir(GET => "/Observation?patient=$patient&_smart_session=$forged"), 400, 'invalid', 'two sessions');
$answer = $w->fhir(POST => '/Observation/_search', form => { patient => $patient, _smart_session => $session });
is $answer->code, 200, 'a search by POST, its session in the form' or diag $answer->as_string;
($seen) = asked();
is $seen->{body}, "patient=$patient", '… which the EHR does not see';
is $seen->{headers}{'content-length'}, length $seen->{body}, '… and the length is right';
refused(fhir(POST => '/Observation/_search', form => { patient => $patient, _smart_session => $forged }), 400, 'invalid',
    'two sessions, one in the form');

# Where it may go
for my $path ("/../../control/log", '/%2e%2e/control/log', '/Patient/%2e%2e/%2e%2e/control/log', '/Patient/..%2f..%2fcontrol',
    '//ehr.localhost/x', '/@ehr.localhost/', '/Patient%5c..%5cx', '/Patient/%00x', '/Patient/a%0d%0ab', '/Patient/a b',
    '/Patient/..;/x') {
    (my $sent = $path) =~ s/ /%20/g;
    $answer = SL::HTTP::_parse(raw($httpd->gateway_url, "GET /fhir/sandbox$sent HTTP/1.1\r\nHost: x\r\nSmart-Session: $session\r\nConnection: close\r\n\r\n"), 'GET');
    like $answer->code, qr/^40[034]$/, "FHR-2 $sent stays below the base (" . $answer->code . ')';
    is scalar(asked()), 0, '… nothing went to the EHR';
}
my $foreign = $ehr->base;
$answer = SL::HTTP::_parse(raw($httpd->gateway_url, "GET $foreign/fhir/Patient/$patient HTTP/1.1\r\nHost: x\r\nSmart-Session: $session\r\nConnection: close\r\n\r\n"), 'GET');
isnt $answer->code, 200, 'FHR-2 the absolute form leads nowhere else';
is scalar(asked()), 0, '… nothing went to the EHR';
refused(fhir(PROPFIND => "/Patient/$patient"), 405, 'not-supported', 'a method FHIR does not have');
refused(fhir(TRACE => "/Patient/$patient"), 405, 'not-supported', 'TRACE');

# What is not allowed
refused(fhir(POST => '/Observation', json => { resourceType => 'Observation' }), 403, 'forbidden', 'a write');
refused(fhir(DELETE => "/Patient/$patient"), 403, 'forbidden', 'a delete');
refused(fhir(GET => "/Patient/$others"), 403, 'forbidden', "another patient's record");
refused(fhir(GET => "/Observation?patient=$others"), 403, 'forbidden', "a search for another patient's");
refused(fhir(POST => '/Observation/_search', form => { patient => $others }), 403, 'forbidden', '… by POST');

# Links
my @pages = $w->pages("/Observation?patient=$patient&_count=20", session => $session);
cmp_ok scalar(@pages), '>', 1, 'FHR-5 an app follows next through the gateway to the last page';
like next_of($pages[0]), qr/^\Q${\ $httpd->gateway_url }\E\/sandbox\//, '… which the links point at';
unlike $pages[0]->content, qr/"fullUrl":"\Q${\ $ehr->issuer }\E/, '… the entries, too';
asked();
for my $to ([ $ehr->issuer . '/Patient/1', $httpd->gateway_url . '/sandbox/Patient/1' ], [ 'https://other.example/x', 'https://other.example/x' ]) {
    $ehr->faults(fhir => { status => 302, redirect => $to->[0], headers => { 'Set-Cookie' => 'ehr=1', 'Content-Location' => $to->[0] }, times => 1 });
    $answer = fhir(GET => "/Patient/$patient");
    is $answer->code, 302, "FHR-4 a redirect to $to->[0] is not followed";
    is $answer->header('Location'), $to->[1], '… Location points back where it is the EHR\'s own';
    is $answer->header('Content-Location'), $to->[1], '… Content-Location likewise';
    is $answer->header('Set-Cookie'), undef, "FHR-8 the EHR's cookies stay with us";
}
$ehr->faults(fhir => { gzip => 1, times => 1 });
$answer = fhir(GET => "/Observation?patient=$patient&_count=5");
like $answer->content, qr/^\{.*\Q${\ $httpd->gateway_url }\E/, 'gzip that nobody asked for is unpacked, links point here';
is $answer->header('Content-Encoding'), undef, '… and nothing says otherwise';
$ehr->faults(fhir => { gzip => 1, times => 1 });
is fhir(HEAD => "/Patient/$patient")->header('Content-Encoding'), undef, '… HEAD says the same';
$ehr->faults();
asked();

# 401
$ehr->control('DELETE', 'counts');
$ehr->faults(fhir => { status => 401, times => 1 });
$answer = fhir(POST => '/Observation/_search', form => { patient => $patient, _count => 1 });
is $answer->code, 200, 'RFR-5 a 401 of the EHR is not seen by the caller' or diag $answer->as_string;
my @twice = asked();
is_deeply [ map { $_->{body} } @twice ], [ ($twice[0]{body}) x 2 ], '… the body went twice, the same';
isnt $twice[0]{headers}{authorization}, $twice[1]{headers}{authorization}, '… with another token';
is $twice[0]{connection}, $twice[1]{connection}, '… on the same connection';
is $ehr->control('GET', 'counts')->{refreshes}, 1, '… after one renewal';

my $m = $w->launch();
asked();
$ehr->control('DELETE', 'counts');
$ehr->faults(fhir => { status => 401, headers => { 'WWW-Authenticate' => 'Bearer realm="ehr"' } });
$answer = $w->fhir(GET => "/Patient/$patient", session => $m->{session});
is $answer->code, 401, 'RFR-5 401 for ever ends with 401' or diag $answer->as_string;
is $answer->header('WWW-Authenticate'), 'Smart error="relaunch"', '… that says what helps';
like outcome($answer), qr/^error login:/, '… an OperationOutcome';
is scalar(asked()), 2, '… after two tries';
is $ehr->control('GET', 'counts')->{refreshes}, 1, '… and one renewal';
$ehr->faults();

# An EHR that has a bad day
$ehr->faults(fhir => { status => 429, headers => { 'Retry-After' => '7' }, times => 1 });
$answer = fhir(GET => "/Patient/$patient");
is_deeply [ $answer->code, $answer->header('Retry-After') ], [ 429, 7 ], '429 and its Retry-After come through';
for my $status (403, 404, 500, 503) {
    $ehr->faults(fhir => { status => $status, body => '<html>no</html>', content_type => 'text/html', times => 1 });
    $answer = fhir(GET => "/Patient/$patient");
    is_deeply [ $answer->code, $answer->content ], [ $status, '<html>no</html>' ], "FHR-7 $status of the EHR comes through";
    like $answer->header('Content-Security-Policy'), qr/sandbox/, '… and is no page of ours';
}
asked();
$ehr->faults(fhir => { close => 'before', times => 1 });
is fhir(GET => "/Patient/$patient")->code, 200, 'a connection that was closed: a read is asked once more';
is scalar(asked()), 2, '… once';
$ehr->faults(fhir => { close => 'before' });
$answer = fhir(GET => "/Patient/$patient");
is $answer->code, 502, '… and not for ever';
like outcome($answer), qr/^error transient:/, '… then an OperationOutcome';
$ehr->faults(fhir => { truncate => 1, times => 1 });
my $cut = raw($httpd->gateway_url, "GET /fhir/sandbox/Observation?patient=$patient HTTP/1.1\r\nHost: x\r\nSmart-Session: $session\r\nConnection: close\r\n\r\n");
ok $cut =~ m{^HTTP/1.1 502} || $cut !~ /\r\n0\r\n\r\n\z/, 'an answer that is cut short is not made whole';
$ehr->faults();
asked();

# What httpd refuses by itself
refused(fhir(GET => "/Schedule/1"), 403, 'forbidden', 'what Require refuses');
refused(fhir(GET => "/Slot/1"), 403, 'forbidden', '… and an ErrorDocument does not hide');

# Rows
my @rows = $w->accesses(60);
my ($first) = @rows;
is_deeply [ @$first{qw(via app app_user ehr patient asked_patient method resource status)} ],
    [ 'session', 'app', 'alice', 'sandbox', $patient, $patient, 'GET', 'Patient', 200 ], 'a call leaves a row';
like $first->{session_print}, qr/^[0-9a-f]{32}$/, '… that names the session by its print';
cmp_ok $first->{bytes}, '>', 500, '… with its bytes';
ok defined $first->{ms}, '… and its time';
my ($by_user) = grep { $_->{via} eq 'user' && $_->{status} == 200 } @rows;
is $by_user->{caller}, 'nightly', '… and its caller';
my ($no_session) = grep { $_->{status} == 401 } @rows;
like $no_session->{reference}, qr/^[0-9A-Z]{5}-[0-9A-Z]{5}$/, 'a refused one leaves a row, too, with the reference';
my ($line) = grep { m{GET /fhir/} } split /\n/, slurp("$dir/gateway.log");
is $line, "alice|sandbox|session|-|Patient|$first->{session_print}|$first->{reference}|GET /fhir/sandbox/Patient/$patient HTTP/1.1", '%{SMART_…}e for CustomLog';

# Secrets
my $logs = join '', map { slurp("$dir/$_") } qw(gateway.log error.log access.log);
unlike $logs, qr/\Q$session\E|\Q$secret\E/, 'no log has a session id or a secret';
unlike $logs, qr/Bearer|access_token=/, 'or a token';

$httpd->allow_log(qw(SL2606 AH00898 SL5801 SL5802 SL5803 SL5804 SL5806 SL5807 SL5809 SL5811 SL5820 SL5832 SL5834 SL5841 SL2601 SL2602
    AH01102 AH01110 AH01630 AH10244 AH00127));
done();
