#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Linking an EHR user with an app user by the app's own login: Smart-Login, the confirmation page,
# conflicts, revocation (design sections 5, 11 and 12).
# mpm: all
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;

my $w = world(start => 0);
my ($ehr, $httpd, $pg) = ($w->ehr, $w->httpd, $w->pg);
my $echo = "http://127.0.0.1:$httpd->{echo}{port}";
$httpd->{vhost} = <<"CONF";
    ProxyPass /quick/ $echo/quick/
    ProxyPass /mute/ $echo/mute/
    ProxyPass /bare/ $echo/bare/
    <Location /smart-quick>
        SmartTarget /quick/
        SmartApp quick
        SmartLink app confirm=off
    </Location>
    <Location /quick>
        AuthType Smart
        SmartApp quick
        SmartLogin on
        Require all granted
    </Location>
    <Location /mute>
        AuthType Smart
        Require all granted
    </Location>
CONF
my @clients = SL::EHR::default_clients($w->url('/smart'));
push @{ $_->{redirect_uris} }, $w->url('/smart-quick') for $clients[0];
$ehr->clients($clients[0]);
$httpd->start;

# Helpers

sub links { return $pg->rows('SELECT * FROM smartlaunch.link ORDER BY linked_at') }
sub active { return map { "$_->{ehr_user}=$_->{app_user}" } grep { !$_->{revoked_at} } links() }

# The row of a launch, with its token as t_…
sub row {
    my ($got) = @_;
    my ($row) = $pg->rows(q{SELECT l.*, t.status AS t_status, t.app_user AS t_user, t.link AS t_link,
        t.access_sealed AS t_access, t.refresh_sealed AS t_refresh FROM smartlaunch.launch l
        LEFT JOIN smartlaunch.token t ON t.launch = l.id WHERE l.handle_hash = sha256(?)},
        $got->{handle});
    return $row;
}

sub state_of { my $row = row(@_); return "$row->{state} $row->{link_state}" }

# The app at $path answers the launch's page with these headers.
sub app_says {
    my ($got, $path, $headers, %opt) = @_;
    my $answer = answer(headers => $headers, %{ $opt{answer} || {} });
    my $how = delete $opt{how} || 'nav';
    my @how = $how eq 'xhr' ? ('GET') : ();
    return $got->{window}->$how(@how, "$path?smart_launch=$got->{handle}&$answer", follow => $opt{follow} // 0);
}

sub smart_headers { my ($response) = @_; return grep { /^smart-/i } $response->header_field_names }

sub now_at {
    my ($got, $path) = @_;
    my $window = $got->{window};
    my $response = $window->nav(($path // '/papp/') . "?smart_launch=$got->{handle}");
    return $response->code == 200 ? json($response)->{headers} : { code => $response->code };
}

sub token_of {
    my ($window) = @_;
    my ($form) = $window->forms;
    return $form->value('token');
}

# A login by form, up to the confirmation page.
sub confirm_page {
    my ($got, $user) = @_;
    my $answer = app_says($got, '/papp/', [ 'Smart-Login' => $user, Location => '/papp/home' ],
        answer => { status => 302 }, follow => 1);
    return $answer;
}

# Pending

my $one = $w->launch(encounter => 'e1');
my $app = json($one->{app});
my @known = qw(smart-ehr smart-ehr-user smart-launch smart-link);
is_deeply [ sort grep { /^smart-/ } keys %{ $app->{headers} } ], \@known,
    'a pending launch says who launched, and nothing else';
is_deeply [ @{ $app->{headers} }{@known} ], [ 'sandbox', 'dr-smith', $one->{handle}, 'pending' ],
    'and says it right';
my $env = json($one->{window}->nav("/app/?smart_launch=$one->{handle}"))->{env};
is_deeply [ sort grep { /^SMART_/ } keys %$env ], [qw(SMART_EHR SMART_EHR_USER SMART_LAUNCH SMART_LINK)],
    'the same in variables';
ok !exists $env->{REMOTE_USER} && !exists $env->{AUTH_TYPE}, 'nobody is REMOTE_USER yet';
unlike $one->{app}->content . JSON::PP->new->encode($env), qr/\Q$one->{patient}/,
    'and the patient is not told';
is state_of($one), 'live pending', 'the launch waits for its link';
is row($one)->{t_user}, undef, 'its token is nobody\'s';

# What counts as Smart-Login, and what is let through

for my $case (
    [ '/papp/', [ 'Smart-Login' => 'alice', 'Smart-Login' => 'bob' ], 'SL6503', 'doubled' ],
    [ '/app/', [ 'Smart-Login' => 'alice', 'Smart-Login' => 'bob' ], 'SL6503', 'doubled' ],
    [ '/papp/', [ 'Smart-Login' => 'alice', 'Smart-Login' => 'alice' ], 'SL6503', 'doubled, the same' ],
    [ '/papp/', [ 'Smart-Login' => 'alice,bob' ], 'SL6503', 'joined by a comma' ],
    [ '/app/', [ 'Smart-Login' => 'alice, alice' ], 'SL6503', 'joined by a comma' ],
    [ '/papp/', [ 'Smart-Login' => '' ], 'SL6503', 'empty' ],
    [ '/papp/', [ 'Smart-Login' => 'x' x 256 ], 'SL6503', 'too long' ],
    [ '/app/', [ 'Smart-Login' => "al\xc3\xafce" ], 'SL6503', 'not ASCII' ],
    [ '/papp/', [ 'Smart-Login' => 'alice', Age => 3 ], 'SL6502', 'from a cache' ],
    [ '/app/', [ 'Smart-Login' => 'alice', Age => 0 ], 'SL6502', 'from a cache' ],
    [ '/mute/', [ 'Smart-Login' => 'alice' ], 'SL6501', 'from a location without SmartLogin' ],
    [ '/bare/', [ 'Smart-Login' => 'alice' ], 'SL6501', 'from a location without AuthType Smart' ],
    [ '/bare/', [ 'Smart-Logout' => '1' ], 'SL6501', 'Smart-Logout from such a one' ],
    [ '/mute/', [ 'Smart-Logout' => '1' ], 'SL6501', 'Smart-Logout from such a one' ],
) {
    my ($path, $headers, $id, $what) = @$case;
    my $before = () = $httpd->error_log =~ /\b$id:/g;
    my $response = app_says($one, $path, $headers);
    my $after = () = $httpd->error_log =~ /\b$id:/g;
    is $response->code, 200, "Smart-Login $what at $path: the app's answer is as it was";
    is_deeply [ smart_headers($response) ], [], "Smart-Login $what at $path: taken out";
    is $after, $before + 1, "Smart-Login $what at $path: $id";
    is row($one)->{login_user}, undef, "Smart-Login $what at $path: without effect";
    is state_of($one), 'live pending', "Smart-Login $what at $path: the launch is as before";
    $httpd->expect_log($id);
}
for my $path ('/papp/', '/app/', '/bare/') {
    for my $status (200, 304, 404, 500, 302) {
        my @headers = ('Smart-Patient' => 'p', 'Smart-Foo' => 'x', 'smart-user' => 'u', 'X-Kept' => 'yes');
        push @headers, Location => '/elsewhere' if $status == 302;
        my $response = app_says($one, $path, \@headers, answer => { status => $status });
        is_deeply [ $response->code, $response->header('X-Kept'), smart_headers($response) ], [ $status, 'yes' ],
            "Smart-* of an app's answer never reaches the browser ($path, $status)";
    }
}

# A script logs in: its answer passes, and the next page asks.

my $answer = app_says($one, '/papp/api', [ 'Smart-Login' => 'alice' ], how => 'xhr');
is $answer->code, 200, 'a login by script gets the app\'s answer';
is json($answer)->{by}, 'proxy', 'whole';
like $answer->header('Cache-Control'), qr/no-store/, 'a login is never cached';
is_deeply [ smart_headers($answer) ], [], 'without Smart-Login';
is row($one)->{login_user}, 'alice', 'it is remembered';
is_deeply [ links() ], [], 'but nothing is linked yet';
ok !exists json($one->{window}->xhr('GET', "/papp/x?smart_launch=$one->{handle}"))->{headers}{'smart-user'},
    'and alice is not let in';
my $next = $one->{window}->nav("/papp/next?smart_launch=$one->{handle}&a=1");
is $next->code, 303, 'the next page asks first';
like $next->header('Location'), qr{^\Q${\ $w->url('/smart/confirm?smart_launch=') }\E$one->{handle}$},
    'on a page of the module';

# The page

my $page = $one->{window}->go_on;
is $page->code, 200, 'the confirmation page';
my $html = $page->decoded_content;
like $html, qr/Join dr-smith at sandbox with alice\?/, 'names EHR user, EHR and app user';
like $page->header('Content-Security-Policy'), qr/default-src 'none'.*frame-ancestors 'self' \Q${\ $ehr->base }/,
    'SEC-4 has a strict policy, and the EHR may frame it';
unlike $html, qr/<script|onclick|javascript:/i, 'SEC-4 has no script';
like $page->header('Cache-Control'), qr/no-store/, 'is not kept';
is_deeply [ links() ], [], 'asking links nothing';
is $one->{window}->nav("/smart/confirm?smart_launch=$one->{handle}", method => 'HEAD')->code, 405,
    'HEAD does nothing';
$httpd->expect_log('SL6001', 'SL1412');
$one->{window}->nav("/smart/confirm?smart_launch=$one->{handle}");

# Who may answer it

my $token = token_of($one->{window});
my $beside = SL::Browser::Window->new(map { $_ => $one->{window}{$_} } qw(jar top opener));
my $second = $w->launch(window => $beside, patient => $ehr->patients->[1]);
is_deeply [ map { $_->{link_state} } row($one), row($second) ], [qw(pending pending)],
    'two launches wait in one browser';
confirm_page($second, 'alice');
my $seconds = token_of($second->{window});
$one->{window}->nav("/smart/confirm?smart_launch=$one->{handle}");
$token = token_of($one->{window});
isnt $seconds, $token, 'each has its own token';
my $stranger = $w->launch(user => 'dr-jones');
confirm_page($stranger, 'alice');
my $strangers = token_of($stranger->{window});

my $evil = 'https://evil.example';
my @foreign = (Origin => $evil, 'Sec-Fetch-Site' => 'cross-site');
for my $case (
    [ 'no token', { answer => 'yes' } ],
    [ 'an empty token', { answer => 'yes', token => '' } ],
    [ 'a forged token', { answer => 'yes', token => 'A' x length $token } ],
    [ 'one character changed', { answer => 'yes', token => ($token =~ s/^(.)/$1 eq 'A' ? 'B' : 'A'/er) } ],
    [ 'the token of another launch', { answer => 'yes', token => $seconds } ],
    [ 'the token of another browser', { answer => 'yes', token => $strangers } ],
    [ 'the token twice', [ answer => 'yes', token => $token, token => $token ] ],
    [ 'another site', { answer => 'yes', token => $token },
        without => qr/^(?:Origin|Sec-Fetch-Site|Referer)$/, headers => \@foreign ],
    [ 'another site, by its Origin alone', { answer => 'yes', token => $token },
        without => qr/^(?:Origin|Sec-Fetch-.*|Referer)$/, headers => [ Origin => $evil ] ],
    [ 'Origin null', { answer => 'yes', token => $token },
        without => qr/^(?:Origin|Sec-Fetch-.*|Referer)$/, headers => [ Origin => 'null' ] ],
    [ 'no proof at all', { answer => 'yes', token => $token }, without => qr/^(?:Origin|Sec-Fetch-.*|Referer)$/ ],
    [ 'the same site, not the same origin', { answer => 'yes', token => $token },
        without => qr/^(?:Sec-Fetch-Site)$/, headers => [ 'Sec-Fetch-Site' => 'same-site' ] ],
    [ 'typed in', { answer => 'yes', token => $token },
        without => qr/^(?:Sec-Fetch-Site)$/, headers => [ 'Sec-Fetch-Site' => 'none' ] ],
    [ 'a foreign no', { answer => 'no', token => $token },
        without => qr/^(?:Origin|Sec-Fetch-Site)$/, headers => \@foreign ],
) {
    my ($what, $fields, %opt) = @$case;
    $one->{window}->nav("/smart/confirm?smart_launch=$one->{handle}");
    my $response = $one->{window}->post("/smart/confirm?smart_launch=$one->{handle}", $fields, %opt);
    is $response->code, 403, "planted link: $what is refused";
    is_deeply [ links() ], [], "planted link: $what: nothing is stored";
    is state_of($one), 'live pending', "planted link: $what: the launch is as before";
}
$httpd->expect_log('SL6301');
my $elsewhere = $stranger->{window}->post("/smart/confirm?smart_launch=$one->{handle}",
    { answer => 'yes', token => $token });
is $elsewhere->code, 401, 'planted link: another browser finds nothing at this handle';
$httpd->expect_log('SL6302');
is_deeply [ links() ], [], 'planted link: and stores nothing';

# A request without handle is of no pending launch.
my $tab = SL::Browser::Window->new(jar => $stranger->{window}->jar, top => $stranger->{window}{top});
my $unnamed = $tab->type($w->url('/papp/?') . answer(headers => [ 'Smart-Login' => 'victim' ]));
is_deeply [ grep { /^smart-/ } keys %{ json($unnamed)->{headers} } ], [],
    'planted link: a request without handle belongs to no pending launch';
is_deeply [ state_of($stranger), row($stranger)->{login_user}, links() ], [ 'live pending', 'alice' ],
    'planted link: and a login there is none on it';
is json($tab->type($w->url('/papp/')))->{headers}{'smart-user'}, 'victim',
    'planted link: it is a session of its own, without EHR and patient';
$tab->type($w->url('/papp/?') . answer(headers => [ 'Smart-Logout' => '1' ]));

# No

$one->{window}->nav("/smart/confirm?smart_launch=$one->{handle}");
my $no = $one->{window}->submit(button => [ answer => 'no' ]);
is $no->code, 200, 'No is an answer';
like $no->decoded_content, qr/Nothing was changed/, 'and says what became of it';
is state_of($one), 'ended pending', 'the launch has ended';
is row($one)->{t_access}, undef, 'its token is gone';
is_deeply [ links() ], [], 'and nothing is linked';
is now_at($one)->{code}, 401, 'its page says: launch again';
$httpd->expect_log('SL2531');

# Yes

my $sealed = row($second)->{t_access};
my $cookie = $second->{window}->jar->get('__Host-smart')->{value};
$second->{window}->nav("/smart/confirm?smart_launch=$second->{handle}");
my $yes = $second->{window}->submit(button => [ answer => 'yes' ], follow => 0);
is $yes->code, 303, 'Yes leads on';
is $yes->header('Location'), $w->url("/papp/home?smart_launch=$second->{handle}"),
    'to where the app wanted to go';
isnt $second->{window}->jar->get('__Host-smart')->{value}, $cookie, 'with a new cookie value';
my $home = json($second->{window}->go_on);
is_deeply [ @{ $home->{headers} }{qw(smart-user smart-link smart-patient smart-ehr-user)} ],
    [ 'alice', 'linked', $ehr->patients->[1], 'dr-smith' ],
        'the launch goes on as alice, with the same patient';
$env = json($second->{window}->nav("/app/?smart_launch=$second->{handle}"))->{env};
is_deeply [ @{$env}{qw(REMOTE_USER AUTH_TYPE SMART_USER)} ], [qw(alice Smart alice)],
    'and REMOTE_USER is set';
my ($link) = links();
is_deeply [ @{$link}{qw(app ehr ehr_user app_user issuer sub source how fhir_user revoked_at)} ],
    [ 'app', 'sandbox', 'dr-smith', 'alice', $ehr->auth, 'u-7f3a91c2e4', 'id_token:preferred_username', 'app',
    $ehr->issuer . '/Practitioner/pract-smith', undef ], 'the link, with issuer, sub and source';
my $linked = row($second);
is_deeply [ @{$linked}{qw(link app_user t_link t_user login_user)} ],
    [ $link->{id}, 'alice', $link->{id}, 'alice', undef ],
    'launch and token are hers';
isnt unpack('H*', $linked->{t_access}), unpack('H*', $sealed), 'the token is sealed anew, for her';
my $anew = $second->{window}->post("/smart/confirm?smart_launch=$second->{handle}",
    { answer => 'no', token => $seconds });
is $anew->code, 303,
    'the question is answered: whatever comes later leads to the app';
is state_of($second), 'live linked', 'and changes nothing';

# The next time

my $again = $w->launch(user => 'dr-smith', patient => $ehr->patients->[2]);
is json($again->{app})->{headers}{'smart-user'}, 'alice', 'the second launch needs no login';
is row($again)->{link}, $link->{id}, 'by the same link';
ok +(links())[0]{last_launch_at} gt $link->{last_launch_at}, 'which knows when it was last used';
is scalar(links()), 1, 'and is the only one';
$answer = app_says($again, '/papp/', [ 'Smart-Login' => 'alice', 'X-Kept' => 'yes' ]);
is_deeply [ $answer->code, $answer->header('X-Kept'), smart_headers($answer) ], [ 200, 'yes' ],
    'Smart-Login of the same user';
is state_of($again), 'live linked', 'changes nothing';

# Conflicts

my @before = links();
$stranger = $w->launch(user => 'dr-jones');
my $answer_of_jones = app_says($stranger, '/papp/', [ 'Smart-Login' => 'alice',
    'Set-Cookie' => 'PHPSESSID=1; Path=/', 'X-Secret' => 'hers', Location => '/papp/home' ], answer => { status => 302, body => 'private words' });
is $answer_of_jones->code, 409, 'an app user who is linked with somebody else: 409';
is_deeply [ map { scalar $answer_of_jones->header($_) } qw(Set-Cookie X-Secret Location) ], [ (undef) x 3 ],
    'the app\'s answer is dropped, with its cookies';
unlike $answer_of_jones->content, qr/private words/, 'and its body';
like $answer_of_jones->content, qr/do not fit together.*Reference: <code>/s, 'a page says so';
$httpd->expect_log('SL4501');
my $php = app_says($stranger, '/app/', [ 'Smart-Login' => 'alice', 'Set-Cookie' => 'PHPSESSID=1; Path=/' ],
    answer => { status => 403, body => 'private words' });
is_deeply [ $php->code, scalar $php->header('Set-Cookie'), $php->content =~ /private/ ? 1 : 0 ], [ 409, undef, 0 ],
    'the same in PHP, whatever its status';
is_deeply [ links() ], \@before, 'nothing is overwritten';
is state_of($stranger), 'live pending', 'and she may log in as herself';

my @two = map { $w->launch(user => 'nurse-lee') } 1, 2;
confirm_page($two[0], 'carol');
confirm_page($two[1], 'dave');
is $two[0]{window}->submit(button => [ answer => 'yes' ])->code, 200, 'nurse-lee becomes carol';
my $late = $two[1]{window}->submit(button => [ answer => 'yes' ]);
is $late->code, 409, 'an EHR user who was linked meanwhile: 409';
$httpd->expect_log('SL3050');
is_deeply [ sort(active()) ], [ 'dr-smith=alice', 'nurse-lee=carol' ], 'and stays who she is';
confirm_page($stranger, 'bob');
$pg->dbh->do(q{INSERT INTO smartlaunch.link (app, ehr, ehr_user, source, app_user, how)
    VALUES ('app', 'sandbox', 'dr-who', 'id_token:preferred_username', 'bob', 'app')});
is $stranger->{window}->submit(button => [ answer => 'yes' ])->code, 409,
    'an app user who was linked meanwhile: 409';
$pg->dbh->do(q{DELETE FROM smartlaunch.link WHERE ehr_user = 'dr-who'});
is state_of($stranger), 'live pending', 'and the launch still waits';

# The same name, somebody else

$ehr->id_token(claims => { sub => 'u-somebody-else' });
my $namesake = $w->launch(stop => 'callback');
is $namesake->{callback}->code, 409, 'name games: a linked name with another sub is refused';
$httpd->expect_log('SL4403');
$ehr->id_token();
for my $change ([ source => 'token:user' ], [ issuer => 'https://other.example' ], [ sub => undef ],
    [ issuer => undef ]) {
    my ($column, $value) = @$change;
    my ($is) = $pg->value("SELECT $column FROM smartlaunch.link WHERE ehr_user = 'dr-smith'");
    $pg->dbh->do("UPDATE smartlaunch.link SET $column = ? WHERE ehr_user = 'dr-smith'", undef, $value);
    $value //= 'missing';
    is $w->launch(stop => 'callback')->{callback}->code, 409, "name games: $column $value is refused";
    $pg->dbh->do("UPDATE smartlaunch.link SET $column = ? WHERE ehr_user = 'dr-smith'", undef, $is);
}
for my $type (qw(Patient RelatedPerson)) {
    $ehr->id_token(claims => { fhirUser => "$type/1" });
    is $w->launch(stop => 'callback')->{callback}->code, 403,
        "name games: a $type is refused, linked name or not";
}
$httpd->expect_log('SL4402');
$ehr->id_token();
is json($w->launch->{app})->{headers}{'smart-user'}, 'alice', 'name games: and alice still is alice';

# Another user on a launch

my $shared = $w->launch;
$answer = app_says($shared, '/papp/', [ 'Smart-Login' => 'mallory', 'Set-Cookie' => 'PHPSESSID=2; Path=/' ],
    answer => { body => 'private words' });
is $answer->code, 409, 'two people never share a launch';
is_deeply [ scalar $answer->header('Set-Cookie'), $answer->content =~ /private/ ? 1 : 0 ], [ undef, 0 ],
    'the answer is dropped';
$httpd->expect_log('SL6504');
is state_of($shared), 'ended linked', 'the launch ends';
is row($shared)->{end_reason}, 'other user', 'and says why';
is now_at($shared)->{code}, 401, 'its pages are no longer served';

# Smart-Logout

my $leaving = $w->launch;
$answer = app_says($leaving, '/app/', [ 'Smart-Logout' => '1', Location => '/bye' ], answer => { status => 302 });
is_deeply [ $answer->code, smart_headers($answer) ], [ 302 ],
    'Smart-Logout: the app\'s answer, without the header';
is state_of($leaving), 'ended linked', 'Smart-Logout ends the launch';
is row($leaving)->{t_access}, undef, 'and its token';
is now_at($leaving)->{code}, 401, 'for good';

# Revoked

my $live = $w->launch;
is now_at($live)->{'smart-user'}, 'alice', 'before the revocation';
my $dba = $pg->dbh('dba');
ok +($dba->selectrow_array('SELECT smartlaunch.revoke_link(?, ?, ?, ?)', undef, qw(app sandbox dr-smith left)))[0],
    'a DBA revokes the link';
cmp_ok lasted('the launch', sub { (now_at($live)->{code} // 0) == 401 }), '<=', 5, 'revoked is revoked within 5 seconds';
is_deeply [ @{ row($live) }{qw(state t_status t_access t_refresh)} ], [ 'ended', 'revoked', undef, undef ],
    'with its token';
is $pg->value(q{SELECT count(*) FROM smartlaunch.token WHERE link = ? AND status <> 'revoked'}, $link->{id}), 0,
    'and every other token of this link';
my $asked = $w->launch(patient => $ehr->patients->[3]);
is json($asked->{app})->{headers}{'smart-link'}, 'pending', 'a revoked link asks again';
$w->login($asked, 'alice');
is json($asked->{app})->{headers}{'smart-user'}, 'alice', 'and can be made again';
is_deeply [ map { $_->{revoked_at} ? 1 : 0 } grep { $_->{ehr_user} eq 'dr-smith' } links() ], [ 1, 0 ],
    'beside the old one, which stays revoked';

# confirm=off

my $quick = $w->launch(path => '/smart-quick', user => 'nurse-lee');
is json($quick->{app})->{headers}{'smart-link'}, 'pending',
    'SmartApp: linked in one app is not linked in another';
$cookie = $quick->{window}->jar->get('__Host-smart')->{value};
$answer = app_says($quick, '/quick/', [ 'Smart-Login' => 'quentin',
    'Set-Cookie' => 'PHPSESSID=q; Path=/; HttpOnly', Location => '/quick/in' ], answer => { status => 302 });
is $answer->code, 302, 'confirm=off: the app\'s answer passes';
is $answer->header('Location'), "/quick/in?smart_launch=$quick->{handle}",
    'confirm=off: and leads on within the launch';
isnt $quick->{window}->jar->get('__Host-smart')->{value}, $cookie, 'confirm=off: the cookie is renewed';
ok scalar(grep { /PHPSESSID/ } $answer->header('Set-Cookie')), 'confirm=off: the app\'s cookie comes along';
is json($quick->{window}->go_on)->{headers}{'smart-user'}, 'quentin', 'confirm=off: linked at once';
is_deeply [ map { $_->{how} } grep { $_->{app} eq 'quick' } links() ], ['app'], 'confirm=off: and stored';

# Where the way leads after the question

sub way_on {
    my ($window, $say) = @_;
    return $window->submit(button => [ answer => 'yes' ], follow => 0)->header('Location');
}
my %to = (
    '/papp/a?b=c&d=%20#frag' => '/papp/a?b=c&d=%20', $w->url('/papp/x') => '/papp/x', 'next' => '/papp/deep/next',
    '?q=1' => '/papp/deep/in?q=1', '../up?a=/../b' => '/papp/up?a=/../b', '../../../../x' => '/papp/',
    '//evil.example/' => '/papp/', 'https://evil.example/papp/' => '/papp/', '/\\evil.example' => '/papp/',
    '/%2f/evil.example' => '/papp/', $w->url . '.evil.example/' => '/papp/',
    $w->url =~ s/https/http/r . '/papp/x' => '/papp/',
    '/smart/logout' => '/papp/', 'javascript:alert(1)' => '/papp/',
);
for my $location (sort keys %to) {
    $pg->dbh->do(q{DELETE FROM smartlaunch.link WHERE ehr_user = 'dr-jones'});
    my $got = $w->launch(user => 'dr-jones');
    app_says($got, '/papp/deep/in', [ 'Smart-Login' => 'walter', Location => $location ],
        answer => { status => 302 }, follow => 1);
    my $sep = $to{$location} =~ /\?/ ? '&' : '?';
    is way_on($got->{window}), $w->url("$to{$location}${sep}smart_launch=$got->{handle}"),
        "AZR-13 Smart-Login with Location '$location' leads to $to{$location}";
}

# A login form as apps have them: POST, then 302; in PHP; names that would be HTML

$pg->dbh->do(q{DELETE FROM smartlaunch.link WHERE ehr_user = 'dr-jones'});
for my $path ('/papp/', '/app/') {
    my $got = $w->launch(user => 'dr-jones');
    $got->{window}->nav("$path?smart_launch=$got->{handle}");
    my $says = answer(status => 302, headers => [ 'Smart-Login' => '<i>"walter"</i>&amp;', Location => $path ]);
    my $asked = $got->{window}->post("$path?$says", [ user => 'walter', password => 'x' ], follow => 1);
    is $asked->code, 200, "a login form at $path leads to the question";
    my $text = $asked->content;
    like $text, qr/with &lt;i&gt;&quot;walter&quot;&lt;\/i&gt;&amp;amp;\?/, 'SEC-4 with names as text';
    unlike $text, qr/<i>/, 'SEC-4 and no markup';
    my ($posted) = grep { $_->{method} eq 'POST' && $_->{uri} =~ /answer/ } $httpd->seen;
    is $posted->{body}, 'user=walter&password=x', 'the app got the form, once' if $path eq '/papp/';
    $got->{window}->submit(button => [ answer => 'no' ]);
}

# All at once

my @racing = map { $w->launch(user => 'dr-jones') } 1 .. 3;
confirm_page($_, 'walter') for @racing;
my @codes = many(9, sub {
    return $racing[ $_[0] % 3 ]{window}->submit(button => [ answer => 'yes' ], follow => 0)->code;
});
is_deeply [ grep { $_ >= 500 } @codes ], [], 'nine answers at once, from three browsers: none fails'
    or diag "@codes";
is_deeply [ grep { /walter/ } active() ], ['dr-jones=walter'], 'one link';
$httpd->allow_log('SL3051');
is_deeply [ map { state_of($_) } @racing ], [ ('live linked') x 3 ], 'and all three launches are hers';
$pg->dbh->do(q{DELETE FROM smartlaunch.link WHERE ehr_user = 'dr-jones'});
my @rivals = map { $w->launch(user => 'dr-jones') } 1 .. 4;
confirm_page($rivals[$_], "walter$_") for 0 .. 3;
@codes = many(4, sub {
    return $rivals[ $_[0] ]{window}->submit(button => [ answer => 'yes' ], follow => 0)->code;
});
is_deeply [ sort @codes ], [ 303, 409, 409, 409 ], 'four app users for one EHR user at once: one gets it';
is scalar(grep { /dr-jones/ } active()), 1, 'and there is one link';
$pg->dbh->do(q{DELETE FROM smartlaunch.link WHERE ehr_user = 'dr-jones'});

# What is in the database

$ehr->faults(token => { patch => { access_token => 'MARKED-access', refresh_token => 'MARKED-refresh' } });
my $marked = $w->launch(user => 'dr-jones');
$w->login($marked, 'bob');
$ehr->faults();
my $dump = $pg->dump;
unlike $dump, qr/MARKED/, 'TRS-6 no token stands in the database';
unlike $dump, qr/\Q$marked->{handle}/, 'TRS-6 nor a handle';
my $session = now_at($marked)->{'smart-session'};
ok length $session > 20 && $dump !~ /\Q$session/, 'TRS-6 nor a session id';
my $browser_id = $marked->{window}->jar->get('__Host-smart')->{value};
unlike $dump, qr/\Q$browser_id/, 'TRS-6 nor a cookie';

# Tampered rows

sub tampered {
    my ($what, $sql, @bind) = @_;
    my $got = $w->launch;
    confirm_page($got, 'newton');
    $pg->dbh->do($sql, undef, @bind, row($got)->{id}) == 1 or die "$what: no row";
    my $response = $got->{window}->submit(button => [ answer => 'yes' ]);
    is $response->code, 500, "tampered rows: $what is noticed";
    ok !(grep { /newton/ } active()), "tampered rows: $what: no link";
    is state_of($got), 'live pending', "tampered rows: $what: the launch is not hers";
    return;
}
$ehr->id_token(claims => { preferred_username => 'dr-new', sub => 'u-new' });
my $mine = row($marked);
tampered('a token of another launch',
    q{UPDATE smartlaunch.token t SET access_sealed = o.access_sealed FROM smartlaunch.token o
        WHERE o.launch = ? AND t.launch = ?}, $mine->{id});
tampered('access and refresh token exchanged',
    q{UPDATE smartlaunch.token SET access_sealed = refresh_sealed, refresh_sealed = access_sealed
        WHERE launch = ?});
tampered('another patient', q{UPDATE smartlaunch.token SET patient = 'other' WHERE launch = ?});
tampered('another app user', q{UPDATE smartlaunch.token SET app_user = 'root' WHERE launch = ?});
tampered('another app', q{UPDATE smartlaunch.token SET app = 'quick' WHERE launch = ?});
tampered('another EHR', q{UPDATE smartlaunch.token SET ehr = 'other' WHERE launch = ?});
tampered('another generation', q{UPDATE smartlaunch.token SET generation = 2 WHERE launch = ?});
tampered('a flipped bit', q{UPDATE smartlaunch.token SET access_sealed = set_byte(access_sealed, 20,
    get_byte(access_sealed, 20) # 1) WHERE launch = ?});
$ehr->id_token();

done();
