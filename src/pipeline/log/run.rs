//! One run: what was done, with which parameters, and what was measured.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunKind {
    /// Trained one model.
    Train,
    /// Searched the model zoo; its trials are its children.
    Search,
    /// Trained one candidate of a search.
    Trial,
    /// Compared a challenger with the champion, and promoted it or not.
    Promotion,
    /// Compared the model before and after labels were corrected.
    Review,
    /// Compared a batch with what the champion knows, and judged whether it holds.
    Monitor,
}

impl RunKind {
    const ALL: [RunKind; 6] =
        [RunKind::Train, RunKind::Search, RunKind::Trial, RunKind::Promotion, RunKind::Review, RunKind::Monitor];

    /// The word for this kind on screen, in queries and in files.
    pub fn word(self) -> &'static str {
        match self {
            RunKind::Train => "train",
            RunKind::Search => "search",
            RunKind::Trial => "trial",
            RunKind::Promotion => "promotion",
            RunKind::Review => "review",
            RunKind::Monitor => "monitor",
        }
    }

    /// The inverse of [`RunKind::word`].
    pub fn from_word(word: &str) -> Option<RunKind> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// How far a run came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// Still at work, or cut off by the end of the browser.
    Running,
    /// Came to its end.
    Finished,
    /// Could not come to its end; [`Run::error`] says why.
    Failed,
    /// Stopped by a person.
    Cancelled,
}

impl RunStatus {
    const ALL: [RunStatus; 4] = [RunStatus::Running, RunStatus::Finished, RunStatus::Failed, RunStatus::Cancelled];

    /// The word for this status on screen, in queries and in files.
    pub fn word(self) -> &'static str {
        match self {
            RunStatus::Running => "running",
            RunStatus::Finished => "finished",
            RunStatus::Failed => "failed",
            RunStatus::Cancelled => "cancelled",
        }
    }

    /// The inverse of [`RunStatus::word`].
    pub fn from_word(word: &str) -> Option<RunStatus> {
        Self::ALL.into_iter().find(|status| status.word() == word)
    }
}

/// One measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// What was measured: `accuracy`, `log_loss`.
    pub key: String,
    /// The value; not always finite (a diverging loss), and stored even then.
    #[serde(with = "any_number")]
    pub value: f64,
    /// When in the run: an iteration, a number of labels; 0 for what is measured once.
    #[serde(default)]
    pub step: u32,
    /// When by the clock, in milliseconds since 1970.
    #[serde(default)]
    pub time_ms: f64,
}

/// A file that a run left. Its bytes are stored apart, by their hash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Artifact {
    /// Its name within the run: `model.safetensors`, `confusion_matrix.json`, `config.json`.
    pub path: String,
    /// Its media type.
    pub mime: String,
    /// How many bytes it has.
    pub bytes: u64,
    /// The SHA-256 of its bytes, as 64 lower-case hexadecimal digits.
    pub sha256: String,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// A ULID: unique, and later runs sort later.
    pub id: String,
    /// Counts the project's runs from 1, for people: see [`Run::label`].
    pub number: u32,
    /// Its name; may be changed.
    pub name: String,
    /// What it did.
    pub kind: RunKind,
    /// The id of the run that it is part of: a trial's search.
    #[serde(default)]
    pub parent: Option<String>,
    /// How far it came.
    pub status: RunStatus,
    /// Why it failed, in words for the user.
    #[serde(default)]
    pub error: Option<String>,
    /// What decides its result, as [`super::fingerprint()`] gives it; none where nothing is computed.
    #[serde(default)]
    pub fingerprint: Option<String>,
    /// What it was told: head, hyper-parameters, features.
    #[serde(default)]
    pub params: BTreeMap<String, String>,
    /// What was measured, in the order of measuring.
    #[serde(default)]
    pub metrics: Vec<Metric>,
    /// What else is known of it.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// The files it left.
    #[serde(default)]
    pub artifacts: Vec<Artifact>,
    /// When it began, in milliseconds since 1970.
    pub start_ms: f64,
    /// When it ended; none while it runs.
    #[serde(default)]
    pub end_ms: Option<f64>,
    /// What people wrote about it.
    #[serde(default)]
    pub note: String,
}

impl Run {
    /// What people call it: `r12`.
    pub fn label(&self) -> String {
        format!("r{}", self.number)
    }

    /// A metric's value at its latest step; of several at that step the one measured last.
    pub fn metric(&self, key: &str) -> Option<f64> {
        self.curve(key).last().map(|&(_, value)| value)
    }

    /// A metric by step, in ascending order. Of several values at one step the one measured last counts.
    pub fn curve(&self, key: &str) -> Vec<(u32, f64)> {
        let mut points: Vec<&Metric> = self.metrics.iter().filter(|metric| metric.key == key).collect();
        points.sort_by(|a, b| a.step.cmp(&b.step).then(a.time_ms.total_cmp(&b.time_ms)));
        let mut curve: Vec<(u32, f64)> = Vec::with_capacity(points.len());
        for point in points {
            match curve.last_mut() {
                Some(last) if last.0 == point.step => last.1 = point.value,
                _ => curve.push((point.step, point.value)),
            }
        }
        curve
    }
}

/// JSON has no word for what is not a finite number; like protobuf's JSON, and so MLflow, this writes it as text.
pub(crate) mod any_number {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    const WORDS: [(&str, f64); 3] = [("NaN", f64::NAN), ("Infinity", f64::INFINITY), ("-Infinity", f64::NEG_INFINITY)];

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(f64),
        Word(String),
    }

    /// The word for a value that is not finite.
    pub fn word(value: f64) -> Option<&'static str> {
        if value.is_nan() {
            return Some("NaN");
        }
        WORDS.into_iter().find(|(_, number)| *number == value).map(|(word, _)| word)
    }

    pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        match word(*value) {
            Some(word) => serializer.serialize_str(word),
            None => serializer.serialize_f64(*value),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        match Written::deserialize(deserializer)? {
            Written::Number(number) => Ok(number),
            Written::Word(text) => WORDS
                .into_iter()
                .find(|(word, _)| *word == text)
                .map(|(_, number)| number)
                .ok_or_else(|| D::Error::custom("a metric is a number, NaN, Infinity or -Infinity")),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A finished run with one parameter and two points of one metric.
    pub fn example(number: u32) -> Run {
        Run {
            id: format!("01J{number:023}"),
            number,
            name: format!("ridge {number}"),
            kind: RunKind::Train,
            parent: None,
            status: RunStatus::Finished,
            error: None,
            fingerprint: Some("ab".repeat(32)),
            params: BTreeMap::from([("head".into(), "ridge".into())]),
            metrics: vec![metric("accuracy", 0.75, 0, 10.0), metric("accuracy", 0.875, 1, 20.0)],
            tags: BTreeMap::new(),
            artifacts: vec![],
            start_ms: 1_700_000_000_000.0 + f64::from(number),
            end_ms: Some(1_700_000_060_000.0),
            note: String::new(),
        }
    }

    pub fn metric(key: &str, value: f64, step: u32, time_ms: f64) -> Metric {
        Metric { key: key.into(), value, step, time_ms }
    }

    #[test]
    fn words_are_the_stored_words() {
        for kind in RunKind::ALL {
            assert_eq!(RunKind::from_word(kind.word()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.word());
        }
        for status in RunStatus::ALL {
            assert_eq!(RunStatus::from_word(status.word()), Some(status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.word());
        }
        assert_eq!(RunKind::from_word("Train"), None);
    }

    #[test]
    fn a_metric_is_its_latest_step_whatever_the_order() {
        let mut run = example(12);
        run.metrics = vec![
            metric("loss", 0.2, 7, 70.0),
            metric("loss", 0.9, 1, 10.0),
            metric("loss", 0.1, 7, 80.0),
            metric("accuracy", 1.0, 9, 90.0),
        ];
        assert_eq!(run.curve("loss"), [(1, 0.9), (7, 0.1)]);
        assert_eq!((run.metric("loss"), run.metric("nothing")), (Some(0.1), None));
        assert_eq!(run.label(), "r12");
    }

    #[test]
    fn a_run_survives_its_stored_form_even_with_a_loss_that_diverged() {
        let mut run = example(3);
        run.metrics.extend([metric("loss", f64::INFINITY, 2, 1.0), metric("loss", f64::NEG_INFINITY, 3, 1.0)]);
        let json = serde_json::to_string(&run).unwrap();
        assert_eq!(serde_json::from_str::<Run>(&json).unwrap(), run);
        run.metrics = vec![metric("loss", f64::NAN, 0, 1.0)];
        let json = serde_json::to_string(&run).unwrap();
        assert!(serde_json::from_str::<Run>(&json).unwrap().metrics[0].value.is_nan(), "{json}");
        let error = serde_json::from_str::<Metric>(r#"{"key":"loss","value":"much"}"#).unwrap_err().to_string();
        assert!(error.contains("NaN"), "{error}");
    }

    #[test]
    fn a_run_of_an_earlier_release_can_be_read() {
        let least = r#"{"id":"1","number":1,"name":"n","kind":"train","status":"finished","start_ms":5}"#;
        let run: Run = serde_json::from_str(least).unwrap();
        assert_eq!((run.metrics.len(), run.end_ms, run.note.as_str()), (0, None, ""));
    }
}
