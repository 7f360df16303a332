//! Figures as people read them, the same everywhere, with a space before the per cent sign that never breaks a line: `1,234`, `91.2 %`, `91.2 % (88.4–93.5)`, `1.5 GB`, `about 2 min`.

use crate::protocol::Interval;
use crate::ui::text::{self, fixed};

/// A whole number with thin thousands: `12,345`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number and its noun: `1 item`, `2,000 items`. The plural of the noun is given, because not all take an s.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// A share from 0 to 1 as `91.2 %`.
pub fn percent(share: f64) -> String {
    format!("{}\u{a0}%", fixed(share * 100.0, 1))
}

/// A share that was chosen, with no more digits than it has: `5 %`, `2.5 %`.
pub fn whole_percent(share: f64) -> String {
    format!("{}\u{a0}%", number((share * 1e4).round() / 100.0))
}

/// A probability on a button: `83 %`. Never `100 %` or `0 %` for what is not quite certain.
pub fn probability(share: f32) -> String {
    match (f64::from(share) * 100.0).round() {
        rounded if rounded >= 100.0 && share < 1.0 => ">99\u{a0}%".to_owned(),
        rounded if rounded <= 0.0 && share > 0.0 => "<1\u{a0}%".to_owned(),
        rounded => format!("{}\u{a0}%", fixed(rounded, 0)),
    }
}

/// An estimate with its interval, all from 0 to 1: `91.2 % (88.4–93.5)`.
pub fn interval(estimate: f64, low: f64, high: f64) -> String {
    format!("{} ({}–{})", percent(estimate), fixed(low * 100.0, 1), fixed(high * 100.0, 1))
}

/// The same of a protocol's interval. If too little is behind the estimate, its interval alone is told: `19.4–99.4 %, too few to
/// say`.
pub fn estimate(Interval { estimate, low, high, few }: Interval) -> String {
    match few {
        true => format!("{}, too few to say", range(low, high)),
        false => interval(estimate, low, high),
    }
}

/// An interval without its point, from 0 to 1: `19.4–99.4 %`.
pub fn range(low: f64, high: f64) -> String {
    format!("{}–{}", fixed(low * 100.0, 1), percent(high))
}

/// The point of an estimate beside its interval where [`estimate`] tells the interval alone.
pub fn muted_point(interval: Interval) -> Option<String> {
    interval.few.then(|| format!("{} so far", percent(interval.estimate)))
}

/// Any other estimate with its interval, to two decimals: `0.71 (0.52–0.88)`.
pub fn decimals(Interval { estimate, low, high, few }: Interval) -> String {
    match few {
        true => format!("{}–{}, too few to say", fixed(low, 2), fixed(high, 2)),
        false => format!("{} ({}–{})", fixed(estimate, 2), fixed(low, 2), fixed(high, 2)),
    }
}

/// Any number to four significant digits: `0.9123`, `12,346`, `1.2e-7`.
pub fn number(value: f64) -> String {
    let size = value.abs();
    let text = match size {
        _ if !value.is_finite() => return "–".to_owned(),
        _ if size >= 1e9 || (size > 0.0 && size < 1e-4) => return scientific(value),
        _ if size >= 1000.0 => count(size.round() as u64),
        _ => {
            let decimals = if size == 0.0 { 0 } else { (3 - size.log10().floor() as i32).clamp(0, 7) as u8 };
            let text = fixed(size, decimals);
            if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
        }
    };
    if value < 0.0 { format!("−{text}") } else { text }
}

/// A very large or very small number: `1.2e-7`.
fn scientific(value: f64) -> String {
    let power = value.abs().log10().floor();
    // A power of ten that no number has room for is split.
    let digits = value / 10_f64.powf(power.max(-300.0)) * 10_f64.powf((-300.0 - power).max(0.0));
    let (digits, power) = if fixed(digits.abs(), 1) == "10.0" { (digits / 10.0, power + 1.0) } else { (digits, power) };
    format!("{}e{}", fixed(digits, 1), fixed(power, 0))
}

/// A stored value as it is read: a number with many digits gets the four that matter, everything else stays.
pub fn shown(value: &str) -> String {
    match text::number(value) {
        Some(exact) if value.len() > 6 && value.contains(['.', 'e']) => number(exact),
        _ => value.to_owned(),
    }
}

/// An e-value: how many times likelier the figures are if there is a difference. Two digits say enough.
pub fn evidence(value: f64) -> String {
    match value {
        v if v >= 1e6 => "more than a million".to_owned(),
        v if v >= 10.0 => count(v.floor() as u64),
        v if v >= 0.01 => fixed(v, 2),
        _ => "less than 0.01".to_owned(),
    }
}

/// The beginning of a text that has room for so many letters.
pub fn shorten(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.to_owned();
    }
    text.chars().take(letters.saturating_sub(1)).chain(['…']).collect()
}

/// A change of a share, in points: `+2.1 points`, `−0.4 points`.
pub fn points(change: f64) -> String {
    let points = change * 100.0;
    let sign = if points < -0.05 { "−" } else { "+" };
    format!("{sign}{} points", fixed(points.abs(), 1))
}

/// Bytes in the units people know: `512 B`, `1.5 MB`.
pub fn bytes(number: f64) -> String {
    let mut value = number.max(0.0);
    let mut unit = "B";
    for larger in ["kB", "MB", "GB", "TB"] {
        if value < 1000.0 {
            break;
        }
        value /= 1000.0;
        unit = larger;
    }
    format!("{} {unit}", fixed(value, if unit == "B" || value >= 100.0 { 0 } else { 1 }))
}

/// A time, rounded as one would say it.
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 90.0 => format!("{} s", fixed(s.ceil(), 0)),
        s if s < 5400.0 => format!("{} min", fixed(s / 60.0, 0)),
        s => format!("{} h", fixed(s / 3600.0, 0)),
    }
}

/// A time still to wait, rounded as one would say it.
pub fn time_left(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => "almost done".to_owned(),
        s => format!("about {} left", duration(s)),
    }
}

/// How long ago, from two times in milliseconds since the epoch.
pub fn ago(then_ms: f64, now_ms: f64) -> String {
    match (now_ms - then_ms) / 60_000.0 {
        m if m < 1.0 => "just now".to_owned(),
        m if m < 60.0 => counted(m as u64, "minute ago", "minutes ago"),
        m if m < 60.0 * 24.0 => counted((m / 60.0) as u64, "hour ago", "hours ago"),
        m => counted((m / 1440.0) as u64, "day ago", "days ago"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_thousands() {
        for (number, expected) in [(0, "0"), (999, "999"), (1000, "1,000"), (1234567, "1,234,567")] {
            assert_eq!(count(number), expected);
        }
        assert_eq!(counted(1, "item", "items"), "1 item");
    }

    #[test]
    fn what_is_not_certain_is_never_shown_as_certain() {
        for (share, expected) in
            [(0.0, "0\u{a0}%"), (0.001, "<1\u{a0}%"), (0.834, "83\u{a0}%"), (0.9999, ">99\u{a0}%"), (1.0, "100\u{a0}%")]
        {
            assert_eq!(probability(share), expected);
        }
    }

    #[test]
    fn estimates_and_changes() {
        assert_eq!(interval(0.9123, 0.8844, 0.9351), "91.2\u{a0}% (88.4–93.5)");
        for (change, expected) in [(0.021, "+2.1 points"), (-0.004, "−0.4 points"), (-0.0001, "+0.0 points")] {
            assert_eq!(points(change), expected);
        }
    }

    #[test]
    fn numbers_of_any_size() {
        for (value, expected) in [
            (0.0, "0"),
            (0.912345, "0.9123"),
            (0.5, "0.5"),
            (100.0, "100"),
            (12345.6, "12,346"),
            (-0.25, "−0.25"),
            (1.23e-7, "1.2e-7"),
            (f64::NAN, "–"),
        ] {
            assert_eq!(number(value), expected);
        }
        for (value, expected) in
            [("0.9838709677419355", "0.9839"), ("1752133221", "1752133221"), ("0.25", "0.25"), ("ridge", "ridge")]
        {
            assert_eq!(shown(value), expected);
        }
        for (value, expected) in
            [(61.9, "61"), (19.99, "19"), (1.5, "1.50"), (0.0, "less than 0.01"), (1e30, "more than a million")]
        {
            assert_eq!(evidence(value), expected);
        }
    }

    #[test]
    fn long_names_are_cut() {
        for (text, letters, expected) in [("fish", 4, "fish"), ("fishes", 4, "fis…"), ("äöüß", 3, "äö…"), ("", 0, "")]
        {
            assert_eq!(shorten(text, letters), expected);
        }
    }

    #[test]
    fn sizes_and_times() {
        for (number, expected) in [(0.0, "0 B"), (1500.0, "1.5 kB"), (1.54e9, "1.5 GB"), (2.5e8, "250 MB")] {
            assert_eq!(bytes(number), expected);
        }
        for (seconds, expected) in [(0.2, "almost done"), (12.3, "about 13 s left"), (130.0, "about 2 min left")] {
            assert_eq!(time_left(seconds), expected);
        }
        for (minutes, expected) in
            [(0.5, "just now"), (1.0, "1 minute ago"), (125.0, "2 hours ago"), (3000.0, "2 days ago")]
        {
            assert_eq!(ago(0.0, minutes * 60_000.0), expected);
        }
    }
}
