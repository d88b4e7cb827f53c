# SPDX-License-Identifier: Apache-2.0
# An app that is told of launches (SmartNotify), as a receiver of the Redox kind is written: it checks
# the verification-token, the JWT (by Perl's own HMAC, not by the module's code) and answers where the
# browser shall go. Its server is SL::Odd's; its files are made here.
#
#   my $app = SL::Signon->new;
#   world(redirect => $app->notify(html => 'on'));
#   $app->answers(302, Location => $w->url('/papp/?ticket=1'));
#   my ($told) = $app->told;        # {body, claims, headers, text}; what is wrong with it dies
package SL::Signon;
use strict;
use warnings;
use utf8;
use Carp qw(croak);
use Digest::SHA qw(hmac_sha256 sha256);
use JSON::PP ();
use MIME::Base64 qw(decode_base64url encode_base64url);
use SL::Odd;
use SL::Run qw(run_dir spit);
use SL::TLS;

sub new {
    my ($class, %arg) = @_;
    my $self = bless { dir => run_dir('signon'), odd => SL::Odd->new, path => '/sso', seen => {},
        secret => $arg{secret} // 'a secret of the app & ours, 40 bytes long', token => 'verify+me/=' }, $class;
    spit("$self->{dir}/secret", "$self->{secret}\n", 0600);
    spit("$self->{dir}/token", "$self->{token}\n", 0600);
    return $self;
}

sub odd { return $_[0]{odd} }
sub url { my ($self, $path, %at) = @_; return $self->{odd}->url($path // $self->{path}, %at) }
sub origin { my ($self, %at) = @_; return $self->{odd}->url('', %at) }

# The directive. Options replace its own: secret => undef leaves one out; url.
sub notify {
    my ($self, %with) = @_;
    my $url = delete $with{url} // $self->url;
    my %option = (secret => "file:$self->{dir}/secret", token => "file:$self->{dir}/token", ca => SL::TLS::ca(),
        source => 'src-7ce6,Our hospital', destination => 'dst-1', %with);
    return "SmartNotify $url " . join ' ', map { qq("$_=$option{$_}") } grep { defined $option{$_} } sort keys %option;
}

# What it answers from now on, once the challenge is met; further options as SL::Odd::route has them.
sub answers {
    my ($self, $status, %more) = @_;
    my %headers = map { $_ => delete $more{$_} } grep { /^[A-Z]/ } keys %more;
    $self->{odd}->route($self->{path} => { status => $status, headers => \%headers, echo => JSON::PP::true(), %more });
    return $self;
}

# All that came to its address since the last time, challenges among it.
sub requests {
    my ($self) = @_;
    my @all = $self->{odd}->log($self->{path});
    my $known = $self->{known}{ $self->{path} } // 0;
    # Nothing is taken out of the log: what comes at this very moment would go, too.
    $self->{known}{ $self->{path} } = @all;
    splice @all, 0, $known if @all >= $known;
    return @all;
}

sub is_challenge { my ($request) = @_; return "$request->{query}$request->{body}" =~ /challenge/ }

# The sign-on messages since the last time, each checked as a receiver has to.
sub told {
    my ($self) = @_;
    return map { $self->_check($_) } grep { !is_challenge($_) } $self->requests;
}

sub _check {
    my ($self, $request) = @_;
    my $headers = $request->{headers};
    croak "a $request->{method}" if $request->{method} ne 'POST';
    croak 'no JSON' if $headers->{'content-type'} ne 'application/json';
    croak 'another verification-token' if ($headers->{'verification-token'} // '') ne $self->{token};
    my ($jwt) = ($headers->{authorization} // '') =~ /^Bearer (\S+)$/ or croak 'no bearer';
    my $claims = $self->_verify($jwt);
    utf8::encode(my $bytes = $request->{body});
    croak 'the body is not the signed one' if $claims->{body_sha256} ne encode_base64url(sha256($bytes));
    return { body => JSON::PP->new->utf8->decode($bytes), claims => $claims, headers => $headers,
        text => $bytes, jwt => $jwt };
}

# RFC 7515, RFC 7519, and that nobody sends it twice.
sub _verify {
    my ($self, $jwt) = @_;
    my ($head, $body, $mac, @rest) = split /\./, $jwt, -1;
    croak 'no compact JWS' if @rest || !defined $mac;
    my $header = JSON::PP->new->utf8->decode(decode_base64url($head));
    croak "alg $header->{alg}" if $header->{alg} ne 'HS256' || $header->{typ} ne 'JWT';
    croak 'a wrong signature' if $mac ne encode_base64url(hmac_sha256("$head.$body", $self->{secret}));
    my $claims = JSON::PP->new->utf8->decode(decode_base64url($body));
    croak 'it has ended' if $claims->{exp} <= time;
    croak 'it is from the future' if $claims->{iat} > time + 5;
    croak 'it lasts too long' if $claims->{exp} - $claims->{iat} > 60;
    croak 'a jti twice' if $self->{seen}{ $claims->{jti} }++;
    return $claims;
}

1;
