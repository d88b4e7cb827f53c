#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# smartlaunchctl check: everything right is said to be right, every fault is found and named with
# what to do, in bounded time, and nothing secret is in what it prints.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use JSON::PP qw(decode_json);
use SL::Keys;

my $w = world(pg => { own => 1 }, ehr_block => 'SmartOutbound connect=1s timeout=2s');
my ($httpd, $ehr) = ($w->httpd, $w->ehr);
my $dir = $httpd->dir;
$ENV{SL_APACHECTL} = spit("$dir/apachectl", "#!/bin/sh\nexec " . SL::Httpd::_binary() . " -d $dir \"\$@\" 2>/dev/null\n", 0755);
my $everything = '';

sub ctl {
    my ($conf, @args) = @_;
    my ($rc, $text) = capture(build() . '/smartlaunchctl', '-f', $conf, @args);
    $everything .= $text;
    return ($rc, $text);
}

# `check` of this server with other settings: {rc, ok, findings by name, all of them}.
sub check {
    my ($other, @args) = @_;
    my $changed = bless { %$httpd, %{ $other || {} } }, ref $httpd;
    my ($rc, $text) = ctl(spit("$dir/check.conf", $changed->config), '--json', 'check', @args);
    my $json = eval { decode_json($text) } || do { diag $text; { findings => [] } };
    my %by;
    push @{ $by{ $_->{what} } }, $_ for @{ $json->{findings} };
    return { rc => $rc, ok => $json->{ok}, by => \%by, all => $json->{findings} };
}

# One fault: $what is $verdict for $why, and says what to do; nothing else is wrong.
sub is_found {
    my ($verdict, $what, $why, $name, $got) = @_;
    my ($hit) = grep { $_->{verdict} eq $verdict && $_->{found} =~ $why } @{ $got->{by}{$what} || [] };
    ok $hit, "$name: $what is $verdict" or diag explain $got->{all};
    ok $hit && ($verdict eq 'ok' || $hit->{todo}), '… with what to do' if $verdict ne 'ok';
    is $got->{rc}, $verdict eq 'wrong' ? 1 : 0, '… and by the exit status';
    my @others = grep { $_->{verdict} eq 'wrong' && $_->{what} ne $what } @{ $got->{all} };
    is_deeply \@others, [], '… and nothing else is wrong' if $verdict ne 'wrong' || @others;
    return $hit;
}

# With a fault of the EHR, and without it afterwards.
sub bent {
    my ($faults, $verdict, $what, $why, $name) = @_;
    $ehr->faults(%$faults);
    my $got = is_found($verdict, $what, $why, $name, check(undef, 'sandbox'));
    $ehr->faults;
    return $got;
}

# All is right
my $good = check();
is $good->{rc}, 0, 'a configuration that works: exit status';
ok $good->{ok}, '… as JSON';
is_deeply [ grep { $_->{verdict} ne 'ok' } @{ $good->{all} } ], [], '… and nothing to look at';
my @checks = ('key ring', 'database', 'schema', 'role', 'keys', 'state dir', 'public URL', 'redirect URI', 'secret', 'tls', 'clock',
    'discovery', 'launch', 'scopes', 'pkce', 'method', 'revocation', 'introspection', 'openid', 'jwks', 'client');
is_deeply [ grep { !$good->{by}{$_} } @checks ], [], '… everything was tried';
like $good->{by}{'redirect URI'}[0]{found}, qr{\Q${\ $w->url('/smart') }\E$}, '… with what to register';
is scalar(@{ $good->{by}{tls} }), 2, '… every host of the EHR once';
my %asked = map { ("$_->{method} $_->{path}" => 1) } $ehr->log;
is_deeply [ sort keys %asked ], [ 'GET /auth/.well-known/openid-configuration', 'GET /auth/jwks', 'GET /fhir/.well-known/smart-configuration',
    'POST /auth/token' ], '… no other request reached the EHR';
is_deeply [ map { $_->{form}{grant_type} } $ehr->log('/auth/token') ], ['authorization_code'], '… one token request';
is $w->pg->value('SELECT count(*) FROM smartlaunch.launch'), 0, '… and no launch came of it';

# For people
my ($rc, $text) = ctl("$dir/httpd.conf", 'check');
is $rc, 0, 'the table';
like $text, qr/^EHR sandbox$/m, '… has a part for each EHR';
like $text, qr/^  ok     discovery     https/m, '… a line for each check';
like $text, qr/^\d+ right, 0 to look at, 0 WRONG$/m, '… and the sum';
is_deeply [ grep { length > 80 && !/^.{23}\S+$/ } split /\n/, $text ], [], '… and is narrow, but for long addresses';
$ehr->faults(jwks => { status => 404 });
($rc, $text) = ctl("$dir/httpd.conf", 'check');
like $text, qr/^  WRONG  jwks .*\n(?: {23}.*\n)* {20}-> \S/m, 'what is wrong has a line that says what to do';
like $text, qr/1 WRONG$/m, '… and is counted';
$ehr->faults;
my $shared = check({ extra => "<Location /outside>\n    SmartTarget /app/\n</Location>\n" });
for my $what ('redirect URI', 'public URL') {
    is_deeply [ map { $_->{found} =~ m{\d(/\w+)} } sort { $a->{found} cmp $b->{found} } @{ $shared->{by}{$what} } ],
        [ '/outside', '/smart' ], "$what: one that all virtual hosts have is looked at once" or diag explain $shared->{by}{$what};
}
my $one = check(undef, 'sandbox');
is_deeply [ grep { !$_->{ehr} } @{ $one->{all} } ], [], 'one EHR only';
($rc, $text) = ctl("$dir/httpd.conf", qw(check nobody));
is $rc, 3, 'an EHR that is not there';
($rc) = ctl("$dir/httpd.conf", qw(check sandbox sandbox));
is $rc, 2, 'a word too many';

# Discovery
bent({ discovery => { status => 500 } }, 'wrong', 'discovery', qr/status 500/, 'DIS-8 discovery fails');
bent({ discovery => { body => '<html>Welcome</html>', content_type => 'text/html' } }, 'wrong', 'discovery', qr/no JSON object/,
    'DIS-8 discovery is a page');
bent({ discovery => { patch => { token_endpoint => undef } } }, 'wrong', 'discovery', qr/no usable token_endpoint/,
    'DIS-4 no token endpoint');
bent({ discovery => { redirect => 'https://elsewhere.example/' } }, 'wrong', 'discovery', qr/status 307/, 'a redirect is not followed');
my $began = time;
bent({ discovery => { hang => JSON::PP::true } }, 'wrong', 'discovery', qr/no answer in time/, 'an EHR that hangs');
cmp_ok time - $began, '<', 10, '… is waited for as long as SmartOutbound says';

# TLS
my $strangers = SL::TLS::dir() . '/strangers-ca.pem';
like is_found('wrong', 'tls', qr/no trusted TLS connection: /, 'TKR-3 another CA',
    check({ ehr_block => "SmartOutbound ca=$strangers" }, 'sandbox'))->{todo}, qr/ca=/, '… which the advice names';

# Clock
my $later = gmtime(time + 300) =~ s/^(\w+) (\w+) +(\d+) (\S+) (\d+)$/sprintf '%s, %02d %s %d %s GMT', $1, $3, $2, $5, $4/er;
bent({ discovery => { headers => { Date => $later } } }, 'wrong', 'clock', qr/ahead of ours/, 'IDT-5 a clock that goes wrong');

# Keys and issuer
bent({ jwks => { body => '{"keys":[]}' } }, 'wrong', 'jwks', qr/no key/, 'IDT-3 no keys');
bent({ jwks => { body => 'nonsense' } }, 'wrong', 'jwks', qr/./, 'IDT-3 a key set that is none');
bent({ openid => { patch => { issuer => 'https://elsewhere.example' } } }, 'wrong', 'openid', qr/another issuer/, 'IDT-2 another issuer');
bent({ openid => { status => 404 } }, 'wrong', 'openid', qr/status 404/, 'IDT-1 no openid-configuration');

# What it offers is a hint
bent({ discovery => { patch => { scopes_supported => ['openid'] } } }, 'warn', 'scopes', qr{patient/\*\.rs}, 'SCP-3 scopes it does not list');
bent({ discovery => { patch => { capabilities => [qw(launch-ehr permission-v1)] } } }, 'warn', 'scopes', qr/version 1 only/,
    'SCP-2 scopes of the other version');
bent({ discovery => { patch => { capabilities => ['launch-standalone'] } } }, 'warn', 'launch', qr/launch-ehr/, 'DIS-5 no EHR launch');
bent({ discovery => { patch => { code_challenge_methods_supported => undef } } }, 'warn', 'pkce', qr/S256/, 'DIS-6 no PKCE');
is_found('warn', 'aud', qr/less tightly/, 'AZR-3 no aud', check({ ehr_block => 'SmartAud none' }, 'sandbox'));
my $with_aud = check({ ehr_block => "SmartProfile nextgen\nSmartAud iss" }, 'sandbox');
ok $with_aud->{by}{pkce} && !$with_aud->{by}{aud}, 'AZR-3 … and nothing is said where there is one' or diag explain $with_aud->{all};
bent({ discovery => { patch => { token_endpoint_auth_methods_supported => ['client_secret_post'] } } }, 'warn', 'method',
    qr/lists client_secret_post/, 'DIS-7 another way of authentication');
bent({ discovery => { patch => { revocation_endpoint => undef } } }, 'ok', 'revocation', qr/not offered/, 'SEC-10 no revocation');
is_found('warn', 'endpoints', qr/SmartEndpoint jwks is another/, 'DIS-2 an endpoint that is stored',
    check({ ehr_block => 'SmartEndpoint jwks ' . $ehr->auth . '/jwks?v=2' }, 'sandbox'));

# Client authentication
my $got = is_found('wrong', 'client', qr/does not accept who we say we are \(status 401, invalid_client\)/, 'TKR-S1 a wrong secret', do {
    spit("$dir/secret", "another\n", 0600);
    check(undef, 'sandbox');
});
like $got->{todo}, qr/basic form/, 'TKR-S3 … perhaps it is the spelling';
spit("$dir/secret", SL::EHR::secret() . "\n", 0600);
is_found('wrong', 'client', qr/invalid_client/, 'a client that is not registered', check({ client => 'nobody-knows' }, 'sandbox'));
is_found('wrong', 'client', qr/invalid_client/, 'TKR-S3 an EHR that wants it form-encoded', check({ client => 'app-form' }, 'sandbox'));
is_found('ok', 'client', qr/knows us/, 'TKR-S3 … and gets it so', check({ client => 'app-form', client_auth => 'basic form' }, 'sandbox'));
bent({ token => { status => 404 } }, 'wrong', 'client', qr/no token endpoint/, 'no token endpoint there');
bent({ token => { status => 502, body => '<html>' } }, 'wrong', 'client', qr/out of order/, 'a token endpoint out of order');
bent({ token => { status => 429 } }, 'warn', 'client', qr/busy/, 'a token endpoint that is busy');
bent({ token => { status => 400, body => '{"error":"unauthorized_client"}' } }, 'wrong', 'client', qr/may not use this grant/,
    'a grant that is not allowed');
bent({ token => { status => 200, body => '{"access_token":"x","token_type":"Bearer"}' } }, 'wrong', 'client', qr/takes a made-up code/,
    'a token endpoint that takes anything');
is_found('ok', 'method', qr/public client/, 'a public client', check({ client => 'app-public', client_auth => 'none' }, 'sandbox'));

# A key in place of a secret, and backend services
my $key = SL::Keys::guide($dir, 'ES384');
my %key = (client => 'app-key', credential => "SmartClientKey $key");
sub registered {
    my ($file) = @_;
    $ehr->clients({ client_id => 'app-key', token_endpoint_auth_method => 'private_key_jwt', redirect_uris => [ $w->url('/smart') ],
        id_token_signed_response_alg => 'RS256', jwks => decode_json(slurp(top() . "/t/vectors/$file.public.json")) });
    return;
}
registered('ES384');
is_found('ok', 'client', qr/knows us/, 'TKR-A1 a client key', check(\%key, 'sandbox'));
is_found('wrong', 'our key', qr/does not publish it/, 'REG-2 a key that the running httpd does not publish yet', check(\%key));
is_found('ok', 'system', qr/granted/, 'BKS-1 backend services', check({ %key, ehr_block => 'SmartSystemScope "system/*.rs"' }, 'sandbox'));
bent({ token => { status => 400, body => '{"error":"invalid_scope"}' } }, 'warn', 'client', qr/in another way/, 'an odd refusal');
registered('RS384');
is_found('wrong', 'client', qr/invalid_client/, 'REG-2 a key that is not registered', check(\%key, 'sandbox'));
$ehr->faults(discovery => { patch => { token_endpoint_auth_signing_alg_values_supported => ['RS384'] } });
registered('ES384');
is_found('wrong', 'method', qr/no algorithm/, 'DIS-7 algorithms we have no key for', check(\%key, 'sandbox'));
$ehr->faults;

# The database
is_found('wrong', 'database', qr/./, 'no PostgreSQL', check({ database => 'host=127.0.0.1 port=1' }));
my $newest = $w->pg->value('SELECT max(version) FROM smartlaunch.schema_version');
$w->pg->dbh->do('DELETE FROM smartlaunch.schema_version WHERE version = ?', undef, $newest);
like is_found('wrong', 'schema', qr/schema upgrade/, 'older tables', check())->{found}, qr/version ${\ ($newest - 1) }/, '… by number';
$w->pg->dbh->do('INSERT INTO smartlaunch.schema_version (version) VALUES (?)', undef, $newest);
is_found('warn', 'role', qr/superuser/, 'a role that may too much', check({ database => $w->pg->owner_conninfo }));
is_found('wrong', 'role', qr/not the role smartlaunch_module/, 'a role that may too little', check({ database => $w->pg->dba_conninfo }));

# The key ring
my $l = $w->launch(login => 'alice');
ok $l->{session}, 'a launch with a token';
is_found('ok', 'keys', qr/k1 seals/, 'the ring has what rows need', check());
$httpd->keyring(SL::Httpd::new_key('k2'));
is_found('wrong', 'keys', qr/need the key k1/, 'a key that is gone', check());
chmod 0644, "$dir/keyring";
($rc, $text) = ctl("$dir/httpd.conf", 'check');
is $rc, 1, 'a key ring that others can read: configtest refuses it, and so does check';
like $text, qr/SL7002/, '… and says that httpd does not take it';

# The app that is told of launches
spit("$dir/token", "verify-me-0123456789\n", 0600);
my $notify = sub { return check({ redirect => "SmartNotify $_[0] token=file:$dir/token ca=" . SL::TLS::ca() }) };
$httpd->keyring(SL::Httpd::new_key('k1'));
$w->pg->dbh->do('DELETE FROM smartlaunch.launch');
chmod 0600, "$dir/keyring";
is_found('ok', 'notify', qr/echoes the challenge/, 'X11 a destination that echoes', $notify->("http://127.0.0.1:$httpd->{echo}{port}/papp/"));
like is_found('wrong', 'notify', qr/did not echo/, 'X11 one that does not', $notify->($w->url('/sapp/style.css')))->{todo}, qr/token=/,
    '… and where to look';
is_found('wrong', 'notify', qr/no connection/, 'X11 one that is not there', $notify->('http://127.0.0.1:1/'));
is_found('warn', 'notify', qr/without token=/, 'a destination without token=',
    check({ redirect => "SmartNotify http://127.0.0.1:$httpd->{echo}{port}/papp/" }));

# State directory and front door
chmod 0755, "$dir/state";
is_found('wrong', 'state dir', qr/SmartStateDir/, 'a state directory that others may enter', check());
chmod 0700, "$dir/state";
is_found('warn', 'public URL', qr/somebody else/, 'another server at SmartPublicURL', check({ public => $ehr->base }));
$httpd->stop;
is_found('warn', 'public URL', qr/no connection/, 'nobody at SmartPublicURL', check());

# Nothing secret was printed
for my $secret ([ 'client secret' => SL::EHR::secret() ], [ password => $w->pg->conninfo =~ /password=(\w+)/ ],
    [ key => (split ' ', slurp("$dir/keyring"))[1] ], [ patient => $l->{patient} ], [ 'session id' => $l->{session} ],
    [ 'private key' => 'PRIVATE KEY' ], [ token => 'verify-me' ], [ user => 'alice' ]) {
    is index($everything, $secret->[1]), -1, "no $secret->[0] in what was printed";
}
my @codes = map { $_->{form}{code} } grep { ($_->{form}{grant_type} // '') eq 'authorization_code' } $ehr->log('/auth/token');
is_deeply [ grep { index($everything, $_) >= 0 } @codes ], [], 'no code either';
my %once;
$once{$_}++ for @codes;
is_deeply [ grep { $_ > 1 } values %once ], [], 'and no code was sent twice';

$httpd->allow_log(qw(SL4001 SL4002));
done();
