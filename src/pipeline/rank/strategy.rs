//! The ways to choose.

use serde::{Deserialize, Serialize};

/// What is asked first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strategy {
    /// Uncertainty herding: uncertain items that stand for many others.
    Herding,
    /// The smallest gap between the two likeliest classes.
    Margin,
    /// Uniformly at random.
    Random,
}

impl Strategy {
    /// The word used for this strategy on the command line, in the log and in files.
    pub fn word(self) -> &'static str {
        match self {
            Strategy::Herding => "herding",
            Strategy::Margin => "margin",
            Strategy::Random => "random",
        }
    }
}
