//! Imports: a project for the items, chunks as they are read, the end.

use super::super::import_job::{self, Origin};
use super::super::session::{Answer, Chunk, Coming};
use super::{Import, Server, now_ms};
use crate::browser::user_timing;
use crate::pipeline::import::plan::{ImportPlan, LabelSource, Role, Target};
use crate::pipeline::item::Kind;
use crate::protocol::{Demo, JobStatus, Reply};
use crate::storage::records::Ending;
use wasm_bindgen_futures::spawn_local;

impl Server {
    pub(super) async fn start_import(
        &mut self,
        plan: ImportPlan,
        batch_name: &str,
        origins: Vec<Origin>,
        into: Option<String>,
    ) -> Answer {
        match self.try_start_import(plan, batch_name, origins, into).await {
            Ok((job, project)) => Reply::Started { job, project }.into(),
            Err(error) => Reply::Failed(error).into(),
        }
    }

    async fn try_start_import(
        &mut self,
        mut plan: ImportPlan,
        batch_name: &str,
        origins: Vec<Origin>,
        into: Option<String>,
    ) -> Result<(u32, String), String> {
        if origins.is_empty() {
            return Err("The files of this import are gone. Nothing was imported. Choose them again.".into());
        }
        let classes: Vec<String> = plan.classes.iter().map(|(name, _)| name.clone()).collect();
        if plan.kind != Kind::Table {
            // It comes while the items do.
            self.prepare(plan.kind);
        }
        let project = match into {
            Some(project) => {
                if self.session.project().is_none_or(|open| open.id() != project) {
                    self.close_project();
                    self.session.open_project(&project).await.map_err(|error| error.to_string())?;
                }
                if let Some(open) = self.session.project() {
                    plan.fit_to_project(open.kind(), open.columns(), open.target())?;
                }
                project
            }
            None => {
                self.close_project();
                let project = new_ulid();
                let columns = content_columns(&plan);
                let created = match plan.target {
                    Target::Number => {
                        self.session
                            .create_numeric_project(project.clone(), &plan.name, plan.kind, columns, now_ms())
                            .await
                    }
                    Target::Classes => {
                        self.session
                            .create_project(project.clone(), &plan.name, plan.kind, columns, &classes, now_ms())
                            .await
                    }
                };
                created.map_err(|error| error.to_string())?;
                project
            }
        };
        let coming = Coming { expected: plan.expected_items, hidden: plan.hidden, resume: None };
        let batch = self
            .session
            .begin_batch(batch_name, plan.kind, &content_columns(&plan), coming, now_ms())
            .await
            .map_err(|error| error.to_string())?;
        let title = format!("Importing {}", counted(plan.expected_items, plan.kind));
        let (job, cancel, state) = self.jobs.start(&title, Some(plan.expected_items).filter(|&n| n > 0), now_ms());
        self.tell_job(Some(state));
        let import = Import { job, project: project.clone(), batch };
        spawn_local(import_job::run(plan, origins, import, cancel, self.sender.clone()));
        Ok((job, project))
    }

    pub(super) async fn open_demo(&mut self, demo: Demo) -> Answer {
        match import_job::demo(demo).await {
            Ok((mut plan, origins)) => {
                // The demo is for labelling, so what its files know is withheld, but for the names of the classes.
                plan.labels = LabelSource::None;
                plan.target = Target::Classes;
                let name = plan.name.clone();
                self.start_import(plan, &name, origins, None).await
            }
            Err(error) => Reply::Failed(error).into(),
        }
    }

    pub(super) async fn store_chunk(&mut self, import: &Import, chunk: Chunk) -> Result<(), String> {
        if self.session.project().is_none_or(|open| open.id() != import.project) {
            return Err("Another project was opened. What came in is safe.".into());
        }
        let begun = user_timing::now();
        let added = self.session.add_chunk(import.batch, chunk, now_ms()).await.map_err(|error| error.to_string());
        user_timing::measure("store items", begun);
        added
    }

    pub(super) async fn end_import(&mut self, import: Import, status: JobStatus) {
        let mut status = status;
        let ending = match &status {
            JobStatus::Cancelled => Ending::Cancelled,
            JobStatus::Failed(_) => Ending::Failed,
            JobStatus::Running | JobStatus::Finished => Ending::Finished,
        };
        if self.session.project().is_some_and(|open| open.id() == import.project)
            && let Err(error) = self.session.finish_batch(import.batch, ending, now_ms()).await
        {
            status = JobStatus::Failed(error.to_string());
        }
        let state = self.jobs.end(import.job, status);
        self.tell_job(state);
        self.follow_source().await;
    }
}

/// The columns that a table's items consist of; a text's column is not one of several.
fn content_columns(plan: &ImportPlan) -> Vec<String> {
    if plan.kind != Kind::Table {
        return Vec::new();
    }
    plan.columns.iter().filter(|column| column.role == Role::Content).map(|column| column.name.clone()).collect()
}

/// "2,000 images", "1 text".
fn counted(count: u64, kind: Kind) -> String {
    let digits = count.to_string();
    let grouped: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).expect("decimal digits are ASCII"))
        .collect();
    format!("{} {}{}", grouped.join(","), kind.noun(), if count == 1 { "" } else { "s" })
}

/// A fresh ULID.
fn new_ulid() -> String {
    let random = (0..2).fold(0u128, |random, _| random << 40 | (js_sys::Math::random() * (1u64 << 40) as f64) as u128);
    ulid::Ulid::from_parts(now_ms() as u64, random).to_string()
}
