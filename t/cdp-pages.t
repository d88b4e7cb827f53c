#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The screens of the Clinical Data Pull as a browser meets them: from the MRN to the saved value, what
# is refused, what is escaped, and what a wrong or old form does (nothing).
# mpm: sanitized
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::REDCap;
use HTML::Parser;

# Texts that somebody else writes, and that no screen may take for markup.
my $evil = q{<script>alert("x")</script>' onload='x' &amp; <b>};
my $project = SL::REDCap::default_project();
$_->{field_label} = 'Name & "title" &lt;script&gt;' for grep { $_->{field_name} eq 'first_name' } @{ $project->{metadata} };
my $redcap = SL::REDCap->new(project => $project);
my $w = world(fpm => 0, ehr => { search => 1 }, cdp => { redcap => $redcap }, ehr_block => 'SmartStandaloneScope "openid fhirUser offline_access user/*.rs"');
my ($httpd, $ehr, $pg, $cdp) = ($w->httpd, $w->ehr, $w->pg, $w->cdp);
my $event = 'event_1_arm_1';
my $mrn = 'MRN-10021';
my ($luna, $johnnie) = @{ $ehr->patients };
my %launch = (alice => $w->launch(login => 'alice'), bob => $w->launch(login => 'bob', user => 'dr-jones', patient => undef));
my ($alice, $bob) = map { $_->{window} } @launch{qw(alice bob)};

# Helpers

sub field { my ($source, $field, %more) = @_; return { source => $source, event => $event, field => $field, %more } }
my @people = (field('name-given', 'first_name'), field('name-family', 'last_name'), field('birthDate', 'dob'));
my $weight = field('29463-7', 'body_weight', temporal_field => 'visit_date', preselect => 'MAX');

sub set_up {
    my ($fields, %more) = @_;
    my $r = $cdp->api(PUT => 'mapping', session => $launch{alice}{session}, json => { version => 1, project => 'study',
        day_offset => { days => 365, direction => '+-' }, convert_gmt => JSON::PP::false, adjudication => 'manual',
        preview => [qw(name-given name-family birthDate)], identifier => field(id => 'mrn'), fields => $fields, %more });
    is $r->code, 200, 'a mapping' or diag $r->content;
    return;
}

sub who { my ($window) = @_; return $window == $bob ? 'bob' : 'alice' }
sub url { my ($window, @parts) = @_; return $cdp->url(@parts, smart_launch => $launch{ who($window) }{handle}) }
sub text { my ($r) = @_; my $text = $r->decoded_content; $text =~ s/<style>.*?<\/style>//s; $text =~ s/<[^>]+>/ /g; $text =~ s/\s+/ /g; return $text }
sub count { my ($sql, @bind) = @_; return $pg->value("SELECT count(*) FROM smartlaunch.$sql", @bind) }
sub news { my ($window, $record) = @_; return json($window->xhr(GET => url($window, $record, 'count'))) }
sub states { my ($record) = @_; return join ' ', map { $_->{state} } $pg->rows('SELECT state FROM smartlaunch.cdp_value WHERE record = ? ORDER BY id', $record) }
# Everything a wrong request must leave alone.
sub everything {
    return join "\n", map { $pg->value("SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM (SELECT $_) t") }
        'project, record, patient, version, outcome FROM smartlaunch.cdp_record', map { "* FROM smartlaunch.$_" } qw(cdp_value cdp_outbox cdp_log);
}

# Every screen that is opened: its headers, and that nothing in it came from a text.
my %bad;
sub look {
    my ($r) = @_;
    my $csp = $r->header('Content-Security-Policy') // '';
    my $ehr_origin = $ehr->base;
    $bad{'no-store'}++ if ($r->header('Cache-Control') // '') ne 'no-store';
    $bad{nosniff}++ if ($r->header('X-Content-Type-Options') // '') ne 'nosniff';
    $bad{"referrer policy"}++ if ($r->header('Referrer-Policy') // '') ne 'same-origin';
    $bad{"policy: $csp"}++ if $csp !~ /^default-src 'none'; style-src 'sha256-[^']+'; (?:form-action 'self'; )?base-uri 'none'; frame-ancestors / || $csp !~ /frame-ancestors [^;]*\Q$ehr_origin\E/;
    HTML::Parser->new(api_version => 3, start_h => [ sub {
        my ($tag, $attr) = @_;
        $bad{"<$tag>"}++ if $tag =~ /^(?:script|img|iframe|b|object|embed|link)$/ && !($tag eq 'b' && !%$attr);
        $bad{"<$tag $_>"}++ for grep { /^on|^style$/ } keys %$attr;
    }, 'tagname, attr' ])->parse($r->decoded_content)->eof;
    return $r;
}
sub visit { my ($window, @parts) = @_; return look($window->nav(url($window, @parts))) }
sub send_form { my ($window, %how) = @_; return look($window->submit(%how)) }
sub find_patient { my ($window, $record, $number) = @_; visit($window); return send_form($window, action => qr/find/, fields => { record => $record, mrn => $number }) }
sub yes { my ($window) = @_; return send_form($window, action => qr/fetch/) }
sub fetch { my ($window, $record, $number) = @_; find_patient($window, $record, $number // $mrn); return yes($window) }

# The form of a sheet, and its radio button of a field by the text of its label.
sub sheet { my ($window) = @_; return (grep { $_->find_input('do') } $window->forms)[0] }
sub ticked { my ($window) = @_; return { map { $_->name => $_->value } grep { $_->type eq 'radio' && length($_->value // '') } sheet($window)->inputs } }
sub ids { my ($record) = @_; return map { $_->{id} } $pg->rows('SELECT id FROM smartlaunch.cdp_value WHERE record = ? ORDER BY id', $record) }
sub token { my ($window) = @_; return sheet($window)->value('token') }
# Press Save (or another button) with these fields in place of what is ticked.
sub decide {
    my ($window, $record, %what) = @_;
    my %fields = (token => $what{token} // token($window), do => $what{do} // 'save');
    my @pairs = map { [ $_ => $fields{$_} ] } grep { length $fields{$_} } sort keys %fields;
    push @pairs, map { my $name = $_; map { [ $name => $_ ] } @{ $what{$name} } } grep { ref $what{$_} } sort keys %what;
    my $r = $window->post(url($window, $record), [ map { @$_ } @pairs ], follow => 1);
    return $r->code == 403 ? $r : look($r);
}

# C1: nobody without a right

is $alice->nav(url($alice))->code, 403, 'C1 without a right the project is closed';
is $alice->nav(url($alice, '1', 'count'))->code, 403, 'C1 … and its count';
is $alice->nav($w->url("/cdp/?smart_launch=$launch{alice}{handle}"))->code, 200, 'C1 the list of projects';
like text(look($alice->response)), qr/no project in which you have a right/, '… has none';
$cdp->grant(alice => 'setup');
set_up([ @people, $weight ]);
is visit($alice)->code, 200, 'C1 who may set up sees the project';
unlike $alice->response->content, qr/action="[^"]*find/, 'C1 … and no way to patients';
is $alice->nav(url($alice, @$_))->code, 403, "C1 … nor to @$_" for ['1'], [qw(1 log)];
is $alice->post(url($alice, 'find'), { record => 1, mrn => $mrn })->code, 403, 'C1 … nor by a form';
$cdp->grant(alice => 'adjudicate');
$cdp->grant(bob => 'adjudicate');
look($alice->nav($w->url("/cdp/?smart_launch=$launch{alice}{handle}")));
like $alice->response->content, qr{<a href="/cdp/study/\?smart_launch=\Q$launch{alice}{handle}\E">study</a>}, 'C1 the list has her project';
unlike visit($bob)->content, qr{/setup}, 'C1 who may not set up has no link to it';

# C3: is this the patient?

$redcap->put('1', $event, visit_date => '2024-01-01');
my $r = find_patient($alice, 1, $mrn);
is $r->code, 200, 'C3 a medical record number is looked up';
like text($r), qr/Is this the patient\?.*First name.*Luna.*Last name.*McCullough.*1984-11-06/, 'C3 … and what tells the patient is shown';
is count('cdp_record') + count('cdp_value'), 0, 'C3 … while nothing is stored';
unlike $r->content =~ s/name="mrn" value="[^"]*"//r, qr/\Q$mrn\E/, 'C3 the number is in the form and nowhere else';
is_deeply news($alice, 1), { new => 0, fetched_at => undef, state => 'idle' }, 'H2 the count of a record that is not there';
my $token = json($alice->xhr(GET => url($alice, 1, 'count') . '&form=find'))->{token};
like text($alice->post(url($alice, 'find'), { token => $token, record => 1, mrn => $mrn })), qr/Is this the patient\?/,
    '… and what a form of the app itself needs to look for a patient';
is $bob->post(url($bob, 'find'), { token => $token, record => 1, mrn => $mrn })->code, 403, '… hers alone';
is count('cdp_record') + count('cdp_value'), 0, '… while nothing is stored';
find_patient($alice, 1, $mrn);
my ($form) = grep { $_->action =~ /fetch/ } $alice->forms;
is $alice->post($form->action, { token => $form->value('token'), mrn => 'MRN-10034' })->code, 403, 'C3 the yes is about this number and no other';
is $alice->post($form->action =~ s{/1/}{/2/}r, { token => $form->value('token'), mrn => $mrn })->code, 403, 'C3 … and about this record';
is $bob->post(url($bob, 1, 'fetch'), { token => $form->value('token'), mrn => $mrn })->code, 403, 'C3 … and it is alice who says it';
is count('cdp_record'), 0, 'C3 … nothing is stored';
find_patient($alice, 1, "  $mrn ");
$r = yes($alice);
is $r->code, 200, 'C4 a yes fetches' or diag text($r);
like $alice->page, qr{/cdp/study/1\?}, '… and leads to the record';
like text($r), qr/4 new items/, 'C4 H2 with what is new';
is news($alice, 1)->{new}, 4, 'H2 which the count tells the app, too';
like news($alice, 1)->{fetched_at}, qr/^\d{4}-\d\d-\d\dT[\d:]+Z$/, '… with its time';
is $alice->xhr(GET => url($alice, 1, 'count'))->header('Content-Type'), 'application/json', '… as JSON';
is $redcap->value('1', $event, 'first_name'), undef, 'C4 the study has none of it';
like text(visit($alice)), qr/1 4 new items/, 'H2 the project lists the record';
like $alice->response->content, qr{href="/cdp/study/1\?smart_launch=[^"]+">1</a>}, 'H2 … with a link to it';
like text($alice->response), qr/signed in to the EHR/, 'and says how her sign-in is';

# C8, H2, H4: what is ticked, and what she ticks

visit($alice, 1);
my ($first, $last, $dob, $light, $heavy) = ids(1);
is_deeply [ sort { $a <=> $b } values %{ ticked($alice) } ], [ $first, $last, $dob, $heavy ], 'C8 MAX ticks the larger one';
like $alice->response->content, qr{<fieldset><legend>[^<]*</legend>.*?role="img"}s, 'a drawing of what was measured';
like $alice->response->content, qr{<title id="chart\d+">Body weight: 2 values from 2023-09-11 12:18:29 to 2024-09-16 12:18:29, between 66.2 and 66.8 kg}, '… that says in words what it shows';
my $before = everything();
my ($later) = $alice->response->content =~ m{<a class="button" href="([^"]+)">Later</a>};
is look($alice->nav($later))->code, 200, 'H2 Later';
is everything(), $before, 'H2 … changes nothing';
visit($alice, 1);
$r = decide($alice, 1, pick0 => [''], pick1 => [''], pick2 => [$dob], pick3 => [$light], exclude => [$last]);
like text($r), qr/2 values saved\. 1 value excluded\./, 'C8 H4 she saves the other weight, and excludes a name' or diag text($r);
is_deeply [ map { $redcap->value('1', $event, $_) } qw(body_weight dob first_name last_name) ], [ '66.2', '1984-11-06', undef, undef ], 'C4 C8 that is in the study, and nothing else';
is states(1), 'new excluded saved saved passed', 'H4 the one beside it is passed over, the rest waits';
is news($alice, 1)->{new}, 1, 'H4 and is counted no more';
like text($r), qr/In the study now: nothing\./, 'what the study has is shown';
like text(visit($alice, 1)), qr/body_weight 66\.2 saved/, '… of the saved ones, too';
send_form($alice, action => qr/fetch/);
like text($alice->response), qr/nothing in the chart has changed/, 'H4 C12 a fetch brings none of it back';
is states(1), 'new excluded saved saved passed', '… no row more';
$r = decide($alice, 1, do => 'exclude', pick0 => [$first], include => [$last]);
like text($r), qr/1 value is offered again\./, 'H4 what was excluded is offered again';
is states(1), 'new new saved saved passed', '… while Exclude only saves nothing that is ticked';
$r = decide($alice, 1, pick0 => [$first], exclude => [$first]);
is states(1), 'excluded new saved saved passed', 'H4 what is ticked and marked to be excluded is excluded';
like text(visit($alice, '1', 'log')), qr/alice excluded \Q$event\E, first_name name-given.*alice saved/, 'the log says who did what';
unlike text($alice->response), qr/McCullough|66\.2|$mrn/, '… and no value';
is $alice->nav(url($alice, 'nobody', 'log'))->code, 404, 'a record that is not there has no log';

is visit($alice, 'nobody')->code, 404, 'a record that nobody fetched';
like text($alice->response), qr/Nothing has been fetched for this record yet/, '… says so';
is +(grep { $_->action =~ /find/ } $alice->forms)[0]->value('record'), 'nobody', '… and offers to';
my $views = count('cdp_view');
is $alice->nav(url($alice, 1), method => 'HEAD')->code, 200, 'H6 HEAD of a sheet';
is count('cdp_view'), $views, 'H6 … shows nobody anything';

# H3: forms that are not ours

sub untouched {
    my ($name, $r) = @_;
    is $r->code, 403, "H3 $name: 403";
    is everything(), $before, "H3 $name: nothing is stored";
    return;
}
fetch($bob, 2);
fetch($alice, 3);
my ($other) = ids(2);
visit($bob, 2);
my $bobs = token($bob);
visit($alice, 2);
my $hers = token($alice);
$before = everything();
untouched('no token', decide($alice, 2, token => '', pick0 => [$other]));
untouched('a token of another session', decide($alice, 2, token => $bobs, pick0 => [$other]));
untouched('a token of another record', decide($alice, 3, token => $hers, pick0 => [$other]));
untouched('a token with another version', decide($alice, 2, token => $hers =~ s/^(\d+)/$1 + 1/er, pick0 => [$other]));
untouched('a token that was guessed', decide($alice, 2, token => 'x' x 60, pick0 => [$other]));
untouched('two tokens', $alice->post(url($alice, 2), [ token => $hers, token => $hers, pick0 => $other ]));
untouched('an id that is none', decide($alice, 2, token => $hers, pick0 => ['1; DROP']));
my $evil_site = bless { %$alice, page => URI->new('https://evil.example/'), hops => [] }, ref $alice;
untouched('a form of another site', $evil_site->post(url($alice, 2), [ token => $hers, pick0 => $other ]));
untouched('a form of nowhere', $alice->post(url($alice, 2), [ token => $hers, pick0 => $other ], without => qr/^(?:Origin|Sec-Fetch-|Referer)/));
visit($alice);
untouched('a look-up without a token', $alice->post(url($alice, 'find'), { record => 9, mrn => $mrn }));
untouched('a fetch without a token', $alice->post(url($alice, 2, 'fetch'), {}));
is $alice->post(url($alice, 2), 'x', type => 'text/plain')->code, 400, 'H3 a body that is no form';
is $alice->nav(url($alice, @{ $_->[1] }), method => $_->[0], $_->[0] eq 'POST' ? (body => 'a=1', type => 'application/x-www-form-urlencoded') : ())->code, 405, "$_->[0] of @{ $_->[1] } is not allowed"
    for [ GET => [qw(2 fetch)] ], [ GET => ['find'] ], [ POST => [qw(2 log)] ], [ POST => [qw(2 count)] ], [ POST => [] ];
is $alice->nav(url($alice, @$_))->code, 404, "there is no @$_" for [qw(2 nothing)], [qw(2 log 1)], ['nobody'], [qw(find 1)], ["a\x01b"];

# H3: somebody was faster

visit($bob, 2);
my ($a, $b) = ids(2);
visit($alice, 2);
like text(decide($alice, 2, pick1 => [$b])), qr/1 value saved/, 'H3 alice saves a field of a record';
$before = everything();
$r = decide($bob, 2, token => token($bob), pick0 => [$a]);
is $r->code, 409, 'H3 bob, who opened it before, is told of a conflict';
like text($r), qr/has changed since you opened it: alice, saved, 20/, 'H3 … by whom';
is everything(), $before, 'H3 … and nothing of his is stored';
ok sheet($bob), 'H3 … he sees how it is now';
like text(decide($bob, 2, pick0 => [$a])), qr/1 value saved/, 'H3 and can decide again';

# H5: what does not fit, and what the app refuses

set_up([ field('name-given', 'sex'), field('birthDate', 'last_name') ]);
fetch($alice, 5);
my ($sex, $name) = ids(5);
like text($alice->response), qr/Luna First name Cannot be saved: [^.]*choice/, 'H5 a value that does not fit is shown, with the reason beside it';
is_deeply [ values %{ ticked($alice) } ], [$name], 'H5 … and cannot be chosen';
$before = everything();
$r = decide($alice, 5, pick0 => [$sex], pick1 => [$name]);
is $r->code, 400, 'H5 nor by a forged form';
like text($r), qr/Nothing was saved\. .*choice/, '… which says why';
is everything(), $before, 'H5 … and saves nothing that came with it';
is_deeply [ values %{ ticked($alice) } ], [$name], 'H5 … while what could be saved is still ticked';
$redcap->set(locked => [ { record => '5' } ]);
$r = decide($alice, 5, pick1 => [$name]);
like text($r), qr/1 of them was refused by the study&#39;s application.*refused 1 saved value.*refused the value that was saved: .*locked/, 'H5 a locked record is not written, and the sheet says why' or diag text($r);
is $redcap->value('5', $event, 'last_name'), undef, '… not written';
$redcap->set(locked => []);
like text(decide($alice, 5, pick1 => [$name])), qr/1 value saved/, 'H5 it can be chosen again';
is $redcap->value('5', $event, 'last_name'), '1984-11-06', '… and is there';

# The app is away

set_up([@people]);
fetch($alice, 6);
visit($alice, 6);
my ($given) = ids(6);
$redcap->faults({ path => '/api/', when => { action => 'import' }, status => 503 });
$r = decide($alice, 6, pick0 => [$given]);
like text($r), qr/1 value saved.*1 saved value waits for the study's application/, 'CDP-DEL what cannot be delivered waits, and the sheet says so' or diag text($r);
$redcap->faults;
$redcap->away;
$r = visit($alice, 6);
is $r->code, 200, 'CDP-DEL the app is away: the sheet is shown';
like text($r), qr/application cannot be asked at the moment/, '… and says so';
$redcap->back;

# C5, C14, C11: what the EHR says

my $system = $SL::CDP::mrn_system;
sub person { my ($id, $number, %more) = @_; return { resourceType => 'Patient', id => $id, identifier => [ { system => $system, value => $number } ], %more } }
sub bundle { return JSON::PP->new->utf8->encode({ resourceType => 'Bundle', type => 'searchset', entry => [ map { { resource => $_, search => { mode => 'match' } } } @_ ] }) }
sub refusal { my ($code, $text) = @_; return JSON::PP->new->utf8->encode({ resourceType => 'OperationOutcome', issue => [ { severity => 'error', code => $code, details => { text => $text } } ] }) }
sub faulty { my ($type, $status, $body) = @_; return $ehr->faults("fhir:$type" => { status => $status, body => $body, content_type => 'application/fhir+json' }) }
my $count = count('cdp_record');
$r = find_patient($bob, 7, 'MRN-99999');
is $r->code, 404, 'C5 a number that nobody has';
like text($r), qr/No such patient/, '… in plain words';
faulty(Patient => 200, bundle(person($luna, $mrn), person($johnnie, $mrn)));
$r = find_patient($bob, 7, $mrn);
is $r->code, 409, 'C5 several patients';
like text($r), qr/More than one patient/, '… in plain words';
faulty(Patient => 403, refusal(security => 'Break-the-Glass'));
$r = find_patient($bob, 7, $mrn);
is $r->code, 403, 'C14 a protected patient';
like text($r), qr/protects this chart.*chart is not empty/, '… is told apart from an empty chart';
faulty(Patient => 500, '');
$r = find_patient($bob, 7, $mrn);
is $r->code, 502, 'C11 the EHR fails';
like text($r), qr/cannot be read at the moment/, '… in plain words';
$ehr->faults;
$r = find_patient($alice, 7, 'MRN-10034');
is $r->code, 401, 'C5 another patient than the one whose chart is open';
like $r->content, qr{<a class="button" href="https://[^"]+/start\?[^"]*ehr=sandbox[^"]*" target="_blank">Sign in to the EHR}, '… with a link that signs in';
is find_patient($bob, $_->[0], $_->[1])->code, 400, "$_->[2]" for [ 'setup', $mrn, 'a name that is taken' ], [ 'a/b', $mrn, 'a name with a slash' ], [ '7', ' ', 'no number' ], [ '..', $mrn, 'no name' ];
is count('cdp_record'), $count, 'C5 … nothing is stored by any of them';
faulty(Observation => 403, refusal(security => 'Break-the-Glass'));
set_up([ @people, $weight ]);
$redcap->put('8', $event, visit_date => '2024-01-01');
is fetch($bob, 8)->code, 403, 'C14 a chart that is protected later';
like text(visit($bob, 8)), qr/does not mean that the chart is empty/, 'C14 … and its sheet says so';
$ehr->faults;

set_up([@people]);
fetch($alice, 'k');
visit($alice, 'k');
$pg->dbh->do("UPDATE smartlaunch.cdp_record SET mrn_key = 'gone' WHERE record = 'k'");
is send_form($alice, action => qr/fetch/)->code, 409, 'H1 a number that cannot be read any more';
like text($alice->response), qr/look for the patient again/, '… says what to do';

# H5: markup in every text

my $record = qq(<script>"r' & \x{fc}%);
set_up([ @people, field('active-problem-list', 'problem_list') ]);
$redcap->put($record, $event, last_name => $evil);
faulty(Patient => 200, bundle(person($luna, $mrn, name => [ { use => 'official', given => ["Luna $evil"], family => 'X' } ])));
$r = find_patient($alice, $record, $mrn);
is $r->code, 200, 'H5 a name of a record with every sign';
like $r->decoded_content, qr/Luna &lt;script&gt;/, 'H5 markup in a preview is text';
$r = yes($alice);
is $r->code, 200, 'H5 … and its sheet opens' or diag text($r);
like $alice->page, qr{/cdp/study/%3Cscript%3E%22r%27%20%26%20%C3%BC%25\?}, '… at an address that is encoded';
like $r->decoded_content, qr/<span class="value">&lt;script&gt;/, 'H5 markup in what the study has';
like $r->decoded_content, qr/<span class="value">Luna &lt;script&gt;/, 'H5 markup in a candidate';
like $r->decoded_content, qr/<legend>Name &amp;/, 'H5 … in the label of a field';
$ehr->faults;
faulty(Condition => 403, refusal(forbidden => $evil));
send_form($alice, action => qr/fetch/);
like $alice->response->decoded_content, qr/<li>[^<]*: [^<]*(?:&lt;script&gt;|not|refus)/i, 'H5 C11 what an EHR says of a category is named as text';
$ehr->faults;
$redcap->faults({ path => '/api/', when => { action => 'import' }, status => 400, body => JSON::PP->new->encode({ error => $evil }) });
decide($alice, $record, pick0 => [ ticked($alice)->{pick0} ]);
like $alice->response->decoded_content, qr/refused the value that was saved: [^<]*onload=&#39;x&#39;/, 'H5 … and why an app refuses';
$redcap->faults;
is visit($alice, $record, 'log')->code, 200, 'H5 the log of that record';
is visit($alice)->code, 200, 'H5 and the list with it';
is_deeply \%bad, {}, 'H5 no screen so far had an element or attribute from a text, or lacked a header';

# Many records, and who has no sign-in

$pg->dbh->do("INSERT INTO smartlaunch.cdp_record (project, record, mrn_sealed, mrn_key, mrn_print, state)
    SELECT project, 'many' || lpad(n::text, 3, '0'), mrn_sealed, mrn_key, mrn_print, 'idle' FROM smartlaunch.cdp_record, generate_series(1, 120) n WHERE record = '1'");
my %seen;
for (my $next = url($alice); $next; ) {
    look($alice->nav($next));
    $seen{$_}++ for $alice->response->content =~ m{>(many\d+)</a>}g;
    ($next) = map { s/&amp;/&/gr } $alice->response->content =~ m{href="([^"]+)">More records};
}
is_deeply [ scalar(keys %seen), grep { $_ != 1 } values %seen ], [120], 'all records are listed, page by page';
look($alice->nav(url($alice) . '&show=new'));
unlike $alice->response->content, qr/many/, 'or only those with new items';
$cdp->grant('carol');
my $carol = $w->browser->window;
look($carol->nav($w->url('/papp/?' . answer(status => 302, headers => [ 'Smart-Login' => 'carol', Location => '/cdp/study/' ])), follow => 1));
like text($carol->response), qr/not signed in to the EHR/, 'T5 in an ordinary browser: a user without a sign-in at the EHR is told';
my ($start) = map { s/&amp;/&/gr } $carol->response->content =~ m{href="(https://[^"]+/start\?[^"]+)" target="_self"};
like $start, qr{return=%2Fcdp%2Fstudy%2F}, '… with a link to one that comes back';
$ehr->settings(standalone => { user => 'nurse-lee' }, refresh => JSON::PP::false());
$carol->nav($start);
$carol->nav($carol->location, follow => 1, until => qr/^\Q${\ $w->url }\E/);
$carol->nav($carol->location, follow => 1);
look($carol->submit(button => [ answer => 'yes' ]));
is $carol->page->path, '/cdp/study/', 'L9 after a standalone launch she is back at the project';
like text($carol->response), qr/Your sign-in at the EHR lapses in \d+ (?:minute|hour)s?\. Sign in again/, 'T5 … told when a sign-in without a refresh token lapses';
$ehr->settings(refresh => JSON::PP::true());
($start) = map { s/&amp;/&/gr } $carol->response->content =~ m{href="(https://[^"]+/start\?[^"]+)" target="_self"};
$carol->nav($start);
$carol->nav($carol->location, follow => 1, until => qr/^\Q${\ $w->url }\E/);
look($carol->nav($carol->location, follow => 1, typed => 1)); # what passed the EHR names no page of ours in Chromium
is $carol->page->path, '/cdp/study/', '… where she comes back from, too';
like text($carol->response), qr/You are signed in to the EHR/, '… signed in';
look($carol->submit(action => qr/find/, fields => { record => 'c', mrn => $mrn }));
like text(look($carol->submit(action => qr/fetch/))), qr/3 new values|4 new items/, 'T5 C4 and fetches a record' or diag text($carol->response);

is_deeply \%bad, {}, 'no screen had an element or attribute from a text, or lacked a header';
my $log = $httpd->error_log;
unlike $log, qr/MRN-|McCullough|1984-11-06|66\.8|<script/, 'no number and no value in the error log';
my $asked = slurp($httpd->dir . '/access.log');
like $asked, qr{POST /cdp/study/find}, 'addresses are logged';
unlike $asked, qr/MRN-|McCullough|1984-11-06/, '… and no number and no value is in any of them';
$httpd->expect_log(qw(SL1410 SL2532 SL8117 SL8118 SL8121 SL8122 SL8123 SL8125 SL8133 SL8141 SL8204 SL8206 SL8303 SL8512 SL8513 SL8516 SL8521 SL8570 SL8571 SL8573));
done();
