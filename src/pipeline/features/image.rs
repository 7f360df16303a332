//! Images to vectors: resize, crop, and the built-in extractor for when the network's weights are missing.
