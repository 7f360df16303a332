//! What the built site promises before anybody visits it.

use super::Surroundings;
use crate::visit::Visit;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

/// Compressed bytes: the page's code and styles.
/// Goal: 350 KB; the import dialog and what an import brought took it 9 KB beyond.
const PAGE_BUDGET: usize = 371 * 1024;
/// Compressed bytes: a worker's code. The goal is 600 KB; this keeps it from growing until it is reached. Of it, candle's
/// gradients, which train the zoo's network, take the most (540 KB before candle was compiled for size): they bring every operation for
/// every type of number. Reading what other programs write, with TIFF and 16-bit pictures, takes 170 KB.
const WORKER_BUDGET: usize = 1775 * 1024;

/// The content security policy is strict, and nothing in the page would break it.
pub fn policy(surroundings: &Surroundings) -> Result<(), String> {
    let page = read(&surroundings.dist.join("index.html"))?;
    // A minified page has its attributes in another order, and quotes only where they are needed.
    let policy = page
        .split("<meta ")
        .filter_map(|rest| rest.split('>').next())
        .find(|tag| tag.contains("Content-Security-Policy"))
        .and_then(|tag| tag.split_once("content=\""))
        .and_then(|(_, after)| after.split('"').next())
        .ok_or("index.html has no content security policy")?;
    for wanted in [
        "default-src 'self'",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types default",
    ] {
        if !policy.contains(wanted) {
            return Err(format!("the policy lacks {wanted}: {policy}"));
        }
    }
    for unwanted in ["'unsafe-inline'", "'unsafe-eval'", "http:", "https:", "*"] {
        if policy.contains(unwanted) {
            return Err(format!("the policy allows {unwanted}: {policy}"));
        }
    }
    for inline in ["<style", " style=", " onclick=", " onload="] {
        if page.contains(inline) {
            return Err(format!("index.html has something inline: {inline}"));
        }
    }
    match page
        .match_indices("<script")
        .find(|(place, _)| !page[*place..].split('>').next().is_some_and(|tag| tag.contains(" src=")))
    {
        Some(_) => Err("index.html has an inline script".to_owned()),
        None => Ok(()),
    }
}

/// Text that would become markup or a script's address is looked at by the one policy, and refused if it could run something.
pub fn trusted_types(surroundings: &Surroundings) -> Result<(), String> {
    let server = surroundings.serve("/")?;
    let mut visit = Visit::start(&surroundings.programs, "trusted-types")?;
    visit.session()?.open(&server.url())?;
    visit.see_later("button", "Import files")?;
    // What each attempt comes to; null for what was let through.
    let attempts =
        "const outcome = (attempt) => { try { attempt(); return null; } catch (error) { return String(error); } };
        const markup = (text) => outcome(() => { document.createElement('div').innerHTML = text; });
        return [
          markup('<p class=\"a\">1 &lt; 2</p>'), markup('<svg><path d=\"M0 0\"/></svg>'),
          markup('<img src=x onerror=1>'), markup('<p onclick=\"1\">'), markup('<script src=\"x\"></script>'),
          markup('<iframe srcdoc=\"x\">'), markup('<p title=\"</title><script>\">'), markup('<'),
          outcome(() => new Worker('boot.js')), outcome(() => { document.createElement('script').src = 'boot.js'; }),
          outcome(() => { document.createElement('script').text = '1'; }),
          outcome(() => trustedTypes.createPolicy('another', {})),
        ];";
    let outcomes = visit.session()?.run(attempts, &json!([]))?;
    let outcomes = outcomes.as_array().cloned().unwrap_or_default();
    let allowed: Vec<usize> = (0..outcomes.len()).filter(|&place| outcomes[place].is_null()).collect();
    if outcomes.len() != 12 || allowed != [0, 1] {
        return Err(format!("the attempts came to {outcomes:?}"));
    }
    // The page itself, its worker and its service worker get through, and nothing but the attempts was refused.
    visit.ready_for_offline()?;
    let errors = visit.session()?.console_errors()?;
    visit.close();
    match errors.iter().find(|error| {
        !["TrustedScript", "Trusted Types", "TrustedHTML", "TrustedTypePolicy"].iter().any(|word| error.contains(word))
    }) {
        Some(error) => Err(format!("an error on the console: {error}")),
        None => Ok(()),
    }
}

/// The page's code holds no neural network: that belongs to the workers.
pub fn no_neural_network_in_the_page(surroundings: &Surroundings) -> Result<(), String> {
    let holds = |path: &Path| {
        let bytes = fs::read(path).map_err(|error| format!("{} can't be read: {error}", path.display()))?;
        Ok::<bool, String>(bytes.windows(6).any(|window| window == b"candle"))
    };
    for path in files(&surroundings.dist, |name| name.starts_with("app") && name.ends_with(".wasm"))? {
        if holds(&path)? {
            return Err(format!("{} holds candle", path.display()));
        }
    }
    // Else the search above would prove nothing.
    if holds(&surroundings.dist.join("worker_bg.wasm"))? {
        Ok(())
    } else {
        Err("not even the worker's code names candle".to_owned())
    }
}

/// The page and the worker are small enough to start soon.
pub fn size(surroundings: &Surroundings) -> Result<(), String> {
    // What the page that pushes to MLflow loads comes when it is opened.
    let belongs_to_push = |name: &str| name.starts_with("mlflow.") || ["tokens.css", "base.css"].contains(&name);
    let belongs_to_page = |name: &str| {
        let kind = name.rsplit('.').next().unwrap_or_default();
        let other = name.starts_with("worker") || name == "sw.js" || belongs_to_push(name);
        !other && matches!(kind, "wasm" | "js" | "css")
    };
    let parts: [(&str, Vec<PathBuf>, usize); 2] = [
        ("the page", files(&surroundings.dist, belongs_to_page)?, PAGE_BUDGET),
        ("the worker", files(&surroundings.dist, |name| name.starts_with("worker"))?, WORKER_BUDGET),
    ];
    for (what, files, budget) in parts {
        let mut total = 0;
        for file in &files {
            total +=
                compressed(&fs::read(file).map_err(|error| format!("{} can't be read: {error}", file.display()))?)?;
        }
        println!("  {what}: {} KB compressed", total.div_ceil(1024));
        if total > budget {
            return Err(format!("{what} takes {total} bytes compressed, more than {budget}"));
        }
        if files.len() < 2 {
            return Err(format!("{what} has {} files, which can't be all", files.len()));
        }
    }
    Ok(())
}

/// No address in the page, its manifest or its styles begins at the host's root or names a host.
pub fn relative_addresses(surroundings: &Surroundings) -> Result<(), String> {
    let mut checked =
        ["index.html", "mlflow.html", "manifest.webmanifest"].map(|name| surroundings.dist.join(name)).to_vec();
    checked.extend(files(&surroundings.dist, |name| name.ends_with(".css"))?);
    for path in checked {
        let text = read(&path)?;
        for absolute in ["=\"/", ": \"/", "url(/", "://"] {
            if let Some((before, after)) = text.split_once(absolute) {
                // The name of SVG's vocabulary looks like an address and isn't one.
                if !after.starts_with("www.w3.org/") {
                    let line = before.lines().count();
                    return Err(format!(
                        "{}, line {line}: an address that is not relative ({absolute})",
                        path.display()
                    ));
                }
            }
        }
    }
    Ok(())
}

fn compressed(bytes: &[u8]) -> Result<usize, String> {
    let mut out = Vec::new();
    // Quality 11 is what a static host stores; the window is the format's usual one.
    let parameters = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, ..Default::default() };
    brotli::BrotliCompress(&mut &bytes[..], &mut out, &parameters)
        .map_err(|error| format!("compressing failed: {error}"))?;
    Ok(out.len())
}

fn files(folder: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{} can't be read: {error}", folder.display()))?;
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    Ok(paths.filter(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(&wanted)).collect())
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{} can't be read: {error}", path.display()))
}
