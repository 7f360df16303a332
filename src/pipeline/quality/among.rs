//! Nearest neighbours among some rows only: the labelled ones, those of a class, those that may be asked.

use super::nearest::{BLOCK, Blocks, Lists};
use super::neighbours::{Neighbour, Neighbours, SLICE_WORK};
use std::collections::HashMap;

/// Each query's k nearest among the targets of its group, found in slices. Exact, in the geometry of a [`Neighbours`]
/// and with its distances.
///
/// Queries and targets are fixed: when labels change, make a new one (for n queries and m targets of 256 dimensions it is
/// at most 256·n·m multiply-adds, mostly a quarter of that).
#[derive(Debug, Clone)]
pub struct Among {
    groups: Vec<Group>,
    lists: Lists,
    places: HashMap<usize, usize>,
    /// The group under way, and how far its queries and targets were gone through.
    at: (usize, usize, usize),
    /// The place of that group's first query.
    first_place: usize,
    centred_on: usize,
}

#[derive(Debug, Clone)]
struct Group {
    queries: Vec<usize>,
    targets: Vec<usize>,
}

impl Among {
    /// Looks for the `k` nearest `targets` of each of `queries`; a row that is both is not its own neighbour.
    pub fn new(k: usize, queries: Vec<usize>, targets: Vec<usize>) -> Self {
        Self::of_groups(k, vec![(queries, targets)])
    }

    /// The same for several groups of (queries, targets), each query looking among its own group's targets. A row is a
    /// query of one group at most; of a row that is in several, the first counts.
    pub fn of_groups(k: usize, groups: Vec<(Vec<usize>, Vec<usize>)>) -> Self {
        let mut places = HashMap::new();
        let mut known = Vec::new();
        for (mut queries, mut targets) in groups {
            targets.sort_unstable();
            targets.dedup();
            queries.retain(|&row| {
                let place = places.len();
                places.insert(row, place).map(|before| places.insert(row, before)).is_none()
            });
            known.push(Group { queries, targets });
        }
        let mut lists = Lists::new(k);
        lists.grow(places.len());
        Self { groups: known, lists, places, at: (0, 0, 0), first_place: 0, centred_on: 0 }
    }

    /// One slice of the work; true when all queries' neighbours are known. Rows that `all` doesn't know yet are left out;
    /// if its geometry changes under way, everything begins anew.
    pub fn step(&mut self, all: &Neighbours) -> bool {
        if self.centred_on != all.geometry().centred_on() {
            self.centred_on = all.geometry().centred_on();
            let places = self.places.len();
            self.lists.clear();
            self.lists.grow(places);
            (self.at, self.first_place) = ((0, 0, 0), 0);
        }
        let known = all.sketch().len().min(all.geometry().rows());
        let mut work = SLICE_WORK;
        while let Some(group) = self.groups.get(self.at.0) {
            if work == 0 {
                return false;
            }
            let (number, query, target) = self.at;
            let left = block(&group.queries, query);
            let right = block(&group.targets, target);
            if left.is_empty() {
                self.first_place += group.queries.len();
                self.at = (number + 1, 0, 0);
                continue;
            }
            self.at = if right.is_empty() { (number, query + BLOCK, 0) } else { (number, query, target + BLOCK) };
            let right: Vec<usize> = right.iter().copied().filter(|&row| row < known).collect();
            // Runs of known queries, so that a run's places follow each other.
            let mut start = 0;
            for run in left.split(|&row| row >= known) {
                let first_place = self.first_place + query + start;
                start += run.len() + 1;
                if !run.is_empty() && !right.is_empty() {
                    let blocks = Blocks { first_place, left: run, right: &right, both: false };
                    work = work.saturating_sub(self.lists.compare(&blocks, all.geometry(), all.sketch()));
                }
            }
            work = work.saturating_sub(1);
        }
        true
    }

    /// The query's nearest targets, nearest first, of equals the lower row first; none for what is no query.
    pub fn nearest(&self, query: usize) -> impl Iterator<Item = Neighbour> + '_ {
        let list = self.places.get(&query).map(|&place| self.lists.list(place));
        list.into_iter().flatten().map(|(row, squared)| Neighbour { row, distance: squared / 2.0 })
    }
}

/// The rows of the block that begins at `start`; none beyond the end.
fn block(rows: &[usize], start: usize) -> &[usize] {
    &rows[start.min(rows.len())..(start + BLOCK).min(rows.len())]
}

#[cfg(test)]
mod tests {
    use super::super::test_data::{clusters, neighbours};
    use super::*;

    fn by_force(all: &Neighbours, query: usize, targets: &[usize], k: usize) -> Vec<Neighbour> {
        let mut found: Vec<Neighbour> = targets
            .iter()
            .filter(|&&row| row != query)
            .map(|&row| Neighbour { row, distance: all.distance(query, row) })
            .collect();
        found.sort_by(|a, b| a.distance.total_cmp(&b.distance).then(a.row.cmp(&b.row)));
        found.truncate(k);
        found
    }

    #[test]
    fn each_query_finds_its_nearest_targets() {
        for columns in [20, 100] {
            let (features, _) = clusters(6, 1000, columns, 0.4, 2);
            let all = neighbours(&features, 3);
            let groups: Vec<(Vec<usize>, Vec<usize>)> = vec![
                ((0..1000).filter(|row| row % 3 == 0).rev().collect(), (0..1000).filter(|row| row % 5 == 1).collect()),
                ((0..1000).filter(|row| row % 3 == 1).collect(), (0..1000).filter(|row| row % 2 == 1).collect()),
                (Vec::new(), vec![3, 4]),
                (vec![2, 5, 8], Vec::new()),
                (vec![11], vec![11, 12, 12]),
            ];
            let mut among = Among::of_groups(4, groups.clone());
            while !among.step(&all) {}
            for (queries, targets) in &groups[..2] {
                for &query in queries {
                    let expected = by_force(&all, query, targets, 4);
                    assert_eq!(among.nearest(query).collect::<Vec<_>>(), expected, "{query}");
                }
            }
            assert_eq!(among.nearest(2).count(), 0);
            assert_eq!(among.nearest(11).map(|near| near.row).collect::<Vec<_>>(), [12]);
            assert_eq!(among.nearest(14).count(), 0, "no query");
        }
    }

    #[test]
    fn rows_that_are_not_known_yet_are_left_out() {
        let (features, _) = clusters(3, 50, 10, 0.3, 1);
        let all = neighbours(&features, 3);
        let mut among = Among::new(2, vec![90, 1, 2, 91, 3], vec![4, 5, 99]);
        while !among.step(&all) {}
        for query in [1, 2, 3] {
            assert_eq!(among.nearest(query).collect::<Vec<_>>(), by_force(&all, query, &[4, 5], 2), "{query}");
        }
        assert_eq!(among.nearest(90).count(), 0);
    }
}
