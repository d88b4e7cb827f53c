# SPDX-License-Identifier: Apache-2.0
# A cookie jar with a browser's manners of today: prefixes, SameSite, partitions by the top-level
# site, and no unpartitioned cookies in frames of other sites (as Chromium's private windows do).
# Under .localhost every name is a site of its own.
package SL::Cookies;
use strict;
use warnings;
use HTTP::Date qw(str2time);

sub new { return bless { all => {} }, $_[0] }

sub site {
    my ($uri) = @_;
    return defined $uri ? lc($uri->scheme . '://' . $uri->host) : '';
}

# Takes one Set-Cookie line of an answer from $uri on a page under $top (a site). Returns why a
# browser would refuse it, or nothing.
sub take {
    my ($self, $line, $uri, $top) = @_;
    my ($pair, @attributes) = split /\s*;\s*/, $line;
    my ($name, $value) = $pair =~ /^\s*([^=]+?)\s*=\s*(.*?)\s*$/ or return 'no name';
    my %attr = map { my ($n, $v) = split /\s*=\s*/, $_, 2; lc $n => $v // '' } @attributes;
    my $why = _refusal($name, \%attr, $uri, $top);
    return $why if $why;
    my $path = defined $attr{path} && $attr{path} =~ m{^/} ? $attr{path} : $uri->path =~ s{/[^/]*$}{}r || '/';
    my $partition = exists $attr{partitioned} ? $top : '';
    my $key = join "\0", $partition, lc $uri->host, $path, $name;
    my $ends = length($attr{'max-age'} // '') ? time + $attr{'max-age'}
        : length($attr{expires} // '') ? str2time($attr{expires}) // 0 : undef;
    if (defined $ends && $ends <= time) {
        delete $self->{all}{$key};
        return;
    }
    $self->{all}{$key} = { name => $name, value => $value, host => lc $uri->host, path => $path,
        partition => $partition, ends => $ends, samesite => lc($attr{samesite} // 'lax'),
        secure => exists $attr{secure}, httponly => exists $attr{httponly},
        attr => \%attr, line => $line, order => ++$self->{order} };
    return;
}

sub _refusal {
    my ($name, $attr, $uri, $top) = @_;
    my $foreign = $top ne site($uri);
    return 'Domain is another host' if length($attr->{domain} // '') && lc $attr->{domain} ne lc $uri->host;
    return 'Secure over http' if exists $attr->{secure} && $uri->scheme ne 'https';
    return '__Host- wants Secure, Path=/ and no Domain' if $name =~ /^__Host-/i
        && !(exists $attr->{secure} && ($attr->{path} // '') eq '/' && !exists $attr->{domain});
    return '__Secure- wants Secure' if $name =~ /^__Secure-/i && !exists $attr->{secure};
    return 'SameSite=None wants Secure'
        if lc($attr->{samesite} // '') eq 'none' && !exists $attr->{secure};
    return 'Partitioned wants Secure' if exists $attr->{partitioned} && !exists $attr->{secure};
    return 'SameSite does not allow a foreign frame' if $foreign && lc($attr->{samesite} // 'lax') ne 'none';
    return 'not Partitioned, in a foreign frame' if $foreign && !exists $attr->{partitioned};
    return;
}

# The Cookie header for a request, or undef. $how: top (site), cross (the initiator is of another
# site), safe (a GET navigation at the top level).
sub header {
    my ($self, $uri, %how) = @_;
    my @fit = sort { length $b->{path} <=> length $a->{path} || $a->{order} <=> $b->{order} }
        grep { _fits($_, $uri, \%how) } $self->all;
    return @fit ? join '; ', map { "$_->{name}=$_->{value}" } @fit : undef;
}

sub _fits {
    my ($cookie, $uri, $how) = @_;
    my $foreign = $how->{top} ne site($uri);
    return 0 if $cookie->{host} ne lc $uri->host;
    return 0 if $cookie->{secure} && $uri->scheme ne 'https';
    return 0 if length $cookie->{partition} && $cookie->{partition} ne $how->{top};
    return 0 if !length $cookie->{partition} && $foreign;
    return 0 if $cookie->{samesite} eq 'strict' && ($how->{cross} || $foreign);
    return 0 if $cookie->{samesite} eq 'lax' && ($foreign || $how->{cross} && !$how->{safe});
    my $path = $uri->path || '/';
    my $under = $cookie->{path} =~ m{/$} ? $cookie->{path} : "$cookie->{path}/";
    return $path eq $cookie->{path} || index($path, $under) == 0;
}

# All live cookies (hashes), or those of one name.
sub all {
    my ($self, $name) = @_;
    my $all = $self->{all};
    delete $all->{$_} for grep { defined $all->{$_}{ends} && $all->{$_}{ends} <= time } keys %$all;
    return grep { !defined $name || $_->{name} eq $name } map { $all->{$_} } sort keys %$all;
}

# The one cookie of this name, or undef.
sub get {
    my ($self, $name) = @_;
    my @found = $self->all($name);
    die "several cookies $name" if @found > 1;
    return $found[0];
}

# Puts a cookie in by force: what a hostile script or a forged jar would do.
sub force {
    my ($self, $line, $uri, $top) = @_;
    my $why = $self->take($line, $uri, $top);
    die "refused: $why" if $why;
    return;
}

sub copy {
    my ($self) = @_;
    return bless { all => { map { $_ => { %{ $self->{all}{$_} } } } keys %{ $self->{all} } },
        order => $self->{order} }, ref $self;
}

1;
