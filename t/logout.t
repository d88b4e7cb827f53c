#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Logging out: by the browser at /smart/logout, by the app with Smart-Logout. What ends, and what does not.
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;

my $w = world(start => 0, vhost => <<'CONF');
    <Location /other>
        AuthType Smart
        SmartApp other
        Require all granted
    </Location>
    <Location /other/smart>
        SmartApp other
        SmartTarget /other/
        SmartLink none
    </Location>
CONF
my ($httpd, $ehr, $pg) = ($w->httpd, $w->ehr, $w->pg);
my $echo = "http://127.0.0.1:$httpd->{echo}{port}";
$httpd->{vhost} .= "    ProxyPass /other/smart !\n    ProxyPass /other/ $echo/other/\n"
    . "    ProxyPass /mute/ $echo/mute/\n    <Location /mute>\n        AuthType Smart\n        Require all granted\n    </Location>\n";
$httpd->{app} = 'SmartLogin on';
$httpd->start;
$ehr->clients({ client_id => 'app-basic', client_secret => do { my $s = SL::EHR::secret(); utf8::decode($s); $s }, basic => 'raw',
    token_endpoint_auth_method => 'client_secret_basic', id_token_signed_response_alg => 'RS256',
    redirect_uris => [ map { $w->url($_) } '/smart', '/other/smart' ] });
my @patients = @{ $ehr->patients };
$w->launch(login => 'alice');

sub state_of {
    my ($l) = @_;
    return $pg->value(q{SELECT l.state || ' ' || coalesce(l.end_reason, '-') || ' ' || t.status FROM smartlaunch.launch l
        LEFT JOIN smartlaunch.token t ON t.launch = l.id WHERE l.handle_hash = sha256(?)}, $l->{handle});
}

# Two launches of one browser
sub two {
    my $one = $w->launch(patient => $patients[0]);
    return ($one, on_top($one, $patients[1]));
}

# One more in the same browser
sub on_top { my ($l, $patient, %arg) = @_; return $w->launch(patient => $patient, window => frame($l), %arg) }
sub frame { my ($l) = @_; return SL::Browser::Window->new(jar => $l->{window}->jar, top => $l->{window}{top}, opener => URI->new($ehr->base . '/')) }

# The app's answer to a page or script of this launch.
sub says {
    my ($l, $path, $headers, %how) = @_;
    my $answer = answer(headers => $headers, %{ $how{answer} || {} });
    my $url = "$path?smart_launch=$l->{handle}&$answer";
    return $how{xhr} ? $l->{window}->xhr(GET => $url) : $l->{window}->nav($url);
}

# By the app, with SmartLogin on
my ($beside) = two();
for my $case ([ '/papp/', [ 'Smart-Logout' => '1' ], 'a proxied page' ], [ '/app/', [ 'Smart-Logout' => '1' ], 'PHP' ],
    [ '/papp/', [ 'Smart-Logout' => '1', 'Smart-Logout' => '1' ], 'said twice' ], [ '/app/', [ 'Smart-Logout' => '1', 'Smart-Logout' => '1' ], 'said twice, in PHP' ],
    [ '/papp/', [ 'Smart-Logout' => '1, 1' ], 'joined by a comma' ], [ '/papp/', [ 'Smart-Logout' => '1', 'Smart-Logout' => '0' ], 'said and taken back' ],
    [ '/papp/', [ 'smart-logout' => ' 1 ' ], 'blanks around it' ],
    [ '/papp/', [ 'Smart-Logout' => '1' ], 'a script', xhr => 1 ], [ '/papp/', [ 'Smart-Logout' => '1' ], 'a page that failed', answer => { status => 500 } ],
    [ '/papp/', [ 'Smart-Logout' => '1', Location => 'https://login.example/bye' ], 'a redirect elsewhere', answer => { status => 302 } ]) {
    my ($path, $headers, $name, %how) = @$case;
    my $l = on_top($beside, $patients[1]);
    my $answer = says($l, $path, $headers, %how);
    is state_of($l), 'ended logout by the app revoked', "SEC-9 Smart-Logout, $name: the launch has ended with its tokens";
    is $answer->code, ($how{answer} || {})->{status} // 200, '… the answer is the app\'s';
    ok !defined $answer->header('Smart-Logout'), '… without the header';
    is state_of($beside), 'live - active', '… and the launch in the other window goes on';
}

# By the app, without effect
my $l = $beside;
for my $case ([ '/mute/', [ 'Smart-Logout' => '1' ], 'from a location without SmartLogin', 'SL6501' ], [ '/plain/', [], 'outside', undef ],
    [ '/papp/', [ 'Smart-Logout' => '1', Age => '3' ], 'out of a cache', 'SL6502' ],
    [ '/papp/', [ 'Smart-Logout' => '0' ], '0', undef ], [ '/papp/', [ 'Smart-Logout' => 'true' ], 'a word', undef ],
    [ '/papp/', [ 'Smart-Logout' => '' ], 'nothing', undef ], [ '/papp/', [ 'Smart-Logout' => '11' ], '11', undef ],
    [ '/papp/', [ 'X-Smart-Logout' => '1' ], 'another header', undef ]) {
    my ($path, $headers, $name, $id) = @$case;
    my $answer = says($l, $path, $headers);
    is state_of($l), 'live - active', "SEC-9 Smart-Logout, $name: without effect";
    ok !defined $answer->header('Smart-Logout'), '… and it does not reach the browser';
    like $httpd->logged($id), qr/\b$id\b/, '… and the log says so' if $id;
    $httpd->expect_log($id) if $id;
}

# By the browser
{
    my ($one, $two) = two();
    my $stranger = $w->launch(patient => $patients[2]);
    is $stranger->{window}->xhr(POST => "/smart/logout?smart_launch=$one->{handle}")->code, 401, "SEC-9 another browser's launch: 401";
    is $w->browser->window->type($w->url("/smart/logout?smart_launch=$one->{handle}"), method => 'POST', body => '', type => 'text/plain')->code, 403,
        'SEC-9 no cookie, no proof: 403';
    is_deeply [ map { state_of($_) } $one, $two, $stranger ], [ ('live - active') x 3 ], '… and nothing has ended';
    for my $all ('all=0', 'all=yes', 'all=', 'all=1&all=1', 'ALL=1') {
        my $l = on_top($one, $patients[2]);
        is $l->{window}->nav("/smart/logout?smart_launch=$l->{handle}", method => 'POST', body => $all, type => 'application/x-www-form-urlencoded')->code,
            200, "SEC-9 a logout with $all";
        is_deeply [ map { state_of($_) } $l, $one, $two ], [ 'ended logout revoked', ('live - active') x 2 ], '… is of the one that was named';
    }
    my $answer = $two->{window}->xhr(POST => "/smart/logout?smart_launch=$two->{handle}");
    is $answer->code, 200, 'SEC-9 a script logs out';
    is_deeply json($answer), { ended => JSON::PP::true() }, '… and is told so as JSON';
    like $answer->header('Cache-Control'), qr/no-store/, '… no-store';
    is_deeply [ map { state_of($_) } $one, $two ], [ 'live - active', 'ended logout revoked' ], '… of one launch';
    is $w->fhir(GET => "/Patient/$patients[1]", session => $two->{session})->code, 401, 'SEC-9 its session opens no FHIR';
    is $w->fhir(GET => "/Patient/$patients[0]", session => $one->{session})->code, 200, '… the other one does';
    is $two->{window}->nav("/papp/?smart_launch=$two->{handle}")->code, 401, '… its pages are 401';
    is json($one->{window}->nav("/papp/?smart_launch=$one->{handle}"))->{headers}{'smart-patient'}, $patients[0], '… the other one\'s are of its patient';
    $httpd->expect_log(qw(SL2531 SL6201));
    $httpd->allow_log(qw(SL2533));
}

# All launches of the browser: of every app that shares the cookie
{
    my ($one, $two) = two();
    my $other = on_top($one, $patients[2], path => '/other/smart');
    is $other->{app}->code, 200, 'a launch of another app in the same browser';
    my $elsewhere = $w->launch(patient => $patients[0]);
    my $pending = on_top($one, $patients[0], user => 'nurse-lee', stop => 'start');
    my $answer = $one->{window}->post("/smart/logout?smart_launch=$one->{handle}", [ all => 1 ]);
    is $answer->code, 200, 'SEC-9 all=1';
    like join(' ', $answer->header('Set-Cookie')), qr/Max-Age=0/, '… the cookie goes';
    is_deeply [ map { state_of($_) } $one, $two, $other ], [ ('ended logout revoked') x 3 ], "SEC-9 … all launches of this browser have ended, another app's too";
    is state_of($elsewhere), 'live - active', '… and none of another browser';
    is $w->fhir(GET => "/Patient/$patients[2]", session => $other->{session} // '')->code, 401, "… the other app's session opens no FHIR" if $other->{session};
    my $back = $pending->{window}->nav($pending->{start}->header('Location'), follow => 1, until => qr{^\Q${\ $w->url }\E});
    is $pending->{window}->nav($pending->{window}->location)->code, 400, 'SEC-9 … a launch that was under way finishes nowhere';
    $httpd->allow_log(qw(SL4302 SL4304 SL4305 SL4308 SL2531 SL5901));
}

done();
