#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A browser that keeps no cookies in frames: the callback says so, and offers a window of its own in
# which the launch is finished, by a ticket that is good once. Nothing is claimed before (CBK-2).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::Refused;

# A jar that takes nothing in a frame of another site, whatever the cookie says.
package Blocked;
use parent -norequire, 'SL::Cookies';
sub take {
    my ($self, $line, $uri, $top) = @_;
    return 'blocked' if $top ne SL::Cookies::site($uri);
    return $self->SUPER::take($line, $uri, $top);
}

package main;

my $w = world();
my ($ehr, $httpd, $pg) = ($w->ehr, $w->httpd, $w->pg);
my @patients = @{ $ehr->patients };
my @secrets;

sub browser { return bless { jar => Blocked->new }, 'SL::Browser' }
sub token_calls { return scalar grep { $_->{method} eq 'POST' } $ehr->log('/auth/token') }
sub told { my ($response) = @_; return $response->code == 200 ? json($response)->{headers} : { status => $response->code } }

sub row {
    my ($l) = @_;
    my %q = URI->new($l->{start}->header('Location'))->query_form;
    my ($row) = $pg->rows('SELECT * FROM smartlaunch.launch WHERE state_hash = sha256(?::text::bytea)', $q{state});
    return $row;
}

# A launch in a frame whose cookies are blocked, to the page at the callback.
sub blocked {
    my (%arg) = @_;
    my $browser = delete $arg{browser} || browser();
    my $l = $w->launch(window => $browser->frame($ehr->base . '/'), stop => 'authorize', %arg);
    $l->{callback} = $l->{window}->nav($l->{callback_url});
    ($l->{link}) = $l->{callback}->decoded_content =~ m{<a class="window" target="_blank" rel="noopener" href="([^"]+)">};
    my %q = URI->new($l->{callback_url})->query_form;
    push @secrets, $q{code}, ($l->{link} // '') =~ /ticket=(.+)/;
    return $l;
}

sub opened_by { my ($l, %how) = @_; return SL::Browser::Window->new(jar => $l->{window}->jar, opener => $l->{window}->page, %how) }

$w->launch(login => 'alice');
$w->launch(user => 'dr-jones', login => 'bob');
my $calls = token_calls();

# The page

my $l = blocked(patient => $patients[0]);
refused($w, $l->{callback}, 400, 'SL4305', 'CBK-2 a callback without any cookie, in a frame', step => 'callback',
    says => qr/This browser keeps no cookies here/);
is token_calls(), $calls, 'CBK-2 no token call';
is row($l)->{state}, 'pending', 'CBK-2 nothing is claimed';
like $l->{link}, qr{^\Q${\ $w->url('/smart/window?ticket=') }\E[\w-]{32}$}, 'it offers a window of its own';
unlike $l->{callback}->as_string, qr/\Q$secrets[0]\E/, 'CBK-8 the code is not in it';
like $l->{callback}->header('Content-Security-Policy'), qr/frame-ancestors 'self' \Q${\ $ehr->base }/, 'nobody but the EHR may frame it';
my ($ticket) = $pg->rows(q{SELECT t.kind, code_sealed IS NOT NULL AS sealed, code_sealed, l.id, l.created_at + interval '10 minutes' = t.expires_at AS due
    FROM smartlaunch.ticket t JOIN smartlaunch.launch l ON l.id = t.launch});
is_deeply [ @{$ticket}{qw(kind sealed due)} ], [ 'callback', 1, 1 ], 'the code waits sealed, as long as the launch does';
unlike $ticket->{code_sealed}, qr/\Q$secrets[0]\E/, 'not in clear';

# The window

my $new = opened_by($l);
my $go = $new->nav($l->{link});
is $go->code, 303, 'the window finishes it';
is token_calls(), $calls + 1, 'with one token call';
like $new->location, qr{/smart/confirm\?smart_launch=}, 'and asks who she is: no cookie has told that it was she who began';
is row($l)->{state}, 'held', 'until then it is held';
my $page = $new->go_on;
like $page->decoded_content, qr{<h1>You are now alice</h1>.*You opened this application from sandbox as dr-smith}s, 'by name';
unlike $page->decoded_content, qr/still open for somebody/, 'and without a word of others where there are none';
my $app = $new->submit(button => [ answer => 'yes' ]);
is_deeply [ @{ told($app) }{qw(smart-user smart-patient)} ], [ 'alice', $patients[0] ], 'then it is the right clinician, and the right patient';
is row($l)->{state}, 'live', 'live';
my ($path) = $new->page =~ /smart_launch=(.+)/;
is told($new->nav("/papp/x?smart_launch=$path"))->{'smart-patient'}, $patients[0], 'page after page';
is scalar(grep { /Location/i } map { $_->header('Location') // () } $new->hops), 0, 'no loops';
is $pg->value(q{SELECT (context->>'toplevel')::boolean FROM smartlaunch.launch WHERE id = ?}, row($l)->{id}), 1, 'its app cookies are those of a window';
is $pg->value('SELECT count(*) FROM smartlaunch.ticket WHERE code_sealed IS NOT NULL'), 0, 'the code is forgotten';

# Again

my $again = $l->{window}->nav($l->{callback_url});
refused($w, $again, 400, 'SL4305', 'the frame loaded again: the launch was finished, there is nothing to offer', step => 'callback', says => qr/another window/);
my $thief = SL::Browser->new->window;
$thief->{page} = URI->new($w->url('/papp/'));
refused($w, $thief->nav($l->{link}), 400, 'SL4904', 'the ticket a second time', step => 'window');
is row($l)->{state}, 'ended', 'ends the launch';
ok wait_for('the window to hear of it', sub { $new->nav("/papp/?smart_launch=$path")->code == 401 }), 'for whoever was first, too';
$httpd->expect_log('SL2531');
is token_calls(), $calls + 1, 'and there is no further token call';
my $reload = blocked(patient => $patients[1]);
my $first = $reload->{link};
$reload->{callback} = $reload->{window}->nav($reload->{callback_url});
($reload->{link}) = $reload->{callback}->decoded_content =~ m{class="window" [^>]*href="([^"]+)"};
isnt $reload->{link}, $first, 'a frame that is loaded again before has a ticket of its own';
my $second = opened_by($reload);
$second->nav($reload->{link}, follow => 1);
is told($second->submit(button => [ answer => 'yes' ]))->{'smart-patient'}, $patients[1], 'which works';
refused($w, opened_by($reload)->nav($first), 400, 'SL4906', 'the ticket of before then opens nothing', step => 0);
is row($reload)->{state}, 'live', 'and ends nothing';

# She says no

my $no = blocked(patient => $patients[0]);
my $gone = opened_by($no);
$gone->nav($no->{link}, follow => 1);
like $gone->submit(button => [ answer => 'no' ])->decoded_content, qr/Nothing was changed/, 'no: nothing is changed';
is row($no)->{state}, 'ended', 'and the launch is over';

# Somebody else is at work in that browser's windows

my $browser = browser();
my $bobs = $w->launch(user => 'dr-jones', patient => $patients[2], window => $browser->window);
my $hers = blocked(patient => $patients[0], browser => $browser);
my $window = opened_by($hers);
like $window->nav($hers->{link}, follow => 1)->decoded_content, qr/You are now alice.*still open for somebody else/s,
    'another clinician is at work there: she is asked, and told';
is told($bobs->{window}->nav("/papp/?smart_launch=$bobs->{handle}"))->{'smart-user'}, 'bob', 'until she answers bob goes on';
is told($window->submit(button => [ answer => 'yes' ]))->{'smart-user'}, 'alice', 'then it is hers';
is $bobs->{window}->nav("/papp/?smart_launch=$bobs->{handle}")->code, 401, 'and bob is out';
my $next = blocked(user => 'dr-jones', patient => $patients[1], browser => $browser);
my $his = opened_by($next);
like $his->nav($next->{link}, follow => 1)->decoded_content, qr/You are now bob/, 'two clinicians one after the other: the next one is asked as well';
is_deeply [ @{ told($his->submit(button => [ answer => 'yes' ])) }{qw(smart-user smart-patient)} ], [ 'bob', $patients[1] ], 'and has his own patient';

# Who is not linked yet

my $lee = blocked(user => 'nurse-lee');
my $login = opened_by($lee);
like $login->nav($lee->{link}, follow => 1)->decoded_content, qr/You are now nurse-lee/, 'not linked yet: by her EHR name';
is told($login->submit(button => [ answer => 'yes' ]))->{'smart-link'}, 'pending', 'and on to the app\'s login';

# Where nothing is offered

my $other = $w->launch(stop => 'authorize');
for my $case (
    [ 'a window of its own', sub { SL::Browser::Window->new(jar => Blocked->new, opener => URI->new($ehr->base . '/'))->nav($_[0]) } ],
    [ 'a cookie of another browser', sub { my $x = $w->launch(stop => 'authorize'); $x->{window}->nav($_[0]) } ],
    [ 'a cookie that is none of ours', sub { $w->browser->frame($ehr->base . '/')->nav($_[0], headers => [ Cookie => '__Host-smart=x' ]) } ],
) {
    my ($what, $do) = @$case;
    my $response = $do->($other->{callback_url});
    refused($w, $response, 400, 'SL4305', "CBK-2 $what: no ticket", step => 'callback');
    unlike $response->decoded_content, qr/ticket=/, "CBK-2 $what: none at all";
}
my $error = $other->{callback_url} =~ s/code=[^&]+/error=access_denied/r;
unlike browser()->frame($ehr->base . '/')->nav($error)->decoded_content, qr/ticket=/, 'an error of the EHR: no ticket';
my $flood = blocked();
$flood->{window}->nav($flood->{callback_url}) for 1 .. 15;
unlike $flood->{window}->nav($flood->{callback_url})->decoded_content, qr/ticket=/, 'tickets of one launch are bounded';
is $pg->value('SELECT count(*) FROM smartlaunch.ticket WHERE launch = ?', row($flood)->{id}), 16, 'at 16';

# Tampered, late, and the EHR says no

my $late = blocked();
$pg->dbh->do(q{UPDATE smartlaunch.launch SET created_at = now() - interval '11 minutes' WHERE id = ?}, undef, row($late)->{id});
$pg->dbh->do(q{UPDATE smartlaunch.ticket SET expires_at = now() - interval '1 minute' WHERE launch = ?}, undef, row($late)->{id});
refused($w, opened_by($late)->nav($late->{link}), 400, 'SL4905', 'later than the launch may be answered', step => 'window');
my ($from, $to) = (blocked(), blocked(patient => $patients[1]));
$pg->dbh->do('UPDATE smartlaunch.ticket SET launch = ? WHERE launch = ?', undef, row($to)->{id}, row($from)->{id});
$calls = token_calls();
is opened_by($from)->nav($from->{link})->code, 500, 'a ticket moved to another launch in its row does not open';
$httpd->logged('SL1412');
$httpd->expect_log('SL1412');
is token_calls(), $calls, 'and makes no token call';
my $dead = blocked();
$ehr->faults(token => { status => 400, body => '{"error":"invalid_grant"}' });
is opened_by($dead)->nav($dead->{link})->code, 502, 'the EHR refuses the code';
is row($dead)->{state}, 'failed', 'and that is the end of it';
$ehr->faults;
$httpd->expect_log('SL2136');

my $logs = $httpd->error_log . $httpd->access_log;
is scalar(grep { index($logs, $_) >= 0 } @secrets), 0, 'SEC-5 no code and no ticket is in any log';
done();
