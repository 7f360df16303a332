//! Models made to do harm: each is refused with one true sentence, and nothing is written.

use super::{Folder, fails, flowers};
use std::path::PathBuf;

#[test]
fn a_model_made_to_do_harm_is_refused_with_a_sentence() {
    let hostile = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/hostile");
    for (file, words) in [
        ("bad_hdr_huge.model", "not a safetensors file"),
        ("scale0.model", "scale is not a number above 0"),
        ("temp.model", "temperature"),
        ("model-1c332ed6.zip", "reads_sparse"),
    ] {
        let folder = Folder::new(&format!("hostile-{}", words.len()));
        folder.file("flowers.csv", flowers());
        let model = folder.file(file, std::fs::read(hostile.join(file)).expect("a model"));
        let (data, scores) = (folder.path("flowers.csv"), folder.path("scores.csv"));
        fails(&folder, &["score", &model, &data, "-o", &scores], 1, &[file, words]);
        assert!(!std::path::Path::new(&scores).exists(), "{file}");
    }
}
