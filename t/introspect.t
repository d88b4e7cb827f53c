#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# RFC 7662: an EHR whose token response leaves something out is asked, and an administrator may ask.
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::Keys;
use SL::Tokens;

my $w = world(start => 0, fpm => 0, redirect => 'SmartLink none', log_level => 'info smartlaunch:trace8');
my ($httpd, $ehr, $pg) = ($w->httpd, $w->ehr, $w->pg);
nobody_leads($w);
$httpd->start;

sub asked_about { return $ehr->log('/auth/introspect') }

# A launch whose token response is bent this way, and the introspection that way.
sub launch {
    my ($token, $introspect) = @_;
    $ehr->forget;
    $ehr->faults;
    $ehr->faults($token ? (token => { patch => $token }) : (), $introspect ? (introspect => $introspect) : ());
    my $l = $w->launch;
    $l->{row} = $l->{session} ? token($w, $l) : undef;
    return $l;
}

sub steps {
    my ($l) = @_;
    return [ map { $_->{outcome} } $pg->rows(q{SELECT outcome FROM smartlaunch.launch_step WHERE launch = ? AND step = 'introspect' ORDER BY id}, id_of($w, $l)) ];
}

# Said is said
{
    my $l = launch();
    is scalar(asked_about()), 0, 'SEC-11 a whole token response: nobody is asked';
    cmp_ok $l->{row}{left}, '>', 3500, '… it lives as long as the EHR said';
}

# Not said
{
    my $l = launch({ expires_in => undef });
    my @asked = asked_about();
    is scalar(@asked), 1, 'SEC-11 no expires_in: the EHR is asked, once';
    is_deeply [ @{ $asked[0] }{qw(method status)} ], [ 'POST', 200 ], '… by POST';
    is_deeply [ sort keys %{ $asked[0]{form} } ], [qw(token token_type_hint)], '… RFC 7662 token and hint, nothing else';
    is $asked[0]{form}{token_type_hint}, 'access_token', '… about the access token';
    is $asked[0]{headers}{authorization}, ($ehr->log('/auth/token'))[0]{headers}{authorization}, '… with the authentication of the token endpoint';
    is $asked[0]{headers}{accept}, 'application/json', '… for JSON';
    cmp_ok $l->{row}{left}, '>', 3500, '… and its word counts';
    is_deeply steps($l), ['ok'], '… the flight recorder has the step';
    unlike $httpd->error_log, qr/\Q$asked[0]{form}{token}\E/, '… and no log has the token';
    is $w->fhir(GET => "/Patient/$l->{patient}", session => $l->{session})->code, 200, '… with which FHIR is read';
    is scalar(renewals($w)), 0, '… not renewed';
}
{
    my $l = launch({ scope => undef }, { patch => { scope => 'openid patient/Patient.r' } });
    is $l->{row}{scope_granted}, 'openid patient/Patient.r', 'SEC-11 no scope: the EHR says which';
    cmp_ok $l->{row}{left}, '>', 3500, '… and what was said stays';
    $l = launch({ expires_in => undef, scope => undef }, { patch => { scope => "a\r\nb", exp => 'soon', username => { x => [ (1) x 99 ] }, patient => 'other' } });
    cmp_ok $l->{row}{left}, '<', 400, 'SEC-11 an expiry that is none: as without it';
    isnt $l->{row}{scope_granted}, "a\r\nb", '… a scope that would break a header, too';
    is $l->{row}{patient}, $l->{patient}, '… and other members are ignored';
}

# Not active: nobody is let in
{
    my $l = launch({ expires_in => undef }, { body => '{"active":false}', status => 200, content_type => 'application/json' });
    is $l->{callback}->code, 502, 'SEC-11 active:false: the launch is refused';
    like $httpd->logged('SL4933'), qr/sandbox/, '… and the log says why';
    ok !defined $l->{session}, '… nobody has a session';
    is $pg->value(q{SELECT state FROM smartlaunch.launch ORDER BY created_at DESC LIMIT 1}), 'failed', '… the launch has failed';
    $httpd->expect_log('SL4933');
}

# Cannot be asked: as without it
for my $case ([ 'refused', { status => 401, body => '{"error":"invalid_client"}' }, 'SL2161' ], [ '500', { status => 500 }, 'SL2161' ],
    [ 'HTML', { status => 200, body => '<p>login</p>', content_type => 'text/html' }, 'SL2162' ], [ 'an array', { status => 200, body => '[true]' }, 'SL2162' ],
    [ 'active as a word', { patch => { active => 'true' } }, 'SL2163' ], [ 'without active', { patch => { active => undef } }, 'SL2163' ],
    [ 'closed', { close => 'before' }, undef ], [ 'huge', { big => 3_000_000 }, undef ], [ 'a redirect', { redirect => 'https://evil.example/' }, 'SL2161' ]) {
    my ($name, $fault, $id) = @$case;
    my $l = launch({ expires_in => undef }, $fault);
    is $l->{app}->code, 200, "SEC-11 introspection $name: the launch goes on";
    cmp_ok $l->{row}{left}, '<', 400, '… with a short life';
    is scalar(asked_about()), 1, '… it was asked once';
    is_deeply steps($l), [$id], '… the step says what was wrong' if $id;
}
{
    my $l = launch({ expires_in => undef }, { hang => 1 });
    is $l->{app}->code, 200, 'SEC-11 no answer ever: the launch goes on';
    cmp_ok $l->{row}{left}, '<', 400, '… with a short life';
}

# An administrator asks
{
    my $l = launch();
    my $id = id_of($w, $l);
    my ($rc, $text) = $httpd->ctl('token', 'check', $id);
    is $rc, 0, 'SEC-11 smartlaunchctl token check' or diag $text;
    like $text, qr/\bis active, ends \d{4}-\d\d-\d\d.*, and is for .*\bopenid\b/, '… says what the EHR says';
    my ($asked) = asked_about();
    unlike $text, qr/\Q$asked->{form}{token}\E/, '… without the token';
    unlike $text, qr/\Q$l->{patient}\E/, '… or the patient';
    ($rc, $text) = $httpd->ctl('--json', 'token', 'check', $id);
    my $said = JSON::PP->new->utf8->decode($text);
    is_deeply [ sort keys %$said ], [qw(active expires_at launch scope)], '… as JSON';
    ok $said->{active}, '… active';
    $ehr->end('grants');
    $ehr->faults(introspect => { status => 200, body => '{"active":false}', content_type => 'application/json' });
    ($rc, $text) = $httpd->ctl('token', 'check', $id);
    is $rc, 1, 'SEC-11 a token that is dead at the EHR';
    like $text, qr/is not active$/m, '… is said to be';
    is_deeply [ @{ token($w, $l) }{qw(status state)} ], [ 'active', 'live' ], '… and nothing changes';
    $ehr->faults(introspect => { status => 500 });
    ($rc, $text) = $httpd->ctl('token', 'check', $id);
    is $rc, 1, 'an EHR in trouble';
    like $text, qr/SL2161/, '… is not a dead token';
    is_deeply [ ($httpd->ctl('token', 'check', '01900000-0000-7000-8000-000000000009'))[0] ], [3], 'a launch that is none';
    is_deeply [ ($httpd->ctl('token', 'check'))[0] ], [2], 'no launch';
    $ehr->faults;
}

# An EHR that has no such endpoint, one whose endpoint is configured, and a key
for my $case ([ '', 0 ], [ 'SmartEndpoint introspect ' . $ehr->auth . '/introspect', 1 ]) {
    my ($line, $count) = @$case;
    $httpd->stop;
    $httpd->{ehr_block} = join "\n", 'SmartEndpoint authorize ' . $ehr->auth . '/authorize', 'SmartEndpoint token ' . $ehr->auth . '/token',
        'SmartEndpoint jwks ' . $ehr->auth . '/jwks', 'SmartEndpoint issuer ' . $ehr->auth, $line;
    $httpd->start;
    my $l = launch({ expires_in => undef });
    is $l->{app}->code, 200, 'SEC-11 stored endpoints, ' . ($count ? 'with' : 'without') . ' one for introspection: a launch';
    is scalar(asked_about()), $count, $count ? '… which is asked' : '… nobody is asked';
    is scalar($ehr->log('/fhir/.well-known')), 0, '… and no discovery is asked for it';
    my ($rc, $text) = $httpd->ctl('token', 'check', id_of($w, $l));
    is $rc == 0 ? 1 : 0, $count, '… smartlaunchctl token check';
    like $text, $count ? qr/is active/ : qr/SL4931/, '… says so';
}
{
    $httpd->stop;
    $ehr->clients({ client_id => 'app-key', token_endpoint_auth_method => 'private_key_jwt', redirect_uris => [ $w->url('/smart') ],
        id_token_signed_response_alg => 'RS256', jwks_uri => $w->url('/smart/jwks.json') });
    delete $httpd->{ehr_block};
    @$httpd{qw(client credential)} = ('app-key', 'SmartClientKey ' . SL::Keys::guide($httpd->dir, 'ES384'));
    $httpd->start;
    my $l = launch({ expires_in => undef });
    my ($asked) = asked_about();
    is $asked->{assertion}{failure}, undef, 'TKR-A4 introspection with a key: the EHR finds the assertion right';
    isnt $asked->{form}{client_assertion}, ($ehr->log('/auth/token'))[0]{form}{client_assertion}, 'TKR-A5 it is a new one';
    cmp_ok $l->{row}{left}, '>', 3500, 'SEC-11 … and its word counts';
}

done();
