//! Charts as SVG with hairline axes and direct labels, each with its figures as a table and as files.
//!
//! What a chart shows is worked out here as plain data: a [`Drawing`] is a scene of marks and the table of the same
//! figures. One component, [`figure`], puts any drawing on the page and saves it. So every chart has points that give
//! their exact value, a text equivalent, and files, and all but the component is tested without a browser.

pub mod scale;
pub mod scene;
pub mod svg;
pub mod table;
pub mod axes;
pub mod lines;
pub mod reliability;
pub mod rows;
pub mod verdict;
pub mod parallel;
pub mod matrix;
#[cfg(all(target_arch = "wasm32", feature = "ui"))]
pub mod figure;

use scene::Scene;
use table::Table;

/// A chart, ready to be shown and saved.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Drawing {
    /// What it shows: the accessible name, and the beginning of the file's name.
    pub title: String,
    /// What is drawn.
    pub scene: Scene,
    /// The same figures as a table.
    pub table: Table,
}
