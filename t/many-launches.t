#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A browser that had many launches in one shift: what memory holds of them still fits.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;

my $w = world(pg => { own => 1 }, extra => 'SmartOffline 15m');
my $pg = $w->pg;
my ($first) = @{ $w->ehr->patients };
my $l = $w->launch(login => 'alice', patient => $first);
my ($window, $h) = @{$l}{qw(window handle)};

# As many patients as a long day has, each launch ended: what was said of them stays as it was.
$pg->dbh->do(<<'SQL', undef, 200);
INSERT INTO smartlaunch.launch (id, app, ehr, kind, state, link, link_state, handle_hash, session_hash, browser_hash, key_id,
    app_user, ehr_user, issuer, sub, source, fhir_user, patient, encounter, context, return_to, redirect_path, created_at,
    authorized_at, last_seen_at, expires_at, ended_at, end_reason)
SELECT gen_random_uuid(), app, ehr, kind, 'ended', link, link_state, sha256(convert_to('h' || n, 'UTF8')), sha256(convert_to('s' || n, 'UTF8')),
    browser_hash, key_id, app_user, ehr_user, issuer, sub, source, fhir_user, patient || '-' || n, 'encounter-' || n,
    context, return_to, redirect_path, created_at, authorized_at - n * interval '1 minute', last_seen_at, expires_at, now(), 'logout'
FROM smartlaunch.launch, generate_series(1, ?::integer) n WHERE state = 'live'
SQL
my $scopes = join ' ', map { "patient/$_.rs user/$_.rs" } qw(AllergyIntolerance Appointment Binary CarePlan CareTeam Condition Device
    DiagnosticReport DocumentReference Encounter Goal Immunization Location Medication MedicationRequest Observation Organization
    Patient Practitioner PractitionerRole Procedure Provenance QuestionnaireResponse ServiceRequest Specimen);
$pg->dbh->do(<<'SQL', undef, $scopes);
INSERT INTO smartlaunch.token (launch, link, app, ehr, app_user, patient, key_id, scope_granted, status)
SELECT id, link, app, ehr, app_user, patient, key_id, ?, 'revoked' FROM smartlaunch.launch WHERE state = 'ended'
SQL
is $pg->value('SELECT count(*) FROM smartlaunch.launch'), 201, 'two hundred launches before';

sub patient {
    my $response = $window->type($w->url("/papp/?smart_launch=$h"));
    return $response->code == 200 ? json($response)->{headers}{'smart-patient'} : $response->code;
}
wait_for('the next reading', sub { return $window->type($w->url('/papp/'))->code == 409 });
is patient(), $first, 'the live one has its patient';
$pg->stop;
is patient(), $first, 'OPS-2 and while PostgreSQL is away, too';
$pg->start;
$w->httpd->allow_log(qw(SL3001 SL3004 SL3006 SL3007 SL3010 SL3016));

done();
