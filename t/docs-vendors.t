#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The recipes of docs/vendors.md are configurations that httpd takes; what they say of pages and of the
# log is what the module says; and each command of smartlaunchctl in a document is one that it knows.
use strict;
use warnings;
use utf8;
use Encode qw(decode_utf8);
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use JSON::PP;
use Text::ParseWords qw(shellwords);

my $w = world(fpm => 0);
my ($httpd, $pg) = ($w->httpd, $w->pg);
my $dir = $httpd->dir;
my $recipes = decode_utf8(slurp(top() . '/docs/vendors.md'));
my %verbs;
$ENV{SL_SQLDIR} = top() . '/sql';

sub here { my ($text) = @_; return $text =~ s{/etc/smartlaunch/}{$dir/}gr }

# Commands. Those in blocks are run, with names and paths of here; of those in the text the verb is looked up.
my ($link) = $w->launch(login => 'alice');
my ($launch) = $pg->rows('SELECT id FROM smartlaunch.launch');
my (undef, $help) = capture(build() . '/smartlaunchctl', '--help');
for my $file (map { s{.*/(docs/)}{$1}r } 'README.md', glob(top() . '/docs/*.md')) {
    my (@lines, $in);
    my $text = '';
    for (split /\n/, decode_utf8(slurp(top() . "/$file"))) {
        if (/^```(\w*)/) { $in = defined $in ? undef : $1 }
        elsif (defined $in) { push @lines, $_ if /smartlaunchctl \S/ && $in =~ /^(?:sh)?$/ }
        else { $text .= "$_\n" }
    }
    for my $verb ($text =~ /`(?:sudo )?smartlaunchctl (?:--\w+ \S+ )?([a-z]+(?: (?:new|add|first|rotate|status|list|revoke|end|renew|check|install|upgrade)\b)?)/g) {
        like $help, qr/^  \Q$verb\E\b/m, "$file: smartlaunchctl has $verb" if !$verbs{$verb}++;
    }
    run($file, $_) for @lines;
}

sub run {
    my ($file, $line) = @_;
    my ($tail) = $line =~ /smartlaunchctl (.*)/ or return fail "$file: $line";
    my @args = shellwords($tail =~ s/ *>.*//r =~ s/ *\\$//r);
    s{^epic$}{sandbox}, s{^/etc/smartlaunch/}{$dir/}, s{^0192d3c5-.*}{$launch->{id}} for @args;
    return if "@args" =~ /keyring (?:add|first|rotate)/; # t/ctl-keyring.t
    return if "@args" =~ /^cdp /; # t/docs-cdp.t
    unlink $args[2] if "@args" =~ /^jwks new/; # it overwrites none
    my ($db) = grep { $args[$_] eq '--db' } 0 .. $#args;
    $args[ $db + 1 ] = "@args" =~ /schema/ ? $pg->owner_conninfo : $pg->dba_conninfo if defined $db;
    my ($rc, $said) = defined $db ? capture(build() . '/smartlaunchctl', @args) : $httpd->ctl(@args);
    # Nobody saw that reference here.
    my $want = "@args" =~ /trace/ ? 3 : 0;
    return is($rc, $want, "$file: $line") || diag $said;
}

# The recipes
my @sections = map { { text => $_, name => (/^(.*)/)[0] } } split /^## /m, $recipes;
my ($base) = grep { /SmartPublicURL/ } slurp(top() . '/docs/admin.md') =~ /^```apache\n(.*?)^```$/msg;
$base =~ s/^<SmartEHR.*?^<\/SmartEHR>\n//ms or die 'docs/admin.md has no <SmartEHR>';
my %seen;
for my $section (grep { $_->{text} =~ /```apache/ } @sections) {
    my ($block) = $section->{text} =~ /^```apache\n(.*?)^```$/ms;
    my ($name, $profile) = ($block =~ /<SmartEHR (\S+)>/, $block =~ /SmartProfile +(\S+)/);
    spit("$dir/$1", "not-a-secret\n", 0600) if $block =~ m{file:/etc/smartlaunch/(\S+)};
    spit("$dir/$1", slurp(SL::TLS::ca()), 0644) if $block =~ m{ca=/etc/smartlaunch/(\S+)};
    my %config = (config => here($base . $block), no_redirect => 1);
    my ($rc, $said) = $httpd->configtest(%config);
    is $rc, 0, "$section->{name}: configtest takes the recipe" or diag $said;
    unlike $said, qr/SL\d{4}|smartlaunch/i, '… without a word';
    my (undef, $dump) = $httpd->configtest(%config, options => [qw(-D DUMP_SMARTLAUNCH)]);
    my ($ehr) = grep { $_->{name} eq $name } @{ decode_json($dump =~ s/^[^{]*//r =~ s/^Syntax OK.*//mr)->{ehrs} };
    is $ehr->{profile}, $profile, "… with the profile $profile";
    $seen{$profile}++;
}
my ($profiles) = slurp(top() . '/conf/smartlaunch.conf') =~ /fit a vendor: (.*?)\. Every/s;
is_deeply [ sort keys %seen ], [ sort grep { !/^(?:generic|#|E)$/ } $profiles =~ /[\w-]+/g ], 'each profile has its recipe';

# What they say of pages and of the log, word by word. What an EHR says stands in *italics* there.
my $code = join '', map { decode_utf8(slurp($_)) } glob(top() . '/mod_smartlaunch/{smart,store,net,flow,httpd}/*.c');
$code =~ s/"\s*\n\s*"//g;
my $ids = slurp(top() . '/docs/log-ids.md');
for my $section (@sections) {
    my @rows = map { [ split /\s*\|\s*/ ] } grep { !/^\|-|^\| (?:what|they|it) / } $section->{text} =~ /^(\|.*)/mg;
    for my $row (grep { @$_ > 3 } @rows) {
        my $cells = join ' ', @$row[ 1, 2 ];
        for my $said ($cells =~ /"(?:… )?([^"]+)"/g) {
            ok index($code, $said) >= 0, "$section->{name}: the module says \"$said\"";
        }
        for my $id ($cells =~ /\b(SL\d{4})\b/g) {
            like $ids, qr/^\| $id \|/m, "$section->{name}: $id" if !$seen{$id}++;
        }
    }
}

# Links, between documents and into them.
sub anchors { my ($text) = @_; return map { '#' . lc =~ s/[^\w\- ]//gr =~ tr/ /-/r } $text =~ /^#+ (.*)/mg }
for my $file (map { s{.*/(docs/)}{$1}r } 'README.md', glob(top() . '/docs/*.md')) {
    my $text = decode_utf8(slurp(top() . "/$file")) =~ s/^```.*?^```$//msgr;
    my ($folder) = $file =~ m{^(.*/)?};
    for my $link ($text =~ /\]\((?!https?:)([^)\s]+)\)/g) {
        my ($path, $anchor) = $link =~ /^([^#]*)(#.*)?$/;
        my $to = top() . '/' . ($path eq '' ? $file : ($folder // '') . $path);
        next if $to =~ m{/conformance\.md$}; # scripts/conformance.pl makes it
        ok -e $to && (!$anchor || grep { $_ eq $anchor } anchors(decode_utf8(slurp($to)))), "$file: $link leads somewhere";
    }
}

done();
