#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# SmartNotify and an app that answers badly, on purpose or not: the browser goes nowhere, and the
# launch has ended with its tokens (X4, X5). And destinations that do not prove themselves (X11).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::Signon;
use SL::Tokens qw(nobody_leads);
use Time::HiRes qw(time);

my $app = SL::Signon->new;
my %other = map { $_ => "/$_" } qw(silent wrong get html tokenless stranger expired plain);
my $w = world(start => 0, fpm => 0, redirect => $app->notify);
my ($httpd, $ehr, $pg) = ($w->httpd, $w->ehr, $w->pg);
$httpd->{vhost} = join "\n", map { my ($name, @with) = @$_; site($name, $app->notify(@with)) }
    (map { [ $_ => url => $app->url($other{$_}) ] } qw(silent wrong get)),
    [ html => url => $app->url($other{html}), html => 'on' ],
    [ tokenless => url => $app->url($other{tokenless}), token => undef ],
    [ stranger => url => $app->url($other{stranger}, listener => 'stranger'), token => undef ],
    [ expired => url => $app->url($other{expired}, listener => 'expired'), token => undef ],
    [ plain => url => $app->url($other{plain}, listener => 'plain', host => '127.0.0.1'), token => undef ];
my ($client) = SL::EHR::default_clients($w->url('/smart'));
push @{ $client->{redirect_uris} }, map { $w->url("/smart/$_") } keys %other;
$ehr->clients($client);
nobody_leads($w);
$httpd->start;

# A Redirect URL of its own for each destination; all are of the same app and its links.
sub site {
    my ($name, $notify) = @_;
    return "<Location /smart/$name>\n    SmartTarget /papp/\n    $notify\n</Location>";
}

sub newest {
    my ($row) = $pg->rows('SELECT l.state, l.end_reason, t.status, t.access_sealed, t.refresh_sealed
        FROM smartlaunch.launch l JOIN smartlaunch.token t ON t.launch = l.id ORDER BY l.created_at DESC LIMIT 1');
    return $row;
}

sub count {
    my ($row) = $pg->rows("SELECT count(*) AS n FROM smartlaunch.launch WHERE state = 'live'");
    return $row->{n};
}

# Alice is linked, so that every message has a session that could be misused.
$app->answers(302, Location => $w->url('/papp/'));
$w->launch(login => 'alice');
$app->requests;
my $live = count();
my $patient = $ehr->patients->[0];

# The browser stays, with a page and its reference; nothing of the launch is left.
sub fails {
    my ($name, $status, $id, %with) = @_;
    my $told = exists $with{told} ? delete $with{told} : 1;
    my $l = $w->launch(%with, stop => 'callback');
    my $answer = $l->{callback};
    my @told = $app->told;
    my @wrong;
    push @wrong, 'status ' . $answer->code if $answer->code != $status;
    push @wrong, 'a Location: ' . $answer->header('Location') if defined $answer->header('Location');
    push @wrong, 'a refresh' if $answer->content =~ /http-equiv/i;
    push @wrong, 'cookies: ' . join ' ', $answer->header('Set-Cookie') if grep { !/^__Host-smart=/ } $answer->header('Set-Cookie');
    my ($reference) = $answer->content =~ m{Reference: <code>([^<]+)</code>} or push @wrong, 'no reference';
    my $log = $httpd->error_log;
    push @wrong, "no $id with that reference in the log" if !$reference || $log !~ /\b$id: .*status $status, reference \Q$reference\E/;
    push @wrong, scalar(@told) . ' messages' if @told != $told;
    my $row = newest();
    push @wrong, join ' ', map { "$_=" . ($row->{$_} // 'null') } sort keys %$row
        if "$row->{state} $row->{end_reason} $row->{status}" ne 'ended sign-on failed revoked' || grep { defined } @$row{qw(access_sealed refresh_sealed)};
    push @wrong, 'live launches: ' . count() if count() != $live;
    if (my ($session) = map { $_->{body}{Meta}{SessionID} } @told) {
        my $code = $w->fhir(GET => "/Patient/$patient", session => $session)->code;
        push @wrong, "the session answers $code" if $code != 401;
    } elsif ($told) {
        push @wrong, 'no session was told, so none could be refused';
    }
    my ($step) = $pg->rows("SELECT outcome FROM smartlaunch.launch_step WHERE step = 'notify' ORDER BY at DESC LIMIT 1");
    push @wrong, "recorded as $step->{outcome}" if $step->{outcome} ne $id;
    $httpd->expect_log($id);
    ok !@wrong, $name or diag join "\n", @wrong, $answer->as_string;
    return $answer;
}

# Where it will not lead
my $origin = $w->url;
my ($port) = $origin =~ /:(\d+)$/;
my $there = $app->origin;
for my $row (
    [ 'another site' => 'https://evil.example/', 'SL2903' ],
    [ 'another site that looks like ours' => "https://app.localhost.evil.example:$port/", 'SL2903' ],
    [ 'ours on another port' => 'https://app.localhost:' . ($port + 1) . '/', 'SL2903' ],
    [ 'ours without TLS' => "http://app.localhost:$port/", 'SL2903' ],
    [ 'its own host on another port' => 'https://localhost/', 'SL2903' ],
    [ 'ours as a user name' => "https://app.localhost:$port\@evil.example/", 'SL2902' ],
    [ 'a user name at ours' => "https://x\@app.localhost:$port/", 'SL2902' ],
    [ 'a backslash' => "https://app.localhost:$port\\\@evil.example/", 'SL2902' ],
    [ 'a path' => '/papp/', 'SL2902' ],
    [ 'a relative path' => 'papp/', 'SL2902' ],
    [ '//host' => "//app.localhost:$port/papp/", 'SL2902' ],
    [ 'javascript:' => 'javascript:alert(document.cookie)', 'SL2902' ],
    [ 'data:' => 'data:text/html,<script>1</script>', 'SL2902' ],
    [ 'nothing' => '', 'SL2902' ],
    [ 'a private address' => 'https://10.1.2.3/', 'SL2903' ],
    [ 'a metadata service' => 'http://169.254.169.254/latest/meta-data/', 'SL2903' ],
    [ 'an address that is ours, as a number' => "https://2130706433:$port/", 'SL290[23]' ],
    [ 'another loopback service' => 'http://127.0.0.1:22/', 'SL2903' ]) {
    my ($name, $location, $id) = @$row;
    $app->answers(302, Location => $location, 'Set-Cookie' => 'evil=1');
    ($id) = $id =~ /\[/ ? 'SL2903' : $id;
    my $answer = fails("X4 Location: $name", 502, $id);
    unlike $answer->content, qr/evil|javascript|meta-data/, '… and the page does not say where';
}

# Answers that say two things
my $good = $w->url('/papp/?t=1');
for my $row (
    [ 'two Locations' => "Location: $good\r\nLocation: $good", 'SL2901' ],
    [ 'two that differ' => "Location: $good\r\nLocation: https://evil.example/", 'SL2901' ],
    [ 'a folded one' => "Location: $good\r\n https://evil.example/", 'SL2901' ],
    [ 'none' => 'X: y', 'SL2901' ],
    [ 'a bare CR' => "Location: $good\rSet-Cookie: evil=1", 'SL2902' ],
    [ 'bytes that are not ASCII' => "Location: $good\xc3\xa4", 'SL2902' ]) {
    my ($name, $headers, $id) = @$row;
    $app->answers(302, raw => "HTTP/1.1 302 Found\r\n$headers\r\nContent-Length: 0\r\n\r\n");
    fails("X4 $name", 502, $id);
}
{
    $app->answers(302, raw => "HTTP/1.1 302 Found\r\nLocation: $good%0d%0aSet-Cookie:%20evil=1\r\nSet-Cookie: evil=1\r\nContent-Length: 0\r\n\r\n");
    my $l = $w->launch(stop => 'callback');
    is $l->{callback}->code, 303, 'X4 an encoded line end stays what it is';
    is_deeply [ grep { !/^__Host-smart=/ } $l->{callback}->header('Set-Cookie') ], [], '… and sets nothing, nor does its Set-Cookie';
    $app->requests;
    $live = count();
}

# Answers that are none
$app->answers($_, Location => $good), fails("X5 status $_", 502, 'SL2904') for 204, 304, 400, 401, 404, 500, 503;
$app->answers(200, 'Content-Type' => 'text/html', body => '<h1>come in</h1>'), fails('X4 200 without html=on', 502, 'SL2905');
$app->answers(302, Location => $good, body => 'x' x 1024, repeat => 300), fails('X5 more than 256 KiB', 502, 'SL3504');
$app->answers(302, close => \1), fails('X5 the connection is cut', 502, 'SL3510');
$app->answers(302, raw => "good morning\r\n\r\n"), fails('X5 no HTTP', 502, 'SL3510');
{
    $app->answers(302, hang => \1);
    my $began = time;
    my $answer = fails('X5 no answer', 504, 'SL3505');
    my $took = time - $began;
    ok $took > 5 && $took < 15, 'X5 … is waited for, but not for ever' or diag $took;
    like $answer->content, qr/did not answer in time/, '… and the page says so';
}

# A page in place of a redirect
{
    my @html = ('Content-Type' => 'text/html; charset=ISO-8859-1', 'Set-Cookie' => 'evil=1', 'Content-Security-Policy' => "default-src *");
    $app->{path} = $other{html};
    $app->answers(200, @html, body => '<h1>Come in</h1><script>alert(1)</script>');
    my $l = $w->launch(path => '/smart/html', stop => 'callback');
    my $answer = $l->{callback};
    is $answer->code . ' ' . $answer->content, '200 <h1>Come in</h1><script>alert(1)</script>', 'X4 html=on: the page as it is';
    is $answer->header('Content-Type'), 'text/html; charset=ISO-8859-1', '… in its charset';
    my ($policy, @more) = $answer->header('Content-Security-Policy');
    is scalar(@more), 0, '… under our policy alone';
    like $policy, qr/(?:^|; )sandbox (?!.*allow-(?:scripts|same-origin))/, 'X4 … sandboxed: no script, no origin';
    like $policy, qr/form-action \Q$there\E \Q$origin\E;/, '… whose forms go to allowed origins only';
    is_deeply [ grep { !/^__Host-smart=/ } $answer->header('Set-Cookie') ], [], '… without its cookies';
    is $answer->header('X-Content-Type-Options'), 'nosniff', '… and nothing is guessed';
    $app->requests;
    $live = count();
    $app->answers(200, 'Content-Type' => 'application/json', body => '{}');
    fails('X4 html=on and what is no HTML', 502, 'SL2906', path => '/smart/html');
}

# Who is told nothing, since nobody knows who it is
{
    $app->{path} = $other{tokenless};
    $app->answers(302, Location => $good);
    my $l = $w->launch(path => '/smart/tokenless', stop => 'callback');
    my ($told, @more) = $app->requests;
    is $l->{callback}->code . scalar(@more), '3030', 'X11 without token= there is no challenge';
    ok !defined $told->{headers}{'verification-token'}, '… and no header';
    $live = count();

    $app->{path} = $other{get};
    $app->answers(302, Location => $good, echo => 'GET');
    $l = $w->launch(path => '/smart/get', stop => 'callback');
    is $l->{callback}->code, 303, 'X11 a challenge echoed by GET only';
    my @asked = $app->requests;
    is_deeply [ map { $_->{method} } @asked ], [qw(POST GET POST)], '… by POST, by GET, then the message';
    like $asked[1]{query}, qr/^challenge=[\w-]{20,}&verification-token=\Q@{[ URI::Escape::uri_escape($app->{token}) ]}\E$/, '… with both as parameters';
    $live = count();

    for my $row ([ silent => 0, 'is not echoed' ], [ wrong => 'wrong', 'is echoed wrongly' ]) {
        my ($name, $echo, $text) = @$row;
        $app->{path} = $other{$name};
        $app->answers(302, Location => $good, echo => $echo || \0);
        fails("X11 a challenge that $text: nobody is told", 502, 'SL4801', path => "/smart/$name", told => 0);
        fails('X11 … nor a moment later', 502, 'SL4802', path => "/smart/$name", told => 0);
        is scalar($app->requests), 0, '… and it is not asked again';
    }
    my %tls = (stranger => 'a certificate of somebody else', expired => 'a certificate that has expired');
    for my $name (sort keys %tls) {
        $app->{path} = $other{$name};
        $app->answers(302, Location => $good);
        fails("X2 $tls{$name}: nobody is told", 502, 'SL3508', path => "/smart/$name", told => 0);
    }
    $app->{path} = $other{plain};
    $app->answers(302, Location => $good);
    is $w->launch(path => '/smart/plain', stop => 'callback')->{callback}->code, 303, 'X2 loopback may be without TLS';
}
done();
