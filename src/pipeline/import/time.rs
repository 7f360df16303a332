//! Times that other programs wrote.

/// Milliseconds since the Unix epoch of an ISO 8601 time such as `2024-11-30T20:53:19.123Z`, `2024-11-30 20:53:19+02:00` or
/// `2024-11-30`; a time without a zone is taken for UTC. `None` for anything else.
///
/// The Gregorian calendar throughout; the algorithm is `days_from_civil` of Howard Hinnant's "chrono-Compatible Low-Level
/// Date Algorithms".
pub fn milliseconds_of(time: &str) -> Option<f64> {
    let time = time.trim();
    let (date, rest) = (time.get(..10)?, time.get(10..)?);
    let number =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<i64>().ok()).flatten();
    let mut parts = date.split('-').map(number);
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let from_march = year - i64::from(month <= 2);
    let era = from_march.div_euclid(400);
    let year_of_era = from_march.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468;
    let day_ms = days as f64 * 86_400_000.0;
    let Some(clock) = rest.strip_prefix(['T', 't', ' ']) else { return rest.is_empty().then_some(day_ms) };
    let zone_at = clock.find(['Z', 'z', '+', '-']).unwrap_or(clock.len());
    let (clock, zone) = clock.split_at(zone_at);
    let mut parts = clock.split(':');
    let (hour, minute) = (number(parts.next()?)?, number(parts.next()?)?);
    let second: f64 = parts.next().unwrap_or("0").parse().ok()?;
    let offset = match zone {
        "" | "Z" | "z" => 0,
        _ => {
            let (sign, digits) = zone.split_at(1);
            let digits: String = digits.chars().filter(|character| *character != ':').collect();
            let minutes = number(digits.get(..2)?)? * 60 + digits.get(2..4).and_then(number).unwrap_or(0);
            if sign == "-" { -minutes } else { minutes }
        }
    };
    Some(day_ms + (hour * 60 + minute - offset) as f64 * 60_000.0 + second * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        // From GNU date: `date -u -d TIME +%s`.
        for (time, expected) in [
            ("1970-01-01", Some(0.0)),
            ("2000-02-29T00:00:00Z", Some(951_782_400_000.0)),
            ("2024-11-30T20:53:19.123Z", Some(1_732_999_999_123.0)),
            ("2024-11-30 22:53:19+02:00", Some(1_732_999_999_000.0)),
            ("2024-11-30T15:53:19-0500", Some(1_732_999_999_000.0)),
            ("1969-12-31T23:59:59", Some(-1000.0)),
            ("yesterday", None),
            ("2024-13-01", None),
            ("", None),
        ] {
            assert_eq!(milliseconds_of(time), expected, "{time}");
        }
    }
}
