//! A number as people write it, and as the label log keeps it.

use crate::pipeline::features::cell::{NumberFormat, is_missing, parse_number};

/// Numbers of this size and more could not be squared and summed.
const LARGEST: f64 = 1e100;

/// Why a text is no label, as a sentence for the person who wrote it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TargetError {
    /// Empty, or one of the usual words for nothing.
    #[error("“{0}” stands for no value, not for a number; leave the row without a label or write its number")]
    Missing(String),
    /// A number and something else.
    #[error("“{0}” has something beside its number; write the number alone, such as {1}")]
    Unit(String, String),
    /// No number at all.
    #[error("“{0}” is not a number; write digits with a decimal point, such as 12.5")]
    NotANumber(String),
    /// A comma that could part decimals or thousands.
    #[error("“{0}” can be read as {1} or as {2}; write it without a comma")]
    Ambiguous(String, String, String),
    /// Infinite, or as good as.
    #[error("“{0}” is too large to reckon with; numbers below 1e100 in size can be labels")]
    TooLarge(String),
}

/// Whether a number can be a label: finite, and small enough to be squared.
pub fn is_usable(value: f64) -> bool {
    value.abs() < LARGEST
}

/// One number on its own, typed by a person: decimals after a point or, where nothing else can be meant, a comma.
///
/// Without a comma, the point is the decimal point (as in [`canonical`]). With one, both readings are tried (see
/// [`parse_number`] for thousands, signs, exponents and percent signs); if they differ, the text is refused.
///
/// # Errors
/// Says what is wrong with the text, and what would be right.
pub fn parse(text: &str) -> Result<f64, TargetError> {
    let point = parse_number(text, NumberFormat::Point);
    let comma = if text.contains(',') { parse_number(text, NumberFormat::Comma) } else { None };
    match (point, comma) {
        (Some(point), Some(comma)) if point != comma => {
            Err(TargetError::Ambiguous(text.trim().into(), canonical(point), canonical(comma)))
        }
        (Some(value), _) | (None, Some(value)) => usable(text, value),
        (None, None) => Err(problem(text)),
    }
}

/// One cell of a column whose format is known, see [`NumberFormat::guess`].
///
/// # Errors
/// As [`parse`], but no comma is ambiguous.
pub fn parse_in(text: &str, format: NumberFormat) -> Result<f64, TargetError> {
    parse_number(text, format).map_or_else(|| Err(problem(text)), |value| usable(text, value))
}

/// The shortest decimal text that reads back as the same number, with a decimal point and neither thousands marks nor a
/// negative zero; the exponent is written out for very large and small numbers only.
pub fn canonical(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        "0".into()
    } else if (1e-6..1e16).contains(&size) {
        value.to_string()
    } else {
        format!("{value:e}")
    }
}

fn usable(text: &str, value: f64) -> Result<f64, TargetError> {
    // Adding 0 turns a negative zero into the plain one.
    if is_usable(value) { Ok(value + 0.0) } else { Err(TargetError::TooLarge(text.trim().into())) }
}

fn problem(text: &str) -> TargetError {
    let text = text.trim();
    if is_missing(text) {
        return TargetError::Missing(text.into());
    }
    let plain = text.trim_start_matches(['+', '-', '\u{2212}']);
    let numeral = |text: &str| text.parse::<f64>().is_ok_and(f64::is_infinite);
    if plain == "∞" || numeral(text) || numeral(plain) {
        return TargetError::TooLarge(text.into());
    }
    let end = text.find(|character: char| character.is_alphabetic() || "°$€£¥".contains(character));
    match end.and_then(|end| parse(&text[..end]).ok()) {
        Some(number) => TargetError::Unit(text.into(), canonical(number)),
        None => TargetError::NotANumber(text.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        let check = |text: &str, expected: f64| assert_eq!(parse(text), Ok(expected), "{text}");
        check("12.5", 12.5);
        check(" -3 ", -3.0);
        check("12,5", 12.5);
        check("−0,25", -0.25);
        check("1.234", 1.234);
        check("1,234.5", 1234.5);
        check("1.234,5", 1234.5);
        check("1,234,567", 1_234_567.0);
        check("12 345", 12_345.0);
        check("12'345.6", 12_345.6);
        check("1.5e-3", 0.0015);
        check("45 %", 45.0);
        check("-0", 0.0);
    }

    #[test]
    fn what_is_no_number_is_told_why() {
        let check = |text: &str, part: &str| {
            let message = parse(text).expect_err(text).to_string();
            assert!(message.contains(part), "{text}: {message}");
        };
        check("n/a", "stands for no value");
        check("", "stands for no value");
        check("12 kg", "write the number alone, such as 12");
        check("12,5°C", "such as 12.5");
        check("1,234", "as 1234 or as 1.234");
        check("-1,000", "as -1000 or as -1");
        for text in ["inf", "-Infinity", "∞", "1e999", "1e100", "-2e300"] {
            check(text, "too large");
        }
        for text in ["warm", "1.2.3", "12-13", "2020-01-02", "kg", "€", "1,23,456"] {
            check(text, "is not a number");
        }
    }

    #[test]
    fn a_column_knows_its_comma() {
        assert_eq!(parse_in("1,234", NumberFormat::Comma), Ok(1.234));
        assert_eq!(parse_in("1,234", NumberFormat::Point), Ok(1234.0));
        assert!(matches!(parse_in("n/a", NumberFormat::Comma), Err(TargetError::Missing(_))));
    }

    #[test]
    fn the_canonical_text_is_short() {
        let check = |value: f64, expected: &str| assert_eq!(canonical(value), expected);
        check(12.5, "12.5");
        check(-0.0, "0");
        check(100.0, "100");
        check(0.1 + 0.2, "0.30000000000000004");
        check(1e22, "1e22");
        check(-2.5e-9, "-2.5e-9");
    }

    proptest! {
        #[test]
        fn every_label_survives_the_log(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            prop_assume!(is_usable(value));
            prop_assert_eq!(parse(&canonical(value)), Ok(value));
        }
    }
}
