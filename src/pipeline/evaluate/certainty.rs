//! From how many items on a figure is told as a figure.
//!
//! An interval is always true; the point inside it comforts or alarms before it means anything. So wherever a figure is shown or
//! exported, one place says whether its point may lead: here.

/// With fewer items behind it the interval of a share comes first, and the point is muted: "too few to say". At 20 the exact 95 %
/// interval is at most 46 points wide, whatever the share (10 right of 20: 27.2 to 72.8 %).
pub const FEWEST_FOR_SHARE: usize = 20;
/// The same for the expected calibration error, which few items bias upwards by as much as it is worth: of honest probabilities
/// 100 items show about 8 points in 15 bins.
pub const FEWEST_FOR_CALIBRATION: usize = 100;

/// Whether so many items are too few for the point of a share (accuracy, precision, recall) to lead.
pub fn too_few(items: usize) -> bool {
    items < FEWEST_FOR_SHARE
}
