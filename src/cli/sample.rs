//! Rows drawn at random from a stream of unknown length: all of them while they are few, then so many, each as likely as any other.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BinaryHeap;

/// A sample. Every row gets a random number, and the rows with the smallest stay.
pub struct Sample<T> {
    most: usize,
    most_bytes: usize,
    kept: BinaryHeap<Drawn<T>>,
    bytes: usize,
    seen: u64,
    random: ChaCha8Rng,
}

struct Drawn<T> {
    number: u64,
    place: u64,
    bytes: usize,
    row: T,
}

impl<T> PartialEq for Drawn<T> {
    fn eq(&self, other: &Self) -> bool {
        (self.number, self.place) == (other.number, other.place)
    }
}

impl<T> Eq for Drawn<T> {}

impl<T> PartialOrd for Drawn<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Drawn<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.number, self.place).cmp(&(other.number, other.place))
    }
}

impl<T> Sample<T> {
    /// Of at most so many rows that take at most so many bytes together (but one row at least). The same seed draws the same.
    pub fn new(most: usize, most_bytes: usize, seed: u64) -> Self {
        let random = ChaCha8Rng::seed_from_u64(seed);
        Self { most: most.max(1), most_bytes, kept: BinaryHeap::new(), bytes: 0, seen: 0, random }
    }

    /// Offers the next row, which is made only if it is drawn and takes about so many bytes.
    pub fn offer(&mut self, bytes: usize, row: impl FnOnce() -> T) {
        let number: u64 = self.random.random();
        let place = self.seen;
        self.seen += 1;
        let full = self.kept.len() >= self.most || self.bytes + bytes > self.most_bytes;
        if full && self.kept.peek().is_some_and(|largest| largest.number <= number) {
            // Once a row had to go for want of space, as many must do as there are now.
            self.most = self.most.min(self.kept.len());
            return;
        }
        self.bytes += bytes;
        self.kept.push(Drawn { number, place, bytes, row: row() });
        while self.kept.len() > self.most || (self.bytes > self.most_bytes && self.kept.len() > 1) {
            let Some(gone) = self.kept.pop() else { break };
            self.bytes -= gone.bytes;
            self.most = self.most.min(self.kept.len().max(1));
        }
    }

    /// How many rows were offered.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// The rows that were drawn, in their order.
    pub fn into_rows(self) -> Vec<T> {
        let mut drawn = self.kept.into_vec();
        drawn.sort_unstable_by_key(|drawn| drawn.place);
        drawn.into_iter().map(|drawn| drawn.row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_rows_all_stay_and_of_many_each_is_as_likely() {
        let mut few = Sample::new(100, usize::MAX, 1);
        (0..100).for_each(|row| few.offer(8, || row));
        assert_eq!(few.into_rows(), (0..100).collect::<Vec<_>>());
        let mut hits = [0; 10];
        for seed in 0..200 {
            let mut many = Sample::new(50, usize::MAX, seed);
            (0..1000).for_each(|row| many.offer(8, || row));
            assert_eq!(many.seen(), 1000);
            let rows = many.into_rows();
            assert!(rows.len() == 50 && rows.is_sorted());
            rows.into_iter().for_each(|row| hits[row / 100] += 1);
        }
        // 1,000 each are to be expected, give or take 30.
        assert!(hits.iter().all(|&count| (860..1140).contains(&count)), "{hits:?}");
    }

    #[test]
    fn large_rows_leave_room_for_fewer() {
        let mut sample = Sample::new(100, 1000, 3);
        (0..500).for_each(|row| sample.offer(if row < 250 { 10 } else { 100 }, || row));
        assert!(sample.bytes <= 1000);
        let rows = sample.into_rows();
        assert!((5..=100).contains(&rows.len()), "{}", rows.len());
        let mut one = Sample::new(5, 10, 3);
        one.offer(1000, || 'a');
        assert_eq!(one.into_rows(), ['a'], "one at least");
    }
}
