//! Honest numbers: metrics, and intervals that hold.
//!
//! Invariant: sees probabilities, true classes and what was logged of the audits; never a model, an item or a label's
//! source. The same input gives the same number: whatever is resampled has a seed.

pub mod interval;
pub mod certainty;
pub mod tails;
pub mod metrics;
pub mod class_score;
pub mod roc;
pub mod reliability;
pub mod audit;
pub mod slice;
pub mod halting;
pub(super) mod bootstrap;

pub use audit::{WeighedLoss, audit_accuracy, lure};
pub use certainty::{FEWEST_FOR_CALIBRATION, FEWEST_FOR_SHARE, too_few};
pub use class_score::ClassScore;
pub use halting::{Halting, HaltingHint, halting_hint};
pub use interval::{Estimate, clopper_pearson, clopper_pearson_of, hypergeometric_interval};
pub use metrics::{Evaluation, evaluate};
pub use reliability::{ReliabilityBin, calibration_estimate, expected_calibration_error, reliability};
pub use slice::{Slice, slices};
