#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# SmartKeep: old steps go by themselves, young ones and live launches stay; SmartCDPKeep: so do values
# of the EHR that nobody decided about.
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;

my $w = world(start => 0, extra => 'SmartKeep steps=2d', cdp => { project => 'SmartCDPKeep 2d' });
my $owner = $w->pg->dbh;
$owner->do("INSERT INTO smartlaunch.launch_step (at, step, outcome, reference) VALUES
    (now() - interval '3 days', 'launch', 'ok', 'OLD'), (now() - interval '1 day', 'launch', 'ok', 'YOUNG')");
# Of a record of the study: undecided and old, undecided and young, excluded, decided.
$owner->do("INSERT INTO smartlaunch.cdp_project (project, day_offset, direction, convert_gmt, adjudication, updated_by)
    SELECT p, 100, '+-', false, 'manual', 'test' FROM unnest(ARRAY['study', 'another']) p");
$owner->do("INSERT INTO smartlaunch.cdp_mapping (project, position, source, field) SELECT project, 1, 'name-given', 'first' FROM smartlaunch.cdp_project");
$owner->do("INSERT INTO smartlaunch.cdp_record (project, record) SELECT project, '1' FROM smartlaunch.cdp_project");
$owner->do("INSERT INTO smartlaunch.cdp_value (project, record, mapping, instance, unit, value_print, value_sealed, key_id, state, held_at)
    SELECT m.project, '1', m.id, v.instance, v.name, sha256(v.name::bytea), CASE WHEN v.state IN ('new', 'excluded') THEN 'x'::bytea END, 'k1', v.state, now() - v.age * interval '1 hour'
    FROM smartlaunch.cdp_mapping m, (VALUES (1, 'old', 'new', 49), (2, 'young', 'new', 47), (3, 'excluded', 'excluded', 49), (4, 'saved', 'saved', 49)) v (instance, name, state, age)");
sub held { return join ' ', map { $_->{unit} } $w->pg->rows('SELECT unit FROM smartlaunch.cdp_value WHERE project = ? AND state <> \'lapsed\' ORDER BY instance', $_[0]) }
is held('study'), 'old young excluded saved', 'held for the study';
$w->httpd->start;
wait_for('the old step to go', sub {
    return !$owner->selectrow_array("SELECT count(*) FROM smartlaunch.launch_step WHERE reference = 'OLD'");
});
is $owner->selectrow_array("SELECT count(*) FROM smartlaunch.launch_step WHERE reference = 'YOUNG'"), 1,
    'a step younger than SmartKeep stays';
wait_for('the old value to go', sub { held('study') !~ /old/ });
is held('study'), 'young excluded saved', 'SmartCDPKeep: what nobody decided about goes; what is young, excluded or decided stays';
is $w->pg->value("SELECT string_agg(concat_ws(' ', unit, project, value_sealed IS NULL), ',') FROM smartlaunch.cdp_value WHERE state = 'lapsed'"), 'old study t', '… but for its fingerprint';
is_deeply [ map { "$_->{record} $_->{app_user} $_->{what}" } $w->pg->rows('SELECT * FROM smartlaunch.cdp_log') ], ['1 SYSTEM purged'], '… and the log of the record says so';
is held('another'), 'old young excluded saved', '… of this project alone';
ok $w->launch(login => 'alice')->{handle}, 'and launches go on';

for my $wrong ('steps=soon', '30d', 'steps=1h') {
    my ($rc, $text) = $w->httpd->configtest(extra => "SmartKeep $wrong");
    isnt $rc, 0, "refused: SmartKeep $wrong";
    like $text, qr/SmartKeep.*write .*30d/, '… with what to write';
}

done();
