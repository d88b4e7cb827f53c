# SPDX-License-Identifier: Apache-2.0
# What every refusal of the module must be: a page of its own with the right status, that lets nothing
# in and nothing out, with a reference that the error log and the flight recorder know.
package SL::Refused;
use strict;
use warnings;
use Exporter qw(import);
use Test::More;

our @EXPORT = qw(refused reference_of steps_of);

# The reference that a page or a JSON answer shows.
sub reference_of {
    my ($response) = @_;
    return $1 if $response->decoded_content =~ m{Reference: <code>([2-9A-Z-]+)</code>};
    return $response->decoded_content =~ m{"reference":\s*"([2-9A-Z-]+)"} ? $1 : undef;
}

# The steps of the flight recorder with this reference, oldest first.
sub steps_of {
    my ($w, $reference) = @_;
    return $w->pg->rows('SELECT * FROM smartlaunch.launch_step WHERE reference = ? ORDER BY id', $reference);
}

# One test: $response is the refusal with this status and log id. Options: step (its name in the
# flight recorder; 0: leaves none), retry => 1 (says when to come again), says => regex (on the page).
sub refused {
    my ($w, $response, $status, $id, $name, %opt) = @_;
    my $reference = reference_of($response) // '';
    my @wrong = (_page($response, $status), _log($w, $id, $status, $reference));
    push @wrong, _recorded($w, $id, $reference, $opt{step}) if $opt{step} // 1;
    push @wrong, 'no Retry-After' if $opt{retry} && ($response->header('Retry-After') // 0) < 1;
    push @wrong, "the page does not say $opt{says}" if $opt{says} && $response->decoded_content !~ $opt{says};
    $w->httpd->expect_log($id);
    return ok(!@wrong, $name) || diag(join "\n", @wrong, $response->status_line, steps_text($w, $reference));
}

sub _page {
    my ($response, $status) = @_;
    my ($policy, $text) = ($response->header('Content-Security-Policy') // '', $response->decoded_content);
    my @wrong;
    push @wrong, 'status ' . $response->code . ", not $status" if $response->code != $status;
    push @wrong, 'no HTML' if ($response->header('Content-Type') // '') !~ m{^text/html; charset=utf-8$};
    push @wrong, 'may be stored' if ($response->header('Cache-Control') // '') ne 'no-store';
    push @wrong, 'its address goes on' if ($response->header('Referrer-Policy') // '') ne 'no-referrer';
    push @wrong, "policy: $policy" if $policy !~ /^default-src 'none';/ || $policy =~ /script-src|unsafe/;
    push @wrong, 'a script' if $text =~ /<script|\son\w+=|javascript:/i;
    push @wrong, 'something from elsewhere' if $text =~ m{\bsrc=|\bhref=(?!"https://app\.localhost:\d+/smart/window\?ticket=[\w-]+")};
    push @wrong, 'a cookie: ' . $response->header('Set-Cookie') if $response->header('Set-Cookie');
    push @wrong, 'a Location' if $response->header('Location');
    push @wrong, 'no reference' if !defined reference_of($response);
    return @wrong;
}

sub _log {
    my ($w, $id, $status, $reference) = @_;
    my $level = $status >= 500 ? 'error' : 'warn';
    my @lines = grep { /\Q$reference\E/ } split /\n/, $w->httpd->error_log;
    return "no line with the reference '$reference' in the error log" if !length $reference || !@lines;
    return if grep { /\[smartlaunch:$level\].* $id: .*\(status $status, reference \Q$reference\E\)/ } @lines;
    return "the error log has no $level $id: @lines";
}

sub _recorded {
    my ($w, $id, $reference, $step) = @_;
    my @steps = grep { $_->{outcome} eq $id } steps_of($w, $reference);
    return 'no such step in the flight recorder' if !@steps;
    return if !defined $step || $step eq '1' || grep { $_->{step} eq $step } @steps;
    return "the step is called $steps[0]{step}, not $step";
}

sub steps_text {
    my ($w, $reference) = @_;
    return map { join ' ', 'step', map { $_ // '-' } @{$_}{qw(step outcome http_status detail)} } steps_of($w, $reference);
}

1;
