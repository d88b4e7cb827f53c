# SPDX-License-Identifier: Apache-2.0
# The life of a launch's token, as the tables and the EHR tell it.
#
#   my $w = world(start => 0);
#   nobody_leads($w);               # the caretaker renews nothing by itself
#   $w->httpd->start;
#   my $l = $w->launch(login => 'alice');
#   lapse($w, $l);                  # as if its token had ended, before the gateway ever saw it
#   is scalar(renewals($w)), 1, …   # what the EHR's token endpoint was asked for since $w->ehr->forget
#   token($w, $l)->{generation};
package SL::Tokens;
use strict;
use warnings;
use utf8;
use Carp qw(croak);
use Digest::SHA qw(sha256);
use Exporter qw(import);
use SL::Gateway qw(outcome);
use SL::Run qw(slurp wait_for);
use Test::More;

our @EXPORT = qw(nobody_leads somebody_may_lead id_of token lapse lapsed renewals asked came_to says_relaunch says_later
    in_no_log journal holder let_lease_lapse);

# What was in use: nothing of it may stand in a log.
my %used = ('session id' => {}, 'access token' => {}, 'refresh token' => {});

# The one lease of the cluster's caretaker is held by nobody who is there; for good unless
# somebody_may_lead().
sub nobody_leads {
    my ($w) = @_;
    $w->pg->dbh->do("INSERT INTO smartlaunch.caretaker (name, held_by, held_until)
        VALUES ('watchdog', 'the test', now() + interval '1 day')
        ON CONFLICT (name) DO UPDATE SET held_by = excluded.held_by, held_until = excluded.held_until");
    return;
}

sub somebody_may_lead {
    my ($w) = @_;
    $w->pg->dbh->do("DELETE FROM smartlaunch.caretaker WHERE held_by = 'the test'");
    return;
}

# The id of a launch.
sub id_of {
    my ($w, $l) = @_;
    return $l->{id} if defined $l->{id};
    croak 'this launch has no session' if !defined $l->{session};
    my $sth = $w->pg->dbh->prepare('SELECT id FROM smartlaunch.launch WHERE session_hash = ?');
    $sth->bind_param(1, sha256($l->{session}), { pg_type => DBD::Pg::PG_BYTEA() });
    $sth->execute;
    my ($id) = $sth->fetchrow_array;
    return $l->{id} = $id // croak 'no launch has this session';
}

# Its row in `token`, with state, patient and encounter of its launch, and what is left of its life
# in seconds.
sub token {
    my ($w, $l) = @_;
    my ($row) = $w->pg->rows('SELECT t.*, l.state, l.end_reason, l.encounter, l.context,
        extract(epoch FROM t.expires_at - now()) AS left FROM smartlaunch.token t
        JOIN smartlaunch.launch l ON l.id = t.launch WHERE t.launch = ?', id_of($w, $l));
    return $row;
}

# The token has lived for $age seconds and has $left seconds; without them it has just ended.
sub lapse {
    my ($w, $l, $left, $age) = @_;
    ($left, $age) = ($left // -1, $age // 3600);
    $w->pg->dbh->do("UPDATE smartlaunch.token SET issued_at = now() - $age * interval '1 second',
        expires_at = now() + $left * interval '1 second' WHERE launch = ?", undef, id_of($w, $l)) == 1
        or croak 'the launch has no token';
    return $l;
}

# A launch whose token is at its end, which the gateway has not seen yet; the EHR's log is empty.
# Arguments after $left: as for $w->launch, whose user has to have a link. Children that have not
# found PostgreSQL again are waited for.
sub lapsed {
    my ($w, $left, %arg) = @_;
    my $l;
    wait_for('a launch', sub { $l = $w->launch(%arg); return defined $l->{session} });
    lapse($w, $l, $left);
    $w->ehr->forget;
    $used{'session id'}{ $l->{session} } = 1;
    return $l;
}

# FHIR calls for patients at the EHR since its log was emptied.
sub asked {
    my ($w) = @_;
    my @asked = $w->ehr->log('/fhir/Patient');
    my @bearers = map { ($_->{headers}{authorization} // '') =~ /^Bearer (.+)/ ? $1 : () } @asked;
    $used{'access token'}{$_} = 1 for @bearers;
    $used{'refresh token'}{ $_->{form}{refresh_token} } = 1 for renewals($w);
    return @asked;
}

# [status of our answer, refreshes at the EHR, FHIR calls at the EHR, status of the row, state of the
# launch]
sub came_to {
    my ($w, $l, $response) = @_;
    my $row = token($w, $l);
    return [ $response->code, scalar(renewals($w)), scalar(asked($w)), $row->{status}, $row->{state} ];
}

# The answer says: launch again.
sub says_relaunch {
    my ($response, $name) = @_;
    is $response->header('WWW-Authenticate'), 'Smart error="relaunch"', "$name: the caller is told to launch again";
    like eval { outcome($response) } // $@, qr/^error login: /, '… in an OperationOutcome';
    return;
}

# The answer says: later. $seconds is what Retry-After is like.
sub says_later {
    my ($response, $seconds, $name) = @_;
    like $response->header('Retry-After') // '-', $seconds, "$name: Retry-After";
    like eval { outcome($response) } // $@, qr/^error (?:transient|throttled|timeout): /, '… in an OperationOutcome';
    return;
}

# None of what the tests above saw is in a log of this host, nor are these patients in what the module
# says (mod_proxy names the URL of a call that failed).
sub in_no_log {
    my ($w, $host, @patients) = @_;
    asked($w);
    my $log = join '', map { slurp($host->dir . "/$_") } qw(error.log access.log);
    for my $what (sort keys %used) {
        my @all = keys %{ $used{$what} };
        cmp_ok scalar(@all), '>=', 1, "$what: there was one";
        is scalar(grep { index($log, $_) >= 0 } @all), 0, '… and is in no log';
    }
    my $ours = join "\n", grep { /\[smartlaunch:/ } split /\n/, $host->error_log;
    is scalar(grep { index($ours, $_) >= 0 } @patients), 0, 'nor is a patient in what the module says';
    return;
}

# Refreshes that the EHR was asked for since its log was emptied.
sub renewals {
    my ($w, $tenant) = @_;
    my $ehr = $tenant ? $w->ehr->tenant($tenant) : $w->ehr;
    return grep { ($_->{form}{grant_type} // '') eq 'refresh_token' } $ehr->log('/auth/token');
}

# Names of the records that wait in a host's journal.
sub journal {
    my ($host, $prefix) = @_;
    $prefix //= 'token.';
    opendir my $dir, $host->dir . '/state' or croak "state: $!";
    my @names = sort grep { /^\Q$prefix\E/ } readdir $dir;
    return @names;
}

# The process that holds the lease of a token, waited for.
sub holder {
    my ($w, $l) = @_;
    my $by = wait_for('a lease', sub { token($w, $l)->{lease_by} });
    return $by =~ /^[^:]+:(\d+):/ ? $1 : croak "a lease of $by";
}

# As if the time of the lease had run out.
sub let_lease_lapse {
    my ($w, $l) = @_;
    return $w->pg->dbh->do("UPDATE smartlaunch.token SET lease_until = now() - interval '1 second'
        WHERE launch = ? AND lease_until IS NOT NULL", undef, id_of($w, $l)) == 1;
}

1;
