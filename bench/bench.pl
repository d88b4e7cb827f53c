#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Bare mod_proxy, the module and mod_auth_openidc side by side, before the same backend. The same
# requests go to all of them in turn. See docs/performance.md.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/../t/lib", "$FindBin::Bin/lib";
use SL;
use Bench::Client;
use Bench::Count qw(median statements);
use Bench::Fill qw(fill);
use Bench::Load qw(load);
use Bench::Plot qw(plot);
use Bench::World;
use Getopt::Long qw(GetOptions);
use JSON::PP ();
use List::Util qw(min);
use POSIX qw(strftime);
use URI;

binmode $_, ':encoding(UTF-8)' for *STDOUT, *STDERR;

# The harness speaks TAP; here only its failures are of interest, and they go to standard error.
Test::More->builder->output(\my $tap);
$| = 1;

my %opt = (rows => '1000,1000000', rounds => 15, seconds => 5, connections => 16, plot => top() . '/docs/img/performance.svg');
GetOptions(\%opt, qw(rows=s rounds=i seconds=i connections=i profile=s plot=s only=s)) or exit 2;
my $launches = 40;

my $world = Bench::World->new;
my $w = $world->w;
my ($smart, $bare) = map { $world->server($_) } qw(smart bare);
my $is = $world->begin;
my $host = URI->new($w->url)->host_port;

# What is asked: name, servers' name (port), status, path and headers. `light`: how often in a round
# and under callgrind; `pair`: what it is compared with. Forged ids are new in each request, so that
# nothing remembers them.
my $live = $is->{live};
my $page = $w->url('/papp/');
my @browser = (Cookie => "theme=dark; $is->{cookie}", Referer => "$page?smart_launch=$live->{handle}");
my @page = ('Sec-Fetch-Mode' => 'navigate', 'Sec-Fetch-Dest' => 'document', 'Sec-Fetch-Site' => 'none', Accept => 'text/html');
my @caller = (Host => 'localhost', 'User-Agent' => 'app/1.0', Accept => 'application/fhir+json', 'Smart-Session' => $is->{session});
my ($small, $large) = ('/Patient/' . $world->patient, '/Observation?patient=' . $world->patient);

sub browsing { my ($path, @headers) = @_; return sub { Bench::Client::bytes($path, Bench::Client::browser($host, @headers)) } }
sub calling { my ($path) = @_; return sub { Bench::Client::bytes($path, @caller) } }

my @asked = (
    { name => 'bare mod_proxy, 1 KB', of => 'bare', bytes => calling("/fhir/bench$small"), url => "/fhir/bench$small", load => \@caller },
    { name => 'gateway, 1 KB', of => 'gateway', bytes => calling("/fhir/bench$small"), url => "/fhir/bench$small",
        load => \@caller, pair => 'bare mod_proxy, 1 KB' },
    { name => 'bare mod_proxy, 1 MB', of => 'bare', bytes => calling("/fhir/bench$large"), url => "/fhir/bench$large",
        load => \@caller, times => 20 },
    { name => 'bare mod_proxy, 1 MB, buffer 64K', of => 'bare64', bytes => calling("/fhir/bench$large"),
        url => "/fhir/bench$large", load => \@caller, times => 20 },
    { name => 'gateway, 1 MB, 2,000 links', of => 'gateway', bytes => calling("/fhir/bench$large"), url => "/fhir/bench$large",
        load => \@caller, times => 20, pair => 'bare mod_proxy, 1 MB, buffer 64K' },
    (map { _app($_, '', '1 KB'), _app($_, '1m', '1 MB', 20) } 'bare', 'smart', 'oidc'),
    { name => 'with 12 constant headers', of => 'bare', bytes => browsing('/const/', @browser), pair => 'bare before the app, 1 KB' },
    { name => 'another location, module loaded', of => 'smart', bytes => browsing('/other/', @browser), pair => 'bare before the app, 1 KB' },
    { name => 'forged cookie', of => 'smart', status => 401, pair => 'bare before the app, 1 KB',
        bytes => sub { browsing('/papp/', Cookie => '__Host-smart=' . random_id())->() } },
    { name => 'forged handle, live cookie', of => 'smart', status => 401, pair => 'bare before the app, 1 KB',
        bytes => sub { browsing('/papp/?smart_launch=' . random_id(), @page, Cookie => $is->{cookie})->() } },
    { name => 'forged session id', of => 'gateway', status => 401, pair => 'bare mod_proxy, 1 KB',
        bytes => sub { Bench::Client::bytes("/fhir/bench$small", @caller, 'Smart-Session' => random_id()) } },
);

if (my $only = $opt{only}) {
    my %wanted = map { ($_->{name} => 1, $_->{pair} ? ($_->{pair} => 1) : ()) } grep { $_->{name} =~ /$only/ } @asked;
    @asked = grep { $wanted{ $_->{name} } } @asked;
    die "nothing is called $only" if !@asked;
}

# A launch is measured, too, unless something else is asked for.
my @launch = $opt{only} ? () : { name => 'launch' };

# An app's page by one of the three.
sub _app {
    my ($of, $file, $size, $times) = @_;
    my %named = (bare => 'bare before the app', smart => 'app location, live launch', oidc => 'mod_auth_openidc');
    my %path = (bare => '/bare/', smart => '/papp/', oidc => '/oidc/');
    my @headers = $of eq 'oidc' ? (Cookie => "theme=dark; $is->{oidc}", Referer => $page) : @browser;
    return { name => "$named{$of}, $size", of => $of, bytes => browsing("$path{$of}$file", @headers), times => $times,
        url => "$path{$of}$file", load => [ Bench::Client::browser($host, @headers) ], $of eq 'bare' ? () : (pair => "$named{bare}, $size") };
}

sub random_id {
    open my $fh, '<:raw', '/dev/urandom' or die "urandom: $!";
    read $fh, my $bytes, 32;
    return join '', map { ('A' .. 'Z', 'a' .. 'z', 0 .. 5)[ $_ % 58 ] } unpack 'C*', $bytes;
}

# The gateway is a port of the module's server, bare64 one of bare mod_proxy's.
sub server_of {
    my ($asked) = @_;
    my %of = (gateway => 'smart', bare64 => 'bare');
    return $world->server($of{ $asked->{of} } || $asked->{of});
}

sub ask {
    my ($asked, $count) = @_;
    for (1 .. $count) {
        my ($status, $head) = $world->client($asked->{of})->ask($asked->{bytes}->());
        die "$asked->{name}: $head" if $status != ($asked->{status} // 200);
    }
    return;
}

# A launch up to the redirect to the app, whose cookie and handle nobody uses: start and callback
# over the plain port, the way between them is the EHR's.
my $ehr_window = $w->browser->frame($w->ehr->base . '/');
my @arrival = ('Sec-Fetch-Site' => 'cross-site', 'Sec-Fetch-Mode' => 'navigate', 'Sec-Fetch-Dest' => 'iframe', Accept => 'text/html');

sub launch {
    my $made = $w->ehr->launch;
    my $start = URI->new('/smart');
    $start->query_form(iss => $made->{iss}, launch => $made->{launch});
    my (undef, $head) = $world->client('smart')->ask(browsing("$start", @arrival)->());
    my ($authorize) = $head =~ /^Location: (\S+)/mi or die "start of a launch: $head";
    my ($set) = $head =~ /^Set-Cookie: ([^;]+)/mi or die "start of a launch: $head";
    $ehr_window->nav($authorize, follow => 1, until => qr/^\Q${\ $w->url}\E/);
    my $callback = $ehr_window->location or die 'the EHR did not send the browser back';
    (undef, $head) = $world->client('smart')->ask(browsing($callback->path_query, @arrival, Cookie => $set)->());
    $head =~ /^Location: \S+smart_launch=/mi or die "callback: $head";
    return;
}

# Measurements. Each fills in $got->{NAME}{…}.

# Microseconds of CPU, and by how much they are more than their pair's: medians of the rounds.
sub cpu {
    my ($got) = @_;
    my %spent;
    ask($_, 30) for @asked;
    launch() for map { (1) x 3 } @launch;
    for (1 .. $opt{rounds}) {
        for my $asked (@asked) {
            my ($server, $times) = (server_of($asked), $asked->{times} // 400);
            my $before = $server->cpu;
            ask($asked, $times);
            push @{ $spent{ $asked->{name} } }, ($server->cpu - $before) / $times;
        }
        for my $asked (@launch) {
            my $before = $smart->cpu;
            launch() for 1 .. 4;
            push @{ $spent{ $asked->{name} } }, ($smart->cpu - $before) / 4;
        }
    }
    for my $asked (@asked, @launch) {
        my ($name, $pair) = @$asked{qw(name pair)};
        $got->{$name}{us} = median(@{ $spent{$name} });
        $got->{$name}{us_ratio} = median(map { $spent{$name}[$_] / $spent{$pair}[$_] } 0 .. $opt{rounds} - 1) if $pair;
    }
    return;
}

# Many at once, each in turn, twice; the better turn counts.
sub loaded {
    my ($got) = @_;
    for my $asked ((grep { $_->{load} } @asked) x 2) {
        my $one = load('http://127.0.0.1:' . $world->port($asked->{of}) . $asked->{url}, $asked->{load},
            seconds => $opt{seconds}, connections => $opt{connections});
        my $had = $got->{ $asked->{name} }{load};
        $got->{ $asked->{name} }{load} = $one if !$had || $had->{rate} < $one->{rate};
    }
    $got->{memory}{ $_->{called} } = $_->peak for $bare, $smart;
    return;
}

# The TRACE request alone. A child that starts connects to PostgreSQL, and its SCRAM takes long under
# callgrind: counted in, it would make every answer after it seem cheaper.
sub least_count {
    my ($server, $client) = @_;
    for (1 .. 100) {
        my $least = min(map { $server->counted($client) } 1 .. 5);
        return $least if $least < 100_000;
    }
    die "$server->{called} does not come to rest";
}

# Instructions in user space, less those of the TRACE request that ends the count. Threads that work
# now and then (a new connection to PostgreSQL) are counted in the batch they fall into: the median of
# the batches counts.
sub counted {
    my ($got, $server) = @_;
    my $client = $world->client($server->{called});
    my $end = least_count($server, $client);
    my $batches = sub {
        my ($batch, $times) = @_;
        $batch->($times);
        $server->counted($client);
        return median(map { $batch->($times); ($server->counted($client) - $end) / $times } 1 .. 7);
    };
    for my $asked (grep { server_of($_) == $server } @asked) {
        $got->{ $asked->{name} }{instructions} = $batches->(sub { ask($asked, $_[0]) }, $asked->{times} ? 5 : 50);
    }
    return if $server != $smart;
    $got->{ $_->{name} }{instructions} = $batches->(sub { launch() for 1 .. $_[0] }, 5) for @launch;
    return;
}

sub under_callgrind {
    my ($got, $server) = @_;
    $server->stop;
    counted($got, $server->start_counted($opt{profile}));
    $server->stop;
    $server->start;
    return;
}

# What PostgreSQL is asked for by each request.
sub asked_of_database {
    my ($got) = @_;
    my $pg = $w->pg;
    $pg->dbh->do("ALTER SYSTEM SET $_") for "log_statement = 'all'", "log_line_prefix = '%u '";
    $pg->dbh->do('SELECT pg_reload_conf()');
    wait_for('the log of statements', sub { $pg->value('SHOW log_statement') eq 'all' });
    for my $asked (grep { server_of($_) == $smart } @asked) {
        my $times = $asked->{times} // 500;
        ask($asked, 20);
        my ($all, $writes) = statements($pg, sub { ask($asked, $times) });
        @{ $got->{ $asked->{name} } }{qw(calls writes)} = (sum($all) / $times, sum($writes) / $times);
    }
    for my $asked (@launch) {
        my ($all, $writes) = statements($pg, sub { launch() for 1 .. $launches });
        @{ $got->{ $asked->{name} } }{qw(statements calls writes)} = ($all, sum($all) / $launches, sum($writes) / $launches);
    }
    $pg->dbh->do("ALTER SYSTEM SET log_statement = 'none'");
    $pg->dbh->do('SELECT pg_reload_conf()');
    return;
}

# Where it is, for whoever waits.
sub say_step { printf STDERR "… %s\n", @_; return }

sub sum { my ($hash) = @_; my $n = 0; $n += $_ for values %$hash; return $n }

# What is measured must be what is meant: the app was given everything, all links lead to the
# gateway, and mod_auth_openidc gave its claims.
sub check {
    my (undef, undef, $echo) = $world->client('smart')->ask(browsing('/papp/echo/', @browser)->());
    my @given = sort grep { /^smart-/ } keys %{ JSON::PP::decode_json($echo)->{headers} };
    die "the app was given only @given" if @given < 12;
    my (undef, undef, $bundle) = $world->client('gateway')->ask(calling("/fhir/bench$large")->());
    my $links = () = $bundle =~ /"\Q${\ $smart->gateway_url }\E/g;
    my $left = () = $bundle =~ m{"http://127\.0\.0\.1:${\ $world->port('backend') }}g;
    die "the gateway rewrote $links links and left $left" if $links != 2000 || $left;
    printf "%d headers are set: %s\n%d links in %d bytes are rewritten\n", scalar @given, join(', ', @given), $links, length $bundle;
    return;
}

check();
my (%bare_counted, $got);
for my $wanted (split /,/, $opt{rows}) {
    $got = {};
    say_step("filling up to $wanted");
    fill($w->pg, $wanted);
    say_step('CPU time');
    cpu($got);
    say_step('load');
    loaded($got);
    say_step('statements');
    asked_of_database($got);
    say_step('instructions');
    under_callgrind(\%bare_counted, $bare) if !%bare_counted;
    $got->{$_}{instructions} = $bare_counted{$_}{instructions} for keys %bare_counted;
    under_callgrind($got, $smart);
    report($wanted, $got);
    spit($opt{plot}, picture($wanted, $got)) if !$opt{only};
}
done();

# A column is empty where it does not apply.
sub cell { my ($format, $value) = @_; return defined $value ? sprintf $format, $value : '' }

sub report {
    my ($stored, $of) = @_;
    printf "\n%s links, launches and tokens stored\n", $stored;
    printf "%-34s %12s %7s %9s %7s %8s %8s %8s  %s\n", '', 'instructions', '× pair', 'µs CPU', '× pair', 'answers/s', 'p50 ms', 'p99 ms', 'statements';
    for my $asked (@asked, @launch) {
        my $this = $of->{ $asked->{name} };
        my $pair = $asked->{pair} && $of->{ $asked->{pair} }{instructions};
        my $load = $this->{load} || {};
        print join(' ', sprintf('%-34s', $asked->{name}), map { cell(@$_) || ' ' x $_->[2] }
            [ '%12.0f', $this->{instructions}, 12 ],
            [ '%7.3f', $pair && $this->{instructions} ? $this->{instructions} / $pair : undef, 7 ],
            [ '%9.1f', $this->{us}, 9 ], [ '%7.2f', $this->{us_ratio}, 7 ],
            [ '%9.0f', $load->{rate}, 9 ], [ '%8.2f', $load->{p50}, 8 ], [ '%8.2f', $load->{p99}, 8 ],
            [ ' %.3f', $this->{calls}, 0 ], [ 'of which %.3f write', $this->{writes}, 0 ]), "\n";
    }
    printf "peak memory of a child: bare %.1f MB, module %.1f MB\n", map { $of->{memory}{$_} / 1024 } qw(bare smart);
    my $names = $of->{launch}{statements} or return;
    printf "launch, statements by name: %s\n",
        join ', ', map { "$_ $names->{$_}/$launches" } sort { $names->{$b} <=> $names->{$a} } keys %$names;
    return;
}

sub picture {
    my ($stored, $of) = @_;
    my $row = sub {
        my ($asked) = @_;
        my $this = $of->{ $asked->{name} };
        my $ratio = $this->{us_ratio} ? sprintf ' (× %.2f)', $this->{us_ratio} : '';
        my $label = sprintf '%.0f µs%s, %.0f answers/s, p99 %.1f ms', $this->{us}, $ratio, @{ $this->{load} }{qw(rate p99)};
        return [ $asked->{name} =~ s/, 1 [KM]B//r, $this->{us}, $label ];
    };
    my $group = sub {
        my ($title, $server, $size) = @_;
        return [ "$title, CPU time of httpd for each answer",
            [ map { $row->($_) } grep { $_->{load} && $_->{name} =~ $size && $_->{url} =~ $server } @asked ] ];
    };
    my $foot = sprintf '%s, %s links, launches and tokens stored, %d connections. × is against bare mod_proxy.',
        strftime('%e %B %Y', gmtime), $stored, $opt{connections};
    my $svg = plot($foot, map { my ($what, $url) = @$_; map { $group->("$what, $_", $url, qr/, $_/) } '1 KB', '1 MB' }
        [ 'FHIR', qr/^.fhir/ ], [ 'App', qr{^/(?!fhir)} ]);
    utf8::encode($svg);
    return $svg;
}
