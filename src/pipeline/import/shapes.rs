//! What the objects of other tools mean: Argilla, doccano, Label Studio, Prodigy, Hugging Face.

use super::GivenLabel;
use super::json::Members;
use super::time::milliseconds_of;
use serde_json::value::RawValue;

/// The cells of one object.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fields {
    /// Name and cell, in the order of the object.
    pub cells: Vec<(String, Cell)>,
    /// What was passed over.
    pub remark: Option<Remark>,
}

/// What was passed over of an object, in words.
#[derive(Debug, Clone, PartialEq)]
pub enum Remark {
    /// What is so of most objects of a file: told once.
    OfAll(String),
    /// What is so of this object.
    OfRow(String),
}

/// One value.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cell {
    /// As text: strings as they are, `null` empty, a list of one thing as that thing, the rest as compact JSON.
    pub text: String,
    /// The things of a list, if it was a list of strings or numbers.
    pub list: Option<Vec<String>>,
    /// The labels it holds, where a tool's shape says that it holds labels.
    pub labels: Option<Vec<GivenLabel>>,
}

/// Objects that hold an item's own columns rather than something about it.
const CONTAINERS: [&str; 6] = ["fields", "data", "inputs", "metadata", "meta", "properties"];
/// How deep objects within objects become columns; deeper ones stay JSON.
const DEPTH: usize = 3;

impl Fields {
    pub(super) fn of(members: Vec<(String, &RawValue)>) -> Self {
        let mut fields = Self::default();
        if fields.label_studio(&members) || fields.prodigy(&members) {
            return fields;
        }
        for (key, value) in &members {
            match key.as_str() {
                "responses" if is_object(value) => fields.argilla_responses(value),
                "suggestions" | "predictions" | "prediction" if is_nested(value) => {
                    if !matches!(compact(value.get()).as_str(), "{}" | "[]") {
                        fields.leave(key);
                    }
                }
                _ => match key.strip_suffix(".responses") {
                    Some(question) if is_list(value) => fields.argilla_columns(question, value, &members),
                    _ if key.contains(".responses.") || key.contains(".suggestion") => {}
                    _ => fields.member(key, value, 0),
                },
            }
        }
        fields
    }

    fn leave(&mut self, what: &str) {
        self.remark = Some(Remark::OfAll(format!("“{what}” is what a model said, not a label, and was passed over")));
    }

    fn push(&mut self, name: String, cell: Cell) {
        if !self.cells.iter().any(|(taken, _)| *taken == name) {
            self.cells.push((name, cell));
        }
    }

    /// One member: an object's members become columns of their own.
    fn member(&mut self, key: &str, value: &RawValue, depth: usize) {
        let inner = if depth < DEPTH { members_of(value) } else { None };
        let Some(inner) = inner.filter(|inner| !inner.is_empty()) else {
            return self.push(key.to_owned(), cell_of(value));
        };
        let is_container = depth == 0 && CONTAINERS.contains(&key);
        for (name, value) in inner {
            let taken = self.cells.iter().any(|(taken, _)| *taken == name);
            let name = if is_container && !taken { name } else { format!("{key}.{name}") };
            self.member(&name, value, depth + 1);
        }
    }

    /// `{"responses": {"question": [{"value": …, "user_id": …, "status": …}]}}`.
    fn argilla_responses(&mut self, value: &RawValue) {
        for (question, answers) in members_of(value).unwrap_or_default() {
            let labels = members_of_list(answers)
                .into_iter()
                .filter(|answer| !matches!(text_at(answer, "status").as_deref(), Some("discarded" | "draft")))
                .filter_map(|answer| {
                    let name = text_at(&answer, "value").filter(|name| !name.is_empty())?;
                    Some(GivenLabel { name, annotator: text_at(&answer, "user_id"), time_ms: None })
                })
                .collect();
            self.push(question, Cell::of_labels(labels));
        }
    }

    /// `{"question.responses": ["a"], "question.responses.users": ["u"]}`, as Argilla writes data sets.
    fn argilla_columns(&mut self, question: &str, value: &RawValue, members: &[(String, &RawValue)]) {
        let list = |suffix: &str| {
            let key = format!("{question}.responses.{suffix}");
            members.iter().find(|(name, _)| *name == key).map(|(_, value)| list_of(value).unwrap_or_default())
        };
        let (users, status) = (list("users").unwrap_or_default(), list("status").unwrap_or_default());
        let labels = list_of(value)
            .unwrap_or_default()
            .into_iter()
            .enumerate()
            .filter(|(place, name)| !name.is_empty() && status.get(*place).is_none_or(|status| status == "submitted"))
            .map(|(place, name)| GivenLabel { name, annotator: users.get(place).cloned(), time_ms: None })
            .collect();
        self.push(question.to_owned(), Cell::of_labels(labels));
    }

    /// A Label Studio task: `{"data": {…}, "annotations": [{"result": [{"value": {"choices": ["x"]}}]}]}`.
    fn label_studio(&mut self, members: &[(String, &RawValue)]) -> bool {
        let find = |key: &str| members.iter().find(|(name, _)| name == key).map(|(_, value)| *value);
        let annotations = find("annotations").or_else(|| find("completions"));
        let (Some(data), Some(annotations)) = (find("data"), annotations) else { return false };
        if !is_object(data) || !is_list(annotations) {
            return false;
        }
        let mut labels = Vec::new();
        for annotation in members_of_list(annotations) {
            if text_at(&annotation, "was_cancelled").as_deref() == Some("true") {
                continue;
            }
            let by = annotation.iter().find(|(key, _)| key == "completed_by").map(|(_, value)| *value);
            let annotator = by.and_then(|by| match members_of(by) {
                Some(person) => text_at(&person, "email").or_else(|| text_at(&person, "id")),
                None => Some(cell_of(by).text).filter(|name| !name.is_empty()),
            });
            let time_ms = ["updated_at", "created_at"]
                .into_iter()
                .find_map(|key| text_at(&annotation, key))
                .and_then(|time| milliseconds_of(&time));
            let result = annotation.iter().find(|(key, _)| key == "result").map(|(_, value)| *value);
            let mut choices: Vec<String> = Vec::new();
            for part in result.map(members_of_list).unwrap_or_default() {
                let Some((_, value)) = part.iter().find(|(key, _)| key == "value") else { continue };
                for (key, value) in members_of(value).unwrap_or_default() {
                    if matches!(key.as_str(), "choices" | "rating" | "number") {
                        choices.extend(list_of(value).unwrap_or_else(|| vec![cell_of(value).text]));
                    }
                }
            }
            match &choices[..] {
                [] => {}
                [only] => labels.push(GivenLabel { name: only.clone(), annotator, time_ms }),
                several => self.remark = Some(Remark::OfRow(several_labels(several))),
            }
        }
        if members.iter().any(|(key, value)| key == "predictions" && !members_of_list(value).is_empty()) {
            self.leave("predictions");
        }
        let columns = members_of(data).unwrap_or_default();
        // The tool's own numbers come along; what it keeps for itself does not.
        for (key, value) in members.iter().filter(|(key, _)| key == "id") {
            self.push(key.clone(), cell_of(value));
        }
        for (name, value) in columns {
            let taken = self.cells.iter().any(|(taken, _)| *taken == name);
            let name = if taken { format!("data.{name}") } else { name };
            self.member(&name, value, 1);
        }
        self.push("label".into(), Cell::of_labels(labels));
        true
    }

    /// A Prodigy example: what was asked, and whether it was accepted.
    fn prodigy(&mut self, members: &[(String, &RawValue)]) -> bool {
        let text = |key: &str| text_at(members, key);
        let Some(answer) = text("answer").filter(|answer| matches!(answer.as_str(), "accept" | "reject" | "ignore"))
        else {
            return false;
        };
        let accepted = members.iter().find(|(key, _)| key == "accept").and_then(|(_, value)| list_of(value));
        let choice = accepted.or_else(|| text("label").map(|label| vec![label]));
        let Some(choice) = choice else { return false };
        for (key, value) in members {
            match key.as_str() {
                "label" | "accept" | "answer" | "options" | "tokens" | "spans" => {}
                _ if key.starts_with('_') => {}
                _ => self.member(key, value, 0),
            }
        }
        let annotator = text("_annotator_id").or_else(|| text("_session_id"));
        let time_ms = text("_timestamp").and_then(|time| time.parse::<f64>().ok()).map(|seconds| seconds * 1000.0);
        let labels = match (answer.as_str(), &choice[..]) {
            ("accept", [only]) => vec![GivenLabel { name: only.clone(), annotator, time_ms }],
            ("accept", []) => Vec::new(),
            ("accept", several) => {
                self.remark = Some(Remark::OfRow(several_labels(several)));
                Vec::new()
            }
            ("reject", _) => {
                let message = format!("“{}” was rejected for it: it came in without a label", choice.join(", "));
                self.remark = Some(Remark::OfRow(message));
                Vec::new()
            }
            _ => Vec::new(),
        };
        self.push("label".into(), Cell::of_labels(labels));
        true
    }
}

impl Cell {
    /// A cell that is only text, as in a delimited file.
    pub fn of_text(text: String) -> Self {
        Self { text, list: None, labels: None }
    }

    fn of_labels(labels: Vec<GivenLabel>) -> Self {
        let text = labels.last().map(|label| label.name.clone()).unwrap_or_default();
        Self { text, list: None, labels: Some(labels) }
    }
}

/// The words for an item that has several labels at once.
pub fn several_labels(labels: &[String]) -> String {
    format!("it has several labels ({}): it came in without one", labels.join(", "))
}

fn first_byte(value: &RawValue) -> u8 {
    value.get().bytes().next().unwrap_or_default()
}

fn is_object(value: &RawValue) -> bool {
    first_byte(value) == b'{'
}

fn is_list(value: &RawValue) -> bool {
    first_byte(value) == b'['
}

fn is_nested(value: &RawValue) -> bool {
    is_object(value) || is_list(value)
}

fn members_of(value: &RawValue) -> Option<Vec<(String, &RawValue)>> {
    if !is_object(value) {
        return None;
    }
    serde_json::from_str::<Members<'_>>(value.get()).ok().map(|members| members.0)
}

fn members_of_list(value: &RawValue) -> Vec<Vec<(String, &RawValue)>> {
    let values: Vec<&RawValue> = serde_json::from_str(value.get()).unwrap_or_default();
    values.into_iter().filter_map(members_of).collect()
}

/// The strings, numbers and truth values of a list; `None` if it is no list, or holds others.
fn list_of(value: &RawValue) -> Option<Vec<String>> {
    if !is_list(value) {
        return None;
    }
    let values: Vec<&RawValue> = serde_json::from_str(value.get()).ok()?;
    values.iter().all(|value| !is_nested(value)).then(|| values.iter().map(|value| cell_of(value).text).collect())
}

fn text_at(members: &[(String, &RawValue)], key: &str) -> Option<String> {
    members.iter().find(|(name, _)| name == key).map(|(_, value)| cell_of(value).text).filter(|text| !text.is_empty())
}

fn cell_of(value: &RawValue) -> Cell {
    let raw = value.get();
    match first_byte(value) {
        b'"' => Cell::of_text(serde_json::from_str(raw).unwrap_or_default()),
        b'n' => Cell::default(),
        b'[' => match list_of(value) {
            Some(list) => {
                let text = match &list[..] {
                    [] => String::new(),
                    [only] => only.clone(),
                    _ => compact(raw),
                };
                Cell { text, list: Some(list), labels: None }
            }
            None => Cell::of_text(compact(raw)),
        },
        b'{' => Cell::of_text(compact(raw)),
        // Numbers as they are written: all their digits.
        _ => Cell::of_text(raw.to_owned()),
    }
}

/// JSON without the white space between its parts.
fn compact(raw: &str) -> String {
    let mut compact = String::with_capacity(raw.len());
    let (mut in_string, mut escaped) = (false, false);
    for character in raw.chars() {
        if in_string {
            match character {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => in_string = false,
                _ => {}
            }
        } else if character == '"' {
            in_string = true;
        } else if character.is_ascii_whitespace() {
            continue;
        }
        compact.push(character);
    }
    compact
}

#[cfg(test)]
mod tests;
