//! What differs between two items that are much alike: words, columns, parts of a picture.

pub mod words;
pub mod columns;
pub mod pictures;

pub use columns::{ColumnDifference, column_differences};
pub use pictures::picture_difference;
pub use words::{Difference, Kind, Piece, word_difference};
