#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Links in what the EHR answers, over the wire: those to the EHR lead to the gateway, every other byte
# is as it was sent, however it was sent; a link to another host is left alone and gets no token.
# mpm: prefork sanitized
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::Odd;

my $w = world(fpm => 0, ehr => { search => 1 }, ehr_block => 'SmartOutbound timeout=60s', gateway => <<'CONF');
        Require local
    </Location>
    <Location /clinic/a>
        SmartGateway on
        SmartWrites on
        SmartPatientGuard off
        Require local
CONF
my ($httpd, $ehr) = ($w->httpd, $w->ehr);
my $host = $httpd->gateway_url =~ s{/fhir\z}{}r;
my $l = $w->launch(login => 'alice');
my ($session, $patient) = @$l{qw(session patient)};
my $base = $ehr->issuer;
my $here = "$host/fhir/sandbox";
my @type = (content_type => 'application/fhir+json');

sub fhir { my ($method, $path, %arg) = @_; return $w->fhir($method, $path, session => $session, %arg) }

# The other gateway location: a path of two segments, writes, no guard.
sub clinic {
    my ($method, $path, %arg) = @_;
    my @headers = ('Smart-Session' => $session, @{ delete $arg{headers} || [] });
    return request($method, "$host/clinic/a/sandbox$path", headers => \@headers, %arg);
}

# Everything that is no link of ours, and everything that is: [ what, as the EHR sends it, is a link ].
my $evil = $base =~ s{^https://localhost}{https://localhost.evil.example}r;
my @values = (
    [ 'url', "$base/Observation?_getpages=1&x=%2F", 1 ], [ 'fullUrl', "$base/Patient/1", 1 ],
    [ 'reference', "$base/Patient/1#a", 1 ], [ 'location', $base, 1 ], [ 'url', "$base?_getpages=2", 1 ], [ 'url', "$base#x", 1 ],
    [ 'url', "${base}x/Patient/1" ], [ 'url', "$evil/Patient/1" ], [ 'url', "$base.evil.example/" ],
    [ 'url', "https://other.example/?back=$base/Patient/1" ], [ 'reference', 'Patient/1' ], [ 'reference', '#a' ],
    [ 'url', "$base/StructureDefinition/x" ], [ 'url', "$base/ValueSet/x" ], [ 'system', "$base/Patient/1" ],
    [ 'profile', "$base/Patient/1" ], [ 'div', "<a href=\\\"$base/Patient/1\\\">" ], [ 'text', "see $base/Patient/1" ],
    [ 'display', "\\\"url\\\":\\\"$base/Patient/1\\\"" ], [ 'note', "M\x{fc}ller \x{1f600} \\u00e9 \\/ \\\\" ],
);

# The same text as the EHR writes it and as the app shall read it.
sub both {
    my ($escape, $gateway) = @_;
    my @texts = map {
        my $app = $_;
        my @items = map {
            my ($key, $value, $is_link) = @$_;
            my $text = $app && $is_link ? $gateway . substr $value, length $base : $value;
            $text =~ s{(?<!\\)/}{\\/}g if $escape;
            qq("$key" : "$text");
        } @values;
        my $text = '{ "resourceType":"Basic", "list": [' . join(",\n\t", map { "{$_}" } @items) . "] }\n";
        utf8::encode($text);
        $text;
    } 0, 1;
    return @texts;
}

# As a body of its own length, in chunks, byte by byte, compressed; plain and with escaped slashes.
for my $escape (0, 1) {
    for my $way ([ 'with its length', {} ], [ 'in chunks', { content_length => undef } ],
        [ 'byte by byte', { drip_ms => 0.05, content_length => undef } ], [ 'compressed', { gzip => \1 } ]) {
        my ($name, $fault) = @$way;
        for my $to ([ \&fhir, $here ], [ \&clinic, "$host/clinic/a/sandbox" ]) {
            my ($sent, $wanted) = both($escape, $to->[1]);
            utf8::decode(my $text = $sent);
            $ehr->faults(fhir => { status => 200, body => $text, @type, %$fault, headers => { ETag => 'W/"7"' } });
            my $answer = $to->[0]->(GET => "/Patient/$patient");
            is $answer->code, 200, "FHR-5 links $name" . ($escape ? ', slashes escaped' : '');
            ok $answer->content eq $wanted, '… lead to the gateway location that was called, every other byte is the same'
                or diag "got:\n", $answer->content, "\nwanted:\n", $wanted;
            is $answer->header('ETag'), 'W/"7"', 'FHR-6 … and the ETag is the EHR\'s';
            my $length = $answer->header('Content-Length');
            ok !defined $length || $length == length $wanted, '… and a length that is told is right';
        }
    }
}

# What is no JSON.
for my $type ('text/html', 'application/fhir+xml', 'application/pdf', 'text/plain') {
    my $text = qq(<a url="$base/Patient/1">{"url":"$base/Patient/1"}</a>);
    $ehr->faults(fhir => { status => 200, body => $text, content_type => $type });
    my $answer = fhir(GET => "/Patient/$patient");
    is_deeply [ $answer->code, $answer->content, $answer->header('Content-Type') ], [ 200, $text, $type ], "FHR-6 $type: not a byte changes";
}
$ehr->faults;

# HEAD and 304: no body, and nothing said of it that GET would not say.
my $get = fhir(GET => "/Patient/$patient");
my $etag = $get->header('ETag');
my $head = fhir(HEAD => "/Patient/$patient");
is_deeply [ $head->code, $head->header('ETag'), $head->header('Content-Type') ],
    [ 200, $etag, $get->header('Content-Type') ], 'FHR-6 HEAD says what GET says';
ok !defined $head->header('Content-Length') || $head->header('Content-Length') == length $get->content, '… or nothing, of the length';
my $same = raw($host, "GET /fhir/sandbox/Patient/$patient HTTP/1.1\r\nHost: x\r\nSmart-Session: $session\r\nIf-None-Match: $etag\r\nConnection: close\r\n\r\n");
like $same, qr{^HTTP/1\.1 304 }, "FHR-6 the EHR's 304 comes through";
like $same, qr/^ETag: \Q$etag\E\r$/mi, '… with its ETag';
like $same, qr/\r\n\r\n\z/, '… and nothing behind the headers';
is fhir(GET => "/Patient/$patient", headers => [ 'If-None-Match' => 'W/"none"' ])->code, 200, '… another ETag: all of it';

# A write: Location and Content-Location.
my $made = clinic(POST => '/Basic', headers => [ 'Content-Type' => 'application/fhir+json' ], body => '{"resourceType":"Basic"}');
is $made->code, 201, 'FHR-4 a resource is made' or diag $made->as_string;
like $made->header('Location'), qr{^\Q$host\E/clinic/a/sandbox/Basic/[^/]+}, '… its Location is the gateway\'s';
my $read = request('GET', $made->header('Location') =~ s{/_history/.*}{}r, headers => [ 'Smart-Session' => $session ]);
is_deeply [ $read->code, json($read)->{resourceType} ], [ 200, 'Basic' ], '… which leads there';
for my $to ([ "$base/Basic/1/_history/2", "$here/Basic/1/_history/2" ], [ 'Basic/1', 'Basic/1' ], [ "${base}x/1", "${base}x/1" ],
    [ "$evil/1", "$evil/1" ], [ '//other.example/x', '//other.example/x' ]) {
    for my $name ('Location', 'Content-Location') {
        $ehr->faults(fhir => { status => 200, body => '{}', @type, headers => { $name => $to->[0] }, times => 1 });
        is fhir(GET => "/Patient/$patient")->header($name), $to->[1], "FHR-4 $name: $to->[0]" =~ s/:\d+//r;
    }
}

# Paging: POST and on by GET, all of them, each once, none past the gateway.
my $total = json(fhir(GET => "/Observation?patient=$patient&_count=1"))->{total};
$ehr->forget;
my $page = fhir(POST => '/Observation/_search', form => { patient => $patient, _count => 30 });
my %seen;
my $pages = 0;
while ($page) {
    my $bundle = json($page);
    unlike $page->content, qr/\Q$base\E/, 'FHR-5 page ' . ++$pages . ': no link leads past the gateway';
    $seen{ $_->{fullUrl} }++ for @{ $bundle->{entry} };
    my $next = next_of($page);
    $page = $next && request('GET', $next, headers => [ 'Smart-Session' => $session ]);
}
cmp_ok $pages, '>', 2, 'FHR-5 a search by POST goes on to its last page';
is_deeply [ scalar(keys %seen), [ grep { $_ != 1 } values %seen ] ], [ $total, [] ], '… each result once, all of them';
is scalar($ehr->log('/fhir/')), $pages, '… with one call to the EHR for each page';

# A `next` that leads elsewhere: left alone, logged by its host, and nothing goes there.
my $odd = SL::Odd->new;
my $foreign = $odd->url("/fhir?_getpages=1&patient=$patient", host => '127.0.0.1');
$ehr->faults(fhir => { status => 200, @type, times => 1, body => qq({"resourceType":"Bundle","type":"searchset","link":[{"relation":"next","url":"$foreign"}]}) });
$ehr->forget;
$odd->forget;
my $bundle = fhir(GET => "/Observation?patient=$patient");
is next_of($bundle), $foreign, 'FHR-5 a next link to another host is left alone';
my $line = $httpd->logged('SL5840');
like $line, qr/<SmartEHR sandbox>.*127\.0\.0\.1/, '… and logged, with its host';
unlike $line, qr/\Q$patient\E|_getpages|\Q$session\E/, '… and nothing else of it';
is scalar($ehr->log), 1, 'FHR-2 … one call went to the EHR';
is scalar($odd->log), 0, '… none to that host';
my $through = fhir(GET => "/$foreign");
like $through->code, qr/^40[03]$/, '… which the gateway does not ask either' or diag $through->as_string;
is scalar($odd->log), 0, '… in no way';

# What caches are told, whatever the EHR says of its answer.
my $forever = 'Thu, 01 Jan 2099 00:00:00 GMT';
$ehr->faults(fhir => { patch => {}, headers => { 'Cache-Control' => 'public, max-age=600', Expires => $forever } });
my $second = $w->launch(patient => $patient, window => $w->browser->frame($ehr->base . '/'));
$ehr->forget;
for my $who ($session, $second->{session}, $session) {
    my $answer = $w->fhir(GET => "/Patient/$patient", session => $who);
    is $answer->code, 200, 'FHR-9 an answer that the EHR calls public';
    is $answer->header('Cache-Control'), 'no-store', '… nobody may keep';
    isnt $answer->header('Expires'), $forever, '… in no other way either';
}
is scalar($ehr->log('/fhir/')), 3, '… and the EHR was asked each time';
is $w->fhir(GET => "/Patient/$patient")->code, 401, '… who has no session gets nothing of it';
$ehr->faults;

unlike $httpd->error_log . $httpd->access_log, qr/\Q$session\E|Bearer/, 'no log has a session id or a token';
$httpd->allow_log(qw(SL5801 SL2602));
done();
