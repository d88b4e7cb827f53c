#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What the app gets, what its answers become, and what those meet who do not come from the EHR.
# mpm: all
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use File::Copy qw(copy);

my $w = world(start => 0);
my $httpd = $w->httpd;
my $echo = "http://127.0.0.1:$httpd->{echo}{port}";
my @ways = qw(env headers both);
$httpd->{app} = "SmartUserHeader X-Remote-User\n";
$httpd->{extra} = "SmartGatewayURL http://127.0.0.1:9/fhir\n";
$httpd->{vhost} = join "\n", (map { <<"CONF" } @ways), <<"CONF";
    ProxyPass /$_/ $echo/$_/
    <LocationMatch "^/(?:$_|php-$_)/">
        AuthType Smart
        SmartPassAs $_
        Require all granted
    </LocationMatch>
CONF
    Alias /pretty-off ${\ $httpd->dir }/htdocs/plain
    <Location /app>
        ErrorDocument 404 /app/index.php/not-found
        ErrorDocument 410 /plain/index.php/gone
    </Location>
    RewriteEngine on
    RewriteRule ^/app/pretty/(.*) /app/index.php/\$1 [PT]
    RewriteRule ^/nice/(.*) /app/index.php/\$1 [PT]
    RewriteRule ^/app/away/(.*) /plain/index.php/\$1 [PT]
    RewriteRule ^/app/gone - [G]
    <Location /papp/looked-at>
        RewriteEngine on
        RewriteCond "/app/index.php" -U
        RewriteCond "/plain/index.html" -U
        RewriteRule . -
    </Location>
    <Location /app/outside>
        DirectoryIndex /plain/index.php
    </Location>
    <Location /sapp/cached.css>
        Header set Cache-Control "max-age=60"
    </Location>
CONF
for my $folder (map { "php-$_" } @ways) {
    mkdir $httpd->dir . "/htdocs/$folder" or die $!;
    copy(top() . '/t/lib/app/index.php', $httpd->dir . "/htdocs/$folder/index.php") or die $!;
}
mkdir $httpd->dir . '/htdocs/app/outside' or die $!;
copy(top() . '/t/lib/app/index.php', $httpd->dir . '/htdocs/plain/index.php') or die $!;
spit($httpd->dir . '/htdocs/sapp/cached.css', "p {}\n");
$httpd->start;

my ($first) = @{ $w->ehr->patients };
my %extra = (intent => 'reconcile-medications', need_patient_banner => JSON::PP::false(),
    fhirContext => [ { reference => 'ImagingStudy/123' } ], encounter => 'enc-1.a', tenant => 'north wing');
my $l = $w->launch(login => 'alice', patient => $first, extra => \%extra);
my ($window, $h) = @{$l}{qw(window handle)};
my $cookie = '__Host-smart=' . $window->jar->get('__Host-smart')->{value};
my @script = ('Sec-Fetch-Site' => 'same-origin', 'Sec-Fetch-Mode' => 'cors', 'Sec-Fetch-Dest' => 'empty');

# A script's request in this launch.
sub ask {
    my ($method, $url, @headers) = @_;
    return request($method, $w->url($url), headers => [ Cookie => $cookie, @script, 'Smart-Launch' => $h, @headers ]);
}

sub at { my ($url) = @_; return $window->type($w->url($url . ($url =~ /\?/ ? '&' : '?') . "smart_launch=$h")) }

# Every variable and header
my $ehr = $w->ehr->base;
my %expected = (
    SMART_USER => 'alice', SMART_LAUNCH => $h, SMART_EHR => 'sandbox', SMART_EHR_USER => 'dr-smith',
    SMART_FHIR_USER => $w->ehr->issuer . '/Practitioner/pract-smith', SMART_PATIENT => $first, SMART_ENCOUNTER => 'enc-1.a',
    SMART_SCOPE => 'launch openid fhirUser offline_access patient/*.rs', SMART_INTENT => 'reconcile-medications',
    SMART_NEED_PATIENT_BANNER => 'false', SMART_STYLE_URL => "$ehr/smart-style.json", SMART_TENANT => 'north wing',
    SMART_LINK => 'linked', SMART_SESSION_BASE_URL => 'http://127.0.0.1:9/fhir/sandbox',
);
my %session;
for my $case ([ '/papp/', 'proxy', 'headers' ], [ '/app/', 'fpm', 'env headers' ], [ '/both/', 'proxy', 'headers' ],
    [ '/headers/', 'proxy', 'headers' ], [ '/env/', 'proxy', '' ], [ '/php-both/', 'fpm', 'env headers' ], [ '/php-env/', 'fpm', 'env' ],
    [ '/php-headers/', 'fpm', 'headers' ]) {
    my ($path, $by, $how) = @$case;
    my $got = json(at($path));
    is $got->{by}, $by, "$path answers";
    my %env = %{ $got->{env} || {} };
    my %headers = $by eq 'fpm' ? map { (lc(s/^HTTP_//r) => $env{$_}) } grep { /^HTTP_/ } keys %env
        : map { (tr/-/_/r => $got->{headers}{$_}) } keys %{ $got->{headers} };
    for my $where ([ env => { %env } ], [ headers => { map { uc($_) => $headers{$_} } keys %headers } ]) {
        my ($what, $all) = @$where;
        my %ours = map { $_ => $all->{$_} } grep { /^SMART_/ } keys %$all;
        if ($how !~ /$what/) {
            is_deeply \%ours, {}, "CTX-1 $path: nothing as $what";
            next;
        }
        my ($session, $expires, $fhir) = delete @ours{qw(SMART_SESSION SMART_EXPIRES SMART_FHIR_CONTEXT)};
        is_deeply \%ours, \%expected, "CTX-1 CTX-2 CTX-3 CTX-4 IDT-7 TRS-3 $path: everything as $what";
        my $list = JSON::PP->new->allow_nonref->decode($fhir // 'null');
        is_deeply $list, [ { reference => 'ImagingStudy/123' } ], "CTX-5 $path: fhirContext as $what";
        ok $expires > time + 1700 && $expires <= time + 1801, "SEC-7 $path: the end of the session as $what";
        $session{ $session // '' } = 1;
    }
    is $env{REMOTE_USER}, 'alice', "IDT-9 $path: REMOTE_USER" if $by eq 'fpm';
    is $env{AUTH_TYPE}, 'Smart', "IDT-9 $path: AUTH_TYPE" if $by eq 'fpm';
    is $headers{x_remote_user}, $path =~ /app/ ? 'alice' : undef, "IDT-9 $path: SmartUserHeader where it is set";
}
is scalar(keys %session), 1, 'TRS-6 one session id';
my ($session) = keys %session;
like $session, qr/^[A-Za-z0-9_-]{32}$/, 'TRS-6 of at least 128 bits';
isnt $session, $h, 'TRS-6 which is not the handle';

# Absent is absent
{
    my $bare = $w->launch(patient => undef, extra => { need_patient_banner => undef, smart_style_url => undef, tenant => undef });
    my $env = json($bare->{window}->type($w->url("/app/?smart_launch=$bare->{handle}")))->{env};
    is_deeply [ grep { exists $env->{$_} } map { ("SMART_$_", "HTTP_SMART_$_") } qw(PATIENT ENCOUNTER INTENT STYLE_URL TENANT FHIR_CONTEXT) ],
        [], 'CTX-1 what the EHR did not say is not there';
    is $env->{SMART_NEED_PATIENT_BANNER}, 'unknown', 'CTX-2 and the banner is unknown';
    is $env->{SMART_USER}, 'alice', 'but the user is there';
}

# Pending
{
    my $pending = $w->launch(user => 'dr-jones', patient => $first);
    my $env = json($pending->{window}->type($w->url("/app/?smart_launch=$pending->{handle}")))->{env};
    is_deeply { map { $_ => $env->{$_} } grep { /^SMART_/ } keys %$env },
        { SMART_LINK => 'pending', SMART_LAUNCH => $pending->{handle}, SMART_EHR => 'sandbox', SMART_EHR_USER => 'dr-jones' },
        'a pending launch: that it is there, and nothing else';
    ok !exists $env->{REMOTE_USER} && !exists $env->{HTTP_X_REMOTE_USER}, 'no user in any form';
}

# From one place to another within httpd
for my $case ([ '/app/pretty/x?a=1', '/x', 'mod_rewrite with PT' ], [ '/nice/x?a=1', '/x', 'from outside of the app\'s path' ],
    [ '/app/missing.html?a=1', '/not-found', 'ErrorDocument within the app' ]) {
    my ($url, $info, $how) = @$case;
    my $response = at($url);
    my $env = eval { json($response)->{env} } || {};
    is $env->{PATH_INFO}, $info, "$how leads to the app";
    is $env->{SMART_PATIENT}, $first, "CTX-1 $how keeps the context";
    is $env->{REMOTE_USER}, 'alice', "CTX-1 $how keeps the user";
    is $env->{HTTP_SMART_SESSION}, $session, "CTX-1 $how keeps the headers";
    my @with = grep { !/^(?:HTTP_)?SMART_/ && $env->{$_} =~ /smart_launch|\Q$h\E/ } sort keys %$env;
    is "@with", '', "CTX-10 $how shows no handle";
}
at('/app/?' . answer(headers => [ 'Set-Cookie' => 'sid=of-this-launch; HttpOnly; Path=/' ]));
is json(at('/app/'))->{cookies}, 'sid=of-this-launch', 'the app has a cookie of its own in this launch';
for my $case ([ '/app/away/x', '/x', 'mod_rewrite with PT' ], [ '/app/gone', '/gone', 'ErrorDocument' ],
    [ '/app/outside/', undef, 'DirectoryIndex' ]) {
    my ($url, $info, $how) = @$case;
    my $env = json(at($url))->{env};
    ok $window->jar->header(URI->new($w->url($url)), top => SL::Cookies::site(URI->new($ehr))) =~ /sid\.~/, 'the launch has a cookie';
    is $env->{PATH_INFO}, $info, "$how out of the app";
    is $env->{SCRIPT_NAME}, '/plain/index.php', "$how leads elsewhere";
    my @left = grep { /SMART_|REMOTE_USER|AUTH_TYPE/ } sort keys %$env;
    is "@left", '', "SEC-3 $how takes user and context away";
    is $env->{HTTP_COOKIE}, undef, "SEC-3 $how takes the launch's cookies away";
    unlike join(' ', values %$env), qr/\Q$session\E/, "TRS-7 $how takes the session id away";
}
is json(at('/papp/looked-at/x'))->{headers}{'smart-patient'}, $first, 'CTX-1 a subrequest that looks elsewhere takes nothing from the main one';

# Framing, caching, referrer, for both tables of headers
my $ancestors = "frame-ancestors 'self' $ehr";
for my $path ('/papp/', '/app/', '/both/', '/php-both/') {
    for my $status (200, 403, 404, 500) {
        my $response = ask(GET => "$path?" . answer(status => $status));
        is $response->code, $status, "$path answers $status";
        is $response->header('Content-Security-Policy'), $ancestors, "SEC-8 $path $status: the EHR may show it";
        is $response->header('Referrer-Policy'), 'same-origin', "CTX-10 $path $status: Referrer-Policy";
        is $response->header('Cache-Control'), 'private, no-store', "FHR-9 $path $status: not kept";
    }
    my $response = ask(GET => "$path?" . answer(headers => [ 'X-Frame-Options' => 'DENY', 'Referrer-Policy' => 'unsafe-url',
        'Content-Security-Policy' => "default-src 'self'; frame-ancestors 'none', img-src *", 'Content-Security-Policy' => 'frame-ancestors https://other.example; font-src *',
        'Expires' => 'Thu, 01 Jan 2099 00:00:00 GMT', 'Cache-Control' => 'max-age=600' ]));
    is $response->header('X-Frame-Options'), undef, "SEC-8 $path: X-Frame-Options goes";
    my @policies = split /\s*,\s*/, join ',', $response->header('Content-Security-Policy');
    is scalar(@policies), 3, "SEC-8 $path: all policies stay";
    is scalar(grep { /frame-ancestors 'self' \Q$ehr\E/ } @policies), 3, "SEC-8 $path: each with our frame-ancestors"
        or diag "@policies";
    unlike "@policies", qr/'none'|other\.example/, "SEC-8 $path: and no other";
    like "@policies", qr/default-src 'self'.*img-src \*.*font-src \*/, "SEC-8 $path: the rest as it was";
    is join(',', $response->header('Referrer-Policy')), 'same-origin', "CTX-10 $path: Referrer-Policy is ours";
    is join(',', $response->header('Cache-Control')), 'private, no-store', "FHR-9 $path: max-age is not kept";
    is $response->header('Expires'), undef, "FHR-9 $path: nor Expires";
    for my $said ('public, max-age=600', 'max-age=31536000, immutable', 'public') {
        my $cache = ask(GET => "$path?" . answer(headers => [ 'Cache-Control' => $said ]))->header('Cache-Control');
        like $cache, qr/\bprivate\b/, "FHR-9 $path: '$said' becomes private";
        unlike $cache, qr/public|no-store/, "FHR-9 $path: and stays kept";
        my $with = ask(GET => "$path?" . answer(headers => [ 'Cache-Control' => $said, 'Set-Cookie' => 'a=1' ]));
        is $with->header('Cache-Control'), 'private, no-store', "FHR-9 $path: unless it sets a cookie";
    }
    $response = ask(GET => "$path?" . answer(status => 304, headers => [ 'Content-Security-Policy' => "frame-ancestors 'none'", ETag => '"1"' ]));
    is $response->code, 304, "$path answers 304";
    is $response->header('Content-Security-Policy'), $ancestors, "SEC-8 $path: frame-ancestors on 304, too";
    is $response->header('Referrer-Policy'), 'same-origin', "CTX-10 $path: Referrer-Policy on 304, too";
    $response = ask(HEAD => "$path?");
    is $response->header('Content-Security-Policy'), $ancestors, "SEC-8 $path: and on HEAD";
}
{
    my $file = ask(GET => '/sapp/style.css');
    is $file->code, 200, 'a file of httpd';
    is $file->header('Cache-Control'), 'private', 'FHR-9 may be kept by the browser';
    ok $file->header('ETag'), 'and asked for again';
    is ask(GET => '/sapp/cached.css')->header('Cache-Control'), 'private, max-age=60', 'FHR-9 with the lifetime the admin gave it';
    my $again = ask(GET => '/sapp/style.css', 'If-None-Match' => $file->header('ETag'));
    is $again->code, 304, 'a 304 of a file';
    is $again->header('Content-Security-Policy'), $ancestors, 'SEC-8 has frame-ancestors';
    is at('/sapp/nothing-here')->code, 404, 'an error of httpd in the app\'s path';
    is $window->response->header('Content-Security-Policy'), $ancestors, 'SEC-8 can be shown in the frame';
    is $window->response->header('Referrer-Policy'), 'same-origin', 'CTX-10 and keeps the chain';
}

# Those who do not come from the EHR
for my $who ([ 'no cookie of ours', '' ], [ 'a browser without launches', ours_of($w->launch(stop => 'start')->{window}) ]) {
    my ($name, $value) = @$who;
    for my $path ('/papp/', '/app/', '/sapp/') {
        my @headers = $value ? (Cookie => $value) : ();
        my @say = ('Content-Security-Policy' => "frame-ancestors 'none'", 'X-Frame-Options' => 'DENY', 'Cache-Control' => 'max-age=5',
            'Set-Cookie' => 'PHPSESSID=abc; Path=/; HttpOnly', 'Referrer-Policy' => 'no-referrer', Location => '/papp/next');
        my $response = request(GET => $w->url("$path?x=1"), headers => [ @headers, 'If-None-Match' => '"q"',
            $path eq '/sapp/' ? () : ('X-Answer' => answer_header(status => 302, headers => \@say)) ]);
        if ($path eq '/sapp/') {
            is_deeply [ map { $response->header($_) } qw(Cache-Control Referrer-Policy Content-Security-Policy Set-Cookie) ], [],
                "$name: a file comes as without us";
            next;
        }
        is $response->code, 302, "$name: $path as without us: status";
        my %header = @say;
        is $response->header($_), $header{$_}, "$name: $path as without us: $_" for sort keys %header;
        my $got = json(request(GET => $w->url("$path?x=1"), headers => [ Cookie => join('; ', 'PHPSESSID=abc', 'a=1', $value || ()),
            'If-None-Match' => '"q"' ]));
        is $got->{cookies}, 'PHPSESSID=abc; a=1', "$name: $path gets its cookies";
        my %all = $got->{by} eq 'fpm' ? %{ $got->{env} } : %{ $got->{headers} };
        is_deeply [ grep { /smart|remote.user|auth.type/i } sort keys %all ], [], "$name: $path gets nothing of ours";
        is $got->{by} eq 'fpm' ? $all{HTTP_IF_NONE_MATCH} : $all{'if-none-match'}, '"q"', "$name: $path gets conditions";
    }
}

sub ours_of { my ($window) = @_; return '__Host-smart=' . $window->jar->get('__Host-smart')->{value} }

done();
