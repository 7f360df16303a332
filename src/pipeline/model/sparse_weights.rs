//! The weights of hashed columns, of which few occur.

/// K weights for each of the columns that training rows had; every other column of the many weighs nothing and takes no memory.
/// Of 2¹⁸ hashed n-grams some thousand occur: 400 classes would take 420 MB with all of them.
#[derive(Debug, Clone, PartialEq)]
pub struct SparseWeights {
    classes: usize,
    width: usize,
    /// Ascending.
    columns: Vec<u32>,
    /// K for each of `columns`, side by side: an entry of a row reads one such run.
    weights: Vec<f32>,
    /// Of each run of 64 columns: which occur, and how many did before.
    ranks: Vec<(u64, u32)>,
}

impl SparseWeights {
    /// No column weighs anything yet, of `width` that there may be.
    pub fn absent(classes: usize, width: usize) -> Self {
        Self { classes, width, columns: Vec::new(), weights: Vec::new(), ranks: Vec::new() }
    }

    /// K weights for each of these columns, in their order; they need not be sorted.
    ///
    /// # Panics
    /// If a column is not below `width` or is named twice, or there are not K weights for each.
    pub fn of_columns(classes: usize, width: usize, columns: &[u32], weights: &[f32]) -> Self {
        assert_eq!(weights.len(), classes * columns.len(), "K weights a column");
        let mut order: Vec<usize> = (0..columns.len()).collect();
        order.sort_unstable_by_key(|&place| columns[place]);
        let sorted: Vec<u32> = order.iter().map(|&place| columns[place]).collect();
        assert!(sorted.windows(2).all(|pair| pair[0] < pair[1]), "each column once");
        assert!(sorted.last().is_none_or(|&last| (last as usize) < width), "columns below {width}");
        let mut ranks = vec![(0u64, 0u32); if sorted.is_empty() { 0 } else { width.div_ceil(64) }];
        sorted.iter().for_each(|&column| ranks[column as usize / 64].0 |= 1 << (column % 64));
        let mut before = 0;
        for (bits, rank) in &mut ranks {
            *rank = before;
            before += bits.count_ones();
        }
        let weights = order.iter().flat_map(|&place| &weights[place * classes..][..classes]).copied().collect();
        Self { classes, width, columns: sorted, weights, ranks }
    }

    /// From K rows of `width` weights, one after the other; columns that weigh nothing are left out.
    pub fn of_rows(classes: usize, width: usize, rows: &[f32]) -> Self {
        assert_eq!(rows.len(), classes * width, "K × s weights");
        let occurs = |&column: &u32| (0..classes).any(|class| rows[class * width + column as usize] != 0.0);
        let columns: Vec<u32> = (0..width as u32).filter(occurs).collect();
        let weights: Vec<f32> = columns
            .iter()
            .flat_map(|&column| (0..classes).map(move |class| rows[class * width + column as usize]))
            .collect();
        Self::of_columns(classes, width, &columns, &weights)
    }

    /// How many columns there may be.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Those with weights, ascending.
    pub fn columns(&self) -> &[u32] {
        &self.columns
    }

    /// How many weights are kept.
    pub fn len(&self) -> usize {
        self.weights.len()
    }

    /// Whether no column weighs anything.
    pub fn is_empty(&self) -> bool {
        self.weights.is_empty()
    }

    /// The K weights of a column; `None` where they are all 0.
    pub fn column(&self, column: u32) -> Option<&[f32]> {
        let &(bits, rank) = self.ranks.get(column as usize / 64)?;
        let bit = 1u64 << (column % 64);
        (bits & bit != 0).then(|| {
            let place = rank as usize + (bits & (bit - 1)).count_ones() as usize;
            &self.weights[place * self.classes..][..self.classes]
        })
    }

    /// One weight.
    pub fn get(&self, class: usize, column: u32) -> f32 {
        self.column(column).map_or(0.0, |weights| weights[class])
    }

    /// All that are kept, class by class.
    pub fn by_class(&self) -> impl Iterator<Item = f32> {
        (0..self.classes).flat_map(|class| self.weights.iter().skip(class).step_by(self.classes.max(1)).copied())
    }

    /// Each weight, for a change in place.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut f32> {
        self.weights.iter_mut()
    }

    /// The weights of these classes, in this order; `None` weighs nothing.
    ///
    /// # Panics
    /// If a class is beyond its own.
    pub fn picked(&self, classes: &[Option<usize>]) -> Self {
        let weights = self.columns.iter().enumerate().flat_map(|(place, _)| {
            let column = &self.weights[place * self.classes..][..self.classes];
            classes.iter().map(move |class| class.map_or(0.0, |class| column[class]))
        });
        Self {
            classes: classes.len(),
            width: self.width,
            columns: self.columns.clone(),
            weights: weights.collect(),
            ranks: self.ranks.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_column_that_does_not_occur_weighs_nothing() {
        let weights = SparseWeights::of_columns(2, 1 << 18, &[200_000, 7, 64], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(weights.columns(), [7, 64, 200_000]);
        assert_eq!((weights.column(7), weights.get(1, 64)), (Some(&[3.0, 4.0][..]), 6.0));
        assert_eq!((weights.column(8), weights.column(1 << 20), weights.get(0, 0)), (None, None, 0.0));
        assert_eq!(weights.picked(&[None, Some(0)]).column(200_000), Some(&[0.0, 1.0][..]));
        assert_eq!(weights.by_class().collect::<Vec<f32>>(), [3.0, 5.0, 1.0, 4.0, 6.0, 2.0]);
        assert_eq!(SparseWeights::absent(3, 70).column(69), None);
    }

    proptest! {
        #[test]
        fn it_says_what_the_whole_matrix_says(
            (classes, width, rows) in (1usize..4, 0usize..200).prop_flat_map(|(classes, width)| {
                let weight = prop_oneof![3 => Just(0.0f32), 1 => -3.0f32..3.0];
                (Just(classes), Just(width), prop::collection::vec(weight, classes * width))
            }),
        ) {
            let weights = SparseWeights::of_rows(classes, width, &rows);
            for column in 0..width {
                for class in 0..classes {
                    prop_assert_eq!(weights.get(class, column as u32), rows[class * width + column]);
                }
            }
        }
    }
}
