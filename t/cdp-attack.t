#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What somebody would try at the pages and the API of the Clinical Data Pull: another app's user of the
# same name, names that are none, odd paths, forms from elsewhere, other modules in front, and what
# all that leaves in logs. Each of it has to be refused, with nothing stored.
# mpm: sanitized
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::REDCap;
use MIME::Base64 qw(encode_base64);
use Digest::MD5 qw(md5_hex);
use URI;

my $redcap = SL::REDCap->new;
my $dir = SL::Run::run_dir('attack');
my $dead = spit("$dir/token", "0123456789ABCDEF0123456789ABCDEF\n", 0600);
my $hash = crypt 'secret', 'ab';
spit("$dir/users", join '', map { "$_:$hash\n" } 'alice', "b\xff", 'SYSTEM', ' alice', 'Alice');
my $w = world(start => 0, fpm => 0, ehr => { search => 1 }, log_level => 'trace8', ehr_block => 'SmartStandaloneScope "openid fhirUser offline_access user/*.rs"',
    cdp => { redcap => $redcap, more => <<"CONF" });
<SmartEHR second>
    SmartIssuer https://second.example/fhir
    SmartClient app
    SmartClientAuth none
    SmartScope "launch openid"
</SmartEHR>
<SmartCDPProject far>
    SmartCDPSource second
    SmartCDPDeliver redcap http://127.0.0.1:1/ token=file:$dead
</SmartCDPProject>
CONF
my ($httpd, $ehr, $pg, $cdp) = ($w->httpd, $w->ehr, $w->pg, $w->cdp);
my $docs = $httpd->dir . '/htdocs';
mkdir "$docs/cdp";
mkdir "$docs/cdp/study";
spit("$docs/cdp/.htaccess", "Require all granted\nRewriteEngine on\nRewriteRule .* /plain/index.html\n");
spit("$docs/cdp/study/index.html", 'a file that nobody gets');
$httpd->{vhost} = <<"CONF";
    AllowEncodedSlashes On
    FallbackResource /plain/index.html
    ErrorDocument 404 /cdp/study/1
    <Directory "$docs/cdp">
        AllowOverride All
    </Directory>
    <Location />
        SetHandler default-handler
    </Location>
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
    <Location /cdp/study/two>
        SmartApp two
    </Location>
    <Location /cdp/api/study/records/two>
        SmartApp two
    </Location>
    ProxyPass /cdp/study/1 http://127.0.0.1:1/
    Redirect /cdp/study/2 /plain/
    ScriptAlias /cdp/study/3 /bin/ls
CONF
my ($client) = SL::EHR::default_clients('');
$client->{redirect_uris} = [ map { "$_" } $w->url('/smart'), $w->url('/smart/two') ];
$ehr->clients($client);
$httpd->start;

my ($A, $B) = @{ $ehr->patients };
my ($event, $mrn) = ('event_1_arm_1', 'MRN-10021');
my %launch = (alice => $w->launch(patient => $A, login => 'alice'), two => $w->launch(patient => $B, login => 'alice', path => '/smart/two'),
    bob => $w->launch(login => 'bob', user => 'dr-jones', patient => undef));
my ($alice, $two, $bob) = map { $launch{$_}{window} } qw(alice two bob);
my @session = (session => $launch{alice}{session});
$cdp->grant('alice');
$cdp->grant('bob');

sub url { my ($who, $path) = @_; return $w->url("/cdp$path" . ($path =~ /\?/ ? '&' : '?') . "smart_launch=$launch{$who}{handle}") }
sub text { my ($r) = @_; return $r->decoded_content =~ s{<style>.*?</style>}{}sr =~ s/<[^>]+>/ /gr =~ s/\s+/ /gr }
# A refusal without what is different each time.
sub plain { my ($r) = @_; return join "\n", $r->code, $r->content =~ s/[2-9A-Z]{5}-[2-9A-Z]{5}//gr }
sub everything {
    return md5_hex join '', map { $pg->value("SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM (SELECT $_) t") }
        'project, record, patient, version, outcome FROM smartlaunch.cdp_record', map { "* FROM smartlaunch.$_" } qw(cdp_value cdp_outbox cdp_log cdp_right cdp_project cdp_mapping);
}
sub field { my ($source, $field, %more) = @_; return { source => $source, event => $event, field => $field, %more } }
my $mapping = { version => 1, project => 'study', day_offset => { days => 365, direction => '+-' }, convert_gmt => JSON::PP::false, adjudication => 'manual',
    preview => ['name-given'], identifier => field(id => 'mrn'), fields => [ field('name-given', 'first_name'), field('name-family', 'last_name') ] };
is $cdp->api(PUT => 'mapping', @session, json => $mapping)->code, 200, 'a mapping';
is $cdp->api(POST => 'records/1/fetch', @session, json => { mrn => $mrn })->code, 200, 'a record';
is $alice->nav(url(alice => '/study/1'))->code, 200, 'its page';

# A user of the same name, of another app

for my $path ('/study/two', '/study/two/log', '/study/two/count') {
    is plain($two->nav(url(two => $path))), plain($two->nav(url(two => $path))) =~ s/^\d+/403/r, "C1 a nested location of another app: its alice is not ours: $path";
    unlike text($two->response), qr/1 new|Record two/, '… and sees nothing';
}
is $two->nav(url(two => '/study/1'))->code, 401, 'C1 her launch is nobody at ours';
is $cdp->api(GET => 'records/two/items', session => $launch{two}{session})->code, 403, 'C1 nor is it in the API, where a nested location is of another app';
is $cdp->api(GET => 'records/two/items', user => 'alice')->code, 403, "C1 … also by a user's name";
is $cdp->api(GET => 'records/1/items', session => $launch{two}{session})->code, 401, 'C1 a session of another app';

# Names that are no names

sub desk {
    my ($user, $method, $path, @headers) = @_;
    return request($method, $w->url("/desk$path"), headers => [ Accept => 'text/html', Authorization => 'Basic ' . encode_base64("$user:secret", ''), @headers ]);
}
is desk('alice', GET => '/study/1')->code, 200, 'C1 alice, logged in by httpd';
is desk($_->[0], GET => '/study/1')->code, 403, "C1 $_->[1] has no right" for [ "b\xff", 'a name that is no UTF-8' ], [ 'SYSTEM', 'SYSTEM' ], [ 'Alice', 'another case' ];
is desk("b\xff", GET => '/')->code, 200, '… and an empty list of projects';
is $cdp->api(GET => 'records/1/items', user => $_->[0])->code, 403, "C1 in the API, $_->[1] has no right"
    for [ "b\xff", 'a name that is no UTF-8' ], [ 'SYSTEM', 'SYSTEM' ], [ "alice\tb", 'a name with a tab' ], [ 'alice, alice', 'two names' ], [ 'x' x 3000, 'a long name' ];
is desk('alice', GET => '/study/1', 'Smart-User' => 'bob', 'Smart-Session' => $launch{bob}{session}, Cookie => 'x=y')->content =~ /You are (\w+)/ ? $1 : '', 'alice',
    'C1 headers name nobody on a page';

# What is there, and what not

is plain($cdp->api(GET => 'mapping', @session, project => 'far')), plain($cdp->api(GET => 'mapping', @session, project => 'nosuch')),
    "C1 a project of another EHR is refused as one that is not there";
is plain($alice->nav(url(alice => '/far/'))), plain($alice->nav(url(alice => '/nosuch/'))), 'C1 … in the pages, too';
is plain($cdp->api(GET => 'mapping', session => 'x' x 43, project => 'far')), plain($cdp->api(GET => 'mapping', session => 'x' x 43, project => 'nosuch')), 'C1 … and to who has no session';

# Two patients: the chart of the window, and a record

my $other = $w->launch(patient => $B, user => 'dr-jones');
my $window = $other->{window};
$launch{other} = $other;
sub sees_other { return text($_[0]) =~ /not the patient whose chart this window was opened from/ ? 1 : 0 }
is sees_other($window->nav(url(other => '/study/1'))), 1, "C5 a record of one patient in the window of another's chart: the page says so";
is sees_other($alice->nav(url(alice => '/study/1'))), 0, "… and not in the window of the patient's own";
is sees_other($bob->nav(url(bob => '/study/1'))), 0, '… nor in one without a patient';
$window->nav(url(other => '/study/'));
$window->submit(action => qr/find/, fields => { record => '9', mrn => $mrn });
is sees_other($window->response), 1, 'C5 a look-up of another patient than the one of the window says so';
is $two->nav(url(two => '/study/two'))->code, 403, '(another app)';
{
    # alice has a token of her patient only: it must not be used for another one, whoever asks for it
    my @asked = map { $_->{path} // $_->{url} } $ehr->log('/fhir/Patient');
    $alice->nav(url(alice => '/study/'));
    $alice->submit(action => qr/find/, fields => { record => '9', mrn => 'MRN-10034' });
    is $alice->response->code, 401, "C5 a token of one patient is not used for another";
    is $cdp->api(POST => 'records/9/fetch', @session, headers => [ 'Smart-Patient' => $B ], json => { mrn => 'MRN-10034' })->code, 401, '… whatever patient a caller names';
    is $cdp->api(POST => 'records/9/fetch', user => 'alice', patient => $B, json => { mrn => 'MRN-10034' })->code, 401, '… with a user, too';
}
is $pg->value('SELECT count(*) FROM smartlaunch.cdp_value WHERE record = ?', 9), 0, '… and nothing is held of it';

# Forms from elsewhere, and of others

sub pairs { my ($form) = @_; return map { [ $_->name => $_->value ] } grep { defined $_->name && defined $_->value } $form->inputs }
sub form_of { my ($window, $action) = @_; return (grep { $_->action =~ $action } $window->forms)[0] }
sub token_of { my ($window, $path, $action, $who) = @_; $window->nav(url($who, $path)); return form_of($window, $action)->value('token') }
my %token = (find => token_of($alice, '/study/', qr/find/, 'alice'), sheet => token_of($alice, '/study/1', qr{/1\?}, 'alice'), fetch => token_of($alice, '/study/1', qr/fetch/, 'alice'),
    give => token_of($alice, '/study/setup', qr/give/, 'alice'));
my $revision = form_of($alice, qr/give/)->value('revision');
my ($value) = map { $_->{id} } $pg->rows('SELECT min(id) AS id FROM smartlaunch.cdp_value');
my %target = (find => [ '/study/find', [ record => 7, mrn => $mrn ] ], sheet => [ '/study/1', [ pick0 => $value, do => 'save' ] ], fetch => [ '/study/1/fetch', [] ],
    give => [ '/study/setup/give', [ user => 'mallory', setup => 1, revision => $revision ] ]);
my $before = everything();
sub refused { my ($name, $r, $code) = @_; is $r->code, $code || 403, $name; return }
for my $what (sort keys %target) {
    my ($path, $fields) = @{ $target{$what} };
    my $url = url(alice => $path);
    my @own = (token => $token{$what}, @$fields);
    my $none = qr/^(?:Origin|Referer|Sec-Fetch-)/;
    refused("H3 $what: without any sign of where it comes from", $alice->post($url, [@own], without => $none));
    refused("H3 $what: of origin null", $alice->post($url, [@own], without => $none, headers => [ Origin => 'null' ]));
    refused("H3 $what: of a site whose name begins like ours", $alice->post($url, [@own], without => $none, headers => [ Origin => $w->url . '.evil.example' ]));
    refused("H3 $what: of our name on another port", $alice->post($url, [@own], without => $none, headers => [ Origin => 'https://app.localhost' ]));
    refused("H3 $what: of our name without TLS", $alice->post($url, [@own], without => $none, headers => [ Origin => $w->url =~ s/^https/http/r ]));
    refused("H3 $what: of a site below the same name", $alice->post($url, [@own], without => $none, headers => [ 'Sec-Fetch-Site' => 'same-site' ]));
    refused("H3 $what: with the token in the address", $alice->post("$url&token=$token{$what}", [@$fields]));
    refused("H3 $what: with the token of another form", $alice->post($url, [ token => $token{ $what eq 'find' ? 'fetch' : 'find' }, @$fields ]));
    refused("H3 $what: with the same token, by another user", $bob->post(url(bob => $path), [@own]));
    refused("H3 $what: as its own method in a POST", $alice->post($url, [ @own[ 2 .. $#own ], _method => 'POST' ]));
    refused("H3 $what: as JSON", $alice->xhr(POST => $url, type => 'application/json', body => JSON::PP->new->encode({@own})), 400);
    refused("H3 $what: as text", $alice->xhr(POST => $url, type => 'text/plain', body => "token=$token{$what}"), 400);
    refused("H3 $what: without a type", $alice->xhr(POST => $url, body => "token=$token{$what}"), 400);
    refused("H3 $what: more than it takes", $alice->xhr(POST => $url, type => 'application/x-www-form-urlencoded', body => "token=$token{$what}&x=" . 'x' x 4_000_000), 400);
    is everything(), $before, "H3 $what: nothing of all that is stored";
}

# Values of another record, and tokens of another project

is $cdp->api(POST => 'records/2/fetch', @session, json => { mrn => $mrn })->code, 200, 'a second record';
my $token = json($cdp->api(GET => 'records/1/items', @session))->{token};
my ($foreign) = map { $_->{id} } $pg->rows("SELECT min(id) AS id FROM smartlaunch.cdp_value WHERE record = '2'");
$before = everything();
is $cdp->api(POST => 'records/1/adjudicate', @session, json => { token => $token, $_ => [$foreign] })->code, 400, "H3 a value of another record: $_" for qw(choices exclude include);
is $cdp->api(POST => 'records/2/adjudicate', @session, json => { token => $token, choices => [$foreign] })->code, 403, 'H3 a token of another record';
is $cdp->api(POST => 'records/1/fetch', @session, body => $_->[0], headers => [ 'Content-Type' => 'application/json' ])->code, 400, "CDP-API $_->[1]"
    for [ qq({"mrn":"$mrn\\u0000x"}), 'a NUL in a number' ], [ qq({"mrn":"\xff"}), 'no UTF-8' ], [ '{"dates":' . '[' x 100_000, 'a deep body' ], [ qq({"mrn":"$mrn"}{}), 'two bodies' ];
is $alice->xhr(@$_)->code, 403, "CDP-API is not for a page: $_->[0]" for [ GET => $w->url('/cdp/api/study/mapping') ], [ POST => $w->url('/cdp/api/study/records/1/fetch'), body => '{}', type => 'application/json' ];
is everything(), $before, '… and nothing of all that is stored';
$pg->dbh->do("INSERT INTO smartlaunch.cdp_right (project, app_user, may, granted_by) VALUES ('far', 'alice', 'adjudicate', 'test')");
is $alice->nav(url(alice => '/far/'))->code, 200, 'a second project of hers';
is $alice->post(url(alice => '/far/find'), [ token => $token{find}, record => 1, mrn => $mrn ])->code, 403, 'H3 a token of another project';

# Odd addresses and methods, and what else would have them

my %odd = ('/study/%31' => 200, '//study/1' => 200, '/study/x/../1' => 200, '/study/%2e%2e/study/1' => 200, '/study%2f1' => 200, '/study/1/' => 200, '/study/1/count/' => 404, '/study/%ff' => 404, '/study/%01' => 404,
    '/study/a%0d%0ab' => 404, '/study/' . 'a' x 101 => 404, '/study/' . '%c3%bc' x 51 => 404, '/study/api' => 404, '/study/count' => 404, '/study/records' => 404, '/study/find' => 405,
    '/study/setup/' => 200, '/study/setup/row/' => 404, '/study/index.html' => 404, '/study;x/1' => 403, '/Study/1' => 403, '/api/' => 403, '/study/1/count/x' => 404);
for my $path (sort keys %odd) {
    my $r = $alice->nav(url(alice => $path));
    is $r->code, $odd{$path}, "the address $path" =~ s/(.{60}).+/$1…/r;
    unlike $r->content, qr/a file that nobody gets|<title>plain/, '… is nobody else\'s';
}
is $alice->xhr($_ => url(alice => '/study/1'))->code, 405, "a page takes no $_" for qw(OPTIONS PUT DELETE PATCH PROPFIND FOO);
my $views = $pg->value('SELECT count(*) FROM smartlaunch.cdp_view');
my $head = $alice->nav(url(alice => '/study/1'), method => 'HEAD');
is_deeply [ $head->code, $head->content, $pg->value('SELECT count(*) FROM smartlaunch.cdp_view') ], [ 200, '', $views ], 'H6 HEAD shows nothing, and nobody has seen anything';
unlike $alice->nav($w->url("/nothing?smart_launch=$launch{alice}{handle}"))->content, qr/Record 1|event_1/, 'an ErrorDocument of ours opens no record';
is $alice->nav(url(alice => '/study/1'))->header($_->[0]), $_->[1], "H1 nobody keeps a page, nor guesses its type: $_->[0]" for [ 'Cache-Control', 'no-store' ], [ 'X-Content-Type-Options', 'nosniff' ], [ 'Referrer-Policy', 'same-origin' ];

# Rights that are taken in between, and both of them apart

$alice->nav(url(alice => '/study/1'));
my $mine = form_of($alice, qr{/1\?})->value('token');
$cdp->revoke('alice')->grant(alice => 'setup');
$before = everything();
refused('C1 a form that was opened before the right was taken', $alice->post(url(alice => '/study/1'), [ token => $mine, pick0 => $value, do => 'save' ]));
is everything(), $before, '… and nothing is stored';
is $alice->nav(url(alice => "/study/$_"))->code, 403, "C1 who sets up sees no values: $_" for qw(1 2 1/log nothing nothing/log);
unlike $alice->nav(url(alice => '/study/1/count') . '&form=find')->content, qr/token/, 'C1 … and the count has no token for her';
$cdp->revoke('alice')->grant(alice => 'adjudicate');
is $alice->nav(url(alice => "/study/setup$_"))->code, 403, "C1 who adjudicates does not set up: setup$_" for '', '/row', '/mapping.csv', '/nothing';
$before = everything();
refused('C1 … nor gives herself the right', $alice->post(url(alice => '/study/setup/give'), [ token => $token{give}, revision => $revision, user => 'alice', setup => 1 ]));
is everything(), $before, '… and nothing is stored';

# At the loudest: what httpd's logs have of it

for my $log ([ 'error log' => $httpd->error_log ], [ 'access log' => $httpd->access_log ]) {
    ok $log->[1] !~ /$_/, "H1 C13 $log->[0] at trace8: no $_" for qw(MRN-100 McCullough Luna);
    ok index($log->[1], $launch{$_}{session}) < 0, "H1 $log->[0]: no session id" for qw(alice bob);
}

$httpd->expect_log(qw(SL1301 SL2531 SL5853 SL8125 SL8201 SL8203 SL8512 SL8513 SL8516 SL8521 SL8523 SL8546 SL8570 SL8571 SL8580));
$httpd->allow_log(qw(SL2532 SL4515 SL4518 SL5856 SL6402 SL8514 SL8572));
done();
