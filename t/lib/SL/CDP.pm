# SPDX-License-Identifier: Apache-2.0
# The Clinical Data Pull in a world: a second module, one project, its pages at /cdp (AuthType Smart)
# and its API at /cdp/api (a SmartCaller, from this machine).
#
#   my $w = world(cdp => {});                        # project "study", values go to the proxied app
#   my $w = world(cdp => { redcap => $redcap });     # to an SL::REDCap
#   $w->cdp->grant('alice');                         # setup and adjudicate
#   my $r = $w->cdp->api(PUT => 'mapping', user => 'alice', json => $mapping);
#   my $r = $w->cdp->api(POST => 'records/1/fetch', session => $l->{session}, json => { mrn => 'MRN-10021' });
#   $window->nav($w->cdp->url('1', smart_launch => $l->{handle}));
#
# Options of cdp => {…}, all optional: name (study); deliver (the line behind SmartCDPDeliver), or redcap
# (an object with url and token); mrn_system; source (the line behind SmartCDPSource); project (more
# lines inside <SmartCDPProject>); options (app=NAME, on its line); more (text behind it); pages (lines
# of <Location /cdp> beside SmartCDP on; undef: no such location); api (the same of <Location /cdp/api>,
# beside SmartCDP api); first => 1 (loaded before the core); so (path of the module).
package SL::CDP;
use strict;
use warnings;
use Carp qw(croak);
use JSON::PP ();
use SL::HTTP ();
use SL::Run qw(build spit wait_for);
use URI::Escape qw(uri_escape_utf8);

# What identifies a patient of the sandbox EHR.
our $mrn_system = 'urn:oid:1.2.36.146.595.217.0.1';

# Secrets of a test: the caller's, and the one that signs deliveries.
sub caller_secret { return 'a caller of tests, 0123456789abcdef' }
sub signing_secret { return 'a key of tests, 0123456789abcdef0123' }

sub new {
    my ($class, $world) = @_;
    return bless { world => $world, name => $world->{httpd}{cdp}{name} // 'study' }, $class;
}

sub name { return $_[0]{name} }

# Rights in the project, straight into the table: setup, adjudicate, or both.
sub grant {
    my ($self, $user, @rights) = @_;
    $self->{world}{pg}->dbh->do("INSERT INTO smartlaunch.cdp_right (project, app_user, may, granted_by)
        VALUES (?, ?, ?, 'test') ON CONFLICT DO NOTHING", undef, $self->{name}, $user, $_)
        for @rights ? @rights : qw(setup adjudicate);
    return $self;
}

sub revoke {
    my ($self, $user) = @_;
    $self->{world}{pg}->dbh->do('DELETE FROM smartlaunch.cdp_right WHERE project = ? AND app_user = ?',
        undef, $self->{name}, $user);
    return $self;
}

# The address of a page of the project: url('1', 'log', smart_launch => $handle); parts with a
# name are its query. No part at all: the project's own page.
sub url {
    my ($self, @parts) = @_;
    my %query = (@parts && grep { $parts[-2] && $parts[-2] eq $_ } qw(smart_launch q)) ? splice(@parts, -2) : ();
    my $path = join '/', '/cdp', map { uri_escape_utf8($_) } $self->{name}, @parts;
    $path .= '/' if !@parts;
    $path .= '?' . join '&', map { "$_=" . uri_escape_utf8($query{$_}) } sort keys %query if %query;
    return $self->{world}->url($path);
}

# A call of the API as the app's server side makes it. $what: path behind the project's name. Options:
# user, patient, session, caller (0: without the secret), json => data or body => bytes, headers, host, project.
sub api {
    my ($self, $method, $what, %arg) = @_;
    my $host = delete $arg{host} || $self->{world}{httpd};
    my $project = delete $arg{project} // $self->{name};
    my $caller = delete $arg{caller} // caller_secret();
    my @headers = (($caller ? ('Smart-Caller' => $caller) : ()), @{ delete $arg{headers} || [] });
    push @headers, map { ('Smart-' . ucfirst, delete $arg{$_}) } grep { defined $arg{$_} } qw(session user patient);
    if (exists $arg{json}) {
        $arg{body} = JSON::PP->new->utf8->canonical->encode(delete $arg{json});
        push @headers, 'Content-Type' => 'application/json';
    }
    return SL::HTTP::request($method, $host->url('/cdp/api/' . uri_escape_utf8($project) . "/$what"), headers => \@headers, %arg);
}

# What was delivered to the proxied app (deliver => none said), newest last: {headers, body}.
sub deliveries {
    my ($self) = @_;
    return grep { ($_->{url} // $_->{path} // '') =~ m{/cdp-deliver\b} } $self->{world}{httpd}->seen;
}

# Configuration, for SL::Httpd

sub module_path { return build() . '/.libs/mod_smartlaunch_cdp.so' }

sub load_line {
    my ($httpd) = @_;
    return 'LoadModule smartlaunch_cdp_module "' . ($httpd->{cdp}{so} // module_path()) . '"';
}

sub _deliver {
    my ($httpd) = @_;
    my ($cdp, $dir) = ($httpd->{cdp}, $httpd->dir);
    return $cdp->{deliver} if $cdp->{deliver};
    if (my $redcap = $cdp->{redcap}) {
        return "redcap ${\ $redcap->url } token=file:" . spit("$dir/redcap.token", $redcap->token . "\n", 0600);
    }
    my $secret = spit("$dir/deliver.secret", signing_secret() . "\n", 0600);
    return "http http://127.0.0.1:$httpd->{echo}{port}/cdp-deliver secret=file:$secret";
}

sub server_config {
    my ($httpd) = @_;
    my $cdp = $httpd->{cdp};
    my $source = $cdp->{source} // 'sandbox mrn-system=' . ($cdp->{mrn_system} // $mrn_system);
    return <<"CONF";
<SmartCDPProject ${\ ($cdp->{name} // 'study') } ${\ ($cdp->{options} // '') }>
    SmartCDPSource $source
    SmartCDPDeliver ${\ _deliver($httpd) }
    ${\ ($cdp->{project} // '') }
</SmartCDPProject>
${\ ($cdp->{more} // '') }
CONF
}

sub vhost_config {
    my ($httpd) = @_;
    my $cdp = $httpd->{cdp};
    my $caller = spit($httpd->dir . '/caller.secret', caller_secret() . "\n", 0600);
    my $pages = exists $cdp->{pages} ? $cdp->{pages} : "AuthType Smart\n        Require valid-user";
    my $api = exists $cdp->{api} ? $cdp->{api} : "AuthType None\n        Require local\n        SmartCaller app file:$caller";
    my $text = '';
    $text .= "<Location /cdp>\n        SmartCDP on\n        $pages\n    </Location>\n" if defined $pages;
    $text .= "    <Location /cdp/api>\n        SmartCDP api\n        $api\n    </Location>\n" if defined $api;
    return $text;
}

1;
