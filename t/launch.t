#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The launch request: what the EHR's page sends the browser to.
# mpm: all
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::Refused;
use URI::Escape qw(uri_escape_utf8);

my $w = world();
my $iss = $w->ehr->issuer;
my $escaped = uri_escape_utf8($iss);

sub visit {
    my ($query, %opt) = @_;
    return $w->browser->frame($w->ehr->base . '/')->nav($w->url("/smart?$query"), %opt);
}

sub by_post {
    my ($body, %opt) = @_;
    return visit(delete $opt{query} // '', method => 'POST', body => $body,
        type => $opt{type} // 'application/x-www-form-urlencoded');
}

sub launches { return $w->pg->value('SELECT count(*) FROM smartlaunch.launch') }

sub asked { return { URI->new($_[0]->header('Location'))->query_form } }

# What is no launch. Nothing was launched yet, so that discovery would show.
my $long = 'a' x 17_000;
for my $case (
    [ 'nothing', '', 'SL2021' ],
    [ 'unknown parameters only', 'a=b', 'SL2021' ],
    [ 'no launch (LCH-8)', "iss=$escaped", 'SL2021' ],
    [ 'no iss', 'launch=abc', 'SL2021' ],
    [ 'an empty launch', "iss=$escaped&launch=", 'SL2021' ],
    [ 'an empty iss', 'iss=&launch=abc', 'SL2021' ],
    [ 'iss twice', "iss=$escaped&iss=$escaped&launch=abc", 'SL2024' ],
    [ 'launch twice', "iss=$escaped&launch=abc&launch=abc", 'SL2024' ],
    [ 'launch and code', "iss=$escaped&launch=abc&code=x&state=y", 'SL2025' ],
    [ 'launch and error', "iss=$escaped&launch=abc&error=access_denied", 'SL2025' ],
    [ 'a launch of 17,000 characters', "iss=$escaped&launch=$long", 'SL2021' ],
    [ 'an iss of 3,000 characters', 'iss=https%3A%2F%2F' . 'a' x 3000 . '&launch=abc', 'SL2021' ],
    [ 'a bad escape', "iss=$escaped&launch=a%zz", 'SL2003' ],
    [ 'an escape that is cut off', "iss=$escaped&launch=a%4", 'SL2003' ],
    [ 'a NUL', "iss=$escaped&launch=a%00b", 'SL2003' ],
    [ 'invalid UTF-8', "iss=$escaped&launch=a%ff%fe", 'SL2003' ],
    [ '80 parameters', "iss=$escaped&launch=abc" . '&x=1' x 78, 'SL2002' ],
) {
    my ($what, $query, $id) = @$case;
    refused($w, visit($query), 400, $id, "LCH-1 refused: $what", step => 'launch');
}
refused($w, by_post("iss=$escaped&launch=abc", query => "iss=$escaped"), 400, 'SL2024',
    'LCH-1 refused: iss in the query and in the form');
refused($w, by_post("{\"iss\":\"$iss\"}", type => 'application/json'), 400, 'SL6002',
    'LCH-1 refused: a POST that is no form');
refused($w, by_post("iss=$escaped&launch=" . 'a' x 70_000), 400, 'SL6004', 'LCH-1 refused: a form of 70,000 characters');

# Who is not ours.
my ($host) = $iss =~ m{//([^/]+)};
for my $foreign (
    'http://169.254.169.254/latest/meta-data', 'https://evil.example/fhir', "https://$host.evil.example/fhir",
    "https://evil.example\@$host/fhir", "https://$host\@evil.example/fhir", "$iss?x=1", "$iss#x", "$iss/../other",
    "$iss//", "$iss/Patient", "http://$host/fhir", $iss =~ s/localhost/LOCALHOST2/r, "file://$iss", 'javascript:alert(1)',
    "$iss\\", ' ' . $iss, $iss . "\t", '//' . $host . '/fhir', '<script>alert(1)</script>',
) {
    refused($w, visit('iss=' . uri_escape_utf8($foreign) . '&launch=abc'), 403, 'SL4101',
        "LCH-2 not an EHR of ours: $foreign" =~ s/\t/\\t/r, step => 'launch');
}
# The page names who it was, for the support; only where that is an address and nothing else.
for my $case ([ 'https://other-hospital.example/api/FHIR/R4', 1 ], [ 'https://a.example/please-call-0800-0000', 1 ],
    [ 'https://a.example/<b>', 0 ], [ 'http://a.example/fhir', 0 ], [ 'https://user@a.example/fhir', 0 ],
    [ 'https://a.example/fhir?please=call', 0 ], [ 'call us at once', 0 ], [ 'https://a.example/' . 'x' x 200, 0 ]) {
    my ($foreign, $shown) = @$case;
    my $page = visit('iss=' . uri_escape_utf8($foreign) . '&launch=abc');
    is $page->code, 403, 'LCH-2 403';
    is scalar($page->decoded_content =~ /It says that it is/) ? 1 : 0, $shown, 'LCH-2 the page ' . ($shown ? 'names ' : 'does not name ') . substr $foreign, 0, 50;
    like $page->decoded_content, qr{<p>It says that it is \Q$foreign\E</p>}, 'LCH-2 as it is' if $shown;
}
is_deeply [ $w->ehr->log ], [], 'LCH-1 LCH-2 none of these made us ask the EHR anything';
is launches(), 0, 'LCH-1 LCH-2 and none was stored';

# Other methods.
my $query = "iss=$escaped&launch=abc";
for my $method (qw(HEAD PUT DELETE PATCH OPTIONS)) {
    my $response = visit($query, method => $method);
    is $response->code, 405, "LCH-7 $method starts nothing";
    is $response->header('Allow'), 'GET, POST', "LCH-7 $method is told what does";
    is $response->header('Set-Cookie'), undef, "LCH-7 $method gets no cookie";
}
$w->httpd->expect_log('SL6001');
is launches(), 0, 'LCH-7 nothing was stored';
is_deeply [ $w->ehr->log ], [], 'LCH-7 nor asked';

# Who is.
for my $ours ($iss, "$iss/", $iss =~ s/^https:/HTTPS:/r, $iss =~ s/ehr\.localhost/EHR.LocalHost/r) {
    my $response = visit('iss=' . uri_escape_utf8($ours) . '&launch=abc');
    is $response->code, 302, "LCH-2 the same EHR: $ours";
    is asked($response)->{aud}, $ours, "AZR-3 aud is the launch iss, byte for byte: $ours";
}

my $response = visit("$query&authorize_url=https%3A%2F%2Fevil.example&aud=x&scope=y&redirect_uri=https%3A%2F%2Fevil.example"
    . '&client_id=z&state=0123456789&code_challenge=w&_tenant=acme&prompt=none');
is $response->code, 302, 'LCH-7 the launch is answered by a redirect';
is $response->header('Cache-Control'), 'no-store', 'LCH-7 which is not stored';
is $response->header('Referrer-Policy'), 'no-referrer', 'LCH-7 and tells nobody where it came from';
like $response->header('Content-Security-Policy'), qr/^default-src 'none'/, 'LCH-7 its body may load nothing';
is_deeply [ sort keys %{ asked($response) } ],
    [ sort qw(response_type client_id redirect_uri scope state aud launch code_challenge code_challenge_method) ],
    'LCH-7 unknown parameters are not forwarded';
unlike $response->header('Location'), qr/evil|acme|prompt/, 'LCH-7 nor do they change what is';

# A launch by POST.
my $posted = by_post("iss=$escaped&launch=p%2B%2F%3D");
is $posted->code, 302, 'LCH-1 a launch may come by POST';
is asked($posted)->{launch}, 'p+/=', 'LCH-1 and means the same';

is asked(by_post('x=' . 'y' x 40_000 . "&iss=$escaped&launch=at-the-end"))->{launch}, 'at-the-end',
    'LCH-1 a long form is read to its end';

# launch is opaque.
for my $launch ('a+b/c=d%e&f', 'é語😀', 'a b', '"<>', '0', "x\ty", 'eyJhbGciOiJSUzI1NiJ9.eyJhIjoxfQ.c2ln') {
    my $got = asked(visit("iss=$escaped&launch=" . uri_escape_utf8($launch)))->{launch};
    utf8::decode($got);
    is $got, $launch, 'LCH-3 launch comes back as it was: ' . $launch =~ s/\t/\\t/r;
}
my $l = $w->launch(length => 4096, odd => 1);
is $l->{callback}->code, 303, 'LCH-3 a launch of 4,096 odd characters goes through' or diag $l->{callback}->as_string;
is((grep { $_->{path} eq '/auth/authorize' } $w->ehr->log)[-1]{query}{launch}, $l->{launch}, 'LCH-3 unchanged');
$l = $w->launch(user => 'nurse-lee', odd => 1, length => 16_000 / 9);
is $l->{callback}->code, 303, 'LCH-3 and so does one that fills a long request line';

# A standalone start names no URL.
refused($w, visit('ehr=https%3A%2F%2Fevil.example'), 400, 'SL2021', 'LCH-4 no URL of the caller\'s begins a launch');

# Parallel launches of one browser.
my @patients = @{ $w->ehr->patients }[ 0 .. 2 ];
my $browser = $w->browser;
my @open = map { $w->launch(patient => $_, window => $browser->frame($w->ehr->base . '/'), stop => 'authorize') } @patients;
$w->finish($_) for @open[ 1, 2, 0 ];
is_deeply [ map { $_->{callback}->code } @open ], [ 303, 303, 303 ], 'LCH-5 three launches at once, all complete';
my %patient = map { $_->{patient} => 1 }
    $w->pg->rows('SELECT patient FROM smartlaunch.launch WHERE state = ? ORDER BY authorized_at DESC LIMIT 3', 'live');
is_deeply [ sort keys %patient ], [ sort @patients ], 'LCH-5 each with its own patient';
my %handle = map { $_->{handle} => 1 } @open;
is scalar(keys %handle), 3, 'LCH-5 and its own handle';
is(json($open[$_]{window}->reload)->{headers}{'smart-launch'}, $open[$_]{handle}, "LCH-5 window $_ still shows its own") for 0 .. 2;

# In a frame, and not.
my ($cookie) = $l->{start}->header('Set-Cookie');
like $cookie, qr{^__Host-smart=[\w-]{22,}; Path=/; Secure; HttpOnly; SameSite=None; Partitioned$},
    'LCH-6 the cookie of an embedded launch';
my $base = $w->ehr->base;
like $l->{start}->header('Content-Security-Policy'), qr{frame-ancestors 'self' \Q$base\E$}, 'LCH-6 the EHR may frame it';
like visit('')->header('Content-Security-Policy'), qr{frame-ancestors 'self' \Q$base\E$}, 'LCH-6 and our pages';
$w->httpd->stop;
$w->httpd->{vhost} = 'SmartCookie __Host-smart toplevel';
$w->httpd->start;
my $top = $w->launch(window => $w->browser->window);
like $top->{start}->header('Set-Cookie'), qr{^__Host-smart=[\w-]{22,}; Path=/; Secure; HttpOnly; SameSite=Lax$},
    'LCH-6 the cookie of a launch in a window of its own';
is $top->{callback}->code, 303, 'LCH-6 which completes';

done();
