#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Attacks on the ways in: standalone launches, <redirect>/link, tickets (design section 12). What an
# attacker gets is nothing, and what a clinician has stays as it was.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use Digest::SHA qw(sha1_base64);
use MIME::Base64 qw(encode_base64);

my $w = world(start => 0, ehr_block => 'SmartStandaloneScope "openid fhirUser launch/patient patient/*.rs"');
my ($ehr, $httpd, $pg) = ($w->ehr, $w->httpd, $w->pg);
my $echo = "http://127.0.0.1:$httpd->{echo}{port}";
my ($client) = SL::EHR::default_clients($w->url('/smart'));
$ehr->clients({ %$client, redirect_uris => [ map { $w->url("/$_") } qw(smart strong weak quick) ] });
my @patients = @{ $ehr->patients };

# Two Redirect URLs of one app, each with a login of its own; and an app that asks nothing.
sub site {
    my ($name, @users) = @_;
    spit("$httpd->{dir}/$name", join '', map { "$_:{SHA}" . sha1_base64($_) . "=\n" } @users);
    chmod 0644, "$httpd->{dir}/$name";
    return <<"CONF";
    <Location /$name>
        SmartTarget /two/
        SmartApp two
        SmartLink site
    </Location>
    <Location /$name/link>
        AuthType Basic
        AuthName $name
        AuthBasicProvider file
        AuthUserFile $httpd->{dir}/$name
        Require valid-user
    </Location>
CONF
}
$httpd->{vhost} = join '', site(strong => 'alice'), site(weak => 'alice', 'chief'), map { <<"CONF" } qw(two quick);
    ProxyPass /$_-app/ $echo/$_-app/
    ProxyPass /two/ $echo/two/
    <Location /$_-app>
        AuthType Smart
        SmartApp $_
        SmartLogin on
        Require all granted
    </Location>
CONF
$httpd->{vhost} .= <<"CONF";
    <Location /two>
        AuthType Smart
        SmartApp two
        Require all granted
    </Location>
    <Location /quick>
        SmartTarget /quick-app/
        SmartApp quick
        SmartLink app confirm=off
    </Location>
CONF
$httpd->start;

sub links { return sort map { "$_->{app} $_->{ehr_user}=$_->{app_user}" } grep { !$_->{revoked_at} } $pg->rows('SELECT * FROM smartlaunch.link') }
sub told { my ($response) = @_; return $response->code == 200 ? json($response)->{headers} : { status => $response->code } }
sub basic { my ($user) = @_; return (headers => [ Authorization => 'Basic ' . encode_base64("$user:$user", '') ]) }
sub token_calls { return scalar grep { $_->{method} eq 'POST' } $ehr->log('/auth/token') }

# /link of another Redirect URL of the same app, which has a weaker login

my $got = $w->launch(path => '/strong', stop => 'callback', window => $w->browser->window);
my $window = $got->{window};
for my $url ("/weak/link?smart_launch=$got->{handle}", '/weak/link') {
    my $answer = $window->nav($w->url($url), basic('chief'));
    unlike $answer->decoded_content, qr/Join/, "SmartLink site: a launch is not asked about where another one's login decides ($url)";
    is $answer->code, 401, 'it is none of this place';
}
$httpd->expect_log(qw(SL6320 SL6321));
$window->nav($w->url("/strong/link?smart_launch=$got->{handle}"), basic('alice'));
$window->submit(button => [ answer => 'yes' ], follow => 0, basic('alice'));
is_deeply [ links() ], ['two dr-smith=alice'], 'its own login does';

# A standalone launch that alice began; bob logs in to the app meanwhile, and then at the EHR

sub logged_in {
    my ($window, $app, $user) = @_;
    $window->type($w->url("/$app/login?" . answer(headers => [ 'Smart-Login' => $user ])));
    return $window;
}
my $shared = $w->browser;
my $hers = logged_in($shared->window, 'quick-app', 'carol');
$ehr->settings(standalone => { user => 'dr-jones', patient => $patients[0] });
$hers->nav('/quick/start?ehr=sandbox&return=%2Fquick-app%2Fp');
$hers->nav($hers->location, follow => 1, until => qr{^\Q${\ $w->url }\E});
my $callback = $hers->location;
logged_in($shared->window, 'quick-app', 'bob');
my $answer = $hers->nav($callback);
is_deeply [ grep { /^quick/ } links() ], [], 'confirm=off: who went away is not joined with who came after her';
my $page = told($hers->go_on);
is_deeply [ @{$page}{qw(smart-link smart-user smart-patient)} ], [ 'pending', undef, undef ], 'the app has to say who is there now';

# A thief of the EHR's answer, before it was used, claims to have a browser without cookies

my $seen = $w->launch(login => 'dave', user => 'nurse-lee');
my $next = $w->launch(user => 'nurse-lee', window => SL::Browser::Window->new(jar => $seen->{window}->jar, top => $seen->{window}{top}, opener => $seen->{window}{opener}),
    patient => $patients[1], stop => 'authorize');
my $calls = token_calls();
my $stolen = $w->browser->frame($ehr->base . '/')->nav($next->{callback_url});
is $stolen->code, 400, 'CBK-2 the answer to a launch that began with a cookie, without one: 400';
unlike $stolen->decoded_content, qr/ticket=/, 'CBK-2 and no ticket: that browser keeps cookies';
is token_calls(), $calls, 'CBK-2 no token call';
$httpd->expect_log('SL4305');
is $next->{window}->nav($next->{callback_url})->code, 303, 'whose it is goes on';
my $had = $seen->{window}->jar->get('__Host-smart')->{value};
$w->launch(user => 'nurse-lee', window => SL::Browser::Window->new(jar => $seen->{window}->jar, top => $seen->{window}{top}, opener => $seen->{window}{opener}));
my $cookie = $seen->{window}->jar->get('__Host-smart');
isnt $cookie->{value}, $had, 'the cookie is renewed';
$cookie->{value} = $had;
my $late = $w->launch(user => 'nurse-lee', window => SL::Browser::Window->new(jar => $seen->{window}->jar, top => $seen->{window}{top}, opener => $seen->{window}{opener}), stop => 'authorize');
unlike $w->browser->frame($ehr->base . '/')->nav($late->{callback_url})->decoded_content, qr/ticket=/, 'CBK-2 the same with a cookie that was renewed a moment ago';

# Held: nothing goes around the question, and its answer fits no other one

my $browser = $w->browser;
my $first = $w->launch(login => 'erin', user => 'dr-jones', patient => $patients[0], window => $browser->window);
my $held = $w->launch(user => 'nurse-lee', patient => $patients[1], window => $browser->window, stop => 'callback');
my $other = $w->launch(user => 'nurse-lee', patient => $patients[2], window => $browser->window, stop => 'callback');
like $_->{callback}->header('Location'), qr{/smart/confirm\?}, 'somebody else is at work: held' for $held, $other;
my $at = SL::Browser::Window->new(jar => $browser->jar, page => URI->new($w->url('/papp/')));
my @named = (headers => [ 'Smart-Launch' => $held->{handle} ]);
for my $case ([ 'a page of the app' => sub { $at->type($w->url("/papp/?smart_launch=$held->{handle}")) } ],
    [ 'a script' => sub { $at->xhr('GET', '/papp/api', @named) } ], [ 'a form' => sub { $at->post("/papp/save?smart_launch=$held->{handle}", {}) } ],
    [ '/session' => sub { $at->xhr('GET', '/smart/session', @named) } ], [ '/window' => sub { $at->xhr('POST', '/smart/window', @named) } ],
    [ '/logout' => sub { $at->xhr('POST', '/smart/logout', @named) } ]) {
    my ($what, $do) = @$case;
    my $got = $do->();
    is $got->code, 401, "held: $what is refused";
    unlike $got->as_string, qr/\Q$patients[1]\E|dave/, "held: $what tells nothing";
    $at->{page} = URI->new($w->url('/papp/'));
}
is told($at->nav("/papp/?smart_launch=$first->{handle}"))->{'smart-user'}, 'erin', 'who was there goes on';
sub confirm { my ($launch) = @_; return $w->url("/smart/confirm?smart_launch=$launch->{handle}") }
sub token_at { my ($launch) = @_; $at->nav(confirm($launch)); return ($at->forms)[0]->value('token') }
my $token = token_at($held);
token_at($other);
is $at->post(confirm($other), { token => $token, answer => 'yes' })->code, 403, 'the token of one question answers no other';
$at->nav(confirm($held));
is $at->post(confirm($held), { token => $token, answer => 'yes' })->code, 303, 'but its own';
is $at->post(confirm($other), { token => $token, answer => 'yes' })->code, 403, 'and no later one';
$httpd->expect_log(qw(SL2531 SL6301));

done();
