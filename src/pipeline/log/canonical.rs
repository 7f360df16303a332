//! Canonical JSON after RFC 8785 (JSON Canonicalization Scheme): one text for one value, so that it can be hashed.
//!
//! Keys are sorted by their UTF-16 code units, there is no white space, and numbers are written as ECMAScript writes
//! them: the shortest digits that read back as the same double.

use super::run::any_number;
use serde::Serialize;

/// A value's canonical JSON.
///
/// # Errors
/// When the value has no JSON at all: a number that isn't finite, or a map whose keys aren't text.
pub fn canonical_json(value: &impl Serialize) -> Result<String, String> {
    serde_json_canonicalizer::to_string(value).map_err(|error| format!("this value has no canonical JSON: {error}"))
}

/// A number as canonical JSON writes it: `0.1`, `1e-7`, `1e+21`; `NaN`, `Infinity` or `-Infinity` for what JSON lacks.
/// Parameters are best written so: equal numbers are then equal texts.
pub fn number(value: f64) -> String {
    match any_number::word(value) {
        Some(word) => word.into(),
        // A finite number always has JSON.
        None => canonical_json(&value).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, from_str};

    fn check(json: &str, expected: &str) {
        let value: Value = from_str(json).unwrap();
        assert_eq!(canonical_json(&value).unwrap(), expected);
    }

    /// RFC 8785, sections 3.2.2 and 3.2.3.
    #[test]
    fn the_examples_of_the_standard() {
        check(
            r#"{
                "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
                "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
                "literals": [null, true, false]
            }"#,
            "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
             \"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}",
        );
        // Sorted by UTF-16 code units: the emoji's surrogate comes before U+FB33.
        check(
            r#"{
                "\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh",
                "1": "One", "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control",
                "\u00f6": "Latin Small Letter O With Diaeresis"
            }"#,
            "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\"ö\":\"Latin Small Letter O With Diaeresis\",\
             \"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}",
        );
    }

    /// RFC 8785, appendix B: the bits of a double and its text.
    #[test]
    fn the_numbers_of_the_standard() {
        for (bits, expected) in [
            (0x0000_0000_0000_0000_u64, "0"),
            (0x8000_0000_0000_0000, "0"),
            (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"),
            (0xc340_0000_0000_0000, "-9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
            (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
            (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5553, "333333333.3333332"),
            (0x41b3_de43_5555_5554, "333333333.33333325"),
            (0x41b3_de43_5555_5555, "333333333.3333333"),
            (0x41b3_de43_5555_5556, "333333333.3333334"),
            (0x41b3_de43_5555_5557, "333333333.33333343"),
            (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
            (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
        ] {
            assert_eq!(number(f64::from_bits(bits)), expected, "{bits:#x}");
        }
    }

    #[test]
    fn what_json_cannot_say_is_refused_or_a_word() {
        assert_eq!([f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(number), ["NaN", "Infinity", "-Infinity"]);
        assert!(canonical_json(&f64::NAN).is_err());
    }
}
