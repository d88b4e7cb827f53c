#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# An EHR that cannot be reached, that shows a certificate of a stranger, that says 401 and 403 in every
# way there is; and callers who try what a careful one would not.
# mpm: prefork sanitized
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use IO::Socket::INET;

my $w = world(fpm => 0, ehr => { search => 1 }, ehr_block => 'SmartOutbound connect=3s timeout=60s', gateway => <<'CONF');
        Require local
    </Location>
    <Location /writes>
        SmartGateway on
        SmartWrites on
        SmartPatientGuard off
        SmartReplay 8K
        Require local
CONF
my ($httpd, $ehr) = ($w->httpd, $w->ehr);
my $host = $httpd->gateway_url =~ s{/fhir\z}{}r;
my $l = $w->launch(login => 'alice');
my ($session, $patient) = @$l{qw(session patient)};
my @json = ('Content-Type' => 'application/fhir+json');
my @form = ('Content-Type' => 'application/x-www-form-urlencoded');

sub fhir { my ($method, $path, %arg) = @_; return $w->fhir($method, $path, session => $session, %arg) }
sub asked { my @asked = $ehr->log('/fhir/'); $ehr->forget; return @asked }

sub at {
    my ($where, $method, $path, $headers, $body) = @_;
    return request($method, "$host/$where/sandbox$path", headers => [ 'Smart-Session' => $session, @{ $headers || [] } ], defined $body ? (body => $body) : ());
}

# A refusal of ours, of which the EHR heard nothing.
sub refused {
    my ($answer, $status, $name) = @_;
    like $answer->code, $status, "$name: " . $answer->code or diag $answer->as_string;
    like eval { outcome($answer) } // $@, qr/^error \S+: .*Reference: [0-9A-Z]{5}-[0-9A-Z]{5}$/, '… an OperationOutcome';
    is scalar(asked()), 0, '… nothing went to the EHR';
    return;
}

asked();

# 401, however it is said (FHR-7): one renewal, one more try, the caller sees none of it.
my %ways = (
    'with a challenge' => { headers => { 'WWW-Authenticate' => 'Bearer error="invalid_token"' }, body => '' },
    'with nothing at all' => { body => '' }, 'as text' => { body => 'Unauthorized', content_type => 'text/plain' },
    'as a page' => { body => '<html>login</html>', content_type => 'text/html', headers => { 'Set-Cookie' => 'a=b' } },
    'as FHIR' => { body => '{"resourceType":"OperationOutcome","issue":[]}', content_type => 'application/fhir+json' },
    'in chunks' => { body => 'x' x 100_000, content_type => 'text/plain', content_length => undef },
    'compressed' => { body => '{"no":1}', gzip => \1, content_type => 'application/json' },
);
for my $name (sort keys %ways) {
    my $m = $w->launch(patient => $patient, window => $w->browser->frame($ehr->base . '/'));
    asked();
    $ehr->forget_counts;
    $ehr->faults(fhir => { status => 401, times => 1, %{ $ways{$name} } });
    my $answer = $w->fhir(GET => "/Patient/$patient", session => $m->{session});
    is_deeply [ $answer->code, eval { json($answer)->{id} } ], [ 200, $patient ], "FHR-7 401 $name: not seen by the caller" or diag $answer->as_string;
    is_deeply [ map { $answer->header($_) } qw(WWW-Authenticate Set-Cookie Content-Encoding) ], [], '… nor anything of it';
    is_deeply [ scalar(asked()), $ehr->counts->{refreshes} ], [ 2, 1 ], '… after one renewal and one more try';
}

# 403 is the EHR's last word: no renewal, no second try.
$ehr->forget_counts;
for my $way ({ body => '' }, { body => 'insufficient scope', content_type => 'text/plain', headers => { 'WWW-Authenticate' => 'Bearer error="insufficient_scope"' } }) {
    $ehr->faults(fhir => { status => 403, %$way });
    my $answer = fhir(GET => "/Patient/$patient");
    is_deeply [ $answer->code, $answer->content ], [ 403, $way->{body} ], 'FHR-7 403 comes through';
    is_deeply [ scalar(asked()), $ehr->counts->{refreshes} ], [ 1, 0 ], '… no renewal, no second try';
}
$ehr->faults(fhir => { status => 429, body => '' });
my $busy = fhir(GET => "/Patient/$patient");
is_deeply [ $busy->code, scalar $busy->header('Retry-After') ], [ 429, undef ], '429 without Retry-After comes through as it is';
is scalar(asked()), 1, '… and is not tried again';
$ehr->faults(fhir => { status => 200, body => '<html><form action="/login">', content_type => 'text/html' });
my $login = fhir(GET => "/Patient/$patient");
is $login->content, '<html><form action="/login">', 'FHR-7 a login page with 200 comes through';
like $login->header('Content-Security-Policy'), qr/sandbox/, '… and is no page of ours';
$ehr->faults;
asked();

# What goes up and comes down (FHR-6).
my @up = ('If-Match' => 'W/"3"', 'If-None-Exist' => 'identifier=a|1', 'If-Modified-Since' => 'Sat, 01 Jan 2000 00:00:00 GMT', Prefer => 'return=minimal');
for my $method (qw(PUT PATCH DELETE POST)) {
    $ehr->faults(fhir => { status => 200, body => '{}', content_type => 'application/fhir+json', times => 1,
        headers => { 'Last-Modified' => 'Sat, 01 Jan 2000 00:00:00 GMT', ETag => 'W/"4"', 'X-Request-Id' => 'r1' } });
    my @type = ('Content-Type' => $method eq 'PATCH' ? 'application/json-patch+json' : 'application/fhir+json; charset=UTF-8');
    my $answer = at(writes => $method, '/Basic' . ('/1' x ($method ne 'POST')), [ @up, @type ], '[]');
    is $answer->code, 200, "FHR-6 $method" or diag $answer->as_string;
    my ($seen) = asked();
    is_deeply [ @{$seen}{qw(method body)}, map { $seen->{headers}{$_} } qw(if-match if-none-exist if-modified-since prefer content-type) ],
        [ $method, '[]', @up[ 1, 3, 5, 7 ], $type[1] ], '… as it was sent';
    is_deeply [ map { $answer->header($_) } qw(Last-Modified ETag X-Request-Id) ], [ 'Sat, 01 Jan 2000 00:00:00 GMT', 'W/"4"', 'r1' ], '… and answered';
}
$ehr->faults;

# Connection: names of ours, and of what we add.
for my $named ('Authorization', 'authorization, Accept', 'Smart-Session', 'Host', 'Content-Length', ', Authorization,, ,x') {
    $ehr->forget_counts;
    my $answer = fhir(GET => "/Patient/$patient", headers => [ Connection => "$named, close", 'Keep-Alive' => '5', TE => 'trailers' ], timeout => 30);
    my @seen = asked();
    is $answer->code, 200, "FHR-1 Connection: $named: answered" or diag $answer->as_string;
    is_deeply [ map { ($_->{headers}{authorization} // '') =~ /^Bearer \S+$/ ? 1 : 0 } @seen ], [1], '… the EHR got its bearer, at once';
    is $ehr->counts->{refreshes}, 0, '… nothing was renewed for that';
}

# access_token in the query, in a form, in odd spellings (FHR-3).
for my $name ('access_token', 'access%5Ftoken') {
    fhir(GET => "/Condition?patient=$patient&$name=abc");
    is_deeply [ map { $_->{url} =~ /abc/ ? 1 : 0 } asked() ], [0], "FHR-3 $name in the query does not reach the EHR";
    fhir(POST => '/Condition/_search', headers => \@form, body => "patient=$patient&$name=abc&_count=1");
    is_deeply [ map { $_->{body} } asked() ], ["patient=$patient&_count=1"], '… nor in a form';
}

# Two sessions, in all places.
my $m = $w->launch(patient => $patient, window => $w->browser->frame($ehr->base . '/'));
asked();
refused(fhir(GET => "/Patient/$patient", headers => [ 'Smart-Session' => $m->{session} ]), qr/^40[01]$/, 'Smart-Session twice');
refused($w->fhir(GET => "/Patient/$patient?_smart_session=$session&_smart_session=$m->{session}"), qr/^400$/, 'two parameters');
is $w->fhir(GET => "/Patient/$patient?_smart_session=$session&_smart_session=$session")->code, 200, '… the same twice is one';
asked();

# Paths (FHR-2): what no client library sends, byte for byte.
for my $path ('/Patient/%252e%252e/%252e%252e/control/log', '/Patient/..', '/.', '/Patient/%2E%2E%2F%2E%2E', '\\..\\control', '/Patient\\..\\..\\control',
    '/%2F%2Fehr.localhost/x', '//', '/https://other.example/x', '/Patient/x%00.json', '/Patient/x%0a', '/Patient/x%0d%0aAuthorization:%20a',
    '/Patient/x%23a', '/Patient/x%3f_id=1', ';@other.example/', '@other.example/', ':443@other.example/', '/Patient/' . 'a' x 9000, '/Patient/%zz', '/Patient/%') {
    for my $where ('fhir', 'writes') {
        my $answer = raw($host, "GET /$where/sandbox$path HTTP/1.1\r\nHost: x\r\nSmart-Session: $session\r\nConnection: close\r\n\r\n");
        my @seen = map { $_->{url} } $ehr->log;
        $ehr->forget;
        my $name = length $path > 100 ? substr($path, 0, 20) . '…' : $path;
        like $answer, qr{^HTTP/1\.1 (?:40[034]|414) }, "FHR-2 /$where/sandbox$name stays here";
        is_deeply [ grep { !m{^/fhir/(?!.*(?:\.\.|//|%2[ef]|%5c|%0|%25|\\))} } @seen ], [], '… nor did the EHR hear of anything above its base' or diag "@seen";
        $where eq 'fhir' and is_deeply \@seen, [], '… nor, where a patient is guarded, of anything';
    }
}
my $text = "http://other.example/fhir/sandbox/Patient/$patient";
my $absolute = raw($host, "GET $text HTTP/1.1\r\nHost: other.example\r\nSmart-Session: $session\r\nConnection: close\r\n\r\n");
my ($to) = asked();
ok $absolute =~ m{^HTTP/1\.1 4} || $to->{headers}{host} =~ /^localhost:/, 'FHR-2 the absolute form of our own path goes to the EHR or nowhere';

# Bodies.
my $two_mb = '{"resourceType":"Basic","x":"' . 'x' x 2_000_000 . '"}';
$ehr->faults(fhir => { status => 201, body => '{}', content_type => 'application/fhir+json', times => 1 });
my ($rc, $said) = do {
    my $file = spit($httpd->dir . '/body.json', $two_mb);
    capture('curl', '-sS', '-m', '60', '-o', '/dev/null', '-w', '%{http_code}', '-H', "Smart-Session: $session", '-H', 'Expect: 100-continue',
        '-H', 'Content-Type: application/fhir+json', '--data-binary', "\@$file", "$host/writes/sandbox/Basic");
};
is "$rc $said", '0 201', 'FHR-6 curl sends 2 MB and waits for 100 Continue first';
ok((asked())[0]{body} eq $two_mb, '… which arrive whole');

# A certificate that the administrator's own section for this EHR does not trust: no bytes go there.
my $base = $ehr->issuer;
my $strangers = SL::TLS::dir() . '/strangers-ca.pem';
my %plain = (extra => $httpd->{extra});
$httpd->{extra} = "<Proxy \"$base\">\nSSLProxyEngine on\nSSLProxyVerify require\nSSLProxyCACertificateFile $strangers\n</Proxy>\n";
$httpd->write_config;
$httpd->restart;
asked();
refused(fhir(GET => "/Patient/$patient"), qr/^502$/, 'TKR-3 a certificate of a stranger');
refused(at(writes => 'POST', '/Basic', \@json, '{}'), qr/^502$/, '… a write likewise');
$httpd->{extra} = $plain{extra} // '';
$httpd->write_config;
$httpd->restart;
is fhir(GET => "/Patient/$patient")->code, 200, '… and all is well when it is put right';

# Nobody listens, and nobody takes the call. A listener that never accepts, its queue full.
my $port = $ehr->{port};
$ehr->stop;
sub unreachable {
    my ($answer, $status, $code, $name) = @_;
    is $answer->code, $status, "$name: $status" or diag $answer->as_string;
    like eval { outcome($answer) } // $@, qr/^error $code: .*Reference: /, '… an OperationOutcome';
    unlike $answer->content, qr/localhost|127\.0\.0\.1|:$port/, '… that does not say where the EHR is';
    return;
}
unreachable(fhir(GET => "/Patient/$patient"), 502, 'transient', 'an EHR where nobody listens');
unreachable(at(writes => 'POST', '/Basic', \@json, '{}'), 502, 'transient', '… for a write');
my @full;
{
    my $deaf = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 1, ReuseAddr => 1) or die "listen: $@";
    push @full, $deaf;
    for (1 .. 8) {
        my $filler = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Blocking => 0);
        push @full, $filler if $filler;
    }
}
unreachable(fhir(GET => "/Patient/$patient"), 504, 'timeout', 'an EHR that takes no connection in the time of SmartOutbound connect=');
@full = ();

unlike $httpd->error_log . $httpd->access_log, qr/\Q$session\E|Bearer/, 'no log has a session id or a token';
is_deeply [ grep { /SL\d{4}:.*\Q$patient\E/ } split /\n/, $httpd->error_log ], [], '… nor has a line of ours a patient';
$httpd->allow_log(qw(SL2603 SL5801 SL5802 SL5804 SL5805 SL5813 SL5819 SL5820 SL5821 SL5832 SL5841 SL2601 SL2602 AH00898 AH01084 AH01097 AH01102 AH02039
    AH02411 AH00950 AH00957 AH00958 AH00959 AH00961 AH01114 AH01961 AH10244 AH00127 AH10508 AH00026 AH01086 AH01095 AH01587 AH01588));
done();
