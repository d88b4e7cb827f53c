#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Beside other modules: whatever else is configured for these paths, the Redirect URL is ours, and
# nothing else is. In whichever order the modules are loaded. Without configuration nothing changes.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use URI;

my $w = world(start => 0, fpm => 0);
my $ehr = $w->ehr;
my ($client) = SL::EHR::default_clients('');
$client->{redirect_uris} = [];

# A front controller and what stands in its way: files of our names.
my $site = run_dir('site');
mkdir "$site/$_" or die "$site/$_: $!" for qw(front front/smart other cgi);
spit("$site/front/.htaccess", <<'CONF');
RewriteEngine On
RewriteRule ^ index.html [L]
CONF
spit("$site/front/index.html", 'the neighbour');
spit("$site/front/smart/.htaccess", "Require all denied\n");
spit("$site/front/smart/index.html", 'the neighbour, in /smart');
spit("$site/other/smart", 'the neighbour');
spit("$site/other/$_", 'the neighbour') for qw(other session);

# Who would like to have everything. ECHO is the proxied app, which answers with what it was sent.
my %neighbours = (
    'proxypass' => 'ProxyPass / ECHO/',
    'proxypass-first' => "ProxyPass /smart ECHO/smart\nProxyPass / ECHO/",
    'proxypass-servlet' => 'ProxyPass / ECHO/ mapping=servlet',
    'proxypass-encoded' => 'ProxyPass / ECHO/ mapping=encoded',
    'proxypassmatch' => 'ProxyPassMatch ^/(.*)$ ECHO/$1',
    'proxypass-location' => "<Location />\nProxyPass ECHO/\n</Location>",
    'sethandler-proxy' => "<Location />\nSetHandler proxy:ECHO\n</Location>",
    'rewrite-proxy' => "RewriteEngine On\nRewriteRule ^/?(.*) ECHO/\$1 [P]",
    'rewrite-path' => "DocumentRoot $site/front\nRewriteEngine On\nRewriteRule ^ $site/other/other [L]",
    'rewrite-redirect' => "RewriteEngine On\nRewriteRule ^ https://neighbour.example/ [R=307,L]",
    'front-controller' => "DocumentRoot $site/front",
    'fallback' => "DocumentRoot $site/other\n<Directory $site/other>\nFallbackResource /other\n</Directory>",
    'fallback-location' => "DocumentRoot $site/other\n<Location />\nFallbackResource /other\n</Location>",
    'alias' => "Alias /smart $site/other/smart\nAlias / $site/other/",
    'aliasmatch' => "AliasMatch ^/.* $site/other/other",
    'scriptalias' => "ScriptAlias /smart $site/cgi\nAlias / $site/other/",
    'redirect' => 'Redirect 307 / https://neighbour.example/',
    'redirectmatch' => 'RedirectMatch 307 ^ https://neighbour.example/',
    'error-document' => "DocumentRoot $site/other\nErrorDocument 400 /other\nErrorDocument 401 /other\nErrorDocument 404 /other",
);

sub origin { my ($httpd, $name) = @_; return "https://$name.site.localhost:$httpd->{port}" }

sub host {
    my ($httpd, $name) = @_;
    my ($tls, $public) = (SL::TLS::dir(), origin($httpd, $name));
    my $lines = $neighbours{$name} =~ s{ECHO}{http://127.0.0.1:$httpd->{echo}{port}}gr;
    return <<"CONF";
<VirtualHost 127.0.0.1:$httpd->{port}>
    ServerName $public
    SmartPublicURL $public
    SSLEngine on
    SSLCertificateFile $tls/server.pem
    SSLCertificateKeyFile $tls/server.key
    $lines
    <Directory $site>
        AllowOverride All
        Require all granted
    </Directory>
    <Location /smart>
        SmartTarget /other
    </Location>
    <Location /other>
        AuthType Smart
        Require all granted
    </Location>
</VirtualHost>
CONF
}

sub started {
    my ($origin) = @_;
    my $made = $ehr->launch;
    my $url = URI->new("$origin/smart");
    $url->query_form(iss => $made->{iss}, launch => $made->{launch});
    return request(GET => "$url");
}

sub beside {
    my ($httpd, $name, $when) = @_;
    my ($origin, $what) = (origin($httpd, $name), "$name, we are loaded $when");
    my $theirs = request(GET => "$origin/other");
    ok $theirs->content =~ /the neighbour|"by":"proxy"/ || ($theirs->header('Location') // '') =~ /neighbour/,
        "$what: it has its own paths" or diag $theirs->as_string;
    unlike request(GET => "$origin/smarter")->content, qr/Reference:/, "$what: also those that only begin like ours";
    my $start = started($origin);
    is $start->code, 302, "$what: /smart launches";
    like $start->header('Location') // '', qr/^\Q${\ $ehr->auth }\E\/authorize\?/, "$what: from the EHR";
    my $bare = request(GET => "$origin/smart", headers => [ Accept => 'text/html' ]);
    is $bare->code, 400, "$what: /smart without parameters: 400";
    like $bare->content, qr/Reference: <code>/, "$what: a page of ours";
    my $session = request(GET => "$origin/smart/session", headers => [ Accept => 'application/json' ]);
    is $session->code, 401, "$what: /smart/session without a launch: 401";
    like $session->content, qr/"reference"/, "$what: said by us";
    my $none = request(GET => "$origin/smart/nothing", headers => [ Accept => 'text/html' ]);
    is $none->code, 404, "$what: what is not there below /smart is 404";
    like $none->content, qr/Reference: <code>/, "$what: a page of ours, too";
    my $post = request(POST => "$origin/smart", body => 'code=a&state=b',
        headers => [ 'Content-Type' => 'application/x-www-form-urlencoded' ]);
    is $post->code, 400, "$what: a form_post reaches us";
    return;
}

my $second = SL::Httpd->new(ehr => $ehr, pg => $w->pg, fpm => 0, early => 1);
my @both = ([ $w->httpd, 'last' ], [ $second, 'first' ]);
for (@both) {
    my ($httpd) = @$_;
    $httpd->{after} = join "\n", map { host($httpd, $_) } sort keys %neighbours;
    push @{ $client->{redirect_uris} }, $httpd->url('/smart'), map { origin($httpd, $_) . '/smart' } sort keys %neighbours;
}
$ehr->clients($client);
for (@both) {
    my ($httpd, $when) = @$_;
    $httpd->start;
    beside($httpd, $_, $when) for sort keys %neighbours;
    $httpd->expect_log(qw(SL2021 SL6005 SL6006 SL4313));
}

# The whole way, behind the two that take the most
for my $name (qw(proxypass front-controller)) {
    my $l = $w->launch(origin => origin($w->httpd, $name));
    is $l->{callback}->code, 303, "$name: the callback is ours";
    is $l->{app}->code, 200, "$name: and the app answers";
}

# Without configuration: the same answers as without the module
my ($with, $without) = map { SL::Httpd->new(module => 0, fpm => 0, @$_) }
    [ extra => 'LoadModule smartlaunch_module "' . SL::Httpd::module_path() . '"' ], [];
$_->{echo} = $w->httpd->{echo}, $_->start for $with, $without;
sub answer_of {
    my ($httpd, $method, $path, $headers, $body) = @_;
    my $response = request($method => $httpd->url($path), headers => [ Host => 'app.localhost', @$headers ],
        defined $body ? (body => $body) : ());
    $response->remove_header(qw(Date Last-Modified ETag));
    $response->header(Allow => join ',', sort split /,/, $response->header('Allow')) if $response->header('Allow');
    return $response->as_string;
}
for my $case (
    [ GET => '/plain/', [] ], [ GET => '/papp/x?a=1', [ Cookie => 'a=1; __Host-smart=b', Accept => 'text/html' ] ],
    [ GET => '/papp/x?a=1&smart_launch=abc&b=%41', [ 'Sec-Fetch-Site' => 'same-origin', 'Sec-Fetch-Mode' => 'navigate' ] ],
    [ GET => '/papp/', [ Referer => 'https://app.localhost/papp/?smart_launch=abc', Connection => 'close, X-Thing', 'X-Thing' => 1 ] ],
    [ POST => '/papp/', [ Origin => 'https://evil.example', 'Sec-Fetch-Site' => 'cross-site' ], 'a=b' ],
    [ GET => '/papp/?' . answer(status => 302, headers => [ Location => '/papp/', 'Set-Cookie' => 'PHPSESSID=x; Path=/',
        'Smart-Login' => 'alice', 'Content-Security-Policy' => 'frame-ancestors \'none\'', 'X-Frame-Options' => 'DENY' ]), [] ],
    [ GET => '/papp/?' . answer(status => 404, body => 'none'), [] ], [ GET => '/nothing', [] ], [ HEAD => '/sapp/', [] ],
    [ OPTIONS => '/plain/', [] ], [ GET => '/smart?iss=a&launch=b', [] ], [ GET => '/smart/session', [] ],
    [ GET => '/sapp/style.css', [ Range => 'bytes=0-3' ] ], [ PUT => '/plain/', [], 'x' ],
) {
    is answer_of($with, @$case), answer_of($without, @$case), "without configuration $case->[0] $case->[1] is what it was";
}
unlike answer_of($with, GET => '/papp/', [ 'Smart-Patient' => 'p1', 'smart_user' => 'mallory' ]), qr/smart|mallory/i,
    'SEC-3 but that nobody can say what only we say';

done();
