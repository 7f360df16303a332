//! From files to items: guess a plan, then read by it. Reading never fails as a whole; it returns what could be
//! read and a list of problems.

pub mod plan;
