//! The part of the build tool that the end-to-end journeys share: a plain static file server.

pub mod server;
