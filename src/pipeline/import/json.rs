//! JSON: where its objects are, and the cells of each.

use super::shapes::Fields;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// An object of more bytes than this is taken for a bracket left open.
pub const MAX_OBJECT_BYTES: usize = 16 << 20;

/// Where the objects of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// One a line.
    Lines,
    /// One after the other, over as many lines as they like.
    Sequence,
    /// The members of an array.
    Array,
    /// The members of an array that is itself a member of the file's one object.
    Wrapped,
}

/// Finds the layout from the beginning of a file.
pub fn layout(head: &str) -> Layout {
    let text = head.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with('[') {
        // Lines that are each an array would be many arrays, none of them of objects.
        return Layout::Array;
    }
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).take(20).collect();
    // Within a pretty-printed object, some lines are objects, too.
    if lines.iter().filter(|line| fields_of_object(line).is_ok()).count() * 2 >= lines.len().max(1) {
        let first = text.lines().next().unwrap_or_default();
        let lone = text.trim_end().lines().count() == 1;
        return if lone && wraps(first) { Layout::Wrapped } else { Layout::Lines };
    }
    if wraps(text) { Layout::Wrapped } else { Layout::Sequence }
}

/// Whether the text begins an object with a member that is an array of objects.
fn wraps(text: &str) -> bool {
    let mut scanner = Scanner::default();
    let mut opened = false;
    for byte in text.bytes() {
        let before = scanner.depth;
        scanner.step(byte);
        if scanner.in_string || byte.is_ascii_whitespace() {
            continue;
        }
        match byte {
            b'[' if before == 1 => opened = true,
            b'{' if before == 2 && opened => return true,
            b'{' if before > 0 => return false,
            _ => opened = false,
        }
    }
    false
}

/// Splits text into the texts of its objects. Text may arrive in chunks cut anywhere.
pub struct ObjectSplitter {
    layout: Layout,
    open: String,
    /// How much of `open` was scanned.
    scanned: usize,
    scanner: Scanner,
    /// Where in `open` the element under way begins.
    from: Option<usize>,
    /// Lines, or elements, so far.
    count: u64,
    /// Of a wrapped array: whether it is open, or was.
    array: ArrayState,
    overflowed: bool,
    others: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ArrayState {
    Before,
    Inside,
    After,
}

impl ObjectSplitter {
    /// For a file of this layout.
    pub fn new(layout: Layout) -> Self {
        Self {
            layout,
            open: String::new(),
            scanned: 0,
            scanner: Scanner::default(),
            from: None,
            count: 0,
            array: ArrayState::Before,
            overflowed: false,
            others: false,
        }
    }

    /// Takes the next chunk and hands over the elements it completes with their numbers, from 1: of lines, those of the
    /// file's lines; else their own.
    pub fn push(&mut self, text: &str) -> Vec<(u64, String)> {
        if self.overflowed {
            return Vec::new();
        }
        self.open.push_str(text);
        let elements = if self.layout == Layout::Lines { self.lines() } else { self.elements() };
        self.overflowed = self.open.len() > MAX_OBJECT_BYTES;
        elements
    }

    /// The text has ended: hands over the element that was still open, if there is one.
    pub fn finish(&mut self) -> Option<(u64, String)> {
        let rest = match (self.layout, self.from) {
            (Layout::Lines, _) => std::mem::take(&mut self.open),
            (_, Some(from)) => self.open.split_off(from),
            _ => String::new(),
        };
        self.count += 1;
        (!rest.trim().is_empty()).then_some((self.count, rest))
    }

    /// Whether an element was longer than [`MAX_OBJECT_BYTES`]; the rest of the file is not split.
    pub fn has_overflowed(&self) -> bool {
        self.overflowed
    }

    /// Whether a wrapping object held a second array, which was not read.
    pub fn has_others(&self) -> bool {
        self.others
    }

    fn lines(&mut self) -> Vec<(u64, String)> {
        let mut lines = Vec::new();
        let mut from = 0;
        while let Some(at) = self.open[self.scanned..].find('\n').map(|at| at + self.scanned) {
            self.count += 1;
            lines.push((self.count, self.open[from..at].trim_end_matches('\r').to_owned()));
            from = at + 1;
            self.scanned = from;
        }
        self.open.drain(..from);
        self.scanned = self.open.len();
        lines
    }

    fn elements(&mut self) -> Vec<(u64, String)> {
        let home = match self.layout {
            Layout::Sequence | Layout::Lines => 0,
            Layout::Array => 1,
            Layout::Wrapped => 2,
        };
        let mut elements = Vec::new();
        let bytes = self.open.as_bytes();
        let mut taken = 0;
        for (at, &byte) in bytes.iter().enumerate().skip(self.scanned) {
            let (before, was_string) = (self.scanner.depth, self.scanner.in_string);
            self.scanner.step(byte);
            let depth = self.scanner.depth;
            if was_string && self.scanner.in_string {
                continue;
            }
            if self.layout == Layout::Wrapped && !was_string {
                match byte {
                    b'[' if before == 1 && self.array == ArrayState::Before => {
                        self.array = ArrayState::Inside;
                        continue;
                    }
                    b'[' if before == 1 => self.others = true,
                    b']' if depth == 1 && self.array == ArrayState::Inside => self.array = ArrayState::After,
                    _ => {}
                }
                if self.array != ArrayState::Inside && self.from.is_none() {
                    continue;
                }
            }
            let separates = before == home && !was_string && matches!(byte, b',' | b']');
            match self.from {
                None if before >= home && !byte.is_ascii_whitespace() && !separates => {
                    let is_bracket = home > 0 && depth == home && before < home;
                    if !is_bracket {
                        self.from = Some(at);
                    }
                }
                Some(from)
                    if separates
                        || (self.layout == Layout::Sequence
                            && depth == 0
                            && !self.scanner.in_string
                            && matches!(byte, b'}' | b']')) =>
                {
                    let end = if separates { at } else { at + 1 };
                    self.count += 1;
                    elements.push((self.count, self.open[from..end].trim_end().to_owned()));
                    (self.from, taken) = (None, at + 1);
                }
                _ => {}
            }
        }
        let keep = self.from.unwrap_or(bytes.len());
        debug_assert!(taken <= keep);
        self.open.drain(..keep);
        self.from = self.from.map(|_| 0);
        self.scanned = self.open.len();
        elements
    }
}

/// Follows brackets and strings, byte by byte.
#[derive(Default)]
struct Scanner {
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Scanner {
    fn step(&mut self, byte: u8) {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }
}

/// The cells of one object, as other tools' shapes mean them.
///
/// # Errors
/// Says what the text is instead of an object.
pub fn fields_of_object(text: &str) -> Result<Fields, String> {
    let text = without_non_numbers(text);
    let members: Members<'_> = serde_json::from_str(&text).map_err(|error| {
        if error.is_data() {
            "is not a JSON object: each row must be one, like {\"text\": \"…\"}".to_string()
        } else {
            format!("is not valid JSON ({error})")
        }
    })?;
    Ok(Fields::of(members.0))
}

/// An object's members as they stand in the text, in order.
#[derive(Debug)]
pub(super) struct Members<'a>(pub(super) Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, &'de RawValue>()? {
                    members.push((key, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// `NaN`, `Infinity` and `-Infinity`, which Python writes and JSON does not know, as `null`: no value.
fn without_non_numbers(text: &str) -> Cow<'_, str> {
    if !text.contains("NaN") && !text.contains("Infinity") {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut scanner = Scanner::default();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let word =
            ["-Infinity", "Infinity", "NaN"].into_iter().find(|word| !scanner.in_string && rest.starts_with(word));
        if let Some(word) = word {
            plain.push_str("null");
            at += word.len();
            continue;
        }
        let Some(character) = rest.chars().next() else { break };
        if character.is_ascii() {
            scanner.step(rest.as_bytes()[0]);
        } else {
            scanner.escaped = false;
        }
        plain.push(character);
        at += character.len_utf8();
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests;
