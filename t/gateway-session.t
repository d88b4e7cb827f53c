#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A session id at the gateway: whose it is, where it may stand, that it opens nothing any more once
# its launch, link or token is over, on every host, and that asking with it keeps nothing awake.
# mpm: all
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::TLS;
use SL::Tokens qw(nobody_leads id_of);
use Time::HiRes qw(time);

my $w = world(start => 0, fpm => 0, pg => { own => 1 }, ehr => { tenants => 'other', search => 1 });
my ($httpd, $ehr, $pg) = ($w->httpd, $w->ehr, $w->pg);
my $dir = $httpd->dir;
my $elsewhere = $ehr->tenant('other');
my %conf = (
    extra => ehr_block('other', $ehr->issuer('other')),
    vhost => <<'CONF',
    SmartSession idle=10m max=12h
    <Location /smart/two>
        SmartTarget /papp/two/
        SmartApp two
    </Location>
    <Location /papp/two>
        SmartApp two
    </Location>
CONF
    gateway => <<'CONF',
        SmartSessionParam _smart_session _redox_session
        Require local
    </Location>
    <Location /two>
        SmartGateway on
        SmartApp two
        Require local
CONF
);
$httpd->{$_} = $conf{$_} for keys %conf;
# Every line of every module, and httpd's own record of what came: not one may name a session.
$httpd->{modules} = ['log_forensic'];
$httpd->{after} = "LogLevel trace8\nForensicLog \"$dir/forensic.log\"\nCustomLog \"$dir/all.log\" \"%r|%U|%q|%{Smart-Session}i|%{Cookie}i|%f\"";

my ($client) = SL::EHR::default_clients('');
$client->{redirect_uris} = [ map { "$_" } $w->url('/smart'), $w->url('/smart/two') ];
$_->clients($client) for $ehr, $elsewhere;
nobody_leads($w);
$pg->dbh->do("ALTER ROLE web SET log_statement = 'all'");
$httpd->start;
my $other = $w->another_host(fpm => 0, %conf);

sub ehr_block {
    my ($name, $issuer) = @_;
    my $ca = SL::TLS::ca();
    return <<"CONF";
<SmartEHR $name>
    SmartIssuer $issuer
    SmartClient app-basic
    SmartClientSecret file:$dir/secret
    SmartScope "launch openid fhirUser offline_access patient/*.rs"
    SmartIdentity id_token:preferred_username
    SmartEmbed ${\ $ehr->base }
    SmartOutbound ca=$ca
</SmartEHR>
CONF
}

my $patient = $ehr->patients->[0];
my @ids; # every session id of this test

sub launched {
    my (%arg) = @_;
    my $l = $w->launch(%arg);
    push @ids, $l->{session};
    return $l;
}

sub read_with { my ($l, %arg) = @_; return $w->fhir(GET => "/Patient/$patient", session => $l->{session}, %arg) }

# A call at another gateway of the same host.
sub at {
    my ($path, $session) = @_;
    return request('GET', ($httpd->gateway_url =~ s{/fhir$}{}r) . $path, headers => [ 'Smart-Session' => $session ]);
}

# What the EHRs' FHIR servers were asked since the last time.
sub asked {
    my @asked = map { $_->log('/fhir/') } $ehr, $elsewhere;
    $_->forget for $ehr, $elsewhere;
    return @asked;
}

# A refusal as FHIR has it, with nothing sent to the EHR; 401 says what helps.
my @refused; # references of the 401s
sub is_refused {
    my ($answer, $status, $name) = @_;
    push @refused, $answer->content =~ /Reference: ([2-9A-Z-]+)/ if $status == 401;
    my @wrong;
    push @wrong, 'status ' . $answer->code if $answer->code != $status;
    my $said = eval { outcome($answer) } // 'no OperationOutcome';
    push @wrong, $said if $said !~ /^error \w[\w-]+: \S/;
    push @wrong, 'WWW-Authenticate' if ($answer->header('WWW-Authenticate') // '') ne ($status == 401 ? 'Smart error="relaunch"' : '');
    push @wrong, 'it may be kept' if ($answer->header('Cache-Control') // '') !~ /no-store/;
    push @wrong, 'a bearer went to the EHR' if asked();
    ok !@wrong, $name or diag join "\n", @wrong, $answer->as_string;
    return;
}

# Whose it is
my $l = launched(login => 'alice');
is read_with($l)->code, 200, 'a session of this app and EHR';
my $two = launched(path => '/smart/two', login => 'alice');
my $far = launched(ehr => $elsewhere, login => 'alice');
asked();
is at("/two/sandbox/Patient/$patient", $two->{session})->code, 200, 'SEC-10 a session of another app, at that app\'s gateway';
is_deeply [ map { $_->{status} } asked() ], [200], '… is answered by the EHR';
is_refused(at("/two/sandbox/Patient/$patient", $l->{session}), 401, 'SEC-10 … another app\'s session is none there');
is_refused(read_with($two), 401, 'SEC-10 … and the other way round');
is read_with($far, ehr => 'other')->code, 200, 'a session of another EHR, at that EHR';
is_deeply [ map { scalar(my @all = $_->log('/fhir/')) } $ehr, $elsewhere ], [ 0, 1 ], '… which alone is asked';
asked();
is_refused(read_with($far), 403, 'SEC-10 … at this one: 403');
is_refused(read_with($l, ehr => 'other'), 403, 'SEC-10 … and the other way round');
is_refused(at("/two/other/Patient/$patient", $far->{session}), 401, 'another app\'s session of another EHR: no word about the EHR');
my @bearers = map { my $s = $_; read_with($s->[0], ehr => $s->[1]); map { $_->{headers}{authorization} } asked() } [ $l, 'sandbox' ], [ $far, 'other' ];
isnt $bearers[0], $bearers[1], 'each EHR gets its own token';

# Where it may stand
sub sent { my ($seen) = asked(); return $seen }
{
    my $search = '/Observation/_search';
    my %with = (_count => 1, patient => $patient);
    for my $name (qw(_smart_session _redox_session)) {
        is $w->fhir(POST => $search, form => { %with, $name => $l->{session} })->code, 200, "FHR-3 $name in the form of a search";
        my $seen = sent();
        is_deeply $seen->{form}, \%with, '… is taken out of it';
        is $seen->{headers}{'content-length'}, length $seen->{body}, '… the length is right';
    }
    my @form = ('Content-Type' => 'Application/X-WWW-Form-urlencoded; charset=UTF-8');
    my $hidden = join '', map { sprintf '%%%02X', ord } split //, $l->{session};
    for my $body ("%5fsmart_session=$l->{session}&patient=$patient", "patient=$patient&_smart_session=$hidden",
        "_smart_session=$l->{session}&&patient=$patient&_redox_session=$l->{session}&") {
        my $name = $body =~ s/\Q$l->{session}\E/S/gr =~ s/\Q$hidden\E/%S/r =~ s/\Q$patient\E/p/r;
        my $chunked = sprintf "%x\r\n%s\r\n0\r\n\r\n", length $body, $body;
        is $w->fhir(POST => $search, body => $body, headers => \@form)->code, 200, "FHR-3 a form of $name";
        like sent()->{body}, qr/^&*patient=\Q$patient\E&*$/, '… keeps the rest';
        is $w->fhir(POST => $search, body => $chunked, headers => [ @form, 'Transfer-Encoding' => 'chunked' ])->code, 200, '… chunked';
        like sent()->{body}, qr/^&*patient=\Q$patient\E&*$/, '… keeps the rest, too';
    }
    is $w->fhir(POST => "$search?patient=$patient", form => { _smart_session => $l->{session} })->code, 200, 'a form with nothing else';
    is sent()->{body} // '', '', '… is empty then';
    is $w->fhir(POST => "$search?_redox_session=$l->{session}", form => { %with, _smart_session => $l->{session} }, session => $l->{session})->code,
        200, 'the same id in header, query and form is one';
    my $seen = sent();
    is_deeply [ $seen->{query}, $seen->{form} ], [ {}, \%with ], '… of which nothing is left';
    for my $way ([ form => { %with, _smart_session => $far->{session} }, session => $l->{session} ],
        [ body => "patient=$patient&_smart_session=$l->{session}&_redox_session=$far->{session}", headers => \@form ],
        [ body => "patient=$patient&_smart_session=$l->{session}&_smart_session=", headers => \@form ]) {
        is_refused($w->fhir(POST => $search, @$way), 400, 'FHR-3 two different ids, one or both in the form: 400');
    }
    is_refused($w->fhir(GET => "/Patient/$patient?_smart_session=$l->{session}&_redox_session=$far->{session}"), 400, '… two in the query: 400');
    is_refused($w->fhir(GET => "/Patient/$patient?_smart_session=$far->{session}", session => $l->{session}), 400, '… header and query: 400');
    is_refused($w->fhir(GET => "/Patient/$patient?_smart_session=$l->{session}", headers => [ 'Sec-Fetch-Site' => 'none' ]), 403,
        'SEC-10 a browser with the id in the URL: 403');
    is_refused($w->fhir(POST => $search, form => { %with, _smart_session => $l->{session} }, headers => [ Origin => 'null' ]), 403,
        '… in the form: 403');
    is_refused($w->fhir(POST => $search, body => qq({"_smart_session":"$l->{session}"}), headers => [ 'Content-Type' => 'application/json' ]),
        401, 'a body that is no form names no session');
    # Spelled otherwise it is no header of ours, and goes nowhere.
    is_refused($w->fhir(GET => "/Patient/$patient", headers => [ $_ => $l->{session} ]), 401, "$_ names no session")
        for qw(Smart_Session Smart.Session);
    # What one request of a connection names, the next does not.
    my $form = "patient=$patient&_count=1&_smart_session=$l->{session}";
    my $three = raw($httpd->gateway_url, "POST /fhir/sandbox$search HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: "
        . length($form) . "\r\n\r\n${form}GET /fhir/sandbox/Patient/$patient HTTP/1.1\r\nHost: x\r\n\r\n"
        . "GET /fhir/sandbox/Patient/$patient HTTP/1.1\r\nHost: x\r\nSmart-Session: $l->{session}\r\nConnection: close\r\n\r\n");
    is_deeply [ $three =~ m{HTTP/1\.1 (\d+)}g ], [ 200, 401, 200 ], 'SEC-10 three requests at once on one connection: each has its own session, or none';
    is scalar(asked()), 2, '… and the one without reaches nobody';
    # The answer's links have none either.
    my $page = $w->fhir(GET => "/Observation?patient=$patient&_count=2&_smart_session=$l->{session}");
    unlike $page->as_string, qr/\Q$l->{session}\E/, 'FHR-5 the links of an answer carry no session id';
    asked();
}

# What is none: no question to PostgreSQL
sub lookups { return scalar(() = slurp("$pg->{cluster}{dir}/log") =~ /LOG:.*FROM smartlaunch\.(?:token|launch)\b/g) }
{
    my $id = $l->{session};
    my @forged = ('x', 'x' x 4000, '0' x length $id, substr($id, 0, -1), "${id}A", "A$id", ucfirst(lc $id), scalar(reverse $id), $l->{handle},
        "$id ", "\"$id\"", "$id%00", "../$id", "' OR 1=1 --", map { my $f = $id; substr($f, $_, 1) =~ tr/A-Za-z0-9_-/B-ZAb-za1-90_A/; $f } 0, 7, 20, length($id) - 1);
    my %seen = ($id => 1);
    @forged = grep { !$seen{ s/\s+\z//r }++ } @forged;
    my $before = lookups();
    cmp_ok $before, '>', 0, 'PostgreSQL logs what it is asked';
    is_refused(read_with({ session => $_ }), 401, 'SEC-10 a forged id: ' . (length > 50 ? length() . ' bytes' : s/\Q$id\E/S/r)) for @forged;
    is_refused($w->fhir(GET => "/Patient/$patient?_smart_session=" . URI::Escape::uri_escape($_)), 401, '… as a parameter') for @forged[ 0, 2, 3 ];
    is lookups(), $before, 'SEC-10 no forged id costs a look-up';
    # A genuine one that nobody has is looked up, once for a while.
    my $gone = launched();
    $pg->dbh->do('DELETE FROM smartlaunch.launch WHERE id = ?', undef, id_of($w, $gone));
    ($before, undef) = (lookups(), asked());
    is_refused(read_with($gone), 401, 'SEC-10 an id of a launch that is gone: 401') for 1 .. 3;
    cmp_ok lookups() - $before, '<=', 2, '… which is not looked up each time';
}

# Over
sub both { my ($l) = @_; return [ map { read_with($l, host => $_)->code } $httpd, $other ] }

# Waits until every one of these calls [launch, host] is refused. Returns how long after now the last
# that was let through had begun, in seconds.
sub until_over {
    my ($what, @calls) = @_;
    my ($now, $last) = (time, 0);
    wait_for($what, sub {
        @calls = grep {
            my $began = time;
            my $code = read_with($_->[0], host => $_->[1])->code;
            $last = $began - $now if $code == 200;
            $code != 401;
        } @calls;
        return !@calls;
    }, 20);
    return $last;
}

# Both hosts know the launch; $code ends it; then both refuse it, and 5 seconds are enough.
sub ends_by {
    my ($l, $what, $code) = @_;
    is_deeply both($l), [ 200, 200 ], "$what: both hosts have it in memory";
    $code->();
    my $took = until_over($what, map { [ $l, $_ ] } $httpd, $other);
    cmp_ok $took, '<=', 5, "SEC-10 $what: 401 on every host within 5 seconds";
    asked();
    is_refused(read_with($l, host => $_), 401, "… with what helps, and nothing goes to the EHR") for $httpd, $other;
    return $took;
}

sub set_launch { my ($l, $set) = @_; return $pg->dbh->do("UPDATE smartlaunch.launch SET $set WHERE id = ?", undef, id_of($w, $l)) }
sub dba { my ($call, @bind) = @_; $pg->dbh('dba')->do("SELECT smartlaunch.$call", undef, @bind); return }
my %way = (
    'a launch is revoked' => sub { dba('revoke_launch(?::uuid, ?)', id_of($w, $_[0]), 'a test') },
    'a token is revoked' => sub { dba('revoke_token(?::uuid, ?)', id_of($w, $_[0]), 'a test') },
    'a launch is logged out' => sub { $_[0]{window}->xhr(POST => "/smart/logout?smart_launch=$_[0]{handle}")->code == 200 or die 'logout' },
);

# Told by NOTIFY: sooner than memory would be read again. A busy machine may need a second try.
$w->hears(2);
for my $what (sort keys %way) {
    my $best = 99;
    for my $try (1 .. 3) {
        my $l = launched();
        my $took = ends_by($l, $what, sub { $way{$what}->($l) });
        $best = $took if $took < $best;
        last if $best < 2;
    }
    cmp_ok $best, '<', 2, "$what: hosts are told at once";
}

# Hints are lost: memory is read again every few seconds.
$pg->dbh->do("ALTER TABLE smartlaunch.$_ DISABLE TRIGGER USER") for qw(launch token);
my @late = map { launched() } 1 .. 6;
{
    my %over = (
        $way{'a launch is revoked'} => $late[0], $way{'a token is revoked'} => $late[1], $way{'a launch is logged out'} => $late[2]);
    is_deeply [ map { @{ both($_) } } @late ], [ (200) x 12 ], 'six launches that both hosts have in memory';
    $way{'a launch is revoked'}->($late[0]);
    $way{'a token is revoked'}->($late[1]);
    $way{'a launch is logged out'}->($late[2]);
    set_launch($late[3], "expires_at = now() - interval '1 second'");
    set_launch($late[4], "link_state = 'pending', app_user = NULL");
    set_launch($late[5], "last_seen_at = now() - interval '11 minutes'");
    my $took = until_over('all to be over', map { my $l = $_; map { [ $l, $_ ] } $httpd, $other } @late);
    cmp_ok $took, '>', 0, 'without hints memory is believed for a while';
    cmp_ok $took, '<=', 5, 'SEC-10 … but revoked, logged out, expired, pending, idle: 401 within 5 seconds';
    asked();
    my @what = ('a revoked launch', 'a revoked token', 'a logout', 'a launch past its end', 'a pending launch');
    is_refused(read_with($late[$_]), 401, "SEC-10 without hints: $what[$_]: 401, nothing goes to the EHR") for 0 .. 4;
    is_refused(read_with($late[5], host => $_), 401,
        'SEC-7 calls of the gateway are no use of the launch: it is idle by its own virtual host\'s limit, however often it asked') for $httpd, $other;
}

# The link takes all with it.
my $last = launched();
ends_by($last, 'a link is revoked', sub { dba('revoke_link(?, ?, ?, ?)', 'app', 'sandbox', 'dr-smith', 'a test') });
is_refused(read_with($l), 401, '… and its other launches are over, too');
is at("/two/sandbox/Patient/$patient", $two->{session})->code, 200, '… not those of another app';
is read_with($far, ehr => 'other')->code, 200, '… nor those of another EHR';
# A call that the EHR refuses, since the token was revoked there while memory still believed in it, is another matter.
sub rows_of_refusals { my ($and) = @_; return $pg->value("SELECT count(*) FROM smartlaunch.fhir_access WHERE reference = ANY (?) $and", \@refused) }
wait_for('rows of all refusals', sub { rows_of_refusals('AND status = 401') == @refused });
cmp_ok scalar(@refused), '>', 20, 'every refused session leaves a row';
is rows_of_refusals('AND patient IS NOT NULL'), 0, '… and none names a patient';

# The key ring is turned: what the old key made is good while that is in the ring.
my $ring = $httpd->{keyring};
$httpd->keyring(SL::Httpd::new_key('k2') . $ring);
$httpd->graceful;
is read_with($far, ehr => 'other')->code, 200, 'SEC-10 a session of the key before: it works while that key is in the ring';
my $latest = launched(user => 'dr-jones', login => 'bob');
wait_for('the new children', sub { read_with($latest)->code == 200 });
$httpd->keyring((split /^/, $httpd->{keyring})[0]);
$httpd->graceful;
wait_for('the old key to be gone', sub { read_with($far, ehr => 'other')->code == 401 });
asked();
is_refused(read_with($far, ehr => 'other'), 401, '… and without it is none of ours');
is read_with($latest)->code, 200, '… a session of the new key works';

# Logs
my %text = map { $_ => slurp($_) } "$dir/forensic.log", map { my $h = $_->dir; "$h/error.log", "$h/access.log" } $httpd, $other;
$text{all} = slurp("$dir/all.log") =~ s{^GET /papp.*\n}{}mgr;
like $text{"$dir/error.log"}, qr/proxy_http:trace/, 'mod_proxy logs all it can';
for my $log (sort keys %text) {
    my $name = $log =~ s{.*/}{}r;
    is scalar(grep { index($text{$log}, $_) >= 0 } @ids), 0, "SEC-5 no session id in $name";
    is scalar(grep { my $b = s/^Bearer //r; index($text{$log}, $b) >= 0 } @bearers), 0, "SEC-5 no token in $name";
}
my @ours = grep { /\[smartlaunch:/ } split /\n/, $text{"$other->{dir}/error.log"};
cmp_ok scalar(@ours), '>', 10, 'the other host says what it refused';
is_deeply [ grep { /\Q$patient\E/ } @ours ], [], 'SEC-5 and names no patient';

$httpd->expect_log(qw(SL4517 SL5804 SL5807));
done();
