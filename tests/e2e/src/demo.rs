//! What the demos' files know and the app is not told: the right class of each item, by the item's name.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Item name → right class.
pub type Truth = BTreeMap<String, String>;

/// Of the photos: the folder that each file is in.
///
/// # Errors
/// When they can't be listed.
pub fn photos(demo: &Path) -> Result<Truth, String> {
    let index =
        fs::read_to_string(demo.join("index.json")).map_err(|error| format!("index.json can't be read: {error}"))?;
    let index: serde_json::Value = serde_json::from_str(&index).map_err(|error| format!("index.json: {error}"))?;
    let files = index["files"].as_array().ok_or("index.json has no files")?;
    files
        .iter()
        .map(|file| {
            let path = file.as_str().unwrap_or_default();
            match path.split('/').collect::<Vec<_>>()[..] {
                [_, class, name] => Ok((name.to_owned(), class.to_owned())),
                _ => Err(format!("index.json: {path} isn't photos/<class>/<file>")),
            }
        })
        .collect()
}

/// Of a table: the cell in `column`. Its items are named `file:row`, and the header is row 1.
///
/// # Errors
/// When the file or the column can't be read.
pub fn rows(demo: &Path, file: &str, column: &str) -> Result<Truth, String> {
    let text = fs::read_to_string(demo.join(file)).map_err(|error| format!("{file} can't be read: {error}"))?;
    let rows = Rows::parse(&text)?;
    let cells = rows.column(column)?;
    Ok(cells.into_iter().enumerate().map(|(row, class)| (format!("{file}:{}", row + 2), class)).collect())
}

/// A CSV file with a header.
pub struct Rows {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Rows {
    /// Reads one, strictly: each row as long as the header.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn parse(text: &str) -> Result<Rows, String> {
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).from_reader(text.trim_start_matches('\u{feff}').as_bytes());
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| format!("not a well-formed CSV file: {error}"))?;
            rows.push(record.iter().map(str::to_owned).collect::<Vec<_>>());
        }
        if rows.is_empty() {
            return Err("the CSV file has no header".to_owned());
        }
        Ok(Rows { header: rows.remove(0), rows })
    }

    /// How many rows, without the header.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// The names of the columns.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.header.iter().map(String::as_str)
    }

    /// All cells of a column.
    ///
    /// # Errors
    /// When there is no such column.
    pub fn column(&self, name: &str) -> Result<Vec<String>, String> {
        let place = self.header.iter().position(|column| column == name);
        let place =
            place.ok_or_else(|| format!("the CSV file has no column {name}, but {}", self.header.join(", ")))?;
        Ok(self.rows.iter().map(|row| row[place].clone()).collect())
    }

    /// Two columns, as a map from the first to the second.
    ///
    /// # Errors
    /// When there is no such column, or the first has a value twice.
    pub fn map(&self, key: &str, value: &str) -> Result<BTreeMap<String, String>, String> {
        let map: BTreeMap<String, String> = self.column(key)?.into_iter().zip(self.column(value)?).collect();
        if map.len() == self.len() { Ok(map) } else { Err(format!("the column {key} has a value twice")) }
    }
}

/// The share of `predicted` that is right, leaving out the items in `labelled`.
///
/// # Errors
/// When an item is unknown, or none is left.
pub fn agreement(predicted: &BTreeMap<String, String>, labelled: &Truth, truth: &Truth) -> Result<f64, String> {
    let (mut right, mut total) = (0_u32, 0_u32);
    for (item, class) in predicted.iter().filter(|(item, _)| !labelled.contains_key(*item)) {
        let expected =
            truth.get(item).ok_or_else(|| format!("a prediction for {item}, which the demo doesn't have"))?;
        total += 1;
        right += u32::from(expected == class);
    }
    if total == 0 {
        Err("there is no prediction for an unlabelled item".to_owned())
    } else {
        Ok(f64::from(right) / f64::from(total))
    }
}
