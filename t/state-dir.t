#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# SmartStateDir, where tokens and rows of the audit wait for PostgreSQL: made at start, and not
# believed when others could have been in it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::Run qw(www_user);

my $w = world(start => 0, fpm => 0);
my $httpd = $w->httpd;
my $dir = $httpd->dir . '/state';
my $user = getpwnam(www_user() // '') // $>;

# What the log says of a start that does not succeed.
sub refused {
    my ($what) = @_;
    my $so_far = length $httpd->error_log;
    ok !eval { $httpd->start; 1 }, "$what: httpd does not start";
    delete $httpd->{server};
    return substr $httpd->error_log, $so_far;
}

sub is_made {
    my ($what) = @_;
    my @stat = lstat $dir;
    is sprintf('%o', $stat[2] // 0), '40700', "$what: it is made, for httpd's user alone";
    is $stat[4], $user, "$what: and is hers";
    return;
}

rmdir $dir or die "$dir: $!";
my ($rc, $text) = $httpd->configtest;
is $rc, 0, 'a directory that is missing is no matter for configtest' or diag $text;
ok !-e $dir, '… which does not make it';
$httpd->start;
is_made('missing at start');
is $w->launch(login => 'alice')->{app}->code, 200, '… and launches work';
rmdir $dir or die "$dir: $!";
$httpd->graceful;
is_made('missing at a graceful restart');
$httpd->stop;

chmod 0750, $dir;
like refused('others may enter it'), qr/smartlaunch:crit\].* SL5104: SmartStateDir: .*others may enter \S*state.*chmod 700/, '… and what to do is said';
chmod 0700, $dir;

rename $dir, "$dir-real" or die "$dir: $!";
symlink "$dir-real", $dir or die "$dir: $!";
like refused('a link'), qr/SL5104: SmartStateDir: \S*state is a link/, '… and that it is a link is said';
unlink $dir;

spit($dir, "a file\n");
($rc, $text) = $httpd->configtest;
isnt $rc, 0, 'a file: configtest refuses it';
like $text, qr/SmartStateDir: \S*state is no directory/, '… and says so';
unlink $dir;

if (!$>) {
    mkdir $dir, 0700;
    chown 1, 1, $dir;
    like refused('the directory of another user'), qr/SL5104: SmartStateDir: \S*state belongs to another user than httpd runs as/, '… and whose it has to be is said';
    rmdir $dir;
}

my $conf = $httpd->config =~ s{^SmartStateDir .*}{SmartStateDir $dir/there/is/none}mr;
{
    no warnings 'redefine';
    local *SL::Httpd::config = sub { return $conf };
    like refused('it cannot be made'), qr/SL5103: SmartStateDir \S*none cannot be made \(No such file or directory\)/, '… and why is said';
}

# Nobody needs it without a gateway
$httpd->{gateway} = undef;
$httpd->start;
is $w->launch->{app}->code, 200, 'without a gateway launches work';
ok !-e $dir, '… and nothing is made';
$httpd->expect_log(qw(SL5103 SL5104 AH00020));

done();
