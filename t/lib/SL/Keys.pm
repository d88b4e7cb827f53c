# SPDX-License-Identifier: Apache-2.0
# Private keys for SmartClientKey, and what an independent library (node's crypto) says of signatures.
package SL::Keys;
use strict;
use warnings;
use Carp qw(croak);
use JSON::PP ();
use SL::Run qw(capture run_dir slurp spit top);

# The path of a key file: one of the SMART App Launch guide's ('RS384', 'ES384') as JWK set, 600.
sub guide {
    my ($dir, $which, $name) = @_;
    return spit("$dir/" . ($name // "$which.json"), slurp(top() . "/t/vectors/$which.private.json"), 0600);
}

# A new one in PEM, made by openssl: 'rsa' or 'ec'.
sub pem {
    my ($dir, $kind, $name) = @_;
    my @how = $kind eq 'rsa' ? qw(-algorithm RSA -pkeyopt rsa_keygen_bits:2048) : qw(-algorithm EC -pkeyopt ec_paramgen_curve:P-384);
    my ($rc, $text) = capture('openssl', 'genpkey', @how, '-out', "$dir/$name");
    croak "openssl genpkey: $text" if $rc;
    chmod 0600, "$dir/$name" or croak "chmod: $!";
    return "$dir/$name";
}

# How many of these JWTs verify by a key of this JWK set, by node's crypto: RS384 and ES384 only.
sub verified {
    my ($set, @jwts) = @_;
    my $dir = run_dir('jwts');
    my $file = spit("$dir/jwts.json", JSON::PP->new->utf8->encode({ keys => $set->{keys}, jwts => \@jwts }));
    my ($rc, $text) = capture('node', '-e', <<'JS', $file);
const { createPublicKey, verify } = require('node:crypto');
const { keys, jwts } = JSON.parse(require('node:fs').readFileSync(process.argv[1]));
const good = jwts.filter((jwt) => {
  const [head, claims, signature] = jwt.split('.');
  const { alg, kid } = JSON.parse(Buffer.from(head, 'base64url'));
  const found = keys.filter((key) => key.kid === kid && key.alg === alg && key.use === 'sig');
  if (found.length !== 1 || !['RS384', 'ES384'].includes(alg)) return false;
  const key = { key: createPublicKey({ key: found[0], format: 'jwk' }), dsaEncoding: 'ieee-p1363' };
  return verify('sha384', Buffer.from(`${head}.${claims}`), key, Buffer.from(signature, 'base64url'));
});
console.log(good.length);
JS
    croak "node: $text" if $rc;
    return $text =~ s/\s+\z//r;
}

1;
