//! How far a command is, on standard error, for people only: it appears where a terminal is, once the work takes a while.

use super::output::{counted, thousands};
use std::io::IsTerminal;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Less than this is over before anyone wonders.
const WORTH_SHOWING: Duration = Duration::from_millis(700);
/// Between two lines.
const PAUSE: Duration = Duration::from_millis(200);

/// A line that is written anew again and again: how much is done, how fast, and how long it will take.
pub struct Progress {
    /// What is counted, such as `row`.
    what: &'static str,
    /// Bytes there are, or items where they are known from the start; 0 if neither is.
    total: u64,
    read: AtomicU64,
    done: AtomicU64,
    begun: Instant,
    shown: Option<Mutex<Instant>>,
}

impl Progress {
    /// Of so many bytes, or of an unknown number if that is 0.
    pub fn new(what: &'static str, total: u64) -> Self {
        let begun = Instant::now();
        let shown = std::io::stderr().is_terminal().then(|| Mutex::new(begun));
        Self { what, total, read: AtomicU64::new(0), done: AtomicU64::new(0), begun, shown }
    }

    /// So many more bytes of the total are read.
    pub fn read(&self, bytes: u64) {
        self.read.fetch_add(bytes, Ordering::Relaxed);
    }

    /// So many more items are done.
    pub fn advance(&self, items: u64) {
        let done = self.done.fetch_add(items, Ordering::Relaxed) + items;
        let Some(shown) = &self.shown else { return };
        let elapsed = self.begun.elapsed();
        // Another thread that holds it is writing the line.
        let Ok(mut last) = shown.try_lock() else { return };
        if elapsed < WORTH_SHOWING || last.elapsed() < PAUSE {
            return;
        }
        *last = Instant::now();
        let share = self.read.load(Ordering::Relaxed) as f64 / self.total.max(1) as f64;
        eprint!("\r\u{1b}[Khone: {}", line(self.what, done, elapsed, share));
    }

    /// Takes the line away.
    pub fn end(&self) {
        if self.shown.is_some() && self.begun.elapsed() >= WORTH_SHOWING {
            eprint!("\r\u{1b}[K");
        }
    }
}

/// `12,000 rows, 4,000 a second, about 2 min left`. `share` of the whole is done, 0 if that is not known.
fn line(what: &str, done: u64, elapsed: Duration, share: f64) -> String {
    let seconds = elapsed.as_secs_f64().max(0.001);
    let mut line = format!("{}, {} a second", counted(done, what), thousands((done as f64 / seconds) as u64));
    if share > 0.0 && share < 1.0 {
        let left = seconds * (1.0 - share) / share;
        line += &match left {
            left if left < 60.0 => format!(", about {left:.0} s left"),
            left if left < 5400.0 => format!(", about {:.0} min left", left / 60.0),
            left => format!(", about {:.1} h left", left / 3600.0),
        };
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_rate_and_time_left_are_told() {
        let ten = Duration::from_secs(10);
        assert_eq!(line("row", 12_000, ten, 0.25), "12,000 rows, 1,200 a second, about 30 s left");
        assert_eq!(line("image", 1, ten, 0.01), "1 image, 0 a second, about 16 min left");
        assert_eq!(line("row", 12_000, ten, 0.0), "12,000 rows, 1,200 a second", "the whole is not known");
    }
}
