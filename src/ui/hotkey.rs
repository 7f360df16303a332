//! Which key labels as which class, and which keys are commands. A class keeps its key for as long as it lives,
//! because both follow the class's place.

use crate::protocol::ClassIndex;

/// The keys of classes by their place: digits first, then the letters that no command uses.
const CLASS_KEYS: &[u8] = b"123456789abcdeghijklmopqrstuvwxy";

/// What a plain key press asks for on the Label screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hotkey {
    /// Label the card with this class.
    Class(ClassIndex),
    /// Accept the suggestion.
    Accept,
    /// Pass the card by.
    Skip,
    /// Mark the card for a second look.
    Flag,
    /// Take back the last decision.
    Undo,
    /// Name a new class.
    NewClass,
    /// Find an item.
    Find,
    /// Show the keys.
    Help,
}

/// The key of the class at a place; `None` beyond the 32nd, which is reached by its button or the palette.
pub fn class_key(class: ClassIndex) -> Option<char> {
    CLASS_KEYS.get(usize::from(class)).map(|&key| char::from(key))
}

/// Reads `KeyboardEvent.key`. Letters count in either case, so that caps lock does no harm.
pub fn hotkey(key: &str) -> Option<Hotkey> {
    match key {
        "Enter" => Some(Hotkey::Accept),
        " " => Some(Hotkey::Skip),
        "f" | "F" => Some(Hotkey::Flag),
        "z" | "Z" => Some(Hotkey::Undo),
        "n" | "N" | "+" => Some(Hotkey::NewClass),
        "/" => Some(Hotkey::Find),
        "?" => Some(Hotkey::Help),
        _ => {
            let &[byte] = key.as_bytes() else { return None };
            let place = CLASS_KEYS.iter().position(|&class| class == byte.to_ascii_lowercase())?;
            ClassIndex::try_from(place).ok().map(Hotkey::Class)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_key_comes_back_as_its_class_and_is_no_command() {
        let mut seen = std::collections::HashSet::new();
        for class in 0..CLASS_KEYS.len() as ClassIndex {
            let key = class_key(class).expect("has a key");
            assert!(seen.insert(key), "{key} is used twice");
            assert_eq!(hotkey(&key.to_string()), Some(Hotkey::Class(class)), "{key}");
        }
        assert_eq!(class_key(CLASS_KEYS.len() as ClassIndex), None);
    }

    #[test]
    fn capitals_work_and_other_keys_do_nothing() {
        assert_eq!(hotkey("A"), Some(Hotkey::Class(9)));
        for key in ["", "0", "Shift", "ArrowDown", "é", "!"] {
            assert_eq!(hotkey(key), None, "{key}");
        }
    }
}
