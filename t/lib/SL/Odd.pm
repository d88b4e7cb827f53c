# SPDX-License-Identifier: Apache-2.0
# An EHR's servers gone wrong (t/lib/app/odd.mjs): each path answers what a test says, on listeners
# with a good certificate (good), a stranger's authority (stranger), one that has expired (expired),
# TLS 1.1 at most (old), and no TLS (plain).
package SL::Odd;
use strict;
use warnings;
use Carp qw(croak);
use JSON::PP ();
use SL::HTTP qw(json request);
use SL::Run qw(capture run_dir slurp spawn top wait_for);
use SL::TLS;

sub new {
    my ($class) = @_;
    my $self = bless { dir => run_dir('odd') }, $class;
    my $tls = SL::TLS::dir();
    my %listener = (
        good => { cert => "$tls/server.pem", key => "$tls/server.key" },
        stranger => { cert => "$tls/stranger.pem", key => "$tls/stranger.key" },
        expired => { cert => $self->_expired($tls), key => "$tls/server.key" },
        old => { cert => "$tls/server.pem", key => "$tls/server.key", max => 'TLSv1.1' },
        plain => { plain => JSON::PP::true() },
    );
    $self->{server} = spawn([ 'node', top() . '/t/lib/app/odd.mjs', JSON::PP->new->encode(\%listener) ],
        out => "$self->{dir}/out", err => "$self->{dir}/err", name => 'the odd EHR');
    $self->{port} = wait_for('the odd EHR', sub {
        $self->{server}->alive or croak 'the odd EHR did not start: ' . slurp("$self->{dir}/err");
        my $line = slurp("$self->{dir}/out");
        return $line =~ /"ready":true/ && JSON::PP->new->decode($line)->{ports};
    });
    return $self;
}

# The key of server.pem in a certificate of the same authority that ended in 2001.
sub _expired {
    my ($self, $tls) = @_;
    my $dir = "$self->{dir}";
    SL::Run::spit("$dir/ca.conf", <<"CONF");
[ca]
default_ca = one
[one]
database = $dir/index
new_certs_dir = $dir
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
CONF
    SL::Run::spit("$dir/index", '');
    my ($rc, $text) = capture(qw(openssl ca -batch -notext -config), "$dir/ca.conf", '-in', "$tls/server.csr", '-cert',
        "$tls/ca.pem", '-keyfile', "$tls/ca.key", '-extfile', "$tls/san", qw(-startdate 20000101000000Z
        -enddate 20010101000000Z -out), "$dir/expired.pem");
    croak "openssl ca: $text" if $rc;
    return "$dir/expired.pem";
}

# https://localhost:PORT of a listener; another name when told.
sub url {
    my ($self, $path, %at) = @_;
    my $listener = $at{listener} || 'good';
    my $scheme = $at{scheme} || ($listener eq 'plain' ? 'http' : 'https');
    return "$scheme://" . ($at{host} || 'localhost') . ":$self->{port}{$listener}$path";
}

# route('/path' => {status => 500}, …); a hash or array as body is sent as JSON.
sub route {
    my ($self, %routes) = @_;
    for my $route (grep { ref $_->{body} } values %routes) {
        $route->{body} = JSON::PP->new->canonical->utf8->encode($route->{body});
        utf8::decode($route->{body});
    }
    my $body = JSON::PP->new->utf8->encode(\%routes);
    return request('PUT', "http://127.0.0.1:$self->{port}{control}/routes", body => $body);
}

# Answers that are held (route: held => 1) go out, and no more are held.
sub release { my ($self) = @_; return request('POST', "http://127.0.0.1:$self->{port}{control}/release", body => '') }

# Requests so far: {listener, method, path, query, headers, body}; of one path where it is named.
sub log {
    my ($self, $path) = @_;
    my $all = json(request('GET', "http://127.0.0.1:$self->{port}{control}/log"))->{requests};
    return grep { !defined $path || $_->{path} eq $path } @$all;
}

# Connections that a listener saw.
sub connections {
    my ($self, $listener) = @_;
    return json(request('GET', "http://127.0.0.1:$self->{port}{control}/log"))->{connections}{$listener};
}

sub forget { my ($self) = @_; return request('DELETE', "http://127.0.0.1:$self->{port}{control}/log") }

# A <SmartEHR> block whose FHIR base is $base. Further lines may follow.
sub block {
    my ($self, $name, $base, @lines) = @_;
    my $ca = SL::TLS::ca();
    @lines = ('SmartClientAuth none', @lines) if !grep { /^SmartClient(?:Auth|Secret)/ } @lines;
    @lines = ('SmartScope launch', @lines) if !grep { /^SmartScope/ } @lines;
    return join "\n    ", "<SmartEHR $name>", "SmartIssuer $base", 'SmartClient odd-client',
        "SmartOutbound ca=$ca", @lines, "\n</SmartEHR>\n";
}

1;
