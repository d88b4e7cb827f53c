#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# `apachectl configtest` with the Clinical Data Pull: what cannot work is refused with one sentence that
# names the directive and says what to write instead; and what smartlaunchctl reads of it.
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use JSON::PP qw(decode_json);

my $w = world(start => 0, cdp => {});
my $httpd = $w->httpd;
my $dir = $httpd->dir;
spit("$dir/good.secret", "0123456789abcdef0123\n", 0600);
spit("$dir/open.secret", "0123456789abcdef0123\n", 0644);
my $smart = "AuthType Smart\nRequire valid-user";
my $caller = "SmartCaller app file:$dir/good.secret";

sub refused {
    my ($name, $cdp, $says, %other) = @_;
    my ($rc, $text) = $httpd->configtest(cdp => $cdp, %other);
    isnt $rc, 0, "refused: $name";
    like $text, $says, "… and says so: $name";
    my @ours = grep { /Smart|SL\d{4}/ && !/^AH00526/ } split /\n/, $text;
    is scalar @ours, 1, "… in one sentence: $name" or diag $text;
    return;
}

sub accepted {
    my ($name, $cdp, %other) = @_;
    my ($rc, $text) = $httpd->configtest(cdp => $cdp, %other);
    is $rc, 0, "accepted: $name";
    is $text, "Syntax OK\n", "… without a word: $name";
    return;
}

accepted('a whole configuration', {});
accepted('pages only', { api => undef });
accepted('the API only', { pages => undef });
accepted('REDCap', { deliver => "redcap https://redcap.example/api/ token=file:$dir/good.secret ca=${\ SL::TLS::ca() }" });
accepted('every directive', { project => join "\n", 'SmartCDPRefetch every=24h inactive=7d', 'SmartCDPAdjudication instant',
        'SmartCDPAccess http://127.0.0.1:9/access', 'SmartCDPKeep 90d' });
accepted('a source without mrn-system', { source => 'sandbox' });
accepted('pages under another login', { pages => "AuthType Basic\nAuthName x\nRequire valid-user" });
accepted('an API for everybody who proves himself', { api => "AuthType None\nRequire all granted\n$caller" });
accepted('an API whose callers log in', { api => "AuthType Basic\nAuthName x\nRequire user app\n$caller" });

# Projects
refused("a project called \"$_\"", { name => $_ }, qr/<SmartCDPProject .*write 1 to 64 letters/) for 'api', '.x', 'a/b', 'a?b', 'x' x 65;
refused('a project twice', { more => "<SmartCDPProject study>\n</SmartCDPProject>" }, qr/<SmartCDPProject study> is there twice/);
refused('a word behind the name', { options => 'apps=x' }, qr/"apps=x" is not understood; write <SmartCDPProject NAME> or/);
refused('a project in a virtual host', {}, qr/<SmartCDPProject is for the whole server; move it out/,
    vhost => "<SmartCDPProject two>\n</SmartCDPProject>");
refused('a project in a project', { project => "<SmartCDPProject two>\n</SmartCDPProject>" }, qr/cannot stand in another/);
refused('SmartCDPKeep outside', { more => 'SmartCDPKeep 1d' }, qr/SmartCDPKeep stands in <SmartCDPProject NAME>/);
refused('no location at all', { pages => undef, api => undef }, qr/<SmartCDPProject study>: there is no <Location> with SmartCDP/);
refused('two apps and a project of neither', { pages => "$smart\nSmartApp one", api => "AuthType None\nRequire local\nSmartApp two" },
    qr/<SmartCDPProject study>: .*several apps.*<SmartCDPProject study app=NAME>/);
accepted('two apps and a project of one', { options => 'app=one', pages => "$smart\nSmartApp one",
        api => "AuthType None\nRequire local\nSmartApp two" });

# Source, delivery
refused('an EHR that is not there', { source => 'nowhere' }, qr/SmartCDPSource in <SmartCDPProject study>: there is no <SmartEHR nowhere>/);
refused('an odd word behind the EHR', { source => 'sandbox system=x' }, qr/SmartCDPSource: "system=x" is not understood/);
my $bare = sub { my ($lines) = @_; return (name => 'first', more => "<SmartCDPProject other>\n$lines\n</SmartCDPProject>") };
refused('no source', { $bare->("SmartCDPDeliver http https://x.example secret=file:$dir/good.secret") },
    qr/<SmartCDPProject other> has no SmartCDPSource/);
refused('no delivery', { $bare->('SmartCDPSource sandbox') }, qr/<SmartCDPProject other> has no SmartCDPDeliver/);
refused('a protocol that is none', { deliver => "ftp https://x.example secret=file:$dir/good.secret" }, qr/SmartCDPDeliver: write SmartCDPDeliver redcap URL/);
refused('no secret', { deliver => "http https://x.example ca=${\ SL::TLS::ca() }" }, qr/write secret=file:PATH as well/);
refused('no token', { deliver => "redcap https://x.example ca=${\ SL::TLS::ca() }" }, qr/write token=file:PATH as well/);
refused('the secret itself', { deliver => 'http https://x.example secret=abc' }, qr/SmartCDPDeliver: .*does not belong here; write secret=file:PATH/);
refused('a secret for REDCap', { deliver => "redcap https://x.example secret=file:$dir/good.secret" }, qr/write token=file:PATH/);
refused('a secret that others may read', { deliver => "http https://x.example secret=file:$dir/open.secret" }, qr/SmartCDPDeliver: secret=: .*chmod 600/);
refused('a secret that is not there', { deliver => "http https://x.example secret=file:$dir/none" }, qr/SmartCDPDeliver: secret=: .*none/);
refused('a CA that is not there', { deliver => "http https://x.example ca=$dir/none secret=file:$dir/good.secret" }, qr/there is no file/);
refused("delivery to $_", { deliver => "http $_ secret=file:$dir/good.secret" }, qr/SmartCDPDeliver: .*write an https URL/)
    for 'http://app.example/x', 'app.example', 'https://u@app.example/';
refused("access at $_", { project => "SmartCDPAccess $_" }, qr/SmartCDPAccess: .*write an https URL/) for 'http://app.example/x', 'nothing';

# Times and words
accepted('refetch without a time', { project => 'SmartCDPRefetch' });
accepted('refetch without how long', { project => 'SmartCDPRefetch every=12h' });
refused('refetch all the time', { project => 'SmartCDPRefetch every=0' }, qr/SmartCDPRefetch: /);
refused('refetch for no time', { project => 'SmartCDPRefetch inactive=0' }, qr/SmartCDPRefetch: /);
refused('refetch with a word', { project => 'SmartCDPRefetch on' }, qr/write SmartCDPRefetch every=24h inactive=7d/);
refused('refetch with no time', { project => 'SmartCDPRefetch every=x inactive=7d' }, qr/SmartCDPRefetch: "x" is no time/);
refused('keep with no time', { project => 'SmartCDPKeep never' }, qr/SmartCDPKeep: "never" is no time/);
refused('another adjudication', { project => 'SmartCDPAdjudication auto' }, qr/SmartCDPAdjudication: "auto" is not understood; write manual or instant/);

# Pages
my $basic = "AuthType Basic\nAuthName x";
accepted('pages that ask for themselves', { pages => "AuthType Smart\nRequire all granted" });
refused('pages without Require', { pages => $basic, api => undef }, qr/SmartCDP on in <Location \/cdp>: nobody has to log in/);
refused('C1 pages for everybody', { pages => "$basic\nRequire all granted", api => undef }, qr/nobody has to log in at \/cdp/);
refused('pages for a network', { pages => "$basic\nRequire local", api => undef }, qr/nobody has to log in at \/cdp/);
refused('pages without AuthType', { pages => 'Require valid-user', api => undef }, qr/nobody has to log in at \/cdp/);
refused('a hole in the pages', { pages => "$basic\nRequire valid-user", api => undef }, qr/nobody has to log in at \/cdp\/study/,
    vhost => "<Location /cdp/study>\nRequire all granted\n</Location>");
refused('a word that is none', {}, qr/SmartCDP: "off" is not understood; write on/, vhost => "<Location /x>\nSmartCDP off\n</Location>");
for my $section ([ '<LocationMatch "^/x">', '</LocationMatch>' ], [ '<Location /x*>', '</Location>' ], [ '<Location />', '</Location>' ],
    [ '<Location /x/>', '</Location>' ], [ "<Directory $dir>", '</Directory>' ])
{
    refused("SmartCDP in $section->[0]", {}, qr/SmartCDP needs a <Location> with a literal path/,
        vhost => "$section->[0]\nSmartCDP on\n$smart\n$section->[1]");
}
refused('both in one place', {}, qr/<Location \/cdp> has SmartCDP on and SmartCDP api/,
    vhost => "<Location /cdp>\nSmartCDP api\nRequire local\n</Location>");
refused('pages below a Redirect URL', {}, qr/<Location \/smart\/cdp> has SmartCDP and <Location \/smart> is a Redirect URL/,
    vhost => "<Location /smart/cdp>\nSmartCDP on\n$smart\n</Location>");
refused('pages below a gateway', {}, qr/<Location \/fhir\/cdp> has SmartCDP and <Location \/fhir> is a gateway/,
    vhost => "<Location /fhir>\nSmartGateway on\nRequire local\n</Location>\n"
        . "<Location /fhir/cdp>\nSmartCDP on\nAuthType Basic\nAuthName x\nRequire valid-user\n</Location>");

# The API
refused('an API that is for people', { api => 'Require valid-user' }, qr/SmartCDP api in <Location \/cdp\/api>: AuthType Smart holds/);
refused('an API without a Require of its own', { api => 'AuthType None' }, qr/SmartCDP api in <Location \/cdp\/api> has no Require of its own/);
refused('an API under the pages\' login', { pages => "AuthType Basic\nAuthName x\nRequire valid-user", api => '' }, qr/has no Require of its own/);
refused('an API nobody can log in to', { api => "AuthType None\nRequire valid-user" }, qr/no AuthType says how callers log in/);
refused('an API for everybody', { api => "AuthType None\nRequire all granted" }, qr/Require lets everybody call it; write Require local, or SmartCaller/);

# What the core refuses
refused('no key ring', {}, qr/SmartKeyring is missing/, config => "SmartDatabase host=x\n<SmartEHR one>\nSmartIssuer https://e.example\nSmartClient c\n</SmartEHR>",
    no_redirect => 1, gateway => undef);
my $project = SL::CDP::server_config($httpd);
refused('a location and no project', {}, qr/there is a <Location> with SmartCDP and no project/,
    config => join('', $httpd->_ours), vhost => SL::CDP::vhost_config($httpd));
refused('no SmartPublicURL', {}, qr/<Location \/cdp> has SmartCDP on and no SmartPublicURL/, no_redirect => 1, gateway => undef,
    config => $httpd->_ours =~ s/^SmartPublicURL.*\n//mr =~ s/^SmartGatewayURL.*\n//mr . $project, vhost => SL::CDP::vhost_config($httpd));

# What smartlaunchctl reads
my ($rc, $text) = $httpd->configtest(options => [qw(-D DUMP_SMARTLAUNCH)], cdp => { project => "SmartCDPRefetch every=24h inactive=7d\nSmartCDPKeep 90d" });
is $rc, 0, 'the dump';
my $cdp = decode_json($text =~ /(\{.*\})/s ? $1 : '{}')->{more}{cdp};
is_deeply $cdp->{projects}, [ { name => 'study', app => 'app', ehr => 'sandbox', mrn_system => $SL::CDP::mrn_system,
    deliver => { protocol => 'http', url => "http://127.0.0.1:$httpd->{echo}{port}/cdp-deliver", secret => "file:$dir/deliver.secret", ca => undef },
    refetch_every => 86400, refetch_inactive => 7 * 86400, adjudication => 'manual', access => undef, keep => 90 * 86400 } ], 'tells the projects';
is_deeply [ map { "$_->{path} $_->{side} $_->{app}" } @{ $cdp->{places} } ], [ '/cdp on app', '/cdp/api api app' ], 'and the locations';
for my $case ([ '', 0, 0, 'off' ], [ 'SmartCDPRefetch', 86400, 7 * 86400, '24h and 7d' ], [ 'SmartCDPRefetch inactive=1d', 86400, 86400, '24h' ]) {
    my ($line, @want) = @$case;
    my (undef, $dump) = $httpd->configtest(options => [qw(-D DUMP_SMARTLAUNCH)], cdp => { project => $line });
    my ($project) = @{ decode_json($dump =~ /(\{.*\})/s ? $1 : '{}')->{more}{cdp}{projects} };
    is_deeply [ @$project{qw(refetch_every refetch_inactive)} ], [ @want[ 0, 1 ] ], "refetch is $want[2] where nothing else is said: $line";
    is_deeply [ @$project{qw(adjudication access keep)} ], [ 'manual', undef, 0 ], '… a person decides, nobody is asked, values stay for ever';
}
unlike $text, qr/\Q${\ SL::CDP::signing_secret() }\E|\Q${\ SL::CDP::caller_secret() }\E/, 'and no secret';
($rc, $text) = $httpd->configtest(options => [qw(-D DUMP_SMARTLAUNCH)], cdp => undef);
ok !exists decode_json($text =~ /(\{.*\})/s ? $1 : '{}')->{more}, 'without the second module the dump is as before';
is +($httpd->ctl('schema', 'status'))[0], 0, 'smartlaunchctl reads a configuration with projects';

done();
