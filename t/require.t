#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Who may enter: Require in a location with AuthType Smart.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;

my %rules = (
    granted => 'all granted', launch => 'smart-launch', valid => 'valid-user', alice => 'user alice', bob => 'user bob',
    ehr => 'smart-ehr sandbox', ehrs => 'smart-ehr elsewhere sandbox', otherehr => 'smart-ehr elsewhere', scope => 'smart-scope patient/Observation.rs',
    scopes => 'smart-scope openid patient/Patient.r', noscope => 'smart-scope patient/*.cud', somescope => 'smart-scope openid user/*.rs',
    patient => 'smart-patient', denied => 'all denied',
);
my $w = world(start => 0);
my $httpd = $w->httpd;
my $echo = "http://127.0.0.1:$httpd->{echo}{port}";
$httpd->{vhost} = join "\n", (map { <<"CONF" } sort keys %rules), <<"CONF";
    ProxyPass /$_/ $echo/$_/
    <Location /$_>
        AuthType Smart
        Require $rules{$_}
    </Location>
CONF
    ProxyPass /both/ $echo/both/
    <Location /both>
        AuthType Smart
        <RequireAll>
            Require smart-launch
            Require smart-patient
            Require not ip 192.0.2.1
        </RequireAll>
    </Location>
    ProxyPass /either/ $echo/either/
    <Location /either>
        AuthType Smart
        <RequireAny>
            Require user bob
            Require smart-patient
        </RequireAny>
    </Location>
    <Location /valid/errors>
        ErrorDocument 401 /valid/ours
        ErrorDocument 403 "the admin's own text"
    </Location>
    <Location /denied/errors>
        ErrorDocument 403 "the admin's own text"
    </Location>
    <Location /otherehr/errors>
        ErrorDocument 403 "the admin's own text"
    </Location>
CONF
# a second EHR, so that its name is known
$httpd->{extra} = <<"CONF";
<SmartEHR elsewhere>
    SmartIssuer https://elsewhere.example/fhir
    SmartClient x
    SmartClientAuth none
    SmartScope "launch"
    SmartIdentity id_token:sub
</SmartEHR>
CONF
$httpd->start;
my ($first) = @{ $w->ehr->patients };

my $linked = $w->launch(login => 'alice', patient => $first);
my $bare = $w->launch(patient => undef);
my $pending = $w->launch(user => 'dr-jones', patient => $first);

sub as { my ($l, $path, %opt) = @_;
    my $cookie = $l ? '__Host-smart=' . $l->{window}->jar->get('__Host-smart')->{value} : undef;
    my @as = $opt{script} ? ('Sec-Fetch-Mode' => 'cors', 'Sec-Fetch-Dest' => 'empty', Accept => '*/*')
        : ('Sec-Fetch-Mode' => 'navigate', 'Sec-Fetch-Dest' => 'iframe', Accept => 'text/html,*/*;q=0.8');
    return request($opt{method} || 'GET', $w->url($path . ($l ? "?smart_launch=$l->{handle}" : '')),
        headers => [ @as, 'Sec-Fetch-Site' => 'same-origin', $cookie ? (Cookie => $cookie) : () ]);
}

# rule => nobody, pending, linked with a patient, linked without
my %table = (
    granted => [ 200, 200, 200, 200 ], launch => [ 401, 200, 200, 200 ], valid => [ 401, 401, 200, 200 ], alice => [ 401, 401, 200, 200 ],
    bob => [ 401, 401, 403, 403 ], ehr => [ 401, 200, 200, 200 ], ehrs => [ 401, 200, 200, 200 ], otherehr => [ 401, 403, 403, 403 ],
    scope => [ 401, 401, 200, 200 ], scopes => [ 401, 401, 200, 200 ], noscope => [ 401, 401, 403, 403 ], somescope => [ 401, 401, 403, 403 ],
    patient => [ 401, 401, 200, 403 ], denied => [ 403, 403, 403, 403 ], both => [ 401, 401, 200, 403 ], either => [ 401, 401, 200, 403 ],
);
my @who = ([ 'no launch', undef ], [ 'a pending launch', $pending ], [ 'a linked launch', $linked ], [ 'a launch without a patient', $bare ]);
for my $rule (sort keys %table) {
    for my $i (0 .. $#who) {
        my ($name, $l) = @{ $who[$i] };
        my $expected = $table{$rule}[$i];
        my $what = "Require " . ($rules{$rule} // $rule) . ", $name";
        $httpd->forget;
        my $page = as($l, "/$rule/");
        is $page->code, $expected, "$what: $expected";
        is scalar($httpd->seen), $expected == 200 ? 1 : 0, "$what: the app " . ($expected == 200 ? 'runs' : 'does not run');
        next if $expected == 200;
        my $script = as($l, "/$rule/", script => 1);
        is $script->code, $expected, "$what, a script: $expected";
        if ($rule eq 'denied') {
            unlike $page->header('WWW-Authenticate') // '', qr/Basic/, "$what: no password is asked for";
            next;
        }
        is $page->header('Content-Type'), 'text/html; charset=utf-8', "$what: a page of ours";
        like $page->content, qr/Reference: <code>[2-9A-Z]{5}-[2-9A-Z]{5}</, "$what: with a reference";
        like $page->header('Content-Security-Policy'), qr/^default-src 'none'.*frame-ancestors 'self' \Q${\ $w->ehr->base }\E/, "SEC-8 $what: which the EHR may show";
        like $page->header('Cache-Control'), qr/no-store/, "FHR-9 $what: not kept";
        my $json = eval { json($script) } || {};
        is_deeply [ sort keys %$json ], [qw(error error_description reference relaunch_url)], "$what: JSON for a script";
        if ($expected == 401) {
            like $page->header('WWW-Authenticate'), qr/^Smart /, "$what: 401 never says Basic";
            like $page->content, $i == 1 ? qr/log in to the application first/i : qr/open it from the chart/i, "$what: it says what to do";
            is $json->{error}, $i == 1 ? 'login_required' : 'relaunch', "$what: and so does the JSON";
        }
        else {
            is $page->header('WWW-Authenticate'), undef, "$what: 403 asks for nothing";
        }
        like $httpd->error_log, qr/SL\d{4}: .*\Q$json->{reference}\E/, "$what: the reference is in the log" if $json->{reference};
    }
}
$httpd->expect_log(qw(SL6401 SL6402 SL6403));
$httpd->allow_log(qw(AH01630 AH01631));

# Our pages win over ErrorDocument and keep the status
for my $case ([ '/valid/errors/x', undef, 401 ], [ '/valid/errors/x', $pending, 401 ], [ '/otherehr/errors/x', $linked, 403 ]) {
    my ($path, $l, $status) = @$case;
    my $page = as($l, $path);
    is $page->code, $status, "$path keeps $status";
    like $page->content, qr/Reference: <code>/, "$path: our page wins over ErrorDocument";
    unlike $page->content, qr/the admin's own/, "$path: which is not shown";
}
like as($linked, '/denied/errors/x')->content, qr/the admin's own/, 'a 403 that has nothing to do with us is the admin\'s';

# HEAD, POST
is as(undef, '/valid/', method => 'HEAD')->content, '', 'HEAD has no body';
is as(undef, '/valid/', method => 'HEAD')->code, 401, 'and the status';
is as(undef, '/valid/', method => 'POST')->code, 401, 'POST without a launch: 401';

# A session that Smart-Login made: a user, and no launch
my $tab = $w->browser->window;
$tab->type($w->url('/papp/?' . answer(headers => [ 'Smart-Login' => 'alice' ])));
my %session = (valid => 200, alice => 200, bob => 403, launch => 401, ehr => 401, scope => 401, patient => 401, both => 401);
for my $rule (sort keys %session) {
    my $page = $tab->type($w->url("/$rule/"));
    is $page->code, $session{$rule}, "Require $rules{$rule}, a session without a launch: $session{$rule}" if $rules{$rule};
    like $page->content, qr/open it from the chart/i, "Require $rule: it says what to do" if $session{$rule} == 401;
}

# An app at the root of the site, as configtest wants it: the launch itself is not in the way of its beginning.
my $root = world(fpm => 0, extra => "<Location />\nAuthType Smart\nSmartLogin on\nRequire smart-launch\n</Location>", app => 'Require smart-launch',
    redirect => "AuthType None\nRequire all granted", gateway => "AuthType None\nRequire local");
$root->httpd->expect_log('SL6402');
my $begun = $root->launch(login => 'alice');
is json($begun->{app})->{headers}{'smart-user'}, 'alice', 'LCH-1 an app at the root, where Require asks for a launch: it can be launched';
is $begun->{window}->nav($root->url("/plain/?smart_launch=$begun->{handle}"))->code, 200, '… and all of the site is open to it';
is $root->browser->window->nav($root->url('/plain/'))->code, 401, '… and to nobody else';

done();
