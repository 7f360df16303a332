//! Whether more labels are worth the while.

use super::interval::Estimate;
use serde::{Deserialize, Serialize};

/// Whether to go on labelling: the light for *halting*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Halting {
    /// Labelling may stop.
    Green,
    /// Something is to be looked at before deciding.
    Amber,
    /// Labels still pay, or it is too early to tell.
    Red,
}

/// The light and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HaltingHint {
    /// The light.
    pub state: Halting,
    /// One or two sentences.
    pub sentence: String,
}

/// Twice as many labels must be expected to gain this much, as a share of items, to be worth asking for.
const WORTH: f64 = 0.01;
/// An accuracy is known when its interval is at most this wide.
const KNOWN: f64 = 0.15;
/// Below this accuracy, a flat curve says that labels are not what is lacking.
const POOR: f64 = 0.8;
/// From this share on, nothing much is left to label.
const NEARLY_ALL: f64 = 0.98;

/// From the learning curve (labels, out-of-fold accuracy of 0 to 1), the accuracy estimated from audits, and the share
/// of items accepted or decided, 0 to 1.
///
/// Learning curves are close to straight against the logarithm of the number of labels, so the slope per doubling, by
/// least squares over the last two doublings, tells what the next doubling may bring at best.
pub fn halting_hint(curve: &[(u32, f64)], accuracy: Option<Estimate>, share_done: f64) -> HaltingHint {
    let hint = |state, sentence: String| HaltingHint { state, sentence };
    if share_done >= NEARLY_ALL {
        return hint(Halting::Green, format!("You may stop: {} of the items are decided.", percent(share_done)));
    }
    let Some(gain) = gain_per_doubling(curve) else {
        return hint(Halting::Red, "Go on: it is too early to tell where the learning curve leads.".into());
    };
    if gain > WORTH {
        let points = points(gain);
        return hint(Halting::Red, format!("Go on: twice as many labels may gain about {points}."));
    }
    if gain < -WORTH {
        let lost = points(-gain);
        return hint(
            Halting::Amber,
            format!(
                "Look before you go on: the last labels made it worse, by about {lost} for twice as many. They may be wrong, or of another kind than those before; see Review and Monitor."
            ),
        );
    }
    let flat = "the learning curve is flat";
    match accuracy {
        None => {
            hint(Halting::Amber, format!("Audit before you stop: {flat}, but nothing is known of the accuracy yet."))
        }
        Some(Estimate { high, .. }) if high < POOR => hint(
            Halting::Amber,
            format!(
                "More labels alone will hardly help: {flat} and the accuracy is at most {}. Look for wrong labels, or search for a better model.",
                percent(high)
            ),
        ),
        Some(Estimate { low, high, .. }) if high - low > KNOWN => hint(
            Halting::Amber,
            format!(
                "Audit before you stop: {flat}, but the accuracy may be anything from {} to {}.",
                percent(low),
                percent(high)
            ),
        ),
        Some(Estimate { estimate, low, high }) => hint(
            Halting::Green,
            format!(
                "You may stop: {flat}, the accuracy is {} ({} to {}), and {} of the items are decided.",
                percent(estimate),
                percent(low),
                percent(high),
                percent(share_done)
            ),
        ),
    }
}

/// The slope of accuracy against log₂ labels over the last two doublings; `None` if there are not three points that
/// span at least one doubling.
fn gain_per_doubling(curve: &[(u32, f64)]) -> Option<f64> {
    let last = f64::from(curve.last()?.0);
    let recent: Vec<(f64, f64)> = curve
        .iter()
        .map(|&(labels, accuracy)| (f64::from(labels), accuracy))
        .filter(|&(labels, _)| labels > 0.0 && labels >= last / 4.0)
        .map(|(labels, accuracy)| (labels.log2(), accuracy))
        .collect();
    if recent.len() < 3 || last.log2() - recent.iter().map(|point| point.0).fold(f64::INFINITY, f64::min) < 1.0 {
        return None;
    }
    let count = recent.len() as f64;
    let (x, y) = recent.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0 / count, y + point.1 / count));
    let (covariance, variance) = recent.iter().fold((0.0, 0.0), |(covariance, variance), point| {
        (covariance + (point.0 - x) * (point.1 - y), variance + (point.0 - x).powi(2))
    });
    Some(covariance / variance)
}

fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

fn points(share: f64) -> String {
    format!("{:.1} points", 100.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_light_has_its_reason() {
        let steep = [(10, 0.5), (20, 0.6), (40, 0.7), (80, 0.8)];
        let flat = [(10, 0.5), (50, 0.9), (75, 0.905), (100, 0.9), (200, 0.907)];
        let of = |estimate: f64, half: f64| Some(Estimate { estimate, low: estimate - half, high: estimate + half });
        let check = |curve: &[(u32, f64)], accuracy, share_done, state, words: &str| {
            let hint = halting_hint(curve, accuracy, share_done);
            assert!(hint.state == state && hint.sentence.contains(words), "{hint:?}, expected {state:?}: {words}");
        };
        check(&[], None, 0.0, Halting::Red, "too early");
        check(&[(10, 0.5), (12, 0.5), (14, 0.5)], None, 0.1, Halting::Red, "too early");
        check(&steep, of(0.8, 0.05), 0.1, Halting::Red, "about 10.0 points");
        check(&flat, None, 0.1, Halting::Amber, "nothing is known");
        check(
            &[(10, 1.0), (20, 0.9), (40, 0.62)],
            of(0.9, 0.04),
            0.1,
            Halting::Amber,
            "made it worse, by about 19.0 points",
        );
        check(&flat, of(0.85, 0.1), 0.1, Halting::Amber, "from 75 % to 95 %");
        check(&flat, of(0.6, 0.05), 0.1, Halting::Amber, "at most 65 %");
        check(&flat, of(0.9, 0.04), 0.4, Halting::Green, "90 % (86 % to 94 %), and 40 %");
        check(&steep, None, 0.99, Halting::Green, "99 %");
    }
}
