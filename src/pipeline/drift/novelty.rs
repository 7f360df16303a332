//! How far rows lie from the reference: the distance to its nearest rows.

use super::report::{Novel, Test};
use super::two_sample::kolmogorov_smirnov;
use ndarray::{Array1, Array2, ArrayView1, Axis, s};

/// A row's distance is the mean over so many nearest reference rows.
const NEAREST: usize = 5;
/// Nearest reference rows that are named.
const NAMED: usize = 3;
/// Most novel rows that are reported.
const MOST_NOVEL: usize = 48;
/// With fewer rows on a side nothing is compared.
pub const FEWEST_ROWS: usize = 20;

/// Distances of reference and batch rows to the reference, found in slices.
///
/// Every row has two distances. To all reference rows but itself: that tells how novel it is. And to one half of the reference:
/// the other half and the batch are then treated alike, which distances that leave the row itself out are not quite, so
/// that on these the two samples are compared.
#[derive(Debug, Clone)]
pub struct Distances {
    /// Reference rows first.
    rows: Array2<f32>,
    reference: usize,
    /// ‖x‖² of each reference row.
    squares: Array1<f32>,
    found: Vec<Found>,
}

#[derive(Debug, Clone, Copy)]
struct Found {
    to_all: f64,
    to_half: f64,
    nearest: [usize; NAMED],
}

/// What the distances say.
#[derive(Debug, Clone, PartialEq)]
pub struct Novelty {
    /// Kolmogorov–Smirnov of the distances; `None` with fewer than 20 rows on a side.
    pub test: Option<Test>,
    /// Places among the batch's rows and the reference's, the most novel first.
    pub novel: Vec<Novel>,
}

impl Distances {
    /// Between n × k reference rows and m × k batch rows, in orders that do not depend on their content.
    pub fn new(reference: &Array2<f32>, batch: &Array2<f32>) -> Self {
        let rows = ndarray::concatenate![Axis(0), reference.view(), batch.view()];
        let squares = reference.rows().into_iter().map(|row| row.dot(&row)).collect();
        Self { rows, reference: reference.nrows(), squares, found: Vec::new() }
    }

    /// Works until about `work` multiply-adds are done; true when all distances are known.
    pub fn step(&mut self, work: usize) -> bool {
        let per_row = (self.reference * (self.rows.ncols() + 4)).max(1);
        let end = self.found.len().saturating_add((work / per_row).max(1)).min(self.rows.nrows());
        let block = self.rows.slice(s![self.found.len()..end, ..]);
        let products = block.dot(&self.rows.slice(s![..self.reference, ..]).t());
        for (row, products) in (self.found.len()..end).zip(products.rows()) {
            self.found.push(self.look(row, products));
        }
        end == self.rows.nrows()
    }

    /// How much is done, 0 to 1.
    pub fn progress(&self) -> f64 {
        self.found.len() as f64 / self.rows.nrows().max(1) as f64
    }

    fn look(&self, row: usize, products: ArrayView1<f32>) -> Found {
        let own = self.rows.row(row);
        let own = own.dot(&own);
        let (mut all, mut half) = (Nearest::new(), Nearest::new());
        for (other, (product, square)) in products.iter().zip(&self.squares).enumerate() {
            if other == row {
                continue;
            }
            let squared = (own + square - 2.0 * product).max(0.0);
            all.offer(squared, other);
            if other % 2 == 0 {
                half.offer(squared, other);
            }
        }
        let mut nearest = [usize::MAX; NAMED];
        nearest.iter_mut().zip(&all.found).for_each(|(named, found)| *named = found.1);
        Found { to_all: all.mean(), to_half: half.mean(), nearest }
    }

    /// The answer, once [`Distances::step`] returned true.
    pub fn finish(&self) -> Novelty {
        let (reference, batch) = self.found.split_at(self.reference.min(self.found.len()));
        let test = (reference.len() >= FEWEST_ROWS && batch.len() >= FEWEST_ROWS)
            .then(|| {
                let of_reference: Vec<f64> = reference.iter().skip(1).step_by(2).map(|found| found.to_half).collect();
                let of_batch: Vec<f64> = batch.iter().map(|found| found.to_half).collect();
                kolmogorov_smirnov(&of_reference, &of_batch)
            })
            .flatten();
        let mut usual: Vec<f64> = reference.iter().map(|found| found.to_all).collect();
        usual.sort_unstable_by(f64::total_cmp);
        let mut order: Vec<usize> = (0..batch.len()).collect();
        order.sort_by(|&a, &b| batch[b].to_all.total_cmp(&batch[a].to_all).then(a.cmp(&b)));
        let novel = order.into_iter().take(MOST_NOVEL).map(|row| Novel {
            row,
            novelty: usual.partition_point(|&distance| distance < batch[row].to_all) as f64 / usual.len().max(1) as f64,
            nearest: batch[row].nearest.into_iter().filter(|&place| place != usize::MAX).collect(),
        });
        Novelty { test, novel: novel.collect() }
    }
}

/// The few nearest so far, nearest first.
struct Nearest {
    found: Vec<(f32, usize)>,
}

impl Nearest {
    fn new() -> Self {
        Self { found: Vec::with_capacity(NEAREST + 1) }
    }

    fn offer(&mut self, squared: f32, row: usize) {
        if self.found.len() == NEAREST && self.found[NEAREST - 1].0 <= squared {
            return;
        }
        let place = self.found.partition_point(|found| found.0 <= squared);
        self.found.insert(place, (squared, row));
        self.found.truncate(NEAREST);
    }

    fn mean(&self) -> f64 {
        self.found.iter().map(|found| f64::from(found.0).sqrt()).sum::<f64>() / self.found.len().max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn rows(count: usize, size: f32, random: &mut ChaCha8Rng) -> Array2<f32> {
        Array2::from_shape_simple_fn((count, 6), || size * random.random_range(-1.0..1.0f32))
    }

    fn compare(reference: &Array2<f32>, batch: &Array2<f32>, work: usize) -> Novelty {
        let mut distances = Distances::new(reference, batch);
        while !distances.step(work) {}
        distances.finish()
    }

    #[test]
    fn strangers_are_named_first_with_what_they_are_nearest_to() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let reference = rows(80, 1.0, &mut random);
        let mut batch = rows(40, 1.0, &mut random);
        batch.row_mut(17).assign(&(&reference.row(5) * 9.0));
        let found = compare(&reference, &batch, 1);
        assert_eq!((found.novel[0].row, found.novel[0].novelty, found.novel.len()), (17, 1.0, 40));
        assert_eq!(found, compare(&reference, &batch, usize::MAX), "slices change nothing");
        let distance = |place: usize| {
            let apart = &reference.row(place) - &batch.row(17);
            apart.dot(&apart)
        };
        let nearest = (0..80).min_by(|&a, &b| distance(a).total_cmp(&distance(b))).expect("rows");
        assert_eq!(found.novel[0].nearest[0], nearest);
        assert!(found.novel.iter().skip(1).all(|novel| novel.nearest.len() == 3));
    }

    #[test]
    fn wider_batches_alarm_and_like_ones_do_not() {
        let mut random = ChaCha8Rng::seed_from_u64(8);
        let (mut found, mut alarms, mut shared) = (0, 0, 0);
        for _ in 0..300 {
            let reference = rows(120, 1.0, &mut random);
            let p = |batch: &Array2<f32>| compare(&reference, batch, usize::MAX).test.expect("rows").p;
            let (wide, same) = (rows(60, 1.6, &mut random), rows(60, 1.0, &mut random));
            found += usize::from(p(&wide) < 0.05);
            alarms += usize::from(p(&same) < 0.05);
            // Naive: reference rows that find themselves.
            let mut distances =
                Distances::new(&reference, &ndarray::concatenate![Axis(0), reference.view(), same.view()]);
            while !distances.step(usize::MAX) {}
            let of =
                |from: usize, to: usize| distances.found[from..to].iter().map(|found| found.to_all).collect::<Vec<_>>();
            shared += usize::from(kolmogorov_smirnov(&of(120, 240), &of(240, 300)).expect("rows").p < 0.05);
        }
        // 15 are to be expected; 28 have a chance of 0.1 %.
        assert!(found >= 290 && alarms <= 28 && shared > 100, "{found} {alarms} {shared}");
    }

    #[test]
    fn few_rows_are_not_compared() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let found = compare(&rows(2, 1.0, &mut random), &rows(3, 1.0, &mut random), 1);
        assert!(found.test.is_none() && found.novel.len() == 3 && found.novel[0].nearest.len() == 2, "{found:?}");
        assert!(compare(&rows(0, 1.0, &mut random), &rows(0, 1.0, &mut random), 1).novel.is_empty());
    }
}
