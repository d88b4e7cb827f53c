#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Three private servers: a backend that answers 1 KB, bare mod_proxy before it, and the module with
# a live launch before it. The same bytes go to both fronts in turn. See docs/performance.md.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/../t/lib", "$FindBin::Bin/lib";
use SL;
use Bench::Client;
use Bench::Count qw(median statements);
use Bench::Fill qw(fill);
use Bench::Httpd;
use Getopt::Long qw(GetOptions);
use URI;

binmode $_, ':encoding(UTF-8)' for *STDOUT, *STDERR;

# The harness speaks TAP; here only its failures are of interest, and they go to standard error.
Test::More->builder->output(\my $tap);
$| = 1;

my ($rows, $rounds, $profile) = ('1000,100000', 15);
GetOptions('rows=s' => \$rows, 'rounds=i' => \$rounds, 'profile=s' => \$profile) or exit 2;
my $per_round = 400;
my $launches = 40;

# The servers

my %port = map { $_ => free_port() } qw(backend bare smart);
my $backend = "http://127.0.0.1:$port{backend}/plain/1k.txt";
my $common = "MaxKeepAliveRequests 0\nKeepAliveTimeout 120\n";

# A virtual host without TLS, which both fronts would pay for alike.
sub plain_host {
    my ($which, $lines) = @_;
    return <<"CONF";
Listen 127.0.0.1:$port{$which} http
<VirtualHost 127.0.0.1:$port{$which}>
    ServerName app.localhost
    DocumentRoot "htdocs"
    $lines
</VirtualHost>
CONF
}

my $w = world(start => 0, pg => { own => 1 }, fpm => 0, extra => $common);
my $smart = bless $w->httpd, 'Bench::Httpd';
my $app = "AuthType Smart\n        SmartLogin on\n        Require valid-user";
$smart->{after} = plain_host(smart => <<"CONF");
    ProxyPass /papp/echo/ http://127.0.0.1:$smart->{echo}{port}/papp/
    ProxyPass /papp/ $backend
    ProxyPass /other/ $backend
    <Location /smart>
        SmartTarget /papp/
    </Location>
    <Location /papp>
        $app
    </Location>
CONF
my %other = (ehr => $w->ehr, pg => $w->pg, module => 0, fpm => 0, extra => $common);
my $set = join '', map { "        RequestHeader set Bench-$_ \"a value of usual length, no. $_\"\n" } 1 .. 12;
my $bare = Bench::Httpd->new(%other, port => free_port(), after => plain_host(bare => <<"CONF"));
    ProxyPass /bare/ $backend
    ProxyPass /const/ $backend
    <Location /const>
$set    </Location>
CONF
my $behind = Bench::Httpd->new(%other, port => free_port(), after => plain_host(backend => ''));
spit($behind->dir . '/htdocs/plain/1k.txt', "0123456789abcde\n" x 64);
$_->{called} = $_ == $smart ? 'smart' : 'bare' for $smart, $bare;
$_->allow_log(qw(SL2531 SL6402 AH00098)) for $smart, $bare; # forged ones; the pid file of -X

# One live launch of a linked user, with all that an EHR can say of it

$behind->start;
$smart->start;
my $live = $w->launch(login => 'alice', encounter => 'enc-1', intent => 'reconcile', need_patient_banner => 1);
my $cookie = '__Host-smart=' . $live->{window}->jar->get('__Host-smart')->{value};
my $host = URI->new($w->url)->host_port;
my $page = $w->url('/papp/');
my %client = (smart => Bench::Client->new($port{smart}), bare => Bench::Client->new($port{bare}));

sub get { return Bench::Client::get($host, @_) }

sub random_id {
    open my $fh, '<:raw', '/dev/urandom' or die "urandom: $!";
    read $fh, my $bytes, 32;
    return join '', map { ('A' .. 'Z', 'a' .. 'z', 0 .. 5)[ $_ % 58 ] } unpack 'C*', $bytes;
}

# What is asked: name, server, status it must have, and the request's bytes (made anew where they
# are forged, so that nothing remembers them).
my @usual = (Cookie => "theme=dark; $cookie", Referer => "$page?smart_launch=$live->{handle}");
my @page = ('Sec-Fetch-Mode' => 'navigate', 'Sec-Fetch-Dest' => 'document', 'Sec-Fetch-Site' => 'none', Accept => 'text/html');
my %bytes = map { $_ => get("/$_/", @usual) } qw(bare const papp other);
my @asked = (
    [ 'bare mod_proxy', 'bare', 200, sub { $bytes{bare} } ],
    [ 'with 12 constant headers', 'bare', 200, sub { $bytes{const} } ],
    [ 'app location, live launch', 'smart', 200, sub { $bytes{papp} } ],
    [ 'another location, module loaded', 'smart', 200, sub { $bytes{other} } ],
    [ 'forged cookie', 'smart', 401, sub { get('/papp/', Cookie => '__Host-smart=' . random_id()) } ],
    [ 'forged handle, no cookie', 'smart', 401, sub { get('/papp/?smart_launch=' . random_id(), @page) } ],
    [ 'forged handle, live cookie', 'smart', 401,
        sub { get('/papp/?smart_launch=' . random_id(), @page, Cookie => $cookie) } ],
);

sub ask {
    my ($asked, $count) = @_;
    my ($name, $server, $wanted, $bytes) = @$asked;
    for (1 .. $count) {
        my ($status, $head) = $client{$server}->ask($bytes->());
        die "$name: $head" if $status != $wanted;
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
    my (undef, $head) = $client{smart}->ask(get("$start", @arrival));
    my ($authorize) = $head =~ /^Location: (\S+)/mi or die "start of a launch: $head";
    my ($set) = $head =~ /^Set-Cookie: ([^;]+)/mi or die "start of a launch: $head";
    $ehr_window->nav($authorize, follow => 1, until => qr/^\Q${\ $w->url}\E/);
    my $callback = $ehr_window->location or die 'the EHR did not send the browser back';
    (undef, $head) = $client{smart}->ask(get($callback->path_query, @arrival, Cookie => $set));
    $head =~ /^Location: \S+smart_launch=/mi or die "callback: $head";
    return;
}

# Measurements. Each returns {name => value}.

sub cpu {
    my %spent;
    ask($_, 50) for @asked;
    launch() for 1 .. 3;
    for my $round (1 .. $rounds) {
        for my $asked (@asked) {
            my $server = $asked->[1] eq 'bare' ? $bare : $smart;
            my $before = $server->cpu;
            ask($asked, $per_round);
            push @{ $spent{ $asked->[0] } }, ($server->cpu - $before) / $per_round;
        }
        my $before = $smart->cpu;
        launch() for 1 .. 4;
        push @{ $spent{launch} }, ($smart->cpu - $before) / 4;
    }
    my $base = $spent{'bare mod_proxy'};
    my %ratio = map { my $of = $spent{$_}; $_ => median(map { $of->[$_] / $base->[$_] } 0 .. $#$base) } keys %spent;
    return ({ map { $_ => median(@{ $spent{$_} }) } keys %spent }, \%ratio);
}

# Instructions in user space, less those of the TRACE request that ends the count.
sub counted {
    my ($server) = @_;
    my ($of, %count) = ($server->{called});
    my $end = do { $server->counted($client{$of}) for 1 .. 3; $server->counted($client{$of}) };
    for my $asked (grep { $_->[1] eq $of } @asked) {
        ask($asked, 40);
        $server->counted($client{$of});
        ask($asked, 300);
        $count{ $asked->[0] } = ($server->counted($client{$of}) - $end) / 300;
    }
    return \%count if $server == $bare;
    launch() for 1 .. 3;
    $server->counted($client{$of});
    launch() for 1 .. 20;
    $count{launch} = ($server->counted($client{$of}) - $end) / 20;
    return \%count;
}

sub asked_of_database {
    my ($pg) = $w->pg;
    my %count;
    $pg->dbh->do("ALTER SYSTEM SET $_") for "log_statement = 'all'", "log_line_prefix = '%u '";
    $pg->dbh->do('SELECT pg_reload_conf()');
    wait_for('the log of statements', sub { $pg->value('SHOW log_statement') eq 'all' });
    for my $asked (grep { $_->[1] eq 'smart' } @asked) {
        ask($asked, 20);
        my ($all) = statements($pg, sub { ask($asked, 500) });
        $count{ $asked->[0] } = { calls => sum($all) / 500 };
    }
    my ($all, $writes) = statements($pg, sub { launch() for 1 .. $launches });
    $count{launch} = { calls => sum($all) / $launches, writes => sum($writes) / $launches, names => $all };
    $pg->dbh->do("ALTER SYSTEM SET log_statement = 'none'");
    $pg->dbh->do('SELECT pg_reload_conf()');
    return \%count;
}

# Where it is, for whoever waits.
sub say_step { printf STDERR "… %s\n", @_; return }

sub sum { my ($hash) = @_; my $n = 0; $n += $_ for values %$hash; return $n }

# The app must have been given everything, or there would be nothing to measure.
my (undef, undef, $echo) = $client{smart}->ask(get('/papp/echo/', @usual));
my @given = sort grep { /^smart-/ } keys %{ JSON::PP::decode_json($echo)->{headers} };
die "the app was given only @given" if @given < 12;

$bare->start;
printf "%d headers are set: %s\n", scalar @given, join ', ', @given;
my @steps = split /,/, $rows;
my %counted_bare;
for my $wanted (@steps) {
    say_step("filling up to $wanted");
    fill($w->pg, $wanted);
    say_step('CPU time');
    my ($us, $ratio) = cpu();
    say_step('statements');
    my $database = asked_of_database();
    say_step('instructions');
    if (!%counted_bare) {
        $bare->stop;
        %counted_bare = %{ counted($bare->start_counted($profile)) };
        $bare->stop;
        $bare->start;
    }
    $smart->stop;
    my %count = (%counted_bare, %{ counted($smart->start_counted($profile)) });
    $smart->stop;
    $smart->start;
    report($wanted, $us, $ratio, \%count, $database);
}
$bare->stop;
done();

sub report {
    my ($stored, $us, $ratio, $count, $database) = @_;
    printf "\n%s links, launches and tokens stored\n", $stored;
    printf "%-34s %12s %7s %9s %7s  %s\n", '', 'instructions', '× bare', 'µs CPU', '× bare', 'statements';
    my $base = $count->{'bare mod_proxy'};
    for my $name ((map { $_->[0] } @asked), 'launch') {
        my $asked = $database->{$name};
        printf "%-34s %12.0f %7.3f %9.1f %7.2f  %s\n", $name, $count->{$name}, $count->{$name} / $base,
            $us->{$name}, $ratio->{$name}, !$asked ? '-' : sprintf('%.3f', $asked->{calls})
            . (defined $asked->{writes} ? sprintf(', %.2f of them write', $asked->{writes}) : '');
    }
    my $names = $database->{launch}{names};
    printf "  launch, statements by name: %s\n",
        join ', ', map { "$_ $names->{$_}/$launches" } sort { $names->{$b} <=> $names->{$a} } keys %$names;
    return;
}
