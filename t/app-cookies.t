#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# An unmodified app's cookies when several charts are open in one browser: what it keeps in cookies
# for its scripts, cookies of a long day, an app behind CGI.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;

my $w = world(start => 0, modules => ['cgi']);
my ($httpd, $pg) = ($w->httpd, $w->pg);
$httpd->{vhost} = <<"CONF";
    LimitRequestFieldSize 8190
    ScriptAlias /cgi/ ${\ $httpd->dir }/cgi/
    <Location /cgi>
        AuthType Smart
        Require all granted
    </Location>
    <Directory ${\ $httpd->dir }/cgi>
        Require all granted
    </Directory>
CONF
mkdir $httpd->dir . '/cgi' or die "cgi: $!";

# Keeps its patient in a cookie that its scripts can read, and its session in one that is not HttpOnly.
spit($httpd->dir . '/cgi/chart', <<'CGI', 0755);
#!/usr/bin/perl
use strict;
use warnings;
my %in = map { split /=/, $_, 2 } split /; */, $ENV{HTTP_COOKIE} // '';
my $session = $in{CGISESSID} // sprintf '%08x%04x', rand 2**32, $$ % 65536;
my $chart = $in{chart} // $ENV{SMART_PATIENT} // 'nobody';
print "Content-Type: text/plain\nSet-Cookie: CGISESSID=$session; path=/\nSet-Cookie: chart=$chart; path=/\n\n",
    join(' ', $session, $chart, $ENV{REMOTE_USER} // '-', $ENV{SMART_PATIENT} // '-'), "\n";
CGI
spit($httpd->dir . '/htdocs/app/chart.php', <<'PHP');
<?php
// The open chart is in a plain cookie, which the app's scripts read, too.
$chart = $_COOKIE['chart'] ?? $_SERVER['SMART_PATIENT'] ?? 'nobody';
if (!isset($_COOKIE['chart'])) setcookie('chart', $chart);
if (isset($_GET['close'])) setcookie('chart', '', 1);
header('Content-Type: text/plain');
echo $chart;
PHP
$httpd->start;

my ($first, $second) = @{ $w->ehr->patients };
my $ehr = $w->ehr->base . '/';
my $browser = $w->browser;
my $a = $w->launch(window => $browser->frame($ehr), patient => $first, login => 'alice');
my $b = $w->launch(window => $browser->frame($ehr), patient => $second);

sub at { my ($l, $url, @more) = @_; return $l->{window}->type($w->url("$url?smart_launch=$l->{handle}"), headers => [@more]) }
sub setting { return 'X-Answer' => answer_header(headers => [ map { ('Set-Cookie' => $_) } @_ ]) }
sub cookies { my ($response) = @_; return join '; ', sort split /; /, json($response)->{cookies} // '' }
sub marked { my ($jar, $name) = @_; return grep { $_->{name} =~ /^\Q$name\E\.[~!]/ } $jar->all }

# The patient in a cookie for scripts
{
    for my $round (1 .. 3) {
        is at($_, '/app/chart.php')->content, $_->{patient}, "CTX-10 PHP, round $round: the app has this launch's chart, whichever was opened last"
            for $round == 2 ? ($b, $a) : ($a, $b);
        for my $l ($a, $b) {
            my ($session, $chart, $user, $patient) = split ' ', at($l, '/cgi/chart')->content;
            is "$user $patient $chart", "alice $l->{patient} $l->{patient}", "CTX-10 CGI, round $round: user, patient, and the chart of the app's own cookie";
            is $l->{cgi} //= $session, $session, "CTX-10 CGI, round $round: one session of the app";
        }
    }
    isnt $a->{cgi}, $b->{cgi}, 'CTX-10 CGI: for each launch';
    is_deeply [ map { $_->{window}->refused } $a, $b ], [], 'LCH-6 a browser takes all of it';

    is $a->{window}->type($w->url("/app/chart.php?close=1&smart_launch=$a->{handle}"))->content, $first, 'one window closes its chart';
    is at($b, '/app/chart.php')->content, $second, 'CTX-10 the other window keeps its own';
    is at($a, '/app/chart.php')->content, $first, 'CTX-10 and the first opens its own again';
    at($_, '/papp/', setting("lang=$_->{patient}")) for $a, $b;
    like cookies(at($a, '/papp/')), qr/\blang=\Q$first\E(?:;|$)/, 'CTX-10 behind a proxy, too';
    like cookies(at($b, '/papp/')), qr/\blang=\Q$second\E(?:;|$)/, 'CTX-10 in both launches';
    my ($plain) = grep { $_->{name} eq 'lang' } $browser->jar->all;
    is $plain->{value}, $second, 'what page scripts read is what was set last';
    at($_, '/papp/', setting("XSRF-TOKEN=of-$_->{patient}")) for $a, $b;
    like cookies(at($a, '/papp/')), qr/\bXSRF-TOKEN=of-\Q$second\E/, 'a token that scripts send back comes as they have read it, or no form of theirs would pass';
    my $third = $w->launch(window => $browser->frame($ehr), patient => $first);
    unlike cookies(at($third, '/papp/')), qr/lang|XSRF/, 'CTX-10 and a launch that set neither has neither';
    at($a, '/papp/', setting('lang=; Max-Age=0'));
    unlike cookies(at($a, '/papp/')), qr/lang=/, 'what the app deletes is gone';
    like cookies(at($b, '/papp/')), qr/\blang=\Q$second\E/, 'CTX-10 in this launch only';
    at($a, '/papp/', setting('gone=1; Max-Age=60'));
    my ($copy) = marked($browser->jar, 'gone');
    like $copy->{line}, qr/Max-Age=60\b/, 'a copy lives no longer than what it copies';
}

# A long day: cookies of launches that are over go, however many there were
{
    my $browser = $w->browser;
    my $old = $w->launch(window => $browser->frame($ehr), patient => $first);
    at($old, '/papp/', setting('sid=old; HttpOnly'));
    is $old->{window}->xhr(POST => "/smart/logout?smart_launch=$old->{handle}")->code, 200, 'the first of many launches ends';
    is $pg->dbh->do(<<'SQL', undef, $old->{handle}), 300, 'and the others';
INSERT INTO smartlaunch.launch (id, app, ehr, kind, state, link, link_state, handle_hash, session_hash, browser_hash, key_id,
    app_user, ehr_user, issuer, sub, source, fhir_user, patient, context, return_to, redirect_path, created_at,
    authorized_at, last_seen_at, expires_at, ended_at, end_reason)
SELECT gen_random_uuid(), app, ehr, kind, 'ended', link, link_state, sha256(convert_to('day' || n, 'UTF8')), sha256(convert_to('night' || n, 'UTF8')),
    browser_hash, key_id, app_user, ehr_user, issuer, sub, source, fhir_user, patient || n, context, return_to, redirect_path, created_at,
    authorized_at - n * interval '1 minute', last_seen_at, expires_at, now(), 'logout'
FROM smartlaunch.launch, generate_series(1, 300) n WHERE handle_hash = sha256(?)
SQL
    my $l = $w->launch(window => $browser->frame($ehr), patient => $second);
    is at($l, '/papp/')->code, 200, 'the next one';
    is scalar(marked($browser->jar, 'sid')), 0, 'SEC-9 after three hundred charts, too, the cookies of dead launches are deleted';
}

# Many charts of an app with large cookies: the browser's header stays below what httpd takes
{
    my $browser = $w->browser;
    my (@open, @codes);
    my $large = 'x' x 1200;
    for my $n (1 .. 9) {
        push @open, my $l = $w->launch(window => $browser->frame($ehr), patient => $n % 2 ? $first : $second);
        push @codes, at($l, '/papp/', setting("sid=$n$large; HttpOnly"))->code, at($l, '/papp/')->code;
    }
    is_deeply [ grep { $_ != 200 } @codes ], [], 'nine charts of an app with large cookies: every request is answered';
    my $bytes = 0;
    $bytes += length("$_->{name}=$_->{value}; ") for $browser->jar->all;
    cmp_ok $bytes, '<', 8190, 'and there is room in the header';
    for my $n (7 .. 9) {
        is substr(cookies(at($open[ $n - 1 ], '/papp/')), 0, 5), "sid=$n", "the launch used $n. has its own";
    }
    my $left = cookies(at($open[0], '/papp/'));
    ok $left eq '' || $left =~ /^sid=1x/, 'CTX-10 one that was left alone has its own or none: never another\'s';
}

done();
