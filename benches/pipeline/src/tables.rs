//! Table rows: from a file's bytes to cells, and from cells to features.

use hone::pipeline::features::matrix::{FeatureVector, Features};
use hone::pipeline::features::table::TableEncoder;
use hone::pipeline::import::plan::{ImportPlan, Role, SourceFile};
use hone::pipeline::import::{Head, ProblemList, TableReader, inspect};
use hone::pipeline::item::{Content, Item};
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

/// A table on its way to features.
#[wasm_bindgen]
pub struct Table {
    plan: ImportPlan,
    file: SourceFile,
    items: Vec<Item>,
}

#[wasm_bindgen]
impl Table {
    /// Guesses how to read a CSV file from its first bytes.
    #[wasm_bindgen(constructor)]
    pub fn new(head: &[u8], size: u32) -> Table {
        let file = SourceFile { path: "table.csv".into(), size: size.into() };
        let plan = inspect(&[Head { file: &file, bytes: head }], &[], None, ProblemList::default());
        Table { plan, file, items: Vec::new() }
    }

    /// Reads the file; how many rows it has.
    ///
    /// # Errors
    /// When a row could not be read.
    pub fn read(&mut self, bytes: &[u8]) -> Result<usize, JsError> {
        let mut problems = ProblemList::default();
        let mut reader = TableReader::new(&self.plan, &self.file, 0);
        let mut rows = reader.feed(bytes, &mut problems);
        rows.extend(reader.finish(&mut problems));
        if let Some(problem) = problems.as_slice().first() {
            return Err(JsError::new(&format!("{problem:?}")));
        }
        self.items = rows.into_iter().map(|imported| imported.item).collect();
        Ok(self.items.len())
    }

    /// Fits an encoder to all rows and encodes them; how many columns of features there are.
    pub fn encode(&self) -> usize {
        let names: Vec<String> =
            self.plan.columns.iter().filter(|column| column.role == Role::Content).map(|it| it.name.clone()).collect();
        let rows: Vec<&[String]> = self
            .items
            .iter()
            .map(|item| match &item.content {
                Content::Row(cells) => cells.as_slice(),
                Content::Image | Content::Text(_) => &[],
            })
            .collect();
        let encoder = TableEncoder::fit(&names, rows.iter().copied());
        let mut features = Features::new(encoder.columns_out().len(), 0);
        for row in rows {
            features.push(FeatureVector { dense: encoder.encode(row), ..FeatureVector::default() });
        }
        features.columns()
    }
}
