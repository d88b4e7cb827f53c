#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Backend services: a program that pulls without any user, with one token for all that is got by our
# key; and all the ways in which nobody else gets it.
# mpm: all
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use JSON::PP qw(decode_json);
use SL::Keys;
use SL::Tokens qw(nobody_leads);

my $w = world(start => 0, fpm => 0, client => 'app-key', pg => { own => 1 }, ehr => { tenants => 'other', search => 1 },
    ehr_block => "SmartSystemScope \"system/*.rs\"\n    SmartOutbound max=200 timeout=3s");
my ($httpd, $ehr) = ($w->httpd, $w->ehr);
my ($dir, $other) = ($httpd->dir, $ehr->tenant('other'));
my $key = SL::Keys::guide($dir, 'ES384');
my %secret = (night => 'night-secret-0123456789', off => 'off-secret-0123456789');
spit("$dir/$_.secret", "$secret{$_}\n", 0600) for keys %secret;
$httpd->{credential} = "SmartClientKey $key";
$httpd->{extra} = <<"CONF";
<SmartEHR other>
    SmartIssuer ${\ $ehr->issuer('other') }
    SmartClient app-key
    SmartClientKey $key
    SmartSystemScope "system/Patient.rs"
    SmartOutbound ca=${\ SL::TLS::ca() }
</SmartEHR>
<SmartEHR launchonly>
    SmartIssuer https://launchonly.example/fhir
    SmartClient app-key
    SmartClientKey $key
    SmartScope "launch openid"
</SmartEHR>
CONF
$httpd->{gateway} = <<"CONF";
        SmartSystem on
        SmartCaller night file:$dir/night.secret
        Require local
    </Location>
    <Location /off>
        SmartGateway on
        SmartCaller off file:$dir/off.secret
        Require local
CONF
sub registered {
    return $_[0]->clients({ client_id => 'app-key', token_endpoint_auth_method => 'private_key_jwt', redirect_uris => [ $w->url('/smart') ],
        id_token_signed_response_alg => 'RS256', jwks => decode_json(slurp(top() . '/t/vectors/ES384.public.json')) });
}
registered($_) for $ehr, $other;
nobody_leads($w);
$httpd->start;
my ($A, $B) = @{ $ehr->patients };

# A call of a backend service.
sub ask { my ($path, %more) = @_; return $w->fhir(GET => $path, system => 'on', caller => $secret{night}, %more) }

# What reached the EHR since the last time: the number of token requests, then the bearers.
sub reached {
    my @tokens = map { $_->log('/auth/token') } $ehr, $other;
    my @bearers = map { $_->{headers}{authorization} } map { $_->log('/fhir/') } $ehr, $other;
    $_->forget for $ehr, $other;
    return (scalar(@tokens), grep { defined } @bearers);
}

sub is_refused {
    my ($answer, $status, $name) = @_;
    my ($tokens, @bearers) = reached();
    ok $answer->code == $status && !$tokens && !@bearers, $name or diag $answer->as_string, "$tokens token requests, @bearers";
    return;
}

# One token
is ask("/Patient/$A")->code, 200, 'BKS-1 a call without any user';
my ($call) = $ehr->log('/auth/token');
is_deeply [ sort keys %{ $call->{form} } ], [qw(client_assertion client_assertion_type grant_type scope)], 'BKS-1 what is sent for it, and no more';
is "$call->{form}{grant_type} $call->{form}{scope}", 'client_credentials system/*.rs', 'BKS-1 grant_type, and the scope of SmartSystemScope';
is $call->{assertion}{failure}, undef, 'BKS-1 the assertion is right';
is $call->{headers}{authorization}, undef, 'BKS-1 no secret';
my (undef, $bearer) = reached();
is ask("/Patient/$B")->code, 200, 'BKS-3 another patient';
is_deeply [ reached() ], [ 0, $bearer ], '… with the same token';
my @rows = $w->accesses(2);
is_deeply [ map { $rows[0]{$_} } qw(via caller app_user patient session_print asked_patient) ], [ 'system', 'night', undef, undef, undef, $A ],
    'the audit says that it was a backend service, and which';

# Nobody else's
my $l = $w->launch(login => 'alice');
reached();
is $w->fhir(GET => "/Patient/$l->{patient}", session => $l->{session})->code, 200, 'a session of a user';
my (undef, $hers) = reached();
isnt $hers, $bearer, 'BKS-5 has its own token';
is ask("/Patient/$l->{patient}")->code, 200, 'a backend service, while she is there,';
is_deeply [ reached() ], [ 0, $bearer ], '… has its own, too';
is $w->fhir(GET => "/Patient/$l->{patient}", user => 'alice', patient => $l->{patient}, caller => $secret{night})->code, 200, 'a call for her';
is_deeply [ reached() ], [ 0, $hers ], 'BKS-5 … goes with her token';
is $w->pg->value('SELECT count(*) FROM smartlaunch.token'), 1, 'BKS-5 the tables have her token only';

# Who may not
$httpd->expect_log(qw(SL5806 SL5809 SL5838 SL5842 SL5843));
is_refused($w->fhir(GET => "/Patient/$A"), 401, 'BKS-5 a call without anything');
is_refused($w->fhir(GET => "/Patient/$A", system => 'on'), 401, 'BKS-5 Smart-System without proof');
is_refused(ask("/Patient/$A", caller => $secret{off}), 401, 'BKS-5 … with a wrong secret');
is_refused(request(GET => $httpd->gateway_url =~ s/fhir\z/off/r . "/sandbox/Patient/$A", headers => [ 'Smart-System' => 'on', 'Smart-Caller' => $secret{off} ]),
    403, 'BKS-5 where SmartSystem is off');
is_refused(ask("/Patient/$A", ehr => 'launchonly'), 403, 'BKS-5 an EHR without SmartSystemScope');
is_refused(ask("/Patient/$A", headers => [ 'Sec-Fetch-Site' => 'same-origin' ]), 403, 'BKS-5 a browser');
is_refused(ask("/Patient/$A", headers => [ Origin => $w->url ]), 403, 'BKS-5 … an old one');
is_refused(ask("/Patient/$A", session => $l->{session}), 400, 'BKS-5 with a session beside it');
is_refused(ask("/Patient/$A?_smart_session=$l->{session}"), 400, 'BKS-5 … in the query');
is_refused(ask("/Patient/$A", user => 'alice'), 400, 'BKS-5 with a user beside it');
is_refused(ask("/Patient/$A", system => $_), 400, "BKS-5 Smart-System: $_") for 'yes', 'on, on', '';
is_refused(ask("/Patient/$A", system => 'off'), 401, 'BKS-5 Smart-System: off is as good as none');
is $w->fhir(GET => "/Patient/$l->{patient}", session => $l->{session}, system => 'off', caller => $secret{night})->code, 200, '… a session counts beside it';
reached();

# The guard and the writes
is ask("/Patient/$A", patient => $A)->code, 200, 'Smart-Patient: that patient';
reached();
is_refused(ask("/Patient/$B", patient => $A), 403, '… and nobody else');
is_refused(ask("/Observation?patient=$B", patient => $A), 403, '… in a search neither');
is_refused(ask("/Patient/$A", patient => $_), 400, 'Smart-Patient that is no id: ' . ($_ =~ s/[^ -~]/?/gr)) for '', 'a/b', "\xff\xfe", 'x' x 65;
is_refused($w->fhir(POST => '/Observation', system => 'on', caller => $secret{night}, json => { resourceType => 'Observation' }), 403, 'a write where SmartWrites is off');
$httpd->allow_log(grep { /^SL26|SL5811/ } map { $_->{id} } $httpd->errors);

# Bulk data: what is asked for now and fetched later
my $bulk = "${\ $ehr->issuer }/bulk";
$ehr->faults(fhir => { status => 202, headers => { 'content-location' => "$bulk/status/7", 'x-progress' => 'begun' }, body => '', times => 1 });
my $export = ask('/Patient/$export?_type=Patient', headers => [ Prefer => 'respond-async' ]);
is $export->code, 202, 'FHR-12 an export is begun';
is $export->header('Content-Location'), $httpd->gateway_url . '/sandbox/bulk/status/7', 'FHR-12 where it is asked after leads through the gateway';
is $export->header('X-Progress'), 'begun', 'FHR-12 with what the EHR says of it';
my ($begun) = $ehr->log('/fhir/Patient/');
is "$begun->{path} $begun->{headers}{prefer}", '/fhir/Patient/$export respond-async', 'FHR-12 as it was asked for';
$ehr->faults(fhir => { status => 200, content_type => 'application/json', times => 1, body => JSON::PP::encode_json({ requiresAccessToken => \1,
    output => [ map { { type => 'Patient', url => $_ } } "$bulk/file/1.ndjson", 'https://files.example/2.ndjson' ] }) });
my $manifest = json(ask('/bulk/status/7'));
is_deeply [ map { $_->{url} } @{ $manifest->{output} } ], [ $httpd->gateway_url . '/sandbox/bulk/file/1.ndjson', 'https://files.example/2.ndjson' ],
    'FHR-12 files below the FHIR base lead through the gateway, others stay where they are';
my $lines = qq({"resourceType":"Patient","id":"a"}\n{"resourceType":"Patient","id":"b"}\n);
$ehr->faults(fhir => { status => 200, content_type => 'application/fhir+ndjson', body => $lines, times => 1 });
is ask('/bulk/file/1.ndjson', headers => [ Accept => 'application/fhir+ndjson' ])->decoded_content, $lines, 'FHR-12 and come as they are';
reached();
is_refused($w->fhir(DELETE => '/bulk/status/7', system => 'on', caller => $secret{night}), 403, 'FHR-12 to call it off is a write');
$ehr->faults;
reached();

# An EHR that nobody is launched from
$other->faults(discovery => { patch => { authorization_endpoint => undef } });
is ask("/Patient/$A", ehr => 'other')->code, 200, 'DIS-4 an EHR for backend services only, whose discovery has no authorize endpoint';
my (undef, $theirs) = reached();
isnt $theirs, $bearer, 'BKS-5 each EHR has a token of its own';
$httpd->expect_log('SL4101');
is $w->browser->frame($ehr->base . '/')->nav($w->url('/smart?iss=' . URI::Escape::uri_escape($ehr->issuer('other')) . '&launch=x'))->code, 403, '… and nobody is launched from it';
reached();

# Its end
sub stop_start { $httpd->stop; $httpd->start; reached(); return }
stop_start();
my @codes = many(40, sub { return ask("/Patient/$A")->code });
is_deeply [ grep { $_ != 200 } @codes ], [], 'BKS-3 forty calls at once, and no token yet';
my ($tokens, @bearers) = reached();
is $tokens, 1, '… get one together';
my %different = map { $_ => 1 } @bearers;
is scalar(keys %different), 1, '… which all of them use';
$ehr->settings(expires_in => 4);
$ehr->faults(system => { patch => { refresh_token => 'r1' } });
stop_start();
is ask("/Patient/$A")->code, 200, 'BKS-3 a token that lives for four seconds';
my (undef, $first) = reached();
my $second = wait_for('another token', sub {
    my $code = ask("/Patient/$A")->code;
    is $code, 200, 'a call' if $code != 200;
    my ($count, $now) = reached();
    return $now ne $first && [ $count, $now ];
});
is $second->[0], 1, 'BKS-3 … is replaced before its end by one request';
my $is_grant = 1;
$w->ehr->forget;
wait_for('one more', sub { ask("/Patient/$A"); my @all = $ehr->log('/auth/token'); $is_grant &&= $all[0]{form}{grant_type} eq 'client_credentials' if @all; return scalar @all });
ok $is_grant, 'BKS-3 … for a new grant; the refresh token that came with it stays unused';
$ehr->reset;
registered($ehr);

# Refused by the FHIR server
stop_start();
is ask("/Patient/$A")->code, 200, 'a token';
my (undef, $stale) = reached();
$ehr->end('access');
is ask("/Patient/$A")->code, 200, 'BKS-4 the FHIR server refuses it: the call succeeds';
($tokens, @bearers) = reached();
is_deeply [ $tokens, scalar(@bearers), $bearers[0] ], [ 1, 2, $stale ], '… with a new token, and sent once more';
$ehr->faults(fhir => { status => 401, body => '' });
$httpd->expect_log('SL4746');
is ask("/Patient/$A")->code, 502, 'BKS-4 it refuses every token: 502';
is $_, 502, '… again' for map { ask("/Patient/$A")->code } 1 .. 5;
($tokens, @bearers) = reached();
is $tokens, 0, '… no other token is asked for right after a new one';
$ehr->faults;

# No token to be had
$httpd->expect_log(qw(SL4743 SL4741 SL2135 SL3505));
$httpd->allow_log('SL2136'); # where the first call was the only one to ask
$ehr->faults(system => { status => 500, body => 'out of order' });
stop_start();
is_deeply [ map { ask("/Patient/$A")->code } 1 .. 20 ], [ (502) x 20 ], 'BKS-4 the EHR gives no token: 502 for twenty calls';
($tokens, @bearers) = reached();
cmp_ok $tokens, '<=', 2, '… and hardly a request';
is scalar(@bearers), 0, '… and nothing reaches the FHIR server';
$ehr->faults;
wait_for('an end of it', sub { return ask("/Patient/$A")->code == 200 });
ok 1, 'BKS-4 when it does again, calls succeed';
$ehr->faults(system => { status => 503, headers => { 'Retry-After' => '1' }, body => '' });
stop_start();
my $busy = ask("/Patient/$A");
is $busy->code, 503, 'BKS-4 the EHR has too much to do: 503';
ok $busy->header('Retry-After') >= 1, '… with Retry-After';
$ehr->faults(system => { hang => \1, times => 1 });
stop_start();
is ask("/Patient/$A")->code, 504, 'BKS-4 no answer: 504';
$ehr->faults;
wait_for('an end of it', sub { return ask("/Patient/$A")->code == 200 });
reached();

# PostgreSQL is not needed for it.
my ($count) = reached();
$httpd->allow_log(qw(SL3001 SL3004 SL3006 SL3010 SL3016));
$w->pg->stop;
is ask("/Patient/$A")->code, 200, 'BKS-3 while PostgreSQL is away';
$httpd->graceful;
is ask("/Patient/$A")->code, 200, 'BKS-3 … and over a graceful restart';
is +(reached())[0], 0, '… with the same token';
$w->pg->start;

my $logs = $httpd->error_log . $httpd->access_log;
is_deeply [ grep { index($logs, substr $_, 7) >= 0 } $bearer, $theirs, $first, $stale ], [], 'SEC-5 no token stands in a log';

done();
