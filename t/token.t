#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The token request, and what comes of a good answer. Every way of client authentication is an EHR
# (a tenant of the sandbox) of its own.
# mpm: all
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::Odd;
use SL::Refused;
use Encode qw(encode_utf8);
use MIME::Base64 qw(decode_base64 encode_base64);
use URI::Escape qw(uri_escape uri_escape_utf8);

my $secret = 's%/+3é';
my $long = 'long-' . 'x%/+é&=?' x 20;
my %name = (basic => 'app-basic', form => 'app-form', post => 'app-post', long => 'app-long', public => 'app-public',
    openemr => 'app-basic', wrong => 'app-form');
my $odd = SL::Odd->new;
my $w = world(start => 0, ehr => { tenants => 'form,post,long,public,openemr,wrong' }, secret => encode_utf8($secret),
    extra => 'LogLevel trace8');
my $dir = $w->httpd->dir;
SL::Run::spit("$dir/long", encode_utf8($long) . "\n", 0600);

# What the EHRs have registered.
my %common = (redirect_uris => [ $w->url('/smart') ], id_token_signed_response_alg => 'RS256', client_secret => $secret);
my @clients = (
    { %common, client_id => 'app-basic', basic => 'raw', token_endpoint_auth_method => 'client_secret_basic' },
    { %common, client_id => 'app-form', basic => 'form', token_endpoint_auth_method => 'client_secret_basic' },
    { %common, client_id => 'app-post', token_endpoint_auth_method => 'client_secret_post' },
    { %common, client_id => 'app-long', client_secret => $long, basic => 'raw', token_endpoint_auth_method => 'client_secret_basic' },
);
my %ehr = map { $_ => $_ eq 'basic' ? $w->ehr : $w->ehr->tenant($_) } keys %name;
$_->clients(@clients) for values %ehr;

sub block {
    my ($tenant, @lines) = @_;
    return $odd->block($tenant, $w->ehr->issuer($tenant), "SmartClient $name{$tenant}", 'SmartScope "launch openid fhirUser offline_access patient/*.rs"', @lines);
}
$w->httpd->{extra} .= "\n" . join '',
    block('form', 'SmartClientAuth basic form', "SmartClientSecret file:$dir/secret"),
    block('post', 'SmartClientAuth post', "SmartClientSecret file:$dir/secret"),
    block('long', "SmartClientSecret file:$dir/long"),
    block('openemr', 'SmartProfile openemr', "SmartClientSecret file:$dir/secret"),
    block('public', 'SmartClientAuth none'),
    block('wrong', "SmartClientSecret file:$dir/secret"),
    # Token endpoints that must not get a byte.
    map { my ($name, %at) = @$_; $odd->block("tls-$name", $odd->url("/tls-$name"), 'SmartEndpoint authorize ' . $odd->url('/a'),
            'SmartEndpoint token ' . $odd->url("/tls-$name/token", %at), "SmartClientSecret file:$dir/secret") }
    [ stranger => (listener => 'stranger') ], [ expired => (listener => 'expired') ], [ old => (listener => 'old') ],
    [ host => (host => 'wrong.localhost') ], [ plain => (listener => 'plain', scheme => 'https') ];
$w->httpd->start;

# One launch each.
my %keys = (map { $_ => [qw(code code_verifier grant_type redirect_uri)] } keys %name);
$keys{public} = [qw(client_id code code_verifier grant_type redirect_uri)];
$keys{openemr} = $keys{public};
$keys{post} = [qw(client_id client_secret code code_verifier grant_type redirect_uri)];
my %authorization = (
    basic => 'Basic ' . encode_base64(encode_utf8("app-basic:$secret"), ''),
    openemr => 'Basic ' . encode_base64(encode_utf8("app-basic:$secret"), ''),
    form => 'Basic ' . encode_base64('app-form:s%25%2F%2B3%C3%A9', ''),
    long => 'Basic ' . encode_base64(encode_utf8("app-long:$long"), ''),
);
my %rule = (basic => 'TKR-S1', form => 'TKR-S3', long => 'TKR-S1', post => 'TKR-2', public => 'TKR-P1', openemr => 'TKR-S2');
my (%launch, %call);
for my $how (grep { $_ ne 'wrong' } sort keys %name) {
    my $path = ($how eq 'basic' ? '' : "/t/$how") . '/auth/token';
    my $l = $launch{$how} = $w->launch(ehr => $ehr{$how});
    is $l->{callback}->code, 303, "$rule{$how} $how: the EHR takes it" or diag $l->{callback}->as_string;
    my ($call, @more) = grep { $_->{method} ne 'GET' } $ehr{$how}->log;
    $call{$how} = $call;
    is scalar(@more), 0, "TKR-4 $how: one call";
    is $call->{method}, 'POST', "TKR-1 $how: by POST";
    is $call->{url}, $path, "TKR-1 $how: to the token endpoint, nothing in the query";
    is $call->{headers}{'content-type'}, 'application/x-www-form-urlencoded', "TKR-1 $how: as a form";
    is $call->{headers}{accept}, 'application/json', "TKR-1 $how: JSON is what we want";
    ok !exists $call->{headers}{cookie} && !exists $call->{headers}{referer}, "TKR-1 $how: nothing of the browser's goes with it";
    is_deeply [ sort keys %{ $call->{form} } ], $keys{$how}, "TKR-2 $how: these members and no other";
    my %answer = URI->new($l->{callback_url})->query_form;
    is $call->{form}{grant_type}, 'authorization_code', "TKR-2 $how: grant_type";
    is $call->{form}{code}, $answer{code}, "TKR-2 $how: the code as it came";
    is $call->{form}{redirect_uri}, $w->url('/smart'), "TKR-2 $how: the redirect_uri of the request before";
    is $call->{headers}{authorization}, $authorization{$how}, "$rule{$how} $how: Authorization";
    my @named = grep { lc eq 'authorization' } @{ $call->{raw_headers} };
    is scalar(@named), defined $authorization{$how} ? 1 : 0, "$rule{$how} $how: given once or not at all";
}
is $call{post}{form}{client_secret}, $secret, 'TKR-2 post: the secret survives the form';
is $call{public}{form}{client_id}, 'app-public', 'TKR-P1 the public client names itself in the body';
cmp_ok length encode_utf8($long), '>=', 100, 'TKR-S1 a secret of 100 bytes and more';
unlike $call{long}{headers}{authorization}, qr/[^\x21-\x7e ]/, 'TKR-S1 is on one line';
ok !exists $call{basic}{form}{client_id}, 'TKR-S2 a confidential client leaves client_id out';
is $call{openemr}{form}{client_id}, 'app-basic', 'TKR-S2 but for EHRs that insist';
ok $w->httpd->error_log !~ /SL2106/, 'TKR-S3 no word about it where it works';
refused($w, $w->launch(ehr => $ehr{wrong})->{callback}, 502, 'SL2136', 'TKR-S3 raw where the EHR reads form: refused', step => 'token');
$w->httpd->expect_log('SL2106');
ok $w->httpd->error_log =~ /SL2106: EHR wrong: .*SmartClientAuth basic form/, 'TKR-S3 and the log says what to write';

# TLS comes first.
my $met;
my %why = (stranger => 'issuer', expired => 'expired', old => 'TLS 1\.2', host => 'not for this host', plain => 'TLS 1\.2');
for my $name (sort keys %why) {
    my $window = $w->browser->window;
    my $start = $window->nav($w->url('/smart?launch=a&iss=' . uri_escape($odd->url("/tls-$name"))));
    my %query = URI->new($start->header('Location'))->query_form;
    $odd->forget;
    my $response = $window->nav($w->url("/smart?code=secret-code&state=$query{state}"));
    refused($w, $response, 502, 'SL3508', "TKR-3 no trusted TLS: $name", step => 'token');
    $met = $odd->connections('plain') if $name eq 'plain';
    is_deeply [ $odd->log ], [], "TKR-3 $name: not a byte of HTTP is sent";
    like +(grep { /SL3508/ } split /\n/, $w->httpd->error_log)[-1], qr/$why{$name}/, "TKR-3 $name: and the log says why";
}
cmp_ok $met, '>=', 1, 'TKR-3 the server without TLS was met by a TLS handshake';

# The token is ours alone.
my $l = $launch{basic};
my $linked = $w->launch(login => 'alice', patient => $w->ehr->patients->[1]);
my $app = json($linked->{app});
is $app->{headers}{'smart-user'}, 'alice', 'TRS-7 the app knows the user';
my %marker = (secret => $secret, long => $long, form => 's%25%2F%2B3%C3%A9');
my $n = 0;
for my $call (values %call, $w->ehr->log('/auth/token')) {
    $n++;
    @marker{ map { "$_ $n" } qw(code verifier) } = @{ $call->{form} }{qw(code code_verifier)};
    my $header = $call->{headers}{authorization} or next;
    $marker{"authorization $n"} = $header =~ s/^Basic //r;
}
my @tokens = tokens();
cmp_ok scalar(@tokens), '>=', 3, 'TRS-6 tokens were given (this test knows them)';
$marker{"token $_"} = $tokens[$_] for 0 .. $#tokens;

# The EHR is asked again, by the same code path, for answers whose tokens the test chose.
sub tokens {
    my @chosen;
    for my $i (1 .. 2) {
        my ($access, $refresh) = ("access-token-$i-$$" . 'A' x 40, "refresh-token-$i-$$" . 'R' x 40);
        $w->ehr->faults(token => { patch => { access_token => $access, refresh_token => $refresh } });
        $w->launch(patient => $w->ehr->patients->[$i], login => undef)->{callback}->code == 303 or die 'no launch';
        push @chosen, $access, $refresh;
    }
    $w->ehr->faults;
    return @chosen;
}
my $again = $w->launch(patient => $w->ehr->patients->[1], window => $linked->{window},
    how => { headers => [ 'Smart-Access-Token' => 'x', 'X-Smart-Access-Token' => 'x' ] });
my $dump = $w->pg->dump;
my %where = ('the database' => $dump, 'the access log' => $w->httpd->access_log);
$where{'what the app got'} = JSON::PP::encode_json([ $w->httpd->seen ]);
my @windows = map { $_->{window} } values %launch, $linked, $again;
$where{'a cookie'} = join "\n", map { $_->{line} } map { $_->jar->all } @windows;
$where{'an answer of ours'} = join "\n", map { $_->as_string }
    grep { defined } map { @{$_}{qw(start callback app login confirm)} } values %launch, $linked, $again;
# httpd's own traces of the request line and the headers it was sent are not ours to change.
my @error = split /\n/, $w->httpd->error_log;
$where{'the error log at trace8'} = join "\n", grep { !/\[core:trace5\].*Request received from client|\[http:trace4\]/ } @error;
cmp_ok scalar(grep { /\[\w+:trace[1-8]\]/ } @error), '>', 100, 'TRS-6 the error log holds traces';
for my $place (sort keys %where) {
    my $bytes = $where{$place};
    my @found = grep { my $m = encode_utf8($marker{$_}); index($bytes, $m) >= 0 || index($bytes, uri_escape($m)) >= 0
        && uri_escape($m) ne $m || index($bytes, unpack 'H*', $m) >= 0 || index($bytes, encode_base64($m, '') =~ s/.{0,3}=*$//r) >= 0 }
        sort keys %marker;
    is_deeply \@found, [], "TRS-6 TRS-7 no token, code, verifier or secret in $place";
}
my @all = grep { !/^(?:code)/ } sort keys %marker;
is_deeply [ grep { index($w->httpd->error_log, encode_utf8($marker{$_})) >= 0 } @all ], [],
    'TRS-6 SEC-5 and of tokens, verifiers and secrets not even httpd\'s own traces tell';
like $again->{app}->code, qr/200/, 'TRS-7 headers that look like a token of ours';
is_deeply [ grep { $_->[0] =~ /access.?token/i && $_->[0] =~ /smart/i && $_->[0] !~ /^X-/ } @{ json($again->{app})->{header_list} } ], [],
    'TRS-7 do not reach the app';
my $cookie = $linked->{window}->jar->get('__Host-smart');
cmp_ok length $cookie->{value}, '>=', 22, 'TRS-6 the cookie is an id of 128 bits at least';
cmp_ok length $cookie->{value}, '<=', 64, 'TRS-6 and nothing more';
ok $cookie->{secure} && $cookie->{httponly} && $cookie->{samesite} eq 'none', 'TRS-6 Secure, HttpOnly, SameSite';
is_deeply [ map { sprintf '%s %o', $_, (stat)[2] & 077 } grep { (stat)[2] & 077 } glob "$dir/state/* $dir/keyring $dir/secret" ], [],
    'TRS-6 no file with a secret is for others to read';

# What was granted.
my $asked = 'launch openid fhirUser offline_access patient/*.rs';
sub token_row {
    my ($handle) = @_;
    my ($row) = $w->pg->rows('SELECT t.*, extract(epoch FROM t.expires_at - t.issued_at)::int AS life FROM smartlaunch.token t'
        . ' JOIN smartlaunch.launch l ON l.id = t.launch WHERE l.handle_hash = sha256(?::text::bytea)', $handle);
    return $row;
}
for my $case (
    [ 'all', undef, $asked, 0 ],
    [ 'less', 'launch openid fhirUser patient/Patient.rs', 'launch openid fhirUser patient/Patient.rs', 1 ],
    [ 'more', "$asked user/*.cruds", "$asked user/*.cruds", 0 ],
    [ 'in another order and version', 'patient/*.read offline_access fhirUser openid launch', 'patient/*.read offline_access fhirUser openid launch', 0 ],
    [ 'nothing', '', '', 1 ],
) {
    my ($what, $granted, $stored, $told) = @$case;
    my $before = () = $w->httpd->error_log =~ /SL4201/g;
    $w->ehr->faults(token => { patch => { scope => $granted // $asked } });
    my $one = $w->launch;
    is $one->{callback}->code, 303, "TRS-3 granted $what: the launch goes on";
    my $row = token_row($one->{handle});
    is $row->{scope_granted}, $stored, "TRS-3 granted $what: stored as granted";
    is $row->{scope_asked}, $asked, "TRS-3 granted $what: beside what was asked";
    my $after = () = $w->httpd->error_log =~ /SL4201/g;
    is $after - $before, $told, "TRS-3 granted $what: " . ($told ? 'a line says what is missing' : 'no line about it');
}
$w->ehr->faults(token => { patch => { scope => undef } });
my $silent = $w->launch;
is token_row($silent->{handle})->{scope_granted}, $asked, 'TRS-3 no scope said: taken as asked for';
ok $w->httpd->error_log =~ /SL2122/, 'TRS-3 and the log says so';

# How long it lives, where the EHR cannot be asked (SEC-11: t/introspect.t).
my %mute = (introspect => { status => 404 });
for my $case (
    [ 'a number', 1234, 1234 ], [ 'a string of digits', '1234', 1234 ], [ 'missing', undef, 300 ], [ 'zero', 0, 300 ],
    [ 'negative', -5, 300 ], [ 'a fraction', 99.9, 99 ], [ 'words', 'soon', 300 ], [ 'a list', [1], 300 ], [ 'true', \1, 300 ],
) {
    my ($what, $said, $life) = @$case;
    $w->ehr->faults(%mute, token => { patch => { expires_in => $said } });
    my $one = $w->launch;
    is $one->{callback}->code, 303, "TRS-2 expires_in is $what: the launch goes on";
    is token_row($one->{handle})->{life}, $life, "TRS-2 expires_in is $what: $life seconds";
}
$w->ehr->faults(token => { patch => { expires_in => 1e12 } });
cmp_ok token_row($w->launch->{handle})->{life}, '<=', 366 * 86400, 'TRS-2 expires_in is huge: bounded';
for my $type (qw(Bearer bearer BEARER)) {
    $w->ehr->faults(token => { patch => { token_type => $type } });
    is $w->launch->{callback}->code, 303, "TRS-1 token_type $type";
}
$w->ehr->faults(token => { patch => { extra => { a => [ 1, { b => undef } ] }, '' => 1, x => 'é' x 5000, refresh_token => undef } });
is $w->launch->{callback}->code, 303, 'TRS-4 unknown members are ignored';
$w->ehr->faults(token => { status => 201, patch => {} });
is $w->launch->{callback}->code, 303, 'TRS-1 any 2xx will do';
$w->ehr->faults;
$w->ehr->settings(token_length => 8192, opaque => \0);
is $w->launch->{callback}->code, 303, 'TRS-1 an access token of 8 KiB';
$w->ehr->settings(token_length => 0, opaque => \1);

done();
