#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Bad days of the Clinical Data Pull that could mix patients, lose values, save them twice, or save
# what nobody could judge: things that change in the middle, keys that are away, rows that a DBA wrote,
# an EHR that answers nonsense, hosts that stop and go on.
# mpm: sanitized
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::REDCap;
use SL::Study;
use JSON::PP ();

my $redcap = SL::REDCap->new;
my $dir = SL::Run::run_dir('token');
my $token = spit("$dir/token", $redcap->token . "\n", 0600);
my $source = "sandbox mrn-system=$SL::CDP::mrn_system";
my $w = world(fpm => 0, gateway => undef, ehr => { search => 1 }, ehr_block => 'SmartOutbound timeout=20s',
    cdp => { redcap => $redcap, more => <<"CONF" });
<SmartCDPProject swift>
    SmartCDPSource $source
    SmartCDPDeliver redcap ${\ $redcap->url } token=file:$token
    SmartCDPAdjudication instant
</SmartCDPProject>
CONF
my ($httpd, $ehr, $pg, $cdp) = ($w->httpd, $w->ehr, $w->pg, $w->cdp);
my ($luna, $johnnie) = ('luna-mccullough', 'johnnie-hermiston');
my $mrn = 'MRN-10021';
$cdp->grant($_) for qw(alice bob);
$pg->dbh->do("INSERT INTO smartlaunch.cdp_right (project, app_user, may, granted_by) SELECT 'swift', 'alice', m, 'test' FROM unnest(ARRAY['setup', 'adjudicate']) m");
$w->launch(login => 'alice', patient => undef); # she may see every patient
$w->launch(login => 'bob', user => 'dr-jones', patient => $johnnie);
use_study($w, redcap => $redcap);
my @alice = (user => 'alice');
my $event = 'event_1_arm_1';

my @people = (field('name-given', 'first_name'), field('name-family', 'last_name'), field('birthDate', 'dob'));
my $day = day();

# H5: what the app refused can be chosen again, also where nothing else is open

set_up([ field('name-given', 'first_name') ]);
fetch('refused');
$redcap->set(locked => [ { record => 'refused' } ]);
my $sheet = sheet('refused');
is json(decide('refused', $sheet, choices => [ id_of($sheet, 'first_name') ]))->{refused}, 1, 'H5 a locked record';
$redcap->set(locked => []);
my $r = decide('refused', $sheet = sheet('refused'), choices => [ id_of($sheet, 'first_name') ]);
is_deeply [ $r->code, $redcap->value('refused', $event, 'first_name') ], [ 200, 'Luna' ], 'H5 the only value there was is chosen again once the record is open' or diag $r->content;

# H7: SYSTEM decides only what it has seen all of

visit($_) for qw(part whole);
set_up([ field('name-given', 'first_name'), weight(preselect => 'MIN') ], project => 'swift', adjudication => 'instant');
$ehr->faults('fhir:Observation' => { status => 200, body => bundle($ehr->issuer . '/Observation?page=2', result("${day}T08:00:00Z", 80)), content_type => 'application/fhir+json' });
is fetch('part', project => 'swift')->{outcome}, 'partial', 'H7 not every page could be had';
is_deeply [ map { $redcap->value('part', $event, $_) } qw(body_weight first_name) ], [ undef, 'Luna' ], 'H7 … so the smallest is not known: SYSTEM saves what is whole, and nothing of this';
has(result("${day}T08:00:00Z", 80), result("${day}T09:00:00Z", 79));
is fetch('part', project => 'swift')->{outcome}, 'ok', 'H7 all of it';
is $redcap->value('part', $event, 'body_weight'), 79, 'H7 … now the smallest is known, and saved';

# W1, W5: a visit that was moved

visit('moved');
has(result("${day}T08:00:00Z", 70));
set_up([ weight(preselect => 'MAX') ]);
fetch('moved');
is ticked(sheet('moved'), 'body_weight'), 70, 'W5 within the window: ticked';
visit('moved', '2024-06-15');
$sheet = sheet('moved');
is ticked($sheet, 'body_weight'), '', 'W5 the visit was moved: what was held for the old date is not ticked any more';
like((candidates($sheet, 'body_weight'))[0]{problem} // '', qr/date/, 'W5 … and says why');
visit('moved', '');
is ticked(sheet('moved'), 'body_weight'), '', 'W1 … nor where the date was emptied';
visit('s-moved');
set_up([ weight(preselect => 'MAX') ], project => 'swift', adjudication => 'manual');
fetch('s-moved', project => 'swift');
set_up([ weight(preselect => 'MAX') ], project => 'swift', adjudication => 'instant');
visit('s-moved', '2024-06-15');
fetch('s-moved', project => 'swift');
is $redcap->value('s-moved', $event, 'body_weight'), undef, 'H7 W5 SYSTEM saves nothing from outside the window';
$ehr->faults;

# H1: a key that is away does not cost a value

visit('away');
set_up([ weight() ]);
has(result("${day}T08:00:00Z", 70), result("${day}T09:00:00Z", 71));
fetch('away');
$pg->dbh->do(q{UPDATE smartlaunch.cdp_value SET key_id = 'gone-' || key_id WHERE record = 'away' AND id = (SELECT min(id) FROM smartlaunch.cdp_value WHERE record = 'away')});
$sheet = sheet('away');
is json(decide('away', $sheet, choices => [ id_of($sheet, 'body_weight', 71) ]))->{saved}, 1, 'H1 beside a value whose key is away another one is saved';
$pg->dbh->do(q{UPDATE smartlaunch.cdp_value SET key_id = substr(key_id, 6) WHERE record = 'away' AND key_id LIKE 'gone-%'});
is join(' ', map { $_->{value} // '?' } candidates(sheet('away'), 'body_weight')), '70', 'H1 … what nobody could read is not passed over: once its key is back it is there';

# H1: what a DBA writes into a row

visit('dba');
has(result("${day}T08:00:00Z", 70));
set_up([ weight(unit => 'kg') ]);
fetch('dba');
is ticked(sheet('dba'), 'body_weight'), 70, 'H1 a value in kg';
for my $change ("unit = '[lb_av]'", 'unit = NULL', "taken_at = taken_at + interval '1 day'", 'date_only = true', 'instance = 1', "value_print = sha256('x')", "record = 'away'") {
    $pg->dbh->do('BEGIN');
    $pg->dbh->do('CREATE TEMP TABLE kept ON COMMIT PRESERVE ROWS AS SELECT * FROM smartlaunch.cdp_value WHERE record = ?', undef, 'dba');
    $pg->dbh->do("UPDATE smartlaunch.cdp_value SET $change WHERE record = 'dba'");
    $pg->dbh->do('COMMIT');
    my @found = map { @{ $_->{candidates} } } @{ sheet($change =~ /^record/ ? 'away' : 'dba')->{targets} };
    is scalar(grep { ($_->{value} // '') eq '70' && $_->{saved_as} && $_->{taken_at} !~ /08:00/ } @found) + scalar(grep { ($_->{value} // '') eq '70' && ($_->{unit} // '') ne 'kg' } @found),
        0, "H1 a row altered by hand ($change) is not shown as if it were right";
    $pg->dbh->do(q{UPDATE smartlaunch.cdp_value v SET unit = k.unit, taken_at = k.taken_at, date_only = k.date_only, instance = k.instance, value_print = k.value_print, record = k.record FROM kept k WHERE k.id = v.id});
    $pg->dbh->do('DROP TABLE kept');
}
is ticked(sheet('dba'), 'body_weight'), 70, 'H1 as it was, it can be read again';

# H6: what vanishes while it is shown

visit('seen');
has(result("${day}T08:00:00Z", 70), result("${day}T09:00:00Z", 71));
fetch('seen');
{
    my $dbh = locked('cdp_view');
    my $answer = meanwhile(sub { $cdp->api(GET => 'records/seen/items', @alice, timeout => 60) });
    wait_for('a page that is about to be noted', sub { $pg->value(q{SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%cdp_view%' AND datname = current_database()}) });
    $pg->dbh->do(q{DELETE FROM smartlaunch.cdp_value WHERE id = (SELECT min(id) FROM smartlaunch.cdp_value WHERE record = 'seen')});
    $dbh->rollback;
    $dbh->disconnect;
    my ($code, $content) = $answer->();
    my @shown = $code == 200 ? map { $_->{id} } map { @{ $_->{candidates} } } @{ JSON::PP::decode_json($content)->{targets} } : ();
    is_deeply [ grep { my $id = $_; !count('cdp_view WHERE value = ?', $id) } @shown ], [], 'H6 a value that goes while it is shown: whoever sees it, it is noted';
}

# C12: the mapping is changed in the middle of a fetch

visit('midway');
$redcap->put('midway', $event, visit_time => '2024-09-15 10:00');
$ehr->faults('fhir:Observation' => { status => 200, body => bundle(undef, result("${day}T08:00:00Z", 70)), content_type => 'application/fhir+json', held => 1 });
set_up([ @people, weight() ]);
$ehr->forget;
{
    my $answer = meanwhile(sub { post_fetch('midway') });
    wait_for('a fetch under way', sub { $ehr->log('/fhir/Observation') });
    set_up([ @people, weight(temporal_field => 'visit_time') ]);
    $ehr->release;
    my ($code, $content) = $answer->();
    is count("cdp_value WHERE record = 'midway' AND taken_at IS NOT NULL"), 0, 'C12 a date field that was changed while a fetch ran: nothing of the old window is held';
    isnt $code, 200, 'C12 … which the fetch does not call a success';
    my $lost = record('midway');
    ok $lost->{state} ne 'idle' || $lost->{outcome}, 'C12 … the record waits for another fetch, or had it';
}
$ehr->faults;

# H4: an exclusion lasts, and can be taken back

set_up([ field('name-given', 'first_name') ]);
fetch('ex');
$sheet = sheet('ex');
is json(decide('ex', $sheet, exclude => [ id_of($sheet, 'first_name') ]))->{excluded}, 1, 'H4 a name is excluded';
answers(Patient => bundle(undef, person($luna, $mrn, name => [ { given => ['Selene'], family => 'Moon' } ])));
is fetch('ex')->{new}, 1, 'H4 the EHR has another: that one is new';
$ehr->faults;
is fetch('ex')->{new}, 0, 'H4 it comes back to the excluded one: not offered again';
is join(' ', map { "$_->{value} $_->{state}" } candidates($sheet = sheet('ex'), 'first_name')), 'Luna excluded', 'H4 … but shown as excluded';
my $rows = count("cdp_value WHERE record = 'ex'");
fetch('ex');
is count("cdp_value WHERE record = 'ex'"), $rows, 'C12 an unchanged chart makes no new row';
is json(decide('ex', sheet('ex'), include => [ id_of(sheet('ex'), 'first_name') ]))->{included}, 1, 'H4 … and can be taken back';
is ticked(sheet('ex'), 'first_name'), 'Luna', 'H4 … then it is offered';
is $pg->value(q{SELECT count(*) FROM (SELECT 1 FROM smartlaunch.cdp_value WHERE state = 'excluded' AND record = 'ex') x}), 0, 'H4 … and excluded nowhere';

fetch('race');
my $name = $pg->value("SELECT min(id) FROM smartlaunch.cdp_value WHERE record = 'race'");
is json(decide('race', sheet('race'), exclude => [$name]))->{excluded}, 1, 'H4 a name is excluded once more';
my $version = record('race')->{version}; # of a decision that was checked before the EHR's other name is held
answers(Patient => bundle(undef, person($luna, $mrn, name => [ { given => ['Selene'], family => 'Moon' } ])));
fetch('race');
$ehr->faults;
is_deeply [ $pg->rows('SELECT * FROM smartlaunch.cdp_decide(?, ?, gen_random_uuid(), ?)', 'study', 'race',
    JSON::PP->new->encode({ version => $version, seen => $name, by => 'alice', choose => [], exclude => [], include => [ $name + 0 ], unseen => [] })) ], [],
    'H4 H3 taken back at the very moment in which the EHR has another: a conflict';

# H8: a record that cannot be opened stays due

fetch('due');
$pg->dbh->do(q{UPDATE smartlaunch.cdp_record SET mrn_key = 'gone', state = 'queued', has_future = true, outcome = NULL WHERE record = 'due'});
wait_for('the watchdog to try', sub { (record('due')->{outcome} // '') eq 'failed' });
is record('due')->{has_future}, 1, 'H8 a record whose key is away is due when it is back: its dates are as far ahead as they were';

# C12: another patient's number

fetch('number');
is record('number')->{fetched_by}, 'alice', 'C12 alice has fetched it';
isnt post_fetch('number', mrn => 'MRN-99999', user => 'bob')->code, 200, 'C12 bob gives the record another number, of nobody he may see';
is record('number')->{fetched_by}, undef, 'C12 alice asked for the patient before only: her token is not used for this one';

$httpd->expect_log(qw(SL8143 SL8125 SL8601));
done();
