#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The harness itself, on a bare httpd: if this fails, look no further.
# mpm: all
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;

my $pg = SL::Postgres->new(schema => 0);
is $pg->value('SELECT 1'), 1, 'PostgreSQL answers';
is $pg->value('SELECT count(*) FROM pg_tables WHERE schemaname = ?', 'public'), 0, 'from an empty database';
my $bouncer = SL::Bouncer->new(pg => $pg);
my @password = $bouncer->conninfo =~ /password=(\w+)/;
my $dsn = 'dbi:Pg:' . $bouncer->conninfo =~ s/ /;/gr;
is(DBI->connect($dsn, 'web', @password)->selectrow_array('SELECT 2'), 2, 'PgBouncer answers for it');

my $httpd = SL::Httpd->new(module => 0)->start;
my $window = SL::Browser->new->window;

is $window->type($httpd->url('/sapp/'))->code, 200, 'httpd serves a file over TLS';
like $window->response->content, qr/<h1>sapp/, 'and it is ours';

my $fpm = json($window->nav('/app/?a=1'));
is $fpm->{by}, 'fpm', 'the app in php-fpm answers';
is $fpm->{env}{HTTP_SEC_FETCH_SITE}, 'same-origin', 'a click within the site says so';
is $fpm->{env}{HTTP_REFERER}, $httpd->url('/sapp/'), 'and where it came from';

my $spelt = json(request('POST', $httpd->url('/papp/x?b=2'), body => 'text',
    headers => [ 'X.Odd-name' => 'kept' ]));
is $spelt->{by}, 'proxy', 'the app behind mod_proxy answers';
is $spelt->{body}, 'text', 'and got the body';
is $spelt->{query}, 'b=2', 'and the query';
is scalar(grep { $_->[0] eq 'X.Odd-name' } @{ $spelt->{header_list} }), 1, 'headers are sent as spelt';
is scalar($httpd->seen), 1, 'the proxied app remembers';

for my $path ('/app/', '/papp/') {
    my $response = $window->nav("$path?"
            . answer(status => 403, headers => [ 'Smart-Test' => 'yes', 'Set-Cookie' => 'a=1; Path=/' ]));
    is $response->code, 403, "$path answers as told: status";
    is $response->header('Smart-Test'), 'yes', "$path answers as told: header";
}
is $window->jar->get('a')->{value}, 1, 'the jar keeps a cookie';
my $frame = SL::Browser->new->frame('https://ehr.localhost:1/');
$frame->nav($httpd->url('/papp/?') . answer(headers => [ 'Set-Cookie' => 'a=1; Path=/; Secure; SameSite=None',
    'Set-Cookie' => '__Host-b=2; Path=/; Secure; SameSite=None; Partitioned' ]));
is_deeply [ map { $_->{name} } $frame->jar->all ], ['__Host-b'], 'a foreign frame keeps partitioned cookies only';
is json($frame->nav('/papp/'))->{cookies}, '__Host-b=2', 'and sends them';

my @codes = many(4, sub { request('GET', $httpd->url('/sapp/'))->code });
is "@codes", '200 200 200 200', 'requests at the same time';

ok $httpd->graceful, 'graceful restart';
ok $httpd->kill_child, 'a child is killed';
is $window->type($httpd->url('/sapp/'))->code, 200, 'and httpd goes on';
my $faulty = $httpd->a_child;
kill 'SEGV', $faulty;
wait_for('the fault to be noticed', sub { grep { $_->{text} =~ /child pid $faulty exit signal Segm/ } $httpd->errors });
ok scalar(my @stack = $httpd->stack_of($faulty)), 'a child that dies of a fault leaves its stack';
$httpd->allow_log('broken');

my ($rc, $text) = $httpd->configtest(vhost => 'NoSuchDirective on');
isnt $rc, 0, 'configtest refuses nonsense';
like $text, qr/NoSuchDirective/, 'and says what';
is +($httpd->configtest)[0], 0, 'and takes what is right';

done();
