#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# SEC-3: what a client sends under our names never reaches an app, on any path, by any method.
# mpm: sanitized
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use File::Copy qw(copy);

my $w = world(start => 0, app => "SmartUserHeader X-Remote-User\n");
my $httpd = $w->httpd;
$httpd->{extra} = 'LimitRequestFields 500';
$httpd->{vhost} = <<"CONF";
    ErrorDocument 400 /plain/index.php/bad
    ProxyPass /open/ http://127.0.0.1:$httpd->{echo}{port}/open/
CONF
copy(top() . '/t/lib/app/index.php', $httpd->dir . '/htdocs/plain/index.php') or die $!;
$httpd->start;
my ($first) = @{ $w->ehr->patients };

my @variables = qw(SMART_USER SMART_SESSION SMART_LAUNCH SMART_SESSION_BASE_URL SMART_EHR SMART_EHR_USER SMART_FHIR_USER
    SMART_PATIENT SMART_ENCOUNTER SMART_SCOPE SMART_INTENT SMART_NEED_PATIENT_BANNER SMART_STYLE_URL SMART_TENANT
    SMART_FHIR_CONTEXT SMART_EXPIRES SMART_LINK SMART_SOMETHING_NEW SMART_);
my @users = ('X-Remote-User', 'x-remote-user', 'X_REMOTE_USER', 'X.Remote-User', 'X-Remote_User');

# Each variable in spellings that CGI makes the same, our session id's names and the user header's.
sub spellings {
    my @all;
    for my $variable (@variables) {
        my $words = join '-', map { ucfirst lc } split /_/, $variable, -1;
        push @all, $words, lc $words, uc $words, $words =~ tr/-/_/r, lc($words =~ tr/-/_/r), $words =~ tr/-/./r, $variable;
    }
    return (@all, 'sMaRt+PaTiEnT', 'Smart~Patient', 'Smart!Patient', "Smart'Patient", 'Smart^Patient', 'Smart`Patient', 'Smart#Patient',
        'Smart$Patient', 'Smart%Patient', 'Smart&Patient', 'Smart*Patient', 'Smart|Patient');
}

sub spoofed { return map { ($_ => 'SPOOFED') } spellings(), @users }

# Where a value of the client's shows in what an app was given. The method's own echo is no finding.
sub found {
    my ($got) = @_;
    my %all = $got->{by} eq 'fpm' ? %{ $got->{env} } : map { $_->[0] . ':' . $_->[1] => "$_->[0]: $_->[1]" } @{ $got->{header_list} };
    return grep { $all{$_} =~ /SPOOFED/ } sort keys %all;
}

sub ours { my ($got) = @_; return grep { /^smart/i } sort keys %{ $got->{by} eq 'fpm' ? $got->{env} : $got->{headers} } }

my @paths = ('/papp/', '/app/index.php', '/open/x', '/plain/index.php', '/papp/deep/er?x=SMART_PATIENT');

# Nobody is launched
for my $path (@paths) {
    for my $method (qw(GET POST PUT PATCH DELETE OPTIONS PROPFIND)) {
        my $response = request($method, $w->url($path), headers => [ $path =~ /app/ ? spoof_but_launch() : spoofed() ],
            $method =~ /^P[OUA][ST]/ ? (body => 'x=1') : ());
        is $response->code, 200, "$method $path is answered";
        is_deeply [ found(json($response)) ], [], "SEC-3 $method $path: nothing of the client's reaches the app";
        is_deeply [ ours(json($response)) ], [], "SEC-3 $method $path: and nothing is made up";
    }
}
my $nobody = json(request(GET => $w->url('/app/index.php'), headers => [ spoof_but_launch() ]))->{env};
is_deeply [ grep { /REMOTE_USER|AUTH_TYPE/ } keys %$nobody ], [], 'SEC-3 no REMOTE_USER without a launch';

# Within a launch: ours are there, the client's are not
my $l = $w->launch(login => 'alice', patient => $first);
my $cookie = '__Host-smart=' . $l->{window}->jar->get('__Host-smart')->{value};
my @named = (Cookie => $cookie, 'Sec-Fetch-Site' => 'same-origin', 'Sec-Fetch-Mode' => 'cors', 'Sec-Fetch-Dest' => 'empty');
for my $path ('/papp/', '/app/index.php') {
    for my $method (qw(GET POST OPTIONS)) {
        my $response = request($method, $w->url("$path?smart_launch=$l->{handle}"), headers => [ @named, spoof_but_launch() ],
            $method eq 'POST' ? (body => 'x') : ());
        is $response->code, 200, "$method $path in a launch is answered";
        my $got = json($response);
        is_deeply [ found($got) ], [], "SEC-3 $method $path in a launch: nothing of the client's";
        is_deeply [ $got->{by} eq 'fpm' ? $got->{env}{SMART_PATIENT} : grep { lc $_->[0] eq 'smart-patient' and $_ = $_->[1] } @{ $got->{header_list} } ],
            [$first], "SEC-3 $method $path: our patient, once";
        my $user = $got->{by} eq 'fpm' ? $got->{env}{HTTP_X_REMOTE_USER} : $got->{headers}{'x-remote-user'};
        is $user, 'alice', "SEC-3 $method $path: the user header is ours";
    }
}

# All but the one name that may be sent
sub spoof_but_launch {
    my @all = spoofed();
    my @kept;
    while (my ($name, $value) = splice @all, 0, 2) {
        push @kept, $name, $value if lc $name ne 'smart-launch';
    }
    return @kept;
}
is_deeply [ found(json(request(GET => $w->url('/papp/'), headers => [ @named, 'Smart_Launch' => 'SPOOFED', 'SMART.LAUNCH' => 'SPOOFED' ]))) ], [],
    'SEC-3 a launch is named by Smart-Launch alone';

# Names of ours in Connection do not take our headers away
for my $list ('close, Smart-Patient, Smart-User, X-Remote-User', 'smart-patient,SMART-USER, x-remote-user ,close', 'Smart_Patient, close') {
    my $got = json(request(GET => $w->url("/papp/?smart_launch=$l->{handle}"), headers => [ @named, Connection => $list ]));
    is $got->{headers}{'smart-patient'}, $first, "SEC-3 Connection: $list leaves the patient";
    is $got->{headers}{'smart-user'}, 'alice', 'SEC-3 and the user';
    is $got->{headers}{'x-remote-user'}, 'alice', 'SEC-3 in both headers';
}

# Trailers (configtest refuses MergeTrailers on)
for my $path ('/papp/', '/app/index.php', '/open/x', '/plain/index.php') {
    for my $in_launch (0, 1) {
        next if $in_launch && $path !~ /app/;
        my $bytes = "POST $path" . ($in_launch ? "?smart_launch=$l->{handle}" : '') . " HTTP/1.1\r\nHost: app.localhost:$w->{port}\r\n"
            . "Connection: close\r\nTransfer-Encoding: chunked\r\nTrailer: Smart-Patient, X-Remote-User\r\n"
            . ($in_launch ? "Cookie: $cookie\r\nSec-Fetch-Site: same-origin\r\n" : '')
            . "\r\n3\r\nx=1\r\n0\r\nSmart-Patient: SPOOFED\r\nSMART_USER: SPOOFED\r\nX-Remote-User: SPOOFED\r\nX-Kept: trailer\r\n\r\n";
        my ($head, $body) = split /\r\n\r\n/, raw($w->url($path), $bytes), 2;
        like $head, qr{^HTTP/1.1 200}, "a body with trailers at $path is answered";
        unlike $body, qr/SPOOFED/, "SEC-3 trailers bring nothing in at $path" . ($in_launch ? ' in a launch' : '');
        like $body, qr/"(?:smart-patient|SMART_PATIENT)":"\Q$first\E"/, 'SEC-3 our patient stays' if $in_launch;
    }
}

# A request so bad that httpd gives up before any module sees it, with an ErrorDocument
for my $url ("/papp/?smart_launch=$l->{handle}", '/smart?code=CODE-OF-EHR&state=x') {
    my $bad = 'Host: app.localhost, other';
    my $bytes = "GET $url HTTP/1.1\r\nConnection: close\r\nSmart-Patient: SPOOFED\r\nSMART_USER: SPOOFED\r\nX-Remote-User: SPOOFED\r\nCookie: a=1; $cookie\r\n$bad\r\n\r\n";
    my ($head, $body) = split /\r\n\r\n/, raw($w->url('/'), $bytes), 2;
    like $head, qr{^HTTP/1.1 \d}, "$bad: an answer";
    like $body, qr/"PATH_INFO":"\/bad"/, 'SEC-3 made by the ErrorDocument';
    unlike $body, qr/SPOOFED/, 'SEC-3 which sees nothing of the client\'s';
    unlike $body, qr/__Host-smart|\Q$l->{handle}\E|CODE-OF/, 'TRS-6 CBK-8 and neither cookie nor handle nor code';
}

# Context comes from the token response only
{
    my $got = json($l->{window}->type($w->url("/papp/?smart_launch=$l->{handle}&patient=other&smart_patient=other&SMART_USER=mallory"),
        headers => [ Cookie => 'SMART_PATIENT=other; Smart-User=mallory' ]));
    is $got->{headers}{'smart-patient'}, $first, 'CTX-7 no parameter or cookie changes the patient';
    is $got->{headers}{'smart-user'}, 'alice', 'CTX-7 nor the user';
}

# TRACE sends back what it was sent, and nothing that only the app's server side may have
for my $path ('/sapp/', '/papp/', '/app/index.php') {
    my $response = request(TRACE => $w->url("$path?smart_launch=$l->{handle}"), headers => [@named]);
    unlike $response->content, qr/"?smart[-_](?:session|patient|user|launch)"?[:,]/i, "TRS-7 TRACE $path belongs to no launch";
}

# The module's own addresses
is_deeply [ sort keys %{ json(request(GET => $w->url("/smart/session?smart_launch=$l->{handle}"), headers => [ @named, spoof_but_launch() ])) } ],
    [qw(ehr ehr_user encounter expires_in launch link patient user)], 'SEC-3 /smart/session is not impressed';
is json(request(GET => $w->url("/smart/session?smart_launch=$l->{handle}"), headers => [ @named, spoof_but_launch() ]))->{patient}, $first,
    'SEC-3 and tells our patient';

done();
