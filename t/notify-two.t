#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Two launches of one browser, while the app takes its time to answer the sign-on message of the first:
# the browser has no new cookie yet when it comes with the second (CBK-2, X2).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::Signon;
use SL::Tokens qw(nobody_leads);
use URI;

my $app = SL::Signon->new;
my $w = world(start => 0, fpm => 0, redirect => $app->notify);
my ($httpd, $ehr, $pg) = ($w->httpd, $w->ehr, $w->pg);
nobody_leads($w);
$httpd->start;
$app->answers(302, Location => $w->url('/papp/?t=1'));

my $browser = $w->browser;
my $chart = URI->new($ehr->base . '/');
my @patients = @{ $ehr->patients };
$w->launch(window => $browser->frame($chart), login => 'alice');
my ($one, $two) = map { $w->launch(window => $browser->frame($chart), patient => $_, stop => 'authorize') } @patients[1, 2];
$app->requests;

# The app answers the first only when the second has been here.
$app->answers(302, Location => $w->url('/papp/?t=1'), held => 1);
my $early;
my $callback = SL::Traffic->during(sub { return $w->finish($one, 'callback')->{callback}->as_string }, sub {
    wait_for('the sign-on message of the first', sub { ($app->requests)[0] });
    $early = $two->{window}->nav($two->{callback_url});
    $app->odd->release;
});
like $callback, qr/^HTTP\S+ 303/, 'X2 the first launch is finished once the app has answered';
is $early->code, 400, 'CBK-2 the second one is not, with a cookie that was just renewed';
is $early->header('Refresh'), 1, '… but its page asks again by itself';
like $early->content, qr/tries again by itself/, '… and says so';
is $early->header('Set-Cookie'), undef, '… without a cookie';
is join(' ', states($two)), 'pending', '… nothing was claimed';
$app->answers(302, Location => $w->url('/papp/?t=2'));

# What the first answer brought to the browser
my ($renewed) = $callback =~ /^Set-Cookie: (__Host-smart=.+)$/m or die $callback;
$browser->jar->take($renewed, URI->new($w->url('/smart')), SL::Cookies::site($chart));
$w->finish($two, 'callback');
is $two->{callback}->code, 303, 'X2 asked again with the new cookie, it is finished';
ok $two->{handle}, '… as a launch of its own';
$httpd->expect_log('SL4305');

# Somebody else's state, and this browser's old cookie: asked again for seconds, and never finished
my $stranger = $w->launch(patient => $patients[0], stop => 'authorize');
is $two->{window}->nav($stranger->{callback_url})->code, 400, 'CBK-2 another browser\'s launch';
is $two->{window}->nav($stranger->{callback_url})->header('Refresh'), undef, '… with the cookie of now: no second try';
is join(' ', states($stranger)), 'pending', '… it stays its own';

sub states {
    my ($l) = @_;
    my ($state) = $l->{authorize_url} =~ /[?&]state=([^&]+)/;
    return map { $_->{state} } $pg->rows('SELECT state FROM smartlaunch.launch WHERE state_hash = sha256(?)', $state);
}

done();
