#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The screens of the Clinical Data Pull as a browser meets them: from the MRN to the saved value, what
# is refused, what is escaped, and what a wrong or old form does (nothing).
# mpm: all
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::REDCap;
use URI::Escape qw(uri_escape_utf8);

my $redcap = SL::REDCap->new;
my $w = world(fpm => 0, cdp => { redcap => $redcap }, ehr_block => 'SmartStandaloneScope "openid fhirUser offline_access user/*.rs"');
my ($httpd, $pg, $cdp) = ($w->httpd, $w->pg, $w->cdp);
my $event = 'event_1_arm_1';
my $mrn = 'MRN-10021';
my $alice = $w->launch(login => 'alice');
my $bob = $w->launch(login => 'bob', user => 'dr-jones');
my %window = (alice => $alice->{window}, bob => $bob->{window});
my %handle = (alice => $alice->{handle}, bob => $bob->{handle});
my $page = $window{alice};

sub field { my ($source, $field, %more) = @_; return { source => $source, event => $event, field => $field, %more } }
my @fields = (field('name-given', 'first_name'), field('name-family', 'last_name'), field('birthDate', 'dob'),
    field('29463-7', 'body_weight', temporal_field => 'visit_date', preselect => 'MAX'));

sub set_up {
    my ($fields, %more) = @_;
    my $r = $cdp->api(PUT => 'mapping', session => $alice->{session}, json => { version => 1, project => 'study',
        day_offset => { days => 365, direction => '+-' }, convert_gmt => JSON::PP::false, adjudication => 'manual',
        preview => [qw(name-given name-family birthDate)], identifier => field(id => 'mrn'), fields => $fields, %more });
    is $r->code, 200, 'a mapping' or diag $r->content;
    return;
}

# An address of the project, as a user opens it.
sub url { my ($who, @parts) = @_; return $cdp->url(@parts, smart_launch => $handle{$who}) }
sub open_page { my ($who, @parts) = @_; return $window{$who}->nav(url($who, @parts)) }
sub text { my ($r) = @_; (my $text = $r->decoded_content) =~ s/<style>.*?<\/style>//s; $text =~ s/<[^>]+>/ /g; $text =~ s/\s+/ /g; return $text }
sub count { my ($sql, @bind) = @_; return $pg->value("SELECT count(*) FROM smartlaunch.$sql", @bind) }
sub number { my ($who, $record) = @_; return json($window{$who}->xhr(GET => url($who, $record, 'count'))) }
sub find_patient { my ($record, $number, $who) = @_; open_page($who // 'alice'); return $window{ $who // 'alice' }->submit(action => qr/find/, fields => { record => $record, mrn => $number }) }
sub yes { my ($who) = @_; return $window{ $who // 'alice' }->submit(action => qr/fetch/) }

# C1: nobody without a right
is open_page('alice')->code, 403, 'C1 without a right the project is closed';
is open_page('alice', '1', 'count')->code, 403, 'C1 … and its count';
is $page->nav($w->url("/cdp/?smart_launch=$handle{alice}"))->code, 200, 'C1 the list of projects';
like text($page->response), qr/no project in which you have a right/, '… has none';
$cdp->grant(alice => 'setup');
set_up(\@fields);
is open_page('alice')->code, 200, 'C1 who may set up sees the project';
unlike $page->response->content, qr/action="[^"]*find/, 'C1 … and no way to patients';
is open_page('alice', @$_)->code, 403, "C1 … nor to @$_" for ['1'], [qw(1 log)];
is $page->post(url('alice', 'find'), { record => 1, mrn => $mrn })->code, 403, 'C1 … nor by a form';
$cdp->grant(alice => 'adjudicate');
$cdp->grant(bob => 'adjudicate');
$page->nav($w->url("/cdp/?smart_launch=$handle{alice}"));
like $page->response->content, qr{<a href="/cdp/study/\?smart_launch=\Q$handle{alice}\E">study</a>}, 'C1 the list has her project';

# C3: is this the patient?
$redcap->put('1', $event, visit_date => '2024-01-01');
my $r = find_patient(1, $mrn);
is $r->code, 200, 'C3 a medical record number is looked up';
like text($r), qr/Is this the patient\?.*First name.*Luna.*Last name.*McCullough.*1984-11-06/, 'C3 … and what tells the patient is shown';
is count('cdp_record') + count('cdp_value'), 0, 'C3 … while nothing is stored';
unlike $r->content =~ s/name="mrn" value="[^"]*"//r, qr/\Q$mrn\E/, 'the number is in the form and nowhere else';
is_deeply number(alice => 1), { new => 0, fetched_at => undef, state => 'idle' }, 'the count of a record that is not there';
$r = yes();
is $r->code, 200, 'C4 a yes fetches' or diag text($r);
like $page->page, qr{/cdp/study/1\?}, '… and leads to the record';
like text($r), qr/4 new items/, 'C4 H2 with what is new';
is number(alice => 1)->{new}, 4, 'H2 which the count tells the app, too';
is $redcap->value('1', $event, 'first_name'), undef, 'C4 the study has none of it';

# C8: what is ticked, and what the user ticks
my @forms = $page->forms;
my ($sheet) = grep { $_->find_input('do') } @forms;
my %ticked = map { $_->name => $_->value } grep { $_->type eq 'radio' } $sheet->inputs;
is scalar(grep { length } values %ticked), 4, 'C8 one of each field is ticked';
diag text($r);

done();
