#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What stands beside a gateway in httpd's configuration, or comes from the EHR beside its answer: the
# token goes to the EHR and nowhere else, nothing leaves in front of the answer, and what the EHR calls
# a page never becomes one of the app's origin.
# mpm: prefork sanitized
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::Gateway qw(outcome);
use SL::Run qw(capture);

my $w = world(start => 0, fpm => 0, ehr => { search => 1 }, ehr_block => 'SmartOutbound timeout=60s', modules => ['http2']);
my ($httpd, $ehr) = ($w->httpd, $w->ehr);
my $app = "http://127.0.0.1:$httpd->{echo}{port}";
my %section = (
    free => '',
    elsewhere => "RewriteEngine on\nRewriteRule ^ $app/elsewhere [P]",
    'same-name' => "RewriteEngine on\nRewriteRule ^ ${\ $ehr->base }.example/fhir/Patient/x [P]",
    front => "RewriteEngine on\nRewriteRule ^ /papp/front [PT]",
);
$httpd->{gateway} = "Require local\n</Location>\nProxyPass /papp/ $app/papp/\n" . join("</Location>\n", map { <<"CONF" } sort keys %section);
    <Location /$_>
        SmartGateway on
        SmartWrites on
        SmartPatientGuard off
        Require local
        $section{$_}
CONF
$httpd->{extra} = 'Protocols h2c http/1.1';
$httpd->{vhost} = <<'CONF';
    Header set Content-Security-Policy "script-src 'unsafe-inline'"
    Header set X-Content-Type-Options sniff
    <Location /ehr>
        SmartGateway on
        Require local
    </Location>
CONF
$httpd->start;
my $host = $httpd->gateway_url =~ s{/fhir\z}{}r;
my $l = $w->launch(login => 'alice');
my ($session, $patient) = @$l{qw(session patient)};
my @session = ('Smart-Session' => $session);

# Rules that send the gateway's requests somewhere else.
for my $name (grep { $section{$_} } sort keys %section) {
    $_->forget for $httpd, $ehr;
    my $answer = request(GET => "$host/$name/sandbox/Patient/$patient", headers => [@session]);
    is $answer->code, 500, "$name: a rule that sends the gateway's requests elsewhere: 500";
    like outcome($answer), qr/^error exception/, '… an OperationOutcome';
    is_deeply [ $httpd->seen ], [], '… the app behind that rule gets neither request nor token';
    is_deeply [ $ehr->log('/fhir/') ], [], '… nor does the EHR get one';
}

# In front of the answer.
$ehr->faults(fhir => { early_hints => { link => '</x>; rel=preload', 'set-cookie' => 'a=b', 'x-patient' => $patient } });
my $answer = raw($host, "GET /fhir/sandbox/Patient/$patient HTTP/1.1\r\nHost: x\r\nSmart-Session: $session\r\nConnection: close\r\n\r\n");
like $answer, qr{\AHTTP/1\.1 200 }, 'an interim answer of the EHR stays here';
unlike $answer, qr/^(?:Set-Cookie|X-Patient):/mi, '… with its headers';
$ehr->faults;
my $long = 'x' x (2 << 20);
my @expect = ('Expect' => '100-continue', 'Content-Type' => 'application/octet-stream');
for my $size (10, 2 << 20) {
    $ehr->forget;
    my $sent = raw($host, join("\r\n", "PUT /free/sandbox/Binary/b$size HTTP/1.1", 'Host: x', "Smart-Session: $session", 'Expect: 100-continue',
        'Content-Type: application/octet-stream', "Content-Length: $size", 'Connection: close', '', substr $long, 0, $size));
    my ($seen) = $ehr->log('/fhir/');
    is $seen && length $seen->{body}, $size, "Expect: 100-continue, $size bytes: the EHR gets them";
}

# A body that comes over HTTP/2 without a length: the guard sees it all the same.
my ($ours, $other) = @{ $ehr->patients };
for my $asked ($ours, $other) {
    $ehr->forget;
    my $form = spit($httpd->dir . '/form', "patient=$asked&_count=1");
    my ($rc, $text) = capture('curl', '-s', '--http2-prior-knowledge', '-o', '/dev/null', '-w', '%{http_version} %{http_code}', '-H', "Smart-Session: $session",
        '-H', 'Content-Type: application/x-www-form-urlencoded', '-H', 'Content-Length:', '-X', 'POST', '--data-binary', "\@$form", "$host/fhir/sandbox/Observation/_search");
    is $text, $asked eq $patient ? '2 200' : '2 403', 'HTTP/2, a form without a length of ' . ($asked eq $patient ? 'our' : 'another') . ' patient';
    is_deeply [ map { $_->{body} } $ehr->log('/fhir/') ], [ ("patient=$asked&_count=1") x ($asked eq $patient) ], '… reaches the EHR, or not';
}

# The gateway on the app's own host.
my $page = $l->{window};
for my $type ('text/html', 'image/svg+xml', 'application/xhtml+xml', 'application/xml', 'text/html; x=json', '') {
    $ehr->faults(fhir => { status => 200, body => '<html><script>alert(1)</script></html>', content_type => $type });
    my $shown = $page->nav("/ehr/sandbox/Binary/1");
    is $shown->code, 200, "'$type' of the EHR as a page of the app's host";
    is $shown->header('Content-Security-Policy'), "default-src 'none'; frame-ancestors 'none'; sandbox", '… runs nothing, whatever the host says of its own pages';
    is $shown->header('X-Content-Type-Options'), 'nosniff', '… and is guessed to be nothing else';
    $page->nav("/papp/?smart_launch=$l->{handle}", follow => 1);
}
$ehr->faults;

$httpd->expect_log(qw(SL5837 SL2606));
$httpd->allow_log('AH10034'); # HTTP/2 in prefork
done();
