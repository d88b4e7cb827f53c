#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# PostgreSQL goes away, comes back, hangs: live launches go on from shared memory, new ones are told
# to come again, nothing waits for long and nothing has to be restarted.
# mpm: all
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::Refused;

my $w = world(pg => { own => 1 }, extra => 'SmartOffline 15m');
my @patients = @{ $w->ehr->patients }[ 0 .. 3 ];

# What the app was told in this window: "patient user", or the status.
sub shown {
    my ($response) = @_;
    return $response->code if $response->code != 200 || $response->content !~ /^\{/;
    my $headers = json($response)->{headers};
    return join ' ', map { $headers->{$_} // '-' } 'smart-patient', 'smart-user';
}

sub again { my ($l) = @_; return shown($l->{window}->reload(timeout => 20)) }

sub expect { my ($l) = @_; return "$l->{patient} $l->{user}" }

sub opened {
    my ($user, $patient, %arg) = @_;
    my $l = $w->launch(user => $user, patient => $patient, %arg);
    $l->{user} = $arg{login};
    $l->{window}->nav("/papp/?smart_launch=$l->{handle}");
    return $l;
}

my $alice = opened('dr-smith', $patients[0], login => 'alice');
my $bob = opened('dr-jones', $patients[1], login => 'bob');
my $pending = opened('nurse-lee', $patients[2]);
my $leaving = opened('nurse-lee', $patients[0]);
my $away = opened('nurse-lee', $patients[0]);
$away->{user} = 'lee';
$w->login($away, 'lee');
my $carol = $w->browser->window;
$carol->type($w->url('/papp/?') . answer(headers => [ 'Smart-Login' => 'carol' ]));
is shown($carol->type($w->url('/papp/'))), '- carol', 'carol has a session of the app';
my $half = $w->launch(user => 'dr-smith', patient => $patients[3], stop => 'authorize');
is again($_), expect($_), "a launch of $_->{user} is live" for $alice, $bob;
is again($pending), '- -', 'one of nurse-lee is pending';

$w->pg->stop;
$w->httpd->allow_log(qw(SL3001 SL3004 SL3006 SL3007 SL3010 SL3016));
is again($_), expect($_), "PostgreSQL away: the launch of $_->{user} goes on" for $alice, $bob;
is json($alice->{window}->xhr('GET', '/smart/session', headers => [ 'Smart-Launch' => $alice->{handle} ]))->{user},
    'alice', '… and /smart/session knows it';
my $seen = $pending->{window}->reload;
is json($seen)->{headers}{'smart-link'}, 'pending', '… a pending one, too';
my $stranger = $w->browser->window;
is $stranger->type($w->url('/papp/'))->code, 200, '… who has no launch sees the app as before';
is $stranger->type($w->url("/papp/?smart_launch=$alice->{handle}"))->code, 401, '… and cannot borrow one';
$w->httpd->expect_log('SL2531');

sub come_again {
    my ($response, $what) = @_;
    is $response->code, 503, "$what: 503" or diag $response->as_string;
    cmp_ok $response->header('Retry-After') // 0, '>', 0, "$what: says when to come again";
    is $response->header('Cache-Control'), 'no-store', "$what: is not stored";
    is scalar(my @cookies = $response->header('Set-Cookie')), 0, "$what: sets no cookie";
    return;
}

$w->ehr->forget;
come_again($w->launch(stop => 'start')->{start}, 'a new launch');
come_again($half->{window}->nav($half->{callback_url}), 'the answer to one that had begun');
is_deeply [ $w->ehr->log('/auth/token') ], [], '… and its code is not spent';
come_again($half->{window}->nav($w->url("/papp/?smart_launch=$alice->{handle}")), 'a cookie that memory does not know');
come_again($leaving->{window}->post("/smart/logout?smart_launch=$leaving->{handle}", {}), 'logging out');
$seen = $stranger->type($w->url('/papp/?') . answer(headers => [ 'Smart-Login' => 'carol' ]));
is $seen->code, 200, 'who logs in to the app is logged in to the app';
is $seen->header('Set-Cookie'), undef, '… and gets no session of ours';
is shown($carol->type($w->url('/papp/'))), '- carol', 'the session of carol goes on';
my @dave = (headers => [ 'Smart-Login' => 'dave', 'Set-Cookie' => 'PHPSESSID=dave; HttpOnly' ], body => 'welcome, dave');
$seen = $carol->nav('/papp/?' . answer(@dave));
come_again($seen, 'dave logs in to the app, where the session is still of carol');
unlike $seen->content, qr/welcome/, '… and does not see the app as dave';
is again($away), expect($away), 'the launch of lee goes on';
$seen = $away->{window}->nav('/papp/?' . answer(headers => [ 'Smart-Logout' => 1 ], body => 'goodbye'), follow => 1);
come_again($seen, 'the app says that lee has logged out, which cannot be written down');
unlike $seen->content, qr/goodbye/, '… so nobody is told that it was';

$w->pg->start;
wait_for('the launch that was interrupted', sub {
    $half->{callback} = $half->{window}->nav($half->{callback_url});
    return $half->{callback}->code != 503;
});
is $half->{callback}->code, 303, 'PostgreSQL is back: the launch that had begun is finished';
is scalar(my @calls = $w->ehr->log('/auth/token')), 1, '… with one token call';
my $app = $half->{window}->location;
wait_for('every child to find PostgreSQL', sub { $half->{window}->nav($app, follow => 1)->code != 503 });
is shown($half->{window}->response), "$patients[3] alice", '… for its own patient and user';
is again($_), expect($_), "the launch of $_->{user} goes on" for $alice, $bob;
wait_for('new launches in every child', sub {
    return !grep { $_ != 302 } many(8, sub { $w->launch(stop => 'start')->{start}->code });
});
pass 'new launches begin';

# Under traffic.
my @live = map { my $l = $_; sub { again($l) } } $alice, $bob;
my @new = map { sub { my $r = $w->launch(stop => 'start')->{start}; return join ' ', $r->code, $r->header('Retry-After') // () } } 1 .. 2;
my $traffic = SL::Traffic->new(@live, @new);
$traffic->more;
$w->pg->stop;
$traffic->more(10);
$w->pg->start;
my $back = time;
wait_for('every child to try again, a second after its last try', sub { time > $back + 2 });
$traffic->more(2);
my @seen = $traffic->stop;
for my $i (0, 1) {
    my $l = ($alice, $bob)[$i];
    my %other = map { $_->{got} => 1 } grep { $_->{got} ne expect($l) } @{ $seen[$i] };
    is_deeply \%other, {}, "under traffic $l->{user} never loses patient or user";
}
for my $i (2, 3) {
    my @got = map { $_->{got} } @{ $seen[$i] };
    is_deeply [ grep { !/^(?:302|503 [1-9]\d*)$/ } @got ], [], 'new launches: 302, or 503 with Retry-After';
    ok scalar(grep { /^503/ } @got), '… 503 while it is away';
    is $got[-1], '302', '… 302 again when it is back';
}
is_deeply [ grep { $_->{took} > 8 } map { @$_ } @seen ], [], 'nobody waited long';
is again($_), expect($_), "afterwards the launch of $_->{user} is the same" for $alice, $bob;

# It hangs: connections are taken and nothing is answered any more.
sub backends {
    my $parent = $w->pg->{cluster}{server}{pid};
    return grep { slurp("/proc/$_/stat") =~ /^\d+ \(.*\) \S \Q$parent\E / } map { m{/(\d+)/} } glob '/proc/[0-9]*/stat';
}
$w->httpd->allow_log(qw(SL3003 SL3005));
$w->pg->{cluster}{server}->signal('STOP');
my @stopped = backends();
kill 'STOP', @stopped;
my @answers = many(6, sub {
    my ($i) = @_;
    my $began = time;
    my $what = $i < 4 ? again(($alice, $bob)[ $i % 2 ]) : $w->launch(stop => 'start')->{start}->code;
    return { what => $what, took => time - $began };
});
is_deeply [ map { $_->{what} } @answers[ 0 .. 3 ] ], [ map { expect($_) } $alice, $bob, $alice, $bob ],
    'PostgreSQL hangs: live launches go on';
is_deeply [ map { $_->{what} } @answers[ 4, 5 ] ], [ 503, 503 ], '… new ones are told to come again';
is_deeply [ grep { $_->{took} > 12 } @answers ], [], '… all within the time-out';
kill 'CONT', @stopped;
$w->pg->{cluster}{server}->signal('CONT');
wait_for('new launches', sub { $w->launch(stop => 'start')->{start}->code == 302 });
pass '… and when it wakes up, so do we';

# Idle time. A use is written down when the last one is a quarter of it ago.
$w->httpd->{vhost} = 'SmartSession idle=4s max=1h';
$w->httpd->write_config;
$w->httpd->graceful;
my $eve = opened('dr-smith', $patients[0]);
my $seen_at = sub { $w->pg->value('SELECT last_seen_at FROM smartlaunch.launch WHERE state = ? ORDER BY authorized_at DESC LIMIT 1', 'live') };
my $was = $seen_at->();
wait_for('a use to be written down', sub { again($eve) ne '401' && $seen_at->() ne $was });
$w->pg->stop;
is again($eve), "$patients[0] alice", 'PostgreSQL stops just after a use was written down: the launch goes on';
my $until = time + 6;
my @while;
push @while, again($eve) while time < $until;
is_deeply [ grep { $_ ne "$patients[0] alice" } @while ], [], '… for longer than the idle time, while it is used';
$w->pg->start;
wait_for('new launches', sub { $w->launch(stop => 'start')->{start}->code == 302 });
is again($eve), "$patients[0] alice", '… and PostgreSQL, which does not know of that use, does not end it';
$w->httpd->{vhost} = '';

# The end of SmartOffline.
$w->httpd->{extra} = 'SmartOffline 4s';
$w->httpd->write_config;
$w->httpd->graceful;
is again($alice), expect($alice), 'SmartOffline 4s: a live launch';
$w->pg->stop;
is again($alice), expect($alice), '… goes on without PostgreSQL';
wait_for('the end of SmartOffline', sub { again($alice) eq '503' });
pass '… but is not believed for longer';
come_again($alice->{window}->reload, 'then it');
is again($alice), '503', '… and nobody becomes anybody else';

# Several hosts may be named.
$w->pg->start;
my $conninfo = $w->pg->conninfo;
my $closed = free_port();
$w->httpd->{database} = $conninfo =~ s/host=(\S+) port=(\d+)/host=127.0.0.1,$1 port=$closed,$2/r;
$w->httpd->write_config;
$w->httpd->graceful;
wait_for('the second host', sub { again($alice) eq expect($alice) });
is $w->launch(stop => 'start')->{start}->code, 302, 'of two hosts of PostgreSQL the first is away: the second serves';

# A server that takes connections and never says a word.
my $hole = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 100) or die $@;
$w->httpd->{database} = $conninfo =~ s/host=(\S+) port=(\d+)/'host=127.0.0.1 port=' . $hole->sockport/er;
$w->httpd->write_config;
$w->httpd->graceful;
@answers = many(6, sub {
    my ($i) = @_;
    my $began = time;
    my $code = $i < 3 ? $stranger->type($w->url('/papp/'))->code : $w->launch(stop => 'start')->{start}->code;
    return { code => $code, took => time - $began };
});
is_deeply [ map { $_->{code} } @answers ], [ (200) x 3, (503) x 3 ], 'a PostgreSQL that only listens: the app is served, launches are told to come again';
is_deeply [ grep { $_->{took} > 10 } @answers ], [], '… before long';
$w->httpd->{database} = $conninfo;
$w->httpd->write_config;
$w->pg->stop;

# httpd starts all the same.
$w->httpd->restart;
like $w->httpd->logged('SL3010'), qr/:warn\]/, 'httpd starts without PostgreSQL, with a warning';
is $stranger->type($w->url('/papp/'))->code, 200, '… the app is there';
come_again($w->launch(stop => 'start')->{start}, '… a launch');
$w->pg->start;
wait_for('PostgreSQL to be found', sub { again($alice) eq expect($alice) });
pass '… and when PostgreSQL comes, the launch of before is there again';
my @odd = grep { !/^(?:200|302|303|401|503)$/ } $w->httpd->access_log =~ /HTTP\/1\.1" (\d+)/g;
is_deeply \@odd, [], 'in all this nobody got a 500';

done();
