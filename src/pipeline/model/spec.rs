//! What is trained: the head, its hyper-parameters, and the features it reads.

use super::logistic::ClassWeight;
use crate::pipeline::features::matrix::Features;
use crate::pipeline::item::Kind;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A head and its hyper-parameters; unchecked, see [`HeadSpec::check`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum HeadParams {
    /// Multinomial logistic regression, see `model/logistic.rs`.
    Logistic {
        /// scikit-learn's C, the inverse strength of the L2 penalty, above 0.
        c: f64,
    },
    /// One-hot ridge regression, see `model/ridge.rs`.
    Ridge {
        /// scikit-learn's alpha on features of unit spread, above 0; `None`: chosen by exact leave-one-out.
        lambda: Option<f64>,
    },
    /// Cosine to the class means, see `model/prototype.rs`.
    Prototype {
        /// How many rows' weight the grand mean has in each class mean, at least 0.
        shrinkage: f64,
    },
    /// A vote of the nearest labelled rows, see `model/knn.rs`.
    Knn {
        /// How many vote, 1 to 1,000.
        k: usize,
    },
    /// A network with one hidden layer, see `model/mlp.rs`.
    Mlp {
        /// Hidden units, 1 to 1,024.
        hidden: usize,
        /// AdamW's decoupled weight decay, at least 0.
        weight_decay: f64,
        /// AdamW's step size, above 0, at most 1.
        learning_rate: f64,
        /// Epochs at most, 1 to 1,000; how many are used is decided out of fold.
        epochs: usize,
    },
    /// Extremely randomised trees, see `model/forest.rs`.
    Forest {
        /// How many trees, 1 to 1,000.
        trees: usize,
        /// Splits from the root to a leaf at most, 1 to 64.
        depth: usize,
    },
}

/// Which features the head reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeatureOptions {
    /// The dense half.
    pub dense: bool,
    /// The sparse half (n-grams), where the features have one.
    pub sparse: bool,
    /// To how many principal directions of the training rows the dense half is reduced; `None`: it is read as it is.
    pub dimensions: Option<usize>,
}

impl FeatureOptions {
    /// All there is.
    pub const ALL: FeatureOptions = FeatureOptions { dense: true, sparse: true, dimensions: None };
    /// Without n-grams.
    pub const DENSE: FeatureOptions = FeatureOptions { dense: true, sparse: false, dimensions: None };
}

/// All that decides a training run besides data and seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeadSpec {
    /// The head.
    pub head: HeadParams,
    /// What it reads.
    pub features: FeatureOptions,
    /// What each row counts. After balanced training the classes' true shares are put back as a prior, so that
    /// probabilities are those of the world the labels came from.
    pub class_weight: ClassWeight,
}

impl HeadSpec {
    /// What Hone trains beside the person who labels: logistic regression on all features.
    pub fn default_for(kind: Kind) -> Self {
        let c = match kind {
            Kind::Text => 3.0,
            Kind::Image | Kind::Table => 10.0,
        };
        Self::of(HeadParams::Logistic { c })
    }

    /// A head by its word (see [`HeadSpec::WORDS`]), with the hyper-parameters that suit items of this kind.
    pub fn named(word: &str, kind: Kind) -> Option<Self> {
        let head = match word {
            "logistic" => return Some(Self::default_for(kind)),
            "ridge" => HeadParams::Ridge { lambda: None },
            "prototype" => HeadParams::Prototype { shrinkage: 0.5 },
            "knn" => HeadParams::Knn { k: 10 },
            "mlp" => HeadParams::Mlp { hidden: 128, weight_decay: 0.01, learning_rate: 0.003, epochs: 100 },
            "forest" => HeadParams::Forest { trees: 200, depth: 16 },
            _ => return None,
        };
        Some(Self::of(head))
    }

    /// The words for the heads.
    pub const WORDS: [&'static str; 6] = ["logistic", "ridge", "prototype", "knn", "mlp", "forest"];

    fn of(head: HeadParams) -> Self {
        let features = if head.reads_sparse() { FeatureOptions::ALL } else { FeatureOptions::DENSE };
        Self { head, features, class_weight: ClassWeight::Equal }
    }

    /// Whether every hyper-parameter is in its range and the parts go together.
    ///
    /// # Errors
    /// Says which one is not, and what would be right.
    pub fn check(&self) -> Result<(), String> {
        self.head.check()?;
        let FeatureOptions { dense, sparse, dimensions } = self.features;
        let word = self.head.word();
        if !dense && !sparse {
            return Err(format!("the {word} head would read no features: leave the dense or the sparse half in"));
        }
        if !self.head.reads_sparse() && (sparse || !dense) {
            return Err(format!("the {word} head reads the dense half alone: leave the sparse half out"));
        }
        if dimensions == Some(0) {
            return Err("the dense half needs at least 1 dimension".into());
        }
        if dimensions.is_some() && !dense {
            return Err("dimensions are of the dense half, which is left out".into());
        }
        if !self.head.weighs_rows() && self.class_weight == ClassWeight::Balanced {
            return Err(format!("weighing classes changes nothing in the {word} head: leave the weights equal"));
        }
        Ok(())
    }

    /// Whether these features have what the spec asks for; it must have passed [`HeadSpec::check`].
    ///
    /// # Errors
    /// Says what they lack.
    pub fn check_against(&self, features: &Features) -> Result<(), String> {
        let (wanted, width) = (self.features.dimensions, features.dense_columns());
        if wanted.is_some_and(|wanted| wanted >= width) {
            return Err(format!("the dense half has {width} columns; fewer dimensions than these can be asked for"));
        }
        if !self.features.dense && features.sparse_columns == 0 {
            return Err("these features have no sparse half to read".into());
        }
        Ok(())
    }

    /// In a few words: `ridge, dense only`.
    pub fn name(&self) -> String {
        let mut name = self.head.word().to_string();
        let FeatureOptions { dense, sparse, dimensions } = self.features;
        if self.head.reads_sparse() && !sparse {
            name += ", dense only";
        } else if !dense {
            name += ", sparse only";
        }
        if let Some(dimensions) = dimensions {
            name += &format!(", {dimensions} dimensions");
        }
        if self.class_weight == ClassWeight::Balanced {
            name += ", balanced";
        }
        name
    }

    /// The hyper-parameters in a few words: `c 10`, `k 5`; empty if they are all chosen by the data.
    pub fn hyper_parameters(&self) -> String {
        match &self.head {
            HeadParams::Logistic { c } => format!("c {c}"),
            HeadParams::Ridge { lambda: Some(lambda) } => format!("lambda {lambda}"),
            HeadParams::Ridge { lambda: None } => String::new(),
            HeadParams::Prototype { shrinkage } => format!("shrinkage {shrinkage}"),
            HeadParams::Knn { k } => format!("k {k}"),
            HeadParams::Mlp { hidden, weight_decay, learning_rate, epochs: _ } => {
                format!("hidden {hidden}, rate {learning_rate}, decay {weight_decay}")
            }
            HeadParams::Forest { trees, depth } => format!("trees {trees}, depth {depth}"),
        }
    }

    /// The head's word and every hyper-parameter by name, numbers in their shortest form that reads back equal. Equal
    /// maps mean equal specs.
    pub fn params(&self) -> BTreeMap<String, String> {
        let mut params = self.head.params();
        params.insert("head", self.head.word().into());
        params.insert("dense", self.features.dense.to_string());
        params.insert("sparse", self.features.sparse.to_string());
        params.insert("dimensions", self.features.dimensions.map_or("all".into(), |count| count.to_string()));
        let weight = match self.class_weight {
            ClassWeight::Equal => "equal",
            ClassWeight::Balanced => "balanced",
        };
        params.insert("class_weight", weight.into());
        params.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
    }
}

impl HeadParams {
    /// One word for the head.
    pub fn word(&self) -> &'static str {
        match self {
            HeadParams::Logistic { .. } => "logistic",
            HeadParams::Ridge { .. } => "ridge",
            HeadParams::Prototype { .. } => "prototype",
            HeadParams::Knn { .. } => "knn",
            HeadParams::Mlp { .. } => "mlp",
            HeadParams::Forest { .. } => "forest",
        }
    }

    /// Whether the head can read hashed n-grams.
    pub fn reads_sparse(&self) -> bool {
        !matches!(self, HeadParams::Mlp { .. } | HeadParams::Forest { .. })
    }

    /// Class means are the same for any class weight, and a vote's weight is what the prior takes back.
    fn weighs_rows(&self) -> bool {
        !matches!(self, HeadParams::Prototype { .. } | HeadParams::Knn { .. })
    }

    fn check(&self) -> Result<(), String> {
        let within = |name: &str, value: usize, most: usize| match value {
            _ if (1..=most).contains(&value) => Ok(()),
            _ => Err(format!("{name} must be from 1 to {most}, got {value}")),
        };
        let above_zero = |name: &str, value: f64| match value {
            _ if value.is_finite() && value > 0.0 => Ok(()),
            _ => Err(format!("{name} must be a finite number above 0, got {value}")),
        };
        let not_negative = |name: &str, value: f64| match value {
            _ if value.is_finite() && value >= 0.0 => Ok(()),
            _ => Err(format!("{name} must be a finite number of at least 0, got {value}")),
        };
        match *self {
            HeadParams::Logistic { c } => above_zero("c", c),
            HeadParams::Ridge { lambda } => lambda.map_or(Ok(()), |lambda| above_zero("lambda", lambda)),
            HeadParams::Prototype { shrinkage } => not_negative("shrinkage", shrinkage),
            HeadParams::Knn { k } => within("k", k, 1000),
            HeadParams::Mlp { hidden, weight_decay, learning_rate, epochs } => {
                within("hidden", hidden, 1024)?;
                not_negative("weight_decay", weight_decay)?;
                above_zero("learning_rate", learning_rate)?;
                if learning_rate > 1.0 {
                    return Err(format!("learning_rate must be at most 1, got {learning_rate}"));
                }
                within("epochs", epochs, 1000)
            }
            HeadParams::Forest { trees, depth } => {
                within("trees", trees, 1000)?;
                within("depth", depth, 64)
            }
        }
    }

    fn params(&self) -> BTreeMap<&'static str, String> {
        let named = |params: &[(&'static str, String)]| params.iter().cloned().collect();
        match self {
            HeadParams::Logistic { c } => named(&[("c", c.to_string())]),
            HeadParams::Ridge { lambda } => {
                named(&[("lambda", lambda.map_or("leave-one-out".into(), |lambda| lambda.to_string()))])
            }
            HeadParams::Prototype { shrinkage } => named(&[("shrinkage", shrinkage.to_string())]),
            HeadParams::Knn { k } => named(&[("k", k.to_string())]),
            HeadParams::Mlp { hidden, weight_decay, learning_rate, epochs } => named(&[
                ("hidden", hidden.to_string()),
                ("weight_decay", weight_decay.to_string()),
                ("learning_rate", learning_rate.to_string()),
                ("epochs", epochs.to_string()),
            ]),
            HeadParams::Forest { trees, depth } => named(&[("trees", trees.to_string()), ("depth", depth.to_string())]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(head: HeadParams) -> HeadSpec {
        HeadSpec::of(head)
    }

    #[test]
    fn every_word_names_a_sound_spec() {
        for word in HeadSpec::WORDS {
            for kind in [Kind::Image, Kind::Text, Kind::Table] {
                let spec = HeadSpec::named(word, kind).expect("a known word");
                assert_eq!(spec.check(), Ok(()));
                assert_eq!((spec.name().as_str(), spec.params()["head"].as_str()), (word, word));
            }
        }
        assert_eq!(HeadSpec::named("tree", Kind::Table), None);
    }

    #[test]
    fn names_and_parameters_tell_specs_apart() {
        let ridge = HeadSpec { features: FeatureOptions::DENSE, ..spec(HeadParams::Ridge { lambda: None }) };
        assert_eq!(ridge.name(), "ridge, dense only");
        let precise = spec(HeadParams::Logistic { c: 0.1 + 0.2 });
        assert_eq!(precise.params()["c"], "0.30000000000000004");
        assert_ne!(precise.params(), spec(HeadParams::Logistic { c: 0.3 }).params());
        let fewer = FeatureOptions { dimensions: Some(32), ..FeatureOptions::ALL };
        let reduced = HeadSpec { features: fewer, class_weight: ClassWeight::Balanced, ..precise };
        assert_eq!(reduced.name(), "logistic, 32 dimensions, balanced");
    }

    #[test]
    fn what_is_out_of_range_is_refused_by_name() {
        let dimensionless = FeatureOptions { dimensions: Some(0), ..FeatureOptions::ALL };
        let nothing = FeatureOptions { dense: false, sparse: false, dimensions: None };
        let mlp = HeadParams::Mlp { hidden: 8, weight_decay: 0.0, learning_rate: 2.0, epochs: 5 };
        let forest = HeadParams::Forest { trees: 10, depth: 4 };
        let prototype = spec(HeadParams::Prototype { shrinkage: 1.0 });
        for (spec, word) in [
            (spec(HeadParams::Logistic { c: 0.0 }), "c must"),
            (spec(HeadParams::Ridge { lambda: Some(f64::NAN) }), "lambda"),
            (spec(HeadParams::Prototype { shrinkage: -1.0 }), "shrinkage"),
            (spec(HeadParams::Knn { k: 0 }), "k must"),
            (spec(mlp), "learning_rate"),
            (HeadSpec { features: FeatureOptions::ALL, ..spec(forest) }, "dense half alone"),
            (HeadSpec { features: nothing, ..prototype.clone() }, "no features"),
            (HeadSpec { features: dimensionless, ..prototype.clone() }, "dimension"),
            (HeadSpec { class_weight: ClassWeight::Balanced, ..prototype }, "equal"),
        ] {
            let refusal = spec.check().expect_err("out of range");
            assert!(refusal.contains(word), "{refusal}");
        }
    }
}
