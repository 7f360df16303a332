//! JSON Lines: one object a line, its keys the columns.

use serde_json::{Map, Value};

/// Splits text into lines that may arrive in chunks cut anywhere; counts them from 1.
#[derive(Default)]
pub struct LineSplitter {
    open: String,
    lines: u64,
}

impl LineSplitter {
    /// Takes the next chunk and hands over the lines it completes, with their numbers and without their ends.
    pub fn push(&mut self, text: &str) -> Vec<(u64, String)> {
        let mut lines = Vec::new();
        for piece in text.split_inclusive('\n') {
            self.open.push_str(piece);
            if piece.ends_with('\n') {
                lines.push(self.take_line());
            }
        }
        lines
    }

    /// The file has ended: hands over the line that was still open, if there is one.
    pub fn finish(&mut self) -> Option<(u64, String)> {
        (!self.open.is_empty()).then(|| self.take_line())
    }

    /// Bytes of the line under way.
    pub fn open_bytes(&self) -> usize {
        self.open.len()
    }

    fn take_line(&mut self) -> (u64, String) {
        self.lines += 1;
        let mut line = std::mem::take(&mut self.open);
        line.truncate(line.trim_end_matches(['\n', '\r']).len());
        (self.lines, line)
    }
}

/// The keys and values of one line, values as text: strings as they are, `null` empty, the rest as compact JSON.
///
/// # Errors
/// Says what the line is instead of an object.
pub fn cells_of_line(line: &str) -> Result<Vec<(String, String)>, String> {
    let object: Map<String, Value> = serde_json::from_str(line).map_err(|error| {
        if error.is_data() {
            "is not a JSON object: each line must be one, like {\"text\": \"…\"}".to_string()
        } else {
            format!("is not valid JSON ({error})")
        }
    })?;
    let as_text = |value: Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text,
        other => other.to_string(),
    };
    Ok(object.into_iter().map(|(key, value)| (key, as_text(value))).collect())
}
