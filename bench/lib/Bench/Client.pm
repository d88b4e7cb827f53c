# SPDX-License-Identifier: Apache-2.0
# One keep-alive connection to a plain HTTP port: the same bytes again and again.
package Bench::Client;
use strict;
use warnings;
use Carp qw(croak);
use IO::Socket::INET;

sub new { my ($class, $port) = @_; return bless { port => $port, in => '' }, $class }

# Sends one request and reads its answer: (status, head, body). A connection that httpd closed
# while it was idle is opened again.
sub ask {
    my ($self, $bytes) = @_;
    for my $try (1, 2) {
        my $is_new = !$self->{socket};
        $self->{socket} ||= IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port})
            || croak "connect: $@";
        my @answer = eval { local $SIG{PIPE} = 'IGNORE'; $self->_exchange($bytes) };
        return @answer if @answer;
        delete $self->{socket};
        croak $@ if $is_new;
    }
    croak $@;
}

sub _exchange {
    my ($self, $bytes) = @_;
    $self->{in} = '';
    syswrite $self->{socket}, $bytes or croak "write: $!";
    my $head = $self->_until("\r\n\r\n");
    my ($status) = $head =~ m{^HTTP/1\.1 (\d+)} or croak "no answer: $head";
    my ($length) = $head =~ /^Content-Length: (\d+)/mi;
    my $body = defined $length ? $self->_take($length)
        : $head =~ /^Transfer-Encoding: chunked/mi ? $self->_chunks : '';
    delete $self->{socket} if $head =~ /^Connection: close/mi;
    return ($status, $head, $body);
}

sub _until {
    my ($self, $mark) = @_;
    my $at;
    $self->_more while ($at = index $self->{in}, $mark) < 0;
    return substr $self->{in}, 0, $at + length $mark, '';
}

sub _take {
    my ($self, $length) = @_;
    $self->_more while length $self->{in} < $length;
    return substr $self->{in}, 0, $length, '';
}

sub _chunks {
    my ($self) = @_;
    my $body = '';
    while (my $size = hex($self->_until("\r\n") =~ s{\s+\z}{}r)) {
        $body .= $self->_take($size);
        $self->_until("\r\n");
    }
    $self->_until("\r\n");
    return $body;
}

sub _more {
    my ($self) = @_;
    sysread($self->{socket}, $self->{in}, 65536, length $self->{in}) or croak 'the connection ended';
    return;
}

# What a browser sends for a script of the app's page; other headers are added.
sub browser {
    my ($host, %headers) = @_;
    return (
        'Host' => $host,
        'User-Agent' => 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) '
            . 'Chrome/131.0.0.0 Safari/537.36',
        'Accept' => '*/*',
        'Accept-Language' => 'en-GB,en;q=0.9',
        'Accept-Encoding' => 'gzip, deflate, br, zstd',
        'Sec-Fetch-Site' => 'same-origin',
        'Sec-Fetch-Mode' => 'cors',
        'Sec-Fetch-Dest' => 'empty',
        %headers,
    );
}

# The bytes of a GET with these headers.
sub bytes {
    my ($target, %headers) = @_;
    return join '', "GET $target HTTP/1.1\r\n", (map { "$_: $headers{$_}\r\n" } sort keys %headers), "\r\n";
}

1;
