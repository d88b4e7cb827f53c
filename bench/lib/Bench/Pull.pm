# SPDX-License-Identifier: Apache-2.0
# The Clinical Data Pull with as many hosts as wanted, an app that holds the project, and an EHR whose
# answers are files, so that nobody waits for it. One user has a token for all patients.
package Bench::Pull;
use strict;
use warnings;
use utf8;
use Bench::Client;
use Bench::Count qw(cpu_of);
use Bench::Httpd;
use Bench::World;
use Carp qw(croak);
use JSON::PP ();
use POSIX qw(strftime);
use SL;
use SL::Postgres;
use SL::REDCap;

my $json = JSON::PP->new->utf8->canonical;
my $mrn = 'MRN-1';
my $patient = 'p-1';
my $day = 86_400;
my $first = 1_704_110_400; # 1 January 2024, noon

# Codes that a study may ask for, in turn.
our @codes = qw(718-7 2951-2 2823-3 2160-0 3094-0);

sub new {
    my ($class) = @_;
    my $self = bless { port => { map { $_ => free_port() } qw(backend pages) }, redcap => SL::REDCap->new(project => _project()) }, $class;
    my $w = $self->{w} = world(start => 0, pg => { own => 1 }, fpm => 0, gateway => undef,
        cdp => { redcap => $self->{redcap}, source => "bench mrn-system=$SL::CDP::mrn_system",
            project => 'SmartCDPRefetch every=1h inactive=7d' });
    $w->ehr->settings(aud => 'any', expires_in => 86_400);
    $self->{base} = "http://127.0.0.1:$self->{port}{backend}/fhir";
    $self->{backend} = Bench::Httpd->new(called => 'backend', ehr => $w->ehr, pg => $w->pg, module => 0, fpm => 0,
        extra => _common(), after => $self->_backend);
    my $smart = $self->{smart} = bless $w->httpd, 'Bench::Httpd';
    $smart->{called} = 'smart';
    $smart->{extra} = _common() . Bench::World::ehr_config($w, $self->{base});
    $smart->{after} = $self->_plain($self->{port}{pages});
    # a pid file that -X leaves; what takes long under callgrind; a fetch that the end of a host cut off
    $_->allow_log(qw(AH00098 SL4518 SL3001 AH00045 SL8133 SL8511)) for $smart, $self->{backend};
    $self->{files} = $self->{backend}->dir . '/htdocs';
    mkdir "$self->{files}/$_" for qw(fhir pages);
    spit("$self->{files}/fhir/Patient", $json->encode(_bundle(undef, _patient())));
    return $self;
}

sub w { return $_[0]{w} }
sub smart { return $_[0]{smart} }
sub backend { return $_[0]{backend} }

# Everything runs, alice has signed in without a patient, and there is a mapping (see map_to).
sub begin {
    my ($self) = @_;
    my $w = $self->{w};
    $_->start for $self->{backend}, $self->{smart};
    $w->cdp->grant('alice');
    my $launch = $w->launch(login => 'alice', patient => undef, ehr => Bench::World::Ehr->of($w->ehr, $self->{base}));
    croak 'no launch: ' . $launch->{callback}->as_string if !$launch->{session};
    $self->{launch} = $launch;
    $self->{cookie} = '__Host-smart=' . $launch->{window}->jar->get('__Host-smart')->{value};
    return $self;
}

# A mapping with these codes, each in so many events.
sub map_to {
    my ($self, $codes, $events, %more) = @_;
    my @fields = map {
        my $event = $_;
        map { { source => $codes[ $_ - 1 ], event => "visit_$event", field => "lab_$_", temporal_field => 'visit_date', preselect => 'NEAR' } } 1 .. $codes
    } 1 .. $events;
    my $answer = $self->{w}->cdp->api(PUT => 'mapping', user => 'alice', timeout => 120, json => { version => 1, project => 'study',
        day_offset => { days => 5, direction => '+-' }, identifier => { source => 'id', event => 'visit_1', field => 'mrn' },
        fields => \@fields, %more });
    croak 'no mapping: ' . $answer->as_string if $answer->code != 200;
    return;
}

# The EHR has so many results from now on, a hundred on a page: of these codes in turn, `every` seconds apart.
sub chart {
    my ($self, $total, %how) = @_;
    my @of = @codes[ 0 .. ($how{codes} // 1) - 1 ];
    my $every = $how{every} // 600;
    my $pages = int(($total + 99) / 100);
    for my $page (1 .. $pages) {
        my @entries = map { _result($_, $of[ $_ % @of ], $first + int($_ / @of) * $every) } ($page - 1) * 100 .. ($page * 100 < $total ? $page * 100 : $total) - 1;
        my $next = $page < $pages ? $self->{base} =~ s{fhir$}{"pages/" . ($page + 1)}er : undef;
        my $file = $page == 1 ? "$self->{files}/fhir/Observation" : "$self->{files}/pages/$page";
        spit("$file.new", $json->encode(_bundle($next, @entries)));
        rename "$file.new", $file or croak "$file: $!";
    }
    return $pages;
}

# Visits of records in the app, eleven days apart.
sub visits {
    my ($self, $events, @names) = @_;
    my $records = $self->{redcap}->state->{records};
    for my $event (1 .. $events) {
        my $date = strftime('%Y-%m-%d', gmtime $first + ($event - 1) * 11 * $day + 5 * $day);
        $records->{$_}{ SL::REDCap::_key("visit_$event") }{visit_date} = $date for @names;
    }
    $self->{redcap}->set(records => $records);
    return;
}

# The bytes of an API call as the app's server makes it; of a page as alice's browser does.
sub calling {
    my ($self, $method, $what, $data) = @_;
    my $body = defined $data ? $json->encode($data) : '';
    return join "\r\n", "$method /cdp/api/study/$what HTTP/1.1", 'Host: app.localhost', 'Smart-Caller: ' . SL::CDP::caller_secret(),
        'Smart-User: alice', 'Content-Type: application/json', 'Content-Length: ' . length $body, '', $body;
}

sub looking {
    my ($self, $what) = @_;
    my $host = URI->new($self->{w}->url)->host_port;
    return Bench::Client::bytes("/cdp/study/$what?smart_launch=$self->{launch}{handle}", Bench::Client::browser($host,
        'Sec-Fetch-Mode' => 'navigate', 'Sec-Fetch-Dest' => 'document', 'Sec-Fetch-Site' => 'none', Accept => 'text/html', Cookie => $self->{cookie}));
}

sub client { my ($self) = @_; return $self->{client} ||= Bench::Client->new($self->{port}{pages}) }

# One request over the plain port; its body.
sub ask {
    my ($self, $bytes) = @_;
    my ($status, $head, $body) = $self->client->ask($bytes);
    croak "$head$body" if $status != 200;
    return $body;
}

sub fetch {
    my ($self, $record) = @_;
    return $json->decode($self->ask($self->calling(POST => "records/$record/fetch", { mrn => $mrn })));
}

# Microseconds of CPU that PostgreSQL has had for the connections there are.
sub database_cpu {
    my ($self) = @_;
    return cpu_of($self->{w}->pg->_processes);
}

# Bytes of its log of changes so far.
sub wal { my ($self) = @_; return $self->{w}->pg->value(q{SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')}) }

# One more host, not started.
sub another_host {
    my ($self) = @_;
    my ($w, $smart) = @$self{qw(w smart)};
    my $host = bless SL::Httpd->new(ehr => $w->ehr, pg => $w->pg, public => $w->url, keyring => $smart->{keyring}, fpm => 0,
        gateway => undef, cdp => $smart->{cdp}, extra => $smart->{extra}), 'Bench::Httpd';
    $host->allow_log(qw(AH00045 SL8133));
    return $host;
}

# What was asked of the EHR since, by path.
sub asked {
    my ($self) = @_;
    my ($log, %asked) = slurp($self->{backend}->dir . '/access.log');
    $asked{ $1 =~ s{^/pages/.*}{/pages}r }++ while $log =~ /"GET ([^? ]+)/g;
    return \%asked;
}

# Configuration

sub _common { return "MaxKeepAliveRequests 0\nKeepAliveTimeout 120\n" }

sub _backend {
    my ($self) = @_;
    return <<"CONF";
Listen 127.0.0.1:$self->{port}{backend} http
<VirtualHost 127.0.0.1:$self->{port}{backend}>
    DocumentRoot "htdocs"
    <Directory htdocs>
        Require all granted
    </Directory>
    <Location />
        ForceType application/fhir+json
    </Location>
</VirtualHost>
CONF
}

# Pages and API without TLS.
sub _plain {
    my ($self, $port) = @_;
    return <<"CONF";
Listen 127.0.0.1:$port http
<VirtualHost 127.0.0.1:$port>
    ServerName app.localhost
    ${\ SL::CDP::vhost_config($self->{w}->httpd) }
</VirtualHost>
CONF
}

# FHIR

sub _patient {
    return { resourceType => 'Patient', id => $patient, gender => 'female', birthDate => '1970-01-31',
        name => [ { use => 'official', family => 'Shaw', given => ['Amy'] } ],
        identifier => [ { system => $SL::CDP::mrn_system, value => $mrn } ] };
}

# As long as servers write it: 900 bytes.
sub _result {
    my ($n, $code, $at) = @_;
    my $coded = sub { return { system => $_[0], code => $_[1], display => $_[2] } };
    return {
        resourceType => 'Observation', id => "r-$n", status => 'final',
        meta => { versionId => '1', lastUpdated => '2026-01-01T12:00:00.000Z',
            profile => ['http://hl7.org/fhir/us/core/StructureDefinition/us-core-observation-lab'] },
        category => [ { coding => [ $coded->('http://terminology.hl7.org/CodeSystem/observation-category', 'laboratory', 'Laboratory') ] } ],
        code => { coding => [ $coded->('http://loinc.org', $code, 'A result of the laboratory') ], text => 'A result of the laboratory' },
        subject => { reference => "Patient/$patient", display => 'Amy Shaw' },
        effectiveDateTime => strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $at), issued => strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $at + 3600),
        performer => [ { reference => 'Organization/laboratory', display => 'The laboratory' } ],
        valueQuantity => { value => 10 + $n / 1000, unit => 'g/dL', system => 'http://unitsofmeasure.org', code => 'g/dL' },
    };
}

sub _bundle {
    my ($next, @resources) = @_;
    return { resourceType => 'Bundle', type => 'searchset', link => [ defined $next ? { relation => 'next', url => $next } : () ],
        entry => [ map { { fullUrl => "http://ehr.example/fhir/$_->{resourceType}/$_->{id}", resource => $_, search => { mode => 'match' } } } @resources ] };
}

# The app's project: ten visits with five results each.
sub _project {
    my @fields = (SL::REDCap::field('record_id', 'visit', 'text'), SL::REDCap::field('mrn', 'visit', 'text'),
        SL::REDCap::field('visit_date', 'visit', 'text', valid => 'date_ymd'),
        map { SL::REDCap::field("lab_$_", 'visit', 'text', valid => 'number') } 1 .. @codes);
    my @events = map { "visit_$_" } 1 .. 10;
    return { metadata => \@fields, events => \@events, repeating => [], forms => [ map { { arm_num => 1, unique_event_name => $_, form => 'visit' } } @events ] };
}

1;
