# SPDX-License-Identifier: Apache-2.0
# An HTTP/1.1 client that sends exactly what a test says: any spelling and order of headers, any
# bytes. Every *.localhost name is 127.0.0.1. One connection per request. No cookies, no redirects.
package SL::HTTP;
use strict;
use warnings;
use Carp qw(croak);
use Exporter qw(import);
use HTTP::Response;
use IO::Select;
use IO::Socket::INET;
use IO::Socket::SSL;
use JSON::PP ();
use SL::TLS;
use Storable ();
use Time::HiRes qw(time);
use URI;

our @EXPORT_OK = qw(request many raw json);

# Like a load balancer: what is meant for the first port goes to the second. %via = (port => port)
our %via;

# The address from which connections are made: any of 127.0.0.0/8.
our $from = '127.0.0.1';

# request(METHOD, URL, headers => [name => value, ...], body => bytes, timeout => seconds):
# an HTTP::Response. An answer that is cut short, late or no HTTP is an exception.
sub request {
    my ($method, $url, %opt) = @_;
    my $uri = URI->new($url);
    my $target = $uri->path_query;
    $target = "/$target" if $target !~ m{^[/*]};
    my @headers = @{ $opt{headers} || [] };
    my %has = map { lc $headers[ 2 * $_ ] => 1 } 0 .. @headers / 2 - 1;
    unshift @headers, Host => $uri->host_port if !$has{host};
    push @headers, Connection => 'close' if !$has{connection};
    push @headers, 'Content-Length' => length $opt{body}
        if defined $opt{body} && !$has{'content-length'} && !$has{'transfer-encoding'};
    my $text = "$method $target HTTP/1.1\r\n";
    while (my ($name, $value) = splice @headers, 0, 2) {
        $text .= "$name: $value\r\n";
    }
    $text .= "\r\n" . ($opt{body} // '');
    my $response = _parse(raw($url, $text, $opt{timeout}), $method);
    $response->request(bless { method => $method, uri => $uri }, 'SL::HTTP::Asked');
    return $response;
}

# Sends bytes to the server of $url and returns what it sends back until it closes.
sub raw {
    my ($url, $bytes, $timeout) = @_;
    my $deadline = time + ($timeout || 60);
    my $socket = _connect(URI->new($url));
    local $SIG{PIPE} = 'IGNORE';
    $socket->print($bytes);
    my ($answer, $select) = ('', IO::Select->new($socket));
    while (1) {
        my $left = $deadline - time;
        croak "no complete answer in time from $url" if $left <= 0;
        my $pending = $socket->can('pending') ? $socket->pending : 0;
        next if !$pending && !$select->can_read($left);
        my $n = sysread $socket, $answer, 65536, length $answer;
        next if !defined $n && ($!{EAGAIN} || $!{EINTR});
        last if !$n;
    }
    return $answer;
}

sub _connect {
    my ($uri) = @_;
    my %to = (LocalAddr => $from, PeerAddr => '127.0.0.1', PeerPort => $via{ $uri->port } || $uri->port, Timeout => 60);
    if ($uri->scheme eq 'http') {
        return IO::Socket::INET->new(%to) || croak "connect to $uri: $@";
    }
    return IO::Socket::SSL->new(%to, SSL_ca_file => SL::TLS::ca(), SSL_hostname => $uri->host,
        SSL_verifycn_name => $uri->host, SSL_verifycn_scheme => 'http')
        || croak "connect to $uri: " . ($IO::Socket::SSL::SSL_ERROR || $@);
}

sub _parse {
    my ($bytes, $method) = @_;
    $bytes =~ s/^HTTP\/1\.[01] 1(?!01)\d\d.*?\r\n\r\n//s while $bytes =~ /^HTTP\/1\.[01] 1(?!01)\d\d/;
    my ($head, $body) = split /\r\n\r\n/, $bytes, 2;
    croak 'the connection was closed without an answer' if !length $bytes;
    croak 'no HTTP answer: ' . substr $bytes, 0, 200
        if !defined $body || $head !~ m{^HTTP/1\.[01] \d\d\d};
    my $response = HTTP::Response->parse("$head\r\n\r\n");
    return $response if $method eq 'HEAD' || $response->code =~ /^(?:1\d\d|204|304)$/;
    my $length = $response->header('Content-Length');
    if (($response->header('Transfer-Encoding') // '') =~ /chunked/i) {
        $body = _dechunk($body);
    }
    elsif (defined $length) {
        croak 'the answer was cut short' if length $body < $length;
        $body = substr $body, 0, $length;
    }
    $response->content($body);
    return $response;
}

sub _dechunk {
    my ($bytes) = @_;
    my $body = '';
    while ($bytes =~ s/^([0-9a-f]+)[^\r\n]*\r\n//i) {
        my $size = hex $1;
        return $body if $size == 0;
        croak 'the answer was cut short' if length $bytes < $size + 2;
        $body .= substr $bytes, 0, $size;
        $bytes = substr $bytes, $size + 2;
    }
    croak 'the answer was cut short';
}

# The body of a response, decoded; an exception when it is no JSON.
sub json {
    my ($response) = @_;
    return JSON::PP->new->utf8->decode($response->content);
}

# Runs code in that many processes at once and returns what each returned (data or a response);
# an exception in one of them is one here.
sub many {
    my ($count, $code) = @_;
    my @pipes;
    for my $i (0 .. $count - 1) {
        my $pid = open(my $from, '-|') // croak "fork: $!";
        if (!$pid) {
            my $result = eval { [ 1, $code->($i) ] } || [ 0, "$@" ];
            binmode STDOUT;
            print Storable::freeze($result);
            close STDOUT;
            POSIX::_exit(0);
        }
        push @pipes, $from;
    }
    my @results = map { local $/ = undef; binmode $_; scalar readline $_ } @pipes;
    close $_ for @pipes;
    return map {
        my ($fine, $value) = @{ Storable::thaw($_) };
        croak $value if !$fine;
        $value;
    } @results;
}

package SL::HTTP::Asked;
sub method { return $_[0]{method} }
sub uri { return $_[0]{uri} }

1;
