#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# /smart/window: a launch leaves the EHR's frame for a window of its own, by a ticket that is good
# once, and takes its user, patient and session along (design sections 3 and 12, "Windows").
# mpm: all
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::Refused;

my $w = world();
my ($ehr, $httpd, $pg) = ($w->ehr, $w->httpd, $w->pg);
my @patients = @{ $ehr->patients };
my @tickets;

# Another frame, or another tab, of the same browser.
sub beside {
    my ($window, %how) = @_;
    return SL::Browser::Window->new(jar => $window->jar, top => $window->{top}, opener => $window->{opener}, %how);
}

# A window of its own that a link on this page opens.
sub opened_by { my ($window) = @_; return SL::Browser::Window->new(jar => $window->jar, opener => $window->page) }

sub row {
    my ($got) = @_;
    my ($row) = $pg->rows(q{SELECT l.state, l.end_reason, l.app_user, l.patient, t.status AS token
        FROM smartlaunch.launch l LEFT JOIN smartlaunch.token t ON t.launch = l.id WHERE l.handle_hash = sha256(?)},
        $got->{handle});
    return $row;
}

# A script of the page asks for a ticket.
sub ask {
    my ($got, %opt) = @_;
    return $got->{window}->xhr('POST', '/smart/window', headers => [ 'Smart-Launch' => $got->{handle} ], %opt);
}

sub ticket_url {
    my ($got) = @_;
    my $url = json(ask($got))->{url};
    push @tickets, $url =~ /ticket=(.+)/;
    return $url;
}

sub told { my ($response) = @_; return $response->code == 200 ? json($response)->{headers} : { status => $response->code } }
sub uses { my ($url) = @_; return $pg->value('SELECT used_at IS NOT NULL FROM smartlaunch.ticket WHERE ticket_hash = sha256(?)', $url =~ /ticket=(.+)/) }

$w->launch(login => 'alice');
$w->launch(user => 'dr-jones', login => 'bob');

# By a script

my $one = $w->launch(patient => $patients[0]);
my $answer = ask($one);
is $answer->code, 200, 'a script is given a ticket';
is_deeply [ sort keys %{ json($answer) } ], [qw(expires_in url)], 'as JSON: where to, and for how long';
is json($answer)->{expires_in}, 30, 'it is good for 30 seconds';
is $answer->header('Cache-Control'), 'no-store', 'and not to be stored';
my $url = json($answer)->{url};
like $url, qr{^\Q${\ $w->url('/smart/window?ticket=') }\E[\w-]{32}$}, 'the URL has the ticket';
push @tickets, $url =~ /ticket=(.+)/;
is_deeply [ $pg->rows(q{SELECT kind, used_at, code_sealed, round(extract(epoch FROM expires_at - created_at)) AS life
    FROM smartlaunch.ticket}) ], [ { kind => 'window', used_at => undef, code_sealed => undef, life => 30 } ], 'stored with its time';
is $pg->value('SELECT count(*) FROM smartlaunch.ticket WHERE ticket_hash = sha256(?)', $tickets[0]), 1, 'and as a hash';

my $before = json($one->{app})->{headers};
my $new = opened_by($one->{window});
my $go = $new->nav($url);
is $go->code, 303, 'the window goes on to the app';
is $new->location, $w->url("/papp/?smart_launch=$one->{handle}"), 'with the handle, and without the ticket';
like $go->header('Set-Cookie'), qr/^__Host-smart=/, 'it gets our cookie';
my $there = told($new->go_on(follow => 1));
is_deeply { map { $_ => $there->{$_} } grep { !/expires/ && /^smart-/ } keys %$there },
    { map { $_ => $before->{$_} } grep { !/expires/ && /^smart-/ } keys %$before },
    'there are user, patient, session id and all, as before';
is $there->{'smart-patient'}, $patients[0], 'it is her patient';
$new->nav("/papp/?" . answer(headers => [ "Set-Cookie" => "PHPSESSID=x; HttpOnly; Path=/" ]), follow => 1);
my ($marked) = grep { $_->{name} =~ /^PHPSESSID/ } $new->jar->all;
is $marked->{samesite}, 'lax', 'the app\'s cookies are those of a window of its own';

# What is left in the frame

my $old = $one->{window}->nav("/papp/?smart_launch=$one->{handle}");
refused($w, $old, 401, 'SL2531', 'the frame\'s next page says where it went', step => 0, says => qr/open in another window/);
my $script = $one->{window}->xhr('GET', '/papp/', headers => [ 'Smart-Launch' => $one->{handle} ]);
is $script->code, 401, 'a script there, too';
is_deeply [ @{ json($script) }{qw(error relaunch_url)} ], [ 'other_window', undef ], 'as JSON';
my $post = $one->{window}->post("/papp/save?smart_launch=$one->{handle}", [ note => 'x' ]);
refused($w, $post, 401, 'SL2531', 'and a form is told first that it was not saved', step => 0,
    says => qr{<p>What you just entered was not saved, since the application goes on in another window});
is told($new->nav("/papp/?smart_launch=$one->{handle}"))->{'smart-user'}, 'alice', 'the window goes on';
is $pg->value(q{SELECT count(*) FROM smartlaunch.launch_status WHERE patient = ? AND state = 'ended'}, $patients[0]), 0,
    'DBAs see one launch, not what stayed behind';

# It is not forgotten which patient was open in the frame: what names no launch is not B's now.

my $first = $w->launch(patient => $patients[0]);
my $second = $w->launch(patient => $patients[1], window => beside($first->{window}));
opened_by($first->{window})->nav(ticket_url($first), follow => 1);
my $unnamed = beside($second->{window}, page => URI->new($w->url('/papp/')));
for my $case ([ 'a page', sub { $unnamed->nav('/papp/') } ], [ 'a script', sub { $unnamed->xhr('GET', '/papp/') } ],
    [ 'a form', sub { $unnamed->post('/papp/save', [ note => 'x' ]) } ]) {
    my ($what, $do) = @$case;
    my $response = $do->();
    is $response->code, 409, "CTX-10 $what without a handle, after one of two patients went to a window: nobody guesses";
    $unnamed = beside($second->{window}, page => URI->new($w->url('/papp/')));
}
$httpd->expect_log('SL2533');
is told($second->{window}->nav("/papp/?smart_launch=$second->{handle}"))->{'smart-patient'}, $patients[1],
    'CTX-10 the other launch is still its own';

# By a form, without scripts

my $form = $w->launch(patient => $patients[1]);
my $page = $form->{window}->post("/smart/window?smart_launch=$form->{handle}", {});
is $page->code, 200, 'a form post is answered with a page';
my ($link) = $page->decoded_content =~ m{<a class="window" target="_blank" rel="noopener" href="([^"]+)">Open in a new window</a>};
ok $link, 'with a link that opens a new window';
like $page->header('Content-Security-Policy'), qr/frame-ancestors 'self' \Q${\ $ehr->base }/, 'in the EHR\'s frame';
unlike $page->decoded_content, qr/<script/, 'without a script';
push @tickets, $link =~ /ticket=(.+)/;
my $by_link = opened_by($form->{window});
is told($by_link->nav($link, follow => 1))->{'smart-patient'}, $patients[1], 'which takes the launch along';
my $chain = $w->launch(patient => $patients[2]);
is $chain->{window}->post('/smart/window', {})->code, 200, 'the page\'s address names the launch just as well';

# Twice

my $twice = $w->launch(patient => $patients[0]);
$url = ticket_url($twice);
my $mine = opened_by($twice->{window});
$mine->nav($url, follow => 1);
my $thief = SL::Browser->new->window;
$thief->{page} = URI->new($w->url('/papp/'));
refused($w, $thief->nav($url), 400, 'SL4904', 'a ticket that comes a second time', step => 'window',
    says => qr/opened a second time.*closed in every window/s);
is_deeply [ @{ row($twice) }{qw(state end_reason token)} ], [ 'ended', 'ticket used twice', 'revoked' ],
    'has ended the launch, with its token';
is $mine->nav("/papp/?smart_launch=$twice->{handle}")->code, 401, 'also for whoever was first';
is $thief->nav($url)->code, 400, 'and opens nothing the third time';
is scalar(grep { $_->{name} eq '__Host-smart' } $thief->jar->all), 0, 'nor leaves a cookie';
my $rush = $w->launch(patient => $patients[0]);
$url = ticket_url($rush);
my @codes = sort(many(8, sub { request('GET', $url, headers => [ 'Sec-Fetch-Site' => 'same-origin',
    'Sec-Fetch-Mode' => 'navigate', 'Sec-Fetch-Dest' => 'document', Accept => 'text/html' ])->code }));
cmp_ok scalar(grep { $_ == 303 } @codes), '<=', 1, 'eight at once: one is first, or none if the others were as fast';
is_deeply [ grep { $_ != 303 && $_ != 400 } @codes ], [], 'the others are told';
is row($rush)->{state}, 'ended', 'being first does not help';

# What a ticket is not

my $kept = $w->launch(patient => $patients[0]);
$url = ticket_url($kept);
for my $case (
    [ 'none', '', 'SL4907' ],
    [ 'an empty one', '?ticket=', 'SL4907' ],
    [ 'an invented one', '?ticket=' . 'A' x 32, 'SL4907' ],
    [ 'a handle', "?ticket=$kept->{handle}", 'SL4907' ],
    [ 'a session id', "?ticket=$kept->{session}", 'SL4907' ],
    [ 'two', "?ticket=$tickets[-1]&ticket=$tickets[-1]", 'SL4907' ],
) {
    my ($what, $query, $id) = @$case;
    refused($w, opened_by($kept->{window})->nav($w->url("/smart/window$query")), 400, $id, "a ticket: $what", step => 0);
}

# By whom it may be used: a navigation that our own page began. Nothing else uses it up.
my $evil = SL::Browser::Window->new(jar => $kept->{window}->jar, opener => URI->new('https://evil.example/'));
refused($w, $evil->nav($url), 403, 'SL5901', 'a ticket from a page of another site', step => 0);
refused($w, SL::Browser::Window->new(jar => $kept->{window}->jar)->type($url), 403, 'SL5901', 'a ticket that was typed in', step => 0);
my $ahead = opened_by($kept->{window})->nav($url, headers => [ 'Sec-Purpose' => 'prefetch' ]);
is $ahead->code, 403, 'a ticket that the browser fetches in advance';
$kept->{window}->nav("/papp/?smart_launch=$kept->{handle}");
is $kept->{window}->xhr('GET', $url)->code, 403, 'a ticket that a script fetches';
is request('HEAD', $url, headers => [ 'Sec-Fetch-Site' => 'same-origin' ])->code, 405, 'a ticket and HEAD';
$httpd->expect_log(qw(SL5901 SL6001));
is uses($url), 0, 'none of them has used it up';
for my $case ([ 'another site', headers => [ Origin => 'https://evil.example', 'Sec-Fetch-Site' => 'cross-site' ],
        without => qr/^(?:Origin|Sec-Fetch-Site)$/ ],
    [ 'no proof', without => qr/^(?:Origin|Sec-Fetch-Site)$/ ]) {
    my ($what, %opt) = @$case;
    is $kept->{window}->post("/smart/window?smart_launch=$kept->{handle}", {}, %opt)->code, 403, "$what gets no ticket";
    $kept->{window}->nav("/papp/?smart_launch=$kept->{handle}");
}
is request('PUT', $w->url('/smart/window'))->code, 405, 'nor does another method';
my $stranger = $w->browser->frame($ehr->base . '/');
$stranger->nav($w->url('/plain/'));
my $none = $stranger->xhr('POST', '/smart/window', headers => [ 'Smart-Launch' => $kept->{handle} ]);
is_deeply [ $none->code, json($none)->{error} ], [ 401, 'relaunch' ], 'nor does another browser, with the handle alone';
$httpd->expect_log('SL2531');
is told(opened_by($kept->{window})->nav($url, follow => 1))->{'smart-patient'}, $patients[0], 'who may use it still can';

# Late

my $late = $w->launch(patient => $patients[0]);
$url = ticket_url($late);
$pg->dbh->do(q{UPDATE smartlaunch.ticket SET expires_at = now() WHERE ticket_hash = sha256(?)}, undef, $tickets[-1]);
refused($w, opened_by($late->{window})->nav($url), 400, 'SL4905', 'a ticket after its time', step => 'window', says => qr/not good any more/);
is told($late->{window}->nav("/papp/?smart_launch=$late->{handle}"))->{'smart-user'}, 'alice', 'has not hurt the launch';
$url = ticket_url($late);
$late->{window}->post("/smart/logout?smart_launch=$late->{handle}", {});
$late->{window}->{page} = URI->new($w->url('/papp/'));
refused($w, opened_by($late->{window})->nav($url), 400, 'SL3553', 'a ticket of a launch that has ended', step => 0);
my $many = $w->launch(patient => $patients[0]);
is_deeply [ map { ask($many)->code } 1 .. 17 ], [ (200) x 16, 503 ], 'tickets of one launch are bounded';
$httpd->expect_log('SL3551');

# Somebody else is at work in the window's browser

my $browser = $w->browser;
my $bobs = $w->launch(user => 'dr-jones', patient => $patients[2], window => $browser->window);
my $hers = $w->launch(patient => $patients[0], window => $browser->frame($ehr->base . '/'));
my $swap = opened_by($hers->{window});
$swap->nav(ticket_url($hers));
is $swap->location, $w->url("/smart/confirm?smart_launch=$hers->{handle}"), 'the window is bob\'s: she is asked first';
like $swap->go_on->decoded_content, qr/You are now alice/, 'who she is';
is_deeply [ row($hers)->{state}, told($bobs->{window}->nav("/papp/?smart_launch=$bobs->{handle}"))->{'smart-user'} ], [qw(held bob)],
    'and until she says so bob goes on';
is told($swap->submit(button => [ answer => 'yes' ]))->{'smart-user'}, 'alice', 'then it is hers';
is row($bobs)->{end_reason}, 'other user', 'and bob\'s has ended';
my $hers2 = $w->launch(patient => $patients[1], window => $browser->frame($ehr->base . '/'));
opened_by($hers2->{window})->nav(ticket_url($hers2), follow => 1);
is_deeply [ map { told(SL::Browser::Window->new(jar => $browser->jar)->type($w->url("/papp/?smart_launch=$_->{handle}")))->{'smart-patient'} } $hers, $hers2 ],
    [ @patients[0, 1] ], 'two launches of one clinician live side by side in windows, too';
is +SL::Browser::Window->new(jar => $browser->jar)->type($w->url("/papp/"))->code, 409, 'CTX-10 and nobody guesses there, either';

# It comes back, and a window beside it

my $round = $w->launch(patient => $patients[1]);
my $out = opened_by($round->{window});
$out->nav(ticket_url($round), follow => 1);
$round->{window}->{page} = URI->new($w->url("/papp/?smart_launch=$round->{handle}"));
my $home = { %$round, window => $out };
my $frame = beside($round->{window}, page => URI->new($w->url('/papp/')));
is told($frame->nav(ticket_url($home), follow => 1))->{'smart-patient'}, $patients[1], 'a launch can come back to the frame';
is $out->nav("/papp/?smart_launch=$round->{handle}")->code, 401, 'and is gone from the window';
my $same = $w->launch(patient => $patients[1], window => $w->browser->window);
my $cookie = $same->{window}->jar->get('__Host-smart')->{value};
my $both = opened_by($same->{window});
is told($both->nav(ticket_url($same), follow => 1))->{'smart-patient'}, $patients[1], 'a second window of the same browser';
is told($same->{window}->nav("/papp/?smart_launch=$same->{handle}"))->{'smart-patient'}, $patients[1], 'shares it: both go on';
is $both->jar->get('__Host-smart')->{value}, $cookie, 'with the cookie they had';

# SmartLink: who has not logged in to the app yet

my $pending = $w->launch(user => 'nurse-lee');
my $login = opened_by($pending->{window});
is told($login->nav(ticket_url($pending), follow => 1))->{'smart-link'}, 'pending', 'a launch that is not linked yet moves as well';
$w->login($pending = { %$pending, window => $login }, 'carol');
is told($pending->{app})->{'smart-user'}, 'carol', 'and is linked there';

my $logs = $httpd->error_log . $httpd->access_log;
is scalar(grep { index($logs, $_) >= 0 } @tickets), 0, 'SEC-5 no ticket is in any log';
is $pg->value(q{SELECT count(*) FROM smartlaunch.launch_step s, unnest(?::text[]) t WHERE s.detail LIKE '%' || t || '%'}, \@tickets), 0,
    'SEC-5 nor in the flight recorder';
done();
