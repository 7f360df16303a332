//! The certificate from one look at a number of audits that was fixed before.

use super::budget::{Budget, TriageError};
use crate::pipeline::evaluate::interval::{binomial_upper_bound, hypergeometric_upper_bound};
use crate::pipeline::evaluate::tails::{binomial_at_most, hypergeometric_at_most};
use serde::{Deserialize, Serialize};

/// What a number of audits proves about the set they were drawn from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Certification {
    /// Whether the error budget is kept, at confidence 1 − delta.
    pub certified: bool,
    /// At most this share is wrong, 0 to 1: the exact one-sided upper bound at confidence 1 − delta. Of a finite set it
    /// is the share of the set's items, audited ones included. It is within the budget just when it is certified.
    pub upper_bound: f64,
    /// The least number of audits, in all, that certifies with this number of errors: the audits still to do are it
    /// minus those done, provided they find no further error. `None` if no number can: the errors found break the
    /// budget of the finite set (or, without one, the budget is so small that the number exceeds 2⁵²).
    pub needed: Option<u64>,
}

/// Beyond this number of audits counting in f64 loses single audits.
const MOST_AUDITS: u64 = 1 << 52;

/// Certifies iff so few errors would be unlikely if the budget were broken: P(Bin(audits, alpha) ≤ errors) ≤ delta. With
/// a finite `population`, of which the audits were drawn without replacement, the hypergeometric probability under the
/// least number of wrong items that breaks the budget takes its place; it falls with that number, so it bounds all
/// others. Without errors 59 audits certify 5 % at 95 % confidence.
///
/// It holds for one look, at a number of audits fixed in advance. Who watches and stops when it suits needs
/// [`super::e_value`].
///
/// # Errors
/// Says in words when the counts contradict each other.
pub fn certify(
    audits: u64,
    errors: u64,
    budget: Budget,
    population: Option<u64>,
) -> Result<Certification, TriageError> {
    if errors > audits {
        return Err(TriageError::MoreErrorsThanAudits { errors, audits });
    }
    let (alpha, delta) = (budget.alpha(), budget.delta());
    let Some(population) = population else {
        let certifies = |audits| binomial_at_most(errors, audits, alpha) <= delta;
        return Ok(Certification {
            certified: certifies(audits),
            upper_bound: binomial_upper_bound(errors, audits, delta),
            needed: least(errors, MOST_AUDITS, certifies),
        });
    };
    if population == 0 {
        return Err(TriageError::NoItems);
    }
    if audits > population {
        return Err(TriageError::MoreAuditsThanItems { audits, population });
    }
    let breaking = Budget::breaking_count(alpha, population);
    let certifies = |audits| hypergeometric_at_most(errors, audits, breaking, population) <= delta;
    Ok(Certification {
        certified: certifies(audits),
        upper_bound: hypergeometric_upper_bound(errors, audits, population, delta) as f64 / population as f64,
        needed: least(errors, population, certifies),
    })
}

/// The least number from `low` to `high` that satisfies `condition`, which once true stays so; `None` if none does.
/// Doubles its way up first, so that it costs little where the answer is small.
pub(crate) fn least(low: u64, high: u64, condition: impl Fn(u64) -> bool) -> Option<u64> {
    let (mut below, mut step) = (low, 1);
    if condition(low) {
        return Some(low);
    }
    let mut above = loop {
        let next = below.saturating_add(step).min(high);
        if next <= below {
            return None;
        }
        if condition(next) {
            break next;
        }
        below = next;
        step *= 2;
    };
    while above - below > 1 {
        let middle = below + (above - below) / 2;
        if condition(middle) {
            above = middle;
        } else {
            below = middle;
        }
    }
    Some(above)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_audits_without_an_error() {
        for (alpha, delta, expected) in [(0.05, 0.05, 59), (0.02, 0.05, 149), (0.01, 0.05, 299), (0.05, 0.1, 45)] {
            let budget = Budget::new(alpha, delta).expect("a budget");
            for (audits, certified) in [(0, false), (expected - 1, false), (expected, true), (expected + 1, true)] {
                let found = certify(audits, 0, budget, None).expect("counts");
                assert_eq!((found.certified, found.needed), (certified, Some(expected)), "{alpha} {audits}");
                assert_eq!(found.upper_bound <= alpha, certified, "{found:?}");
            }
        }
    }

    #[test]
    fn a_finite_set_needs_fewer_and_can_be_lost() {
        let budget = Budget::new(0.05, 0.05).expect("a budget");
        let check = |audits, errors, population, certified, needed: Option<u64>| {
            let found = certify(audits, errors, budget, Some(population)).expect("counts");
            assert_eq!((found.certified, found.needed), (certified, needed), "{errors} of {audits} of {population}");
            assert_eq!(found.upper_bound <= 0.05, certified, "{found:?}");
            found.upper_bound
        };
        // Of 10 items one wrong one breaks 5 %: all have to be seen.
        check(9, 0, 10, false, Some(10));
        assert_eq!(check(10, 0, 10, true, Some(10)), 0.0);
        check(10, 1, 10, false, None);
        // Six of 100 break it. 1 − P: 94!/(94 − n)! · (100 − n)!/100! ≤ 0.05 from n = 39.
        check(38, 0, 100, false, Some(39));
        check(39, 0, 100, true, Some(39));
        check(60, 6, 100, false, None);
        // The one item not seen after 99 is the sixth wrong one with probability 6/100.
        check(99, 5, 100, false, Some(100));
        assert_eq!(check(100, 5, 100, true, Some(100)), 0.05);
        check(58, 0, 1_000_000_000, false, Some(59));
    }

    #[test]
    fn the_bound_agrees_with_the_certificate_everywhere() {
        let budget = Budget::new(0.1, 0.2).expect("a budget");
        for population in [None, Some(57), Some(200)] {
            for audits in 0..57 {
                for errors in 0..=audits {
                    let found = certify(audits, errors, budget, population).expect("counts");
                    assert_eq!(
                        found.upper_bound <= 0.1,
                        found.certified,
                        "{errors}/{audits} of {population:?}: {found:?}"
                    );
                    assert_eq!(found.needed.is_some_and(|needed| needed <= audits), found.certified);
                }
            }
        }
    }

    #[test]
    fn contradictions_are_refused_in_words() {
        let budget = Budget::new(0.05, 0.05).expect("a budget");
        let check = |audits, errors, population, words: &str| {
            let said = certify(audits, errors, budget, population).expect_err("a contradiction").to_string();
            assert!(said.contains(words), "{said}");
        };
        check(3, 4, None, "4 errors in 3 audits");
        check(11, 0, Some(10), "11 audits of 10 items");
        check(0, 0, Some(0), "no item");
    }
}
