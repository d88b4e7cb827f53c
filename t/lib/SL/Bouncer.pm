# SPDX-License-Identifier: Apache-2.0
# PgBouncer in transaction mode before a test's database.
package SL::Bouncer;
use strict;
use warnings;
use Carp qw(croak);
use SL::Postgres;
use SL::Run qw(free_port own_by run_dir slurp spawn spit wait_for);

# pg: SL::Postgres. pool: connections to the server (4).
sub new {
    my ($class, %arg) = @_;
    my ($pg, $cluster) = ($arg{pg}, $arg{pg}{cluster});
    my $self = bless { pg => $pg, dir => run_dir('bouncer'), port => free_port() }, $class;
    my $user = SL::Postgres::_user();
    own_by($user, "$self->{dir}");
    spit("$self->{dir}/users", qq("web" "$cluster->{password}"\n));
    spit("$self->{dir}/ini", <<"INI");
[databases]
$pg->{name} = host=$cluster->{socket} port=$cluster->{port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $self->{port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = $self->{dir}/users
pool_mode = transaction
default_pool_size = ${\ ($arg{pool} || 4) }
max_client_conn = 100
INI
    $self->{server} = spawn([ 'pgbouncer', "$self->{dir}/ini" ], user => $user,
        out => "$self->{dir}/log", err => "$self->{dir}/log", end => 'INT', name => 'PgBouncer');
    wait_for('PgBouncer', sub {
        $self->{server}->alive or croak 'PgBouncer did not start: ' . slurp("$self->{dir}/log");
        return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port});
    });
    return $self;
}

# What SmartDatabase is told.
sub conninfo {
    my ($self) = @_;
    return "host=127.0.0.1 port=$self->{port} dbname=$self->{pg}{name} user=web "
        . "password=$self->{pg}{cluster}{password}" . ($self->{pg}{cluster}{server} ? '' : ' connect_timeout=10');
}

1;
