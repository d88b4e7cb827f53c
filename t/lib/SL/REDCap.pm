# SPDX-License-Identifier: Apache-2.0
# An app that holds a study's project (t/lib/app/redcap.mjs): REDCap's public API, the receiver of
# SmartCDPDeliver http (it verifies signature, age and key, and dies never: 401), and SmartCDPAccess.
#
#   my $redcap = SL::REDCap->new;                       # a longitudinal project; SL::REDCap->new(project => {…})
#   world(cdp => { redcap => $redcap });
#   $redcap->put('1', 'event_1_arm_1', visit_date => '2024-03-15');
#   is $redcap->value('1', 'event_1_arm_1', 'dob'), '1970-12-24', …;
#   $redcap->faults({ path => '/api/', when => { action => 'import' }, lost => 1, times => 1 });
#   $redcap->away; $redcap->back;
#   my @imports = $redcap->imports;                     # data of each, decoded
#
# The default project has event_1_arm_1 (demographics, visit) and event_2_arm_1 (visit; labs, which
# repeats), and event_3_arm_1 (visit), which repeats as a whole.
package SL::REDCap;
use strict;
use warnings;
use utf8;
use Carp qw(croak);
use JSON::PP ();
use SL::HTTP qw(json request);
use SL::Run qw(free_port run_dir slurp spawn spit top wait_for);
use SL::TLS;

sub field {
    my ($name, $form, $type, %more) = @_;
    my %long = (choices => 'select_choices_or_calculations', valid => 'text_validation_type_or_show_slider_number',
        min => 'text_validation_min', max => 'text_validation_max', label => 'field_label');
    return { field_name => $name, form_name => $form, field_type => $type, field_label => ucfirst($name =~ tr/_/ /r),
        (map { $_ => '' } values %{ { map { $_ => $long{$_} } grep { $_ ne 'label' } keys %long } }),
        map { ($long{$_} // $_) => $more{$_} } keys %more };
}

sub default_project {
    my @visit = (field('visit_date', 'visit', 'text', valid => 'date_ymd'),
        field('visit_time', 'visit', 'text', valid => 'datetime_ymd'),
        field('body_weight', 'visit', 'text', valid => 'number', min => '1', max => '400'),
        field('na', 'visit', 'text', valid => 'number'),
        field('systolic', 'visit', 'text', valid => 'integer'),
        field('problem_list', 'visit', 'notes'));
    my @people = (field('record_id', 'demographics', 'text'), field('mrn', 'demographics', 'text'),
        field('first_name', 'demographics', 'text'), field('last_name', 'demographics', 'text'),
        field('dob', 'demographics', 'text', valid => 'date_ymd'),
        field('sex', 'demographics', 'radio', choices => 'M, Male | F, Female | UNK, Unknown'),
        field('race', 'demographics', 'checkbox', choices => '2106-3, White | 2054-5, Black | UNK, Unknown'),
        field('bmi', 'demographics', 'calc', choices => '[body_weight]'));
    my @labs = (field('lab_date', 'labs', 'text', valid => 'date_dmy'), field('lab_glucose', 'labs', 'text', valid => 'number'));
    my %forms = (event_1_arm_1 => [qw(demographics visit)], event_2_arm_1 => [qw(visit labs)], event_3_arm_1 => ['visit']);
    my @events = sort keys %forms;
    return { metadata => [ @people, @visit, @labs ], events => \@events,
        forms => [ map { my $e = $_; map { { arm_num => 1, unique_event_name => $e, form => $_ } } @{ $forms{$e} } } @events ],
        repeating => [ { event_name => 'event_2_arm_1', form_name => 'labs' }, { event_name => 'event_3_arm_1', form_name => '' } ] };
}

# A project without events, in which nothing repeats.
sub classic_project {
    return { metadata => default_project()->{metadata}, events => [], forms => [], repeating => [] };
}

# project => {metadata, events, forms, repeating, records, locked}; tls => 1: https.
sub new {
    my ($class, %arg) = @_;
    my $self = bless { dir => run_dir('redcap'), port => free_port(), tls => $arg{tls},
        token => '0123456789ABCDEF0123456789ABCDEF', secret => 'a secret of the app, 0123456789abcdef' }, $class;
    my $tls = SL::TLS::dir();
    my $argument = JSON::PP->new->utf8->encode({ project => $arg{project} || default_project(), port => $self->{port} + 0,
        token => $self->{token}, secret => $self->{secret}, $arg{tls} ? (tls => { cert => "$tls/server.pem", key => "$tls/server.key" }) : () });
    $self->{server} = spawn([ 'node', top() . '/t/lib/app/redcap.mjs', $argument ],
        out => "$self->{dir}/out", err => "$self->{dir}/err", name => 'the stand-in for REDCap');
    $self->{control} = wait_for('the stand-in for REDCap', sub {
        $self->{server}->alive or croak 'the stand-in for REDCap did not start: ' . slurp("$self->{dir}/err");
        return slurp("$self->{dir}/out") =~ /"control":(\d+)/ ? $1 : 0;
    });
    return $self;
}

sub _url { my ($self, $path) = @_; return ($self->{tls} ? 'https://localhost' : 'http://127.0.0.1') . ":$self->{port}$path" }
sub url { return $_[0]->_url('/api/') }
sub signed_url { return $_[0]->_url('/signed') }
sub access_url { return $_[0]->_url('/access') }
sub token { return $_[0]{token} }
sub secret { return $_[0]{secret} }

# The line behind SmartCDPDeliver for the signed protocol.
sub signed {
    my ($self) = @_;
    return "http ${\ $self->signed_url } secret=file:" . spit("$self->{dir}/secret", "$self->{secret}\n", 0600);
}

sub _control {
    my ($self, $method, $path, $data) = @_;
    my $body = defined $data ? JSON::PP->new->utf8->allow_nonref->encode($data) : undef;
    return json(request($method, "http://127.0.0.1:$self->{control}/$path", defined $body ? (body => $body) : ()));
}

# Replace members of the project: records, locked ([{record, form, event}]), metadata, access ('1'),
# vague => true (errors do not name the field).
sub set { my ($self, %members) = @_; $self->_control(PUT => 'state', \%members); return $self }
sub state { return $_[0]->_control(GET => 'state')->{state} }

# Deliveries that the signed protocol brought, each once.
sub received { return @{ $_[0]->_control(GET => 'state')->{seen} } }

# Write fields as a user of the app does. Of a repeating form: event => ['event_2_arm_1', 'labs', 2].
sub put {
    my ($self, $record, $event, %fields) = @_;
    my $records = $self->state->{records};
    my $row = $records->{$record}{ _key($event) } ||= {};
    $row->{$_} = "$fields{$_}" for keys %fields;
    return $self->set(records => $records);
}

# What a field holds; undef: nothing.
sub value {
    my ($self, $record, $event, $field) = @_;
    return $self->state->{records}{$record}{ _key($event) }{$field};
}

sub _key {
    my ($event) = @_;
    my ($name, $form, $instance) = ref $event ? @$event : ($event, '', 0);
    return qq(["$name","$form",) . ($instance || 0) . ']';
}

sub faults { my ($self, @faults) = @_; $self->_control(PUT => 'faults', \@faults); return $self }
# What a fault with held => 1 holds goes on, and no more is held.
sub release { my ($self) = @_; $self->_control(POST => 'release'); return $self }
sub away { my ($self) = @_; $self->_control(PUT => 'listening', { it => JSON::PP::false() }); return $self }
sub back { my ($self) = @_; $self->_control(PUT => 'listening', { it => JSON::PP::true() }); return $self }

# Requests so far, {path, url, form (without the token), hasToken, body, status}; of one path where it is named.
sub log {
    my ($self, $path) = @_;
    return grep { !defined $path || $_->{path} eq $path } @{ $self->_control(GET => 'log') };
}
sub forget { my ($self) = @_; $self->_control(DELETE => 'log'); return $self }

# The imports among them: {rows, status}.
sub imports {
    my ($self) = @_;
    return map { { rows => JSON::PP->new->decode($_->{form}{data}), status => $_->{status} } }
        grep { ($_->{form}{action} // '') eq 'import' } $self->log('/api/');
}

1;
