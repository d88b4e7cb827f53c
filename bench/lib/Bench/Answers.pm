# SPDX-License-Identifier: Apache-2.0
# What the backend serves: pages of 1 KB and 1 MB, and FHIR resources of the same sizes.
package Bench::Answers;
use strict;
use warnings;
use Exporter qw(import);
use JSON::PP ();
use SL::Run qw(spit);

our @EXPORT_OK = qw(write_answers);

my $json = JSON::PP->new->utf8->canonical;

# Files below $dir: plain/1k.txt, plain/1m.txt, fhir/Patient/$patient (1 KB) and fhir/Observation, a
# Bundle of 1 MB with 2,000 links below $base.
sub write_answers {
    my ($dir, $base, $patient) = @_;
    mkdir "$dir/$_" for qw(plain fhir fhir/Patient);
    spit("$dir/plain/1k.txt", "0123456789abcde\n" x 64);
    spit("$dir/plain/1m.txt", "0123456789abcde\n" x 65_536);
    spit("$dir/fhir/Patient/$patient", _patient($patient));
    spit("$dir/fhir/Observation", _bundle($base, $patient));
    return;
}

sub _patient {
    my ($id) = @_;
    my %patient = (
        resourceType => 'Patient', id => $id, active => JSON::PP::true, gender => 'female', birthDate => '1970-01-31',
        meta => { versionId => '7', lastUpdated => '2026-01-01T12:00:00.000Z' },
        name => [ { use => 'official', family => 'Shaw', given => [ 'Amy', 'V.' ] } ],
        identifier => [ { system => 'http://hospital.example/mrn', value => '1032702' } ],
    );
    my $short = 1024 - length $json->encode({ %patient, text => { status => 'generated', div => '' } });
    return $json->encode({ %patient, text => { status => 'generated', div => 'x' x $short } });
}

# One Observation with two links, as servers write it. The first two links are the Bundle's own.
sub _entry {
    my ($base, $patient, $n, $note) = @_;
    my $coded = sub { return { system => $_[0], code => $_[1], display => $_[2] } };
    return {
        fullUrl => "$base/Observation/obs-$n",
        search => { mode => 'match' },
        resource => {
            resourceType => 'Observation', id => "obs-$n", status => 'final',
            meta => { versionId => '1', lastUpdated => '2026-01-01T12:00:00.000Z',
                profile => ['http://hl7.org/fhir/us/core/StructureDefinition/us-core-observation-lab'] },
            category => [ { coding => [ $coded->('http://terminology.hl7.org/CodeSystem/observation-category',
                            'laboratory', 'Laboratory') ] } ],
            code => { coding => [ $coded->('http://loinc.org', '2339-0', 'Glucose [Mass/volume] in Blood') ], text => 'Glucose' },
            subject => { reference => "$base/Patient/$patient" },
            effectiveDateTime => '2026-01-01T11:00:00Z',
            valueQuantity => { value => 1 + $n, unit => 'mg/dL', system => 'http://unitsofmeasure.org', code => 'mg/dL' },
            note => [ { text => $note } ],
        },
    };
}

sub _bundle {
    my ($base, $patient) = @_;
    my $make = sub {
        my ($note) = @_;
        my @entries = map { _entry($base, $patient, $_, $note) } 1 .. 999;
        my @links = map { { relation => $_, url => "$base/Observation?patient=$patient&_$_" } } qw(self next);
        return $json->encode({ resourceType => 'Bundle', type => 'searchset', total => 999, link => \@links, entry => \@entries });
    };
    my $room = int((1_048_576 - length $make->('')) / 999);
    return $make->('n' x $room);
}

1;
