//! Honest numbers: metrics and intervals.
