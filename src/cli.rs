//! The command line: the same pipeline, natively, on folders, tables and project files.
