//! Does an annotator drift away from what the others say?

use super::answers::Answers;
use super::dawid_skene::DawidSkeneFit;
use super::opinions::Opinion;
use super::over_time::{Comparison, Window, is_drifting, windows};
use crate::pipeline::evaluate::Estimate;
use std::collections::HashMap;

/// How far an annotator agrees with the others, over time.
#[derive(Debug, Clone, PartialEq)]
pub struct AnnotatorDrift {
    /// Opinions compared, at least 1: about items that somebody else answered, too.
    pub compared: usize,
    /// How many of them agree with the others' consensus.
    pub same: usize,
    /// Their share, with its exact 95 % interval.
    pub share: Estimate,
    /// In the order in which the opinions were given, 10 to 19 a window.
    pub over_time: Vec<Window>,
    /// Whether later opinions agree significantly less often than earlier ones; with a constant share this is ever said with a
    /// probability below 5 %. Items that get harder look the same, so compare it with the other annotators'.
    pub drifting: bool,
}

/// Compares an annotator's opinions, in the order of their events, with what the others say together: the likeliest class
/// without the annotator's own answer (see [`DawidSkeneFit::likeliest_without`]), for with it everybody would agree with
/// themselves. `answers` and `fit` are those of `opinions`. `None` if nobody else answered any of their items.
pub fn annotator_drift(
    opinions: &[Opinion],
    answers: &Answers,
    fit: &DawidSkeneFit,
    annotator: &str,
) -> Option<AnnotatorDrift> {
    let place = answers.annotators.iter().position(|name| name == annotator)?;
    let item_of: HashMap<_, _> = answers.items.iter().enumerate().map(|(row, item)| (item, row)).collect();
    let mut own: Vec<&Opinion> = opinions.iter().filter(|opinion| opinion.annotator == annotator).collect();
    own.sort_by(|a, b| a.event.cmp(&b.event));
    let comparisons: Vec<Comparison> = own
        .into_iter()
        .filter_map(|opinion| {
            let class = fit.likeliest_without(answers, *item_of.get(&opinion.item)?, place)?;
            Some(Comparison { time_ms: opinion.time_ms, same: answers.classes[class] == opinion.class })
        })
        .collect();
    let same = comparisons.iter().filter(|each| each.same).count();
    Some(AnnotatorDrift {
        compared: comparisons.len(),
        same,
        share: Estimate::of_share(same, comparisons.len())?,
        over_time: windows(&comparisons),
        drifting: is_drifting(&comparisons),
    })
}

#[cfg(test)]
mod tests {
    use super::super::answers::opinion;
    use super::super::dawid_skene::dawid_skene;
    use super::*;

    #[test]
    fn who_gets_careless_is_named_and_the_others_are_not() {
        // Annotators 0 to 2 err on every 9th, 10th and 11th item; annotator 2 from item 80 on answers every other one wrong.
        let errs =
            |item: usize, who: usize| item.is_multiple_of(9 + who) || who == 2 && item >= 80 && item.is_multiple_of(2);
        let opinions: Vec<Opinion> = (0..160)
            .flat_map(|item| (0..3).map(move |who| opinion(item, who, (item + usize::from(errs(item, who))) % 3)))
            .collect();
        let answers = Answers::from_opinions(&opinions);
        let fit = dawid_skene(&answers).unwrap();
        let of = |who: &str| annotator_drift(&opinions, &answers, &fit, who).unwrap();
        assert!(of("02").drifting && !of("00").drifting && !of("01").drifting);
        assert_eq!(of("02").over_time.len(), 16);
        assert_eq!(annotator_drift(&opinions, &answers, &fit, "nobody"), None);
    }

    #[test]
    fn nobody_agrees_with_themselves() {
        let opinions = [opinion(0, 0, 0), opinion(1, 0, 1), opinion(1, 1, 0), opinion(2, 1, 1)];
        let answers = Answers::from_opinions(&opinions);
        let fit = dawid_skene(&answers).unwrap();
        let found = annotator_drift(&opinions, &answers, &fit, "00").unwrap();
        assert_eq!((found.compared, found.same), (1, 0));
    }
}
