//! A linear head: weights and intercepts, and the logits they give.
