# SPDX-License-Identifier: Apache-2.0
# The figures as a picture: bars, in SVG.
package Bench::Plot;
use strict;
use warnings;
use Exporter qw(import);
use List::Util qw(max);

our @EXPORT_OK = qw(plot);

my ($width, $names, $bars, $line) = (960, 250, 330, 26);

# plot([ title, [ [ name, value, text behind the bar ], … ] ], …, below => text): SVG. Every group
# has a scale of its own.
sub plot {
    my ($foot, @groups) = @_;
    my ($y, $inside) = (24, '');
    for my $group (@groups) {
        my ($title, $rows) = @$group;
        $inside .= _text(16, $y, $title, 'font-weight="bold"');
        $y += 14;
        my $most = max(map { $_->[1] } @$rows) || 1;
        for my $row (@$rows) {
            $inside .= _bar($y, $most, @$row);
            $y += $line;
        }
        $y += 30;
    }
    $inside .= _text(16, $y, $foot, 'fill="#555"');
    $y += 20;
    return <<"SVG";
<svg xmlns="http://www.w3.org/2000/svg" width="$width" height="$y" viewBox="0 0 $width $y" font-family="sans-serif" font-size="13">
<rect width="$width" height="$y" fill="#fff"/>
$inside</svg>
SVG
}

sub _bar {
    my ($y, $most, $name, $value, $label) = @_;
    my $long = sprintf '%.1f', $bars * $value / $most;
    my $colour = $name =~ /^(?:gateway|app)/ ? '#0b6e6e' : '#9aa5b1';
    return qq{<rect x="$names" y="$y" width="$long" height="18" fill="$colour"/>\n}
        . _text($names - 8, $y + 14, $name, 'text-anchor="end"')
        . _text($names + 8 + $long, $y + 14, $label);
}

sub _text {
    my ($x, $y, $text, $more) = @_;
    my %named = ('&' => '&amp;', '<' => '&lt;', '>' => '&gt;');
    $text =~ s/([&<>])/$named{$1}/g;
    $more = defined $more ? " $more" : '';
    return qq{<text x="$x" y="$y"$more>$text</text>\n};
}

1;
