//! Heads of every kind as safetensors bytes, and back. A linear head is written as it always was.

use super::forest::{Forest, LEAF, Node};
use super::head::TrainedHead;
use super::knn::Knn;
use super::mlp::Mlp;
use super::projection::Projection;
use super::prototype::Prototype;
use super::tensors::{Reader, TensorsError, Writer, expect, head_from_tensors, head_to_tensors};
use super::view::FeatureView;
use crate::pipeline::features::matrix::{Features, SparseRow};
use ndarray::Array1;
use safetensors::tensor::SafeTensors;

/// The metadata entry that names the head; files without it hold a linear one.
const HEAD: &str = "head";

impl TrainedHead {
    /// Safetensors: the tensors that [`TrainedHead::usage`] names, the head's kind and view as metadata.
    ///
    /// # Errors
    /// If a tensor does not have the shape it says, which would be a fault of Hone's.
    pub fn to_tensors(&self) -> Result<Vec<u8>, TensorsError> {
        let mut file = Writer::default();
        match self {
            TrainedHead::Linear(linear) => return head_to_tensors(linear),
            TrainedHead::Prototype(_, Prototype(linear)) => {
                file.linear(linear);
            }
            TrainedHead::Knn(_, knn) => {
                file.matrix("rows", &knn.rows.dense);
                file.numbers("row_classes", knn.targets.iter().map(|&class| class as u32));
                file.vector("shares", &knn.shares);
                let starts = knn.rows.sparse.iter().scan(0, |end, row| {
                    *end += row.indices.len();
                    Some((*end - row.indices.len()) as u32)
                });
                file.numbers("sparse_starts", starts);
                file.numbers("sparse_columns", knn.rows.sparse.iter().flat_map(|row| row.indices.iter().copied()));
                let values: Vec<f32> = knn.rows.sparse.iter().flat_map(|row| row.values.iter().copied()).collect();
                file.vector("sparse_values", &values);
                file.note("k", knn.k);
            }
            TrainedHead::Mlp(_, mlp) => {
                file.matrix("hidden_weights", &mlp.hidden_weights);
                file.vector("hidden_bias", &mlp.hidden_bias);
                file.matrix("output_weights", &mlp.output_weights);
                file.vector("output_bias", &mlp.output_bias);
            }
            TrainedHead::Forest(_, forest) => {
                file.numbers("roots", forest.roots.iter().copied());
                file.numbers("columns", forest.nodes.iter().map(|node| node.column));
                file.numbers("left", forest.nodes.iter().map(|node| node.left));
                file.numbers("right", forest.nodes.iter().map(|node| node.right));
                let thresholds: Vec<f32> = forest.nodes.iter().map(|node| node.threshold).collect();
                file.vector("thresholds", &thresholds);
                file.matrix("leaves", &forest.leaves);
                file.vector("offsets", &forest.offsets);
            }
        }
        file.note(HEAD, self.word());
        if let Some(view) = self.view() {
            file.note("dense_columns", view.dense_columns);
            file.note("sparse_columns", view.sparse_columns);
            file.note("reads_dense", view.dense);
            file.note("reads_sparse", view.sparse);
            if let Some(projection) = &view.projection {
                file.vector("projection_mean", projection.mean.as_slice().unwrap_or_default());
                file.matrix("projection_basis", &projection.basis);
            }
        }
        file.finish()
    }

    /// The inverse of [`TrainedHead::to_tensors`]; reads the plain linear files of earlier releases, too.
    ///
    /// # Errors
    /// If the bytes are not safetensors, are damaged, or hold a head that this release does not know.
    pub fn from_tensors(bytes: &[u8]) -> Result<Self, TensorsError> {
        let (_, metadata) = SafeTensors::read_metadata(bytes)?;
        let notes = metadata.metadata().clone().unwrap_or_default();
        let Some(word) = notes.get(HEAD) else { return Ok(TrainedHead::Linear(head_from_tensors(bytes)?)) };
        let file = Reader { file: SafeTensors::deserialize(bytes)?, notes: &notes };
        let view = file.view()?;
        let (dense, sparse) = (view.seen_dense_columns(), view.seen_sparse_columns());
        match word.as_str() {
            "prototype" => {
                let linear = file.linear()?;
                expect("dense", linear.dense.ncols() == dense)?;
                expect("sparse", linear.sparse.width() == sparse)?;
                Ok(TrainedHead::Prototype(view, Prototype(linear)))
            }
            "knn" => Ok(TrainedHead::Knn(view, Box::new(file.knn(dense, sparse)?))),
            "mlp" => {
                let mlp = Mlp {
                    hidden_weights: file.matrix("hidden_weights")?,
                    hidden_bias: file.vector("hidden_bias")?,
                    output_weights: file.matrix("output_weights")?,
                    output_bias: file.vector("output_bias")?,
                };
                let hidden = mlp.hidden_bias.len();
                expect("hidden_weights", mlp.hidden_weights.dim() == (hidden, dense))?;
                expect("output_weights", mlp.output_weights.dim() == (mlp.output_bias.len(), hidden))?;
                Ok(TrainedHead::Mlp(view, mlp))
            }
            "forest" => Ok(TrainedHead::Forest(view, file.forest(dense)?)),
            _ => Err(TensorsError::Tensor("head")),
        }
    }
}

impl Reader<'_> {
    fn view(&self) -> Result<FeatureView, TensorsError> {
        let mut view = FeatureView {
            dense_columns: self.note("dense_columns")?,
            sparse_columns: self.note("sparse_columns")?,
            dense: self.note("reads_dense")?,
            sparse: self.note("reads_sparse")?,
            projection: None,
        };
        // A view of nothing, or of a half that its features lack.
        expect("reads_sparse", if view.sparse { view.sparse_columns > 0 } else { view.dense })?;
        if self.file.names().contains(&"projection_basis") {
            let (mean, basis) = (self.vector("projection_mean")?, self.matrix("projection_basis")?);
            expect("projection_mean", mean.len() == view.dense_columns)?;
            expect("projection_basis", basis.nrows() == view.dense_columns)?;
            view.projection = Some(Projection { mean: Array1::from(mean), basis });
        }
        Ok(view)
    }

    fn knn(&self, dense: usize, sparse: usize) -> Result<Knn, TensorsError> {
        let rows = self.matrix("rows")?;
        let targets: Vec<usize> = self.numbers("row_classes")?.into_iter().map(|class| class as usize).collect();
        let shares = self.vector("shares")?;
        let k = self.note("k")?;
        expect("k", k > 0)?;
        expect("rows", rows.dim() == (targets.len(), dense))?;
        expect("row_classes", targets.iter().all(|&class| class < shares.len()))?;
        let mut features = Features { dense: rows, sparse: Vec::new(), sparse_columns: sparse };
        if sparse > 0 {
            let (starts, columns) = (self.numbers("sparse_starts")?, self.numbers("sparse_columns")?);
            let values = self.vector("sparse_values")?;
            expect("sparse_starts", starts.len() == targets.len())?;
            expect("sparse_columns", columns.iter().all(|&column| (column as usize) < sparse))?;
            expect("sparse_values", values.len() == columns.len())?;
            let ends = starts.iter().skip(1).copied().chain([columns.len() as u32]);
            for (&start, end) in starts.iter().zip(ends) {
                let range = start as usize..end as usize;
                let (indices, values) = (columns.get(range.clone()), values.get(range));
                let (Some(indices), Some(values)) = (indices, values) else {
                    return Err(TensorsError::Tensor("sparse_starts"));
                };
                features.sparse.push(SparseRow { indices: indices.to_vec(), values: values.to_vec() });
            }
        }
        Ok(Knn { k, rows: features, targets, shares })
    }

    fn forest(&self, dense: usize) -> Result<Forest, TensorsError> {
        let (roots, columns) = (self.numbers("roots")?, self.numbers("columns")?);
        let (left, right, thresholds) = (self.numbers("left")?, self.numbers("right")?, self.vector("thresholds")?);
        let (leaves, offsets) = (self.matrix("leaves")?, self.vector("offsets")?);
        let count = columns.len();
        expect("left", left.len() == count)?;
        expect("right", right.len() == count)?;
        expect("thresholds", thresholds.len() == count)?;
        expect("leaves", leaves.ncols() == offsets.len())?;
        expect("roots", !roots.is_empty() && roots.iter().all(|&root| (root as usize) < count))?;
        let node =
            |at: usize| Node { column: columns[at], threshold: thresholds[at], left: left[at], right: right[at] };
        let nodes: Vec<Node> = (0..count).map(node).collect();
        // Children after their parent: no walk can go in circles.
        let sound = |(at, node): (usize, &Node)| {
            let below = |child: u32| (child as usize) > at && (child as usize) < count;
            match node.column {
                LEAF => (node.left as usize) < leaves.nrows(),
                column => (column as usize) < dense && below(node.left) && below(node.right),
            }
        };
        expect("columns", nodes.iter().enumerate().all(sound))?;
        Ok(Forest { roots, nodes, leaves, offsets })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::experiment;
    use crate::pipeline::features::matrix::FeatureVector;
    use crate::pipeline::item::Kind;
    use crate::pipeline::model::spec::{FeatureOptions, HeadSpec};

    fn data() -> (Features, Vec<(usize, usize)>) {
        let mut features = Features::new(6, 50);
        for row in 0..40u32 {
            let sparse = SparseRow { indices: vec![row % 2, 10 + row % 7], values: vec![1.0, 0.5] };
            let dense = (0..6).map(|j| ((row * (j + 3)) % 11) as f32 + (row % 2) as f32).collect();
            features.push(FeatureVector { dense, sparse });
        }
        (features, (0..40).map(|row| (row, row % 2)).collect())
    }

    fn heads() -> Vec<(String, TrainedHead)> {
        let (features, labels) = data();
        let mut specs: Vec<HeadSpec> =
            HeadSpec::WORDS.iter().filter_map(|word| HeadSpec::named(word, Kind::Text)).collect();
        for at in 0..specs.len() {
            let options = FeatureOptions { dimensions: Some(3), ..specs[at].features };
            specs.push(HeadSpec { features: options, ..specs[at].clone() });
        }
        let head = |spec: HeadSpec| {
            let outcome = experiment::run(&features, &labels, 3, &spec, 1).expect("two classes");
            (spec.name(), outcome.head)
        };
        specs.into_iter().map(head).collect()
    }

    #[test]
    fn every_head_survives_its_bytes() {
        let (features, _) = data();
        for (name, head) in heads() {
            let bytes = head.to_tensors().expect("a well-formed head");
            let back = TrainedHead::from_tensors(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(back.logits(&features), head.logits(&features), "{name}");
            assert_eq!((back.view(), back.word()), (head.view(), head.word()), "{name}");
            assert!(TrainedHead::from_tensors(&bytes[..bytes.len() - 5]).is_err(), "{name}");
        }
    }

    #[test]
    fn what_was_tampered_with_is_refused_and_never_panics() {
        for (name, head) in heads().into_iter().filter(|(_, head)| head.linear().is_none()) {
            let bytes = head.to_tensors().expect("a well-formed head");
            let header = 8 + u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize;
            let (features, _) = data();
            // No number at all, and a number that is a sound weight yet no sound place.
            for nonsense in [f32::NAN, 120.0] {
                let mut taken = 0;
                for at in (header..bytes.len()).step_by(4 * (1 + (bytes.len() - header) / 800)) {
                    let mut changed = bytes.clone();
                    changed[at..at + 4].copy_from_slice(&nonsense.to_le_bytes());
                    if let Ok(head) = TrainedHead::from_tensors(&changed) {
                        assert_eq!(head.logits(&features).nrows(), 40, "{name}");
                        taken += 1;
                    }
                }
                // What a leaf says of a child on the right is not read.
                let all_refused = nonsense.is_nan() && !matches!(head, TrainedHead::Forest(..));
                assert_eq!(taken == 0, all_refused, "{name}: {taken} taken with {nonsense}");
            }
        }
    }
}
