#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What the documents say of the Clinical Data Pull: configurations, commands and the CSV of
# docs/admin.md, and the notice, the link and the receiver of docs/app.md, as they are printed there.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::REDCap;
use SL::TLS;
use Text::ParseWords qw(shellwords);

sub section { my ($file) = @_; return (slurp(top() . "/$file") =~ /^## The Clinical Data Pull\n(.*?)(?=^## |\z)/ms)[0] // die "$file has no such section" }
sub blocks {
    my ($text, $language) = @_;
    my @all = $text =~ /^```(\w*)\n(.*?)^```$/msg;
    return map { $all[ 2 * $_ + 1 ] } grep { $all[ 2 * $_ ] eq $language } 0 .. $#all / 2;
}

my ($admin, $app) = map { section($_) } qw(docs/admin.md docs/app.md);
my $redcap = SL::REDCap->new;
my $values = 'what-signs-deliveries-0123456789abcdef';
my $w = world(start => 0, ehr => { search => 1 }, cdp => { name => 'heart', redcap => $redcap });
my ($httpd, $pg, $cdp) = ($w->httpd, $w->pg, $w->cdp);
my $dir = $httpd->dir;
my $event = 'event_1_arm_1';

# Configurations
spit("$dir/$_", "not-a-secret-of-32-bytes-or-more-0\n", 0600) for qw(epic.secret heart.token redcap.secret);
my ($least) = grep { /SmartPublicURL/ } slurp(top() . '/docs/admin.md') =~ /^```apache\n(.*?)^```$/msg;
my ($pages, $api) = blocks($admin, 'apache');
for ([ $pages, 'pages' ], [ "$pages$api", 'pages and API' ]) {
    my ($rc, $said) = $httpd->configtest(config => "$least$$_[0]" =~ s{/etc/smartlaunch/}{$dir/}gr, no_redirect => 1);
    is $rc, 0, "docs/admin.md: configtest takes $$_[1]" or diag $said;
}
{
    my $example = slurp(top() . '/conf/smartlaunch.conf') =~ s/.*^(?=#LoadModule smartlaunch_cdp)//msr =~ s/^ *# \S.*\n//mgr =~ s/^( *)#/$1/mgr
        =~ s/^LoadModule .*\n//mr =~ s/^ *SmartCDPDeliver http .*\n//mr;
    my ($rc, $said) = $httpd->configtest(config => "$least$example" =~ s{/etc/smartlaunch/}{$dir/}gr, no_redirect => 1);
    is $rc, 0, 'conf/smartlaunch.conf: configtest takes what is commented out there' or diag $said;
}

# The application: a study whose receiver, notice and link are those of docs/app.md
my ($notice, $receiver) = map { s/^<\?php\n//r } blocks($app, 'php');
my ($script, $link) = blocks($app, 'html');
mkdir "$dir/htdocs/values";
spit("$dir/$_->[0]", "$_->[1]\n", 0644) for [ 'values.secret' => $values ], [ 'caller.secret.php' => SL::CDP::caller_secret() ];
spit("$dir/own.secret", "$values\n", 0600);
my $stored = spit("$dir/htdocs/stored", '', 0666);
chmod 0666, $stored;
spit("$dir/htdocs/values/index.php", <<"PHP" . $receiver =~ s{/etc/study/}{$dir/}gr, 0644);
<?php
function is_locked(\$record) { return \$record === 'locked'; }
function has_value(\$said) { return \$said['record'] === 'typed'; }
function store_once(\$key, \$said) { if (!str_contains(file_get_contents('$stored'), \$key)) file_put_contents('$stored', json_encode(\$said) . "\\n", FILE_APPEND); }
PHP
spit("$dir/htdocs/app/notice.php", "<?php\n" . $notice =~ s{/etc/study/caller\.secret}{$dir/caller.secret.php}r
    =~ s{https://redcap\.hospital\.example}{https://127.0.0.1:$httpd->{port}}r . "echo new_items(\$_GET['record']);\n", 0644);
spit("$dir/htdocs/app/.user.ini", 'openssl.cafile = ' . SL::TLS::ca() . "\n", 0644);
$httpd->{cdp}{more} = <<"CONF";
<SmartCDPProject other>
    SmartCDPSource sandbox mrn-system=$SL::CDP::mrn_system
    SmartCDPDeliver http ${\ $w->url('/values/') } secret=file:$dir/own.secret ca=${\ SL::TLS::ca() }
</SmartCDPProject>
CONF
$httpd->start;

# Commands, in the order in which they are printed; the mapping is the CSV that is printed.
spit("$dir/heart.csv", join '', blocks($admin, 'csv'));
my $alice = $w->launch(login => 'alice');
for my $line (map { /^(?:sudo )?smartlaunchctl (cdp .*)/mg } map { "$_\n" } blocks($admin, '')) {
    my @args = map { $_ eq 'heart.csv' ? "$dir/heart.csv" : $_ } shellwords($line);
    my ($rc, $said) = $httpd->ctl(@args);
    is $rc, 0, "docs/admin.md: smartlaunchctl $line" or diag substr $said, 0, 500;
}
is $pg->value("SELECT string_agg(may, ' ' ORDER BY may) FROM smartlaunch.cdp_right WHERE project = 'heart' AND app_user = 'alice'"), 'adjudicate setup',
    '… alice has both rights';
is $pg->value("SELECT count(*) FROM smartlaunch.cdp_mapping WHERE project = 'heart' AND NOT is_identifier"), 6, '… and the CSV is the mapping';

# The way there, and what the notice says
my $window = $alice->{window};
my $record = '17';
$redcap->put($record, $event, visit_date => '2024-01-01');
my ($href) = $link =~ /href="([^"]+)"/;
$window->nav($w->url('/app/?smart_launch=' . $alice->{handle}));

sub count { return $window->nav($w->url("/app/notice.php?record=$record&smart_launch=$alice->{handle}"))->content }
is count(), '0', 'docs/app.md: PHP knows of nothing new';
my $r = $window->nav($w->url($href =~ s/#find$//r . "&smart_launch=$alice->{handle}"));
is $r->code, 200, 'docs/app.md: the link leads to the form' or diag $r->as_string;
like $r->content, qr/id="find"/, '… with the place it names';
like $r->content, qr/name="record"[^>]* value="17"/, '… and the record filled in';
$r = $window->submit(action => qr/find/, fields => { mrn => 'MRN-10021' });
like $r->content, qr/Is this the patient\?/, '… whose answer is the question';
$window->submit(action => qr/fetch/);
my $news = json($window->xhr(GET => $w->url("/cdp/heart/17/count?smart_launch=$alice->{handle}")))->{new};
cmp_ok $news, '>', 3, 'there is something new';
is count(), $news, 'docs/app.md: PHP says how many';
my $nobody = $w->launch(login => 'bob', user => 'dr-jones');
is $nobody->{window}->nav($w->url("/app/notice.php?record=$record&smart_launch=$nobody->{handle}"))->content, '0', '… and nothing to a user without a right';

# The script, with the answer that it would get
sub said_by_script {
    my ($status, $body) = @_;
    my ($path) = $script =~ m{href="([^"]+)"};
    my ($js) = $script =~ m{<script type="module">\n(.*?)</script>}s;
    spit("$dir/notice.mjs", <<"JS" . $js . 'console.log(JSON.stringify([asked, link.textContent, link.parentElement.hidden, form.hidden ?? true, form.elements.token.value ?? null]));');
let asked;
globalThis.document = { querySelector: (which) => (which === '#find' ? there : here) };
const there = { elements: { token: {} } };
const here = { pathname: '$path', parentElement: {} };
globalThis.fetch = async (url) => { asked = url; return new Response('$body', { status: $status }); };
JS
    my (undef, $said) = capture('node', "$dir/notice.mjs");
    return $said =~ s/\n//r;
}
is said_by_script(200, qq({"new": $news, "fetched_at": null, "state": "idle"})), qq(["/cdp/heart/17/count?form=find","$news new items from the EHR",false,true,null]), 'docs/app.md: the script says how many';
is said_by_script(200, '{"new": 1}'), '["/cdp/heart/17/count?form=find","1 new item from the EHR",false,true,null]', '… or one';
is said_by_script(200, '{"new": 0, "token": "t1"}'), '["/cdp/heart/17/count?form=find","0 new items from the EHR",true,false,"t1"]', '… hides itself where there is nothing';
is said_by_script(403, '{"error": "forbidden"}'), '["/cdp/heart/17/count?form=find","0 new items from the EHR",true,true,null]', '… or no right';
my ($action) = $script =~ m{<form[^>]* action="([^"]+)"};
$r = $window->post($w->url("$action?smart_launch=$alice->{handle}"), { record => '18', mrn => 'MRN-10021',
    token => json($window->xhr(GET => $w->url("/cdp/heart/18/count?form=find&smart_launch=$alice->{handle}")))->{token} });
like $r->content, qr/Is this the patient\?/, 'docs/app.md: the form with this token leads to the question' or diag $r->as_string;

# The receiver
$pg->dbh->do("INSERT INTO smartlaunch.cdp_right (project, app_user, may, granted_by) SELECT 'other', 'alice', may, 'test' FROM unnest(ARRAY['setup', 'adjudicate']) may");
my @alice = (session => $alice->{session}, project => 'other');
my $field = sub { return { source => $_[0], event => '', field => $_[1] } };
is $cdp->api(PUT => 'mapping', @alice, json => { version => 1, project => 'other', day_offset => { days => 7, direction => '+-' }, convert_gmt => JSON::PP::false,
    adjudication => 'manual', preview => [], identifier => $field->(id => 'mrn'), fields => [ $field->(birthDate => 'dob') ] })->code, 200, 'a mapping for it';
sub save {
    my ($name) = @_;
    $cdp->api(POST => "records/$name/fetch", @alice, json => { mrn => 'MRN-10021' });
    my $sheet = json($cdp->api(GET => "records/$name/items", @alice));
    return json($cdp->api(POST => "records/$name/adjudicate", @alice, json => { token => $sheet->{token}, choices => [ map { map { $_->{id} } @{ $_->{candidates} } } @{ $sheet->{targets} } ] }));
}
is save('17')->{delivered}, 1, 'docs/app.md: the receiver takes a value';
my ($said) = map { JSON::PP->new->utf8->decode($_) } split /\n/, slurp($stored);
is_deeply [ sort keys %$said ], [ sort qw(project record event values user key) ], '… with the members of the message that is printed';
is $said->{values}{dob}, '1984-11-06', '… and stores it';
is save('locked')->{refused}, 1, '… refuses for a record that is locked';
is json($cdp->api(GET => 'records/locked/items', @alice))->{targets}[0]{refusal}, 'This record is locked.', '… in words that reach the page';

# Nobody else's, and nothing twice
sub told {
    my ($body, $secret, $time) = @_;
    $time //= time;
    return request(POST => $w->url('/values/'), headers => [ 'Content-Type' => 'application/json',
        'X-Smart-Signature' => "t=$time,v1=" . Digest::SHA::hmac_sha256_hex("$time.$body", $secret // $values) ], body => $body)->code;
}
require Digest::SHA;
my $again = JSON::PP->new->utf8->encode($said);
is told($again), 204, 'the same again is taken';
is told($again, 'another secret of 32 bytes......'), 401, 'one that somebody else signed is not';
is told($again, undef, time - 301), 401, 'nor one of ten minutes ago';
is request(POST => $w->url('/values/'), body => $again)->code, 401, 'nor one that nobody signed';
is scalar(split /\n/, slurp($stored)), 1, '… and all of that is stored once';
$httpd->allow_log(qw(SL8516));
done();
