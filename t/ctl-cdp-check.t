#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# smartlaunchctl check: a project of the Clinical Data Pull in order, and each thing that is not.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::REDCap;
use JSON::PP;

my $redcap = SL::REDCap->new;
my $w = world(pg => { own => 1 }, cdp => { redcap => $redcap });
my ($pg, $httpd, $cdp) = ($w->pg, $w->httpd, $w->cdp);
my $dir = $httpd->dir;
$ENV{SL_APACHECTL} = spit("$dir/apachectl", "#!/bin/sh\nexec " . SL::Httpd::_binary() . " -d $dir \"\$@\" 2>/dev/null\n", 0755);
my $everything = '';

# The findings about projects, with other settings of the server: {what => [finding]}; and exit status.
sub check {
    my (%other) = @_;
    my $changed = bless { %$httpd, %other }, ref $httpd;
    my ($rc, $text) = capture(build() . '/smartlaunchctl', '-f', spit("$dir/check.conf", $changed->config), '--json', 'check');
    $everything .= $text;
    my $json = eval { decode_json($text) } || do { diag $text; { findings => [] } };
    my %by = (rc => $rc);
    push @{ $by{ $_->{what} } }, $_ for @{ $json->{findings} };
    return \%by;
}

sub is_found {
    my ($got, $what, $verdict, $like, $name) = @_;
    my ($hit) = grep { $_->{verdict} eq $verdict && $_->{found} =~ $like } @{ $got->{$what} || [] };
    ok $hit, "$name: $what is $verdict" or diag explain $got;
    ok $hit && $hit->{todo}, '… with what to do' if $verdict ne 'ok';
    is $got->{rc}, 1, '… and by the exit status' if $verdict eq 'wrong';
    return $hit;
}

# Nobody has begun
my $fresh = check();
is $fresh->{rc}, 0, 'a project in which nobody has begun is not wrong';
is_found($fresh, 'CDP app', 'ok', qr/project study: its application takes our token, and has \d+ fields/, 'an application that answers');
like is_found($fresh, 'CDP mapping', 'warn', qr/project study: nobody has saved a mapping/, 'no mapping')->{todo}, qr/cdp mapping import study/, '… by hand';
like is_found($fresh, 'CDP rights', 'warn', qr/project study: nobody may set it up/, 'C1 no rights')->{todo}, qr/cdp grant study USER setup/, '… by hand';
is $fresh->{'CDP scopes'}, undef, 'without a mapping nobody knows which scopes';

# In order
my $mapping = { version => 1, project => 'study', ehr => 'sandbox', day_offset => { days => 3, direction => '+-' }, convert_gmt => JSON::PP::false,
    adjudication => 'manual', preview => [], identifier => { source => 'id', event => 'event_1_arm_1', field => 'mrn' },
    fields => [ { source => 'name-given', event => 'event_1_arm_1', field => 'first_name' },
        { source => '29463-7', event => 'event_2_arm_1', field => 'body_weight', temporal_field => 'visit_date', preselect => 'MAX' },
        { source => 'active-problem-list', event => 'event_1_arm_1', field => 'problem_list' } ] };
sub ctl { my ($rc, $text) = $httpd->ctl(@_); is $rc, 0, "@_[0 .. 2]" or diag $text; return $text }
ctl(qw(cdp mapping import study), spit("$dir/mapping.json", encode_json($mapping)));
ctl(qw(cdp grant study alice setup));
like is_found(check(), 'CDP rights', 'warn', qr/nobody may fetch and see values/, 'C1 nobody adjudicates')->{todo}, qr/cdp grant study USER adjudicate/, '… by hand';
ctl(qw(cdp grant study alice adjudicate));
my $good = check();
is_deeply [ map { "$_->{verdict} $_->{what}" } map { @{ $good->{$_} } } grep { /^CDP/ } sort keys %$good ], [ 'ok CDP app', 'ok CDP mapping', 'ok CDP rights', 'ok CDP scopes' ],
    'a project in order' or diag explain $good;
is $good->{rc}, 0, '… by the exit status';
is_found($good, 'CDP scopes', 'ok', qr/tokens are asked for for all of its 3 kinds of resource/, 'nobody has launched');
is_deeply [ grep { ($_->{form}{action} // '') eq 'import' } $redcap->log ], [], 'nothing was delivered by a check';
my $l = $w->launch(login => 'alice');
is_found(check(), 'CDP scopes', 'ok', qr/the EHR gives tokens for all/, 'somebody has');

# Scopes
is_found(check(scope => 'launch openid fhirUser patient/Patient.rs patient/Observation.rs'), 'CDP scopes', 'wrong',
    qr{sandbox is not asked for patient/Condition\.rs$}, 'a scope the mapping needs');
$mapping->{fields}[3] = { source => 'document-notes', event => 'event_1_arm_1', field => 'problem_list' };
ctl(qw(cdp mapping import study), spit("$dir/notes.json", encode_json($mapping)));
is_found(check(scope => 'launch openid fhirUser patient/Patient.rs patient/Observation.rs patient/Condition.rs patient/DocumentReference.rs'), 'CDP scopes', 'wrong',
    qr{sandbox is not asked for patient/Binary\.rs$}, 'notes need the scope of their text, too');
pop @{ $mapping->{fields} };
ctl(qw(cdp mapping import study), "$dir/mapping.json");
is_found(check(scope => 'launch openid fhirUser patient/Patient.read patient/Observation.read user/Condition.read'), 'CDP scopes', 'ok', qr/project study/,
    'SCP-2 scopes of version 1');
$pg->dbh->do("UPDATE smartlaunch.token SET scope_granted = 'launch openid patient/Patient.rs patient/Condition.rs'");
is_found(check(), 'CDP scopes', 'warn', qr{did not give patient/Observation\.rs with its newest token}, 'an EHR that gives less');

# The application
$redcap->set(metadata => [ grep { $_->{field_name} ne 'body_weight' } @{ SL::REDCap::default_project()->{metadata} } ]);
is_found(check(), 'CDP mapping', 'wrong', qr/project study: .*body_weight/, 'CDP-MAP a field that is gone');
my $token = spit("$dir/redcap.token.other", "F" x 32 . "\n", 0600);
is_found(check(cdp => { deliver => "redcap ${\ $redcap->url } token=file:$token" }), 'CDP app', 'wrong', qr/refuses our token/, 'CDP-DEL another token');
$redcap->away;
is_found(check(), 'CDP app', 'wrong', qr/./, 'CDP-DEL an application that is away');
$redcap->back;
is_found(check(cdp => { deliver => $redcap->signed }), 'CDP app', 'ok', qr/its application answers; whether it takes our signature/, 'CDP-DEL the signed protocol');
is_deeply [ $redcap->received ], [], '… and nothing was delivered';

# Keys
is $cdp->api(POST => 'records/1/fetch', session => $l->{session}, json => { mrn => 'MRN-10021' })->code, 200, 'something is held';
$pg->dbh->do("UPDATE smartlaunch.cdp_key SET key_id = 'k7'");
is_found(check(), 'keys', 'wrong', qr/need the key k7/, 'a key that held values need');

unlike $everything, qr/\Q${\ $redcap->token }\E|F{32}|MRN-10021/, 'no token and no patient is printed';
$httpd->allow_log($_->{id}) for $httpd->errors;
done();
