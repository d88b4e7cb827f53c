#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Two hosts of the Clinical Data Pull on bad days: one stops or dies in the middle of a fetch or of a
# delivery, PostgreSQL does, many people work at once, and the EHR answers nonsense. No patient is
# mixed with another, nothing is lost, and nothing is there twice.
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
my $w = world(fpm => 0, gateway => undef, pg => { own => 1 }, ehr => { search => 1 }, ehr_block => 'SmartOutbound timeout=20s', cdp => { redcap => $redcap });
my ($httpd, $ehr, $pg, $cdp) = ($w->httpd, $w->ehr, $w->pg, $w->cdp);
my $second = $w->another_host(fpm => 0, gateway => undef, ehr_block => 'SmartOutbound timeout=20s');
my $johnnie = 'johnnie-hermiston';
my ($mrn, $other_mrn) = ('MRN-10021', 'MRN-10034');
my @users = ('alice', map { "user$_" } 1 .. 4);
$cdp->grant($_) for @users;
$w->launch(login => 'alice', patient => undef); # she may see every patient
use_study($w, redcap => $redcap);
my @alice = (user => 'alice');
my $event = 'event_1_arm_1';

my @people = (field('name-given', 'first_name'), field('name-family', 'last_name'), field('birthDate', 'dob'));
my $day = day();

# A lease that is over, as if its time had come.
sub lapse { my ($table, $record) = @_; return $pg->dbh->do("UPDATE smartlaunch.$table SET lease_until = now() - interval '1 second' WHERE record = ? AND lease_until IS NOT NULL", undef, $record) }
# What is asked for is held until the faults are cleared.
sub held { my ($type, $body) = @_; return $ehr->faults("fhir:$type" => { held => 1, $body ? (status => 200, body => $body, content_type => 'application/fhir+json') : () }) }
# A fetch of a record whose claim is over, which a watchdog may have found a moment before.
sub fetched { my ($record, %more) = @_; my $r; wait_for("$record to be free", sub { ($r = post_fetch($record, %more))->code != 503 }); return json($r) }
# The next decision delivers what waits, unless a watchdog has just begun to.
sub delivered { my ($record) = @_; return wait_for("what was saved of $record to be delivered", sub { !count("cdp_outbox WHERE record = ? AND state = 'waiting'", $record) }) }
sub asked { my ($type) = @_; return scalar $ehr->log("/fhir/$type") }
set_up([ @people, weight() ]);

# A host that stops in the middle of a fetch, and goes on when the record is somebody else's

visit($_) for qw(frozen dead);
held(Observation => bundle(undef, result("${day}T08:00:00Z", 70)));
$ehr->forget;
my $answer = meanwhile(sub { post_fetch('frozen') });
wait_for('a fetch under way', sub { asked('Observation') });
my @stopped = $httpd->children;
kill 'STOP', @stopped;
$ehr->faults;
is post_fetch('frozen', mrn => $other_mrn, host => $second)->code, 503, 'C12 a record that is being fetched has one fetch';
is lapse('cdp_record', 'frozen'), 1, 'C12 the host that fetches stops, and its claim runs out';
is fetched('frozen', mrn => $other_mrn, host => $second)->{outcome}, 'ok', 'C12 the other host fetches another patient into the record';
my @held = $pg->rows("SELECT id, state FROM smartlaunch.cdp_value WHERE record = 'frozen' ORDER BY id");
kill 'CONT', @stopped;
my ($code, $content) = $answer->();
is $code, 503, 'C12 the first one goes on: it has lost the record' or diag $content;
is_deeply [ $pg->rows("SELECT id, state FROM smartlaunch.cdp_value WHERE record = 'frozen' ORDER BY id") ], \@held, 'C12 … holds nothing of its patient, and takes nothing of the other';
is_deeply [ @{ record('frozen') }{qw(patient state outcome)} ], [ $johnnie, 'idle', 'ok' ], 'C12 … the record is the other patient\'s';
is ticked(sheet('frozen'), 'first_name'), 'Johnnie', 'C12 … and so is what is offered';

# A process that dies in the middle of a fetch

held('Observation');
$ehr->forget;
$answer = meanwhile(sub { post_fetch('dead') });
wait_for('a fetch under way', sub { asked('Observation') });
my $rows = count("cdp_value WHERE record = 'dead'");
$httpd->kill_child($_) for $httpd->children;
$answer->();
$ehr->faults;
has(result("${day}T08:00:00Z", 70));
lapse('cdp_record', 'dead');
is fetched('dead', host => $second)->{outcome}, 'ok', 'a fetch whose process died is made by another';
is_deeply [ $rows, count("cdp_value WHERE record = 'dead'") ], [ 3, 4 ], 'C12 … what the first one held is there, once';
$ehr->faults;

# A process that dies in the middle of a delivery, before and after the app has written it

for my $case ([ before => 0 ], [ after => 1 ]) {
    my ($name, $works) = @$case;
    fetch("d-$name");
    my $sheet = sheet("d-$name");
    $redcap->forget->faults({ path => '/api/', when => { action => 'import' }, hang => 1, works => $works, times => 1 });
    $answer = meanwhile(sub { decide("d-$name", $sheet, choices => [ map { id_of($sheet, $_) } qw(first_name dob) ]) });
    wait_for('a delivery under way', sub { scalar $redcap->imports });
    $httpd->kill_child($_) for $httpd->children;
    $answer->();
    is count("cdp_outbox WHERE record = 'd-$name' AND state = 'waiting'"), 2, "H3 a process dies $name the app has written: what was saved waits";
    is lapse('cdp_outbox', "d-$name"), 2, '… until its claim runs out';
    $sheet = sheet("d-$name", host => $second);
    is decide("d-$name", $sheet, host => $second, choices => [ id_of($sheet, 'last_name') ])->code, 200, '… and with the next decision it goes';
    delivered("d-$name");
    is_deeply [ map { $redcap->value("d-$name", $event, $_) } qw(first_name dob) ], [ 'Luna', '1984-11-06' ], 'CDP-DEL … then another one delivers it';
    is scalar(grep { $_->{status} && $_->{rows}[0]{first_name} } $redcap->imports), 1, $works ? 'CDP-DEL … by looking: it is there' : 'CDP-DEL … by sending it again';
}

# PostgreSQL goes at each step of a Save

fetch('pg');
my $sheet = sheet('pg');
$redcap->forget->faults({ path => '/api/', when => { action => 'import' }, held => 1, times => 1 });
$answer = meanwhile(sub { decide('pg', $sheet, choices => [ id_of($sheet, 'first_name') ]) });
wait_for('a delivery under way', sub { scalar $redcap->imports });
$pg->crash;
$redcap->release;
($code, $content) = $answer->();
is_deeply [ $code, @{ JSON::PP::decode_json($content) }{qw(saved delivered waiting)} ], [ 200, 1, 0, 1 ], 'H3 PostgreSQL goes while the app writes: it was saved, and waits' or diag $content;
is $redcap->value('pg', $event, 'first_name'), 'Luna', '… the app has it';
is decide('pg', $sheet, choices => [ id_of($sheet, 'dob') ])->code, 503, 'H3 nothing can be saved without it';
is $cdp->api(GET => 'records/pg/items', @alice)->code, 503, 'H6 … nor seen, since nobody could note it';
isnt post_fetch('pg')->code, 200, '… nor fetched';
$pg->start;
wait_for('every child to find PostgreSQL', sub { !grep { $cdp->api(GET => 'records/pg/items', @alice)->code != 200 } 1 .. 12 });
lapse('cdp_outbox', 'pg');
my $next = sheet('pg');
is decide('pg', $next, choices => [ id_of($next, 'last_name') ])->code, 200, '… and it is delivered with the next decision';
delivered('pg');
is scalar(grep { $_->{rows}[0]{first_name} } $redcap->imports), 1, 'CDP-DEL what was written already is not written again';
is states('pg'), 'saved saved new', 'H3 one decision, which stands';
is decide('pg', $sheet, choices => [ id_of($sheet, 'dob') ])->code, 409, 'H3 … and made the form old';

# People at work, all at once

has(result("${day}T08:00:00Z", 70), result("${day}T09:00:00Z", 71));
visit("many$_") for 0 .. 3;
my @codes = many(10, sub {
    my ($i) = @_;
    my @who = (user => $users[ $i % 5 ]);
    my %seen;
    for my $round (0 .. 3) {
        my $record = 'many' . ($i + $round) % 4;
        my @host = $i % 2 ? (host => $second) : ();
        $seen{ 'fetch ' . $cdp->api(POST => "records/$record/fetch", user => 'alice', @host, timeout => 60, json => { mrn => $i == 7 && $round == 2 ? $other_mrn : $mrn })->code }++;
        my $items = $cdp->api(GET => "records/$record/items", @who, @host, timeout => 60);
        $seen{ 'items ' . $items->code }++;
        next if $items->code != 200;
        my $sheet = json($items);
        my @ids = map { map { $_->{id} } grep { $_->{state} eq 'new' && $_->{saved_as} } ($_->{candidates}[0] // ()) } @{ $sheet->{targets} };
        $seen{ 'decide ' . $cdp->api(POST => "records/$record/adjudicate", @who, @host, timeout => 60, json => { token => $sheet->{token}, choices => [ $ids[0] // () ], exclude => [ $ids[1] // () ] })->code }++;
        $seen{ 'mapping ' . put_mapping([ @people, weight(preselect => $round % 2 ? 'MIN' : 'MAX') ])->code }++ if $i == 5;
    }
    return \%seen;
});
my %all;
for my $one (@codes) { $all{$_} += $one->{$_} for keys %$one }
diag join ', ', map { "$_: $all{$_}" } sort keys %all;
is_deeply [ grep { !/^(?:fetch (?:200|503)|items (?:200|404)|decide (?:200|409|400)|mapping 200)$/ } sort keys %all ], [], 'ten at once: everybody gets an answer that makes sense';
is count("cdp_record WHERE record LIKE 'many%' AND state = 'fetching'"), 0, '… and no record stays taken';
is $pg->value(q{SELECT count(*) FROM (SELECT 1 FROM smartlaunch.cdp_value WHERE record LIKE 'many%' GROUP BY record, mapping, instance, taken_at, value_print, state HAVING count(*) > 1 AND taken_at IS NOT NULL) x}), 0, '… no value is there twice';
is $pg->value(q{SELECT count(*) FROM smartlaunch.cdp_outbox o LEFT JOIN smartlaunch.cdp_value v ON v.id = o.value_id WHERE o.record LIKE 'many%' AND (v.id IS NULL OR v.decision <> o.decision)}), 0, '… and what is on its way was decided';
$ehr->faults;

# An EHR that answers nonsense: the rest of it is held

visit('odd');
set_up([ @people, weight() ]);
sub at { my ($minute) = @_; return sprintf "${day}T10:%02d:00Z", $minute }
my $n = 0;
my $long = 'x' x 100_000;
my @odd = ((map { result(at($n++), $_) } 60, '61', 'NaN', JSON::PP::true, [62], { value => 63 }, undef),
    (map { result(at($n++), 64, %$_) } { valueQuantity => undef, valueString => $long }, { valueQuantity => { value => 65, unit => "k\x{0}g", code => "k\x{0}g" } },
        { valueQuantity => { value => 66, unit => $long, code => $long } }, { valueQuantity => { value => 67, unit => '<script>alert(1)</script>' } },
        { valueQuantity => undef, valueString => "<script>alert('x')</script>\x{0}\x{202e}" }, { subject => { reference => "Patient/$johnnie" } },
        { subject => undef }, { subject => [] }, { effectiveDateTime => '0000-00-00' },
        { effectiveDateTime => '2024-02-30' }, { effectiveDateTime => "${day}T25:61:61Z" }, { effectiveDateTime => [] }, { code => 'no object' }, { code => { coding => {} } },
        { status => 'entered-in-error' }, { component => [ { code => undef }, 7, undef ] }), 7, undef, [], 'text');
my $text = JSON::PP->new->utf8->encode({ resourceType => 'Bundle', type => 'searchset', link => 'none', entry => [ (map { { resource => $_, search => { mode => 'match' } } } @odd), 7, undef, [] ] });
$text =~ s/"value":60\b/"value":6.00e1/;
$text =~ s/("entry":\[)/$1 . join ',', map { my $number = $_; my $one = JSON::PP->new->utf8->encode({ resource => result(at(50 + $n++ % 9), 4711), search => { mode => 'match' } }); $one =~ s{4711}{$number}; $one . ',' } '1e999999999', '-0', '18446744073709551617', '1' x 5000, '0.1' . '0' x 300 . '1'/e;
$text =~ s/,,/,/g;
answers(Observation => $text);
my $told = fetch('odd');
is $told->{outcome}, 'ok', 'C10 nonsense in single results is no trouble of the whole' or diag JSON::PP->new->encode($told);
my @shown = candidates(sheet('odd'), 'body_weight');
diag join ' | ', map { substr($_->{value} // "(" . ($_->{problem} // '') . ")", 0, 60) . ' ' . substr($_->{unit} // '', 0, 20) . ($_->{saved_as} ? ' *' : '') } @shown;
is scalar(grep { ($_->{saved_as} // '') !~ /^-?[0-9.eE+-]+$/ && defined $_->{saved_as} } @shown), 0, 'H5 only numbers can be saved into a number';
is scalar(grep { length($_->{value} // '') > 70_000 || length($_->{unit} // '') > 2000 } @shown), 0, '… nothing is endless';
is_deeply [ grep { ($_->{taken_at} // '') =~ /10:(?:12|13|14)/ } @shown ], [], 'C9 nothing of another patient, or of nobody';
is $cdp->api(GET => 'records/odd/log', @alice)->code, 200, 'and the log can be read';
$ehr->faults;

$httpd->allow_log(qw(SL3004 SL3010 SL8011 SL8209 SL8544 SL3001 SL3002 SL3006 SL3505 SL8050 SL8143 SL8202 SL8204 SL8205 SL8206 SL8207 SL8133 SL8301 SL8302 SL8303 SL8131));
$second->allow_log(qw(SL3004 SL3010 SL8011 SL8209 SL8544 SL3001 SL3002 SL3006 SL3505 SL8050 SL8143 SL8202 SL8204 SL8205 SL8206 SL8207 SL8133 SL8301 SL8302 SL8303 SL8131));
done();
