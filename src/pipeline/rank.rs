//! What to label next: uncertainty herding, margin, random, and the blind audits among them.
