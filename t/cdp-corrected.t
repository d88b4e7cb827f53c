#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Results that the EHR corrects, withdraws or brings back after they were fetched: what is offered is what
# the EHR says now, and who saved what it does not say any more is told. And what is asked for while a
# fetch runs.
# mpm: sanitized
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use JSON::PP ();

my $dir = SL::Run::run_dir('swift');
my $w = world(fpm => 0, gateway => undef, ehr => { search => 1 }, cdp => { more => <<"CONF" });
<SmartCDPProject swift>
    SmartCDPSource sandbox mrn-system=$SL::CDP::mrn_system
    SmartCDPDeliver http http://127.0.0.1:9/never secret=file:${\ spit("$dir/secret", SL::CDP::signing_secret() . "\n", 0600) }
    SmartCDPAdjudication instant
</SmartCDPProject>
CONF
my ($httpd, $ehr, $pg, $cdp) = ($w->httpd, $w->ehr, $w->pg, $w->cdp);
my ($luna, $johnnie, $mrn) = ('luna-mccullough', 'johnnie-hermiston', 'MRN-10021');
my $l = $w->launch(login => 'alice', patient => $luna);
$cdp->grant('alice');
$pg->dbh->do("INSERT INTO smartlaunch.cdp_right (project, app_user, may, granted_by) SELECT 'swift', 'alice', m, 'test' FROM unnest(ARRAY['setup', 'adjudicate']) m");
my @alice = (session => $l->{session});

my %mapping = (
    version => 1, day_offset => { days => 1, direction => '+-' }, preview => ['name-given'],
    identifier => { source => 'id', event => 'visit', field => 'mrn' },
    fields => [
        { source => '718-7', event => 'visit', field => 'hb', temporal_field => 'visit_date', preselect => 'NEAR' },
        { source => '8480-6', event => 'visit', field => 'sys', temporal_field => 'visit_date', preselect => 'NEAR' },
        { source => '8462-4', event => 'visit', field => 'dia', temporal_field => 'visit_date', preselect => 'NEAR' },
    ],
);
sub set_up { my ($project, %more) = @_; is $cdp->api(PUT => 'mapping', @alice, project => $project, json => { %mapping, project => $project, %more })->code, 200, "$project has a mapping" }
set_up('study');
set_up('swift', adjudication => 'instant');

my $dated = { visit => { visit_date => '2025-09-22' } };
sub at { my ($hour) = @_; return "2025-09-22T$hour:00Z" }
sub bundle { return JSON::PP->new->utf8->encode({ resourceType => 'Bundle', type => 'searchset', entry => [ map { { resource => $_, search => { mode => 'match' } } } @_ ] }) }
sub chart { my (@resources) = @_; $ehr->faults('fhir:Observation' => { status => 200, body => bundle(@resources), content_type => 'application/fhir+json' }); return }
sub result {
    my ($id, $code, $when, %more) = @_;
    return { resourceType => 'Observation', id => $id, status => 'final', subject => { reference => "Patient/$luna" },
        code => { coding => [ { system => 'http://loinc.org', code => $code } ] }, effectiveDateTime => $when, %more };
}
sub hb { my ($id, $value, %more) = @_; return result($id, '718-7', delete $more{at} // at('08:30'), valueQuantity => { value => $value, unit => 'g/dL', code => delete $more{unit} // 'g/dL' }, %more) }
sub part { my ($code, %value) = @_; return { code => { coding => [ { system => 'http://loinc.org', code => $code } ] }, %value } }
sub fetch {
    my ($record, %arg) = @_;
    my $answer = $cdp->api(POST => "records/$record/fetch", @alice, json => { mrn => $mrn, dates => $dated }, %arg);
    is $answer->code, 200, "$record is fetched" or diag $answer->as_string;
    return json($answer);
}
sub sheet { my ($record, %arg) = @_; return json($cdp->api(GET => "records/$record/items", @alice, %arg)) }
sub target { my ($record, $field, %arg) = @_; return (grep { $_->{field} eq ($field // 'hb') } @{ sheet($record, %arg)->{targets} })[0] }
sub offered { my ($record, $field) = @_; return join ' ', map { ($_->{state} eq 'new' ? '' : "$_->{state}:") . $_->{value} } @{ target($record, $field)->{candidates} } }
sub states { my ($record) = @_; return join ' ', map { $_->{state} . ($_->{revised} ? "/$_->{revised}" : '') } $pg->rows('SELECT state, revised FROM smartlaunch.cdp_value WHERE record = ? AND taken_at IS NOT NULL ORDER BY id', $record) }
sub decide {
    my ($record, $what, $value) = @_;
    my $sheet = sheet($record);
    my ($id) = map { $_->{id} } grep { $_->{value} eq $value } map { @{ $_->{candidates} } } @{ $sheet->{targets} };
    my $answer = $cdp->api(POST => "records/$record/adjudicate", @alice, json => { $what => [$id], token => $sheet->{token} });
    is $answer->code, 200, "$record: $what $value" or diag $answer->as_string;
    return json($answer);
}
sub rows_of { my ($record) = @_; return [ $pg->rows('SELECT id, xmin::text, ctid::text, state FROM smartlaunch.cdp_value WHERE record = ? ORDER BY id', $record) ] }
sub unchanged {
    my ($record, $name) = @_;
    my $was = rows_of($record);
    is_deeply [ @{ fetch($record) }{qw(held)} ], [0], "C12 $name: nothing new";
    is_deeply rows_of($record), $was, "C12 $name: no row is added or changed";
    return;
}

# New values: what is offered is what the EHR says now
{
    my @cases = (
        [ 'value',  'another value',        hb('a', 13.1), hb('a', 12.1, status => 'corrected'), '12.1' ],
        [ 'amend',  'another value, amended', hb('a', 13.1), hb('a', 12.1, status => 'amended'), '12.1' ],
        [ 'silent', 'another value, whatever the status', hb('a', 13.1), hb('a', 12.1), '12.1' ],
        [ 'time',   'another time',         hb('a', 13.1), hb('a', 13.1, at => at('09:45')), '13.1' ],
        [ 'unit',   'another unit',         hb('a', 13.1), hb('a', 13.1, unit => 'mmol/L'), '13.1' ],
        [ 'moved',  'a day outside of the window', hb('a', 13.1), hb('a', 13.1, at => '2025-01-01T08:00:00Z'), '' ],
        [ 'error',  'entered in error',     hb('a', 13.1), hb('a', 13.1, status => 'entered-in-error'), '' ],
        [ 'cancel', 'cancelled',            hb('a', 13.1), hb('a', 13.1, status => 'cancelled'), '' ],
        [ 'absent', 'dataAbsentReason',     hb('a', 13.1), result('a', '718-7', at('08:30'), dataAbsentReason => { coding => [ { code => 'error' } ] }), '' ],
        [ 'marked', 'a marker that is not known', hb('a', 13.1), hb('a', 13.1, modifierExtension => [ { url => 'urn:not' } ]), '' ],
        [ 'person', 'another patient',      hb('a', 13.1), hb('a', 13.1, subject => { reference => "Patient/$johnnie" }), '' ],
    );
    for my $case (@cases) {
        my ($record, $name, $before, $after, $want) = @$case;
        chart($before);
        fetch($record);
        is offered($record), '13.1', "C10 $name: first there is one";
        my $old = sheet($record);
        chart($after);
        my $now = fetch($record);
        is $now->{held}, $want ? 1 : 0, "C12 $name: what is new is what it says now";
        is offered($record), $want, "C10 $name: only that is offered";
        is $now->{new}, $want ? 1 : 0, "C12 $name: and counted";
        is states($record), $want ? 'superseded new' : 'superseded', "C12 $name: the other is superseded";
        my ($id) = map { $_->{id} } map { @{ $_->{candidates} } } @{ $old->{targets} };
        is $cdp->api(POST => "records/$record/adjudicate", @alice, json => { choices => [$id], token => $old->{token} })->code, 409, "C10 $name: a form from before does not save it";
        unchanged($record, $name);
    }
    is $pg->value("SELECT count(*) FROM smartlaunch.cdp_value WHERE state = 'superseded' AND value_sealed IS NOT NULL"), 0, 'H1 what is superseded is erased';
    my ($search) = $ehr->log('/fhir/Observation');
    ok !exists $search->{query}{status}, 'C10 the search asks for every status: what is withdrawn must come';
}

# Back and forth, one result twice, and both parts of a blood pressure
{
    chart(hb('a', 13));
    fetch('back');
    chart(hb('a', 12));
    fetch('back');
    chart(hb('a', 13));
    is fetch('back')->{held}, 1, 'C10 the EHR comes back to the first value';
    is_deeply [ offered('back'), states('back') ], [ '13', 'superseded superseded new' ], 'C10 … which is offered again';
    unchanged('back', 'the first value again');

    chart(hb('a', 13), hb('b', 13));
    is fetch('twice')->{held}, 1, 'C12 a result that the EHR has twice is offered once';
    unchanged('twice', 'a result that is there twice');
    for my $order ([ hb('b', 13), hb('a', 12) ], [ hb('a', 12), hb('b', 13) ]) {
        chart(hb('a', 13), hb('b', 13));
        fetch('twice');
        chart(@$order);
        fetch('twice');
        is offered('twice'), '13 12', 'C10 one of the two is corrected: the other stands';
    }
    unchanged('twice', 'one of the two corrected');
    chart(hb('a', 12), hb('b', 13, status => 'entered-in-error'));
    fetch('twice');
    is offered('twice'), '12', 'C10 the other is withdrawn as well';

    my @systolic = part('8480-6', valueQuantity => { value => 120 });
    chart(result('p', '85354-9', at('08:30'), component => [ @systolic, part('8462-4', valueQuantity => { value => 80 }) ]));
    fetch('bp');
    is_deeply [ map { offered('bp', $_) } qw(sys dia) ], [ 120, 80 ], 'C10 both parts';
    chart(result('p', '85354-9', at('08:30'), component => [ @systolic, part('8462-4', dataAbsentReason => { coding => [ { code => 'error' } ] }) ]));
    fetch('bp');
    is_deeply [ map { offered('bp', $_) } qw(sys dia) ], [ 120, '' ], 'C10 one part is withdrawn, the other stands';
    chart(result('p', '85354-9', at('08:30'), status => 'entered-in-error'));
    fetch('bp');
    is_deeply [ map { offered('bp', $_) } qw(sys dia) ], [ '', '' ], 'C10 and then the whole';
}

# What was decided already
my $says = qr/The EHR has since (?:corrected|withdrawn) this result\./;
sub page { my ($record) = @_; return $l->{window}->nav($cdp->url($record, smart_launch => $l->{handle}))->decoded_content }
{
    chart(hb('a', 13));
    fetch('saved');
    decide('saved', choices => '13');
    is target('saved')->{revised}, undef, 'C10 a value that was saved';
    unlike page('saved'), $says, 'C10 … of which the EHR has said nothing since';
    chart(hb('a', 12, status => 'corrected'));
    is fetch('saved')->{new}, 1, 'C10 it was corrected';
    is_deeply [ offered('saved'), target('saved')->{revised}, states('saved') ], [ '12', 'corrected', 'saved/corrected new' ], 'C10 … the correction is offered, and that it is one is said';
    like page('saved'), qr/What was saved: The EHR has since corrected this result\./, 'C10 … on the page, beside the field';
    unchanged('saved', 'a saved value that was corrected');
    chart(hb('a', 12, status => 'entered-in-error'));
    is fetch('saved')->{new}, 0, 'C10 then it was withdrawn altogether';
    is_deeply [ offered('saved'), target('saved')->{revised}, states('saved') ], [ '', 'withdrawn', 'saved/withdrawn superseded' ], 'C10 … nothing is offered, and it is said';
    like page('saved'), qr/The EHR has since withdrawn this result\./, 'C10 … on the page, in plain words';
    like page('saved'), qr/corrected or withdrawn 1 saved value/, 'C10 … and at its head';
    unchanged('saved', 'a saved value that was withdrawn');
    is_deeply [ map { "$_->{what} $_->{app_user} $_->{field}" } $pg->rows("SELECT * FROM smartlaunch.cdp_log WHERE record = 'saved' AND what IN ('corrected', 'withdrawn') ORDER BY id") ],
        [ 'corrected SYSTEM hb', 'withdrawn SYSTEM hb' ], 'C10 … and noted in the log of the record';
    chart(hb('a', 13));
    is fetch('saved')->{new}, 0, 'C10 the EHR comes back to what was saved';
    is_deeply [ offered('saved'), target('saved')->{revised} ], [ '', undef ], 'C10 … nothing is to be decided, and nothing is said';
    unlike page('saved'), $says, 'C10 … on the page neither';

    chart(hb('a', 11));
    fetch('saved');
    decide('saved', choices => '11');
    is target('saved')->{revised}, undef, 'C10 the correction was saved';
    chart(hb('a', 13));
    is fetch('saved')->{new}, 1, 'C10 after which the EHR comes back to what was saved before';
    is_deeply [ offered('saved'), target('saved')->{revised} ], [ '13', 'corrected' ], 'C10 … it is offered again';
    unchanged('saved', 'what was saved before');

    chart(hb('a', 13), hb('b', 14, at => at('10:00')));
    fetch('passed');
    decide('passed', choices => '13');
    is states('passed'), 'saved passed', 'H4 one is saved, the other passed over';
    chart(hb('a', 13), hb('b', 15, at => at('10:00')));
    fetch('passed');
    is_deeply [ offered('passed'), target('passed')->{revised} ], [ '15', undef ], 'C10 a correction of what was passed over is offered; what was saved stands';

    chart(hb('a', 13), hb('b', 14, at => at('10:00')));
    fetch('out');
    decide('out', exclude => '14');
    unchanged('out', 'an excluded value');
    chart(hb('a', 13), hb('b', 14, at => at('10:00'), status => 'corrected'));
    unchanged('out', 'an excluded value, confirmed');
    is offered('out'), '13 excluded:14', 'H4 excluded is excluded, for the same result and value';
    my $old = sheet('out');
    my ($id) = map { $_->{id} } grep { $_->{state} eq 'excluded' } map { @{ $_->{candidates} } } @{ $old->{targets} };
    chart(hb('a', 13), hb('b', 15, at => at('10:00')));
    fetch('out');
    is offered('out'), '13 15', 'C10 its correction is offered; what it was is not shown any more';
    is $cdp->api(POST => 'records/out/adjudicate', @alice, json => { include => [$id], token => $old->{token} })->code, 409, 'C10 … nor can it be offered again';
    chart(hb('a', 13), hb('b', 14, at => at('10:00')));
    fetch('out');
    is offered('out'), '13 excluded:14', 'H4 the EHR comes back to it: excluded still';
    unchanged('out', 'an excluded value again');
}

# Who has moved the date of a visit has not corrected a result
{
    chart(hb('a', 13, at => '2025-09-22T08:30:00+02:00'), hb('b', 14, at => at('10:00')));
    fetch('dates');
    decide('dates', choices => '13');
    fetch('dates', json => { mrn => $mrn, dates => { visit => { visit_date => '2025-03-01' } } });
    is_deeply [ target('dates')->{revised}, states('dates') ], [ undef, 'saved passed' ], 'C10 another date of the visit: the results are what they were';
    set_up('study', convert_gmt => JSON::PP::true);
    is fetch('dates')->{held}, 1, 'W8 the same results, told in local time';
    is target('dates')->{revised}, undef, 'C10 … are no corrections';
    set_up('study');
}

# SYSTEM saves what stands, and never writes over it
{
    chart(hb('a', 13, status => 'entered-in-error'), hb('b', 14, at => at('10:00')));
    fetch('alone', project => 'swift');
    is states('alone'), 'saved', 'H7 what is withdrawn is no second candidate';
    chart(hb('b', 15, at => at('10:00')));
    fetch('alone', project => 'swift');
    is states('alone'), 'saved/corrected new', 'H7 a correction of what SYSTEM saved waits for a person';
    is target('alone', 'hb', project => 'swift')->{revised}, 'corrected', 'C10 … who is told';
}

# Whose is it? Absolute references count at the EHR's own base only.
{
    my $elsewhere = 'https://elsewhere.example/fhir';
    chart(hb('a', 13, subject => { reference => $ehr->issuer . "/Patient/$luna" }), hb('b', 14, at => at('10:00'), subject => { reference => "$elsewhere/Patient/$luna" }),
        hb('c', 15, at => at('11:00'), subject => { reference => "$elsewhere/Patient/$luna" }));
    my $answer = fetch('whose');
    is offered('whose'), '13', 'C10 a patient of the same id on another server is somebody else';
    is scalar(grep { $_->{message} =~ /address that is not the EHR's own/ } @{ $answer->{warnings} }), 1, 'C10 … and that is said, once';
}

# H1: nothing that names a resource stands in the tables, and a rotation changes no fingerprint
{
    chart(hb('zq81-fhir-id', 13));
    fetch('named');
    unlike $pg->dump, qr/zq81-fhir-id/, 'H1 no id of a resource stands in a table';
    is $pg->value("SELECT count(*) FROM (SELECT unnest(origin_prints) o FROM smartlaunch.cdp_value) x WHERE octet_length(o) <> 32"), 0, 'H1 but keyed fingerprints';
    is $pg->value("SELECT count(DISTINCT o) FROM (SELECT unnest(origin_prints) o FROM smartlaunch.cdp_value WHERE record IN ('value', 'unit')) x"), 2, 'H1 … which differ from record to record';
    $httpd->keyring(SL::Httpd::new_key('k2') . $httpd->{keyring});
    $httpd->graceful;
    my ($rc, $text) = $httpd->ctl(qw(keyring rotate));
    is $rc, 0, 'H1 the keys are rotated' or diag $text;
    chart(hb('zq81-fhir-id', 12));
    fetch('named');
    is_deeply [ offered('named'), states('named') ], [ '12', 'superseded new' ], 'H1 C10 after a rotation of the keys a correction is known as one';
}

# What is asked for while a fetch runs is not lost, and not done twice
sub searches { my @all = $ehr->log('/fhir/Patient'); return scalar @all }
sub state_of { my ($record) = @_; return ($pg->rows('SELECT state, once_more FROM smartlaunch.cdp_record WHERE record = ?', $record))[0] }
for my $case ([ 'ctl', 'smartlaunchctl cdp refetch', 1 ], [ 'new', 'a fetch with other dates', 1 ], [ 'same', 'a fetch with the same dates', 0 ]) {
    my ($record, $name, $again) = @$case;
    $ehr->faults;
    chart(hb('a', 13));
    fetch($record);
    $ehr->forget;
    $ehr->faults('fhir:Observation' => { status => 200, body => bundle(hb('a', 13)), content_type => 'application/fhir+json', held => 1 });
    is +($httpd->ctl(qw(cdp refetch study), $record))[0], 0, "H8 $name: a fetch is asked for";
    wait_for('the fetch', sub { scalar(() = $ehr->log('/fhir/Observation')) == 1 }, 60);
    if ($record eq 'ctl') {
        is +($httpd->ctl(qw(cdp refetch study), $record))[0], 0, "H8 $name, twice while it runs" for 1, 2;
    } else {
        my $dates = $record eq 'new' ? { visit => { visit_date => '2025-09-23' } } : $dated;
        is $cdp->api(POST => "records/$record/fetch", @alice, json => { mrn => $mrn, dates => $dates })->code, 503, "H8 $name: a fetch is under way";
    }
    is_deeply [ @{ state_of($record) }{qw(state once_more)} ], [ 'fetching', $again ], "H8 $name: it is noted, and waits";
    $ehr->release;
    wait_for('all of it', sub { state_of($record)->{state} eq 'idle' }, 60);
    is searches(), 1 + $again, "H8 $name: " . ($again ? 'one more fetch' : 'no other fetch') . ' follows';
    my ($last) = reverse $ehr->log('/fhir/Observation');
    like join(' ', @{ $last->{query}{date} }), $record eq 'new' ? qr/2025-09-21.*2025-09-25/ : qr/2025-09-20.*2025-09-24/, "H8 $name: around the date that holds now";
}
$ehr->faults;
unlike $httpd->error_log, qr/MRN-1|$luna|2025-09-2|zq81/, 'no number, no patient, no date, no resource in the log';
$httpd->expect_log(qw(SL8202 SL8011))->allow_log("SL3506");
done();
