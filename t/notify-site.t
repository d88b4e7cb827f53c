#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# SmartNotify beside httpd's own logins: with SmartLink site the app hears of a launch once it is
# linked; and who is logged in without any launch is signed on without FHIR (X10).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MIME::Base64 qw(encode_base64);
use SL;
use SL::Signon;
use SL::Tokens qw(nobody_leads);

my $app = SL::Signon->new;
my $w = world(start => 0, fpm => 0, redirect => "SmartLink site\n" . $app->notify);
my ($httpd, $ehr, $pg) = ($w->httpd, $w->ehr, $w->pg);
my $dir = $httpd->dir;
my ($rc, $line) = capture('openssl', 'passwd', '-apr1', 'pw');
spit("$dir/htpasswd", join '', map { chomp(my $hash = $line); "$_:$hash\n" } 'alice', 'bob', ' odd');
my $basic = <<"CONF";
        AuthType Basic
        AuthName "the hospital"
        AuthUserFile "$dir/htpasswd"
        Require valid-user
CONF
$httpd->{vhost} = <<"CONF";
    <Location /smart/link>
$basic
    </Location>
    <Location /smart/alone>
        SmartTarget /papp/
        SmartLink none
        ${\ $app->notify }
    </Location>
    <Location /smart/alone/link>
$basic
    </Location>
    <Location /smart/open>
        SmartTarget /papp/
        SmartLink none
        ${\ $app->notify }
    </Location>
    <Location /mute>
        SmartTarget /papp/
        SmartLink none
    </Location>
    <Location /mute/link>
$basic
    </Location>
CONF
nobody_leads($w);
$httpd->start;
$app->answers(302, Location => $w->url('/papp/?ticket=1'));
my $patient = $ehr->patients->[0];

sub login { my ($user) = @_; return [ Authorization => 'Basic ' . encode_base64("$user:pw", '') ] }

# Without a launch
{
    my $window = $w->browser->window;
    for my $kind ([ 'an image on some page', 'no-cors', 'image' ], [ 'a script', 'cors', 'empty' ], [ 'a prefetch', 'navigate', 'document', 'Sec-Purpose' => 'prefetch' ]) {
        my ($name, $mode, $dest, @more) = @$kind;
        my $answer = request(GET => $w->url('/smart/alone/link'), headers => [ @{ login('alice') }, 'Sec-Fetch-Site' => 'cross-site',
            'Sec-Fetch-Mode' => $mode, 'Sec-Fetch-Dest' => $dest, @more ]);
        is $answer->code . ' ' . ($answer->header('Location') // ''), '401 ', "X10 $name is no visit";
        is scalar($app->told), 0, '… and the app hears nothing';
    }
    is $window->nav($w->url('/smart/alone/link'))->code, 401, 'X10 httpd asks who it is';
    is scalar($app->told), 0, '… and the app hears nothing of nobody';
    my $answer = $window->nav($w->url('/smart/alone/link'), headers => login('alice'));
    my ($told, @more) = $app->told;
    is scalar(@more), 0, 'X10 one message';
    is $answer->code . ' ' . $answer->header('Location'), '303 ' . $w->url('/papp/?ticket=1'), '… and the browser goes where the app says, without a handle';
    my ($body, $claims) = @$told{qw(body claims)};
    is_deeply $body->{Person}, { UserID => 'alice', map { $_ => undef } qw(EHRUserName FHIRUser NPI FirstName LastName Email) }, 'X10 who it is';
    is_deeply $body->{Launch}, { EHR => undef, Kind => 'site', Link => 'none', ReturnTo => undef }, '… of no EHR';
    is_deeply [ @$body{qw(Patient Visit)} ], [ undef, undef ], '… no patient';
    ok !exists $body->{Meta}{$_}, "X10 no $_" for qw(SessionID SessionBaseURL);
    is_deeply [ map { $claims->{$_} } qw(sub ehr patient_ids visit_id) ], [ 'alice', undef, undef, undef ], '… nor in the JWT';
    is_deeply [ $answer->header('Set-Cookie') ], [], '… and no launch or session of ours is made';
    my ($none) = $pg->rows('SELECT count(*) AS n FROM smartlaunch.launch');
    is $none->{n}, 0, '… in the tables neither';
    is $window->nav($w->url('/smart/alone/link'), method => 'POST', body => '', type => 'application/x-www-form-urlencoded',
        headers => login('alice'))->code, 401, 'X10 a POST is no visit';
    is scalar($app->told), 0, '… and tells nobody';
    $httpd->expect_log('SL6320');
    $app->answers(500);
    $answer = $window->nav($w->url('/smart/alone/link'), headers => login('bob'));
    is $answer->code, 502, 'X5 an app that does not want her: a page';
    like $answer->content, qr/could not be opened/, '… that says so';
    unlike $answer->content, qr/health record/, '… and does not speak of an EHR';
    $app->answers(302, Location => $w->url('/papp/?ticket=1'));
    $app->requests;
    $httpd->expect_log('SL2904');
}

# Where nothing is set up
{
    my $window = $w->browser->window;
    is $window->nav($w->url('/mute/link'), headers => login('alice'))->code, 404, 'without SmartNotify and SmartLink site there is no such address';
    is $window->nav($w->url('/smart/open/link'))->code, 404, 'nor where httpd logs nobody in';
    is scalar($app->told), 0, '… and nobody is told';
    $httpd->expect_log('SL6322');
}

# SmartLink site
{
    my $l = $w->launch(patient => $patient, stop => 'callback');
    like $l->{callback}->header('Location'), qr{/smart/link\?}, 'a pending launch goes to the login first';
    is scalar($app->told), 0, '… and nobody is told yet';
    my $window = $l->{window};
    $window->nav($window->location, headers => login('alice'));
    is scalar($app->told), 0, '… nor before she said yes';
    my $answer = $window->submit(button => [ answer => 'yes' ], headers => login('alice'), follow => 0);
    my ($told, @more) = $app->told;
    is scalar(@more), 0, 'X2 then one message';
    is_deeply [ map { $_->{Person}{UserID}, $_->{Launch}{Link}, $_->{Patient}{Identifiers}[0]{ID} } $told->{body} ],
        [ 'alice', 'linked', $patient ], '… with user and patient';
    is $answer->header('Location'), $w->url("/papp/?ticket=1&smart_launch=$l->{handle}"), '… and the browser goes where it says';
    is $w->fhir(GET => "/Patient/$patient", session => $told->{body}{Meta}{SessionID})->code, 200, 'X6 the session works';
    my $again = $w->launch(patient => $patient, stop => 'callback');
    is $again->{callback}->header('Location'), $w->url("/papp/?ticket=1&smart_launch=$again->{handle}"), 'linked: at once';
    is scalar($app->told), 1, '… with its message';

    my $window2 = $w->browser->window;
    $answer = $window2->nav($w->url('/smart/link'), headers => login('bob'));
    ($told) = $app->told;
    is $told->{body}{Person}{UserID} . ' ' . $answer->code, 'bob 303', 'X10 without a launch: sign-on alone, here as well';
}

# The app refuses a launch that was just linked
{
    my $l = $w->launch(user => 'dr-jones', patient => $patient, stop => 'callback');
    my $window = $l->{window};
    $window->nav($window->location, headers => login('bob'));
    $app->answers(403);
    my $answer = $window->submit(button => [ answer => 'yes' ], headers => login('bob'), follow => 0);
    is $answer->code, 502, 'X5 refused: a page';
    my ($told) = $app->told;
    is $w->fhir(GET => "/Patient/$patient", session => $told->{body}{Meta}{SessionID})->code, 401, 'X5 … and the session is none';
    my ($row) = $pg->rows('SELECT l.state, t.status FROM smartlaunch.launch l JOIN smartlaunch.token t ON t.launch = l.id
        WHERE l.handle_hash = sha256(?)', $l->{handle});
    is_deeply $row, { state => 'ended', status => 'revoked' }, '… with launch and token';
}
done();
