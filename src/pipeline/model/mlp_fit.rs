//! Trains the network: candle's gradients, AdamW, one minibatch a slice at the least.

use super::linear::ABSENT_INTERCEPT;
use super::logistic::ClassWeight;
use super::mlp::Mlp;
use super::training_set::TrainingSet;
use super::weights::ClassCounts;
use candle_core::{D, DType, Device, Result, Tensor, Var};
use ndarray::Array2;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Rows in a minibatch.
const BATCH: usize = 32;
/// AdamW's decay of the mean gradient and of the mean squared gradient, and what keeps it from dividing by 0: the
/// paper's values.
const DECAYS: (f64, f64) = (0.9, 0.999);
const EPSILON: f64 = 1e-8;

/// How a network is trained.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MlpParams {
    /// Hidden units.
    pub hidden: usize,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Step size.
    pub learning_rate: f64,
    /// What each row counts.
    pub class_weight: ClassWeight,
    /// Decides the first weights and the order of rows.
    pub seed: u64,
}

/// A network in training; the same [`TrainingSet`] must come with every call.
///
/// Errors are candle's: shapes that do not fit, which would be a fault of this file.
#[derive(Debug)]
pub struct MlpFit {
    params: MlpParams,
    goal: Goal,
    /// Hidden weights (d × H) and bias, output weights (H × K) and bias.
    parameters: Vec<Parameter>,
    /// 0 for a class with rows, [`ABSENT_INTERCEPT`] for one without: 1 × K.
    bars: Tensor,
    order: Vec<usize>,
    next: usize,
    updates: i32,
    epoch: u32,
    random: ChaCha8Rng,
    loss_sum: f64,
    loss: f64,
}

/// What is learnt.
#[derive(Debug)]
enum Goal {
    /// The set's classes, by log-loss.
    Classes(ClassCounts),
    /// A number for each row of the set, by squared error.
    Values(Vec<f32>),
}

/// A tensor in training, with AdamW's two running means.
#[derive(Debug)]
struct Parameter {
    variable: Var,
    /// The same numbers: updating them in place is several times faster than tensor by tensor.
    values: Vec<f32>,
    means: Vec<f32>,
    mean_squares: Vec<f32>,
    /// Biases do not decay.
    decays: bool,
}

impl MlpFit {
    /// Towards the used rows, `None` if fewer than two classes have one.
    pub fn begin(set: &TrainingSet, used: &[bool], params: MlpParams) -> Option<Result<Self>> {
        let counts = ClassCounts::of(set, used)?;
        Some(Self::start(set, used, Goal::Classes(counts), params))
    }

    /// Towards a number for each row of the set, of about mean 0 and deviation 1, by squared error on the used rows. The
    /// set's classes and the class weight play no part; the network has one output.
    pub fn begin_values(set: &TrainingSet, used: &[bool], values: Vec<f32>, params: MlpParams) -> Result<Self> {
        Self::start(set, used, Goal::Values(values), params)
    }

    fn start(set: &TrainingSet, used: &[bool], goal: Goal, params: MlpParams) -> Result<Self> {
        let order: Vec<usize> = (0..set.len()).filter(|&row| used[row]).collect();
        let mut random = ChaCha8Rng::seed_from_u64(params.seed);
        let (columns, classes, hidden) = (set.dense_columns(), goal.outputs(), params.hidden);
        // He, Zhang, Ren & Sun, "Delving deep into rectifiers", 2015. Rows have unit spread in all, so each of the d
        // columns counts for 1/d of it: the first layer's weights are √d larger than for columns of unit variance.
        let mut weights = |rows: usize, columns: usize, deviation: f64| {
            let reach = deviation * 3f64.sqrt();
            let values = (0..rows * columns).map(|_| (reach * random.random_range(-1.0..1.0)) as f32).collect();
            Tensor::from_vec::<_, f32>(values, (rows, columns), &Device::Cpu)
        };
        let first = weights(columns, hidden, 2f64.sqrt())?;
        let second = weights(hidden, classes, (1.0 / hidden as f64).sqrt())?;
        let zeros = |width: usize| Tensor::zeros((1, width), DType::F32, &Device::Cpu);
        let parameters = [(first, true), (zeros(hidden)?, false), (second, true), (zeros(classes)?, false)];
        let bars: Vec<f32> =
            (0..classes).map(|class| if goal.active(class) { 0.0 } else { ABSENT_INTERCEPT }).collect();
        Ok(Self {
            params,
            goal,
            parameters: parameters.into_iter().map(Parameter::new).collect::<Result<_>>()?,
            bars: Tensor::from_vec(bars, (1, classes), &Device::Cpu)?,
            next: order.len(),
            order,
            updates: 0,
            epoch: 0,
            random,
            loss_sum: 0.0,
            loss: f64::NAN,
        })
    }

    /// One epoch, or a part of about `work` multiply-adds, at least one minibatch; true when the epoch has ended.
    pub fn step(&mut self, set: &TrainingSet, work: usize) -> Result<bool> {
        if self.next >= self.order.len() {
            self.order.shuffle(&mut self.random);
            (self.next, self.loss_sum) = (0, 0.0);
        }
        let per_row = 3 * self.params.hidden * (set.dense_columns() + self.goal.outputs());
        let mut left = work;
        while self.next < self.order.len() && left > 0 {
            let rows: Vec<usize> = self.order[self.next..].iter().take(BATCH).copied().collect();
            self.next += rows.len();
            self.loss_sum += self.learn(set, &rows)?;
            // AdamW itself costs about ten operations a parameter.
            left = left.saturating_sub(per_row * rows.len() + 4 * per_row);
        }
        let ended = self.next >= self.order.len();
        if ended {
            self.loss = self.loss_sum / self.order.len() as f64;
            self.epoch += 1;
        }
        Ok(ended)
    }

    /// Epochs that have ended.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// How much of the present epoch is done, 0 to 1.
    pub fn progress_in_epoch(&self) -> f64 {
        self.next as f64 / self.order.len().max(1) as f64 % 1.0
    }

    /// The mean training loss over the last epoch, measured as it went.
    pub fn training_loss(&self) -> f64 {
        self.loss
    }

    /// The network as it stands, for raw features.
    pub fn head(&self, set: &TrainingSet) -> Result<Mlp> {
        let table = |at: usize| -> Result<Array2<f32>> {
            let rows = self.parameters[at].variable.t()?.to_vec2::<f32>()?;
            let columns = rows.first().map_or(0, Vec::len);
            Ok(Array2::from_shape_fn((rows.len(), columns), |(row, column)| rows[row][column]))
        };
        let (centre, scale, _) = set.transformation();
        let hidden_weights = table(0)? * scale;
        let shift = hidden_weights.dot(&ndarray::ArrayView1::from(centre));
        let hidden_bias = table(1)?.iter().zip(&shift).map(|(bias, shift)| bias - shift).collect();
        let output = table(3)?;
        let final_bias = |(class, bias): (usize, &f32)| match &self.goal {
            Goal::Classes(counts) if counts.active(class) => {
                bias + counts.log_prior(class, self.params.class_weight) as f32
            }
            Goal::Classes(_) => ABSENT_INTERCEPT,
            Goal::Values(_) => *bias,
        };
        let output_bias = output.iter().enumerate().map(final_bias).collect();
        let mut output_weights = table(2)?;
        for class in (0..self.goal.outputs()).filter(|&class| !self.goal.active(class)) {
            output_weights.row_mut(class).fill(0.0);
        }
        Ok(Mlp { hidden_weights, hidden_bias, output_weights, output_bias })
    }

    /// One update from a minibatch; its summed loss.
    fn learn(&mut self, set: &TrainingSet, rows: &[usize]) -> Result<f64> {
        let outputs = self.goal.outputs();
        let mut dense: Vec<f32> = Vec::with_capacity(rows.len() * set.dense_columns());
        let mut targets = vec![0.0f32; rows.len() * outputs];
        for (at, &row) in rows.iter().enumerate() {
            dense.extend(set.dense_rows(row..row + 1));
            match &self.goal {
                Goal::Classes(counts) => {
                    let class = set.targets()[row];
                    targets[at * outputs + class] = counts.weight(class, self.params.class_weight) as f32;
                }
                Goal::Values(values) => targets[at] = values[row],
            }
        }
        let dense = Tensor::from_vec(dense, (rows.len(), set.dense_columns()), &Device::Cpu)?;
        let targets = Tensor::from_vec(targets, (rows.len(), outputs), &Device::Cpu)?;
        let [first, first_bias, second, second_bias] = &self.parameters[..] else { return Ok(0.0) };
        let hidden = dense.matmul(&first.variable)?.broadcast_add(&first_bias.variable)?.relu()?;
        let logits = hidden.matmul(&second.variable)?.broadcast_add(&second_bias.variable)?;
        let summed = match &self.goal {
            Goal::Classes(_) => {
                let logits = logits.broadcast_add(&self.bars)?;
                let top = logits.max_keepdim(D::Minus1)?.detach();
                let shifted = logits.broadcast_sub(&top)?;
                let log_sum = shifted.exp()?.sum_keepdim(D::Minus1)?.log()?;
                let log_probabilities = shifted.broadcast_sub(&log_sum)?;
                (targets * log_probabilities)?.sum_all()?.neg()?
            }
            Goal::Values(_) => (logits - targets)?.sqr()?.sum_all()?,
        };
        let gradients = (&summed / rows.len() as f64)?.backward()?;
        self.updates += 1;
        for parameter in &mut self.parameters {
            if let Some(gradient) = gradients.get(parameter.variable.as_tensor()) {
                parameter.update(gradient, &self.params, self.updates)?;
            }
        }
        Ok(f64::from(summed.to_scalar::<f32>()?))
    }
}

impl Goal {
    fn outputs(&self) -> usize {
        match self {
            Goal::Classes(counts) => counts.classes(),
            Goal::Values(_) => 1,
        }
    }

    /// Whether a row teaches this output.
    fn active(&self, output: usize) -> bool {
        match self {
            Goal::Classes(counts) => counts.active(output),
            Goal::Values(_) => true,
        }
    }
}

impl Parameter {
    fn new((start, decays): (Tensor, bool)) -> Result<Self> {
        let values = start.flatten_all()?.to_vec1::<f32>()?;
        let zeros = vec![0.0; values.len()];
        Ok(Self { variable: Var::from_tensor(&start)?, values, means: zeros.clone(), mean_squares: zeros, decays })
    }

    /// AdamW (Loshchilov & Hutter, "Decoupled weight decay regularization", 2019, algorithm 2), with a constant rate.
    fn update(&mut self, gradient: &Tensor, params: &MlpParams, updates: i32) -> Result<()> {
        let (keep_mean, keep_square) = DECAYS;
        let gradient = gradient.flatten_all()?.to_vec1::<f32>()?;
        let decay = if self.decays { (1.0 - params.learning_rate * params.weight_decay) as f32 } else { 1.0 };
        let rate = (params.learning_rate / (1.0 - keep_mean.powi(updates))) as f32;
        let square_scale = (1.0 / (1.0 - keep_square.powi(updates))) as f32;
        let (keep_mean, keep_square, epsilon) = (keep_mean as f32, keep_square as f32, EPSILON as f32);
        let state = self.values.iter_mut().zip(&mut self.means).zip(&mut self.mean_squares);
        for (((value, mean), mean_square), gradient) in state.zip(gradient) {
            *mean = keep_mean * *mean + (1.0 - keep_mean) * gradient;
            *mean_square = keep_square * *mean_square + (1.0 - keep_square) * gradient * gradient;
            *value = decay * *value - rate * *mean / ((*mean_square * square_scale).sqrt() + epsilon);
        }
        self.variable.set(&Tensor::from_slice(&self.values, self.variable.shape(), &Device::Cpu)?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::training_set::Scaling;
    use super::*;
    use crate::pipeline::features::matrix::{FeatureVector, Features, SparseRow};
    use crate::pipeline::predict::{likeliest, softmax};

    fn params(class_weight: ClassWeight) -> MlpParams {
        MlpParams { hidden: 24, weight_decay: 0.01, learning_rate: 0.01, class_weight, seed: 3 }
    }

    /// Exclusive or, which no linear head learns; class 2 of 4 has no row.
    fn exclusive_or(rows: usize) -> (Features, Vec<(usize, usize)>) {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut features = Features::new(3, 0);
        let mut labels = Vec::new();
        for row in 0..rows {
            let dense: Vec<f32> = (0..3).map(|_| 10.0 + random.random_range(-1.0..1.0f32)).collect();
            labels.push((row, if (dense[0] > 10.0) == (dense[1] > 10.0) { 1 } else { 3 }));
            features.push(FeatureVector { dense, sparse: SparseRow::default() });
        }
        (features, labels)
    }

    fn train(set: &TrainingSet, used: &[bool], params: MlpParams, epochs: u32, work: usize) -> MlpFit {
        let mut fit = MlpFit::begin(set, used, params).expect("two classes").expect("shapes fit");
        while fit.epoch() < epochs {
            fit.step(set, work).expect("shapes fit");
        }
        fit
    }

    #[test]
    fn learns_what_no_line_parts_the_same_in_any_slices() {
        let (features, labels) = exclusive_or(500);
        let set = TrainingSet::gather(&features, &labels, 4, Scaling::UnitSpread);
        let used: Vec<bool> = (0..500).map(|row| row < 300).collect();
        let whole = train(&set, &used, params(ClassWeight::Equal), 60, usize::MAX);
        let sliced = train(&set, &used, params(ClassWeight::Equal), 60, 1);
        let (head, again) = (whole.head(&set).expect("shapes"), sliced.head(&set).expect("shapes"));
        assert_eq!(head, again);
        assert!(whole.training_loss() < 0.2, "{}", whole.training_loss());
        let logits = head.logits(features.dense.view());
        let right = (300..500).filter(|&row| likeliest(logits.row(row)) == labels[row].1).count();
        assert!(right >= 180, "{right} of 200");
        assert_eq!(softmax(&logits, 1.0).column(2).sum(), 0.0);
    }

    #[test]
    fn adamw_takes_the_steps_of_the_paper_by_hand() {
        let start = Tensor::new(&[[1.0f32, -2.0]], &Device::Cpu).expect("a tensor");
        let mut parameter = Parameter::new((start, true)).expect("a tensor");
        let params = MlpParams { learning_rate: 0.1, weight_decay: 0.5, ..params(ClassWeight::Equal) };
        let (mut expected, mut mean, mut square) = ([1.0f64, -2.0], [0.0f64; 2], [0.0f64; 2]);
        for step in 1..=3 {
            let gradient = [0.3 * f64::from(step), -4.0];
            let tensor = Tensor::new(&[[gradient[0] as f32, gradient[1] as f32]], &Device::Cpu).expect("a tensor");
            parameter.update(&tensor, &params, step).expect("shapes fit");
            for at in 0..2 {
                mean[at] = 0.9 * mean[at] + 0.1 * gradient[at];
                square[at] = 0.999 * square[at] + 0.001 * gradient[at] * gradient[at];
                let (m, s) = (mean[at] / (1.0 - 0.9f64.powi(step)), square[at] / (1.0 - 0.999f64.powi(step)));
                expected[at] -= 0.1 * 0.5 * expected[at] + 0.1 * m / (s.sqrt() + 1e-8);
            }
        }
        let found = parameter.variable.to_vec2::<f32>().expect("values");
        assert!((0..2).all(|at| (f64::from(found[0][at]) - expected[at]).abs() < 1e-4), "{found:?} {expected:?}");
    }

    #[test]
    fn balanced_training_with_the_prior_put_back_finds_the_shares() {
        // Rows that say nothing: the best prediction is each class's share, however the rows are weighed.
        let mut features = Features::new(2, 0);
        (0..200).for_each(|row| {
            let dense = vec![(row % 2) as f32, 0.0];
            features.push(FeatureVector { dense, sparse: SparseRow::default() });
        });
        let labels: Vec<(usize, usize)> = (0..200).map(|row| (row, usize::from(row / 2 % 5 == 0))).collect();
        let set = TrainingSet::gather(&features, &labels, 2, Scaling::UnitSpread);
        for weight in [ClassWeight::Equal, ClassWeight::Balanced] {
            let params = MlpParams { learning_rate: 0.003, ..params(weight) };
            let fit = train(&set, &[true; 200], params, 150, usize::MAX);
            let share = softmax(&fit.head(&set).expect("shapes").logits(features.dense.view()), 1.0)[[0, 1]];
            assert!((share - 0.2).abs() < 0.06, "{share}");
        }
    }
}
