#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Bad days of the EHR's FHIR server, and of a caller: nothing is made whole that was not, nobody waits
# for ever, a Bundle of any size needs no memory, and the next request is as good as any.
# mpm: all
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use IO::Socket::INET;
use Time::HiRes qw(time);

my $w = world(fpm => 0, ehr => { search => 1 }, ehr_block => 'SmartOutbound timeout=8s');
my ($httpd, $ehr) = ($w->httpd, $w->ehr);
my $l = $w->launch(login => 'alice');
my ($session, $patient) = @$l{qw(session patient)};
my $base = $ehr->issuer;
my $here = $httpd->gateway_url . '/sandbox';

sub fhir { my ($method, $path, %arg) = @_; return $w->fhir($method, $path, session => $session, %arg) }

# After each bad day: the next request is answered, by the right resource.
sub goes_on {
    my ($name) = @_;
    $ehr->faults;
    my $next = fhir(GET => "/Patient/$patient");
    is $next->code, 200, "$name: the next request is answered";
    is json($next)->{id}, $patient, '… with what it asked for';
    return;
}

# Bodies that are not what they say.
for my $bad ([ 'a length that is too long', { content_length => 100_000 } ],
    [ 'half of a body', { truncate => \1 } ], [ 'half of a body, then nothing', { stall => \1 } ]) {
    my ($name, $fault) = @$bad;
    $ehr->faults(fhir => $fault);
    my $began = time;
    ok !eval { fhir(GET => "/Observation?patient=$patient&_count=20", timeout => 30); 1 }, "$name: the caller sees that it was cut short";
    cmp_ok time - $began, '<', 20, '… before long';
    goes_on($name);
}
{
    $ehr->faults(fhir => { content_length => 50 });
    my $short = eval { fhir(GET => "/Patient/$patient") };
    ok !$short || length $short->content <= 50, 'a length that is too short: no byte more';
    goes_on('a length that is too short');
}
{
    $ehr->faults(fhir => { hang => \1 });
    my $began = time;
    my $late = fhir(GET => "/Patient/$patient");
    is $late->code, 504, 'an EHR that says nothing: 504';
    like outcome($late), qr/^error /, '… an OperationOutcome';
    cmp_ok time - $began, '<', 20, '… soon after SmartOutbound timeout=';
    goes_on('an EHR that says nothing');
}

# A 401 in the middle: five requests on one connection of the caller's, sent at once.
{
    $ehr->forget;
    $ehr->forget_counts;
    $ehr->faults(fhir => { status => 401, after => 2, times => 1 });
    my @ask = map { "GET /fhir/sandbox/Patient/$patient HTTP/1.1\r\nHost: x\r\nSmart-Session: $session\r\n"
            . ($_ == 5 ? "Connection: close\r\n" : '') . "\r\n" } 1 .. 5;
    my $answers = raw($here, join('', @ask), 30);
    is_deeply [ $answers =~ m{HTTP/1\.1 (\d{3}) }g ], [ (200) x 5 ], 'a 401 in the middle of a keep-alive series: nobody sees it';
    is $ehr->counts->{refreshes}, 1, '… one renewal';
    is_deeply [ map { $_->{status} } $ehr->log('/fhir/') ], [ 200, 200, 401, 200, 200, 200 ], '… one request went twice';
    goes_on('a 401 in the middle');
}

# A token of 8 KiB.
{
    $ehr->settings(token_length => 8192);
    my $m = $w->launch(patient => $patient, window => $w->browser->frame($ehr->base . '/'));
    $ehr->forget;
    is $w->fhir(GET => "/Patient/$patient", session => $m->{session})->code, 200, 'FHR-11 a token of 8 KiB';
    my ($seen) = $ehr->log('/fhir/');
    cmp_ok length $seen->{headers}{authorization}, '>=', 8192, '… arrives whole';
    $ehr->settings(token_length => 0);
}

# Links, however the EHR writes them.
for my $way ({ escape_slashes => \1 }, { escape_slashes => \1, gzip => \1 }, { content_length => undef }, { drip_ms => 0.1 }) {
    my $name = join ' and ', sort keys %$way;
    $ehr->faults(fhir => $way);
    my $answer = fhir(GET => "/Condition?patient=$patient&_count=2");
    is $answer->code, 200, "$name: answered";
    unlike $answer->content, qr{\Q$base\E|\Q${\ ($base =~ s!/!\\/!gr) }\E}, '… no link leads past the gateway';
    is_deeply [ grep { index $_->{fullUrl}, "$here/Condition/" } @{ json($answer)->{entry} } ], [], '… all lead to it';
}
goes_on('links');

# Most that httpd's children ever had in memory, in MB.
sub most_memory { return eval { my $sum = 0; $sum += (slurp("/proc/$_/status") =~ /^VmHWM:\s+(\d+)/m ? $1 : 0) / 1024 for $httpd->children; $sum } }

# 100 MB, 2 links in each KB.
{
    $ehr->faults(fhir => { bundle => { bytes => 1e8, patient => $patient } });
    my $before = most_memory();
    my $file = $httpd->dir . '/big.json';
    my ($rc, $said) = capture('curl', '-sS', '-f', '-m', '120', '-H', "Smart-Session: $session", '-o', $file, "$here/Observation?patient=$patient");
    is $rc, 0, 'a Bundle of 100 MB arrives' or diag $said;
    my ($links, $foreign, $entries, $tail) = (0, 0, 0, '');
    open my $fh, '<:raw', $file or die "$file: $!";
    while (read $fh, my $piece, 1 << 20) {
        my $keep = length $tail;
        my $text = $tail . $piece;
        my $upto = rindex $text, '{"fullUrl"';
        ($text, $tail) = $upto > 0 && !eof $fh ? (substr($text, 0, $upto), substr $text, $upto) : ($text, '');
        $links += () = $text =~ /"(?:fullUrl|reference)":"\Q$here\E\//g;
        $foreign += () = $text =~ /\Q$base\E/g;
        $entries += () = $text =~ /\{"fullUrl"/g;
    }
    close $fh;
    cmp_ok $entries, '>', 90_000, '… all of it';
    is $links, 2 * $entries, '… every link leads to the gateway';
    is $foreign, 0, '… none past it';
    my $bound = $ENV{SL_SANITIZE} ? 2000 : 30; # MB; sanitizers keep what was freed
    cmp_ok most_memory() - $before, '<', $bound, '… and httpd needs no memory for it';
    unlink $file;
    goes_on('a Bundle of 100 MB');
}

# A caller that hangs up after the first bytes.
{
    my $rows = $w->pg->value('SELECT count(*) FROM smartlaunch.fhir_access');
    $ehr->forget;
    $ehr->faults(fhir => { bundle => { bytes => 1e8, patient => $patient } });
    my ($port) = $here =~ /:(\d+)/;
    my $caller = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or die "connect: $@";
    print {$caller} "GET /fhir/sandbox/Observation?patient=$patient HTTP/1.1\r\nHost: x\r\nSmart-Session: $session\r\n\r\n";
    sysread $caller, my $first, 1000;
    like $first, qr{^HTTP/1\.1 200}, 'a caller that hangs up: the answer had begun';
    close $caller;
    my @after = $w->accesses($rows + 1);
    is $after[-1]{status}, 200, '… it leaves a row';
    cmp_ok $after[-1]{bytes}, '<', 5e7, '… with what it got';
    goes_on('a caller that hangs up');
    my ($asked) = $ehr->log('/fhir/');
    is $asked->{status}, undef, '… and the EHR need not send the rest';
}

unlike $httpd->error_log, qr/exit signal/, 'no child has died';
unlike $httpd->error_log, qr/\Q$patient\E/, 'SEC-5 no patient in the error log, in no line of mod_proxy\'s either';
$httpd->allow_log(qw(AH00898 AH01102 AH01110 AH01114 AH02609 AH01095 AH01097 AH10154 SL5820 SL5821 SL5824 SL5823));
done();
