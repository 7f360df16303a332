//! Accuracy in parts: by class, batch, column value or confidence band.

use super::interval::Estimate;
use serde::{Deserialize, Serialize};

/// One part of the rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Slice {
    /// What its rows share.
    pub name: String,
    /// How many rows it has, at least 1.
    pub rows: usize,
    /// The share predicted right, with its exact 95 % interval.
    pub accuracy: Estimate,
}

/// Accuracy by group, given each row's group and whether it was predicted right; groups in order of first appearance.
/// The intervals hold one by one: among twenty slices, one is expected to miss its truth.
pub fn slices<'a>(rows: impl IntoIterator<Item = (&'a str, bool)>) -> Vec<Slice> {
    let mut names: Vec<&str> = Vec::new();
    let mut counts: Vec<(usize, usize)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for (name, right) in rows {
        let place = *places.entry(name).or_insert_with(|| {
            names.push(name);
            counts.push((0, 0));
            names.len() - 1
        });
        counts[place].0 += usize::from(right);
        counts[place].1 += 1;
    }
    let slice = |(name, (right, rows)): (&str, (usize, usize))| {
        Estimate::of_share(right, rows).map(|accuracy| Slice { name: name.to_string(), rows, accuracy })
    };
    names.into_iter().zip(counts).filter_map(slice).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_keep_their_order() {
        let found = slices([("fish", true), ("bird", true), ("fish", false), ("fish", true), ("bird", true)]);
        let found: Vec<_> =
            found.iter().map(|slice| (slice.name.as_str(), slice.rows, slice.accuracy.estimate)).collect();
        assert_eq!(found, [("fish", 3, 2.0 / 3.0), ("bird", 2, 1.0)]);
        assert_eq!(slices([]), []);
    }
}
