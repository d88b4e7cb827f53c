#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# `apachectl configtest`: what cannot work is refused with one sentence that names the directive and
# says what to write instead; what can work prints nothing of ours.
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use JSON::PP qw(decode_json);

my $w = world(start => 0);
my $httpd = $w->httpd;
my $dir = $httpd->dir;
my $issuer = $w->ehr->issuer;

sub file_of { my ($name, $text, $mode) = @_; return spit("$dir/$name", $text, $mode) }
my $key = 'k1 ' . 'A' x 43 . "=\n";
file_of('open.keyring', $key, 0644);
file_of('group.keyring', $key, 0640);
file_of('empty.keyring', '', 0600);
file_of('twice.keyring', $key x 2, 0600);
file_of('short.keyring', "k1 QUFB\n", 0600);
file_of('open.secret', "s\n", 0644);
file_of('empty.secret', "", 0600);
file_of('good.secret', "good\n", 0600);
file_of('helper', "#!/bin/sh\necho s; touch $dir/ran\n", 0755);
file_of('loose-helper', "#!/bin/sh\necho s\n", 0777);
chmod 0777, "$dir/loose-helper";
my $ca = SL::TLS::ca();

# A whole configuration of ours at server level; members replace lines by name, '' removes them.
sub ours {
    my (%line) = @_;
    my %all = (
        database => qq{SmartDatabase "host=/nowhere dbname=x"}, keyring => "SmartKeyring $dir/keyring",
        public => 'SmartPublicURL https://app.example', issuer => "SmartIssuer $issuer",
        client => 'SmartClient c1', secret => "SmartClientSecret file:$dir/good.secret",
        scope => 'SmartScope "launch openid fhirUser patient/*.rs"', ehr => '', extra => '', %line);
    return join "\n", @all{qw(database keyring public)}, '<SmartEHR one>',
        @all{qw(issuer client secret scope ehr)}, '</SmartEHR>', $all{extra}, '';
}

sub refused {
    my ($name, $config, $says, %other) = @_;
    my ($rc, $text) = $httpd->configtest(config => $config, %other);
    isnt $rc, 0, "refused: $name";
    like $text, $says, "… and says so: $name";
    my @ours = grep { /Smart|SL\d{4}/ && !/^AH00526/ } split /\n/, $text;
    is scalar @ours, 1, "… in one sentence: $name" or diag $text;
    return;
}

sub accepted {
    my ($name, $config, %other) = @_;
    my ($rc, $text) = $httpd->configtest(config => $config, %other);
    is $rc, 0, "accepted: $name";
    is $text, "Syntax OK\n", "… without a word: $name";
    return;
}

accepted('a whole configuration', ours());
accepted('nothing of ours at all', '', no_redirect => 1);

# Key ring, database
refused('no key ring', ours(keyring => ''), qr/SmartKeyring is missing.*write SmartKeyring/);
refused('a key ring that is not there', ours(keyring => "SmartKeyring $dir/none"), qr/SmartKeyring: .*none does not exist/);
refused('REG-4 a world-readable key ring', ours(keyring => "SmartKeyring $dir/open.keyring"), qr/SmartKeyring: .*chmod 600/);
refused('REG-4 a group-readable key ring', ours(keyring => "SmartKeyring $dir/group.keyring"), qr/SmartKeyring: .*chmod 600/);
refused('an empty key ring', ours(keyring => "SmartKeyring $dir/empty.keyring"), qr/SmartKeyring: .*empty/);
refused('a key ring with an id twice', ours(keyring => "SmartKeyring $dir/twice.keyring"), qr/SmartKeyring: .*before/);
refused('a key that is too short', ours(keyring => "SmartKeyring $dir/short.keyring"), qr/SmartKeyring: .*32 random bytes/);
refused('no database', ours(database => ''), qr/SmartDatabase is missing/);
refused('a connection string that is none', ours(database => 'SmartDatabase "host="x'), qr/SmartDatabase/);
refused('a connection string without quotes', ours(database => 'SmartDatabase host=a dbname=b'), qr/SmartDatabase: .*in quotes/);

# The public URL
refused('no SmartPublicURL beside SmartTarget', ours(public => ''), qr{<Location /smart> has SmartTarget and no SmartPublicURL});
refused("SmartPublicURL $_", ours(public => "SmartPublicURL $_"), qr/SmartPublicURL: /)
    for qw(http://app.example https://app.example/x app.example https://u@app.example https://app.example?x), 'ftp://a';
accepted('SmartPublicURL with a port', ours(public => 'SmartPublicURL https://app.example:8443'));

# The EHR
refused("issuer $_", ours(issuer => "SmartIssuer $_"), qr/SmartIssuer in <SmartEHR one>: .*https/)
    for 'http://ehr.example/fhir', 'https://u@ehr.example/', 'https://ehr.example/?a',
    'https://ehr.example/#f', 'ehr.example', 'http://127.0.0.1/fhir';
accepted('an http issuer on loopback, when asked for',
    ours(issuer => 'SmartIssuer http://127.0.0.1:8080/fhir', ehr => 'SmartOutbound insecure-loopback'));
refused('LCH-2 the same issuer twice, in another spelling', ours(issuer => 'SmartIssuer https://ehr.example/fhir',
    extra => "<SmartEHR two>\nSmartIssuer https://EHR.example:443/fhir/\nSmartClient c\nSmartClientAuth none\n"
        . "SmartScope launch\n</SmartEHR>"), qr/<SmartEHR one> and <SmartEHR two> have the same SmartIssuer/);
refused('a name twice', ours(extra => "<SmartEHR one>\n</SmartEHR>"), qr/<SmartEHR one> stands here twice/);
refused("the name $_", "<SmartEHR $_>\n</SmartEHR>", qr/<SmartEHR/) for 'Upper', 'a' x 33, 'a_b';
refused('no issuer', ours(issuer => ''), qr/<SmartEHR one> has no SmartIssuer/);
refused('no client', ours(client => ''), qr/<SmartEHR one> has no SmartClient/);
refused('AZR-5 no scope', ours(scope => ''), qr/<SmartEHR one> has no SmartScope/);
refused('an unknown profile', ours(ehr => 'SmartProfile epci'), qr/SmartProfile in <SmartEHR one>: "epci" is unknown; write one of generic epic/);
accepted("the profile $_", ours(ehr => "SmartProfile $_"))
    for qw(generic epic oracle athena athena-practice ecw nextgen meditech openemr smarthealthit);
for my $case (
    [ '', qr/"" is unknown; write one of generic epic/ ],
    [ 'epic bare-token', qr/"bare-token": write bare-token=on or bare-token=off/ ],
    [ 'epic bare-token=yes', qr/write bare-token=on or/ ],
    [ 'epic bare=on', qr/"bare=on" is no switch; write NAME=on or NAME=off with one of: bare-token patient-reference/ ],
    [ 'epic aud=none', qr/"aud=none" is no switch/ ],
) {
    my ($words, $wrong) = @$case;
    refused("SmartProfile $words", ours(ehr => "SmartProfile $words"), qr/SmartProfile in <SmartEHR one>: .*$wrong|$wrong/);
}
refused('SmartRenew without a word', ours(ehr => 'SmartRenew'), qr/SmartRenew in <SmartEHR one> says nothing; write ahead=60s/);
refused("SmartRenew $_", ours(ehr => "SmartRenew $_"), qr/SmartRenew/) for 'every=', 'every=0s', 'life=off', 'ahead=60s 5', 'ahead=off';

# How we authenticate
refused('REG-5 no way to authenticate', ours(secret => ''), qr/does not say how we authenticate; write SmartClientSecret/);
refused('a public client with a secret', ours(ehr => 'SmartClientAuth none'), qr/public client .* remove one/);
refused('basic without a secret', ours(secret => 'SmartClientAuth basic'), qr/has none; write SmartClientSecret/);
refused('SEC-2 another way to authenticate', ours(ehr => 'SmartClientAuth digest'), qr/SmartClientAuth in <SmartEHR one>: write basic/);
refused('REG-4 the secret itself', ours(secret => 'SmartClientSecret hunter2'), qr/the secret itself does not belong here/);
refused('REG-4 a world-readable secret', ours(secret => "SmartClientSecret file:$dir/open.secret"), qr/SmartClientSecret in <SmartEHR one>: .*chmod 600/);
refused('an empty secret', ours(secret => "SmartClientSecret file:$dir/empty.secret"), qr/SmartClientSecret in <SmartEHR one>: .*empty/);
refused('a secret that is not there', ours(secret => "SmartClientSecret file:$dir/none"), qr/does not exist/);
refused('exec: a relative path', ours(secret => 'SmartClientSecret exec:bin/x'), qr/write file:PATH or exec:/);
refused('exec: a program that others may change', ours(secret => "SmartClientSecret exec:$dir/loose-helper"), qr/root owns and nobody else may change/);
refused('TKR-S3 a colon in a raw client id', ours(client => 'SmartClient a:b'), qr/<SmartEHR one>/);
if (!$>) {
    accepted('exec: a program of root', ours(secret => "SmartClientSecret exec:$dir/helper"));
    ok !-e "$dir/ran", '… which configtest does not run';
}
accepted('form-encoded basic', ours(ehr => 'SmartClientAuth basic form'));
accepted('post', ours(ehr => 'SmartClientAuth post'));

# Scopes
refused("SCP-1 scope $_", ours(scope => qq{SmartScope "launch $_"}), qr/SmartScope in <SmartEHR one>: /)
    for qw(patient/Observation.dus patient/Observation.rd patient/Observation. patient/.rs patient/*.x
    doctor/*.rs patient/observation.rs patient/Observation.rs? patient/Observation.rsr);
refused("SCP-3 scope $_", ours(scope => qq{SmartScope "$_"}), qr/SmartScope in <SmartEHR one>: /)
    for qw(launch/Patient launch/patient?role=a&role=b launch/);
accepted("SCP-1 SCP-2 SCP-4 scope $_", ours(scope => qq{SmartScope "launch $_"}))
    for qw(patient/*.rs user/Observation.cruds patient/Observation.rs?category=laboratory patient/*.read
    user/*.* openid fhirUser offline_access launch/patient launch/encounter https://ehr.example/scope __x);

# Endpoints, identity, switches, embedding, outgoing
refused('one of authorize and token', ours(ehr => 'SmartEndpoint token https://ehr.example/t'), qr/write SmartEndpoint for both/);
refused('an endpoint that is none', ours(ehr => 'SmartEndpoint tokne https://x'), qr/"tokne" is no endpoint; write issuer/);
refused('an http endpoint', ours(ehr => "SmartEndpoint token http://ehr.example/t\nSmartEndpoint authorize https://ehr.example/a"), qr/SmartEndpoint token in <SmartEHR one>/);
refused('SmartIdentity of a request parameter', ours(ehr => 'SmartIdentity query:user'), qr/SmartIdentity in <SmartEHR one>/);
refused('SmartAud of nonsense', ours(ehr => 'SmartAud maybe'), qr/SmartAud in <SmartEHR one>: write iss/);
refused('SmartPKCE plain', ours(ehr => 'SmartPKCE plain'), qr/SmartPKCE in <SmartEHR one>: write always or off/);
refused("SmartEmbed $_", ours(ehr => "SmartEmbed $_"), qr/SmartEmbed in <SmartEHR one>: /) for qw(https://ehr.example/x ehr.example);
refused('SmartOutbound of nonsense', ours(ehr => 'SmartOutbound retries=3'), qr/SmartOutbound in <SmartEHR one>: "retries=3"/);
refused('SmartOutbound ca= of no file', ours(ehr => "SmartOutbound ca=$dir/none"), qr/SmartOutbound in <SmartEHR one>: there is no file/);
accepted('SmartOutbound', ours(ehr => "SmartOutbound ca=$ca connect=500ms timeout=2s max=3"));

# The wrong place
refused('SmartIssuer outside', ours(extra => 'SmartIssuer https://x.example'), qr/SmartIssuer belongs inside <SmartEHR NAME>/);
refused('SmartDatabase in a virtual host', ours(), qr/SmartDatabase is for the whole server; move it out/, vhost => 'SmartDatabase "x"');
refused('<SmartEHR> in a virtual host', ours(), qr/is for the whole server; move it out/, vhost => "<SmartEHR three>\n</SmartEHR>");
refused("SmartTarget in $_->[0]", ours(), qr/SmartTarget makes a Redirect URL of a <Location>/, vhost => "<$_->[0]>\nSmartTarget /x\n</$_->[1]>")
    for [ 'LocationMatch ^/x', 'LocationMatch' ], [ 'Location ~ /x', 'Location' ], [ "Directory $dir/htdocs", 'Directory' ], [ 'Location /x*', 'Location' ];
refused("SmartTarget in <Location $_>", ours(), qr/SmartTarget in <Location/, vhost => "<Location $_>\nSmartTarget /x\n</Location>") for '/', '/x/', '/a,b';
refused("AZR-13 SmartTarget $_", ours(), qr/SmartTarget: .*no path on this site/, redirect => "SmartTarget $_")
    for qw(//evil.example https://evil.example /\\\\evil x);
refused('SmartServe of an EHR that is not there', ours(), qr{SmartServe in <Location /smart>: there is no <SmartEHR nine>}, redirect => 'SmartServe nine');
refused('SmartLink of nonsense', ours(), qr/SmartLink: "auto" is no way of linking; write app/, redirect => 'SmartLink auto');
refused('SmartLink with a pattern that is none', ours(), qr/SmartLink same-name: .* is no regular expression/, redirect => 'SmartLink same-name "("');
refused('SmartLink app with a pattern', ours(), qr/pattern goes with same-name only/, redirect => 'SmartLink app "x"');
refused('no EHR at all', qq{SmartDatabase "host=/x"\nSmartKeyring $dir/keyring\nSmartPublicURL https://app.example\n}, qr/there is no EHR to launch from/);

# Cookies, sessions, headers, sizes
refused("SmartCookie $_", ours(extra => "SmartCookie $_"), qr/SmartCookie: /) for 'smart', '__Secure-smart', '__Host-', '__Host-a;b', '__Host-smart framed';
accepted('SmartCookie toplevel', ours(extra => 'SmartCookie __Host-x toplevel'));
refused("SmartSession $_", ours(extra => "SmartSession $_"), qr/SmartSession: /) for 'idle=soon', 'idle=0', '30m', 'idle=2h max=1h';
refused("SmartCache $_", ours(extra => "SmartCache $_"), qr/SmartCache: /) for 'big', '100', '32X';
refused("SmartUserHeader $_", ours(), qr/SmartUserHeader: /, app => "SmartUserHeader $_") for 'Host', 'X_User', '"X User"', 'Smart-User';
refused("Require $_->[0]", ours(), $_->[1], app => "Require $_->[0]") for [ 'smart-ehr', qr/Require smart-ehr .*write the names of EHRs behind it/ ],
    [ 'smart-scope', qr/Require smart-scope .*write scopes behind it/ ], [ 'smart-scope openid patient/Observation.xyz', qr/Require smart-scope .*must end in some of c, r, u, d, s/ ],
    [ 'smart-launch one', qr/Require smart-launch .*"one"/ ], [ 'smart-patient p1', qr/Require smart-patient .*"p1"/ ];
accepted("Require $_", ours(), app => "Require $_")
    for 'smart-ehr one two', 'smart-scope openid patient/*.rs', 'smart-launch', 'smart-patient';

# A launch has to be able to begin, and to end elsewhere.
my $whole = "<Location />\nAuthType Smart\n%s\n</Location>";
refused("the Redirect URL under AuthType Smart with $_", ours(), qr{<Location /smart> .* lies under AuthType Smart, .*write AuthType None},
    vhost => sprintf $whole, $_) for 'Require smart-launch', 'Require valid-user', "<RequireAll>\nRequire local\nRequire smart-patient\n</RequireAll>";
accepted("the Redirect URL under AuthType Smart with $_", ours(), vhost => sprintf $whole, $_)
    for 'Require all granted', 'Require local', "<RequireAny>\nRequire local\nRequire smart-launch\n</RequireAny>";
accepted('and with a Require of its own', ours(extra => sprintf $whole, 'Require smart-launch'), redirect => "AuthType None\nRequire all granted");
refused("SmartTarget $_, which is the Redirect URL", ours(), qr/is a Redirect URL itself; write a page of the app/, target => $_) for '/smart', '/smart/session?x=1';
accepted('SmartTarget /smarter', ours(), target => '/smarter');
# Nothing but AuthType Smart tells which launch it is.
refused("Require $_ without AuthType Smart", ours(), qr{Require smart-\w+ in <Location /elsewhere>: .*write AuthType Smart beside it},
    vhost => "<Location /elsewhere>\n<RequireAny>\nRequire $_\n</RequireAny>\n</Location>") for 'smart-launch', 'smart-scope openid', 'smart-ehr one', 'smart-patient';
accepted("Require smart-launch with AuthType Smart $_->[0]", ours(), vhost => $_->[1]) for
    [ 'above it', "<Location /a>\nAuthType Smart\nRequire all granted\n</Location>\n<Location /a/b>\nRequire smart-launch\n</Location>" ],
    [ 'in a <Directory>', "<Directory /tmp>\nAuthType Smart\n</Directory>\n<Location /c>\nRequire smart-launch\n</Location>" ],
    [ 'by a pattern', "<LocationMatch ^/d>\nAuthType Smart\n</LocationMatch>\n<Location /d>\nRequire smart-launch\n</Location>" ];

refused('SmartPassAs of nonsense', ours(), qr/SmartPassAs: /, app => 'SmartPassAs body');
refused('SmartAppCookies of no name', ours(), qr/SmartAppCookies: /, app => 'SmartAppCookies "a b"');
refused('SmartApp of no name', ours(), qr/SmartApp: /, app => 'SmartApp "a/b"');

# What other modules would undo
refused('a cache over the app', ours(), qr/CacheEnable over .*AuthType Smart/, vhost => 'CacheEnable disk /', modules => ['cache', 'cache_disk']);
refused('merged trailers', ours(extra => 'MergeTrailers On'), qr/MergeTrailers On lets a client .* write MergeTrailers Off/);

# The order of lines is free.
my $reversed = ours();
my ($section) = $reversed =~ m{(<SmartEHR one>.*</SmartEHR>)}s;
$reversed =~ s/\Q$section\E//;
accepted('the EHR first, then the rest', "$section\n$reversed");

my ($rc, $dump) = $httpd->configtest(config => ours(), options => [ '-D', 'DUMP_SMARTLAUNCH' ]);
is $rc, 0, 'the resolved configuration can be printed';
my ($text) = $dump =~ /^(\{.*\})$/m;
my $said = decode_json($text // '{}');
is $said->{ehrs}[0]{issuer}, $issuer, '… as JSON';
unlike $dump, qr/good\b(?!\.secret)/, '… without the secret';

# What came of a profile and what overrides it
sub said_of {
    my (@lines) = @_;
    my (undef, $printed) = $httpd->configtest(config => ours(ehr => join "\n", @lines), options => [ '-D', 'DUMP_SMARTLAUNCH' ]);
    my ($json) = $printed =~ /^(\{.*\})$/m;
    my $one = decode_json($json // '{}')->{ehrs}[0];
    my %on = map { $_ => 1 } grep { $one->{switches}{$_} } keys %{ $one->{switches} };
    return join ' ', $one->{aud}, @{ $one->{identity} }, @{$one}{qw(renew_ahead renew_every token_life)}, sort keys %on;
}
my @switches = qw(bare-token client-id-in-body error-by-500 form-post openid-issuer patient-in-id-token patient-reference root-discovery);
for my $case (
    [ 'iss id_token:sub 60 0 300', '' ],
    [ 'iss id_token:sub 60 60 300 bare-token patient-reference', 'SmartProfile oracle' ],
    [ 'iss id_token:sub 60 0 300 bare-token openid-issuer patient-reference', 'SmartProfile epic' ],
    [ 'strip-slash id_token:sub 60 0 300 bare-token error-by-500 patient-reference', 'SmartProfile ecw' ],
    [ 'none id_token:sub 60 0 300 bare-token patient-reference', 'SmartProfile nextgen' ],
    [ 'iss fhirUser id_token:sub 60 0 300 bare-token patient-reference', 'SmartProfile smarthealthit' ],
    [ 'iss id_token:sub 60 0 300 bare-token form-post patient-reference', 'SmartProfile athena-practice' ],
    [ 'iss id_token:name 120 90 3600 patient-in-id-token', 'SmartProfile ecw bare-token=off error-by-500=off patient-reference=off patient-in-id-token=on',
        'SmartAud iss', 'SmartIdentity id_token:name', 'SmartRenew ahead=2m every=90s life=1h' ],
    [ 'iss id_token:sub 60 0 300 bare-token patient-reference', 'SmartProfile oracle', 'SmartRenew every=off' ],
    [ "iss id_token:sub 60 0 300 @switches", join ' ', 'SmartProfile generic', map { "$_=on" } @switches ],
    [ 'iss id_token:sub 60 60 300', 'SmartRenew every=60s', 'SmartProfile generic' ],
) {
    my ($expect, @lines) = @$case;
    is said_of(@lines), $expect, 'DUMP_SMARTLAUNCH: ' . ($lines[0] eq '' ? 'no profile' : join '; ', @lines);
}

done();
