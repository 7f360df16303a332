//! Whether the data can be trusted: wrong labels, contradictions, duplicates, outliers, what the data lacks, and how far
//! annotators agree.
//!
//! Invariant: judges labels by predictions made without them; changes nothing, only points.

mod rounding;
pub mod confident_learning;
pub mod label_quality;
pub mod filter;
#[cfg(feature = "engine")]
pub mod out_of_fold;
pub mod neighbour_votes;
pub mod class_means;
pub mod margin_area;
pub mod opinions;
pub mod suspects;
pub mod why;
pub mod label_audit;
pub mod precision_forecast;
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
pub mod annotators;
mod nearest;
mod sketch;
#[cfg(test)]
mod parity;
#[cfg(test)]
mod neighbour_parity;
#[cfg(test)]
mod test_data;

pub use among::Among;
pub use contradictions::{Contradiction, contradictions};
pub use duplicates::{DuplicateGroup, duplicate_groups, group_of, spread};
pub use imbalance::{ClassShare, Imbalance, class_shares, imbalance};
pub use label_audit::{LabelAudit, LabelErrorRate};
pub use more_like::{MoreLike, more_like};
pub use neighbours::{Neighbour, Neighbours};
pub use outliers::{Outlier, outliers};
pub use precision_forecast::{PrecisionForecast, Reviewed, WorthIt, forecast, next_ranks};
pub use strangers::Strangers;
pub use weak_slices::{Membership, WeakSlice, weak_slices};
