# SPDX-License-Identifier: Apache-2.0
# The sandbox EHR (demo/ehr), and its control URL by which a test bends it and reads its log.
package SL::EHR;
use strict;
use warnings;
use Carp qw(croak);
use JSON::PP ();
use SL::HTTP qw(request);
use SL::Run qw(free_port run_dir slurp spawn spit top wait_for);
use SL::TLS;
use URI::Escape qw(uri_escape_utf8);

# origin: the app's origin (https://app.localhost:PORT), required.
# clients: what is registered (default: default_clients). tenants: "a,b". search => 1: no search is slow,
# not even the first (takes a second more to start).
sub new {
    my ($class, %arg) = @_;
    my $self = bless { dir => run_dir('ehr'), port => free_port(), origin => $arg{origin} }, $class;
    my $clients = $arg{clients} || [ default_clients("$arg{origin}/smart") ];
    my $tls = SL::TLS::dir();
    spit("$self->{dir}/clients.json", JSON::PP->new->utf8->encode($clients));
    $self->{server} = spawn([ 'node', top() . '/demo/ehr/server.mjs', '--port', $self->{port},
            '--host', 'ehr.localhost', '--fhir-host', 'localhost', '--cert', "$tls/server.pem", '--key', "$tls/server.key",
            '--launch-url', "$arg{origin}/smart", '--clients',
            "$self->{dir}/clients.json", $arg{tenants} ? ('--tenants', $arg{tenants}) : (),
            $arg{search} ? '--search' : () ],
        out => "$self->{dir}/out", err => "$self->{dir}/err", name => 'the sandbox EHR');
    wait_for('the sandbox EHR', sub {
        $self->{server}->alive or croak 'the sandbox EHR did not start: ' . slurp("$self->{dir}/err");
        return slurp("$self->{dir}/out") =~ /"ready":true/;
    }, 60);
    return $self;
}

# One client for each way to prove itself; the secret of the confidential ones has every character
# that a careless encoder breaks.
sub secret { return 's3cret%+/=&:é' }

sub default_clients {
    my ($redirect) = @_;
    my %common = (redirect_uris => [$redirect], id_token_signed_response_alg => 'RS256');
    my $secret = secret();
    utf8::decode($secret);
    return (
        { %common, client_id => 'app-basic', client_secret => $secret, basic => 'raw',
            token_endpoint_auth_method => 'client_secret_basic' },
        { %common, client_id => 'app-form', client_secret => $secret, basic => 'form',
            token_endpoint_auth_method => 'client_secret_basic' },
        { %common, client_id => 'app-post', client_secret => $secret,
            token_endpoint_auth_method => 'client_secret_post' },
        { %common, client_id => 'app-public', token_endpoint_auth_method => 'none' },
    );
}

sub base { my ($self, $tenant) = @_; return "https://ehr.localhost:$self->{port}" . ($tenant ? "/t/$tenant" : '') }
# The FHIR base has a name of its own, which mod_proxy can look up.
sub issuer { my ($self, $tenant) = @_; return $self->base($tenant) =~ s/ehr\.localhost/localhost/r . '/fhir' }
sub auth { my ($self, $tenant) = @_; return $self->base($tenant) . '/auth' }

# A view of the same EHR whose calls go to one tenant.
sub tenant {
    my ($self, $name) = @_;
    return bless { %$self, tenant => $name, dir => undef, server => undef }, ref $self;
}

# Who opens which patient: {launch, iss, url}. patient => undef: a launch without one. Other members
# as in demo/ehr/README.md.
sub launch {
    my ($self, %arg) = @_;
    $arg{user} //= 'dr-smith';
    $arg{patient} = $self->patients->[0] if !exists $arg{patient};
    delete $arg{patient} if !defined $arg{patient};
    return $self->control('POST', 'launch', \%arg);
}

# Ids of the patients, as the EHR knows them.
sub patients {
    my ($self) = @_;
    return $self->{patients} ||= [
        map { $_->{id} } @{ JSON::PP->new->utf8->decode(slurp(top() . '/demo/ehr/patients.json')) } ];
}

# What the EHR was sent: a list of {method, path, query, headers, body, status}.
sub log {
    my ($self, $path) = @_;
    return @{ $self->control('GET', 'log' . ($path ? '?path=' . uri_escape_utf8($path) : '')) };
}

sub forget { return $_[0]->control('DELETE', 'log') }

# {refreshes, reused, bearers} as in demo/ehr/README.md; forget_counts: the first two from 0.
sub counts { return $_[0]->control('GET', 'counts') }
sub forget_counts { return $_[0]->control('DELETE', 'counts') }

# What was issued ends before its time: 'access' (tokens; a refresh helps) or 'grants' (nothing helps).
sub end { my ($self, $what) = @_; return $self->control('POST', 'end', { what => $what }) }

# faults(token => {status => 500}): from now on; faults(): none any more.
sub faults {
    my ($self, %fault) = @_;
    return $self->control('DELETE', 'faults') if !%fault;
    return $self->control('PUT', 'faults', \%fault);
}

# What a fault with held => 1 holds goes on, and no more is held.
sub release { return $_[0]->control('POST', 'release', {}) }

sub id_token {
    my ($self, %how) = @_;
    return $self->control('DELETE', 'id_token') if !%how;
    return $self->control('PUT', 'id_token', \%how);
}

sub rotate { my ($self, %how) = @_; return $self->control('POST', 'rotate', \%how) }
sub settings { my ($self, %how) = @_; return $self->control('PUT', 'settings', \%how) }
sub clients { my ($self, @all) = @_; return $self->control('PUT', 'clients', \@all) }
sub reset { return $_[0]->control('POST', 'reset', {}) }

sub control {
    my ($self, $method, $what, $body) = @_;
    my @body = defined $body
        ? (headers => [ 'Content-Type' => 'application/json' ], body => JSON::PP->new->utf8->encode($body))
        : ();
    my $response = request($method, $self->base($self->{tenant}) . "/control/$what", @body);
    croak "EHR control $method $what: " . $response->as_string if !$response->is_success;
    return length $response->content ? SL::HTTP::json($response) : undef;
}

sub stop { return $_[0]{server}->stop }

1;
