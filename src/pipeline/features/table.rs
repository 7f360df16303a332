//! Table rows to vectors: a fitted encoder, versioned with the model.

use super::cell::{NumberFormat, is_missing, parse_number};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};

/// Names the vectors of this encoder in the cache; which columns they have is the fitted encoder's.
pub const TABLE_FEATURE_ID: &str = "table-1";

/// A column counts as numeric when at least this share of its cells that are not missing are numbers.
const NUMERIC_SHARE: f64 = 0.95;
/// Beyond this skewness (0 for symmetric, 2 for exponential) median and quartiles replace mean and standard deviation.
const SKEWED: f64 = 2.0;
/// Standardised numbers are clipped to ±this, so that one absurd cell does not rule every distance.
const CLIP: f64 = 10.0;
/// Categories seen in fewer rows share one column.
const RARE_ROWS: usize = 2;
/// Only the most frequent categories of a column get a column each.
const MOST_CATEGORIES: usize = 32;
/// The interquartile range of a normal distribution, in standard deviations.
const NORMAL_QUARTILES: f64 = 1.349;

/// Turns rows of cells into vectors. Fitted once on a project's rows, stored with its models, and never refitted under
/// them: a row keeps its vector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableEncoder {
    columns: Vec<ColumnEncoder>,
}

/// One column of the table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct ColumnEncoder {
    name: String,
    values: ValueEncoder,
    /// Whether a column tells that the cell is missing: only where some were missing when fitted.
    missing: bool,
}

/// What a column's cells become.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum ValueEncoder {
    /// Nothing: all cells were equal, or no category came twice.
    Nothing,
    /// One column: (number − centre) / scale; 0, the centre, where it is missing.
    Number { format: NumberFormat, centre: f64, scale: f64 },
    /// One column a category (0 or 1), then one for all others where there were any.
    Category { categories: Vec<String>, other: bool },
}

impl TableEncoder {
    /// Whether it can encode any row: one that was fitted always can, one that came in a file need not.
    pub fn is_sound(&self) -> bool {
        self.columns.iter().all(|column| match &column.values {
            ValueEncoder::Number { centre, scale, .. } => centre.is_finite() && scale.is_normal() && *scale > 0.0,
            ValueEncoder::Nothing | ValueEncoder::Category { .. } => true,
        })
    }

    /// Learns each column's kind, scale and categories. A row's cells are in the order of `columns`; cells that a
    /// short row lacks are missing, cells beyond are ignored.
    ///
    /// Numbers are standardised by mean and standard deviation, or where the column is skewed by median and
    /// interquartile range. Other columns are one-hot. Missing cells (empty, `NA`, `N/A`, `null`, `?`, `-`, `NaN`) get an
    /// indicator. Columns that say nothing (all equal, or free text that never repeats) are dropped.
    pub fn fit<'a>(columns: &[String], rows: impl IntoIterator<Item = &'a [String]>) -> TableEncoder {
        let rows: Vec<&[String]> = rows.into_iter().collect();
        let columns = columns.iter().enumerate().map(|(place, name)| {
            let cells: Vec<&str> = rows.iter().map(|row| cell(row, place)).filter(|cell| !is_missing(cell)).collect();
            let some_missing = cells.len() < rows.len() && !cells.is_empty();
            ColumnEncoder { name: name.clone(), values: ValueEncoder::fit(&cells), missing: some_missing }
        });
        TableEncoder { columns: columns.collect() }
    }

    /// The vector of one row, as wide as [`TableEncoder::columns_out`] is long. Never fails: a cell that is not what its
    /// column holds counts as missing (numbers) or as another category.
    pub fn encode(&self, row: &[String]) -> Vec<f32> {
        let mut vector = Vec::new();
        for (place, column) in self.columns.iter().enumerate() {
            column.encode(cell(row, place), &mut vector);
        }
        vector
    }

    /// What each entry of a vector stands for: `mass`, `island = Dream`, `island = (other)`, `mass is missing`.
    pub fn columns_out(&self) -> Vec<String> {
        let mut names = Vec::new();
        for ColumnEncoder { name, values, missing } in &self.columns {
            match values {
                ValueEncoder::Nothing => {}
                ValueEncoder::Number { .. } => names.push(name.clone()),
                ValueEncoder::Category { categories, other } => {
                    names.extend(categories.iter().map(|category| format!("{name} = {category}")));
                    names.extend(other.then(|| format!("{name} = (other)")));
                }
            }
            names.extend(missing.then(|| format!("{name} is missing")));
        }
        names
    }
}

/// The cell at `place` without surrounding spaces; empty where the row is too short.
fn cell(row: &[String], place: usize) -> &str {
    row.get(place).map_or("", |cell| cell.trim())
}

impl ColumnEncoder {
    fn encode(&self, cell: &str, vector: &mut Vec<f32>) {
        let mut missing = is_missing(cell);
        match &self.values {
            ValueEncoder::Nothing => {}
            ValueEncoder::Number { format, centre, scale } => {
                let number = if missing { None } else { parse_number(cell, *format) };
                missing = number.is_none();
                vector.push(number.map_or(0.0, |number| ((number - centre) / scale).clamp(-CLIP, CLIP) as f32));
            }
            ValueEncoder::Category { categories, other } => {
                let found = categories.iter().position(|category| category == cell);
                vector.extend((0..categories.len()).map(|place| f32::from(u8::from(Some(place) == found))));
                if *other {
                    vector.push(f32::from(u8::from(!missing && found.is_none())));
                }
            }
        }
        if self.missing {
            vector.push(f32::from(u8::from(missing)));
        }
    }
}

impl ValueEncoder {
    /// `cells` are those not missing.
    fn fit(cells: &[&str]) -> ValueEncoder {
        if cells.iter().collect::<HashSet<_>>().len() < 2 {
            return ValueEncoder::Nothing;
        }
        let format = NumberFormat::guess(cells);
        let numbers: Vec<f64> = cells.iter().filter_map(|cell| parse_number(cell, format)).collect();
        if numbers.len() as f64 >= NUMERIC_SHARE * cells.len() as f64 {
            ValueEncoder::fit_numbers(format, numbers)
        } else {
            ValueEncoder::fit_categories(cells)
        }
    }

    fn fit_numbers(format: NumberFormat, mut numbers: Vec<f64>) -> ValueEncoder {
        numbers.sort_by(f64::total_cmp);
        let count = numbers.len() as f64;
        let mean = numbers.iter().map(|number| number / count).sum::<f64>();
        let deviation = numbers.iter().map(|number| (number - mean).powi(2) / count).sum::<f64>().sqrt();
        // Also false for numbers so large that the square overflows: such a column says nothing we can scale.
        let spread = deviation.is_finite() && deviation > 0.0;
        if !spread {
            return ValueEncoder::Nothing;
        }
        let skewness = numbers.iter().map(|number| ((number - mean) / deviation).powi(3) / count).sum::<f64>();
        let range = quantile(&numbers, 0.75) - quantile(&numbers, 0.25);
        if skewness.abs() > SKEWED && range > 0.0 {
            ValueEncoder::Number { format, centre: quantile(&numbers, 0.5), scale: range / NORMAL_QUARTILES }
        } else {
            ValueEncoder::Number { format, centre: mean, scale: deviation }
        }
    }

    fn fit_categories(cells: &[&str]) -> ValueEncoder {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for cell in cells {
            *counts.entry(cell).or_default() += 1;
        }
        let distinct = counts.len();
        let mut kept: Vec<(&str, usize)> = counts.into_iter().filter(|&(_, count)| count >= RARE_ROWS).collect();
        kept.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        kept.truncate(MOST_CATEGORIES);
        if kept.is_empty() {
            return ValueEncoder::Nothing;
        }
        let other = kept.len() < distinct;
        ValueEncoder::Category {
            categories: kept.into_iter().map(|(category, _)| category.to_owned()).collect(),
            other,
        }
    }
}

/// The q-quantile of sorted numbers, interpolated linearly between the two nearest (as NumPy does).
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let place = q * (sorted.len() - 1) as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> (Vec<String>, Vec<Vec<String>>) {
        let mut lines = text.trim().lines().map(|line| line.trim().split(';').map(str::to_owned).collect());
        (lines.next().expect("a header"), lines.collect())
    }

    fn fitted(text: &str) -> (TableEncoder, Vec<Vec<f32>>) {
        let (columns, rows) = table(text);
        let encoder = TableEncoder::fit(&columns, rows.iter().map(Vec::as_slice));
        let encoded = rows.iter().map(|row| encoder.encode(row)).collect();
        (encoder, encoded)
    }

    fn check(text: &str, names: &[&str], expected: &[&[f32]]) {
        let (encoder, found) = fitted(text);
        assert_eq!(encoder.columns_out(), names);
        for (found, expected) in found.iter().zip(expected) {
            assert_eq!(found.len(), expected.len());
            let close = found.iter().zip(*expected).all(|(a, b)| (a - b).abs() < 1e-4);
            assert!(close, "{found:?} ≠ {expected:?}");
        }
        assert_eq!(found.len(), expected.len());
    }

    #[test]
    fn numbers_are_standardised_and_gaps_marked() {
        check(
            "mass\n1\n3\nNA\n?",
            &["mass", "mass is missing"],
            &[&[-1.0, 0.0], &[1.0, 0.0], &[0.0, 1.0], &[0.0, 1.0]],
        );
    }

    #[test]
    fn categories_are_one_hot_and_rare_ones_share_a_column() {
        check(
            "island\nDream\nBiscoe\nDream\nBiscoe\nDream\nTorgersen\nNA",
            &["island = Dream", "island = Biscoe", "island = (other)", "island is missing"],
            &[
                &[1.0, 0.0, 0.0, 0.0],
                &[0.0, 1.0, 0.0, 0.0],
                &[1.0, 0.0, 0.0, 0.0],
                &[0.0, 1.0, 0.0, 0.0],
                &[1.0, 0.0, 0.0, 0.0],
                &[0.0, 0.0, 1.0, 0.0],
                &[0.0, 0.0, 0.0, 1.0],
            ],
        );
    }

    #[test]
    fn columns_that_say_nothing_are_dropped() {
        check("constant;same;unique\n5;x;one\n5;x;two\n5;x;three", &[], &[&[], &[], &[]]);
        check("gap\nNA\n5\n5", &["gap is missing"], &[&[1.0], &[0.0], &[0.0]]);
    }

    #[test]
    fn a_skewed_column_is_scaled_by_its_quartiles() {
        let numbers = (1..=20).map(|number| number.to_string()).chain(["100000".to_owned()]);
        let (encoder, rows) = fitted(&format!("income\n{}", numbers.collect::<Vec<_>>().join("\n")));
        assert!(matches!(encoder.columns[0].values, ValueEncoder::Number { centre: 11.0, .. }));
        assert!((rows[0][0] - -10.0 * 1.349 / 10.0).abs() < 1e-4, "{}", rows[0][0]);
        assert_eq!(rows[20][0], CLIP as f32);
    }

    #[test]
    fn ragged_and_foreign_rows_have_a_vector_all_the_same() {
        let (encoder, _) = fitted("a;b\n1;x\n2;y\n3;x\n4;y");
        let width = encoder.columns_out().len();
        for row in [vec![], vec!["1"], vec!["1", "x", "more"], vec!["wrong", "new"], vec!["1e999", ""]] {
            let row: Vec<String> = row.into_iter().map(str::to_owned).collect();
            let vector = encoder.encode(&row);
            assert_eq!(vector.len(), width);
            assert!(vector.iter().all(|value| value.is_finite()));
        }
        let empty = TableEncoder::fit(&["a".to_owned()], []);
        assert_eq!(empty.encode(&["1".to_owned()]), Vec::<f32>::new());
    }

    #[test]
    fn an_encoder_survives_its_json() {
        let (encoder, _) = fitted("a;b\n1,5;x\n2,25;x\n3;y\n;y");
        let json = serde_json::to_string(&encoder).expect("JSON");
        assert_eq!(serde_json::from_str::<TableEncoder>(&json).expect("an encoder"), encoder);
    }
}
