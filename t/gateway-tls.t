#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# mod_proxy on its way to the EHR: <SmartEHR> alone sets it up, so that chain and host name are
# verified and calls share connections; and what the administrator writes for that URL wins. Seen
# without the gateway's own handler: a RewriteRule goes the same way.
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use IO::Socket::INET;

my $strangers = SL::TLS::dir() . '/strangers-ca.pem';
my $w = world(start => 0, fpm => 0, log_level => 'warn proxy:debug');
my ($httpd, $ehr) = ($w->httpd, $w->ehr);
(my $issuer = $ehr->issuer) =~ s/ehr\.localhost/localhost/; # a name that mod_proxy can look up

# What a server for applications may well have, and the EHR shall not notice.
my $bare = <<"CONF";
    RewriteEngine on
    RewriteRule ^/bare/(.*)\$ $issuer/\$1 [P]
    ProxyPreserveHost On
    ProxyErrorOverride On
CONF

# One request to the EHR through httpd; `before` stands in front of <SmartEHR>, `behind` after it,
# `outbound` in place of SmartOutbound's arguments.
sub ask {
    my (%line) = @_;
    delete $httpd->{config};
    my $ours = $httpd->_ours;
    $ours =~ s/ehr\.localhost(?=:\d+\/fhir)/localhost/;
    $ours =~ s/SmartOutbound .*/SmartOutbound $line{outbound}/ if $line{outbound};
    $ours =~ s/^(?=<SmartEHR)/$line{before}\n/m if $line{before};
    my $gateway = "SmartGatewayURL http://127.0.0.1:1/fhir\n<Location /fhir>\nSmartGateway on\nRequire local\n</Location>\n";
    $ours =~ s/^SmartGatewayURL .*//m;
    $httpd->{config} = join "\n", $ours, $line{without} ? '' : $gateway, $line{behind} // '';
    $httpd->{vhost} = $bare;
    $httpd->write_config;
    $httpd->{server} ? $httpd->restart : $httpd->start;
    $ehr->forget;
    return request('GET', $httpd->url('/bare/' . ($line{path} // 'metadata')));
}

sub refused {
    my ($name, %line) = @_;
    my $answer = ask(%line);
    ok $answer->code >= 500, "$name: no answer" or diag $answer->as_string;
    is scalar($ehr->log('/fhir/')), 0, '… and the EHR was not asked';
    $httpd->allow_log(qw(AH00898 AH01084 AH01097 AH01102 AH02039 AH02411 AH00950 AH00958 AH00961 AH01114 AH01961));
    return;
}

my $answer = ask();
is $answer->code, 200, 'TKR-3 the CA of SmartOutbound holds for mod_proxy' or diag $answer->as_string;
my ($seen) = $ehr->log('/fhir/');
is $seen->{headers}{host}, $issuer =~ s{^https://([^/]+).*}{$1}r, 'the EHR is asked by its own name, whatever ProxyPreserveHost says';
is_deeply [ grep { /^x-forwarded/ } keys %{ $seen->{headers} } ], [], 'and hears nothing of who asked us';
is ask(path => 'Patient/none')->code, 401, 'its errors come through, whatever ProxyErrorOverride says';
request('GET', $httpd->url('/bare/metadata')) for 1 .. 20;
my $made = () = $httpd->error_log =~ /AH02824: .*connection established with/g;
ok $made > 0 && $made <= 3, 'calls share connections: one for each process, at most' or diag "$made connections";
like request('GET', $httpd->url('/bare/Patient/none'))->content, qr/"OperationOutcome"/, '… as it said them';

refused('TKR-3 a certificate of a stranger', outbound => "ca=$strangers");
refused("TKR-3 the system's CAs, where no other is named", outbound => 'connect=3s');
my $own = "<Proxy \"$issuer\">\nSSLProxyEngine on\nSSLProxyVerify require\nSSLProxyCACertificateFile %s\n</Proxy>";
for my $place (qw(before behind)) {
    my $where = $place eq 'before' ? 'further up' : 'further down';
    is ask(outbound => "ca=$strangers", $place => sprintf $own, SL::TLS::ca())->code, 200, "the administrator's own section, $where, lets the EHR in";
    refused("the administrator's own section, $where, keeps it out", $place => sprintf $own, $strangers);
}
is ask(before => "SSLProxyVerify none\nSSLProxyCACertificateFile $strangers")->code, 200, 'a line for everybody does not change what holds for the EHR';
refused('… not even to let strangers in', before => 'SSLProxyVerify none', outbound => "ca=$strangers");
refused('without a gateway there is nothing', without => 1);

# SmartOutbound proxy=
my $listener = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') or die "listen: $@";
defined(my $pid = fork) or die "fork: $!";
if (!$pid) {
    while (my $client = $listener->accept) {
        my $line = <$client> // '';
        spit($httpd->dir . '/proxied', $line);
        print {$client} "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        close $client;
    }
    require POSIX;
    POSIX::_exit(0);
}
refused('a proxy that lets nobody through', outbound => 'ca=' . SL::TLS::ca() . ' proxy=http://127.0.0.1:' . $listener->sockport);
like slurp($httpd->dir . '/proxied'), qr{^CONNECT localhost:\d+ HTTP/1}, '… was asked for the EHR';
kill 'TERM', $pid;
waitpid $pid, 0;

done();
