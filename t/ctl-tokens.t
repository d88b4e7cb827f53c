#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# smartlaunchctl token: listed without tokens, renewed by the same way as httpd's own, revoked for good.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::Tokens;
use JSON::PP;

my $w = world(start => 0, fpm => 0);
my ($pg, $httpd, $ehr) = ($w->pg, $w->httpd, $w->ehr);
my @dba = ('--db', $pg->dba_conninfo);
nobody_leads($w);
$httpd->start;

sub is_ctl {
    my ($want, $like, $name, @args) = @_;
    my ($rc, $text) = $args[0] eq '--db' ? capture(build() . '/smartlaunchctl', @args) : $httpd->ctl(@args);
    is $rc, $want, $name or diag $text;
    like $text, $like, '… and says so';
    return $text;
}

sub fhir { my ($l) = @_; return $w->fhir(GET => "/Patient/$l->{patient}", session => $l->{session}) }

$w->launch(login => 'alice');
my $l = lapsed($w, 3000);
is fhir($l)->code, 200, 'a launch with a token';
my ($before) = asked($w);
my $id = id_of($w, $l);

# List
my $text = is_ctl(0, qr/^LAUNCH +APP +EHR .*\n(?:.*\n)*$id +app +sandbox +alice +active +yes +0 /, 'token list', @dba, qw(token list));
my ($token) = $before->{headers}{authorization} =~ /^Bearer (.+)/;
unlike $text, qr/\Q$token\E|$l->{session}|$l->{patient}/, '… no token, session id or patient';
my ($listed) = grep { $_->{launch} eq $id } @{ decode_json(is_ctl(0, qr/^\[/, 'as JSON', @dba, qw(--json token list --user alice))) };
is_deeply [ @$listed{qw(status generation can_renew key_id)} ], [ 'active', 1, JSON::PP::true, 'k1' ], '… what is known of it';
like $listed->{scope_granted}, qr/patient/, '… and its scopes';

# Renew
$ehr->forget;
$text = is_ctl(0, qr/^the token of launch $id is renewed, and ends 2\d{3}-/, 'RFR-1 token renew', qw(token renew), $id);
is scalar(renewals($w)), 1, '… asks the EHR once';
is token($w, $l)->{generation}, 2, '… the row has it';
is token($w, $l)->{lease_until}, undef, '… and nobody holds the lease';
is_deeply [ journal($httpd) ], [], '… nothing is left in the journal';
cmp_ok lasted('the old token', sub { fhir($l); return (asked($w))[-1]{headers}{authorization} ne "Bearer $token" }), '<=', 5, '… httpd uses it within 5 seconds';
is scalar(renewals($w)), 1, '… and renews nothing';
my ($fresh) = (asked($w))[-1]{headers}{authorization} =~ /^Bearer (.+)/;
unlike $text, qr/\Q$fresh\E/, '… no token is printed';
like((capture(build() . '/smartlaunchctl', '--db', $pg->conninfo, 'trace', 'smartlaunchctl'))[1], qr/ renew .* ok .* the token was renewed/, '… the flight recorder has it');
is decode_json(is_ctl(0, qr/^\{/, 'again, as JSON', qw(--json token renew), $id))->{generation}, 3, '… renews again';

# Somebody is at it: theirs counts
my $busy = lapsed($w, -1);
$ehr->faults(refresh => { held => 1 });
my $said;
my $both = SL::Traffic->during(sub { return fhir($busy)->code }, sub {
    holder($w, $busy);
    local $ENV{PGAPPNAME} = 'smartlaunchctl';
    $said = SL::Traffic->during(sub { [ $httpd->ctl(qw(token renew), id_of($w, $busy)) ] }, sub {
        wait_for('it to know the old token', sub { $pg->value(q{SELECT count(*) FROM pg_stat_activity
            WHERE application_name = 'smartlaunchctl' AND state = 'idle' AND query LIKE '%smartlaunch.token%'}) });
        $ehr->release;
    });
});
is $said->[0], 0, 'RFR-4 while httpd renews' or diag $said->[1];
like $said->[1], qr/is renewed/, '… it says so, too';
is $both, 200, '… which httpd does';
is scalar(renewals($w)), 1, '… the refresh token is used once';
is token($w, $busy)->{generation}, 2, '… and both have the same';

# Killed in the middle: the journal, or nothing at all
$ehr->forget;
$ehr->faults(refresh => { held => 1 });
my $pid = fork // die;
if (!$pid) {
    open STDOUT, '>', '/dev/null';
    open STDERR, '>&', \*STDOUT;
    $httpd->ctl(qw(token renew), $id);
    POSIX::_exit(0);
}
my $ctl = holder($w, $l);
kill 'KILL', $ctl;
waitpid $pid, 0;
$ehr->faults;
is token($w, $l)->{generation}, 3, 'kill -9 while the EHR is asked: the row is as it was';
ok let_lease_lapse($w, $l), '… its lease lapses';
is_ctl(1, qr/interrupted.*SL4547/, '… the refresh token is not used again by us', qw(token renew), $id);
is_deeply [ @{ token($w, $l) }{qw(status state)} ], [qw(active live)], '… and nothing is ended by the attempt';

# What cannot be renewed
my $other = lapsed($w, 3000);
$ehr->end('grants');
is_ctl(1, qr/\(SL\d+\)/, 'RFR-6 the EHR refuses for good', qw(token renew), id_of($w, $other));
is_deeply [ @{ token($w, $other) }{qw(status state)} ], [qw(relaunch ended)], '… which ends the launch, as ever';
is_ctl(1, qr/SL7014.*|only a launch/, '… and once more it is not tried', qw(token renew), id_of($w, $other));
is_ctl(3, qr/no such session or token/, 'a launch that is not there', qw(token renew 01900000-0000-7000-8000-000000000009));

# Revoke
my $last = lapsed($w, 3000);
is fhir($last)->code, 200, 'another token';
is_ctl(0, qr/are revoked/, 'token revoke', @dba, qw(token revoke), id_of($w, $last), '--reason', 'lost laptop');
cmp_ok lasted('the session', sub { fhir($last)->code == 401 }), '<=', 5, '… within 5 seconds for httpd';
is_deeply [ @{ token($w, $last) }{qw(status access_sealed refresh_sealed last_error)} ], [ 'revoked', undef, undef, 'revoked: lost laptop' ], '… for good';
is $last->{window}->reload->code, 200, '… the launch goes on without';
is_ctl(0, qr/were revoked before/, '… once', @dba, qw(token revoke), id_of($w, $last));
is_ctl(1, qr/SL7014/, '… and is never renewed', qw(token renew), id_of($w, $last));
is_ctl(3, qr/SL3603/, 'a launch without a token', @dba, qw(token revoke 01900000-0000-7000-8000-000000000009));
is_ctl(1, qr/permission denied.*\n.*smartlaunch_dba/, "httpd's own role revokes nothing", qw(token revoke), id_of($w, $l));

# Root becomes httpd's user for the journal, or it is not root at all
is((stat $httpd->dir . '/state')[4], (getpwnam(SL::Run::www_user() // getpwuid $>))[2], 'the journal is still the user of httpd');
if ($> == 0) { # only root becomes somebody else
    my $state = $httpd->dir . '/state';
    my ($uid, $gid) = (stat $state)[4, 5];
    my $nobody = 54_321;
    $nobody++ while getpwuid $nobody;
    my $asked = renewals($w);
    chown $nobody, $gid, $state or die "chown: $!";
    is_ctl(1, qr/SL7011/, 'a user that the system does not know: it does not go on as root', qw(token renew), id_of($w, $l));
    is scalar(renewals($w)), $asked, '… and nothing was done';
    chown $uid, $gid, $state or die "chown: $!";
}
in_no_log($w, $httpd, $l->{patient});
$httpd->allow_log(map { $_->{id} } $httpd->errors);
done();
