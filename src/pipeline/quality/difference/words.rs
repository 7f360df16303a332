//! Which words differ between two texts.

use std::collections::HashMap;
use unicode_normalization::char::is_combining_mark;

/// Most cells of the table that finds a longest common subsequence, over all of a comparison: a few milliseconds.
const MOST_CELLS: usize = 1 << 20;

/// What became of a piece from the left text to the right one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// In both.
    Same,
    /// Only in the left one.
    Removed,
    /// Only in the right one.
    Added,
}

/// Some words that follow each other, with all that is between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// As it stands in the text.
    pub text: String,
    /// What became of it.
    pub kind: Kind,
}

/// Both texts in pieces. Put together, a side's pieces are the text; neighbouring pieces differ in kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Same and removed.
    pub left: Vec<Piece>,
    /// Same and added.
    pub right: Vec<Piece>,
}

/// Compares two texts word by word; case and spaces count.
///
/// A word is a run of letters, digits and their marks, with inner apostrophes; a run of white space, each other character,
/// and each character of a script without spaces (Chinese, Japanese, Thai, …) is one by itself. What is the same is a
/// longest common subsequence. In long texts (more than about 1,000 by 1,000 words between where they begin and end to
/// differ), words that occur once in either are matched first (Cohen's patience diff), and what lies between and is still
/// too long counts as changed: the answer is right, but may be longer than need be.
pub fn word_difference(left: &str, right: &str) -> Difference {
    let (left_words, right_words) = (words(left), words(right));
    let mut matches = Vec::new();
    let mut cells = MOST_CELLS;
    align(&left_words, &right_words, (0, 0), true, &mut cells, &mut matches);
    let (mut left_same, mut right_same) = (vec![false; left_words.len()], vec![false; right_words.len()]);
    for (a, b) in matches {
        (left_same[a], right_same[b]) = (true, true);
    }
    Difference {
        left: pieces(&left_words, &left_same, Kind::Removed),
        right: pieces(&right_words, &right_same, Kind::Added),
    }
}

fn words(text: &str) -> Vec<&str> {
    #[derive(PartialEq, Clone, Copy)]
    enum Class {
        Word,
        Space,
        Single,
    }
    let class = |character: char| match character {
        _ if character.is_whitespace() => Class::Space,
        _ if is_combining_mark(character) => Class::Word,
        _ if character.is_alphanumeric() && !is_unspaced(character) => Class::Word,
        _ => Class::Single,
    };
    let mut words = Vec::new();
    let mut characters = text.char_indices().peekable();
    let mut start = 0;
    while let Some((_, character)) = characters.next() {
        let this = class(character);
        let Some(&(next_at, next)) = characters.peek() else { break };
        let goes_on = match (this, class(next)) {
            // Marks belong to what they stand on.
            (Class::Single, _) => is_combining_mark(next),
            (Class::Word, Class::Single) if matches!(next, '\'' | '’') => {
                // Inside a word only; the apostrophe is taken with what follows.
                let after = text[next_at + next.len_utf8()..].chars().next();
                let inner = after.is_some_and(|after| class(after) == Class::Word && !is_combining_mark(after));
                if inner {
                    characters.next();
                }
                inner
            }
            (this, next) => this == next,
        };
        if !goes_on {
            words.push(&text[start..next_at]);
            start = next_at;
        }
    }
    if start < text.len() {
        words.push(&text[start..]);
    }
    words
}

/// Whether the character is of a script that puts no spaces between words.
fn is_unspaced(character: char) -> bool {
    matches!(u32::from(character),
        0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1780..=0x17FF | 0x3040..=0x30FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF
        | 0xF900..=0xFAFF | 0x20000..=0x3FFFF)
}

/// Adds the places of words that are the same; `at` is where the slices begin in their texts.
fn align(
    left: &[&str],
    right: &[&str],
    at: (usize, usize),
    anchors: bool,
    cells: &mut usize,
    matches: &mut Vec<(usize, usize)>,
) {
    let prefix = left.iter().zip(right).take_while(|(a, b)| a == b).count();
    matches.extend((0..prefix).map(|place| (at.0 + place, at.1 + place)));
    let (left, right) = (&left[prefix..], &right[prefix..]);
    let at = (at.0 + prefix, at.1 + prefix);
    let suffix = left.iter().rev().zip(right.iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, b) = (left.len() - suffix, right.len() - suffix);
    matches.extend((0..suffix).map(|place| (at.0 + a + place, at.1 + b + place)));
    let (left, right) = (&left[..a], &right[..b]);
    if a == 0 || b == 0 {
        return;
    }
    if a * b <= *cells {
        *cells -= a * b;
        longest_common(left, right, at, matches);
    } else if anchors {
        let (mut from_left, mut from_right) = (0, 0);
        let unique = unique_in_both(left, right);
        for &(a, b) in &unique {
            matches.push((at.0 + a, at.1 + b));
            let start = (at.0 + from_left, at.1 + from_right);
            align(&left[from_left..a], &right[from_right..b], start, false, cells, matches);
            (from_left, from_right) = (a + 1, b + 1);
        }
        let start = (at.0 + from_left, at.1 + from_right);
        align(&left[from_left..], &right[from_right..], start, false, cells, matches);
    }
}

/// Places of a longest common subsequence, by dynamic programming from the end (Wagner & Fischer, 1974). A word counts for
/// more than the space beside it.
fn longest_common(left: &[&str], right: &[&str], at: (usize, usize), matches: &mut Vec<(usize, usize)>) {
    let width = right.len() + 1;
    let weight = |word: &str| if word.starts_with(char::is_whitespace) { 1 } else { 4 };
    let mut lengths = vec![0u32; (left.len() + 1) * width];
    for a in (0..left.len()).rev() {
        for b in (0..right.len()).rev() {
            lengths[a * width + b] = if left[a] == right[b] {
                lengths[(a + 1) * width + b + 1] + weight(left[a])
            } else {
                lengths[(a + 1) * width + b].max(lengths[a * width + b + 1])
            };
        }
    }
    let (mut a, mut b) = (0, 0);
    while a < left.len() && b < right.len() {
        if left[a] == right[b] {
            matches.push((at.0 + a, at.1 + b));
            (a, b) = (a + 1, b + 1);
        } else if lengths[(a + 1) * width + b] >= lengths[a * width + b + 1] {
            a += 1;
        } else {
            b += 1;
        }
    }
}

/// Places of words that occur once in either text, as many as are in the same order in both.
fn unique_in_both(left: &[&str], right: &[&str]) -> Vec<(usize, usize)> {
    let places = |words: &[&str]| {
        let mut places: HashMap<String, Option<usize>> = HashMap::new();
        for (place, word) in words.iter().enumerate() {
            places.entry(word.to_string()).and_modify(|known| *known = None).or_insert(Some(place));
        }
        places
    };
    let (in_left, in_right) = (places(left), places(right));
    let mut pairs: Vec<(usize, usize)> =
        in_left.iter().filter_map(|(word, place)| Some(((*place)?, (*in_right.get(word)?)?))).collect();
    pairs.sort_unstable();
    // The longest run of rising right places: for each length the lowest end, and each pair's predecessor.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (index, &(_, b)) in pairs.iter().enumerate() {
        let length = ends.partition_point(|&end| pairs[end].1 < b);
        before.push(length.checked_sub(1).map(|last| ends[last]));
        if length == ends.len() {
            ends.push(index);
        } else {
            ends[length] = index;
        }
    }
    let mut chain = Vec::new();
    let mut at = ends.last().copied();
    while let Some(index) = at {
        chain.push(pairs[index]);
        at = before[index];
    }
    chain.reverse();
    chain
}

fn pieces(words: &[&str], same: &[bool], otherwise: Kind) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for (word, &same) in words.iter().zip(same) {
        let kind = if same { Kind::Same } else { otherwise };
        match pieces.last_mut() {
            Some(piece) if piece.kind == kind => piece.text.push_str(word),
            _ => pieces.push(Piece { text: word.to_string(), kind }),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A side as text: `[changed]` in brackets.
    fn marked(pieces: &[Piece]) -> String {
        let mark = |piece: &Piece| match piece.kind {
            Kind::Same => piece.text.clone(),
            Kind::Removed | Kind::Added => format!("[{}]", piece.text),
        };
        pieces.iter().map(mark).collect()
    }

    #[test]
    fn words_that_differ_are_marked() {
        for (left, right, left_marked, right_marked) in [
            ("the cat sat", "the dog sat", "the [cat] sat", "the [dog] sat"),
            ("same", "same", "same", "same"),
            ("", "new", "", "[new]"),
            ("a b c d", "a c d e", "a [b ]c d", "a c d[ e]"),
            ("don't stop", "don’t stop", "[don't] stop", "[don’t] stop"),
            ("'quoted' word", "quoted word", "[']quoted['] word", "quoted word"),
            ("Good food", "good  food", "[Good ]food", "[good  ]food"),
            ("price 10.5 €", "price 10.7 €", "price 10.[5] €", "price 10.[7] €"),
            ("東京に行く", "京都に行く", "[東]京に行く", "京[都]に行く"),
            ("cafe\u{301} bar", "cafe bar", "[cafe\u{301}] bar", "[cafe] bar"),
            ("x x x y", "y x x x", "x x x[ y]", "[y ]x x x"),
        ] {
            let found = word_difference(left, right);
            assert_eq!((marked(&found.left).as_str(), marked(&found.right).as_str()), (left_marked, right_marked));
        }
    }

    fn check(left: &str, right: &str) -> Difference {
        let found = word_difference(left, right);
        let text = |pieces: &[Piece], kinds: &[Kind]| -> String {
            pieces.iter().filter(|piece| kinds.contains(&piece.kind)).map(|piece| piece.text.as_str()).collect()
        };
        assert_eq!(text(&found.left, &[Kind::Same, Kind::Removed]), left);
        assert_eq!(text(&found.right, &[Kind::Same, Kind::Added]), right);
        assert_eq!(text(&found.left, &[Kind::Same]), text(&found.right, &[Kind::Same]));
        found
    }

    proptest! {
        #[test]
        fn the_pieces_are_the_texts_and_what_is_the_same_is_in_both(left in "[ab .'é京]{0,30}", right in "[ab .'é京]{0,30}") {
            check(&left, &right);
        }
    }

    #[test]
    fn long_texts_are_compared_in_bounded_time() {
        // 20,000 words of a vocabulary of 5,000, with a word here and there replaced.
        let word = |place: usize| format!("w{}", place.wrapping_mul(2_654_435_761) % 5_000);
        let left: Vec<String> =
            (0..20_000).map(|place| if place % 20 == 3 { format!("u{place}") } else { word(place) }).collect();
        let mut right = left.clone();
        for place in (50..20_000).step_by(100) {
            right[place] = "changed".into();
        }
        let found = check(&left.join(" "), &right.join(" "));
        let changed: usize = found.right.iter().filter(|piece| piece.kind == Kind::Added).count();
        assert_eq!(changed, 200, "anchors keep the alignment");
        // Nothing is unique: all between the ends counts as changed, and it ends.
        let left = "a b ".repeat(20_000);
        let found = check(&format!("{left}x"), &format!("c {left}"));
        assert_eq!(found.right.len(), 1);
    }
}
