#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A fetch of the Clinical Data Pull: who the patient is, which token asks, what is asked for and
# held, and what an EHR on a bad day can do to it.
# mpm: sanitized
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use JSON::PP ();

my $w = world(fpm => 0, gateway => undef, cdp => {}, ehr => { search => 1 },
    ehr_block => 'SmartOutbound timeout=20s');
my ($httpd, $ehr, $cdp) = ($w->httpd, $w->ehr, $w->cdp);
my ($luna, $johnnie) = ('luna-mccullough', 'johnnie-hermiston');
my $mrn = 'MRN-10021';
my $system = 'urn:oid:1.2.36.146.595.217.0.1';

$cdp->grant('alice')->grant('bob')->grant('carol');
my $l = $w->launch(login => 'alice', patient => $luna);
ok $l->{session}, 'alice has launched from the chart of a patient';

my %mapping = (
    version => 1, project => 'study', day_offset => { days => 1, direction => '+-' },
    preview => [ 'name-given', 'name-family', 'birthDate' ],
    identifier => { source => 'id', event => 'visit', field => 'mrn' },
    fields => [
        { source => 'name-given', event => 'visit', field => 'first' },
        { source => 'name-family', event => 'visit', field => 'last' },
        { source => 'birthDate', event => 'visit', field => 'dob' },
        { source => '718-7', event => 'visit', field => 'hb', temporal_field => 'visit_date', preselect => 'NEAR' },
        { source => 'active-problem-list', event => 'visit', field => 'problems' },
        { source => 'allergy-list', event => 'visit', field => 'allergies' },
    ],
);
is $cdp->api(PUT => 'mapping', user => 'alice', json => \%mapping)->code, 200, 'the study has a mapping';

# A day on which this patient has a result: visits are three months apart, the last one on 2025-09-22.
my $dated = { visit => { visit_date => '2025-09-22' } };

sub fetch {
    my ($record, %arg) = @_;
    my %who = $arg{user} ? (user => delete $arg{user}) : (session => delete $arg{session} // $l->{session});
    $ehr->forget;
    my %ask = (mrn => $mrn, %arg);
    return $cdp->api(POST => "records/$record/fetch", %who, json => { map { defined $ask{$_} ? ($_ => $ask{$_}) : () } keys %ask });
}

# What the EHR was asked, as "Type" or "Type?names of parameters"; and by whom.
sub asked { return [ map { $_->{path} =~ s{^/fhir/}{}r } $ehr->log('/fhir/') ] }
sub rows { my ($record) = @_; return $w->pg->value('SELECT count(*) FROM smartlaunch.cdp_value WHERE record = ?', $record) }
sub told { my ($answer) = @_; return join ' | ', map { "$_->{source}: $_->{message}" } @{ json($answer)->{warnings} || [] } }
sub record { my ($record) = @_; return ($w->pg->rows('SELECT * FROM smartlaunch.cdp_record WHERE record = ?', $record))[0] }
sub bundle { my ($next, @resources) = @_; return JSON::PP->new->utf8->encode({ resourceType => 'Bundle', type => 'searchset',
        link => [ $next ? { relation => 'next', url => $next } : () ],
        entry => [ map { ref $_ eq 'HASH' && $_->{search} ? $_ : { resource => $_, search => { mode => 'match' } } } @resources ] }) }
sub faulty { my ($type, $body, %more) = @_; return ("fhir:$type" => { status => 200, body => $body, content_type => 'application/fhir+json', %more }) }
sub hemoglobin {
    my ($id, $when, $value, %more) = @_;
    return { resourceType => 'Observation', id => $id, status => 'final', subject => { reference => "Patient/$luna" },
        code => { coding => [ { system => 'http://loinc.org', code => '718-7' } ] }, effectiveDateTime => $when,
        valueQuantity => { value => $value, unit => 'g/dL', code => 'g/dL', system => 'http://unitsofmeasure.org' }, %more };
}
sub outcome_of { my ($code, $text) = @_; return JSON::PP->new->utf8->encode({ resourceType => 'OperationOutcome',
        issue => [ { severity => 'error', code => $code, details => { text => $text } } ] }) }

# Without dates: what belongs to no day. With one: what was measured around it.
{
    my $answer = fetch(1);
    is $answer->code, 200, 'C6 a record without a visit date is fetched' or diag $answer->as_string;
    is_deeply [ sort @{ asked() } ], [qw(AllergyIntolerance Condition Patient)], 'C6 nothing that was measured is asked for';
    is json($answer)->{outcome}, 'ok', 'C6 that is no failure' or diag told($answer);
    is_deeply [ @{ json($answer) }{qw(new held state)} ], [ 5, 5, 'idle' ], 'C4 three demographics and two lists are held';
    is record(1)->{patient}, $luna, 'the record has its patient';

    $answer = fetch(1, dates => $dated);
    is json($answer)->{outcome}, 'ok', 'C6 with a visit date' or diag $answer->as_string;
    my ($request) = $ehr->log('/fhir/Observation');
    like $request->{query}{patient} // '', qr/^(?:Patient\/)?$luna$/, 'C6 what was measured is asked for, of this patient';
    is_deeply [ map { substr $_, 0, 12 } @{ $request->{query}{date} } ], [ 'ge2025-09-20', 'le2025-09-24' ],
        'C7 around the date, and a day more where offsets are as sent';
    is json($answer)->{held}, 1, 'C12 only the result is new';
    is $w->pg->value("SELECT taken_at::text FROM smartlaunch.cdp_value WHERE taken_at IS NOT NULL"), '2025-09-22 08:30:00', 'C7 of that day';

    $answer = fetch(1, mrn => undef);
    is_deeply [ @{ json($answer) }{qw(new held outcome)} ], [ 6, 0, 'ok' ], 'C12 an unchanged chart has nothing new' or diag $answer->as_string;
    is scalar($ehr->log('/fhir/Observation')), 1, 'C6 number and dates are known from last time';
    is rows(1), 6, 'C12 and no new row';
}

# C13: a row for each request
{
    fetch(1, dates => $dated);
    my @asked = $ehr->log('/fhir/');
    my $rows = wait_for('the audit', sub {
        my @rows = $w->pg->rows("SELECT * FROM smartlaunch.fhir_access WHERE caller = 'cdp:study' ORDER BY at DESC LIMIT ?", scalar @asked);
        return (grep { $_->{resource} eq 'Patient' } @rows) && $w->pg->value('SELECT count(*) FROM smartlaunch.fhir_access') >= 15 ? \@rows : 0;
    });
    is_deeply [ sort map { $_->{resource} } @$rows ], [ sort map { s{^/fhir/}{}r } map { $_->{path} } @asked ], 'C13 a row for each request';
    is_deeply [ grep { $_->{app_user} ne 'alice' || $_->{ehr} ne 'sandbox' || $_->{patient} ne $luna || $_->{status} != 200
            || $_->{via} ne 'session' || $_->{method} ne 'GET' || !$_->{bytes} || !length $_->{reference} } @$rows ], [],
        'C13 user, EHR, patient, status, bytes and reference are in it';
    is $w->pg->value("SELECT count(*) FROM smartlaunch.fhir_access WHERE fhir_access::text LIKE '%MRN-1%'"), 0, 'C13 and no medical record number';
}

# C5: who is it? Asked with a token that is not bound to a patient.
$w->launch(login => 'bob', user => 'dr-jones', patient => undef);
sub person { my ($id, @identifiers) = @_; return { resourceType => 'Patient', id => $id, identifier => [ map { { system => $_->[0], value => $_->[1] } } @identifiers ] } }
for my $case ([ 404, 'patient_not_found', 'not_found', 'a number that nobody has', 'MRN-99999' ],
    [ 404, 'patient_not_found', 'not_found', 'a server that answers with somebody else', 'MRN-10022', person($luna, [ $system, $mrn ]) ],
    [ 404, 'patient_not_found', 'not_found', 'a number of another system', $mrn, person($luna, [ 'urn:else', $mrn ]) ],
    [ 409, 'patient_ambiguous', 'ambiguous', 'two patients with one number', $mrn, person($luna, [ $system, $mrn ]), person($johnnie, [ $system, $mrn ]) ]) {
    my ($status, $error, $outcome, $name, $number, @patients) = @$case;
    $ehr->faults(faulty(Patient => bundle(undef, @patients))) if @patients;
    my $answer = fetch('c5', mrn => $number, user => 'bob', dates => $dated);
    is_deeply [ $answer->code, json($answer)->{error} ], [ $status, $error ], "C5 $name: $status";
    is_deeply asked(), ['Patient'], "C5 $name: nothing else is asked for";
    is_deeply [ rows('c5'), @{ record('c5') }{qw(patient outcome state)} ], [ 0, undef, $outcome, 'idle' ], "C5 $name: nothing is held";
    $ehr->faults;
}
$httpd->expect_log(qw(SL8122 SL8123));

# A token of one patient is not used for another, and of several only that patient's.
{
    my $answer = fetch('other', mrn => 'MRN-10034', dates => $dated);
    is_deeply [ $answer->code, json($answer)->{error} ], [ 401, 'relaunch' ], 'C5 a token of another patient: launch again';
    is_deeply asked(), ['Patient'], 'nothing but who it is was asked with it';
    is_deeply [ rows('other'), record('other')->{outcome} ], [ 0, 'relaunch' ], 'nothing is held';
    is fetch('other', mrn => 'MRN-10034', user => 'carol')->code, 401, 'who never launched has no token';
    is_deeply asked(), [], 'and nothing is asked';
    $httpd->expect_log(qw(SL8125 SL8101));

    $w->launch(patient => $johnnie);
    $answer = fetch('other', mrn => 'MRN-10034', user => 'alice');
    is_deeply [ $answer->code, record('other')->{patient} ], [ 200, $johnnie ], 'C5 her newest token is of this patient' or diag $answer->as_string;
    $answer = fetch('older', user => 'alice');
    is_deeply [ $answer->code, record('older')->{patient} ], [ 200, $luna ], 'C5 of the other patient there is an older one' or diag $answer->as_string;
    my %by = map { ($_->{headers}{authorization} => 1) } grep { $_->{path} !~ m{/Patient$} } $ehr->log('/fhir/');
    $answer = fetch('older');
    my %own = map { ($_->{headers}{authorization} => 1) } $ehr->log('/fhir/');
    is_deeply [ \%by, scalar keys %own ], [ \%own, 1 ], 'C5 each patient is read with the token of this patient only';
    is_deeply [ fetch('b', user => 'bob')->code, record('b')->{patient} ], [ 200, $luna ], 'C5 a token without a patient is good for whom its user may see';
    is $w->pg->value("SELECT count(*) FROM smartlaunch.fhir_access WHERE app_user = 'bob' AND via <> 'user'"), 0, 'C13 by whom, not by which session';
}

# C12: charts that were merged, and another number
{
    fetch('merged', user => 'bob');
    $ehr->faults(faulty(Patient => bundle(undef, person($johnnie, [ $system, $mrn ]))));
    is fetch('merged', user => 'bob')->code, 200, 'C12 the number is another patient\'s now';
    is record('merged')->{patient}, $johnnie, 'C12 the record has that patient';
    is_deeply [ grep { $_->{query}{patient} =~ /$luna/ } grep { $_->{query}{patient} } $ehr->log('/fhir/') ], [], 'C12 nothing of the old one is asked for';
    my $values = json($cdp->api(GET => 'records/merged/items', user => 'bob'));
    ok !(grep { $_->{value} eq 'Luna' } map { @{ $_->{candidates} } } @{ $values->{targets} }), 'C12 and nothing of the old one is held';
    $ehr->faults;
}

# C7, C9, C10: servers that do not look at dates, pages that lead elsewhere, what is no match
{
    $ehr->faults('fhir:Observation' => { ignore => ['date'] });
    is_deeply [ @{ json(fetch('c7', dates => $dated)) }{qw(held outcome)} ], [ 6, 'ok' ], 'C7 a server that does not look at dates: ours count';
    $ehr->faults('fhir:Observation' => { refuse => ['date'] });
    is_deeply [ @{ json(fetch('undated', dates => $dated)) }{qw(held outcome)} ], [ 6, 'ok' ], 'C7 a server that takes no dates is asked without';
    is join('', map { exists $_->{query}{date} ? 1 : 0 } $ehr->log('/fhir/Observation')), '100', 'C7 after it was asked with them: two pages';
    $ehr->faults('fhir:Observation' => { require => ['status'] });
    my $answer = fetch('status', dates => $dated);
    is json($answer)->{outcome}, 'partial', 'a search that the EHR does not take is named' or diag $answer->as_string;

    my $day = '2025-09-22T10:%02d:00Z';
    my $trap = "http://127.0.0.1:$httpd->{echo}{port}/trap";
    $httpd->forget;
    $ehr->faults(faulty(Observation => bundle($trap,
        hemoglobin('a', sprintf($day, 1), 11), hemoglobin('b', sprintf($day, 2), 12, status => 'entered-in-error'),
        hemoglobin('c', sprintf($day, 3), 13, subject => { reference => "Patient/$johnnie" }),
        { resource => hemoglobin('d', sprintf($day, 4), 14), search => { mode => 'include' } },
        { resource => { resourceType => 'OperationOutcome', issue => [ { severity => 'warning', code => 'incomplete', details => { text => 'May not be all of it.' } } ] }, search => { mode => 'outcome' } })));
    $answer = fetch('c9', dates => $dated);
    is json($answer)->{outcome}, 'partial', 'C9 pages at a foreign address are named' or diag $answer->as_string;
    like told($answer), qr/address that is not its own.*|May not be all of it/, 'C9 and what the EHR said of its answer';
    like told($answer), qr/May not be all of it/, 'C9 in its words';
    is_deeply [ grep { ($_->{path} // $_->{url}) =~ /trap/ } $httpd->seen ], [], 'C9 nobody went there, with or without a token';
    is $w->pg->value('SELECT count(*) FROM smartlaunch.cdp_value WHERE record = ? AND taken_at IS NOT NULL', 'c9'), 1, 'C9 C10 only what matches, of this patient, and right';

    my $again = $ehr->issuer . '/Observation?page=again';
    $ehr->faults(faulty(Observation => bundle($again, hemoglobin('a', sprintf($day, 1), 11))));
    $answer = fetch('circle', dates => $dated);
    is scalar(grep { $_ eq 'Observation' } @{ asked() }), 2, 'C9 a page that leads to itself is asked for once more, and left';
    like told($answer), qr/same page again/, 'C9 and named';
    $ehr->faults(faulty(Condition => bundle($ehr->issuer . '/Condition?page=again')));
    fetch('circle2');
    is $w->pg->value("SELECT count(*) FROM smartlaunch.cdp_value v JOIN smartlaunch.cdp_mapping m ON m.id = v.mapping
        WHERE v.record = 'circle2' AND m.source = 'active-problem-list'"), 0, 'C9 a list with a hole in it is no list';
    $ehr->faults;
}

# C11: bad days
{
    for my $case ([ 'an error', { status => 500 } ], [ 'a refusal', { status => 403, body => '{}' } ], [ 'no JSON', { status => 200, body => '<p>' } ],
        [ 'no bundle', { status => 200, body => '{"resourceType":"Patient"}' } ], [ 'too much', { big => 9_000_000 } ],
        [ 'no answer', { close => 'before' } ]) {
        my ($name, $fault) = @$case;
        $ehr->faults('fhir:Condition' => $fault);
        my $record = "c11 $name" =~ s/ /-/gr;
        my $answer = fetch($record, dates => $dated);
        is_deeply [ $answer->code, @{ json($answer) }{qw(outcome held)} ], [ 200, 'partial', 5 ], "C11 $name in one category: the others are held" or diag $answer->as_string;
        is_deeply [ scalar @{ json($answer)->{warnings} }, json($answer)->{warnings}[0]{source} =~ /problem|condition/i ? 1 : 0 ], [ 1, 1 ], "C11 $name: and it is named" or diag told($answer);
    }
    $ehr->faults('fhir:Patient' => { status => 500 });
    my $answer = fetch(1, dates => $dated);
    is_deeply [ $answer->code, json($answer)->{error} ], [ 502, 'ehr_failed' ], 'C11 nothing could be had';
    is_deeply [ rows(1), @{ record(1) }{qw(outcome patient state)} ], [ 6, 'failed', $luna, 'idle' ], 'C11 what was held stays';
    $ehr->faults;
    $ehr->faults('fhir:Observation' => { status => 429, headers => { 'Retry-After' => 7 } });
    $answer = fetch('busy', dates => $dated);
    is json($answer)->{outcome}, 'partial', 'C11 too busy: what was had before is held' or diag $answer->as_string;
    is scalar(grep { $_ eq 'Observation' } @{ asked() }), 1, 'C11 a busy EHR is not asked again';
    is record('busy')->{state}, 'queued', 'C11 the watchdog goes on with it';
    $ehr->faults;
    $httpd->expect_log(qw(SL8133 SL8118));
}

# C14: a protected patient is no empty chart
for my $case ([ 'Patient', 403 ], [ 'Patient', 200 ], [ 'Observation', 403 ]) {
    my ($type, $status) = @$case;
    my $text = 'Break-the-Glass: this patient record is protected';
    my $body = $status == 403 ? outcome_of(security => $text)
        : bundle(undef, { resource => JSON::PP::decode_json(outcome_of(security => $text)), search => { mode => 'outcome' } });
    $ehr->faults("fhir:$type" => { status => $status, body => $body, content_type => 'application/fhir+json' });
    my $answer = fetch("c14-$type-$status", dates => $dated);
    is_deeply [ $answer->code, json($answer)->{error} ], [ 403, 'protected' ], "C14 a protected patient ($type, $status)" or diag $answer->as_string;
    is record("c14-$type-$status")->{outcome}, 'protected', 'C14 and the record says so';
    $ehr->faults;
}
$httpd->expect_log('SL8121');
$httpd->allow_log(qw(SL8117 SL8132));

# A token that dies in the middle of a fetch
{
    $ehr->forget_counts;
    $ehr->faults('fhir:Condition' => { status => 401, times => 1 });
    my $answer = fetch('renewed', dates => $dated);
    is_deeply [ json($answer)->{outcome}, $ehr->counts->{refreshes} ], [ 'ok', 1 ], 'T4 a token that is refused is renewed, once' or diag $answer->as_string;
    is_deeply [ scalar(grep { $_ eq 'Condition' } @{ asked() }) ], [2], 'T4 and the request is sent once more';

    $ehr->faults('fhir:Condition' => { status => 401 });
    my $l2 = $w->launch(login => 'dave', user => 'nurse-lee', patient => $luna);
    $cdp->grant('dave');
    $answer = fetch('dead', session => $l2->{session}, dates => $dated);
    is json($answer)->{outcome}, 'partial', 'C11 a token that is refused again: what was had is held' or diag $answer->as_string;
    like told($answer), qr/launch again/, 'C11 and the user is told to launch again';
    cmp_ok scalar(grep { $_ eq 'Condition' } @{ asked() }), '<=', 2, 'RFR-5 no loop';
    $ehr->faults;
}

# Clinical notes, whose text the EHR keeps apart
{
    local $mapping{fields} = [ { source => 'document-notes', event => 'visit', field => 'notes' } ];
    is $cdp->api(PUT => 'mapping', user => 'alice', json => \%mapping)->code, 200, 'the study wants clinical notes';
    my $note = sub { my ($name, $url, $type) = @_; return { resourceType => 'DocumentReference', status => 'current', subject => { reference => "Patient/$luna" }, type => { text => $name },
            content => [ { attachment => { contentType => $type // 'text/html', url => $url } } ] } };
    my $notes = bundle(undef, $note->(Letter => 'Binary/n1'), $note->(Plan => $ehr->issuer . '/Binary/n2'), $note->(Scan => 'Binary/n3', 'application/pdf'),
        $note->(Trap => "http://127.0.0.1:$httpd->{echo}{port}/trap/Binary/n4"), $note->(Page => 'Patient/Binary/../x'));
    my $text = '{"resourceType":"Binary","contentType":"text/html","data":"PHA+SGk8L3A+"}';
    my $value = sub {
        my ($target) = @{ json($cdp->api(GET => "records/$_[0]/items", session => $l->{session}))->{targets} };
        return $target ? $target->{candidates}[0]{value} : undef;
    };
    $httpd->forget;
    $ehr->faults(faulty(DocumentReference => $notes), faulty(Binary => $text));
    is json(fetch('notes'))->{outcome}, 'ok', 'C4 a note that is kept apart is fetched';
    is_deeply asked(), [qw(Patient DocumentReference Binary/n1 Binary/n2)], 'C4 … where it is HTML, and the EHR\'s own';
    is $value->('notes'), "Letter\n<p>Hi</p>\n\nPlan\n<p>Hi</p>", 'C4 … and held';
    is_deeply [ grep { ($_->{path} // $_->{url}) =~ /trap/ } $httpd->seen ], [], 'C9 nobody went elsewhere';
    ok wait_for('the audit', sub { $w->pg->value("SELECT count(*) FROM smartlaunch.fhir_access WHERE resource = 'Binary' AND patient = '$luna'") == 2 }), 'C13 a row for each';
    is json(fetch('notes'))->{held}, 0, 'C12 an unchanged chart has nothing new';
    $ehr->faults(faulty(DocumentReference => $notes), 'fhir:Binary' => { status => 404, body => '{}' });
    is json(fetch('gone'))->{outcome}, 'ok', 'C4 notes whose text is not there';
    is $value->('gone'), undef, 'C4 … are not held as empty ones';
    $ehr->faults(faulty(DocumentReference => $notes), 'fhir:Binary' => { status => 500 });
    is fetch('half')->code, 502, 'C11 an EHR in trouble between the list and its notes';
    is rows('half'), 0, 'C11 … and a list with a hole is not held';
    $ehr->faults;
}

# SmartAudit required: what cannot be recorded is not used. And what no log may say.
my $log = $httpd->error_log;
unlike $log, qr/MRN-1|$luna|$johnnie|McCullough|2025-09-22/, 'no number, no patient, no name, no date in the log';
unlike $log, qr/Observation\?|identifier=/, 'and no query';

done();
