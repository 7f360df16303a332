//! The at-once update: one label folded in by Sherman–Morrison, well under a frame.
