#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Which launch a browser's request belongs to: the handle's way through an app that knows nothing of
# it, and what nobody may guess.
# mpm: prefork sanitized
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use MIME::Base64 qw(encode_base64url);

my $w = world(
    vhost => <<'CONF');
    <Location /other>
        AuthType Smart
        SmartApp other
        Require all granted
    </Location>
    <Location /other/smart>
        SmartApp other
        SmartTarget /other/
    </Location>
CONF
my ($first, $second) = @{ $w->ehr->patients };

# What the app was told of the launch: patient and user, or '-'.
sub told {
    my ($response) = @_;
    return 'status ' . $response->code if $response->code != 200;
    my $got = json($response);
    my $patient = $got->{by} eq 'fpm' ? $got->{env}{SMART_PATIENT} : $got->{headers}{'smart-patient'};
    return $patient // '-';
}

# Two windows (frames of the EHR) of one browser, of two patients. The first launch links dr-smith.
sub two {
    my $browser = $w->browser;
    my $frame = sub { $browser->frame($w->ehr->base . '/') };
    my $linked = $w->pg->value('SELECT count(*) FROM smartlaunch.link');
    my $one = $w->launch(window => $frame->(), patient => $first, $linked ? () : (login => 'alice'));
    my $two = $w->launch(window => $frame->(), patient => $second);
    return ($browser, $one, $two);
}

my ($browser, $one, $two) = two();
my ($a, $b) = ($one->{window}, $two->{window});

# The recipe
is told($one->{app}), $first, 'CTX-10 launch of A: the app is told A';
is told($two->{app}), $second, 'CTX-10 launch of B in another window: the app is told B';
for my $app ('/papp/', '/app/index.php/') {
    is told($a->nav("$app?smart_launch=$one->{handle}")), $first, "CTX-10 A is A at $app";
    is told($b->nav("$app?smart_launch=$two->{handle}")), $second, "CTX-10 B is B at $app";
    is told($a->reload), $first, "CTX-10 reload A: still A at $app";
    for my $step (1 .. 3) {
        is told($a->nav("${app}page$step", follow => 1)), $first, "CTX-10 click on in A, step $step at $app: still A";
        is scalar($a->hops), 2, 'CTX-10 by one redirect';
        is told($b->nav("${app}page$step", follow => 1)), $second, "CTX-10 and in B, step $step: still B";
    }
    is told($a->post("${app}save", [ value => 'x' ], follow => 1)), $first, "CTX-10 a form of A at $app is A's";
    is json($a->response)->{body}, 'value=x', 'CTX-10 with its body';
    is json($a->response)->{method}, 'POST', 'CTX-10 and method';
    is told($b->xhr(GET => "${app}data")), $second, "CTX-10 a script of B at $app asks in B's name";
    is told($a->xhr(POST => "${app}data", body => '1')), $first, 'CTX-10 and a script of A in A\'s, with POST';
    is told($b->load(image => "${app}logo.png")), $second, 'CTX-10 an image of B belongs to B';
    unlike json($a->nav("${app}clean?a=1&b=%2f", follow => 1))->{$_}, qr/smart_launch/,
        "CTX-10 the app never sees the handle in its $_" for qw(uri query);
    is json($a->response)->{query}, 'a=1&b=%2f', 'CTX-10 and the rest of its query as it was sent';
    is json($a->response)->{uri}, "${app}clean?a=1&b=%2f", 'CTX-10 the whole address, too';
}
my $seen = json($a->nav('/app/index.php/x/../?q=1', follow => 1))->{env};
my @holds = grep { ref $seen->{$_} eq '' && $seen->{$_} =~ /smart_launch=/ } grep { !/^SMART_/ } keys %$seen;
is "@holds", '', 'CTX-10 no variable of FPM holds the address with the handle';

# Redirects that carry it
{
    my $response = $a->nav('/papp/click?x=1&y=%20');
    is $response->code, 303, 'CTX-10 a click is sent on by 303';
    is $response->header('Location'), $w->url("/papp/click?x=1&y=%20&smart_launch=$one->{handle}"),
        'CTX-10 to the same address with the handle';
    is $response->header('Cache-Control'), 'no-store', 'CTX-10 that is not kept';
    is $response->header('Referrer-Policy'), 'same-origin', 'CTX-10 whose policy keeps the handle with us';
    is $response->header('Set-Cookie'), undef, 'CTX-10 and sets no cookie';
    $w->httpd->forget;
    $response = $a->post('/papp/save', [ v => 1 ]);
    is $response->code, 307, 'CTX-10 a form post by 307';
    is $response->header('Location'), $w->url("/papp/save?smart_launch=$one->{handle}"), 'CTX-10 to the same address';
    is scalar($w->httpd->seen), 0, 'CTX-10 before the app ran';
}
for my $not ([ 'HEAD of a page', HEAD => navigate => 'document' ], [ 'a service worker', GET => 'same-origin', 'serviceworker' ],
    [ 'a script', GET => 'no-cors', 'script' ], [ 'PUT', PUT => 'cors', 'empty' ]) {
    my ($name, $method, $mode, $dest) = @$not;
    my $response = ask($method, '/papp/q', $one, 'Sec-Fetch-Mode' => $mode, 'Sec-Fetch-Dest' => $dest,
        Referer => $w->url("/papp/?smart_launch=$one->{handle}"), 'Sec-Fetch-Site' => 'same-origin');
    is $response->code, 200, "CTX-10 $name is not redirected";
}
for my $prefetch ([ 'Sec-Purpose' => 'prefetch' ], [ 'Purpose' => 'prefetch' ], [ 'X-Moz' => 'prefetch' ]) {
    my $response = ask(GET => '/papp/q', $one, @$prefetch, 'Sec-Fetch-Mode' => 'navigate', 'Sec-Fetch-Dest' => 'document',
        Referer => $w->url("/papp/?smart_launch=$one->{handle}"), 'Sec-Fetch-Site' => 'same-origin');
    is told($response), $first, "CTX-10 $prefetch->[0] is not redirected and belongs to its page's launch";
}
is ask(GET => '/papp/q', $one, Accept => 'text/html,*/*',
    Referer => $w->url("/papp/?smart_launch=$one->{handle}"))->code, 303, 'CTX-10 without Sec-Fetch, Accept tells a page';
is told(ask(GET => '/papp/q', $one, Accept => 'text/html', 'X-Requested-With' => 'XMLHttpRequest',
    Referer => $w->url("/papp/?smart_launch=$one->{handle}"))), $first, 'CTX-10 and X-Requested-With a script';
{
    my @same = (Referer => $w->url("/papp/?smart_launch=$one->{handle}"), 'If-None-Match' => '"x"',
        'If-Modified-Since' => 'Sat, 01 Jan 2022 00:00:00 GMT', 'Sec-Fetch-Site' => 'same-origin',
        'Sec-Fetch-Mode' => 'cors', 'Sec-Fetch-Dest' => 'empty');
    my $headers = json(ask(GET => '/papp/q', $one, @same))->{headers};
    ok !exists $headers->{$_}, "CTX-10 $_ is dropped where the Referer names the launch" for qw(if-none-match if-modified-since);
    $headers = json(ask(GET => "/papp/q?smart_launch=$one->{handle}", $one, @same))->{headers};
    is $headers->{'if-none-match'}, '"x"', 'CTX-10 and kept where the URL does';
    unlike $headers->{referer}, qr/smart_launch/, 'CTX-10 the app sees no handle in the Referer';
}

# The app's own redirects
my $origin = $w->url;
my $h = $one->{handle};
for my $app ('/papp/', '/app/index.php/') {
    my @table = (
        [ "$origin/papp/x" => "$origin/papp/x?smart_launch=$h", 'absolute' ],
        [ '/papp/x?a=1' => "/papp/x?a=1&smart_launch=$h", 'a path with a query' ],
        [ 'next.php#part' => "next.php?smart_launch=$h#part", 'relative, before the fragment' ],
        [ '?p=2' => "?p=2&smart_launch=$h", 'a query alone' ],
        [ "/papp/x?smart_launch=$h" => "/papp/x?smart_launch=$h", 'never twice' ],
        [ 'https://other.example/x' => 'https://other.example/x', 'not to another site' ],
        [ '//other.example/x' => '//other.example/x', 'not to another host without a scheme' ],
        [ '/smart/start?ehr=sandbox' => '/smart/start?ehr=sandbox', 'not on our own address' ],
        [ "$origin/smart" => "$origin/smart", 'nor on an absolute one' ],
        [ 'https://app.localhost.evil.example/' => 'https://app.localhost.evil.example/', 'not to a look-alike' ],
    );
    for my $row (@table) {
        my ($said, $expected, $name) = @$row;
        my $response = $a->nav("${app}go?smart_launch=$h&" . answer(status => 302, headers => [ Location => $said ]));
        my $location = $response->header('Location');
        $location = $origin . $location if $expected =~ /^https/ && $location =~ m{^/(?!/)};
        $expected = $w->url($expected) if $location =~ /^https:/ && $expected =~ m{^/(?!/)};
        is $location, $expected, "CTX-10 Location of $app: $name";
    }
}

# An unnamed request, two patients: nobody guesses
for my $app ('/papp/', '/app/index.php/') {
    $w->httpd->forget;
    my $page = typed($browser, "${app}list?x=1");
    is $page->code, 409, "CTX-10 a page that names no launch, with two patients open, at $app: the chooser";
    is $page->header('Content-Type'), 'text/html; charset=utf-8', 'CTX-10 the chooser is HTML';
    like $page->header('Content-Security-Policy'), qr/sandbox allow-top-navigation-by-user-activation/, 'CTX-10 out of reach of scripts';
    unlike $page->header('Content-Security-Policy'), qr/allow-(?:scripts|same-origin)/, 'CTX-10 by any word';
    like $page->header('Cache-Control'), qr/no-store/, 'CTX-10 and not kept';
    for my $launch ($one, $two) {
        ok index($page->content, "${app}list?x=1&amp;smart_launch=$launch->{handle}\"") > 0, 'CTX-10 with a link to each';
    }
    unlike $page->content, qr/<script/i, 'SEC-4 no script in it';
    is scalar($w->httpd->seen), 0, 'CTX-10 the app did not run';
    my $post = ask(POST => "${app}save", $one, 'Sec-Fetch-Site' => 'same-origin', 'Sec-Fetch-Mode' => 'navigate',
        'Sec-Fetch-Dest' => 'iframe', Accept => 'text/html,*/*', Origin => $w->url);
    is $post->code, 409, 'CTX-10 a form post that names none: 409';
    like $post->content, qr/not saved/, 'CTX-10 that says nothing was saved';
    unlike $post->content, qr{${app}save}, 'CTX-10 and its links do not lead to where a form goes';
    is scalar($w->httpd->seen), 0, 'CTX-10 and nothing was';
}
{
    my $response = ask(GET => '/papp/data', $one, own_script());
    is $response->code, 409, 'CTX-10 a script that names none: 409';
    is_deeply [ sort keys %{ json($response) } ], [qw(error error_description reference relaunch_url)], 'CTX-10 as JSON';
    unlike $response->content, qr/\Q$h\E|\Q$two->{handle}\E|\Q$first\E|\Q$second\E/, 'CTX-10 that names no handle and no patient';
    $w->httpd->expect_log('SL2533');
}
for my $dest (qw(image font style script audio video manifest)) {
    my $response = ask(GET => '/papp/logo', $one, 'Sec-Fetch-Site' => 'same-origin', 'Sec-Fetch-Mode' => 'no-cors', 'Sec-Fetch-Dest' => $dest);
    is_deeply [ ours(json($response)) ], [], "CTX-10 $dest passes without any launch";
}
is_deeply [ ours(json(ask(GET => '/papp/', $one, 'Sec-Fetch-Site' => 'same-origin', 'Sec-Fetch-Mode' => 'navigate',
    'Sec-Fetch-Dest' => 'document', 'Sec-Purpose' => 'prefetch'))) ], [], 'CTX-10 a prefetch that names none passes without any launch';

for my $socket ([ 'Sec-Fetch-Mode' => 'websocket', 'Sec-Fetch-Dest' => 'empty' ], [ Upgrade => 'websocket', Connection => 'Upgrade, close' ]) {
    is_deeply [ ours(json(ask(GET => '/papp/socket', $one, Origin => $w->url, @$socket))) ], [],
        "CTX-10 a WebSocket ($socket->[0]) that names none passes without any launch";
    is told(ask(GET => "/papp/socket?smart_launch=$two->{handle}", $one, Origin => $w->url, @$socket)), $second,
        'CTX-10 and belongs to the one it names';
}

# Named by Smart-Launch
is told(ask(GET => '/papp/data', $one, own_script(), 'Smart-Launch' => $two->{handle})), $second, 'CTX-10 a script names B in Smart-Launch';
is told(ask(POST => '/papp/data', $one, own_script(), 'Smart-Launch' => $two->{handle})), $second, 'CTX-10 with POST, too';
is told(ask(GET => "/papp/data?smart_launch=$h", $one, own_script(), 'Smart-Launch' => $h)), $first, 'CTX-10 the same in both';
for my $clash ([ "/papp/data?smart_launch=$h", 'Smart-Launch' => $two->{handle} ],
    [ "/papp/data?smart_launch=$h&smart_launch=$two->{handle}" ],
    [ "/papp/data?smart_launch=$h&smart%5flaunch=$two->{handle}" ],
    [ '/papp/data', 'Smart-Launch' => $h, 'Smart-Launch' => $two->{handle} ]) {
    my ($url, @headers) = @$clash;
    $w->httpd->forget;
    my $response = ask(GET => $url, $one, own_script(), @headers);
    is $response->code, 400, 'CTX-10 two names: 400';
    is scalar($w->httpd->seen), 0, 'CTX-10 and nothing else';
}
$w->httpd->expect_log('SL2530');

# From one patient's window into another's
{
    $a->nav("/papp/?smart_launch=$h");
    my $response = $a->nav("/papp/?smart_launch=$two->{handle}");
    is $response->code, 409, 'CTX-10 a link from A\'s page to B\'s launch is asked about';
    ok index($response->content, "smart_launch=$_\"") > 0, 'CTX-10 with both ways on' for $h, $two->{handle};
    like $response->header('Content-Security-Policy'), qr/; sandbox /, 'CTX-10 out of reach of scripts';
    is $response->header('Referrer-Policy'), 'same-origin', 'CTX-10 that page tells no other site of the handle';
    $w->httpd->allow_log('SL2534');
    $a->type("/papp/?smart_launch=$h");
    is told($a->response), $first, 'CTX-10 going back to A';
}

# Others' windows
for my $site ('cross-site', 'same-site') {
    for my $mode ([ 'cors', 'empty' ], [ 'no-cors', 'image' ], [ 'no-cors', 'script' ]) {
        for my $how ('URL', 'header', 'none') {
            my @name = $how eq 'header' ? ('Smart-Launch' => $h) : ();
            my $response = ask(GET => '/papp/data' . ($how eq 'URL' ? "?smart_launch=$h" : ''), $one, @name,
                'Sec-Fetch-Site' => $site, 'Sec-Fetch-Mode' => $mode->[0], 'Sec-Fetch-Dest' => $mode->[1]);
            is_deeply [ ours(json($response)) ], [], "FHR-10 $site $mode->[1], named by $how: no user, no context";
        }
    }
    is told(ask(GET => "/papp/?smart_launch=$h", $one, 'Sec-Fetch-Site' => $site, 'Sec-Fetch-Mode' => 'navigate',
        'Sec-Fetch-Dest' => 'iframe')), $first, "FHR-10 $site page with the handle in the URL arrives";
    is_deeply [ ours(json(ask(GET => '/papp/', $one, 'Sec-Fetch-Site' => $site, 'Sec-Fetch-Mode' => 'navigate',
        'Sec-Fetch-Dest' => 'iframe'))) ], [], "FHR-10 $site page without belongs to no launch";
    is_deeply [ ours(json(ask(GET => '/papp/', $one, 'Sec-Fetch-Site' => $site, 'Sec-Fetch-Mode' => 'navigate',
        'Sec-Fetch-Dest' => 'iframe', 'Smart-Launch' => $h))) ], [], "FHR-10 $site page with the handle in a header neither";
    for my $method (qw(POST PUT DELETE PATCH)) {
        for my $how ('URL', 'header', 'Referer') {
            $w->httpd->forget;
            my $response = ask($method => '/papp/data' . ($how eq 'URL' ? "?smart_launch=$h" : ''), $one,
                $how eq 'header' ? ('Smart-Launch' => $h) : $how eq 'Referer' ? (Referer => $w->url("/papp/?smart_launch=$h")) : (),
                'Sec-Fetch-Site' => $site, 'Sec-Fetch-Mode' => 'cors', 'Sec-Fetch-Dest' => 'empty');
            is $response->code, 403, "FHR-10 $site $method, named by $how: 403";
            is scalar($w->httpd->seen), 0, 'FHR-10 and the app did not run';
        }
    }
}
$w->httpd->expect_log('SL2532');
for my $foreign ('null', 'https://evil.example', 'https://app.localhost', "http://app.localhost:$w->{port}") {
    is ask(POST => "/papp/data?smart_launch=$h", $one, Origin => $foreign)->code, 403, "FHR-10 Origin: $foreign without Sec-Fetch-Site: 403";
    is ask(POST => "/papp/data?smart_launch=$h", $one, Origin => $w->url, 'Sec-Fetch-Site' => 'cross-site')->code, 403,
        'FHR-10 Sec-Fetch-Site counts before Origin';
    is_deeply [ ours(json(ask(GET => "/papp/data?smart_launch=$h", $one, Origin => $foreign, Accept => '*/*'))) ], [],
        "FHR-10 a fetch from Origin $foreign gets nothing";
}
is ask(POST => "/papp/data?smart_launch=$h", $one)->code, 403, 'FHR-10 POST with no proof at all: 403';
is told(ask(POST => "/papp/data?smart_launch=$h", $one, Origin => $w->url)), $first, 'FHR-10 Origin equal to SmartPublicURL is proof';
is_deeply [ ours(json(ask(POST => '/papp/data', $one, 'Sec-Fetch-Site' => 'cross-site', 'Sec-Fetch-Mode' => 'navigate',
    'Sec-Fetch-Dest' => 'document'))) ], [], 'FHR-10 a foreign post that names no launch is the app\'s own business';

# Handles that open nothing
{
    my $stranger = $w->browser;
    for my $case ([ 'of another browser', $w->launch(window => $stranger->frame($w->ehr->base . '/'))->{handle} ],
        [ 'with a letter changed', substr($h, 0, -1) . (substr($h, -1) eq 'A' ? 'B' : 'A') ],
        [ 'invented', encode_base64url(pack 'C*', map { int rand 256 } 1 .. 24) ], [ 'empty', '' ], [ 'absurd', 'x' x 5000 ]) {
        my ($name, $handle) = @$case;
        $w->httpd->forget;
        my $page = $a->type($w->url("/papp/?smart_launch=$handle"));
        is $page->code, 401, "CTX-10 a handle $name: 401";
        like $page->content, qr/open it from the chart/i, 'CTX-10 that says what to do';
        like $page->header('WWW-Authenticate'), qr/^Smart\b/, 'CTX-10 not by a password';
        is ask(GET => '/papp/data', $one, own_script(), 'Smart-Launch' => $handle)->code, 401, "CTX-10 in Smart-Launch: 401"
            if length $handle;
        is scalar($w->httpd->seen), 0, 'CTX-10 and the app did not run';
    }
    $w->httpd->expect_log('SL2531');
    my $nobody = ask(GET => "/papp/?smart_launch=$h", undef, 'Sec-Fetch-Site' => 'none', 'Sec-Fetch-Mode' => 'navigate',
        'Sec-Fetch-Dest' => 'document');
    is $nobody->code, 401, 'CTX-10 a handle without our cookie: 401';
}

# Another app's launch
is told(typed($browser, "/papp/?smart_launch=$h")), $first, 'the launch of app is alive';
$w->httpd->forget;
is ask(GET => "/other/?smart_launch=$h", $one, own_script())->code, 401, 'IDT-9 a launch of one app means nothing in another: 401';
isnt ask(GET => '/other/', $one, own_script())->code, 409, 'IDT-9 and is not asked about there';
{
    my $browser = $w->browser;
    my $launch = $w->launch(window => $browser->frame($w->ehr->base . '/'), patient => $second, path => '/other/smart', stop => 'start');
    is $launch->{start}->code, 302, 'the other app has a redirect URL of its own';
}

# An ended launch
{
    my ($browser, $one, $two) = two();
    my $a = $one->{window};
    is $a->xhr(POST => "/smart/logout?smart_launch=$one->{handle}")->code, 200, 'SEC-9 A is logged out';
    $w->httpd->forget;
    for my $try ([ 'its URL', GET => "/papp/?smart_launch=$one->{handle}" ], [ 'its header', GET => '/papp/', 'Smart-Launch' => $one->{handle} ],
        [ 'its Referer', GET => '/papp/', Referer => $w->url("/papp/?smart_launch=$one->{handle}") ],
        [ 'its Referer and POST', POST => '/papp/', Referer => $w->url("/papp/?smart_launch=$one->{handle}") ]) {
        my ($name, $method, $url, @headers) = @$try;
        is ask($method, $url, $two, own_script(), @headers)->code, 401, "CTX-10 ended launch by $name: 401, never the other patient";
    }
    is scalar($w->httpd->seen), 0, 'CTX-10 and the app did not run';
    is $a->nav('/papp/page')->code, 401, 'CTX-10 a click in its window: 401';
    is typed($browser, '/papp/')->code, 409, 'CTX-10 an unnamed page is still asked about: A was open here, too';
    like typed($browser, '/papp/')->content, qr/smart_launch=\Q$two->{handle}\E"/, 'CTX-10 the chooser has B';
    unlike typed($browser, '/papp/')->content, qr/\Q$one->{handle}\E/, 'CTX-10 and not A';
}

# One patient: no need to ask
{
    my $browser = $w->browser;
    my $one = $w->launch(window => $browser->frame($w->ehr->base . '/'), patient => $first);
    my $again = $w->launch(window => $browser->frame($w->ehr->base . '/'), patient => $first);
    my $got = json(typed($browser, '/papp/'));
    is $got->{headers}{'smart-launch'}, $again->{handle}, 'CTX-10 all of one patient: the newest';
    is $got->{headers}{'smart-patient'}, $first, 'CTX-10 with the patient';
    $w->launch(window => $browser->frame($w->ehr->base . '/'), patient => undef);
    is typed($browser, '/papp/')->code, 409, 'CTX-10 a launch without a patient is like no other';
}

# Pending launches
{
    my $browser = $w->browser;
    my $launch = $w->launch(window => $browser->frame($w->ehr->base . '/'), user => 'dr-jones', patient => $first);
    my $got = json($launch->{app})->{headers};
    is $got->{'smart-link'}, 'pending', 'a launch that is not linked is pending';
    is_deeply [ ours(json(typed($browser, '/papp/'))) ], [], 'CTX-10 a request without a handle never belongs to a pending launch';
    is json($launch->{window}->type("/papp/?smart_launch=$launch->{handle}"))->{headers}{'smart-link'}, 'pending', 'CTX-10 with it, it does';
}

done();

# Names of our headers in what the proxied app was sent.
sub ours { my ($got) = @_; return sort grep { /^smart/i || $_ eq 'remote-user' } keys %{ $got->{headers} } }

sub own_script { return ('Sec-Fetch-Site' => 'same-origin', 'Sec-Fetch-Mode' => 'cors', 'Sec-Fetch-Dest' => 'empty', Accept => '*/*') }

# A request with the cookie of a launch's browser and exactly these headers.
sub ask {
    my ($method, $url, $launch, @headers) = @_;
    my @cookie = $launch ? map { ("$_->{name}=$_->{value}") } $launch->{window}->jar->all('__Host-smart') : ();
    return request($method, $w->url($url), headers => [ @headers, @cookie ? (Cookie => join '; ', @cookie) : () ],
        $method =~ /^(?:POST|PUT|PATCH)$/ ? (body => '') : ());
}

# A page typed into the address bar of a frame on the EHR's page, which is where our cookie is.
sub typed {
    my ($browser, $url) = @_;
    return $browser->frame($w->ehr->base . '/')->type($w->url($url));
}
