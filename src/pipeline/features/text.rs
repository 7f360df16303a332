//! Texts to vectors: averaged static token embeddings beside hashed n-grams.
