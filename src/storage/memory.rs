//! The store in memory: the same functions as in the browser, for native tests and the command line.

/// The bytes of an image, or of a file to take away.
pub type Media = Vec<u8>;

/// The store.
pub struct Store;
