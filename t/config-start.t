#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What is looked at when httpd starts: the database, its tables, and secrets that a program gives.
# mpm: prefork sanitized
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;

sub about_database { my ($httpd) = @_; return grep { $_->{text} =~ /SL30\d\d/ && $_->{text} !~ /reference/ } $httpd->errors }

# Says what is wrong, once; the app works, a launch gets a page.
sub limps {
    my ($w, $what, $status, $id, $level, $says) = @_;
    my $httpd = $w->httpd;
    my @codes = many(12, sub { request('GET', $httpd->url('/papp/'))->code });
    is_deeply [ grep { $_ != 200 } @codes ], [], "$what: httpd starts, and who does not come from the EHR notices nothing";
    my $l = $w->launch(stop => 'start');
    is $l->{start}->code, $status, "$what: a launch is $status";
    ok +($l->{start}->header('Retry-After') // 0) > 0, "$what: that says when to try again" if $status == 503;
    like $l->{start}->content, qr/Reference: <code>/, "$what: on a page with a reference";
    my @lines = about_database($httpd);
    is scalar(@lines), 1, "$what: one line in the error log, however many children" or diag map { "$_->{text}\n" } @lines;
    is "$lines[0]{level} $lines[0]{id}", "$level $id", "$what: of that level and id";
    like $lines[0]{text}, $says, "$what: that says what to do";
    unlike $lines[0]{text}, qr/password|\Q$w->{pg}{cluster}{password}\E/, "$what: and nothing of the password";
    $httpd->expect_log($id);
    return;
}

sub ctl {
    my ($w, @verb) = @_;
    local $ENV{SL_SQLDIR} = top() . '/sql';
    local $ENV{ASAN_OPTIONS} = 'detect_leaks=0';
    my ($rc, $text) = capture(build() . '/smartlaunchctl', '--db', $w->pg->owner_conninfo, @verb);
    is $rc, 0, "smartlaunchctl @verb" or diag $text;
    return;
}

sub recovers {
    my ($w, $what) = @_;
    ok wait_for('a launch', sub { $w->launch(stop => 'start')->{start}->code == 302 }), "$what: launches go on by themselves";
    # a child that failed a moment ago lets a second pass before it tries again
    ok wait_for('a launch to the end', sub {
        my $app = $w->launch(login => 'alice')->{app};
        return $app && $app->code == 200;
    }), "$what: to the end";
    return;
}

# PostgreSQL is away
{
    my $w = world(pg => { own => 1 }, start => 0, fpm => 0);
    $w->pg->stop;
    $w->httpd->start;
    limps($w, 'no PostgreSQL', 503, 'SL3001', 'warn', qr/PostgreSQL cannot be reached: .*connection to server/);
    $w->httpd->allow_log(qw(SL3004 SL3010)); # as the moment of the next try falls
    $w->pg->start;
    recovers($w, 'PostgreSQL is back');
    is $w->pg->value('SELECT issuer FROM smartlaunch.ehr WHERE name = ?', 'sandbox'), $w->ehr->issuer,
        'and the table of EHRs is filled';
}

# The tables are not there, or are of another version
{
    my $w = world(pg => { schema => 0 }, fpm => 0);
    limps($w, 'no tables', 500, 'SL3020', 'crit', qr/run smartlaunchctl schema install/);
    ctl($w, qw(schema install));
    recovers($w, 'the tables are made');
    $w->httpd->expect_log('SL3007');
}
{
    my $w = world(start => 0, fpm => 0);
    my $newest = $w->pg->value('SELECT max(version) FROM smartlaunch.schema_version');
    $w->pg->dbh->do('DELETE FROM smartlaunch.schema_version WHERE version = ?', undef, $newest);
    $w->httpd->start;
    like $w->httpd->logged('SL3021'), qr/\[smartlaunch:crit\].*run smartlaunchctl schema upgrade/, 'older tables are noticed, and what to run is said';
    $w->httpd->expect_log('SL3021');
    $w->httpd->stop;
    $w->pg->dbh->do('INSERT INTO smartlaunch.schema_version (version) VALUES (?), (999)', undef, $newest);
    $w->httpd->start;
    like $w->httpd->logged('999'), qr/SL3021.*install the module that fits the tables/, 'newer tables want a newer module';
}

# A secret that a program gives: run once at each start, as the user that starts httpd
if (!$>) { # a program that root owns
    my $w = world(start => 0, fpm => 0);
    my $dir = $w->httpd->dir;
    my ($rc, $started);
    my $program = spit("$dir/helper", "#!/bin/sh\necho \$# \"\$1\" >>$dir/ran\ncat $dir/secret\n", 0755);
    my $conf = $w->httpd->config;
    my ($ours) = $conf =~ /^(SmartDatabase.*?<\/SmartEHR>)/ms;
    $w->httpd->{config} = $ours =~ s{file:\S+/secret}{exec:$program}r;
    $w->httpd->start;
    is slurp("$dir/ran"), "0 \n", 'exec: the program is run once, without arguments';
    is $w->launch(login => 'alice')->{app}->code, 200, 'what it says is the secret';
    $w->httpd->graceful;
    is slurp("$dir/ran"), "0 \n" x 2, 'and again at a restart';
    is $w->launch->{app}->code, 200, 'after which launches go on';
    $w->httpd->stop;
    for my $case ([ 'that fails', 'echo s3cret; exit 3' ], [ 'that says nothing', 'exit 0' ],
        [ 'that is killed', 'echo s3cret; kill -9 $$' ]) {
        my ($what, $line) = @$case;
        spit($program, "#!/bin/sh\necho the vault is sealed >&2\n$line\n", 0755);
        my $so_far = length $w->httpd->error_log;
        ok !eval { $w->httpd->start; 1 }, "a program $what: httpd does not start";
        delete $w->httpd->{server};
        my $log = substr $w->httpd->error_log, $so_far;
        like $log, qr/smartlaunch:crit\].* SL1702: SmartClientSecret in <SmartEHR sandbox>: /, 'and says of which EHR';
        like $log, qr/the vault is sealed/, 'what the program complains about stands beside it';
        unlike $log, qr/s3cret/, 'REG-4 what it said of the secret does not';
    }
    $w->httpd->expect_log(qw(SL1702 AH00020));
}

done();
