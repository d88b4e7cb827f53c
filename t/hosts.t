#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Two httpds behind one address: same database, same key ring, no affinity.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::Refused;

my $w = world();
my $other = SL::Httpd->new(ehr => $w->ehr, pg => $w->pg, public => $w->url, keyring => slurp($w->httpd->dir . '/keyring'))->start;
my ($A, $B) = ($w->httpd->{port}, $other->{port});
my @patients = @{ $w->ehr->patients }[ 0 .. 3 ];

# What the browser sends to the one address goes to this host.
sub at { my ($port, $code) = @_; local $SL::HTTP::via{$A} = $port; return $code->() }

sub shown {
    my ($response) = @_;
    return $response->code if $response->code != 200 || $response->content !~ /^\{/;
    return json($response)->{headers}{'smart-patient'} // '-';
}

sub again { my ($port, $l) = @_; return at($port, sub { shown($l->{window}->reload) }) }

# Each step at another host.
my $l = at($A, sub { $w->launch(patient => $patients[0], stop => 'authorize') });
at($B, sub { $l->{callback} = $l->{window}->nav($l->{callback_url}); $l->{handle} = handle_of($l->{window}->location) });
is $l->{callback}->code, 303, 'a launch that began at one host is finished at the other';
at($A, sub { $l->{app} = $l->{window}->go_on(follow => 1) });
is json($l->{app})->{headers}{'smart-link'}, 'pending', '… and shown by the first';
at($B, sub { $w->login($l, 'alice', stop => 1) });
is $l->{login}->code, 200, 'the app says at one host who has logged in';
at($A, sub { $l->{app} = $l->{window}->submit(button => [ answer => 'yes' ]) });
is shown($l->{app}), $patients[0], '… the person confirms at the other';
is again($_, $l), $patients[0], '… and both know' for $A, $B;
cmp_ok scalar(my @seen = $other->seen), '>', 0, 'both hosts have served the app';
cmp_ok scalar(@seen = $w->httpd->seen), '>', 0, '… indeed';

# The same callback at both hosts at once.
my $twice = at($A, sub { $w->launch(patient => $patients[1], stop => 'authorize') });
$w->ehr->forget;
$w->ehr->faults(token => { delay_ms => 300, times => 1 });
my @codes = many(6, sub {
    my ($i) = @_;
    return at(($A, $B)[ $i % 2 ], sub {
        my $got = $twice->{window}->nav($twice->{callback_url});
        return { code => $got->code, to => scalar $got->header('Location'), cookie => scalar $got->header('Set-Cookie') };
    });
});
is_deeply [ map { $_->{code} } @codes ], [ (303) x 6 ], 'CBK-3 one callback, three times at each host: all go on';
is scalar(my @calls = $w->ehr->log('/auth/token')), 1, 'CBK-3 with one token call';
my %to = map { $_->{to} => 1 } @codes;
is scalar(keys %to), 1, 'CBK-3 to one place';
is scalar(grep { defined $_->{cookie} } @codes), 1, 'CBK-10 one of them renews the cookie';

# Two patients in one browser, each asked for at both hosts.
my $browser = $w->browser;
my @both = map { my $i = $_; at(($A, $B)[$i], sub {
    $w->launch(patient => $patients[$i], window => $browser->frame($w->ehr->base . '/'));
}) } 0, 1;
for my $round (1 .. 2) {
    for my $port ($A, $B) {
        is again($port, $both[$_]), $patients[$_], "LCH-5 patient $_ at either host, whoever launched it" for 0, 1;
    }
}

# What ends at one host ends at the other.
sub ends_within_five {
    my ($port, $one, $what) = @_;
    cmp_ok lasted($what, sub { again($port, $one) eq '401' }), '<=', 5, "$what within five seconds";
    return;
}
is again($_, $both[0]), $patients[0], 'a launch that both hosts have in memory' for $A, $B;
my $out = at($A, sub { $both[0]{window}->xhr('POST', "/smart/logout?smart_launch=$both[0]{handle}") });
is $out->code, 200, '… is logged out at one';
is again($A, $both[0]), 401, '… where it ends at once';
ends_within_five($B, $both[0], 'a logout is known to the other host');
is again($_, $both[1]), $patients[1], '… the browser\'s other launch is not touched' for $A, $B;

my $id = $w->pg->value('SELECT id FROM smartlaunch.launch WHERE state = ? AND patient = ? ORDER BY authorized_at DESC LIMIT 1',
    'live', $patients[1]);
$w->pg->dbh('dba')->do('SELECT smartlaunch.revoke_launch(?, ?)', undef, $id, 'a test');
ends_within_five($_, $both[1], 'a launch that the DBA revoked ends everywhere') for $A, $B;

my $more = at($B, sub { $w->launch(patient => $patients[2]) });
is again($_, $l), $patients[0], 'two launches of one link' for $A, $B;
is again($_, $more), $patients[2], '… in two browsers' for $A, $B;
$w->pg->dbh('dba')->do('SELECT smartlaunch.revoke_link(?, ?, ?, ?)', undef, 'app', 'sandbox', 'dr-smith', 'a test');
for my $port ($A, $B) {
    ends_within_five($port, $_, 'the launches of a revoked link end everywhere') for $l, $more;
}
is $w->pg->value("SELECT count(*) FROM smartlaunch.token WHERE status = 'active' AND app_user = 'alice'"), 0,
    '… with their tokens';

# One host is gone: the other has everything.
my $last = at($B, sub { $w->launch(user => 'dr-jones', patient => $patients[3], login => 'bob') });
is again($B, $last), $patients[3], 'a launch at one host';
$other->stop;
is again($A, $last), $patients[3], '… which is gone: the other goes on with it';
$_->expect_log('SL2531') for $w->httpd, $other;

done();
