//! Triage: which predictions may stand without a person, and the certificate that says so.
//!
//! Invariant: propose, freeze, audit, certify. A threshold is proposed from out-of-fold predictions; model, threshold
//! and the set of accepted items are frozen; items drawn at random *from that set* are audited; and only these audits
//! count for the certificate. Anything that changes the set voids it.

pub mod budget;
pub mod certificate;
pub mod evidence;
pub mod propose;

pub use budget::{Budget, TriageError, spent_delta};
pub use certificate::{Certification, certify};
pub use evidence::{audits_needed, e_value};
pub use propose::{OutOfFold, propose};
