#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A page of the app reads FHIR by itself (FHR-10): the browser's cookie says who, the launch's handle
# which patient, Sec-Fetch-Site that it is our own origin; no session id comes near a browser.
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;

my $w = world(start => 0, fpm => 0, ehr => { search => 1 }, vhost => <<'CONF');
    <Location /ehr>
        SmartGateway on
        SmartWrites on
        Require local
    </Location>
CONF
my ($httpd, $ehr) = ($w->httpd, $w->ehr);
spit($httpd->dir . '/caller.secret', "what-only-the-nightly-job-knows\n", 0600);
$httpd->{vhost} .= <<"CONF";
    <Location /everywhere>
        SmartGateway on
        Require all granted
        SmartCaller nightly file:@{[ $httpd->dir ]}/caller.secret
    </Location>
CONF
$httpd->start;

my $browser = $w->browser;
my $l = $w->launch(login => 'alice', window => $browser->frame($ehr->base . '/'));
my ($window, $patient) = @$l{qw(window patient)};

# Nothing went to the EHR.
sub is_refused {
    my ($answer, $status, $name) = @_;
    is $answer->code, $status, $name or diag $answer->as_string;
    is json($answer)->{resourceType}, 'OperationOutcome', '… told as FHIR has it';
    is scalar($ehr->log('/fhir/')), 0, '… nothing went to the EHR';
    return;
}

{
    $ehr->forget;
    my $answer = $window->xhr(GET => "/ehr/sandbox/Observation?patient=$patient&_count=2");
    is $answer->code, 200, "FHR-10 a fetch of the app's page to the gateway" or diag $answer->as_string;
    my ($seen) = $ehr->log('/fhir/');
    like $seen->{headers}{authorization}, qr/^Bearer /, '… goes with the launch\'s token';
    is_deeply [ grep { /^(?:cookie|referer|sec-|origin|smart)/ } keys %{ $seen->{headers} } ], [],
        'FHR-8 … and without anything of the browser\'s';
    is next_of($answer) =~ s/\?.*//sr, $httpd->url('/ehr/sandbox/Observation'), 'FHR-5 … the next page is one that the page can reach';
    is $window->xhr(GET => next_of($answer))->code, 200, '… and it can';
    is $answer->header('Set-Cookie'), undef, '… no cookie comes of it';
}
$ehr->forget;

my $url = $httpd->url("/ehr/sandbox/Patient/$patient");
my @own = ('Sec-Fetch-Site' => 'same-origin', 'Sec-Fetch-Mode' => 'cors', 'Sec-Fetch-Dest' => 'empty');
is_refused(request('GET', $url, headers => \@own), 401, 'a browser without a cookie: 401');
my $stranger = $w->browser->window;
$stranger->type($httpd->url('/papp/'));
is_refused($stranger->xhr(GET => $url), 401, 'another browser: 401');
is_refused($window->xhr(GET => $url, headers => [ 'Sec-Fetch-Site' => 'cross-site' ], without => qr/^Sec-Fetch-Site$/i), 401,
    'FHR-10 a fetch from another site: 401');
is_refused($window->xhr(POST => $url, headers => [ 'Sec-Fetch-Site' => 'cross-site' ], without => qr/^Sec-Fetch-Site$/i), 403,
    'FHR-10 a write from another site: 403');
is_refused($window->xhr(GET => $url, headers => [ 'Smart-Session' => $l->{session} ]), 403, 'a session id in a browser: 403');

# A navigation gets the page that people can read.
my $page = $w->browser->window->type($url);
is $page->code, 401, 'FHR-10 somebody without a launch opens it: 401';
like $page->content, qr/<h1>/, '… with a page';

# Where everybody may call, a page proves its launch like anywhere; everybody else is a caller or nobody.
is $window->xhr(GET => "/everywhere/sandbox/Patient/$patient")->code, 200, 'an open gateway takes a fetch of the app\'s page';
$ehr->forget;
my $open = $httpd->url("/everywhere/sandbox/Patient/$patient");
is_refused($stranger->xhr(GET => $open), 401, '… not another browser\'s');
is_refused(request('GET', $open, headers => [ 'Smart-Session' => $l->{session} ]), 401, '… no session id without a caller');
is_refused(request('GET', $open, headers => [ 'Smart-User' => 'alice' ]), 401, '… no user without a caller');
is request('GET', $open, headers => [ 'Smart-Session' => $l->{session}, 'Smart-Caller' => 'what-only-the-nightly-job-knows' ])->code, 200,
    '… a caller with both';
$ehr->forget;

# Another patient
my $others = (grep { $_ ne $patient } @{ $ehr->patients })[0];
is_refused($window->xhr(GET => "/ehr/sandbox/Patient/$others"), 403, "another patient's record: 403");

# Two launches: the page that asks says which.
my $m = $w->launch(patient => $others, window => $browser->frame($ehr->base . '/'));
my $second = $m->{window};
is $second->xhr(GET => "/ehr/sandbox/Patient/$others")->code, 200, 'a second launch reads its own patient';
$ehr->forget;
is_refused($second->xhr(GET => "/ehr/sandbox/Patient/$patient"), 403, '… not the first one\'s');
is $window->xhr(GET => "/ehr/sandbox/Patient/$patient")->code, 200, '… and the first page still reads its own';

# Reading does not keep a launch awake: last_seen_at stays.
my $before = $w->pg->value('SELECT max(last_seen_at) FROM smartlaunch.launch');
is $second->xhr(GET => "/ehr/sandbox/Patient/$others")->code, 200, 'one more read';
is $w->pg->value('SELECT max(last_seen_at) FROM smartlaunch.launch'), $before, '… is no sign of somebody at work';

$httpd->allow_log(qw(SL5806 SL5807 SL5808 SL2601 SL2504 SL2505 SL2506));
done();
