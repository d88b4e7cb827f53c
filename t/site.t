#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# SmartLink site: httpd itself logs the user in at <redirect>/link, by any of its means: Basic, a form on
# another page, a header of the proxy in front. Then a page asks, as with every link (design 5.3, 12).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use MIME::Base64 qw(encode_base64);

my $w = world(start => 0, redirect => 'SmartLink site', modules => [qw(lua auth_form session session_cookie request)],
    ehr_block => 'SmartStandaloneScope "openid fhirUser launch/patient patient/*.rs"');
my ($ehr, $httpd, $pg) = ($w->ehr, $w->httpd, $w->pg);
my $echo = "http://127.0.0.1:$httpd->{echo}{port}";
my $front = SL::Httpd->new(module => 0, fpm => 0, modules => ['lua']); # the proxy that logs in
my ($client) = SL::EHR::default_clients($w->url('/smart'));
$ehr->clients({ %$client, redirect_uris => [ map({ $w->url("/$_") } qw(smart form open app)), $front->url('/card') ] });
my @patients = @{ $ehr->patients };

# Passwords as `htpasswd -s` writes them; everybody's is their name.
use Digest::SHA qw(sha1_base64);
my $odd = "al\xc3\xafce";
spit("$httpd->{dir}/users", join '', map { "$_:{SHA}" . sha1_base64($_) . "=\n" } qw(alice bob carol), $odd);
chmod 0644, "$httpd->{dir}/users";
my $basic = <<"CONF";
AuthType Basic
        AuthName "The hospital"
        AuthBasicProvider file
        AuthUserFile $httpd->{dir}/users
        Require valid-user
CONF
$httpd->{vhost} = <<"CONF" . join '', map { <<"APP" } qw(form open);
    <Location /smart/link>
        $basic
    </Location>
    <Location /app-smart>
        SmartTarget /papp/
        SmartApp other
    </Location>
    Alias /login.html $httpd->{dir}/htdocs/plain/index.html
    <Location /form/link>
        AuthType form
        AuthName "The hospital"
        AuthFormProvider file
        AuthUserFile $httpd->{dir}/users
        AuthFormLoginRequiredLocation ${\ $w->url('/login.html') }
        Session On
        SessionCookieName login path=/;httponly;secure;samesite=none
        Require valid-user
    </Location>
    <Location /dologin>
        SetHandler form-login-handler
        AuthType form
        AuthName "The hospital"
        AuthFormProvider file
        AuthUserFile $httpd->{dir}/users
        AuthFormLoginSuccessLocation ${\ $w->url('/form/link') }
        Session On
        SessionCookieName login path=/;httponly;secure;samesite=none
        Require all granted
    </Location>
    <Location /open/link>
        Require expr true
    </Location>
CONF
    ProxyPass /$_-app/ $echo/$_-app/
    <Location /$_>
        SmartTarget /$_-app/
        SmartApp $_
        SmartLink site
    </Location>
    <Location /$_-app>
        AuthType Smart
        SmartApp $_
        Require all granted
    </Location>
APP
$httpd->start;

# Helpers

sub links { return $pg->rows('SELECT * FROM smartlaunch.link ORDER BY linked_at') }
sub active { return sort map { "$_->{app} $_->{ehr_user}=$_->{app_user} $_->{how}" } grep { !$_->{revoked_at} } links() }
sub login { my ($user, $password) = @_; return (headers => [ Authorization => 'Basic ' . encode_base64($user . ':' . ($password // $user), '') ]) }
sub token_of { my ($window) = @_; my ($form) = $window->forms; return $form->value('token') }
sub told { my ($response) = @_; return json($response)->{headers} }
sub state_of {
    my ($got) = @_;
    my ($row) = $pg->rows('SELECT state, link_state FROM smartlaunch.launch WHERE handle_hash = sha256(?)', $got->{handle});
    return "$row->{state} $row->{link_state}";
}
sub link_url { my ($got, $path) = @_; return $w->url(($path // '/smart') . "/link?smart_launch=$got->{handle}") }
sub launch { return $w->launch(stop => 'callback', window => $w->browser->window, @_) }

# Basic

my $one = launch();
is $one->{callback}->header('Location'), link_url($one), 'SmartLink site: an EHR user who is not linked goes to <redirect>/link';
is state_of($one), 'live pending', 'the launch waits';
my $window = $one->{window};
my $response = $window->nav(link_url($one));
is $response->code, 401, 'where httpd itself asks who it is';
like $response->header('WWW-Authenticate'), qr/^Basic /, 'by Basic';
unlike $response->decoded_content, qr/Join/, 'before it gets to our page';
is $window->nav(link_url($one), login('alice', 'wrong'))->code, 401, 'a wrong password is none';
is $window->nav(link_url($one), headers => [ 'Smart-User' => 'alice', 'X-Remote-User' => 'alice' ])->code, 401, 'SEC-3 a header of the browser is none';
is_deeply [ links() ], [], 'nothing is linked';

my $page = $window->nav(link_url($one), login('alice'));
is $page->code, 200, 'the confirmation page';
like $page->decoded_content, qr/Join dr-smith at sandbox with alice\?/, 'names EHR user, EHR and the user of httpd';
unlike $page->decoded_content, qr/<script|onclick|\Q$one->{patient}\E/i, 'SEC-4 no script, no patient';
like $page->header('Cache-Control'), qr/no-store/, 'is not kept';
is_deeply [ links() ], [], 'asking links nothing';
my $token = token_of($window);
my $evil = 'https://evil.example';
for my $case (
    [ 'nobody logged in', 401, { answer => 'yes', token => $token } ],
    [ 'another user of httpd', 403, { answer => 'yes', token => $token }, login('bob') ],
    [ 'no token', 403, { answer => 'yes' }, login('alice') ],
    [ 'a forged token', 403, { answer => 'yes', token => 'A' x length $token }, login('alice') ],
    [ 'another site', 403, { answer => 'yes', token => $token }, without => qr/^(?:Origin|Sec-Fetch-Site|Referer)$/,
        headers => [ @{ {login('alice')}->{headers} }, Origin => $evil, 'Sec-Fetch-Site' => 'cross-site' ] ],
    [ 'no proof of origin', 403, { answer => 'yes', token => $token }, without => qr/^(?:Origin|Sec-Fetch-.*|Referer)$/, login('alice') ],
) {
    my ($what, $status, $fields, %opt) = @$case;
    $window->nav(link_url($one), login('alice'));
    is $window->post(link_url($one), $fields, %opt)->code, $status, "planted link: $what: $status";
    is_deeply [ links() ], [], "planted link: $what: nothing is stored";
}
$httpd->expect_log(qw(SL6301));
is $window->nav($w->url("/smart/confirm?smart_launch=$one->{handle}"))->header('Location'), $w->url("/papp/?smart_launch=$one->{handle}"),
    'the other confirmation page has nothing to ask';
is $window->nav($w->url("/papp/?smart_launch=$one->{handle}"))->header('Location'), link_url($one), 'and the app\'s pages lead back to /link';
is $window->xhr('GET', $w->url("/papp/api?smart_launch=$one->{handle}"))->code, 200, 'but not its scripts';

$window->nav(link_url($one), login('alice'));
my $cookie = $window->jar->get('__Host-smart')->{value};
my $yes = $window->submit(button => [ answer => 'yes' ], follow => 0, login('alice'));
is $yes->header('Location'), $w->url("/papp/?smart_launch=$one->{handle}"), 'Yes leads to the app';
isnt $window->jar->get('__Host-smart')->{value}, $cookie, 'with a new cookie';
my $told = told($window->go_on);
is_deeply [ @{$told}{qw(smart-user smart-link smart-patient smart-ehr-user)} ], [ 'alice', 'linked', $one->{patient}, 'dr-smith' ], 'as alice, with the patient';
is_deeply [ active() ], ['app dr-smith=alice site'], 'the link says how it came about';
is $window->nav(link_url($one), login('alice'))->header('Location'), $w->url("/papp/?smart_launch=$one->{handle}"), 'asked again, /link just leads on';

my $again = launch();
is $again->{callback}->header('Location'), $w->url("/papp/?smart_launch=$again->{handle}"), 'the next launch needs no login';

# Whose it is not

my $jones = launch(user => 'dr-jones');
is $jones->{window}->nav(link_url($jones), login('alice'))->code, 409, 'alice is linked with dr-smith: 409 before anything is asked';
$httpd->expect_log('SL4501');
is state_of($jones), 'live pending', 'she may log in as herself';
is $jones->{window}->nav(link_url($one), login('bob'))->code, 401, 'the handle of another browser opens nothing';
$httpd->expect_log('SL6321');
$jones->{window}->nav(link_url($jones), login('bob'));
my $no = $jones->{window}->submit(button => [ answer => 'no' ], login('bob'));
like $no->decoded_content, qr/Nothing was changed/, 'No is an answer';
is state_of($jones), 'ended pending', 'and ends the launch';
is $jones->{window}->nav(link_url($jones), login('bob'))->code, 401, 'for good';
is_deeply [ active() ], ['app dr-smith=alice site'], 'nothing was linked or overwritten';

# Without the handle: a login that leads by way of another site brings none back.

my $tab = $w->browser->window;
is $tab->type($w->url('/smart/link'), login('carol'))->code, 401, 'no launch waits: 401';
$httpd->expect_log('SL6320');
my $lee = launch(user => 'nurse-lee', window => $tab);
my $found = $tab->type($w->url('/smart/link'), login('carol'));
is $found->header('Location'), link_url($lee), 'one waits: that one is asked about';
$ehr->launch; # the same clerk opens a second chart
my $beside = launch(user => 'nurse-lee', window => SL::Browser::Window->new(jar => $tab->jar), patient => $patients[1]);
my $list = $tab->type($w->url('/smart/link'), login('carol'));
is $list->code, 200, 'two wait: a list';
is_deeply [ sort map { $_ =~ s/&amp;/&/gr } $list->decoded_content =~ /<a href="([^"]+)"/g ], [ sort map { link_url($_) } $lee, $beside ], 'of both';
unlike $list->decoded_content, qr/\Q$patients[1]\E/, 'without their patients';
is_deeply [ grep { /nurse/ } active() ], [], 'and nothing is linked by that';

# Held, because somebody else is live here: first that question, then the login.

my $held = launch(user => 'nurse-lee', window => SL::Browser::Window->new(jar => $window->jar));
like $held->{callback}->header('Location'), qr{/smart/confirm\?}, 'somebody else is at work in this browser: first "you are now …"';
is $held->{window}->nav(link_url($held), login('carol'))->header('Location'), $held->{callback}->header('Location'), 'also by way of /link';
$held->{window}->go_on;
$held->{window}->submit(button => [ answer => 'yes' ], follow => 0);
is $held->{window}->go_on(follow => 0)->header('Location'), link_url($held), 'then httpd\'s login';
$held->{window}->nav(link_url($held), login('carol'));
is told($held->{window}->submit(button => [ answer => 'yes' ], login('carol')))->{'smart-user'}, 'carol', 'then she is in';
is state_of($one), 'ended linked', 'and alice\'s launch has ended';

# Revoked: asked again

$pg->dbh->do(q{UPDATE smartlaunch.link SET revoked_at = now() WHERE app_user = 'alice'});
my $anew = launch();
is $anew->{callback}->header('Location'), link_url($anew), 'a revoked link asks again';
$anew->{window}->nav(link_url($anew), login('bob'));
is told($anew->{window}->submit(button => [ answer => 'yes' ], login('bob')))->{'smart-user'}, 'bob', 'and another user may answer';

# Standalone launch: through /link back to the page

$pg->dbh->do(q{UPDATE smartlaunch.link SET revoked_at = now() WHERE app_user = 'bob'});
$ehr->settings(standalone => { user => 'dr-smith', patient => $patients[2] });
my $work = $w->browser->window;
$work->type($w->url('/papp/work?x=1'));
$work->nav('/smart/start?ehr=sandbox&return=%2Fpapp%2Fwork%3Fx%3D1');
$work->nav($work->location, follow => 1, until => qr{^\Q${\ $w->url }\E});
$work->nav($work->location);
like $work->location, qr{/smart/link\?smart_launch=}, 'LCH-4 a standalone launch goes to /link, too';
$work->nav($work->location, login('alice'));
my $back = $work->submit(button => [ answer => 'yes' ], login('alice'));
is $work->page->path_query =~ s/&smart_launch=.*//r, '/papp/work?x=1', 'LCH-4 and from there back to the page she left';
is_deeply [ @{ told($back) }{qw(smart-user smart-patient)} ], [ 'alice', $patients[2] ], 'LCH-4 as alice, with the patient she picked';

# What is not set up

for my $method (qw(HEAD PUT DELETE)) {
    is $work->xhr($method, $w->url('/smart/link'), login('alice'))->code, 405, "$method does nothing";
}
is $work->nav($w->url('/app-smart/link'))->code, 404, 'without SmartLink site there is no /link';
my $nobody = $w->launch(path => '/open', stop => 'callback');
$response = $nobody->{window}->go_on;
is $response->code, 500, 'httpd lets somebody in without a name: 500';
like $response->decoded_content, qr/not set up completely.*Reference: <code>/s, 'a page says so';
like $httpd->logged('SL6323'), qr/Require valid-user/, 'and the log what to write';
is $nobody->{window}->nav($w->url('/smart/link'), login($odd))->code, 500, 'a name that no header can carry: 500';
$httpd->expect_log(qw(SL6001 SL6322 SL6323 SL6324));
$httpd->allow_log(qw(AH01617));

# A form on a page of its own: the handle is lost on the way, the launch is not.

my $by_form = $w->launch(path => '/form', stop => 'callback', window => $w->browser->window);
my $at = $by_form->{window};
is $at->go_on->header('Location'), $w->url('/login.html'), 'mod_auth_form leads to the login page';
$at->go_on;
my $in = $at->post('/dologin', { httpd_username => 'bob', httpd_password => 'bob' });
is $in->header('Location'), $w->url('/form/link'), 'which, without the handle, leads back';
$at->go_on(follow => 1);
like $at->response->decoded_content, qr/Join dr-smith at sandbox with bob\?/, 'to the question';
is told($at->submit(button => [ answer => 'yes' ]))->{'smart-user'}, 'bob', 'and in';

# A header of the proxy in front, which has asked who it is. It goes for one address only.

my $back_port = free_port();
my ($lua) = slurp(top() . '/docs/admin.md') =~ /^```lua\n(.*?)^```$/ms;
spit("$httpd->{dir}/proxy.lua", $lua);
chmod 0644, "$httpd->{dir}/proxy.lua";
my $behind = SL::Httpd->new(port => $back_port, ehr => $ehr, pg => $pg, public => $front->url, fpm => 0, gateway => undef, no_redirect => 1,
    modules => ['lua']);
$behind->{vhost} = <<"CONF";
    ProxyPass /cards/ http://127.0.0.1:$behind->{echo}{port}/cards/
    <Location /card>
        SmartTarget /cards/
        SmartApp card
        SmartLink site
    </Location>
    <Location /cards>
        AuthType Smart
        SmartApp card
        Require all granted
    </Location>
    <Location /card/link>
        AuthType Proxy
        AuthName "The proxy's"
        LuaHookCheckUserID $httpd->{dir}/proxy.lua login
        <RequireAll>
            Require ip 127.0.0.1
            Require valid-user
        </RequireAll>
    </Location>
CONF
$front->{vhost} = <<"CONF";
    SSLProxyEngine on
    SSLProxyVerify none
    SSLProxyCheckPeerName off
    ProxyPass / https://localhost:$back_port/
    RequestHeader unset X-Remote-User
    <Location /card/link>
        $basic
        RequestHeader set X-Remote-User "expr=%{REMOTE_USER}"
    </Location>
CONF
$behind->start;
$front->start;
my $card = $w->launch(origin => $front->url, path => '/card', stop => 'callback', window => $w->browser->window);
$at = $card->{window};
is $card->{callback}->header('Location'), $front->url("/card/link?smart_launch=$card->{handle}"), 'behind a proxy: to its address of <redirect>/link';
is $at->go_on(headers => [ 'X-Remote-User' => 'mallory' ])->code, 401, 'the proxy asks who it is, whatever the browser says';
my $asked = $at->nav($front->url("/card/link?smart_launch=$card->{handle}"), headers => [ @{ {login('carol')}->{headers} }, 'X-Remote-User' => 'mallory' ]);
like $asked->decoded_content, qr/Join dr-smith at sandbox with carol\?/, 'and says it by its header';
is told($at->submit(button => [ answer => 'yes' ], login('carol')))->{'smart-user'}, 'carol', 'carol is in';
is_deeply [ grep { /^card/ } active() ], ['card dr-smith=carol site'], 'and linked';
is request('GET', $behind->url('/card/link'), headers => [ Accept => 'text/html' ])->code, 401, 'without the header nobody is let in';

# configtest

sub refused {
    my ($what, $like, %other) = @_;
    my ($rc, $text) = $httpd->configtest(%other);
    ok $rc != 0 && $text =~ $like, "configtest refuses $what" or diag $text;
    return;
}
my $vhost = $httpd->{vhost};
my $without = $vhost =~ s{<Location /smart/link>.*?</Location>}{}sr;
my $need = qr/SmartLink site: nobody has to log in at \/smart\/link; write <Location \/smart\/link> with an AuthType/;
refused('SmartLink site without a login', $need, vhost => $without);
for my $require ('Require all granted', 'Require ip 10.0.0.0/8', 'Require local', 'Require host example.org', 'Require method GET',
    "<RequireAll>\nRequire not user bob\nRequire ip 10.0.0.1\n</RequireAll>", "<RequireAny>\nRequire valid-user\nRequire all granted\n</RequireAny>", "<RequireAll>\nRequire ip 10.0.0.1\nRequire local\n</RequireAll>") {
    refused("SmartLink site with " . $require =~ s/\n/ /gr, $need, vhost => "$without\n<Location /smart/link>\nAuthType Basic\nAuthName x\n$require\n</Location>");
}
refused('SmartLink site under AuthType Smart', qr/AuthType Smart holds at \/smart\/link/,
    vhost => "$without\n<Location /smart/link>\nAuthType Smart\nRequire valid-user\n</Location>");
refused('SmartLink site, closed and opened again', $need, vhost => "$vhost\n<Location /smart/link>\nRequire all granted\n</Location>");
refused('SmartLink site confirm=off', qr/SmartLink site confirm=off/, redirect => 'SmartLink site confirm=off');
refused('SmartLink site with a pattern', qr/a pattern goes with same-name only/, redirect => 'SmartLink site ".*"');
my ($rc, $said) = $httpd->configtest(vhost => "$without\n<LocationMatch ^/smart/li>\nAuthType Basic\nAuthName x\n<RequireAll>\nRequire ip 10.0.0.0/8\nRequire user carol\n</RequireAll>\n</LocationMatch>");
is $rc, 0, 'configtest takes other ways to say it' or diag $said;
refused('SmartStandaloneScope with launch', qr/SmartStandaloneScope in <SmartEHR sandbox> has "launch"/, ehr_block => 'SmartStandaloneScope "launch openid"');
refused('SmartStandaloneScope with nonsense', qr/SmartStandaloneScope in <SmartEHR sandbox>: /, ehr_block => 'SmartStandaloneScope "openid patient/*.read.write"');
refused('SmartStandaloneScope outside of an EHR', qr/SmartStandaloneScope/, extra => 'SmartStandaloneScope "openid"');

done();
