#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Our cookie, how long a launch lives, /smart/session and /smart/logout.
# mpm: all
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use MIME::Base64 qw(encode_base64url);

my $w = world(pg => { own => 1 }, redirect => 'SmartApp app', vhost => <<'CONF');
    <Location /second>
        SmartTarget /papp/
    </Location>
CONF
my ($first, $second) = @{ $w->ehr->patients };
my $name = '__Host-smart';
my $is_cookie = qr/^\Q$name\E=[A-Za-z0-9_-]{32}; Path=\/; Secure; HttpOnly; SameSite=None; Partitioned$/;

sub cookies_of { my ($response) = @_; return grep { /^\Q$name\E=/ } $response->header('Set-Cookie') }
sub value_of { my ($window) = @_; return $window->jar->get($name)->{value} }
sub frame { return ($_[0] || $w->browser)->frame($w->ehr->base . '/') }

# A script's request of our own page, with this cookie value.
sub with {
    my ($cookie, $method, $url, @headers) = @_;
    my %said = @headers;
    push @headers, 'Sec-Fetch-Site' => 'same-origin', 'Sec-Fetch-Mode' => 'cors', 'Sec-Fetch-Dest' => 'empty'
        if !$said{'Sec-Fetch-Site'};
    push @headers, Cookie => "$name=$cookie" if defined $cookie;
    return request($method, $w->url($url), headers => \@headers, $method eq 'POST' ? (body => '') : ());
}

sub session { my ($cookie, $handle) = @_; return with($cookie, GET => '/smart/session' . (defined $handle ? "?smart_launch=$handle" : '')) }

sub told_user { my ($response) = @_; return json($response)->{headers}{'smart-user'} }

sub ours { my ($response) = @_; return grep { /^smart-/ } sort keys %{ json($response)->{headers} } }

# The cookie
my $browser = $w->browser;
my $l = $w->launch(window => frame($browser), stop => 'start');
my @set = cookies_of($l->{start});
is scalar(@set), 1, 'LCH-6 a launch sets one cookie';
like $set[0], $is_cookie, 'LCH-6 with exactly these attributes';
my $before = value_of($l->{window});
$l->{authorize} = $l->{window}->nav($l->{window}->location, follow => 1, until => qr/^\Q${\ $w->url}\E/);
$l->{callback_url} = $l->{window}->location;
$w->finish($l);
@set = cookies_of($l->{callback});
is scalar(@set), 1, 'CBK-10 the callback sets one cookie';
like $set[0], $is_cookie, 'LCH-6 with exactly these attributes';
my $after = value_of($l->{window});
isnt $after, $before, 'CBK-10 of a new value';
is_deeply [ $l->{window}->refused ], [], 'LCH-6 a browser takes all of them in a frame of another site';
is length $after, length $before, 'TRS-6 of the same length';
is session($before, $l->{handle})->code, 401, 'CBK-10 the value before the first callback opens nothing';
is cookies_of($l->{app}), 0, 'CBK-10 the app\'s page sets none';

$w->login($l, 'alice');
my $linked = value_of($l->{window});
isnt $linked, $after, 'CBK-10 the cookie is renewed when accounts are joined';
is json(session($linked, $l->{handle}))->{user}, 'alice', 'and opens the launch';

# One size, however many launches
my @launches = ($l);
my %values;
for my $n (1 .. 20) {
    push @launches, $w->launch(window => frame($browser), patient => $n % 2 ? $second : $first, stop => 'callback');
    $values{ value_of($l->{window}) } = 1;
}
is scalar(keys %values), 20, 'CBK-10 renewed at each of 20 launches';
is_deeply [ sort { $a <=> $b } map { length } keys %values ], [ (length $linked) x 20 ], 'TRS-6 and of one size';
is scalar($browser->jar->all($name)), 1, 'TRS-6 one cookie for all of them';
is_deeply [ map { json(session(value_of($l->{window}), $_->{handle}))->{patient} } @launches ],
    [ $first, map { $_ % 2 ? $second : $first } 1 .. 20 ], 'CTX-10 all 21 launches are open, each with its patient';

# The old value's ten seconds
{
    my $browser = $w->browser;
    my $one = $w->launch(window => frame($browser), patient => $first);
    my $waiting = $w->launch(window => frame($browser), patient => $first, stop => 'authorize');
    my $old = value_of($one->{window});
    my $pending = $waiting->{callback_url};
    my $two = $w->launch(window => frame($browser), patient => $second);
    my $new = value_of($one->{window});
    isnt $new, $old, 'CBK-10 a second launch renews the cookie';
    is json(session($old, $one->{handle}))->{patient}, $first, 'CBK-10 the old value still opens what was live before';
    is session($old, $two->{handle})->code, 401, 'CBK-10 and not the launch that came with the new one';
    is session($new, $two->{handle})->code, 200, 'CBK-10 which the new one opens';
    is_deeply [ ours(with($old, GET => '/papp/logo', 'Sec-Fetch-Site' => 'same-origin', 'Sec-Fetch-Dest' => 'image')) ], [],
        'CBK-10 an unnamed image with the old value belongs to none';
    $w->ehr->forget;
    my $stolen = with($old, GET => $pending =~ s{^https://[^/]+}{}r, 'Sec-Fetch-Site' => 'cross-site',
        'Sec-Fetch-Mode' => 'navigate', 'Sec-Fetch-Dest' => 'iframe');
    is $stolen->code, 400, 'CBK-10 the old value finishes no callback';
    is scalar($w->ehr->log('/auth/token')), 0, 'CBK-10 no token call';
    is cookies_of($stolen), 0, 'CBK-10 and earns no cookie';
    for my $say ([ 'Smart-Login' => 'alice' ], [ 'Smart-Login' => 'mallory' ]) {
        for my $url ('/papp/', "/papp/?smart_launch=$one->{handle}") {
            my $how = with($old, GET => $url, 'X-Answer' => answer_header(headers => $say), 'Sec-Fetch-Site' => 'same-origin',
                'Sec-Fetch-Dest' => 'image');
            is cookies_of($how), 0, "CBK-10 nor does a $say->[0]: $say->[1] at $url";
        }
    }
    $w->httpd->expect_log(qw(SL4305 SL3062 SL6504));
    is session($new, $two->{handle})->code, 200, 'CBK-10 the new one opens its launch still';
    my $third = $w->launch(window => frame($browser), patient => $first);
    is session($new, $two->{handle})->code, 200, 'CBK-10 after the next renewal it serves on for a while';
    $w->pg->dbh->do("UPDATE smartlaunch.launch SET moved_at = moved_at - interval '11 seconds' WHERE moved_at IS NOT NULL");
    ok wait_for('the old value to be dead', sub { session($new, $two->{handle})->code == 401 }),
        'CBK-10 after ten seconds the old value opens nothing';
    is session(value_of($third->{window}), $two->{handle})->code, 200, 'CBK-10 and the newest all that is live';
    $w->httpd->expect_log('SL2531');
}

# What /smart/session says
{
    my $one = $w->launch(patient => $first, encounter => undef, window => frame());
    my $cookie = value_of($one->{window});
    my $response = session($cookie, $one->{handle});
    is $response->code, 200, '/smart/session answers';
    is $response->header('Content-Type'), 'application/json', 'as JSON';
    is $response->header('Cache-Control'), 'no-store', 'that nobody keeps';
    my $said = json($response);
    my $in = delete $said->{expires_in};
    is_deeply $said, { user => 'alice', ehr => 'sandbox', ehr_user => 'dr-smith', patient => $first, encounter => undef,
        link => 'linked', launch => $one->{handle} }, 'with exactly these members';
    ok $in > 1700 && $in <= 1800, 'and the seconds of the idle limit';
    unlike $response->content, qr/access|refresh|session|token|Bearer/, 'TRS-7 no token, no session id';
    is json(with($cookie, GET => '/smart/session', 'Smart-Launch' => $one->{handle}))->{launch}, $one->{handle}, 'named by header';
    is json(with($cookie, GET => '/smart/session', Referer => $w->url("/papp/?smart_launch=$one->{handle}")))->{launch},
        $one->{handle}, 'named by Referer';
    my $page = request(GET => $w->url('/smart/session'), headers => [ Cookie => "$name=$cookie", Accept => 'text/html',
        'Sec-Fetch-Site' => 'same-origin', 'Sec-Fetch-Mode' => 'navigate', 'Sec-Fetch-Dest' => 'document',
        Referer => $w->url("/papp/?smart_launch=$one->{handle}") ]);
    is $page->code, 200, 'CTX-10 and is never redirected';
    for my $no ([ 'no cookie', undef, $one->{handle} ], [ 'no cookie, no name', undef, undef ],
        [ 'the cookie of another browser', value_of($l->{window}), $one->{handle} ]) {
        my ($why, $value, $handle) = @$no;
        my $no_launch = session($value, $handle);
        is $no_launch->code, 401, "$why: 401";
        is_deeply [ sort keys %{ json($no_launch) } ], [qw(error error_description reference relaunch_url)], 'as JSON';
    }
    for my $foreign ('cross-site', 'same-site') {
        is with($cookie, GET => "/smart/session?smart_launch=$one->{handle}", 'Sec-Fetch-Site' => $foreign)->code, 401,
            "FHR-10 a $foreign script learns nothing";
    }
    is with($cookie, POST => "/smart/session?smart_launch=$one->{handle}")->code, 405, 'POST /smart/session: 405';
    is with($cookie, HEAD => "/smart/session?smart_launch=$one->{handle}")->content, '', 'HEAD has no body';
    my $pending = $w->launch(user => 'dr-jones', patient => $second);
    is_deeply { %{ json(session(value_of($pending->{window}), $pending->{handle})) }, expires_in => 0 },
        { user => undef, ehr => 'sandbox', ehr_user => 'dr-jones', patient => undef, encounter => undef, expires_in => 0,
        link => 'pending', launch => $pending->{handle} }, 'a pending launch tells no patient and no user';
    $w->httpd->expect_log(qw(SL6005 SL6001));
}

# Limits
{
    my $one = $w->launch(window => frame(), patient => $first);
    my $cookie = value_of($one->{window});
    my $of = "WHERE handle_hash = sha256('$one->{handle}'::bytea)";
    my $set = sub { is $w->pg->dbh->do("UPDATE smartlaunch.launch SET $_[0] $of") + 0, 1, "when $_[0]" };
    $set->("expires_at = now() + interval '25 minutes'");
    ok wait_for('expires_in', sub { my $in = json(session($cookie, $one->{handle}))->{expires_in}; $in > 1400 && $in <= 1500 }),
        'SEC-7 expires_in is what is left of max, when that is less';
    my $two = $w->launch(window => frame(), patient => $first);
    $of = "WHERE handle_hash = sha256('$two->{handle}'::bytea)";
    $cookie = value_of($two->{window});
    is session($cookie, $two->{handle})->code, 200, 'SEC-7 a launch lives';
    $set->('expires_at = now()');
    ok wait_for('max', sub { session($cookie, $two->{handle})->code == 401 }), 'SEC-7 until its absolute end: 401';
    is $w->pg->value("SELECT state || ' ' || end_reason FROM smartlaunch.launch $of"), 'ended expired', 'SEC-7 and the row says why';
    is with($cookie, GET => "/papp/?smart_launch=$two->{handle}")->code, 401, 'SEC-7 the app\'s page, too';
}

# The idle limit, made short enough to be waited for
{
    my $conf = $w->httpd->{vhost};
    my $again = sub { $w->httpd->{vhost} = $_[0]; $w->httpd->write_config; $w->httpd->graceful };
    $again->("$conf\n    SmartSession idle=3s max=12h");
    my $one = $w->launch(window => frame(), patient => $first);
    my $cookie = value_of($one->{window});
    my $of = "FROM smartlaunch.launch WHERE handle_hash = sha256('$one->{handle}'::bytea)";
    my $codes = '';
    wait_for('twice the limit', sub { $codes .= session($cookie, $one->{handle})->code . ' ';
        $w->pg->value("SELECT now() > authorized_at + interval '6 seconds' $of") });
    unlike $codes, qr/[^20 ]/, 'SEC-7 asking /smart/session keeps a launch alive beyond the idle limit';
    my $in = json(session($cookie, $one->{handle}))->{expires_in};
    ok $in >= 2 && $in <= 3, 'SEC-7 expires_in is the idle limit';
    my $asked = $w->pg->value('SELECT now()');
    wait_for('the idle limit to pass', sub { $w->pg->value("SELECT now() > ?::timestamptz + interval '3.2 seconds'", $asked) });
    is session($cookie, $one->{handle})->code, 401, 'SEC-7 after the idle limit: 401';
    is $w->pg->value("SELECT state || ' ' || end_reason $of"), 'ended idle', 'SEC-7 and the row says why';
    $again->("$conf\n    SmartCookie __Host-other toplevel");
    my $top = $w->launch(window => $w->browser->window, patient => $first);
    for my $step (qw(start callback)) {
        like join("\n", $top->{$step}->header('Set-Cookie')), qr/^__Host-other=[A-Za-z0-9_-]{32}; Path=\/; Secure; HttpOnly; SameSite=Lax$/,
            "LCH-6 SmartCookie toplevel: exactly these attributes at the $step";
    }
    is told_user($top->{app}), 'alice', 'LCH-6 and the launch ends in the app';
    $again->($conf);
}

# Logout
{
    my $browser = $w->browser;
    my ($one, $two, $three) = map { $w->launch(window => frame($browser), patient => $_) } $first, $second, $second;
    my $cookie = value_of($one->{window});
    my $url = "/smart/logout?smart_launch=$one->{handle}";
    my @foreign = ([ 'GET', GET => 'same-origin' ], [ 'HEAD', HEAD => 'same-origin' ], [ 'PUT', PUT => 'same-origin' ],
        [ 'a cross-site POST', POST => 'cross-site' ], [ 'a same-site POST', POST => 'same-site' ], [ 'a typed POST', POST => 'none' ]);
    for my $try (@foreign) {
        my ($what, $method, $site) = @$try;
        like with($cookie, $method => $url, 'Sec-Fetch-Site' => $site)->code, qr/^40[35]$/, "SEC-9 $what changes nothing";
    }
    for my $origin ('null', 'https://evil.example', '') {
        my $response = request(POST => $w->url($url), body => '', headers => [ Cookie => "$name=$cookie", $origin ? (Origin => $origin) : () ]);
        is $response->code, 403, 'SEC-9 nor does a POST with Origin ' . ($origin || 'missing');
    }
    is with($cookie, GET => $url)->header('Allow'), 'POST', 'SEC-9 the 405 says how';
    is session($cookie, $_->{handle})->code, 200, 'SEC-9 all launches are alive' for $one, $two, $three;
    is with($cookie, POST => '/smart/logout')->code, 409, 'SEC-9 a logout that names none of several: 409';
    is session($cookie, $one->{handle})->code, 200, 'SEC-9 which changes nothing';
    my $out = with($cookie, POST => $url);
    is $out->code, 200, 'SEC-9 POST with proof ends the launch';
    is session($cookie, $one->{handle})->code, 401, 'SEC-9 at once';
    is session($cookie, $_->{handle})->code, 200, 'SEC-9 and no other' for $two, $three;
    is $w->pg->value("SELECT state || ' ' || end_reason FROM smartlaunch.launch WHERE handle_hash = sha256('$one->{handle}'::bytea)"),
        'ended logout', 'SEC-9 the row says why';
    is $w->pg->value("SELECT t.status || (t.access_sealed IS NULL) || (t.refresh_sealed IS NULL) FROM smartlaunch.token t"
        . " JOIN smartlaunch.launch l ON l.id = t.launch WHERE l.handle_hash = sha256('$one->{handle}'::bytea)"),
        'revokedtruetrue', 'SEC-9 its tokens are gone';
    my $page = $two->{window}->post("/smart/logout?smart_launch=$two->{handle}", [ all => 1 ]);
    is $page->code, 200, 'SEC-9 all=1 in a form';
    like $page->content, qr/logged out/, 'SEC-9 says so';
    like +(cookies_of($page))[0], qr/^\Q$name\E=; .*Max-Age=0/, 'SEC-9 and takes the cookie back';
    is $browser->jar->get($name), undef, 'SEC-9 which the browser does';
    is session($cookie, $_->{handle})->code, 401, 'SEC-9 all launches have ended' for $two, $three;
    is session(value_of($l->{window}), $l->{handle})->code, 200, 'SEC-9 another browser\'s have not';
    $w->httpd->expect_log(qw(SL6201 SL2533));
}

# What cannot be one of ours costs no call of the database: it is answered while that is away
{
    my $one = $w->launch(window => frame(), patient => $first);
    my $cookie = value_of($one->{window});
    my $forged = substr($cookie, 0, -1) . (substr($cookie, -1) eq 'A' ? 'B' : 'A');
    my $unknown = encode_base64url(pack 'C*', map { int rand 256 } 1 .. 24);
    $w->httpd->allow_log('SL3001'); # the caretaker may say so, as it does of its own accord
    $w->pg->stop;
    my $so_far = () = $w->httpd->error_log =~ /\[client .*\bSL30\d\d/g;
    for my $value ($forged, $unknown, '', 'x' x 4000, '"' . $forged . '"') {
        my $what = length $value > 40 ? 'a long one' : "'$value'";
        is_deeply [ ours(with($value, GET => '/papp/')) ], [], "SEC-7 forged cookie $what: the app runs without any launch";
        is session($value, $one->{handle})->code, 401, 'SEC-7 and /smart/session is 401, not 503';
    }
    is session($cookie, $one->{handle})->code, 200, 'SEC-7 the true one opens its launch from shared memory';
    is session($cookie, $unknown)->code, 401, 'SEC-7 with a forged handle: 401';
    is scalar(() = $w->httpd->error_log =~ /\[client .*\bSL30\d\d/g), $so_far, 'SEC-7 and nobody missed the database so far';
    my $two = request(GET => $w->url('/smart/session'), headers => [ Cookie => "$name=$cookie; $name=$unknown",
        'Sec-Fetch-Site' => 'same-origin', 'Sec-Fetch-Mode' => 'cors' ]);
    is $two->code, 401, 'SEC-7 two different cookies of our name are none';
    $w->pg->start;
}

done();
