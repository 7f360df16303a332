//! Whether the data can be trusted: duplicates, contradictions, outliers, imbalance, weak slices.
//!
//! Invariant: sees features, labels and predictions as numbers; changes nothing, only points.

pub mod neighbours;
pub mod among;
pub mod duplicates;
pub mod contradictions;
pub mod difference;
pub mod outliers;
pub mod strangers;
pub mod imbalance;
pub mod weak_slices;
pub mod more_like;
mod nearest;
mod sketch;
#[cfg(test)]
mod test_data;
#[cfg(test)]
mod parity;

pub use among::Among;
pub use contradictions::{Contradiction, contradictions};
pub use duplicates::{DuplicateGroup, duplicate_groups, group_of, spread};
pub use imbalance::{ClassShare, Imbalance, class_shares, imbalance};
pub use more_like::{MoreLike, more_like};
pub use neighbours::{Neighbour, Neighbours};
pub use outliers::{Outlier, outliers};
pub use strangers::Strangers;
pub use weak_slices::{Membership, WeakSlice, weak_slices};
