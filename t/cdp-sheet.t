#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What the adjudication of a record shows and does, with a REDCap behind it: preselection, what does
# not fit, exclusions, conflicts, a death half-way, the view log, and values that SYSTEM saves.
# mpm: sanitized
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::REDCap;
use SL::Study;
use SL::Served qw(served);

my $redcap = SL::REDCap->new;
my $token = SL::Run::run_dir('token');
my $deliver = "redcap ${\ $redcap->url } token=file:" . spit("$token/token", $redcap->token . "\n", 0600);
my $source = "sandbox mrn-system=$SL::CDP::mrn_system";
my $w = world(fpm => 0, ehr => { search => 1 }, cdp => { deliver => $deliver, more => <<"CONF" });
<SmartCDPProject swift>
    SmartCDPSource $source
    SmartCDPDeliver $deliver
    SmartCDPAdjudication instant
</SmartCDPProject>
CONF
my ($httpd, $pg, $cdp) = ($w->httpd, $w->pg, $w->cdp);
my $alice = $w->launch(login => 'alice');
my $bob = $w->launch(login => 'bob', user => 'dr-jones');
my @alice = (session => $alice->{session});
my @bob = (session => $bob->{session});
$cdp->grant($_) for qw(alice bob);
$pg->dbh->do("INSERT INTO smartlaunch.cdp_right (project, app_user, may, granted_by) SELECT 'swift', 'alice', m, 'test' FROM unnest(ARRAY['setup', 'adjudicate']) m");
use_study($w, redcap => $redcap, as => \@alice, loinc => '29463-7', days => 365);
my $event = 'event_1_arm_1';
my $mrn = 'MRN-10021';

my @people = (field('name-given', 'first_name'), field('name-family', 'last_name'), field('birthDate', 'dob'), field('gender', 'sex'));

# C4, C8: nothing before Save, and what is ticked

$redcap->put('1', $event, visit_date => '2024-01-01');
set_up([ @people, weight(preselect => 'MAX') ]);
is fetch(1)->{new}, 5, 'C4 four one-time items and a weight';
is $redcap->value('1', $event, 'first_name'), undef, 'C4 the project has none of it yet';
my $sheet = sheet(1);
is_deeply [ map { ticked($sheet, $_) } qw(first_name last_name dob sex body_weight) ], [qw(Luna McCullough 1984-11-06 F 66.8)], 'C8 the only ones, and the largest';
is_deeply [ @{ target($sheet, 'body_weight') }{qw(label date current)} ], [ 'Body weight', '2024-01-01', '' ], 'H2 with its label, its date and what the project has';
my %ticks = (MIN => '66.2', MAX => '66.8', FIRST => '66.2', LAST => '66.8', NEAR => '66.2', '' => '');
for my $rule (sort keys %ticks) {
    set_up([ @people, weight($rule ? (preselect => $rule) : ()) ]);
    is ticked(sheet(1), 'body_weight'), $ticks{$rule}, 'C8 ' . ($rule || 'no rule, none on that day') . ": '$ticks{$rule}'";
}
$redcap->put('1', $event, visit_date => '2023-09-11');
is ticked(sheet(1), 'body_weight'), '66.2', 'C8 no rule: the only one of the same day';
is_deeply [ map { json($_)->{error} } decide(1, $sheet, choices => [ id_of($sheet, 'dob') ]) ], ['conflict'], 'H3 a form from before the mapping was changed';

# H6

$pg->dbh->do('TRUNCATE smartlaunch.cdp_view');
$sheet = sheet(1, @bob);
my @views = $pg->rows('SELECT * FROM smartlaunch.cdp_view ORDER BY id');
is_deeply [ map { join ' ', @$_{qw(project record app_user source event field)} } @views ],
    [ map { "study 1 bob $_->[0] $event $_->[1]" } [qw(name-given first_name)], [qw(name-family last_name)], [qw(birthDate dob)], [qw(gender sex)], ([qw(29463-7 body_weight)]) x 2 ],
    'H6 a row for each value that was shown';
is_deeply [ map { $_->{taken_at} } @views[ 4, 5 ] ], [ '2023-09-11 12:18:29', '2024-09-16 12:18:29' ], '… with its time';
is_deeply [ sort map { $_->{value} } @views ], [ sort map { $_->{id} } map { @{ $_->{candidates} } } @{ $sheet->{targets} } ], '… and which it was';
is scalar(grep { !$_->{launch} || !$_->{reference} } @views), 0, '… in which session and request';

# C4, C8, H4: decisions

$sheet = sheet(1);
my $r = decide(1, $sheet, choices => [ id_of($sheet, 'first_name'), id_of($sheet, 'body_weight', '66.8') ], exclude => [ id_of($sheet, 'last_name') ]);
is_deeply { %{ json($r) }{qw(saved passed excluded delivered new)} }, { saved => 2, passed => 1, excluded => 1, delivered => 2, new => 2 }, 'C8 another than the ticked one is saved' or diag $r->content;
is_deeply [ map { $redcap->value('1', $event, $_) } qw(first_name body_weight last_name dob) ], [ 'Luna', '66.8', undef, undef ], 'C4 … and only what was chosen is in the project';
is states(1), 'saved excluded new new passed saved', 'H4 the others stay, one is passed over, one excluded';
is count("cdp_value WHERE record = '1' AND value_sealed IS NOT NULL AND state IN ('saved', 'passed')"), 0, 'H1 what was decided is erased';
is count("cdp_outbox WHERE value_sealed IS NOT NULL"), 0, 'H1 … and what was delivered';
is fetch(1)->{new}, 2, 'H4 C12 a fetch brings nothing of it back';
is states(1), 'saved excluded new new passed saved', 'C12 … no new row';
$sheet = sheet(1);
is_deeply [ map { "$_->{value} $_->{state}" . ($_->{selected} ? ' selected' : '') } candidates($sheet, 'last_name') ], ['McCullough excluded'], 'H4 what is excluded is shown as such';
is json(decide(1, $sheet, choices => [ id_of($sheet, 'last_name') ]))->{error}, 'invalid_choice', 'H4 … and cannot be saved';
is json(decide(1, $sheet, include => [ id_of($sheet, 'last_name') ]))->{included}, 1, 'H4 it can be taken back';
is ticked(sheet(1), 'last_name'), 'McCullough', 'H4 … and is offered again';
is target(sheet(1), 'first_name')->{current}, 'Luna', 'H2 what the project has now';
is_deeply [ map { "$_->{what} $_->{field} $_->{user}" } grep { $_->{what} =~ /cluded|passed/ } @{ json($cdp->api(GET => 'records/1/log', @bob))->{entries} } ],
    [ 'included last_name alice', 'passed body_weight alice', 'excluded last_name alice' ], 'H4 the log has each of them';

# H5: what does not fit, and what the app refuses

set_up([ field('name-given', 'sex'), field('name-family', 'dob'), field('birthDate', 'last_name'), weight(preselect => 'MAX', unit => 'g') ]);
$redcap->put('2', $event, visit_date => '2024-01-01');
fetch(2);
$sheet = sheet(2);
my ($sex, $dob) = map { (candidates($sheet, $_))[0] } qw(sex dob);
is_deeply [ $sex->{value}, $sex->{saved_as}, !!$sex->{selected}, $dob->{saved_as}, !!$dob->{selected} ], [ 'Luna', undef, '', undef, '' ], 'H5 a value that does not fit is shown, and not ticked';
like $sex->{problem}, qr/choice/, '… with the reason';
is ticked($sheet, 'body_weight'), '', 'H5 another unit is not ticked';
like((candidates($sheet, 'body_weight'))[0]{problem}, qr/\bkg\b.*\bg\b/, '… and says so');
$r = decide(2, $sheet, choices => [ $sex->{id}, id_of($sheet, 'last_name') ]);
is_deeply [ $r->code, json($r)->{error} ], [ 400, 'invalid_choice' ], 'H5 it cannot be saved by a forged form';
is states(2), 'new new new new new', 'H5 … nor what came with it';
is count("cdp_outbox WHERE record = '2'"), 0, 'H5 … and nothing is on its way';
$redcap->set(locked => [ { record => '2' } ]);
$r = json(decide(2, $sheet, choices => [ id_of($sheet, 'last_name') ]));
is_deeply [ @$r{qw(saved delivered refused)} ], [ 1, 0, 1 ], 'H5 a locked record is not written';
$sheet = sheet(2);
my $refused = target($sheet, 'last_name');
is $refused->{sent}, 'refused', 'H5 the sheet says so';
like $refused->{refusal}, qr/locked/, '… and why';
is_deeply [ map { "$_->{value} $_->{state}" } @{ $refused->{candidates} } ], ['1984-11-06 saved'], 'H5 … and offers it again';
is fetch(2)->{new}, 3, 'H5 a fetch does not make it new';
$redcap->set(locked => []);
$r = json(decide(2, $sheet = sheet(2), choices => [ id_of($sheet, 'last_name') ]));
is_deeply [ @$r{qw(saved delivered refused)} ], [ 1, 1, 0 ], 'H5 chosen again once the record is open';
is $redcap->value('2', $event, 'last_name'), '1984-11-06', '… it is there';
is_deeply [ target(sheet(2), 'last_name')->{sent}, candidates(sheet(2), 'last_name') ], ['delivered'], '… and there is nothing more to choose';
is count("cdp_outbox WHERE value_sealed IS NOT NULL"), 0, 'H1 … nor kept';

# H3, H7: at the same moment (t/lib/c/store_cdp_decide.c, in a database of its own)

served('cdp-decide', pg => SL::Postgres->new);

# H1: what cannot be read

set_up([@people]);
fetch(3);
$pg->dbh->do(q{UPDATE smartlaunch.cdp_value v SET value_sealed = o.value_sealed FROM smartlaunch.cdp_value o
    WHERE v.record = '3' AND o.record = '3' AND o.id = (SELECT min(id) FROM smartlaunch.cdp_value WHERE record = '3') AND v.id = o.id + 1});
$pg->dbh->do(q{UPDATE smartlaunch.cdp_value SET key_id = 'gone' WHERE id = (SELECT max(id) FROM smartlaunch.cdp_value WHERE record = '3')});
$sheet = sheet(3);
for my $field (qw(last_name sex)) {
    my ($one) = candidates($sheet, $field);
    is_deeply [ @$one{qw(value saved_as)}, !!$one->{selected} ], [ undef, undef, '' ], "H1 moved, or without its key: unreadable, never empty ($field)";
    like $one->{problem}, qr/unreadable/, '… and says so';
    is json(decide(3, $sheet, choices => [ $one->{id} ]))->{error}, 'invalid_choice', '… and cannot be saved';
}
is ticked($sheet, 'dob'), '1984-11-06', 'H1 the others can';
is count("cdp_view WHERE record = '3'"), 2, 'H6 what cannot be read was shown to nobody';

# H3: two at once, and deaths

fetch("r$_") for 1 .. 8;
my ($one, $zero) = (0, 0);
for my $i (1 .. 8) {
    my @forms = ([ \@alice, sheet("r$i", @alice) ], [ \@bob, sheet("r$i", @bob) ]);
    my @codes = map { $_->code } many(2, sub {
        my ($who, $form) = @{ $forms[ $_[0] ] };
        return decide("r$i", $form, @$who, choices => [ id_of($form, 'first_name'), id_of($form, $_[0] ? 'dob' : 'sex') ]);
    });
    $one++ if "@{[ sort @codes ]}" eq '200 409';
    $zero++ if count('cdp_outbox WHERE record = ?', "r$i") == 2 && $pg->value('SELECT count(DISTINCT decision) FROM smartlaunch.cdp_value WHERE record = ? AND decision IS NOT NULL', "r$i") == 1;
}
is $one, 8, 'H3 two users decide at the same moment: one saves, the other is told of a conflict';
is $zero, 8, 'H3 … and nothing of the other is stored';

for my $step (qw(cdp_record cdp_value cdp_outbox cdp_log)) {
    my $record = "k$step";
    fetch($record);
    my $form = sheet($record);
    my $before = states($record);
    my $dbh = DBI->connect('dbi:Pg:' . ($pg->owner_conninfo =~ s/ /;/gr), undef, undef, { RaiseError => 1, AutoCommit => 0 });
    $dbh->do("LOCK TABLE smartlaunch.$step IN SHARE MODE");
    my $pid = fork // die;
    if (!$pid) { eval { decide($record, $form, choices => [ map { id_of($form, $_) } qw(first_name dob) ], exclude => [ id_of($form, 'sex') ]) }; POSIX::_exit(0) }
    my $blocked = wait_for("a decision that waits at $step", sub {
        return $pg->value(q{SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%cdp_decide%' AND datname = current_database()});
    });
    $pg->dbh->do("SELECT pg_terminate_backend($blocked)");
    waitpid $pid, 0;
    $dbh->rollback;
    $dbh->disconnect;
    is_deeply [ states($record), count('cdp_outbox WHERE record = ?', $record), count("cdp_log WHERE record = ? AND what <> 'fetched'", $record) ], [ $before, 0, 0 ],
        "H3 killed while it writes $step: nothing of it is stored";
    is json(decide($record, $form, choices => [ map { id_of($form, $_) } qw(first_name dob) ], exclude => [ id_of($form, 'sex') ]))->{saved}, 2, '… and the same form saves all of it';
}

# C12: a form of the patient before

fetch('m1');
my $form = sheet('m1');
isnt $cdp->api(POST => 'records/m1/fetch', @alice, json => { mrn => 'MRN-10034' })->code, 200, 'C12 the record gets another MRN, whose patient this token does not cover';
is json(decide('m1', $form, choices => [ id_of($form, 'first_name') ]))->{error}, 'conflict', 'C12 H3 a form of the patient before saves nothing';
is count("cdp_value WHERE record = 'm1'") + count("cdp_outbox WHERE record = 'm1'"), 0, 'C12 … of whom nothing is left';

# H7: SYSTEM

my @both = (field('name-family', 'first_name'));
set_up([ @people, @both ], project => 'swift');
is fetch('s1', project => 'swift')->{new}, 4, 'H7 the site alone: everything waits for a person';
is states('s1') =~ /saved/ ? 1 : 0, 0, 'H7 … nothing is saved';
set_up([@people], adjudication => 'instant');
is fetch('s2')->{new}, 4, 'H7 the study alone: everything waits for a person';
is count("cdp_value WHERE record = 's2' AND state = 'saved'"), 0, 'H7 … nothing is saved';
set_up([ @people, @both ], project => 'swift', adjudication => 'auto');
fetch('s3', project => 'swift');
is count("cdp_value WHERE record = 's3' AND state = 'saved'"), 0, 'H7 auto: not after a fetch that a person asked for';
$redcap->put('s4', $event, dob => '1900-01-01');
set_up([ @people, @both ], project => 'swift', adjudication => 'instant');
is fetch('s4', project => 'swift')->{new}, 2, 'H7 both: what is unambiguous is saved';
is_deeply [ map { $redcap->value('s4', $event, $_) } qw(last_name sex first_name dob) ], [ 'McCullough', 'F', undef, '1900-01-01' ],
    'H7 … and in the project; two names for one field wait, and nothing is written over';
is_deeply [ map { "$_->{what} $_->{app_user}" } $pg->rows("SELECT what, app_user FROM smartlaunch.cdp_log WHERE record = 's4' AND what = 'saved' ORDER BY id") ],
    [ ('saved SYSTEM') x 2 ], 'H7 as SYSTEM';
is count("cdp_outbox WHERE record = 's4' AND saved_by = 'SYSTEM'"), 2, '… in the outbox, too';
is count("cdp_view WHERE record = 's4'"), 0, 'H6 SYSTEM is no one who looks';

# The study has another number in the record than the one that somebody typed

$redcap->put('s5', $event, visit_date => '2024-03-15', mrn => 'MRN-10034');
my $doubted = fetch('s5', project => 'swift');
like $doubted->{warnings}[0]{message}, qr/another medical record number in this record/, 'C12 a record in which the study has another number: that is named';
unlike $doubted->{warnings}[0]{message}, qr/MRN/, '… without the numbers';
is count("cdp_outbox WHERE record = 's5'"), 0, 'H7 … and SYSTEM saves nothing into it';
ok $doubted->{new} > 0, '… all of it waits for a person';
$redcap->put('s5', $event, mrn => $mrn);
is_deeply fetch('s5', project => 'swift')->{warnings}, [], '… who mends the number: nothing to say any more';
is count("cdp_outbox WHERE record = 's5' AND saved_by = 'SYSTEM'"), 3, 'H7 … and SYSTEM saves';

# Nothing of a patient where it must not be

my $everything = $httpd->error_log . $pg->dump;
unlike $everything, qr/$_/, "H1 in no log and no table: $_" for $mrn, qw(McCullough 1984-11-06 66\.8);
$httpd->expect_log(qw(SL8204 SL8205 SL8206))->allow_log(qw(SL8050 SL3001 SL3002 SL3006 SL8202 SL8101 SL8125));
done();
