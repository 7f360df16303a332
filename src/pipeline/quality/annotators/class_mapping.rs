//! The classes of another person's log beside ours.

use crate::pipeline::label::Class;

/// What another log's classes mean here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClassMapping {
    /// Their classes that we lack, as they are to be added after ours.
    pub added: Vec<Class>,
    /// Of the added ones, those whose name was taken here: key, their name, and the name here.
    pub renamed: Vec<(String, String, String)>,
}

/// Which of their classes to add to ours. A class **is** its key, which the log's events hold: equal keys are one class,
/// whatever either side calls it, and it keeps our name. Events are never rewritten, so that merging stays idempotent; a
/// class of another key but the same name (ASCII case aside) as one of ours is therefore another class, and is added as
/// "name (2)". People can tell by the two names that it should be one, and label or rename.
///
/// The set of keys is the same in whichever order logs are merged; a number in a name may differ.
pub fn class_mapping(ours: &[Class], theirs: &[Class]) -> ClassMapping {
    let mut all: Vec<Class> = ours.to_vec();
    let mut mapping = ClassMapping::default();
    for class in theirs {
        if all.iter().any(|known| known.key == class.key) {
            continue;
        }
        let wanted = class.name.trim();
        let wanted = if wanted.is_empty() { &class.key } else { wanted };
        let is_free = |name: &str| !all.iter().any(|known| known.name.eq_ignore_ascii_case(name));
        let mut name = wanted.to_string();
        let mut number = 2;
        while !is_free(&name) {
            name = format!("{wanted} ({number})");
            number += 1;
        }
        if name != wanted {
            mapping.renamed.push((class.key.clone(), wanted.to_string(), name.clone()));
        }
        let class = Class { key: class.key.clone(), name };
        all.push(class.clone());
        mapping.added.push(class);
    }
    mapping
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(pairs: &[(&str, &str)]) -> Vec<Class> {
        pairs.iter().map(|&(key, name)| Class { key: key.into(), name: name.into() }).collect()
    }

    fn check(ours: &[(&str, &str)], theirs: &[(&str, &str)], added: &[(&str, &str)], renamed: usize) {
        let mapping = class_mapping(&classes(ours), &classes(theirs));
        assert_eq!(mapping.added, classes(added));
        assert_eq!(mapping.renamed.len(), renamed);
        let again = [classes(ours), mapping.added].concat();
        assert_eq!(class_mapping(&again, &classes(theirs)), ClassMapping::default(), "idempotent");
    }

    #[test]
    fn a_class_is_its_key() {
        check(&[("cat", "cat")], &[("cat", "cat")], &[], 0);
        check(&[("cat", "cat")], &[("cat", "Katze"), ("dog", "dog")], &[("dog", "dog")], 0);
        check(&[], &[("dog", "dog"), ("cat", "cat"), ("dog", "dog")], &[("dog", "dog"), ("cat", "cat")], 0);
    }

    #[test]
    fn a_name_that_is_taken_gets_a_number() {
        // Ours began as "cat" and is called "feline" now; theirs began as "feline".
        check(&[("cat", "feline")], &[("feline", "feline")], &[("feline", "feline (2)")], 1);
        check(&[("a", "x"), ("b", "X (2)")], &[("c", "X"), ("d", "x")], &[("c", "X (3)"), ("d", "x (4)")], 2);
        check(&[("a", "x")], &[("b", " ")], &[("b", "b")], 0);
    }
}
