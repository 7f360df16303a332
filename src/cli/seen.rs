//! Which content was read before, and where: 28 bytes an item beside what a table needs to grow, for ten million rows and more.

use crate::pipeline::item::ContentHash;

/// Parts grow one by one, so that little is ever there twice.
const PARTS: usize = 64;
/// A part is made larger when it is this full.
const FULL: f64 = 0.85;
/// By how much.
const GROWTH: f64 = 1.2;
/// Of no class.
pub const UNLABELLED: u32 = u32::MAX;

/// Where an item was read first, and the class it had there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct First {
    /// The place of its file.
    pub file: u32,
    /// Its row, 0 if the file is the item.
    pub row: u32,
    /// The place of its class, or [`UNLABELLED`].
    pub class: u32,
}

/// A set of contents. Half of a hash tells them apart: 128 bits are as good as 256 for any number of rows that can be read.
#[derive(Debug)]
pub struct Seen {
    parts: Vec<Part>,
}

#[derive(Debug, Default)]
struct Part {
    slots: Vec<Option<Slot>>,
    filled: usize,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    key: [u32; 4],
    first: First,
}

impl Default for Seen {
    fn default() -> Self {
        Self { parts: (0..PARTS).map(|_| Part::default()).collect() }
    }
}

impl Seen {
    /// Takes in an item; where it was read first, if it was.
    pub fn insert(&mut self, hash: ContentHash, here: First) -> Option<First> {
        let key = key_of(hash);
        self.parts[part_of(key)].insert(Slot { key, first: here })
    }

    /// From now on the item has this class; it was read before.
    pub fn label(&mut self, hash: ContentHash, class: u32) {
        let key = key_of(hash);
        let part = &mut self.parts[part_of(key)];
        if part.slots.is_empty() {
            return;
        }
        let at = part.find(key);
        if let Some(slot) = &mut part.slots[at] {
            slot.first.class = class;
        }
    }

    /// Whether the item was read.
    pub fn contains(&self, hash: ContentHash) -> bool {
        let key = key_of(hash);
        let part = &self.parts[part_of(key)];
        !part.slots.is_empty() && part.slots[part.find(key)].is_some()
    }
}

impl Part {
    fn insert(&mut self, slot: Slot) -> Option<First> {
        if self.filled as f64 >= FULL * self.slots.len() as f64 {
            self.grow();
        }
        let at = self.find(slot.key);
        if let Some(there) = self.slots[at] {
            return Some(there.first);
        }
        self.slots[at] = Some(slot);
        self.filled += 1;
        None
    }

    /// The slot that holds the key, or the free one where it belongs. There are slots, and some are free.
    fn find(&self, key: [u32; 4]) -> usize {
        let start = (u64::from(key[1]) << 32 | u64::from(key[2])) % self.slots.len() as u64;
        let mut at = start as usize;
        while self.slots[at].is_some_and(|slot| slot.key != key) {
            at = (at + 1) % self.slots.len();
        }
        at
    }

    fn grow(&mut self) {
        let size = ((self.slots.len() as f64 * GROWTH) as usize).max(self.slots.len() + 16);
        let slots = std::mem::replace(&mut self.slots, vec![None; size]);
        for slot in slots.into_iter().flatten() {
            let at = self.find(slot.key);
            self.slots[at] = Some(slot);
        }
    }
}

fn key_of(ContentHash(bytes): ContentHash) -> [u32; 4] {
    let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    [word(0), word(4), word(8), word(12)]
}

fn part_of(key: [u32; 4]) -> usize {
    key[0] as usize % PARTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_again_is_known_with_its_first_place() {
        let mut seen = Seen::default();
        let hash = |row: u32| ContentHash::of(&row.to_le_bytes());
        let first = |row: u32| First { file: 1, row, class: row % 3 };
        for row in 0..50_000 {
            assert!(!seen.contains(hash(row)));
            assert_eq!(seen.insert(hash(row), first(row)), None);
        }
        for row in (0..50_000).step_by(7) {
            assert_eq!(seen.insert(hash(row), First { file: 9, row: 0, class: UNLABELLED }), Some(first(row)));
            assert!(seen.contains(hash(row)));
        }
        seen.label(hash(5), 77);
        assert_eq!(seen.insert(hash(5), first(5)).map(|first| first.class), Some(77));
        let slots: usize = seen.parts.iter().map(|part| part.slots.len()).sum();
        assert!(slots * size_of::<Option<Slot>>() < 50_000 * 52, "{slots} slots of {}", size_of::<Option<Slot>>());
    }
}
