//! Why an item is asked: the numbers, and the sentence on its card.

use crate::pipeline::predict::TopTwo;

/// The reason behind one request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Why {
    /// Herding, before the first model: it stands for others.
    Herald {
        /// Unlabelled items much like it, which no label or earlier request stands for as well; estimated from a
        /// sample in large pools.
        alike: usize,
    },
    /// Herding: uncertain, and standing for others.
    Herding {
        /// What the model thinks.
        top: TopTwo,
        /// As above.
        alike: usize,
    },
    /// The smallest gap between two classes.
    Margin(TopTwo),
    /// Drawn at random, to learn from.
    Random,
    /// Drawn at random, to measure the model: asked blind.
    Audit,
}

/// Above this the model is said to be fairly sure.
const SURE: f32 = 0.9;
/// It wavers where its second choice has at least this share of the first's probability, and below [`LIKELY`] anyway: from there on
/// it leans to its first.
const NEAR: f32 = 0.5;
/// See [`NEAR`].
const LIKELY: f32 = 0.5;

impl Why {
    /// One sentence for the card; `names` are the classes' names in class order.
    pub fn sentence(&self, names: &[impl AsRef<str>]) -> String {
        match *self {
            Why::Herald { alike: 0 } => "Nothing like it has been asked yet.".into(),
            Why::Herald { alike } => format!("It stands for {} much like it.", items(alike)),
            Why::Herding { top, alike: 0 } => format!("{}.", opinion(top, names)),
            Why::Herding { top, alike } if top.first_probability > SURE => {
                format!("{}, but no label is as near to {} much like it.", opinion(top, names), items(alike))
            }
            Why::Herding { top, alike } => {
                let verb = if alike == 1 { "is" } else { "are" };
                format!("{}, and {} {verb} much like it.", opinion(top, names), items(alike))
            }
            Why::Margin(top) => format!("{}.", opinion(top, names)),
            Why::Random => "Drawn at random.".into(),
            Why::Audit => "Drawn at random to measure the model: it is asked blind and never learnt from.".into(),
        }
    }
}

fn items(count: usize) -> String {
    if count == 1 { "1 unlabelled item".into() } else { format!("{count} unlabelled items") }
}

fn opinion(top: TopTwo, names: &[impl AsRef<str>]) -> String {
    let name = |class: usize| names.get(class).map_or("another class", AsRef::as_ref);
    let percent = |probability: f32| format!("{:.0} %", probability * 100.0);
    let (first, second) = (name(top.first), name(top.second));
    let (p, q) = (percent(top.first_probability), percent(top.second_probability));
    if top.first_probability > SURE {
        format!("The model is fairly sure of {first} ({p})")
    } else if top.second_probability >= NEAR * top.first_probability {
        format!("The model wavers between {first} ({p}) and {second} ({q})")
    } else if top.first_probability >= LIKELY {
        format!("The model leans to {first} ({p}); {second} has {q}")
    } else {
        format!("The model sees many possible classes: {first} ({p}) is the likeliest, {second} ({q}) the next")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_carries_the_numbers() {
        let wavering = TopTwo { first: 1, first_probability: 0.41, second: 0, second_probability: 0.38 };
        let sure = TopTwo { first: 0, first_probability: 0.97, second: 1, second_probability: 0.02 };
        let cases = [
            (
                Why::Herding { top: wavering, alike: 12 },
                "The model wavers between fish (41 %) and animal (38 %), and 12 unlabelled items are much like it.",
            ),
            (
                Why::Herding { top: sure, alike: 1 },
                "The model is fairly sure of animal (97 %), but no label is as near to 1 unlabelled item much like it.",
            ),
            (
                Why::Margin(TopTwo { first: 0, first_probability: 0.89, second: 1, second_probability: 0.11 }),
                "The model leans to animal (89 %); fish has 11 %.",
            ),
            (
                Why::Margin(TopTwo { first: 0, first_probability: 0.3, second: 1, second_probability: 0.06 }),
                "The model sees many possible classes: animal (30 %) is the likeliest, fish (6 %) the next.",
            ),
            (Why::Margin(wavering), "The model wavers between fish (41 %) and animal (38 %)."),
            (Why::Herald { alike: 1 }, "It stands for 1 unlabelled item much like it."),
        ];
        for (why, expected) in cases {
            assert_eq!(why.sentence(&["animal", "fish"]), expected);
        }
    }
}
