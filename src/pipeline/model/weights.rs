//! What rows count, and the prior that balanced training takes out and inference puts back.

use super::logistic::ClassWeight;
use super::training_set::TrainingSet;

/// How many training rows each class has.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassCounts {
    counts: Vec<usize>,
}

impl ClassCounts {
    /// Of the used rows; `None` if fewer than two classes have one.
    pub fn of(set: &TrainingSet, used: &[bool]) -> Option<Self> {
        Self::of_targets(set.targets(), used, set.classes())
    }

    /// Of the used targets, each below `classes`; `None` if fewer than two classes have one.
    pub fn of_targets(targets: &[usize], used: &[bool], classes: usize) -> Option<Self> {
        let mut counts = vec![0; classes];
        targets.iter().zip(used).for_each(|(&class, &used)| counts[class] += usize::from(used));
        (counts.iter().filter(|&&count| count > 0).count() >= 2).then_some(Self { counts })
    }

    /// K.
    pub fn classes(&self) -> usize {
        self.counts.len()
    }

    /// Whether the class has a row.
    pub fn active(&self, class: usize) -> bool {
        self.counts[class] > 0
    }

    /// How many rows the class has.
    pub fn rows(&self, class: usize) -> usize {
        self.counts[class]
    }

    /// The class's share of the rows, 0 to 1.
    pub fn share(&self, class: usize) -> f64 {
        self.counts[class] as f64 / self.counts.iter().sum::<usize>() as f64
    }

    /// What a row of this class counts: 1, or n / (present classes · rows of the class); either sums to n.
    pub fn weight(&self, class: usize, class_weight: ClassWeight) -> f64 {
        match class_weight {
            ClassWeight::Equal => 1.0,
            ClassWeight::Balanced => 1.0 / (self.present() * self.share(class)),
        }
    }

    /// What balanced training leaves out of the class's logit: the logarithm of its share over that of a world where
    /// classes are equally frequent (Saerens, Latinne & Decaestecker, "Adjusting the outputs of a classifier to new a
    /// priori probabilities", 2002). 0 without balancing, and for a class without rows.
    pub fn log_prior(&self, class: usize, class_weight: ClassWeight) -> f64 {
        match class_weight {
            ClassWeight::Balanced if self.active(class) => (self.share(class) * self.present()).ln(),
            ClassWeight::Equal | ClassWeight::Balanced => 0.0,
        }
    }

    fn present(&self) -> f64 {
        self.counts.iter().filter(|&&count| count > 0).count() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_sum_to_the_rows_and_the_prior_undoes_them() {
        let targets = [0, 0, 0, 0, 0, 0, 2, 2, 3];
        let counts = ClassCounts::of_targets(&targets, &[true; 9], 5).expect("three classes");
        for weight in [ClassWeight::Equal, ClassWeight::Balanced] {
            let sum: f64 = targets.iter().map(|&class| counts.weight(class, weight)).sum();
            assert!((sum - 9.0).abs() < 1e-12);
        }
        // weight · e^(log prior) = 1: what a row gained in training it loses at inference.
        for class in [0, 2, 3] {
            let product =
                counts.weight(class, ClassWeight::Balanced) * counts.log_prior(class, ClassWeight::Balanced).exp();
            assert!((product - 1.0).abs() < 1e-12);
        }
        assert_eq!((counts.active(1), counts.log_prior(1, ClassWeight::Balanced)), (false, 0.0));
        assert_eq!(
            ClassCounts::of_targets(&targets, &[true, true, true, false, false, false, false, false, false], 5),
            None
        );
    }
}
