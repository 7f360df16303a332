//! The image features against an independent implementation's: see `tests/golden/features/make_images.py`.
#![cfg(feature = "cli")]

use hone::nn::{EMBEDDING_COLUMNS, Lite0};
use hone::pipeline::features::image::{Crop, crop_from_rgba};
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
    let path = root().join("public/models/lite0.safetensors");
    let bytes = std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}. Install the weights with `cargo xtask models`.", path.display()));
    Lite0::load(&bytes).expect("the installed weights are this network's")
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
    let found = network.embed(crop).expect("an embedding");
    assert_eq!(found.len(), EMBEDDING_COLUMNS);
    let cosine = cosine(&found, expected);
    println!("{name}: cosine {cosine:.6}");
    assert!(cosine > least, "{name}: cosine {cosine}");
}

#[test]
fn the_network_computes_the_reference_embeddings_of_the_reference_crops() {
    let (network, expected) = (network(), expected_embeddings());
    for place in [0, 2, 4, 6] {
        let name = format!("crop-{place}.png");
        let pixels = image::open(golden(&name)).expect("a golden file").into_rgb8().into_raw();
        let crop = Crop::from_rgb(pixels).expect("224 × 224 pixels");
        check(&name, &network, &crop, &expected[place], 0.9999);
    }
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
