#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A token endpoint on its bad days. Each ends in a page that says so, after one POST and no more, and
# the next launch works.
# mpm: prefork sanitized
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::Odd;
use SL::Refused;
use MIME::Base64 qw(encode_base64);
use Time::HiRes qw(time);
use URI::Escape qw(uri_escape);

my $odd = SL::Odd->new;
my $nobody = free_port();
my $w = world(start => 0, fpm => 0, ehr => { tenants => 'slow' },
    extra => $odd->block('nobody', $odd->url('/nobody'), 'SmartEndpoint authorize ' . $odd->url('/a'),
        "SmartEndpoint token https://ehr.localhost:$nobody/token")
        . $odd->block('raw', $odd->url('/raw'), 'SmartEndpoint authorize ' . $odd->url('/a'),
        'SmartEndpoint token ' . $odd->url('/raw/token'), 'SmartIdentity token:who'));

my $slow = $w->ehr->tenant('slow');
$w->httpd->{extra} .= $odd->block('slow', $w->ehr->issuer('slow'), 'SmartClient app-basic', 'SmartOutbound timeout=1s',
    'SmartClientSecret file:' . $w->httpd->dir . '/secret', 'SmartScope "launch openid fhirUser"');
$w->httpd->start;

sub posts { my ($ehr) = @_; return scalar grep { $_->{path} =~ m{/auth/token$} } $ehr->log }

sub launch_row {
    my ($l) = @_;
    my %query = URI->new($l->{start}->header('Location'))->query_form;
    my ($row) = $w->pg->rows('SELECT *, (SELECT count(*) FROM smartlaunch.token t WHERE t.launch = l.id) AS tokens'
        . ' FROM smartlaunch.launch l WHERE state_hash = sha256(?::text::bytea)', $query{state});
    return $row;
}

# One launch under a fault of the token endpoint.
sub bad {
    my ($rule, $what, $fault, $status, $id) = @_;
    my $ehr = $status == 504 ? $slow : $w->ehr;
    my $l = $w->launch(ehr => $ehr, stop => 'authorize');
    $ehr->faults(token => $fault);
    $ehr->forget;
    my $began = time;
    $w->finish($l, 'callback');
    my $took = time - $began;
    my $name = "$rule $what";
    refused($w, $l->{callback}, $status, $id, $name, step => 'token', retry => $status == 503);
    is posts($ehr), 1, "TKR-4 $what: one POST";
    cmp_ok $took, '<', 5, "$rule $what: within the time-out" if $status == 504;
    $ehr->faults;
    my $row = launch_row($l);
    is "$row->{state} $row->{end_reason} $row->{tokens}", "failed $id 0", "$rule $what: the launch is over, no token is stored";
    is $row->{pending_sealed}, undef, "$rule $what: nothing of it is left";
    return $l;
}

# Late, and silent.
bad('TRS-5', 'slow', { delay_ms => 5000 }, 504, 'SL3505');
bad('TRS-5', 'silent', { hang => \1 }, 504, 'SL3505');
bad('TRS-5', 'in drops', { drip_ms => 50 }, 504, 'SL3505');

# Gone.
my $l = bad('TKR-4', 'closed after the request was sent', { close => 'after' }, 502, 'SL3510');
my $again = $l->{window}->nav($l->{callback_url});
refused($w, $again, 400, 'SL4302', 'CBK-3 a reload of that page does not try the code again');
is posts($w->ehr), 1, 'TKR-4 still one POST';
bad('TKR-4', 'closed before an answer', { close => 'before' }, 502, 'SL3510');
bad('TKR-4', 'cut in the middle', { truncate => \1 }, 502, 'SL3510');
my $window = $w->browser->window;
my $start = $window->nav($w->url('/smart?launch=a&iss=' . uri_escape($odd->url('/nobody'))));
my %query = URI->new($start->header('Location'))->query_form;
refused($w, $window->nav($w->url("/smart?code=abc&state=$query{state}")), 502, 'SL3506', 'TRS-5 nobody listens', step => 'token');

# Elsewhere.
for my $to ($odd->url('/elsewhere'), $odd->url('/elsewhere', listener => 'plain'), '/auth/token?again=1') {
    for my $status (302, 307, 308) {
        bad('TKR-4', "redirected by $status to " . $to =~ s/:\d+//r, { redirect => $to, status => $status }, 502, 'SL2136');
    }
}
is_deeply [ grep { $_->{path} ne '/raw/token' } $odd->log ], [], 'TKR-4 no redirect was followed';

# Refusals, in all the forms they are seen in.
for my $case (
    [ 'invalid_grant by 400', { status => 400, body => '{"error":"invalid_grant","error_description":"<script>alert(1)</script>"}' },
        qr/\(400\): invalid_grant/ ],
    [ 'invalid_grant by 403', { status => 403, body => '{"error":"invalid_grant"}' }, qr/\(403\): invalid_grant/ ],
    [ 'unauthorized_client by 401', { status => 401, body => '{"error":"unauthorized_client"}' }, qr/\(401\): unauthorized_client/ ],
    [ 'an error nobody knows', { status => 400, body => '{"error":"<img src=x>"}' }, qr/\(400\): other/ ],
    [ 'an OperationOutcome', { status => 400, body => '{"resourceType":"OperationOutcome","issue":[{"diagnostics":"Code expired"}]}' },
        qr/\(400\): none/ ],
    [ 'text', { status => 500, body => 'Exception in thread main', content_type => 'text/plain' }, qr/\(500\): none/ ],
    [ 'nothing', { status => 401, body => '' }, qr/\(401\): none/ ],
    [ 'a page', { status => 404, body => '<html><script>alert(1)</script></html>', content_type => 'text/html' }, qr/\(404\): none/ ],
    [ 'an error that is an object', { status => 400, body => '{"error":{"code":7}}' }, qr/\(400\): other/ ],
) {
    my ($what, $fault, $logged) = @$case;
    my $refused = bad('TRS-5', $what, $fault, 502, 'SL2136');
    my ($line) = grep { /SL2136/ && index($_, reference_of($refused->{callback})) > 0 } split /\n/, $w->httpd->error_log;
    like $line, $logged, "TRS-5 $what: its code is in the log";
    unlike $line . $refused->{callback}->decoded_content, qr/alert|<img|Code expired|Exception/, "TRS-5 $what: and no text of theirs";
}
bad('TRS-5', 'busy', { status => 503, body => '', headers => { 'Retry-After' => '7' } }, 503, 'SL2135');
bad('TRS-5', 'too many requests', { status => 429, body => '{"error":"slow_down"}' }, 503, 'SL2135');

# 200, and no token.
for my $case (
    [ 'TRS-1', 'HTML', { status => 200, body => '<!DOCTYPE html><title>Login</title>', content_type => 'text/html' }, 'SL2137' ],
    [ 'TRS-1', 'null', { status => 200, body => 'null' }, 'SL2137' ],
    [ 'TRS-1', 'nothing', { status => 200, body => '' }, 'SL2137' ],
    [ 'TRS-1', 'no content', { status => 204, body => '' }, 'SL2137' ],
    [ 'TRS-1', 'a list', { status => 200, body => '[{"access_token":"a","token_type":"Bearer"}]' }, 'SL2137' ],
    [ 'TRS-1', 'a text', { status => 200, body => '"token"' }, 'SL2137' ],
    [ 'TRS-1', 'a form', { status => 200, body => 'access_token=a&token_type=bearer' }, 'SL2137' ],
    [ 'TRS-1', 'an error by 200', { status => 200, body => '{"error":"invalid_grant"}' }, 'SL2133' ],
    [ 'TRS-1', 'an error beside a token', { patch => { error => 'invalid_scope' } }, 'SL2133' ],
    [ 'TRS-1', 'no token_type', { patch => { token_type => undef } }, 'SL2131' ],
    [ 'TRS-1', 'token_type mac', { patch => { token_type => 'mac' } }, 'SL2131' ],
    [ 'TRS-1', 'token_type a list', { patch => { token_type => ['Bearer'] } }, 'SL2131' ],
    [ 'TRS-1', 'token_type with a blank', { patch => { token_type => 'Bearer ' } }, 'SL2131' ],
    [ 'TRS-1', 'no access_token', { patch => { access_token => undef } }, 'SL2132' ],
    [ 'TRS-1', 'an empty access_token', { patch => { access_token => '' } }, 'SL2132' ],
    [ 'TRS-1', 'a number as access_token', { patch => { access_token => 12345 } }, 'SL2132' ],
    [ 'TRS-1', 'an access_token with CR and LF', { patch => { access_token => "a\r\nX-Evil: 1" } }, 'SL2132' ],
    [ 'TRS-1', 'an access_token with a blank', { patch => { access_token => 'a b' } }, 'SL2132' ],
    [ 'TRS-3', 'a scope with CR and LF', { patch => { scope => "launch\r\nX-Evil: 1" } }, 'SL2134' ],
    [ 'TRS-4', '2 MiB', { big => 2 * 1024 * 1024 }, 'SL3504' ],
    [ 'TRS-4', 'a NUL behind it', { status => 200, body => "{\"access_token\":\"a\",\"token_type\":\"Bearer\"}\0" }, 'SL2137' ],
    [ 'TRS-4', 'two objects', { status => 200, body => '{"access_token":"a","token_type":"Bearer"}{}' }, 'SL2137' ],
    [ 'TRS-4', '40 levels', { patch => { deep => nested(40) } }, 'SL2137' ],
    [ 'TRS-4', 'a NUL in a name', { patch => { "access\0token" => 'a', access_token => undef } }, qr/SL213[27]/ ],
) {
    my ($rule, $what, $fault, $id) = @$case;
    ref $id ? bad_either($rule, $what, $fault, $id) : bad($rule, $what, $fault, 502, $id);
}

sub nested { my ($n) = @_; my $in = 1; $in = [$in] for 1 .. $n; return $in }

sub bad_either {
    my ($rule, $what, $fault, $ids) = @_;
    my $one = $w->launch(stop => 'authorize');
    $w->ehr->faults(token => $fault);
    $w->finish($one, 'callback');
    $w->ehr->faults;
    my ($id) = $w->httpd->error_log =~ /($ids): [^\n]*\n\z/;
    return refused($w, $one->{callback}, 502, $id // '-', "$rule $what", step => 'token');
}

# Bytes as they are, from an endpoint of our own.
sub raw_answer {
    my ($bytes) = @_;
    $odd->route('/raw/token' => { base64 => encode_base64($bytes, '') });
    my $one = { window => $w->browser->window };
    $one->{start} = $one->{window}->nav($w->url('/smart?launch=a&iss=' . uri_escape($odd->url('/raw'))));
    my %asked = URI->new($one->{start}->header('Location'))->query_form;
    $one->{callback} = $one->{window}->nav($w->url("/smart?code=abc&state=$asked{state}"));
    return $one;
}
my $good = '{"access_token":"a","token_type":"Bearer","expires_in":60,"scope":"launch","who":"dr-smith"}';
is raw_answer($good)->{callback}->code, 303, 'TRS-1 five members are enough';
for my $case (
    [ 'invalid UTF-8', $good =~ s/dr-smith/dr-\xff\xfe/r ], [ 'a surrogate', $good =~ s/dr-smith/\xed\xa0\x80/r ],
    [ 'UTF-16', "\xff\xfe" . join '', map { "$_\0" } split //, $good ], [ 'a raw line break in a text', $good =~ s/dr-smith/dr\nsmith/r ],
    [ 'a NUL', $good =~ s/dr-smith/dr\0smith/r ],
    [ 'a comment', "/* $good */$good" ], [ 'a comma too many', $good =~ s/\}$/,}/r ], [ 'single quotes', $good =~ tr/"/'/r ],
) {
    my ($what, $bytes) = @$case;
    refused($w, raw_answer($bytes)->{callback}, 502, 'SL2137', "TRS-4 $what", step => 'token');
}
refused($w, raw_answer($good =~ s/"a"/"a\\u0000b"/r)->{callback}, 502, 'SL2132', 'TRS-4 an escaped NUL in a token', step => 'token');
my $double = raw_answer('{"access_token":"first","who":"dr-first","patient":"p1","token_type":"mac","access_token":"second",'
    . '"token_type":"Bearer","expires_in":60,"scope":"launch","who":"dr-last","patient":"p2"}');
my $stored = launch_row($double);
is_deeply [ @{$stored}{qw(state ehr_user patient)} ], [qw(live dr-last p2)], 'TRS-4 of a member given twice the last counts, everywhere';
$w->ehr->faults(token => { big => 1_000_000 });
is $w->launch->{callback}->code, 303, 'TRS-4 an answer of just under 1 MiB is read';
$w->ehr->faults;

# After all that.
$l = $w->launch(login => 'alice');
is json($l->{app})->{headers}{'smart-user'}, 'alice', 'TRS-5 after all that a launch works';
is $w->pg->value(q(SELECT count(*) FROM smartlaunch.launch WHERE state = 'claimed')), 0, 'TRS-5 and no other is stuck half-way';
my @bare = $w->pg->rows(q(SELECT step, outcome FROM smartlaunch.launch_step WHERE outcome <> 'ok' AND (reference = '' OR detail IS NULL)));
is_deeply \@bare, [], 'TRS-5 every failure has its reference and its reason in the flight recorder';
my $texts = join "\n", map { $_->{detail} // '' } $w->pg->rows('SELECT detail FROM smartlaunch.launch_step');
unlike $texts, qr/alert|<img|Code expired|Exception|second/, 'TRS-5 and no text of the EHR\'s';

done();
