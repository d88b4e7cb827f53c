#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What the documents print works as it is printed.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use JSON::PP qw(decode_json);
use SL::Gateway qw(session_of);
use SL::Keys;
use SL::TLS;

# The fenced blocks of one language in a document.
sub blocks {
    my ($file, $language) = @_;
    my $text = slurp(top() . "/$file") =~ s/^## The Clinical Data Pull\n.*?(?=^## )//msr; # t/docs-cdp.t
    my @found = $text =~ /^```$language\n(.*?)^```$/msg;
    ok @found > 0, "$file has an example in $language";
    return @found;
}

my $w = world(target => '/app/example.php', start => 0, ehr => { tenants => 'night', search => 1 });
my $dir = $w->httpd->dir;
spit("$dir/redcap.secret", "what-the-nightly-job-alone-knows\n", 0600);
$w->httpd->{gateway} = "SmartCaller redcap file:$dir/redcap.secret\nSmartSystem on\nRequire local\n";
$w->httpd->{extra} = <<"CONF";
<SmartEHR night>
    SmartIssuer ${\ $w->ehr->issuer('night') }
    SmartClient app-key
    SmartClientKey ${\ SL::Keys::guide($dir, 'ES384') }
    SmartSystemScope "system/*.rs"
    SmartOutbound ca=${\ SL::TLS::ca() }
</SmartEHR>
CONF
$w->ehr->tenant('night')->clients({ client_id => 'app-key', token_endpoint_auth_method => 'private_key_jwt',
    redirect_uris => [ $w->url('/smart') ], jwks => decode_json(slurp(top() . '/t/vectors/ES384.public.json')) });
$w->httpd->start;

# Configurations. Only paths and the module's own place differ here.
spit("$dir/$_", "not-a-secret-of-32-bytes-or-more-0\n", 0600) for qw(epic.secret study.secret study.token);
for my $file (qw(README.md docs/admin.md)) {
    my ($config, @more) = grep { /^Smart|<Location/m } blocks($file, 'apache');
    for my $text ($config, @more ? join '', $config, @more : ()) {
        (my $here = $text) =~ s/^LoadModule .*\n//m;
        $here =~ s{/etc/smartlaunch/|\$\{APACHE_LOG_DIR\}/}{$dir/}g;
        my ($rc, $said) = $w->httpd->configtest(config => $here, no_redirect => 1);
        is $rc, 0, "$file: configtest takes the configuration" . ($text eq $config ? '' : ' with all that may follow') or diag $said;
    }
}
{
    my ($line) = grep { /^ +SmartClientKey/ } blocks('docs/admin.md', 'apache');
    my ($text) = grep { /SmartPublicURL/ } blocks('docs/admin.md', 'apache');
    $line =~ s{/etc/smartlaunch/\S+}{SL::Keys::guide($dir, 'RS384')}e;
    $text =~ s{^ +SmartClientSecret .*\n}{$line}m;
    my ($rc, $said) = $w->httpd->configtest(config => $text =~ s{/etc/smartlaunch/}{$dir/}gr, no_redirect => 1);
    is $rc, 0, 'docs/admin.md: a key for the secret' or diag $said;
}
{
    my ($proxied) = grep { /ProxyPass/ } blocks('docs/app.md', 'apache');
    my ($rc, $said) = $w->httpd->configtest(vhost => $proxied);
    is $rc, 0, 'docs/app.md: configtest takes the proxied app' or diag $said;
}
{
    my $config = slurp(top() . '/conf/smartlaunch.conf') =~ s/^LoadModule .*\n//mr;
    $config =~ s{/etc/smartlaunch/}{$dir/}g;
    my ($rc, $said) = $w->httpd->configtest(config => $config, no_redirect => 1);
    is $rc, 0, 'conf/smartlaunch.conf: configtest takes it' or diag $said;
}

# The PHP application. Its password check and its login page are left to the reader.
my ($php, $fhir) = blocks('docs/app.md', 'php');
$php =~ s/^<\?php\n//;
spit("$dir/htdocs/app/fhir.php", $fhir, 0644);
spit("$dir/htdocs/app/example.php", <<'PHP' . $php, 0644);
<?php
function password_is_right($user, $password) { return $user !== '' && $password === "$user-demo"; }
function show_login_page() { echo '<form method="post"><input name="user"><input name="password"></form>'; }
PHP

my $first = $w->launch;
like $first->{app}->content, qr/<form method="post">/, 'the first time the app asks who it is';
my $window = $first->{window};
$window->submit(fields => { user => 'alice', password => 'alice-demo' }, follow => 1);
like $window->response->content, qr/alice/, 'the module asks whether she is the EHR user, too';
$window->submit(button => [ answer => 'yes' ], follow => 1);
is $window->response->content, "User alice, patient $first->{patient}", 'then the app has user and patient';

my $second = $w->launch;
is $second->{app}->content, "User alice, patient $second->{patient}", 'the second time nobody logs in';

# FHIR through the gateway: from PHP to the last page, by curl, and for a user without a session.
my $launch = $w->launch;
my $session = session_of($launch->{window}->nav($w->url("/app/?smart_launch=$launch->{handle}")));
my $patient = $launch->{patient};
my @pages = $w->pages("/Observation?patient=$patient&category=laboratory", session => $session);
cmp_ok scalar(@pages), '>', 1, "the patient's laboratory has more than one page";
my @ids = map { $_->{resource}{id} } map { @{ json($_)->{entry} } } @pages;
my $read = $launch->{window}->nav($w->url("/app/fhir.php?smart_launch=$launch->{handle}"));
is_deeply [ split ' ', $read->content ], \@ids, 'docs/app.md: PHP reads them to the last page' or diag $read->as_string;

spit("$dir/smart-caller.header", 'Smart-Caller: ' . slurp("$dir/redcap.secret"), 0600);
my $gateway = $w->httpd->gateway_url . '/sandbox';
my ($by_session, $by_user, $by_itself) = blocks('docs/app.md', 'sh');
my ($short) = blocks('README.md', 'sh');
for ([ $by_session, 'Patient', 'docs/app.md: curl asks in a session' ],
    [ $by_user, 'Bundle', 'docs/app.md: curl asks for a user' ],
    [ $by_itself, 'Bundle', 'docs/app.md: curl asks without any user', $gateway =~ s/sandbox$/night/r ], [ $short, 'Bundle', 'README.md: curl' ]) {
    my ($command, $type, $name, $base) = @$_;
    local @ENV{qw(SMART_SESSION SMART_SESSION_BASE_URL SMART_PATIENT gateway patient)} =
        ($session, $gateway, $patient, $base // $gateway, $patient);
    my (undef, $said) = capture('sh', '-c', "cd '$dir'; " . $command =~ s/\bcurl\b/curl -sS/r);
    like $said, qr/^\{"resourceType":"$type"/, $name;
}

# SQL, as the database administrator it is meant for.
$w->accesses(@pages + 3);
for my $file (qw(docs/database.md docs/admin.md)) {
    my $text = slurp(top() . "/$file");
    my @statements = map { split /;[^\n]*\n/ } $text =~ /^```sql\n(.*?)^```$/msg;
    push @statements, $text =~ /psql smartlaunch -c (?:'([^']+)'|"([^"]+)")/g;
    @statements = grep { defined && /^(?:SELECT|DELETE)/ && !/\xe2\x80\xa6/ } map { $_ && s/^(?:--[^\n]*\n)+//r } @statements;
    ok @statements > 0, "$file has SQL";
    for my $sql (@statements) {
        my $dbh = $w->pg->dbh($sql =~ /smartlaunch\.purge|^DELETE/ ? () : 'dba');
        ok eval { $sql =~ /^DELETE/ ? $dbh->do($sql) : $dbh->selectall_arrayref($sql) }, "$file: $sql" =~ s/\s+/ /gr or diag $@;
    }
}

done();
