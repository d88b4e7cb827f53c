# SPDX-License-Identifier: Apache-2.0
# A study at work, in the words of its staff: mapping, fetch, sheet and decision by the API, and what
# the EHR has meanwhile.
#
#   use SL::Study;
#   use_study($w, redcap => $redcap);                     # from now on all of it is about this world's study
#   set_up([ field('name-given', 'first_name'), weight(preselect => 'MAX') ]);
#   visit('1');                                       # on the day of the study
#   has(result("${\ day() }T08:00:00Z", 80));         # in the EHR
#   is fetch('1')->{outcome}, 'ok', …;
#   my $sheet = sheet('1');
#   my $r = decide('1', $sheet, choices => [ id_of($sheet, 'body_weight', 80) ]);
#
# What asks the API takes its options too (project, host, user or session instead of the study's own).
package SL::Study;
use strict;
use warnings;
use utf8;
use Exporter qw(import);
use JSON::PP ();
use POSIX ();
use SL::CDP;
use SL::HTTP qw(json);
use Test::More;

our @EXPORT = qw(use_study field weight put_mapping set_up post_fetch fetch sheet target candidates ticked id_of decide
    states count record bundle result person answers has meanwhile locked day visit);

my %its;

# Options: redcap; as (how the API is asked: [user => 'alice']), event, loinc and patient of results,
# mrn, day of the visits, days (offset of a mapping).
sub use_study {
    my ($world, %arg) = @_;
    %its = (as => [ user => 'alice' ], event => 'event_1_arm_1', loinc => '718-7', patient => 'luna-mccullough',
        mrn => 'MRN-10021', day => '2024-03-15', days => 7, %arg, world => $world);
    return;
}

sub _as { my (%more) = @_; return $more{user} || $more{session} ? () : @{ $its{as} } }
sub _api { my ($method, $what, %more) = @_; return $its{world}->cdp->api($method, $what, _as(%more), timeout => 120, %more) }

# The mapping

sub field { my ($source, $field, %more) = @_; return { source => $source, event => $its{event}, field => $field, %more } }
sub weight { my (%more) = @_; return field($its{loinc}, 'body_weight', temporal_field => 'visit_date', %more) }

sub put_mapping {
    my ($fields, %more) = @_;
    my $project = delete $more{project} // 'study';
    return _api(PUT => 'mapping', project => $project, json => { version => 1, project => $project,
        day_offset => { days => $its{days}, direction => '+-' }, convert_gmt => JSON::PP::false, adjudication => 'manual',
        preview => [], identifier => field(id => 'mrn'), fields => $fields, %more });
}

sub set_up { my $r = put_mapping(@_); is $r->code, 200, 'a mapping' or diag $r->content; return }

# Fetch, look, decide. fetch(…, mrn => undef): the number that the record has.

sub post_fetch {
    my ($record, %more) = @_;
    my $mrn = exists $more{mrn} ? delete $more{mrn} : $its{mrn};
    return _api(POST => "records/$record/fetch", %more, json => { defined $mrn ? (mrn => $mrn) : () });
}

sub fetch { my $r = post_fetch(@_); diag $r->content if $r->code != 200; return json($r) }
sub sheet { my ($record, %more) = @_; return json(_api(GET => "records/$record/items", %more)) }
sub target { my ($sheet, $field) = @_; return (grep { $_->{field} eq $field } @{ $sheet->{targets} })[0] }
sub candidates { my ($sheet, $field) = @_; return @{ target($sheet, $field)->{candidates} } }
sub ticked { my ($sheet, $field) = @_; return join ' ', map { $_->{value} } grep { $_->{selected} } candidates($sheet, $field) }
sub id_of { my ($sheet, $field, $value) = @_; return (map { $_->{id} } grep { !defined $value || ($_->{value} // '') eq $value } candidates($sheet, $field))[0] }

sub decide {
    my ($record, $sheet, %what) = @_;
    my %more = map { exists $what{$_} ? ($_ => delete $what{$_}) : () } qw(host user session);
    return _api(POST => "records/$record/adjudicate", %more, json => { token => $sheet->{token}, %what });
}

# What the database has

sub states { my ($record) = @_; return join ' ', map { $_->{state} } $its{world}->pg->rows('SELECT state FROM smartlaunch.cdp_value WHERE record = ? ORDER BY id', $record) }
sub count { my ($sql, @bind) = @_; return $its{world}->pg->value("SELECT count(*) FROM smartlaunch.$sql", @bind) }
sub record { my ($record) = @_; return ($its{world}->pg->rows('SELECT * FROM smartlaunch.cdp_record WHERE record = ?', $record))[0] }

# A table that nobody can write until this handle rolls back.
sub locked {
    my ($table) = @_;
    my $dbh = DBI->connect('dbi:Pg:' . ($its{world}->pg->owner_conninfo =~ s/ /;/gr), undef, undef, { RaiseError => 1, AutoCommit => 0 });
    $dbh->do("LOCK TABLE smartlaunch.$table IN SHARE MODE");
    return $dbh;
}

# What the EHR answers: a page of a search, results of one code; and what the study has.

sub bundle {
    my ($next, @all) = @_;
    return JSON::PP->new->utf8->encode({ resourceType => 'Bundle', type => 'searchset',
        link => [ $next ? { relation => 'next', url => $next } : () ],
        entry => [ map { { resource => $_, search => { mode => 'match' } } } @all ] });
}

sub result {
    my ($when, $value, %more) = @_;
    return { resourceType => 'Observation', status => 'final', subject => { reference => "Patient/$its{patient}" }, effectiveDateTime => $when,
        code => { coding => [ { system => 'http://loinc.org', code => $its{loinc} } ] }, valueQuantity => { value => $value, unit => 'kg', code => 'kg' }, %more };
}

sub person { my ($id, $number, %more) = @_; return { resourceType => 'Patient', id => $id, identifier => [ { system => $SL::CDP::mrn_system, value => $number } ], %more } }
sub answers { my ($type, $body, %more) = @_; return $its{world}->ehr->faults("fhir:$type" => { status => 200, body => $body, content_type => 'application/fhir+json', %more }) }
sub has { my (@all) = @_; return answers(Observation => bundle(undef, @all)) }
sub day { return $its{day} }
sub visit { my ($record, $date) = @_; $its{redcap}->put($record, $its{event}, visit_date => $date // $its{day}); return }

# Another process's request, while this one looks on; returns a sub that waits for its answer.
sub meanwhile {
    my ($code) = @_;
    my $pid = open(my $from, '-|') // die "fork: $!";
    if (!$pid) { my $r = eval { $code->() }; print $r ? $r->code . "\n" . $r->content : "0\n$@"; close STDOUT; POSIX::_exit(0) }
    return sub { local $/ = undef; my ($code, $content) = split /\n/, readline($from), 2; close $from; return ($code, $content) };
}

1;
