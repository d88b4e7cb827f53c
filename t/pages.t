#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Pages of the module: what is untrusted is text, what is secret is nowhere, what is wrong has a
# reference and an answer for whoever asked.
# mpm: sanitized
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use HTML::Parser;
use SL::Refused;
use URI::Escape qw(uri_escape_utf8);

my $w = world(modules => ['status'], log_level => 'trace8 ssl:warn', redirect => "SmartApp app\n", app => "SmartUserHeader X-User\n", vhost => <<'CONF');
    <Location /status>
        SetHandler server-status
        Require local
    </Location>
    <Location />
        ErrorDocument 400 /papp/error
        ErrorDocument 401 /papp/error
        ErrorDocument 403 "the admin's own text"
        ErrorDocument 404 https://elsewhere.example/
        ErrorDocument 405 /papp/error
        ErrorDocument 502 "the admin's own text"
    </Location>
CONF
my $httpd = $w->httpd;
my ($first, $second) = @{ $w->ehr->patients };

# Markup and other things that must stay text; each has the mark XSS<number>
my @corpus = ('<script>alert("XSS1")</script>', q("><img src=x onerror=alert('XSS2')>), q('-alert`XSS3`-'), '</title><svg/onload=XSS4>',
    'javascript:alert("XSS5")', '&lt;script&gt;XSS6&amp;', "<a href=\x{201c}XSS7\x{201d}>\x{2028}", "<!--XSS8-->", '{{XSS9}}', "XSS10\r\nX-Evil: 1\r\n\r\n<b>");

# What is wrong with a page as HTML: tags that do not close, scripts, handlers, addresses of others.
sub faults_of {
    my ($html) = @_;
    my (@open, @wrong);
    my %void = map { $_ => 1 } qw(meta input br img hr link);
    my $parser = HTML::Parser->new(api_version => 3, start_h => [ sub {
        my ($tag, $attr) = @_;
        push @open, $tag if !$void{$tag};
        push @wrong, "<$tag>" if $tag =~ /^(?:script|img|svg|iframe|object|embed|base|link|a|b)$/ && !($tag eq 'a' && ($attr->{href} // '') =~ m{^\Q${\ $w->url}\E/});
        push @wrong, "$tag $_" for grep { /^on|^style$/ } keys %$attr;
    }, 'tagname, attr' ], end_h => [ sub {
        my ($tag) = @_;
        my $top = pop @open // 'nothing';
        push @wrong, "</$tag> closes $top" if $top ne $tag;
    }, 'tagname' ]);
    $parser->strict_comment(1);
    $parser->strict_end(1);
    $parser->parse($html);
    $parser->eof;
    push @wrong, "open: @open" if @open;
    push @wrong, 'no doctype' if $html !~ /^<!DOCTYPE html>/;
    push @wrong, "no $_" for grep { $html !~ /$_/ } '<html lang="en">', '<meta charset="utf-8">', '<title>[^<]+</title>', 'name="viewport"', '<h1>[^<]+</h1>';
    return @wrong;
}

sub fine {
    my ($response, $name) = @_;
    my @wrong = faults_of($response->decoded_content);
    my $policy = $response->header('Content-Security-Policy') // '';
    push @wrong, "policy $policy" if $policy !~ /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'; base-uri 'none'; frame-ancestors 'self' \Q${\ $w->ehr->base }\E(?:; sandbox allow-top-navigation-by-user-activation)?$/;
    push @wrong, 'type ' . $response->header('Content-Type') if $response->header('Content-Type') ne 'text/html; charset=utf-8';
    push @wrong, 'sniffed' if ($response->header('X-Content-Type-Options') // '') ne 'nosniff';
    push @wrong, 'kept' if ($response->header('Cache-Control') // '') !~ /no-store/;
    push @wrong, 'a header of others' if $response->header('X-Evil');
    return ok(!@wrong, "SEC-4 $name") || diag(join "\n", @wrong, $response->as_string);
}

# Every parameter of the redirect URL
for my $param (qw(iss launch code state error error_description error_uri foo)) {
    for my $evil (@corpus) {
        my $mark = ($evil =~ /(XSS\d+)/)[0];
        my $value = uri_escape_utf8($evil);
        for my $query ("$param=$value", $param =~ /iss|launch/ ? 'iss=' . $w->ehr->issuer . "/x&launch=1&$param=$value" : "code=1&state=1&$param=$value") {
            my $response = request(GET => $w->url("/smart?$query"), headers => [ Accept => 'text/html' ]);
            like $response->code, qr/^40[03]$/, "SEC-4 $param with $mark is refused";
            fine($response, "$param with $mark is no markup on the page");
            unlike $response->decoded_content, qr/\Q$mark\E/, "CBK-8 $param with $mark is not shown at all" if $param ne 'error_description';
        }
    }
}
$httpd->expect_log(qw(SL2021 SL2023 SL2024 SL2025 SL4101 SL4313 SL6102));

# Other addresses
for my $path ('/smart/', '/smart/<script>XSS1</script>', '/smart/session/x', "/smart/'\"><b>") {
    my $response = request(GET => $w->url(URI->new($path)->as_string), headers => [ Accept => 'text/html' ]);
    is $response->code, 404, "SEC-4 $path is not there";
    fine($response, "$path: the page");
}
$httpd->expect_log('SL6006');

# Fields of tokens, on the pages that show names: "join these?", and the launch list
for my $evil (@corpus[ 0 .. 4, 5, 7, 8 ]) {
    my $mark = ($evil =~ /(XSS\d+)/)[0];
    $w->ehr->id_token(claims => { preferred_username => $evil });
    my $l = $w->launch(patient => $first);
    is json($l->{app})->{headers}{'smart-ehr-user'}, $evil, "CTX-6 $mark: the app gets the name as it is, in a header";
    $w->login($l, $evil, stop => 1);
    my $page = $l->{login};
    is $page->code, 200, "SEC-4 $mark as user name at the EHR and in the app: the question";
    like $page->decoded_content, qr/Join .*$mark.* with .*$mark/, "SEC-4 $mark: it shows the names";
    fine($page, "$mark in id_token and Smart-Login is no markup");
    my @forms = $l->{window}->forms;
    is scalar(@forms), 1, "SEC-4 $mark: one form";
    is $forms[0]->action->host, 'app.localhost', "SEC-4 $mark: that goes to us";
}
$w->ehr->id_token;
for my $member (qw(patient encounter intent tenant smart_style_url scope need_patient_banner token_type)) {
    my $l = $w->launch(extra => { $member => '"><script>alert("XSS1")</script>' });
    my $shown = $l->{app} || $l->{callback};
    next if ($shown->header('Content-Type') // '') !~ /html/;
    fine($shown, "$member of the token response is no markup");
    unlike $shown->decoded_content, qr/XSS1/, "TRS-5 $member is not shown at all";
}
$httpd->expect_log(qw(SL2131 SL2152 SL2153));

# Our own answers win over ErrorDocument, for pages and for scripts
my $l = $w->launch(user => 'nurse-lee', login => 'lee', patient => $first);
my $other = $w->launch(window => $l->{window}, user => 'nurse-lee', patient => $second);
my $cookie = '__Host-smart=' . $l->{window}->jar->get('__Host-smart')->{value};
my @wrong = (
    [ 400, 'invalid_request', GET => '/smart' ], [ 403, 'unknown_issuer', GET => '/smart?iss=https://x.example/&launch=1' ],
    [ 404, 'not_found', GET => '/smart/none' ], [ 405, 'method_not_allowed', PUT => '/smart' ],
    [ 401, 'relaunch', GET => '/papp/?smart_launch=gone' ], [ 400, 'invalid_request', GET => "/papp/?smart_launch=$l->{handle}&smart_launch=x" ],
    [ 403, 'foreign_request', POST => "/papp/?smart_launch=$l->{handle}", 'cross-site' ], [ 409, 'ambiguous_launch', GET => '/papp/' ],
    [ 401, 'relaunch', GET => '/smart/session?smart_launch=gone' ], [ 403, 'access_denied', POST => '/smart/logout', 'cross-site' ],
);
$httpd->forget;
for my $case (@wrong) {
    my ($status, $error, $method, $url, $site) = @$case;
    my @common = (Cookie => $cookie, 'Sec-Fetch-Site' => $site || 'same-origin');
    my @body = $method eq 'GET' ? () : (body => '');
    my $page = request($method, $w->url($url), @body, headers => [ @common, 'Sec-Fetch-Mode' => 'navigate', 'Sec-Fetch-Dest' => 'document', Accept => 'text/html' ]);
    is $page->code, $status, "$method $url: $status for a page";
    if ($url !~ /session/) {
        fine($page, "$method $url: the page wins over ErrorDocument");
        my $reference = reference_of($page);
        like $reference, qr/^[2-9A-Z]{5}-[2-9A-Z]{5}$/, "$method $url: has a reference";
        ok $httpd->error_log =~ /SL\d{4}: .*\(status $status, reference \Q$reference\E\)/, "$method $url: that stands in the error log";
    }
    for my $script ([ 'Sec-Fetch-Mode' => 'cors', 'Sec-Fetch-Dest' => 'empty', Accept => '*/*' ], [ Accept => 'application/json', 'X-Requested-With' => 'XMLHttpRequest' ]) {
        my $response = request($method, $w->url($url), @body, headers => [ @common, @$script ]);
        is $response->code, $status, "$method $url: $status for a script";
        is $response->header('Content-Type'), 'application/json', "$method $url: JSON";
        my $said = eval { json($response) } || {};
        is_deeply [ map { ref $said->{$_} || !defined $said->{$_} ? "$_?" : $_ } sort keys %$said ], [qw(error error_description reference relaunch_url?)], "$method $url: with its members";
        is $said->{error}, $error, "$method $url: says $error";
        is $said->{relaunch_url}, undef, "$method $url: it begins anew in the chart";
        ok $httpd->error_log =~ /\(status $status, reference \Q$said->{reference}\E\)/, "$method $url: its reference is in the log";
    }
}
is scalar($httpd->seen), 0, 'no ErrorDocument was fetched from the app, nor did it run';
$httpd->expect_log(qw(SL2531 SL2530 SL2532 SL2533 SL6001 SL6201));

# SEC-5: codes, states, handles and cookies are in no log at any level and not in server-status
{
    my $code = $w->launch(window => $w->browser->frame($w->ehr->base . '/'), user => 'nurse-lee', patient => $first, stop => 'authorize');
    $w->ehr->faults(token => { held => 1, times => 1 });
    my ($done, $status) = many(2, sub {
        my ($i) = @_;
        return $w->finish($code)->{handle} if $i == 0;
        my $shown = wait_for('the callback in server-status', sub {
            my $text = request(GET => $w->url('/status'))->content;
            return $text =~ m{>GET /smart HTTP} ? $text : 0;
        });
        $w->ehr->release;
        return $shown;
    });
    ok $done, 'the callback came to its end';
    my $secret = URI->new($code->{callback_url});
    my %query = $secret->query_form;
    unlike $status, qr/\Q$query{$_}\E/, "SEC-5 the $_ is not in server-status" for qw(code state);
    my $begun = $w->launch(window => $w->browser->frame($w->ehr->base . '/'), user => 'nurse-lee', patient => $first);
    $begun->{window}->nav('/papp/click', follow => 1);
    $begun->{window}->xhr(GET => '/papp/data');
    my $slow;
    ($slow, $status) = many(2, sub {
        my ($i) = @_;
        return $begun->{window}->xhr(GET => "/papp/slow?smart_launch=$begun->{handle}&" . answer(held => 1))->code if $i == 0;
        my $shown = wait_for('the app\'s page in server-status', sub {
            my $text = request(GET => $w->url('/status'))->content;
            return $text =~ m{>GET /papp/slow} ? $text : 0;
        });
        $httpd->release;
        return $shown;
    });
    is $slow, 200, 'the slow page came';
    unlike $status, qr/\Q$begun->{handle}\E|smart_launch/, 'SEC-5 the handle is not in server-status';
    my %secret = (code => $query{code}, state => $query{state}, 'launch code' => $code->{launch}, handle => $begun->{handle},
        'first handle' => $l->{handle}, cookie => $begun->{window}->jar->get('__Host-smart')->{value},
        'session id' => json($begun->{app})->{headers}{'smart-session'});
    # httpd read the request line and headers before any module could: it writes them itself at
    # trace3 and below, which its manual warns of
    my $own = join "\n", grep { /\[smartlaunch:/ || !/:trace[3-8]\]/ } split /\n/, $httpd->error_log;
    for my $what (sort keys %secret) {
        ok length $secret{$what}, "there is a $what";
        ok index($httpd->access_log, $secret{$what}) < 0, "SEC-5 the $what is not in the access log";
        ok index($own, $secret{$what}) < 0, "SEC-5 the $what is not in the error log at trace8";
    }
    is scalar(grep { /smart_launch|[?&](?:code|state|iss)=/ } split /\n/, $httpd->access_log), 0, 'SEC-5 the access log has no query of ours';
    ok $httpd->access_log =~ m{"GET /papp/click HTTP/1.1" 303}, 'SEC-5 the rest of the line is as it was';
    ok $httpd->access_log =~ m{"GET /smart HTTP/1.1" 303}, 'SEC-5 callbacks are there';
    ok index($own, $first) < 0, 'no patient id is in the error log';
    my $bad = "GET /smart?code=CODE-OF-EHR&state=x HTTP/1.1\r\nHost: a b\r\n\r\n";
    like raw($w->url('/'), $bad), qr{^HTTP/1.1 400}, 'a request that httpd gives up on';
    ok index($httpd->access_log, 'CODE-OF-EHR') < 0, 'SEC-5 is in the access log without its code';
}

done();
