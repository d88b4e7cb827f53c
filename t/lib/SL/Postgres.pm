# SPDX-License-Identifier: Apache-2.0
# A private PostgreSQL cluster and a fresh database in it. Within one run of test.sh all tests share
# one cluster (SL_PG names its directory); a test that stops the server asks for its own.
package SL::Postgres;
use strict;
use warnings;
use Carp qw(croak);
use DBI;
use SL::Run qw(build capture free_port own_by run_dir slurp spawn spit top wait_for);

my $serial = 0;

# own => 1: a cluster for this test alone, which may be stopped. schema => 0: an empty database.
sub new {
    my ($class, %arg) = @_;
    my $self = bless {}, $class;
    $self->{cluster} = !$arg{own} && $ENV{SL_PG} ? _shared($ENV{SL_PG}) : _cluster();
    $self->_database($arg{schema} // 1);
    return $self;
}

# What SmartDatabase is told: the login role of httpd, a member of smartlaunch_module. A cluster that is never
# stopped may take its time on a busy machine.
sub conninfo {
    my ($self) = @_;
    return $self->_conninfo('web') . ($self->{cluster}{server} ? '' : ' connect_timeout=10');
}

# A DBA's login, a member of smartlaunch_dba.
sub dba_conninfo { return $_[0]->_conninfo('dba') }

# The owner's connection string, with which smartlaunchctl installs the schema.
sub owner_conninfo { return $_[0]->_conninfo('postgres') }

sub _conninfo {
    my ($self, $user) = @_;
    my $c = $self->{cluster};
    return "host=$c->{socket} port=$c->{port} dbname=$self->{name} user=$user password=$c->{password}";
}

# A DBI handle (errors are exceptions); role is postgres unless named.
sub dbh {
    my ($self, $role) = @_;
    $role ||= 'postgres';
    my $dbh = $self->{dbh}{$role};
    return $dbh if $dbh && $dbh->ping;
    return $self->{dbh}{$role} = _connect($self->{cluster}, $self->{name}, $role);
}

# All rows of a query, as hashes; or its first value.
sub rows { my ($self, $sql, @bind) = @_; return @{ $self->dbh->selectall_arrayref($sql, { Slice => {} }, @bind) } }
sub value { my ($self, $sql, @bind) = @_; return scalar $self->dbh->selectrow_array($sql, undef, @bind) }

# Only for a cluster of one's own.
sub stop {
    my ($self) = @_;
    croak 'this cluster is shared' if !$self->{cluster}{server};
    delete $self->{dbh};
    $self->{cluster}{server}->stop or croak 'PostgreSQL did not end';
    return;
}

# As if the machine had lost power; and the reverse of that is start().
sub crash {
    my ($self) = @_;
    my $server = $self->{cluster}{server} or croak 'this cluster is shared';
    delete $self->{dbh};
    $server->signal('QUIT');
    wait_for('PostgreSQL to break off', sub { !$server->alive });
    return;
}

# It takes connections and statements, and does nothing, until thaw().
sub freeze {
    my ($self) = @_;
    kill 'STOP', ($self->_processes)[0]; # so that it starts no others
    kill 'STOP', $self->_processes;
    return;
}
sub thaw { my ($self) = @_; kill 'CONT', $self->_processes; return }

sub _processes {
    my ($self) = @_;
    my $server = $self->{cluster}{server} or croak 'this cluster is shared';
    my @children = map { m{^/proc/(\d+)/} } grep { slurp($_) =~ /^\d+ \(.*\) \S \Q$server->{pid}\E /s } glob '/proc/[0-9]*/stat';
    return ($server->{pid}, @children);
}

sub start {
    my ($self) = @_;
    _start($self->{cluster});
    return;
}

# Everything in the database as text, the way a backup has it.
sub dump {
    my ($self) = @_;
    local $ENV{PGPASSWORD} = $self->{cluster}{password};
    my ($rc, $text) = capture(_bin('pg_dump'), '-d', $self->owner_conninfo);
    croak "pg_dump: $text" if $rc;
    return $text;
}

sub DESTROY {
    my ($self) = @_;
    local ($@, $?, $!);
    $_->disconnect for grep { $_ } values %{ delete $self->{dbh} || {} };
    return;
}

# The cluster

# Starts one in $dir for the tests that follow; test.sh calls this.
sub share {
    my ($dir) = @_;
    my $cluster = _cluster($dir);
    spit("$dir/access", "$cluster->{socket} $cluster->{port} $cluster->{password}\n", 0600);
    return $cluster->{server};
}

sub _shared {
    my ($dir) = @_;
    my ($socket, $port, $password) = split ' ', slurp("$dir/access");
    croak "no cluster in $dir" if !$password;
    return { socket => $socket, port => $port, password => $password };
}

sub _cluster {
    my ($dir) = @_;
    $dir ||= run_dir('pg');
    my $cluster = { dir => $dir, socket => "$dir", port => free_port(), password => _random() };
    own_by(_user(), "$dir");
    my $pwfile = spit("$dir/password", "$cluster->{password}\n", 0600);
    own_by(_user(), $pwfile);
    my @as = $> ? () : ('env', '-C', '/', 'setpriv', SL::Run::_as(_user()), '--');
    my ($rc, $text) = capture(@as, _bin('initdb'), '-D', "$dir/data", '-U', 'postgres', '-A',
        'scram-sha-256', "--pwfile=$pwfile", qw(-E UTF8 --locale=C.UTF-8 --no-sync));
    croak "initdb: $text" if $rc;
    unlink $pwfile;
    _start($cluster);
    _roles($cluster);
    return $cluster;
}

sub _start {
    my ($cluster) = @_;
    my $dir = $cluster->{dir};
    my @settings = map { ('-c', $_) } 'listen_addresses=127.0.0.1', "port=$cluster->{port}",
        "unix_socket_directories=$dir", 'fsync=off', 'max_connections=200', 'shared_buffers=32MB',
        'log_min_messages=warning', 'timezone=UTC';
    $cluster->{server} = spawn([ _bin('postgres'), '-D', "$dir/data", @settings ],
        user => _user(), err => "$dir/log", end => 'INT', name => 'PostgreSQL');
    wait_for('PostgreSQL', sub {
        $cluster->{server}->alive or croak 'PostgreSQL did not start: ' . slurp("$dir/log");
        my $dbh = eval { _connect($cluster, 'postgres', 'postgres') } or return 0;
        $dbh->disconnect;
        return 1;
    });
    return;
}

# Roles belong to the cluster, so they are made once, and with them the database every test's is
# copied from.
sub _roles {
    my ($cluster) = @_;
    my $dbh = _connect($cluster, 'postgres', 'postgres');
    $dbh->do("CREATE ROLE $_ LOGIN PASSWORD '$cluster->{password}'") for qw(web dba);
    my $ctl = build() . '/smartlaunchctl';
    if (-x $ctl) {
        $dbh->do('CREATE DATABASE smartlaunch_template');
        my $template = bless { cluster => $cluster, name => 'smartlaunch_template' }, __PACKAGE__;
        local $ENV{SL_SQLDIR} = top() . '/sql';
        local $ENV{ASAN_OPTIONS} = 'detect_leaks=0';
        my ($rc, $text) = capture($ctl, qw(schema install --db), $template->owner_conninfo);
        croak "smartlaunchctl schema install: $text" if $rc;
        $dbh->do('GRANT smartlaunch_module TO web');
        $dbh->do('GRANT smartlaunch_dba TO dba');
    }
    $dbh->disconnect;
    return;
}

sub _database {
    my ($self, $schema) = @_;
    $self->{name} = sprintf 'sl_%d_%d_%d', $^T, $$, ++$serial; # a pid comes back in a long run
    my $dbh = _connect($self->{cluster}, 'postgres', 'postgres');
    $dbh->do("CREATE DATABASE $self->{name}" . ($schema ? ' TEMPLATE smartlaunch_template' : ''));
    $dbh->disconnect;
    return;
}

sub _connect {
    my ($cluster, $name, $role) = @_;
    return DBI->connect("dbi:Pg:host=$cluster->{socket};port=$cluster->{port};dbname=$name", $role,
        $cluster->{password}, { RaiseError => 1, PrintError => 0, AutoCommit => 1 });
}

# postgres refuses to run as root
sub _user {
    return undef if $>;
    my ($user) = grep { getpwnam $_ } qw(postgres nobody);
    return $user;
}

sub _bin {
    my ($name) = @_;
    my ($newest) = sort { ($b =~ /(\d+)/)[0] <=> ($a =~ /(\d+)/)[0] } glob '/usr/lib/postgresql/*/bin';
    my $path = defined $newest ? "$newest/$name" : $name;
    return $path;
}

sub _random {
    open my $fh, '<:raw', '/dev/urandom' or croak "urandom: $!";
    my $bytes = '';
    read $fh, $bytes, 16;
    return unpack 'H*', $bytes;
}

1;
