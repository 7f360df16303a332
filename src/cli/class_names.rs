//! Class names as the data spells them, and the classes they stand for.

use crate::pipeline::class_name::{folded, tidy};
use crate::pipeline::import::plan::Problem;
use std::collections::HashMap;

/// Spellings named in a remark on a merge.
const MOST_NAMED: usize = 5;

/// All spellings that occur, and which of them are one class.
#[derive(Debug, Default)]
pub struct Spellings {
    place_of: HashMap<String, usize>,
    /// In the order of first appearance.
    classes: Vec<Vec<(String, u64)>>,
}

impl Spellings {
    /// Counts one label; returns the place of its class.
    pub fn count(&mut self, label: &str) -> usize {
        let place = self.place(label);
        let spellings = &mut self.classes[place];
        match spellings.iter_mut().find(|(spelling, _)| spelling == label) {
            Some((_, count)) => *count += 1,
            None => spellings.push((label.to_string(), 1)),
        }
        place
    }

    /// The place of a label's class, which is made if it is new, without counting the label.
    pub fn place(&mut self, label: &str) -> usize {
        let key = folded(label);
        if let Some(&place) = self.place_of.get(&key) {
            return place;
        }
        self.place_of.insert(key, self.classes.len());
        self.classes.push(Vec::new());
        self.classes.len() - 1
    }

    /// How many classes there are.
    pub fn len(&self) -> usize {
        self.classes.len()
    }

    /// Whether there is no class.
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// Whether the label's class is known.
    pub fn knows(&self, label: &str) -> bool {
        self.place_of.contains_key(&folded(label))
    }

    /// The name of the class that a label stands for: its most frequent spelling, the first of equals, tidied.
    pub fn name_of(&self, label: &str) -> Option<String> {
        self.place_of.get(&folded(label)).and_then(|&place| self.name(place))
    }

    /// The name of the class at a place; `None` if no label of it was counted.
    pub fn name(&self, place: usize) -> Option<String> {
        // `max_by_key` takes the last of equals.
        let most = self.classes.get(place)?.iter().rev().max_by_key(|(_, count)| *count)?;
        Some(tidy(&most.0))
    }

    /// Every class and how many labels it has, in the order of first appearance.
    pub fn counts(&self) -> impl Iterator<Item = (String, u64)> {
        (0..self.classes.len())
            .filter_map(|place| Some((self.name(place)?, self.classes[place].iter().map(|(_, count)| count).sum())))
    }

    /// A remark for each class with several spellings. `foreseen` are those that a plan found (the class, and its other
    /// spellings): what is read under it is spelt alike by then.
    pub fn merges(&self, foreseen: &[(String, Vec<String>)]) -> Vec<Problem> {
        let merge = |place: usize| {
            let name = self.name(place)?;
            let others: Vec<String> = self.classes[place]
                .iter()
                .filter(|(spelling, _)| *spelling != name)
                .map(|(spelling, count)| format!("“{spelling}” ({count})"))
                .collect();
            let more = others.len().saturating_sub(MOST_NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let named = others.iter().take(MOST_NAMED).cloned().collect::<Vec<_>>().join(", ");
            (!others.is_empty()).then(|| {
                Problem::note("", format!("the class “{name}” is also spelt {named}{more}: taken for one class"))
            })
        };
        let is_told = |key: &str| {
            self.place_of.get(key).is_none_or(|&place| {
                let spellings = &self.classes[place];
                spellings.is_empty()
                    || spellings.iter().any(|(spelling, _)| Some(spelling) != self.name(place).as_ref())
            })
        };
        let early = |(name, others): &(String, Vec<String>)| {
            let more = others.len().saturating_sub(MOST_NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let named: Vec<String> = others.iter().take(MOST_NAMED).map(|other| format!("“{other}”")).collect();
            let message = format!("the class “{name}” is also spelt {}{more}: taken for one class", named.join(", "));
            (!is_told(&folded(name))).then(|| Problem::note("", message))
        };
        (0..self.classes.len()).filter_map(merge).chain(foreseen.iter().filter_map(early)).collect()
    }
}

/// A model's classes, and those of the data that it does not know.
#[derive(Debug)]
pub struct ClassNames {
    names: Vec<String>,
    known: usize,
    exact: HashMap<String, usize>,
    by_key: HashMap<String, usize>,
}

impl ClassNames {
    /// The classes that a model knows.
    pub fn of_model(classes: &[String]) -> Self {
        let mut names = Self { names: Vec::new(), known: classes.len(), exact: HashMap::new(), by_key: HashMap::new() };
        classes.iter().for_each(|class| names.add(class.clone()));
        names
    }

    fn add(&mut self, name: String) {
        let place = self.names.len();
        self.exact.insert(name.clone(), place);
        self.by_key.entry(folded(&name)).or_insert(place);
        self.names.push(name);
    }

    /// The place of a label's class, however it is spelt; a class that is new comes after the others.
    pub fn place(&mut self, label: &str) -> usize {
        self.find(label).unwrap_or_else(|| {
            self.add(tidy(label));
            self.names.len() - 1
        })
    }

    /// The place of a label's class, however it is spelt, if there is one.
    pub fn find(&self, label: &str) -> Option<usize> {
        self.exact.get(label).or_else(|| self.by_key.get(&folded(label))).copied()
    }

    /// All names, the model's first.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The names of the classes that the model does not know.
    pub fn unknown(&self) -> &[String] {
        &self.names[self.known..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_spelling_names_the_class() {
        let mut spellings = Spellings::default();
        for label in ["Good", "bad", "good", "good", "GOOD", "bad"] {
            spellings.count(label);
        }
        assert_eq!(spellings.counts().collect::<Vec<_>>(), [("good".to_string(), 4), ("bad".to_string(), 2)]);
        let foreseen = ["bad", "good", "ugly"].map(|name| (name.to_string(), vec![format!("{name} ")]));
        let early = spellings.merges(&foreseen);
        assert!(early.len() == 2 && early[1].message.contains("“bad” is also spelt “bad ”"), "{early:?}");
        let merges = spellings.merges(&[]);
        assert_eq!(merges.len(), 1);
        assert!(merges[0].message.contains("“Good” (1), “GOOD” (1)") && merges[0].lost == 0, "{merges:?}");
        let mut tied = Spellings::default();
        ["Cat", "cat"].iter().for_each(|label| {
            tied.count(label);
        });
        assert_eq!(tied.name_of("CAT").as_deref(), Some("Cat"), "the first of equals");
    }

    #[test]
    fn a_model_knows_its_classes_however_they_are_spelt() {
        let mut names = ClassNames::of_model(&["Café".into(), "tea".into()]);
        assert_eq!(names.place("cafe\u{301} "), 0);
        assert_eq!((names.place("milk"), names.place("Milk")), (2, 2));
        assert_eq!(names.unknown(), ["milk"]);
        // A model of an earlier release may have both.
        let both = ClassNames::of_model(&["Cat".into(), "cat".into()]);
        assert_eq!((both.find("cat"), both.find("Cat"), both.find("CAT")), (Some(1), Some(0), Some(0)));
    }
}
