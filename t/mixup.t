#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# SEC-1: of two configured EHRs one is malicious. It leads whom we sent to it on to the honest one, so
# that the honest one's code comes back as the answer to its own launch (RFC 9700 section 4.4), lies in
# its discovery document, and hands on what the honest one once gave it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::Odd;
use SL::Refused;
use Digest::SHA qw(sha256);
use MIME::Base64 qw(encode_base64url);
use URI;
use URI::Escape qw(uri_escape_utf8);

# The public client that we are to the evil EHR has the id that we have at the honest one: an EHR gives
# its clients what id it likes.
my $odd = SL::Odd->new;
my $known = '.well-known/smart-configuration';
my %base = map { $_ => $odd->url("/$_") } qw(evil stored);
my @stored = ('SmartEndpoint authorize ' . $odd->url('/stored/as'), 'SmartEndpoint token ' . $odd->url('/stored/token'));
my @client = ('SmartClientAuth none', 'SmartScope "launch openid fhirUser offline_access patient/*.rs"',
    'SmartIdentity id_token:preferred_username', 'SmartStandaloneScope "openid launch/patient patient/*.rs"');
my @blocks = map { s/odd-client/app-basic/r } $odd->block(evil => $base{evil}, @client), $odd->block(stored => $base{stored}, @stored, @client);
my $w = world(start => 0, extra => join('', @blocks), vhost => <<'CONF');
    <Location /smart-a>
        SmartTarget /papp/
        SmartServe sandbox
    </Location>
    <Location /smart-evil>
        SmartTarget /papp/
        SmartServe evil
    </Location>
    <Location /smart-stored>
        SmartTarget /papp/
        SmartServe stored
    </Location>
CONF
my ($httpd, $ehr, $pg) = ($w->httpd, $w->ehr, $w->pg);
my ($client) = SL::EHR::default_clients('');
$ehr->clients({ %$client, redirect_uris => [ map { $w->url($_) } qw(/smart /smart-a) ] });
$httpd->start;

# What the evil EHR says of itself, until the next lie. Its document is read anew after each change,
# for the token endpoint tells us that it has forgotten us.
sub evil_says {
    my (%lie) = @_;
    my %said = (issuer => $odd->url('/evil/as'), authorization_endpoint => $odd->url('/evil/as/authorize'),
        token_endpoint => $odd->url('/evil/token'), jwks_uri => $odd->url('/evil/jwks'),
        code_challenge_methods_supported => ['S256'], %lie);
    delete @said{ grep { !defined $said{$_} } keys %said };
    $odd->route("/evil/$known" => { body => \%said });
    return;
}

sub no_tokens { $odd->route(map { $_ => { status => 401, body => { error => 'invalid_client' } } } '/evil/token', '/stored/token'); return }
sub gives { my (%answer) = @_; $odd->route('/evil/token' => { body => \%answer }); return }

# Shared memory knows a document for an hour: a restart forgets.
sub afresh { $httpd->stop; $httpd->start; $odd->forget; $ehr->forget; return }

sub query_of { my %q = URI->new($_[0])->query_form; return \%q }

# A launch from the evil EHR: up to its authorize endpoint.
sub lured {
    my (%arg) = @_;
    my $window = $arg{window} || $w->browser->frame($ehr->base . '/');
    my $iss = uri_escape_utf8($base{ $arg{name} // 'evil' });
    my $start = $window->nav($w->url(($arg{path} // '/smart') . "?iss=$iss&launch=of-evil"));
    return { window => $window, start => $start, asked => query_of($start->header('Location') // '') };
}

# It leads the browser on to the honest EHR with its own state and challenge, where the user logs in:
# {callback_url}, the honest EHR's answer.
sub relayed {
    my ($l, %change) = @_;
    my $made = $ehr->launch;
    my $url = URI->new($ehr->auth . '/authorize');
    my %query = (response_type => 'code', client_id => 'app-basic', scope => 'launch openid fhirUser offline_access patient/*.rs',
        redirect_uri => $w->url('/smart'), aud => $ehr->issuer, launch => $made->{launch},
        (map { $_ => $l->{asked}{$_} } qw(state code_challenge code_challenge_method)), %change);
    $url->query_form(%query);
    $l->{honest} = $l->{window}->nav("$url", follow => 1, until => qr/^\Q${\ $w->url }\E/);
    $l->{callback_url} = $l->{window}->location;
    $l->{code} = $l->{callback_url} && query_of($l->{callback_url})->{code};
    return $l;
}

sub called { return scalar grep { $_->{path} =~ m{/token$} } $odd->log }
sub launch_of { my ($l) = @_; return ($pg->rows('SELECT * FROM smartlaunch.launch WHERE state_hash = sha256(?::text::bytea)', $l->{asked}{state}))[0] }
sub nobody { my ($window) = @_; return !grep { /^smart-/ } keys %{ json($window->nav($w->url('/papp/')))->{headers} } }

# The code was the honest EHR's and went nowhere: not to the evil one, and not to the honest one with
# the evil one's credentials; nobody is let in.
sub goes_nowhere {
    my ($l, $status, $id, $name, %opt) = @_;
    ok length($l->{code} // ''), "$name: a code of the honest EHR came" or diag $l->{honest}->as_string;
    my $answer = $l->{window}->nav($l->{callback_url});
    refused($w, $answer, $status, $id, "$name: $status", step => 'callback', %opt);
    is called(), 0, "$name: the evil EHR's token endpoint was sent nothing";
    is scalar(my @asked = $ehr->log('/auth/token')), 0, "$name: nor was the honest one's";
    is scalar(grep { index("$_->{query}$_->{body}" . join('', %{ $_->{headers} }), $l->{code}) >= 0 } $odd->log), 0, "$name: the code is in nothing that the evil EHR was sent";
    is $pg->value('SELECT count(*) FROM smartlaunch.token'), 0, "$name: no token is stored";
    ok nobody($l->{window}), "$name: the app sees nobody";
    return $answer;
}

no_tokens();

# The honest EHR says who it is (RFC 9207), and the evil one tells the truth about itself.
evil_says();
my $l = relayed(lured());
is query_of($l->{callback_url})->{iss}, $ehr->auth, 'CBK-7 the honest EHR says who it is';
goes_nowhere($l, 400, 'SL2033', 'SEC-1 one redirect URI, iss in the answer');
is launch_of($l)->{state}, 'failed', 'SEC-1 the launch is closed';
refused($w, $l->{window}->nav($l->{callback_url}), 400, 'SL4302', 'SEC-1 and stays closed');
$l = relayed(lured());
$l->{callback_url} =~ s/([?&]iss=)[^&]+/$1 . uri_escape_utf8($ehr->issuer)/e;
goes_nowhere($l, 400, 'SL2033', 'SEC-1 the honest EHR\'s FHIR base as iss');

# It does not say who it is, says that it is the honest one, or that it may be anybody.
evil_says(issuer => undef);
afresh();
goes_nowhere(relayed(lured()), 400, 'SL2034', 'SEC-1 the evil EHR names no issuer');
evil_says(issuer => 'nonsense');
afresh();
goes_nowhere(relayed(lured()), 400, 'SL2034', 'SEC-1 the evil EHR names an issuer that is none');
goes_nowhere(relayed(lured(name => 'stored')), 400, 'SL2034', 'SEC-1 endpoints that are stored without their issuer');

for my $lie (
    [ 'the honest EHR\'s issuer' ],
    [ 'its issuer and that it says who it is', authorization_response_iss_parameter_supported => JSON::PP::true() ],
    [ 'its issuer, authorize endpoint and keys', authorization_endpoint => $ehr->auth . '/authorize', jwks_uri => $ehr->auth . '/jwks' ],
) {
    my ($what, @lie) = @$lie;
    evil_says(issuer => $ehr->auth, @lie);
    afresh();
    my $lured = lured();
    refused($w, $lured->{start}, 502, 'SL4102', "SEC-1 the evil EHR claims $what: no launch begins", step => 'discovery');
    is_deeply [ $odd->log('/evil/token') ], [], 'SEC-1 … and nothing is sent to it';
    my $true = $w->launch(stop => 'callback');
    is $true->{callback}->code, 303, 'SEC-1 … launches from the honest EHR go on';
    $pg->dbh->do('DELETE FROM smartlaunch.token');
}

# One redirect URI for each EHR: the honest EHR need not say who it is.
evil_says();
$ehr->settings(issuer_param => JSON::PP::false());
afresh();
$l = relayed(lured(path => '/smart-evil'), redirect_uri => $w->url('/smart-a'));
ok !exists query_of($l->{callback_url})->{iss}, 'SEC-1 the honest EHR does not say who it is';
goes_nowhere($l, 400, 'SL4305', 'SEC-1 a redirect URI of its own');
is launch_of($l)->{state}, 'pending', 'SEC-1 the launch from the evil EHR waits for an answer of its own';
my $own = $l->{window}->nav($w->url("/smart-evil?code=own&state=$l->{asked}{state}"));
is $own->code, 502, 'SEC-1 which its own token endpoint gets';
$httpd->expect_log('SL2136');
is_deeply [ map { $_->{path} =~ m{/token$} ? $_->{body} =~ /code=([^&]*)/ : () } $odd->log ], ['own'], 'SEC-1 and no other code';
evil_says(issuer => $ehr->auth);
afresh();
$l = relayed(lured(path => '/smart-evil'), redirect_uri => $w->url('/smart-a'));
goes_nowhere($l, 400, 'SL4305', 'SEC-1 a redirect URI of its own, and it claims to be the honest EHR');
$l = relayed(lured(path => '/smart-evil'), redirect_uri => $w->url('/smart-evil'));
is $l->{callback_url}, undef, 'REG-1 the honest EHR knows no redirect URI but ours with it';
for my $wrong ([ '/smart-a', $base{evil} ], [ '/smart-evil', $ehr->issuer ], [ '/smart-stored', $ehr->issuer ]) {
    my ($path, $iss) = @$wrong;
    refused($w, $w->browser->window->nav($w->url("$path?launch=a&iss=" . uri_escape_utf8($iss))), 403, 'SL4101',
        "SEC-1 $path takes launches of its own EHR only");
}
$ehr->settings(issuer_param => JSON::PP::true());

# It says that it is all the honest one, but for its FHIR base: aud tells the honest one where the
# token would go.
evil_says(issuer => $ehr->auth, map { ("${_}_endpoint" => $ehr->auth . '/' . ($_ eq 'token' ? $_ : 'authorize')) } qw(authorization token));
afresh();
my $alias = lured();
like $alias->{start}->header('Location'), qr/^\Q${\ $ehr->auth }\E\/authorize\?/, 'AZR-3 a FHIR base whose authorization server is another\'s';
is $alias->{asked}{aud}, $base{evil}, 'AZR-3 aud is the FHIR base that would get the token, whatever its document says';
my $refusal = $alias->{window}->nav($alias->{start}->header('Location'), follow => 1, until => qr/^\Q${\ $w->url }\E/);
is $alias->{window}->location, undef, 'AZR-3 so the honest EHR gives no code';
cmp_ok $refusal->code, '>=', 400, 'AZR-3 but a refusal';

# Two launches wait in one browser: each answer belongs to its own.
evil_says();
afresh();
my $browser = $w->browser;
my $waits = $w->launch(window => $browser->frame($ehr->base . '/'), stop => 'authorize');
my $evil = lured(window => $browser->frame($ehr->base . '/'));
my $code = query_of($waits->{callback_url})->{code};
my $crossed = $evil->{window}->nav($w->url("/smart?code=$code&state=$evil->{asked}{state}&iss=" . uri_escape_utf8($ehr->auth)));
refused($w, $crossed, 400, 'SL2033', 'SEC-1 a code of the honest EHR under the state of the evil one\'s launch');
is called(), 0, 'SEC-1 is not sent to it';
my $mine = $waits->{window}->nav($waits->{callback_url});
is $mine->code, 303, 'SEC-1 the other launch of this browser goes on';
is_deeply [ map { $_->{form}{code} } $ehr->log('/auth/token') ], [$code], 'SEC-1 with its code, at its own token endpoint';
my $second = $w->launch(window => $browser->frame($ehr->base . '/'), stop => 'authorize');
my %bent = (%{ query_of($second->{callback_url}) }, iss => $odd->url('/evil/as'));
my $bent = URI->new($w->url('/smart'));
$bent->query_form(%bent);
refused($w, $second->{window}->nav("$bent"), 400, 'SL2033', 'CBK-7 iss of the evil EHR in an answer to the honest one\'s launch');
is called(), 0, 'CBK-7 sends nothing there';

# A standalone launch can be led astray just so.
my $page = $browser->window;
$page->type($w->url('/papp/?' . answer(headers => [ 'Smart-Login' => 'alice' ])));
my $start = $page->nav('/smart/start?ehr=evil&return=/papp/');
my $alone = { window => $page, start => $start, asked => query_of($start->header('Location') // '') };
relayed($alone);
$pg->dbh->do('DELETE FROM smartlaunch.token');
$ehr->forget;
my $answer = $page->nav($alone->{callback_url});
is $answer->code, 400, 'SEC-1 a standalone launch at the evil EHR, answered by the honest one';
like $answer->content, qr{Reference: <code>}, 'SEC-1 a page';
is called() + scalar(my @none = $ehr->log('/auth/token')), 0, 'SEC-1 no token call';

# What the honest EHR gave it once, it hands on: the whole token response, id_token and all.
my $verifier = 'v' x 64;
my $stolen = relayed({ window => $w->browser->window, asked => { state => 's', code_challenge_method => 'S256', code_challenge => encode_base64url(sha256($verifier)) } });
my $secret = SL::EHR::secret();
utf8::encode($secret) if utf8::is_utf8($secret);
my $tokens = json(request(POST => $ehr->auth . '/token', headers => [ 'Content-Type' => 'application/x-www-form-urlencoded',
    Authorization => 'Basic ' . MIME::Base64::encode_base64("app-basic:$secret", '') ], body => do {
        my $form = URI->new;
        $form->query_form(grant_type => 'authorization_code', code => $stolen->{code}, redirect_uri => $w->url('/smart'), code_verifier => $verifier);
        $form->query;
    }));
ok length($tokens->{id_token} // ''), 'there is a token response of the honest EHR' or diag explain $tokens;
my $linked = $w->launch(login => 'alice');
is json($linked->{app})->{headers}{'smart-user'}, 'alice', 'dr-smith of the honest EHR is alice here';

sub answered { my ($l, $path) = @_; return $l->{window}->nav($w->url(($path // '/smart') . "?code=x&state=$l->{asked}{state}")) }
gives(%$tokens);
my $given = lured();
refused($w, answered($given), 502, 'SL2328', 'IDT-2 an id_token of the honest EHR from the evil one', step => 'id_token');
ok nobody($given->{window}), 'IDT-2 nobody is let in';
is scalar(my @jwks = $odd->log('/evil/jwks')), 0, 'IDT-2 no key is asked for';
is launch_of($given)->{state}, 'failed', 'IDT-2 the launch is closed';

# Where it may claim the issuer (it has a redirect URI of its own), it is still another EHR.
evil_says(issuer => $ehr->auth, jwks_uri => $ehr->auth . '/jwks');
afresh();
$given = lured(path => '/smart-evil');
$answer = answered($given, '/smart-evil');
is $answer->code, 303, 'IDT-9 an id_token that is right, of an EHR that claims its issuer';
$given->{app} = $given->{window}->go_on(follow => 1);
my $headers = json($given->{app})->{headers};
is_deeply [ @{$headers}{qw(smart-link smart-ehr smart-user smart-patient smart-session)} ], [ 'pending', 'evil', undef, undef, undef ],
    'IDT-9 names nobody that this EHR has a link for: no user, no patient, no session';
$w->login($given, 'alice', stop => 1);
like $given->{login}->content, qr/evil/, 'IDT-9 who joins them is told which EHR it is';
is_deeply [ $pg->rows('SELECT ehr, ehr_user, app_user FROM smartlaunch.link') ], [ { ehr => 'sandbox', ehr_user => 'dr-smith', app_user => 'alice' } ],
    'IDT-9 and unasked nothing is joined';

# smartlaunchctl check tells who depends on a redirect URI of its own.
sub check_says {
    my ($rc, $text) = $httpd->ctl(qw(--json check sandbox));
    my $json = eval { JSON::PP->new->utf8->decode($text) } || { findings => [ { what => 'answers', verdict => $text } ] };
    return join ' ', map { $_->{verdict} } grep { $_->{what} eq 'answers' } @{ $json->{findings} };
}
is check_says(), 'ok', 'SEC-1 check: answers of several EHRs come here, and this one\'s say whose they are';
$ehr->settings(issuer_param => JSON::PP::false());
is check_says(), 'warn', 'SEC-1 check: where they do not, it says what to do';
{
    local $httpd->{redirect} = 'SmartServe sandbox';
    is check_says(), '', 'SEC-1 check: with a redirect URI of its own there is nothing to say';
}
$httpd->write_config;
$ehr->settings(issuer_param => JSON::PP::true());

# Tokens go to the FHIR server of their EHR, whatever stands in its answers.
$odd->forget;
my $bundle = { resourceType => 'Bundle', type => 'searchset', link => [ { relation => 'next', url => "$base{evil}/Observation?patient=$linked->{patient}" } ] };
$ehr->faults(fhir => { status => 200, body => JSON::PP->new->encode($bundle), content_type => 'application/fhir+json', times => 1 });
my $read = $w->fhir(GET => "/Observation?patient=$linked->{patient}", session => $linked->{session});
is $read->code, 200, 'FHR-5 an answer whose next page is at the evil EHR';
unlike json($read)->{link}[0]{url}, qr{^\Q${\ $httpd->gateway_url }\E/sandbox}, 'FHR-5 does not become a link to the honest one';
unlike $read->content, qr/\Q$linked->{session}\E/, 'FHR-5 and no session id is put into it';
$httpd->expect_log('SL4517');
is $w->fhir(GET => "/Observation?patient=$linked->{patient}", session => $linked->{session}, ehr => 'evil')->code, 403,
    'FHR-5 a session of the honest EHR at the evil one: 403';
is_deeply [ grep { $_->{headers}{authorization} } $odd->log ], [], 'FHR-5 no bearer ever went there';

done();
