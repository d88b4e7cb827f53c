#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The setup of a study as its people meet it: rows, search, settings, CSV, rights; who may not, forms
# that are not ours or too old, and an application that is away or does not tell its fields.
# mpm: sanitized
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use SL;
use SL::REDCap;
use HTML::Entities qw(decode_entities);
use HTML::Form;
use POSIX ();
use URI;
use URI::Escape ();

my $redcap = SL::REDCap->new;
my $source = "SmartCDPSource sandbox mrn-system=$SL::CDP::mrn_system";
my $dir = SL::Run::run_dir('setup');
my $dead = spit("$dir/token", "0123456789ABCDEF0123456789ABCDEF\n", 0600);
my $w = world(fpm => 0, gateway => undef, cdp => { redcap => $redcap, more => <<"CONF" });
<SmartCDPProject believed>
    $source
    SmartCDPDeliver ${\ $redcap->signed }
</SmartCDPProject>
<SmartCDPProject away>
    $source
    SmartCDPDeliver redcap http://127.0.0.1:1/api/ token=file:$dead
    SmartCDPAdjudication instant
</SmartCDPProject>
CONF
my ($httpd, $pg, $cdp) = ($w->httpd, $w->pg, $w->cdp);
$httpd->expect_log(qw(SL2003 SL2532 SL8512 SL8513 SL8521 SL8570 SL8580 SL8581 SL8590 SL8591));

my %who = map { $_->[0] => $w->launch(login => $_->[0], user => $_->[1]) } [ alice => 'dr-smith' ], [ bob => 'dr-jones' ];
$cdp->grant(alice => 'setup')->grant(bob => 'adjudicate');
$pg->dbh->do("INSERT INTO smartlaunch.cdp_right (project, app_user, may, granted_by) SELECT p, 'alice', 'setup', 'test' FROM unnest(ARRAY['believed', 'away']) p");
my $event = 'event_1_arm_1';

# Helpers

sub address {
    my ($who, $path, %query) = @_;
    my $url = URI->new($w->url('/cdp/' . (delete $query{project} // 'study') . '/setup' . ($path // '')));
    $url->query_form(smart_launch => $who{$who}{handle}, map { $_ => $query{$_} } sort keys %query);
    return "$url";
}
sub screen { my ($who, $path, %query) = @_; return $who{$who}{window}->nav(address($who, $path, %query)) }
sub text { my ($r) = @_; return decode_entities($r->decoded_content =~ s{<style>.*?</style>}{}sr =~ s/<[^>]*>/ /gr) =~ s/\s+/ /gr }

# The form of a page that posts to /setup/$name; $which of them.
sub form {
    my ($r, $name, $which) = @_;
    my @forms = HTML::Form->parse($r->decoded_content, base => '' . $w->url('/'), strict => 0);
    return (grep { URI->new($_->action)->path =~ m{/setup/\Q$name\E$} && $_->method eq 'POST' } @forms)[ $which // 0 ];
}

# Fill it in, send it as its window does; the page that follows.
sub send_form {
    my ($who, $form, @values) = @_;
    while (my ($name, $value) = splice @values, 0, 2) {
        $name =~ s/ (\d)$//;
        my $input = $form->find_input($name, undef, $1 // 1) or die "no input $name";
        $input->readonly(0) if $input->readonly;
        $input->value($value);
    }
    my $request = $form->make_request;
    return $who{$who}{window}->nav($request->uri, method => 'POST', body => $request->content,
        type => $request->header('Content-Type'), follow => 1);
}

# What a form sends, in its order.
sub pairs_of {
    my @form = $_[0]->form;
    return map { [ @form[ 2 * $_, 2 * $_ + 1 ] ] } 0 .. @form / 2 - 1;
}

# Choices of a list, and the one that is chosen.
sub options {
    my ($r, $name) = @_;
    my ($list) = $r->decoded_content =~ m{<select name="\Q$name\E"[^>]*>(.*?)</select>}s or return;
    return $list =~ /<option value="([^"]*)"/g;
}
sub chosen { my ($r, $name) = @_; return $r->decoded_content =~ m{<select name="\Q$name\E"(?:(?!</select>).)*<option value="([^"]*)" selected}s ? $1 : undef }

sub mapping { my ($project) = @_; return json($cdp->api(GET => 'mapping', user => 'alice', project => $project // 'study')) }
sub revision { return $pg->value('SELECT coalesce(max(revision), 0) FROM smartlaunch.cdp_project WHERE project = ?', $_[0] // 'study') }
sub row_id { my ($field) = @_; return $pg->value('SELECT id FROM smartlaunch.cdp_mapping WHERE project = ? AND field = ? AND removed_at IS NULL', 'study', $field) }
sub rights { return $pg->value("SELECT string_agg(app_user || ' ' || may, ', ' ORDER BY app_user, may) FROM smartlaunch.cdp_right WHERE project = 'study'") }

# Who comes in

for my $path ('', '/row', '/mapping.csv') {
    is screen(bob => $path)->code, 403, "C1 the setup$path without the right to set up";
}
my $window = $who{bob}{window};
is $window->post(address(bob => "/$_"), { token => 'x', revision => 0 })->code, 403, "C1 … nor a form: $_" for qw(row remove project import give take);
my $page = screen('alice');
is $page->code, 200, 'C1 with it she is in';
like $page->header('Content-Security-Policy'), qr/default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'/, '… on a screen that runs no script';
is $page->header('Cache-Control'), 'no-store', '… and that nobody keeps';
is screen(alice => '/nothing')->code, 404, 'an address that is none';
is screen(alice => '/import')->code, 405, 'an address of a form only';
is $who{alice}{window}->post(address('alice'), {})->code, 405, 'a form that is none';

# At first nothing is mapped

like text($page), qr/Nothing is mapped yet/, 'C2 a new project says where to begin';
is screen(alice => '/mapping.csv')->code, 404, 'C2 … and has nothing to export';
is screen(alice => '/row')->code, 409, 'C2 … nor a row before its identifier';
my %places = map { $_ => 1 } options($page, 'target');
ok $places{"$event/mrn"} && !$places{"$event/dob"} && !$places{"$event/bmi"}, 'C2 the identifier is one of the text fields';
$page = send_form(alice => form($page, 'project'), target => "$event/mrn", days => 'many');
is $page->code, 400, 'C2 days that are none';
like text($page), qr/many.*The days have to be a number/, '… are named';
is chosen($page, 'target'), "$event/mrn", '… and what was chosen still is';
is revision(), 0, '… and nothing is saved';
$page = send_form(alice => form($page, 'project'), target => "$event/mrn", days => '1.5', direction => '-', convert_gmt => 'yes',
    adjudication => 'auto', 'preview 1' => 'name-given', 'preview 3' => 'birthDate');
is $page->code, 200, 'C2 settings are saved';
like text($page), qr/The settings are saved/, '… and the screen says so';
is_deeply mapping(), { version => 1, project => 'study', ehr => 'sandbox', day_offset => { days => 1.5, direction => '-' }, convert_gmt => JSON::PP::true,
    adjudication => 'auto', preview => [qw(name-given birthDate)], identifier => { source => 'id', event => $event, field => 'mrn' }, fields => [] }, '… as they were given';
like text($page), qr/This server allows the first only/, 'H7 what the site does not allow is told';
unlike text(screen('alice', '', project => 'away')), qr/This server allows the first only/, '… only there';

# C3: five previews
my $form = form($page, 'project');
my $six = join '&', map { my $name = $_->[0]; "$name=" . URI::Escape::uri_escape_utf8($_->[1]) } pairs_of($form),
    map { [ preview => $_ ] } qw(name-family gender race ethnicity);
my $sent = $who{alice}{window}->nav($form->action, method => 'POST', body => $six, type => 'application/x-www-form-urlencoded');
is $sent->code, 400, 'C3 a sixth preview';
like text($sent), qr/5 fields at most, and these are 6/, 'C3 … is refused in words';
is_deeply mapping()->{preview}, [qw(name-given birthDate)], 'C3 … and nothing is saved';
$sent = send_form(alice => form($page, 'project'), 'preview 2' => '29463-7');
is $sent->code, 400, 'C3 a preview of many days is refused';

# Search

$page = screen(alice => '/row', q => 'body WEIGHT', f => 'weight');
my %sources = map { $_ => 1 } options($page, 'source');
ok $sources{'29463-7'} && !$sources{'2951-2'}, 'C2 the catalogue is searched by words';
is_deeply [ sort grep { length } options($page, 'target') ], [ map { "event_${_}_arm_1/body_weight" } 1 .. 3 ], '… and so are the fields of the project';
is_deeply [ options(screen(alice => '/row', q => '4548-4'), 'source') ], [ '', '4548-4' ], 'C2 a LOINC code is found';
is chosen(screen(alice => '/row', q => '718-7'), 'source'), '718-7', '… and chosen, where there is no other';
like text(screen(alice => '/row', q => 'no such thing')), qr/No field of the catalogue has these words/, '… or the screen says that there is nothing';
%sources = map { $_ => 1 } options(screen(alice => '/row'), 'source');
ok keys %sources > 80 && !$sources{id} && !$sources{email}, 'R8 all is offered but the identifier, and e-mail where it is not allowed';
%places = map { $_ => 1 } options($page = screen(alice => '/row'), 'target');
ok !$places{"$event/bmi"} && !$places{"$event/record_id"}, 'C2 no calculated field, and not the name of the record';
is_deeply [ sort grep { length } options($page, 'temporal_field') ], [qw(dob lab_date visit_date visit_time)], 'C6 date fields are those with dates';
my $nasty = screen(alice => '/row', q => '"><script>alert(1)</script>', f => "'<b>")->decoded_content;
unlike $nasty, qr/<script|<b>/, 'H5 words of a search are escaped';

# Rows

my $revision = revision();
for my $case (
    [ 'without a date field', { source => '29463-7', target => "$event/body_weight" }, qr/name the date field that says which are wanted/ ],
    [ 'with a date field of another event', { source => '29463-7', target => "$event/body_weight", temporal_field => 'lab_date' }, qr/on no form of the event/ ],
    [ 'with a field that is none', { source => 'birthDate', target => "$event/nothing" }, qr/has no field "nothing"/ ],
    [ 'with a source that is none', { source => 'shoe-size', target => "$event/dob" }, qr/The EHR has no such field/ ],
    [ 'with nothing', {}, qr/Say which field of the EHR it is/ ],
    [ 'into the identifier', { source => 'birthDate', target => "$event/mrn" }, qr/holds the medical record number already/ ],
    [ 'with a rule and no date', { source => 'birthDate', target => "$event/dob", preselect => 'MAX' }, qr/nothing to preselect/ ],
    [ 'with days that are none', { source => '29463-7', target => "$event/body_weight", temporal_field => 'visit_date', days => '400' }, qr/0.01 to 365/ ],
) {
    my ($name, $values, $reason) = @$case;
    my $r = send_form(alice => form(screen(alice => '/row'), 'row'), %$values);
    is $r->code, 400, "C2 a row $name is refused";
    like text($r), $reason, '… with the reason';
    is chosen($r, 'target') || '', $values->{target} || '', '… and it stays as it was typed';
}
is revision(), $revision, 'C2 nothing of that was saved';
$page = send_form(alice => form(screen(alice => '/row', q => 'weight', f => 'weight'), 'row'), source => '29463-7', target => "$event/body_weight",
    temporal_field => 'visit_date', preselect => 'MAX', unit => ' kg ', days => '2');
like text($page), qr/The row is saved.*Body weight 29463-7 body_weight in event_1_arm_1 2 days around visit_date, in kg Ticked: the highest number/, 'C2 a row is added';
send_form(alice => form(screen(alice => '/row'), 'row'), source => 'birthDate', target => "$event/dob");
my %weight = (source => '29463-7', event => $event, field => 'body_weight', temporal_field => 'visit_date', preselect => 'MAX', unit => 'kg',
    day_offset => { days => 2, direction => '+-' });
my %birth = (source => 'birthDate', event => $event, field => 'dob');
is_deeply mapping()->{fields}, [ \%weight, \%birth ], '… and another, behind it';
my $twice = send_form(alice => form(screen(alice => '/row'), 'row'), source => 'birthDate', target => "$event/dob");
is $twice->code, 400, 'C2 the same row twice';
like text($twice), qr/This goes into "dob" already/, '… is refused';
my $taken = send_form(alice => form(screen('alice'), 'project'), target => "$event/dob");
is $taken->code, 400, 'C2 an identifier that is mapped to something else is refused';
$page = screen(alice => '/row', id => row_id('body_weight'));
is_deeply [ map { chosen($page, $_) } qw(source target temporal_field preselect direction) ], [ '29463-7', "$event/body_weight", 'visit_date', 'MAX', '+-' ],
    'C2 a row is changed as it is';
my $id = row_id('body_weight');
$page = screen(alice => '/row', id => $id, q => 'sodium', f => 'na');
is chosen($page, 'source'), '29463-7', '… and stays so while somebody searches';
send_form(alice => form($page, 'row'), preselect => 'NEAR', unit => '', days => '', direction => '+');
is_deeply mapping()->{fields}, [ { %weight{qw(source event field temporal_field)}, preselect => 'NEAR' }, \%birth ], '… and is saved in its place';
is row_id('body_weight'), $id, '… under its id';
is screen(alice => '/row', id => $_)->code, 404, "a row that is not there: $_" for 99_999, 'x', '1 OR 1=1';

# What has gone bad since is told, and keeps nobody from mending it
$pg->dbh->do("UPDATE smartlaunch.cdp_mapping SET field = 'gone' || id WHERE project = 'study' AND NOT is_identifier");
$page = screen('alice');
is scalar(() = text($page) =~ /The project has no field "gone/g), 2, 'C2 rows that cannot be used any more say why';
send_form(alice => form(screen(alice => '/row', id => $id), 'row'), target => "$event/body_weight");
is_deeply [ map { $_->{field} =~ s/\d+//r } @{ mapping()->{fields} } ], [qw(body_weight gone)], 'C2 one can be mended while the other is not';
my ($bad) = $pg->value("SELECT id FROM smartlaunch.cdp_mapping WHERE project = 'study' AND removed_at IS NULL AND field LIKE 'gone%'");
$page = send_form(alice => form(screen(alice => '/row', id => $bad), 'remove'));
like text($page), qr/The row is removed/, '… and the other removed';
is_deeply [ map { $_->{field} } @{ mapping()->{fields} } ], ['body_weight'], '… for good';

# CSV

send_form(alice => form(screen(alice => '/row'), 'row'), source => 'gender', target => "$event/sex");
my $export = screen(alice => '/mapping.csv');
is $export->header('Content-Type'), 'text/csv; charset=utf-8', 'C2 the export is CSV';
is $export->header('Content-Disposition'), 'attachment; filename="study-mapping.csv"', '… with a name';
my $csv = $export->content;
is $csv, join('', map { "$_\r\n" } 'external_source_field_name,is_record_identifier,field_name,temporal_field,preselect,event_name',
    "id,1,mrn,,,$event", "29463-7,,body_weight,visit_date,NEAR,$event", "gender,,sex,,,$event"), 'C2 … in the columns of REDCap';
my $settings = { %{ mapping() }, fields => [] };
$page = send_form(alice => form(screen('alice'), 'import'), text => $csv =~ s/^gender.*\n//mr);
like text($page), qr/The mapping is imported/, 'C2 a CSV is imported';
is scalar @{ mapping()->{fields} }, 1, '… with all of its rows and no other';
is_deeply { %{ mapping() }, fields => [] }, $settings, '… and the settings stay';
sub upload {
    my ($bytes) = @_;
    my $form = form(screen('alice'), 'import');
    my $file = $form->find_input('file');
    $file->filename('mapping "1".csv');
    $file->headers('Content-Type' => 'text/csv');
    $file->content($bytes);
    return send_form(alice => $form);
}
is upload("\xef\xbb\xbf" . $csv =~ tr/,/;/r)->code, 200, 'C2 a file as spreadsheets write it is taken';
is screen(alice => '/mapping.csv')->content, $csv, 'C2 … and the export is equal';
$revision = revision();
for my $way ([ 'a text' => sub { send_form(alice => form(screen('alice'), 'import'), text => $_[0]) } ], [ 'a file' => \&upload ]) {
    my $r = $way->[1]->($csv . "birthDate,,<b>nothing,,,$event\r\n718-7,,na,,,$event\r\n");
    is $r->code, 400, "C2 $way->[0] with rows that cannot be used";
    like text($r), qr/Nothing was imported.*Row.*5 .*has no field.*6 .*name the date field/, 'C2 … names them';
    is revision(), $revision, 'C2 … and nothing is imported';
    unlike $r->decoded_content, qr/<b>nothing/, 'H5 … and markup in it is escaped';
    like $r->decoded_content, qr{<textarea[^>]*>\s*external_source_field_name,.*718-7,,na}s, '… and it can be mended where it is';
}
is send_form(alice => form(screen('alice'), 'import'), text => $_)->code, 400, 'C2 an import of nothing: ' . (length ? 'words' : 'empty') for '', 'x y z';
is upload("\xff\xfe\x00a")->code, 400, 'C2 nor of bytes that are no text';
my $import = form(screen('alice'), 'import');
my $multipart = $import->make_request;
my @import = ($import->action, method => 'POST', type => $multipart->header('Content-Type'));
is $who{alice}{window}->nav(@import, body => substr $multipart->content, 0, -12)->code, 400, 'an import that is cut off';
is $who{alice}{window}->nav(@import, body => 'token=x', type => 'application/x-www-form-urlencoded')->code, 400, 'an import that is no file\'s form';
is $who{alice}{window}->nav(@import, body => "--x--\r\n", type => 'multipart/form-data; boundary=x')->code, 403, 'an import without a token';
is revision(), $revision, '… change nothing';

# Rights

$page = screen('alice');
$page = send_form(alice => form($page, 'give'), user => ' carol <i> ', setup => 'yes', adjudicate => 'yes');
like text($page), qr/The right is given/, 'C1 a right is given';
is rights(), 'alice setup, bob adjudicate, carol <i> adjudicate, carol <i> setup', '… both of them';
unlike $page->decoded_content, qr/<i>/, 'H5 names are escaped';
is $pg->value("SELECT granted_by FROM smartlaunch.cdp_right WHERE app_user LIKE 'carol%' LIMIT 1"), 'alice', '… and who gave it is known';
my @take = grep { $_->{user} =~ /carol/ && $_->{right} eq 'setup' } map { my $f = form($page, 'take', $_); $f ? { which => $_, $f->form } : () } 0 .. 9;
$page = send_form(alice => form($page, 'take', $take[0]{which}));
is rights(), 'alice setup, bob adjudicate, carol <i> adjudicate', 'C1 a right is taken back';
is send_form(alice => form($page, 'give'), @$_)->code, 400, "C1 no right for nobody: @$_"
    for [ user => '', setup => 'yes' ], [ user => 'dave' ], [ user => 'SYSTEM', setup => 'yes' ], [ user => "a\tb", adjudicate => 'yes' ];
my $own = send_form(alice => form(screen('alice'), 'take'), user => 'alice', right => 'setup');
is $own->code, 400, 'C1 nobody shuts the door behind himself';
is rights(), 'alice setup, bob adjudicate, carol <i> adjudicate', '… nothing has changed';

# Forms that are not ours

$page = screen('alice');
my %token = map { my $f = form($page, $_); $_ => $f->value('token') } qw(project give import);
my $row = form(screen(alice => '/row'), 'row');
my $before = revision() . rights();
for my $case ([ 'without a token' => undef ], [ 'with a guess' => 'x' x 43 ], [ 'with the token of another form' => $token{project} ]) {
    my %values = ($row->form, source => 'gender', target => "$event/sex", token => $case->[1] // '');
    delete $values{token} if !defined $case->[1];
    is $who{alice}{window}->post($row->action, \%values)->code, 403, "H3 a row $case->[0]";
}
$cdp->grant(bob => 'setup');
my %bobs = (form(screen('bob'), 'give')->form, user => 'mallory', setup => 'yes');
is $who{alice}{window}->post(address(alice => '/give'), \%bobs)->code, 403, 'H3 the token of another user';
$pg->dbh->do("DELETE FROM smartlaunch.cdp_right WHERE project = 'study' AND app_user = 'bob' AND may = 'setup'");
my %mine = (form($page, 'give')->form, user => 'mallory', setup => 'yes');
is $w->browser->frame($w->ehr->base . '/')->post(address(alice => '/give'), \%mine)->code, 403, 'H3 a form of another site';
is $who{alice}{window}->post(address(alice => '/give', project => 'believed'), \%mine)->code, 403, 'H3 the token of another project';
is $who{alice}{window}->nav(address(alice => '/give'), method => 'POST', body => 'x=%zz', type => 'application/x-www-form-urlencoded')->code, 400, 'a form that cannot be read';
is $who{alice}{window}->nav(address(alice => '/give'), method => 'POST', body => '{}', type => 'application/json')->code, 400, '… or is none';
is revision() . rights(), $before, 'H3 none of them changed anything';

# Two at once

my $old = screen(alice => '/row');
my ($old_project, $old_import, $old_row) = (form(screen('alice'), 'project'), form(screen('alice'), 'import'), form(screen(alice => '/row', id => row_id('sex')), 'remove'));
send_form(alice => form(screen(alice => '/row'), 'row'), source => 'birthDate', target => "$event/dob");
$revision = revision();
for my $case ([ 'a row' => form($old, 'row'), source => 'name-given', target => "$event/first_name" ], [ 'settings' => $old_project, days => 3 ],
    [ 'an import' => $old_import, text => $csv ], [ 'a removal' => $old_row ]) {
    my ($name, @form) = @$case;
    my $r = send_form(alice => @form);
    is $r->code, 409, "H3 $name of a mapping that was saved meanwhile";
    like text($r), qr/You have saved the mapping in another window, at \d{4}-\d\d-\d\d \d\d:\d\d, while this page was open\. Nothing of this page was saved/, '… says who and when';
    like text($r), qr/Date of birth/, '… shows how it is now' if $name ne 'a row';
    if ($name eq 'a row') {
        my $again = form($r, 'row');
        is join(' ', $again->value('source'), $again->value('target')), "name-given $event/first_name", '… keeps what was typed';
        isnt $again->value('revision'), form($old, 'row')->value('revision'), '… in a form for the mapping as it is now';
    }
    is form($r, 'import')->value('text') =~ s/^\n|\r//gr, $csv =~ s/\r//gr, '… keeps the text' if $name eq 'an import';
}
$pg->dbh->do("UPDATE smartlaunch.cdp_project SET updated_by = 'carol <i>', updated_at = to_timestamp(1700000000) WHERE project = 'study'");
my $gone = send_form(alice => form($old, 'row'), id => row_id('sex') + 1000, source => 'name-given', target => "$event/first_name");
my $then = POSIX::strftime('%Y-%m-%d %H:%M', localtime 1_700_000_000);
like text($gone), qr/carol <i> has saved the mapping while your page was open, at $then\. Nothing of yours was saved/, 'H3 … with the name of another user, as a text';
is form($gone, 'row')->value('id') // '', '', '… a row that is gone by now is a new one';
is revision(), $revision, 'H3 … and saves nothing';

# An application that does not tell its fields

$page = screen(alice => '', project => 'believed');
$page = send_form(alice => form($page, 'project'), field => 'mrn', event => 'e1');
is $page->code, 200, 'CDP-MAP names are typed where the application does not tell';
$page = send_form(alice => form(screen(alice => '/row', project => 'believed'), 'row'), source => '29463-7', field => 'weight', event => 'e1', temporal_field => 'visit');
is_deeply mapping('believed')->{fields}, [ { source => '29463-7', event => 'e1', field => 'weight', temporal_field => 'visit' } ], '… and believed';
my $typed = send_form(alice => form(screen(alice => '/row', project => 'believed'), 'row'), source => 'birthDate', field => '=1+1', event => 'e1');
is $typed->code, 400, '… but for what a spreadsheet would take for a formula';

# As many rows as there may be
my @many = map { "birthDate,,field_$_,,,e1\r\n" } 1 .. 2001;
my $head = "external_source_field_name,is_record_identifier,field_name,temporal_field,preselect,event_name\r\nid,1,mrn,,,e1\r\n";
my $too_many = send_form(alice => form(screen(alice => '', project => 'believed'), 'import'), text => $head . join '', @many);
is $too_many->code, 400, 'CDP-MAP 2001 rows are too many';
like text($too_many), qr/2000 fields at most/, '… in words';
my $all = send_form(alice => form($too_many, 'import'), text => $head . join '', @many[ 0 .. 1999 ]);
is $all->code, 200, 'CDP-MAP 2000 rows are not';
is scalar(() = $all->decoded_content =~ />Change</g), 2001, '… and all are shown, under their heading';
is send_form(alice => form(screen(alice => '/row', project => 'believed'), 'row'), source => 'gender', field => 'sex', event => 'e1')->code, 400, '… and one more is refused';

# … or is away

$page = screen(alice => '', project => 'away');
is $page->code, 200, 'while the application is away the setup is shown';
like text($page), qr/could not be asked for the project's fields just now/, '… and says so';
my $away = send_form(alice => form($page, 'project'), field => 'mrn');
is $away->code, 502, '… and saves nothing';
is revision('away'), 0, '… at all';
is send_form(alice => form($page, 'give'), user => 'dave', setup => 'yes')->code, 200, 'rights do not need it';

done();
