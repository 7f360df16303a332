//! The columns that say what an item is, in every table of labels or predictions: the hash that is its identity, what was
//! kept of its source (ids first), and its content. Named so that the table can be imported again as what it was.

use crate::pipeline::item::{Content, Item, Kind};
use std::collections::HashSet;

/// The first column of all tables of items that Hone writes, by which they are recognised: the hash of the content.
pub const ITEM_COLUMN: &str = "hone_item";
/// The item's name: where it came from, for people.
pub const NAME_COLUMN: &str = "hone_name";
/// The content of a text.
pub const TEXT_COLUMN: &str = "text";
/// The path of an image, as tables beside images call it.
pub const IMAGE_COLUMN: &str = "file_name";

/// The columns of a table of items.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemColumns {
    names: Vec<String>,
    /// The kept columns, in the order of the table.
    extra: Vec<String>,
}

impl ItemColumns {
    /// The columns for these items, followed by `own`. `content` are the names of a table's columns. No two columns have
    /// one name: what the table itself has to say keeps its name, then content, and what was kept gets a number.
    pub fn new<'a>(items: impl IntoIterator<Item = &'a Item>, kind: Kind, content: &[String], own: &[String]) -> Self {
        let mut extra: Vec<String> = Vec::new();
        let mut seen: HashSet<&str> = HashSet::new();
        for (name, _) in items.into_iter().flat_map(|item| &item.extra) {
            if seen.insert(name) {
                extra.push(name.clone());
            }
        }
        extra.sort_by_key(|name| !is_id(name));
        let content: Vec<String> = match kind {
            Kind::Text => vec![TEXT_COLUMN.into()],
            Kind::Image => vec![IMAGE_COLUMN.into()],
            Kind::Table => content.to_vec(),
        };
        let mut taken = HashSet::from([ITEM_COLUMN.to_owned()]);
        let own: Vec<String> = own.iter().map(|name| unique(name, &mut taken)).collect();
        let content: Vec<String> = content.iter().map(|name| unique(name, &mut taken)).collect();
        let kept: Vec<String> = extra.iter().map(|name| unique(name, &mut taken)).collect();
        let names = [ITEM_COLUMN.to_owned()].into_iter().chain(kept).chain(content).chain(own).collect();
        Self { names, extra }
    }

    /// The header.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The item's cells, without those of the table's own columns; nothing where it lacks what others have.
    pub fn cells(&self, item: &Item) -> Vec<Option<String>> {
        let kept = |name: &String| item.extra.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone());
        let mut cells = vec![Some(item.hash.to_hex())];
        cells.extend(self.extra.iter().map(kept));
        match &item.content {
            Content::Image => cells.push(Some(item.name.clone())),
            Content::Text(text) => cells.push(Some(text.clone())),
            Content::Row(row) => cells.extend(row.iter().cloned().map(Some)),
        }
        cells
    }
}

/// A name that is not taken yet: itself, or with a number, as the importer tells columns of one name apart.
fn unique(name: &str, taken: &mut HashSet<String>) -> String {
    let mut unique = name.to_owned();
    let mut copy = 1;
    while !taken.insert(unique.clone()) {
        copy += 1;
        unique = format!("{name} ({copy})");
    }
    unique
}

/// Whether a column's name says that it tells its rows apart.
fn is_id(name: &str) -> bool {
    let name = name.trim().to_lowercase();
    matches!(name.as_str(), "id" | "uid" | "uuid" | "guid" | "key" | "index")
        || ["_id", " id", "-id", ".id"].iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(content: Content, extra: &[(&str, &str)]) -> Item {
        let hash = content.hash().unwrap_or(crate::pipeline::item::ContentHash([7; 32]));
        let extra = extra.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        Item { hash, name: "a/1.png".into(), content, batch: 0, extra }
    }

    #[test]
    fn ids_come_first_and_no_column_collides() {
        let own = ["label".to_owned(), "hone_name".to_owned()];
        let items = [
            item(Content::Text("one".into()), &[("domain", "x"), ("label", "kept"), ("Review ID", "7")]),
            item(Content::Text("two".into()), &[("text", "another"), ("domain", "y")]),
        ];
        let columns = ItemColumns::new(&items, Kind::Text, &[], &own);
        let header = ["hone_item", "Review ID", "domain", "label (2)", "text (2)", "text", "label", "hone_name"];
        assert_eq!(columns.names(), header);
        let cells = columns.cells(&items[1]);
        assert_eq!(cells[1..], [None, Some("y".into()), None, Some("another".into()), Some("two".into())]);
    }

    #[test]
    fn images_have_their_path_and_rows_their_cells() {
        let own = ["label".to_owned()];
        let image = [item(Content::Image, &[])];
        let columns = ItemColumns::new(&image, Kind::Image, &[], &own);
        assert_eq!(columns.names(), ["hone_item", "file_name", "label"]);
        assert_eq!(columns.cells(&image[0])[1].as_deref(), Some("a/1.png"));
        let row = [item(Content::Row(vec!["1".into(), "2".into()]), &[])];
        let columns = ItemColumns::new(&row, Kind::Table, &["a".into(), "label".into()], &own);
        assert_eq!(columns.names(), ["hone_item", "a", "label (2)", "label"]);
        assert_eq!(columns.cells(&row[0])[1..], [Some("1".into()), Some("2".into())]);
    }
}
