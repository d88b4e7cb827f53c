# SPDX-License-Identifier: Apache-2.0
# The store on a real PostgreSQL, as the role the module has: what every statement does, and what
# happens when several run at once. The checks are in t/lib/c/store_*.c.
use strict;
use warnings;
use lib 't/lib';
use SL;
use SL::Served qw(served);

my $pg = SL::Postgres->new;
is($pg->dbh('web')->selectrow_array('SELECT pg_has_role(current_user, ?, ?)', undef,
    'smartlaunch_module', 'USAGE'), 1, 'SmartDatabase connects as a member of smartlaunch_module');
served($_, pg => $pg) for qw(db launch finish link session race token renew access listen);
done();
