//! The text features against their reference implementation: see `tests/golden/features/make_tokens.py`.

use hone::pipeline::features::text::{TEXT_DENSE_COLUMNS, TextEncoder};
use hone::pipeline::features::tokenizer::Tokenizer;
use serde::Deserialize;
use std::path::PathBuf;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn installed(name: &str) -> Vec<u8> {
    let path = root().join("public/models").join(name);
    std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}. Install the weights with `cargo xtask models`.", path.display()))
}

#[derive(Deserialize)]
struct Golden {
    text: String,
    tokens: Vec<u32>,
}

fn golden() -> Vec<Golden> {
    let text = std::fs::read_to_string(root().join("tests/golden/features/tokens.json")).expect("a golden file");
    serde_json::from_str(&text).expect("texts and their tokens")
}

#[test]
fn tokens_are_those_of_the_reference() {
    let tokenizer = Tokenizer::load(&installed("text-tokenizer.bin")).expect("the installed vocabulary");
    for Golden { text, tokens } in golden() {
        assert_eq!(tokenizer.encode(&text), tokens, "{text:?}");
    }
}

#[test]
fn embeddings_are_those_of_the_reference() {
    let encoder = TextEncoder::load(&installed("text.safetensors"), &installed("text-tokenizer.bin"));
    let encoder = encoder.expect("the installed weights");
    let bytes = std::fs::read(root().join("tests/golden/features/text-embeddings.f32")).expect("a golden file");
    let values: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect();
    let mut least: f64 = 1.0;
    for (Golden { text, .. }, expected) in golden().iter().zip(values.chunks_exact(TEXT_DENSE_COLUMNS)) {
        let found = encoder.encode(text).dense;
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
        if text.is_empty() {
            assert!(found.iter().all(|value| *value == 0.0));
            continue;
        }
        let cosine = dot(&found, expected) / (dot(&found, &found) * dot(expected, expected)).sqrt();
        assert!(cosine > 0.999, "{text:?}: cosine {cosine}");
        assert!((dot(&found, &found) - 1.0).abs() < 1e-5);
        least = least.min(cosine);
    }
    println!("least cosine {least:.6}");
}

#[test]
fn an_encoder_without_files_still_tells_texts_apart() {
    let encoder = TextEncoder::without_weights();
    let dense = |text: &str| encoder.encode(text).dense;
    let cosine = |a: &str, b: &str| dense(a).iter().zip(dense(b)).map(|(a, b)| a * b).sum::<f32>();
    let near = cosine("the soup was cold and salty", "a cold and salty soup");
    let far = cosine("the soup was cold and salty", "great phone with long battery life");
    assert!(near > far + 0.3, "{near} {far}");
    let empty = encoder.encode("");
    assert!(empty.dense.iter().all(|value| *value == 0.0) && empty.sparse.indices.is_empty());
}

#[test]
fn files_that_are_not_the_weights_are_refused() {
    let (weights, tokenizer) = (installed("text.safetensors"), installed("text-tokenizer.bin"));
    let refused = |weights: &[u8], tokenizer: &[u8]| {
        let error = TextEncoder::load(weights, tokenizer).expect_err("a refusal").to_string();
        assert!(error.contains("cargo xtask models"), "{error}");
    };
    refused(&[], &tokenizer);
    refused(&weights[..weights.len() / 2], &tokenizer);
    refused(&weights, &[]);
    refused(&weights, &tokenizer[..tokenizer.len() - 1]);
    refused(&weights, &tokenizer[..tokenizer.len() / 2]);
}
