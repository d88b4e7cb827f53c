#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# SetHandler smart-status: what an administrator sees at a glance, and what is not in it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use JSON::PP ();

my $vhost = <<'CONF';
<Location /smart-status>
    SetHandler smart-status
    Require local
</Location>
CONF
my $w = world(pg => { own => 1 }, start => 0);
my $plain = $w->httpd->dir . '/htdocs/plain';
$w->httpd->{vhost} = "$vhost<Directory \"$plain\">\nAllowOverride FileInfo\n</Directory>";
spit("$plain/.htaccess", "SetHandler smart-status\n");
$w->httpd->start;
my $url = $w->url('/smart-status');

sub status { return json(request('GET', "$url?format=json")) }
sub metrics {
    my %value;
    for (split /\n/, request('GET', "$url?format=prometheus")->content) {
        $value{$1} = $2 if /^(smartlaunch_\S+) (-?\d+)$/;
    }
    return \%value;
}

# At the start
my $now = status();
is $now->{status}, 'ok', 'status: all is well';
is $now->{database}{up}, JSON::PP::true, 'PostgreSQL is up';
is $now->{database}{schema}, $w->pg->value('SELECT max(version) FROM smartlaunch.schema_version'), 'with the schema that is there';
like $now->{version}, qr/^\d+\.\d+\.\d+$/, 'the version';
is $now->{sealing_key}, 'k1', 'the key that seals, by name';
is_deeply [ map { $_->{name} } @{ $now->{ehrs} } ], ['sandbox'], 'every EHR';
is_deeply $now->{launches}, { live => 0, held => 0, linked => 0, pending => 0, unlinked => 0 }, 'no launches';

# Launches and their tokens
my $linked = $w->launch(login => 'alice');
ok $linked->{session}, 'a linked launch';
my $pending = $w->launch(user => 'dr-jones');
ok $pending->{handle}, 'a pending one';
my $patient = $linked->{patient};
is request('GET', $w->httpd->gateway_url . "/sandbox/Patient/$patient", headers => [ 'Smart-Session' => $linked->{session} ])->code,
    200, 'a gateway call';
wait_for('the numbers to be taken anew', sub { return status()->{launches}{live} == 2 });
$now = status();
is_deeply $now->{launches}, { live => 2, held => 0, linked => 1, pending => 1, unlinked => 0 }, 'launches by what they are';
is_deeply $now->{tokens}, { active => 2, expired => 0, relaunch => 0, revoked => 0 }, 'tokens by status';
is_deeply $now->{ehrs}[0]{launches}, $now->{launches}, 'the same at the EHR';
cmp_ok $now->{ehrs}[0]{requests}{answered}, '>=', 4, 'what the EHR answered is counted: discovery, keys, tokens, FHIR';
is $now->{ehrs}[0]{requests}{failed}, 0, 'nothing failed';
cmp_ok $now->{ehrs}[0]{places}, '>', 0, 'places at the EHR';
cmp_ok $now->{cache}{entries}, '>', 0, 'shared memory has entries';
wait_for('the audit', sub { return status()->{audit}{written} >= 1 });
wait_for('every child to tell', sub { return status()->{children} >= $w->httpd->children - 1 });
cmp_ok status()->{children}, '>=', 2, 'children that told';
is status()->{journal}{records}, 0, 'no journal records';

# As a page
my $page = $w->browser->window->type($url);
is $page->code, 200, 'the page';
like $page->content, qr/All is well/, 'says that all is well';
like $page->content, qr{<dt>PostgreSQL</dt><dd>up}, 'and that PostgreSQL is up';
unlike $page->content, qr/<script/i, 'without a script';
like $page->content, qr/width=device-width/, 'for narrow windows, too';
like $page->header('Content-Security-Policy'), qr/default-src 'none'.*frame-ancestors 'none'/, 'in no frame';
is $page->header('Cache-Control'), 'no-store', 'and in no cache';

# As metrics
my $response = request('GET', "$url?format=prometheus");
like $response->header('Content-Type'), qr{^text/plain; version=0\.0\.4}, 'metrics: their type';
my @bad = grep { !/^# (?:HELP|TYPE) smartlaunch_\w+ \S|^smartlaunch_\w+(?:\{(?:\w+="[^"\\]*",?)+\})? -?\d+$/ } split /\n/, $response->content;
is_deeply \@bad, [], 'every line is one';
my %type = $response->content =~ /^# TYPE (smartlaunch_\w+) (\w+)$/mg;
is_deeply [ grep { ($type{$_} eq 'counter') != /_total$/ } sort keys %type ], [], 'counters are named as counters';
my $metrics = metrics();
is $metrics->{'smartlaunch_database_up'}, 1, 'PostgreSQL is up';
is $metrics->{'smartlaunch_launches{ehr="sandbox",state="linked"}'}, 1, 'linked launches';
is $metrics->{'smartlaunch_launches{ehr="sandbox",state="pending"}'}, 1, 'pending launches';
is $metrics->{'smartlaunch_tokens{ehr="sandbox",status="active"}'}, 2, 'tokens';

# An EHR that fails
$w->ehr->faults(fhir => { status => 429, headers => { 'Retry-After' => 7 }, times => 2 });
for (1 .. 2) {
    request('GET', $w->httpd->gateway_url . "/sandbox/Patient/$patient", headers => [ 'Smart-Session' => $linked->{session} ]);
}
$now = wait_for('what was busy', sub { my $s = status(); return $s->{ehrs}[0]{requests}{busy} == 2 && $s });
is $now->{ehrs}[0]{requests}{recent_busy}, 2, 'a 429 is counted as busy';
is $now->{status}, 'degraded', 'and the whole needs a look';
$w->ehr->faults(fhir => { status => 500, times => 1 });
request('GET', $w->httpd->gateway_url . "/sandbox/Patient/$patient", headers => [ 'Smart-Session' => $linked->{session} ]);
$now = wait_for('what failed', sub { my $s = status(); return $s->{ehrs}[0]{requests}{failed} == 1 && $s });
is $now->{ehrs}[0]{requests}{recent_failed}, 1, 'a 500 as failed';
like $now->{ehrs}[0]{requests}{failed_at}, qr/^\d{4}-\d\d-\d\dT/, 'with its time';
like request('GET', $url)->content, qr{<strong>1 failed, 2 times busy}, 'the page says so';

# Nothing of persons, nothing secret
my $all = join "\n", map { request('GET', "$url$_")->content } '', '?format=json', '?format=prometheus';
for my $secret ([ patient => $patient ], [ 'session id' => $linked->{session} ], [ handle => $linked->{handle} ], [ user => 'alice' ],
    [ 'EHR user' => 'dr-jones' ], [ 'client secret' => SL::EHR::secret() ], [ database => $w->pg->conninfo =~ /password=(\w+)/ ],
    [ key => (split ' ', slurp($w->httpd->dir . '/keyring'))[1] ]) {
    is index($all, $secret->[1]), -1, "no $secret->[0]";
}

# How it may be asked
is request('POST', $url)->code, 405, 'POST is not for it';
is request('HEAD', $url)->code, 200, 'HEAD is';
is request('GET', "$url?format=xml")->code, 404, 'another format is not there';
is request('GET', "$url?format=json", headers => [ 'Accept-Language' => 'de' ])->code, 200, 'whatever else is asked';

is request('GET', $w->url('/plain/'))->code, 404, 'an .htaccess file makes no status page';

# Over a graceful restart
my $written = status()->{database}{statements};
$w->httpd->graceful;
ok status()->{since} ge $now->{since}, 'a restart is told';

# PostgreSQL goes away
$w->pg->stop;
my $began = time;
$now = wait_for('the outage', sub { my $s = status(); return !$s->{database}{up} && $s });
cmp_ok time - $began, '<', 20, 'PostgreSQL is away: the page is bounded in time';
is $now->{status}, 'degraded', '… and says so';
is $now->{launches}, undef, '… and makes up no numbers';
is $now->{database}{problem}, 'PostgreSQL cannot be asked', '… in plain words, without host or role';
ok $now->{cache}{entries}, '… and tells all the rest';
is metrics()->{'smartlaunch_database_up'}, 0, '… in metrics, too';
like request('GET', $url)->content, qr/not known while PostgreSQL is away/, '… and on the page';
$w->pg->start;
wait_for('PostgreSQL again', sub { return status()->{database}{up} });
ok 1, '… and is back';
$w->httpd->allow_log(qw(SL3001 SL3020));

# configtest
sub refused {
    my ($want, $name, $text) = @_;
    my ($rc, $said) = $w->httpd->configtest(vhost => $text);
    isnt $rc, 0, "configtest: $name";
    like $said, $want, '… and says why';
    return;
}
refused(qr/SetHandler smart-status in <Location \/s>: the whole world.*Require/, 'a status page without Require',
    "<Location /s>\nSetHandler smart-status\n</Location>");
refused(qr/the whole world/, 'one that lets everybody in', "<Location /s>\nSetHandler smart-status\nRequire all granted\n</Location>");
refused(qr/literal path/, 'one that is nowhere in particular', "<LocationMatch ^/s>\nSetHandler smart-status\nRequire local\n</LocationMatch>");
refused(qr/literal path/, 'one by directory', "<Directory /tmp>\nSetHandler smart-status\nRequire local\n</Directory>");
refused(qr/below \/smart/, 'one below the Redirect URL', "<Location /smart/status>\nSetHandler smart-status\nRequire local\n</Location>");
my ($rc, $said) = $w->httpd->configtest(vhost => "<Location /s>\nSetHandler smart-status\nAuthType Basic\nAuthName x\nAuthUserFile /dev/null\nRequire valid-user\n</Location>");
is $rc, 0, 'configtest: one behind a login is taken' or diag $said;

done();
