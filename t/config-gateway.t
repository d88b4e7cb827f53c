#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# `apachectl configtest` and the gateway: what cannot work is refused with one sentence that says
# what to write instead; what can work prints nothing of ours; and mod_proxy is set up without a
# line of it in the configuration.
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use JSON::PP qw(decode_json);

my $w = world(start => 0, fpm => 0);
my $httpd = $w->httpd;
my $dir = $httpd->dir;
my $issuer = $w->ehr->issuer;
my $ca = SL::TLS::ca();

sub file_of { my ($name, $text, $mode) = @_; return spit("$dir/$name", $text, $mode) }
file_of('good.secret', "good\n", 0600);
file_of('redcap.secret', '0123456789abcdef' . "\n", 0600);
file_of('other.secret', 'fedcba9876543210' . "\n", 0600);
file_of('same.secret', '0123456789abcdef' . "\n", 0600);
file_of('open.secret', '0123456789abcdef' . "\n", 0644);
file_of('short.secret', "0123456789\n", 0600);
my $caller = "SmartCaller redcap file:$dir/redcap.secret";

# A whole configuration of ours at server level; members replace lines by name, '' removes them.
sub ours {
    my (%line) = @_;
    my %all = (
        database => 'SmartDatabase "host=/nowhere dbname=x"', keyring => "SmartKeyring $dir/keyring",
        public => 'SmartPublicURL https://app.example', gateway_url => 'SmartGatewayURL http://127.0.0.1:8081/fhir',
        issuer => "SmartIssuer $issuer", outbound => "SmartOutbound ca=$ca", ehr => '', extra => '', %line);
    my $section = exists $all{section} ? $all{section} : join "\n", '<SmartEHR one>', $all{issuer},
        'SmartClient c1', "SmartClientSecret file:$dir/good.secret",
        'SmartScope "launch openid fhirUser patient/*.rs"', @all{qw(outbound ehr)}, '</SmartEHR>';
    return join "\n", @all{qw(database keyring public gateway_url)}, $section, $all{extra}, '';
}

# The gateway's location, in the virtual host.
sub gateway {
    my (%line) = @_;
    my %all = (path => '/fhir', on => 'SmartGateway on', require => 'Require local', more => '', after => '', %line);
    return "<Location $all{path}>\n$all{on}\n$all{require}\n$all{more}\n</Location>\n$all{after}";
}

sub configtest {
    my ($config, $vhost, %other) = @_;
    return $httpd->configtest(config => $config, vhost => $vhost, %other);
}

sub refused {
    my ($name, $config, $vhost, $says, %other) = @_;
    my ($rc, $text) = configtest($config, $vhost, %other);
    isnt $rc, 0, "refused: $name";
    like $text, $says, "… and says so: $name";
    my @ours = grep { /Smart|SL\d{4}/ && !/^AH00526/ } split /\n/, $text;
    is scalar @ours, 1, "… in one sentence: $name" or diag $text;
    return;
}

sub accepted {
    my ($name, $config, $vhost, %other) = @_;
    my ($rc, $text) = configtest($config, $vhost, %other);
    is $rc, 0, "accepted: $name";
    is $text, "Syntax OK\n", "… without a word: $name";
    return;
}

# The location with `lines` in it is refused, or accepted.
sub location_refused { my ($lines, $says) = @_; return refused($lines, ours(), gateway(more => $lines), $says) }
sub location_accepted { my ($lines) = @_; return accepted($lines, ours(), gateway(more => $lines)) }

accepted('a whole configuration', ours(), gateway());
accepted('a gateway without a Redirect URL', ours(public => ''), gateway(), no_redirect => 1);
accepted('a gateway that is off needs nothing', '', gateway(on => 'SmartGateway off'), no_redirect => 1);

# Where a gateway can be
refused('a gateway in <LocationMatch>', ours(), "<LocationMatch ^/fhir>\nSmartGateway on\nRequire local\n</LocationMatch>",
    qr{SmartGateway makes a gateway of a <Location> with a literal path: <Location /fhir>});
refused('a gateway in <Directory>', ours(), "<Directory $dir/htdocs>\nSmartGateway on\n</Directory>", qr{SmartGateway makes a gateway of a <Location>});
refused("a gateway in <Location $_>", ours(), gateway(path => $_), qr/SmartGateway (?:makes|in)/) for '/fhir/', '/', '/f*', '"~ ^/fhir"';
refused('a gateway at the Redirect URL', ours(), gateway(path => '/smart'), qr{<Location /smart> is a gateway .* and <Location /smart> a Redirect URL});
refused('a gateway below the Redirect URL', ours(), gateway(path => '/smart/fhir'), qr{<Location /smart/fhir> is a gateway .* give each a path of its own});
refused('a Redirect URL below the gateway', ours(), gateway(path => '/fhir', after => "<Location /fhir/smart>\nSmartTarget /app/\n</Location>"),
    qr{<Location /fhir> is a gateway .* <Location /fhir/smart> a Redirect URL});
accepted('a gateway whose path only begins like it', ours(), gateway(path => '/smartfhir'));

# What it needs
refused('no SmartGatewayURL', ours(gateway_url => ''), gateway(), qr{<Location /fhir> is a gateway .* write .*SmartGatewayURL http://127.0.0.1:8081/fhir});
accepted('SmartGatewayURL in the virtual host', ours(gateway_url => ''), gateway(after => 'SmartGatewayURL https://app.example/fhir'));
refused('no EHR', ours(section => ''), gateway(), qr/there is no EHR/, no_redirect => 1);
refused('no key ring', ours(keyring => ''), gateway(), qr/SmartKeyring is missing/, no_redirect => 1);
refused('a SmartGatewayURL with a query', ours(gateway_url => 'SmartGatewayURL http://h/fhir?a'), gateway(), qr/SmartGatewayURL: /);
{
    my $load = \&SL::Httpd::_load;
    my $unload = sub {
        my ($gone) = @_;
        return sub { return join "\n", grep { !/LoadModule (?:$gone)_module/ } split /\n/, $load->(@_) };
    };
    no warnings 'redefine';
    for my $case ([ 'proxy_http' => 'mod_proxy and mod_proxy_http' ]) {
        local *SL::Httpd::_load = $unload->($case->[0]);
        refused("without $case->[0]", ours(), gateway(), qr/SmartGateway needs $case->[1]; .*a2enmod proxy_http/);
    }
}

# Who may call
refused('SEC-10 no Require', ours(), gateway(require => ''), qr{<Location /fhir> is a gateway .* has no Require; write .*Require local});
my %open = (
    'all granted' => 'Require all granted',
    'all granted beside others' => "Require local\nRequire all granted",
    'all granted in RequireAny' => "<RequireAny>\nRequire local\nRequire all granted\n</RequireAny>",
    'all but a few' => "<RequireAll>\nRequire all granted\nRequire not ip 192.0.2.1\n</RequireAll>",
    'every method' => 'Require method GET POST',
    'all granted in If' => "Require local\n<If \"true\">\nRequire all granted\n</If>",
    'all granted, in another spelling' => 'REQUIRE all GRANTED',
);
my %closed = (
    'local' => 'Require local',
    'an address' => 'Require ip 10.0.0.0/8',
    'a host and a condition' => "<RequireAll>\nRequire all granted\nRequire local\n</RequireAll>",
    'nobody' => 'Require all denied',
    'a user' => 'Require user redcap',
    'in RequireAny' => "<RequireAny>\nRequire local\nRequire ip 10.0.0.1\n</RequireAny>",
);
for my $name (sort keys %open) {
    refused("$name without SmartCaller", ours(), gateway(require => $open{$name}),
        qr{<Location /fhir> is a gateway .* lets everybody call .*; write Require local, or SmartCaller});
    accepted("$name with SmartCaller", ours(), gateway(require => $open{$name}, more => $caller));
}
accepted("Require: $_", ours(), gateway(require => $closed{$_})) for sort keys %closed;
refused('a Require for some methods only', ours(), gateway(require => "<Limit GET>\nRequire local\n</Limit>"), qr/has no Require/);
accepted('a Require of the section around it', ours(), gateway(path => '/in/fhir', require => '', after => "<Location /in>\nRequire local\n</Location>"));
accepted('a Require of a pattern', ours(), gateway(require => '', after => "<LocationMatch ^/fhir>\nRequire local\n</LocationMatch>"));
accepted('a Require of the main server', ours(extra => "<Location />\nRequire local\n</Location>"), gateway(require => ''));
refused('a Require of another virtual host', ours(), gateway(require => ''), qr/has no Require/,
    after => "<VirtualHost 127.0.0.1:1>\n<Location /fhir>\nRequire local\n</Location>\n</VirtualHost>");
refused('a later section that opens it', ours(), gateway(after => "<Location />\nRequire all granted\n</Location>"), qr/lets everybody call/);
accepted('a later section that closes it', ours(), gateway(require => 'Require all granted', after => "<Location />\nRequire local\n</Location>"));
refused('an EHR below it that is open', ours(), gateway(after => "<Location /fhir/one>\nRequire all granted\n</Location>"), qr{lets everybody call /fhir/one});
refused('a pattern below it that is open', ours(), gateway(after => "<LocationMatch /Patient/>\nRequire all granted\n</LocationMatch>"), qr{lets everybody call /fhir/one/Patient/1});
accepted('a path beside it that is open', ours(), gateway(after => "<Location /fhirs>\nRequire all granted\n</Location>"));
accepted('AuthMerging And', ours(), gateway(after => "<Location /fhir/one>\nAuthMerging And\nRequire all granted\n</Location>"));
refused('AuthMerging Or', ours(), gateway(after => "<Location /fhir/one>\nAuthMerging Or\nRequire all granted\n</Location>"), qr/lets everybody call/);
refused('a gateway of the main server that a virtual host opens', ours(extra => gateway()), "<Location /fhir>\nRequire all granted\n</Location>", qr/lets everybody call/);
refused('AuthType Smart', ours(), gateway(after => "<Location />\nAuthType Smart\n</Location>"), qr/under AuthType Smart, .* write AuthType None/);
refused('a Require for launches', ours(), gateway(require => 'Require smart-scope patient/*.rs'), qr{Require smart-scope in <Location /fhir>, which is a gateway.*write Require local});
accepted('AuthType None below it', ours(), "<Location />\nAuthType Smart\nRequire all granted\n</Location>\n" . gateway(more => 'AuthType None'));

# Callers
location_accepted($caller);
location_accepted("$caller\nSmartCaller other file:$dir/other.secret");
location_accepted("$caller\nSmartCaller redcap file:$dir/other.secret");
location_refused("SmartCaller redcap file:$dir/open.secret", qr/SmartCaller redcap: .*chmod 600/);
location_refused("SmartCaller redcap file:$dir/none", qr/SmartCaller redcap: .*does not exist/);
location_refused("SmartCaller redcap file:$dir/short.secret", qr/SmartCaller redcap: .*less than 16 .*openssl rand -hex 32/);
location_refused('SmartCaller redcap 0123456789abcdef', qr/SmartCaller redcap: the secret itself does not belong here; write file:PATH/);
location_refused("$caller\nSmartCaller other file:$dir/same.secret", qr/SmartCaller other has the same secret as SmartCaller redcap/);
location_refused("SmartCaller $_ file:$dir/redcap.secret", qr/SmartCaller: ".*" will not do/) for '"a b"', 'a' x 65;

# The other directives
location_accepted($_) for 'SmartSessionParam _smart_session _redox_session', 'SmartWrites on', 'SmartReplay 0',
    'SmartReplay 2M', map { "SmartPatientGuard $_" } qw(on strict off);
location_refused("SmartSessionParam $_", qr/SmartSessionParam: .* has a meaning of its own/) for qw(smart_launch access_token);
location_refused("SmartSessionParam $_", qr/SmartSessionParam/) for '"a b"', 'a=b', '"a&b"', 'a%62';
location_refused('SmartPatientGuard maybe', qr/SmartPatientGuard: .* write on, strict or off/);
location_refused("SmartReplay $_", qr/SmartReplay: /) for qw(much 65M);
accepted("SmartAudit $_", ours(extra => "SmartAudit $_"), gateway()) for qw(on off required);
refused('SmartAudit of nonsense', ours(extra => 'SmartAudit yes'), gateway(), qr/SmartAudit: "yes" is not understood; write required, on or off/);
refused('SmartAudit in a virtual host', ours(), gateway(after => 'SmartAudit on'), qr/SmartAudit is for the whole server/);
accepted("SmartKeep $_", ours(extra => "SmartKeep $_"), gateway()) for 'steps=2d access=365d', 'access=forever';
refused("SmartKeep $_", ours(extra => "SmartKeep $_"), gateway(), qr/SmartKeep: /) for 'access=1h', 'access=never', 'rows=1d';
accepted('SmartRenew', ours(ehr => 'SmartRenew ahead=90s'), gateway());
refused("SmartRenew $_", ours(ehr => "SmartRenew $_"), gateway(), qr/SmartRenew/) for '60s', 'ahead=soon';
refused('SmartRenew outside', ours(extra => 'SmartRenew ahead=1m'), gateway(), qr/SmartRenew belongs inside <SmartEHR NAME>/);
accepted('SmartDatabase listen=', ours(database => 'SmartDatabase "host=/pooler dbname=x" prepare=off "listen=host=/db dbname=x"'), gateway());
refused('SmartDatabase listen= of nonsense', ours(database => 'SmartDatabase "host=/x" "listen=nonsense"'), gateway(), qr/SmartDatabase: listen=/);
accepted('a SmartStateDir that is not there yet', ours(extra => "SmartStateDir $dir/not/yet"), gateway());
refused('a SmartStateDir that is a file', ours(extra => "SmartStateDir $dir/keyring"), gateway(), qr/SmartStateDir: .* is no directory/);
refused('a cache over the gateway', ours(), gateway(after => 'CacheEnable disk /fhir'), qr/CacheEnable over .*SmartGateway/, modules => [ 'cache', 'cache_disk' ]);

# mod_proxy
refused("SmartOutbound proxy=$_", ours(outbound => "SmartOutbound proxy=$_"), gateway(), qr{SmartOutbound in <SmartEHR one>: .*write proxy=http://HOST:PORT})
    for qw(https://proxy.example socks5://proxy.example:1080 http://u:p@proxy.example:3128);
accepted("SmartOutbound proxy=$_", ours(outbound => "SmartOutbound proxy=$_"), gateway()) for qw(http://proxy.example:3128 proxy.example:3128);
accepted('an EHR without TLS, on loopback', ours(issuer => 'SmartIssuer http://127.0.0.1:8080/fhir', outbound => 'SmartOutbound insecure-loopback'), gateway());
my $engine = 'SSLProxyEngine on';
my $verify = 'SSLProxyVerify require';
my $trust = "SSLProxyCACertificateFile $ca";
for my $url ($issuer, $issuer =~ s{/fhir$}{/}r, '*', 'https://*') {
    refused("half of what TLS needs in <Proxy \"$url\">: $_", ours(extra => "<Proxy \"$url\">\n$_\n</Proxy>"), gateway(),
        qr/<Proxy .* takes the place of what SmartOutbound in <SmartEHR one> says of TLS; write SSLProxyEngine on, SSLProxyVerify/)
        for "$engine\n$verify", "$engine\n$trust", "$verify\n$trust", 'SSLProxyCheckPeerName on';
    accepted("all that TLS needs in <Proxy \"$url\">", ours(extra => "<Proxy \"$url\">\n$engine\n$verify\n$trust\n</Proxy>"), gateway());
}
refused('half of it in a virtual host', ours(), gateway(after => "<ProxyMatch ^https>\n$engine\n</ProxyMatch>"), qr/<ProxyMatch .* takes the place/);
accepted('half of it for somebody else', ours(extra => "<Proxy \"https://other.example\">\n$engine\n</Proxy>"), gateway());
accepted('half of it without a gateway', ours(extra => "<Proxy \"$issuer\">\n$engine\n</Proxy>"), '');
accepted('a section that says nothing of TLS', ours(extra => "<Proxy \"$issuer\" timeout=7>\nProxyPreserveHost Off\n</Proxy>"), gateway());

# What was understood
my ($rc, $dump) = configtest(ours(extra => "SmartAudit required\nSmartKeep access=400d", ehr => 'SmartRenew ahead=90s'),
    gateway(require => 'Require all granted', more => "$caller\nSmartWrites on\nSmartPatientGuard strict\nSmartApp second"),
    options => [ '-D', 'DUMP_SMARTLAUNCH' ]);
is $rc, 0, 'the resolved configuration can be printed';
my ($text) = $dump =~ /^(\{.*\})$/m;
my $said = decode_json($text // '{}');
is $said->{audit}, 'required', '… with SmartAudit';
is $said->{keep_access}, 400 * 86400, '… and SmartKeep';
is $said->{ehrs}[0]{renew_ahead}, 90, '… and SmartRenew';
my ($found) = map { @{ $_->{gateways} } } @{ $said->{servers} };
is_deeply $found, { path => '/fhir', app => 'second', is_open => JSON::PP::true, writes => JSON::PP::true,
    system => JSON::PP::false, guard => 'strict', replay => 1024 * 1024, session_params => ['_smart_session'], callers => ['redcap'] },
    '… and what holds for the gateway';
unlike $dump, qr/0123456789abcdef/, '… without a secret';

done();
