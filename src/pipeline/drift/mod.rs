//! Is a batch like the reference that a model was trained and audited on, and how good is the model on it?
//!
//! [`comparison`] does all of it in slices and leaves a [`report`]; the other files are its parts, each of one idea. Before any model
//! is asked, [`schema`] checks the data.
//!
//! Invariant: nothing here sees a label of the batch. What the outputs cannot tell (an item is called something else than before) is
//! for audits to say.

pub mod report;
pub mod comparison;

pub mod two_sample;
pub mod corrections;
pub mod recalibration;
pub mod label_shift;
pub mod accuracy;
pub mod separation;
pub mod novelty;
pub mod column;
pub mod describe;
pub mod language;
pub mod looks;
pub mod schema;
mod cholesky;

pub use column::{Column, NamedColumn};
pub use comparison::{Comparison, Input};
pub use describe::{table_columns, text_columns};
pub use looks::{Looks, look_columns};
pub use report::{ClassShift, ColumnKind, ColumnShift, LEVEL, LabelShift, Novel, Report, Separation, Test};
pub use schema::{Finding, Severity, check_duplicates, check_rows};
