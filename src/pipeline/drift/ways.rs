//! Two ways back, each with what it gains and what it costs.

use crate::pipeline::evaluate::Estimate;
use crate::pipeline::gate::paired_difference;

/// What a way back is worth: measured on audits of the batch, of which none trains a model that is deployed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gain {
    /// Share right by this way minus the champion's, −1 to 1, with the paired 95 % interval.
    pub difference: Estimate,
    /// The share right by this way.
    pub accuracy: f64,
    /// Audits it was measured on.
    pub audits: usize,
}

/// Compares which of the same audits the champion and a trial model have right. `None` of nothing.
pub fn gain(champion: &[bool], trial: &[bool]) -> Option<Gain> {
    let audits = champion.len().min(trial.len());
    if audits == 0 {
        return None;
    }
    let pairs = champion.iter().zip(trial);
    let wins = pairs.clone().filter(|(champion, trial)| **trial && !**champion).count();
    let losses = pairs.filter(|(champion, trial)| **champion && !**trial).count();
    let right = trial.iter().take(audits).filter(|right| **right).count();
    Some(Gain { difference: paired_difference(audits, wins, losses), accuracy: right as f64 / audits as f64, audits })
}

/// Seconds that so many decisions take a person, from how long the last ones took (milliseconds, in any order): their
/// median, which a lunch break does not change. `None` before the first decision.
pub fn seconds_for(decisions: u32, took_ms: &[u32]) -> Option<f64> {
    let mut sorted = took_ms.to_vec();
    sorted.sort_unstable();
    let median = *sorted.get(sorted.len() / 2)?;
    Some(f64::from(decisions) * f64::from(median) / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gain_is_paired() {
        let champion: Vec<bool> = (0..60).map(|audit| audit % 2 == 0).collect();
        let better = gain(&champion, &[true; 60]).expect("audits");
        assert!((better.difference.estimate - 0.5).abs() < 1e-12 && better.difference.low > 0.3, "{better:?}");
        assert_eq!((better.accuracy, better.audits), (1.0, 60));
        let same = gain(&champion, &champion).expect("audits");
        assert!(same.difference.estimate == 0.0 && same.difference.low < 0.0 && same.difference.high > 0.0);
        assert_eq!(gain(&[], &[]), None);
    }

    #[test]
    fn a_break_does_not_make_labelling_slow() {
        assert_eq!(seconds_for(60, &[900, 1_100, 1_000, 3_600_000, 1_000]), Some(60.0));
        assert_eq!(seconds_for(60, &[]), None);
    }
}
