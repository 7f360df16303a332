//! The part of the build tool that the end-to-end journeys share: a plain static file server, what stamps a site, and what
//! installs the programs that they need.

pub mod command;
pub mod digest;
pub mod places;
pub mod server;
pub mod setup;
pub mod stamp;
