#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Launches that nobody finishes: bounded for each browser and each network, and nothing that is live
# is lost to them (CBK-12).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use URI::Escape qw(uri_escape);

my $w = world(pg => { own => 1 }, redirect => 'SmartLink none', extra => "SmartCache 1M\nMaxKeepAliveRequests 0");
my @patients = @{ $w->ehr->patients };
my $iss = uri_escape($w->ehr->issuer);

sub shown {
    my ($response) = @_;
    return $response->code if $response->code != 200 || $response->content !~ /^\{/;
    return json($response)->{headers}{'smart-patient'} // '-';
}

my @live = map { $w->launch(patient => $_) } @patients[ 0 .. 2 ];
is shown($_->{app}), $_->{patient}, 'a live launch' for @live;

# One browser.
my $browser = $w->browser;
my @open = map { $w->launch(patient => $patients[3], window => $browser->frame($w->ehr->base . '/'), stop => 'authorize') } 1 .. 18;
is $w->pg->value("SELECT max(n) FROM (SELECT count(*) AS n FROM smartlaunch.launch WHERE state = 'pending' GROUP BY browser_hash) x"),
    16, 'CBK-12 one browser has sixteen pending launches, not more';
$w->ehr->forget;
is $open[$_]{window}->nav($open[$_]{callback_url})->code, 400, "CBK-12 the oldest made room: launch $_" for 0, 1;
is scalar(my @calls = $w->ehr->log('/auth/token')), 0, '… no token call';
$w->httpd->expect_log('SL4304');
$w->finish($_) for @open[ 17, 2 ];
is shown($_->{app}), $patients[3], 'CBK-12 the others can be finished, the newest and the oldest' for @open[ 17, 2 ];

# Many requests on one connection: what is answered, status by status.
sub flood {
    my ($count, $request) = @_;
    my $host = URI->new($w->url)->host_port;
    my $text = join '', map { my ($target, @headers) = $request->($_);
        join "\r\n", "GET $target HTTP/1.1", "Host: $host", @headers,
            'Connection: ' . ($_ == $count ? 'close' : 'keep-alive'), '', '' } 1 .. $count;
    return raw($w->url('/'), $text, 120);
}

sub statuses { my ($answer) = @_; my %n; $n{$_}++ for $answer =~ m{^HTTP/1\.1 (\d+)}mg; return \%n }

# One network, each launch as from a browser of its own.
local $SL::HTTP::from = '127.66.6.6';
my @answers = many(3, sub { my ($i) = @_; return flood(750, sub { "/smart?iss=$iss&launch=flood-$i-$_[0]" }) });
my %got;
for my $answer (@answers) {
    my $n = statuses($answer);
    $got{$_} += $n->{$_} for keys %$n;
}
is_deeply [ sort keys %got ], [ 302, 503 ], 'CBK-12 a flood of launches: taken, or told to come again';
cmp_ok $got{302}, '<=', 2002, '… two thousand are taken, give or take those that came at once';
cmp_ok $got{302}, '>=', 2000, '… indeed';
# httpd ends a connection with its first 503.
my @after = join('', @answers) =~ /^Retry-After: (\d+)/mg;
is scalar(@after), $got{503}, '… the others are told when';
is $w->pg->value("SELECT count(*) FROM smartlaunch.launch WHERE state = 'pending' AND client_net IS NOT NULL
    GROUP BY client_net ORDER BY 1 DESC LIMIT 1"), $got{302}, '… and so many rows there are';
$w->httpd->expect_log('SL3040');
is $w->launch(stop => 'start')->{start}->code, 503, '… now that network begins no launch at all';
$SL::HTTP::from = '127.0.0.1';
is shown($w->launch(patient => $patients[4])->{app}), $patients[4], 'CBK-12 another network launches as before';
is shown($_->{window}->reload), $_->{patient}, 'CBK-12 live launches are still there' for @live;

# Shared memory: each of those browsers looks at the app. It is of the smallest size.
my @cookies = join('', @answers) =~ /^Set-Cookie: (__Host-smart=[^;]+)/mg;
is scalar(@cookies), $got{302}, 'each got a cookie of its own';
my $seen = statuses(flood(scalar(@cookies), sub { my ($i) = @_; return ('/sapp/style.css', "Cookie: $cookies[ $i - 1 ]") }));
is_deeply $seen, { 200 => scalar @cookies }, 'all of them look at the app, without a launch';
$w->httpd->allow_log(qw(SL3001 SL3004 SL3006 SL3010 SL3016));
$w->pg->stop;
is shown($_->{window}->reload), $_->{patient}, 'CBK-12 the live ones were not pushed out of shared memory' for @live;

done();
