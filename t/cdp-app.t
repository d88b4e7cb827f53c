#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The Clinical Data Pull and the app that holds the project: one that is away gets saved values later,
# by the watchdog; SmartCDPAccess has its say before anything is shown or stored.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::REDCap;

my $redcap = SL::REDCap->new;
my $source = "sandbox mrn-system=$SL::CDP::mrn_system";
my $w = world(fpm => 0, ehr => { search => 1 }, cdp => { redcap => $redcap, project => "SmartCDPAccess ${\ $redcap->access_url }", more => <<"CONF" });
<SmartCDPProject other>
    SmartCDPSource $source
    SmartCDPDeliver ${\ $redcap->signed }
</SmartCDPProject>
CONF
my ($httpd, $pg, $cdp) = ($w->httpd, $w->pg, $w->cdp);
my $alice = $w->launch(login => 'alice');
my @alice = (session => $alice->{session});
my $event = 'event_1_arm_1';
my $mrn = 'MRN-10021';
$cdp->grant('alice');
$pg->dbh->do("INSERT INTO smartlaunch.cdp_right (project, app_user, may, granted_by)
    SELECT 'other', 'alice', may, 'test' FROM unnest(ARRAY['setup', 'adjudicate']) may");

sub set_up {
    my ($project) = @_;
    my $field = sub { return { source => $_[0], event => $event, field => $_[1] } };
    return $cdp->api(PUT => 'mapping', @alice, project => $project, json => { version => 1, project => $project,
        day_offset => { days => 365, direction => '+-' }, convert_gmt => JSON::PP::false, adjudication => 'manual', preview => [],
        identifier => $field->(id => 'mrn'), fields => [ $field->('name-given', 'first_name'), $field->('name-family', 'last_name'), $field->('birthDate', 'dob') ] });
}

sub items { my ($project, $record) = @_; return json($cdp->api(GET => "records/$record/items", @alice, project => $project)) }

# Save the first candidate of each of these fields; the API's answer.
sub save {
    my ($project, $record, @fields) = @_;
    my $sheet = items($project, $record);
    my @ids = map { my $f = $_; map { $_->{candidates}[0]{id} } grep { $_->{field} eq $f } @{ $sheet->{targets} } } @fields;
    return json($cdp->api(POST => "records/$record/adjudicate", @alice, project => $project, json => { token => $sheet->{token}, choices => \@ids }));
}

sub sent_of { my ($project, $record, $field) = @_; return (map { $_->{sent} } grep { $_->{field} eq $field } @{ items($project, $record)->{targets} })[0] }

# H9: the app's own word

$redcap->set(access => '0');
is set_up('study')->code, 403, 'H9 the app says 0: no mapping';
is $cdp->api(POST => 'records/1/fetch', @alice, json => { mrn => $mrn })->code, 403, 'H9 … no fetch';
is $cdp->api(GET => 'records/1/items', @alice)->code, 403, 'H9 … and nothing to see';
is $pg->value('SELECT (SELECT count(*) FROM smartlaunch.cdp_record) + (SELECT count(*) FROM smartlaunch.cdp_project)'), 0, 'H9 … nothing is stored';
is scalar($redcap->log('/access')), 1, 'H9 … it was asked once';
is set_up('other')->code, 200, 'H9 another project of the same app has no such service';
$httpd->expect_log(qw(SL8403 SL8516));
$redcap->set(access => '1');
my $session = $w->launch;
@alice = (session => $session->{session});
is set_up('study')->code, 200, 'H9 another session is asked anew: the app says 1';
my $asked = scalar $redcap->log('/access');
$cdp->api(GET => 'mapping', @alice) for 1 .. 4;
is scalar($redcap->log('/access')), $asked, 'H9 … once for the session, whichever child serves it';

# The app is away for a while

is json($cdp->api(POST => 'records/1/fetch', @alice, json => { mrn => $mrn }))->{new}, 3, 'C4 three values are held';
$redcap->forget->faults({ path => '/api/', when => { action => 'import' }, status => 503 });
my $told = save('study', '1', 'first_name', 'dob');
is_deeply { %$told{qw(saved delivered waiting refused)} }, { saved => 2, delivered => 0, waiting => 2, refused => 0 }, 'CDP-DEL the app has no time: saved, and waiting' or diag explain $told;
is sent_of('study', '1', 'dob'), 'waiting', '… which the screen says';
is $redcap->value('1', $event, 'dob'), undef, '… the project has nothing yet';
$redcap->faults;
wait_for('the watchdog to deliver', sub { $redcap->value('1', $event, 'dob') });
is join(' ', map { $redcap->value('1', $event, $_) } qw(first_name dob)), 'Luna 1984-11-06', 'CDP-DEL … and gets all of it later, without anybody';
wait_for('the outbox', sub { !$pg->value("SELECT count(*) FROM smartlaunch.cdp_outbox WHERE state = 'waiting'") });
is sent_of('study', '1', 'dob'), 'delivered', '… which the screen says';
is scalar(grep { $_->{status} == 200 } $redcap->imports), 1, '… in one call';
$httpd->expect_log('SL8303');

# A refusal comes back to the screen

$redcap->set(locked => [ { record => '1', form => 'demographics' } ]);
$told = save('study', '1', 'last_name');
is_deeply { %$told{qw(saved delivered waiting refused)} }, { saved => 1, delivered => 0, waiting => 0, refused => 1 }, 'H5 a locked record refuses';
my ($target) = grep { $_->{field} eq 'last_name' } @{ items('study', '1')->{targets} };
is $target->{sent}, 'refused', 'H5 … the screen says so';
like $target->{refusal}, qr/form that is locked/, 'H5 … with the reason';
is $redcap->value('1', $event, 'last_name'), undef, 'H5 … and the record is not written';

# Signed JSON

$redcap->set(locked => []);
is json($cdp->api(POST => 'records/1/fetch', @alice, project => 'other', json => { mrn => $mrn }))->{new}, 3, 'C4 another project has its own';
is save('other', '1', 'dob')->{delivered}, 1, 'CDP-DEL the other protocol: a receiver that checks the signature takes it';
my ($message) = $redcap->received;
is_deeply [ @$message{qw(project record event user)}, $message->{values} ], [ 'other', '1', $event, 'alice', { dob => '1984-11-06' } ], '… and what it says';
like $message->{key}, qr/^[0-9a-f-]{36}$/, '… with its key';

# Nothing of it in logs

my $log = $httpd->error_log;
for my $what ('Luna', '1984-11-06', 'McCullough', $mrn, $redcap->token, $redcap->secret, 'form that is locked') {
    unlike $log, qr/\Q$what\E/, "H1 the error log has no '$what'";
}
done();
