#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What the Clinical Data Pull costs: long charts, charts that did not change, the page of many new
# items, and a thousand records that are due. See docs/performance.md.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/../t/lib", "$FindBin::Bin/lib";
use SL;
use Bench::Client;
use Bench::Count qw(median statements);
use Bench::Pull;
use Getopt::Long qw(GetOptions);
use JSON::PP ();
use List::Util qw(min sum);
use POSIX ();
use Time::HiRes qw(time);

binmode $_, ':encoding(UTF-8)' for *STDOUT, *STDERR;
Test::More->builder->output(\my $tap);
$| = 1;

my %opt = (records => 1000, hosts => 3, rounds => 15, only => '.');
GetOptions(\%opt, qw(records=i hosts=i rounds=i profile=s only=s)) or exit 2;

my $pull = Bench::Pull->new;
my ($w, $smart) = ($pull->w, $pull->smart);
my $pg = $w->pg;
my $serial = 0;
$pull->begin;

sub say_step { printf STDERR "… %s\n", @_; return }
sub rows { return $pg->value('SELECT count(*) FROM smartlaunch.cdp_value') }

# The most memory that a child had, from the call of forget_peak on; megabytes.
sub forget_peak { for ($smart->children) { open my $fh, '>', "/proc/$_/clear_refs" or die "clear_refs: $!"; print {$fh} 5; close $fh } return }
sub peak { return $smart->peak / 1024 }

# Runs $code; {wall (s), cpu, database (ms), wal (KB), result}. The watchdog's own work is in it.
sub measured {
    my ($code) = @_;
    my %was = (wal => $pull->wal, cpu => $smart->cpu, database => $pull->database_cpu);
    my $began = time;
    my $result = $code->();
    my $wall = time - $began;
    return { wall => $wall, cpu => ($smart->cpu - $was{cpu}) / 1000, database => ($pull->database_cpu - $was{database}) / 1000,
        wal => ($pull->wal - $was{wal}) / 1024, result => $result };
}

sub log_statements {
    my ($mode) = @_;
    $pg->dbh->do("ALTER SYSTEM SET $_") for "log_statement = '$mode'", "log_line_prefix = '%u '";
    $pg->dbh->do('SELECT pg_reload_conf()');
    wait_for('the log of statements', sub { $pg->value('SHOW log_statement') eq $mode });
    return;
}

# One line of the table of fetches.
sub fetched {
    my ($name, $record) = @_;
    my $before = rows();
    forget_peak();
    my $got = measured(sub { $pull->fetch($record) });
    my $result = $got->{result};
    die "$name: " . JSON::PP->new->encode($result) if $result->{outcome} ne 'ok';
    printf "%-40s %7d %8.2f s %9.0f ms %9.0f ms %9.0f KB %7.1f MB\n", $name, rows() - $before, @$got{qw(wall cpu database wal)}, peak();
    return $got;
}

# (a) and (d): pages, and the same again.
sub charts {
    printf "\n%-40s %7s %10s %12s %12s %12s %10s\n", 'a fetch', 'rows', 'duration', 'CPU', 'PostgreSQL', 'its log', 'peak';
    $pull->map_to(1, 1, day_offset => { days => 365, direction => '+-' });
    $pull->visits(1, 1 .. 20);
    $pull->chart(100);
    $pull->fetch($_) for 11 .. 14; # what is made once
    fetched('1 page', 1);
    fetched('1 page, unchanged', 1);
    my $pages = $pull->chart(20_000);
    my $before = rows();
    fetched("$pages pages", 2);
    fetched("$pages pages, unchanged", 2);
    log_statements('all');
    my $held = rows();
    my ($all) = statements($pg, sub { $pull->fetch(3) });
    log_statements('none');
    my ($new, $count) = (rows() - $held, $all->{sl_cdp_hold});
    printf "%d rows by %d statements that hold, %.0f each; %d statements of all kinds: %s\n", $new, $count, $new / $count,
        sum(values %$all), join ', ', map { "$_ $all->{$_}" } sort { $all->{$b} <=> $all->{$a} } keys %$all;
    $pull->chart(100);
    return;
}

sub make_sheet {
    $pull->map_to(5, 10);
    $pull->visits(10, 'sheet');
    $pull->chart(500, codes => 5, every => 86_400);
    return $pull->fetch('sheet');
}

# (b): the page of a record with 500 new items, in 50 fields or in one.
sub sheets {
    my $held = make_sheet();
    printf "\n%d items in %d fields\n", $held->{held}, $held->{new};
    printf "%-40s %9s %12s %12s %12s %9s\n", '', 'KB', 'CPU', 'PostgreSQL', 'duration', 'shortest';
    for my $what ([ 'the page', $pull->looking('sheet') ], [ 'the API: items', $pull->calling(GET => 'records/sheet/items') ],
        [ 'count', $pull->looking('sheet/count') ]) {
        my ($name, $bytes) = @$what;
        $pull->ask($bytes) for 1 .. 5;
        my @got = map { measured(sub { $pull->ask($bytes) }) } 1 .. $opt{rounds};
        my %median = map { my $k = $_; $k => median(map { $_->{$k} } @got) } qw(cpu database wall);
        printf "%-40s %9.0f %9.1f ms %9.1f ms %9.1f ms %6.1f ms\n", $name, length($got[0]{result}) / 1024, @median{qw(cpu database)},
            1000 * $median{wall}, 1000 * min(map { $_->{wall} } @got);
    }
    log_statements('all');
    my ($all) = statements($pg, sub { $pull->ask($pull->looking('sheet')) });
    log_statements('none');
    printf "the page, statements: %s\n", join ', ', map { "$_ $all->{$_}" } sort keys %$all;
    return;
}

# Instructions in user space: a page of a hundred results, new and unchanged, and the sheet.
sub instructions {
    make_sheet();
    $smart->stop;
    $smart->start_counted($opt{profile});
    my $client = $pull->client;
    wait_for('PostgreSQL, whose SCRAM takes long', sub { eval { $pull->ask($pull->calling(GET => 'records/sheet/items')); 1 } }, 180);
    my $end = min(map { $smart->counted($client) } 1 .. 20);
    my $batch = sub {
        my ($times, $code) = @_;
        $code->();
        $smart->counted($client);
        return median(map { $code->(); $smart->counted($client) - $end } 1 .. $times);
    };
    printf "\n%-40s %12s\n", 'under callgrind', 'instructions';
    my $line = sub { printf "%-40s %12.0f\n", @_ };
    $line->('the page', $batch->(5, sub { $pull->ask($pull->looking('sheet')) }));
    $line->('the API: items', $batch->(5, sub { $pull->ask($pull->calling(GET => 'records/sheet/items')) }));
    $line->('count', $batch->(5, sub { $pull->ask($pull->looking('sheet/count')) }));
    $pull->map_to(1, 1, day_offset => { days => 365, direction => '+-' });
    my %spent;
    $pull->visits(1, map { "count-$_" } 1 .. 20);
    for my $pages (1, 6) {
        $pull->chart(100 * $pages);
        $spent{$pages} = $batch->(5, sub { $pull->fetch('count-' . ++$serial) });
        $spent{"$pages again"} = $batch->(5, sub { $pull->fetch("count-$serial") });
    }
    $line->('a fetch of 1 page', $spent{1});
    $line->('a fetch of 1 page, unchanged', $spent{'1 again'});
    $line->('each further page', ($spent{6} - $spent{1}) / 5);
    $line->('each further page, unchanged', ($spent{'6 again'} - $spent{'1 again'}) / 5);
    $pull->chart(100);
    $smart->stop;
    $smart->start;
    return;
}

# Fetches by a person, over several connections.
sub make_records {
    my (@names) = @_;
    my @pids = map {
        my $part = $_;
        my $pid = fork // die "fork: $!";
        if (!$pid) {
            my $client = Bench::Client->new($pull->{port}{pages});
            for my $i (grep { $_ % 8 == $part } 0 .. $#names) {
                my ($status) = $client->ask($pull->calling(POST => "records/$names[$i]/fetch", { mrn => 'MRN-1' }));
                $status == 200 or POSIX::_exit(1);
            }
            POSIX::_exit(0);
        }
        $pid;
    } 0 .. 7;
    for (@pids) { waitpid $_, 0; die 'a fetch failed' if $? }
    return;
}

# (c): so many records are due; each must be fetched once.
sub due {
    $pull->map_to(1, 1, day_offset => { days => 365, direction => '+-' });
    $pull->chart(100);
    $pg->dbh->do("UPDATE smartlaunch.cdp_record SET active_at = now() - interval '9 days', has_future = false");
    my @names = map { "due-$_" } 1 .. $opt{records};
    say_step("$opt{records} records");
    $pull->visits(1, @names);
    make_records(@names);
    $smart->stop;
    my @hosts = ($smart, map { $pull->another_host } 2 .. $opt{hosts});
    my $of = "project = 'study' AND record LIKE 'due-%'";
    printf "\n%-40s %10s %10s %9s %12s %12s\n", 'records that are due', 'searches', 'new rows', 'seconds', 'records/s', 'CPU of each';
    for my $count (1, $opt{hosts}) {
        $pg->dbh->do("UPDATE smartlaunch.cdp_record SET fetched_at = now() - interval '2 hours' WHERE $of");
        my ($rows, $asked) = (rows(), $pull->asked);
        $_->start for @hosts[ 0 .. $count - 1 ];
        my $left = sub { $pg->value("SELECT count(*) FROM smartlaunch.cdp_record WHERE $of AND (fetched_at < now() - interval '1 hour' OR state <> 'idle')") };
        wait_for('the first', sub { $left->() < $opt{records} }, 60);
        my ($began, $begun, @cpu) = (time, $left->(), map { $_->cpu } @hosts[ 0 .. $count - 1 ]);
        wait_for('all', sub { !$left->() }, 600);
        my $seconds = time - $began;
        my $cpu = sum(map { $hosts[$_]->cpu - $cpu[$_] } 0 .. $count - 1) / 1000 / $begun;
        my $now = $pull->asked;
        my $searches = $now->{'/fhir/Patient'} - $asked->{'/fhir/Patient'};
        printf "%-40s %10d %10d %9.1f %12.1f %9.1f ms\n", "$opt{records} by $count host" . ($count > 1 ? 's' : ''), $searches, rows() - $rows, $seconds,
            $begun / $seconds, $cpu;
        die 'a record was fetched twice, or not at all' if $searches != $opt{records};
        $_->stop for @hosts[ 0 .. $count - 1 ];
    }
    $smart->start;
    return;
}

my %parts = (charts => \&charts, sheets => \&sheets, instructions => \&instructions, due => \&due);
for my $part (grep { /$opt{only}/ } qw(charts sheets instructions due)) {
    say_step($part);
    $parts{$part}->();
}
done();
