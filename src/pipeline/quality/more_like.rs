//! "Label more like these": the unlabelled items that most resemble a rare class or a weak slice.

use super::among::Among;
use super::neighbours::Neighbours;
use std::collections::HashSet;

/// The search for items like some others, in slices.
#[derive(Debug, Clone)]
pub struct MoreLike {
    rows: Vec<usize>,
    among: Among,
    want: usize,
}

impl MoreLike {
    /// Looks for `want` of `candidates` that are like `rows`; none of `rows` is among the answer.
    pub fn new(rows: &[usize], candidates: &[usize], want: usize) -> Self {
        let known: HashSet<usize> = rows.iter().copied().collect();
        let candidates: Vec<usize> = candidates.iter().copied().filter(|row| !known.contains(row)).collect();
        // The lists of all rows may be the same; as long as the answer, they still suffice for it.
        let among = Among::new(want.min(candidates.len()), rows.to_vec(), candidates);
        let mut seen = HashSet::new();
        let rows = rows.iter().copied().filter(|&row| seen.insert(row)).collect();
        Self { rows, among, want }
    }

    /// One slice of the work; when done, the answer. The rows take turns, in each round the one with the nearest bid first,
    /// and each turn gives the nearest candidate that was not given before: so that one typical row does not decide alone.
    pub fn step(&mut self, neighbours: &Neighbours) -> Option<Vec<usize>> {
        if !self.among.step(neighbours) {
            return None;
        }
        let mut lists: Vec<Vec<(f32, usize)>> = self
            .rows
            .iter()
            .map(|&row| self.among.nearest(row).map(|near| (near.distance, near.row)).collect())
            .collect();
        // From the end, the nearest is taken.
        lists.iter_mut().for_each(|list| list.reverse());
        let (mut given, mut answer) = (HashSet::new(), Vec::new());
        while answer.len() < self.want {
            for list in &mut lists {
                while list.last().is_some_and(|(_, row)| given.contains(row)) {
                    list.pop();
                }
            }
            lists.retain(|list| !list.is_empty());
            lists.sort_by(|a, b| {
                a.last().map(|bid| bid.0).unwrap_or(0.0).total_cmp(&b.last().map(|bid| bid.0).unwrap_or(0.0))
            });
            if lists.is_empty() {
                break;
            }
            for list in &mut lists {
                while let Some((_, row)) = list.pop() {
                    if given.insert(row) {
                        answer.push(row);
                        break;
                    }
                }
            }
        }
        answer.truncate(self.want);
        Some(answer)
    }
}

/// [`MoreLike`] at one go, for few rows: 256 multiply-adds a row and candidate.
pub fn more_like(rows: &[usize], candidates: &[usize], neighbours: &Neighbours, want: usize) -> Vec<usize> {
    let mut search = MoreLike::new(rows, candidates, want);
    loop {
        if let Some(answer) = search.step(neighbours) {
            return answer;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_data::{clusters, neighbours};
    use super::*;

    #[test]
    fn the_answer_is_of_the_same_group() {
        let (features, group) = clusters(20, 1000, 80, 0.5, 3);
        let neighbours = neighbours(&features, 5);
        let rows: Vec<usize> = (0..1000).filter(|row| group[*row] == 7).take(6).collect();
        let candidates: Vec<usize> = (0..1000).filter(|row| row % 2 == 1).collect();
        let answer = more_like(&rows, &candidates, &neighbours, 15);
        assert_eq!(answer.len(), 15);
        assert!(answer.iter().all(|&row| group[row] == 7 && row % 2 == 1 && !rows.contains(&row)), "{answer:?}");
        assert_eq!(answer.iter().collect::<HashSet<_>>().len(), 15);
        // By chance one in twenty would be.
    }

    #[test]
    fn rows_take_turns() {
        let (features, group) = clusters(2, 200, 40, 0.3, 3);
        let neighbours = neighbours(&features, 5);
        let candidates: Vec<usize> = (2..200).collect();
        // One row of the one group, one of the other: both are served alike.
        let answer = more_like(&[0, 1], &candidates, &neighbours, 10);
        assert_eq!(answer.iter().filter(|&&row| group[row] == 0).count(), 5);
    }

    #[test]
    fn fewer_candidates_are_all_given_once() {
        let (features, _) = clusters(2, 40, 10, 0.3, 3);
        let neighbours = neighbours(&features, 5);
        let mut answer = more_like(&[0, 1, 2, 2], &[5, 6, 6, 2], &neighbours, 10);
        answer.sort_unstable();
        assert_eq!(answer, [5, 6]);
        assert_eq!(more_like(&[], &[5], &neighbours, 3), [0usize; 0]);
        assert_eq!(more_like(&[5], &[], &neighbours, 3), [0usize; 0]);
        assert_eq!(more_like(&[5], &[6], &neighbours, 0), [0usize; 0]);
    }
}
