# SPDX-License-Identifier: Apache-2.0
# A real httpd with the module, an application behind it in three ways, and its error log, in which
# nothing unexpected may stand. SL_MPM chooses event, worker or prefork; with SL_SANITIZE=1 the
# module under test is the one built with sanitizers.
#
#   https://app.localhost:PORT/smart   the redirect URL
#   /app/   php-fpm      /papp/  proxied      /sapp/  files      all: AuthType Smart
#   /plain/ files without AuthType Smart
#   http://127.0.0.1:PORT2/fhir   the gateway (see SL::Gateway)
package SL::Httpd;
use strict;
use warnings;
use Carp qw(croak);
use IO::Socket::INET;
use MIME::Base64 qw(encode_base64);
use SL::Backend;
use SL::CDP;
use SL::EHR;
use SL::Run qw(build capture free_port own_by run_dir slurp spawn spit wait_for www_user);
use SL::Stack;
use SL::TLS;
use Test::More ();

my @all;

# A child that dies of a signal leaves its core in cores/, where the machine's core_pattern is a file name.
my @core_limit = ('sh', '-c', 'ulimit -c "$(ulimit -H -c)"; exec "$@"', 'sh');

# Texts a test may add, all optional:
#   extra       outside of everything           vhost      inside the TLS virtual host
#   ehr_block   inside <SmartEHR sandbox>       redirect   inside <Location /smart>
#   app         inside every app location      after      behind the TLS virtual host
#   gateway     inside the gateway's <Location>; undef: there is no gateway
# and: target (/papp/), client (app-basic), client_auth, credential (lines in place of SmartClientSecret), secret, scope, public (origin),
# database (conninfo), prepare (on or off), keyring (text), port, module => 0 (without it), fpm => 0, log_level, so (path of the module),
# cdp => {…} (the Clinical Data Pull, see SL::CDP),
# early => 1 (the module is loaded before all others), under => [program that runs httpd, arguments],
# preload => 'late' (t/lib/c/late.c),
# config => text in place of all of the module's own directives.
sub new {
    my ($class, %arg) = @_;
    my $self = bless { %arg, dir => run_dir('httpd'), expected => {}, allowed => {} }, $class;
    $self->{port} ||= free_port();
    $self->{gateway_port} ||= free_port();
    $self->{mpm} = $ENV{SL_MPM} || 'event';
    $self->{module} //= 1;
    $self->{gateway} = '' if !exists $self->{gateway};
    $self->_files;
    $self->{echo} = SL::Backend::echo("$self->{dir}");
    $self->{php} = SL::Backend::fpm("$self->{dir}") if $self->{fpm} // 1;
    push @all, $self;
    return $self;
}

sub all { return @all }
sub url { my ($self, $path) = @_; return "https://app.localhost:$self->{port}" . ($path // '') }
sub gateway_url { my ($self) = @_; return "http://127.0.0.1:$self->{gateway_port}/fhir" }
sub dir { return "$_[0]{dir}" }

# Life

sub start {
    my ($self) = @_;
    $self->write_config;
    my %env = _sanitizer_env();
    %env = SL::Stack::env($self->_path('cores'), %env) if !$self->{under};
    $env{LD_PRELOAD} .= ' ' . SL::Stack::make($self->dir, $self->{preload}) if $self->{preload};
    my $before = $self->_starts;
    $self->{server} = spawn([ @core_limit, @{ $self->{under} || [] }, _binary(), '-d', $self->dir, '-f', $self->_path('httpd.conf'), '-DFOREGROUND',
            '-E', $self->_path('stderr.log') ], # once it has detached itself there is no other place for what it says at the start
        out => $self->_path('stderr.log'), err => $self->_path('stderr.log'), env => \%env,
        name => 'httpd');
    eval { wait_for('httpd', sub {
        $self->{server}->alive or croak "it ended ($self->{server}{status})";
        return $self->_starts > $before;
    }, $self->{under} ? 180 : 60) } or croak "httpd did not start: $@" . slurp($self->_path('stderr.log')) . $self->error_log;
    return $self;
}

sub graceful { return $_[0]->_again('USR1') }
sub restart { return $_[0]->_again('HUP') }

# How often it came up; it listens before that, and may still think better of it.
sub _starts { my ($self) = @_; return scalar(() = $self->error_log =~ /resuming normal operations/g) }

# Sends the signal and waits until the new generation has taken over.
sub _again {
    my ($self, $signal) = @_;
    my $before = $self->_starts;
    $self->{cut_off} = 1 if $signal eq 'HUP';
    $self->{server}->signal($signal);
    wait_for("httpd after $signal", sub {
        $self->{server}->alive or croak "httpd ended on $signal: " . $self->error_log;
        return $self->_starts > $before;
    });
    return $self;
}

sub stop {
    my ($self) = @_;
    my $server = delete $self->{server} or return $self;
    $self->{cut_off} = 1;
    Test::More::ok($server->stop(30), 'httpd ended when it was told to');
    return $self;
}

# Pids of the children that serve requests.
sub children {
    my ($self) = @_;
    my $parent = $self->{server}{pid};
    my @children;
    for my $stat (glob '/proc/[0-9]*/stat') {
        my ($pid, $ppid) = slurp($stat) =~ /^(\d+) \(.*\) \S (\d+)/s or next;
        push @children, $pid if $ppid == $parent;
    }
    return @children;
}

# One of them, when there is one: a graceful restart is over before it has started any.
sub a_child { my ($self) = @_; return wait_for('a child', sub { ($self->children)[0] }) }

# Kills one child with -9 and waits until the parent has buried it.
sub kill_child {
    my ($self, $pid) = @_;
    $pid ||= $self->a_child;
    kill 'KILL', $pid;
    wait_for('the parent to notice', sub { return !-e "/proc/$pid" });
    return $pid;
}

# What the proxied app was sent.
sub seen { return SL::Backend::log_of($_[0]{echo}) }
sub forget { SL::Backend::log_of($_[0]{echo}, 1); return }
sub release { return SL::Backend::release($_[0]{echo}) }

# `apachectl configtest` of this server with other settings: (exit status, what it says).
sub configtest {
    my ($self, %other) = @_;
    my $changed = bless { %$self, %other }, ref $self;
    my $path = spit($self->_path('configtest.conf'), $changed->config);
    my %env = _sanitizer_env();
    local @ENV{ keys %env } = values %env;
    return capture(_binary(), '-t', '-d', $self->dir, '-f', $path, @{ $other{options} || [] });
}

# smartlaunchctl -f with this server's configuration: (exit status, what it says).
sub ctl {
    my ($self, @args) = @_;
    my %env = (_sanitizer_env(), SL_APACHECTL => _binary());
    local @ENV{ keys %env } = values %env;
    return capture(build() . '/smartlaunchctl', '-f', $self->write_config, @args);
}

# The error log

sub error_log { return slurp($_[0]->_path('error.log')) }
sub access_log { return slurp($_[0]->_path('access.log')) }

# Lines of level warn or worse: {level, id, text}. Without an id of ours or of httpd's, id is ''.
sub errors {
    my ($self) = @_;
    my @lines;
    for my $line (split /\n/, $self->error_log) {
        my ($level) = $line =~ /^\[[^\]]+\] \[\w*:(emerg|alert|crit|error|warn)\]/;
        my $broken = $line =~ /AddressSanitizer|runtime error:|exit signal |^[^\[]*assert/;
        next if !$level && !$broken || $self->_cut_off($line);
        my ($id) = $line =~ /\b(SL\d{4}|AH\d{5})\b/;
        push @lines, { level => $level || 'broken', id => $broken ? 'broken' : $id // '', text => $line };
    }
    return @lines;
}

# Log ids that this test brings about: each must be there at the end (expect_log) or may (allow_log).
sub expect_log { my ($self, @ids) = @_; $self->{expected}{$_} = 1 for @ids; return $self }
sub allow_log { my ($self, @ids) = @_; $self->{allowed}{$_} = 1 for @ids; return $self }

# Waits until a line with this id stands in the log, and returns it.
sub logged {
    my ($self, $id) = @_;
    return wait_for("$id in the error log", sub { return $self->error_log =~ /^(.*\b$id\b.*)$/m ? $1 : 0 });
}

# Stops the server and checks its error log.
sub done {
    my ($self) = @_;
    $self->stop if $self->{server};
    my @errors = $self->errors;
    my %seen = map { $_->{id} => 1 } @errors;
    my @odd = map { $_->{text} } grep { !$self->{expected}{ $_->{id} } && !$self->{allowed}{ $_->{id} } } @errors;
    my $stderr = slurp($self->_path('stderr.log'));
    push @odd, $stderr if $stderr =~ /Sanitizer|runtime error:/;
    Test::More::ok(!@odd, 'the error log holds no warning that this test did not expect')
        or Test::More::diag(join "\n", (@odd > 40 ? (@odd[ 0 .. 39 ], '…') : @odd), $self->deaths);
    my @missing = grep { !$seen{$_} } sort keys %{ $self->{expected} };
    Test::More::ok(!@missing, 'and every warning that it did') or Test::More::diag("missing: @missing");
    @all = grep { $_ != $self } @all;
    return;
}

# Children that die

# The frames of one that died of a fault, innermost first.
sub stack_of { my ($self, $pid) = @_; return SL::Stack::of($self->_path('cores'), $pid) }

# Of all that died of anything but being killed (and see _cut_off): what the log says, where they were.
sub deaths {
    my ($self) = @_;
    my @lines = map { $_->{text} } grep { $_->{id} eq 'broken' && $_->{text} !~ /exit signal Killed/ } $self->errors or return ();
    return (map { join "\n", $_, /child pid (\d+)/ ? $self->stack_of($1) : () } @lines),
        SL::Stack::cores($self->_path('cores'), _binary());
}

# A stop or a restart that is not graceful makes mpm_event's main thread close the sockets of its workers,
# each of which may be freeing its socket at that moment: the worker finds it closed, or the main thread
# finds it gone and the child dies, on its way out. That is httpd's, and happens without our module.
sub _cut_off {
    my ($self, $line) = @_;
    return 0 if !$self->{cut_off};
    return 1 if $ENV{SL_SANITIZE} && $line =~ / AH00045: /; # such a child is slow to end, and is told again
    return 0 if $self->{mpm} ne 'event';
    return 1 if $line =~ /\[mpm_event:error\].* \(9\)Bad file descriptor: AH(?:00468|03092|03093|03465):/;
    my ($pid) = $line =~ /child pid (\d+) exit signal Segmentation fault/ or return 0;
    my @stack = $self->stack_of($pid);
    my ($at) = grep { $stack[$_] =~ /mod_mpm_event\.so/ } 1 .. $#stack or return 0;
    return $stack[ $at - 1 ] =~ /libapr-1\.so[^(]*\(apr_(?:os_sock_get|socket_\w+)/ && !grep { /mod_smartlaunch/ } @stack;
}

# Configuration

sub write_config { my ($self) = @_; return spit($self->_path('httpd.conf'), $self->config) }

sub _files {
    my ($self) = @_;
    my $dir = $self->dir;
    mkdir "$dir/$_" or croak "$dir/$_: $!" for qw(htdocs htdocs/sapp htdocs/plain state cores);
    chmod 0700, "$dir/state", "$dir/cores";
    own_by(www_user(), "$dir/state", "$dir/cores");
    spit("$dir/htdocs/$_/index.html", "<!doctype html><title>$_</title><h1>$_</h1>\n") for qw(sapp plain);
    spit("$dir/htdocs/sapp/style.css", "h1 { color: teal }\n");
    spit("$dir/keyring", $self->{keyring} //= new_key('k1'), 0600);
    spit("$dir/secret", ($self->{secret} // SL::EHR::secret()) . "\n", 0600);
    return;
}

# A line of a key ring.
sub new_key { my ($id) = @_; return "$id " . encode_base64(_random(32), '') . "\n" }

# The key ring from the next (graceful) restart on.
sub keyring { my ($self, $text) = @_; return spit($self->_path('keyring'), $self->{keyring} = $text, 0600) }

sub config {
    my ($self) = @_;
    my $ours = $self->{config} // $self->_ours;
    $ours .= SL::CDP::server_config($self) if $self->{cdp} && !defined $self->{config};
    return join "\n", $self->_base, $ours, $self->{extra} // '',
        $self->_vhost, $self->_gateway, $self->{after} // '', '';
}

sub _base {
    my ($self) = @_;
    my $dir = $self->dir;
    my $user = www_user();
    my $as = defined $user ? "User $user\nGroup " . getgrgid((getpwnam $user)[3]) : '';
    my $level = $self->{log_level} // 'warn' . ($self->{module} ? ' smartlaunch:info' : '');
    return <<"CONF";
ServerRoot "$dir"
ServerName app.localhost
Listen 127.0.0.1:$self->{port} https
PidFile "$dir/httpd.pid"
ErrorLog "$dir/error.log"
DefaultRuntimeDir "$dir"
CoreDumpDirectory "$dir/cores"
${\ $self->_load }
LogLevel $level core:notice mpm_$self->{mpm}:notice
LogFormat "%h %l %u %t \\"%r\\" %>s %b \\"%{Referer}i\\" \\"%{User-Agent}i\\"" combined
CustomLog "$dir/access.log" combined
$as
${\ $self->_mpm }
KeepAliveTimeout 5
GracefulShutdownTimeout 10
TypesConfig /dev/null
SSLSessionCache shmcb:$dir/ssl(512000)
AddType text/html .html
AddType text/css .css
LimitRequestLine 32768
LimitRequestFieldSize 32768
CONF
}

sub _load {
    my ($self) = @_;
    my $lib = _apxs('LIBEXECDIR');
    my @modules = ("mpm_$self->{mpm}", qw(unixd log_config authn_core authn_file authz_core authz_host
        authz_user auth_basic dir mime alias env setenvif headers rewrite filter deflate ssl
        socache_shmcb proxy proxy_http proxy_fcgi watchdog), @{ $self->{modules} || [] });
    my @lines = map { "LoadModule ${_}_module \"$lib/mod_$_.so\"" } grep { -e "$lib/mod_$_.so" } @modules;
    my @ours = ('LoadModule smartlaunch_module "' . ($self->{so} // module_path()) . '"') x !!$self->{module};
    if ($self->{cdp}) {
        my $second = SL::CDP::load_line($self);
        @ours = $self->{cdp}{first} ? ($second, @ours) : (@ours, $second);
    }
    return join "\n", $self->{early} ? (@ours, @lines) : (@lines, @ours);
}

sub module_path { return build() . '/.libs/mod_smartlaunch.so' }

sub _mpm {
    my ($self) = @_;
    # Enough from the start for what tests do at once: more come one by one, a second apart. None goes for being idle.
    return "StartServers 8\nMinSpareServers 4\nMaxSpareServers 16\nServerLimit 16\nMaxRequestWorkers 16"
        if $self->{mpm} eq 'prefork';
    return "ServerLimit 3\nStartServers 2\nThreadLimit 16\nThreadsPerChild 16\nMinSpareThreads 16\n"
        . "MaxSpareThreads 48\nMaxRequestWorkers 48";
}

# The module's own directives at server level, if the test does not bring its own.
sub _ours {
    my ($self) = @_;
    return '' if !$self->{module};
    my $dir = $self->dir;
    my $ca = SL::TLS::ca();
    my $database = $self->{database} // $self->{pg}->conninfo;
    my $public = $self->{public} // $self->url;
    my $client = $self->{client} // 'app-basic';
    my $auth = defined $self->{client_auth} ? "SmartClientAuth $self->{client_auth}" : '';
    my $secret = $self->{credential} // ($client eq 'app-public' ? '' : "SmartClientSecret file:$dir/secret");
    my $scope = $self->{scope} // 'launch openid fhirUser offline_access patient/*.rs';
    return <<"CONF";
SmartDatabase "$database" prepare=${\ ($self->{prepare} // 'on') }
SmartKeyring $dir/keyring
SmartStateDir $dir/state
SmartPublicURL $public
${\ ($self->_has_gateway ? 'SmartGatewayURL ' . $self->gateway_url : '') }
<SmartEHR sandbox>
    SmartIssuer ${\ $self->{ehr}->issuer }
    SmartClient $client
    $auth
    $secret
    SmartScope "$scope"
    SmartIdentity id_token:preferred_username
    SmartEmbed ${\ $self->{ehr}->base }
    SmartOutbound ca=$ca connect=10s
    ${\ ($self->{ehr_block} // '') }
</SmartEHR>
CONF
}

sub _vhost {
    my ($self) = @_;
    my ($dir, $tls) = ($self->dir, SL::TLS::dir());
    my $on = $self->{module};
    my $smart = $on && !$self->{no_redirect} ? $self->_redirect_location : '';
    my $app = $on ? "AuthType Smart\n        SmartLogin on\n" . ($self->{app} // '') : '';
    $app .= "\n        Require all granted" if $app !~ /Require/;
    my $echo = "http://127.0.0.1:$self->{echo}{port}";
    return <<"CONF";
<VirtualHost 127.0.0.1:$self->{port}>
    ServerName https://app.localhost:$self->{port}
    DocumentRoot "$dir/htdocs"
    SSLEngine on
    SSLCertificateFile $tls/server.pem
    SSLCertificateKeyFile $tls/server.key
    DirectoryIndex index.html index.php
    <Directory "$dir/htdocs">
        Require all granted
    </Directory>
    <FilesMatch "\\.php\$">
        SetHandler "proxy:unix:$dir/fpm.sock|fcgi://localhost"
    </FilesMatch>
    ProxyPass /papp/ $echo/papp/
    $smart
    <Location /app>
        $app
    </Location>
    <Location /papp>
        $app
    </Location>
    <Location /sapp>
        $app
    </Location>
    ${\ ($self->{cdp} && !defined $self->{config} ? SL::CDP::vhost_config($self) : '') }
    ${\ ($self->{vhost} // '') }
</VirtualHost>
CONF
}

sub _has_gateway { my ($self) = @_; return $self->{module} && defined $self->{gateway} && !defined $self->{config} }

# The gateway, on a port of its own as the README has it.
sub _gateway {
    my ($self) = @_;
    return '' if !$self->_has_gateway;
    my $inside = $self->{gateway};
    $inside .= "\n        Require local" if $inside !~ /Require/;
    return <<"CONF";
Listen 127.0.0.1:$self->{gateway_port} http
<VirtualHost 127.0.0.1:$self->{gateway_port}>
    ServerName http://127.0.0.1:$self->{gateway_port}
    <Location /fhir>
        SmartGateway on
        $inside
    </Location>
</VirtualHost>
CONF
}

sub _redirect_location {
    my ($self) = @_;
    my $target = $self->{target} // '/papp/';
    return <<"CONF";
<Location /smart>
        SmartTarget $target
        ${\ ($self->{redirect} // '') }
    </Location>
CONF
}

sub _path { my ($self, $name) = @_; return "$self->{dir}/$name" }

sub _sanitizer_env {
    return () if !$ENV{SL_SANITIZE};
    my ($rc, $libasan) = capture('gcc', '-print-file-name=libasan.so');
    chomp $libasan;
    croak 'libasan.so not found' if $rc || $libasan !~ m{^/};
    return (LD_PRELOAD => $libasan, ASAN_OPTIONS => 'detect_leaks=0:abort_on_error=1',
        UBSAN_OPTIONS => 'print_stacktrace=1');
}

my %apxs;
sub _apxs {
    my ($what) = @_;
    return $apxs{$what} //= do {
        my ($rc, $text) = capture($ENV{APXS} || 'apxs', '-q', $what);
        croak "apxs -q $what: $text" if $rc;
        $text =~ s/\s+\z//r;
    };
}

sub _binary { return _apxs('SBINDIR') . '/' . _apxs('progname') }

sub _random {
    my ($count) = @_;
    open my $fh, '<:raw', '/dev/urandom' or croak "urandom: $!";
    my $bytes = '';
    read $fh, $bytes, $count;
    return $bytes;
}

1;
