#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Nothing waits for the rest: the first bytes of an answer, and of a long body, are on their way before
# the last are there; connections are kept on both sides; a slow EHR holds no more than its share.
# mpm: all
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use IO::Select;
use IO::Socket::INET;

my $w = world(start => 0, fpm => 0, ehr => { search => 1, tenants => 'slow' }, ehr_block => 'SmartOutbound timeout=60s', gateway => <<'CONF');
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
my $slow = $ehr->tenant('slow');
$httpd->{extra} = <<"CONF";
<SmartEHR slow>
    SmartIssuer ${\ $ehr->issuer('slow') }
    SmartClient app-basic
    SmartClientSecret file:${\ $httpd->dir }/secret
    SmartScope "launch openid fhirUser offline_access patient/*.rs"
    SmartIdentity id_token:preferred_username
    SmartEmbed ${\ $ehr->base }
    SmartOutbound ca=${\ SL::TLS::ca() } timeout=60s max=3
</SmartEHR>
CONF
$httpd->start;
my $l = $w->launch(login => 'alice');
my ($session, $patient) = @$l{qw(session patient)};
my ($port) = $httpd->gateway_url =~ /:(\d+)/;
my @json = ('Content-Type' => 'application/fhir+json');

# A connection of a caller's that stays open; what it is told so far is in $$buffer.
sub caller_of { return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) || die "connect: $@" }

sub head_of {
    my ($line, @headers) = @_;
    my $text = "$line HTTP/1.1\r\nHost: x\r\nSmart-Session: $session\r\n";
    while (my ($name, $value) = splice @headers, 0, 2) { $text .= "$name: $value\r\n" }
    return "$text\r\n";
}

# Reads until the text holds $wanted, at most for 30 seconds.
sub read_until {
    my ($socket, $wanted, $text) = @_;
    my $select = IO::Select->new($socket);
    $text //= '';
    while ($text !~ $wanted) {
        $select->can_read(30) or return $text;
        sysread($socket, $text, 65536, length $text) or return $text;
    }
    return $text;
}

# One answer of a kept connection: [ status, body ]. Bytes of the next one stay in $$rest.
sub answer_of {
    my ($socket, $rest) = @_;
    my $text = read_until($socket, qr/\r\n\r\n/, $$rest);
    my ($head, $body) = split /\r\n\r\n/, $text, 2;
    my ($status) = $head =~ m{^HTTP/1\.1 (\d+)};
    if ($head =~ /^Content-Length: (\d+)/mi) {
        my $length = $1;
        $body = read_until($socket, qr/^.{$length}/s, $body) if $length;
        $$rest = substr $body, $length;
        return [ $status, substr($body, 0, $length), 'length' ];
    }
    $head =~ /^Transfer-Encoding: chunked/mi or die "no end in sight: $head";
    my $whole = '';
    while (1) {
        $body = read_until($socket, qr/^[0-9a-f]+\r\n/, $body);
        $body =~ s/^([0-9a-f]+)\r\n// or die "no chunk: $body";
        my $more = hex($1) + 2;
        $body = read_until($socket, qr/^.{$more}/s, $body);
        $whole .= substr $body, 0, $more - 2;
        $body = substr $body, $more;
        last if $more == 2;
    }
    $$rest = $body;
    return [ $status, $whole, 'chunked' ];
}

sub asked { my @asked = $ehr->log('/fhir/'); $ehr->forget; return @asked }

# Down: the EHR has sent half, and says nothing more.
for my $way ({}, { content_length => undef }, { gzip => \1, big => 500_000 }) {
    my $name = join ' and ', 'half of an answer', sort keys %$way;
    asked();
    $ehr->faults(fhir => { stall => \1, %$way, times => 1 });
    my $socket = caller_of();
    print {$socket} head_of("GET /fhir/sandbox/Observation?patient=$patient&_count=20");
    my $text = read_until($socket, qr/"fullUrl":"[^"]+"/);
    like $text, qr{^HTTP/1\.1 200 .*"fullUrl":"http://127\.0\.0\.1:$port/fhir/sandbox/}s, "FHR-6 $name: the caller reads it while the EHR is still at it";
    my ($seen) = asked();
    is $seen->{status}, undef, '… which has not come to its end';
    close $socket;
}

# Up: the EHR's process reads while the caller still has something to send.
sub ehr_has_read { my ($count) = slurp("/proc/$ehr->{server}{pid}/io") =~ /^rchar: (\d+)/m; return $count }

for my $way ('Content-Length', 'chunked') {
    my $size = 3_000_000;
    my $body = '{"resourceType":"Basic","x":"' . 'x' x ($size - 31) . '"}';
    my $piece = substr $body, 0, 2_500_000;
    my $before = ehr_has_read();
    my $socket = caller_of();
    asked();
    $ehr->faults(fhir => { status => 201, body => '{"resourceType":"Basic"}', content_type => 'application/fhir+json', times => 1 });
    print {$socket} head_of('POST /writes/sandbox/Basic', @json, $way eq 'chunked' ? ('Transfer-Encoding' => 'chunked') : ('Content-Length' => length $body));
    my $rest = substr $body, length $piece;
    print {$socket} $way eq 'chunked' ? sprintf("%x\r\n%s\r\n", length $piece, $piece) : $piece;
    ok eval { wait_for('the EHR to read', sub { ehr_has_read() - $before > 2_000_000 }) }, "FHR-6 a long body, $way: the EHR reads while the caller has more to send";
    is scalar($ehr->log('/fhir/')), 0, '… the request has not ended';
    print {$socket} $way eq 'chunked' ? sprintf("%x\r\n%s\r\n0\r\n\r\n", length $rest, $rest) : $rest;
    my $answer = answer_of($socket, \my $left);
    is $answer->[0], 201, '… and then it is answered';
    my ($seen) = asked();
    ok $seen->{body} eq $body, '… all of it';
}

# A series on one connection of the caller's: one to the EHR, too.
{
    my ($socket, $left) = (caller_of());
    asked();
    my @ways;
    for my $i (1 .. 12) {
        $ehr->faults(fhir => { patch => {}, content_length => $i % 2 ? undef : 'true', times => 1 }) if $i % 3 == 0 && $i % 2;
        if ($i % 4) {
            print {$socket} head_of("GET /fhir/sandbox/" . ($i % 2 ? "Patient/$patient" : "Observation?patient=$patient&_count=3"));
        }
        else {
            my $form = "patient=$patient&_count=$i";
            my @form = ('Content-Type' => 'application/x-www-form-urlencoded');
            print {$socket} $i % 8
                ? head_of('POST /fhir/sandbox/Observation/_search', @form, 'Content-Length' => length $form) . $form
                : head_of('POST /fhir/sandbox/Observation/_search', @form, 'Transfer-Encoding' => 'chunked') . sprintf("%x\r\n%s\r\n0\r\n\r\n", length $form, $form);
        }
        push @ways, answer_of($socket, \$left);
    }
    is_deeply [ map { $_->[0] } @ways ], [ (200) x 12 ], 'FHR-6 twelve calls on one connection, with and without bodies, chunked and not';
    is_deeply [ grep { !eval { JSON::PP->new->utf8->decode($_->[1]) } } @ways ], [], '… each answer whole';
    my %connections = map { $_->{connection} => 1 } asked();
    is scalar(keys %connections), 1, '… and one connection to the EHR';
}

# The same with a token that ends in the middle, of POSTs: what was sent once already is sent again.
{
    my ($socket, $left) = (caller_of());
    $ehr->forget_counts;
    asked();
    $ehr->faults(fhir => { status => 401, after => 2, times => 1, body => 'no', content_type => 'text/plain' });
    my @answers;
    for my $i (1 .. 5) {
        my $form = "patient=$patient&_count=$i";
        print {$socket} head_of('POST /fhir/sandbox/Observation/_search', 'Content-Type' => 'application/x-www-form-urlencoded', 'Content-Length' => length $form) . $form;
        push @answers, answer_of($socket, \$left);
    }
    is_deeply [ map { $_->[0] } @answers ], [ (200) x 5 ], 'RFR-5 a 401 in the middle of a series of POSTs: nobody sees it';
    is_deeply [ map { scalar @{ JSON::PP->new->utf8->decode($_->[1])->{entry} } } @answers ], [ 1 .. 5 ], '… each gets its own answer';
    my @seen = asked();
    is_deeply [ map { $_->{status} } @seen ], [ 200, 200, 401, 200, 200, 200 ], '… one went twice';
    is_deeply [ map { $_->{body} =~ /_count=(\d)/ } @seen ], [ 1, 2, 3, 3, 4, 5 ], '… the third, the same';
    is $ehr->counts->{refreshes}, 1, '… one renewal';
    is $ehr->counts->{reused}, 0, 'RFR-4 … no refresh token twice';
}

# SmartReplay to the byte.
for my $size (8192, 8193) {
    for my $way ('Content-Length', 'chunked') {
        my $body = '{"resourceType":"Basic","x":"' . 'x' x ($size - 31) . '"}';
        my $m = $w->launch(patient => $patient, window => $w->browser->frame($ehr->base . '/'));
        asked();
        $ehr->forget_counts;
        $ehr->faults(fhir => { status => 401, times => 1 });
        my $answer = request('PUT', "http://127.0.0.1:$port/writes/sandbox/Basic/1", headers => [ @json, 'Smart-Session' => $m->{session},
            $way eq 'chunked' ? ('Transfer-Encoding' => 'chunked') : () ], body => $way eq 'chunked' ? sprintf("%x\r\n%s\r\n0\r\n\r\n", $size, $body) : $body);
        my @seen = asked();
        is_deeply [ length $body, scalar @seen ], [ $size, $size == 8192 ? 2 : 1 ], "RFR-5 SmartReplay 8K, a body of $size bytes, $way: " . ($size == 8192 ? 'twice' : 'once');
        is $answer->code == 503, $size != 8192, '… and the caller is told to send it again where it went once' or diag $answer->as_string;
        is_deeply [ map { $_->{body} eq $body ? 1 : 0 } @seen ], [ (1) x @seen ], '… whole';
        is $ehr->counts->{refreshes}, 1, '… one renewal';
        $ehr->faults;
    }
}

# Two EHRs: each session opens its own, and links lead to its own.
my $other = $w->launch(login => 'bob', ehr => $slow);
{
    asked();
    my $answer = $w->fhir(GET => "/Condition?patient=$other->{patient}&_count=1", ehr => 'slow', session => $other->{session});
    is $answer->code, 200, 'a session of the second EHR' or diag $answer->as_string;
    like json($answer)->{entry}[0]{fullUrl}, qr{^\Q${\ $httpd->gateway_url }\E/slow/Condition/}, 'FHR-5 … whose links lead to it';
    unlike $answer->content, qr/\Q${\ $ehr->issuer('slow') }\E/, '… and not past the gateway';
    is scalar(asked()), 0, '… the first EHR heard nothing of it';
    $slow->forget;
    for my $wrong ([ sandbox => $other->{session} ], [ slow => $session ]) {
        my $refused = $w->fhir(GET => "/Patient/$patient", ehr => $wrong->[0], session => $wrong->[1]);
        is $refused->code, 403, "FHR-2 a session of the other EHR at $wrong->[0]: 403";
        like outcome($refused), qr/^error forbidden:/, '… an OperationOutcome';
    }
    is scalar(asked()) + $slow->log('/fhir/'), 0, '… and neither EHR was asked';
}

# A slow EHR: three wait, the others are told at once, and everything else goes on.
{
    my @mine = ($session, $patient);
    ($session, $patient) = @$other{qw(session patient)};
    $slow->forget;
    $slow->faults(fhir => { hang => \1 });
    my @callers = map { caller_of() } 1 .. 10;
    print {$_} head_of("GET /fhir/slow/Patient/$patient") for @callers;
    my ($select, %told) = (IO::Select->new(@callers));
    while (keys %told < 7) {
        my @ready = $select->can_read(30) or last;
        for my $socket (@ready) {
            $told{$socket} = answer_of($socket, \my $left);
            $select->remove($socket);
        }
    }
    ($session, $patient) = @mine;
    is_deeply [ map { $_->[0] } values %told ], [ (503) x 7 ], 'SmartOutbound max=3: seven of ten are told at once that the EHR is busy';
    is_deeply [ grep { $_->[1] !~ /"OperationOutcome".*"transient"/ } values %told ], [], '… as FHIR has it';
    is scalar(@{ wait_for('the three', sub { my @asked = $slow->log('/fhir/'); @asked >= 3 && \@asked }) }), 3, '… three asked it';
    for my $path ('/sapp/', '/papp/') {
        is $l->{window}->nav($httpd->url($path), follow => 1)->code, 200, "… $path answers meanwhile";
    }
    is $w->fhir(GET => "/Patient/$patient", session => $session)->code, 200, '… and so does the other EHR';
    is scalar(my @answered = $select->can_read(0)), 0, '… while the three are still waiting';
    is scalar($select->count), 3, '… all of them';
    $slow->faults;
    close $_ for @callers;
}

$ehr->stop; # nobody waits for it any more
unlike $httpd->error_log, qr/\Q$session\E|Bearer/, 'no log has a session id or a token';
$httpd->allow_log(qw(SL4517 SL5815 SL5816 AH01102 AH01110 AH00898 AH01114 AH01095 AH02609 AH01084 AH01097 SL5819 SL5820 SL5832 AH00957 AH01401));
done();
