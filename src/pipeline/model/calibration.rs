//! Temperature scaling on out-of-fold logits.
