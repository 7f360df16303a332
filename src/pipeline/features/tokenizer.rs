//! Llama's byte-pair tokenizer: from a text to the numbers of its tokens.
//!
//! Reimplements what Hugging Face `tokenizers` does with WordLlama's `l2_supercat` configuration, for plain text:
//! names of control tokens such as `<s>` are text like any other here, since no text may spell them.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// What a space is turned into, and what every text is prefixed with.
const SPACE: char = '▁';
/// The token of byte 0; those of the other bytes follow.
const FIRST_BYTE_TOKEN: u32 = 3;

/// The vocabulary and the merges that follow from it.
#[derive(Debug, Clone)]
pub struct Tokenizer {
    characters: HashMap<char, u32>,
    /// (left, right) → the token both make together and the rank of that merge, lowest first.
    merges: HashMap<u32, Merge, BuildHasherDefault<PairHasher>>,
    tokens: usize,
}

#[derive(Debug, Clone, Copy)]
struct Merge {
    rank: u64,
    token: u32,
}

/// The bytes are not a vocabulary.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the tokenizer cannot be read: {problem} at byte {position}; install it again with `cargo xtask models`")]
pub struct TokenizerError {
    /// What is wrong.
    pub problem: &'static str,
    /// Where.
    pub position: usize,
}

impl Tokenizer {
    /// Reads a vocabulary: each token's length in bytes as one byte, then its UTF-8, in the order of their numbers.
    ///
    /// In this vocabulary every way to cut a token into two tokens is a merge, ranked by the number of the token it
    /// makes, then of its left part; runs of spaces come last (`xtask/models/convert_text.py` checks it). So the merges need not be stored.
    ///
    /// # Errors
    /// [`TokenizerError`] for bytes that are no such list.
    pub fn load(bytes: &[u8]) -> Result<Tokenizer, TokenizerError> {
        let tokens = read_tokens(bytes)?;
        let numbers: HashMap<&str, u32> = tokens.iter().zip(0..).map(|(&token, number)| (token, number)).collect();
        let mut characters = HashMap::new();
        let mut merges: HashMap<u32, Merge, _> = HashMap::default();
        for (&token, number) in tokens.iter().zip(0u32..).skip(FIRST_BYTE_TOKEN as usize + 256) {
            let mut cuts = token.char_indices().skip(1).peekable();
            if cuts.peek().is_none() {
                characters.extend(token.chars().next().map(|only| (only, number)));
            }
            let spaces = u64::from(token.chars().all(|character| character == SPACE));
            for (cut, _) in cuts {
                let (left, right) = token.split_at(cut);
                if let (Some(&left), Some(&right)) = (numbers.get(left), numbers.get(right)) {
                    let rank = spaces << 48 | u64::from(number) << 32 | u64::from(left) << 16 | u64::from(right);
                    merges.insert(pair(left, right), Merge { rank, token: number });
                }
            }
        }
        Ok(Tokenizer { characters, merges, tokens: tokens.len() })
    }

    /// How many tokens there are; every number returned is below it.
    pub fn len(&self) -> usize {
        self.tokens
    }

    /// Whether there is no token.
    pub fn is_empty(&self) -> bool {
        self.tokens == 0
    }

    /// The numbers of a text's tokens; none for an empty text.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        let mut tokens = Vec::with_capacity(text.len() / 3 + 1);
        if text.is_empty() {
            return tokens;
        }
        let mut piece = Vec::new();
        let mut before = SPACE;
        self.push_character(SPACE, &mut piece);
        for character in text.chars().map(|character| if character == ' ' { SPACE } else { character }) {
            // No token has a space after anything but spaces, so nothing merges across the start of a run of spaces.
            if character == SPACE && before != SPACE {
                self.merge(&mut piece, &mut tokens);
            }
            self.push_character(character, &mut piece);
            before = character;
        }
        self.merge(&mut piece, &mut tokens);
        tokens
    }

    /// The token of a character, or where it has none those of its bytes.
    fn push_character(&self, character: char, piece: &mut Vec<u32>) {
        match self.characters.get(&character) {
            Some(&token) => piece.push(token),
            None => {
                let mut bytes = [0; 4];
                let bytes = character.encode_utf8(&mut bytes).bytes();
                piece.extend(bytes.map(|byte| FIRST_BYTE_TOKEN + u32::from(byte)));
            }
        }
    }

    /// Applies the best merge until none is left, then moves the piece to the end of `tokens`.
    fn merge(&self, piece: &mut Vec<u32>, tokens: &mut Vec<u32>) {
        if piece.len() > LONG_PIECE {
            self.merge_long(piece);
        }
        while let Some((place, merge)) = self.best_merge(piece) {
            piece[place] = merge.token;
            piece.remove(place + 1);
        }
        tokens.append(piece);
    }

    /// The merge of the lowest rank, the leftmost among equals.
    fn best_merge(&self, piece: &[u32]) -> Option<(usize, Merge)> {
        let found =
            piece.windows(2).enumerate().filter_map(|(place, two)| Some((place, self.merge_of(two[0], two[1])?)));
        found.min_by_key(|(_, merge)| merge.rank)
    }

    fn merge_of(&self, left: u32, right: u32) -> Option<Merge> {
        self.merges.get(&pair(left, right)).copied()
    }

    /// The same as repeating [`Tokenizer::best_merge`], in n log n: for text without spaces, which may be a whole page.
    fn merge_long(&self, piece: &mut Vec<u32>) {
        use std::cmp::Reverse;
        use std::collections::BinaryHeap;
        const GONE: u32 = u32::MAX;
        let length = piece.len();
        let mut next: Vec<usize> = (1..=length).collect();
        let mut previous: Vec<usize> = (0..length).map(|place| place.wrapping_sub(1)).collect();
        let mut queue = BinaryHeap::new();
        let offer = |queue: &mut BinaryHeap<_>, piece: &[u32], left: usize, right: usize| {
            if let Some(merge) = self.merge_of(piece[left], piece[right]) {
                queue.push(Reverse((merge.rank, left, right, piece[left], piece[right])));
            }
        };
        for place in 1..length {
            offer(&mut queue, piece, place - 1, place);
        }
        while let Some(Reverse((_, left, right, left_token, right_token))) = queue.pop() {
            // An entry is stale once either side has been merged into something else.
            if piece[left] != left_token || piece[right] != right_token || next[left] != right {
                continue;
            }
            let Some(merge) = self.merge_of(left_token, right_token) else { continue };
            piece[left] = merge.token;
            piece[right] = GONE;
            next[left] = next[right];
            if next[left] < length {
                previous[next[left]] = left;
                offer(&mut queue, piece, left, next[left]);
            }
            if previous[left] < length {
                offer(&mut queue, piece, previous[left], left);
            }
        }
        piece.retain(|&token| token != GONE);
    }
}

/// Above this many tokens a heap beats looking at every pair again after each merge.
const LONG_PIECE: usize = 48;

fn read_tokens(bytes: &[u8]) -> Result<Vec<&str>, TokenizerError> {
    let mut tokens = Vec::new();
    let mut position = 0;
    while let Some(&length) = bytes.get(position) {
        let wrong = |problem| TokenizerError { problem, position };
        let token = bytes.get(position + 1..position + 1 + length as usize).ok_or(wrong("it ends within a token"))?;
        tokens.push(std::str::from_utf8(token).map_err(|_| wrong("a token is not UTF-8"))?);
        position += 1 + length as usize;
    }
    if tokens.len() < FIRST_BYTE_TOKEN as usize + 256 || tokens.len() > usize::from(u16::MAX) {
        return Err(TokenizerError { problem: "it has too few or too many tokens", position });
    }
    Ok(tokens)
}

/// Two token numbers, each below 2¹⁶, as one key.
fn pair(left: u32, right: u32) -> u32 {
    left << 16 | right
}

/// Spreads a pair over the table by one multiplication: the standard hasher, which resists chosen keys, took most of
/// the tokenizer's time, and these keys come from the vocabulary alone.
#[derive(Debug, Clone, Default)]
struct PairHasher(u64);

impl Hasher for PairHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u32(u32::from(byte)));
    }

    fn write_u32(&mut self, key: u32) {
        // Knuth's multiplicative hashing; the fold brings the well-mixed upper half to where the table looks.
        let spread = (self.0 ^ u64::from(key)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = spread ^ (spread >> 32);
    }
}
