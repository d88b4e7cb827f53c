#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Mid-work honesty: who works on after the launch has lapsed is told so. Scripts get JSON and where to
# begin again, a form a page whose first sentence says that it was not saved, never a redirect; and
# SMART_EXPIRES and /smart/session warn in time.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::Refused;
use Time::HiRes qw(time);

my $w = world(start => 0);
my ($ehr, $httpd, $pg) = ($w->ehr, $w->httpd, $w->pg);
my $echo = "http://127.0.0.1:$httpd->{echo}{port}";
$httpd->{vhost} = <<"CONF";
    ProxyPass /users/ $echo/users/
    ProxyPass /launched/ $echo/launched/
    <Location /users>
        AuthType Smart
        SmartLogin on
        Require valid-user
    </Location>
    <Location /launched>
        AuthType Smart
        Require smart-launch
    </Location>
CONF
$httpd->start;
my @patients = @{ $ehr->patients };

sub beside {
    my ($window, %how) = @_;
    return SL::Browser::Window->new(jar => $window->jar, top => $window->{top}, opener => $window->{opener}, %how);
}

# A frame that shows this page of the app.
sub on { my ($got, $url) = @_; return beside($got->{window}, page => URI->new($w->url($url))) }

sub log_out {
    my ($got) = @_;
    is on($got, '/papp/')->xhr('POST', '/smart/logout', headers => [ 'Smart-Launch' => $got->{handle} ])->code, 200, 'it ends';
    return;
}

# A form that was posted by hand: the page, and what it says first.
sub not_saved {
    my ($response, $status, $id, $what, %opt) = @_;
    refused($w, $response, $status, $id, "$what: a page", step => 0,
        says => qr{<h1>Not saved: [^<]+</h1><p>What you just entered was not saved[,.]}) if $status == 401;
    is $response->code, $status, "$what: $status";
    like $response->decoded_content, qr{<h1>Not saved: [^<]+</h1><p>What you just entered was not saved[,.]}, "$what: that comes first";
    is $response->header('Location'), undef, "$what: no redirect";
    $httpd->expect_log($id) if $status != 409;
    return;
}

sub json_401 {
    my ($response, $what, $again) = @_;
    is $response->code, 401, "$what: 401";
    my $said = json($response);
    is_deeply [ sort keys %$said ], [qw(error error_description reference relaunch_url)], "$what: with its members";
    is_deeply [ @{$said}{qw(error relaunch_url)} ], [ 'relaunch', $again ], "$what: where to begin again";
    like $response->header('WWW-Authenticate'), qr/^Smart error="relaunch"$/, "$what: no Basic";
    is $response->header('Location'), undef, "$what: no redirect";
    return;
}

my $post = { note => 'half an hour of work' };
$w->launch(login => 'alice');

# The ways a launch ends

my %end = (
    'logout' => sub { log_out($_[0]) },
    'a DBA revoked it' => sub {
        $pg->dbh->do(q{SELECT smartlaunch.revoke_launch(id, 'test') FROM smartlaunch.launch WHERE handle_hash = sha256(?)}, undef, $_[0]{handle});
    },
    'its time is over' => sub {
        $pg->dbh->do(q{UPDATE smartlaunch.launch SET expires_at = now() WHERE handle_hash = sha256(?)}, undef, $_[0]{handle});
    },
);
my %over;
for my $how (sort keys %end) {
    $over{$how} = $w->launch;
    $end{$how}->($over{$how});
}
for my $how (sort keys %over) {
    my $got = $over{$how};
    my $page = "/papp/form?smart_launch=$got->{handle}";
    wait_for("$how: the host to hear of it", sub { on($got, $page)->xhr('GET', '/papp/x')->code == 401 });
    $httpd->forget;
    for my $case (
        [ 'a fetch that names it', sub { on($got, '/papp/')->xhr('GET', '/papp/x', headers => [ 'Smart-Launch' => $got->{handle} ]) } ],
        [ 'a fetch from its page', sub { on($got, $page)->xhr('GET', '/papp/x') } ],
        [ 'a script\'s POST', sub { on($got, $page)->xhr('POST', '/papp/x', body => '{}', type => 'application/json') } ],
        [ 'a script\'s PUT', sub { on($got, $page)->xhr('PUT', '/papp/x', body => '{}', type => 'application/json') } ],
        [ '/smart/session', sub { on($got, $page)->xhr('GET', '/smart/session') } ],
        [ 'a script where Require asks', sub { on($got, $page)->xhr('GET', '/users/x') } ],
    ) {
        my ($what, $do) = @$case;
        json_401($do->(), "$how, $what", undef);
    }
    not_saved(on($got, $page)->post($page, $post), 401, 'SL2531', "$how, a form that names it");
    not_saved(on($got, $page)->post('/papp/save', $post), 401, 'SL2531', "$how, a form of its page");
    not_saved(on($got, $page)->nav('/papp/save', method => 'POST', body => "--x\r\n", type => 'multipart/form-data; boundary=x'), 401, 'SL2531', "$how, a file");
    not_saved(on($got, $page)->post("/users/save", $post), 401, 'SL2531', "$how, where a user is required");
    refused($w, on($got, $page)->nav('/papp/next'), 401, 'SL2531', "$how: a link says to launch again", step => 0, says => qr/<h1>Please open it from the chart again/);
    is scalar($httpd->seen), 0, "$how: the app was asked nothing";
}

# Between the 307 that adds the handle and the POST that follows it

my $between = $w->launch;
my $form = on($between, "/papp/form?smart_launch=$between->{handle}");
my $first = $form->post('/papp/save', $post, follow => 0);
is $first->code, 307, 'a form post is sent to the same address with its launch';
log_out($between);
$httpd->forget;
$form->{page} = URI->new($w->url("/papp/form?smart_launch=$between->{handle}"));
not_saved($form->post($first->header('Location'), $post), 401, 'SL2531', 'the launch ended on the way');
is scalar($httpd->seen), 0, 'the app has not half of it';

# No launch at all, where one is required

my $nobody = $w->browser->frame($ehr->base . '/');
$nobody->{page} = URI->new($w->url('/launched/form'));
not_saved($nobody->post('/launched/save', $post), 401, 'SL6402', 'no launch where one is required');
json_401($nobody->xhr('GET', '/launched/x'), 'a script there', undef);

# A launch that waits for its link, where a user is required

my $pending = $w->launch(user => 'dr-jones');
not_saved(on($pending, "/users/form?smart_launch=$pending->{handle}")->post("/users/save?smart_launch=$pending->{handle}", $post), 401, 'SL6401', 'not linked yet');
is json(on($pending, "/users/form?smart_launch=$pending->{handle}")->xhr('GET', '/users/x'))->{error}, 'login_required', 'a script is told the reason';

# Two patients, and nothing says which

my $a = $w->launch(patient => $patients[0]);
my $b = $w->launch(patient => $patients[1], window => beside($a->{window}));
not_saved(on($a, '/papp/form')->post('/papp/save', $post), 409, 'SL2533', 'CTX-10 more than one patient');
not_saved(on($a, "/papp/form?smart_launch=$a->{handle}")->post("/papp/save?smart_launch=$b->{handle}", $post), 409, 'SL2534', 'CTX-10 from a page of one patient to another\'s');
is on($a, '/papp/form')->xhr('POST', '/papp/x')->code, 409, 'CTX-10 a script: 409';
$httpd->expect_log('SL2533');

# It went to a window of its own

my $moved = $w->launch;
my $url = json(on($moved, '/papp/')->xhr('POST', '/smart/window', headers => [ 'Smart-Launch' => $moved->{handle} ]))->{url};
SL::Browser::Window->new(jar => $moved->{window}->jar, opener => URI->new($w->url('/papp/')))->nav($url, follow => 1);
not_saved(on($moved, "/papp/form?smart_launch=$moved->{handle}")->post('/papp/save', $post), 401, 'SL2531', 'it went to another window');

# In time: what is promised is kept, and not a second more

$httpd->stop;
$httpd->{extra} = "SmartSession idle=6s max=1h\n";
$httpd->start;
my $live = $w->launch;
my $told = sub { return json($live->{window}->xhr('GET', '/papp/x', headers => [ 'Smart-Launch' => $live->{handle} ]))->{headers}{'smart-expires'} };
# expires_in agrees with SMART_EXPIRES, at some moment while it was asked for, and no use was written down meanwhile
sub agrees {
    my ($name) = @_;
    my ($before, $in, $after);
    my $at = wait_for('two answers of one moment', sub {
        my $first = $told->();
        $before = time;
        $in = json($live->{window}->xhr('GET', '/smart/session', headers => [ 'Smart-Launch' => $live->{handle} ]))->{expires_in};
        $after = time;
        return $told->() == $first && $first;
    });
    ok $before + $in - 1.5 <= $at && $at <= $after + $in + 1.5, $name or diag "$before + $in, not $at";
    return $at;
}
my $by_app = agrees('SMART_EXPIRES and expires_in agree');
cmp_ok $by_app, '<=', time + 6, 'and promise no more than idle';
my $end;
wait_for('a use that is written down again', sub { $end = $told->(); return $end > $by_app });
cmp_ok $end, '>', $by_app, 'who works on has more time';
agrees('both say so');
my $last = $told->();
wait_for('the second before', sub { time >= $last - 1 });
my $in_time = beside($live->{window}, page => URI->new($w->url('/papp/')));
is $pg->value(q{SELECT state FROM smartlaunch.launch WHERE handle_hash = sha256(?)}, $live->{handle}), 'live', 'a second before it is live';
wait_for('the second itself', sub { time >= $last + 1 });
is $in_time->xhr('GET', '/papp/x', headers => [ 'Smart-Launch' => $live->{handle} ])->code, 401, 'a second after it is over';
$live = $w->launch;
$pg->dbh->do(q{UPDATE smartlaunch.launch SET expires_at = now() + interval '4 seconds' WHERE handle_hash = sha256(?)}, undef, $live->{handle});
wait_for('max to be read', sub { $told->() <= time + 4 });
agrees('max counts as well, and both say so');
done();
