//! Files to take away, media to show, and project files brought back.

use super::imports::LOOKS_ID;
use super::labels::id_after;
use super::project::known_vectors;
use super::{Answer, Attachment, Project, Session, SessionError, refused, summary};
use crate::pipeline::export::mlflow::{PushPlan, PushRequest, mlflow_zip_files, push_plan};
use crate::pipeline::export::model_card::{ModelCard, format_version, model_files};
use crate::pipeline::export::spreadsheet::{Defused, for_spreadsheets};
use crate::pipeline::export::{Exported, labels_csv, labels_jsonl, predictions_table, problems_csv, runs_csv};
use crate::pipeline::import::plan::Problem;
use crate::pipeline::item::ContentHash;
use crate::pipeline::log::{Artifact, Run};
use crate::pipeline::quality::annotators::log_file::write_log;
use crate::protocol::{Export, ItemIndex, ProjectSummary, Reply, Sheet};
use crate::storage::archive::{
    ArchiveError, ArchiveWriter, Snapshot, VectorSet, image_hashes, model_card, read_archive, zip_files,
};
use crate::storage::media::{MediaWriter, from_bytes, to_bytes};
use crate::storage::records::{BatchRecord, Ending, ItemRecord, ModelRecord, ProjectRecord};
use crate::storage::{Media, Store, brought_with};
use ndarray::ArrayView1;
use std::io::{Cursor, Read, Seek};

/// Items of a restored project that are stored together.
pub(super) const RESTORED_AT_ONCE: usize = 200;
/// Decisions of a restored project that are stored together.
const EVENTS_AT_ONCE: usize = 5000;

impl Session {
    /// An item's image, whole or small.
    pub(super) async fn media(&self, item: ItemIndex, thumbnail: bool) -> Result<Answer, SessionError> {
        let Some(item) = self.opened()?.items.get(item as usize) else {
            return refused("That item is not in this project.");
        };
        let small = if thumbnail { self.store.thumbnail(item.hash).await? } else { None };
        let media = match small {
            Some(media) => Some(media),
            None => self.store.media(item.hash).await?,
        };
        Ok(Answer { reply: Reply::Media { present: media.is_some() }, attachment: media.map(Attachment::Stored) })
    }

    /// Makes a file to take away.
    pub(super) async fn export(&self, export: Export, now_ms: f64) -> Result<Answer, SessionError> {
        let project = self.opened()?;
        let name = file_stem(&project.record.name);
        let made = |suffix: &str, bytes: Vec<u8>, mime: &'static str| Answer {
            reply: Reply::File { name: format!("{name}{suffix}"), defused: None },
            attachment: Some(Attachment::Made { bytes, mime }),
        };
        let sheet = |suffix: &str, table: &str| {
            let Defused { csv, cells } = for_spreadsheets(table);
            let reply = Reply::File { name: format!("{name}{suffix}"), defused: Some(cells) };
            Answer { reply, attachment: Some(Attachment::Made { bytes: csv.into_bytes(), mime: "text/csv" }) }
        };
        let classes = &project.record.classes;
        let labels = || labels_csv(project.exported(), &project.log, classes);
        Ok(match export {
            Export::LabelsCsv => made("-labels.csv", labels().into_bytes(), "text/csv"),
            Export::ForSpreadsheets(Sheet::Labels) => sheet("-labels-for-spreadsheets.csv", &labels()),
            Export::ForSpreadsheets(Sheet::Predictions) => {
                sheet("-predictions-for-spreadsheets.csv", &project.predictions()?)
            }
            Export::ForSpreadsheets(Sheet::ChampionPredictions) => {
                sheet("-champion-predictions-for-spreadsheets.csv", &project.champion_predictions()?)
            }
            Export::ForSpreadsheets(Sheet::Runs) => sheet("-runs-for-spreadsheets.csv", &runs_csv(&project.runs)),
            Export::LabelsJsonLines => made(
                "-labels.jsonl",
                labels_jsonl(project.exported(), &project.log, classes).into_bytes(),
                "application/x-ndjson",
            ),
            Export::LabelLog => made(
                "-label-log.jsonl",
                write_log(&project.record.name, project.record.target, classes, &project.whole_log()),
                "application/x-ndjson",
            ),
            Export::PredictionsCsv => made("-predictions.csv", project.predictions()?.into_bytes(), "text/csv"),
            Export::ChampionPredictionsCsv => {
                made("-champion-predictions.csv", project.champion_predictions()?.into_bytes(), "text/csv")
            }
            Export::RunsCsv => made("-runs.csv", runs_csv(&project.runs).into_bytes(), "text/csv"),
            Export::RunsMlflow => {
                let files = mlflow_zip_files(&self.push_plan(project).await?);
                made("-mlflow.zip", zip_files(&files).map_err(unarchived)?, "application/zip")
            }
            Export::RunsPushPlan => {
                let plan = serde_json::to_vec(&self.push_plan(project).await?);
                let plan =
                    plan.map_err(|error| SessionError::Refused(format!("The log can't be written ({error}).")))?;
                made("-push-plan.json", plan, "application/json")
            }
            Export::Model => made("-model.zip", project.model_zip()?, "application/zip"),
            Export::Project => Answer {
                reply: Reply::File { name: format!("{name}.hone"), defused: None },
                attachment: Some(Attachment::Stored(self.archive(project, now_ms).await?)),
            },
            Export::Problems { batch } => match project.batches.get(batch as usize) {
                Some(batch) => sheet("-problems.csv", &problems_csv(&batch.problems)),
                None => return refused("That import is not in this project."),
            },
        })
    }

    /// The whole project as a file. Its images are never in memory together.
    async fn archive(&self, project: &Project, now_ms: f64) -> Result<Media, SessionError> {
        let mut record = project.record.clone();
        record.changed_ms = now_ms;
        let items: Vec<ItemRecord> = project
            .items
            .iter()
            .enumerate()
            .map(|(index, item)| ItemRecord { index: index as ItemIndex, item: item.clone() })
            .collect();
        let snapshot = Snapshot {
            project: record,
            events: project.whole_log(),
            batches: project.batches.iter().map(as_archived).collect(),
            model: project.model_record(),
            vectors: self.cached_vectors(project).await?,
            items,
            runs: project.runs.clone(),
            artifacts: self.run_files(project).await?,
            certificates: project.certificates.clone(),
        };
        let mut writer = ArchiveWriter::new(MediaWriter::default(), &snapshot).map_err(unarchived)?;
        for hash in image_hashes(&snapshot.items) {
            if let Some(media) = self.store.media(hash).await? {
                writer.add_media(hash, &to_bytes(&media).await?).map_err(unarchived)?;
            }
        }
        Ok(writer.finish().map_err(unarchived)?.finish("application/vnd.hone.project+zip")?)
    }

    /// All that an MLflow server is to be told.
    async fn push_plan(&self, project: &Project) -> Result<PushPlan, SessionError> {
        let files = self.run_files(project).await?;
        let request = PushRequest {
            experiment: &project.record.name,
            project: &project.record.id,
            registered_model: &project.record.name,
            runs: &project.runs,
            champion: project.champion.as_ref().map(|model| model.run.as_str()),
            challenger: project.challenger.as_ref().map(|model| model.run.as_str()),
        };
        let bytes_of = |run: &Run, artifact: &Artifact| {
            let file = files.iter().find(|file| file.run == run.id && file.path == artifact.path)?;
            Some(file.bytes.clone())
        };
        Ok(push_plan(&request, bytes_of))
    }

    async fn cached_vectors(&self, project: &Project) -> Result<Vec<VectorSet>, SessionError> {
        let hashes: Vec<ContentHash> = project.items.iter().map(|item| item.hash).collect();
        let mut sets = Vec::new();
        for feature_id in [project.feature_id(), LOOKS_ID] {
            let known = known_vectors(&self.store, project.id(), feature_id, &hashes).await?;
            let mut vectors: Vec<_> = known.into_iter().collect();
            // The same project gives the same file.
            vectors.sort_by_key(|(hash, _)| *hash);
            if !vectors.is_empty() || feature_id != LOOKS_ID {
                sets.push(VectorSet { feature_id: feature_id.into(), vectors });
            }
        }
        Ok(sets)
    }

    /// Stores a project file as a project of its own; nothing is stored unless the whole file can be read.
    ///
    /// # Errors
    /// If the file is not a whole project, or the store is full; then what was begun is removed again.
    pub async fn restore_archive(&mut self, bytes: &[u8], now_ms: f64) -> Result<ProjectSummary, SessionError> {
        self.restore_from(Cursor::new(bytes), now_ms, |_, _| ()).await
    }

    /// The same from a file that need not fit into memory. `progress` hears how many of how many items and decisions are stored.
    ///
    /// # Errors
    /// As [`Session::restore_archive`].
    pub async fn restore_from(
        &mut self,
        file: impl Read + Seek,
        now_ms: f64,
        progress: impl FnMut(u64, u64),
    ) -> Result<ProjectSummary, SessionError> {
        self.must_write()?;
        let (snapshot, mut images) = read_archive(file).map_err(unarchived)?;
        let mut record = snapshot.project.clone();
        // A project that is here already stays as it is: the file may be older or newer, and nothing may be lost.
        if self.store.project(&record.id).await?.is_some() {
            record.id = id_after(None, now_ms, ContentHash::of(format!("{} at {now_ms}", record.id).as_bytes()));
            record.name = format!("{} (copy)", record.name);
        }
        record.changed_ms = now_ms;
        let store = self.store.clone();
        store.put_setting(UNFINISHED, &record.id).await?;
        if let Err(error) = restore(&store, &record, snapshot, |hash| images.read(hash), progress).await {
            // Whatever is in the way of this as well: it is done at the next start.
            if store.delete_project(&record.id).await.is_ok() {
                store.put_setting(UNFINISHED, "").await?;
            }
            return Err(error);
        }
        // The project is there; the next start finds so too, if this can't be stored.
        let _ = store.put_setting(UNFINISHED, "").await;
        Ok(summary(record))
    }

    /// At the start, before anything is shown: takes away what a restore left that the browser was killed in. Its project's record
    /// is written last, so that until then nobody sees a project.
    pub async fn clear_unfinished(&mut self) -> Result<(), SessionError> {
        if self.read_only {
            return Ok(());
        }
        let Some(unfinished) = self.store.setting(UNFINISHED).await?.filter(|id| !id.is_empty()) else { return Ok(()) };
        if self.store.project(&unfinished).await?.is_none() {
            self.store.delete_project(&unfinished).await?;
            self.notice(
                "Hone was closed while a project file was being brought in. None of it is left here; the file is as it was. Open it \
                 again to bring it in."
                    .to_owned(),
            );
        }
        Ok(self.store.put_setting(UNFINISHED, "").await?)
    }
}

/// The setting that names the project whose restore is under way.
const UNFINISHED: &str = "unfinished_restore";

async fn restore(
    store: &Store,
    record: &ProjectRecord,
    snapshot: Snapshot,
    mut image: impl FnMut(ContentHash) -> Result<Vec<u8>, Problem>,
    mut progress: impl FnMut(u64, u64),
) -> Result<(), SessionError> {
    let mut problems = Vec::new();
    let (mut done, total) = (0, (snapshot.items.len() + snapshot.events.len()) as u64);
    for chunk in snapshot.items.chunks(RESTORED_AT_ONCE) {
        let mut media = Vec::new();
        for hash in image_hashes(chunk) {
            match image(hash) {
                Ok(bytes) => media.push((hash, from_bytes(bytes)?)),
                Err(problem) => problems.push(problem),
            }
        }
        store.add_items(&record.id, chunk, media, &[]).await?;
        done += chunk.len() as u64;
        progress(done, total);
    }
    for chunk in snapshot.events.chunks(EVENTS_AT_ONCE) {
        store.append_events(&record.id, chunk).await?;
        done += chunk.len() as u64;
        progress(done, total);
    }
    for mut batch in snapshot.batches {
        if batch.index == 0 {
            batch.problems.append(&mut problems);
        }
        store.put_batch(&record.id, &batch).await?;
    }
    for VectorSet { feature_id, vectors } in snapshot.vectors {
        store.append_vectors(&brought_with(&record.id, &feature_id), &vectors).await?;
    }
    if let Some(model) = &snapshot.model {
        store.put_model(&record.id, model).await?;
    }
    for run in &snapshot.runs {
        let files: Vec<(String, Vec<u8>)> = snapshot
            .artifacts
            .iter()
            .filter(|file| file.run == run.id)
            .map(|file| (file.path.clone(), file.bytes.clone()))
            .collect();
        store.put_run(&record.id, run, &files).await?;
    }
    for certificate in &snapshot.certificates {
        store.put_certificate(&record.id, certificate).await?;
    }
    // Last, and with it the project is there, whole.
    Ok(store.put_project(record).await?)
}

impl Project {
    /// What tables of its items are made from.
    pub(super) fn exported(&self) -> Exported<'_> {
        Exported { items: &self.items, kind: self.record.kind, columns: &self.record.columns }
    }

    fn predictions(&self) -> Result<String, SessionError> {
        if self.is_numeric() {
            return self.numeric_predictions();
        }
        if self.learner.probabilities().is_none() {
            return refused("There is no model yet. Label an item of each of two classes first; your labels are safe.");
        }
        Ok(self.predictions_by(|row| self.row_probabilities(row)))
    }

    fn champion_predictions(&self) -> Result<String, SessionError> {
        self.must_have_classes("Champions are")?;
        match &self.champion {
            Some(champion) => Ok(self.predictions_by(|row| champion.row(row))),
            None => refused("There is no champion yet. Train a model first; your labels are safe."),
        }
    }

    /// What a model thinks of every item that has a feature row it has seen.
    fn predictions_by<'a>(&'a self, opinion: impl Fn(usize) -> Option<ArrayView1<'a, f32>>) -> String {
        predictions_table(self.exported(), &self.class_names(), |item| opinion(self.row_of[item]?))
    }

    /// The champion, or, before there is one, the working model.
    fn model_zip(&self) -> Result<Vec<u8>, SessionError> {
        self.must_have_classes("Model files are")?;
        if let Some(champion) = &self.champion {
            let config = &champion.config;
            let tensors = champion.head.to_tensors().map_err(|error| SessionError::Refused(error.to_string()))?;
            let record = ModelRecord {
                version: champion.number,
                feature_id: config.feature_id.clone(),
                classes: config.classes.clone(),
                tensors,
                temperature: config.temperature,
                labels: config.labels,
                curve: Vec::new(),
            };
            let card = ModelCard {
                format_version: format_version(&champion.head),
                usage: champion.head.usage(),
                ..model_card(&self.record, &record, &self.source.words)
            };
            return zip_files(&model_files(&card, &record.tensors)).map_err(unarchived);
        }
        let Some(model) = self.model_record() else {
            return refused("There is no model yet. Label an item of each of two classes first; your labels are safe.");
        };
        let card = model_card(&self.record, &model, &self.source.words);
        zip_files(&model_files(&card, &model.tensors)).map_err(unarchived)
    }
}

/// An import as a project file has it: the items of one that was removed are not in the file.
fn as_archived(record: &BatchRecord) -> BatchRecord {
    let ending = if record.is_out() { Ending::Gone } else { record.ending };
    BatchRecord { ending, ..record.clone() }
}

pub(super) fn unarchived(error: ArchiveError) -> SessionError {
    SessionError::Refused(error.to_string())
}

/// A project's name as a file name: what file systems refuse becomes a dash.
pub(super) fn file_stem(name: &str) -> String {
    let stem: String = name
        .chars()
        .map(|letter| if letter.is_alphanumeric() || "-_. ".contains(letter) { letter } else { '-' })
        .collect();
    let stem = stem.trim().trim_start_matches('.').replace(' ', "-").to_lowercase();
    if stem.is_empty() { "hone".into() } else { stem }
}
