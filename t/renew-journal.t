#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What waits in SmartStateDir after a day when everything stopped: whole records come home, whatever
# was done to the others opens nothing, and a full disk is said and stops nobody.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::Run qw(own_by www_user);
use SL::Tokens;
use SL::Traffic;

my $w = world(start => 0, fpm => 0, pg => { own => 1 }, ehr_block => 'SmartOutbound timeout=6s max=40');
my ($httpd, $ehr, $pg) = ($w->httpd, $w->ehr, $w->pg);
my $patient = $ehr->patients->[0];
my $dir = $httpd->dir . '/state';
nobody_leads($w);
$httpd->start;
$w->launch(login => 'alice');

sub fhir { my ($l, %arg) = @_; return $w->fhir(GET => "/Patient/$patient", session => $l->{session}, timeout => 60, %arg) }
sub file_of { my ($l, $follows) = @_; return "$dir/token." . id_of($w, $l) . '.' . ($follows // 1) }
sub put { my ($path, $text) = @_; spit($path, $text, 0600); own_by(www_user(), $path); return }

# All of them are renewed; PostgreSQL goes down before any is stored, and httpd after that
my @names = qw(whole altered short one other link empty lost);
push @names, 'foreign' if !$>;
my %l = map { $_ => lapsed($w, -1) } @names;
$ehr->forget;
$ehr->faults(refresh => { held => 1 });
my $codes = SL::Traffic->during(sub { [ many(scalar @names, sub { return { code => fhir($l{ $names[ $_[0] ] })->code } }) ] }, sub {
    wait_for('all refreshes', sub { renewals($w) == @names });
    $pg->crash;
    $ehr->release;
});
is_deeply [ map { $_->{code} } @$codes ], [ (200) x @names ], 'RFR-3 all are renewed, PostgreSQL is gone: all are served';
is_deeply [ journal($httpd) ], [ sort map { s{.*/}{}r } map { file_of($_) } values %l ], '… all are in the journal';
$ehr->faults;
$httpd->stop;
is scalar(my @all = journal($httpd)), scalar(@names), '… also after httpd has ended';

# Somebody was there
my %was = map { $_ => slurp(file_of($l{$_})) } @names;
put(file_of($l{altered}), $was{altered} =~ s/(.)\z/chr(ord($1) ^ 1)/ser);
put(file_of($l{short}), substr $was{short}, 0, 60);
put(file_of($l{empty}), '');
put(file_of($l{one}), $was{other});
put(file_of($l{other}), $was{one});
put("$dir/../elsewhere", $was{link});
unlink file_of($l{link}), file_of($l{lost});
symlink "$dir/../elsewhere", file_of($l{link}) or die "symlink: $!";
chown 0, 0, file_of($l{foreign}) if $l{foreign};
# … and the key ring has a new first key
$httpd->keyring(SL::Httpd::new_key('k2') . $httpd->{keyring});

$httpd->start;
$httpd->logged('SL3001');
is scalar(@all = grep { -f file_of($_) } values %l), scalar(@names) - 1, 'httpd starts while PostgreSQL is away, and nothing is lost for it';
$pg->start;
nobody_leads($w);
wait_for('the whole record to come home', sub { token($w, $l{whole})->{generation} == 2 });
my @bad = grep { $_ !~ /^(?:whole|link|lost|foreign)$/ } @names;
wait_for('the others to be put aside', sub { journal($httpd, 'bad.') == @bad });
is_deeply [ @{ token($w, $l{whole}) }{qw(status lease_until renewals)} ], [ 'active', undef, 1 ],
    'RFR-3 the watchdog brings a whole record home, after a new start and with another key in front';
is_deeply [ journal($httpd, 'bad.') ], [ sort map { 'bad.' . file_of($l{$_}) =~ s{.*/}{}r } @bad ], "@bad: put aside";
$httpd->expect_log('SL4526');
wait_for('httpd to find PostgreSQL', sub { fhir($l{whole})->code == 200 });
$ehr->forget;
is fhir($l{whole})->code, 200, '… the one that came home works';
is scalar(renewals($w)), 0, '… at once';
for my $name (grep { $_ ne 'whole' } @names) {
    is token($w, $l{$name})->{generation}, 1, "$name: nothing of it is stored";
    let_lease_lapse($w, $l{$name});
    is_deeply came_to($w, $l{$name}, fhir($l{$name})), [ 401, 0, scalar(my @a = asked($w)), 'relaunch', 'live' ], '… and the row says: launch again';
}
ok -l file_of($l{link}), 'a link is not followed, and stays';
unlink file_of($l{link});
ok -f file_of($l{foreign}) && unlink(file_of($l{foreign})), 'a file of another user is not read, and stays' if $l{foreign};

# The true record after all: a token that was given up is good again
put(file_of($l{altered}), $was{altered});
wait_for('the true record to come home', sub { token($w, $l{altered})->{status} eq 'active' });
wait_for('the session to work', sub { fhir($l{altered})->code == 200 });
is scalar(renewals($w)), 0, 'RFR-3 the true record, found later, is good: its token is used';
$ehr->end('access');
is fhir($l{altered})->code, 200, '… and its refresh token, too';
is token($w, $l{altered})->{generation}, 3, '… for the next generation';

# A record of the past, and one of the future
my $row = token($w, $l{altered});
put(file_of($l{altered}), $was{altered});
put(file_of($l{whole}, 7), $was{whole});
wait_for('the journal to be empty', sub { !journal($httpd) });
is_deeply token($w, $l{altered})->{access_sealed}, $row->{access_sealed}, 'a record that is copied back later changes nothing';
is token($w, $l{altered})->{generation}, 3, '… and is dropped';
is token($w, $l{whole})->{generation}, 2, 'one under another generation is put aside';

# A disk that takes nothing
chmod 0500, $dir or die "$dir: $!";
my $l = lapsed($w, -1);
my $answer = fhir($l);
is_deeply came_to($w, $l, $answer), [ 200, 1, 1, 'active', 'live' ], 'a journal that takes nothing: the renewed token is stored and used';
is token($w, $l)->{generation}, 2, '… in PostgreSQL';
$httpd->expect_log('SL4542');
chmod 0700, $dir or die "$dir: $!";
$ehr->end('access');
is fhir($l)->code, 200, '… and renewed again';

is $ehr->counts->{reused}, 0, 'RFR-4 no refresh token came twice to the EHR';
in_no_log($w, $httpd, $patient);
$httpd->allow_log(qw(SL1528 AH00898 AH01102 SL2531 SL2532 SL3001 SL3003 SL3005 SL3010 SL3011 SL4513 SL4514 SL4543 SL4544 SL4546 SL4547 SL4548 SL4551
    SL4553 SL4555 SL4611 SL4613 SL1701));
done();
