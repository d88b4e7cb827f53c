#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Two browsers, one link; a link that is made while another, or itself, is being revoked. The database
# decides, and whoever loses is told (design sections 5.6 and 12).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use POSIX ();
use SL;

my $w = world(start => 0, ehr_block => 'SmartStandaloneScope "openid fhirUser launch/patient patient/*.rs"');
my ($ehr, $httpd, $pg) = ($w->ehr, $w->httpd, $w->pg);
my ($client) = SL::EHR::default_clients($w->url('/smart'));
$ehr->clients({ %$client, redirect_uris => [ $w->url('/smart'), $w->url('/quick') ] });
$httpd->{vhost} = <<"CONF";
    ProxyPass /quick-app/ http://127.0.0.1:$httpd->{echo}{port}/quick-app/
    <Location /quick>
        SmartTarget /quick-app/
        SmartApp quick
        SmartLink app confirm=off
    </Location>
    <Location /quick-app>
        AuthType Smart
        SmartApp quick
        SmartLogin on
        Require all granted
    </Location>
CONF
$httpd->start;
my $rounds = 5;

sub active { return sort map { "$_->{ehr_user}=$_->{app_user}" } $pg->rows(q{SELECT * FROM smartlaunch.link WHERE revoked_at IS NULL}) }
sub revoke_all { return $pg->dbh->do(q{UPDATE smartlaunch.link SET revoked_at = now(), revoke_reason = 'next round' WHERE revoked_at IS NULL}) }
sub row { my ($got) = @_; my ($row) = $pg->rows(q{SELECT l.*, t.app_user AS t_user FROM smartlaunch.launch l LEFT JOIN smartlaunch.token t ON t.launch = l.id WHERE l.handle_hash = sha256(?)}, $got->{handle}); return $row }

# A launch whose user has come as far as the question.
sub asked {
    my ($ehr_user, $app_user) = @_;
    my $got = $w->launch(user => $ehr_user);
    $got->{window}->nav('/papp/?' . answer(status => 302, headers => [ 'Smart-Login' => $app_user, Location => '/papp/home' ]), follow => 1);
    return $got;
}

sub yes { my ($got) = @_; return $got->{window}->submit(button => [ answer => 'yes' ], follow => 0)->code }

# The same moment, as well as two processes can.
for my $case (
    [ 'one EHR user, two app users', [ 'dr-smith', 'alice' ], [ 'dr-smith', 'bob' ] ],
    [ 'one app user, two EHR users', [ 'dr-smith', 'alice' ], [ 'dr-jones', 'alice' ] ],
) {
    my ($what, @who) = @$case;
    my %seen;
    for (1 .. $rounds) {
        my @two = map { asked(@$_) } @who;
        my @code = many(2, sub { return yes($two[ $_[0] ]) });
        my ($won) = grep { $code[$_] == 303 } 0, 1;
        my @rows = map { row($_) } @two;
        my $lost = $rows[ 1 - ($won // 0) ];
        my $fine = "@code" =~ /^(?:303 409|409 303)$/ && "@{[ active() ]}" eq join('=', @{ $who[$won] })
            && $rows[$won]{app_user} eq $who[$won][1] && $rows[$won]{t_user} eq $who[$won][1]
            && $lost->{link_state} eq 'pending' && !defined $lost->{app_user} && !defined $lost->{t_user};
        $seen{ $fine ? 'fine' : "@code | @{[ active() ]}" }++;
        revoke_all();
    }
    is_deeply \%seen, { fine => $rounds }, "$what, two browsers: one link, one 409; the other stays pending, its token nobody's";
}
$httpd->expect_log('SL3050');

{
    my %seen;
    for (1 .. $rounds) {
        my @two = map { asked('dr-smith', 'alice') } 1, 2;
        my @code = many(2, sub { return yes($two[ $_[0] ]) });
        my $fine = "@code" eq '303 303' && "@{[ active() ]}" eq 'dr-smith=alice' && row($two[0])->{link} eq row($two[1])->{link};
        $seen{ $fine ? 'fine' : "@code | @{[ active() ]}" }++;
        revoke_all();
    }
    is_deeply \%seen, { fine => $rounds }, 'the same two, in two browsers: both join the one link';
}

# Standalone launches that link without a question.
{
    $ehr->settings(standalone => { user => 'dr-smith', patient => $ehr->patients->[0] });
    my %seen;
    for my $round (1 .. $rounds) {
        my @who = map { "$_$round" } qw(carol dave);
        my @two = map {
            my $window = $w->browser->window;
            $window->type($w->url('/quick-app/?' . answer(headers => [ 'Smart-Login' => $_ ])));
            $window->nav('/quick/start?return=%2Fquick-app%2Fp');
            $window->nav($window->location, follow => 1, until => qr{^\Q${\ $w->url }\E});
            $window
        } @who;
        my @code = many(2, sub { return $two[ $_[0] ]->nav($two[ $_[0] ]->location)->code });
        my ($won) = grep { $code[$_] == 303 } 0, 1;
        my $fine = "@code" =~ /^(?:303 409|409 303)$/ && "@{[ active() ]}" eq "dr-smith=$who[$won]";
        $seen{ $fine ? 'fine' : "@code | @{[ active() ]}" }++;
        $pg->dbh->do(q{DELETE FROM smartlaunch.link});
    }
    is_deeply \%seen, { fine => $rounds }, 'LCH-4 two standalone launches as two app users: one link, one 409';
    $httpd->allow_log(qw(SL4408 SL4410 SL4411));
}

# A DBA has revoked the link, and not committed: whoever confirms it waits, and what he does counts.

sub waits_for_lock {
    return wait_for('the confirmation to wait', sub {
        return $pg->value(q{SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()});
    });
}

for my $end (qw(commit rollback)) {
    my $first = asked('dr-smith', 'alice');
    is yes($first), 303, 'a link';
    my ($old) = $pg->rows('SELECT * FROM smartlaunch.link WHERE revoked_at IS NULL');
    $pg->dbh->do(q{UPDATE smartlaunch.launch SET state = 'ended', ended_at = now() WHERE state = 'live'});
    # Another window had asked before the link was there.
    $pg->dbh->do(q{UPDATE smartlaunch.link SET revoked_at = now() WHERE id = ?::uuid}, undef, $old->{id});
    my $second = asked('dr-smith', 'alice');
    $pg->dbh->do(q{UPDATE smartlaunch.link SET revoked_at = NULL WHERE id = ?::uuid}, undef, $old->{id});
    my $dba = $pg->dbh('dba');
    $dba->begin_work;
    ok $dba->selectrow_array('SELECT smartlaunch.revoke_link(?, ?, ?, ?)', undef, qw(app sandbox dr-smith left)), 'the DBA revokes it';
    my $pid = open(my $from, '-|') // die "fork: $!";
    if (!$pid) {
        print eval { yes($second) } // "$@";
        close STDOUT;
        POSIX::_exit(0);
    }
    waits_for_lock();
    $dba->$end;
    my $code = do { local $/ = undef; <$from> };
    close $from;
    is $code, 303, "$end: the confirmation that waited is carried out";
    is_deeply [ active() ], ['dr-smith=alice'], "$end: there is one link";
    my $row = row($second);
    is_deeply [ @{$row}{qw(link_state app_user t_user)} ], [qw(linked alice alice)], "$end: the launch is hers";
    is $row->{link} eq $old->{id} ? 1 : 0, $end eq 'commit' ? 0 : 1, "$end: " . ($end eq 'commit' ? 'by a link of its own, since the user was asked' : 'by the link that is there still');
    is $pg->value(q{SELECT count(*) FROM smartlaunch.launch l JOIN smartlaunch.link k ON k.id = l.link WHERE l.state = 'live' AND k.revoked_at IS NOT NULL}), 0,
        "$end: nothing lives on a revoked link";
    revoke_all();
}

# Somebody else's link is being revoked: until that is so, the name is taken.
{
    is yes(asked('dr-smith', 'alice')), 303, 'a link';
    my $jones = asked('dr-jones', 'erin');
    $pg->dbh->do(q{UPDATE smartlaunch.launch SET login_user = 'alice' WHERE handle_hash = sha256(?)}, undef, $jones->{handle});
    wait_for('the page to name alice', sub { return $jones->{window}->reload->decoded_content =~ /with alice\?/ });
    my $dba = $pg->dbh('dba');
    $dba->begin_work;
    $dba->do('SELECT smartlaunch.revoke_link(?, ?, ?, ?)', undef, qw(app sandbox dr-smith left));
    is yes($jones), 409, 'a name whose link is being revoked is taken';
    is_deeply [ active() ], ['dr-smith=alice'], 'and nothing has changed';
    $dba->commit;
    $jones->{window}->nav("/smart/confirm?smart_launch=$jones->{handle}");
    is yes($jones), 303, 'afterwards it is free';
    is_deeply [ active() ], ['dr-jones=alice'], 'and is hers';
}

done();
