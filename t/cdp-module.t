#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The second module beside the first: whose its addresses are, who comes in and who does not, in which
# order they are loaded, restarts, and that nothing of it is there when it is not.
# mpm: all
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::Guard qw(make_variable);
use SL::Tokens qw(nobody_leads);
use MIME::Base64 qw(encode_base64);

my $w = world(start => 0, fpm => 0, gateway => undef, cdp => {});
my ($httpd, $pg, $cdp) = ($w->httpd, $w->pg, $w->cdp);
my ($A, $B) = @{ $w->ehr->patients };
my $dir = $httpd->dir;
spit("$dir/users", 'alice:' . crypt('secret', 'ab') . "\n");
# What else would like to have its addresses, another app's Redirect URL, and the pages under another login
$httpd->{vhost} = <<"CONF";
    <Location /desk>
        SmartCDP on
        AuthType Basic
        AuthName desk
        AuthUserFile $dir/users
        Require valid-user
    </Location>
    <Location /smart/two>
        SmartTarget /papp/two/
        SmartApp two
    </Location>
    <Location /papp/two>
        SmartApp two
    </Location>
    <Location /any>
        SmartCDP on
        AuthType Smart
        Require all granted
    </Location>
    Alias /cdp/study /etc
    RewriteEngine on
    RewriteRule ^/cdp(.*)\$ /plain/index.html [PT]
    ProxyPass /cdp/api http://127.0.0.1:1/
CONF
my ($client) = SL::EHR::default_clients('');
$client->{redirect_uris} = [ map { "$_" } $w->url('/smart'), $w->url('/smart/two') ];
$w->ehr->clients($client);
nobody_leads($w);
$httpd->start;
$httpd->expect_log(qw(SL2532 SL5851 SL5852 SL5853 SL5855 SL6401 SL6402 SL8512 SL8513 SL8514 SL8515 SL8516 SL8547));

sub mapping { my (%arg) = @_; return $cdp->api(GET => 'mapping', %arg) }
# What is the same in two refusals of the same kind: all but the reference.
sub plain { my ($r) = @_; return $r->content =~ s/[2-9A-Z]{5}-[2-9A-Z]{5}//gr }

my $browser = $w->browser;
my $l = $w->launch(patient => $A, login => 'alice', window => $browser->frame($w->ehr->base . '/'));
my $window = $l->{window};

# The API: who calls
is mapping(user => 'alice')->code, 403, 'C1 a user without a right';
$cdp->grant('alice');
my $r = mapping(user => 'alice');
isnt $r->code, 403, 'C1 with a right she is in';
isnt mapping(session => $l->{session})->code, 403, 'also by the session id of her launch';
isnt mapping(session => $l->{session}, caller => 0)->code, 403, '… without a caller\'s secret, where Require says who may call';
is mapping(user => 'alice', caller => 0)->code, 401, 'a user without the proof of a caller';
is json(mapping(user => 'alice', caller => 0))->{error}, 'relaunch', '… is told in JSON';
is mapping(user => 'alice', caller => 'guessed, 0123456789')->code, 401, 'a secret that is none';
is mapping(user => 'alice', caller => 'guessed, 0123456789')->header('Content-Type'), 'application/json', '… in JSON';
is mapping()->code, 401, 'a caller for nobody';
is mapping(session => 'x' x 43)->code, 401, 'a session id that is none of ours';
is mapping(session => "$l->{session}, $l->{session}x")->code, 400, 'two session ids';
is mapping(user => 'alice', headers => [ 'Smart-System' => 'on' ])->code, 403, 'the system token is not for this';
is mapping(user => 'alice', headers => [ 'Sec-Fetch-Site' => 'same-origin' ])->code, 403, 'a browser';
is mapping(session => $l->{session}, headers => [ 'Origin' => $w->url ])->code, 403, 'a browser with a session id';
is mapping(user => 'bob')->code, 403, 'C1 another user';
my $unknown = mapping(user => 'alice', project => 'nothing');
is $unknown->code, 403, 'C1 a project that is not there';
is plain($unknown), plain(mapping(user => 'bob')), 'C1 … is refused as one without a right';
is $cdp->api(GET => '', user => 'alice', project => '')->code, 404, 'no project';
is $cdp->api(GET => 'a/b/c/d/e/f', user => 'alice')->code, 404, 'an address with too many parts';
my $two = $w->launch(patient => $B, login => 'alice', path => '/smart/two');
is mapping(session => $two->{session})->code, 401, 'a session of another app';
is request(GET => $w->url('/papp/'), headers => [ 'Smart-User' => 'alice', 'Smart-Session' => $l->{session} ])->code, 200, 'elsewhere these headers';
my ($echoed) = ($httpd->seen)[-1];
ok !(grep { /^smart-(?:user|session)$/i } keys %{ $echoed->{headers} }), '… are taken away, as ever';

# The pages: who comes
sub is_in { my ($r, $name) = @_; return is $r->code, 200, $name }
is request(GET => $w->url('/cdp/'), headers => [ Accept => 'text/html' ])->code, 401, 'C1 nobody';
is request(GET => $w->url('/cdp/'), headers => [ Accept => 'text/html', 'Smart-User' => 'alice', 'Smart-Caller' => SL::CDP::caller_secret() ])->code,
    401, 'C1 nobody, also as a caller';
is request(GET => $w->url('/cdp/'), headers => [ 'Smart-Session' => $l->{session} ])->code, 401, 'C1 nobody, also with a session id';
my $url = $cdp->url(smart_launch => $l->{handle});
is_in $window->nav($url), 'C1 her launch opens the project';
is_in $window->nav($w->url("/cdp/?smart_launch=$l->{handle}")), 'and the list of projects';
is_in $window->nav($w->url("/cdp?smart_launch=$l->{handle}")), 'with or without a slash';
is $window->nav($w->url("/cdp/nothing/?smart_launch=$l->{handle}"))->code, 403, 'C1 a project that is not there';
is $window->nav($w->url("/cdp/study/1//2?smart_launch=$l->{handle}"))->code =~ /^(?:404|200)$/ ? 1 : 0, 1, 'an odd address is no fault';
is $window->nav($w->url("/cdp/study/a/b/c/d/e/f?smart_launch=$l->{handle}"))->code, 404, 'an address with too many parts';
$cdp->revoke('alice');
is $window->nav($url)->code, 403, 'C1 without a right the project is closed at the next request';
unlike $window->response->content, qr/study/, 'C1 … and says nothing of it';
$cdp->grant('alice');
is_in $window->nav($url), 'C1 and open again';
is $browser->frame($w->ehr->base . '/')->post($w->url("/cdp/study/find?smart_launch=$l->{handle}"), { record => 1, mrn => 'x' })->code,
    403, 'a form of another site';
$r = $window->xhr(PUT => $w->url("/cdp/study/?smart_launch=$l->{handle}"), body => 'x');
is $r->code, 405, 'a method that is none';
is $r->header('Allow'), 'GET, HEAD, POST', 'and which ones are';

# Under another login of httpd's
sub desk {
    my ($method, $path, @headers) = @_;
    return request($method, $w->url("/desk$path"), headers => [ Accept => 'text/html',
        Authorization => 'Basic ' . encode_base64('alice:secret', ''), @headers ], $method eq 'POST' ? (body => 'x=1') : ());
}
is_in desk(GET => '/study/'), 'C1 whoever httpd has logged in is the user';
is request(GET => $w->url('/desk/study/'))->code, 401, 'C1 and nobody else comes in';
is desk(GET => '/nothing/')->code, 403, 'C1 nor anywhere else';
is desk(POST => '/study/find', Origin => 'https://evil.example', 'Sec-Fetch-Site' => 'cross-site')->code, 403, 'a form of another site';
is desk(POST => '/study/find')->code, 403, 'a form from nowhere';

# A launch that waits for a login
my $pending = $w->launch(user => 'nurse-lee', patient => $B);
my $page = $pending->{window}->nav($w->url("/cdp/?smart_launch=$pending->{handle}"));
is $page->code, 401, 'C1 a launch that waits for a login is nobody';
$page = $pending->{window}->nav($w->url("/any/study/?smart_launch=$pending->{handle}"));
is $page->code, 401, 'C1 … also where Require lets everybody in';
is request(GET => $w->url('/any/study/'), headers => [ Accept => 'text/html' ])->code, 401, 'C1 where nobody is nobody, too';
is_in $window->nav($w->url("/any/study/?smart_launch=$l->{handle}")), 'C1 … and her launch is she';
like $page->content, qr/log in to the application first/, 'and is told what to do';

# In an ordinary browser: the app said who logged in
my $plain = $w->browser->window;
$plain->nav($w->url('/papp/?' . answer(status => 302, headers => [ 'Smart-Login' => 'alice', Location => '/cdp/' ])), follow => 1);
is_in $plain->response, 'C1 a session of Smart-Login opens the pages';
$plain->nav($cdp->url);
is_in $plain->response, '… and the project';

# What stays: a graceful restart, a restart, a child that is killed, tables
isnt mapping(user => 'alice')->code, 403, 'before the restart';
for my $how (qw(graceful restart)) {
    $httpd->$how;
    isnt mapping(user => 'alice')->code, 403, "after a $how";
    is_in $window->nav($url), "her launch is known after a $how";
}
$httpd->kill_child;
isnt mapping(user => 'alice')->code, 403, 'with another child';

# Unattended work goes on in one of the children, whichever
is $cdp->api(PUT => 'mapping', user => 'alice', json => { version => 1, project => 'study', ehr => 'sandbox',
    day_offset => { days => 7, direction => '+-' }, convert_gmt => \0, adjudication => 'manual', preview => ['name-family'],
    identifier => { source => 'id', event => '', field => 'mrn' },
    fields => [ { source => 'name-family', event => '', field => 'family' } ] })->code, 200, 'a mapping';
is $cdp->api(POST => 'records/1/fetch', session => $l->{session}, json => { mrn => 'MRN-10021', dates => {} })->code, 200, 'a fetch';
sub queued {
    my ($name) = @_;
    my $at = $pg->value('SELECT fetched_at FROM smartlaunch.cdp_record');
    $pg->dbh->do("UPDATE smartlaunch.cdp_record SET state = 'queued', due_at = NULL");
    ok wait_for("the watchdog $name", sub { return $pg->value('SELECT fetched_at > ? FROM smartlaunch.cdp_record', $at) }, 60),
        "the watchdog takes what is queued $name";
    return;
}
queued('at first');
$httpd->graceful;
queued('after a graceful restart');

# Without the module, the first one goes on as before
$httpd->{cdp} = undef;
$httpd->write_config;
$httpd->{vhost} = '';
$httpd->write_config;
$httpd->graceful;
is request(GET => $w->url('/cdp/'))->code, 404, 'without the second module its addresses are nobody\'s';
is $window->nav($w->url("/papp/?smart_launch=$l->{handle}"))->code, 200, 'and the launch goes on';
$httpd->{cdp} = { first => 1 };
$httpd->write_config;
$httpd->graceful;
isnt mapping(user => 'alice')->code, 403, 'loaded again, before the first one';
is_in $window->nav($url), 'with its pages';

# Pairs that do not fit
my ($rc, $text) = $httpd->configtest(module => 0, cdp => {}, config => '', no_redirect => 1);
isnt $rc, 0, 'the second module without the first is refused';
like $text, qr/SL8501: mod_smartlaunch_cdp works with mod_smartlaunch; write LoadModule smartlaunch_module/, '… in one sentence';
my $bytes = slurp(SL::CDP::module_path());
my $version = make_variable('PACKAGE_VERSION');
(my $later = $version) =~ s/\d$/9/;
$bytes =~ s/\Q$version\E\0/$later\0/g; # also as the end of a longer text
spit("$dir/other.so", $bytes, 0755);
($rc, $text) = $httpd->configtest(cdp => { so => "$dir/other.so" });
isnt $rc, 0, 'a module of another version is refused';
like $text, qr/SL8501: mod_smartlaunch_cdp \Q$later\E was built apart from the mod_smartlaunch that is loaded/, '… in one sentence';

done();
