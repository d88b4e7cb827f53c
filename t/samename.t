#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# SmartLink same-name, with and without a pattern, and SmartLink none.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;

# One app for each policy, each behind the same proxied echo.
my %policy = (
    plain => 'same-name',
    short => 'same-name "dr-([a-z]+)"',
    part => 'same-name "smith"',
    either => 'same-name "x|dr-smith|y"',
    anchors => 'same-name "^dr-(s[a-z]*)$"',
    many => 'same-name "[a-z]+-([a-z])[a-z]*"',
    empty => 'same-name "dr-smith()"',
    none => 'none',
);
my @apps = sort keys %policy;
my $w = world(start => 0, fpm => 0);
my ($ehr, $httpd, $pg) = ($w->ehr, $w->httpd, $w->pg);
$httpd->{vhost} = join '', map { site($_, $policy{$_}) } @apps;
my ($client) = SL::EHR::default_clients($w->url('/smart'));
push @{ $client->{redirect_uris} }, map { $w->url("/smart-$_") } @apps;
$ehr->clients($client);
$httpd->start;

sub site {
    my ($name, $link) = @_;
    return <<"CONF";
    ProxyPass /$name/ http://127.0.0.1:$httpd->{echo}{port}/$name/
    <Location /smart-$name>
        SmartTarget /$name/
        SmartApp $name
        SmartLink $link
    </Location>
    <Location /$name>
        AuthType Smart
        SmartApp $name
        SmartLogin on
        SmartUserHeader X-Remote-User
        Require all granted
    </Location>
    <Location /$name/members>
        Require valid-user
    </Location>
CONF
}

sub launch { my ($app, %arg) = @_; return $w->launch(path => "/smart-$app", %arg) }
sub headers { my ($got) = @_; return $got->{app} && $got->{app}->code == 200 ? json($got->{app})->{headers} : {} }

sub links {
    my ($app) = @_;
    return map { "$_->{ehr_user}=$_->{app_user} ($_->{how})" }
        $pg->rows('SELECT * FROM smartlaunch.link WHERE app = ? AND revoked_at IS NULL ORDER BY linked_at', $app);
}

# The EHR user becomes this app user, with no login and no question.
sub becomes {
    my ($app, $user, $name) = @_;
    my $got = launch($app, user => $user);
    my $told = headers($got);
    is_deeply [ @{$told}{qw(smart-user x-remote-user smart-link smart-ehr-user)} ], [ $name, $name, 'linked', $user ],
        "same-name $app: $user is $name";
    is $told->{'smart-patient'}, $got->{patient}, "same-name $app: with the patient";
    is $got->{window}->nav("/$app/members/?smart_launch=$got->{handle}")->code, 200,
        "same-name $app: and valid-user";
    return $got;
}

sub refused {
    my ($app, $status, $id, $what, %arg) = @_;
    my @before = links($app);
    my $got = launch($app, stop => 'callback', %arg);
    is $got->{callback}->code, $status, "same-name $app: $what: $status";
    like $got->{callback}->content, qr/Reference: <code>/, "same-name $app: $what: a page";
    is_deeply [ links($app) ], \@before, "same-name $app: $what: no link is made or changed";
    is_deeply [ $pg->rows('SELECT l.state, l.end_reason, l.app_user, t.launch FROM smartlaunch.launch l LEFT JOIN
        smartlaunch.token t ON t.launch = l.id ORDER BY l.created_at DESC LIMIT 1') ],
        [ { state => 'failed', end_reason => $id, app_user => undef, launch => undef } ],
        "same-name $app: $what: nothing is kept";
    $httpd->expect_log($id);
    return;
}

becomes('plain', 'dr-smith', 'dr-smith');
becomes('plain', 'nurse-lee', 'nurse-lee');
becomes('plain', 'dr-smith', 'dr-smith');
is_deeply [ links('plain') ], [ 'dr-smith=dr-smith (same-name)', 'nurse-lee=nurse-lee (same-name)' ],
    'same-name plain: each is linked, once';

becomes('short', 'dr-smith', 'smith');
becomes('short', 'dr-jones', 'jones');
refused('short', 403, 'SL4404', 'a name that does not fit', user => 'nurse-lee');
refused('part', 403, 'SL4404', 'a pattern that fits a part of the name');
becomes('either', 'dr-smith', 'dr-smith');
refused('either', 403, 'SL4404', 'alternatives are of the whole name', user => 'dr-jones');
for my $name ('xdr-smith', 'dr-smithy', "dr-smith x", 'DR-SMITH') {
    $ehr->id_token(claims => { preferred_username => $name, sub => "sub of $name" });
    refused('either', 403, 'SL4404', "alternatives: $name is not dr-smith");
}
$ehr->id_token();
becomes('anchors', 'dr-smith', 'smith');
refused('anchors', 403, 'SL4404', 'a pattern with anchors of its own', user => 'dr-jones');
refused('empty', 403, 'SL4404', 'a group that is empty');

# Two EHR users whom the pattern makes one

becomes('many', 'dr-smith', 's');
$ehr->id_token(claims => { preferred_username => 'md-stone', sub => 'u-stone' });
refused('many', 409, 'SL4408', 'a name that somebody else has already');
$ehr->id_token();
$pg->dbh->do(q{UPDATE smartlaunch.link SET app_user = 'somebody' WHERE app = 'many'});
refused('many', 409, 'SL4405', 'a link with another app user');
$pg->dbh->do(q{UPDATE smartlaunch.link SET app_user = 's' WHERE app = 'many'});
$ehr->id_token(claims => { sub => 'u-other' });
refused('many', 409, 'SL4403', 'the same name of another sub');
for my $type (qw(Patient RelatedPerson)) {
    $ehr->id_token(claims => { fhirUser => "$type/1" });
    refused('many', 403, 'SL4402', "a $type");
}
$ehr->id_token();
becomes('many', 'dr-smith', 's');

# A revoked link asks, whatever the policy

my $live = becomes('plain', 'dr-jones', 'dr-jones');
ok +($pg->dbh('dba')->selectrow_array('SELECT smartlaunch.revoke_link(?, ?, ?, ?)', undef,
    qw(plain sandbox dr-jones left)))[0], 'a DBA revokes the link';
wait_for('the launch to end', sub {
    return $live->{window}->nav("/plain/?smart_launch=$live->{handle}")->code == 401;
});
$httpd->expect_log('SL2531');
my $asked = launch('plain', user => 'dr-jones');
is headers($asked)->{'smart-link'}, 'pending', 'same-name: a revoked link is not made again by itself';
ok !exists headers($asked)->{'smart-user'}, 'same-name: and nobody is let in';
is $asked->{window}->nav("/plain/members/?smart_launch=$asked->{handle}")->code, 401,
    'a pending launch is no valid-user';
$httpd->expect_log('SL6401');
$asked->{window}->nav("/plain/?smart_launch=$asked->{handle}");
$w->login($asked, 'dr-jones');
is headers($asked)->{'smart-user'}, 'dr-jones', 'same-name: but by her login';
is_deeply [ grep { /jones/ } links('plain') ], ['dr-jones=dr-jones (app)'], 'same-name: and the page';

# none: the app maps users itself

my $none = launch('none', encounter => 'e-1');
my $told = headers($none);
is_deeply [ @{$told}{qw(smart-link smart-ehr-user smart-patient smart-encounter)} ],
    [ 'none', 'dr-smith', $none->{patient}, 'e-1' ], 'SmartLink none: EHR user and context at once';
ok length $told->{'smart-session'}, 'SmartLink none: and a session id';
is_deeply [ grep { /^(?:smart-user|x-remote-user|remote-user)$/ } keys %$told ], [],
    'SmartLink none: but no app user';
is $none->{window}->nav("/none/members/?smart_launch=$none->{handle}")->code, 401,
    'SmartLink none: no valid-user';
$httpd->expect_log('SL6402');
my $said = $none->{window}->nav("/none/?smart_launch=$none->{handle}&"
        . answer(headers => [ 'Smart-Login' => 'root', 'X-Kept' => 'yes' ]));
is_deeply [ $said->code, $said->header('X-Kept'), scalar $said->header('Smart-Login') ], [ 200, 'yes', undef ],
    'SmartLink none: Smart-Login is taken out';
$told = json($none->{window}->nav("/none/?smart_launch=$none->{handle}"))->{headers};
is_deeply [ @{$told}{qw(smart-link smart-user smart-patient)} ], [ 'none', undef, $none->{patient} ],
    'SmartLink none: and changes nothing';
is_deeply [ links('none') ], [], 'SmartLink none: no link is stored';
$ehr->id_token(omit => JSON::PP::true);
my $unknown = launch('none');
is_deeply [ @{ headers($unknown) }{qw(smart-link smart-ehr-user smart-patient)} ], [ 'none', undef, $unknown->{patient} ],
    'IDT-10 SmartLink none: an EHR that does not say who it is will do';

done();
