#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# `apachectl configtest` and keys: what cannot work, or would give a key away, is refused with one
# sentence that says what to write instead; and what -D DUMP_SMARTLAUNCH shows of keys is their names.
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use JSON::PP qw(decode_json);
use SL::Keys;

my $w = world(start => 0, fpm => 0);
my $httpd = $w->httpd;
my $dir = $httpd->dir;
my ($issuer, $ca) = ($w->ehr->issuer, SL::TLS::ca());

sub file_of { my ($name, $text, $mode) = @_; return spit("$dir/$name", $text, $mode // 0600) }
my ($rsa, $ec) = (SL::Keys::guide($dir, 'RS384'), SL::Keys::guide($dir, 'ES384'));
my $pem = SL::Keys::pem($dir, 'ec', 'ec.pem');
my $public = file_of('public.json', slurp(top() . '/t/vectors/ES384.public.json'));
my $readable = file_of('readable.pem', slurp($pem), 0640);
my $open = file_of('open.pem', slurp($pem), 0604);
my $secret = "SmartClientSecret file:" . file_of('secret.txt', "good\n");
capture('openssl', 'genpkey', qw(-algorithm EC -pkeyopt ec_paramgen_curve:P-384 -aes256 -pass pass:x -out), "$dir/locked.pem");
capture('openssl', 'genpkey', qw(-algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out), "$dir/p256.pem");
chmod 0600, "$dir/$_" or die "$_: $!" for qw(locked.pem p256.pem);

# A configuration whose EHR proves itself by these lines; `more`: behind its section.
sub ours {
    my ($lines, %arg) = @_;
    my $scope = $arg{scope} // 'SmartScope "launch openid fhirUser patient/*.rs"';
    return <<"CONF";
SmartDatabase "host=/nowhere dbname=x"
SmartKeyring $dir/keyring
SmartPublicURL https://app.example
<SmartEHR one>
    SmartIssuer $issuer
    SmartClient c1
    $scope
    SmartOutbound ca=$ca
    $lines
</SmartEHR>
${\ ($arg{more} // '') }
CONF
}

sub another { my ($lines) = @_; return "<SmartEHR two>\nSmartIssuer https://two.example/fhir\nSmartClient c2\nSmartScope launch\n$lines\n</SmartEHR>" }

sub refused {
    my ($name, $lines, $says, %arg) = @_;
    my ($rc, $text) = $httpd->configtest(config => ours($lines, %arg), vhost => $arg{vhost} // '');
    isnt $rc, 0, $name;
    like $text, $says, '… and it is said why';
    unlike $text, qr/BEGIN|"d"|MIG/, '… with nothing of the key';
    return;
}

sub accepted {
    my ($name, $lines, %arg) = @_;
    my ($rc, $text) = $httpd->configtest(config => ours($lines, %arg), vhost => $arg{vhost} // '');
    is $text, "Syntax OK\n", $name;
    return;
}

accepted("REG-3 $_->[0]", $_->[1]) for [ 'an RSA key as JWK set', "SmartClientKey $rsa" ], [ 'a P-384 key as JWK set', "SmartClientKey $ec" ],
    [ 'PEM', "SmartClientKey $pem" ], [ 'a path below ServerRoot, kid= and alg=', 'SmartClientKey ec.pem kid=2024 alg=ES384' ],
    [ 'two keys', "SmartClientKey $rsa\nSmartClientKey $ec" ];
accepted('REG-5 private-key-jwt, said', "SmartClientAuth private-key-jwt\nSmartClientKey $ec");
accepted('REG-5 a secret and a key, and which counts', "SmartClientAuth basic\n$secret\nSmartClientKey $ec");
accepted('REG-5 a secret and a key, and nobody says which: basic', "$secret\nSmartClientKey $ec");
accepted('REG-2 one key for two EHRs', "SmartClientKey $ec", more => another("SmartClientKey $ec"));

refused('REG-4 a key that the group can read', "SmartClientKey $readable", qr/readable\.pem holds a secret and others may use it: run chmod 600/);
refused('REG-4 a key that everybody can read', "SmartClientKey $open", qr/run chmod 600/);
refused('REG-4 a key that is not there', "SmartClientKey $dir/nowhere.pem", qr/nowhere\.pem does not exist/);
refused('REG-4 the second of two keys', "SmartClientKey $rsa\nSmartClientKey $open", qr/run chmod 600/);
refused('REG-3 a public key', "SmartClientKey $public", qr/no private key.*smartlaunchctl jwks new/s);
refused('REG-3 a pass phrase, which nobody is asked for', "SmartClientKey $dir/locked.pem", qr/no private key/);
refused('REG-3 another curve', "SmartClientKey $dir/p256.pem", qr/neither an RSA key nor one on P-384/);
refused('REG-3 an algorithm that does not fit', "SmartClientKey $ec alg=RS384", qr/signs by ES384, and nothing else/);
refused('REG-3 an algorithm that SMART does not have', "SmartClientKey $rsa alg=RS256", qr/write kid=NAME, alg=RS384 or alg=ES384/);
refused('REG-3 an option that there is not', "SmartClientKey $rsa name=x", qr/write kid=NAME/);
refused('REG-2 an empty name', "SmartClientKey $rsa kid=", qr/write kid=NAME/);
refused('REG-2 three keys', join("\n", map { "SmartClientKey $_" } $rsa, $ec, $pem), qr/more than two/);
refused('REG-2 two keys of one name', "SmartClientKey $rsa kid=a\nSmartClientKey $ec kid=a", qr/another key is called a, too/);
refused('REG-2 … in two EHRs', "SmartClientKey $rsa kid=a", qr/SmartEHR two>: another key is called a, too/, more => another("SmartClientKey $ec kid=a"));
refused('REG-5 nothing to prove ourselves by', '', qr/does not say how we authenticate; write SmartClientSecret file:PATH or SmartClientKey PATH/);
refused('REG-5 private-key-jwt without a key', 'SmartClientAuth private-key-jwt', qr/write SmartClientKey PATH/);
refused('REG-5 a public client with a key', "SmartClientAuth none\nSmartClientKey $ec", qr/has a SmartClientKey; remove one/);
refused('REG-5 basic with a key and no secret', "SmartClientAuth basic\nSmartClientKey $ec", qr/write SmartClientSecret file:PATH/);

# Backend services
my $system = 'SmartSystemScope "system/*.rs"';
accepted('BKS-2 system/ scopes', "SmartClientKey $ec\n$system");
accepted('DIS-4 an EHR for backend services only', "SmartClientKey $ec\n$system", scope => '');
accepted('DIS-4 … with a stored token endpoint', "SmartClientKey $ec\n$system\nSmartEndpoint token https://one.example/token", scope => '');
refused('DIS-4 a token endpoint alone, where launches are, too', "SmartClientKey $ec\n$system\nSmartEndpoint token https://one.example/token",
    qr/stores one of the endpoints authorize and token/);
refused('BKS-1 a secret, which will not do', "$secret\n$system", qr/SmartSystemScope, which takes a key/);
refused('BKS-2 a scope that is none', "SmartClientKey $ec\nSmartSystemScope \"system/*.sr\"", qr/SmartSystemScope in <SmartEHR one>/);
refused('BKS-1 neither SmartScope nor SmartSystemScope', "SmartClientKey $ec", qr/has no SmartScope/, scope => '');
my (undef, $warning) = $httpd->configtest(config => ours("SmartClientKey $ec\nSmartSystemScope \"system/Patient.rs user/Observation.rs patient/*.r\""));
like $warning, qr/SL5002: SmartSystemScope in <SmartEHR one> asks for $_,/, "BKS-2 a warning of $_" for 'user/Observation.rs', 'patient/\*.r';
unlike $warning, qr/asks for system/, 'BKS-2 … and of no other';
like $warning, qr/Syntax OK/, 'BKS-2 … it is no more than that';

# Who may ask
sub gateway { my ($lines) = @_; return "<Location /fhir>\nSmartGateway on\nRequire local\n$lines\n</Location>" }
my $url = 'SmartGatewayURL http://127.0.0.1:8081/fhir';
my $caller = 'SmartCaller night file:' . file_of('night.secret', "0123456789abcdef\n");
accepted('BKS-5 SmartSystem with a caller', "SmartClientKey $ec\n$system", more => $url, vhost => gateway("SmartSystem on\n$caller"));
refused('BKS-5 SmartSystem without a caller', "SmartClientKey $ec\n$system", qr/SmartSystem on and nobody who may ask; write SmartCaller/,
    more => $url, vhost => gateway('SmartSystem on'));
refused('BKS-5 SmartSystem where no EHR has a scope for it', "SmartClientKey $ec", qr/no EHR has a SmartSystemScope/,
    more => $url, vhost => gateway("SmartSystem on\n$caller"));

my ($rc, $dump) = $httpd->configtest(config => ours("SmartClientKey $ec\nSmartClientKey $rsa kid=old"), options => [qw(-D DUMP_SMARTLAUNCH)]);
my ($json) = $dump =~ /^(\{.*\})$/ms;
my ($one) = @{ decode_json($json)->{ehrs} };
is_deeply $one->{key_files}, [ { path => "$ec", kid => 'cd520211e5661dbba2256f67f6d53f97', alg => 'ES384' }, { path => "$rsa", kid => 'old', alg => 'RS384' } ],
    'the dump names the keys, the one that signs first';
is $one->{client_auth}, 'private-key-jwt', '… and how we authenticate';
unlike $dump, qr/"d"|hQCNmfvZ/, 'REG-4 … and shows none';

done();
