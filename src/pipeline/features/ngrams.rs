//! Texts to sparse rows: hashed word 1–2-grams and character 3–5-grams.
//!
//! Hashing (Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", 2009) needs no vocabulary, so that
//! a row never depends on the other texts; the sign lets collisions cancel on average.

use super::matrix::SparseRow;
use unicode_normalization::UnicodeNormalization;

/// The width of the rows. 2¹⁸ keeps collisions rare for tens of thousands of short texts; a head stores only weights.
pub const NGRAM_COLUMNS: usize = 1 << 18;

/// Character n-grams have this many characters.
const CHARACTERS: std::ops::RangeInclusive<usize> = 3..=5;

// Fowler–Noll–Vo 1a, 64 bits: grows by one byte at a time, so that all n-grams from one start cost one pass.
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;
/// Start states: a word and an equal run of characters are different features.
const WORD_SEED: u64 = FNV_OFFSET;
const CHARACTER_SEED: u64 = FNV_OFFSET ^ 0x5bd1_e995_0000_0000;

/// The n-grams of a text as a row of [`NGRAM_COLUMNS`] columns: its word part and its character part weigh
/// the same, the whole has unit length (no entry for a text of nothing but spaces).
///
/// The text is put in compatibility form (NFKC) and lower case. A word is a run of letters and digits (with inner
/// apostrophes). Character n-grams stay within what whitespace divides, padded by a space at either end
/// (scikit-learn's `char_wb`). Counts c enter as 1 + ln c.
pub fn ngram_row(text: &str) -> SparseRow {
    let text: String = text.nfkc().flat_map(char::to_lowercase).collect();
    let mut entries = weighted(word_ngrams(&text));
    entries.extend(weighted(character_ngrams(&text)));
    let mut row = combined(entries);
    let length = row.values.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length > 0.0 {
        row.values.iter_mut().for_each(|value| *value /= length);
    }
    row
}

fn grow(state: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(state, |state, &byte| (state ^ u64::from(byte)).wrapping_mul(FNV_PRIME))
}

fn word_ngrams(text: &str) -> Vec<u64> {
    let mut hashes = Vec::with_capacity(text.len() / 2);
    let mut before: Option<u64> = None;
    let inside = |character: char| character.is_alphanumeric() || character == '\'' || character == '’';
    for word in text.split(|character| !inside(character)) {
        let word = word.trim_matches(|character| character == '\'' || character == '’');
        if word.is_empty() {
            continue;
        }
        hashes.push(grow(WORD_SEED, word.as_bytes()));
        if let Some(before) = before {
            hashes.push(grow(before, word.as_bytes()));
        }
        before = Some(grow(grow(WORD_SEED, word.as_bytes()), b" "));
    }
    hashes
}

fn character_ngrams(text: &str) -> Vec<u64> {
    let mut hashes = Vec::with_capacity(text.len() * 3);
    let mut padded = String::new();
    let mut ends = Vec::new();
    for word in text.split_whitespace() {
        padded.clear();
        padded.push(' ');
        padded.push_str(word);
        padded.push(' ');
        ends.clear();
        ends.extend(padded.char_indices().map(|(at, character)| at + character.len_utf8()));
        for start in 0..ends.len() {
            let mut from = if start == 0 { 0 } else { ends[start - 1] };
            let mut state = CHARACTER_SEED;
            for (length, &end) in ends[start..].iter().take(*CHARACTERS.end()).enumerate() {
                state = grow(state, &padded.as_bytes()[from..end]);
                from = end;
                if CHARACTERS.contains(&(length + 1)) {
                    hashes.push(state);
                }
            }
        }
    }
    hashes
}

/// Counts equal hashes; returns (column, signed weight) with the weights of unit length.
fn weighted(mut hashes: Vec<u64>) -> Vec<(u32, f32)> {
    hashes.sort_unstable();
    let mut entries: Vec<(u32, f32)> = hashes
        .chunk_by(|a, b| a == b)
        .map(|equal| {
            let weight = 1.0 + (equal.len() as f32).ln();
            // FNV's low bits are its weakest: fold the state before cutting it into a column and a sign.
            let mixed = (equal[0] ^ (equal[0] >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
            let column = (mixed >> 40) as u32 & (NGRAM_COLUMNS as u32 - 1);
            (column, if mixed >> 63 == 0 { weight } else { -weight })
        })
        .collect();
    let length = entries.iter().map(|(_, weight)| weight * weight).sum::<f32>().sqrt();
    entries.iter_mut().for_each(|(_, weight)| *weight /= length);
    entries
}

/// Sorts by column and adds up what fell together.
fn combined(mut entries: Vec<(u32, f32)>) -> SparseRow {
    entries.sort_unstable_by_key(|&(column, _)| column);
    let mut row = SparseRow::default();
    for (column, weight) in entries {
        match (row.indices.last(), row.values.last_mut()) {
            (Some(&last), Some(value)) if last == column => *value += weight,
            _ => {
                row.indices.push(column);
                row.values.push(weight);
            }
        }
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The character n-grams as scikit-learn's `char_wb` lists them, each hashed whole.
    fn plain(word: &str) -> Vec<u64> {
        let padded: Vec<char> = format!(" {word} ").chars().collect();
        let windows =
            CHARACTERS.flat_map(|length| padded.windows(length).map(|window| window.iter().collect::<String>()));
        windows.map(|ngram| grow(CHARACTER_SEED, ngram.as_bytes())).collect()
    }

    #[test]
    fn character_ngrams_stay_within_words() {
        for word in ["a", "ab", "good", "naïve", "😀x"] {
            let (mut found, mut expected) = (character_ngrams(word), plain(word));
            found.sort_unstable();
            expected.sort_unstable();
            assert_eq!(found, expected, "{word}");
        }
        assert_eq!(character_ngrams("ab cd").len(), character_ngrams("ab").len() + character_ngrams("cd").len());
    }

    #[test]
    fn words_and_pairs_of_words_are_features() {
        let hash = |text: &str| grow(WORD_SEED, text.as_bytes());
        assert_eq!(
            word_ngrams("not good, don't!"),
            [hash("not"), hash("good"), hash("not good"), hash("don't"), hash("good don't"),]
        );
        assert_eq!(word_ngrams(" ' -- "), [0u64; 0]);
    }

    #[test]
    fn a_row_is_sorted_and_of_unit_length() {
        for text in ["x", "The food was great, great, GREAT!", &"many words here ".repeat(300)] {
            let row = ngram_row(text);
            assert!(row.indices.windows(2).all(|two| two[0] < two[1]));
            assert!(row.indices.iter().all(|&column| (column as usize) < NGRAM_COLUMNS));
            let length: f32 = row.values.iter().map(|value| value * value).sum();
            assert!((length - 1.0).abs() < 1e-4, "{length}");
        }
        assert_eq!(ngram_row(" \n"), SparseRow::default());
    }

    #[test]
    fn case_and_compatibility_forms_do_not_matter() {
        assert_eq!(ngram_row("ＧＯＯＤ ﬁlm"), ngram_row("good film"));
    }
}
