#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What lies between Save and the app, where a person or SYSTEM cannot see the whole: a saved value whose
# key is away, and an app that nobody can ask what it has.
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
my $source = "sandbox mrn-system=$SL::CDP::mrn_system";
my $w = world(fpm => 0, gateway => undef, ehr => { search => 1 }, cdp => { redcap => $redcap, more => <<"CONF" });
<SmartCDPProject asked>
    SmartCDPSource $source
    SmartCDPDeliver ${\ $redcap->signed }
    SmartCDPAdjudication instant
</SmartCDPProject>
CONF
my ($httpd, $ehr, $pg, $cdp) = ($w->httpd, $w->ehr, $w->pg, $w->cdp);
$cdp->grant('alice');
$pg->dbh->do("INSERT INTO smartlaunch.cdp_right (project, app_user, may, granted_by) SELECT 'asked', 'alice', m, 'test' FROM unnest(ARRAY['setup', 'adjudicate']) m");
$w->launch(login => 'alice', patient => undef);
use_study($w, redcap => $redcap);
my $event = 'event_1_arm_1';
my $day = day();

sub value_of { my ($record, $field) = @_; return $redcap->value($record, $event, $field) }
sub outbox { my ($record, $field) = @_; return join ' ', map { $_->{state} } $pg->rows('SELECT state FROM smartlaunch.cdp_outbox WHERE record = ? AND field = ? ORDER BY seq', $record, $field) }
sub keys_of {
    my ($record, $field, $key) = @_;
    return $pg->dbh->do("UPDATE smartlaunch.cdp_outbox SET key_id = ?, due_at = now() WHERE record = ? AND field = ? AND state = 'waiting'", undef, $key, $record, $field);
}

# Save all there is while the app has no time, and take the key of one of them away.
sub lose {
    my ($record, $lost, %chosen) = @_;
    my $sheet = sheet($record);
    $redcap->faults({ path => '/api/', when => { action => 'import' }, status => 503 });
    is json(decide($record, $sheet, choices => [ map { id_of($sheet, $_, $chosen{$_}) } sort keys %chosen ]))->{waiting}, keys %chosen, 'CDP-DEL the app has no time';
    keys_of($record, $lost, 'k0');
    $redcap->faults;
    $pg->dbh->do('UPDATE smartlaunch.cdp_outbox SET due_at = now() WHERE record = ?', undef, $record);
    wait_for('the value to be put aside', sub { count('cdp_outbox WHERE record = ? AND aside_at IS NOT NULL', $record) });
    wait_for('the others to go', sub { !count("cdp_outbox WHERE record = ? AND state = 'waiting' AND aside_at IS NULL", $record) });
    return;
}

# H1: the key of a saved value is away, and comes back

$httpd->expect_log(qw(SL8303 SL8309 SL8204));
my %both = (body_weight => 71, first_name => 'Luna');
visit($_) for qw(back again late);
set_up([ weight(), field('name-given', 'first_name') ]);
has(result("${day}T08:00:00Z", 70), result("${day}T09:00:00Z", 71));
fetch('back');
lose('back', 'body_weight', %both);
my $target = target(sheet('back'), 'body_weight');
is value_of('back', 'first_name'), 'Luna', 'CDP-DEL what was saved for another field goes';
is value_of('back', 'body_weight'), undef, 'CDP-DEL … and nothing else';
is $target->{sent}, 'aside', 'H1 the key of a saved value is away: it is put aside';
like $target->{refusal}, qr/not in the server's key ring.*sent by itself.*decide about it anew/, 'H1 … the sheet says why, and what to do';
my $window = $w->launch(patient => undef);
my $page = $window->{window}->nav($cdp->url('back', smart_launch => $window->{handle}))->content;
like $page, qr/1 saved value cannot be sent to the study(?:'|&#39;)s application/, 'H1 … so does the page';
like $page, qr/<details open>.*saved, and cannot be sent\. The key that sealed/, 'H1 … beside its field';
my ($status) = @{ JSON::PP::decode_json(($httpd->ctl(qw(--json cdp status study)))[1]) };
is_deeply [ @$status{qw(aside missing_keys waiting unreadable)} ], [ 1, 'k0', 1, 1 ], 'H1 … and smartlaunchctl cdp status, with the name of the key';
keys_of('back', 'body_weight', 'k1');
wait_for('what was put aside', sub { value_of('back', 'body_weight') }, 40);
is value_of('back', 'body_weight'), 71, 'H1 the key is back: it is sent by itself';
wait_for('the outbox', sub { outbox('back', 'body_weight') eq 'delivered' });
is target(sheet('back'), 'body_weight')->{sent}, 'delivered', 'H1 … which the sheet says';

# H1: … or a person decides again

fetch('again');
lose('again', 'body_weight', %both);
is join(' ', candidates(sheet('again'), 'body_weight')), '', 'H1 nothing is left to choose for it';
my $before = sheet('again');
is fetch('again')->{new}, 1, 'H1 a fetch brings what was put aside anew';
is decide('again', $before, choices => [])->code, 409, 'H1 … a form from before does not know of it';
my $sheet = sheet('again');
is join(' ', map { "$_->{value} $_->{state}" } candidates($sheet, 'body_weight')), '71 new', 'H1 … it is offered again, and what was passed over is not';
is json(decide('again', $sheet, choices => [ id_of($sheet, 'body_weight', 71) ]))->{delivered}, 1, 'H1 … and a person saves it';
is value_of('again', 'body_weight'), 71, 'H1 … the app has it';
is outbox('again', 'body_weight'), 'replaced delivered', 'H1 … the other one is out of the way, whatever comes of its key';
is fetch('again')->{new}, 0, 'H1 … and nothing is offered again';

# H1: … or both

fetch('late');
lose('late', 'first_name', %both);
is fetch('late')->{new}, 1, 'H1 what there is of once is offered again, too';
keys_of('late', 'first_name', 'k1');
wait_for('what was put aside', sub { outbox('late', 'first_name') eq 'delivered' }, 40);
is join(' ', candidates(sheet('late'), 'first_name')), '', 'H1 the key comes back before anybody decides: nobody needs to';
is value_of('late', 'first_name'), 'Luna', 'H1 … the app has it';
$ehr->faults;

# H7: an app that nobody can ask what it has

set_up([ field('name-given', 'first_name') ], project => 'asked', adjudication => 'instant');
my @asked = (project => 'asked');
sub first_name { my ($record) = @_; return target(sheet($record, @asked), 'first_name') }
sub users { my ($record) = @_; return join ' ', map { $_->{user} } grep { $_->{record} eq $record } $redcap->received }
fetch('s1', @asked);
is users('s1'), 'SYSTEM', 'H7 a field for which nothing was ever saved: SYSTEM saves, and says so';
is first_name('s1')->{sent}, 'delivered', 'H7 … the app takes it';

$redcap->faults({ path => '/signed', times => 1, status => 409, body => '{"error":"has_value","message":"Somebody typed Lune here."}' });
fetch('s2', @asked);
$redcap->faults;
is first_name('s2')->{sent}, 'refused', 'H7 an app that has what a person typed refuses SYSTEM (409)';
is first_name('s2')->{refusal}, 'Somebody typed Lune here.', 'H7 … which comes back as the reason';
fetch('s2', @asked);
is users('s2'), '', 'H7 … and SYSTEM does not try again';
$sheet = sheet('s2', @asked);
is json($cdp->api(POST => 'records/s2/adjudicate', user => 'alice', @asked, json => { token => $sheet->{token}, choices => [ id_of($sheet, 'first_name') ] }))->{delivered}, 1,
    'H7 … a person may save it all the same';
is users('s2'), 'alice', 'H7 … in her own name';

fetch('s1', @asked, mrn => 'MRN-10034');
is count("cdp_outbox WHERE record = 's1'"), 0, 'C12 another patient: everything of the old one goes';
is users('s1'), 'SYSTEM', 'H7 … but the app may have it still: SYSTEM does not write over it';
is ticked(sheet('s1', @asked), 'first_name'), 'Johnnie', 'H7 … a person decides';
done();
