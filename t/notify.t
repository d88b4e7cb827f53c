#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# SmartNotify, the Redox way: the app is told of a launch by one signed POST and sends the browser on;
# with the session it was told it asks FHIR (X1 to X10). Hostile answers are in notify-hostile.t.
# mpm: all
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::SHA qw(sha256);
use SL;
use SL::Signon;
use SL::Tokens qw(nobody_leads);

my $app = SL::Signon->new;
my $w = world(start => 0, fpm => 0, log_level => 'debug',
    ehr_block => 'SmartStandaloneScope "openid fhirUser offline_access launch/patient patient/*.rs"',
    redirect => $app->notify . ' "allow=https://study.localhost"');
my ($httpd, $ehr, $pg) = ($w->httpd, $w->ehr, $w->pg);
my $gateway_origin = $httpd->gateway_url =~ s{/fhir$}{}r;
$httpd->{vhost} = <<"CONF";
    <Location /smart/two>
        SmartTarget /papp/two/
        SmartApp two
        SmartLink none
        ${\ $app->notify(source => undef, destination => undef) }
    </Location>
    <Location /papp/two>
        SmartApp two
    </Location>
CONF
$httpd->{gateway} = <<'CONF';
        SmartSessionParam _smart_session _redox_session
        Require local
    </Location>
    <Location /two>
        SmartGateway on
        SmartApp two
        Require local
CONF
my ($client) = SL::EHR::default_clients($w->url('/smart'));
push @{ $client->{redirect_uris} }, $w->url('/smart/two');
$ehr->clients($client);
nobody_leads($w);
$httpd->start;
$app->answers(302, Location => $w->url('/papp/?ticket=1'), 'Set-Cookie' => 'app=1; Secure', 'Smart-Login' => 'mallory');

my @patients = @{ $ehr->patients };
my $patient = $patients[0];
my (@sessions, @jwts); # of all messages: in no log

sub told {
    my @told = $app->told;
    push @jwts, map { $_->{jwt} } @told;
    push @sessions, grep { defined } map { $_->{body}{Meta}{SessionID} } @told;
    return @told;
}

sub row {
    my ($l) = @_;
    my ($row) = $pg->rows(q{SELECT l.*, t.status AS t_status FROM smartlaunch.launch l
        LEFT JOIN smartlaunch.token t ON t.launch = l.id WHERE l.handle_hash = sha256(?)}, $l->{handle});
    return $row;
}

sub steps {
    my ($l) = @_;
    return map { "$_->{step} $_->{outcome}" . ($_->{detail} ? ": $_->{detail}" : '') } $pg->rows(
        'SELECT s.* FROM smartlaunch.launch_step s JOIN smartlaunch.launch l ON l.id = s.launch
         WHERE l.handle_hash = sha256(?) ORDER BY s.at', $l->{handle});
}

# The first launch: nobody knows yet who this is in the app
{
    my $l = $w->launch(patient => $patient, encounter => 'enc-1');
    my ($asked) = grep { $_->{path} eq '/auth/authorize' } $ehr->log;
    is $asked->{query}{client_id}, $client->{client_id}, "X1 the EHR is asked for the app's own client";
    is $asked->{query}{redirect_uri}, $w->url('/smart'), 'X1 and for our callback';
    my ($challenge, @others) = $app->requests;
    like $challenge->{body}, qr/^\{"verification-token":"\Q$app->{token}\E","challenge":"[\w-]{20,}"\}$/, 'X11 before the first message: a challenge';
    is "$challenge->{method} $challenge->{headers}{'verification-token'}", "POST $app->{token}", '… by POST, with the header of every message';
    is scalar(@others), 1, 'X2 then one message';
    my $told = $app->_check($others[0]);
    push @jwts, $told->{jwt};
    my ($body, $claims) = @$told{qw(body claims)};
    ok !exists $body->{Meta}{$_}, "X10 a pending launch: no $_" for qw(SessionID SessionBaseURL);
    is_deeply [ @{ $body->{Person} }{qw(UserID EHRUserName)}, @$body{qw(Patient Visit)} ], [ undef, 'dr-smith', undef, undef ],
        'X10 … no app user, no patient: only who is at the EHR';
    is_deeply $body->{Launch}, { EHR => 'sandbox', Kind => 'ehr', Link => 'pending', ReturnTo => undef }, '… and what waits';
    is_deeply [ map { exists $claims->{$_} ? $_ : () } qw(sub patient_ids visit_id) ], [], 'X10 the JWT has no subject either';
    unlike $told->{text}, qr/\Q$patient\E/, 'X10 the patient is nowhere in it';
    is $l->{callback}->header('Location'), $w->url("/papp/?ticket=1&smart_launch=$l->{handle}"),
        'X4 the browser goes where the app answered, with the handle as it is our own origin';
    is json($l->{app})->{headers}{'smart-link'}, 'pending', '… and the app goes on as after any launch';
    like((grep { /^notify/ } steps($l))[0], qr/^notify ok: without a session$/, 'the flight recorder has the step');
    $w->login($l, 'alice');
    is json($l->{app})->{headers}{'smart-user'}, 'alice', 'Smart-Login links it';
    is scalar($app->told), 0, 'no second message';
}

# A linked launch
my $l = $w->launch(patient => $patient, encounter => 'enc-1');
my ($told, @more) = told();
{
    is scalar(@more), 0, 'X2 one POST, before the browser moved, and no challenge: it was met';
    my ($body, $claims) = @$told{qw(body claims)};
    my $meta = $body->{Meta};
    is_deeply [ @$meta{qw(DataModel EventType FacilityCode)} ], [ 'SSO', 'Sign-on', undef ], 'X2 data model and event';
    like $meta->{EventDateTime}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'X2 a time';
    is_deeply $meta->{Source}, { ID => 'src-7ce6', Name => 'Our hospital' }, 'X2 source';
    is_deeply $meta->{Destinations}, [ { ID => 'dst-1', Name => undef } ], 'X2 destination';
    like $meta->{Message}{ID}, qr/^\d+$/, 'X2 a message id';
    is $meta->{SessionID}, $l->{session}, 'X3 SessionID is the session of this launch';
    like $meta->{SessionID}, qr/^[\w-]{22,}$/, '… of 128 bits or more';
    is $meta->{SessionBaseURL}, $httpd->gateway_url . '/sandbox', 'X3 SessionBaseURL is an absolute FHIR base of ours';
    is_deeply [ @{ $body->{Person} }{qw(UserID EHRUserName)} ], [ 'alice', 'dr-smith' ], 'X2 who';
    like $body->{Person}{FHIRUser}, qr{^\Q${\ $ehr->issuer }\E/Practitioner/}, '… and the fhirUser';
    is_deeply $body->{Patient}, { Identifiers => [ { ID => $patient, IDType => 'FHIR' } ], Demographics => undef }, 'X2 the patient: an id, no more';
    is_deeply $body->{Visit}{VisitNumber}, 'enc-1', 'X2 the encounter';
    is_deeply [ @$claims{qw(iss aud sub ehr link visit_id)} ], [ 'src-7ce6', 'dst-1', 'alice', 'sandbox', 'linked', 'enc-1' ], 'X2 claims';
    is_deeply $claims->{patient_ids}, [ { id => $patient, id_type => 'FHIR' } ], 'X2 … the patient among them';
    is $claims->{exp} - $claims->{iat}, 60, 'X2 good for 60 seconds';
    ok !defined $told->{headers}{cookie}, 'X2 no cookie goes along';
    unlike $told->{jwt} . join('', map { $_ // '' } values %$claims), qr/\Q$l->{session}\E/, 'X3 the session id is in the body only';
    like((grep { /^notify/ } steps($l))[0], qr/^notify ok: with a session$/, 'the flight recorder has the step');
}

# The answer to the browser
{
    my $answer = $l->{callback};
    is $answer->code, 303, 'X4 303';
    is_deeply [ map { s/=.*//r } $answer->header('Set-Cookie') ], ['__Host-smart'], 'X4 no cookie of the app\'s, only ours';
    ok !defined $answer->header('Smart-Login'), 'X4 nor any other header of it';
    is $answer->header('Referrer-Policy'), 'no-referrer', 'X4 the address with the code goes nowhere';
    like $answer->header('Cache-Control'), qr/no-store/, 'X4 no-store';
    my $url = $answer->header('Location') =~ s/&/&amp;/gr;
    like $answer->content, qr/<meta http-equiv="refresh" content="0; url=\Q$url\E">/, 'X4 a window that follows no redirect: meta refresh';
    like $answer->content, qr/<a href="\Q$url\E">/, 'X4 … and a link';
    unlike $answer->content, qr/<script/i, 'X4 … without a script';
    like $answer->header('Content-Security-Policy'), qr/default-src 'none'/, 'X4 … that none could join';
    my $again = $l->{window}->nav($l->{callback_url});
    is $again->header('Location'), $w->url("/papp/?smart_launch=$l->{handle}"), 'CBK-3 the same callback again: on to the app';
    is scalar($app->told), 0, 'X2 … and no message again';
}

# Elsewhere
{
    $app->answers(302, Location => 'https://study.localhost/in?t=2#/start');
    my $far = $w->launch(patient => $patient, stop => 'callback');
    is $far->{callback}->header('Location'), 'https://study.localhost/in?t=2#/start', 'X4 an allowed origin: to the letter, without the handle';
    told();
    $app->answers(302, Location => $app->url('/app/in?t=3'));
    $far = $w->launch(patient => $patient, stop => 'callback');
    is $far->{callback}->header('Location'), $app->url('/app/in?t=3'), 'X4 the URL\'s own origin is allowed';
    told();
    $app->answers(307, Location => $w->url("/papp/?smart_launch=$l->{handle}&t=4"));
    $far = $w->launch(patient => $patients[1], stop => 'callback');
    isnt $far->{handle}, $l->{handle}, 'X4 another launch\'s handle in the answer';
    is row($far)->{patient}, $patients[1], '… gives way to the one of this launch and patient';
    told();
    $app->answers(302, Location => $w->url('/smart/session'));
    $far = $w->launch(patient => $patient, stop => 'callback');
    is $far->{callback}->header('Location'), $w->url('/smart/session'), 'X4 on our own URLs the handle is not put';
    told();
    $app->answers(302, Location => $w->url('/papp/?ticket=1'));
}

# FHIR with the session that was told
{
    my $base = $told->{body}{Meta}{SessionBaseURL};
    my $param = "_redox_session=$told->{body}{Meta}{SessionID}";
    my @form = ('Content-Type' => 'application/x-www-form-urlencoded');
    $ehr->forget;
    my $found = request('POST', "$base/Patient/_search?$param", body => "_id=$patient&_count=1",
        headers => [ @form, Authorization => 'Bearer mine-and-not-the-ehrs' ]);
    is $found->code, 200, 'X6 POST Patient/_search?_redox_session=';
    is json($found)->{entry}[0]{resource}{id}, $patient, '… finds the patient';
    my ($seen) = $ehr->log('/fhir/Patient');
    is "$seen->{method} $seen->{path}", 'POST /fhir/Patient/_search', 'X6 the EHR gets the search';
    is_deeply [ $seen->{query}, $seen->{form} ], [ {}, { _id => $patient, _count => 1 } ], 'X6 … the form as it was, without the session';
    like $seen->{headers}{authorization}, qr/^Bearer (?!mine)/, 'X6 … with the stored token, not the caller\'s word';
    my ($token) = $seen->{headers}{authorization} =~ /^Bearer (.*)/;
    is index($_->{text} . $_->{jwt}, $token), -1, 'X3 no message has that token' for $told;
    my $read = request('GET', "$base/Patient/$patient?$param");
    is $read->code, 200, 'X6 a read';
    my $missing = request('GET', "$base/Observation/does-not-exist?$param");
    is $missing->code . ' ' . json($missing)->{resourceType}, '404 OperationOutcome', 'X6 what the EHR refuses comes back as it said it';

    my $page = request('GET', "$base/Observation?patient=$patient&_count=20&$param");
    my $next = next_of($page);
    like $next, qr{^\Q$base\E[/?]}, 'X7 next leads back to SessionBaseURL';
    unlike $next, qr/\Q$told->{body}{Meta}{SessionID}\E/, 'X7 … without the session id, which the caller adds';
    is request('GET', "$next&$param")->code, 200, 'X7 … and goes on';
    my @full = map { $_->{fullUrl} } @{ json($page)->{entry} };
    is scalar(grep { !m{^\Q$base\E/} } @full), 0, 'X7 so do all fullUrl';

    $ehr->forget;
    for my $bad ([ 'none' => '' ], [ 'an invented one' => '?_redox_session=abcdefghijklmnop' ]) {
        my $answer = request('GET', "$base/Patient/$patient$bad->[1]");
        is $answer->code, 401, "X8 a session id: $bad->[0]: 401";
        like outcome($answer), qr/^error login/, '… OperationOutcome';
    }
    is scalar(my @none = $ehr->log('/fhir/')), 0, 'X8 … and the EHR is not asked';

    $ehr->end('access');
    is request('GET', "$base/Patient/$patient?$param")->code, 200, 'X9 a token that has ended is renewed unseen';
    $pg->dbh->do("UPDATE smartlaunch.token SET expires_at = now() - interval '1 minute'");
    $httpd->restart;
    is request('POST', "$base/Patient/_search?$param", body => "_id=$patient", headers => \@form)->code, 200, 'X9 … also one whose time is up, by POST';
}

# An app that maps users itself, of another name: nothing of one means anything in the other
{
    $app->answers(302, Location => $w->url('/papp/two/'));
    my $two = $w->launch(path => '/smart/two', patient => $patient);
    $app->answers(302, Location => $w->url('/papp/?ticket=1'));
    my ($message) = told();
    my ($body, $claims) = @$message{qw(body claims)};
    is_deeply [ $body->{Person}{UserID}, $claims->{sub}, $claims->{link} ], [ 'dr-smith', 'dr-smith', 'none' ], 'SmartLink none: the EHR user is the user';
    is_deeply [ @$claims{qw(iss aud)} ], [ $w->url('/smart/two'), $app->url ], 'source and destination unless they are named';
    my $session = $body->{Meta}{SessionID};
    $ehr->forget;
    my $other = request('GET', $told->{body}{Meta}{SessionBaseURL} . "/Patient/$patient?_redox_session=$session");
    is $other->code, 401, 'X8 another app\'s session id: 401';
    is scalar(my @none = $ehr->log('/fhir/')), 0, '… and the EHR is not asked';
    is request('GET', "$gateway_origin/two/sandbox/Patient/$patient", headers => [ 'Smart-Session' => $session ])->code, 200, '… at that app\'s gateway it is good';
}

# Somebody else in the same browser: the app is told when the change was confirmed, not before
{
    my $jones = $w->launch(user => 'dr-jones', patient => $patients[1], login => 'bob');
    $app->requests;
    is json($jones->{app})->{headers}{'smart-user'}, 'bob', 'bob is linked, and live';
    my $back = $w->launch(window => $jones->{window}, user => 'dr-smith', patient => $patient, stop => 'callback');
    like $back->{callback}->header('Location'), qr{/smart/confirm\?}, 'a change of users is asked about first';
    is scalar($app->told), 0, '… and the app is told nothing yet';
    $back->{window}->go_on(follow => 1);
    my $answer = $back->{window}->submit(button => [ answer => 'yes' ], follow => 0);
    my ($message) = told();
    is_deeply [ map { $_->{Person}{UserID}, $_->{Patient}{Identifiers}[0]{ID} } $message->{body} ], [ 'alice', $patient ], 'once it is confirmed, it is';
    is $message->{body}{Meta}{SessionID} && request('GET', "$message->{body}{Meta}{SessionBaseURL}/Patient/$patient",
        headers => [ 'Smart-Session' => $message->{body}{Meta}{SessionID} ])->code, 200, '… with a session that works';
    is $answer->code . ' ' . $answer->header('Location'), '303 ' . $w->url("/papp/?ticket=1&smart_launch=$back->{handle}"), '… and the browser goes where it says';
}

# Standalone launch: the app hears of it once it is linked, and where the user was
sub start {
    my ($window) = @_;
    $window->nav($w->url('/smart/start?ehr=sandbox&return=/papp/work'));
    $window->nav($window->location, follow => 1, until => qr/^\Q${\ $w->url }\E/);
    return $window->nav($window->location);
}
{
    my $window = $w->browser->window;
    $window->type($w->url('/papp/login?' . answer(headers => [ 'Smart-Login' => 'alice' ])));
    $ehr->settings(standalone => { user => 'dr-smith', patient => $patients[2] });
    my $answer = start($window);
    my ($message, @others) = told();
    is scalar(@others), 0, 'LCH-4 a standalone launch of a linked user: one message';
    is_deeply $message->{body}{Launch}, { EHR => 'sandbox', Kind => 'standalone', Link => 'linked', ReturnTo => '/papp/work' }, '… with the page to come back to';
    is $message->{body}{Patient}{Identifiers}[0]{ID}, $patients[2], '… and the patient who was picked';
    like $answer->header('Location'), qr{^\Q${\ $w->url('/papp/?ticket=1') }\E&smart_launch=}, '… and the browser goes where the app says';

    $window = $w->browser->window;
    $window->type($w->url('/papp/login?' . answer(headers => [ 'Smart-Login' => 'carol' ])));
    $ehr->settings(standalone => { user => 'nurse-lee', patient => $patients[2] });
    $answer = start($window);
    like $answer->header('Location'), qr{/smart/confirm\?}, 'LCH-4 not linked yet: a question';
    is scalar($app->told), 0, '… and the app hears nothing before it is answered';
    $window->go_on;
    $window->submit(button => [ answer => 'yes' ], follow => 0);
    ($message, @others) = told();
    is_deeply [ scalar(@others), map { $_->{Person}{UserID}, $_->{Launch}{Link}, $_->{Meta}{SessionID} ? 'a session' : 'none' } $message->{body} ],
        [ 0, 'carol', 'linked', 'a session' ], 'then one message, with a session';
}

# A launch that goes to a window of its own: there the app's session begins anew
{
    my $l = $w->launch(patient => $patients[1]);
    my ($first) = told();
    my $page = SL::Browser::Window->new(jar => $l->{window}->jar, top => URI->new($ehr->base), page => URI->new($w->url('/papp/')));
    my $ticket = json($page->xhr('POST', '/smart/window', headers => [ 'Smart-Launch' => handle_of($l->{callback}->header('Location')) ]))->{url};
    is scalar($app->told), 0, 'a ticket to a new window: the app hears nothing';
    my $window = SL::Browser::Window->new(jar => $l->{window}->jar, opener => $page->page);
    my $answer = $window->nav($ticket);
    my ($again, @others) = told();
    is_deeply [ scalar(@others), @{ $again->{body}{Meta} }{qw(SessionID SessionBaseURL)}, $again->{body}{Patient}{Identifiers}[0]{ID} ],
        [ 0, @{ $first->{body}{Meta} }{qw(SessionID SessionBaseURL)}, $patients[1] ], 'once it is opened, one message more: same session, same patient';
    is $answer->code . ' ' . $answer->header('Location'), '303 ' . $w->url('/papp/?ticket=1&smart_launch=' . handle_of($l->{callback}->header('Location'))),
        '… and the window goes where the app says';
    is scalar(my @cookies = $answer->header('Set-Cookie')), 1, '… with our cookie';
}

# What was said is in no log
{
    cmp_ok scalar(@sessions), '>', 3, 'there were sessions, and messages';
    my $log = $httpd->error_log . $httpd->access_log;
    my %secret = (sessions => \@sessions, JWTs => \@jwts, 'the token' => [ $app->{token} ], 'the secret' => [ $app->{secret} ]);
    for my $what (sort keys %secret) {
        is scalar(grep { index($log, $_) >= 0 } @{ $secret{$what} }), 0, "SEC-1 $what: in no log";
    }
    my $recorded = join "\n", map { $_->{detail} // '' } $pg->rows('SELECT detail FROM smartlaunch.launch_step');
    is scalar(grep { index($recorded, $_) >= 0 } @sessions, @jwts, @patients), 0, '… nor in the flight recorder';
}
done();
