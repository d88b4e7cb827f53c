#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What the Clinical Data Pull does without a request: records are fetched again when they are due,
# once, however many hosts there are; and an EHR in trouble does not keep the others waiting.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use JSON::PP qw(decode_json);
use SL::Keys;

my $ca = SL::TLS::ca();
my $system = 'urn:oid:1.2.36.146.595.217.0.1';
my $w = world(start => 0, fpm => 0, gateway => undef, ehr => { search => 1, tenants => 'b' },
    ehr_block => 'SmartOutbound timeout=20s', redirect => 'SmartServe sandbox b',
    cdp => { project => 'SmartCDPRefetch every=1h inactive=7d', more => '' });
my ($httpd, $ehr, $pg) = ($w->httpd, $w->ehr, $w->pg);
my $b = $ehr->tenant('b');
# The second EHR knows us by our key, and gives a token to programs without a user.
my $key = SL::Keys::guide("$httpd->{dir}", 'ES384');
$b->clients({ client_id => 'app-key', token_endpoint_auth_method => 'private_key_jwt', redirect_uris => [ $w->url('/smart') ],
    id_token_signed_response_alg => 'RS256', jwks => decode_json(slurp(top() . '/t/vectors/ES384.public.json')) });
$httpd->{extra} = <<"CONF";
<SmartEHR b>
    SmartIssuer ${\ $b->issuer('b') }
    SmartClient app-key
    SmartClientKey $key
    SmartSystemScope "system/*.rs"
    SmartScope "launch openid fhirUser offline_access patient/*.rs"
    SmartIdentity id_token:preferred_username
    SmartOutbound ca=$ca timeout=20s
</SmartEHR>
CONF
spit("$httpd->{dir}/two.secret", "a key of another project, 0123456789\n", 0600);
$httpd->{cdp}{more} = <<"CONF";
<SmartCDPProject two>
    SmartCDPSource b mrn-system=$system
    SmartCDPDeliver http http://127.0.0.1:$httpd->{echo}{port}/two secret=file:$httpd->{dir}/two.secret
    SmartCDPRefetch every=1h inactive=7d
</SmartCDPProject>
CONF
$httpd->start;
my $cdp = $w->cdp;
my %host = (one => $httpd, two => $w->another_host(fpm => 0, gateway => undef, extra => $httpd->{extra},
        redirect => $httpd->{redirect}, ehr_block => $httpd->{ehr_block}, cdp => $httpd->{cdp}));

# alice may see every patient of both EHRs, and works on twelve records of one and two of the other.
$w->launch(login => 'alice', patient => undef);
$w->launch(login => 'alice', patient => undef, ehr => $b);
my @mrns = qw(MRN-10021 MRN-10034 MRN-10047 MRN-10052 MRN-10068); # of record 5, 10: the first
for my $project (qw(study two)) {
    $pg->dbh->do("INSERT INTO smartlaunch.cdp_right (project, app_user, may, granted_by) VALUES (?, 'alice', ?, 'test')", undef, $project, $_)
        for qw(setup adjudicate);
    is $cdp->api(PUT => 'mapping', project => $project, user => 'alice', json => {
        version => 1, project => $project, day_offset => { days => 2, direction => '+-' },
        identifier => { source => 'id', event => 'visit', field => 'mrn' },
        fields => [ { source => 'name-given', event => 'visit', field => 'first' },
            { source => '718-7', event => 'visit', field => 'hb', temporal_field => 'visit_date' } ],
    })->code, 200, "a mapping of $project";
}
sub fetch {
    my ($record, %arg) = @_;
    my ($project, $mrn) = (delete $arg{project} // 'study', delete $arg{mrn} // $mrns[ $record % @mrns ]);
    return $cdp->api(POST => "records/$record/fetch", project => $project, user => 'alice', json => { mrn => $mrn, %arg });
}
is_deeply [ grep { fetch($_)->code != 200 } 1 .. 12 ], [], 'twelve records are fetched by a person';
is_deeply [ grep { fetch($_, project => 'two')->code != 200 } 1, 2 ], [], 'and two of another project';

sub record { my ($record, $project) = @_; return ($pg->rows('SELECT *, fetched_at > now() - interval \'30 minutes\' AS is_fresh FROM smartlaunch.cdp_record
        WHERE record = ? AND project = ?', $record, $project // 'study'))[0] }
sub change { my ($set, $where) = @_; return $pg->dbh->do("UPDATE smartlaunch.cdp_record SET $set WHERE $where") }
sub searches { my ($of) = @_; return scalar grep { $_->{path} =~ m{/fhir/Patient$} } ($of // $ehr)->log('/fhir/Patient') }
my $old = "fetched_at = now() - interval '2 hours'";

# H8: each once, whoever comes first
{
    $ehr->forget;
    change($old, "project = 'study'");
    wait_for('all to be fetched again', sub { !$pg->value("SELECT count(*) FROM smartlaunch.cdp_record WHERE project = 'study'
            AND (fetched_at < now() - interval '30 minutes' OR state <> 'idle')") });
    is searches(), 12, 'H8 twelve records that are due are fetched by two hosts, each once';
    is $pg->value("SELECT count(*) FROM smartlaunch.cdp_record WHERE project = 'study' AND outcome = 'ok'"), 12, 'H8 and well';
    is $pg->value("SELECT count(*) FROM smartlaunch.cdp_value WHERE project = 'study'"), 12, 'C12 an unchanged chart has no new row';
    my @rows = wait_for('the audit', sub { my @all = $pg->rows("SELECT * FROM smartlaunch.fhir_access WHERE caller = 'cdp:study:cron'"); return @all >= 12 ? \@all : 0 });
    is_deeply [ grep { $_->{via} ne 'user' || $_->{app_user} ne 'alice' || !$_->{patient} } @{ $rows[0] } ], [], 'C13 by whose token, and that nobody asked for it';
}

# H8: who is inactive is left alone, but for a date that lies ahead; activity brings it back
{
    my $quiet = "active_at = now() - interval '8 days'";
    fetch(2, dates => { visit => { visit_date => '2099-05-05' } });
    $ehr->forget;
    change("$old, $quiet", "project = 'study' AND record IN ('1', '2')");
    change($old, "project = 'study' AND record = '3'");
    wait_for('the active one', sub { record(3)->{is_fresh} && record(3)->{state} eq 'idle' });
    wait_for('the one with a date ahead', sub { record(2)->{is_fresh} && record(2)->{state} eq 'idle' });
    ok !record(1)->{is_fresh}, 'H8 a record that nobody works on is skipped';
    is searches(), 2, 'H8 a visit that lies ahead keeps one due';
    change('active_at = now()', "project = 'study' AND record = '1'");
    wait_for('the one that is active again', sub { record(1)->{is_fresh} });
    pass 'H8 until somebody works on it';
    $ehr->faults('fhir:Patient' => { status => 404 });
    change($old, "project = 'study' AND record = '2'");
    wait_for('a fetch that fails', sub { record(2)->{outcome} eq 'failed' });
    ok record(2)->{has_future}, 'H8 a date ahead is not forgotten when a fetch fails';
    $ehr->faults;
    wait_for('its end', sub { record(2)->{state} ne 'fetching' });
    fetch(2);
    change('has_future = false', "record = '2'");
}

# Whose right has gone, his token is not used; and nobody asks again before somebody fetches
{
    $pg->dbh->do("DELETE FROM smartlaunch.cdp_right WHERE may = 'adjudicate' AND project = 'study'");
    wait_for('no fetch under way', sub { !$pg->value("SELECT count(*) FROM smartlaunch.cdp_record WHERE state <> 'idle'") });
    $ehr->forget;
    change($old, "project = 'study' AND record = '4'");
    wait_for('the record to be told', sub { (record(4)->{outcome} // '') eq 'relaunch' && record(4)->{state} eq 'idle' });
    is searches(), 0, 'H8 who may not any more is not fetched for';
    change($old, "project = 'study' AND record = '4'");
    change($old, "project = 'two' AND record = '1'");
    wait_for('the other project', sub { record(1, 'two')->{is_fresh} });
    ok !record(4)->{is_fresh}, 'H8 and is not due until somebody fetches';
    $cdp->grant('alice');
    is fetch(4)->code, 200, 'who may again fetches';
    is record(4)->{outcome}, 'ok', 'and it goes on';
}

# Where the EHR gives one to programs, that token serves in place of a user's
{
    $pg->dbh->do("DELETE FROM smartlaunch.cdp_right WHERE may = 'adjudicate' AND project = 'two'");
    change($old, "project = 'two'");
    wait_for('the fetches by nobody', sub { 2 == grep { record($_, 'two')->{is_fresh} && record($_, 'two')->{state} eq 'idle' } 1, 2 });
    is_deeply [ map { record($_, 'two')->{outcome} } 1, 2 ], [qw(ok ok)], 'BKS a project whose user may not any more is fetched by the token of backend services';
    my $rows = wait_for('the audit', sub { my @all = $pg->rows("SELECT * FROM smartlaunch.fhir_access WHERE caller = 'cdp:two:cron' AND via = 'system'"); return @all >= 2 ? \@all : 0 });
    is_deeply [ grep { defined $_->{app_user} || !$_->{patient} } @$rows ], [], 'C13 nobody is named for it, but the patient is';
    is $pg->value("SELECT count(*) FROM smartlaunch.fhir_access WHERE caller LIKE 'cdp:study%' AND via = 'system'"), 0, 'the other EHR has none to give';
}

# A host that ends in the middle of a fetch leaves it to whoever comes next
{
    my $day = { visit => { visit_date => '2024-01-02' } };
    is fetch(5, dates => $day)->code, 200, 'a record with a date';
    $ehr->forget;
    my %pages = (observations => { total => 400, page => 20, minutes => 1, patient => 'luna-mccullough', first => '2024-01-02T00:00:00Z' });
    $ehr->faults('fhir:Observation' => { %pages, delay_ms => 300, held => 1, held_after => 3 });
    change($old, "project = 'study' AND record = '5'");
    wait_for('some pages', sub { 4 <= scalar(() = $ehr->log('/fhir/Observation')) });
    $_->graceful for values %host;
    $ehr->release;
    wait_for('the next fetch', sub { searches() == 2 });
    $ehr->faults('fhir:Observation' => \%pages);
    wait_for('the rest', sub { record(5)->{is_fresh} && record(5)->{state} eq 'idle' });
    is record(5)->{outcome}, 'ok', 'H8 a fetch that the end of a process cut off is made at once by another';
    is $pg->value("SELECT count(*) FROM smartlaunch.cdp_value WHERE record = '5' AND project = 'study' AND taken_at IS NOT NULL"), 400, 'C12 every page is held, and once';
    is searches(), 2, 'H8 by two fetches, not more';
    $ehr->faults;
}

# An EHR in trouble is left alone for a while, and the other one is not kept waiting
{
    $ehr->forget;
    $_->{log_before} = length $_->error_log for values %host;
    $ehr->faults(fhir => { status => 503 });
    change($old, "project = 'study'");
    wait_for('both hosts to know', sub { 2 == grep { substr($_->error_log, $_->{log_before}) =~ /SL8602/ } values %host });
    change($old, "project = 'two'");
    wait_for('the other EHR', sub { 2 == grep { record($_, 'two')->{is_fresh} } 1, 2 });
    is searches(), 2, 'C11 an EHR in trouble is asked once by each host, however much is due';
    is $pg->value("SELECT count(*) FROM smartlaunch.cdp_record WHERE project = 'study' AND outcome = 'failed' AND state = 'queued' AND due_at > now()"), 2,
        'C11 those two wait for a while, the others for theirs';
    $ehr->faults;
}
my $said = join '', map { $_->error_log } values %host;
unlike $said, qr/MRN-1|luna-mcc|johnnie-h|omar-h|ingrid-s|thomas-o/, 'no number and no patient in the log';
$_->allow_log(qw(SL8113 SL8101)) for values %host;

done();
