//! Imports: a project for the items, chunks as they are read, the end.

use super::super::import_job::{self, Origin};
use super::super::session::{Answer, Chunk, Coming};
use super::{Import, Server, now_ms};
use crate::browser::user_timing;
use crate::pipeline::import::plan::{ImportPlan, LabelSource, Target, TestSet};
use crate::pipeline::item::Kind;
use crate::protocol::{Demo, IMPORTING, JobStatus, Reply};
use crate::storage::records::Ending;
use wasm_bindgen_futures::spawn_local;

/// Where an import goes.
pub(super) enum Into {
    /// A project of its own, with these classes.
    New(Vec<String>),
    /// This project, going on with its import that was interrupted if one is given.
    Project(String, Option<u32>),
}

impl Into {
    /// As the page asks. A new project has the classes of the plan if it reads labels: none that the person does not see.
    pub(super) fn asked(plan: &ImportPlan, project: Option<String>, resume: Option<u32>) -> Self {
        match project {
            Some(project) => Into::Project(project, resume),
            None if plan.labels == LabelSource::None => Into::New(Vec::new()),
            None => Into::New(class_names(plan)),
        }
    }
}

fn class_names(plan: &ImportPlan) -> Vec<String> {
    plan.classes.iter().map(|(name, _)| name.clone()).collect()
}

impl Server {
    pub(super) async fn start_import(&mut self, plan: ImportPlan, origins: Vec<Origin>, into: Into) -> Answer {
        match self.try_start_import(plan, origins, into).await {
            Ok((job, project)) => Reply::Started { job, project }.into(),
            Err(error) => Reply::Failed(error).into(),
        }
    }

    async fn try_start_import(
        &mut self,
        mut plan: ImportPlan,
        origins: Vec<Origin>,
        into: Into,
    ) -> Result<(u32, String), String> {
        if origins.is_empty() {
            return Err("The files of this import are gone. Nothing was imported. Choose them again.".into());
        }
        if plan.kind != Kind::Table {
            // It comes while the items do.
            self.prepare(plan.kind);
        }
        let (project, resume) = match into {
            Into::Project(project, resume) => {
                if self.session.project().is_none_or(|open| open.id() != project) {
                    self.close_project();
                    self.session.open_project(&project).await.map_err(|error| error.to_string())?;
                }
                if let Some(open) = self.session.project() {
                    plan.fit_to_project(open.kind(), open.columns(), open.target())?;
                }
                (project, resume)
            }
            Into::New(classes) => {
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
                (project, None)
            }
        };
        let batch = self.begin(&plan, resume).await?;
        let title = format!("{IMPORTING} {}", counted(plan.expected_items, plan.kind));
        let (job, cancel, state) = self.jobs.start(&title, Some(plan.expected_items).filter(|&n| n > 0), now_ms());
        self.tell_job(Some(state));
        let import = Import { job, project: project.clone(), batch };
        spawn_local(import_job::run(plan, origins, import, cancel, self.sender.clone()));
        Ok((job, project))
    }

    /// Begins the batch in the session, or goes on with an interrupted one.
    async fn begin(&mut self, plan: &ImportPlan, resume: Option<u32>) -> Result<u32, String> {
        let coming = Coming { expected: plan.expected_items, hidden: plan.hidden, resume };
        let begun = self.session.begin_batch(&plan.name, plan.kind, &content_columns(plan), coming, now_ms()).await;
        begun.map_err(|error| error.to_string())
    }

    pub(super) async fn open_demo(&mut self, demo: Demo) -> Answer {
        match import_job::demo(demo).await {
            Ok((mut plan, origins)) => {
                // The demo is for labelling, so what its files know is withheld, but for the names of the classes.
                plan.labels = LabelSource::None;
                plan.target = Target::Classes;
                plan.test_set = TestSet::None;
                let classes = class_names(&plan);
                self.start_import(plan, origins, Into::New(classes)).await
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
    plan.content_columns()
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
