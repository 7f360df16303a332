//! Contradictions: near duplicates whose labels differ. One of the labels is wrong, or the classes overlap.

use super::duplicates::DuplicateGroup;
use super::neighbours::Neighbours;

/// In a group with more labelled members, only the first so many are compared pair by pair.
const MOST_COMPARED: usize = 256;

/// Much the same, and labelled differently.
#[derive(Debug, Clone, PartialEq)]
pub struct Contradiction {
    /// The labelled members of a group of near duplicates, ascending: at least two.
    pub rows: Vec<usize>,
    /// Their classes, in the same order: at least two different ones.
    pub labels: Vec<usize>,
    /// The least cosine distance between two of them with different labels, 0 to 2.
    pub distance: f32,
}

/// The groups of near duplicates that hold more than one label, the nearest contradiction first. `label` gives a row's
/// class, if it has one. The rule for "near duplicate" is that of `duplicates.rs`; there is no looser tier.
pub fn contradictions(
    neighbours: &Neighbours,
    groups: &[DuplicateGroup],
    label: impl Fn(usize) -> Option<usize>,
) -> Vec<Contradiction> {
    let mut found: Vec<Contradiction> = groups
        .iter()
        .filter_map(|group| {
            let (rows, labels): (Vec<usize>, Vec<usize>) =
                group.rows.iter().filter_map(|&row| Some((row, label(row)?))).unzip();
            labels.iter().any(|&label| label != labels[0]).then(|| {
                let distance = least_distance(neighbours, &rows, &labels);
                Contradiction { rows, labels, distance }
            })
        })
        .collect();
    found.sort_by(|a, b| a.distance.total_cmp(&b.distance).then(a.rows.cmp(&b.rows)));
    found
}

/// Between two rows with different labels.
fn least_distance(neighbours: &Neighbours, rows: &[usize], labels: &[usize]) -> f32 {
    let Some(other) = labels.iter().position(|&label| label != labels[0]) else { return f32::INFINITY };
    let mut compared: Vec<usize> = (0..rows.len().min(MOST_COMPARED)).collect();
    if other >= MOST_COMPARED {
        compared.push(other);
    }
    let mut least = f32::INFINITY;
    for (place, &a) in compared.iter().enumerate() {
        for &b in compared[..place].iter().filter(|&&b| labels[a] != labels[b]) {
            least = least.min(neighbours.distance(rows[a], rows[b]));
        }
    }
    least
}

#[cfg(test)]
mod tests {
    use super::super::duplicates::duplicate_groups;
    use super::super::test_data::{neighbours, planted_copies};
    use super::*;

    #[test]
    fn planted_contradictions_are_found_nearest_first() {
        // Every third copy has another label than its original; a third of the copies have none.
        let (features, copies) = planted_copies(1200, 80, 90, 0.2, 9);
        let neighbours = neighbours(&features, 10);
        let label = |row: usize| match row.checked_sub(1200) {
            None => Some(row % 80 / 10),
            Some(copy) => [Some((copies[copy].0 % 80 / 10 + 1) % 8), Some(copies[copy].0 % 80 / 10), None][copy % 3],
        };
        let planted: Vec<(usize, usize)> =
            copies.iter().copied().filter(|&(a, b)| label(b).is_some() && label(a) != label(b)).collect();
        let found = contradictions(&neighbours, &duplicate_groups(&neighbours), label);
        let hits = planted.iter().filter(|(a, b)| found.iter().any(|one| one.rows == [*a, *b])).count();
        assert_eq!(planted.len(), 30);
        assert!(hits >= 29 && found.len() <= hits + 1, "{hits} of 30, {} found", found.len());
        assert!(found.is_sorted_by(|a, b| a.distance <= b.distance));
        let first = &found[0];
        assert_eq!(first.distance, neighbours.distance(first.rows[0], first.rows[1]));
        assert_eq!(first.labels, [label(first.rows[0]), label(first.rows[1])].map(|label| label.expect("a label")));
    }

    #[test]
    fn a_large_group_is_compared_only_so_far() {
        let (features, _) = planted_copies(100, 5, 10, 0.1, 3);
        let neighbours = neighbours(&features, 3);
        // All rows as one group, the first 100 of one class, the last ten (copies of rows 0, 10, …) of another.
        let group = DuplicateGroup { rows: (0..110).collect(), largest_distance: 0.5 };
        let found = contradictions(&neighbours, std::slice::from_ref(&group), |row| Some(usize::from(row >= 100)));
        let nearest = (100..110).map(|row| neighbours.distance(row, (row - 100) * 10)).fold(2.0, f32::min);
        assert_eq!(found[0].distance, nearest);
        assert_eq!(contradictions(&neighbours, &[group], |row| (row > 50).then_some(4)), []);
    }
}
