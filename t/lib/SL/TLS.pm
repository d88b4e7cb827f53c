# SPDX-License-Identifier: Apache-2.0
# A certificate authority for one run of the tests, a server certificate for the names the tests
# use, and one of a stranger's authority. SL_TLS names a directory that several tests share.
package SL::TLS;
use strict;
use warnings;
use Carp qw(croak);
use SL::Run qw(capture run_dir spit);

my $dir;

# Directory with ca.pem, server.pem, server.key, stranger.pem, stranger.key.
sub dir {
    $dir ||= $ENV{SL_TLS} || _make();
    return "$dir";
}

sub ca { return dir() . '/ca.pem' }

sub _make {
    my $new = run_dir('tls');
    make("$new");
    return $new;
}

sub make {
    my ($at) = @_;
    spit("$at/san", join "\n", 'basicConstraints=CA:FALSE', 'extendedKeyUsage=serverAuth',
        'subjectAltName=DNS:localhost,DNS:app.localhost,DNS:ehr.localhost,DNS:other.localhost,DNS:*.site.localhost,'
            . 'IP:127.0.0.1', '');
    for my $ca ([ 'ca', 'server' ], [ 'strangers-ca', 'stranger' ]) {
        my ($issuer, $name) = @$ca;
        _openssl(qw(req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30),
            '-subj', "/CN=mod_smartlaunch test $issuer", '-keyout', "$at/$issuer.key",
            '-out', "$at/$issuer.pem", '-addext', 'keyUsage=critical,keyCertSign,cRLSign');
        _openssl(qw(req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes), '-subj',
            '/CN=app.localhost', '-keyout', "$at/$name.key", '-out', "$at/$name.csr");
        _openssl(qw(x509 -req -days 30 -set_serial 1), '-in', "$at/$name.csr", '-CA',
            "$at/$issuer.pem", '-CAkey', "$at/$issuer.key", '-extfile', "$at/san", '-out',
            "$at/$name.pem");
    }
    return;
}

sub _openssl {
    my ($rc, $text) = capture('openssl', @_);
    croak "openssl $_[0]: $text" if $rc;
    return;
}

1;
