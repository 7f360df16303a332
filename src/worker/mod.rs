//! The session worker and the embed workers. Invariant: knows of no screen.
