//! Image vectors kept between runs, by content hash: what was embedded once is read in a millisecond.
//!
//! One small file a vector, `~/.cache/hone/vectors/<feature id>/<two digits>/<hash>`: f32, little-endian, nothing else.
//! Safe to delete at any time; a file of the wrong length is ignored and written anew.

use crate::pipeline::item::ContentHash;
use std::path::PathBuf;

/// The cache of one feature extractor, or none.
#[derive(Debug, Clone)]
pub struct VectorCache {
    folder: Option<PathBuf>,
}

impl VectorCache {
    /// Remembers nothing.
    pub fn off() -> Self {
        Self { folder: None }
    }

    /// The cache of the extractor `feature_id` below `$XDG_CACHE_HOME` or `~/.cache`; off if neither is known.
    pub fn of_user(feature_id: &str) -> Self {
        let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let base = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")));
        Self { folder: base.map(|base| base.join("hone").join("vectors").join(feature_id)) }
    }

    /// The vector of the item with this hash, if it is kept and has `columns` entries.
    pub fn get(&self, hash: ContentHash, columns: usize) -> Option<Vec<f32>> {
        let bytes = std::fs::read(self.path(hash)?).ok()?;
        if bytes.len() != 4 * columns {
            return None;
        }
        let vector: Vec<f32> =
            bytes.chunks_exact(4).map(|word| f32::from_le_bytes([word[0], word[1], word[2], word[3]])).collect();
        vector.iter().all(|value| value.is_finite()).then_some(vector)
    }

    /// Keeps a vector. A full or read-only disk is no failure: the vector is computed again next time.
    pub fn put(&self, hash: ContentHash, vector: &[f32]) {
        let Some(path) = self.path(hash) else { return };
        let Some(folder) = path.parent() else { return };
        let bytes: Vec<u8> = vector.iter().flat_map(|value| value.to_le_bytes()).collect();
        // Written aside and renamed: another run must never read half a vector.
        let aside = folder.join(format!("{hash}.{}", std::process::id()));
        let written = std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(&aside, bytes))
            .and_then(|()| std::fs::rename(&aside, &path));
        if written.is_err() {
            // Nothing is lost, and the leftover may not even exist.
            let _ = std::fs::remove_file(&aside);
        }
    }

    fn path(&self, hash: ContentHash) -> Option<PathBuf> {
        let hex = hash.to_hex();
        Some(self.folder.as_ref()?.join(&hex[..2]).join(hex))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_comes_back_and_damage_is_a_miss() {
        let folder = std::env::temp_dir().join(format!("hone-cache-test-{}", std::process::id()));
        let cache = VectorCache { folder: Some(folder.clone()) };
        let hash = ContentHash::of(b"a picture");
        assert_eq!(cache.get(hash, 3), None);
        cache.put(hash, &[1.0, -2.5, 0.0]);
        assert_eq!(cache.get(hash, 3), Some(vec![1.0, -2.5, 0.0]));
        assert_eq!(cache.get(hash, 4), None, "of another length");
        cache.put(hash, &[f32::NAN]);
        assert_eq!(cache.get(hash, 1), None, "not a number");
        std::fs::remove_dir_all(folder).expect("the folder just made");
        VectorCache::off().put(hash, &[1.0]);
        assert_eq!(VectorCache::off().get(hash, 1), None);
    }
}
