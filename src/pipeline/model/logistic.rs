//! Multinomial logistic regression: L-BFGS on centred features, resumable and warm-started.
