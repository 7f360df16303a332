//! Class names as people and files write them: which spellings are one class.

use unicode_normalization::UnicodeNormalization;

/// A class name without what nobody sees: white space around it (no-break spaces, too) and zero-width characters gone,
/// white space inside it single spaces, letters composed (Unicode NFC).
pub fn tidy(name: &str) -> String {
    let visible: String = name.chars().filter(|character| !is_invisible(*character)).nfc().collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What two spellings of one class have in common: the [`tidy`] name in lower case.
pub fn folded(name: &str) -> String {
    tidy(name).chars().flat_map(char::to_lowercase).nfc().collect()
}

/// Zero-width spaces and joiners, marks of direction, soft hyphens, byte order marks.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_that_look_alike_are_one_class() {
        for spelling in ["Café", "cafe\u{301}", " café\u{a0}", "CAFÉ\t", "ca\u{200b}fé", "\u{feff}café"] {
            assert_eq!(folded(spelling), "café", "{spelling:?}");
        }
        assert_eq!(tidy("  New \u{a0} York "), "New York");
        assert_ne!(folded("cafe"), folded("café"));
        assert_eq!(tidy("\u{200b} "), "");
    }
}
