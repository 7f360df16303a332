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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_text() {
        let line = r#"{"b": "x", "a": null, "n": 0.50, "list": [1, {"k": "v"}], "yes": true}"#;
        let cells: Vec<(String, String)> =
            [("b", "x"), ("a", ""), ("n", "0.5"), ("list", r#"[1,{"k":"v"}]"#), ("yes", "true")]
                .map(|(key, value)| (key.to_string(), value.to_string()))
                .to_vec();
        assert_eq!(cells_of_line(line), Ok(cells));
    }

    #[test]
    fn other_lines_say_what_they_are() {
        for (line, expected) in
            [("[1, 2]", "not a JSON object"), ("{\"a\": ", "not valid JSON"), ("\"text\"", "not a JSON object")]
        {
            let error = cells_of_line(line).unwrap_err();
            assert!(error.contains(expected), "{line}: {error}");
        }
    }

    #[test]
    fn lines_may_be_cut_anywhere() {
        let mut splitter = LineSplitter::default();
        let mut lines = Vec::new();
        for piece in ["on", "e\r", "\n\ntw", "o"] {
            lines.extend(splitter.push(piece));
        }
        lines.extend(splitter.finish());
        assert_eq!(lines, [(1, "one".to_string()), (2, String::new()), (3, "two".to_string())]);
    }
}
