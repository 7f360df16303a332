//! The part of the build tool that the end-to-end journeys share: a plain static file server, and what installs the
//! programs that they need.

pub mod command;
pub mod places;
pub mod server;
pub mod setup;
