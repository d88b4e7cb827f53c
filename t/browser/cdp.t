#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The screens of the Clinical Data Pull in Chromium (cdp.mjs): in the EHR's frame and in a window of
# their own, by keyboard alone, and by the rules of accessibility at both widths.
# With SL_SHOTS=DIRECTORY it also leaves a picture of each screen there.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use SL;
use SL::REDCap;

my $redcap = SL::REDCap->new;
my $w = world(fpm => 0, ehr => { search => 1 }, cdp => { redcap => $redcap }, ehr_block => 'SmartStandaloneScope "openid fhirUser offline_access user/*.rs"');
my ($httpd, $ehr, $cdp) = ($w->httpd, $w->ehr, $w->cdp);
my $event = 'event_1_arm_1';
$cdp->grant($_) for qw(alice carol);
my $alice = $w->launch(login => 'alice'); # from now on Dr Smith is alice
sub field { my ($source, $field, %more) = @_; return { source => $source, event => $event, field => $field, %more } }
my $r = $cdp->api(PUT => 'mapping', session => $alice->{session}, json => { version => 1, project => 'study',
    day_offset => { days => 365, direction => '+-' }, convert_gmt => JSON::PP::false, adjudication => 'manual',
    preview => [qw(name-given name-family birthDate gender)], identifier => field(id => 'mrn'),
    fields => [ field('name-given', 'first_name'), field('name-family', 'last_name'), field('birthDate', 'dob'), field('gender', 'sex'),
        map({ field(@$_, temporal_field => 'visit_date') } [ '29463-7', 'body_weight', preselect => 'MAX' ], [ '8480-6', 'systolic', preselect => 'LAST' ]),
        field('active-problem-list', 'problem_list') ] });
is $r->code, 200, 'a mapping' or diag $r->content;
$redcap->put($_, $event, visit_date => '2024-01-01') for 1 .. 5;
$redcap->put(2, $event, first_name => 'Lena');
$redcap->set(locked => [ { record => '3' } ]);
$ehr->settings(standalone => { user => 'nurse-lee' });

sub login_of { my ($user) = @_; return $w->url('/papp/?' . answer(status => 302, headers => [ 'Smart-Login' => $user, Location => '/cdp/' ])) }
my %given = (
    DEMO_EHR => $ehr->base, DEMO_APP => $w->url, DEMO_RUN => SL::Run::run_dir('browser'), SL_TEST_APP => 'Study app',
    SL_TEST_LOGIN => login_of('carol'), SL_TEST_LOGIN_DAVE => login_of('dave'),
);
local @ENV{ keys %given } = values %given;
my ($rc, $text) = capture('node', "$FindBin::Bin/cdp.mjs");
utf8::decode($text);
my $count = 0;
for (split /\n/, $text) {
    if (/^(not )?ok \d+ - (.*)/) { ok !$1, $2; $count++ }
    elsif (/^1\.\.(\d+)/) { is $count, $1, 'Chromium came to its end' }
    else { diag $_ }
}
is $rc, 0, 'and was content';
is $redcap->value('1', $event, 'body_weight'), '66.2', 'C8 what was chosen by keyboard is in the study';
is $redcap->value('1', $event, 'last_name'), undef, 'H4 and what was excluded is not';
unlike $httpd->error_log, qr/MRN-|McCullough/, 'no number and no name in the error log';
$httpd->expect_log(qw(SL8101 SL8122 SL8204 SL8513 SL8516))->allow_log(qw(SL8125));
done();
