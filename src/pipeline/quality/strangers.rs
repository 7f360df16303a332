//! Items that belong to no class: predicted as one, yet farther from its labelled items than these are from each other.

use super::among::Among;
use super::neighbours::Neighbours;
use super::outliers::{Outlier, farthest, mean, tukey_limit};
use std::collections::{BTreeMap, HashSet};

/// The mean is over so many labelled items.
const NEAREST: usize = 5;
/// With fewer labels, what is usual in a class is not known.
const FEWEST_LABELS: usize = 10;

/// The search for items of no class, in slices.
///
/// For each class of at least 10 labels, its usual distance is the mean cosine distance of a labelled item to the five
/// nearest others of the class. A predicted item is a stranger if its mean distance to the five nearest labelled items of
/// the class is above Q3 + 1.7·IQR of the usual distances: the outliers' rule, within a class.
#[derive(Debug, Clone)]
pub struct Strangers {
    among: Among,
    /// Per class with enough labels.
    classes: BTreeMap<usize, Class>,
}

#[derive(Debug, Clone, Default)]
struct Class {
    labelled: Vec<usize>,
    predicted: Vec<usize>,
}

impl Strangers {
    /// `labels`: (row, class) of what is labelled. `predicted`: (row, likeliest class) of what is not. Of a row that is in
    /// both, the label counts.
    pub fn new(labels: &[(usize, usize)], predicted: &[(usize, usize)]) -> Self {
        let mut classes: BTreeMap<usize, Class> = BTreeMap::new();
        for &(row, class) in labels {
            classes.entry(class).or_default().labelled.push(row);
        }
        classes.retain(|_, class| class.labelled.len() >= FEWEST_LABELS);
        let known: HashSet<usize> = labels.iter().map(|&(row, _)| row).collect();
        for (row, class) in predicted.iter().filter(|(row, _)| !known.contains(row)) {
            if let Some(class) = classes.get_mut(class) {
                class.predicted.push(*row);
            }
        }
        let labelled = classes.values().map(|class| (class.labelled.clone(), class.labelled.clone()));
        let predicted = classes.values().map(|class| (class.predicted.clone(), class.labelled.clone()));
        Self { among: Among::of_groups(NEAREST, labelled.chain(predicted).collect()), classes }
    }

    /// One slice of the work; when done, the strangers, the one that exceeds its class's limit most first.
    pub fn step(&mut self, neighbours: &Neighbours) -> Option<Vec<Outlier>> {
        if !self.among.step(neighbours) {
            return None;
        }
        let distance = |row: &usize| mean(self.among.nearest(*row).map(|near| near.distance));
        let of_class = |class: &Class| {
            let limit = tukey_limit(class.labelled.iter().filter_map(distance));
            let one = |row: &usize| Some(Outlier { row: *row, distance: distance(row)?, limit: limit? });
            class.predicted.iter().filter_map(one).collect::<Vec<_>>()
        };
        Some(farthest(self.classes.values().flat_map(of_class)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_data::{clusters, neighbours};
    use super::*;

    /// Eight groups; classes are known for the first six, and everything is predicted as one of them.
    #[test]
    fn groups_that_nobody_labelled_are_strangers() {
        let (features, group) = clusters(8, 1600, 100, 0.5, 6);
        let neighbours = neighbours(&features, 10);
        let labels: Vec<(usize, usize)> =
            (0..1600).filter(|row| group[*row] < 6 && row / 8 % 8 == 0).map(|row| (row, group[row])).collect();
        let labelled = |row: usize| labels.iter().any(|&(label, _)| label == row);
        let predicted: Vec<(usize, usize)> =
            (0..1600).filter(|&row| !labelled(row)).map(|row| (row, group[row] % 6)).collect();
        let mut search = Strangers::new(&labels, &predicted);
        let found = std::iter::repeat_with(|| search.step(&neighbours)).find_map(|found| found).expect("found");
        let hits = found.iter().filter(|one| group[one.row] >= 6).count();
        let (strangers, known) = (400, predicted.len() - 400);
        assert!(hits >= strangers * 95 / 100, "recall {hits} of {strangers}");
        assert!(found.len() - hits <= known / 50, "false alarms {} of {known}", found.len() - hits);
        assert!(found[..300].iter().all(|one| group[one.row] >= 6), "the strangest are strangers");
    }

    #[test]
    fn a_class_of_fewer_than_ten_labels_says_nothing() {
        let (features, _) = clusters(2, 200, 20, 0.3, 6);
        let neighbours = neighbours(&features, 10);
        let search = |labelled: usize| {
            let labels: Vec<(usize, usize)> = (0..labelled).map(|place| (2 * place, 0)).collect();
            // Rows of the other group, called the same class.
            let predicted: Vec<(usize, usize)> = (50..60).map(|place| (2 * place + 1, 0)).collect();
            let mut search = Strangers::new(&labels, &predicted);
            std::iter::repeat_with(move || search.step(&neighbours.clone()))
                .find_map(|found| found)
                .expect("found")
                .len()
        };
        let search_nine = search.clone();
        assert_eq!((search_nine(9), search(10)), (0, 10));
    }
}
