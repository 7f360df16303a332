use super::*;
use crate::pipeline::log::run::tests::{example, metric};

fn request<'a>(runs: &'a [Run]) -> PushRequest<'a> {
    PushRequest {
        experiment: "Photos",
        project: "01PROJECT",
        registered_model: "photos",
        runs,
        champion: None,
        challenger: None,
    }
}

fn with_model(number: u32) -> Run {
    let artifact = |path: &str| Artifact { path: path.into(), mime: "m".into(), bytes: 3, sha256: "s".into() };
    Run { artifacts: vec![artifact("model.safetensors"), artifact("config.json")], ..example(number) }
}

fn bytes(run: &Run, artifact: &Artifact) -> Option<Vec<u8>> {
    Some(format!("{} of {}", artifact.path, run.id).into_bytes())
}

fn tag<'a>(run: &'a PushRun, key: &str) -> Option<&'a str> {
    run.batches.iter().flat_map(|batch| &batch.tags).find(|tag| tag.key == key).map(|tag| tag.value.as_str())
}

#[test]
fn a_plan_says_all_of_a_run() {
    let mut run = with_model(3);
    run.note = "best so far".into();
    run.status = RunStatus::Cancelled;
    run.metrics = vec![metric("loss", f64::NAN, 0, -5.0), metric("loss", 0.25, 2, 1_700_000_000_000.7)];
    run.tags.insert("hone.run_id".into(), "another".into());
    let plan = push_plan(&PushRequest { champion: Some(&run.id), ..request(std::slice::from_ref(&run)) }, bytes);
    let pushed = &plan.runs[0];
    assert_eq!((pushed.name.as_str(), pushed.status.as_str()), ("r3 ridge 3", "KILLED"));
    assert_eq!((pushed.start_time, pushed.end_time), (1_700_000_000_003, Some(1_700_000_060_000)));
    assert_eq!(tag(pushed, "hone.run_id"), Some(run.id.as_str()));
    assert_eq!(tag(pushed, "hone.run_id_2"), Some("another"));
    assert_eq!(tag(pushed, "hone.kind"), Some("train"));
    assert_eq!(tag(pushed, "hone.fingerprint"), run.fingerprint.as_deref());
    assert_eq!(tag(pushed, "mlflow.note.content"), Some("best so far"));
    assert_eq!(tag(pushed, "hone.error"), None);
    let metrics = serde_json::to_value(&pushed.batches[0].metrics).unwrap();
    assert_eq!(
        metrics,
        serde_json::json!([
            { "key": "loss", "value": "NaN", "timestamp": 0, "step": 0 },
            { "key": "loss", "value": 0.25, "timestamp": 1_700_000_000_000_i64, "step": 2 },
        ])
    );
    assert_eq!(plan.aliases, Aliases { champion: Some(run.id.clone()), challenger: None });
    assert!(pushed.registers_model);
    let decoded = STANDARD.decode(pushed.artifacts[1].base64.as_ref().unwrap()).unwrap();
    assert_eq!(Some(decoded), bytes(&run, &run.artifacts[1]));
    assert_eq!(plan.changes.len(), 1, "{:?}", plan.changes);
}

#[test]
fn parents_come_first_and_strangers_are_no_parents() {
    let child = Run { parent: Some(example(7).id), ..example(2) };
    let grandchild = Run { parent: Some(child.id.clone()), ..example(1) };
    let orphan = Run { parent: Some("gone".into()), ..example(3) };
    let circular = Run { parent: Some(example(5).id), ..example(5) };
    let runs = [grandchild, child, orphan, circular, example(7)];
    let plan = push_plan(&request(&runs), bytes);
    let order: Vec<(&str, bool)> =
        plan.runs.iter().map(|run| (run.name.split(' ').next().unwrap(), run.parent.is_some())).collect();
    assert_eq!(order, [("r3", false), ("r7", false), ("r2", true), ("r1", true), ("r5", true)]);
}

#[test]
fn the_content_hash_knows_every_change_and_nothing_else() {
    let content = |run: Run| push_plan(&request(&[run]), bytes).runs[0].content.clone();
    let base = content(with_model(1));
    assert_eq!(base, content(with_model(1)));
    assert_eq!(base.len(), 64);
    let mut changed = vec![
        Run { note: "x".into(), ..with_model(1) },
        Run { name: "x".into(), ..with_model(1) },
        Run { status: RunStatus::Failed, ..with_model(1) },
        Run { end_ms: None, ..with_model(1) },
        example(1),
    ];
    let mut measured = with_model(1);
    measured.metrics[0].value += 1e-9;
    changed.push(measured);
    for run in changed {
        assert_ne!(content(run.clone()), base, "{run:?}");
    }
    let other_bytes = push_plan(&request(&[with_model(1)]), |_, _| Some(vec![1]));
    assert_ne!(other_bytes.runs[0].content, base);
}

#[test]
fn what_cannot_be_pushed_is_told() {
    let mut run = with_model(4);
    run.params.insert("classes: all".into(), "x".repeat(6_001));
    let plan = push_plan(
        &PushRequest {
            registered_model: "a/b",
            champion: Some(&run.id),
            challenger: Some("gone"),
            ..request(std::slice::from_ref(&run))
        },
        |_, artifact| (artifact.path != MODEL_ARTIFACT).then(|| vec![1]),
    );
    let told = plan.changes.join("\n");
    for part in [
        "parameter name “classes: all”",
        "has 6001 characters",
        "the file model.safetensors is not stored any more",
        "champion's model is not among",
        "challenger's model is not among",
        "pushed as “a_b”",
    ] {
        assert!(told.contains(part), "{part} is not in:\n{told}");
    }
    assert_eq!((plan.aliases, plan.runs[0].artifacts.len()), (Aliases::default(), 1));
}

#[test]
fn the_zip_holds_plan_script_and_files() {
    let runs = [with_model(1), with_model(2)];
    let plan = push_plan(&request(&runs), bytes);
    let files = mlflow_zip_files(&plan);
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names[..3], ["plan.json", "import_runs.py", "README.txt"]);
    let stored: PushPlan = serde_json::from_slice(&files[0].1).unwrap();
    for (run, pushed) in runs.iter().zip(&stored.runs) {
        for (artifact, listed) in run.artifacts.iter().zip(&pushed.artifacts) {
            let name = listed.file.as_deref().unwrap();
            let (_, content) = files.iter().find(|(file, _)| file == name).unwrap();
            assert_eq!((Some(content.clone()), &listed.base64), (bytes(run, artifact), &None));
        }
    }
    assert!(String::from_utf8_lossy(&files[1].1).contains("argparse"));
}
