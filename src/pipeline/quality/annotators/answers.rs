//! Opinions as numbers: a sparse table of items and annotators.

use super::opinions::Opinion;
use crate::pipeline::item::ContentHash;
use std::collections::{BTreeSet, HashMap};

/// One answer about an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vote {
    /// Place in [`Answers::annotators`].
    pub annotator: usize,
    /// Place in [`Answers::classes`].
    pub class: usize,
}

/// Who answered what about which item. Annotators may have left any item out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    /// The items that were answered, ascending.
    pub items: Vec<ContentHash>,
    /// Those who answered, ascending.
    pub annotators: Vec<String>,
    /// The keys of the classes that occur in an answer, ascending.
    pub classes: Vec<String>,
    votes: Vec<Vote>,
    /// Of each item, where its votes begin; one more entry at the end.
    starts: Vec<usize>,
}

impl Answers {
    /// Tables the opinions; of several by one annotator about one item, the one with the largest event id. Their order
    /// plays no part.
    pub fn from_opinions(opinions: &[Opinion]) -> Self {
        let annotators = distinct(opinions.iter().map(|opinion| opinion.annotator.as_str()));
        let classes = distinct(opinions.iter().map(|opinion| opinion.class.as_str()));
        let annotator_of: HashMap<&str, usize> = places(&annotators);
        let class_of: HashMap<&str, usize> = places(&classes);
        let mut ordered: Vec<&Opinion> = opinions.iter().collect();
        let key = |opinion: &Opinion| (opinion.item, annotator_of[opinion.annotator.as_str()]);
        ordered.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| b.event.cmp(&a.event)));
        ordered.dedup_by(|later, kept| key(later) == key(kept));
        let (mut items, mut votes, mut starts) = (Vec::new(), Vec::new(), Vec::new());
        for opinion in ordered {
            if items.last() != Some(&opinion.item) {
                items.push(opinion.item);
                starts.push(votes.len());
            }
            let (annotator, class) = (key(opinion).1, class_of[opinion.class.as_str()]);
            votes.push(Vote { annotator, class });
        }
        starts.push(votes.len());
        Self { items, annotators, classes, votes, starts }
    }

    /// The answers about one item, by annotator. `item` is a place in [`Answers::items`].
    pub fn of(&self, item: usize) -> &[Vote] {
        &self.votes[self.starts[item]..self.starts[item + 1]]
    }

    /// All answers, in the order of the items and then annotators.
    pub fn votes(&self) -> &[Vote] {
        &self.votes
    }

    /// The class that more annotators named than any other; `None` if two or more share the lead.
    pub fn majority(&self, item: usize) -> Option<usize> {
        let mut counts: Vec<(usize, usize)> = Vec::new();
        for vote in self.of(item) {
            match counts.iter_mut().find(|(class, _)| *class == vote.class) {
                Some((_, count)) => *count += 1,
                None => counts.push((vote.class, 1)),
            }
        }
        let most = counts.iter().map(|(_, count)| *count).max()?;
        let mut leaders = counts.iter().filter(|(_, count)| *count == most);
        match (leaders.next(), leaders.next()) {
            (Some((class, _)), None) => Some(*class),
            _ => None,
        }
    }
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    names.collect::<BTreeSet<&str>>().into_iter().map(str::to_string).collect()
}

fn places(names: &[String]) -> HashMap<&str, usize> {
    names.iter().enumerate().map(|(place, name)| (name.as_str(), place)).collect()
}

/// Why an agreement beyond chance cannot be computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undefined {
    /// No item was answered twice.
    NoOverlap,
    /// All answers that could be compared name one class: nothing says how much agreement chance alone would bring.
    OneClass,
}

impl Undefined {
    /// For the screen: what is missing and what would help.
    pub fn sentence(self) -> &'static str {
        match self {
            Undefined::NoOverlap => {
                "No item was answered by both, so there is nothing to compare. Let them label some of the same items."
            }
            Undefined::OneClass => {
                "All answers name the same class, so agreement beyond chance cannot be told. Compare items of other classes, too."
            }
        }
    }
}

/// Answers from a table of items × annotators, −1 where one is missing; for tests.
#[cfg(test)]
pub(super) fn from_table<'a>(rows: impl IntoIterator<Item = &'a [i64]>) -> Answers {
    let mut opinions = Vec::new();
    for (item, row) in rows.into_iter().enumerate() {
        for (annotator, &class) in row.iter().enumerate().filter(|(_, class)| **class >= 0) {
            opinions.push(opinion(item, annotator, class as usize));
        }
    }
    Answers::from_opinions(&opinions)
}

/// An opinion by numbers; for tests. Below 100 annotators and classes, their order is that of the numbers.
#[cfg(test)]
pub(super) fn opinion(item: usize, annotator: usize, class: usize) -> Opinion {
    let mut hash = [0; 32];
    hash[..8].copy_from_slice(&(item as u64).to_be_bytes());
    Opinion {
        annotator: format!("{annotator:02}"),
        item: ContentHash(hash),
        class: format!("{class:02}"),
        event: format!("{item:06}{annotator:02}"),
        source: crate::pipeline::label::Source::Human,
        time_ms: item as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_in_any_order() {
        let mut opinions = vec![opinion(1, 0, 2), opinion(0, 1, 0), opinion(0, 0, 2), opinion(1, 2, 2)];
        let answers = Answers::from_opinions(&opinions);
        assert_eq!((answers.items.len(), answers.annotators.len()), (2, 3));
        assert_eq!(answers.classes, ["00", "02"]);
        assert_eq!(answers.of(0), [Vote { annotator: 0, class: 1 }, Vote { annotator: 1, class: 0 }]);
        opinions.reverse();
        let earlier = Opinion { event: "0".into(), class: "00".into(), ..opinion(1, 2, 2) };
        opinions.insert(0, earlier.clone());
        opinions.push(earlier);
        assert_eq!(Answers::from_opinions(&opinions), answers);
        let none = Answers::from_opinions(&[]);
        assert_eq!((none.items.len(), none.votes().len()), (0, 0));
    }

    #[test]
    fn a_tie_is_no_majority() {
        for (row, expected) in [(&[1, 1, 0][..], Some(1)), (&[1, 0], None), (&[0], Some(0)), (&[0, 0, 1, 1, 2], None)] {
            // A second item, so that all classes occur.
            assert_eq!(from_table([row, &[0, 1, 2]]).majority(0), expected, "{row:?}");
        }
    }
}
