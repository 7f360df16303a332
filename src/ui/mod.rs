//! The screens. Invariant: never calls storage or training; asks the session and shows what it says.
