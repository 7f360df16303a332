//! From values to places on an axis, and the round values that are written beside it.

use crate::ui::order;

/// A straight or logarithmic scale from values to pixels. A range without extent maps to its middle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    logarithmic: bool,
}

impl Scale {
    /// `low` lies at pixel `from`, `high` at pixel `to`.
    pub fn linear(low: f64, high: f64, from: f64, to: f64) -> Self {
        Self { low, high, from, to, logarithmic: false }
    }

    /// The same by powers; both ends above 0.
    pub fn logarithmic(low: f64, high: f64, from: f64, to: f64) -> Self {
        Self { low: low.ln(), high: high.ln(), from, to, logarithmic: true }
    }

    /// The pixel of a value. What lies outside the range lies at its end: an axis is never left.
    pub fn at(&self, value: f64) -> f64 {
        let value = if self.logarithmic { value.max(f64::MIN_POSITIVE).ln() } else { value };
        let extent = self.high - self.low;
        let share = if extent == 0.0 { 0.5 } else { (value - self.low) / extent };
        self.from + (self.to - self.from) * order::within(share, 0.0, 1.0)
    }
}

/// Round values within `low..=high`, about `wanted` of them: steps of 1, 2 or 5 times a power of ten.
pub fn ticks(low: f64, high: f64, wanted: u32) -> Vec<f64> {
    let Some(step) = step(low, high, wanted) else { return vec![low] };
    // A value is a whole number of steps, so that no rounding errors pile up.
    let (first, last) = ((low / step - 1e-9).ceil() as i64, (high / step + 1e-9).floor() as i64);
    (first..=last).map(|place| place as f64 * step).collect()
}

fn step(low: f64, high: f64, wanted: u32) -> Option<f64> {
    let extent = high - low;
    if !extent.is_finite() || extent <= 0.0 {
        return None;
    }
    let rough = extent / f64::from(wanted.max(1));
    let power = 10_f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 5.0].map(|factor| factor * power);
    Some(steps.into_iter().find(|step| *step >= rough * 0.999).unwrap_or(10.0 * power))
}

/// The range from one round value to another that holds `low..=high`.
pub fn widened(low: f64, high: f64, wanted: u32) -> (f64, f64) {
    match step(low, high, wanted) {
        Some(step) => ((low / step + 1e-9).floor() * step, (high / step - 1e-9).ceil() * step),
        None => (low, high),
    }
}

/// The powers of ten within `low..=high`.
pub fn powers(low: f64, high: f64) -> Vec<f64> {
    let (first, last) = ((low.log10() - 1e-9).ceil() as i32, (high.log10() + 1e-9).floor() as i32);
    (first..=last).map(|power| 10_f64.powi(power)).collect()
}

/// Where an axis of shares begins: the ten per cent below the lowest one, so that differences can be seen, but at most
/// 0.9, so that it never looks as if everything were wrong.
pub fn floor_of_shares(lowest: f64) -> f64 {
    order::within((lowest * 10.0 + 1e-9).floor() / 10.0, 0.0, 0.9)
}

/// Moves labels apart that would be written over each other: at least `gap` between any two, each as near to its place
/// as that allows, none beyond `last`. Returns the new places in the order given.
pub fn spread(places: &[f64], gap: f64, last: f64) -> Vec<f64> {
    let order = order::places(places.len(), &|a, b| places[a].total_cmp(&places[b]));
    let mut moved = places.to_vec();
    for pair in 1..order.len() {
        let least = moved[order[pair - 1]] + gap;
        moved[order[pair]] = moved[order[pair]].max(least);
    }
    // What was pushed beyond the end comes back, and pushes those before it.
    let mut most = last;
    for &place in order.iter().rev() {
        moved[place] = moved[place].min(most);
        most = moved[place] - gap;
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(low: f64, high: f64, wanted: u32, expected: &[f64]) {
        let found = ticks(low, high, wanted);
        assert_eq!(found.len(), expected.len(), "{low}..{high}: {found:?}");
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9), "{low}..{high}: {found:?}");
    }

    #[test]
    fn ticks_are_round_and_within() {
        check(0.0, 1.0, 5, &[0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
        check(0.7, 1.0, 3, &[0.7, 0.8, 0.9, 1.0]);
        check(0.0, 137.0, 4, &[0.0, 50.0, 100.0]);
        check(-3.2, 3.9, 4, &[-2.0, 0.0, 2.0]);
        check(4.0, 4.0, 4, &[4.0]);
        check(0.0, f64::NAN, 4, &[0.0]);
    }

    #[test]
    fn a_widened_range_ends_at_round_values() {
        for ((low, high), expected) in
            [((0.13, 0.58), (0.0, 0.6)), ((0.0, 1.0), (0.0, 1.0)), ((-3.0, 41.0), (-20.0, 60.0))]
        {
            let found = widened(low, high, 4);
            assert!((found.0 - expected.0).abs() + (found.1 - expected.1).abs() < 1e-9, "{low}..{high}: {found:?}");
        }
        assert_eq!(widened(3.0, 3.0, 4), (3.0, 3.0));
    }

    #[test]
    fn powers_of_ten_are_within() {
        assert_eq!(powers(0.05, 200.0), [0.1, 1.0, 10.0, 100.0]);
        assert_eq!(powers(1.0, 10.0), [1.0, 10.0]);
    }

    #[test]
    fn a_scale_maps_its_ends_and_keeps_to_the_axis() {
        let scale = Scale::linear(0.0, 10.0, 100.0, 0.0);
        for (value, expected) in [(0.0, 100.0), (2.5, 75.0), (10.0, 0.0), (-1.0, 100.0), (99.0, 0.0)] {
            assert_eq!(scale.at(value), expected, "{value}");
        }
        let scale = Scale::logarithmic(0.1, 1000.0, 0.0, 400.0);
        for (value, expected) in [(0.1, 0.0), (1.0, 100.0), (100.0, 300.0), (0.0, 0.0)] {
            assert!((scale.at(value) - expected).abs() < 1e-9, "{value}: {}", scale.at(value));
        }
        assert_eq!(Scale::linear(3.0, 3.0, 0.0, 10.0).at(3.0), 5.0);
    }

    #[test]
    fn labels_move_apart_and_stay_inside() {
        let check = |places: &[f64], expected: &[f64]| assert_eq!(spread(places, 10.0, 100.0), expected, "{places:?}");
        check(&[10.0, 50.0], &[10.0, 50.0]);
        check(&[50.0, 52.0], &[50.0, 60.0]);
        check(&[52.0, 50.0], &[60.0, 50.0]);
        check(&[98.0, 99.0, 100.0], &[80.0, 90.0, 100.0]);
        check(&[], &[]);
    }

    #[test]
    fn an_axis_of_shares_begins_below_the_lowest() {
        for (lowest, expected) in [(0.83, 0.8), (0.8, 0.8), (0.05, 0.0), (1.0, 0.9)] {
            assert_eq!(floor_of_shares(lowest), expected, "{lowest}");
        }
    }
}
