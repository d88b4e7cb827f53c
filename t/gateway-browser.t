#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# FHR-10: which of a browser's requests to the gateway count as its app's own, and for which launch.
# What a script of another page, site or app can send gets nothing and changes nothing.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::TLS;

my $w = world(start => 0, fpm => 0, ehr => { search => 1, tenants => 'other' }, ehr_block => 'SmartOutbound timeout=60s');
my ($httpd, $ehr) = ($w->httpd, $w->ehr);
my ($A, $B) = @{ $ehr->patients };
$httpd->{extra} = <<"CONF";
<SmartEHR other>
    SmartIssuer ${\ $ehr->issuer('other') }
    SmartClient app-basic
    SmartClientSecret file:${\ $httpd->dir }/secret
    SmartScope "launch openid fhirUser patient/*.rs"
    SmartIdentity id_token:preferred_username
    SmartOutbound ca=${\ SL::TLS::ca() }
</SmartEHR>
CONF
$httpd->{vhost} = <<'CONF';
    <Location /ehr>
        SmartGateway on
        SmartWrites on
        Require local
    </Location>
    <Location /ehr/two>
        SmartGateway on
        SmartApp two
        Require local
    </Location>
    <Location /smart/two>
        SmartTarget /papp/two/
        SmartApp two
    </Location>
    <Location /papp/two>
        SmartApp two
    </Location>
CONF
my ($client) = SL::EHR::default_clients('');
$client->{redirect_uris} = [ map { "$_" } $w->url('/smart'), $w->url('/smart/two') ];
$ehr->clients($client);
$httpd->start;

my $browser = $w->browser;
sub frame { return $browser->frame($ehr->base . '/') }
my $l = $w->launch(login => 'alice', patient => $A, window => frame());
my $page = $l->{window};
my $read = "/ehr/sandbox/Patient/$A";

sub asked { my @asked = map { $_->log('/fhir/') } $ehr, $ehr->tenant('other'); $_->forget for $ehr, $ehr->tenant('other'); return @asked }
asked();

# It comes through, for this patient, and nothing of ours or of the browser's goes on.
sub works {
    my ($answer, $name, $patient) = @_;
    my @asked = asked();
    my @more = map { grep { /^(?:cookie|referer|origin|sec-|smart|x-requested)/ } keys %{ $_->{headers} } } @asked;
    my $fine = $answer->code =~ /^20/ && @asked == 1 && !@more && $asked[0]{url} !~ /smart_launch|session/;
    $fine &&= json($answer)->{id} eq $patient if $patient;
    ok $fine, $name or diag $answer->as_string, "@more", map { "$_->{url}\n" } @asked;
    return $asked[0];
}

sub is_refused {
    my ($answer, $status, $name) = @_;
    my @asked = asked();
    my @cors = grep { /^access-control/i } $answer->header_field_names;
    my $said = $answer->content_type eq 'text/html' ? 'error' : eval { outcome($answer) } // $answer->content;
    ok $answer->code == $status && !@asked && !@cors && $said =~ /^error|"error"/ && !defined $answer->header('Set-Cookie'), $name
        or diag $answer->as_string, map { "$_->{url}\n" } @asked;
    return;
}

# What proves that it is our own page
my $no_fetch = qr/^Sec-Fetch-/i;
works($page->xhr(GET => $read), 'FHR-10 Sec-Fetch-Site: same-origin', $A);
works($page->xhr(GET => $read, without => $no_fetch, headers => [ Origin => $w->url ]), 'FHR-10 a browser without Sec-Fetch: our Origin', $A);
works($page->xhr(HEAD => $read), 'FHR-10 HEAD');
works($page->load('image', $read), 'FHR-10 an image of the page, by its Referer', $A);
is_refused($page->xhr(GET => $read, without => $no_fetch), 401, 'FHR-10 neither: 401');
is_refused($page->xhr(GET => $read, without => $no_fetch, headers => [ Origin => $_ ]), 401, "FHR-10 Origin $_: 401")
    for 'null', $ehr->base, 'http' . substr($w->url, 5), 'https://app.localhost', $w->url . '.evil.example', '';
is_refused($page->xhr(GET => $read, without => $no_fetch, headers => [ 'Sec-Fetch-Site' => $_ ]), 401, "FHR-10 Sec-Fetch-Site $_: 401")
    for qw(cross-site same-site none anything);
is_refused($page->xhr(GET => $read, without => $no_fetch, headers => [ 'Sec-Fetch-Site' => 'cross-site', Origin => $w->url ]), 401,
    'FHR-10 Sec-Fetch-Site counts before Origin');
is_refused($page->xhr(OPTIONS => $read, without => $no_fetch, headers => [ 'Sec-Fetch-Site' => 'cross-site', 'Access-Control-Request-Method' => 'PUT' ]), 405,
    'FHR-10 a preflight of another site: no word of permission');

# Writes and searches by POST
my $observation = JSON::PP->new->utf8->encode({ resourceType => 'Observation', status => 'final', code => { text => 'x' }, subject => { reference => "Patient/$A" } });
my @write = (type => 'application/fhir+json', body => $observation);
my $made = $page->xhr(POST => '/ehr/sandbox/Observation', @write);
works($made, 'FHR-10 a write of our page');
like $made->header('Location') // '', qr{^\Q${\ $w->url('/ehr/sandbox/Observation/') }\E}, 'FHR-10 … whose Location the page can reach';
my @search = (type => 'application/x-www-form-urlencoded', body => "patient=$A&_count=1");
works($page->xhr(POST => '/ehr/sandbox/Observation/_search', @search), 'FHR-10 a search by POST');
for my $foreign ([ 'Sec-Fetch-Site' => 'cross-site' ], [ 'Sec-Fetch-Site' => 'same-site' ], [ Origin => $ehr->base ], [ Origin => 'null' ], []) {
    my $name = @$foreign ? "$foreign->[0] $foreign->[1]" : 'no proof';
    my @how = (without => qr/^(?:Sec-Fetch-.*|Origin)$/i, headers => $foreign);
    is_refused($page->xhr(POST => '/ehr/sandbox/Observation', @write, @how), 403, "FHR-10 a write, $name: 403");
    is_refused($page->xhr(POST => '/ehr/sandbox/Observation/_search', @search, @how), 403, "FHR-10 a search by POST, $name: 403");
    is_refused($page->xhr($_ => $read, @how), 403, "FHR-10 $_, $name: 403") for qw(PUT PATCH DELETE);
}
is_refused($page->xhr(GET => $read, headers => [ 'Smart-Session' => $l->{session} ]), 403, 'SEC-10 a session id: 403, though it is the right one');
is_refused($page->xhr(GET => "$read?_smart_session=$l->{session}"), 403, 'SEC-10 … in the URL');
is_refused($page->xhr(POST => '/ehr/sandbox/Observation/_search', type => $search[1], body => "$search[3]&_smart_session=$l->{session}"), 403, 'SEC-10 … in a form');

# Navigations
works($page->nav($read), 'FHR-10 a link of our page to the gateway', $A);
is $page->response->header('Content-Security-Policy'), "default-src 'none'; frame-ancestors 'none'; sandbox", '… shows no page that could do anything';
$page->nav("/papp/?smart_launch=$l->{handle}", follow => 1);
asked();
is_refused($browser->window->type($w->url($read)), 401, 'FHR-10 the address bar: 401');
is_refused(frame()->nav($w->url("$read?smart_launch=$l->{handle}")), 401, 'FHR-10 a frame of the EHR, with the handle: 401');
is_refused(frame()->post($w->url('/ehr/sandbox/Observation'), { a => 1 }), 403, 'FHR-10 a form of the EHR: 403');

# Which launch: the handle says it, and nobody guesses between two patients.
my $m = $w->launch(patient => $B, window => frame());
my $other = $m->{window};
asked();
for my $way ([ 'Smart-Launch', [ headers => [ 'Smart-Launch' => $m->{handle} ], without => qr/^Referer$/i ], '' ],
    [ 'smart_launch', [ without => qr/^Referer$/i ], "?smart_launch=$m->{handle}" ]) {
    my ($name, $how, $query) = @$way;
    works($page->xhr(GET => "/ehr/sandbox/Patient/$B$query", @$how), "FHR-10 $name names the launch", $B);
    is_refused($page->xhr(GET => "/ehr/sandbox/Patient/$A$query", @$how), 403, "FHR-10 … and its patient: the other one's record is 403");
}
is_refused($page->xhr(GET => $read, without => qr/^Referer$/i), 409, 'FHR-10 two patients and no handle: nobody guesses');
is_refused($page->xhr(GET => $read, headers => [ 'Smart-Launch' => $l->{handle} =~ tr/A-Za-z/B-ZAb-za/r ], without => qr/^Referer$/i), 401, 'FHR-10 an invented handle: 401');
is_refused($page->xhr(GET => "$read?smart_launch=$l->{handle}", headers => [ 'Smart-Launch' => $m->{handle} ]), 400, 'FHR-10 two handles: 400');
is_refused($page->xhr(GET => "$read?smart_launch=$l->{handle}&smart_launch=$m->{handle}"), 400, 'FHR-10 … both in the URL: 400');
{
    my $stranger = $w->launch(user => 'dr-jones', login => 'bob', patient => $B);
    asked();
    is_refused($page->xhr(GET => "/ehr/sandbox/Patient/$B?smart_launch=$stranger->{handle}", without => qr/^Referer$/i), 401, "FHR-10 the handle of another browser's launch: 401");
    works($stranger->{window}->xhr(GET => "/ehr/sandbox/Patient/$B"), '… which works where it belongs', $B);
}
for my $headers ([ 'Smart-Patient' => $B ], [ 'Smart-User' => 'bob', 'Smart-Patient' => $B ], [ 'Smart-User' => 'bob', 'Smart-Caller' => '' ], [ 'Smart_Session' => $m->{session} ]) {
    my $answer = $page->xhr(GET => "/ehr/sandbox/Patient/$B", headers => $headers);
    like $answer->code, qr/^40[13]$/, "SEC-10 a page that sends $headers->[0] gets no other patient";
    is scalar(asked()), 0, '… and the EHR is not asked';
}

# What other apps and EHRs of the same browser have
is_refused($page->xhr(GET => "/ehr/other/Patient/$A"), 403, 'SEC-10 another EHR than the launch\'s: 403');
my $two = $w->launch(path => '/smart/two', login => 'alice', patient => $A, window => frame());
asked();
is_refused($two->{window}->xhr(GET => $read), 401, 'SEC-10 a page of another app: 401');
works($two->{window}->xhr(GET => "/ehr/two/sandbox/Patient/$A"), '… at its own gateway it reads', $A);
is_refused($page->xhr(GET => "/ehr/two/sandbox/Patient/$A"), 401, 'SEC-10 … where the first app does not');

# Nobody has logged in yet, or nobody is there any more.
my $pending = $w->launch(user => 'nurse-lee', patient => $A);
asked();
is json($pending->{app})->{headers}{'smart-link'}, 'pending', 'a pending launch';
is_refused($pending->{window}->xhr(GET => $read), 401, 'FHR-10 a pending launch reads nothing');
is_refused($pending->{window}->xhr(POST => '/ehr/sandbox/Observation', @write), 401, 'FHR-10 … and writes nothing');
is $other->xhr(POST => "/smart/logout?smart_launch=$m->{handle}")->code, 200, 'one launch is logged out';
asked();
is_refused($other->xhr(GET => "/ehr/sandbox/Patient/$B"), 401, 'FHR-10 … its page reads nothing more');
works($page->xhr(GET => $read), '… the other page goes on', $A);

# In the log nothing that opens anything
unlike $httpd->error_log . $httpd->access_log, qr/\Q$l->{session}\E|\Q$m->{session}\E|Bearer /, 'SEC-5 no session id or token in the logs';
my ($row) = grep { $_->{status} == 200 } $w->accesses(20);
is_deeply [ @$row{qw(via app_user patient caller)} ], [ 'session', 'alice', $A, undef ], 'a call of a page leaves its row';

$httpd->expect_log(qw(SL2530 SL2533 SL2601 SL4517 SL5803 SL5806 SL5807 SL5808));
done();
