# SPDX-License-Identifier: Apache-2.0
# A browser as far as headers and cookies go: one jar, and windows (or frames) that each have a page.
# It sends what Chromium sends (Sec-Fetch-*, Referer by the page's policy) and follows redirects
# only when told to. It runs no scripts and loads no images.
#
#   my $browser = SL::Browser->new;
#   my $frame = $browser->frame('https://ehr.localhost:9443/');   # a frame on the EHR's page
#   my $window = $browser->window;                                # a tab of its own
package SL::Browser;
use strict;
use warnings;
use Carp qw(croak);
use HTML::Form;
use SL::Cookies;
use SL::HTTP ();
use URI;

sub new { return bless { jar => SL::Cookies->new }, $_[0] }
sub jar { return $_[0]{jar} }

sub window { my ($self) = @_; return SL::Browser::Window->new(jar => $self->{jar}) }

# A frame in a page of $url: the partition is that page's site, and the first navigation comes from it.
sub frame {
    my ($self, $url) = @_;
    return SL::Browser::Window->new(jar => $self->{jar}, top => URI->new($url), opener => URI->new($url));
}

package SL::Browser::Window;
use strict;
use warnings;
use Carp qw(croak);
use URI;

# Members: jar; page (URI) and response of what is shown; hops: every response of the last navigation.
sub new { my ($class, %arg) = @_; return bless { hops => [], policy => '', %arg }, $class }

sub page { return $_[0]{page} }
sub response { return $_[0]{response} }
sub hops { return @{ $_[0]{hops} } }
sub jar { return $_[0]{jar} }

# Goes there, as a click on a link of the page shown does. Options: method, body, type (of the body),
# typed => 1 (address bar, no initiator), follow => 0|1 (default 0), until => regex (stop before a
# redirect to a URL that matches), headers => [...] (added), without => regex (the browser's own headers left out).
sub nav {
    my ($self, $url, %opt) = @_;
    my $from = $opt{typed} ? undef : $self->{page} || $self->{opener};
    my $policy = $self->{page} ? $self->{policy} : '';
    my %ask = (method => $opt{method} || 'GET', body => $opt{body}, type => $opt{type},
        uri => $self->{page} ? URI->new_abs($url, $self->{page}) : URI->new($url));
    $self->{hops} = [];
    my $worst = 'none';
    while (1) {
        $worst = _worse($worst, _relation($from, $ask{uri}));
        my $response = $self->_navigate(\%ask, $from, $policy, $worst, \%opt);
        push @{ $self->{hops} }, $response;
        my $to = $self->_redirect($response, \%ask) or last;
        return $response if !$opt{follow} || $opt{until} && $to->{uri} =~ $opt{until};
        croak 'a redirect loop: ' . $ask{uri} if @{ $self->{hops} } > 20;
        %ask = %$to;
    }
    $self->_show($self->{hops}[-1], $ask{uri});
    return $self->{hops}[-1];
}

# The address bar.
sub type { my ($self, $url, %opt) = @_; return $self->nav($url, typed => 1, %opt) }

# Goes on with the last answer's redirect (after nav without follow).
sub go_on {
    my ($self, %opt) = @_;
    my $to = $self->location or croak 'the last answer was no redirect';
    return $self->nav($to, %opt);
}

# Absolute Location of the last answer, or undef.
sub location {
    my ($self) = @_;
    my $last = $self->{hops}[-1] or return undef;
    my $to = $last->header('Location') // return undef;
    return URI->new_abs($to, $last->request->uri);
}

sub reload {
    my ($self, %opt) = @_;
    local $self->{page} = $self->{shown_from};
    local $self->{opener} = $self->{shown_from};
    return $self->nav($self->{shown}, %opt);
}

# A form post of these fields, as from the page shown.
sub post {
    my ($self, $url, $fields, %opt) = @_;
    my $form = URI->new;
    $form->query_form($fields);
    return $self->nav($url, method => 'POST', body => $form->query // '',
        type => 'application/x-www-form-urlencoded', %opt);
}

# Sends the one form of the page (or the one with this action), with fields set and a button pressed.
sub submit {
    my ($self, %opt) = @_;
    my ($fields, $button) = (delete $opt{fields} || {}, delete $opt{button});
    my $action = delete $opt{action};
    my @forms = grep { !defined $action || $_->action =~ $action } $self->forms;
    croak 'the page has ' . @forms . ' such forms' if @forms != 1;
    my $form = $forms[0];
    $form->value($_, $fields->{$_}) for keys %$fields;
    my $request = $button ? _press($form, @$button) : $form->make_request;
    my @how = (method => $request->method, follow => 1, %opt);
    push @how, body => $request->content, type => $request->header('Content-Type')
        if $request->method ne 'GET';
    return $self->nav($request->uri, @how);
}

sub _press {
    my ($form, $name, $value) = @_;
    for my $input ($form->inputs) {
        next if ($input->name // '') ne $name || ($input->value // '') ne $value;
        return $input->click($form, 1, 1) if $input->can('click');
    }
    croak "no button $name=$value";
}

sub forms {
    my ($self) = @_;
    return HTML::Form->parse($self->{response}->decoded_content, base => "$self->{page}", strict => 0);
}

# A script's fetch from the page shown.
sub xhr {
    my ($self, $method, $url, %opt) = @_;
    return $self->_part($method, $url, 'cors', 'empty', '*/*', %opt);
}

# What a page loads: dest is image, style, script, font, …
sub load {
    my ($self, $dest, $url, %opt) = @_;
    return $self->_part('GET', $url, 'no-cors', $dest, '*/*', %opt);
}

sub _part {
    my ($self, $method, $url, $mode, $dest, $accept, %opt) = @_;
    my $uri = URI->new_abs($url, $self->{page} || croak 'no page is shown');
    my @headers = (Accept => $accept, 'Sec-Fetch-Site' => _relation($self->{page}, $uri),
        'Sec-Fetch-Mode' => $mode, 'Sec-Fetch-Dest' => $dest);
    push @headers, Origin => _origin($self->{page}) if $method !~ /^(?:GET|HEAD)$/;
    push @headers, 'Content-Type' => $opt{type} if $opt{type};
    push @headers, _referer($self->{page}, $uri, $self->{policy});
    return $self->_send($method, $uri, \@headers, \%opt,
        cross => SL::Cookies::site($self->{page}) ne SL::Cookies::site($uri));
}

sub _navigate {
    my ($self, $ask, $from, $policy, $site, $opt) = @_;
    my $uri = $ask->{uri};
    my @headers = (Accept => 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
        'Upgrade-Insecure-Requests' => 1, 'Sec-Fetch-Site' => $site, 'Sec-Fetch-Mode' => 'navigate',
        'Sec-Fetch-User' => '?1', 'Sec-Fetch-Dest' => $self->{top} ? 'iframe' : 'document');
    push @headers, _referer($from, $uri, $policy) if $from;
    push @headers, 'Content-Type' => $ask->{type} if $ask->{type};
    push @headers, Origin => $from && $policy ne 'no-referrer' ? _origin($from) : 'null'
        if $ask->{method} eq 'POST';
    return $self->_send($ask->{method}, $uri, \@headers, { %$opt, body => $ask->{body} },
        cross => $site eq 'cross-site', safe => !$self->{top} && $ask->{method} eq 'GET');
}

sub _send {
    my ($self, $method, $uri, $headers, $opt, %how) = @_;
    my $top = SL::Cookies::site($self->{top} || $uri);
    my $cookie = $self->{jar}->header($uri, top => $top, %how);
    my @all = (@$headers, defined $cookie ? (Cookie => $cookie) : ());
    @all = _without($opt->{without}, @all) if $opt->{without};
    push @all, @{ $opt->{headers} || [] };
    my $response = SL::HTTP::request($method, $uri, headers => \@all, body => $opt->{body},
        $opt->{timeout} ? (timeout => $opt->{timeout}) : ());
    for my $line ($response->header('Set-Cookie')) {
        my $why = $self->{jar}->take($line, $uri, $top) or next;
        push @{ $self->{refused} }, "$why: $line";
    }
    return $response;
}

# Set-Cookie lines that the jar did not take, with the reason.
sub refused { return @{ $_[0]{refused} || [] } }

sub _without {
    my ($which, @headers) = @_;
    my @kept;
    while (my ($name, $value) = splice @headers, 0, 2) {
        push @kept, $name, $value if $name !~ $which;
    }
    return @kept;
}

sub _redirect {
    my ($self, $response, $ask) = @_;
    my $to = $response->header('Location');
    return undef if !defined $to || $response->code !~ /^30[12378]$/;
    my %next = (uri => URI->new_abs($to, $ask->{uri}), method => 'GET');
    @next{qw(method body type)} = @{$ask}{qw(method body type)}
        if $response->code =~ /^30[78]$/ || $ask->{method} =~ /^(?:GET|HEAD)$/;
    return \%next;
}

sub _show {
    my ($self, $response, $uri) = @_;
    return if $response->code == 204 || defined $response->header('Location') && $response->is_redirect;
    @{$self}{qw(shown_from shown)} = ($self->{page} || $self->{opener}, $uri);
    @{$self}{qw(page response)} = ($uri, $response);
    my ($policy) = reverse split /\s*,\s*/, join ',', $response->header('Referrer-Policy');
    $self->{policy} = $policy // '';
    return;
}

sub _origin { my ($uri) = @_; return $uri->scheme . '://' . $uri->host_port }

sub _relation {
    my ($from, $to) = @_;
    return 'none' if !$from;
    return 'same-origin' if lc _origin($from) eq lc _origin($to);
    return SL::Cookies::site($from) eq SL::Cookies::site($to) ? 'same-site' : 'cross-site';
}

# Over a chain of redirects the worst relation counts.
sub _worse {
    my %rank = ('none' => 0, 'same-origin' => 1, 'same-site' => 2, 'cross-site' => 3);
    my ($one, $other) = @_;
    return $rank{$one} >= $rank{$other} ? $one : $other;
}

sub _referer {
    my ($from, $to, $policy) = @_;
    my $full = $from->clone;
    $full->fragment(undef);
    $full->userinfo(undef);
    my $same = lc _origin($from) eq lc _origin($to);
    my $origin = _origin($from) =~ s{:(?:80|443)$}{}r . '/';
    my %policy = (
        'no-referrer' => undef,
        'origin' => $origin,
        'same-origin' => $same ? $full : undef,
        'strict-origin' => $origin,
        'unsafe-url' => $full,
    );
    my $value = exists $policy{$policy} ? $policy{$policy} : $same ? $full : $origin;
    return defined $value ? (Referer => "$value") : ();
}

1;
