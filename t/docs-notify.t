#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The receiver of sign-on messages in docs/app.md, as it is printed there: it believes our messages, and
# nobody else's.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use Digest::SHA qw(hmac_sha256 sha256);
use JSON::PP;
use MIME::Base64 qw(encode_base64url);
use SL::TLS;

my $text = slurp(top() . '/docs/app.md') =~ s/.*^## Being told by a POST\n//msr;
my ($php) = $text =~ /^```php\n<\?php\n(.*?)^```$/ms or die 'docs/app.md has no receiver';
my ($pass) = $text =~ /^```apache\n(.*?)^```$/ms or die 'docs/app.md has no CGIPassAuth';

my $w = world(start => 0);
my ($httpd, $dir) = ($w->httpd, $w->httpd->dir);
my ($secret, $token) = ('a secret of 32 bytes or of more..', 'verify-me');
spit("$dir/study.secret", "$secret\n", 0644);
spit("$dir/study.token", "$token\n", 0644);
spit("$dir/own.secret", "$secret\n", 0600);
spit("$dir/own.token", "$token\n", 0600);
my $site = $w->url('/sso/');
(my $here = $php) =~ s{/etc/study/}{$dir/}g;
$here =~ s{https://study\.example/enter}{${\ $w->url('/papp/') }};
mkdir "$dir/htdocs/sso";
my $notes = "$dir/htdocs/notes";
spit($notes, '', 0666);
chmod 0666, $notes;
spit("$dir/htdocs/sso/index.php", <<"PHP" . $here, 0644);
<?php
function note(...\$what) { return file_put_contents('$notes', json_encode(\$what) . "\\n", FILE_APPEND) > 0; }
function is_new(\$jti) { return !str_contains(file_get_contents('$notes'), "[\\"\$jti\\"") && note(\$jti); }
function remember(\$code, \$said) { note(\$code, \$said); }
PHP

$httpd->{redirect} = qq(SmartNotify $site "secret=file:$dir/own.secret" "token=file:$dir/own.token" destination=study )
    . '"ca=' . SL::TLS::ca() . qq("\nSmartLink none);
$httpd->{vhost} = $pass;
$httpd->start;

my $l = $w->launch(stop => 'callback', encounter => 'enc-1');
like $l->{window}->location, qr{^\Q${\ $w->url('/papp/') }\E\?code=[0-9a-f]{48}&smart_launch=}, 'the receiver believes the message, and says where to go'
    or diag $l->{callback}->as_string;
my @notes = map { JSON::PP->new->utf8->decode($_) } split /\n/, slurp($notes);
is scalar @notes, 2, 'it was told once';
my $said = $notes[1][1];
is $said->{Person}{EHRUserName}, 'dr-smith', '… who';
is $said->{Patient}{Identifiers}[0]{ID}, $l->{patient}, '… of which patient';
ok $said->{Meta}{SessionID}, '… and the session for FHIR';

# The message that is printed has the members of the real one.
sub members {
    my ($value, $path) = @_;
    return map { members($_, "$path\[]") } @$value if ref $value eq 'ARRAY';
    return ref $value eq 'HASH' ? map { members($value->{$_}, "$path.$_") } keys %$value : $path;
}
my ($printed) = $text =~ /^```json\n(.*?)^```$/ms;
is_deeply [ sort { $a cmp $b } members(JSON::PP->new->utf8->decode($printed), '') ], [ sort { $a cmp $b } members($said, '') ],
    'the message in docs/app.md is what is sent';

# Nobody else's
sub told {
    my ($with, %claims) = @_;
    my $body = '{"Meta":{"DataModel":"SSO"}}';
    %claims = (aud => 'study', exp => time + 60, jti => 'j' . rand, body_sha256 => encode_base64url(sha256($body)), %claims);
    my $signed = join '.', map { encode_base64url(JSON::PP->new->encode($_)) } { alg => 'HS256' }, \%claims;
    my $jwt = "$signed." . encode_base64url(hmac_sha256($signed, $with->{secret} // $secret));
    return request('POST', $site, headers => [ 'Content-Type' => 'application/json', 'Verification-Token' => $with->{token} // $token,
        $with->{bare} ? () : (Authorization => "Bearer $jwt") ], body => $with->{body} // $body)->code;
}
is told({}), 302, 'a message that is right';
is told({}, jti => $notes[0][0]), 403, 'one that comes twice';
is told({ secret => 'x' x 32 }), 403, 'one that is signed by somebody else';
is told({ token => 'other' }), 403, 'one with another verification-token';
is told({ bare => 1 }), 403, 'one without signature';
is told({ body => '{"Meta":{}}' }), 403, 'one whose body was changed';
is told({}, aud => 'other'), 403, 'one for another app';
is told({}, exp => time - 1), 403, 'one of yesterday';

done();
