#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The demo's study speaks REDCap's API: as a client of it sees that, and as a project of the Clinical Data Pull.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use Digest::SHA qw(sha256_hex);
use JSON::PP ();
use SL::Run qw(free_port run_dir slurp spawn wait_for);

my $token = 'A1B2C3D4E5F60718293A4B5C6D7E8F90';
my $dir = run_dir('study');
my $port = free_port();
my $url = "http://127.0.0.1:$port/";
spit("$dir/api-token.sha256", sha256_hex($token) . "\n");
my $server = spawn([ 'env', "STUDY_DATA=$dir", 'php', '-S', "127.0.0.1:$port", '-t', top() . '/demo/app/api' ],
    out => "$dir/out", err => "$dir/err", name => 'the study');
wait_for('the study', sub { slurp("$dir/err") =~ /started/ });

sub call {
    my (%form) = @_;
    my $body = URI->new;
    $body->query_form(token => $token, format => 'json', returnFormat => 'json', %form);
    return request(POST => $url, body => $body->query, headers => [ 'Content-Type' => 'application/x-www-form-urlencoded' ]);
}
sub import_of {
    my ($rows, %more) = @_;
    return call(content => 'record', action => 'import', type => 'flat', overwriteBehavior => 'normal', dateFormat => 'YMD',
        returnContent => 'count', data => JSON::PP->new->encode($rows), %more);
}
sub export_of { my ($record, @fields) = @_; return json(call(content => 'record', action => 'export', type => 'flat', 'records[0]' => $record,
    map { ("fields[$_]" => $fields[$_]) } 0 .. $#fields)) }
sub error_of { my ($r) = @_; return $r->code . ' ' . (json($r)->{error} // 'no error') }
sub baseline { return { record_id => '1005', redcap_event_name => 'baseline_arm_1', @_ } }

# As REDCap

is call(content => 'version')->content, '14.0.0', 'REDCap version';
my %fields = map { $_->{field_name} => $_ } @{ json(call(content => 'metadata')) };
is join(' ', grep { !$fields{$_} } qw(record_id mrn dob race ethnicity visit_date systolic problem_list immunizations)), '', 'REDCap metadata has every field';
is $fields{dob}{text_validation_type_or_show_slider_number}, 'date_ymd', '… with its validation';
is_deeply [ map { $_->{unique_event_name} } @{ json(call(content => 'event')) } ], [qw(baseline_arm_1 month_6_arm_1 month_12_arm_1)], 'REDCap events';
is scalar(grep { $_->{form} eq 'visit' } @{ json(call(content => 'formEventMapping')) }), 3, 'REDCap forms of events';
like error_of(call(content => 'repeatingFormsEvents')), qr/^400 You cannot export repeating instruments/, 'REDCap nothing repeats';
like error_of(call(content => 'nonsense')), qr/^400 The value of the parameter "content" is not valid/, 'REDCap no such content';
like error_of(call(content => 'version', token => 'wrong')), qr/^403 You do not have permissions/, 'REDCap a wrong token';
like error_of(call(content => 'version', format => 'csv')), qr/^400 /, 'REDCap another format';
is_deeply [ map { "$_->{redcap_event_name} $_->{visit_date} $_->{race___2106_3}" } @{ export_of('1005', qw(record_id visit_date race)) } ],
    [ 'baseline_arm_1 2025-03-11 0', 'month_6_arm_1 2025-09-09 ' ], 'REDCap export, with the boxes of a checkbox';
is_deeply export_of('77'), [], 'REDCap export of a record that is not there';
like error_of(call(content => 'record', type => 'flat', 'fields[0]' => 'shoe_size')), qr/^400 The following values in the parameter "fields" are not valid: 'shoe_size'/, 'REDCap export of no field';

is_deeply json(import_of([ baseline(city => "Besançon \"sur\" Doubs", weight => '81.60') ])), { count => 1 }, 'REDCap import';
is_deeply [ map { @$_{qw(city weight)} } export_of('1005', qw(city weight))->[0] ], [ "Besançon \"sur\" Doubs", '81.60' ], '… byte for byte';
import_of([ baseline(city => '') ]);
is export_of('1005', 'city')->[0]{city}, "Besançon \"sur\" Doubs", 'REDCap a blank value does not overwrite';
import_of([ baseline(city => '') ], overwriteBehavior => 'overwrite');
is export_of('1005', 'city')->[0]{city}, '', '… unless it is told to';
import_of([ baseline(dob => '12/24/1970') ], dateFormat => 'MDY');
is export_of('1005', 'dob')->[0]{dob}, '1970-12-24', 'REDCap a date the other way round';
for my $case ([ dob => '1970-02-30', qr/does not follow the expected format/ ], [ weight => '3', qr/outside the suggested range/ ], [ act_score => '12.5', qr/expected format/ ],
    [ sex_at_birth => 'Q', qr/not a valid category for sex_at_birth/ ], [ race___2106_3 => '2', qr/not a valid category/ ], [ weight => "81\n", qr/expected format/ ]) {
    my ($field, $value, $why) = @$case;
    like error_of(import_of([ baseline($field => $value, city => 'Nowhere') ])), qr/^400 "1005","$field","\Q$value\E","[^"]*$why/, "REDCap $field cannot be ${\ ($value =~ s/\n/\\n/r) }";
}
is export_of('1005', 'city')->[0]{city}, '', '… and nothing else of such an import got in';
like error_of(import_of([ baseline(shoe_size => '9') ])), qr/^400 The following fields were not found in the project as real data fields: shoe_size/, 'REDCap import into no field';
like error_of(import_of([ { record_id => '1005', redcap_event_name => 'month_6_arm_1', city => 'x' } ])), qr/not designated for the event/, 'REDCap a field that the event does not have';
like error_of(import_of([ { record_id => '77', redcap_event_name => 'baseline_arm_1', city => 'x' } ])), qr/There is no such record/, 'participants are not made by an import';
like error_of(call(content => 'record', action => 'import', data => '[1]')), qr/^400 The data being imported is not formatted correctly/, 'REDCap import of something else';

# As a project of the Clinical Data Pull

my $study = bless {}, 'Study';
sub Study::url { return $url }
sub Study::token { return $token }
my $w = world(fpm => 0, cdp => { name => 'asthma', redcap => $study });
my $cdp = $w->cdp->grant('alice');
my $l = $w->launch(login => 'alice', patient => 'morris-lockman');
my @alice = (session => $l->{session});
my $mapping = JSON::PP->new->utf8->decode(slurp(top() . '/demo/conf/mapping.json'));
$mapping->{ehr} = 'sandbox';
my $r = $cdp->api(PUT => 'mapping', @alice, json => $mapping);
is $r->code, 200, 'CDP-MAP the demo\'s mapping fits the study' or diag $r->content;

sub items { return json($cdp->api(GET => 'records/1005/items', @alice)) }
sub save {
    my ($sheet) = @_;
    return json($cdp->api(POST => 'records/1005/adjudicate', @alice, json => { token => $sheet->{token},
        choices => [ map { map { $_->{id} } grep { $_->{selected} } @{ $_->{candidates} } } @{ $sheet->{targets} } ] }));
}
is json($cdp->api(POST => 'records/1005/fetch', @alice, json => { mrn => 'MRN-10075' }))->{new}, 39, 'C4 what the study wants is held; the date of birth it has already';
my $data = JSON::PP->new->utf8->decode(slurp("$dir/study.json"));
$data->{1005}{locked} = ['month_6_arm_1'];
spit("$dir/study.json", JSON::PP->new->utf8->encode($data));
my $saved = save(items());
is_deeply { %$saved{qw(saved delivered refused waiting)} }, { saved => 39, delivered => 27, refused => 12, waiting => 0 }, 'H5 a locked visit takes nothing; the others do' or diag explain $saved;
like((grep { $_->{event} eq 'month_6_arm_1' && $_->{field} eq 'crp' } @{ items()->{targets} })[0]{refusal}, qr/locked/, '… and the screen says why');
$data = JSON::PP->new->utf8->decode(slurp("$dir/study.json"));
my $got = $data->{1005}{events}{baseline_arm_1};
is_deeply [ @$got{qw(first_name last_name sex_at_birth race___2106_3 ethnicity home_phone marital_status deceased systolic diastolic)} ],
    [ qw(Morris Lockman M 1 2186-5 555-172-1610 M 0 128 82) ], 'C4 C10 the study has the values, the panel as two';
like $got->{immunizations}, qr/^Influenza.*2024-10-02\nTdap, 2021-05-17$/, '… and the lists, newest first';
is $data->{1005}{events}{month_6_arm_1}{crp}, undef, 'H5 … of the locked visit nothing';
done();
