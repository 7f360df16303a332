//! Blind audits: which requests are drawn at random, to measure the model on items nobody chose.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// An item drawn as an audit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AuditDraw {
    /// Its row.
    pub row: usize,
    /// With which probability it was drawn among the rows that could be: 1 / their number. Estimators weigh by it.
    pub probability: f64,
}

/// Decides whether the next request is an audit, and of which of the `unlabelled` rows: with probability `share`, all
/// rows equally likely. The same seed, number of requests `asked` so far and rows give the same answer. The rows are
/// asked for only if one is drawn: most requests are no audits, and to gather them takes a walk over the whole pool.
pub fn audit_draw(seed: u64, asked: u64, share: f64, unlabelled: impl FnOnce() -> Vec<usize>) -> Option<AuditDraw> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(asked);
    if random.random::<f64>() >= share {
        return None;
    }
    let unlabelled = unlabelled();
    if unlabelled.is_empty() {
        return None;
    }
    let row = unlabelled[random.random_range(0..unlabelled.len())];
    Some(AuditDraw { row, probability: 1.0 / unlabelled.len() as f64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audits_come_at_their_share_and_from_everywhere() {
        let rows: Vec<usize> = (100..110).collect();
        let draws: Vec<AuditDraw> = (0..4000).filter_map(|asked| audit_draw(3, asked, 0.15, || rows.clone())).collect();
        // 600 expected; 4 standard deviations of the binomial are 90.
        assert!((510..690).contains(&draws.len()), "{}", draws.len());
        for row in rows {
            let count = draws.iter().filter(|draw| draw.row == row).count();
            assert!((29..91).contains(&count), "row {row}: {count}");
        }
        assert!(draws.iter().all(|draw| draw.probability == 0.1));
    }

    #[test]
    fn no_share_and_no_rows_mean_no_audit() {
        for asked in 0..100 {
            assert_eq!(audit_draw(1, asked, 0.0, || vec![1, 2]), None);
            assert_eq!(audit_draw(1, asked, 1.0, Vec::new), None);
        }
    }
}
