//! The house's one direction, kept by a test: what each folder must not know (see `ARCHITECTURE.md`).

use std::fs;
use std::path::{Path, PathBuf};

/// A folder, and what no file in it may mention.
const RULES: &[(&str, &[&str])] = &[
    (
        "src/pipeline",
        &[
            "crate::protocol",
            "crate::storage",
            "crate::worker",
            "crate::browser",
            "crate::ui",
            "crate::cli",
            "crate::nn",
            "std::fs",
            "std::net",
            "std::thread",
            "SystemTime",
            "Instant::now",
            "web_sys",
            "js_sys",
        ],
    ),
    ("src/nn", &["crate::protocol", "crate::storage", "crate::worker", "crate::browser", "crate::ui", "crate::cli"]),
    (
        "src/lanes",
        &[
            "crate::pipeline",
            "crate::nn",
            "crate::protocol",
            "crate::storage",
            "crate::worker",
            "crate::browser",
            "crate::ui",
            "crate::cli",
        ],
    ),
    (
        "src/picture",
        &[
            "crate::nn",
            "crate::protocol",
            "crate::storage",
            "crate::worker",
            "crate::browser",
            "crate::ui",
            "crate::cli",
            "std::fs",
            "web_sys",
            "js_sys",
        ],
    ),
    ("src/storage", &["crate::worker", "crate::browser", "crate::ui", "crate::cli", "crate::nn"]),
    ("src/worker/session", &["crate::browser", "crate::ui", "crate::cli", "web_sys", "js_sys", "Date::now"]),
    ("src/worker", &["crate::ui", "crate::cli"]),
    ("src/browser", &["crate::pipeline::model", "crate::pipeline::train", "crate::nn", "crate::ui", "crate::worker"]),
    (
        "src/ui",
        &["crate::storage", "crate::worker", "crate::nn", "crate::pipeline::model", "crate::pipeline::train", "idb::"],
    ),
];

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Code only: a comment may name what the code may not.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or("")
}

fn breaches(folder: &Path, forbidden: &[&str]) -> Vec<String> {
    let mut files = Vec::new();
    rust_files(folder, &mut files);
    let mut breaches = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("source is UTF-8");
        // A module's own tests may measure time and read golden files.
        let code_lines = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
        for (number, line) in code_lines.enumerate() {
            for word in forbidden.iter().filter(|word| code(line).contains(**word)) {
                breaches.push(format!("{}:{} knows of `{word}`", file.display(), number + 1));
            }
        }
    }
    breaches
}

#[test]
fn no_folder_knows_what_it_must_not() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let breaches: Vec<String> =
        RULES.iter().flat_map(|(folder, forbidden)| breaches(&root.join(folder), forbidden)).collect();
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

#[test]
fn the_check_itself_finds_a_breach() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    assert!(!breaches(&root.join("src/worker"), &["crate::pipeline"]).is_empty());
}

#[test]
fn pages_have_no_inline_script_style_or_foreign_address() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for page in ["index.html", "public/mlflow.html"] {
        let text = fs::read_to_string(root.join(page)).expect("the page");
        for forbidden in ["unsafe-inline", "'unsafe-eval'", "style=\"", "onclick=", "http://", "https://", "<style"] {
            assert!(!text.contains(forbidden), "{page} has {forbidden}");
        }
        let inline =
            text.split("<script").skip(1).find(|after| !after.split('>').next().unwrap_or("").contains("src="));
        assert_eq!(inline, None, "{page} has an inline script");
    }
}

/// The app connects to its own origin alone; the page that pushes runs may connect, and may do nothing else.
#[test]
fn only_the_push_page_may_connect_elsewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let policy = |page: &str| -> Vec<String> {
        let text = fs::read_to_string(root.join(page)).expect("the page");
        let policy =
            text.split_once("Content-Security-Policy\" content=\"").and_then(|(_, after)| after.split('"').next());
        policy.expect("a policy").split(';').map(|rule| rule.trim().to_owned()).collect()
    };
    assert!(policy("index.html").contains(&"connect-src 'self'".to_owned()));
    let push = policy("public/mlflow.html");
    for rule in
        ["default-src 'none'", "script-src 'self'", "connect-src http: https:", "form-action 'none'", "base-uri 'none'"]
    {
        assert!(push.contains(&rule.to_owned()), "mlflow.html lacks {rule}");
    }
    // It reads what it is handed and opens no storage of the app's.
    let script = fs::read_to_string(root.join("public/mlflow.js")).expect("the script");
    for forbidden in ["indexedDB", "caches", "eval(", "innerHTML", "import("] {
        assert!(!script.contains(forbidden), "mlflow.js has {forbidden}");
    }
}
