#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What a caller of the gateway sends of ours is taken out of the request before anybody else sees it:
# no log at any level and no status page has a session id or a caller's secret, however the path is
# written. And who may call where Require lets everybody in, or asks for a password.
# mpm: prefork sanitized
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use MIME::Base64 qw(encode_base64);
use SL::Gateway qw(outcome);

my $w = world(start => 0, fpm => 0, modules => ['status'], log_level => 'trace8');
my $httpd = $w->httpd;
my $dir = $httpd->dir;
my $secret = 'what-only-the-nightly-job-knows';
spit("$dir/caller.secret", "$secret\n", 0600);
spit("$dir/users", "nightly:{SHA}" . sha('night') . "\ndaily:{SHA}" . sha('day') . "\n", 0644);
my $caller = "SmartCaller nightly file:$dir/caller.secret";
$httpd->{extra} = 'ExtendedStatus On';
$httpd->{after} = <<"CONF";
CustomLog "$dir/all.log" "%r|%U|%q|%{Smart-Session}i|%{Smart-Caller}i|%{Smart-User}i|%{Referer}i|%{Cookie}i"
<Location /server-status>
    SetHandler server-status
    Require local
</Location>
<Location /open>
    SmartGateway on
    Require all granted
    $caller
</Location>
<Location /basic>
    SmartGateway on
    AuthType Basic
    AuthName "callers"
    AuthUserFile "$dir/users"
    Require valid-user
    $caller
</Location>
CONF
$httpd->{gateway} = "Require local\n</Location>\n<Location /fhir/ours>\nSmartGateway off";
$httpd->start;

sub sha { my ($text) = @_; require Digest::SHA; return encode_base64(Digest::SHA::sha1($text), '') }
sub basic { my ($who) = @_; return [ Authorization => 'Basic ' . encode_base64($who, '') ] }

my $l = $w->launch(login => 'alice');
my ($session, $patient) = @$l{qw(session patient)};
my $read = "/sandbox/Patient/$patient";
(my $host = $httpd->gateway_url) =~ s{/fhir$}{};

# No log has it
my @ways = (
    "/fhir$read?_smart_session=$session", "/fhir$read?_format=json&_smart_session=$session&_pretty=true",
    "/fhir$read?%5Fsmart_session=$session", "/fhir?_smart_session=$session", "/fhir/none?_smart_session=$session",
    "/%66hir$read?_smart_session=$session", "//fhir$read?_smart_session=$session", "/./fhir$read?_smart_session=$session",
    "/x/../fhir$read?_smart_session=$session", "/%2e/fhir$read?_smart_session=$session", "/fhir/../fhir$read?_smart_session=$session",
    "/fhir/%ZZ?_smart_session=$session", "/fhir/a%2fb?_smart_session=$session", "/fhir/%00?_smart_session=$session",
    "$host/fhir$read?_smart_session=$session", "/fhir$read?_smart_session=$session&_smart_session=other",
    "/fhir/sandbox/..;/x?_smart_session=$session", "/fhir$read?access_token=$session");
for my $target (@ways) {
    my $name = $target =~ s/\Q$session\E/…/r =~ s/\Q$host\E/absolute/r =~ s/\Q$patient\E/p/r;
    my $answer = raw($host, "GET $target HTTP/1.1\r\nHost: localhost\r\nSmart-Caller: $secret\r\n"
        . "Referer: http://localhost/fhir$read?_smart_session=$session\r\nConnection: close\r\n\r\n");
    like $answer, qr{^HTTP/1\.1 (?:200|400|401|404) }, "$name: is answered";
    unlike $answer, qr/\Q$session\E/, '… without the session id';
}
my @odd = ("GET /fhir$read?_smart_session=$session HTTP/1.1\r\nHost: localhost\r\nNo header\r\n\r\n",
    "GET /fhir$read?_smart_session=$session HTTP/1.1\r\n\r\n", "GET /fhir$read?_smart_session=$session\r\n\r\n",
    "GET /fhir$read?_smart_session=$session HTTP/1.1\r\nHost: localhost\r\nX: " . 'x' x 40_000 . "\r\n\r\n",
    "get /fhir$read?_smart_session=$session HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "OPTIONS /fhir$read?_smart_session=$session HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
unlike raw($host, $_), qr/\Q$session\E/, 'an odd request is not told its session id' for @odd;
$w->fhir(GET => "/Patient/$patient", session => $session, caller => $secret, user => 'bob-the-user');
is request('GET', "$host/server-status")->code, 200, 'there is a status page';
unlike request('GET', "$host/server-status")->content, qr/\Q$session\E/, 'SEC-5 the status page shows no session id';
my $lines = @ways + @odd + 3;
ok wait_for('the access log', sub { return scalar(() = slurp("$dir/all.log") =~ /\n/g) >= $lines }), 'every request is in the access log';
for my $log (qw(all.log access.log error.log)) {
    my $text = slurp("$dir/$log") =~ s{^GET /papp/.*\n}{}mgr; # the app is given its session id
    unlike $text, qr/\Q$session\E/, "SEC-5 no session id in $log";
    unlike $text, qr/\Q$secret\E/, "no caller's secret in $log";
    unlike $text, qr/bob-the-user/, "no user a caller speaks for in $log";
}
like slurp("$dir/all.log"), qr{GET /fhir\Q$read\E\?_format=json&_pretty=true HTTP/1\.1\|/fhir\Q$read\E\|\?_format=json&_pretty=true\|}, 'the rest of the query stays';

# Which parameter, which path
is $w->fhir(GET => "/Patient/$patient?_smart_session=$session")->code, 200, 'a session id in the query is one';
is $w->fhir(GET => "/Patient/$patient?smart_session=$session")->code, 401, '… in another parameter it is none';
is $w->fhir(GET => "/Patient/$patient?_smart_session=$session", session => $session)->code, 200, 'the same in query and header is one';
is $w->fhir(GET => "/Patient/$patient", headers => [ 'Smart-Session' => $session, 'Smart-Session' => $session ])->code, 400, 'a header twice is two';
is request('GET', "$host/%66hir$read", headers => [ 'Smart-Session' => $session ])->code, 200, 'a path in another spelling is the same';
is request('GET', "$host/fhirx$read", headers => [ 'Smart-Session' => $session ])->code, 404, 'a path that only begins like it is no gateway';
my $off = request('GET', "$host/fhir/ours/Patient/1", headers => [ 'Smart-Session' => $session ]);
is $off->code, 404, 'below it SmartGateway off is none';
unlike $off->content, qr/OperationOutcome/, '… and httpd itself answers';

# Require all granted
sub open_call { my (@headers) = @_; return request('GET', "$host/open$read", headers => [@headers]) }
my $answer = open_call('Smart-Session' => $session);
is $answer->code, 401, 'SEC-10 where everybody may call, a session id alone does not do';
like outcome($answer), qr/Smart-Caller|caller/i, '… and says what is missing';
is open_call('Smart-Session' => $session, 'Smart-Caller' => $secret)->code, 200, '… a caller that proves itself does';
is open_call('Smart-Session' => $session, 'Smart-Caller' => "${secret}x")->code, 401, '… one that does not, does not';
is open_call('Smart-Session' => $session, 'Smart-Caller' => '')->code, 401, '… nor does an empty secret';
is open_call('Smart-User' => 'alice', 'Smart-Patient' => $patient)->code, 401, 'nor a user alone';
is open_call('Smart-User' => 'alice', 'Smart-Patient' => $patient, 'Smart-Caller' => $secret)->code, 200, 'a caller may speak for a user';

# A password
sub basic_call { my ($who, @headers) = @_; return request('GET', "$host/basic$read", headers => [ @{ basic($who) }, @headers ]) }
my @alice = ('Smart-User' => 'alice', 'Smart-Patient' => $patient);
is basic_call('nightly:wrong', @alice)->code, 401, 'a wrong password is 401';
is basic_call('nightly:night', @alice)->code, 200, 'who logs in under a SmartCaller\'s name may speak for a user';
is basic_call('daily:day', @alice)->code, 401, '… who logs in under another name may not';
is basic_call('daily:day', 'Smart-Session' => $session)->code, 200, '… but has a session id';
is basic_call('daily:day', @alice, 'Smart-Caller' => $secret)->code, 200, '… or the secret';
is basic_call('nightly:night', @alice, 'Smart-Caller' => 'guess')->code, 401, 'a wrong secret counts, whoever logged in';
is $w->fhir(GET => "/Patient/$patient", user => 'alice', patient => $patient, caller => $secret)->code, 401, 'a caller of another gateway is none here';

$httpd->expect_log(qw(AH01617 AH10244 SL5801 SL5802 SL5803 SL5804 SL5806 SL5841));
done();
