//! The image features against an independent implementation's: see `tests/golden/features/make_images.py`.
#![cfg(feature = "cli")]

use hone::nn::{EMBEDDING_COLUMNS, Lite0, Precision};
use hone::pipeline::features::image::{Crop, crop_from_rgba};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What the design asks of every picture. Measured: 0.99975 and better (the decoders differ by a level here and there).
const LEAST_COSINE: f64 = 0.999;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn golden(name: &str) -> PathBuf {
    root().join("tests/golden/features").join(name)
}

fn network() -> Lite0 {
    network_of(Precision::default())
}

fn network_of(precision: Precision) -> Lite0 {
    let path = root().join("public/models/lite0.safetensors");
    let bytes = std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}. Install the weights with `cargo xtask models`.", path.display()));
    Lite0::load_as(&bytes, precision).expect("the installed weights are this network's")
}

fn expected_embeddings() -> Vec<Vec<f32>> {
    let bytes = std::fs::read(golden("lite0-embeddings.f32")).expect("a golden file");
    let values: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect();
    values.chunks_exact(EMBEDDING_COLUMNS).map(<[f32]>::to_vec).collect()
}

fn photos() -> Vec<String> {
    let text = std::fs::read_to_string(golden("photos.json")).expect("a golden file");
    serde_json::from_str(&text).expect("a list of paths")
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

fn check(name: &str, network: &Lite0, crop: &Crop, expected: &[f32], least: f64) {
    let found = network.embed(crop);
    assert_eq!(found.len(), EMBEDDING_COLUMNS);
    let cosine = cosine(&found, expected);
    println!("{name}: cosine {cosine:.6}");
    assert!(cosine > least, "{name}: cosine {cosine}");
}

const REFERENCE_CROPS: [usize; 4] = [0, 2, 4, 6];

fn reference_crop(place: usize) -> Crop {
    let pixels = image::open(golden(&format!("crop-{place}.png"))).expect("a golden file").into_rgb8().into_raw();
    Crop::from_rgb(pixels).expect("224 × 224 pixels")
}

#[test]
fn the_network_computes_the_reference_embeddings_of_the_reference_crops() {
    let expected = expected_embeddings();
    for precision in [Precision::Integer, Precision::Float] {
        let network = network_of(precision);
        for place in REFERENCE_CROPS {
            let name = format!("crop {place}, {precision:?}");
            check(&name, &network, &reference_crop(place), &expected[place], 0.999_95);
        }
    }
}

#[test]
fn integers_compute_what_floats_compute_whatever_the_picture() {
    let (integer, float) = (network_of(Precision::Integer), network_of(Precision::Float));
    for place in REFERENCE_CROPS {
        let crop = reference_crop(place);
        check(&format!("crop {place}"), &integer, &crop, &float.embed(&crop), 0.999_99);
    }
    // What no photo is like: the ranges are each picture's own, so nothing is cut off and nothing overflows. (Where all of
    // a picture is alike, so are its roundings, and less of them cancels.)
    let check = |name: &str, crop: &Crop| check(name, &integer, crop, &float.embed(crop), 0.9999);
    let drawn = |pixel: fn(usize) -> u8| Crop::from_rgb((0..224 * 224 * 3).map(pixel).collect()).expect("a crop");
    check("black", &drawn(|_| 0));
    check("white", &drawn(|_| 255));
    check("stripes", &drawn(|at| if at / 3 % 2 == 0 { 0 } else { 255 }));
    check("chequers", &drawn(|at| if (at / 3 / 8 + at / 3 / 224 / 8).is_multiple_of(2) { 0 } else { 255 }));
    check(
        "noise",
        &drawn(|at| (at as u32).wrapping_mul(2_654_435_761).rotate_right(15).wrapping_mul(2_246_822_519) as u8),
    );
}

/// `lite0-bits.json` holds the SHA-256 of each reference crop's embedding as little-endian f32, made by this very code; the
/// benchmark's page compares a browser's with them, too.
#[test]
fn the_embedding_has_the_same_bits_on_every_machine() {
    let text = std::fs::read_to_string(golden("lite0-bits.json")).expect("a golden file");
    let expected: BTreeMap<usize, String> = serde_json::from_str(&text).expect("a digest for each crop");
    assert_eq!(expected.keys().copied().collect::<Vec<_>>(), REFERENCE_CROPS);
    let network = network();
    for (place, expected) in expected {
        let bytes: Vec<u8> = network.embed(&reference_crop(place)).into_iter().flat_map(f32::to_le_bytes).collect();
        let found: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found, expected, "crop {place}");
    }
}

#[test]
fn a_network_that_has_embedded_embeds_as_a_new_one_does() {
    let used = network();
    let [first, other] = [0, 2].map(reference_crop);
    let (before, between, after) = (used.embed(&first), used.embed(&other), used.embed(&first));
    assert!(before == after && before != between);
    let together: Vec<Vec<f32>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(|| used.embed(&first))).collect();
        threads.into_iter().map(|thread| thread.join().expect("an embedding")).collect()
    });
    assert!(together.iter().all(|embedding| *embedding == before));
}

#[test]
fn a_photo_goes_through_our_own_preprocessing_to_the_reference_embedding() {
    let (network, expected) = (network(), expected_embeddings());
    for (photo, expected) in photos().iter().zip(&expected) {
        let decoded = image::open(root().join("public/demo/photos").join(photo)).expect("a demo photo").into_rgba8();
        let crop = crop_from_rgba(&decoded, decoded.width(), decoded.height()).expect("a crop");
        check(photo, &network, &crop, expected, LEAST_COSINE);
    }
}

#[test]
fn our_crops_are_the_reference_crops_to_the_pixel() {
    let photos = photos();
    for place in [0, 2, 4, 6] {
        let decoded =
            image::open(root().join("public/demo/photos").join(&photos[place])).expect("a demo photo").into_rgba8();
        let crop = crop_from_rgba(&decoded, decoded.width(), decoded.height()).expect("a crop");
        let expected = image::open(golden(&format!("crop-{place}.png"))).expect("a golden file").into_rgb8();
        let apart = crop.rgb().iter().zip(expected.as_raw()).map(|(a, b)| a.abs_diff(*b));
        let (worst, sum) = apart.fold((0, 0.0), |(worst, sum), d| (d.max(worst), sum + f64::from(d)));
        let mean = sum / crop.rgb().len() as f64;
        println!("{}: mean {mean:.3}, worst {worst} of 255", photos[place]);
        assert!(mean < 0.5, "{}: {mean} levels apart on average, {worst} at worst", photos[place]);
    }
}
