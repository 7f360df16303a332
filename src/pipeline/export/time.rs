//! Times in files, as RFC 3339 in UTC.

/// Milliseconds since the Unix epoch as RFC 3339 in UTC, such as `2026-11-23T17:18:05.123Z`.
///
/// The Gregorian calendar throughout; the algorithm is `civil_from_days` of Howard Hinnant's "chrono-Compatible
/// Low-Level Date Algorithms": years are counted from March, in eras of 400, so that leap days fall at their ends.
pub fn rfc_3339(time_ms: f64) -> String {
    const DAY_MS: i64 = 86_400_000;
    let time_ms = time_ms as i64;
    let (day, within_day) = (time_ms.div_euclid(DAY_MS), time_ms.rem_euclid(DAY_MS));
    let since_era_0 = day.saturating_add(719_468);
    let (era, day_of_era) = (since_era_0.div_euclid(146_097), since_era_0.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute) = (within_day / 3_600_000, within_day / 60_000 % 60);
    let (second, millisecond) = (within_day / 1000 % 60, within_day % 1000);
    format!("{year:04}-{month:02}-{day_of_month:02}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_agree_with_the_calendar() {
        // From GNU date: `date -u -d @SECONDS +%FT%TZ`.
        for (time_ms, expected) in [
            (0.0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000.0, "2000-02-29T00:00:00.000Z"),
            (4_107_542_399_999.0, "2100-02-28T23:59:59.999Z"),
            (4_107_542_400_000.0, "2100-03-01T00:00:00.000Z"),
            (1_732_999_999_123.0, "2024-11-30T20:53:19.123Z"),
            (1_735_689_599_000.0, "2024-12-31T23:59:59.000Z"),
            (-1.0, "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(rfc_3339(time_ms), expected);
        }
    }

    #[test]
    fn nonsense_does_not_panic() {
        for time_ms in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX] {
            assert!(rfc_3339(time_ms).ends_with('Z'));
        }
    }
}
