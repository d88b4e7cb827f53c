#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# RFC 7009: what ends here with its tokens ends at the EHR, which nobody waits for.
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::Keys;
use SL::Tokens;

my $w = world(start => 0, fpm => 0, log_level => 'debug smartlaunch:trace8', app => 'SmartLogin on');
my ($httpd, $ehr, $pg) = ($w->httpd, $w->ehr, $w->pg);
nobody_leads($w);
$httpd->start;

my @patients = @{ $ehr->patients };
my %secret;    # tokens that went to the revocation endpoint

sub waiting { return $pg->value('SELECT count(*) FROM smartlaunch.revocation') }
sub due { return $pg->dbh->do('UPDATE smartlaunch.revocation SET due_at = now()') }
sub told { my @told = $ehr->log('/auth/revoke'); $secret{ $_->{form}{token} // '' } = 1 for @told; return @told }

# All that was revoked here has been told to the EHR (or will not be): the requests it got.
sub settled { wait_for('the EHR to be told', sub { !waiting() }); return told() }

sub hints { return [ sort map { $_->{form}{token_type_hint} } @_ ] }
sub logout { my ($l, %arg) = @_; return $l->{window}->xhr(POST => "/smart/logout?smart_launch=$l->{handle}", %arg) }
sub fresh { $ehr->faults; $ehr->forget; return $w->launch(@_) }

sub row_of {
    my ($l) = @_;
    my ($row) = $pg->rows('SELECT l.*, t.status AS t_status, t.access_sealed, t.refresh_sealed FROM smartlaunch.launch l
        LEFT JOIN smartlaunch.token t ON t.launch = l.id WHERE l.handle_hash = sha256(?)', $l->{handle});
    return $row;
}

sub steps {
    my ($l) = @_;
    return [ map { $_->{outcome} } $pg->rows(q{SELECT s.outcome FROM smartlaunch.launch_step s
        JOIN smartlaunch.launch l ON l.id = s.launch WHERE l.handle_hash = sha256(?) AND s.step = 'revoke' ORDER BY s.id}, $l->{handle}) ];
}

# Does the EHR say that this token is dead?
sub is_dead {
    my ($token) = @_;
    my $body = URI->new;
    $body->query_form(token => $token);
    my $secret = SL::EHR::secret();
    utf8::encode($secret) if utf8::is_utf8($secret);
    my $answer = request(POST => $ehr->auth . '/introspect', body => $body->query, headers => [
        'Content-Type' => 'application/x-www-form-urlencoded', Authorization => 'Basic ' . MIME::Base64::encode_base64("app-basic:$secret", '') ]);
    return $answer->code == 200 && !json($answer)->{active};
}

# Logout
{
    my $l = fresh(login => 'alice', patient => $patients[0]);
    my ($code_call) = $ehr->log('/auth/token');
    is logout($l)->code, 200, 'SEC-10 a logout';
    my @told = settled();
    is scalar(@told), 1, '… the EHR is told once';
    is_deeply [ @{ $told[0] }{qw(method status)} ], [ 'POST', 200 ], '… by POST, and takes it';
    is_deeply [ sort keys %{ $told[0]{form} } ], [qw(token token_type_hint)], '… RFC 7009 token and hint, nothing else';
    is $told[0]{form}{token_type_hint}, 'refresh_token', '… of the refresh token';
    like $told[0]{headers}{'content-type'}, qr{^application/x-www-form-urlencoded}, '… as a form';
    is $told[0]{headers}{authorization}, $code_call->{headers}{authorization}, '… with the authentication of the token endpoint';
    ok !defined $told[0]{headers}{cookie}, '… without a cookie';
    ok is_dead($told[0]{form}{token}), '… and it is dead there';
    is_deeply [ @{ row_of($l) }{qw(state end_reason t_status access_sealed refresh_sealed)} ], [ 'ended', 'logout', 'revoked', undef, undef ], '… and here';
    is_deeply steps($l), ['ok'], '… the flight recorder has the step';
    is logout($l)->code, 401, 'SEC-9 logging out once more';
    is scalar(settled()), 1, '… tells nobody again';
}

# What changes nothing
{
    my $l = fresh(patient => $patients[1]);
    is $l->{window}->nav("/smart/logout?smart_launch=$l->{handle}")->code, 405, 'SEC-9 GET';
    my $evil = SL::Browser::Window->new(jar => $l->{window}->jar, page => URI->new('https://evil.example/'));
    is $evil->post($w->url("/smart/logout?smart_launch=$l->{handle}"), {})->code, 403, 'SEC-9 a POST from elsewhere';
    is $w->browser->window->type($w->url('/smart/logout'), method => 'POST', body => '', type => 'text/plain')->code, 403, 'SEC-9 a POST without proof';
    is_deeply [ @{ row_of($l) }{qw(state t_status)} ], [ 'live', 'active' ], '… nothing ended';
    is_deeply [ waiting(), scalar(told()) ], [ 0, 0 ], 'SEC-10 … and nothing is revoked';
    $httpd->expect_log('SL6201');
    logout($l);
    settled();
}

# All launches of a browser; a launch without a refresh token
{
    my $one = fresh(patient => $patients[0]);
    $ehr->settings(refresh => JSON::PP::false());
    my $two = $w->launch(patient => $patients[1], window => $one->{window});
    $ehr->settings(refresh => JSON::PP::true());
    is $two->{window}->post("/smart/logout?smart_launch=$two->{handle}", [ all => 1 ])->code, 200, 'SEC-10 all=1';
    my @told = settled();
    is_deeply hints(@told), [qw(access_token refresh_token)], '… both launches; the access token where there is no refresh token';
    is scalar(grep { is_dead($_->{form}{token}) } @told), 2, '… dead at the EHR';
}

# The app logs out
{
    my $l = fresh(patient => $patients[0]);
    my $answer = answer(headers => [ 'Smart-Logout' => 1 ]);
    ok !defined $l->{window}->nav("/papp/?$answer&smart_launch=$l->{handle}")->header('Smart-Logout'), 'Smart-Logout is taken out of the answer';
    is row_of($l)->{state}, 'ended', '… the launch has ended';
    is_deeply hints(settled()), ['refresh_token'], 'SEC-10 … and the EHR is told';
}

# A launch that fails although the EHR gave tokens
{
    $ehr->forget;
    $ehr->id_token(claims => { aud => 'another' });
    my $l = $w->launch(patient => $patients[0]);
    $ehr->id_token;
    is $l->{callback}->code, 502, 'SEC-10 an id_token for somebody else: the launch fails';
    is_deeply hints(settled()), ['refresh_token'], '… and the EHR is told that nobody uses its tokens';
    $ehr->forget;
    my $taken = $w->launch(patient => $patients[0], user => 'nurse-lee');
    $w->login($taken, 'alice', stop => 1);
    is row_of($taken)->{t_status}, 'active', 'a conflict of names at the login';
    logout($taken);
    is scalar(settled()), 1, '… ends with a logout, and is told once';
    my @failed = $pg->rows(q{SELECT l.state FROM smartlaunch.launch l JOIN smartlaunch.launch_step s ON s.launch = l.id
        WHERE s.step = 'revoke' AND l.state = 'failed'});
    is scalar(@failed), 1, '… the launch that failed has the step';
    $httpd->expect_log(qw(SL2329 SL4501));
}

# Somebody else takes over: a launch that belongs to no app user ends with its tokens; a user's token
# may serve Smart-User still, and stays
{
    my $pending = fresh(patient => $patients[0], user => 'nurse-lee');
    is row_of($pending)->{link_state}, 'pending', 'a pending launch';
    my $next = $w->launch(patient => $patients[1], user => 'dr-smith', window => $pending->{window});
    is row_of($next)->{state}, 'held', '… somebody else is asked';
    $next->{window}->submit(button => [ answer => 'yes' ]);
    is_deeply [ @{ row_of($pending) }{qw(state end_reason t_status)} ], [ 'ended', 'other user', 'revoked' ], '… ends when somebody else takes over';
    my @told = settled();
    is scalar(@told), 1, 'SEC-10 … the EHR is told of its token only';
    is row_of($next)->{t_status}, 'active', '… the newcomer keeps hers';
    my $third = $w->launch(patient => $patients[2], user => 'nurse-lee', window => $next->{window});
    $third->{window}->submit(button => [ answer => 'yes' ]);
    is_deeply [ @{ row_of($next) }{qw(state t_status)} ], [ 'ended', 'active' ], "a user's launch ends, her token does not";
    is_deeply [ waiting(), scalar(told()) ], [ 0, 1 ], 'SEC-10 … and is not revoked';
    logout($third);
    settled();
}

# Time runs out: nobody can use a token without an app user any more
{
    my $pending = fresh(patient => $patients[0], user => 'nurse-lee');
    my $linked = $w->launch(patient => $patients[1], user => 'dr-smith');
    $pg->dbh->do(q{UPDATE smartlaunch.launch SET expires_at = now() - interval '1 second' WHERE state = 'live'});
    $pg->value(q{SELECT smartlaunch.purge('30 days')});
    is_deeply [ @{ row_of($pending) }{qw(state t_status)} ], [ 'ended', 'revoked' ], 'SEC-10 expiry: a token that nobody can use is revoked';
    is_deeply [ @{ row_of($linked) }{qw(state t_status)} ], [ 'ended', 'active' ], "… a user's token is not";
    is scalar(settled()), 1, '… the EHR is told of the one';
}

# Those who administer
{
    my @by = (
        'revoke_launch' => sub { $pg->value('SELECT smartlaunch.revoke_launch(?::uuid, ?)', row_of($_[0])->{id}, 'test') },
        'smartlaunchctl token revoke' => sub { my ($rc, $text) = capture(build() . '/smartlaunchctl', '--db', $pg->dba_conninfo, 'token', 'revoke', row_of($_[0])->{id}, '--reason', 'test'); is $rc, 0, 'smartlaunchctl token revoke' or diag $text },
        'revoke_link' => sub { $pg->value('SELECT smartlaunch.revoke_link(?::uuid, ?)', row_of($_[0])->{link}, 'test') },
    );
    while (my ($name, $do) = splice @by, 0, 2) {
        my $l = fresh(patient => $patients[0]);
        my $all = $pg->value(q{SELECT count(*) FROM smartlaunch.token WHERE status = 'active' AND link = ?}, row_of($l)->{link});
        $do->($l);
        my @told = settled();
        is scalar(@told), $name eq 'revoke_link' ? $all : 1, "SEC-10 $name: the EHR is told";
        is_deeply steps($l), ['ok'], '… with its step';
    }
    my $l = fresh(patient => $patients[0], login => 'alice');
    is row_of($l)->{link_state}, 'linked', 'and she is linked anew';
}

# An EHR that will not, cannot, or does not answer
{
    my $l = fresh(patient => $patients[0]);
    $ehr->faults(revoke => { status => 400, body => '{"error":"unsupported_token_type"}', content_type => 'application/json' });
    is logout($l)->code, 200, 'SEC-10 400 unsupported_token_type: the logout is one';
    is scalar(settled()), 1, '… it is asked once';
    like $httpd->logged('SL4922'), qr/sandbox: the revocation endpoint refused \(400\)/, '… and the log says so';
    is_deeply steps($l), ['SL4922'], '… and the flight recorder';
    is row_of($l)->{state}, 'ended', '… the launch has ended';

    $l = fresh(patient => $patients[0]);
    $ehr->faults(revoke => { status => 500 });
    is logout($l)->code, 200, 'SEC-10 500: the logout is one';
    $httpd->logged('SL4921');
    is waiting(), 1, '… it waits for another time';
    wait_for('the second time', sub { due(); return told() > 1 });
    $ehr->faults;
    wait_for('the EHR to take it', sub { due(); return !waiting() });
    my @statuses = map { $_->{status} } told();
    is pop @statuses, 200, '… and another, until the EHR takes it';
    is scalar(grep { $_ != 500 } @statuses), 0, '… once';
    is scalar(() = $httpd->error_log =~ /SL4921/g), 1, 'SEC-10 … which the log says once';
    is_deeply steps($l), [ 'SL4921', 'ok' ], '… and the flight recorder twice';

    $l = fresh(patient => $patients[0]);
    $ehr->faults(revoke => { hang => 1 });
    is logout($l)->code, 200, 'SEC-10 no answer ever: the logout is one';
    is waiting(), 1, '… before anybody waited for the EHR';
    wait_for('the first time', sub { scalar(told()) });
    my $other = $w->launch(patient => $patients[1], user => 'dr-smith');
    is row_of($other)->{state}, 'live', '… meanwhile others work';
    $httpd->kill_child($_) for $httpd->children;
    $ehr->faults;
    $ehr->forget;
    is waiting(), 1, 'SEC-10 killed with -9 in the middle: it is not lost';
    due();
    is_deeply hints(settled()), ['refresh_token'], '… and goes on';
    $httpd->expect_log('SL4921', 'SL4922');
    $httpd->allow_log(qw(AH00051 AH00052 broken SL3522 SL3523 SL3524 SL3525 SL3526));
}

# Renewed at the moment of the logout: the EHR hears of the token that came last
{
    wait_for('a child', sub { $w->launch(patient => $patients[2])->{session} });
    my $l = fresh(patient => $patients[0]);
    lapse($w, $l);
    $ehr->forget;
    $ehr->faults(refresh => { drip_ms => 1 });    # carried out, and a long time on its way
    SL::Traffic->during(sub { $w->fhir(GET => "/Patient/$patients[0]", session => $l->{session})->code }, sub {
        wait_for('the renewal', sub { scalar(my @all = renewals($w)) });
        is logout($l)->code, 200, 'SEC-10 a logout during a renewal';
    });
    wait_for('both', sub { told() >= 2 });
    my @told = settled();
    is scalar(keys %{ { map { $_->{form}{token} => 1 } @told } }), 2, '… the token before and the one that came are revoked';
    is scalar(grep { !is_dead($_->{form}{token}) } @told), 0, '… no one lives on';
}

# Ways of client authentication, and where the endpoint comes from
for my $case ([ 'app-post', '', [qw(client_id client_secret token token_type_hint)] ], [ 'app-public', 'SmartClientAuth none', [qw(client_id token token_type_hint)] ]) {
    my ($client, $auth, $fields) = @$case;
    $httpd->stop;
    @$httpd{qw(client client_auth)} = ($client, $client eq 'app-post' ? 'post' : 'none');
    $httpd->{credential} = '' if $client eq 'app-public';
    $httpd->start;
    my $l = fresh(patient => $patients[0]);
    is logout($l)->code, 200, "SEC-10 a logout as $client";
    my @told = settled();
    is_deeply [ map { sort keys %{ $_->{form} } } @told ], $fields, '… with what proves it at the token endpoint';
    is_deeply [ map { $_->{status} } @told ], [200], '… which the EHR takes';
}
{
    $httpd->stop;
    $ehr->clients({ client_id => 'app-key', token_endpoint_auth_method => 'private_key_jwt', redirect_uris => [ $w->url('/smart') ],
        id_token_signed_response_alg => 'RS256', jwks_uri => $w->url('/smart/jwks.json') });
    delete $httpd->{client_auth};
    @$httpd{qw(client credential)} = ('app-key', 'SmartClientKey ' . SL::Keys::guide($httpd->dir, 'RS384'));
    $httpd->start;
    my $l = fresh(patient => $patients[0]);
    is logout($l)->code, 200, 'SEC-10 a logout with a client key';
    my ($told) = settled();
    is $told->{assertion}{failure}, undef, 'TKR-A4 the EHR finds the assertion right';
    isnt $told->{form}{client_assertion}, ($ehr->log('/auth/token'))[0]{form}{client_assertion}, 'TKR-A5 it is a new one';
    is $told->{status}, 200, '… and takes it';
}
for my $case ([ '', 0 ], [ 'SmartEndpoint revoke ' . $ehr->auth . '/revoke', 1 ]) {
    my ($line, $count) = @$case;
    $httpd->stop;
    $httpd->{ehr_block} = join "\n", 'SmartEndpoint authorize ' . $ehr->auth . '/authorize', 'SmartEndpoint token ' . $ehr->auth . '/token',
        'SmartEndpoint jwks ' . $ehr->auth . '/jwks', 'SmartEndpoint issuer ' . $ehr->auth, $line;
    $httpd->start;
    my $l = fresh(patient => $patients[0]);
    is logout($l)->code, 200, 'SEC-10 stored endpoints, ' . ($count ? 'with' : 'without') . ' one for revocation';
    is scalar(settled()), $count, $count ? '… which is asked' : '… nobody is asked';
    is scalar($ehr->log('/fhir/.well-known')), 0, '… and no discovery is asked for it';
    is_deeply steps($l), [ ('ok') x $count ], $count ? '… the step says so' : '… there is no step';
    is waiting(), 0, '… and nothing waits';
}

# A sign-on that the app refuses (X5)
{
    $httpd->stop;
    delete $httpd->{ehr_block};
    spit($httpd->dir . '/notify', "forty bytes that the app and we both know
", 0600);
    $httpd->{redirect} = 'SmartNotify http://127.0.0.1:' . free_port() . '/ source=us destination=them secret=file:' . $httpd->dir . '/notify';
    $httpd->start;
    my $l = fresh(patient => $patients[0], stop => 'callback');
    cmp_ok $l->{callback}->code, '>=', 500, 'X5 the app cannot be told: the launch ends';
    is_deeply [ map { $_->{status} } settled() ], [200], 'SEC-10 … and its tokens at the EHR, too';
}

$httpd->expect_log(qw(SL2531 SL6001 SL4546 SL3506));
my $log = $httpd->error_log . $httpd->access_log;
is scalar(grep { length && index($log, $_) >= 0 } keys %secret), 0, 'SEC-10 no token that was revoked is in a log';
my $steps = join ' ', map { $_->{detail} // '' } $pg->rows('SELECT detail FROM smartlaunch.launch_step');
is scalar(grep { length && index($steps, $_) >= 0 } keys %secret), 0, '… nor in the flight recorder';

done();
