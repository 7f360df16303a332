//! Why a label is suspicious, in a sentence, and when one that was kept is asked about again.

use super::suspects::{Agreement, NeighbourVote, Suspect, log_odds};

/// A kept label is raised again once the odds that it is right have fallen by this factor.
const FALLEN_ODDS: f64 = 3.0;

/// What speaks against the label, or for it, in one sentence. `class_name` names a class.
pub fn why<'a>(suspect: &Suspect, class_name: impl Fn(usize) -> &'a str) -> String {
    let (given, suggested) = (class_name(suspect.given), class_name(suspect.suggested));
    let percent = |share: f64| format!("{:.0} %", 100.0 * share);
    let but = if suspect.agreement == Agreement::Neither { "and" } else { "but" };
    let model = format!(
        "a model that had not seen this label gives “{suggested}” {} and “{given}” {}",
        percent(suspect.suggested_probability),
        percent(suspect.given_probability)
    );
    let neighbours = match suspect.neighbour_vote {
        None | Some(NeighbourVote { of: 0, .. }) => String::new(),
        Some(NeighbourVote { given: own, suggested: other, of }) => {
            format!("; of the nearest labels ({of}), “{suggested}” has {other} and “{given}” {own}")
        }
    };
    format!("Labelled “{given}”, {but} {model}{neighbours}.")
}

/// Whether a label that a person kept should be raised again: only if the odds that it is right have fallen to a third or
/// less since. `kept_with` is its score (see [`Suspect::score`]) when it was kept, `now` the score now.
///
/// Between two trainings scores wander; a factor of three is what some ten new labels nearby can do, not one.
pub fn raised_again(kept_with: f64, now: f64) -> bool {
    log_odds(kept_with) - log_odds(now) >= FALLEN_ODDS.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_names_both_opinions() {
        let names = ["cat", "dog"];
        let suspect = Suspect {
            index: 3,
            given: 0,
            suggested: 1,
            given_probability: 0.061,
            suggested_probability: 0.93,
            score: 0.02,
            neighbour_vote: Some(NeighbourVote { given: 1, suggested: 8, of: 10 }),
            flagged: true,
            agreement: Agreement::Both,
        };
        assert_eq!(
            why(&suspect, |class| names[class]),
            "Labelled “cat”, but a model that had not seen this label gives “dog” 93 % and “cat” 6 %; of the nearest labels (10), “dog” has 8 and “cat” 1."
        );
        let alone = Suspect { neighbour_vote: None, agreement: Agreement::Neither, ..suspect };
        assert!(
            why(&alone, |class| names[class])
                .ends_with("and a model that had not seen this label gives “dog” 93 % and “cat” 6 %.")
        );
    }

    #[test]
    fn only_clearly_more_evidence_raises_a_kept_label() {
        for (kept_with, now, expected) in [
            (0.5, 0.5, false),
            (0.5, 0.26, false),
            (0.5, 0.24, true),
            (0.03, 0.02, false),
            (0.03, 0.009, true),
            (0.9, 0.1, true),
            (0.1, 0.9, false),
            (0.0, 0.0, false),
            (1.0, 0.99, true),
        ] {
            assert_eq!(raised_again(kept_with, now), expected, "{kept_with} {now}");
        }
    }
}
