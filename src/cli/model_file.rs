//! A model as one file: the zip of safetensors weights and JSON card that the app exports too.

use super::arguments::{RunArguments, TableArguments};
use super::dataset::Dataset;
use super::embed::Extractor;
use super::failure::Failure;
use super::roles::{ModelColumns, fit_to_model};
use crate::pipeline::export::model_card::{
    CARD_FILE, MODEL_FORMAT, ModelCard, TENSORS_FILE, format_version, model_files,
};
use crate::pipeline::features::matrix::Features;
use crate::pipeline::features::table::TableEncoder;
use crate::pipeline::import::plan::ImportPlan;
use crate::pipeline::item::Kind;
use crate::pipeline::label::Class;
use crate::pipeline::model::calibration::is_temperature;
use crate::pipeline::model::head::TrainedHead;
use crate::pipeline::predict::softmax;
use crate::protocol::RELEASE;
use crate::storage::archive::zip_files;
use ndarray::Array2;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use zip::ZipArchive;

/// No part of a model may unpack to more than this: a file may have been made to harm.
const MAX_PART_BYTES: u64 = 1 << 30;

/// Everything needed to predict.
pub struct SavedModel {
    /// What it was trained on, for people.
    pub name: String,
    /// What it classifies.
    pub kind: Kind,
    /// The features it reads.
    pub feature_id: String,
    /// The classes' names, in the order of the head's rows.
    pub classes: Vec<String>,
    /// The columns it reads and the one its labels came from.
    pub columns: ModelColumns,
    /// For tables.
    pub encoder: Option<TableEncoder>,
    /// The weights.
    pub head: TrainedHead,
    /// Divides the logits before the softmax.
    pub temperature: f64,
    /// How many labels it learnt from.
    pub labels: u32,
}

impl SavedModel {
    /// Writes the model file.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        let unusable = |error: &dyn std::fmt::Display| Failure::file("write", path, error);
        let class = |name: &String| Class { key: name.clone(), name: name.clone() };
        let card = ModelCard {
            format: MODEL_FORMAT.into(),
            format_version: format_version(&self.head),
            release: RELEASE.into(),
            project: self.name.clone(),
            kind: self.kind,
            classes: self.classes.iter().map(class).collect(),
            feature_id: self.feature_id.clone(),
            preprocessing: preprocessing(self.kind).into(),
            columns: self.columns.content.clone(),
            label_column: self.columns.label.clone(),
            encoder: match &self.encoder {
                Some(encoder) => Some(serde_json::to_value(encoder).map_err(|error| unusable(&error))?),
                None => None,
            },
            temperature: self.temperature,
            labels: self.labels,
            usage: self.head.usage(),
        };
        let tensors = self.head.to_tensors().map_err(|error| unusable(&error))?;
        let bytes = zip_files(&model_files(&card, &tensors)).map_err(|error| unusable(&error))?;
        std::fs::write(path, bytes).map_err(|error| unusable(&error))
    }

    /// Reads a model file, the command line's or the app's.
    ///
    /// # Errors
    /// If it is another file, damaged, or of a newer release.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let file = File::open(path).map_err(|error| Failure::file("read", path, &error))?;
        let foreign = |why: &dyn std::fmt::Display| {
            Failure::data(format!(
                "{} is not a model that Hone can use: {why}. `hone train` and the app's export make models",
                path.display()
            ))
        };
        let mut zip =
            ZipArchive::new(BufReader::new(file)).map_err(|_| foreign(&"it is not a zip, or it is cut off"))?;
        let card = part(&mut zip, CARD_FILE).map_err(|why| foreign(&why))?;
        let card = ModelCard::from_json(&card).map_err(|why| foreign(&why.trim_end_matches('.')))?;
        let tensors = part(&mut zip, TENSORS_FILE).map_err(|why| foreign(&why))?;
        let head =
            TrainedHead::from_tensors(&tensors).map_err(|error| foreign(&error.to_string().trim_end_matches('.')))?;
        let encoder: Option<TableEncoder> = match card.encoder {
            Some(value) => Some(serde_json::from_value(value).map_err(|_| foreign(&"its table encoder is damaged"))?),
            None => None,
        };
        if encoder.as_ref().is_some_and(|encoder| !encoder.is_sound()) {
            return Err(foreign(&"its table encoder has a column whose scale is not a number above 0"));
        }
        if head.classes() != card.classes.len() {
            return Err(foreign(&"its card does not fit its weights"));
        }
        if !is_temperature(card.temperature) {
            return Err(foreign(&format!("its temperature of {:e} would leave no probability", card.temperature)));
        }
        if card.kind == Kind::Table && encoder.is_none() {
            return Err(foreign(&"it was trained on a table and lacks the table's encoder"));
        }
        Ok(Self {
            name: card.project,
            kind: card.kind,
            feature_id: card.feature_id,
            classes: card.classes.into_iter().map(|class| class.name).collect(),
            columns: ModelColumns { content: card.columns, label: card.label_column },
            encoder,
            head,
            temperature: card.temperature,
            labels: card.labels,
        })
    }

    /// Corrects a guessed plan so that it gives what this model reads.
    ///
    /// # Errors
    /// If the data is of another kind or lacks a column; says which.
    pub fn fit_plan(
        &self,
        plan: &mut ImportPlan,
        text_column: Option<&str>,
        label_column: Option<&str>,
        table: &TableArguments,
    ) -> Result<(), Failure> {
        fit_to_model(plan, self.kind, &self.columns, text_column, label_column, table)
    }

    /// n × K calibrated probabilities of the items; an item that cannot be embedded leaves the data, with a problem.
    ///
    /// # Errors
    /// As [`SavedModel::features`].
    pub fn predict(&self, dataset: &mut Dataset, run: &RunArguments) -> Result<Array2<f32>, Failure> {
        Ok(softmax(&self.head.logits(&self.features(dataset, run)?), self.temperature))
    }

    /// The features of the items as this model reads them; an item that cannot be embedded leaves the data, with a problem.
    ///
    /// # Errors
    /// If the data is of another kind, the features cannot be made, or no item is left.
    pub fn features(&self, dataset: &mut Dataset, run: &RunArguments) -> Result<Features, Failure> {
        self.must_read(dataset.kind, &dataset.content_columns)?;
        let extractor = Extractor::for_model(&self.feature_id, self.encoder.as_ref(), run)?;
        let features = extractor.embed(dataset, run)?;
        self.must_fit(&features)?;
        Ok(features)
    }

    /// Whether data of this kind and with these columns is what the model reads.
    ///
    /// # Errors
    /// Says what the model reads instead.
    pub fn must_read(&self, kind: Kind, columns: &[String]) -> Result<(), Failure> {
        if kind != self.kind {
            return Err(Failure::data(format!(
                "the model classifies items of the kind {}, and the data is of the kind {}",
                self.kind.word(),
                kind.word()
            )));
        }
        if self.kind == Kind::Table && columns != self.columns.content {
            return Err(Failure::data(format!(
                "the model reads the columns {}, and the data has {}",
                self.columns.content.join(", "),
                columns.join(", ")
            )));
        }
        Ok(())
    }

    /// Whether the weights are for such features.
    ///
    /// # Errors
    /// Says what the weights are for.
    pub fn must_fit(&self, features: &Features) -> Result<(), Failure> {
        if self.head.fits(features) {
            return Ok(());
        }
        Err(Failure::data(format!(
            "the model's weights are for {} features an item and the data gives {}; train it again with this release",
            self.head.columns(),
            features.columns()
        )))
    }
}

fn part(zip: &mut ZipArchive<BufReader<File>>, name: &str) -> Result<Vec<u8>, String> {
    let entry = zip.by_name(name).map_err(|_| format!("it holds no {name}"))?;
    let mut bytes = Vec::new();
    entry.take(MAX_PART_BYTES).read_to_end(&mut bytes).map_err(|_| format!("its {name} is damaged"))?;
    Ok(bytes)
}

/// How an item becomes features, in words for the card.
fn preprocessing(kind: Kind) -> &'static str {
    match kind {
        Kind::Image => "upright, on white, shortest side 256 (bicubic), centre crop 224 × 224",
        Kind::Text => "NFKC, lower case for n-grams; token embeddings beside hashed n-grams",
        Kind::Table => "by the encoder in this card",
    }
}
