#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What a thief of backups and logs gets: no token, code, verifier, state, secret, cookie, handle or
# session id. Searched for are the very values that went over the wire, in every usual spelling.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use Digest::SHA qw(sha256_hex);
use MIME::Base64 qw(encode_base64 encode_base64url);
use URI::Escape qw(uri_escape);

my $w = world(log_level => 'warn smartlaunch:trace8');
my @patients = @{ $w->ehr->patients }[ 0 .. 2 ];

# The spellings of a value: as it is, percent-encoded, hexadecimal, base64 (wherever it begins in a
# group of three), and each of those in hexadecimal once more, as a bytea column is dumped.
sub spellings {
    my ($value) = @_;
    utf8::encode($value) if utf8::is_utf8($value);
    my %as = ('as it is' => $value, 'percent-encoded' => uri_escape($value), 'backwards' => scalar reverse $value);
    for my $skip (0 .. 2) {
        my $base64 = encode_base64('x' x $skip . $value, '');
        my $core = substr $base64, $skip ? 4 : 0;
        $core =~ s/=+\z//;
        $core = substr $core, 0, -1;
        $as{"base64 at $skip"} = $core;
        $as{"base64url at $skip"} = $core =~ tr{+/}{-_}r;
    }
    $as{"$_ in hexadecimal"} = unpack 'H*', $as{$_} for keys %as;
    $as{'HEXADECIMAL'} = uc unpack 'H*', $value;
    my ($raw) = eval { MIME::Base64::decode_base64url($value) };
    $as{'decoded, in hexadecimal'} = unpack 'H*', $raw if defined $raw && length $raw >= 16;
    return %as;
}

# Where $value stands in $text: the spellings, or nothing.
sub found {
    my ($text, $value) = @_;
    my %as = spellings($value);
    return grep { index($text, $as{$_}) >= 0 || /hexadecimal/i && index(lc $text, lc $as{$_}) >= 0 } sort keys %as;
}

# The search finds what is there.
my $known = 'T0ken-with_some.characters~1';
for my $case ([ 'as it is', $known ], [ 'hexadecimal', unpack 'H*', $known ], [ 'base64', encode_base64("{\"a\":\"$known\"}", '') ],
    [ 'base64url', encode_base64url("ab$known") ], [ 'bytea of base64', unpack 'H*', encode_base64("a$known", '') ],
    [ 'percent-encoded', uri_escape("=$known&") ]) {
    ok scalar(found("x, '$case->[1]', y", $known)), "the search finds a value: $case->[0]";
}
is_deeply [ found('nothing of the kind', $known) ], [], '… and nothing where nothing is';

# Everything that must stay secret, by what it is.
my (%secret, @windows);

sub keep { my ($what, @values) = @_; push @{ $secret{$what} }, grep { defined && length >= 12 } @values; return }

sub collect {
    my ($l) = @_;
    push @windows, $l->{window};
    keep('launch code', $l->{launch});
    keep('handle', $l->{handle});
    return $l;
}

my $n = 0;
sub tokens {
    $n++;
    my %token = (access_token => "AT-$n-" . sha256_hex("access $n $$"), refresh_token => "RT-$n-" . sha256_hex("refresh $n $$"));
    keep($_, $token{$_}) for keys %token;
    return (extra => \%token);
}

my $alice = collect($w->launch(patient => $patients[0], login => 'alice', tokens()));
is json($alice->{app})->{headers}{'smart-user'}, 'alice', 'a linked launch';
my $linked = collect($w->launch(patient => $patients[1], tokens()));
is json($linked->{app})->{headers}{'smart-patient'}, $patients[1], 'another of the same user';
my $pending = collect($w->launch(user => 'dr-jones', patient => $patients[2], tokens()));
is json($pending->{app})->{headers}{'smart-link'}, 'pending', 'one that is not linked';
my $asked = collect($w->launch(user => 'nurse-lee', tokens()));
$w->login($asked, 'lee', stop => 1);
is $asked->{login}->code, 200, 'one whose link waits for the confirmation';
my $held = collect($w->launch(user => 'dr-jones', patient => $patients[2], window => $alice->{window}, tokens()));
my $begun = collect($w->launch(stop => 'start'));
is $begun->{start}->code, 302, 'one that has begun';
my $half = collect($w->launch(stop => 'authorize'));
my $refused = collect($w->launch(refuse => 1));
is $refused->{callback}->code, 403, 'one that was refused';
$w->ehr->faults(token => { status => 400, body => '{"error":"invalid_grant"}', times => 1 });
my $failed = collect($w->launch(stop => 'callback'));
is $failed->{callback}->code, 502, 'one that failed';
my $out = collect($w->launch(patient => $patients[0], tokens()));
is $out->{window}->xhr('POST', "/smart/logout?smart_launch=$out->{handle}")->code, 200, 'one that was logged out';
my $own = $w->browser->window;
push @windows, $own;
$own->type($w->url('/papp/?') . answer(headers => [ 'Smart-Login' => 'carol' ]));
ok $own->jar->get('__Host-smart'), 'and a session of the app';
$w->httpd->expect_log(qw(SL4311 SL2136));

for my $asked ($w->ehr->log) {
    my ($form, $query) = map { ref $_ eq 'HASH' ? $_ : {} } @{$asked}{qw(form query)};
    keep('code', $form->{code});
    keep('code_verifier', $form->{code_verifier});
    keep('state', $query->{state});
    keep('Authorization', map { s/^\S+ //r } grep { defined } $asked->{headers}{authorization});
}
keep('code', map { URI->new($_->{callback_url})->query_param('code') } grep { $_->{callback_url} } $half, $failed, $alice);
keep('cookie', map { $_->{value} } grep { $_->{name} eq '__Host-smart' } map { $_->jar->all } @windows);
keep('cookie', map { map { /^__Host-smart=([^;]+)/ } $_->header('Set-Cookie') }
    grep { $_ } map { @{$_}{qw(start callback app)} } $alice, $linked, $pending, $asked, $held, $begun, $half, $out);
keep('session id', grep { defined } map { $_->{headers}{'smart-session'} } $w->httpd->seen);
keep('key', map { (split)[1] } slurp($w->httpd->dir . '/keyring'));
keep('client secret', SL::EHR::secret());
for my $what ('access_token', 'refresh_token', 'code', 'code_verifier', 'state', 'Authorization', 'cookie', 'handle', 'session id',
    'launch code', 'key', 'client secret') {
    my %once = map { $_ => 1 } @{ $secret{$what} || [] };
    $secret{$what} = [ sort keys %once ];
    ok scalar(keys %once), "$what: there is something to look for (" . keys(%once) . ')';
}
cmp_ok scalar(@{ $secret{'session id'} }), '>=', 2, 'session ids of several launches';

my $dump = $w->pg->dump;
like $dump, qr/alice/, 'the dump has the rows: an app user';
like $dump, qr/\Q$patients[1]\E/, 'the dump has the rows: a patient';
cmp_ok $w->pg->value('SELECT count(*) FROM smartlaunch.token WHERE access_sealed IS NOT NULL AND refresh_sealed IS NOT NULL'),
    '>=', 3, 'sealed tokens';
cmp_ok $w->pg->value('SELECT count(*) FROM smartlaunch.launch WHERE pending_sealed IS NOT NULL'), '>=', 2, 'sealed pending launches';
is $w->pg->value('SELECT count(*) FROM smartlaunch.token WHERE length(access_sealed) < 64'), 0, 'as long as sealed tokens are';
is $w->pg->value('SELECT count(*) - count(DISTINCT access_sealed) FROM smartlaunch.token WHERE access_sealed IS NOT NULL'), 0,
    'no two alike';
for my $what (sort keys %secret) {
    is_deeply [ map { found($dump, $_) } @{ $secret{$what} } ], [], "a dump holds no $what";
}
unlike $dump, qr/eyJ[\w-]{10}/, 'a dump holds no JWT';
unlike $dump, qr/65794a[0-9a-f]{20}/, '… in hexadecimal neither';

my $log = $w->httpd->error_log;
like $log, qr/SL\d{4}: .*reference/, 'the error log, at its most talkative, has our lines';
for my $what (sort keys %secret) {
    is_deeply [ map { found($log, $_) } @{ $secret{$what} } ], [], "the error log holds no $what" if $what ne 'handle';
}
my @ours = grep { /\bSL\d{4}\b/ } split /\n/, $log;
is_deeply [ grep { my $line = $_ =~ s/, referer: .*//r; grep { found($line, $_) } @{ $secret{handle} } } @ours ], [],
    'none of our lines holds a handle';
is_deeply [ grep { my $line = $_; grep { index($line, $_) >= 0 } @patients } map { s/, referer: .*//r } @ours ], [],
    'none of our lines holds a patient';
is_deeply [ map { found(join("\n", glob $w->httpd->dir . '/state/*'), $_) } map { @$_ } values %secret ], [], 'the state directory neither';

done();
