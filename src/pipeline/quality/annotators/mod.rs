//! Several annotators: who says what, how far they agree, what they say together, and how two logs become one.
//!
//! Invariant: all of it is derived from a set of label events, in whatever order they arrived, and from a seed where
//! something is resampled. Nothing here rewrites an event.

pub mod opinions;
pub mod disagreements;
pub mod answers;
pub mod kappa;
pub mod alpha;
pub mod dawid_skene;
pub mod over_time;
pub mod consistency;
pub mod drift;
pub mod merge;
pub mod log_file;
pub mod class_mapping;

#[cfg(test)]
mod parity;
#[cfg(test)]
mod random_log;

pub use alpha::{Alpha, AlphaBootstrap, alpha, krippendorff_alpha};
pub use answers::{Answers, Undefined, Vote};
pub use class_mapping::{ClassMapping, class_mapping};
pub use consistency::{SelfAgreement, re_ask_candidates, re_ask_draw, self_agreement};
pub use dawid_skene::{Consensus, DawidSkene, DawidSkeneFit, DawidSkeneSettings, dawid_skene};
pub use disagreements::{Disagreement, disagreements};
pub use drift::{AnnotatorDrift, annotator_drift};
pub use kappa::{Kappa, PairAgreement, agreement_matrix, cohen_kappa};
pub use log_file::{LogFile, looks_like_log, read_log, write_log};
pub use merge::{Merged, merge};
pub use opinions::{Opinion, opinions};
pub use over_time::Window;
