//! One cell of a table: whether it is missing, and which number it is.

use serde::{Deserialize, Serialize};

/// How a column writes its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NumberFormat {
    /// 1,234.5
    Point,
    /// 1.234,5
    Comma,
}

impl NumberFormat {
    /// The format that reads more of the cells; the point where both read as many.
    pub fn guess(cells: &[&str]) -> NumberFormat {
        let read = |format| cells.iter().filter(|cell| parse_number(cell, format).is_some()).count();
        if read(NumberFormat::Comma) > read(NumberFormat::Point) { NumberFormat::Comma } else { NumberFormat::Point }
    }
}

/// Whether a cell stands for "no value": empty, `NA`, `N/A`, `#N/A`, `NaN`, `null`, `?` or `-`, in any case.
pub fn is_missing(cell: &str) -> bool {
    let cell = cell.trim();
    cell.is_empty() || ["na", "n/a", "#n/a", "nan", "null", "?", "-"].iter().any(|word| cell.eq_ignore_ascii_case(word))
}

/// The number a cell holds, if it holds one: with a sign, an exponent, a percent sign and thousands set off by
/// the other mark, a space or an apostrophe, in groups of three. Neither words such as `inf` nor overflow are numbers.
pub fn parse_number(cell: &str, format: NumberFormat) -> Option<f64> {
    let (decimal, thousands) = match format {
        NumberFormat::Point => ('.', ','),
        NumberFormat::Comma => (',', '.'),
    };
    let cell = cell.trim().trim_end_matches('%').trim_end();
    let (whole, rest) = match cell.find([decimal, 'e', 'E']) {
        Some(at) => cell.split_at(at),
        None => (cell, ""),
    };
    let mut digits = without_thousands(whole, thousands)?;
    digits.extend(rest.chars().map(|character| if character == decimal { '.' } else { character }));
    if !digits.chars().any(|character| character.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().filter(|number: &f64| number.is_finite())
}

/// The whole part with a plain minus and without marks between groups of three digits; `None` for other groups.
fn without_thousands(whole: &str, thousands: char) -> Option<String> {
    let whole = whole.replace('\u{2212}', "-");
    let mark = |character| character == thousands || matches!(character, ' ' | '\u{a0}' | '\u{202f}' | '\'' | '’');
    let mut groups = whole.split(mark);
    let mut digits = groups.next()?.to_owned();
    let first = digits.trim_start_matches(['-', '+']).len();
    for group in groups {
        let three = group.len() == 3 && group.bytes().all(|byte| byte.is_ascii_digit());
        if !three || !(1..=3).contains(&first) {
            return None;
        }
        digits.push_str(group);
    }
    Some(digits)
}

#[cfg(test)]
mod tests {
    use super::NumberFormat::{Comma, Point};
    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        let check = |cell, format, expected| assert_eq!(parse_number(cell, format), expected, "{cell} {format:?}");
        check("12", Point, Some(12.0));
        check(" -1.5e3 ", Point, Some(-1500.0));
        check("−7", Point, Some(-7.0));
        check(".5", Point, Some(0.5));
        check("1,234,567.5", Point, Some(1_234_567.5));
        check("1.234.567,5", Comma, Some(1_234_567.5));
        check("3,25", Comma, Some(3.25));
        check("3,25", Point, None);
        check("1 234", Point, Some(1234.0));
        check("12'345.6", Point, Some(12345.6));
        check("45 %", Point, Some(45.0));
        check("1e5", Comma, Some(1e5));
        for word in
            ["", "-", "inf", "NaN", "infinity", "e", ".", "1.2.3", "12a", "2020-01-02", "1,23,456", "1234,567", "1e999"]
        {
            check(word, Point, None);
        }
    }

    #[test]
    fn the_format_that_reads_more_wins() {
        let check = |cells: &[&str], expected| assert_eq!(NumberFormat::guess(cells), expected, "{cells:?}");
        check(&["1.5", "2"], Point);
        check(&["1,5", "2", "1.000,25"], Comma);
        check(&["1,234", "2,345"], Point);
        check(&["1,234", "2,3"], Comma);
        check(&[], Point);
    }

    #[test]
    fn the_usual_words_for_nothing_are_missing() {
        assert!(
            ["", "  ", "NA", "na", "N/A", "#N/A", "NaN", "null", "NULL", "?", "-"].iter().all(|cell| is_missing(cell))
        );
        assert!(["0", "no", "none", "--", "NAN1"].iter().all(|cell| !is_missing(cell)));
    }
}
