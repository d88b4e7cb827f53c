# SPDX-License-Identifier: Apache-2.0
# Where the children of the tests' httpd were when they died of a fault: t/lib/c/stack.c, compiled, loaded
# into httpd, and what it wrote. SL_STACK names one that several tests share.
package SL::Stack;
use strict;
use warnings;
use Carp qw(croak);
use SL::Run qw(capture run_dir slurp top);

my ($dir, $so);

# The environment of an httpd that writes its stacks into $to; %env is what it has already.
sub env {
    my ($to, %env) = @_;
    $so ||= $ENV{SL_STACK} || make($dir = run_dir('stack'));
    return (%env, LD_PRELOAD => join(' ', $env{LD_PRELOAD} // (), $so), SL_STACKS => $to);
}

# Compiles t/lib/c/stack.c, or another one to be loaded.
sub make {
    my ($at, $name) = @_;
    $name //= 'stack';
    my ($rc, $text) = capture(qw(gcc -std=c11 -Wall -Wextra -Werror -O1 -fPIC -shared -o), "$at/$name.so", top() . "/t/lib/c/$name.c");
    croak "$name.c: $text" if $rc;
    return "$at/$name.so";
}

# The frames, innermost first; none when it left none.
sub of { my ($from, $pid) = @_; return split /\n/, slurp("$from/stack.$pid") }

# What debuggers say of the cores in $from, where there are both.
sub cores {
    my ($from, $binary) = @_;
    return map {
        my ($rc, $text) = capture('gdb', '-batch', '-nx', '-ex', 'thread apply all bt', $binary, $_);
        $rc ? () : $text;
    } glob "$from/core*";
}

1;
