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
my $everything = '';
sub ctl {
    my ($rc, $text) = grep({ $_ eq '--db' } @_) ? capture(build() . '/smartlaunchctl', @_) : $httpd->ctl(@_);
    $everything .= $text;
    return ($rc, $text);
}
sub ctl_json_quiet { return decode_json((ctl('--json', @_))[1]) }

sub ctl_json {
    my ($want, @args) = @_;
    my ($rc, $text) = ctl('--json', @args);
    is $rc, $want, "@args[grep { $args[$_] ne '--db' && $args[$_] !~ m{/|host=} } 0 .. $#args]" or diag $text;
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
{
    local %ENV = (%ENV, SL::Httpd::_sanitizer_env(), SL_APACHECTL => SL::Httpd::_binary());
    my ($status, $said) = capture('sh', '-c', qq(file=\$1; shift; exec "\$@" <"\$file"), 'sh', "$dir/mapping.csv", build() . '/smartlaunchctl',
        '-f', $httpd->write_config, qw(cdp mapping import study -));
    is $status, 0, 'CDP-MAP by standard input' or diag $said;
}

# … or not at all

my @bad = map { { %$_ } } @fields;
$bad[1]{field} = 'date_of_birth';
$bad[2]{temporal_field} = 'first_name';
my $wrong = put_file('wrong.json', encode_json({ %$mapping, fields => \@bad }));
my $text = is_ctl(1, qr/^row 2 \(.*\): .*\nrow 3 \(.*\): .*\n/m, 'C2 rows that cannot be used are named', qw(cdp mapping import study), $wrong);
like $text, qr/nothing was imported \(SL7066\)/, '… with what became of the others';
my $refused = ctl_json(1, qw(cdp mapping import study), $wrong);
is_deeply [ $refused->{imported}, map { $_->{row} } @{ $refused->{rows} } ], [ JSON::PP::false, 2, 3 ], 'C2 … as JSON';
is_ctl(1, qr/^row 3 .*\n/m, 'C2 in a CSV the header is row 1', qw(cdp mapping import study), put_file('wrong.csv', $csv =~ s/,first_name,/,no_such_field,/r));
is_ctl(1, qr/^the mapping \(other\): .*study/m, 'a mapping of another project', qw(cdp mapping import study), put_file('other.json', encode_json({ %$mapping, project => 'other' })));
is_ctl(1, qr/nothing was imported/, 'no mapping at all', qw(cdp mapping import study), put_file('nonsense', "\x00\xff {"));
is_ctl(1, qr/No such file.*SL7063/, 'no file', qw(cdp mapping import study), "$dir/nosuch.json");
is_ctl(2, qr/all of httpd's configuration/, 'a mapping needs to know the app and the EHR', '--db', $pg->conninfo, qw(cdp mapping import study), $file);
$redcap->away;
is_ctl(1, qr/cannot be asked for its fields.*nothing was imported; --unchecked.*SL7065/, 'CDP-MAP the app is away', qw(cdp mapping import study), $file);
is_deeply ctl_json(0, qw(cdp mapping export study)), $stored, 'C2 and nothing of all that is stored';
is_ctl(0, qr/whether its application has them was not asked/, 'CDP-MAP its names are believed', qw(cdp mapping import study), $wrong, '--unchecked');
$redcap->back;
is_ctl(0, qr/which its application has/, '… and later not', qw(cdp mapping import study), $file);

# How it stands

is_deeply [ map { @$_{qw(project configured app ehr deliver fields setup adjudicate records new_values waiting)} } @{ ctl_json(0, qw(cdp projects)) } ],
    [ 'study', JSON::PP::true, qw(app sandbox redcap 3 1 1 0 0 0) ], 'cdp projects';
like is_ctl(0, qr/^PROJECT +CONFIGURED +APP/, '… for people', qw(cdp projects)), qr/^study +yes +app +sandbox +3 /m, '… one line each';
$redcap->put('1', 'event_1_arm_1', first_name => '');
$redcap->put('1', 'event_2_arm_1', visit_date => '2024-03-15');
is_ctl(3, qr/no such record/, 'C12 cdp refetch of a record nobody has fetched', qw(cdp refetch study 1));
my $fetched = $cdp->api(POST => 'records/1/fetch', @alice, json => { mrn => 'MRN-10021' });
is $fetched->code, 200, 'a record is fetched' or diag $fetched->content;
my $before = ctl_json(0, qw(cdp status))->[0];
my $new = $pg->value("SELECT count(*) FROM smartlaunch.cdp_value WHERE state = 'new'");
ok $new > 0, 'values are held';
is_deeply [ @$before{qw(project records fetching relaunch failed new_values waiting oldest_waiting refused unreadable)} ],
    [ 'study', 1, 0, 0, 0, $new, 0, undef, 0, 0 ], 'cdp status';
like $before->{last_fetch}, qr/^\d{4}-\d\d-\d\dT/, '… with its last fetch';
is_deeply [ map { @$_{qw(records new_values)} } @{ ctl_json(0, '--db', $pg->dba_conninfo, qw(cdp projects)) } ], [ 1, $new ], 'a DBA may see the numbers';
is_deeply [ map { @$_{qw(configured app)} } @{ ctl_json(0, '--db', $pg->dba_conninfo, qw(cdp projects)) } ], [ undef, undef ], '… but not what is configured';
my $was = $pg->value("SELECT fetched_at FROM smartlaunch.cdp_record");
my $at = $pg->value('SELECT max(id) FROM smartlaunch.cdp_log');
is_ctl(0, qr/^1 record of project study is fetched as soon as may be$/, 'cdp refetch', qw(cdp refetch study 1));
wait_for('a fetch that nobody asked for in person', sub { $pg->value('SELECT fetched_at FROM smartlaunch.cdp_record') ne $was });
is_deeply ctl_json(0, qw(cdp refetch study)), { project => 'study', record => undef, queued => 1 }, 'cdp refetch of all';
is_ctl(3, qr/no such record/, 'a record that is not there', qw(cdp refetch study 2));

# What waits, what was refused, what nobody can read
$redcap->away;
my $items = json($cdp->api(GET => 'records/1/items', @alice));
my ($first) = grep { $_->{field} eq 'first_name' } @{ $items->{targets} };
my $saved = $cdp->api(POST => 'records/1/adjudicate', @alice, json => { choices => [ $first->{candidates}[0]{id} ], token => $items->{token} });
is json($saved)->{waiting}, 1, 'a value waits for its app' or diag $saved->content;
my ($waiting) = @{ ctl_json(0, qw(cdp status study)) };
is $waiting->{waiting}, 1, 'CDP-DEL cdp status: what waits';
like $waiting->{oldest_waiting}, qr/^\d{4}-\d\d-\d\dT/, '… and since when';
is ctl_json(0, qw(cdp projects))->[0]{waiting}, 1, '… in cdp projects, too';
my $stranger = spit("$dir/stranger", SL::Httpd::new_key('k9'), 0600);
cmp_ok ctl_json(0, '--keyring', $stranger, qw(cdp status))->[0]{unreadable}, '>', 2, 'cdp status: what no key of the ring opens';
is ctl_json(0, '--db', $pg->conninfo, qw(cdp status))->[0]{unreadable}, undef, '… which nobody knows without the ring';
is_ctl(3, qr/no <SmartCDPProject other>/, 'cdp status of a project that is not there', qw(cdp status other));
$redcap->back;
wait_for('the app to have it', sub { ctl_json_quiet(qw(cdp status))->[0]{waiting} == 0 });
is $redcap->value('1', 'event_1_arm_1', 'first_name'), $first->{candidates}[0]{value}, '… and it is delivered';

# Nothing of a patient is in what it prints
unlike $everything, qr/MRN-10021|\Q$alice->{patient}\E|\Q${\ $redcap->token }\E/, 'no patient and no token in all of that';

$httpd->allow_log($_->{id}) for $httpd->errors;
done();
