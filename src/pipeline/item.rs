//! What is labelled: one image, one text or one table row, known by the hash of its content.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// What a project holds. Fixed when the project is made; an import of another kind is refused with a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Pictures: anything the platform decodes.
    Image,
    /// Texts: a sentence, a review, a page.
    Text,
    /// Rows of a table.
    Table,
}

impl Kind {
    /// The word used for this kind on screen, on the command line and in files.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Image => "image",
            Kind::Text => "text",
            Kind::Table => "table",
        }
    }

    /// One item of this kind, as people call it: a table has rows.
    pub fn noun(self) -> &'static str {
        match self {
            Kind::Image => "image",
            Kind::Text => "text",
            Kind::Table => "row",
        }
    }

    /// The inverse of [`Kind::word`].
    pub fn from_word(word: &str) -> Option<Kind> {
        [Kind::Image, Kind::Text, Kind::Table].into_iter().find(|kind| kind.word() == word)
    }
}

/// SHA-256 of an item's content: the bytes of an image file, the UTF-8 of a text, the cells of a row (see
/// [`Content::hash`]). Two items with the same hash are the same item, so nothing is imported or embedded twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash(pub [u8; 32]);

impl ContentHash {
    /// Hashes raw bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// 64 lower-case hexadecimal digits.
    pub fn to_hex(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The inverse of [`ContentHash::to_hex`]; `None` for anything but 64 hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}…", &self.to_hex()[..12])
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl Serialize for ContentHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_hex())
    }
}

impl<'de> Deserialize<'de> for ContentHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_hex(&text).ok_or_else(|| serde::de::Error::custom("a content hash is 64 hexadecimal digits"))
    }
}

/// What an item is made of. An image's bytes live in the blob store under its hash, never in memory with the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Content {
    /// The file's bytes are stored apart, keyed by the item's hash.
    Image,
    /// The text itself.
    Text(String),
    /// One cell a column of the project, in the project's column order; a missing cell is empty.
    Row(Vec<String>),
}

impl Content {
    /// The hash of a text or a row. An image is hashed from its bytes where they are read, so it has none here.
    ///
    /// Cells are joined by the unit separator (U+001F), which no delimiter-separated file uses inside a cell.
    pub fn hash(&self) -> Option<ContentHash> {
        match self {
            Content::Image => None,
            Content::Text(text) => Some(ContentHash::of(text.as_bytes())),
            Content::Row(cells) => Some(ContentHash::of(cells.join("\u{1f}").as_bytes())),
        }
    }
}

/// One thing to label.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// The item's identity.
    pub hash: ContentHash,
    /// Where it came from, for people: a path inside the import, or `file.csv:17`.
    pub name: String,
    /// The content, or where to find it.
    pub content: Content,
    /// Which import brought it (index into the project's batches).
    pub batch: u32,
    /// Columns that came along but are neither content nor label (an id, a domain, …): name and value.
    pub extra: Vec<(String, String)>,
}

impl Item {
    /// Takes a row's cells from these places, one for each column wanted, empty where there is none; it is another row then, with
    /// another hash. Images and texts stay as they are.
    pub fn place_cells(&mut self, places: &[Option<usize>]) {
        let Content::Row(cells) = &mut self.content else { return };
        if places.iter().copied().eq((0..cells.len()).map(Some)) {
            return;
        }
        let cell = |place: &Option<usize>| place.and_then(|place| cells.get(place)).cloned().unwrap_or_default();
        *cells = places.iter().map(cell).collect();
        self.hash = self.content.hash().unwrap_or(self.hash);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_survives_its_hexadecimal_form() {
        let hash = ContentHash::of(b"hone");
        assert_eq!(ContentHash::from_hex(&hash.to_hex()), Some(hash));
        for bad in ["", "zz", &"g".repeat(64), &"é".repeat(32)] {
            assert_eq!(ContentHash::from_hex(bad), None, "{bad}");
        }
    }

    #[test]
    fn cells_take_their_columns_places() {
        let row = |cells: &[&str]| Content::Row(cells.iter().map(|cell| cell.to_string()).collect());
        let content = row(&["a", "b"]);
        let hash = content.hash().expect("a row");
        let mut item = Item { hash, name: String::new(), content, batch: 0, extra: Vec::new() };
        item.place_cells(&[Some(0), Some(1)]);
        assert_eq!(item.hash, hash, "the same cells are the same row");
        item.place_cells(&[Some(1), None, Some(7), Some(0)]);
        assert_eq!(item.content, row(&["b", "", "", "a"]));
        assert_eq!(Some(item.hash), item.content.hash());
    }

    #[test]
    fn cells_cannot_run_together() {
        let row = |cells: &[&str]| Content::Row(cells.iter().map(|cell| cell.to_string()).collect()).hash();
        assert_ne!(row(&["ab", "c"]), row(&["a", "bc"]));
    }
}
