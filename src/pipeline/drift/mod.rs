//! Is a batch like the reference that a model was trained and audited on, and how good is the model on it?
//!
//! [`comparison`] does all of it in slices and leaves a [`report`]; the other files are its parts, each of one idea. Before any model
//! is asked, [`schema`] checks the data.
//!
//! From there [`judge`] draws the state, with the audits that alone see what the outputs cannot tell (an item is called something
//! else than before), and [`ways`] says what a way back is worth.
//!
//! Invariant: sees what it is given, a batch and a reference; never a project, a clock or a store.

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
pub mod judge;
pub mod ways;
mod cholesky;

pub use column::{Column, NamedColumn};
pub use comparison::{Comparison, Input};
pub use describe::{table_columns, text_columns};
pub use looks::{Looks, look_columns};
pub use report::{ClassShift, ColumnKind, ColumnShift, LEVEL, NoEstimate, Novel, Report, Separation, Test};
pub use schema::{Finding, Severity, check_duplicates, check_rows};
