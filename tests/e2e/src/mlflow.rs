//! A real MLflow tracking server, and what its own client reads back from it.

use hone::pipeline::export::mlflow::PushPlan;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::visit::until;

/// MLflow takes seconds to start, and longer on a busy machine.
const START_SECONDS: u64 = 120;

/// A running server with a store of its own. Both go with this value.
pub struct MlflowServer {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    origin: String,
    process: Option<Child>,
}

impl MlflowServer {
    /// Starts one on a free port of the loopback interface that allows pages of `origin`, installing MLflow if need be.
    ///
    /// # Errors
    /// When it can't be installed or doesn't start: quotes what it said.
    pub fn start(name: &str, origin: &str) -> Result<MlflowServer, String> {
        let programs = xtask::setup::mlflow::server()?;
        let folder = std::env::temp_dir().join(format!("hone-mlflow-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).map_err(|error| format!("{} can't be made: {error}", folder.display()))?;
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|free| free.local_addr())
            .map_err(|error| error.to_string())?
            .port();
        let mut server = MlflowServer { programs, folder, port, origin: origin.to_owned(), process: None };
        server.start_again()?;
        Ok(server)
    }

    /// Where it is.
    pub fn uri(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A Python that can import MLflow.
    pub fn python(&self) -> PathBuf {
        self.programs.join("python")
    }

    /// Starts it once more after [`MlflowServer::stop`], with the same port and store.
    ///
    /// # Errors
    /// When it doesn't answer in time.
    pub fn start_again(&mut self) -> Result<(), String> {
        let log_path = self.folder.join("server.log");
        let log = File::create(&log_path).map_err(|error| format!("{} can't be made: {error}", log_path.display()))?;
        let log_too = log.try_clone().map_err(|error| error.to_string())?;
        let process = Command::new(self.programs.join("mlflow"))
            .arg("server")
            .args(["--host", "127.0.0.1", "--port", &self.port.to_string(), "--workers", "1"])
            .args(["--backend-store-uri", &format!("sqlite:///{}", self.folder.join("store.db").display())])
            .arg("--artifacts-destination")
            .arg(self.folder.join("artifacts"))
            .args(["--cors-allowed-origins", &self.origin])
            .envs(QUIET)
            .current_dir(&self.folder)
            .stdout(Stdio::from(log))
            .stderr(Stdio::from(log_too))
            // It has children of its own: they are ended together.
            .process_group(0)
            .spawn()
            .map_err(|error| format!("MLflow can't be started: {error}"))?;
        self.process = Some(process);
        let health = format!("{}/health", self.uri());
        until("MLflow's answer", START_SECONDS, || {
            if let Some(Ok(Some(status))) = self.process.as_mut().map(Child::try_wait) {
                return Err(format!("it ended ({status})"));
            }
            Ok(ureq::get(&health).call().ok().map(drop))
        })
        .map_err(|problem| {
            let said = fs::read_to_string(&log_path).unwrap_or_default();
            format!("MLflow doesn't start: {problem}; it said:\n{said}")
        })
    }

    /// Ends the server; what it stored stays.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = Command::new("kill").args(["-9", "--", &format!("-{}", process.id())]).status();
            let _ = process.wait();
        }
    }

    /// Deletes an experiment, as a person may in MLflow's own pages.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn delete_experiment(&self, name: &str) -> Result<(), String> {
        let call = |path: &str| format!("{}/api/2.0/mlflow/experiments/{path}", self.uri());
        let refused = |error: ureq::Error| format!("the experiment can't be deleted: {error}");
        let mut found = ureq::get(call("get-by-name")).query("experiment_name", name).call().map_err(refused)?;
        let found: Value = found.body_mut().read_json().map_err(refused)?;
        let wanted = json!({ "experiment_id": found["experiment"]["experiment_id"] });
        ureq::post(call("delete")).send_json(wanted).map_err(refused).map(drop)
    }

    /// All that MLflow's own Python client finds: `runs` as pairs of Hone's run id and what is known of it, and `models`.
    ///
    /// # Errors
    /// When the client fails.
    pub fn read_back(&self, experiment: &str) -> Result<Value, String> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/src/read_back.py");
        let text = self.run_python(Path::new(script), &[&self.uri(), experiment])?;
        let line = text.lines().last().unwrap_or_default();
        serde_json::from_str(line).map_err(|error| format!("MLflow's client said no JSON ({error}): {text}"))
    }

    /// Runs a script and gives what it wrote to standard output.
    ///
    /// # Errors
    /// When it fails: quotes what it said.
    pub fn run_python(&self, script: &Path, arguments: &[&str]) -> Result<String, String> {
        let mut command = Command::new(self.python());
        command.arg("-B").arg(script).args(arguments).envs(QUIET).current_dir(&self.folder);
        let output = command.output().map_err(|error| format!("Python can't be started: {error}"))?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(format!("{} failed: {}", script.display(), String::from_utf8_lossy(&output.stderr)))
        }
    }

    /// Checks that the client reads back exactly the plan: each run once, with its parameters, metrics by step, tags and
    /// files, and the registered model's versions and aliases.
    ///
    /// # Errors
    /// Says what differs.
    pub fn holds(&self, plan: &PushPlan) -> Result<(), String> {
        let found = self.read_back(&plan.experiment)?;
        let mut runs: Vec<(String, Value)> = found["runs"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|pair| (pair[0].as_str().unwrap_or("no id").to_owned(), pair[1].clone()))
            .collect();
        runs.sort_by(|a, b| a.0.cmp(&b.0));
        let mut expected: Vec<(String, Value)> =
            plan.runs.iter().map(|run| Ok((run.run_id.clone(), expected_run(run)?))).collect::<Result<_, String>>()?;
        expected.sort_by(|a, b| a.0.cmp(&b.0));
        let ids = |runs: &[(String, Value)]| runs.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>();
        if ids(&runs) != ids(&expected) {
            return Err(format!("the server has the runs {:?}, not {:?}", ids(&runs), ids(&expected)));
        }
        for ((id, mut run), (_, expected)) in runs.into_iter().zip(expected) {
            // MLflow adds tags of its own.
            if let Some(tags) = run["tags"].as_object_mut() {
                tags.retain(|key, _| !key.starts_with("mlflow.") || key == "mlflow.note.content");
            }
            if let Some(metrics) = run["metrics"].as_array_mut() {
                metrics.sort_by_key(Value::to_string);
            }
            for part in ["name", "status", "start_time", "end_time", "parent", "params", "metrics", "tags", "artifacts"]
            {
                if run[part] != expected[part] {
                    return Err(format!("{part} of {id} was read back as {}, not {}", run[part], expected[part]));
                }
            }
        }
        let model = &found["models"][&plan.registered_model];
        let mut versions: Vec<&str> =
            plan.runs.iter().filter(|run| run.registers_model).map(|run| run.run_id.as_str()).collect();
        versions.sort_unstable();
        let wanted = json!({ "versions": versions, "aliases": given(plan) });
        if *model == wanted {
            Ok(())
        } else {
            Err(format!("the registered model was read back as {model}, not {wanted}"))
        }
    }
}

impl Drop for MlflowServer {
    fn drop(&mut self) {
        self.stop();
        // A child that is just ending may still write.
        std::thread::sleep(Duration::from_millis(50));
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// No progress bars, no telemetry, no jobs.
const QUIET: [(&str, &str); 3] = [
    ("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false"),
    ("MLFLOW_DISABLE_TELEMETRY", "true"),
    ("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false"),
];

fn given(plan: &PushPlan) -> Value {
    let mut aliases = json!({});
    for (name, run) in [("champion", &plan.aliases.champion), ("challenger", &plan.aliases.challenger)] {
        if let Some(run) = run {
            aliases[name] = json!(run);
        }
    }
    aliases
}

/// A run as `read_back.py` describes it.
fn expected_run(run: &hone::pipeline::export::mlflow::PushRun) -> Result<Value, String> {
    use base64::Engine;
    let mut tags = json!({ "hone.content": run.content });
    let mut params = json!({});
    let mut metrics = Vec::new();
    for batch in &run.batches {
        for tag in &batch.tags {
            tags[&tag.key] = json!(tag.value);
        }
        for param in &batch.params {
            params[&param.key] = json!(param.value);
        }
        metrics.extend(
            batch
                .metrics
                .iter()
                .map(|metric| json!([metric.key, metric.step, python_repr(metric.value), metric.timestamp])),
        );
    }
    metrics.sort_by_key(Value::to_string);
    let mut artifacts = json!({});
    for artifact in &run.artifacts {
        let encoded = artifact.base64.as_deref().ok_or("an artifact without its bytes")?;
        let bytes = base64::engine::general_purpose::STANDARD.decode(encoded).map_err(|error| error.to_string())?;
        artifacts[&artifact.path] = json!(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    }
    Ok(json!({
        "name": run.name,
        "status": run.status,
        "start_time": run.start_time,
        "end_time": run.end_time,
        "parent": run.parent,
        "params": params,
        "metrics": metrics,
        "tags": tags,
        "artifacts": artifacts,
    }))
}

/// A double as Python's `repr` has it, after MLflow's database, which holds no infinity.
fn python_repr(value: f64) -> String {
    let stored = if value.is_infinite() { f64::MAX.copysign(value) } else { value };
    if stored.is_nan() {
        return "nan".to_owned();
    }
    let magnitude = stored.abs();
    if stored != 0.0 && !(1e-4..1e16).contains(&magnitude) {
        let text = format!("{stored:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let exponent: i32 = exponent.parse().unwrap_or(0);
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    format!("{stored:?}")
}

#[cfg(test)]
mod tests {
    use super::python_repr;

    #[test]
    fn writes_numbers_as_python_does() {
        for (value, expected) in [
            (0.0, "0.0"),
            (-0.25, "-0.25"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (0.0001, "0.0001"),
            (0.000012, "1.2e-05"),
            (f64::NAN, "nan"),
            (f64::INFINITY, "1.7976931348623157e+308"),
        ] {
            assert_eq!(python_repr(value), expected);
        }
    }
}
