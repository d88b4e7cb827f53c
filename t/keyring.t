#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The key ring is rotated: a new first key seals, all keys open, and who takes one away ends what it
# opened.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::Refused;

my ($one, $two, $three) = map { SL::Httpd::new_key($_) } qw(k1 k2 k3);
my $w = world(keyring => $one, redirect => 'SmartLink none');
my @patients = @{ $w->ehr->patients }[ 0 .. 4 ];

sub shown {
    my ($response) = @_;
    return $response->code if $response->code != 200 || $response->content !~ /^\{/;
    return json($response)->{headers}{'smart-patient'} // '-';
}

sub again { my ($l) = @_; return shown($l->{window}->reload) }

sub keys_of {
    my ($l) = @_;
    my ($row) = $w->pg->rows('SELECT l.key_id AS launch, t.key_id AS token, l.handle_hash, t.access_sealed
        FROM smartlaunch.launch l JOIN smartlaunch.token t ON t.launch = l.id WHERE l.patient = ? AND l.state = ?
        ORDER BY l.authorized_at DESC LIMIT 1', $l->{patient}, 'live');
    return "$row->{launch} $row->{token}";
}

# The new ring, from the next graceful restart on.
sub rotate { $w->httpd->keyring(join '', @_); $w->httpd->graceful; return }

my $browser = $w->browser;
sub frame { return $browser->frame($w->ehr->base . '/') }
my $old = $w->launch(patient => $patients[0], window => frame());
is shown($old->{app}), $patients[0], 'a launch under the first key';
is keys_of($old), 'k1 k1', '… which names and seals it';
my $pending = $w->launch(patient => $patients[1], stop => 'authorize');
my $late = $w->launch(patient => $patients[4], stop => 'authorize');

rotate($two, $one);
is again($old), $patients[0], 'a new first key: the old launch goes on';
$w->finish($pending);
is shown($pending->{app}), $patients[1], '… one that had begun is finished';
is keys_of($pending), 'k1 k2', '… sealed with the new key';
my $new = $w->launch(patient => $patients[2]);
is shown($new->{app}), $patients[2], '… a new one works';
is keys_of($new), 'k2 k2', '… under the new key';
my $both = $w->launch(patient => $patients[3], window => frame());
is shown($both->{app}), $patients[3], '… also in the browser of the old one';
is shown($old->{window}->nav("/papp/?smart_launch=$old->{handle}", typed => 1)), $patients[0], '… where both are live';

rotate($two);
is again($new), $patients[2], 'the old key is taken away: launches of the new one go on';
for my $gone ([ 'of the old one', $old ], [ 'begun under the old one', $pending ]) {
    my ($what, $l) = @$gone;
    wait_for("the end of a launch $what", sub { $l->{window}->nav("/papp/?smart_launch=$l->{handle}", typed => 1)->code == 401 });
    pass "… a launch $what ends";
}
is shown($both->{window}->nav("/papp/?smart_launch=$both->{handle}", typed => 1)), $patients[3],
    '… which does not touch the new one in the same browser';
refused($w, $late->{window}->nav($late->{callback_url}), 400, 'SL4313', 'CBK-1 a state of the old key is none of ours', step => 0);
is scalar(grep { ($_->{form}{code} // '') eq URI->new($late->{callback_url})->query_param('code') } $w->ehr->log('/auth/token')), 0,
    '… no token call';
$w->httpd->expect_log('SL2531');

# A stranger's ring opens nothing.
rotate($three);
is $_->{window}->nav("/papp/?smart_launch=$_->{handle}", typed => 1)->code, 401, 'another ring altogether opens nothing' for $new, $both;
is shown($w->launch(patient => $patients[0])->{app}), $patients[0], '… and launches anew';

# And a bad one stops nobody who is at work.
$w->httpd->keyring("k4 too-short\n");
my ($rc, $text) = $w->httpd->configtest;
isnt $rc, 0, 'configtest refuses a key that is too short';
like $text, qr/SmartKeyring/, '… and names the directive';
unlike $text, qr/too-short/, '… not the key';

done();
