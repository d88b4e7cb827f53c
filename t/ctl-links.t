#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# smartlaunchctl link, launch and trace: who is who, what is open, and how it ends on every host.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use JSON::PP;

my $w = world(fpm => 0);
my ($pg, $httpd) = ($w->pg, $w->httpd);
my @dba = ('--db', $pg->dba_conninfo);

sub ctl { my ($rc, $text) = capture(build() . '/smartlaunchctl', @_); return ($rc, $text) }

sub ctl_json {
    my ($rc, $text) = ctl(@_, '--json');
    is $rc, 0, "@_[grep { $_[$_] ne '--db' && $_[$_] !~ /host=/ } 0 .. $#_]" or diag $text;
    return decode_json($text);
}

sub is_ctl {
    my ($want, $like, $name, @args) = @_;
    my ($rc, $text) = ctl(@args);
    is $rc, $want, $name or diag $text;
    like $text, $like, '… and says so';
    return $text;
}

my $alice = $w->launch(login => 'alice');
my $bob = $w->launch(user => 'dr-jones', login => 'bob', patient => $w->ehr->patients->[1]);
my $secret = join '|', map { quotemeta } $alice->{session}, $alice->{handle}, $bob->{session};

# Lists, as whoever may
for my $as ([ 'a DBA', @dba ], [ 'the module', '--db', $pg->conninfo ], [ 'the owner', '--db', $pg->owner_conninfo ]) {
    my ($who, @db) = @$as;
    my $text = is_ctl(0, qr/^LINK +APP +EHR +EHR USER +APP USER +HOW +STATUS/, "link list by $who", @db, qw(link list));
    like $text, qr/sandbox +dr-smith +alice +app +active/, '… names who is who';
    is_deeply [ map { $_->{app_user} } @{ ctl_json(@db, qw(link list --ehr-user dr-jones)) } ], ['bob'], '… of one EHR user';
}
my ($link) = @{ ctl_json(@dba, qw(link list --user alice)) };
is_deeply [ @$link{qw(ehr ehr_user status revoked_at)} ], [ 'sandbox', 'dr-smith', 'active', undef ], '… as JSON';
like $link->{linked_at}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, '… with times';
my ($launch) = @{ ctl_json(@dba, qw(launch list --user alice)) };
is_deeply [ @$launch{qw(kind state ehr_user app_user)} ], [qw(ehr live dr-smith alice)], 'launch list';
ok !exists $launch->{patient}, '… without the patient';
is ctl_json(@dba, qw(launch list --user alice --patients))->[0]{patient}, $alice->{patient}, '… unless it is asked for';
unlike is_ctl(0, qr/LAUNCH/, 'for people', @dba, qw(launch list)), qr/$alice->{patient}|$secret/, '… no patient, handle or session id';
is scalar @{ ctl_json(@dba, qw(launch list)) }, 2, '… all of them';
is scalar(() = is_ctl(0, qr/more than 1.*--limit/, 'at most so many', @dba, qw(launch list --limit 1)) =~ / live /g), 1, '… and not more';
is_ctl(0, qr/^none$/, 'nobody of this name', @dba, qw(link list --user nobody));
is_deeply ctl_json(@dba, qw(link list --user nobody)), [], '… as JSON';

# By the configuration of httpd
my ($rc, $text) = $httpd->ctl(qw(link list));
is $rc, 0, 'link list by the configuration of httpd' or diag $text;
like $text, qr/alice/, '… finds PostgreSQL there';
($rc, $text) = $httpd->ctl(qw(link revoke), $link->{id});
is $rc, 1, "httpd's own role revokes no link";
like $text, qr/permission denied.*\n.*smartlaunch_dba/, '… and says who may';

# The story of a launch
my $reference = $pg->value('SELECT reference FROM smartlaunch.launch_step WHERE launch = ? ORDER BY id LIMIT 1', $launch->{id});
$text = is_ctl(0, qr/^launch $launch->{id}\n  app app, opened from the EHR sandbox; at the EHR dr-smith; in the app alice\n  it is live, until 2/, 'trace tells who and where',
    '--db', $pg->conninfo, 'trace', $reference);
is_ctl(0, qr/^launch $launch->{id}\n/, "trace finds it as it was read out: $_", '--db', $pg->conninfo, 'trace', $_)
    for lc $reference, $reference =~ s/-//r, lc($reference =~ s/-/ /r);
like $text, qr/ token .* ok .* 200 .* the EHR gave its tokens/, '… what the EHR did';
like $text, qr/ link .* ok .* the EHR user and the app user were joined: confirmed by the user/, '… and what the user said';
unlike $text, qr/$alice->{patient}|$secret/, '… no patient, handle or session id';

# A refused FHIR call
my $foreign = $w->fhir(GET => "/Patient/$bob->{patient}", session => $alice->{session});
is $foreign->code, 403, 'a call for another patient';
my ($refused) = wait_for('the audit', sub { $pg->value('SELECT reference FROM smartlaunch.fhir_access WHERE status = 403') });
$text = is_ctl(0, qr/FHIR call GET Patient at sandbox, .*: refused or failed with 403/, 'trace finds it by its reference', '--db', $pg->conninfo, 'trace', $refused);
like $text, qr/^launch $launch->{id}$/m, '… with the launch it belongs to';
unlike $text, qr/$bob->{patient}|$alice->{patient}/, '… without patients';
my $told = ctl_json('--db', $pg->conninfo, 'trace', $refused);
is_deeply [ map { $_->{status} } @{ $told->{calls} } ], [403], '… as JSON';
is $told->{launches}[0]{state}, 'live', '… with the state of the launch';
is_ctl(3, qr/no step/, 'no such reference', @dba, qw(trace AAAAA-AAAAA));

# End a launch: on every host, at once
my $other = $w->another_host;
is $w->fhir(GET => "/Patient/$alice->{patient}", session => $alice->{session}, host => $other)->code, 200, 'the other host knows the launch';
is_ctl(0, qr/is ended/, 'launch end', @dba, qw(launch end), $launch->{id}, '--reason', 'left the house');
for my $host ($httpd, $other) {
    cmp_ok lasted('the session', sub { $w->fhir(GET => "/Patient/$alice->{patient}", session => $alice->{session}, host => $host)->code == 401 }), '<=', 5,
        '… within 5 seconds on every host';
}
cmp_ok lasted('the launch', sub { $alice->{window}->reload->code == 401 }), '<=', 5, '… also for the browser';
is_ctl(0, qr/over before/, '… once', @dba, qw(launch end), $launch->{id});
is_deeply [ map { @$_{qw(state end_reason)} } grep { $_->{id} eq $launch->{id} } @{ ctl_json(@dba, qw(launch list --all)) } ], [ 'ended', 'revoked: left the house' ], '… and why is kept';
is scalar(grep { $_->{id} eq $launch->{id} } @{ ctl_json(@dba, qw(launch list)) }), 0, '… it is listed with --all only';
is_ctl(3, qr/no such launch/, 'a launch that is not there', @dba, qw(launch end 01900000-0000-7000-8000-000000000009));

# Revoke a link
is_ctl(0, qr/is revoked; 1 launch ended/, 'link revoke by names', @dba, qw(link revoke --app app --ehr sandbox --ehr-user dr-jones --reason), 'wrong person');
cmp_ok lasted('the session', sub { $w->fhir(GET => "/Patient/$bob->{patient}", session => $bob->{session})->code == 401 }), '<=', 5, '… ends its session';
cmp_ok lasted('the launch', sub { $bob->{window}->reload->code == 401 }), '<=', 5, '… and its launches';
my ($gone) = @{ ctl_json(@dba, qw(link list --all --ehr-user dr-jones)) };
is_deeply [ @$gone{qw(status revoked_by revoke_reason)} ], [ 'revoked', 'dba', 'wrong person' ], '… who and why is kept';
is_deeply ctl_json(@dba, qw(link list --ehr-user dr-jones)), [], '… it is listed with --all only';
is ctl_json(@dba, qw(link revoke), $gone->{id})->{was_revoked}, JSON::PP::true, '… once';
is_ctl(3, qr/no such link/, 'a link that is not there', @dba, qw(link revoke --app app --ehr sandbox --ehr-user nobody));
is $w->launch(user => 'dr-jones', patient => $bob->{patient})->{session}, undef, '… and the user is asked anew';

$httpd->allow_log($_->{id}) for $httpd->errors;
done();
