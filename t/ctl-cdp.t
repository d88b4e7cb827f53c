#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# smartlaunchctl cdp: rights and mappings of a project whose application speaks REDCap's API.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::REDCap;
use JSON::PP;

my $redcap = SL::REDCap->new;
my $w = world(fpm => 0, cdp => { redcap => $redcap });
my ($pg, $httpd, $cdp) = ($w->pg, $w->httpd, $w->cdp);
my $dir = $httpd->dir;

# By the configuration of httpd, unless it says --db.
sub ctl { return grep({ $_ eq '--db' } @_) ? capture(build() . '/smartlaunchctl', @_) : $httpd->ctl(@_) }

sub ctl_json {
    my ($want, @args) = @_;
    my ($rc, $text) = ctl('--json', @args);
    is $rc, $want, "@args[0 .. $#args]" or diag $text;
    my ($json) = $text =~ /^([{\[].*)$/m;
    return decode_json($json // 'null');
}

sub is_ctl {
    my ($want, $like, $name, @args) = @_;
    my ($rc, $text) = ctl(@args);
    is $rc, $want, $name or diag $text;
    like $text, $like, '… and says so';
    return $text;
}

sub rights { return join ' ', map { "$_->{app_user}:$_->{may}" } $pg->rows("SELECT app_user, may FROM smartlaunch.cdp_right ORDER BY 1, 2") }
sub rows { my ($table) = @_; return $pg->value("SELECT count(*) FROM smartlaunch.$table") }
sub put_file { my ($name, $text) = @_; utf8::encode($text) if utf8::is_utf8($text); return spit("$dir/$name", $text) }

# Rights

is_ctl(0, qr/^alice may setup in project study$/, 'C1 cdp grant', qw(cdp grant study alice setup));
is_ctl(0, qr/^alice may adjudicate in project study$/, '… the other right', qw(cdp grant study alice adjudicate));
is_ctl(0, qr/^alice may setup in project study, as before$/, '… given twice is given', qw(cdp grant study alice setup));
is_ctl(0, qr/^bob may adjudicate/, '… by a connection string of its own', '--db', $pg->conninfo, qw(cdp grant study bob adjudicate));
is rights(), 'alice:adjudicate alice:setup bob:adjudicate', 'C1 … as rows of cdp_right';
like $pg->value("SELECT granted_by FROM smartlaunch.cdp_right WHERE app_user = 'bob'"), qr/^smartlaunchctl:\w/, '… with who gave them';
my $alice = $w->launch(login => 'alice');
my @alice = (session => $alice->{session});
$httpd->allow_log('SL8547');
is $cdp->api(GET => 'mapping', @alice)->code, 404, 'C1 what is granted counts at once';
is_deeply ctl_json(0, qw(cdp revoke study bob adjudicate)), { project => 'study', user => 'bob', right => 'adjudicate', has_it => JSON::PP::false, had_it => JSON::PP::true },
    'C1 cdp revoke, as JSON';
is_ctl(0, qr/^bob may not adjudicate in project study$/, '… once more', qw(cdp revoke study bob adjudicate));
is rights(), 'alice:adjudicate alice:setup', '… and the row is gone';
is_ctl(1, qr/a right is setup or adjudicate \(SL8003\)/, 'a right that there is not', qw(cdp grant study bob everything));
is_ctl(1, qr/no name of a user \(SL8004\)/, 'SYSTEM is nobody', qw(cdp grant study SYSTEM setup));
is_ctl(1, qr/no name of a user/, 'no name at all', qw(cdp grant study), '', 'setup');
is_ctl(3, qr/no <SmartCDPProject other> \(SL7062\)/, 'a project that is not configured', qw(cdp grant other bob setup));
is_ctl(1, qr/permission denied.*\n.*smartlaunch_module/, 'a DBA sees, and gives no rights', '--db', $pg->dba_conninfo, qw(cdp grant study bob setup));
is_ctl(2, qr/^usage:/, "@$_", @$_) for ['cdp'], [qw(cdp nonsense)], [qw(cdp grant study bob)], [qw(cdp grant study bob setup now)], [qw(cdp mapping)],
    [qw(cdp mapping import study)], [qw(cdp mapping export study x)], [qw(cdp mapping export study --csv --json)];
is rights(), 'alice:adjudicate alice:setup', '… and nothing of that is stored';

# A mapping comes in

is_ctl(3, qr/nobody has saved a mapping.*SL7067/, 'no mapping yet', qw(cdp mapping export study));
my @fields = ({ source => 'name-given', event => 'event_1_arm_1', field => 'first_name' }, { source => 'birthDate', event => 'event_1_arm_1', field => 'dob' },
    { source => '29463-7', event => 'event_2_arm_1', field => 'body_weight', temporal_field => 'visit_date', preselect => 'MAX', unit => 'kg',
        day_offset => { days => 1.5, direction => '+' } });
my $mapping = { version => 1, project => 'study', ehr => 'sandbox', day_offset => { days => 3, direction => '+-' }, convert_gmt => JSON::PP::false,
    adjudication => 'manual', preview => ['name-given'], identifier => { source => 'id', event => 'event_1_arm_1', field => 'mrn' }, fields => \@fields };
my $file = put_file('mapping.json', encode_json($mapping));
is_ctl(0, qr/^project study has a mapping of 3 fields, which its application has$/, 'CDP-MAP cdp mapping import, JSON', qw(cdp mapping import study), $file);
my $stored = json($cdp->api(GET => 'mapping', @alice));
is_deeply [ map { $_->{field} } @{ $stored->{fields} } ], [qw(first_name dob body_weight)], 'CDP-MAP … and is what the API has';
like $pg->value('SELECT updated_by FROM smartlaunch.cdp_project'), qr/^smartlaunchctl:\w/, '… with who saved it';
is_deeply ctl_json(0, qw(cdp mapping export study)), $stored, 'CDP-MAP cdp mapping export, JSON';
my ($rc, $pretty) = ctl(qw(cdp mapping export study));
is_deeply decode_json($pretty), $stored, '… also as people read it';
is_deeply ctl_json(0, qw(cdp mapping import study), put_file('again.json', $pretty)),
    { project => 'study', imported => JSON::PP::true, fields => 3, checked => JSON::PP::true, revision => 2 }, 'CDP-MAP the export comes in again';
is_deeply ctl_json(0, qw(cdp mapping export study)), $stored, '… and is the same';
my $csv = (ctl(qw(cdp mapping export study --csv)))[1];
like $csv, qr/^external_source_field_name,is_record_identifier,field_name/, 'CDP-MAP as CSV';
is_ctl(0, qr/mapping of 3 fields/, '… which comes in, too', qw(cdp mapping import study), put_file('mapping.csv', $csv));
is_deeply ctl_json(0, '--db', $pg->conninfo, qw(cdp mapping export study)), $stored, '… and keeps what a CSV does not say';
is((ctl(qw(cdp mapping export study --csv)))[1], $csv, '… and is the same CSV');

done();
