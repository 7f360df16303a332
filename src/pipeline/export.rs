//! What a user takes away: labels, predictions, problems.
