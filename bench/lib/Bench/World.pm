# SPDX-License-Identifier: Apache-2.0
# Four private httpds: a backend with files, and before it bare mod_proxy, the module, and
# mod_auth_openidc. One user is launched, linked and logged in everywhere.
package Bench::World;
use strict;
use warnings;
use utf8;
use Bench::Answers qw(write_answers);
use Bench::Client;
use Bench::Httpd;
use Carp qw(croak);
use SL;

my $bearer = 800; # bytes of an access token

sub new {
    my ($class) = @_;
    my $self = bless { port => { map { $_ => free_port() } qw(backend bare bare64 smart oidc) } }, $class;
    my $w = $self->{w} = world(start => 0, pg => { own => 1 }, fpm => 0, extra => _common());
    $self->{backend} = "http://127.0.0.1:$self->{port}{backend}";
    $self->{patient} = $w->ehr->patients->[0];
    $w->ehr->settings(aud => 'any', expires_in => 86_400, token_length => $bearer);
    my %other = (ehr => $w->ehr, pg => $w->pg, module => 0, fpm => 0, extra => _common());
    $self->{server} = {
        smart => $self->_smart,
        bare => Bench::Httpd->new(%other, port => free_port(), after => $self->_bare),
        oidc => $self->_oidc(%other, port => free_port()),
        backend => Bench::Httpd->new(%other, port => free_port(), extra => _common() . _roomy(), after => $self->_backend),
    };
    $self->{server}{$_}{called} = $_ for keys %{ $self->{server} };
    write_answers($self->{server}{backend}->dir . '/htdocs', "$self->{backend}/fhir", $self->{patient});
    # forged ones; a pid file that -X leaves; what takes long under callgrind
    $_->allow_log(qw(SL2531 SL6402 AH00098 SL4518 SL3001)) for values %{ $self->{server} };
    $self->{port}{gateway} = $w->httpd->{gateway_port};
    $self->{client} = { map { $_ => Bench::Client->new($self->{port}{$_}) } qw(bare bare64 smart oidc gateway) };
    return $self;
}

sub w { return $_[0]{w} }
sub server { my ($self, $name) = @_; return $self->{server}{$name} }
sub client { my ($self, $name) = @_; return $self->{client}{$name} }
sub port { my ($self, $name) = @_; return $self->{port}{$name} }
sub patient { return $_[0]{patient} }

# The launches, and the login at mod_auth_openidc; {app, cookie, session, oidc}.
sub begin {
    my ($self) = @_;
    my $w = $self->{w};
    $_->start for map { $self->{server}{$_} } qw(backend smart oidc bare);
    my $live = $w->launch(login => 'alice', encounter => 'enc-1', intent => 'reconcile', need_patient_banner => 1);
    my $fhir = $w->launch(login => 'alice', ehr => Bench::World::Ehr->of($w->ehr, "$self->{backend}/fhir"));
    croak 'no launch: ' . $fhir->{callback}->as_string if !$fhir->{session};
    return {
        live => $live,
        cookie => '__Host-smart=' . $live->{window}->jar->get('__Host-smart')->{value},
        session => $fhir->{session},
        oidc => $self->_login,
    };
}

sub _common { return "MaxKeepAliveRequests 0\nKeepAliveTimeout 120\n" }

# The fronts keep connections to it.
sub _roomy { return "ServerLimit 4\nStartServers 4\nThreadLimit 64\nThreadsPerChild 64\nMaxRequestWorkers 256\nMaxSpareThreads 256\n" }

# A virtual host without TLS, which all fronts would pay for alike.
sub _plain_host {
    my ($self, $which, $lines) = @_;
    return <<"CONF";
Listen 127.0.0.1:$self->{port}{$which} http
<VirtualHost 127.0.0.1:$self->{port}{$which}>
    ServerName app.localhost
    DocumentRoot "htdocs"
    $lines
</VirtualHost>
CONF
}

sub _backend {
    my ($self) = @_;
    return $self->_plain_host(backend => <<'CONF');
    <Directory htdocs>
        Require all granted
    </Directory>
    <LocationMatch ^/fhir>
        ForceType application/fhir+json
    </LocationMatch>
CONF
}

# What each front has in common for its app: a file of 1 KB and one of 1 MB.
sub _app_pass {
    my ($self, $path) = @_;
    return "ProxyPass $path/1m $self->{backend}/plain/1m.txt\n    ProxyPass $path/ $self->{backend}/plain/1k.txt";
}

sub _bare {
    my ($self) = @_;
    my $set = join '', map { qq{        RequestHeader set Bench-$_ "a value of usual length, no. $_"\n} } 1 .. 12;
    my $token = 'b' x $bearer;
    my $fhir = <<"CONF";
    ProxyPass /fhir/bench $self->{backend}/fhir
    <Location /fhir>
        RequestHeader set Authorization "Bearer $token"
        Require local
    </Location>
CONF
    return $self->_plain_host(bare64 => "ProxyIOBufferSize 65536\n    ReadBufferSize 65536\n$fhir")
        . $self->_plain_host(bare => <<"CONF");
$fhir
    ${\ $self->_app_pass('/bare') }
    ${\ $self->_app_pass('/const') }
    <Location /const>
$set    </Location>
CONF
}

# The section of the sandbox EHR of a world, whose FHIR server is at $fhir.
sub ehr_config {
    my ($w, $fhir) = @_;
    my $is = SL::HTTP::json(request('GET', $w->ehr->issuer . '/.well-known/smart-configuration'));
    my $ca = SL::TLS::ca();
    return <<"CONF";
<SmartEHR bench>
    SmartIssuer $fhir
    SmartClient app-basic
    SmartClientSecret file:${\ $w->httpd->dir }/secret
    SmartScope "launch openid fhirUser offline_access patient/*.rs"
    SmartIdentity id_token:preferred_username
    SmartEmbed ${\ $w->ehr->base }
    SmartEndpoint issuer $is->{issuer}
    SmartEndpoint authorize $is->{authorization_endpoint}
    SmartEndpoint token $is->{token_endpoint}
    SmartEndpoint jwks $is->{jwks_uri}
    SmartOutbound ca=$ca max=64 insecure-loopback
</SmartEHR>
CONF
}

sub _smart {
    my ($self) = @_;
    my $w = $self->{w};
    my $smart = bless $w->httpd, 'Bench::Httpd';
    $smart->{extra} .= ehr_config($w, "$self->{backend}/fhir");
    $smart->{after} = $self->_plain_host(smart => <<"CONF");
    ProxyPass /papp/echo/ http://127.0.0.1:$smart->{echo}{port}/papp/
    ${\ $self->_app_pass('/papp') }
    ${\ $self->_app_pass('/other') }
    <Location /smart>
        SmartTarget /papp/
    </Location>
    <Location /papp>
        AuthType Smart
        SmartLogin on
        Require valid-user
    </Location>
CONF
    return $smart;
}

# mod_auth_openidc as Debian has it: sessions in shared memory, claims in headers and variables. Its
# login goes over TLS, like ours, and its session holds on the port without, too.
sub _oidc {
    my ($self, %arg) = @_;
    my $ehr = $self->{w}->ehr;
    my $is = SL::HTTP::json(request('GET', $ehr->issuer . '/.well-known/smart-configuration'));
    my $redirect = $self->{redirect} = "https://app.localhost:$arg{port}/oidc/callback";
    my $ca = SL::TLS::ca();
    $ehr->clients({ client_id => 'peer', client_secret => 'a-secret-of-the-peer', redirect_uris => [$redirect],
        token_endpoint_auth_method => 'client_secret_basic', id_token_signed_response_alg => 'RS256' });
    my $protected = <<"CONF";
    ${\ $self->_app_pass('/oidc') }
    <Location /oidc>
        AuthType openid-connect
        Require valid-user
    </Location>
CONF
    return Bench::Httpd->new(%arg, modules => ['auth_openidc'], vhost => $protected,
        extra => _common() . <<"CONF", after => $self->_plain_host(oidc => $protected));
OIDCProviderIssuer $is->{issuer}
OIDCProviderAuthorizationEndpoint $is->{authorization_endpoint}
OIDCProviderTokenEndpoint $is->{token_endpoint}
OIDCProviderTokenEndpointAuth client_secret_basic
OIDCProviderJwksUri $is->{jwks_uri}
OIDCClientID peer
OIDCClientSecret a-secret-of-the-peer
OIDCScope "launch openid fhirUser"
OIDCPKCEMethod S256
OIDCCABundlePath $ca
OIDCCryptoPassphrase a-passphrase-of-the-peer
OIDCRedirectURI $redirect
OIDCRemoteUserClaim preferred_username
OIDCSessionInactivityTimeout 7200
OIDCCookieSameSite Off
OIDCAuthRequestParams launch=${\ $ehr->launch->{launch} }&aud=${\ $ehr->issuer }
CONF
}

# A login at mod_auth_openidc by a launch of the sandbox EHR; its cookie.
sub _login {
    my ($self) = @_;
    my $window = $self->{w}->browser->window;
    my $answer = $window->nav($self->{redirect} =~ s{callback$}{}r, typed => 1, follow => 1);
    my $cookie = $window->jar->get('mod_auth_openidc_session')
        or croak 'mod_auth_openidc did not let us in: ' . $answer->as_string . $self->{server}{oidc}->error_log;
    return "mod_auth_openidc_session=$cookie->{value}";
}

# The sandbox EHR as it looks when its FHIR server is the backend's files.
package Bench::World::Ehr;
use strict;
use warnings;
use parent -norequire, 'SL::EHR';

sub of { my ($class, $ehr, $fhir) = @_; return bless { %$ehr, fhir => $fhir, server => undef }, $class }
sub launch { my ($self, %arg) = @_; return { %{ $self->SUPER::launch(%arg) }, iss => $self->{fhir} } }

1;
