#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What is open in the EHR, from the token response to the app: patient, encounter and the rest.
# mpm: sanitized
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;

my $w = world(start => 0, ehr => { tenants => 'picks' });
my ($ehr, $httpd, $pg) = ($w->ehr, $w->httpd, $w->pg);
my ($dir, $ca) = ($httpd->dir, SL::TLS::ca());
$httpd->{extra} = <<"CONF";
<SmartEHR picks>
    SmartIssuer ${\ $ehr->issuer('picks') }
    SmartClient app-basic
    SmartClientSecret file:$dir/secret
    SmartScope "launch launch/patient openid fhirUser patient/*.rs"
    SmartIdentity id_token:preferred_username
    SmartOutbound ca=$ca
</SmartEHR>
CONF
$httpd->start;

my $json = JSON::PP->new->utf8->canonical;

# What the two apps see of a launch: the proxied one's headers, PHP's variables and headers.
# Whatever way it goes, it must be the same.
sub seen {
    my ($name, $got) = @_;
    ok $got->{app} && $got->{app}->code == 200, "$name: the launch goes well" or return {};
    my %headers = %{ json($got->{app})->{headers} };
    my $env = json($got->{window}->nav("/app/?smart_launch=$got->{handle}"))->{env};
    my %proxied = map { uc(s/-/_/gr) => $headers{$_} } grep { /^smart-/ } keys %headers;
    my %variables = map { $_ => $env->{$_} } grep { /^SMART_/ } keys %$env;
    my %php = map { s/^HTTP_//r => $env->{$_} } grep { /^HTTP_SMART_/ } keys %$env;
    delete $_->{SMART_EXPIRES} for \%proxied, \%variables, \%php;
    is_deeply \%variables, \%proxied, "$name: variables and headers say the same";
    is_deeply \%php, \%proxied, "$name: in both apps";
    return \%variables;
}

sub refused {
    my ($name, $id, $status, %arg) = @_;
    $httpd->expect_log($id);
    my $got = $w->launch(stop => 'callback', %arg);
    is $got->{callback}->code, $status, "$name: refused";
    my ($reference) = $got->{callback}->content =~ m{Reference: <code>([\w-]+)</code>};
    my ($line) = grep { /\(status .*\Q$reference\E/ } split /\n/, $httpd->error_log;
    like $line, qr/\b$id:/, "$name: the log says why";
    is $pg->value(q{SELECT state || ' ' || end_reason || ' ' || (SELECT count(*) FROM smartlaunch.token t
        WHERE t.launch = l.id) FROM smartlaunch.launch l ORDER BY created_at DESC LIMIT 1}),
        "failed $id 0", "$name: nothing is kept";
    return;
}

my %first = (user => 'dr-smith', login => 'alice');
my $one = $w->launch(%first, encounter => 'enc-1', intent => 'reconcile-medications');
my $seen = seen('CTX-1 the first launch', $one);
is_deeply [ @{$seen}{qw(SMART_PATIENT SMART_ENCOUNTER SMART_USER SMART_LINK)} ],
    [ $ehr->patients->[0], 'enc-1', 'alice', 'linked' ], 'CTX-1 patient and encounter, for the app user';
is $seen->{SMART_INTENT}, 'reconcile-medications', 'CTX-3 intent';
is $seen->{SMART_NEED_PATIENT_BANNER}, 'true', 'CTX-2 banner';
is $seen->{SMART_STYLE_URL}, $ehr->base . '/smart-style.json', 'CTX-4 style URL';
is scalar($ehr->log('/smart-style.json')), 0, 'CTX-4 which is not fetched';
is $seen->{SMART_FHIR_USER}, $ehr->issuer . '/Practitioner/pract-smith', 'IDT-7 fhirUser, resolved';

# Patient and encounter

for my $id ('a', 'x' x 64, '0', 'A-b.C-9', '...') {
    my $got = $w->launch(extra => { patient => $id, encounter => "$id" });
    is_deeply [ @{ seen("CTX-1 id $id", $got) }{qw(SMART_PATIENT SMART_ENCOUNTER)} ], [ $id, $id ],
        "CTX-1 id $id passes as it is";
}
for my $case ([ 'a number', 7 ], [ 'empty', '' ], [ 'with a line end', "1\r\nX: y" ],
    [ 'with a NUL', "1\0" ], [ 'a reference', 'Patient/1' ], [ 'of 65 characters', 'x' x 65 ],
    [ 'a list', ['p1'] ], [ 'an object', {} ],
    [ 'true', JSON::PP::true ], [ 'with an umlaut', "p\x{fc}" ], [ 'with a blank', 'p 1' ],
    [ 'with _', 'p_1' ],
    [ 'a path', '../Patient/1' ], [ 'a query', '1?x' ], [ 'a comma list', '1,2' ]) {
    my ($what, $value) = @$case;
    refused("CTX-1 a patient that is $what", 'SL2152', 502, extra => { patient => $value });
    refused("CTX-1 an encounter that is $what", 'SL2153', 502, extra => { encounter => $value });
}

# Banner

for my $case ([ 'true', JSON::PP::true, 'true' ], [ 'false', JSON::PP::false, 'false' ],
    [ 'absent', undef, 'unknown' ], [ '"false"', 'false', 'unknown' ], [ '"true"', 'true', 'unknown' ],
    [ '0', 0, 'unknown' ]) {
    my ($what, $value, $told) = @$case;
    my $got = $w->launch(extra => { need_patient_banner => $value });
    is seen("CTX-2 $what", $got)->{SMART_NEED_PATIENT_BANNER}, $told,
        "CTX-2 need_patient_banner $what: $told";
}

# Texts

for my $intent ('unknown-intent', 'a b=c&d;"e" <script>', 'x' x 4096, '%0d%0aSmart-Patient:%20other',
    '{"json":1}') {
    my $got = $w->launch(extra => { intent => $intent, tenant => $intent });
    my $what = substr $intent, 0, 20;
    my $told = seen("CTX-3 $what", $got);
    is $told->{SMART_INTENT}, $intent, "CTX-3 intent $what verbatim";
    is $told->{SMART_TENANT}, $intent, "CTX-4 tenant $what verbatim";
}
for my $case ([ 'with a line end', "x\r\nSmart-Patient: other" ], [ 'not ASCII', "caf\x{e9}" ],
    [ 'too long', 'x' x 4097 ], [ 'a number', 7 ], [ 'empty', '' ], [ 'a list', ['x'] ],
    [ 'with DEL', "x\x7f" ], [ 'with a tab', "x\ty" ]) {
    my ($what, $value) = @$case;
    my %extra = map { $_ => $value } qw(intent tenant smart_style_url);
    my $told = seen("CTX-6 $what", $w->launch(extra => \%extra));
    ok !(grep { exists $told->{$_} } qw(SMART_INTENT SMART_TENANT SMART_STYLE_URL)),
        "CTX-6 text that is $what is left out whole, and the launch goes on";
    is $told->{SMART_PATIENT}, $ehr->patients->[0], "CTX-6 $what: the patient is as before";
}
like $httpd->error_log, qr/\bSL2151\b/, 'CTX-6 and the log says so';
for my $url ('http://ehr.localhost/style', 'javascript:alert(1)', '/style.json',
    'https://u:p@evil.example/', 'https://') {
    my $told = seen("CTX-4 style $url", $w->launch(extra => { smart_style_url => $url }));
    ok !exists $told->{SMART_STYLE_URL}, "CTX-4 style URL $url is left out";
}

# fhirContext

sub fhir_context {
    my ($what, $value) = @_;
    my $text = seen("CTX-5 $what", $w->launch(extra => { fhirContext => $value }))->{SMART_FHIR_CONTEXT};
    unlike $text // '', qr/[^ -~]/, "CTX-6 $what: fit for a header";
    return defined $text ? $json->decode($text) : undef;
}
my @items = (
    { reference => 'ImagingStudy/123' },
    { canonical => 'https://x.example/Questionnaire/1', type => 'Questionnaire' },
    { identifier => { value => 'v' }, type => 'DiagnosticReport', role => 'https://x.example/role' },
    { reference => 'Observation/1', role => 'launch', 'https://x.example/more' => [ 1, { a => 2 } ] },
);
is_deeply fhir_context('objects of 2.2', \@items), \@items, 'CTX-5 passed on as they are';
is_deeply fhir_context('strings of 2.0', [ 'Observation/1', 'Encounter/2' ]),
    [ { reference => 'Observation/1' }, { reference => 'Encounter/2' } ], 'CTX-5 strings become references';
is_deeply fhir_context('junk between', [ 7, $items[0], {}, { role => 'launch' }, undef, [], { reference => '' },
    { reference => 'A/1', role => '' }, { reference => 5 }, { reference => 'B/1', type => 3 }, $items[1] ]),
    [ @items[ 0, 1 ] ], 'CTX-5 malformed items are dropped, the others stay';
my $foreign = { identifier => { value => "S\x{f8}ren \x{1f600} \x{7f}\n" } };
is_deeply fhir_context('other scripts', [$foreign]), [$foreign], 'CTX-6 travels as escapes';
is fhir_context('64 KiB', [ map { { reference => "Observation/$_" . 'x' x 40 } } 1 .. 1200 ]), undef,
    'CTX-5 64 KiB is left out whole, not cut';
is fhir_context('nothing but junk', [ 1, 2 ]), undef, 'CTX-5 no item, no variable';
is fhir_context('no list', { reference => 'A/1' }), undef, 'CTX-5 no list, no variable';
is fhir_context('a text', 'A/1'), undef, 'CTX-5 a text is no list';

# No patient

my $nobody = $w->launch(patient => undef);
$seen = seen('CTX-8 no patient, and none was asked for', $nobody);
ok !exists $seen->{SMART_PATIENT}, 'CTX-8 the app is told of no patient';
is $seen->{SMART_USER}, 'alice', 'CTX-8 but of the user';
my $picks = $ehr->tenant('picks');
refused('CTX-8 launch/patient was asked, and there is none', 'SL2154', 403, ehr => $picks, patient => undef);
my $picked = $w->launch(ehr => $picks, login => 'alice');
is seen('CTX-8 launch/patient was asked and granted', $picked)->{SMART_PATIENT}, $ehr->patients->[0],
    'CTX-8 the patient';

# From the token response alone

my $other = $ehr->patients->[1];
my @spoof = (headers => [ map { $_ => $other } 'Smart-Patient', 'smart_patient', 'SMART-PATIENT',
    'Smart.Patient', 'Smart-Encounter', 'Smart-Intent', 'Smart-Fhir-Context', 'Smart-Tenant', 'Patient',
    'Smart-Need-Patient-Banner' ]);
my $made = $ehr->launch(encounter => 'enc-2');
my $start = URI->new($w->url('/smart'));
$start->query_form(iss => $made->{iss}, launch => $made->{launch}, patient => $other, encounter => $other,
    intent => $other, fhirContext => $other, SMART_PATIENT => $other);
my $window = $w->browser->frame($ehr->base . '/');
my $from_query = { window => $window, start => $window->nav("$start", @spoof) };
unlike $window->location, qr/\Q$other/, 'CTX-7 what the launch says of a patient goes nowhere';
$window->nav($window->location, follow => 1, until => qr/^\Q${\ $w->url }\E/);
$from_query->{callback_url} = $window->location . "&patient=$other&encounter=$other&intent=$other";
$w->finish($from_query);
$seen = seen('CTX-7 queries and headers of another patient', $from_query);
is_deeply [ @{$seen}{qw(SMART_PATIENT SMART_ENCOUNTER)} ], [ $ehr->patients->[0], 'enc-2' ],
    'CTX-7 the token response alone counts';
for my $path ('/papp/', '/app/') {
    my $url = "$path?smart_launch=$from_query->{handle}&patient=$other&SMART_PATIENT=$other";
    my $page = json($window->nav($url, headers => [ @{ $spoof[1] }, Cookie => "SMART_PATIENT=$other" ]));
    my %got = $page->{env} ? %{ $page->{env} } : %{ $page->{headers} };
    ok !(grep { /^(?:HTTP_)?SMART[^A-Z]/i && $got{$_} =~ /\Q$other/ } keys %got),
        "CTX-7 $path: spoofed headers are gone";
    is $got{SMART_PATIENT} // $got{'smart-patient'}, $ehr->patients->[0],
        "CTX-7 $path: the patient of the launch";
    is $page->{query}, "patient=$other&SMART_PATIENT=$other", "CTX-7 $path: the app's own query is its own";
}
my $session = json($window->xhr('GET', "/smart/session?smart_launch=$from_query->{handle}"));
is_deeply [ @{$session}{qw(patient encounter user ehr_user)} ],
    [ $ehr->patients->[0], 'enc-2', 'alice', 'dr-smith' ], 'CTX-7 /smart/session says the same';
is_deeply [ $pg->rows('SELECT patient, encounter FROM smartlaunch.launch ORDER BY created_at DESC LIMIT 1') ],
    [ { patient => $ehr->patients->[0], encounter => 'enc-2' } ], 'CTX-7 and so does the database';

done();
