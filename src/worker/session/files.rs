//! Files to take away, and project files brought back.
