//! Table rows to vectors: a fitted encoder, versioned with the model.
