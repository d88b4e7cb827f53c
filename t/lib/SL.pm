# SPDX-License-Identifier: Apache-2.0
# All a test needs:
#
#   use lib 't/lib';
#   use SL;
#   my $w = world();                        # PostgreSQL, sandbox EHR, httpd: running, all its own
#   my $l = $w->launch(login => 'alice');   # the whole way, in a frame of the EHR's page
#   is json($l->{app})->{headers}{'smart-patient'}, $l->{patient}, 'CTX-1 …';
#   $w->httpd->expect_log('SL2101');
#   done();
package SL;
use strict;
use warnings;
use utf8;
use Carp qw(croak);
use SL::Backend qw(answer answer_header);
use SL::Bouncer;
use SL::Browser;
use SL::CDP;
use SL::EHR;
use SL::Gateway qw(next_of outcome session_of);
use SL::HTTP qw(json many raw request);
use SL::Httpd;
use SL::Postgres;
use SL::Run qw(build capture free_port lasted run_dir slurp spawn spit top wait_for);
use SL::TLS;
use SL::Traffic;
use Test::More;
use URI;

sub import {
    my $caller = caller;
    strict->import;
    warnings->import;
    utf8->import;
    binmode $_, ':encoding(UTF-8)' for Test::More->builder->output, Test::More->builder->failure_output;
    my %here = (world => \&world, done => \&done, handle_of => \&handle_of);
    my %theirs = (answer => \&answer, answer_header => \&answer_header, json => \&json, many => \&many,
        next_of => \&next_of, outcome => \&outcome, raw => \&raw, request => \&request,
        session_of => \&session_of, build => \&build, capture => \&capture, free_port => \&free_port,
        run_dir => \&run_dir, slurp => \&slurp, spawn => \&spawn, spit => \&spit, top => \&top, lasted => \&lasted,
        wait_for => \&wait_for);
    my %all = (%here, %theirs);
    no strict 'refs';
    *{"${caller}::$_"} = $all{$_} for keys %all;
    *{"${caller}::$_"} = Test::More->can($_) for grep { /^\w+$/ && $_ ne 'done_testing' } @Test::More::EXPORT;
    return;
}

# Everything, started. Arguments go to SL::Httpd->new; besides: ehr => {…} for SL::EHR->new,
# pg => {…} for SL::Postgres->new, start => 0 (httpd is not started yet).
sub world {
    my (%arg) = @_;
    my ($ehr, $pg, $start) = (delete $arg{ehr} || {}, delete $arg{pg} || {}, delete $arg{start} // 1);
    my $self = bless { port => free_port() }, 'SL::World';
    my $origin = "https://app.localhost:$self->{port}";
    $self->{pg} = SL::Postgres->new(%$pg);
    $self->{ehr} = SL::EHR->new(origin => $origin, %$ehr);
    $self->{httpd} = SL::Httpd->new(port => $self->{port}, ehr => $self->{ehr}, pg => $self->{pg}, %arg);
    $self->{httpd}->start if $start;
    return $self;
}

# The launch handle in a URL, or undef.
sub handle_of {
    my ($url) = @_;
    my %query = defined $url ? URI->new($url)->query_form : ();
    return $query{smart_launch};
}

# The end of every test: all servers are stopped, their error logs checked, the plan is printed.
sub done {
    $_->done for SL::Httpd->all;
    Test::More::done_testing();
    return;
}

package SL::World;
use strict;
use warnings;
use Carp qw(croak);
use parent -norequire, 'SL::Gateway';

sub httpd { return $_[0]{httpd} }
sub ehr { return $_[0]{ehr} }
sub pg { return $_[0]{pg} }
sub cdp { my ($self) = @_; return $self->{cdp} ||= SL::CDP->new($self) }
sub url { my ($self, $path) = @_; return $self->{httpd}->url($path) }
sub browser { return SL::Browser->new }

# A second host beside httpd, like it in all that matters: same database, same key ring, same address
# for browsers (see %SL::HTTP::via). Arguments go to SL::Httpd->new.
sub another_host {
    my ($self, %arg) = @_;
    my $first = $self->{httpd};
    return SL::Httpd->new(ehr => $self->{ehr}, pg => $self->{pg}, public => $self->url,
        keyring => $first->{keyring}, gateway => $first->{gateway}, cdp => $first->{cdp}, %arg)->start;
}

# An EHR launch from chart to app, each step's answer kept:
#   {window, launch (the code), start, authorize, callback, app, handle, patient, session (its id, where
#   the app was told one), …}
# Options: user, patient, encounter, … as for SL::EHR::launch; window (default: a new browser's frame
# on the EHR's page); login => app user (logs in and confirms the link); stop => 'start' | 'authorize'
# | 'callback': go no further than that answer; path (redirect URL's path, /smart), origin (another
# virtual host's); ehr => a tenant; how => {…} options of nav for the first request.
sub launch {
    my ($self, %arg) = @_;
    my ($login, $stop, $path, $how, $origin) = (delete @arg{qw(login stop path how origin)});
    $origin //= $self->url;
    my $ehr = delete $arg{ehr} || $self->{ehr};
    my $window = delete $arg{window} || $self->browser->frame($ehr->base . '/');
    my $made = $ehr->launch(%arg);
    my %got = (window => $window, patient => $arg{patient} // $ehr->patients->[0], launch => $made->{launch});
    my $start = URI->new($origin . ($path // '/smart'));
    $start->query_form(iss => $made->{iss}, launch => $made->{launch});
    $got{url} = "$start";
    $got{start} = $window->nav("$start", %{ $how || {} });
    return \%got if ($stop // '') eq 'start' || !$got{start}->header('Location');
    $got{authorize_url} = $window->location;
    $got{authorize} = $window->nav($window->location, follow => 1, until => qr/^\Q$origin\E/);
    $got{callback_url} = $window->location;
    return \%got if ($stop // '') eq 'authorize' || !$got{callback_url};
    $self->finish(\%got, $stop);
    $self->login(\%got, $login) if defined $login && $got{app};
    return \%got;
}

# The second half of a launch that was stopped at 'authorize'.
sub finish {
    my ($self, $got, $stop) = @_;
    my $window = $got->{window};
    $got->{callback} = $window->nav($got->{callback_url});
    $got->{handle} = SL::handle_of($window->location);
    return $got if ($stop // '') eq 'callback' || !$window->location;
    $got->{app} = $window->go_on(follow => 1);
    $got->{session} = SL::session_of($got->{app});
    return $got;
}

# The app says who has logged in, and the person says yes on the module's page.
sub login {
    my ($self, $got, $user, %opt) = @_;
    my $window = $got->{window};
    my $path = $opt{path} // $window->page->path;
    my $answer = SL::Backend::answer(status => 302,
        headers => [ 'Smart-Login' => $user, 'Location' => $path ]);
    $got->{login} = $window->nav("$path?$answer", follow => 1);
    return $got if $opt{stop};
    $got->{confirm} = $window->response;
    $got->{app} = $window->submit(button => [ answer => $opt{say} // 'yes' ]);
    $got->{session} = SL::session_of($got->{app});
    return $got;
}

1;
