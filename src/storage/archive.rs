//! A whole project in one file, and back.
