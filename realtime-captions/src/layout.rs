use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::Segment;

/// Limits on the size of a caption on the screen: lines and columns.
///
/// Lines are broken at white space, and next to wide characters such as Chinese and Japanese ones. A word longer than a
/// line is split between grapheme clusters. A segment that needs more lines becomes several cues, which divide its time in
/// proportion to the length of their text.
///
/// # Examples
/// ```
/// use realtime_captions::{Layout, Segment};
///
/// let said = Segment::new(0, 2_000, "Is the kitchen still open at this hour?");
/// let cues = Layout::new(20, 1).apply(&[said]);
/// assert_eq!(cues.iter().map(|cue| &*cue.text).collect::<Vec<_>>(), ["Is the kitchen still", "open at this hour?"]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Layout {
    /// Maximum number of columns per line. A grapheme cluster takes one column, or two if it is wide: East Asian wide or
    /// fullwidth, or an emoji.
    pub max_columns: usize,
    /// Maximum number of lines per cue.
    pub max_lines: usize,
}

/// Returns two lines of 42 columns, the convention of broadcasters.
impl Default for Layout {
    fn default() -> Self {
        Self::new(42, 2)
    }
}

impl Layout {
    /// Sets the maximum number of columns per line and of lines per cue.
    pub fn new(max_columns: usize, max_lines: usize) -> Self {
        Self { max_columns, max_lines }
    }

    /// Splits segments into cues: segments whose text contains the line breaks.
    ///
    /// The cues of a segment follow each other within its time, and each lasts at least a millisecond. If a segment has fewer
    /// milliseconds than it needs cues, its cues have more lines.
    pub fn apply(&self, segments: &[Segment]) -> Vec<Segment> {
        segments.iter().flat_map(|segment| self.cues(segment)).collect()
    }

    fn cues(&self, segment: &Segment) -> Vec<Segment> {
        let lines: Vec<_> = segment.lines().flat_map(|line| self.wrap(&line)).collect();
        let ms = segment.end_ms.saturating_sub(segment.start_ms);
        let most_cues = usize::try_from(ms).unwrap_or(usize::MAX).max(1);
        let lines_a_cue = self.max_lines.max(1).max(lines.len().div_ceil(most_cues));
        let cues: Vec<_> = lines.chunks(lines_a_cue).collect();
        let widths: Vec<u64> = cues.iter().map(|lines| lines.iter().map(|line| columns(line) as u64).sum()).collect();
        let (all, count) = (widths.iter().sum::<u64>().max(1), cues.len() as u64);
        let (mut start_ms, mut shown) = (segment.start_ms, 0);
        let cue = |(number, (lines, width)): (u64, (&&[String], &u64))| {
            shown += width;
            // Leaves time for the cues that follow: a millisecond each, if there are enough.
            let share = u128::from(ms) * u128::from(shown) / u128::from(all);
            let end_ms = segment.start_ms.saturating_add(u64::try_from(share).unwrap_or(ms));
            let end_ms =
                end_ms.min(segment.end_ms.saturating_sub(count - 1 - number)).max(start_ms + u64::from(ms > 0));
            let end_ms = if number + 1 == count { segment.end_ms } else { end_ms };
            let cue = Segment { start_ms, end_ms, text: lines.join("\n"), speaker: segment.speaker.clone() };
            start_ms = end_ms;
            cue
        };
        (0..).zip(cues.iter().zip(&widths)).map(cue).collect()
    }

    /// Breaks a line in which runs of white space are collapsed.
    fn wrap(&self, line: &str) -> Vec<String> {
        let clusters: Vec<(&str, usize)> = line.graphemes(true).map(|cluster| (cluster, width(cluster))).collect();
        let mut lines = Vec::new();
        let mut rest = &*clusters;
        while !rest.is_empty() {
            let (line, after) = rest.split_at(self.first_line(rest));
            let text: String = line.iter().map(|(cluster, _)| *cluster).collect();
            lines.push(text.trim_end_matches(' ').into());
            let spaces = after.iter().take_while(|(cluster, _)| *cluster == " ").count();
            rest = after.get(spaces..).unwrap_or_default();
        }
        lines
    }

    /// Number of clusters in the first line: at least one.
    fn first_line(&self, clusters: &[(&str, usize)]) -> usize {
        let mut columns = 0;
        let fits = clusters
            .iter()
            .take_while(|(_, width)| {
                columns += width;
                columns <= self.max_columns
            })
            .count();
        if fits == clusters.len() {
            return fits;
        }
        let may_break =
            |at: &usize| match (at.checked_sub(1).and_then(|before| clusters.get(before)), clusters.get(*at)) {
                (Some(before), Some(after)) => before.0 == " " || after.0 == " " || before.1 > 1 || after.1 > 1,
                _ => false,
            };
        (1..=fits).rev().find(may_break).unwrap_or(fits.max(1))
    }
}

/// Width of a line in columns.
fn columns(line: &str) -> usize {
    line.graphemes(true).map(width).sum()
}

/// Width of a grapheme cluster in columns. Pictographs count as wide even if their single characters are not.
fn width(cluster: &str) -> usize {
    let pictograph = |character: char| matches!(character, '\u{fe0f}' | '\u{20e3}' | '\u{1f000}'..='\u{1faff}');
    if cluster.width() > 1 && cluster.chars().any(is_wide) || cluster.chars().any(pictograph) { 2 } else { 1 }
}

/// Whether a single character is wide. A cluster of several narrow letters takes one column.
fn is_wide(character: char) -> bool {
    unicode_width::UnicodeWidthChar::width(character) > Some(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wrapped(columns: usize, text: &str) -> Vec<String> {
        Layout::new(columns, 2).wrap(text)
    }

    #[test]
    fn lines_are_broken_at_spaces_and_beside_wide_characters() {
        assert_eq!(wrapped(10, "one two three four"), ["one two", "three four"]);
        assert_eq!(wrapped(6, "予約は七時に"), ["予約は", "七時に"]);
        assert_eq!(wrapped(5, "予約は七時に"), ["予約", "は七", "時に"]);
        assert_eq!(wrapped(4, "ab予約"), ["ab予", "約"]);
        assert_eq!(wrapped(5, "abcdefgh ij"), ["abcde", "fgh", "ij"]);
        assert_eq!(wrapped(4, "👩‍👩‍👧‍👦👍🏽🇳🇴"), ["👩‍👩‍👧‍👦👍🏽", "🇳🇴"]);
        // Combining marks take no column.
        assert_eq!(wrapped(4, "e\u{301}te\u{301} a\u{300}"), ["e\u{301}te\u{301}", "a\u{300}"]);
        // A cluster wider than a line gets its own line.
        assert_eq!(wrapped(1, "予約"), ["予", "約"]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_cluster_cut_and_the_times_are_in_order(
            text in "([a-z]{1,9}|[ぁ-ん]{1,6}|👩‍👩‍👧‍👦|🇳🇴|e\u{301}| |\n){0,60}",
            columns in 2usize..50, lines in 1usize..4, start in 0u64..5000, length in 1u64..20_000,
        ) {
            let segment = Segment::new(start, start + length, text.as_str());
            let layout = Layout::new(columns, lines);
            let cues = layout.apply(std::slice::from_ref(&segment));
            let bare = |text: &str| text.split_whitespace().collect::<String>();
            let joined: String = cues.iter().map(|cue| bare(&cue.text)).collect();
            prop_assert_eq!(joined, bare(&text));
            let clusters: Vec<&str> = text.graphemes(true).filter(|cluster| !cluster.trim().is_empty()).collect();
            let shown: Vec<&str> = cues
                .iter()
                .flat_map(|cue| cue.text.graphemes(true))
                .filter(|cluster| !cluster.trim().is_empty())
                .collect();
            prop_assert_eq!(shown, clusters);
            let mut before = start;
            for cue in &cues {
                prop_assert!(before <= cue.start_ms && cue.start_ms < cue.end_ms && cue.end_ms <= start + length);
                before = cue.end_ms;
                prop_assert!(cue.text.lines().all(|line| super::columns(line) <= columns));
                prop_assert!(length < 60 || cue.text.lines().count() <= lines);
            }
        }
    }
}
