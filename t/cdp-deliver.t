# SPDX-License-Identifier: Apache-2.0
# From the outbox to the app: the checks are made with t/lib/c/cdp_deliver (the code that the module
# runs), a real PostgreSQL, and a stand-in for the app (SL::REDCap).
use strict;
use warnings;
use lib 't/lib';
use SL;
use IPC::Open2;
use IO::Handle;
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use SL::REDCap;

my $pg = SL::Postgres->new;
my $redcap = SL::REDCap->new;
my $serial = 0;
my @log;

# A process that delivers: what a child of httpd does, without httpd.
package Deliverer {
    sub new {
        my ($class, %env) = @_;
        local %ENV = (%ENV, CDP_DB => $pg->conninfo, CDP_RING => 'k1 ' . MIME::Base64::encode_base64('k' x 32, ''),
            CDP_PROTOCOL => 'redcap', CDP_URL => $redcap->url, CDP_SECRET => $redcap->token, %env);
        delete $ENV{$_} for grep { !defined $ENV{$_} } keys %env;
        my $pid = IPC::Open2::open2(my $out, my $in, SL::build() . '/t/lib/c/cdp_deliver');
        binmode $_, ':utf8' for $in, $out;
        return bless { pid => $pid, in => $in, out => $out, project => $env{CDP_PROJECT} // 'study' }, $class;
    }
    sub send { my ($self, @cells) = @_; print { $self->{in} } join("\t", @cells), "\n"; $self->{in}->flush; return $self }
    sub get {
        my ($self) = @_;
        while (defined(my $line = readline $self->{out})) {
            if ($line =~ /^# log (.*)/) { push @log, $1; next }
            return JSON::PP->new->decode($line);
        }
        return { rc => 'gone' };
    }
    sub ask { my ($self, @cells) = @_; return $self->send(@cells)->get }
    sub kill { my ($self) = @_; kill KILL => $self->{pid}; waitpid $self->{pid}, 0; return }
    sub end { my ($self) = @_; close $self->{in}; waitpid $self->{pid}, 0; return $? }
}

sub uuid { return sprintf '%08x-0000-4000-8000-%012x', $$, ++$serial }

# One Save: rows of the outbox, as they are written with a decision. values: [event, instance, field, value].
sub save {
    my ($d, $record, @values) = @_;
    my ($decision, @keys) = uuid();
    $pg->dbh->do('INSERT INTO smartlaunch.cdp_record (project, record) VALUES (?, ?) ON CONFLICT DO NOTHING', undef, $d->{project}, $record);
    for my $value (@values) {
        my ($event, $instance, $field, $text) = @$value;
        push @keys, my $key = uuid();
        my $sealed = $d->ask('seal', $record, $event, $instance, $field, $key, $text);
        $pg->dbh->do("INSERT INTO smartlaunch.cdp_outbox (key, project, record, decision, event, instance, field,
            value_id, value_sealed, key_id, saved_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, decode(?, 'hex'), ?, 'alice')",
            undef, $key, $d->{project}, $record, $decision, $event, $instance, $field, $serial, $sealed->{sealed}, $sealed->{key_id});
    }
    return @keys;
}

sub row { my ($key) = @_; return ($pg->rows('SELECT *, due_at > now() AS later, extract(epoch FROM due_at - now()) AS wait
    FROM smartlaunch.cdp_outbox WHERE key = ?::uuid', $key))[0] }
sub state_of { return join ' ', map { row($_)->{state} } @_ }
sub reason_of {
    my ($d, $key) = @_;
    my $row = row($key);
    return undef if !defined $row->{reason_sealed};
    return $d->ask('reason', @$row{qw(record event instance field key reason_key)},
        encode_base64($row->{reason_sealed}, ''))->{reason};
}
sub due_now { $pg->dbh->do('UPDATE smartlaunch.cdp_outbox SET due_at = now(), lease_until = now() - interval \'1 s\'
    WHERE state = \'waiting\' AND project = \'study\''); return }
sub counts { my ($told) = @_; return join ' ', @$told{qw(rc delivered refused waiting)} }
sub unlog { my @all = @log; @log = (); return map { /^(\S+)/ } @all }

my $e1 = 'event_1_arm_1';
my $d = Deliverer->new;
$pg->dbh->do("INSERT INTO smartlaunch.cdp_right (project, app_user, may, granted_by) VALUES ('slow', 'carol', 'adjudicate', 'test')");

# An app that hangs: both wait for their ten seconds while the rest is tested.
my $slow = SL::REDCap->new->faults({ path => '/signed', hang => 1 }, { path => '/access', hang => 1 });
my @hanging = map { Deliverer->new(CDP_PROTOCOL => 'http', CDP_URL => $slow->signed_url, CDP_SECRET => $slow->secret,
    CDP_ACCESS => $slow->access_url, CDP_PROJECT => 'slow') } 1 .. 2;
save($hanging[0], 'h1', [ $e1, 0, 'na', '1' ]);
$hanging[0]->send(deliver => 'h1')->send(deliver => 'h1');
$hanging[1]->send(rights => 'carol', 'l1');

# The plain way
{
    my @keys = save($d, '1', [ $e1, 0, 'dob', '1970-12-24' ], [ $e1, 0, 'last_name', "O'Löckman <b> & \"co\"" ],
        [ $e1, 0, 'race', '2106-3,UNK' ], [ 'event_2_arm_1', 2, 'lab_glucose', '5.4' ], [ 'event_3_arm_1', 1, 'na', '140' ]);
    is counts($d->ask(deliver => '1')), 'SL_OK 5 0 0', 'CDP-DEL what was saved with one click is delivered';
    is scalar($redcap->imports), 1, 'CDP-DEL … in one call';
    is $redcap->value('1', $e1, 'dob'), '1970-12-24', 'CDP-DEL … a date';
    is $redcap->value('1', $e1, 'last_name'), "O'Löckman <b> & \"co\"", 'CDP-DEL … a text, byte for byte';
    is join(' ', map { $redcap->value('1', $e1, $_) } qw(race___2106_3 race___2054_5 race___unk)), '1 0 1', 'CDP-DEL … a checkbox';
    is $redcap->value('1', [ 'event_2_arm_1', 'labs', 2 ], 'lab_glucose'), '5.4', 'CDP-DEL … an instance of an instrument';
    is $redcap->value('1', [ 'event_3_arm_1', '', 1 ], 'na'), '140', 'CDP-DEL … an instance of an event';
    is state_of(@keys), join(' ', ('delivered') x 5), 'CDP-DEL the outbox knows';
    is $pg->value("SELECT count(*) FROM smartlaunch.cdp_outbox WHERE value_sealed IS NOT NULL AND project = 'study'"), 0, 'H1 what was delivered is erased';
    is $pg->value("SELECT count(*) FROM smartlaunch.cdp_log WHERE what = 'delivered' AND app_user = 'alice'"), 5, 'C4 the log has each, with who saved it';
    is counts($d->ask(deliver => '1')), 'SL_OK 0 0 0', 'CDP-DEL nothing is left to deliver';
    is scalar($redcap->imports), 1, 'CDP-DEL … and nothing is sent';
    is scalar(grep { $_->{url} =~ /[?]/ || ($_->{headers}{authorization} // '') ne '' } $redcap->log), 0, 'H1 nothing stands in a URL';
    is scalar(grep { !$_->{hasToken} } $redcap->log), 0, 'CDP-DEL the token is in each body';
}

# A record of several saves keeps its order
{
    $redcap->forget;
    save($d, '2', [ $e1, 0, 'na', '1' ]);
    save($d, '2', [ $e1, 0, 'na', '2' ]);
    save($d, '2', [ $e1, 0, 'na', '3' ], [ $e1, 0, 'dob', '1971-01-01' ]);
    is counts($d->ask(deliver => '2')), 'SL_OK 4 0 0', 'CDP-DEL three saves';
    is join(' ', map { $_->{rows}[0]{na} } $redcap->imports), '1 2 3', 'CDP-DEL … in their order, each in a call';
    is $redcap->value('2', $e1, 'na'), '3', 'CDP-DEL … the last one stands';
}

# Refused by the app
{
    $redcap->forget;
    my @keys = save($d, '3', [ $e1, 0, 'dob', '1970-12-24' ], [ $e1, 0, 'body_weight', '77777' ], [ $e1, 0, 'sex', 'X' ],
        [ $e1, 0, 'na', '139' ]);
    is counts($d->ask(deliver => '3')), 'SL_OK 2 2 0', 'H5 two are refused, the others get in';
    is state_of(@keys), 'delivered refused refused delivered', 'H5 … those that are wrong';
    is $redcap->value('3', $e1, 'na'), '139', 'H5 … the app has the good ones';
    is $redcap->value('3', $e1, 'body_weight'), undef, 'H5 … and not the others';
    is scalar($redcap->imports), 2, 'H5 … the error named them: two calls';
    like reason_of($d, $keys[1]), qr/outside the suggested range/, 'H5 … the reason is kept';
    unlike reason_of($d, $keys[1]), qr/77777/, 'H5 … without the value';
    isnt row($keys[1])->{value_sealed}, undef, 'H5 a refused value is not lost';
    is $pg->value("SELECT count(*) FROM smartlaunch.cdp_log WHERE what = 'refused'"), 2, 'C4 the log has refusals, too';
    is $pg->value("SELECT count(*) FROM smartlaunch.cdp_outbox o WHERE o::text LIKE '%77777%' OR o::text LIKE '%suggested%'"), 0,
        'H1 neither value nor reason can be read in the table';
    is counts($d->ask(deliver => '3')), 'SL_OK 0 0 0', 'H5 a refused value is not sent again';

    $redcap->set(vague => JSON::PP::true());
    @keys = save($d, '4', [ $e1, 0, 'dob', '1970-12-24' ], [ $e1, 0, 'body_weight', '99999' ], [ $e1, 0, 'na', '1' ]);
    is counts($d->ask(deliver => '4')), 'SL_OK 2 1 0', 'H5 an error that names nothing: each is tried alone';
    is state_of(@keys), 'delivered refused delivered', 'H5 … and the wrong one is found';
    is reason_of($d, $keys[1]), 'The data could not be imported.', 'H5 … with the app\'s words';
    $redcap->set(vague => JSON::PP::false());

    @keys = save($d, '4', [ $e1, 0, 'nonsense', '1' ], [ $e1, 0, 'na', '2' ]);
    is counts($d->ask(deliver => '4')), 'SL_OK 1 1 0', 'H5 a field that the project no longer has';
    like reason_of($d, $keys[0]), qr/not found in the project/, 'H5 … is named';
    @keys = save($d, '4', [ $e1, 3, 'na', '1' ], [ 'event_2_arm_1', 0, 'lab_glucose', '2' ]);
    is counts($d->ask(deliver => '4')), 'SL_OK 0 2 0', 'H5 an instance where nothing repeats, and none where it does: not sent to a wrong place';
    is $redcap->value('4', $e1, 'na'), '2', 'H5 … what is there stays';

    $redcap->set(locked => [ { record => '4', form => 'visit' } ]);
    @keys = save($d, '4', [ $e1, 0, 'na', '88' ], [ $e1, 0, 'dob', '1980-01-01' ]);
    is counts($d->ask(deliver => '4')), 'SL_OK 1 1 0', 'H5 a locked form is not written';
    like reason_of($d, $keys[0]), qr/form that is locked/, 'H5 … and says so';
    is $redcap->value('4', $e1, 'na'), '2', 'H5 … its value stays';
    is $redcap->value('4', $e1, 'dob'), '1980-01-01', 'H5 … and another form takes its own';
    $redcap->set(locked => []);
    is join(' ', unlog()), '', 'H5 a refusal is nothing for the error log';
}

# The app is away, and comes back
{
    $redcap->forget;
    my ($key) = save($d, '5', [ $e1, 0, 'na', '141' ]);
    $redcap->away;
    is counts($d->ask(deliver => '5')), 'SL_OK 0 0 1', 'CDP-DEL the app is away: it waits';
    my $row = row($key);
    is "$row->{state} $row->{tries}", 'waiting 1', '… and is put off';
    cmp_ok $row->{wait}, '<=', 5, '… by five seconds';
    is join(' ', unlog()), 'SL3506', '… the log has one line';
    my $tried = sub {
        $pg->dbh->do('UPDATE smartlaunch.cdp_outbox SET tries = ?, due_at = now() WHERE key = ?', undef, $_[0], $key);
        return counts($d->ask(due => 10)) . ' ' . join ' ', unlog();
    };
    is $tried->(5), 'SL_OK 0 0 1 SL3506', '… what is due is tried';
    my $wait = row($key)->{wait};
    ok $wait > 60 && $wait <= 160, '… and put off for longer each time';
    is counts($d->ask(due => 10)), 'SL_OK 0 0 0', '… it is not due then';
    is join(' ', unlog()), '', '… nobody is asked';
    $tried->(40);
    $wait = row($key)->{wait};
    ok $wait > 300 && $wait <= 600, '… for ten minutes at most';
    my ($second) = save($d, '5', [ $e1, 0, 'na', '142' ]);
    $redcap->back;
    is counts($d->ask(deliver => '5')), 'SL_OK 2 0 0', 'CDP-DEL it is back: a Save sends all that waited';
    is join(' ', map { $_->{rows}[0]{na} } $redcap->imports), '141 142', '… in their order';
    is state_of($key, $second), 'delivered delivered', '… and is done';

    for my $case ([ 'a failure', { status => 500, body => '{"error":"x"}' }, 'SL8304' ], [ 'no time', { status => 503 }, 'SL8303' ],
        [ 'too many', { status => 429, headers => { 'Retry-After' => '120' } }, 'SL8303' ], [ 'another token', { status => 403, body => '{"error":"no"}' }, 'SL8302' ],
        [ 'a page of a web server', { status => 404, body => '<h1>no</h1>' }, 'SL8305' ], [ 'a login page', { status => 200, body => '<html>' }, 'SL8305' ],
        [ 'a redirect', { status => 302, headers => { Location => 'https://elsewhere.example/' } }, 'SL8304' ], [ 'a broken line', { close => 1 }, 'SL3510' ]) {
        my ($what, $fault, $id) = @$case;
        my ($k) = save($d, '6', [ $e1, 0, 'na', ++$serial ]);
        $redcap->faults({ path => '/api/', when => { action => 'import' }, times => 1, %$fault });
        is counts($d->ask(deliver => '6')), 'SL_OK 0 0 1', "CDP-DEL $what: it waits";
        is join(' ', unlog()), $id, '… with a line in the log';
        cmp_ok row($k)->{wait}, '>', 60, '… as long as the app says' if $what eq 'too many';
        is counts($d->ask(deliver => '6')), 'SL_OK 1 0 0', '… and goes with the next Save';
    }
}

# Nobody knows what became of it: it is looked up before it is sent again
{
    $redcap->forget->faults({ path => '/api/', when => { action => 'import' }, lost => 1, times => 1 });
    my @keys = save($d, '7', [ $e1, 0, 'na', '150' ], [ $e1, 0, 'problem_list', 'one line' ]);
    is counts($d->ask(deliver => '7')), 'SL_OK 0 0 2', 'H3 the app has it, and its answer is lost';
    is counts($d->ask(deliver => '7')), 'SL_OK 2 0 0', 'H3 … delivered';
    is scalar($redcap->imports), 1, 'H3 … without a second import';
    unlog();

    # The process dies in the middle of the call, after the app has done its work.
    $redcap->forget->faults({ path => '/api/', when => { action => 'import' }, works => 1, hang => 1, times => 1 });
    @keys = save($d, '8', [ $e1, 0, 'na', '151' ]);
    my $dying = Deliverer->new;
    $dying->send(deliver => '8');
    wait_for('the import', sub { scalar $redcap->imports });
    $dying->kill;
    is counts($d->ask(deliver => '8')), 'SL_OK 0 0 1', 'H3 a process dies in a delivery: nobody else has it for now';
    due_now();
    is counts($d->ask(due => 10)), 'SL_OK 1 0 0', 'H3 … its lease ends: another host goes on';
    is scalar($redcap->imports), 1, 'H3 … and finds it done';
    is $redcap->value('8', $e1, 'na'), '151', 'H3 … nothing is lost';

    # … and before the app has done anything.
    $redcap->forget->faults({ path => '/api/', when => { action => 'import' }, hang => 1, times => 1 });
    save($d, '8', [ $e1, 0, 'na', '152' ]);
    $dying = Deliverer->new;
    $dying->send(deliver => '8');
    wait_for('the import', sub { scalar $redcap->imports });
    $dying->kill;
    due_now();
    is counts($d->ask(due => 10)), 'SL_OK 1 0 0', 'H3 a process dies before the app did anything: it is sent again';
    is $redcap->value('8', $e1, 'na'), '152', 'H3 … and is there';
    unlog();
}

# Several at once
{
    $redcap->forget;
    save($d, '9', [ $e1, 0, 'na', $_ ]) for 1 .. 12;
    is counts($d->ask(race => '9')), 'SL_OK 12 0 0', 'CDP-DEL eight deliver one record at the same moment: each value once';
    is join(' ', map { $_->{rows}[0]{na} } $redcap->imports), join(' ', 1 .. 12), 'CDP-DEL … in order';
    unlog();
    save($d, "r$_", [ $e1, 0, 'na', $_ ]) for 1 .. 20;
    my @hosts = map { Deliverer->new } 1 .. 3;
    $redcap->forget;
    $_->send(due => 50) for @hosts;
    my $sum = 0;
    $sum += $_->get->{delivered} for @hosts;
    is $sum, 20, 'CDP-DEL three hosts deliver what is due: each value once';
    is scalar($redcap->imports), 20, '… and in one call each';
    $_->end for @hosts;
}

# What cannot be read here
{
    my ($moved) = save($d, '10', [ $e1, 0, 'na', '1' ]);
    my ($lost) = save($d, '11', [ $e1, 0, 'na', '2' ]);
    $pg->dbh->do("UPDATE smartlaunch.cdp_outbox SET field = 'systolic' WHERE key = ?", undef, $moved);
    is counts($d->ask(deliver => '10')), 'SL_OK 0 1 0', 'H1 a sealed value that was moved to another field is not sent';
    my $take_key = sub { $pg->dbh->do("UPDATE smartlaunch.cdp_outbox SET key_id = 'k0' WHERE key = ?", undef, $_[0]) };
    my $give_key = sub { $pg->dbh->do("UPDATE smartlaunch.cdp_outbox SET key_id = 'k1' WHERE key = ?", undef, $_[0]) };
    $take_key->($lost);
    is counts($d->ask(deliver => '11')), 'SL_OK 0 0 1', 'H1 one whose key is missing waits for it';
    is join(' ', grep { $_ eq 'SL8309' } unlog()), 'SL8309', 'H1 … and is put aside, with a line in the log';
    my $aside = sub { my ($row) = $pg->rows('SELECT waiting, aside, missing_keys FROM smartlaunch.cdp_status WHERE project = \'study\' AND record = ?', $_[0]);
        return join ' ', map { $_ // '-' } @$row{qw(waiting aside missing_keys)} };
    is $aside->('11'), '1 1 k0', 'H1 … cdp_status shows it, and which key is missing';
    is $pg->value("SELECT detail FROM smartlaunch.cdp_log WHERE what = 'put aside' AND record = '11'"), 'its key is not in the key ring: k0', 'H1 … so does the log of the record';
    $d->ask(deliver => '11') for 1 .. 2;
    is join(' ', unlog()), '', 'H1 … once';
    $give_key->($lost);
    is counts($d->ask(due => 10)), 'SL_OK 1 0 0', 'H1 … and goes when it is back, at the next turn';
    is $aside->('11'), '0 0 -', 'H1 … which cdp_status knows';

    # Behind it: other fields go on, the same field does not overtake
    $redcap->forget;
    my ($stuck, $beside) = save($d, '13', [ $e1, 0, 'na', '1' ], [ $e1, 0, 'dob', '1970-12-24' ]);
    my ($later, $other) = save($d, '13', [ $e1, 0, 'na', '2' ], [ $e1, 0, 'last_name', 'Morris' ]);
    my ($next) = save($d, '13', [ $e1, 0, 'first_name', 'Lockman' ]);
    $take_key->($stuck);
    is counts($d->ask(deliver => '13')), 'SL_OK 3 0 2', 'H1 what is behind it for other fields goes, what was saved beside it, too';
    is state_of($stuck, $beside, $later, $other, $next), 'waiting delivered waiting delivered delivered', 'H1 … the same field does not overtake it';
    is $redcap->value('13', $e1, 'na'), undef, 'H1 … the app has nothing for that';
    is $aside->('13'), '2 1 k0', 'H1 … one is put aside, and one waits for it';
    is counts($d->ask(due => 10)), 'SL_OK 0 0 0', 'H1 … a turn does not stop at it';
    my $with = Deliverer->new(CDP_RING => join("\n", map { "k$_ " . encode_base64('k' x 32, '') } 1, 0));
    is counts($with->ask(due => 10)), 'SL_OK 2 0 0', 'H1 … a host that has the key sends it';
    is join(' ', map { $_->{rows}[0]{na} // () } $redcap->imports), '1 2', 'H1 … in order';
    is state_of($stuck, $later), 'delivered delivered', 'H1 … both are there';
    $with->end;
    unlog();

    # Only one delivers a record, whatever stands first in it
    $redcap->forget->faults({ path => '/api/', when => { action => 'import' }, works => 1, hang => 1, times => 1 });
    my ($first) = save($d, '14', [ $e1, 0, 'na', '1' ]);
    save($d, '14', [ $e1, 0, 'dob', '1970-12-24' ]);
    $take_key->($first);
    my $busy = Deliverer->new;
    $busy->send(deliver => '14');
    wait_for('the import', sub { scalar $redcap->imports });
    save($d, '14', [ $e1, 0, 'last_name', 'Morris' ]);
    is counts($d->ask(deliver => '14')), 'SL_OK 0 0 3', 'CDP-DEL … while one host delivers behind it, nobody else has the record';
    $busy->kill;
    due_now();
    is counts($d->ask(due => 10)), 'SL_OK 2 0 1', 'CDP-DEL … its lease ends: another goes on';
    $give_key->($first);
    is counts($d->ask(deliver => '14')), 'SL_OK 1 0 0', 'H1 … and the key comes back';
    is $redcap->value('10', $e1, 'systolic'), undef, 'H1 … the app got nothing of the other';
    unlog();
}

# What the app tells
{
    $redcap->forget;
    my $fresh = Deliverer->new;
    my $told = $fresh->ask('dictionary');
    is "$told->{rc} $told->{events}", 'SL_OK 3', 'CDP-MAP the app describes its fields';
    is scalar(@{ $told->{fields} }), scalar(@{ SL::REDCap::default_project()->{metadata} }), '… all of them';
    my $asked = scalar $redcap->log;
    $fresh->ask('dictionary') for 1 .. 3;
    is scalar($redcap->log), $asked, '… and is not asked again within a minute';
    $redcap->put('12', $e1, visit_date => '2024-03-15', dob => '1970-12-24')->put('12', [ 'event_2_arm_1', 'labs', 2 ], lab_date => '2024-04-01');
    $told = $fresh->ask('record', '12', $e1, 'na/visit_date', 'event_2_arm_1', 'lab_glucose/lab_date', $e1, 'nonsense');
    is_deeply $told->{values}, { "$e1/0/record_id" => '12', "$e1/0/na" => '', "$e1/0/visit_date" => '2024-03-15',
        'event_2_arm_1/2/lab_glucose' => '', 'event_2_arm_1/2/lab_date' => '2024-04-01' },
        'C6 dates and present values of a record, by event and instance';
    my ($export) = grep { ($_->{form}{action} // '') eq 'export' } $redcap->log;
    ok !(grep { /nonsense/ } values %{ $export->{form} }), '… a field that the project has not is not asked for';
    is $fresh->ask('record', 'nobody', $e1, 'na')->{rc}, 'SL_NONE', 'CDP-DEL a record that the app has not';
    $redcap->away;
    is $fresh->ask('record', '12', $e1, 'na')->{rc}, 'SL_UPSTREAM', 'CDP-DEL the app is away: not the same as no record';
    $redcap->back;
    $fresh->end;

    my $wrong = Deliverer->new(CDP_SECRET => 'F' x 32);
    $told = $wrong->ask('dictionary');
    is "$told->{rc} $told->{id}", 'SL_DENIED SL8302', 'CDP-DEL a token that the app refuses';
    unlike $told->{text}, qr/FFFF/, 'H1 … stands in no message';
    $wrong->end;

    # A project with thousands of fields: larger than one entry of shared memory.
    my $large = SL::REDCap->new(project => SL::REDCap::classic_project())->set(metadata => [
        @{ SL::REDCap::default_project()->{metadata} }, map { SL::REDCap::field("f$_", 'big', 'text', label => 'x' x 100) } 1 .. 3000 ]);
    my $with = Deliverer->new(CDP_URL => $large->url);
    is scalar(@{ $with->ask('dictionary')->{fields} }), 3000 + @{ SL::REDCap::default_project()->{metadata} }, 'CDP-MAP a project of 3,000 fields';
    $large->forget;
    is scalar(@{ $with->ask('dictionary')->{fields} }), 3000 + @{ SL::REDCap::default_project()->{metadata} }, '… is remembered';
    is scalar($large->log), 0, '… and not asked for again';
    my ($key) = save($with, 'c1', [ '', 0, 'f2999', 'text' ]);
    is counts($with->ask(deliver => 'c1')), 'SL_OK 1 0 0', 'CDP-DEL a project without events';
    is_deeply [ $large->imports ]->[0]{rows}, [ { record_id => 'c1', f2999 => 'text' } ], '… a row of its own';
    $with->end;
}

# Over TLS
{
    my $tls = SL::REDCap->new(tls => 1);
    my $trusting = Deliverer->new(CDP_URL => $tls->url, CDP_CA => SL::TLS::ca());
    is $trusting->ask('dictionary')->{rc}, 'SL_OK', 'CDP-DEL an app with a certificate of an authority that was named';
    $trusting->end;
    $tls->forget;
    my $careful = Deliverer->new(CDP_URL => $tls->url);
    my $told = $careful->ask('dictionary');
    is "$told->{rc} $told->{id}", 'SL_UPSTREAM SL3508', 'CDP-DEL a certificate that nobody vouches for';
    is scalar($tls->log), 0, 'H1 … no token is sent there';
    $careful->end;
    my $plain = Deliverer->new(CDP_URL => 'http://app.example/api/');
    is $plain->ask('dictionary')->{id}, 'SL3512', 'H1 … nor over plain HTTP to anywhere but loopback';
    $plain->end;
}

# The other protocol
{
    $redcap->forget;
    my $s = Deliverer->new(CDP_PROTOCOL => 'http', CDP_URL => $redcap->signed_url, CDP_SECRET => $redcap->secret);
    my @keys = save($s, '20', [ $e1, 0, 'dob', '1970-12-24' ], [ 'event_2_arm_1', 2, 'lab_glucose', '5.5' ], [ $e1, 0, 'sex', 'X' ], [ $e1, 0, 'na', '1' ]);
    is counts($s->ask(deliver => '20')), 'SL_OK 3 1 0', 'CDP-DEL signed JSON: a receiver that checks the signature takes three';
    is state_of(@keys), 'delivered delivered refused delivered', '… and refuses one';
    is reason_of($s, $keys[2]), 'The value is not a valid category for sex', '… with its reason';
    my ($first, $second) = $redcap->received;
    is_deeply $first, { project => 'study', record => '20', event => $e1, values => { dob => '1970-12-24' }, user => 'alice', key => $keys[0] }, '… what a message says';
    is $second->{instance}, 2, '… with its instance';
    $redcap->set(locked => [ { record => '20', form => 'demographics' } ]);
    my ($locked) = save($s, '20', [ $e1, 0, 'dob', '1980-01-01' ]);
    is counts($s->ask(deliver => '20')), 'SL_OK 0 1 0', 'H5 a locked record is not written (423)';
    like reason_of($s, $locked), qr/locked/, 'H5 … and says so';
    $redcap->set(locked => []);
    $redcap->faults({ path => '/signed', lost => 1, times => 1 });
    my ($twice) = save($s, '20', [ $e1, 0, 'na', '7' ]);
    is counts($s->ask(deliver => '20')), 'SL_OK 0 0 1', 'H3 an answer that is lost';
    is counts($s->ask(deliver => '20')), 'SL_OK 1 0 0', 'H3 … it is sent again';
    is scalar(grep { $_->{key} eq $twice } $redcap->received), 1, 'H3 … and known by its key';
    is $s->ask('dictionary')->{rc}, 'SL_NONE', 'CDP-MAP this protocol does not ask for fields';
    is $s->ask('record', '20', $e1, 'na')->{rc}, 'SL_NONE', '… nor for records';
    unlog();
    my $forger = Deliverer->new(CDP_PROTOCOL => 'http', CDP_URL => $redcap->signed_url, CDP_SECRET => 'not the secret');
    save($forger, '21', [ $e1, 0, 'na', '9' ]);
    is counts($forger->ask(deliver => '21')), 'SL_OK 0 0 1', 'CDP-DEL a wrong key: the receiver refuses the signature, and it waits';
    is join(' ', unlog()), 'SL8302', '… with a line in the log';
    $_->end for $s, $forger;
    $pg->dbh->do("DELETE FROM smartlaunch.cdp_outbox WHERE state = 'waiting' AND project = 'study'");
}

# The app's own word on who may
{
    $redcap->forget;
    my $a = Deliverer->new(CDP_ACCESS => $redcap->access_url);
    my $may = sub { my $told = $a->ask(rights => @_); return "$told->{rc} $told->{setup} $told->{adjudicate}" };
    is $may->('alice', 'l1'), 'SL_OK 0 0', 'C1 without a row there is no right';
    is scalar($redcap->log('/access')), 0, '… and the app is not asked';
    $pg->dbh->do("INSERT INTO smartlaunch.cdp_right (project, app_user, may, granted_by) VALUES ('study', 'alice', 'adjudicate', 'test')");
    is $may->('alice', 'l1'), 'SL_OK 0 1', 'H9 the app says 1';
    is_deeply [ map { $_->{form} } $redcap->log('/access') ], [ { user => 'alice', project => 'study' } ], '… asked for user and project';
    $may->('alice', 'l1') for 1 .. 3;
    is scalar($redcap->log('/access')), 1, 'H9 … once per session';
    $may->('alice', 'l2');
    is scalar($redcap->log('/access')), 2, '… another session asks anew';
    my $n = 2;
    for my $case ([ '1 with blanks', " 1\n", undef, 1 ], [ '0', '0', undef, 0 ], [ 'nothing', '', undef, 0 ], [ '11', '11', undef, 0 ], [ 'a page', '<html>1</html>', undef, 0 ],
        [ '1 and status 500', '1', { status => 500, body => '1' }, 0 ], [ '1 and status 201', '1', { status => 201, body => '1' }, 0 ],
        [ 'a redirect', '1', { status => 302, headers => { Location => '/access' } }, 0 ], [ 'no answer', '1', { close => 1 }, 0 ]) {
        my ($what, $word, $fault, $yes) = @$case;
        $redcap->set(access => $word);
        $redcap->faults($fault ? { path => '/access', times => 1, %$fault } : ());
        is $may->('alice', "case $what"), "SL_OK 0 $yes", "H9 the app says $what";
        is $may->('alice', "case $what"), "SL_OK 0 $yes", '… and that is remembered';
        is scalar($redcap->log('/access')), ++$n, '… for this session and project';
    }
    is join(' ', sort(unlog())), 'SL8401 SL8402 SL8402 SL8402 SL8403 SL8403 SL8403 SL8403', 'H9 each has its line in the log';
    $redcap->away;
    is $may->('alice', 'away'), 'SL_OK 0 0', 'H9 it is away: nobody gets in';
    $redcap->back;
    $a->end;
    unlog();
}

# The app that hangs
{
    is counts($hanging[0]->get), 'SL_OK 0 0 1', 'CDP-DEL an app that hangs: it waits';
    is join(' ', unlog()), 'SL3505', '… with a line in the log';
    is counts($hanging[0]->get), 'SL_OK 0 0 1', '… it is left alone for a moment';
    is scalar($slow->log('/signed')), 1, '… nobody waits for it again';
    is join(' ', unlog()), 'SL8301', '… which the log says';
    my $told = $hanging[1]->get;
    is "$told->{rc} $told->{adjudicate}", 'SL_OK 0', 'H9 SmartCDPAccess times out: nobody gets in';
    is join(' ', unlog()), 'SL8401', '… with a line in the log';
    $_->end for @hanging;
}

# Nothing of all this stands in the tables, but sealed
my ($dump) = (capture('pg_dump', '--data-only', '-d', $pg->owner_conninfo))[1];
like $dump, qr/cdp_outbox/, 'H1 a dump of the tables';
for my $value ("O'L", '1970-12-24', '77777', '99999', 'one line', 'suggested range', $redcap->token, $redcap->secret) {
    unlike $dump, qr/\Q$value\E/, 'H1 … without a value, a reason or a secret';
}
is $d->end, 0, 'the program ends well';
done();
