# SPDX-License-Identifier: Apache-2.0
# Behind PgBouncer in transaction mode: fewer server connections than ours, no session of our own.
use strict;
use warnings;
use lib 't/lib';
use SL;
use SL::Served qw(served);

my $pg = SL::Postgres->new;
my $bouncer = SL::Bouncer->new(pg => $pg, pool => 3);
served($_, pg => $pg, db => $bouncer->conninfo, env => { SL_STORE_UNPREPARED => 1 })
    for qw(launch finish link session race token renew access);

# Who forgot to say prepare=off is told so, once, and served all the same.
my @log = grep { /^# log / } served('race', pg => $pg, db => $bouncer->conninfo);
is(scalar(grep { /SL3008/ } @log), 1, 'lost prepared statements are noticed, once');
is(scalar(@log), 1, '… and nothing else goes wrong');
done();
