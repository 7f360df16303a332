//! Which columns differ between two rows of a table.

use crate::pipeline::features::cell::{NumberFormat, is_missing, parse_number};

/// One column of two rows.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnDifference {
    /// Its place.
    pub column: usize,
    /// The left row's cell, without surrounding spaces; empty where the row is too short.
    pub left: String,
    /// The right row's.
    pub right: String,
    /// Whether the cells say the same: equal as text, as numbers, or both missing.
    pub same: bool,
    /// Right less left, if both are numbers.
    pub change: Option<f64>,
}

/// Compares two rows column by column, in the columns' order; as many as the longer row has. `format` tells a column's
/// decimal sign.
pub fn column_differences(
    left: &[String],
    right: &[String],
    format: impl Fn(usize) -> NumberFormat,
) -> Vec<ColumnDifference> {
    let cell = |row: &[String], column: usize| row.get(column).map_or("", |cell| cell.trim()).to_string();
    let one = |column: usize| {
        let (left, right) = (cell(left, column), cell(right, column));
        let number = |cell: &str| if is_missing(cell) { None } else { parse_number(cell, format(column)) };
        let change = number(&left).zip(number(&right)).map(|(left, right)| right - left);
        let same = left == right || change == Some(0.0) || (is_missing(&left) && is_missing(&right));
        ColumnDifference { column, left, right, same, change }
    };
    (0..left.len().max(right.len())).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_compared_as_what_they_are() {
        let row = |cells: &[&str]| -> Vec<String> { cells.iter().map(|cell| cell.to_string()).collect() };
        let left = row(&["Dream", "3,700", "NA", "41.5", "7", " male", "1"]);
        let right = row(&["Biscoe", "3700.0", "", "39", "NA", "male ", "1", "extra"]);
        let found = column_differences(&left, &right, |_| NumberFormat::Point);
        let found: Vec<_> = found.iter().map(|column| (column.same, column.change)).collect();
        let same = (true, None);
        let expected = [
            (false, None),
            (true, Some(0.0)),
            same,
            (false, Some(-2.5)),
            (false, None),
            same,
            (true, Some(0.0)),
            (false, None),
        ];
        assert_eq!(found, expected);
        let comma = column_differences(&row(&["3,5"]), &row(&["3,75"]), |_| NumberFormat::Comma);
        assert_eq!(comma[0].change, Some(0.25));
        assert_eq!(column_differences(&[], &[], |_| NumberFormat::Point), []);
    }
}
