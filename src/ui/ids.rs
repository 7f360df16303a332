//! Names for decisions. No two are alike, and a later one of a page is the greater, also within one millisecond and when the clock was
//! set back: among decisions that did not know each other the log goes by them.

use ulid::Ulid;

/// Makes ULIDs that only grow.
#[derive(Debug, Clone, Copy, Default)]
pub struct IdMaker {
    last: Option<Ulid>,
}

impl IdMaker {
    /// The next id, from the clock (milliseconds since the epoch) and 128 random bits, of which 80 are used.
    pub fn next(&mut self, now_ms: u64, random: u128) -> String {
        let fresh = Ulid::from_parts(now_ms, random);
        let id = match self.last {
            // The random part of the last one may be the largest there is: then the next millisecond is borrowed.
            Some(last) if fresh <= last => {
                last.increment().unwrap_or_else(|| Ulid::from_parts(last.timestamp_ms() + 1, random))
            }
            _ => fresh,
        };
        self.last = Some(id);
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_grow_whatever_clock_and_chance_say() {
        let mut maker = IdMaker::default();
        let ticks = [(5, 9), (5, 3), (5, u128::MAX), (5, 0), (4, 7), (6, 1)];
        let ids: Vec<String> = ticks.iter().map(|&(now, random)| maker.next(now, random)).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "{ids:?}");
        assert!(ids.iter().all(|id| id.len() == 26));
    }
}
