//! The statistical promises, kept by seeded simulations. Each test also runs a naive variant that breaks the promise, so
//! that it is known to notice.

mod learner;
mod certificate;
mod calibration;
mod intervals;
mod gate;
mod suspects;
mod label_audit;
mod drift;
mod estimates;
mod precision;
mod audits;
mod prediction_powered;
