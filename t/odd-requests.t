#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Odd requests: bodies nobody reads, HTTP/0.9 and HTTP/2, pictures that say who is logged in, IPv6
# networks, sessions of two users in one browser.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;

my $w = world(start => 0, pg => { own => 1 }, modules => [qw(http2 remoteip)]);
my $httpd = $w->httpd;
$httpd->{extra} = "Protocols h2 http/1.1\nRemoteIPHeader X-Real-IP\nRemoteIPInternalProxy 127.0.0.1\n";
$httpd->start;
my ($p1, $p2) = @{ $w->ehr->patients };
my $l = $w->launch(login => 'alice', patient => $p1);
my ($window, $h) = @{$l}{qw(window handle)};
my $cookie = '__Host-smart=' . $window->jar->get('__Host-smart')->{value};

# keep-alive: a POST whose body nobody read
{
    my $body = "GET /sapp/ HTTP/1.1\r\nHost: app.localhost\r\n\r\n";
    my $req = join "\r\n", "POST /papp/x HTTP/1.1", "Host: app.localhost:$httpd->{port}", "Cookie: $cookie",
        "Origin: https://app.localhost:$httpd->{port}", 'Sec-Fetch-Site: same-origin', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document',
        "Referer: https://app.localhost:$httpd->{port}/papp/?smart_launch=$h", 'Content-Type: application/x-www-form-urlencoded',
        'Content-Length: ' . length $body, '', $body;
    my $end = "GET /plain/ HTTP/1.1\r\nHost: app.localhost\r\nConnection: close\r\n\r\n";
    my $got = raw($w->url('/'), $req . $end);
    my @status = $got =~ m{^HTTP/1\.1 (\d+)}mg;
    is "@status[0,1]", '307 200', 'a body that was not read is no request' or diag $got;
    is scalar(@status), 2, 'and gets no answer';
}
# HTTP/0.9
{
    my $got = eval { raw($w->url('/'), "GET /smart?code=SECRETCODE&state=xyz\r\n") };
    ok $got, 'HTTP/0.9 gets an answer';
    wait_for('the access log', sub { $httpd->access_log =~ m{"GET /smart" 400} });
    unlike $httpd->access_log . $httpd->error_log, qr/SECRETCODE/, 'SEC-5 and its log line has no code';
    $httpd->expect_log('AH02031'); # HTTP/0.9 names no host
}
# two launches, a picture that says who is logged in
{
    my $two = $w->launch(window => $window, patient => $p2);
    $cookie = '__Host-smart=' . $window->jar->get('__Host-smart')->{value};
    my @set;
    for (1 .. 2) {
        my $r = request('GET', $w->url('/papp/pic.png?' . answer(headers => [ 'Smart-Login' => 'alice' ])),
            headers => [ Cookie => $cookie, 'Sec-Fetch-Site' => 'same-origin', 'Sec-Fetch-Mode' => 'no-cors', 'Sec-Fetch-Dest' => 'image' ]);
        push @set, scalar $r->header('Set-Cookie');
    }
    is_deeply \@set, [ undef, undef ], 'SEC-6 a picture that says what is known renews no cookie';
    is $w->pg->value("SELECT count(*) FROM smartlaunch.launch WHERE kind = 'session'"), 0, 'and begins no session';
}
# a form from nobody knows where
{
    my $response = request('POST', $w->url('/papp/login?' . answer(headers => [ 'Smart-Login' => 'mallory' ])), body => 'a=1',
        headers => [ 'Content-Type' => 'application/x-www-form-urlencoded' ]);
    is $response->code, 200, 'a form without any proof of where it comes from';
    is $response->header('Set-Cookie'), undef, 'SEC-6 gives this browser no session';
    $httpd->expect_log('SL6505');
}
# HTTP/2
{
    my ($rc, $text) = capture('curl', '-sk', '--http2', '-D', '-', '--resolve', "app.localhost:$httpd->{port}:127.0.0.1", '-H', "Cookie: $cookie", '-H', 'Sec-Fetch-Site: same-origin',
        '-H', 'Sec-Fetch-Mode: navigate', '-H', 'Sec-Fetch-Dest: document', '-H', 'Smart-User: evil', $w->url("/papp/?smart_launch=$h"));
    is $rc, 0, 'curl';
    like $text, qr{^HTTP/2 200}m, 'HTTP/2 is spoken';
    like $text, qr/"smart-patient":"\Q$p1\E"/, 'CTX-1 the app is told the patient';
    unlike $text, qr/evil/, 'SEC-3 and nothing the client made up';
}
# networks
{
    for my $ip ('2001:db8::1:2:3:4', '2001:db8::2:2:3:4', '2001:db8:0:1::5') {
        my $made = $w->ehr->launch;
        my $u = URI->new($w->url('/smart')); $u->query_form(iss => $made->{iss}, launch => $made->{launch});
        is request('GET', "$u", headers => [ 'X-Real-IP' => $ip ])->code, 302, "launch from $ip";
    }
    is join(' ', map { $_->{n} } $w->pg->rows("SELECT count(*) AS n FROM smartlaunch.launch WHERE state = 'pending' GROUP BY client_net ORDER BY 1")),
        '1 2', 'SEC-6 a /64 is one network, however its addresses are abbreviated';
}
# two sessions of two users
{
    my $b = $w->browser->window;
    $b->type($w->url('/papp/?') . answer(headers => [ 'Smart-Login' => 'carol' ]));
    is json($b->type($w->url('/papp/')))->{headers}{'smart-user'}, 'carol', 'carol has a session';
    $w->pg->dbh->do(q{INSERT INTO smartlaunch.launch (id, app, kind, state, app_user, key_id, handle_hash, session_hash, browser_hash, authorized_at, last_seen_at, expires_at)
        SELECT gen_random_uuid(), app, kind, state, 'dave', key_id, sha256('a'), sha256('b'), browser_hash, authorized_at + interval '1 second', last_seen_at, expires_at
        FROM smartlaunch.launch WHERE app_user = 'carol'});
    wait_for('read again', sub { (json($b->type($w->url('/papp/')))->{headers}{'smart-user'} // '') ne 'carol' });
    is json($b->type($w->url('/papp/')))->{headers}{'smart-user'}, undef, 'sessions of two users: nobody guesses';
}

# A row that somebody changed
{
    my $pending = $w->launch(user => 'dr-jones', patient => $p1);
    my $page = $w->url("/papp/?smart_launch=$pending->{handle}");
    $w->pg->dbh->do("UPDATE smartlaunch.launch SET ehr_user = NULL WHERE link_state = 'pending'");
    wait_for('read again', sub { !exists json($pending->{window}->type($page))->{headers}{'smart-ehr-user'} });
    is $pending->{window}->type("$page&" . answer(headers => [ 'Smart-Login' => 'alice' ]))->code, 500,
        'a pending launch whose EHR user is gone from its row is linked with nobody';
    $httpd->expect_log('SL4502');
}

# A program that gives a secret, closes its output and stays
if (!$>) {
    $httpd->stop;
    my $program = spit($httpd->dir . '/helper', "#!/bin/sh\necho s3cret\nexec >&-\nsleep 60\n", 0755);
    my ($ours) = $httpd->config =~ /^(SmartDatabase.*?<\/SmartEHR>)/ms;
    $httpd->{config} = $ours =~ s{file:\S+/secret}{exec:$program}r;
    my $began = time;
    ok !eval { $httpd->start; 1 }, 'REG-4 a program that does not end: httpd does not start';
    ok time - $began < 30, '… and says so after 10 seconds';
    delete $httpd->{server};
    $httpd->expect_log('SL1702');
    $httpd->allow_log('AH00020');
}

done();
