# SPDX-License-Identifier: Apache-2.0
# The app's server side as it asks the gateway, and what the gateway left behind. Methods of what
# world() returns:
#
#   my $l = $w->launch(login => 'alice');                     # $l->{session} is its session id
#   my $r = $w->fhir(GET => '/Patient/x', session => $l->{session});
#   $r->code; $r->header('ETag'); json($r);
#   my ($row) = $w->accesses(1);                              # fhir_access, newest last
package SL::Gateway;
use strict;
use warnings;
use Carp qw(croak);
use Exporter qw(import);
use JSON::PP ();
use SL::HTTP ();
use SL::Run qw(wait_for);
use URI;

our @EXPORT_OK = qw(next_of outcome session_of);

# fhir(METHOD, path below the EHR's name, …). Options: session, user, patient, caller (the headers
# Smart-Session, …), ehr (name in the path, sandbox), host (another SL::Httpd), headers => [name => value],
# body => bytes, form => {…} (a form body), json => {…} (a FHIR body), timeout.
sub fhir {
    my ($self, $method, $path, %arg) = @_;
    my ($host, $ehr) = (delete $arg{host} || $self->{httpd}, delete $arg{ehr} // 'sandbox');
    my @headers = map { ('Smart-' . ucfirst, delete $arg{$_}) } grep { defined $arg{$_} }
        qw(session user patient caller system);
    push @headers, @{ delete $arg{headers} || [] };
    if (my $form = delete $arg{form}) {
        my $uri = URI->new;
        $uri->query_form($form);
        $arg{body} = $uri->query // '';
        push @headers, 'Content-Type' => 'application/x-www-form-urlencoded';
    }
    if (my $json = delete $arg{json}) {
        $arg{body} = JSON::PP->new->utf8->canonical->encode($json);
        push @headers, 'Content-Type' => 'application/fhir+json';
    }
    return SL::HTTP::request($method, $host->gateway_url . "/$ehr$path", headers => \@headers, %arg);
}

# The session id in an answer of one of the tests' apps, or undef.
sub session_of {
    my ($response) = @_;
    my $given = eval { SL::HTTP::json($response) };
    return undef if ref($given // '') ne 'HASH';
    return $given->{headers}{'smart-session'} // $given->{env}{SMART_SESSION};
}

# Rows of fhir_access, oldest first: waits until there are $count (or more) of them.
sub accesses {
    my ($self, $count) = @_;
    my @rows;
    wait_for("$count rows in fhir_access", sub {
        @rows = $self->{pg}->rows('SELECT * FROM smartlaunch.fhir_access ORDER BY at');
        return @rows >= $count;
    });
    return @rows;
}

# Waits until so many hosts (1) hear of changes: whoever begins to, doubts first what the host remembers, and
# what was being read at that moment is not remembered. (After half a minute without a hint the last statement
# of such a connection is SELECT 1.)
sub hears {
    my ($self, $hosts) = @_;
    return wait_for('hints to be heard', sub {
        return $self->{pg}->value("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'web'
            AND query IN ('LISTEN smartlaunch', 'SELECT 1')") >= ($hosts // 1);
    });
}

# Every page from this one on, as an app follows `next`; an answer that is no Bundle is an exception.
sub pages {
    my ($self, $path, %arg) = @_;
    my @pages = ($self->fhir(GET => $path, %arg));
    while (my $next = next_of($pages[-1])) {
        croak "more than 100 pages from $path" if @pages == 100;
        my @headers = (@{ $arg{headers} || [] }, 'Smart-Session' => $arg{session});
        push @pages, SL::HTTP::request('GET', $next, headers => \@headers);
    }
    return @pages;
}

# Where the Bundle in an answer goes on, or undef.
sub next_of {
    my ($response) = @_;
    croak 'no Bundle: ' . $response->as_string if $response->code != 200;
    my ($next) = grep { $_->{relation} eq 'next' } @{ SL::HTTP::json($response)->{link} || [] };
    return $next && $next->{url};
}

# Diagnostics of an OperationOutcome, as one text; an answer that is none is an exception.
sub outcome {
    my ($response) = @_;
    my $outcome = SL::HTTP::json($response);
    croak 'no OperationOutcome: ' . $response->content if ($outcome->{resourceType} // '') ne 'OperationOutcome';
    return join ' ', map { "$_->{severity} $_->{code}: " . ($_->{diagnostics} // '') } @{ $outcome->{issue} };
}

1;
