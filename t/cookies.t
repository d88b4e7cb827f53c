#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# SmartAppCookies: one session of the app for each launch, in one browser.
# mpm: sanitized
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;

my $w = world(start => 0);
my $httpd = $w->httpd;
my %rules = (all => 'all', none => 'none', named => 'tracker other_one');
$httpd->{vhost} = join "\n", map { <<"CONF" } sort keys %rules;
    ProxyPass /$_/ http://127.0.0.1:$httpd->{echo}{port}/$_/
    <Location /$_>
        AuthType Smart
        SmartAppCookies $rules{$_}
        Require all granted
    </Location>
CONF
spit($httpd->dir . '/htdocs/app/session.php', <<'PHP');
<?php
// An app with PHP's own sessions, as shipped.
session_start();
$_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1;
$_SESSION['patients'][] = $_SERVER['SMART_PATIENT'] ?? null;
header('Content-Type: application/json');
echo json_encode(['id' => session_id(), 'n' => $_SESSION['n'], 'patients' => array_values(array_unique($_SESSION['patients'])),
    'cookies' => $_SERVER['HTTP_COOKIE'] ?? null]);
PHP
$httpd->start;

my ($first, $second) = @{ $w->ehr->patients };
my $ehr = $w->ehr->base . '/';

sub set_of { my ($response) = @_; return grep { !/^__Host-smart=/ } $response->header('Set-Cookie') }
sub setting { return 'X-Answer' => answer_header(headers => [ map { ('Set-Cookie' => $_) } @_ ]) }
sub at { my ($l, $url, @more) = @_; return $l->{window}->type($w->url("$url?smart_launch=$l->{handle}"), headers => [@more]) }
sub cookies { my ($response) = @_; return join '; ', sort split /; /, json($response)->{cookies} // '' }

my $browser = $w->browser;
my $a = $w->launch(window => $browser->frame($ehr), patient => $first, login => 'alice');
my $b = $w->launch(window => $browser->frame($ehr), patient => $second);

# One PHP session each
{
    my %id;
    for my $round (1 .. 3) {
        for my $l ($a, $b) {
            my $got = json(at($l, '/app/session.php'));
            is $got->{n}, $round, "CTX-10 the app's own session counts $round in the launch of $l->{patient}";
            is_deeply $got->{patients}, [ $l->{patient} ], 'CTX-10 and has seen one patient only';
            $id{ $got->{id} } = 1;
            is $got->{cookies}, $round == 1 ? undef : "PHPSESSID=$got->{id}", 'CTX-10 under the name the app gave it';
        }
    }
    is scalar(keys %id), 2, 'CTX-10 two sessions of the app in one browser';
    is_deeply [ $a->{window}->refused, $b->{window}->refused ], [], 'LCH-6 a browser takes its cookies in a frame of another site';
    my @marked = grep { $_->{name} =~ /^PHPSESSID\.~/ } $browser->jar->all;
    is scalar(@marked), 2, 'CTX-10 which are two in the browser';
    like $_->{line}, qr{; Path=/app(?:;|$)}, 'CTX-10 for the app\'s path' for @marked;
    unlike join(' ', map { $_->{line} } @marked), qr/\Q$a->{handle}\E|\Q$b->{handle}\E/, 'TRS-6 whose names tell no handle';
    my $open = json(request(GET => $w->url('/app/session.php'), headers => [ Cookie => join '; ', map { "$_->{name}=$_->{value}" } @marked ]));
    is $open->{n}, 1, 'CTX-10 without a launch the app sees neither';
    is $open->{cookies}, undef, 'CTX-10 by any name';
    $a->{window}->nav('/app/session.php', follow => 1);
    is json($a->{window}->response)->{n}, 4, 'CTX-10 a click goes on in the same session';
}

# Attributes
for my $path ('/papp/', '/app/') {
    my $base = $path =~ s{/$}{}r;
    my $response = at($a, $path, setting('sid=1; HttpOnly', 'JSESSIONID=2', 'theme=dark; Max-Age=99999999; Domain=app.localhost', '__Host-t=3; Secure; HttpOnly; Path=/',
        '__Secure-u=4; Secure; HttpOnly; SameSite=Strict; Expires=Thu, 01 Jan 2099 00:00:00 GMT', 'gone=; Max-Age=0; HttpOnly'));
    my %set = map { /^([^=]+)=/ ? ($1 => $_) : () } set_of($response);
    my ($mark) = map { /^sid\.~(\w+)$/ } keys %set;
    ok $mark, "CTX-10 $path: sid is marked";
    is_deeply [ sort grep { /~/ } keys %set ], [ sort map { "$_.~$mark" } qw(sid JSESSIONID __Host-t __Secure-u gone) ],
        "CTX-10 $path: so are all that are HttpOnly, and JSESSIONID; prefixes stay in front" or diag join "\n", %set;
    for my $name (grep { /~/ } keys %set) {
        my $host = $name =~ /^__Host-/;
        like $set{$name}, qr/; *SameSite=None/, "LCH-6 $path $name: SameSite=None";
        unlike $set{$name}, qr/Strict|Lax/, "LCH-6 $path $name: once";
        like $set{$name}, qr/; *Secure/, "LCH-6 $path $name: Secure";
        like $set{$name}, qr/; *Partitioned/, "LCH-6 $path $name: Partitioned";
        unlike $set{$name}, qr/Domain/i, "CTX-10 $path $name: no Domain";
        my $where = $host ? '/' : $base;
        like $set{$name}, qr{; *Path=\Q$where\E(?:;|$)}, "CTX-10 $path $name: Path";
    }
    my ($ends) = $set{"__Secure-u.~$mark"} =~ /Max-Age=(\d+)/i;
    ok $ends && $ends <= 12 * 3600, "SEC-7 $path: no longer than the launch";
    like $set{theme}, qr/^theme=dark; .*SameSite=None/, "LCH-6 $path: a cookie for scripts keeps its name";
    like $set{theme}, qr/Secure.*Partitioned|Partitioned.*Secure/, "LCH-6 $path: and can be set in a frame";
    my @php = $path eq '/app/' ? 'PHPSESSID=' . json(at($a, '/app/session.php'))->{id} : ();
    is cookies(at($a, $path)), join('; ', sort @php, qw(__Host-t=3 __Secure-u=4 JSESSIONID=2 sid=1 theme=dark)),
        "CTX-10 $path: the app sees them under their own names";
    my $other = cookies(at($b, $path));
    unlike $other, qr/sid=1|JSESSIONID|__Host-t|__Secure-u/, "CTX-10 $path: and not in the other launch";
    unlike $other, qr/theme=dark/, "CTX-10 $path: an unmarked one is seen in the launch that set it, only";
}

# Ours never reaches an app, and the app cannot set it
{
    my $value = $browser->jar->get('__Host-smart')->{value};
    for my $url ('/papp/', '/app/', '/plain/', '/named/', '/none/') {
        for my $header ("a=1; __Host-smart=$value", "__Host-smart=$value;a=1", "__Host-smart=\"$value\"", "__host-SMART=$value",
            "a=1; __Host-smart=$value; __Host-smart=$value", "__Host-smart = $value", "%5F%5FHost-smart=$value", ";;__Host-smart=$value;;") {
            for my $handle ('', "?smart_launch=$a->{handle}") {
                my $response = request(GET => $w->url($url . $handle), headers => [ Cookie => $header, 'Sec-Fetch-Site' => 'same-origin',
                    'Sec-Fetch-Mode' => 'no-cors', 'Sec-Fetch-Dest' => 'image' ]);
                unlike $response->content, qr/\Q$value\E/, "TRS-6 $url$handle never gets '" . ($header =~ s/\Q$value\E/…/gr) . "'";
            }
        }
    }
    my @set = set_of(at($a, '/papp/', setting('__Host-smart=evil; Secure; Path=/', '__host-SMART=evil2', '__Host-smart.~x=1', 'ok=1')));
    unlike "@set", qr/evil/, 'TRS-6 the app cannot set ours';
    is $browser->jar->get('__Host-smart')->{value}, $value, 'TRS-6 which stays as it was';
    my $outside = request(GET => $w->url('/papp/'), headers => [ setting('__Host-smart=evil; Secure; Path=/', 'sid=9; HttpOnly') ]);
    is_deeply [ $outside->header('Set-Cookie') ], ['sid=9; HttpOnly'], 'TRS-6 outside of a launch neither; others as the app wrote them';
    $w->httpd->expect_log('SL2531'); # spellings that are no cookie of ours
}

# The other rules
{
    my @said = ('sid=1; HttpOnly', 'JSESSIONID=2', 'theme=dark', 'tracker=t');
    my %marked = (all => 'JSESSIONID sid theme tracker', none => '', named => 'tracker');
    for my $rule (sort keys %marked) {
        my @names = sort map { /^([^=]+)\.~/ ? $1 : () } set_of(at($a, "/$rule/", setting(@said)));
        is "@names", $marked{$rule}, "CTX-10 SmartAppCookies $rules{$rule} marks '$marked{$rule}'";
        is cookies(at($a, "/$rule/")) =~ s/(?:; )?(?:__Host-t|__Secure-u)=\d//gr =~ s/^; //r, 'JSESSIONID=2; sid=1; theme=dark; tracker=t', "CTX-10 SmartAppCookies $rules{$rule}: the app has all of them";
        my $other = cookies(at($b, "/$rule/"));
        $rule eq 'named' ? unlike($other, qr/tracker=t/, 'CTX-10 and the other launch not those that are kept apart')
            : $rule eq 'all' ? unlike($other, qr/sid|theme|tracker/, 'CTX-10 and the other launch none of them')
            : like($other, qr/sid=1/, 'CTX-10 and, kept apart by nobody, they are shared');
    }
}

# A launch at the top level: Lax
{
    my $top = $w->browser->window;
    my $l = $w->launch(window => $top, patient => $first);
    my ($set) = set_of(at($l, '/papp/', setting('sid=7; HttpOnly')));
    like $set, qr/^sid\.~\w+=7; .*SameSite=Lax/, 'LCH-6 a launch that finished as a top-level page: Lax';
    unlike $set, qr/Partitioned/, 'LCH-6 and not Partitioned';
}

# Marks of dead launches
{
    my $browser = $w->browser;
    my ($one, $two) = map { $w->launch(window => $browser->frame($ehr), patient => $_) } $first, $second;
    at($_, '/papp/', setting('sid=5; HttpOnly')) for $one, $two;
    is scalar(grep { $_->{name} =~ /^sid\.~/ } $browser->jar->all), 2, 'two launches, two cookies';
    is $one->{window}->xhr(POST => "/smart/logout?smart_launch=$one->{handle}")->code, 200, 'one is logged out';
    my $response = at($two, '/papp/');
    is cookies($response), 'sid=5', 'the other goes on';
    my @left = grep { $_->{name} =~ /^sid\.~/ } $browser->jar->all;
    is scalar(@left), 1, 'SEC-9 the dead one\'s cookie is deleted with the next answer';
    is scalar(set_of(at($two, '/papp/'))), 0, 'SEC-9 once';
}

done();
