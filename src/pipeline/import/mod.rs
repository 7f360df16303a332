//! From files to items: guess a plan, then read by it. Reading never fails as a whole; it returns what could be
//! read and a list of problems.
//!
//! The caller opens files; this module sees only paths, sizes and bytes. It goes like this:
//!
//! 1. [`inspect()`] looks at the head of each file and guesses an [`ImportPlan`](plan::ImportPlan); the user corrects it.
//! 2. For each file, [`reading()`](source::reading) says how the plan wants it read.
//! 3. [`image_item`], [`text_item`] or a [`TableReader`] turn its bytes into [`Imported`] items, adding to a
//!    [`ProblemList`] whatever could not be read.
//!
//! Files inside a zip go the same way: [`ZipSource`] lists them under paths like `photos.zip/cats/1.jpg`.

mod apostrophes;
pub mod plan;
pub mod problem;
pub mod source;
pub mod encoding;
pub mod records;
pub mod dialect;
pub mod json;
pub mod shapes;
pub mod time;
pub mod columns;
pub mod folders;
pub mod inspect;
pub mod single;
pub mod cut_off;
pub mod converted;
pub mod table;
pub mod zip_source;
pub mod beside;

pub use beside::Beside;
pub use inspect::{Head, ZipListing, inspect};
pub use problem::{ProblemList, one_class_problem};
pub use single::{check_image, image_item, text_item};
pub use source::{Reading, head_bytes, is_project_file, reading};
pub use table::TableReader;
pub use zip_source::ZipSource;

use super::item::Item;

/// One item as it was read, with the labels that came with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// The item.
    pub item: Item,
    /// Its labels, if the plan reads labels and this item has some: one, or one an annotator.
    pub labels: Vec<GivenLabel>,
    /// Whether its labels measure the model and never train it, see [`plan::TestSet`].
    pub held_out: bool,
}

impl Imported {
    /// The name of its class, if it has a label: the last one given.
    pub fn label(&self) -> Option<&str> {
        self.labels.last().map(|label| label.name.as_str())
    }
}

/// A label that came with the data.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GivenLabel {
    /// The name of its class or, for a numeric target, its number.
    pub name: String,
    /// Who gave it, if the data says so.
    pub annotator: Option<String>,
    /// When, milliseconds since the Unix epoch, if the data says so.
    pub time_ms: Option<f64>,
}

impl GivenLabel {
    /// A label that says neither who gave it nor when.
    pub fn of(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}
