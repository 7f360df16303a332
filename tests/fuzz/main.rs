//! Damaged input of every kind that Hone reads: an answer or a sentence, never a panic, a hang or all memory.
//!
//! Each target has a corpus of sound and hostile files, of which a seeded generator makes damaged ones. `cargo xtask test` tries some
//! thousands; `cargo xtask soak --minutes N` goes on for as long as it is asked, each round from another seed, by the variables HONE_FUZZ_SECONDS
//! and HONE_SEED. An input that fails is kept in `target/fuzz`; give it a name in `tests/golden/hostile` and mend what it found.

mod mutate;
#[path = "../reading/mod.rs"]
mod reading;
mod targets;

use mutate::mutated;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Longer than this nobody waits for an answer on one small file; what is compiled for tests takes several times as long.
const HANG: Duration = Duration::from_secs(if cfg!(debug_assertions) { 20 } else { 5 });
/// In the tests of every day: so many inputs, or so long.
const USUAL: (u64, Duration) = (3000, Duration::from_secs(12));
/// All targets together, in kilobytes.
const MOST_MEMORY: u64 = 1 << 20;

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Tries damaged files of the corpus on a target until the time is over.
fn fuzz(name: &str, corpus: &[Vec<u8>], target: impl Fn(&[u8])) {
    assert!(!corpus.is_empty(), "{name} has no corpus");
    let seed = variable("HONE_SEED").unwrap_or(1);
    let (most, time) = match variable("HONE_FUZZ_SECONDS") {
        Some(seconds) => (u64::MAX, Duration::from_secs(seconds)),
        None => USUAL,
    };
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let begun = Instant::now();
    let (mut tried, mut longest) = (0_u64, Duration::ZERO);
    // Sound ones first.
    let mut next = |tried: u64| match corpus.get(tried as usize) {
        Some(sound) => sound.clone(),
        None => {
            let mut bytes = mutated(corpus.choose(&mut random).expect("not empty"), corpus, &mut random);
            if random.random_bool(0.2) {
                bytes = mutated(&bytes, corpus, &mut random);
            }
            bytes
        }
    };
    while tried < most && (begun.elapsed() < time || tried < corpus.len() as u64) {
        let input = next(tried);
        tried += 1;
        let before = Instant::now();
        let panicked = catch_unwind(AssertUnwindSafe(|| target(&input))).is_err();
        let took = before.elapsed();
        longest = longest.max(took);
        if panicked || took > HANG {
            let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/fuzz");
            std::fs::create_dir_all(&folder).expect("a folder");
            let file = folder.join(format!("{name}-{seed}-{tried}"));
            std::fs::write(&file, &input).expect("kept");
            panic!(
                "{name}, input {tried} of seed {seed}: {} after {took:?}; kept as {}",
                if panicked { "a panic" } else { "a hang" },
                file.display()
            );
        }
    }
    let memory = peak_kilobytes();
    println!(
        "fuzzed {name}: {tried} inputs, longest {} ms, peak {} MB",
        longest.as_millis(),
        memory.unwrap_or(0) / 1024
    );
    assert!(memory.is_none_or(|peak| peak < MOST_MEMORY), "{name}: {memory:?} kB");
}

/// The most memory that this process ever had; Linux alone tells.
fn peak_kilobytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix("kB")?.trim().parse().ok())
}
