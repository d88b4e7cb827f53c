#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The API of the Clinical Data Pull as the app's server side meets it: rights, what it takes, what it
# answers, and what it leaves in logs and tables.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;

my $w = world(fpm => 0, ehr => { search => 1 }, cdp => {}, ehr_block => 'SmartStandaloneScope "openid fhirUser offline_access user/*.rs"');
my ($httpd, $pg, $cdp) = ($w->httpd, $w->pg, $w->cdp);
my $alice = $w->launch(login => 'alice');
my $bob = $w->launch(login => 'bob', user => 'dr-jones');
my @alice = (session => $alice->{session});
my @bob = (session => $bob->{session});
my %fields = (first => { source => 'name-given', event => 'e1', field => 'first' },
    last => { source => 'name-family', event => 'e1', field => 'last' },
    dob => { source => 'birthDate', event => 'e1', field => 'dob' },
    weight => { source => '29463-7', event => 'e1', field => 'weight', temporal_field => 'visit', preselect => 'MAX', unit => 'kg' });

sub mapping {
    my (@names) = @_;
    return { version => 1, project => 'study', day_offset => { days => 365, direction => '+-' }, convert_gmt => JSON::PP::false,
        adjudication => 'manual', preview => ['name-given'], identifier => { source => 'id', event => 'e1', field => 'mrn' },
        fields => [ map { ref $_ ? $_ : $fields{$_} } @names ] };
}

# An error as the contract has it: status, word, a sentence, a reference that the log has, too.
sub is_error {
    my ($r, $status, $error, $name) = @_;
    my $json = eval { json($r) } || {};
    is_deeply [ $r->code, $json->{error} ], [ $status, $error ], $name or diag $r->content;
    ok length $json->{error_description} && $httpd->error_log =~ /reference \Q$json->{reference}\E/, '… in words, with a reference';
    is $r->header('Cache-Control'), 'no-store', '… and nobody keeps it';
    return $json;
}

sub rows { my ($table) = @_; return $pg->value("SELECT count(*) FROM smartlaunch.$table") }
sub items { my ($record, @who) = @_; return json($cdp->api(GET => "records/$record/items", @who)) }

# Rights

for my $call ([ GET => 'mapping' ], [ PUT => 'mapping', json => mapping('first') ], [ GET => 'records/1/items' ], [ GET => 'records/1/log' ], [ GET => 'records/1/count' ],
    [ POST => 'records/1/fetch', json => { mrn => 'MRN-10021' } ], [ POST => 'records/1/adjudicate', json => { token => 'x' } ]) {
    my ($method, $path, @more) = @$call;
    my $r = $cdp->api($method => $path, @alice, @more);
    is $r->code, 403, "C1 without a right in the project: $method $path";
    is_deeply [ $r->code, json($r)->{error} ], [ map { ($_->code, json($_)->{error}) } $cdp->api($method => $path, @alice, @more, project => 'nosuch') ],
        '… as for a project that is not there';
}
is rows('cdp_record') + rows('cdp_project'), 0, 'C1 … and nothing was stored';
is_deeply [ grep { !/metadata|well-known/ } map { $_->{path} // $_->{url} } $w->ehr->log('/fhir/') ], [], 'C1 … nor asked of the EHR';
$cdp->grant(alice => 'setup');
$cdp->grant(bob => 'adjudicate');
is_error($cdp->api(GET => 'mapping', @alice), 404, 'not_found', 'CDP-MAP no mapping yet');
is_error($cdp->api(PUT => 'mapping', @bob, json => mapping('first')), 403, 'forbidden', 'C1 the right to adjudicate does not change the mapping');
is_error($cdp->api(@$_[ 0, 1 ], @alice, @$_[ 2 .. $#$_ ]), 403, 'forbidden', "C1 the right to set up does not see values: $$_[1]")
    for [ GET => 'records/1/items' ], [ GET => 'records/1/log' ], [ GET => 'records/1/count' ], [ POST => 'records/1/fetch', json => { mrn => 'MRN-10021' } ],
    [ POST => 'records/1/adjudicate', json => { token => 'x' } ];

# The mapping

my $saved = $cdp->api(PUT => 'mapping', @alice, json => mapping(qw(first last dob)));
is $saved->code, 200, 'CDP-MAP a mapping is stored';
is_deeply json($saved)->{fields}, [ @fields{qw(first last dob)} ], '… and answered as it was sent';
my $read = $cdp->api(GET => 'mapping', @bob);
is_deeply json($read), json($saved), 'CDP-MAP whoever has a right may read it';
like $read->header('ETag'), qr/^"\d+"$/, '… with its revision';
is $cdp->api(PUT => 'mapping', @alice, json => json($read), headers => [ 'If-Match' => $read->header('ETag') ])->code, 200, 'CDP-MAP If-Match of the one that was read';
is_error($cdp->api(PUT => 'mapping', @alice, json => mapping('first'), headers => [ 'If-Match' => $_ ]), 412, 'conflict', "CDP-MAP If-Match $_: somebody saved meanwhile")
    for $read->header('ETag'), '"99"', 'nonsense', 'W/"2"';
is_deeply json($cdp->api(GET => 'mapping', @alice)), json($read), '… and it is as it was';
my $wrong = is_error($cdp->api(PUT => 'mapping', @alice, json => mapping('first', { source => 'no-such-source', event => 'e1', field => 'x' },
    { source => '29463-7', event => 'e1', field => 'y' })), 400, 'invalid_mapping', 'C2 rows that cannot be used');
is_deeply [ map { $_->{row} } @{ $wrong->{rows} } ], [ 2, 3 ], 'C2 … are named';
ok !(grep { !length $_->{reason} } @{ $wrong->{rows} }), 'C2 … with a reason each';
is_deeply json($cdp->api(GET => 'mapping', @alice)), json($read), 'C2 … and nothing of it was saved';

# What it takes

is_error($cdp->api(PUT => 'mapping', @alice, body => $_->[0], headers => [ 'Content-Type' => $_->[1] ]), 400, $_->[2], "CDP-API a body that is $_->[3]")
    for [ '{', 'application/json', 'invalid_mapping', 'no JSON' ], [ '{}', 'text/plain', 'invalid_request', 'of another type' ],
    [ '{"version":1,' . ' ' x (1024 * 1024) . '}', 'application/json', 'invalid_request', 'longer than 1 MiB' ];
for my $case ([ PATCH => 'mapping', 'GET, HEAD, PUT' ], [ DELETE => 'mapping', 'GET, HEAD, PUT' ], [ GET => 'records/1/fetch', 'POST' ],
    [ POST => 'records/1/items', 'GET, HEAD' ], [ GET => 'records/1/adjudicate', 'POST' ], [ DELETE => 'records/1/log', 'GET, HEAD' ]) {
    my ($method, $path, $allow) = @$case;
    my $r = $cdp->api($method => $path, @bob);
    is_deeply [ $r->code, $r->header('Allow') ], [ 405, $allow ], "CDP-API $method $path is not allowed";
}
is $cdp->api(GET => $_, @bob)->code, 404, "CDP-API there is no $_"
    for qw(mapping/ mapping/x records records/1 records/1/nothing records/1/items/ records/1/items/x items records/a%2Fb/items records/a%01b/items);
for my $json (undef, [], { mrn => 7 }, { mrn => '' }, { mrn => 'x' x 201 }, { mrn => 'x', dates => 'today' }, { mrn => 'x', dates => { e1 => 'today' } },
    { mrn => 'x', dates => [ { event => 'e1', value => '2024-01-01' } ] }, { mrn => 'x', dates => [ { field => 'f', value => 'v', instance => -1 } ] },
    { mrn => 'x', dates => [ { field => 'f', value => 2024 } ] }, { mrn => 'x', date => {} }) {
    my $text = JSON::PP->new->canonical->allow_nonref->encode($json);
    is_error($cdp->api(POST => 'records/1/fetch', @bob, json => $json), 400, 'invalid_request', 'CDP-API fetch does not take ' . substr $text, 0, 60);
}
for my $json ([], { token => 'x', choices => 1 }, { token => 'x', choices => ['1'] }, { token => 'x', exclude => [0] }, { token => 'x', include => [1.5] },
    { token => 'x', choice => [1] }) {
    my $text = JSON::PP->new->canonical->encode($json);
    is_error($cdp->api(POST => 'records/1/adjudicate', @bob, json => $json), 400, 'invalid_request', "CDP-API adjudicate does not take $text");
}
is_error($cdp->api(GET => 'records/1/items', @bob), 404, 'not_found', 'CDP-API a record that was never fetched');
isnt $cdp->api(POST => 'records/1/fetch', @bob, json => { mrn => 'MRN-10021' }, headers => [ 'Sec-Fetch-Site' => 'same-origin' ])->code, 200, 'CDP-API a browser is no caller';
is rows('cdp_record'), 0, '… and nothing of all that made a record';

# A fetch, and what can be wrong with it

is_error($cdp->api(POST => 'records/9/fetch', @bob, json => { mrn => 'MRN-99999' }), 401, 'relaunch', 'C5 an MRN that the token of another patient cannot tell anything of');
{
    $w->ehr->settings(standalone => { user => 'dr-jones' });
    my $window = $w->browser->window;
    $window->type($w->url('/papp/login?' . answer(headers => [ 'Smart-Login' => 'bob' ])));
    $window->nav('/smart/start?ehr=sandbox');
    $window->nav($window->location, follow => 1, until => qr/^\Q${\ $w->url }\E/);
    $window->nav($window->location);
    is $pg->value("SELECT count(*) FROM smartlaunch.token WHERE app_user = 'bob' AND patient IS NULL AND status = 'active'"), 1, 'bob signed in without a patient';
}
is_error($cdp->api(POST => 'records/9/fetch', user => 'bob', json => { mrn => 'MRN-99999' }), 404, 'patient_not_found', 'C5 an MRN that nobody has');
is rows('cdp_value'), 0, 'C5 … nothing is held';
is_error($cdp->api(POST => 'records/8/fetch', user => 'bob', json => {}), 404, 'patient_not_found', 'C5 no MRN, and none is known');
$cdp->grant('carol');
my $lapsed = is_error($cdp->api(POST => 'records/2/fetch', user => 'carol', json => { mrn => 'MRN-10021' }), 401, 'relaunch', 'C5 a user who never signed in to the EHR');
like $lapsed->{relaunch_url}, qr{^https://.*/start\b}, '… is told where';
$cdp->grant('alice');
$cdp->grant('bob');
is $cdp->api(PUT => 'mapping', @alice, json => mapping(qw(first last dob weight)))->code, 200, 'a mapping with a weight';
my $fetched = $cdp->api(POST => 'records/1/fetch', @alice, json => { mrn => 'MRN-10021' });
is_deeply { %{ json($fetched) }{qw(state outcome new held warnings)} }, { state => 'idle', outcome => 'ok', new => 3, held => 3, warnings => [] },
    'C4 C6 three items, none of them by time: there is no date' or diag $fetched->content;
like json($fetched)->{fetched_at}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, '… with its time';
for my $dates ({ e1 => { visit => '2024-01-01' } }, [ { event => 'e1', field => 'visit', value => '2024-01-01' } ]) {
    is json($cdp->api(POST => 'records/1/fetch', @alice, json => { dates => $dates }))->{new}, 4, 'C6 with its date, the weight, too; the MRN is known';
}

# Items

my $items = items(1, @alice);
is_deeply [ sort keys %$items ], [ sort qw(record state outcome fetched_at new app_is_away token warnings targets) ], 'CDP-API items: what there is';
is_deeply [ map { $_->{field} } @{ $items->{targets} } ], [qw(first last dob weight)], '… in the order of the mapping';
my ($first, undef, undef, $weight) = @{ $items->{targets} };
is_deeply $first->{candidates}, [ { id => $first->{candidates}[0]{id}, source => 'name-given', source_label => 'First name', value => 'Luna', saved_as => 'Luna', unit => undef,
    note => undef, taken_at => undef, state => 'new', problem => undef, selected => JSON::PP::true } ], 'C4 a candidate with all that is known of it';
is_deeply { %$first{qw(event instance field label current date sent refusal)} }, { event => 'e1', instance => 0, field => 'first', label => 'first', current => undef,
    date => undef, sent => undef, refusal => undef }, '… and its target';
is $weight->{date}, '2024-01-01', 'C8 a weight has the date that opened its window';
is_deeply [ map { [ @$_{qw(value unit)}, !!$_->{selected} ] } @{ $weight->{candidates} } ], [ [ '66.2', 'kg', '' ], [ '66.8', 'kg', 1 ] ], 'C8 and the larger is selected';
is_deeply [ map { $_->{state} } map { @{ $_->{candidates} } } @{ items(1, @bob)->{targets} } ], [ ('new') x 5 ], 'C1 a colleague with the right sees the same';

my $seen = rows('cdp_view');
sub counted { return json($cdp->api(GET => "records/$_[0]/count", @bob)) }
is_deeply counted('1'), { new => 4, state => 'idle', fetched_at => $items->{fetched_at} }, 'H2 the notice: how many fields have something new';
is rows('cdp_view'), $seen, 'H6 … which shows nobody a value';
is_deeply counted('77'), { new => 0, state => 'idle', fetched_at => undef }, 'H2 … nothing of a record that nobody fetched';
ok json($cdp->api(GET => 'records/77/count?form=find', @bob))->{token}, 'H2 … with a token for a form only where one is asked for';

# Decide

my @ids = map { $_->{id} } grep { $_->{selected} } map { @{ $_->{candidates} } } @{ $items->{targets} };
is_error($cdp->api(POST => 'records/1/adjudicate', @bob, json => { token => $items->{token}, choices => \@ids }), 403, 'invalid_token', "H3 another user's token");
is_error($cdp->api(POST => 'records/1/adjudicate', user => 'alice', json => { token => $items->{token}, choices => \@ids }), 403, 'invalid_token', "H3 another session's token");
is_error($cdp->api(POST => 'records/1/adjudicate', @alice, json => { token => $_, choices => \@ids }), 403, 'invalid_token', 'H3 no token of ours')
    for undef, '', 'x', $items->{token} =~ s/^(\d+)/$1 + 1/er, $items->{token} =~ s/\.(\d+)\./'.' . ($1 + 1) . '.'/er, "$items->{token}x", '1.1.' . 'A' x 43;
is_error($cdp->api(POST => 'records/1/adjudicate', @alice, json => { token => $items->{token}, choices => [ 4_000_000_000 ] }), 400, 'invalid_choice', 'H3 an id of nothing');
is rows('cdp_outbox') + $pg->value("SELECT count(*) FROM smartlaunch.cdp_value WHERE state <> 'new'"), 0, 'H3 … and nothing was decided';
my $decided = $cdp->api(POST => 'records/1/adjudicate', @alice, json => { token => $items->{token}, choices => \@ids });
is_deeply json($decided), { saved => 4, passed => 1, excluded => 0, included => 0, delivered => 4, waiting => 0, refused => 0, new => 0 }, 'C4 saved and delivered' or diag $decided->content;
my %got = map { my $sent = json_of($_->{body}); %{ $sent->{values} } } $cdp->deliveries;
is_deeply \%got, { first => 'Luna', last => 'McCullough', dob => '1984-11-06', weight => '66.8' }, 'C4 the app has the values';
is_error($cdp->api(POST => 'records/1/adjudicate', @alice, json => { token => $items->{token}, choices => \@ids }), 409, 'conflict', 'H3 the same form once more');
is_deeply [ map { $_->{sent} } @{ items(1, @alice)->{targets} } ], [ ('delivered') x 4 ], 'C4 and the sheet says so';

# What it leaves behind

my $log = json($cdp->api(GET => 'records/1/log', @alice))->{entries};
is_deeply [ map { "$_->{what} $_->{user}" } grep { $_->{what} =~ /^(?:saved|passed)$/ } @$log ], [ ('passed alice') x 0, map { "$_ alice" } qw(saved passed saved saved saved) ],
    'C4 the log says who adjudicated' or diag explain $log;
is scalar(grep { $_->{what} eq 'fetched' } @$log), 3, '… and each fetch';
is scalar(grep { $_->{what} eq 'viewed' && $_->{user} eq 'bob' && $_->{detail} eq '5 values' } @$log), 1, 'H6 … and that a colleague looked';
my $everything = $httpd->error_log . $pg->dump;
unlike $everything, qr/$_/, "H1 C13 in no log and no table: $_" for qw(MRN-10021 MRN-99999 McCullough 1984-11-06 66\.8);
$httpd->expect_log($_) for qw(SL1303 SL8541 SL8542 SL8543 SL8546 SL8547 SL8549 SL8550 SL8551 SL8552 SL8201 SL8203 SL8204 SL5853);
$httpd->allow_log(qw(SL8512 SL8513 SL8514 SL8516 SL8521 SL8523 SL8101 SL8102 SL8103 SL8122 SL8125 SL8545));
done();

sub json_of { return JSON::PP->new->utf8->decode($_[0]) }
