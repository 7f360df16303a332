//! The learner: labels in, a calibrated head out, in steps short enough for a worker.
