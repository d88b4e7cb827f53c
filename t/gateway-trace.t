#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# httpd writes down at LogLevel trace8 whatever it knows of a request; of the EHR's token it knows
# nothing, and of the session id no more than the header that the caller sent (docs/admin.md).
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;

my $w = world(fpm => 0, log_level => 'trace8');
my $l = $w->launch(login => 'alice');
$w->ehr->forget;
is $w->fhir(GET => "/Patient/$l->{patient}?_smart_session=$l->{session}")->code, 200, 'a call with everything traced';
my ($seen) = $w->ehr->log('/fhir/');
my ($token) = $seen->{headers}{authorization} =~ /^Bearer (\S+)$/;
ok length $token, 'the EHR got a token';
my $log = $w->httpd->error_log;
like $log, qr/\[proxy(?:_http)?:trace\d\]/, 'mod_proxy says what it does';
unlike $log, qr/\Q$token\E/, '… and not with which token';
unlike $w->httpd->access_log, qr/\Q$l->{session}\E/, 'the access log has no session id';
is scalar(() = $log =~ /\Q$l->{session}\E/g), scalar(() = $log =~ /(?:^|\s)GET \S*\Q$l->{session}\E/g), 'nor has the error log but where httpd reads the request line' or do {
    diag $_ for grep { /\Q$l->{session}\E/ } split /\n/, $log;
};
$w->httpd->allow_log(map { $_->{id} } $w->httpd->errors);
done();
