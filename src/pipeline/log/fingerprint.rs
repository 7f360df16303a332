//! One name for everything that decides an experiment's result: same fingerprint, same result.
//!
//! The fingerprint is the SHA-256 of canonical JSON (RFC 8785). Names, times and the device's name stay out. Labels and
//! items enter as the root of a Merkle tree after RFC 6962, section 2.1: leaves and nodes are hashed with different
//! first bytes, so that no node can pass for a leaf.

use super::canonical::canonical_json;
use crate::pipeline::item::ContentHash;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Raised whenever the meaning of a field changes, so that no old result is taken for a new one.
pub const FINGERPRINT_VERSION: u32 = 1;

/// Everything that decides a result.
#[derive(Debug, Clone, Copy)]
pub struct Fingerprinted<'a> {
    /// The feature extractor's id, which holds the hash of its weights.
    pub features: &'a str,
    /// How an item is prepared for the extractor.
    pub preprocessing: &'a str,
    /// [`merkle_root`] of the labels trained on.
    pub data: [u8; 32],
    /// [`ids_root`] of the audits measured on, or [`merkle_root`] of these with their labels; none if there are none.
    pub audits: Option<[u8; 32]>,
    /// [`folds_root`] of the split for out-of-fold predictions; none without one.
    pub folds: Option<[u8; 32]>,
    /// Head and hyper-parameters; numbers best as [`super::canonical::number`] writes them.
    pub params: &'a BTreeMap<String, String>,
    /// What chose the items to label.
    pub strategy: &'a str,
    /// Of every random choice.
    pub seed: u64,
    /// What arithmetic was used: `f32`, `f64`.
    pub numeric: &'a str,
}

/// The hashed text, field by field. Roots are hexadecimal; the seed is text, for JSON's numbers end at 2⁵³.
#[derive(Serialize)]
struct Written<'a> {
    schema: u32,
    features: &'a str,
    preprocessing: &'a str,
    data: String,
    audits: Option<String>,
    folds: Option<String>,
    params: &'a BTreeMap<String, String>,
    strategy: &'a str,
    seed: String,
    numeric: &'a str,
}

/// 64 hexadecimal digits.
pub fn fingerprint(experiment: &Fingerprinted) -> String {
    let hex = |root: [u8; 32]| ContentHash(root).to_hex();
    let written = Written {
        schema: FINGERPRINT_VERSION,
        features: experiment.features,
        preprocessing: experiment.preprocessing,
        data: hex(experiment.data),
        audits: experiment.audits.map(hex),
        folds: experiment.folds.map(hex),
        params: experiment.params,
        strategy: experiment.strategy,
        seed: experiment.seed.to_string(),
        numeric: experiment.numeric,
    };
    // Text and a small whole number always have canonical JSON.
    ContentHash::of(canonical_json(&written).unwrap_or_default().as_bytes()).to_hex()
}

/// The root of labelled items, whatever their order: an item's hash, its class's key, and the label's revision (the id of
/// the event that set it).
pub fn merkle_root(leaves: impl IntoIterator<Item = (ContentHash, String, String)>) -> [u8; 32] {
    root_of_sorted(leaves.into_iter().map(|(item, class, revision)| {
        let mut leaf = item.0.to_vec();
        // With its length before it, no class can run into the revision.
        leaf.extend((class.len() as u64).to_be_bytes());
        leaf.extend(class.as_bytes());
        leaf.extend(revision.as_bytes());
        leaf
    }))
}

/// The root of items alone, whatever their order.
pub fn ids_root(ids: impl IntoIterator<Item = ContentHash>) -> [u8; 32] {
    root_of_sorted(ids.into_iter().map(|id| id.0.to_vec()))
}

/// The root of a split, whatever its order: which item is held out in which fold.
pub fn folds_root(folds: impl IntoIterator<Item = (ContentHash, u32)>) -> [u8; 32] {
    root_of_sorted(folds.into_iter().map(|(item, fold)| [item.0.as_slice(), &fold.to_be_bytes()].concat()))
}

fn root_of_sorted(leaves: impl Iterator<Item = Vec<u8>>) -> [u8; 32] {
    let mut leaves: Vec<Vec<u8>> = leaves.collect();
    leaves.sort_unstable();
    let hashes: Vec<[u8; 32]> =
        leaves.iter().map(|leaf| Sha256::new().chain_update([0]).chain_update(leaf).finalize().into()).collect();
    root_of_hashes(&hashes)
}

/// RFC 6962's Merkle tree hash over leaves already hashed: left of the split is the largest power of two below the count.
fn root_of_hashes(hashes: &[[u8; 32]]) -> [u8; 32] {
    match hashes {
        [] => Sha256::digest([]).into(),
        [only] => *only,
        _ => {
            let split = hashes.len().next_power_of_two() / 2;
            let (left, right) = (root_of_hashes(&hashes[..split]), root_of_hashes(&hashes[split..]));
            Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    /// Certificate Transparency's own test data: the root of the first n leaves. The leaves are in sorted order.
    #[test]
    fn roots_are_those_of_rfc_6962() {
        let leaves =
            ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
        for (count, expected) in [
            (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
            (2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
            (3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
            (4, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
            (5, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
            (6, "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
            (7, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
            (8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
        ] {
            let root = root_of_sorted(leaves[..count].iter().rev().map(|leaf| bytes(leaf)));
            assert_eq!(ContentHash(root).to_hex(), expected, "{count}");
        }
    }

    fn leaf(item: &str, class: &str, revision: &str) -> (ContentHash, String, String) {
        (ContentHash::of(item.as_bytes()), class.into(), revision.into())
    }

    #[test]
    fn a_root_knows_what_it_is_of_and_not_in_which_order() {
        let root = merkle_root([leaf("a", "cat", "1"), leaf("b", "dog", "2"), leaf("c", "cat", "3")]);
        assert_eq!(root, merkle_root([leaf("c", "cat", "3"), leaf("a", "cat", "1"), leaf("b", "dog", "2")]));
        let others = [
            merkle_root([leaf("a", "cat", "1"), leaf("b", "dog", "2")]),
            merkle_root([leaf("a", "cat", "1"), leaf("b", "dog", "2"), leaf("c", "dog", "3")]),
            merkle_root([leaf("a", "cat", "1"), leaf("b", "dog", "2"), leaf("c", "cat", "4")]),
            merkle_root([leaf("a", "cat1", ""), leaf("b", "dog", "2"), leaf("c", "cat", "3")]),
            ids_root(["a", "b", "c"].map(|item| ContentHash::of(item.as_bytes()))),
            folds_root(["a", "b", "c"].map(|item| (ContentHash::of(item.as_bytes()), 0))),
        ];
        for other in others {
            assert_ne!(root, other);
        }
    }

    /// Expected from Python: `hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":"),
    /// ensure_ascii=False).encode()).hexdigest()`.
    #[test]
    fn a_fingerprint_is_what_any_implementation_would_give() {
        let params = BTreeMap::from([("head".to_string(), "ridge".to_string()), ("λ".to_string(), "0.1".to_string())]);
        let experiment = Fingerprinted {
            features: "text-1",
            preprocessing: "nfc",
            data: [0x11; 32],
            audits: None,
            folds: Some([0x22; 32]),
            params: &params,
            strategy: "herding",
            seed: u64::MAX,
            numeric: "f32",
        };
        let expected = fingerprint(&experiment);
        assert_eq!(expected, "3e431e231268690d83707f284711420e58a47ebfcbdeedd725d8bb2130957926");
        let more = BTreeMap::from([("head".to_string(), "ridge".to_string())]);
        let others = [
            Fingerprinted { features: "text-2", ..experiment },
            Fingerprinted { preprocessing: "nfd", ..experiment },
            Fingerprinted { data: [0x12; 32], ..experiment },
            Fingerprinted { audits: Some([0x22; 32]), folds: None, ..experiment },
            Fingerprinted { folds: None, ..experiment },
            Fingerprinted { params: &more, ..experiment },
            Fingerprinted { strategy: "random", ..experiment },
            Fingerprinted { seed: u64::MAX - 1, ..experiment },
            Fingerprinted { numeric: "f64", ..experiment },
        ];
        for other in &others {
            assert_ne!(fingerprint(other), expected, "{other:?}");
        }
    }
}
