//! Reading text and writing numbers. A browser knows every alphabet's small letters and every way to write a number; the page
//! asks it, instead of bringing the tables for both (14 KB of them). Anywhere else the standard library's do.

/// The text in small letters.
pub fn lowercase(text: &str) -> String {
    #[cfg(all(target_arch = "wasm32", feature = "ui"))]
    return js_sys::JsString::from(text).to_lower_case().into();
    #[cfg(not(all(target_arch = "wasm32", feature = "ui")))]
    return text.to_lowercase();
}

/// A number with so many decimals, at most 20: `0.50`.
pub fn fixed(value: f64, decimals: u8) -> String {
    #[cfg(all(target_arch = "wasm32", feature = "ui"))]
    return js_sys::Number::from(value).to_fixed(decimals).map(String::from).unwrap_or_default();
    #[cfg(not(all(target_arch = "wasm32", feature = "ui")))]
    return format!("{value:.*}", usize::from(decimals));
}

/// A number with all its digits, as a program reads it: `0.912345`.
pub fn plain(value: f64) -> String {
    #[cfg(all(target_arch = "wasm32", feature = "ui"))]
    return js_sys::Number::from(value).to_string_with_radix(10).map(String::from).unwrap_or_default();
    #[cfg(not(all(target_arch = "wasm32", feature = "ui")))]
    return value.to_string();
}

/// The number that the whole text is, in decimal or scientific notation; `None` if it is anything else.
pub fn number(text: &str) -> Option<f64> {
    // What the browser would take as well: other bases, spaces, no text at all as 0.
    let decimal = |byte: u8| matches!(byte, b'0'..=b'9' | b'.' | b'+' | b'-' | b'e' | b'E');
    if text.is_empty() || !text.bytes().all(decimal) {
        return None;
    }
    #[cfg(all(target_arch = "wasm32", feature = "ui"))]
    return Some(wasm_bindgen::JsValue::from_str(text).unchecked_into_f64()).filter(|number| !number.is_nan());
    #[cfg(not(all(target_arch = "wasm32", feature = "ui")))]
    return text.parse().ok();
}

/// The number a person typed: its decimals after a point or a comma. `None` as well for a comma that could set off
/// thousands, as in 1,234.
pub fn typed_number(text: &str) -> Option<f64> {
    let text = text.trim();
    let number = match text.split_once(',') {
        Some((_, decimals)) if decimals.len() == 3 => None,
        Some((whole, decimals)) if !whole.contains('.') && !decimals.contains(['.', ',']) => {
            number(&format!("{whole}.{decimals}"))
        }
        Some(_) => None,
        None => number(text),
    };
    number.filter(|number| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (text, expected) in [
            ("5", Some(5.0)),
            ("-0.25", Some(-0.25)),
            ("+.5", Some(0.5)),
            ("1.2e-7", Some(1.2e-7)),
            ("", None),
            (" 5", None),
            ("0x1e", None),
            ("1e", None),
            ("-", None),
            ("5%", None),
            ("Infinity", None),
        ] {
            assert_eq!(number(text), expected, "{text}");
        }
    }

    #[test]
    fn numbers_as_typed() {
        for (text, expected) in [
            (" 12.5 ", Some(12.5)),
            ("12,5", Some(12.5)),
            ("-0,25", Some(-0.25)),
            ("1,234", None),
            ("1,234.5", None),
            ("1.234,5", None),
            ("1,2,3", None),
            ("", None),
            ("1e999", None),
            ("12 kg", None),
        ] {
            assert_eq!(typed_number(text), expected, "{text}");
        }
    }

    #[test]
    fn small_letters() {
        assert_eq!(lowercase("ÄÖ Fish"), "äö fish");
    }
}
