//! Class imbalance: a class that is too rare to be learnt.

/// A class is rare below this share of what it would have if all were equally frequent.
const SHARE_OF_EQUAL: f64 = 0.1;

/// How much of the labels a class has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassShare {
    /// Its index.
    pub class: usize,
    /// How many labels it has.
    pub labels: usize,
    /// Of all labels, 0 to 1.
    pub share: f64,
}

/// A class that is rare.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Imbalance {
    /// Its index.
    pub class: usize,
    /// How many labels it has.
    pub labels: usize,
    /// Of all labels, 0 to 1.
    pub share: f64,
    /// What that is below: 0.1/K.
    pub below: f64,
}

/// Counts and shares by class, in the order of classes; `labels[k]` is how many labels class k has.
pub fn class_shares(labels: &[usize]) -> Vec<ClassShare> {
    let all = labels.iter().sum::<usize>().max(1) as f64;
    let share = |(class, &labels)| ClassShare { class, labels, share: labels as f64 / all };
    labels.iter().enumerate().map(share).collect()
}

/// The rarest class, if its share of the labels is below 0.1/K: cleanlab's Datalab (2.9, `class_imbalance`, its default
/// threshold). Of equally rare ones the first. `labels[k]` is how many labels class k has; a class without any counts,
/// unlike there, where it would not be known. `None` without labels, or of fewer than two classes.
pub fn imbalance(labels: &[usize]) -> Option<Imbalance> {
    let below = SHARE_OF_EQUAL / labels.len().max(1) as f64;
    let rarest = class_shares(labels).into_iter().min_by_key(|share| share.labels)?;
    let ClassShare { class, labels: count, share } = rarest;
    let any = labels.len() >= 2 && labels.iter().any(|&count| count > 0);
    (any && share < below).then_some(Imbalance { class, labels: count, share, below })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rarest_class_is_named_below_a_tenth_of_an_equal_share() {
        let found = |labels: &[usize]| imbalance(labels).map(|one| (one.class, one.labels));
        // Two classes: below 5 %; four: below 2.5 %.
        assert_eq!(found(&[96, 4]), Some((1, 4)));
        assert_eq!(found(&[95, 5]), None, "exactly the limit is not below it");
        assert_eq!(found(&[2, 50, 48, 1]), Some((3, 1)));
        assert_eq!(found(&[3, 50, 48, 3]), None);
        assert_eq!(found(&[0, 10]), Some((0, 0)));
        for nothing in [&[][..], &[7], &[0, 0]] {
            assert_eq!(found(nothing), None, "{nothing:?}");
        }
        let one = imbalance(&[1, 59, 60]).expect("rare");
        assert!((one.share - 1.0 / 120.0).abs() < 1e-12 && (one.below - 0.1 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn shares_add_up() {
        let shares = class_shares(&[1, 3, 0]);
        assert_eq!(
            shares.iter().map(|one| (one.labels, one.share)).collect::<Vec<_>>(),
            [(1, 0.25), (3, 0.75), (0, 0.0)]
        );
        assert_eq!(class_shares(&[0])[0].share, 0.0);
    }
}
