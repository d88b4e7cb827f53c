#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Each SmartProfile against a sandbox EHR (a tenant) bent to that vendor's ways: a launch, a call of
# the gateway, a renewal, and the end of the refresh token.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::Odd;
use SL::Refused;
use SL::TLS;
use SL::Tokens;
use MIME::Base64 qw(encode_base64url);
use URI::Escape qw(uri_escape);

my $jwt = join '.', 'eyJhbGciOiJSUzI1NiJ9', encode_base64url('{"app":"' . 'x' x 3400 . '"}'), 'c2lnbmF0dXJl' x 16;
my $true = JSON::PP::true();
my $false = JSON::PP::false();
my $usual = 'launch openid fhirUser offline_access patient/*.rs';

# What a vendor does (settings and faults of its tenant, changes of its id_token), and what we wrote for
# it in httpd.conf. `user`: what SMART_EHR_USER has to be.
my %vendor = (
    epic => {
        settings => { code_length => 8192, expires_in => 3600 },
        faults => {
            discovery => { patch => { issuer => undef, jwks_uri => undef, scopes_supported => [qw(openid fhirUser launch profile)] } },
            token => { patch => { scope => 'patient/Patient.rs launch fhirUser openid patient/Observation.rs patient/*.rs',
                token_type => undef, patient => 'Patient/luna-mccullough' } },
        },
    },
    oracle => {
        settings => { expires_in => 570, rotate_refresh => $false, refresh_min_interval => 60 },
        faults => { token => { patch => { token_type => undef, patient => 'Patient/luna-mccullough' } },
            refresh => { patch => { refresh_token => undef, scope => undef, id_token => undef, patient => undef } } },
        scope => 'launch openid fhirUser online_access patient/*.rs',
    },
    athena => {
        settings => { issuer_param => $false },
        faults => {
            token => { patch => { token_type => undef, expires_in => '3600', patient => 'Patient/luna-mccullough' } },
            discovery => { patch => { issuer => undef, jwks_uri => undef, grant_types_supported => ['authorization_code'],
                code_challenge_methods_supported => undef, capabilities => ['permission-offline'] } },
        },
    },
    'athena-practice' => {
        settings => { response_mode => 'form_post', issuer_param => $false },
        faults => { token => { patch => { token_type => undef, scope => undef, patient => 'Patient/luna-mccullough' } } },
        client => $jwt,
    },
    ecw => {
        settings => { issuer_param => $false },
        faults => { token => { patch => { expires_in => '300' } }, refresh => { patch => { expires_in => '3600', token_type => undef } } },
        launch => { slash => $true },
    },
    nextgen => {
        settings => { aud => 'none' },
        faults => { token => { patch => { expires_in => undef, token_type => undef, scope => undef } } },
    },
    openemr => { settings => { client_id_in_body => $true }, faults => { token => { patch => { expires_in => 0 } } } },
    smarthealthit => { id_token => { claims => { fhirUser => 'Practitioner/p-77', sub => 'f' x 64 } }, user => 'Practitioner/p-77',
        is => 'Practitioner/p-77' },
    generic => {
        id_token => { claims => { fhirUser => 'Person/p-78' } },
        is => 'Person/p-78',
        faults => { token => { patch => { expires_in => undef, expires_at => time + 10_000 } } },
    },
    # No profile of its own: what its discovery says contradicts itself.
    veradigm => {
        profile => 'generic',
        faults => { discovery => { patch => { token_endpoint_auth_methods_supported => ['none'], capabilities => ['client-public'],
            code_challenge_methods_supported => ['plain'], response_modes_supported => ['fragment'] } } },
    },
    # Without PKCE, and who the patient is stands in the id_token alone.
    switches => {
        profile => 'generic patient-in-id-token=on bare-token=on client-id-in-body=on',
        settings => { pkce => 'refused', client_id_in_body => 'refresh' },
        faults => { token => { patch => { patient => undef, token_type => undef } } },
        id_token => { claims => { patient => 'luna-mccullough' } },
        lines => 'SmartPKCE off',
    },
);

my $odd = SL::Odd->new;
my $w = world(start => 0, fpm => 0, ehr => { tenants => join ',', 'meditech', sort keys %vendor });
my ($ehr, $httpd) = ($w->ehr, $w->httpd);
my ($dir, $ca) = ($httpd->dir, SL::TLS::ca());
my $patient = $ehr->patients->[0];

sub block {
    my ($name, %arg) = @_;
    return <<"CONF";
<SmartEHR $name>
    SmartIssuer ${\ ($arg{issuer} // $ehr->issuer($name)) }
    SmartProfile ${\ ($arg{profile} // $name) }
    SmartClient ${\ ($arg{client} // 'app-basic') }
    SmartClientSecret file:$dir/secret
    SmartScope "${\ ($arg{scope} // $usual) }"
    SmartOutbound ca=$ca
    ${\ ($arg{lines} // '') }
</SmartEHR>
CONF
}

for my $name (sort keys %vendor) {
    my ($vendor, $there) = ($vendor{$name}, $ehr->tenant($name));
    $_->{patient} =~ s/luna-mccullough/$patient/ for grep { $_->{patient} } map { $_->{patch} // $_->{claims} // () }
        values %{ $vendor->{faults} || {} }, $vendor->{id_token} || ();
    $there->settings(%{ $vendor->{settings} }) if $vendor->{settings};
    $there->faults(%{ $vendor->{faults} }) if $vendor->{faults};
    $there->id_token(%{ $vendor->{id_token} }) if $vendor->{id_token};
    if ($vendor->{client}) {
        my ($basic) = SL::EHR::default_clients($w->url('/smart'));
        $there->clients({ %$basic, client_id => $vendor->{client} });
    }
    $httpd->{extra} .= block($name, map { $_ => $vendor->{$_} } grep { defined $vendor->{$_} } qw(profile client scope lines));
}

# MEDITECH's FHIR base is some way below the root of its host, where the discovery document is.
my $meditech = $odd->url('/v2/uscore/STU6');
my $document = json(request('GET', $ehr->issuer('meditech') . '/.well-known/smart-configuration'));
$odd->route('/.well-known/smart-configuration' => { body => $document },
    "/v2/uscore/STU6/Patient/$patient" => { body => { resourceType => 'Patient', id => $patient } });
$ehr->tenant('meditech')->settings(aud => 'any');
$httpd->{extra} .= block('meditech', issuer => $meditech);
nobody_leads($w);
$httpd->start;
$httpd->expect_log('SL4546');

# A launch by the EHR's page to the app, whichever way the code comes back.
sub launch {
    my ($name) = @_;
    my $there = $ehr->tenant($name);
    my $l = $w->launch(ehr => $there, %{ $vendor{$name}{launch} || {} }, stop => 'authorize');
    if (!$l->{callback_url}) {
        $l->{callback} = $l->{window}->submit(follow => 0);
        $l->{handle} = handle_of($l->{window}->location);
        $l->{app} = $l->{window}->go_on(follow => 1) if $l->{window}->location;
        $l->{session} = session_of($l->{app}) if $l->{app};
    }
    else {
        $w->finish($l);
    }
    return $l;
}

sub call { my ($l, $name) = @_; return $w->fhir(GET => "/Patient/$patient", session => $l->{session}, ehr => $name) }

for my $name (sort keys %vendor) {
    my ($vendor, $there) = ($vendor{$name}, $ehr->tenant($name));
    local $w->{ehr} = $there;
    $there->forget;
    my $l = launch($name);
    is $l->{callback}->code, 303, "$name: the launch is finished" or diag $l->{callback}->as_string, $httpd->error_log;
    next if !$l->{app};
    my $seen = json($l->{app})->{headers};
    is $seen->{'smart-link'}, 'pending', "$name: the app is reached";
    is $seen->{'smart-ehr-user'}, $vendor->{user}, "IDT-9 $name: as the profile names the user" if $vendor->{user};
    $w->login($l, 'alice');
    $seen = json($l->{app})->{headers};
    is_deeply [ @$seen{qw(smart-user smart-patient smart-ehr)} ], [ 'alice', $patient, $name ], "CTX-1 $name: user, patient, EHR";
    is $seen->{'smart-fhir-user'}, $there->issuer($name) . "/$vendor->{is}", "IDT-7 $name: a relative fhirUser" if $vendor->{is};
    my $answer = call($l, $name);
    is $answer->code, 200, "FHR-1 $name: the gateway reads the chart" or diag $answer->as_string, $httpd->error_log;

    lapse($w, $l);
    $there->forget;
    $l = launch($name);
    lapse($w, $l);
    $there->forget;
    is_deeply came_to($w, $l, call($l, $name)), [ 200, 1, 1, 'active', 'live' ], "RFR-1 $name: a token that has ended is renewed"
        or diag $httpd->error_log;

    $there->settings(refused_refresh_status => 403, refresh_min_interval => 0);
    $l = launch($name);
    $there->end('grants');
    lapse($w, $l);
    $there->faults(refresh => undef);
    $there->forget;
    $answer = call($l, $name);
    is_deeply came_to($w, $l, $answer), [ 401, 1, 0, 'relaunch', 'ended' ], "RFR-6 $name: 403 invalid_grant ends the launch";
    says_relaunch($answer, $name);
}

# MEDITECH
my $window = $w->browser->window;
my $started = $window->nav($w->url('/smart?launch=' . $ehr->tenant('meditech')->launch->{launch} . '&iss=' . uri_escape($meditech)));
is $started->code, 302, 'DIS-1 meditech: discovery is at the root of the host';
is_deeply [ map { $_->{path} } $odd->log ], ['/.well-known/smart-configuration'], 'DIS-1 meditech: and asked for nowhere else';
my $asked = { URI->new($window->location)->query_form };
is $asked->{aud}, $meditech, 'AZR-3 meditech: aud is the FHIR base';
$window->nav($window->location, follow => 1, until => qr/^\Q${\ $w->url }\E/);
my $callback = $window->nav($window->location);
is $callback->code, 303, 'meditech: the launch is finished' or diag $httpd->error_log;

# How they were asked
sub asked_of {
    my ($name) = @_;
    my $there = $ehr->tenant($name);
    $there->forget;
    my $one = launch($name);
    my ($authorize) = grep { $_->{path} =~ m{/auth/authorize$} } $there->log;
    my ($token) = grep { $_->{path} =~ m{/auth/token$} } $there->log;
    return ($authorize->{query}, $token->{form}, $token->{headers}, $one);
}
my ($query, $form, $headers, $one) = asked_of('nextgen');
ok !exists $query->{aud}, 'AZR-3 nextgen: aud is not sent';
($query) = asked_of('ecw');
is $query->{aud}, $ehr->issuer('ecw'), 'AZR-3 ecw: aud has lost its slash';
($query, $form, $headers) = asked_of('athena-practice');
is $query->{client_id}, $jwt, 'AZR-1 athena-practice: a client id of ' . length($jwt) . ' bytes';
cmp_ok length $jwt, '>=', 4096, '… which are more than 4 KiB';
is $query->{response_mode}, 'form_post', 'athena-practice: the answer is asked for as a form';
is +(split /:/, MIME::Base64::decode_base64($headers->{authorization} =~ s/^Basic //r))[0], $jwt, 'TKR-S1 athena-practice: in Basic, too';
($query, $form) = asked_of('openemr');
is $form->{client_id}, 'app-basic', 'TKR-S2 openemr: client_id is in the body';
($query, $form) = asked_of('switches');
ok !exists $query->{code_challenge} && !exists $form->{code_verifier}, 'AZR-6 SmartPKCE off: no PKCE';
($query, $form, $headers) = asked_of('veradigm');
like $headers->{authorization}, qr/^Basic /, 'DIS-7 veradigm: the configured client authentication, whatever the document lists';
is $query->{code_challenge_method}, 'S256', 'DIS-6 veradigm: S256, too';
$httpd->logged('SL2055');
like $httpd->error_log, qr/SL2056: EHR veradigm: .*fragment/, 'veradigm: an EHR that lists the fragment only gets a line';
($query, $form, $headers, $one) = asked_of('epic');
my %answer = URI->new($one->{callback_url})->query_form;
cmp_ok length $answer{code}, '>=', 8192, 'CBK-11 epic: a code of 8 KiB';
is $form->{code}, $answer{code}, 'TKR-2 epic: reaches the token endpoint whole';
unlike $query->{scope}, qr/profile/, 'DIS-5 epic: what is asked for is what is configured, not what is listed';
is token($w, $w->launch(ehr => $ehr->tenant('generic')))->{left} > 7200 ? 'yes' : 'no', 'yes', 'TRS-2 expires_at counts';

# Once a minute at Oracle
{
    local $w->{ehr} = $ehr->tenant('oracle');
    $w->ehr->settings(refresh_min_interval => 60);
    my $l = launch('oracle');
    lapse($w, $l);
    is call($l, 'oracle')->code, 200, 'oracle: renewed';
    $w->ehr->forget;
    lapse($w, $l, 30, 10);
    wait_for('the gateway to see the row', sub { token($w, $l)->{left} < 31 });
    is_deeply [ map { call($l, 'oracle')->code } 1 .. 3 ], [ 200, 200, 200 ], 'RFR-5 oracle: near its end a token of this minute serves';
    is scalar(renewals($w)), 0, 'RFR-5 oracle: and is not renewed twice in a minute';
}

# The wrong profile
my $wrong = $w->another_host(fpm => 0, extra => join '',
    block('ecw', profile => 'generic'), block('nextgen', profile => 'generic'), block('openemr', profile => 'generic'),
    block('athena', profile => 'athena openid-issuer=off'));
{
    local $SL::HTTP::via{ $httpd->{port} } = $wrong->{port};
    for my $case ([ ecw => 'AZR-3 strip-slash' ], [ nextgen => 'AZR-3 no aud' ]) {
        my ($name, $rule) = @$case;
        my $refused = $w->launch(ehr => $ehr->tenant($name), %{ $vendor{$name}{launch} || {} }, stop => 'authorize');
        is $refused->{authorize}->code, 400, "$rule: without the profile $name refuses";
    }
    my $refused = $w->launch(ehr => $ehr->tenant('openemr'), stop => 'callback');
    is $refused->{callback}->code, 502, 'TKR-S2 without the profile openemr refuses';
    $refused = $w->launch(ehr => $ehr->tenant('athena'), stop => 'callback');
    is $refused->{callback}->code, 502, 'IDT-2 without the switch an issuer that nobody named is not trusted';
}
$wrong->expect_log(qw(SL2136 SL2328));
done();
