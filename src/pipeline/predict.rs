//! Calibrated probabilities for the pool, and what a label changed.
