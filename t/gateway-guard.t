#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The patient guard over the wire: what names another patient reaches the EHR in no spelling, body or
# header; what passes reaches it as it was judged; answers are proved where nothing else can tell.
# mpm: sanitized
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use Compress::Zlib qw(memGzip compress);
use IO::Socket::INET;

my $w = world(fpm => 0, ehr => { search => 1 }, ehr_block => 'SmartOutbound max=12', gateway => <<'CONF');
        Require local
    </Location>
    <Location /write>
        SmartGateway on
        SmartWrites on
        Require local
    </Location>
    <Location /open>
        SmartGateway on
        SmartPatientGuard off
        SmartWrites on
        Require local
    </Location>
    <Location /strict>
        SmartGateway on
        SmartWrites on
        SmartPatientGuard strict
        Require local
    </Location>
    AllowEncodedSlashes NoDecode
    <Location /encoded>
        SmartGateway on
        Require local
CONF
my ($httpd, $ehr) = ($w->httpd, $w->ehr);
my $host = $httpd->gateway_url =~ s{/fhir\z}{}r;
my ($p, $o) = @{ $ehr->patients }; # ours, and the other
my $l = $w->launch(login => 'alice', patient => $p);
my $base = $ehr->issuer;
my @json = ('Content-Type' => 'application/fhir+json');
my @form = ('Content-Type' => 'application/x-www-form-urlencoded');

sub asked { my @asked = $ehr->log('/fhir/'); $ehr->forget; return @asked }
sub code { return JSON::PP->new->canonical->utf8->encode($_[0]) }

# A request as it stands here: "POST /write/sandbox/Observation".
sub ask {
    my ($line, $headers, $body) = @_;
    my ($method, $path) = split / /, $line, 2;
    return request($method, "$host$path", headers => [ 'Smart-Session' => $l->{session}, @{ $headers || [] } ], defined $body ? (body => $body) : ());
}

sub short { return $_[0] =~ s{/sandbox}{}r =~ s/\Q$p\E/OURS/gr =~ s/\Q$o\E/OTHER/gr }

# 403 by a rule of the guard, and the EHR is not asked.
sub stops {
    my ($line, $headers, $body, $name) = @_;
    my $answer = ask($line, $headers, $body);
    my $said = $line =~ /^HEAD/ ? 'error: -' : eval { outcome($answer) } // 'no OperationOutcome';
    my $status = length($body // '') > 1 << 20 && $line =~ /_search/ ? 413 : 403; # a form is read in any case
    my @asked = asked();
    ok $answer->code == $status && $said =~ /^error/ && !@asked && $said !~ /\Q$o\E/,
        'stops: ' . short($line) . ($name ? ", $name" : '')
        or diag $answer->as_string, map { "asked: $_->{method} $_->{url}\n" } @asked;
    return;
}

# The EHR answers, and was asked exactly this.
sub passes {
    my ($line, $headers, $body, $name) = @_;
    my ($method, $path) = split / /, $line, 2;
    my $answer = ask($line, $headers, $body);
    my @asked = asked();
    my $sent = $path =~ s{^/\w+/sandbox}{/fhir}r;
    my $same = @asked == 1 && $asked[0]{method} eq $method && $asked[0]{url} eq $sent && ($asked[0]{body} // '') eq ($body // '');
    ok $answer->code =~ /^20/ && $same, 'passes: ' . short($line) . ($name ? ", $name" : '')
        or diag $answer->as_string, map { "asked: $_->{method} $_->{url} $_->{body}\n" } @asked;
    return $asked[0];
}

# The EHR says yes to everything, so that it is the guard alone that says no.
sub says { my ($answer, %more) = @_; return $ehr->faults(fhir => { status => 200, body => ref $answer ? code($answer) : $answer, content_type => 'application/fhir+json', %more }) }
says({ resourceType => 'OperationOutcome', issue => [] });
asked();

# Paths and queries
passes("GET /fhir/sandbox/$_") for "Patient/$p", "Patient?_id=$p", "Observation?patient=$p&code=1", "Observation?subject=Patient/$p",
    "Observation?subject:Patient=$p", "Patient/$p/Observation?code=1", "Observation/o1", 'metadata', 'Practitioner?name=x';
passes("HEAD /fhir/sandbox/Patient/$p");
stops("GET /fhir/sandbox/$_") for "Patient/$o", "Patient/$o/_history", "Patient/$o/\$everything", "Patient/$o/Observation", 'Patient', 'Patient?name=x',
    "Patient?_id=$p,$o", "Observation?patient=$o", "Observation?patient=$p&patient=$o", "Observation?p%61tient=$o", "Observation?subject=Patient%2F$o",
    "Observation?subject=$base/Patient/$o", "Observation?subject:Patient=$o", 'Observation?patient.name=x', 'Observation?_has:Provenance:target:x=1',
    "Observation?patient:identifier=mrn|7", "Observation?code=1;patient=$o", "Account?patient=$p%26patient=$o", 'Group/g1', '$export', 'Patient/$export',
    '_history', '?_type=Observation', "Observation?_include=*&patient=$o", "Appointment?actor=Patient/$o", "Observation/_history";
stops("HEAD /fhir/sandbox/Patient/$o");
stops("GET /fhir/sandbox/Observation?patient=$p", \@form, "patient=$o", 'with a body');
{
    my $answer = raw($host, "GET /fhir/sandbox/Observation?patient=$p#&patient=$o HTTP/1.1\r\nHost: x\r\nSmart-Session: $l->{session}\r\nConnection: close\r\n\r\n");
    unlike join(' ', map { $_->{url} } asked()), qr/\Q$o\E/, 'a fragment goes nowhere';
    for my $path ("Patient%2F$o", "Patient%2f$p%2f..%2f$o", "Patient/$p%3F_id=$o", "Patient/$p%23", "Patient%252F$o", "Patient/%2e%2e%2fPatient%2f$o", "Observation%3Fpatient=$o") {
        my $got = ask("GET /encoded/sandbox/$path");
        like $got->code, qr/^40[034]$/, 'an encoded slash, mark or hash leads to no other patient: ' . short($path);
        is_deeply [ map { $_->{url} } asked() ], [], '… and the EHR is not asked';
    }
}

# Searches by POST
my $search = 'POST /fhir/sandbox/Observation/_search';
passes($search, \@form, "patient=$p&code=1");
passes($search, [ 'Content-Type' => 'application/x-www-form-urlencoded; charset=UTF-8' ], "patient=$p");
passes("POST /fhir/sandbox/Patient/_search", \@form, "_id=$p");
stops($search, \@form, $_->[0], $_->[1]) for [ "patient=$o", 'another patient' ], [ "patient=$p&patient=$o", 'both' ], [ "p%61tient=$o", 'encoded' ],
    [ "code=1;patient=$o", 'by a semicolon' ], [ "patient.name=x", 'chained' ], [ "patient=$p&" . 'x' x 1_100_000, 'too long' ],
    [ "_filter=patient eq Patient/$o", '_filter' ];
stops("$search?patient=$o", \@form, "patient=$p", 'query and form disagree');
stops("$search?patient=$p", \@form, "patient=$o", '… the other way round');
stops($search, [ @form, 'Content-Encoding' => $_->[0] ], $_->[1], "compressed: $_->[0]")
    for [ gzip => memGzip("patient=$o") ], [ deflate => compress("patient=$o") ], [ 'x-gzip' => memGzip("patient=$p") ], [ br => "patient=$p" ];
stops($search, [ 'Content-Type' => $_ ], "patient=$o", $_) for 'multipart/form-data; boundary=b', 'application/json', 'text/plain',
    'application/x-www-form-urlencoded; charset=ibm500', 'application/x-www-form-urlencoded, text/plain';
stops($search, [], "patient=$o", 'without a type');
stops($search, [ @form, 'Content-Type' => 'application/json' ], "patient=$p", 'of two types');
{
    my $part = "--b\r\nContent-Disposition: form-data; name=\"patient\"\r\n\r\n$o\r\n--b--\r\n";
    stops($search, [ 'Content-Type' => 'multipart/form-data; boundary=b' ], $part, 'multipart that names another');
    my $chunked = join '', map { sprintf "%x\r\n%s\r\n", length, $_ } 'pat', "ient=$o", '';
    stops($search, [ @form, 'Transfer-Encoding' => 'chunked' ], $chunked, 'chunked in the middle of a name');
}
for my $line ($search, 'POST /open/sandbox/Observation/_search', 'POST /open/sandbox/Observation') {
    my $packed = memGzip("patient=$p");
    my $answer = ask($line, [ @form, 'Transfer-Encoding' => 'gzip, chunked' ], sprintf("%x\r\n%s\r\n0\r\n\r\n", length $packed, $packed));
    is $answer->code, 400, 'compressed by a transfer coding: 400, ' . short($line) or diag $answer->as_string;
    is scalar(asked()), 0, '… and the EHR is not asked';
}

# The method that was judged is the method that is sent.
for my $name ('X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override', 'x_http_method_override') {
    my $seen = passes("GET /fhir/sandbox/Observation?patient=$p", [ $name => 'DELETE' ], undef, $name);
    is scalar(grep { /method/i } keys %{ $seen->{headers} }), 0, '… which the EHR is not told';
}

# What would carry a resource past the guard, or ask the EHR for other rules
for my $name (qw(X-Provenance X-Security-Context x_provenance)) {
    my $seen = passes("POST /write/sandbox/Observation", [ @json, $name => code({ resourceType => 'Provenance', target => [ { reference => "Patient/$o" } ] }) ],
        code({ resourceType => 'Observation', subject => { reference => "Patient/$p" } }), $name);
    is_deeply [ grep { /provenance|security/i } keys %{ $seen->{headers} } ], [], '… which the EHR is not sent';
}

# Writes
sub observation { my ($of, %more) = @_; return code({ resourceType => 'Observation', subject => { reference => "Patient/$of" }, %more }) }
sub bundle {
    my @entries = map { my ($method, $url, $resource) = @$_; { request => { method => $method, url => $url }, $resource ? (resource => JSON::PP::decode_json($resource)) : () } } @_;
    return code({ resourceType => 'Bundle', type => 'transaction', entry => \@entries });
}
my $write = '/write/sandbox';
passes("POST $write/Observation", \@json, observation($p));
passes("PUT $write/Patient/$p", \@json, code({ resourceType => 'Patient', id => $p }));
passes("DELETE $write/Observation/o1");
passes("PATCH $write/Observation/o1", [ 'Content-Type' => 'application/json-patch+json' ], code([ { op => 'replace', path => '/status', value => 'final' } ]));
passes("POST $write/", \@json, bundle([ POST => 'Observation', observation($p) ], [ GET => "Observation?patient=$p" ]), 'a Bundle');
stops("POST $write/Observation", \@json, $_->[0], $_->[1]) for [ observation($o), 'of another' ], [ observation($p, focus => [ { reference => "Patient/$o" } ]), 'that mentions another' ],
    [ observation($p, contained => [ { resourceType => 'Patient', id => $o } ]), 'that contains another' ], [ observation($p) =~ s/"Patient\\?\/\Q$p\E"/"\\u0050atient\/$o"/r, 'escaped' ],
    [ '{"resourceType":"Observation","subject":{"reference":"Patient/' . $p . '"},"subject":{"reference":"Patient/' . $o . '"}}', 'a member twice' ],
    [ observation($p, note => [ { text => 'x' x 1_100_000 } ]), 'too long' ], [ 'no json', 'no JSON' ], [ '', 'empty' ];
stops("POST $write/Observation", [ @json, 'Content-Encoding' => 'gzip' ], memGzip(observation($o)), 'compressed');
stops("POST $write/Observation", [ 'Content-Type' => 'application/fhir+xml' ], "<Observation xmlns='http://hl7.org/fhir'/>", 'XML');
stops("POST $write/Patient", \@json, code({ resourceType => 'Patient' }), 'a new one');
stops("PUT $write/Patient/$o", \@json, code({ resourceType => 'Patient', id => $o }));
stops("PUT $write/Patient/$p", \@json, code({ resourceType => 'Patient', id => $o }), 'with the id of another');
stops("PUT $write/Observation/o1", \@json, observation($o));
stops("PATCH $write/Observation/o1", [ 'Content-Type' => 'application/json-patch+json' ], code([ { op => 'replace', path => '/subject/reference', value => "Patient/$o" } ]));
stops("DELETE $write/$_") for "Patient/$o", 'Patient', 'Patient?name=x', "Observation?patient=$o", 'Observation?code=1';
stops("POST $write/", \@json, bundle([ POST => 'Observation', observation($p) ], $_), "a Bundle with $_->[0] " . short($_->[1])) for [ POST => 'Observation', observation($o) ],
    [ GET => "Patient/$o" ], [ GET => "Observation?patient=$o" ], [ DELETE => "Patient/$o" ], [ PUT => "Patient/$o", code({ resourceType => 'Patient', id => $o }) ],
    [ GET => 'Patient' ], [ GET => "$base/Patient/$o" ], [ POST => 'Observation/_search' ];
stops("POST $write/Observation/\$x", \@json, code({ resourceType => 'Parameters', parameter => [ { name => 'patient', valueReference => { reference => "Patient/$o" } } ] }), 'an operation');
stops("POST $write/Observation", [ @json, 'If-None-Exist' => "patient=$o" ], observation($p), 'If-None-Exist');
stops("POST $write/Observation", [ @json, 'If-None-Exist' => "patient=$p", 'If-None-Exist' => "patient=$o" ], observation($p), 'If-None-Exist twice');
{
    my $seen = passes("POST $write/Observation", [ @json, 'If-None-Exist' => 'identifier=x|1', 'If-None-Exist' => 'code=7' ], observation($p), 'If-None-Exist twice, and harmless');
    is scalar(grep { lc eq 'if-none-exist' } @{ $seen->{raw_headers} }), 1, '… is sent as the one that was judged';
    my $body = observation($p);
    my $chunked = sprintf "%x\r\n%s\r\n0\r\n", length $body, $body;
    for my $trailer ("If-None-Exist: patient=$o", 'X-HTTP-Method-Override: DELETE', 'Authorization: Bearer mine', 'Smart-Session: x', 'Cookie: a=b', "X-Provenance: {\"target\":\"Patient/$o\"}") {
        ask("POST $write/Observation", [ @json, 'Transfer-Encoding' => 'chunked' ], "$chunked$trailer\r\n\r\n");
        my ($name, $value) = split /: /, $trailer;
        my @asked = asked();
        is scalar(@asked), 1, "a trailer $name";
        is_deeply [ grep { ($_->{headers}{ lc $name } // '') eq $value } @asked ], [], '… becomes no header';
    }
}

# Answers, strict
my $strict = '/strict/sandbox';
sub resource { my ($of, %more) = @_; return { resourceType => 'Observation', id => 'o1', subject => { reference => "Patient/$of" }, %more } }
sub found { return { resourceType => 'Bundle', type => 'searchset', entry => [ map { { fullUrl => "$base/Observation/o1", resource => $_ } } @_ ] } }
sub answers {
    my ($line, $answer, $status, $name, %more) = @_;
    says($answer, %more);
    my $got = ask($line);
    my @asked = asked();
    is $got->code, $status, "strict: $name" or diag $got->as_string;
    is scalar(@asked), 1, '… the EHR was asked' or diag map { "$_->{method} $_->{url}\n" } @asked;
    unlike $got->as_string, qr/\Q$o\E/, '… of the other there is nothing' if $status != 200;
    return $got;
}
my $read = "GET $strict/Observation/o1";
my $list = "GET $strict/Observation?patient=$p";
answers($read, resource($p), 200, 'a resource of ours');
answers($read, resource($o), 403, 'a resource of another');
answers($read, { resourceType => 'Observation', id => 'o1' }, 403, 'a resource of nobody');
answers($read, resource($p), 200, '… compressed', gzip => 1);
answers($read, resource($o), 403, '… of another, compressed', gzip => 1);
my $absolute = answers($list, found(resource('x', subject => { reference => "$base/Patient/$p" })), 200, 'ours by an absolute reference, judged as the EHR wrote it');
is json($absolute)->{entry}[0]{resource}{subject}{reference}, "$host/strict/sandbox/Patient/$p", '… and then rewritten';
answers($list, found(resource($p), resource('x', subject => { reference => "$host/strict/sandbox/Patient/$p" })), 403, 'an entry that names ours at an address that is not the EHR\'s');
answers($list, found(resource($p), resource($o)), 403, 'a Bundle with one of another');
answers($list, found(), 200, 'a Bundle of nothing');
answers($list, found(map { resource($p) } 1 .. 2000), 200, 'a long Bundle');
answers($list, 'no json', 403, 'what is no JSON');
answers($read, '', 200, 'no body at all');
answers("HEAD $strict/Observation/o1", resource($p), 200, 'HEAD');
answers($list, { resourceType => 'OperationOutcome', issue => [] }, 404, "the EHR's own refusal comes through", status => 404);
answers("GET $strict/Practitioner/d1", { resourceType => 'Practitioner', id => 'd1' }, 200, "what is no patient's");
{
    says('', status => 201, headers => { Location => "$base/Observation/o9/_history/1" });
    my $got = ask("POST $strict/Observation", \@json, observation($p));
    is_deeply [ $got->code, $got->header('Location') ], [ 201, "$host/strict/sandbox/Observation/o9/_history/1" ], 'strict: a write that is answered without a body';
    asked();
}
says({ resourceType => 'OperationOutcome', issue => [] });
stops("GET $strict/$_") for 'Observation?code=1', 'Observation', "Observation?patient=$o";
stops("POST $strict/Observation", \@json, code({ resourceType => 'Observation', status => 'final' }), "nobody's");
stops("PUT $strict/Observation/o1", \@json, observation($p), 'over what may be anybody\'s');

# The next page of a search at the base is proved in every mode: its mark tells nothing.
for my $where (qw(fhir write strict)) {
    answers("GET /$where/sandbox?_getpages=abc", found(resource($p)), 200, "$where: a page by its mark, ours");
    answers("GET /$where/sandbox?_getpages=abc", found(resource($o)), 403, "$where: a page by its mark, another's");
}

# Two windows, two patients, at once, over the same kept connections
$ehr->faults();
{
    my $m = $w->launch(patient => $o, window => $l->{window}{jar} ? $w->browser->frame($ehr->base . '/') : undef);
    asked();
    my %of = ($l->{session} => [ $p, $o ], $m->{session} => [ $o, $p ]);
    my @wrong = grep { defined } map { @$_ } many(6, sub {
        my ($i) = @_;
        my ($socket, @wrong);
        for my $round (1 .. 30) {
            my $session = (sort keys %of)[ ($i + $round) % 2 ];
            my ($mine, $theirs) = @{ $of{$session} };
            my $asks = $round % 5 ? $mine : $theirs;
            my $answer = kept(\$socket, "GET /fhir/sandbox/Patient/$asks HTTP/1.1\r\nHost: x\r\nSmart-Session: $session\r\n\r\n");
            my $id = $answer->{json}{id} // '-';
            push @wrong, "$round: $answer->{status} $id" if $asks eq $mine ? $id ne $mine : $answer->{status} != 403 || $id ne '-';
        }
        return \@wrong;
    });
    is_deeply \@wrong, [], 'SEC-10 two patients at once over kept connections never mix';
    my %by;
    $by{ $_->{headers}{authorization} }{ $_->{path} }++ for asked();
    is_deeply [ sort map { join ' ', map { s{.*/}{}r } sort keys %{ $by{$_} } } keys %by ], [ sort $p, $o ], '… each token asked for its own patient only';
}

# Asks over a connection that is kept while the server keeps it.
sub kept {
    my ($socket, $text) = @_;
    for my $known ($$socket ? 1 : (), 0) {
        $$socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => URI->new($host)->port) || die "connect: $@" if !$known;
        local $SIG{PIPE} = 'IGNORE';
        print { $$socket } $text;
        my $answer = one_answer($$socket) or next;
        $$socket = undef if $answer->{closes};
        return $answer;
    }
    die 'no answer';
}

# The next answer; undef: the connection is closed.
sub one_answer {
    my ($socket) = @_;
    my ($head, $body) = ('', '');
    while (my $line = <$socket>) { last if $line eq "\r\n"; $head .= $line }
    my ($status) = $head =~ m{^HTTP/1\.1 (\d+)} or return undef;
    if ($head =~ /^Content-Length: (\d+)/mi) {
        read $socket, $body, $1;
    }
    else {
        while (my $size = hex(<$socket> // 0)) { read $socket, my ($part), $size; $body .= $part; <$socket> }
        <$socket>;
    }
    return { status => $status, closes => scalar($head =~ /^Connection: close/mi), json => eval { JSON::PP::decode_json($body) } // {} };
}

# Each refusal has its row, which names who was asked for where that is clear, and its line without names
my @rows = $w->accesses(100);
my ($row) = grep { $_->{status} == 403 && $_->{method} eq 'GET' && ($_->{asked_patient} // '') eq $o } @rows;
is_deeply [ @$row{qw(via app_user patient resource)} ], [ 'session', 'alice', $p, 'Patient' ], 'SEC-10 the row of a refusal says who asked, of whom, for whom';
unlike join("\n", grep { /smartlaunch:/ } split /\n/, $httpd->error_log), qr/\Q$o\E|\Q$p\E/, 'SEC-5 our lines in the error log name no patient';
unlike $httpd->error_log . $httpd->access_log, qr/\Q$l->{session}\E/, 'SEC-5 no log has a session id';

$httpd->expect_log(map { "SL$_" } 2601, 2603 .. 2606, 2608 .. 2610, 2612 .. 2617, 2620, 2631, 2632, 5801, 5813, 5814, 5835);
done();
