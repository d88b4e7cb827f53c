#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# SmartKeep: old steps go by themselves, young ones and live launches stay.
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;

my $w = world(start => 0, extra => 'SmartKeep steps=2d');
my $owner = $w->pg->dbh;
$owner->do("INSERT INTO smartlaunch.launch_step (at, step, outcome, reference) VALUES
    (now() - interval '3 days', 'launch', 'ok', 'OLD'), (now() - interval '1 day', 'launch', 'ok', 'YOUNG')");
$w->httpd->start;
wait_for('the old step to go', sub {
    return !$owner->selectrow_array("SELECT count(*) FROM smartlaunch.launch_step WHERE reference = 'OLD'");
});
is $owner->selectrow_array("SELECT count(*) FROM smartlaunch.launch_step WHERE reference = 'YOUNG'"), 1,
    'a step younger than SmartKeep stays';
ok $w->launch(login => 'alice')->{handle}, 'and launches go on';

for my $wrong ('steps=soon', '30d', 'steps=1h') {
    my ($rc, $text) = $w->httpd->configtest(extra => "SmartKeep $wrong");
    isnt $rc, 0, "refused: SmartKeep $wrong";
    like $text, qr/SmartKeep.*write .*30d/, '… with what to write';
}

done();
