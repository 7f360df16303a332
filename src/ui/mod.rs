//! The screens. Invariant: never calls storage or training; asks the session and shows what it says.
//!
//! The first modules are pure and are tested on any machine; those below need a browser.

pub mod route;
pub mod hotkey;
pub mod deck;
pub mod outbox;
pub mod format;
pub mod fuzzy;
pub mod plan_edit;
pub mod parts;
