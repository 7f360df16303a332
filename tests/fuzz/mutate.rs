//! Changes to a sound file: what disks, editors and people with bad intentions do to one.

use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use std::io::{Cursor, Read};
use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};

/// Numbers and marks that readers stumble over.
const ODD: [&[u8]; 28] = [
    b"",
    b"0",
    b"-1",
    b"1",
    b"255",
    b"65536",
    b"2147483648",
    b"4294967295",
    b"18446744073709551615",
    b"1e308",
    b"-1e999",
    b"1e-300",
    b"NaN",
    b"null",
    b"true",
    b"[]",
    b"{}",
    b"\"",
    b"\\",
    b"\n",
    b"\r",
    b",",
    b";",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xf0\x9f",
    b"=1+1",
];
/// No file grows beyond this: what is too large is a kind of its own, with tests of its own.
const LARGEST: usize = 1 << 20;

/// One to eight changes. In a zip half of them are to one of its parts, packed again, so that they get past its checksums.
pub fn mutated(sound: &[u8], others: &[Vec<u8>], random: &mut ChaCha8Rng) -> Vec<u8> {
    if sound.starts_with(b"PK")
        && random.random_bool(0.7)
        && let Some(repacked) = with_a_part_changed(sound, others, random)
    {
        return repacked;
    }
    let mut bytes = sound.to_vec();
    for _ in 0..random.random_range(1..=8) {
        change(&mut bytes, others, random);
    }
    bytes
}

fn with_a_part_changed(sound: &[u8], others: &[Vec<u8>], random: &mut ChaCha8Rng) -> Option<Vec<u8>> {
    let mut archive = ZipArchive::new(Cursor::new(sound)).ok()?;
    let chosen = random.random_range(0..archive.len().max(1));
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for at in 0..archive.len() {
        let mut part = archive.by_index(at).ok()?;
        let mut bytes = Vec::new();
        // A corpus may hold bombs, too.
        part.by_ref().take(LARGEST as u64).read_to_end(&mut bytes).ok()?;
        let method = if at == 0 { CompressionMethod::Stored } else { CompressionMethod::Deflated };
        let name = part.name().ok()?.into_owned();
        drop(part);
        if at == chosen {
            for _ in 0..random.random_range(1..=4) {
                change(&mut bytes, others, random);
            }
        }
        zip.start_file(name, SimpleFileOptions::default().compression_method(method)).ok()?;
        std::io::Write::write_all(&mut zip, &bytes).ok()?;
    }
    Some(zip.finish().ok()?.into_inner())
}

fn change(bytes: &mut Vec<u8>, others: &[Vec<u8>], random: &mut ChaCha8Rng) {
    let place = random.random_range(0..=bytes.len());
    let most = 1 << random.random_range(0..12);
    let length = random.random_range(0..=(bytes.len() - place).min(most));
    match random.random_range(0..9) {
        0 => bytes.truncate(place),
        1 => drop(bytes.drain(place..place + length)),
        2 => {
            let again = bytes[place..place + length].to_vec();
            bytes.splice(place..place, again);
        }
        3 if place < bytes.len() => bytes[place] ^= 1 << random.random_range(0..8),
        4 if place < bytes.len() => bytes[place] = random.random(),
        5 => {
            let odd = ODD.choose(random).copied().unwrap_or_default();
            bytes.splice(place..place + length.min(8), odd.iter().copied());
        }
        6 => number(bytes, place, random),
        7 => {
            if let Some(other) = others.choose(random) {
                let from = random.random_range(0..=other.len());
                let to = (from + random.random_range(0..2000)).min(other.len());
                bytes.splice(place..place + length, other[from..to].iter().copied());
            }
        }
        _ => {
            // A binary number, wherever it may stand.
            let odd: u64 = *[0, 1, 0x7f, 0xff, 0xffff, 0x7fff_ffff, 0xffff_ffff, u64::MAX].choose(random).unwrap_or(&0);
            let width = *[1, 2, 4, 8].choose(random).unwrap_or(&1);
            let end = (place + width).min(bytes.len());
            let order = if random.random() { odd.to_le_bytes() } else { odd.to_be_bytes() };
            bytes.splice(place..end, order[..end - place].iter().copied());
        }
    }
    bytes.truncate(LARGEST);
}

/// Another number in place of the next one that is written in digits.
fn number(bytes: &mut Vec<u8>, place: usize, random: &mut ChaCha8Rng) {
    let Some(from) = bytes[place..].iter().position(u8::is_ascii_digit).map(|at| place + at) else { return };
    let to = bytes[from..].iter().position(|byte| !byte.is_ascii_digit()).map_or(bytes.len(), |at| from + at);
    let odd = ODD[1..14].choose(random).copied().unwrap_or_default();
    bytes.splice(from..to, odd.iter().copied());
}
