#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Bodies: long ones stream in both directions, short ones can be sent again; an EHR that is slow or
# breaks off; what the strict guard keeps back.
# mpm: prefork sanitized
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use IO::Socket::INET;
use Time::HiRes qw(time);

my $w = world(fpm => 0, ehr => { search => 1 }, ehr_block => 'SmartOutbound timeout=3s max=2', gateway => <<'CONF');
        Require local
    </Location>
    <Location /writes>
        SmartGateway on
        SmartWrites on
        SmartPatientGuard off
        SmartReplay 8K
        Require local
    </Location>
    <Location /strict>
        SmartGateway on
        SmartPatientGuard strict
        Require local
CONF
my ($httpd, $ehr) = ($w->httpd, $w->ehr);
my $l = $w->launch(login => 'alice');
my ($session, $patient) = @$l{qw(session patient)};
my $others = (grep { $_ ne $patient } @{ $ehr->patients })[0];
my $host = $httpd->gateway_url =~ s{/fhir\z}{}r;

sub ask {
    my ($method, $path, %arg) = @_;
    return request($method, "$host$path", %arg, headers => [ 'Smart-Session' => $session, @{ $arg{headers} || [] } ]);
}

# A resource of this many bytes.
sub resource { my ($size) = @_; return '{"resourceType":"Basic","text":"' . join('', map { chr(97 + $_ % 26) } 1 .. $size) . '"}' }

sub chunked {
    my ($body) = @_;
    my $out = '';
    while (length $body) {
        my $part = substr $body, 0, 3000, '';
        $out .= sprintf "%x\r\n%s\r\n", length $part, $part;
    }
    return "${out}0\r\n\r\n";
}

my @json = ('Content-Type' => 'application/fhir+json');

# Up
is ask(GET => "/writes/sandbox/Patient/$patient")->code, 200, 'the launch works'; # the store is warm from here on
for my $size (0, 100, 9000, 2_000_000) {
    my $body = $size ? resource($size) : '';
    for my $way ('Content-Length', 'chunked') {
        $ehr->forget;
        $ehr->faults(fhir => { status => 201, body => '{"resourceType":"Basic"}', content_type => 'application/fhir+json', times => 1 });
        my $answer = $way eq 'chunked'
            ? ask(POST => '/writes/sandbox/Basic', headers => [ @json, 'Transfer-Encoding' => 'chunked' ], body => chunked($body))
            : ask(POST => '/writes/sandbox/Basic', headers => \@json, body => $body);
        is $answer->code, 201, "FHR-6 a body of $size bytes, $way" or diag $answer->as_string;
        my ($seen) = $ehr->log('/fhir/');
        ok $seen->{body} eq $body, '… arrives as it was sent';
    }
}

# Sent again
for my $way ('Content-Length', 'chunked') {
    for my $size (6000, 50_000) {
        my $body = resource($size);
        my $fits = $size < 8192;
        $ehr->forget;
        $ehr->control('DELETE', 'counts');
        my $m = $w->launch();
        $session = $m->{session};
        $ehr->forget;
        $ehr->faults(fhir => { status => 401, times => 1 });
        my @sent = $way eq 'chunked'
            ? (headers => [ @json, 'Transfer-Encoding' => 'chunked' ], body => chunked($body))
            : (headers => \@json, body => $body);
        my $answer = ask(PUT => '/writes/sandbox/Basic/1', @sent);
        my @seen = $ehr->log('/fhir/');
        if ($fits) {
            is scalar(grep { $_->{body} eq $body } @seen), 2, "RFR-5 a body that fits SmartReplay goes twice, $way";
        }
        else {
            is $answer->code, 503, "RFR-5 a longer one cannot: 503, $way" or diag $answer->as_string;
            is $answer->header('Retry-After'), 1, '… at once, please';
            is ask(PUT => '/writes/sandbox/Basic/1', @sent)->code, (ask(PUT => '/writes/sandbox/Basic/1', @sent))->code, '… and then the token is new';
            is scalar(grep { $_->{status} == 401 } $ehr->log('/fhir/')), 1, '… so there was one 401';
        }
        is $ehr->control('GET', 'counts')->{refreshes}, 1, '… one renewal';
        $ehr->faults();
    }
}

# Down
sub resident {
    my $sum = 0;
    for my $child ($httpd->children) {
        $sum += $1 if slurp("/proc/$child/status") =~ /^VmRSS:\s+(\d+)/m;
    }
    return $sum / 1024;
}

# The bytes of a large answer, counted as they come.
sub swallow {
    my ($path) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => URI->new($host)->port) or die "connect: $@";
    print $socket "GET $path HTTP/1.1\r\nHost: x\r\nSmart-Session: $session\r\nConnection: close\r\n\r\n";
    my ($count, $highest, $next, $tail) = (0, 0, 0, '');
    while (my $n = sysread $socket, my $bytes, 1 << 20) {
        $count += $n;
        $tail = substr $tail . $bytes, -64;
        ($highest, $next) = ((sort { $b <=> $a } $highest, resident())[0], $count + 10_000_000) if $count >= $next;
    }
    return ($count, $highest, $tail);
}

my $before = resident();
$ehr->faults(fhir => { bundle => { bytes => 100_000_000, entry_bytes => 2000, patient => $patient }, times => 1 });
my ($count, $highest, $tail) = swallow("/fhir/sandbox/Observation?patient=$patient");
cmp_ok $count, '>', 90_000_000, 'a Bundle of 100 MB comes through';
like $tail, qr/0\r\n\r\n\z/, '… to its end';
cmp_ok $highest - $before, '<', 40, '… and takes no memory to speak of' if !$ENV{SL_SANITIZE};

# An EHR that breaks off
$ehr->faults(fhir => { truncate => 1, bundle => undef });
for my $path ("/fhir/sandbox/Observation?patient=$patient", "/fhir/sandbox/Patient/$patient") {
    my $cut = raw($host, "GET $path HTTP/1.1\r\nHost: x\r\nSmart-Session: $session\r\nConnection: close\r\n\r\n");
    ok $cut =~ m{^HTTP/1\.1 502} || $cut !~ /\r\n0\r\n\r\n\z/, 'an answer that is cut short does not look whole';
}
$ehr->faults(fhir => { content_length => 100_000 });
my $cut = raw($host, "GET /fhir/sandbox/Patient/$patient HTTP/1.1\r\nHost: x\r\nSmart-Session: $session\r\nConnection: close\r\n\r\n");
ok $cut =~ m{^HTTP/1\.1 502} || $cut !~ /\r\n0\r\n\r\n\z/, 'nor one with a wrong Content-Length';

# An EHR that is slow
$ehr->faults(fhir => { hang => 1 });
my $began = time;
my $answer = ask(GET => "/fhir/sandbox/Patient/$patient");
is $answer->code, 504, 'no answer in time: 504' or diag $answer->as_string;
like outcome($answer), qr/^error timeout:/, '… an OperationOutcome';
cmp_ok time - $began, '<', 20, '… after the time that SmartOutbound gives';
my @codes = many(6, sub { my $t = time; return [ ask(GET => "/fhir/sandbox/Patient/$patient")->code, time - $t ] });
is_deeply [ sort map { $_->[0] } @codes ], [ (503) x 4, (504) x 2 ], 'SmartOutbound max=2: no more than two wait for it';
$ehr->faults();
is ask(GET => "/fhir/sandbox/Patient/$patient")->code, 200, '… and then all is well';

# A caller that hangs up
$ehr->faults(fhir => { bundle => { bytes => 50_000_000, entry_bytes => 2000, patient => $patient }, times => 1 });
my $rows = $w->pg->value('SELECT count(*) FROM smartlaunch.fhir_access');
my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => URI->new($host)->port);
print $socket "GET /fhir/sandbox/Observation?patient=$patient HTTP/1.1\r\nHost: x\r\nSmart-Session: $session\r\n\r\n";
sysread $socket, my $some, 1000;
close $socket;
ok wait_for('the row', sub { $w->pg->value('SELECT count(*) FROM smartlaunch.fhir_access') > $rows }), 'a caller that hangs up leaves a row';
$ehr->faults();
is ask(GET => "/fhir/sandbox/Patient/$patient")->code, 200, '… and the place it had';

# Strict
is ask(GET => "/strict/sandbox/Patient/$patient")->code, 200, 'strict: our patient';
is ask(GET => "/strict/sandbox/Observation?patient=$patient&_count=3")->code, 200, 'strict: what is our patient\'s' or diag ask(GET => "/strict/sandbox/Observation?patient=$patient&_count=3")->as_string;
$ehr->faults(fhir => { patch => { id => $others } });
$answer = ask(GET => "/strict/sandbox/Patient/$patient");
is $answer->code, 403, 'strict: an answer of another patient is kept back' or diag $answer->as_string;
unlike $answer->content, qr/\Q$others\E/, '… all of it';
like outcome($answer), qr/^error forbidden:/, '… an OperationOutcome';
is ask(GET => "/fhir/sandbox/Patient/$patient")->code, 200, 'on: it is the EHR that answers for that';
$ehr->faults(fhir => { big => 5_000_000 });
is ask(GET => "/strict/sandbox/Patient/$patient")->code, 403, 'strict: one too long to be looked into is kept back';
$ehr->faults(fhir => { gzip => 1 });
is ask(GET => "/strict/sandbox/Patient/$patient")->code, 200, 'strict: a compressed one is looked into';
$ehr->faults(fhir => { truncate => 1 });
is ask(GET => "/strict/sandbox/Patient/$patient")->code, 502, 'strict: one that is cut short: 502';
$ehr->faults();

my @found = map { $_->{status} } $w->accesses(30);
cmp_ok scalar(grep { $_ == 504 } @found), '>=', 3, 'every call has its row';

$httpd->allow_log(qw(AH01084 SL5815 SL5816 SL5820 SL5821 SL5832 SL5834 SL5835 AH00898 AH01102 AH01110 AH01097 AH01114 AH01086));
done();
