# SPDX-License-Identifier: Apache-2.0
# The apps behind httpd: t/lib/app/index.php in php-fpm, t/lib/app/echo.mjs behind mod_proxy.
package SL::Backend;
use strict;
use warnings;
use Carp qw(croak);
use Exporter qw(import);
use File::Copy qw(copy);
use JSON::PP ();
use SL::HTTP ();
use SL::Run qw(slurp spawn spit top wait_for www_user);
use URI::Escape qw(uri_escape_utf8);

our @EXPORT_OK = qw(answer answer_header);

# What the app shall answer, as part of a query:
# answer(status => 302, headers => ['Smart-Login' => 'alice'], body => '', delay_ms => 0)
# held => 1, of the proxied app alone: it answers at SL::Httpd::release.
sub answer { return 'answer=' . uri_escape_utf8(answer_header(@_)) }

# The same as the value of the request header X-Answer.
sub answer_header {
    my (%arg) = @_;
    my @flat = @{ delete $arg{headers} || [] };
    my @pairs;
    while (my ($name, $value) = splice @flat, 0, 2) {
        push @pairs, [ $name, "$value" ];
    }
    $arg{$_} += 0 for grep { exists $arg{$_} } qw(status delay_ms);
    return JSON::PP->new->canonical->ascii->encode({ %arg, headers => \@pairs });
}

# php-fpm on the socket $dir/fpm.sock, with its scripts in $dir/htdocs/app.
sub fpm {
    my ($dir) = @_;
    my ($binary) = sort glob '/usr/sbin/php-fpm[0-9]*';
    $binary ||= '/usr/sbin/php-fpm';
    croak 'php-fpm is not installed' if !-x $binary;
    mkdir "$dir/htdocs/app" or croak "$dir/htdocs/app: $!";
    copy(top() . '/t/lib/app/index.php', "$dir/htdocs/app/index.php") or croak "index.php: $!";
    my $user = www_user();
    my $as = defined $user ? "user = $user\n" : '';
    spit("$dir/fpm.conf", <<"CONF");
[global]
daemonize = no
error_log = $dir/fpm.log
[app]
${as}listen = $dir/fpm.sock
listen.mode = 0666
pm = static
pm.max_children = 6
clear_env = yes
catch_workers_output = yes
CONF
    my $server = spawn([ $binary, '-n', '-F', '-y', "$dir/fpm.conf", '-d', 'session.save_path=/tmp', '-d', 'extension=curl' ],
        out => "$dir/fpm.out", err => "$dir/fpm.out", name => 'php-fpm');
    wait_for('php-fpm', sub {
        $server->alive or croak 'php-fpm did not start: ' . slurp("$dir/fpm.out") . slurp("$dir/fpm.log");
        return -S "$dir/fpm.sock";
    });
    return $server;
}

# The proxied app; its port is in {port}.
sub echo {
    my ($dir) = @_;
    my $server = spawn([ 'node', top() . '/t/lib/app/echo.mjs', 0 ],
        out => "$dir/echo.out", err => "$dir/echo.err", name => 'the proxied app');
    $server->{port} = wait_for('the proxied app', sub {
        $server->alive or croak 'the proxied app did not start: ' . slurp("$dir/echo.err");
        return slurp("$dir/echo.out") =~ /"port":(\d+)/ ? $1 : 0;
    });
    return $server;
}

# Answers of the proxied app that are held go out.
sub release { my ($server) = @_; return SL::HTTP::request('POST', "http://127.0.0.1:$server->{port}/_release", body => '') }

# What the proxied app was sent so far, newest last; forgets it when asked to.
sub log_of {
    my ($server, $forget) = @_;
    my $url = "http://127.0.0.1:$server->{port}/_log";
    return @{ SL::HTTP::json(SL::HTTP::request($forget ? 'DELETE' : 'GET', $url)) };
}

1;
