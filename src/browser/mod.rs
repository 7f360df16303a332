//! What only a browser has: the worker link, files, locks, quota. Invariant: knows of no model.

pub mod wire;
pub mod link;
pub mod worker_side;
pub mod breath;
pub mod user_timing;

pub mod files;
pub mod download;
pub mod storage_quota;
pub mod tab_lock;
pub mod service_worker;
