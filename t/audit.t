#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# SmartAudit: each FHIR call leaves its row, once, also when PostgreSQL is away, hangs, or httpd ends
# meanwhile; under `required` no answer leaves before its row is safe.
# mpm: all
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use Time::HiRes ();

sub rows { my ($w) = @_; return $w->pg->value('SELECT count(*) FROM smartlaunch.fhir_access') }
sub journal { my ($w) = @_; return scalar(() = glob $w->httpd->dir . '/state/access.*') }

sub read_patient { my ($w, $l, %arg) = @_; return $w->fhir(GET => "/Patient/$l->{patient}", session => $l->{session}, timeout => 30, %arg) }

# Statuses of $n calls at once.
sub calls {
    my ($w, $l, $n) = @_;
    return many($n, sub { my $r = eval { read_patient($w, $l) }; $r ? $r->code : 'broken' });
}

# How often each reference and time is there: a row is one call.
sub doubled { my ($w) = @_; return $w->pg->value('SELECT count(*) FROM (SELECT 1 FROM smartlaunch.fhir_access GROUP BY at, reference HAVING count(*) > 1) d') }

sub seconds { my ($code) = @_; my $begun = Time::HiRes::time(); $code->(); return Time::HiRes::time() - $begun }

# httpd's children think no better of a row than PostgreSQL: what it says while it is away
my @away = qw(SL3001 SL3004 SL3006 SL3010 SL3016);

# on: the default
{
    # As many calls at once as there are workers; on a busy machine all of them are under way.
    my $w = world(fpm => 0, pg => { own => 1 }, ehr_block => 'SmartOutbound max=40');
    $w->hears;
    my $l = $w->launch(login => 'alice');
    is_deeply [ grep { $_ ne 200 } calls($w, $l, 12) ], [], 'on: calls are answered';
    my @rows = $w->accesses(12);
    is_deeply [ grep { !($_->{bytes} && defined $_->{ms} && $_->{status} == 200) } @rows ], [], 'on: each leaves a row, complete';
    is read_patient($w, $l, session => 'invented')->code, 401, 'on: a call that is refused';
    is((($w->accesses(13))[-1])->{status}, 401, '… leaves one, too');

    $w->httpd->allow_log(@away);
    $w->pg->stop;
    is_deeply [ grep { $_ ne 200 } calls($w, $l, 10) ], [], 'on, PostgreSQL is away: calls go on';
    $w->httpd->graceful;
    wait_for('rows of the children that ended', sub { journal($w) > 0 });
    pass 'on, away: a child that ends leaves its rows to the journal';
    my ($file) = glob $w->httpd->dir . '/state/access.*';
    is sprintf('%o', (stat $file)[2] & 0777), '600', '… which others cannot read';
    unlike slurp($file), qr/\Q$l->{patient}\E|alice/, '… and that tells nothing: it is sealed';
    is_deeply [ grep { $_ ne 200 } calls($w, $l, 10) ], [], 'on, away: the new children go on';
    $w->pg->start;
    wait_for('all rows', sub { rows($w) >= 33 });
    wait_for('the journal to be empty', sub { journal($w) == 0 });
    is rows($w), 33, 'on, PostgreSQL is back: each call has its row';
    is doubled($w), 0, '… once';

    $w->pg->stop;
    is_deeply [ grep { $_ ne 200 } calls($w, $l, 5) ], [], 'on, away again: calls go on';
    $w->httpd->stop;
    $w->pg->start;
    is rows($w), 33, 'on: httpd was stopped before PostgreSQL came back';
    $w->httpd->start;
    wait_for('all rows', sub { rows($w) >= 38 });
    is doubled($w), 0, '… the next httpd brings the rows home, once';

    ($file) = map { "$_/access.0123456789abcdef01234567" } $w->httpd->dir . '/state';
    spit($file, "this is not ours\n", 0600);
    chown((stat $w->httpd->dir . '/state')[ 4, 5 ], $file);
    like $w->httpd->logged('SL4616'), qr/smartlaunch:error\].*stays aside as bad\.access\./, 'a record that is not ours is put aside';
    ok -e $file =~ s{/access}{/bad.access}r, '… and kept';
    $w->httpd->expect_log('SL4616');
}

# required
{
    # A child that is killed keeps its places at the EHR until its calls would have timed out.
    my $w = world(fpm => 0, pg => { own => 1 }, extra => 'SmartAudit required', ehr_block => 'SmartOutbound max=60');
    my $httpd = $w->httpd;
    my $l = $w->launch(login => 'alice');
    my $missing = 0;
    for my $n (1 .. 10) {
        is read_patient($w, $l)->code, 200, 'required: a call' if $n == 1;
        read_patient($w, $l) if $n > 1;
        $missing++ if rows($w) != $n;
    }
    is $missing, 0, 'required: the row is there when the answer is';
    wait_for('bytes and milliseconds', sub {
        return 10 == $w->pg->value('SELECT count(*) FROM smartlaunch.fhir_access WHERE bytes > 0 AND ms IS NOT NULL');
    });
    pass 'required: bytes and milliseconds follow';
    is_deeply [ grep { $_ ne 200 } calls($w, $l, 24) ], [], 'required: many at once';
    is rows($w), 34, '… each with its row by then';

    # A call is answered only if its row is safe, whenever its child is killed.
    $httpd->allow_log('broken', 'AH00052', 'SL3005', @away);
    my $before = rows($w);
    my $traffic = SL::Traffic->new(map { sub { read_patient($w, $l)->code } } 1 .. 3);
    for (1 .. 3) {
        $httpd->kill_child;
        $traffic->more(3);
    }
    my $answered = grep { $_->{got} eq '200' } map { @$_ } $traffic->stop;
    wait_for('the journal to be empty', sub { journal($w) == 0 });
    cmp_ok rows($w) - $before, '>=', $answered, "required, children are killed: none of $answered answers is without its row";

    # PostgreSQL is away
    $before = $w->pg->value('SELECT count(*) FROM smartlaunch.fhir_access WHERE status = 200');
    $w->pg->stop;
    is_deeply [ grep { $_ ne 200 } calls($w, $l, 10) ], [], 'required, PostgreSQL is away: calls go on';
    cmp_ok journal($w), '>', 0, '… their rows are in the journal';
    cmp_ok seconds(sub { calls($w, $l, 10) }), '<', 4, '… and nobody waits for PostgreSQL again and again';
    my $state = $httpd->dir . '/state';
    chmod 0500, $state;
    my $answer = read_patient($w, $l);
    is $answer->code, 503, 'required, neither PostgreSQL nor the journal: 503';
    ok +($answer->header('Retry-After') // 0) > 0, '… that says when to come again';
    unlike $answer->content, qr/"resourceType":\s*"Patient"/, '… and nothing of what the EHR said';
    $httpd->expect_log(qw(SL4613 SL4618 SL5818));
    chmod 0700, $state;
    is read_patient($w, $l)->code, 200, 'required: the journal takes rows again';
    $w->pg->start;
    wait_for('the journal to be empty', sub { journal($w) == 0 });
    my $after = $w->pg->value('SELECT count(*) FROM smartlaunch.fhir_access WHERE status = 200');
    is $after - $before, 21, 'required, PostgreSQL is back: each call that was answered has its row';
    is doubled($w), 0, '… once';
    wait_for('calls that are committed at once', sub {
        my $n = rows($w);
        return read_patient($w, $l)->code == 200 && rows($w) == $n + 1;
    }, 30);
    wait_for('bytes and milliseconds', sub {
        return !$w->pg->value('SELECT count(*) FROM smartlaunch.fhir_access WHERE status = 200 AND bytes IS NULL AND at > now() - interval \'10 seconds\'');
    }, 30);

    # PostgreSQL hangs. What memory knows of the session was read again after the outage.
    $w->hears;
    wait_for('a call', sub { read_patient($w, $l)->code == 200 });
    $before = rows($w);
    my @stopped = map { $_->[0] } @{ $w->pg->dbh->selectall_arrayref(
        "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()") };
    $w->pg->{cluster}{server}->signal('STOP');
    kill 'STOP', @stopped;
    my $took = seconds(sub { is_deeply [ grep { $_ ne 200 } calls($w, $l, 8) ], [], 'required, PostgreSQL hangs: calls are answered' });
    cmp_ok $took, '<', 15, '… before long';
    cmp_ok seconds(sub { calls($w, $l, 8) }), '<', 8, '… the next ones sooner';
    $w->pg->{cluster}{server}->signal('CONT');
    kill 'CONT', @stopped;
    wait_for('all rows', sub { journal($w) == 0 && rows($w) >= $before + 16 });
    cmp_ok rows($w) - $before, '>=', 16, 'required: afterwards each has its row';
}

# off
{
    my $w = world(fpm => 0, extra => 'SmartAudit off', ehr_block => 'SmartOutbound max=40');
    my $l = $w->launch(login => 'alice');
    is_deeply [ grep { $_ ne 200 } calls($w, $l, 5) ], [], 'off: calls are answered';
    $w->httpd->stop;
    is rows($w), 0, 'off: no row';
}

done();
