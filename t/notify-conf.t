#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# `apachectl configtest` and SmartNotify: what cannot work, or would tell the wrong one, is refused with
# the sentence that mends it; and the dump shows no secret.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP qw(decode_json);
use SL;
use SL::TLS;

my $w = world(start => 0, fpm => 0);
my $httpd = $w->httpd;
my $dir = $httpd->dir;
my $secret = '0123456789abcdef0123456789abcdef';
spit("$dir/good", "$secret\n", 0600);
spit("$dir/short", substr($secret, 1) . "\n", 0600);
spit("$dir/shown", "$secret\n", 0644);
spit("$dir/token", "verify-me\n", 0600);
spit("$dir/lines", "verify\nme\n", 0600);
my $url = 'https://study.example/sso';
my $good = "SmartNotify $url secret=file:$dir/good";

sub refused {
    my ($name, $line, $why, %with) = @_;
    my ($rc, $text) = $httpd->configtest(redirect => $line, %with);
    ok $rc != 0, "refused: $name" or diag $text;
    like $text, qr/\bSmartNotify\b.*$why/s, '… with the sentence that mends it';
    unlike $text, qr/$secret/, '… and without the secret';
    return;
}

sub accepted {
    my ($name, $line, %with) = @_;
    my ($rc, $text) = $httpd->configtest(redirect => $line, %with);
    is $text, "Syntax OK\n", "accepted: $name";
    return;
}

accepted('a URL and a secret', $good);
accepted('a verification-token', "SmartNotify $url token=file:$dir/token");
accepted('all of it', qq($good token=file:$dir/token ca=${\ SL::TLS::ca() } "source=7ce6f387-c33c,Our hospital" destination=dst-1 allow=https://a.example html=on));
accepted('origins as several words', "$good allow=https://a.example https://b.example:8443 html=off");
accepted('origins with commas', "$good allow=https://a.example,https://b.example/");
accepted('origins in several options', "$good allow=https://a.example allow=https://b.example");
accepted('loopback without TLS', "SmartNotify http://127.0.0.1:9000/sso secret=file:$dir/good");
accepted('nothing to sign with, on this machine', "SmartNotify http://127.0.0.1:9000/sso");
accepted('… by name', 'SmartNotify https://app.localhost:9000/sso');

refused('no URL', 'SmartNotify', 'https://');
refused('http', "SmartNotify http://study.example/sso secret=file:$dir/good", 'https://');
refused('a user in the URL', "SmartNotify https://me\@study.example/ secret=file:$dir/good", 'https://');
refused('a fragment', "SmartNotify https://study.example/#x secret=file:$dir/good", 'https://');
refused('a path', "SmartNotify /sso secret=file:$dir/good", 'https://');
refused('nothing that proves us', "SmartNotify $url", 'secret=file:PATH');
refused('… to a name that only begins like this machine', 'SmartNotify https://localhost.example/', 'secret=file:PATH');
refused('… to another', 'SmartNotify https://127.evil.example/', 'secret=file:PATH');
refused('a secret that is none of a file', "SmartNotify $url secret=env:X", 'file:PATH');
refused('a file that is not there', "SmartNotify $url secret=file:$dir/none", 'does not exist');
refused('a secret that others can read', "SmartNotify $url secret=file:$dir/shown", 'chmod 600');
{
    my ($rc, $text) = $httpd->configtest(redirect => "SmartNotify $url secret=file:$dir/short");
    is $rc, 0, 'a secret of 31 bytes is the app\'s own risk';
    like $text, qr/SL5003: .*less than 32 characters.*openssl rand/, '… and worth a warning';
}
refused('a token of two lines', "SmartNotify $url token=file:$dir/lines", 'one line');
refused('a CA file that is not there', "$good ca=$dir/none", 'ca=PATH');
refused('an origin with a path', "$good allow=https://a.example/x", 'is no origin');
refused('an origin without TLS', "$good allow=http://a.example", 'is no origin');
refused('any origin', "$good allow=*", 'is no origin');
refused('no origin', "$good allow=", 'needs an origin');
refused('html=yes', "$good html=yes", 'html=on');
refused('a word nobody knows', "$good soucre=x", 'is not understood');
refused('an origin out of place', "$good html=on https://a.example", 'is not understood');
refused('an id with a line end', qq($good "source=,x"), 'source=ID,NAME');
refused('beside no SmartTarget', '', 'beside SmartTarget', app => "$good\nRequire all granted");
refused('outside of a <Location>', '', 'belongs to a Redirect URL', vhost => "<Directory \"$dir/htdocs\">\n$good\n</Directory>");

# What smartlaunchctl and a person see of it
{
    my ($rc, $text) = $httpd->configtest(redirect => qq($good token=file:$dir/token "source=src,Our hospital" allow=https://A.example:443/),
        options => ['-DDUMP_SMARTLAUNCH']);
    my ($json) = $text =~ /^(\{.*\})$/m;
    my ($redirect) = map { @{ $_->{redirects} } } grep { @{ $_->{redirects} } } @{ decode_json($json)->{servers} };
    is_deeply $redirect->{notify}, { url => $url, secret => "file:$dir/good", token => "file:$dir/token", ca => undef,
        source => { id => 'src', name => 'Our hospital' }, destination => { id => undef, name => undef },
        allow => ['https://a.example'], html => JSON::PP::false() }, 'the dump has it, with origins in one spelling';
    unlike $text, qr/$secret|verify-me/, '… and no secret';
}
done();
