//! A hint at the language of a text: its script, and for Latin letters the little words.

use super::describe::words;

/// Little words that are frequent in one language and rare in the others here.
const LITTLE_WORDS: [(&str, &[&str]); 8] = [
    (
        "English",
        &[
            "the", "and", "is", "of", "to", "it", "was", "this", "that", "with", "for", "not", "you", "my", "have",
            "are", "but",
        ],
    ),
    (
        "German",
        &[
            "der", "die", "das", "und", "ist", "nicht", "ein", "eine", "ich", "zu", "mit", "sehr", "war", "auf", "für",
            "wir", "den",
        ],
    ),
    (
        "French",
        &[
            "le", "la", "les", "et", "est", "un", "une", "des", "je", "pas", "dans", "pour", "que", "très", "nous",
            "avec", "du",
        ],
    ),
    (
        "Spanish",
        &[
            "el", "los", "las", "y", "es", "una", "por", "con", "muy", "pero", "lo", "del", "está", "para", "más",
            "como", "al",
        ],
    ),
    (
        "Italian",
        &[
            "il", "gli", "di", "che", "è", "non", "per", "sono", "della", "molto", "ho", "con", "una", "ma", "anche",
            "questo", "del",
        ],
    ),
    (
        "Portuguese",
        &["o", "os", "as", "não", "um", "uma", "com", "muito", "mas", "eu", "é", "do", "da", "em", "para", "foi", "ao"],
    ),
    (
        "Dutch",
        &[
            "het", "een", "de", "en", "niet", "van", "ik", "dat", "zijn", "maar", "voor", "met", "wij", "heel", "ook",
            "naar", "is",
        ],
    ),
    (
        "Polish",
        &[
            "nie", "się", "jest", "na", "że", "to", "i", "z", "w", "do", "jak", "ale", "bardzo", "tak", "był", "po",
            "dla",
        ],
    ),
];

/// The script or language that a text seems to be of: for Latin letters one of eight languages, or "other Latin" when the little
/// words say nothing; else the script. A hint to see that something changed, not an identification.
pub fn guess_language(text: &str) -> &'static str {
    let mut scripts: [(&'static str, usize); 9] = [
        ("Latin", 0),
        ("Cyrillic", 0),
        ("Greek", 0),
        ("Arabic", 0),
        ("Hebrew", 0),
        ("Devanagari", 0),
        ("Chinese", 0),
        ("Japanese", 0),
        ("Korean", 0),
    ];
    let mut other = 0;
    for character in text.chars().filter(|character| character.is_alphabetic()) {
        match script_of(character) {
            Some(place) => scripts[place].1 += 1,
            None => other += 1,
        }
    }
    // Japanese mixes Chinese characters in.
    if scripts[7].1 * 4 >= scripts[6].1 && scripts[7].1 > 0 {
        scripts[7].1 += std::mem::take(&mut scripts[6].1);
    }
    let (script, count) =
        scripts.into_iter().fold(("", 0), |best, script| if script.1 > best.1 { script } else { best });
    if count == 0 || other > count {
        return if other > 0 { "other script" } else { "no letters" };
    }
    if script == "Latin" { latin_language(text) } else { script }
}

fn latin_language(text: &str) -> &'static str {
    let words = words(text);
    let score = |known: &[&str]| words.iter().filter(|word| known.contains(&word.as_str())).count();
    let best = LITTLE_WORDS
        .iter()
        .map(|(name, known)| (*name, score(known)))
        .fold(("other Latin", 0), |best, language| if language.1 > best.1 { language } else { best });
    best.0
}

fn script_of(character: char) -> Option<usize> {
    match u32::from(character) {
        0x41..=0x24F | 0x1E00..=0x1EFF | 0xFF21..=0xFF5A => Some(0),
        0x400..=0x52F => Some(1),
        0x370..=0x3FF | 0x1F00..=0x1FFF => Some(2),
        0x600..=0x77F | 0xFB50..=0xFDFF | 0xFE70..=0xFEFF => Some(3),
        0x590..=0x5FF => Some(4),
        0x900..=0x97F => Some(5),
        0x3400..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x3FFFF => Some(6),
        0x3040..=0x30FF => Some(7),
        0x1100..=0x11FF | 0xAC00..=0xD7AF => Some(8),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_languages_are_told_apart() {
        let check = |text: &str, expected: &str| assert_eq!(guess_language(text), expected, "{text}");
        check("The food was good and the staff is friendly.", "English");
        check("Das Essen war gut und die Bedienung ist nett.", "German");
        check("Le repas est bon et les serveurs sont très aimables.", "French");
        check("La comida es muy buena pero los camareros son lentos.", "Spanish");
        check("Il cibo è molto buono ma non il servizio.", "Italian");
        check("A comida é muito boa mas não o serviço.", "Portuguese");
        check("Het eten is niet goed en de bediening ook niet.", "Dutch");
        check("Jedzenie jest bardzo dobre, ale obsługa nie.", "Polish");
        check("Еда хорошая", "Cyrillic");
        check("食べ物はとても美味しい", "Japanese");
        check("食物很好", "Chinese");
        check("음식이 좋다", "Korean");
        check("Wow! Superb!", "other Latin");
        check("10/10 :-)", "no letters");
        check("", "no letters");
    }
}
