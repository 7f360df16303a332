//! Runs reach a real MLflow server and are read back by MLflow's own client: by the script, and by the page.

use super::Surroundings;
use crate::mlflow::MlflowServer;
use crate::visit::{Visit, until};
use hone::pipeline::export::mlflow::{PushPlan, PushRequest, mlflow_zip_files, push_plan};
use hone::pipeline::log::{Artifact, Metric, Run, RunKind, RunStatus};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The zip's script, twice: what is there isn't pushed again, and what has changed is brought up to date.
pub fn import_script(_: &Surroundings) -> Result<(), String> {
    let mut server = MlflowServer::start("script", "http://127.0.0.1:1")?;
    let folder = Folder::new("script")?;
    let plan = plan(&runs(), Some(2), Some(3));
    let script = folder.write(&plan)?;

    let push = |server: &MlflowServer| server.run_python(&script, &["--tracking-uri", &server.uri()]);
    let said = push(&server)?;
    expect(&said, &format!("{0} of {0} runs are at", plan.runs.len()))?;
    server.holds(&plan)?;

    let said = push(&server)?;
    if said.matches(": already there").count() != plan.runs.len() {
        return Err(format!("a second push should find all runs there, but said:\n{said}"));
    }
    server.holds(&plan)?;

    // A running search has ended, with one more metric and a note; another model was promoted, and none challenges it.
    let mut later = runs();
    later[0].status = RunStatus::Finished;
    later[0].end_ms = Some(START_MS + 90_000.0);
    later[0].note = "The second trial was best.".into();
    later[0].metrics.push(metric("accuracy", 0.9, 30));
    let later = self::plan(&later, Some(3), None);
    folder.write(&later)?;
    let said = push(&server)?;
    expect(&said, "brought up to date")?;
    server.holds(&later)?;

    server.delete_experiment(&later.experiment)?;
    expect(&push(&server)?, "had been deleted on the server; it was restored")?;
    server.holds(&later)?;

    server.stop();
    match push(&server) {
        Err(problem) => expect(&problem, "Nothing is lost"),
        Ok(said) => Err(format!("a push to a stopped server succeeded:\n{said}")),
    }
}

/// The page, by a plan file: to a stopped server, to one that doesn't allow the page, and to one that does.
pub fn push_page(surroundings: &Surroundings) -> Result<(), String> {
    let site = surroundings.serve("/hone/")?;
    let mut server = MlflowServer::start("page", &site.origin())?;
    server.stop();
    let folder = Folder::new("page")?;
    let plan = plan(&runs(), Some(2), Some(3));
    let file = folder.path.join("runs.json");
    fs::write(&file, serde_json::to_vec(&plan).map_err(|error| error.to_string())?)
        .map_err(|error| error.to_string())?;

    let visit = Visit::start(&surroundings.programs, "mlflow")?;
    // With the service worker in charge, the address must still lead to this page and not to the app.
    visit.session()?.open(&site.url())?;
    visit.ready_for_offline()?;
    visit.session()?.open(&format!("{}mlflow.html", site.url()))?;
    visit.see("heading", "Push runs to MLflow")?;
    says(&visit, "status", "Plan", "No runs yet")?;
    visit.choose("Choose a plan file", &[&file])?;
    says(&visit, "status", "Plan", &format!("{} runs", plan.runs.len()))?;

    type_into(&visit, "Tracking server", &server.uri())?;
    visit.click("button", "Push")?;
    says(&visit, "alert", "Problem", "No server answers")?;
    says(&visit, "alert", "Problem", &format!("--cors-allowed-origins {}", site.origin()))?;
    says(&visit, "alert", "Problem", "Nothing is lost")?;

    // Any server that answers but doesn't name the page's origin: a plain file server.
    let refusing = surroundings.serve("/")?;
    type_into(&visit, "Tracking server", refusing.origin().as_str())?;
    visit.click("button", "Push")?;
    says(&visit, "alert", "Problem", "does not allow the origin")?;

    server.start_again()?;
    type_into(&visit, "Tracking server", &server.uri())?;
    visit.click("button", "Push")?;
    says(&visit, "status", "Result", &format!("{0} of {0} runs are on the server", plan.runs.len()))?;
    server.holds(&plan)?;
    visit.pictures(&surroundings.screenshots, "mlflow")?;

    // Again, after a reload: the address is remembered, and nothing is there twice.
    visit.session()?.reload()?;
    visit.choose("Choose a plan file", &[&file])?;
    says(&visit, "status", "Plan", &format!("{} runs", plan.runs.len()))?;
    visit.click("button", "Push")?;
    says(&visit, "status", "Result", "runs are on the server")?;
    let text = visit.all_text()?;
    if text.matches("already there").count() != plan.runs.len() {
        return Err(format!("a second push should find all runs there, but the page says:\n{text}"));
    }
    server.holds(&plan)?;

    // The page as the app opens it: it asks its opener, and takes the plan from nobody else.
    by_message(&visit, &site.url(), &plan)?;
    says(&visit, "status", "Plan", "From Hone")?;
    Ok(())
}

/// Opens the page from the app's own origin and answers its request, as the app does.
fn by_message(visit: &Visit<'_>, site: &str, plan: &PushPlan) -> Result<(), String> {
    let session = visit.session()?;
    session.open(site)?;
    let answer = "const plan = arguments[0];
        window.addEventListener('message', (event) => {
          if (event.origin === location.origin && event.data?.hone === 'plan') {
            event.source.postMessage({ hone: 'plan', plan }, event.origin);
          }
        });
        window.open('mlflow.html');";
    let plan = serde_json::to_string(plan).map_err(|error| error.to_string())?;
    session.run(answer, &json!([plan]))?;
    until("the page's own window", 15, || session.enter_other_window()).map(drop)
}

const START_MS: f64 = 1_764_000_000_000.0;

/// A search still running with two trials in it, a promotion that failed, and a run whose every name is difficult.
fn runs() -> Vec<Run> {
    let search = Run {
        status: RunStatus::Running,
        end_ms: None,
        // More than one request takes.
        metrics: (0..1_200).map(|step| metric("loss", 1.0 / f64::from(step + 1), step)).collect(),
        artifacts: vec![],
        ..run(1, RunKind::Search)
    };
    let mut first = Run { parent: Some(search.id.clone()), ..run(2, RunKind::Trial) };
    first.note = "Weights “balanced”.\nSecond line.".into();
    let second = Run { parent: Some(search.id.clone()), ..run(3, RunKind::Trial) };
    let failed = Run {
        status: RunStatus::Failed,
        error: Some("Fewer than two classes have labels.".into()),
        artifacts: vec![],
        fingerprint: None,
        ..run(4, RunKind::Promotion)
    };
    let mut difficult = Run { name: "Größe: 50 % \"quoted\" 'n' <b>…</b>".into(), ..run(5, RunKind::Train) };
    difficult.params = (0..130).map(|number| (format!("param:{number}"), "ж".repeat(600 + number))).collect();
    difficult.params.insert("empty".into(), String::new());
    difficult.tags = BTreeMap::from([("cache_hit_of".into(), second.id.clone()), ("a//b".into(), "é".repeat(9_000))]);
    difficult.metrics =
        [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e-300, 0.1 + 0.2].map(|value| metric("odd?", value, 0)).to_vec();
    for (place, metric) in difficult.metrics.iter_mut().enumerate() {
        metric.step = place as u32;
    }
    vec![search, first, second, failed, difficult]
}

fn run(number: u32, kind: RunKind) -> Run {
    let artifact =
        |path: &str, mime: &str| Artifact { path: path.into(), mime: mime.into(), bytes: 0, sha256: String::new() };
    Run {
        id: format!("01JE2E{number:020}"),
        number,
        name: format!("ridge λ={number}"),
        kind,
        parent: None,
        status: RunStatus::Finished,
        error: None,
        fingerprint: Some(format!("{number:064x}")),
        params: BTreeMap::from([("head".into(), "ridge".into()), ("lambda".into(), format!("0.{number}"))]),
        metrics: vec![metric("accuracy", 0.5, 0), metric("accuracy", 0.75 + f64::from(number) / 100.0, 20)],
        tags: BTreeMap::new(),
        artifacts: vec![
            artifact("model.safetensors", "application/octet-stream"),
            artifact("confusion_matrix.json", "application/json"),
            artifact("charts/learning curve #1.svg", "image/svg+xml"),
        ],
        start_ms: START_MS + f64::from(number),
        end_ms: Some(START_MS + 60_000.0),
        note: String::new(),
    }
}

fn metric(key: &str, value: f64, step: u32) -> Metric {
    Metric { key: key.into(), value, step, time_ms: START_MS + f64::from(step) }
}

/// Every byte there is, and which file of which run.
fn bytes(run: &Run, artifact: &Artifact) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..=255).collect();
    bytes.extend(format!("{} {}", run.id, artifact.path).bytes());
    bytes
}

/// The plan of these runs; the champion and the challenger are named by number.
fn plan(runs: &[Run], champion: Option<u32>, challenger: Option<u32>) -> PushPlan {
    let id = |number: Option<u32>| runs.iter().find(|run| Some(run.number) == number).map(|run| run.id.as_str());
    let request = PushRequest {
        experiment: "Photos of Anna's",
        project: "01JPROJECT",
        registered_model: "Photos of Anna's",
        runs,
        champion: id(champion),
        challenger: id(challenger),
    };
    push_plan(&request, |run, artifact| Some(bytes(run, artifact)))
}

struct Folder {
    path: PathBuf,
}

impl Folder {
    fn new(name: &str) -> Result<Folder, String> {
        let path = std::env::temp_dir().join(format!("hone-plan-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).map_err(|error| format!("{} can't be made: {error}", path.display()))?;
        Ok(Folder { path })
    }

    /// Unpacks the zip's files; gives the script.
    fn write(&self, plan: &PushPlan) -> Result<PathBuf, String> {
        for (name, bytes) in mlflow_zip_files(plan) {
            let path = self.path.join(name);
            fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))
                .and_then(|()| fs::write(&path, bytes))
                .map_err(|error| format!("{} can't be written: {error}", path.display()))?;
        }
        Ok(self.path.join("import_runs.py"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn expect(text: &str, part: &str) -> Result<(), String> {
    if text.contains(part) { Ok(()) } else { Err(format!("“{part}” is not in:\n{text}")) }
}

/// Waits until the element's text holds this.
fn says(visit: &Visit<'_>, role: &str, name: &str, part: &str) -> Result<(), String> {
    let mut last = String::new();
    until(&format!("{role} “{name}” to say “{part}”"), 60, || {
        let Some(element) = visit.find(role, name) else { return Ok(None) };
        last = visit.session()?.text(&element).unwrap_or_default();
        Ok(last.contains(part).then_some(()))
    })
    .map_err(|problem| format!("{problem}; it says “{last}”"))
}

fn type_into(visit: &Visit<'_>, name: &str, text: &str) -> Result<(), String> {
    let field = visit.see("textbox", name)?;
    visit.session()?.clear(&field)?;
    visit.session()?.write(&field, text)
}
