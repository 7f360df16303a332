//! What only a browser has: the worker link, files, locks, quota. Invariant: knows of no model.
