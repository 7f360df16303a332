//! How many labels are wrong, from a label audit: labels drawn at random and asked again, blind.
//!
//! Neither the model nor the ranking plays a part, so this holds whatever they miss. The count of confident learning is the
//! model's opinion: with errors that the model learnt, or hard items that it gets wrong, it is off by any factor
//! (`tests/promises/label_audit.rs`).

use crate::pipeline::evaluate::certainty::too_few;
use crate::pipeline::evaluate::interval::{Estimate, hypergeometric_interval};

/// What came of asking again. What is counted as different is as wrong as the second answer is right: who is to measure errors
/// should take more time than whoever made them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LabelAudit {
    /// Labels that could be drawn, those that were drawn included.
    pub labels: usize,
    /// Drawn, and answered as the label says.
    pub same: usize,
    /// Drawn, and answered otherwise.
    pub different: usize,
    /// Drawn, and answered with “not sure”.
    pub unsure: usize,
}

/// The share of labels that are wrong, among those to which the audit has an answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LabelErrorRate {
    /// The share that was answered otherwise, 0 to 1, with the exact 95 % interval of the share of all labels that would be.
    pub share: Estimate,
    /// The same interval in labels: at least and at most so many are wrong.
    pub wrong: (usize, usize),
    /// Too few answers for the share to lead: the interval alone tells something.
    pub few: bool,
}

impl LabelAudit {
    /// How many drawn labels got an answer.
    pub fn answered(&self) -> usize {
        self.same + self.different
    }

    /// The error rate; `None` before the first answer.
    ///
    /// Labels are drawn without replacement, each as likely as any other, so the number of different answers is
    /// hypergeometric, and the interval is Buonaccorsi's (1987): it holds the truth in at least 95 of 100 audits, whatever the
    /// truth, and shrinks to a point once everything was asked. Answers of “not sure” are no evidence either way: these labels are
    /// left out of what was drawn and of what could be, and the rate is not of them.
    pub fn error_rate(&self) -> Option<LabelErrorRate> {
        let answered = self.answered();
        if answered == 0 {
            return None;
        }
        let pool = self.labels.saturating_sub(self.unsure).max(answered);
        let (low, high) = hypergeometric_interval(self.different as u64, answered as u64, pool as u64, 0.95);
        let labels = |share: f64| (share * pool as f64).round() as usize;
        Some(LabelErrorRate {
            share: Estimate { estimate: self.different as f64 / answered as f64, low, high },
            wrong: (labels(low), labels(high)),
            few: too_few(answered),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_has_an_exact_interval() {
        let audit = LabelAudit { labels: 300, same: 54, different: 6, unsure: 0 };
        let rate = audit.error_rate().expect("answers");
        let (low, high) = hypergeometric_interval(6, 60, 300, 0.95);
        assert_eq!((rate.share, rate.few), (Estimate { estimate: 0.1, low, high }, false));
        assert_eq!(rate.wrong, ((low * 300.0).round() as usize, (high * 300.0).round() as usize));
        assert!(rate.wrong.0 >= 6 && rate.wrong.1 <= 300 - 54, "{rate:?}");
    }

    #[test]
    fn everything_asked_is_everything_known_and_unsure_answers_are_no_evidence() {
        let all = LabelAudit { labels: 40, same: 30, different: 6, unsure: 4 };
        let rate = all.error_rate().expect("answers");
        assert_eq!((rate.share.low, rate.share.high, rate.wrong), (rate.share.estimate, rate.share.estimate, (6, 6)));
        let without = LabelAudit { labels: 1000, same: 27, different: 3, unsure: 0 };
        let with = LabelAudit { labels: 1010, unsure: 10, ..without };
        assert_eq!(with.error_rate(), without.error_rate());
        assert_eq!(LabelAudit { labels: 9, unsure: 3, ..LabelAudit::default() }.error_rate(), None);
    }

    #[test]
    fn few_answers_are_said_to_be_few_and_impossible_counts_do_no_harm() {
        let rate = LabelAudit { labels: 500, same: 19, different: 0, unsure: 50 }.error_rate().expect("answers");
        assert!(rate.few && rate.share.low == 0.0 && rate.share.high > 0.14, "{rate:?}");
        let fewer_labels_than_answers = LabelAudit { labels: 3, same: 4, different: 4, unsure: 2 };
        assert_eq!(fewer_labels_than_answers.error_rate().expect("answers").wrong, (4, 4));
    }
}
