//! The session: owns the open project, answers requests, and calls the pipeline in the order the data flows.
//!
//! It does not know how it is reached: the browser's worker loop and the native tests drive the same functions. Time
//! is an argument everywhere, so a replay gives the same state.

mod audits;
mod baseline;
mod cards;
mod deployment;
mod evaluation;
mod experiments;
mod files;
mod frozen;
mod gain;
mod glossary;
mod imports;
mod label_audit;
mod labels;
mod monitor;
mod nearest;
mod numeric;
mod project;
mod review;
mod annotators;
mod merge;
mod removal;
mod rescue;
mod runs;
mod search;
mod triage;
mod views;

pub use imports::{Arrival, Chunk, Coming};
pub use project::{FeatureSource, Pending, Project};

use crate::pipeline::item::Kind;
use crate::protocol::{Event, Export, ProjectSummary, RELEASE, Reply, Request};
use crate::storage::records::ProjectRecord;
use crate::storage::{Media, Store, StoreError};

/// A reply, and the file that goes with it.
pub struct Answer {
    /// The reply.
    pub reply: Reply,
    /// What travels beside it, if anything.
    pub attachment: Option<Attachment>,
}

/// A file beside a reply.
pub enum Attachment {
    /// As it is stored.
    Stored(Media),
    /// Made for this reply.
    Made {
        /// The file's content.
        bytes: Vec<u8>,
        /// Its media type.
        mime: &'static str,
    },
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        Self { reply, attachment: None }
    }
}

/// The setting that names the project that was open last.
const LAST_PROJECT: &str = "last_project";

/// Why a request could not be served: a sentence for the user.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The store could not.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The request does not fit the state.
    #[error("{0}")]
    Refused(String),
}

fn refused<T>(message: impl Into<String>) -> Result<T, SessionError> {
    Err(SessionError::Refused(message.into()))
}

/// The one owner of the project's state.
pub struct Session {
    store: Store,
    read_only: bool,
    sources: [FeatureSource; 2],
    open: Option<Project>,
    events: Vec<Event>,
    /// Who decides.
    annotator: String,
}

impl Session {
    /// A session over `store`. `images` and `texts` say which extractors are at hand; tables bring their own.
    pub fn new(store: Store, read_only: bool, images: FeatureSource, texts: FeatureSource) -> Self {
        Self {
            store,
            read_only,
            sources: [images, texts],
            open: None,
            events: Vec::new(),
            annotator: labels::ANNOTATOR.into(),
        }
    }

    /// The store it writes to.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The open project, if one is open.
    pub fn project(&self) -> Option<&Project> {
        self.open.as_ref()
    }

    /// The open project, to take pending items from.
    pub fn project_mut(&mut self) -> Option<&mut Project> {
        self.open.as_mut()
    }

    /// Which extractor makes vectors of `kind` from now on; projects opened before keep theirs.
    pub fn set_source(&mut self, kind: Kind, source: FeatureSource) {
        match kind {
            Kind::Image => self.sources[0] = source,
            Kind::Text => self.sources[1] = source,
            Kind::Table => {}
        }
    }

    /// Whether a project was opened with other features than its kind has now.
    pub fn is_outdated(&self, project: &Project) -> bool {
        project.source.id != self.source(project.kind()).id
    }

    /// Whether another tab holds the lock.
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// From now on this session may write, or may not: the tabs have handed over. The open project is read anew, as the other one left
    /// it; what was under way in this one and is not stored ends.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn set_writer(&mut self, writer: bool) -> Result<(), SessionError> {
        if !self.read_only {
            self.save_due_record().await;
        }
        self.read_only = !writer;
        self.events.push(Event::Writer(writer));
        self.clear_unfinished().await?;
        self.read_anew().await
    }

    /// Reads the open project anew, after another tab wrote.
    ///
    /// # Errors
    /// When the store can't be read, or the project is gone.
    pub async fn read_anew(&mut self) -> Result<(), SessionError> {
        match self.open.as_ref().map(|open| open.record.id.clone()) {
            Some(id) => self.open_project(&id).await,
            None => Ok(()),
        }
    }

    fn source(&self, kind: Kind) -> FeatureSource {
        match kind {
            Kind::Image => self.sources[0].clone(),
            Kind::Text => self.sources[1].clone(),
            Kind::Table => FeatureSource::table(),
        }
    }

    /// What has to be told since the last call, in order.
    pub fn take_events(&mut self) -> Vec<Event> {
        if let Some(project) = &mut self.open {
            if project.take_state_changed() {
                self.events.push(Event::Project(Box::new(project.state(self.read_only))));
            }
            if project.take_queue_changed() {
                self.events.push(Event::Queue(project.queue()));
            }
        }
        std::mem::take(&mut self.events)
    }

    /// Says something in one sentence.
    pub fn notice(&mut self, sentence: String) {
        self.events.push(Event::Notice(sentence));
    }

    /// One slice (≤ ~50 ms) of background work: ranking, then training, then what frozen models think of new items,
    /// then experiments. `false` once there is nothing left to do.
    pub async fn background(&mut self, now_ms: f64) -> bool {
        let Some(project) = &mut self.open else { return false };
        if project.record_due.is_some() && !project.is_ranking() {
            self.save_due_record().await;
            return true;
        }
        match project.background() {
            project::Background::Idle
                if project.predict_frozen() || project.step_monitor() || project.step_review() =>
            {
                true
            }
            project::Background::Idle => match self.step_experiments(now_ms).await {
                Ok(worked) => worked,
                Err(error) => {
                    self.notice(error.to_string());
                    false
                }
            },
            project::Background::Working => true,
            project::Background::Polished => {
                let saved = match (self.read_only, project.model_record()) {
                    (false, Some(model)) => self.store.put_model(&project.record.id, &model).await,
                    _ => Ok(()),
                };
                if let Err(error) = saved {
                    self.notice(error.to_string());
                }
                true
            }
        }
    }

    /// Answers a request that needs no files. Requests about files (`Inspect`, `Import`, `OpenDemo`, `Cancel`) belong
    /// to the loop that can read them, and are refused here.
    pub async fn handle(&mut self, request: Request, now_ms: f64) -> Answer {
        match self.try_handle(request, now_ms).await {
            Ok(answer) => answer,
            Err(error) => Reply::Failed(error.to_string()).into(),
        }
    }

    async fn try_handle(&mut self, request: Request, now_ms: f64) -> Result<Answer, SessionError> {
        if !request.is_of_labelling() {
            self.save_due_record().await;
        }
        Ok(match request {
            Request::Hello => {
                let (projects, last) = (self.summaries().await?, self.store.setting(LAST_PROJECT).await?);
                Reply::Welcome { release: RELEASE.into(), projects, read_only: self.read_only, last }.into()
            }
            Request::ListProjects => Reply::Projects(self.summaries().await?).into(),
            Request::OpenProject { project } => {
                self.open_project(&project).await?;
                Reply::Done.into()
            }
            Request::RenameProject { project, name } => {
                self.rename_project(&project, &name, now_ms).await?;
                Reply::Done.into()
            }
            Request::DeleteProject { project } => {
                self.must_write()?;
                self.store.delete_project(&project).await?;
                if self.open.as_ref().is_some_and(|open| open.record.id == project) {
                    self.open = None;
                }
                Reply::Done.into()
            }
            Request::Decide(decision) => Reply::Decided(self.decide(decision, now_ms).await?).into(),
            Request::DecideMany { ids, items, verdict } => {
                Reply::Decided(self.decide_many(ids, items, verdict, now_ms).await?).into()
            }
            Request::Undo => Reply::Undone(self.undo(now_ms).await?.map(Box::new)).into(),
            Request::AddClass { name } => Reply::ClassAdded(self.add_class(&name, now_ms).await?).into(),
            Request::RenameClass { class, name } => {
                self.rename_class(class, &name, now_ms).await?;
                Reply::Done.into()
            }
            Request::SetOptions(options) => {
                self.set_options(options, now_ms).await?;
                Reply::Done.into()
            }
            Request::Media { item, thumbnail } => self.media(item, thumbnail).await?,
            Request::CardFor { item } => Reply::Card(Box::new(self.opened()?.card_for(item)?)).into(),
            Request::Items(query) => {
                let (total, rows) = self.opened()?.items_window(&query);
                Reply::Items { total, rows }.into()
            }
            Request::Export(export) => {
                let answer = self.export(export, now_ms).await?;
                if matches!(export, Export::Project | Export::LabelLog) && !self.read_only {
                    let store = self.store.clone();
                    let project = self.opened_mut()?;
                    project.note_backup();
                    // The file is made; if this can't be stored it is only offered again.
                    let _ = store.put_project(&project.record).await;
                }
                answer
            }
            Request::Rescue { project, decisions } => self.rescue(&project, decisions, now_ms).await?,
            Request::AuditNow { count } => {
                self.audit_now(count, now_ms).await?;
                Reply::Done.into()
            }
            Request::Evaluate(model) => Reply::Evaluation(self.opened()?.evaluation_state(model).map(Box::new)).into(),
            Request::Numeric { tolerance } => Reply::Numeric(Box::new(self.numeric(tolerance)?)).into(),
            Request::Train { anyway } => Reply::Experiment(self.train(anyway, now_ms).await?).into(),
            Request::Search { seconds, anyway } => {
                Reply::Experiment(self.search(seconds, anyway, now_ms).await?).into()
            }
            Request::StopExperiments => {
                self.stop_experiments(now_ms).await?;
                Reply::Done.into()
            }
            Request::Promote => {
                self.promote(now_ms).await?;
                Reply::Done.into()
            }
            Request::RollBack => {
                self.roll_back(now_ms).await?;
                Reply::Done.into()
            }
            Request::ProposeTriage(plan) => {
                self.propose_triage(plan, now_ms).await?;
                Reply::Done.into()
            }
            Request::StopTriage => {
                self.stop_triage().await?;
                Reply::Done.into()
            }
            Request::AcceptCertified => Reply::Count(self.accept_certified(now_ms).await?).into(),
            Request::RevertAccepted { certificate } => {
                Reply::Count(self.revert_accepted(certificate, now_ms).await?).into()
            }
            Request::Review(kind) => Reply::Review(Box::new(self.review(kind)?)).into(),
            Request::ReviewCase { kind, items } => {
                Reply::ReviewCase(self.opened()?.review_case(kind, &items).map(Box::new)).into()
            }
            Request::Monitor => Reply::Monitor(Box::new(self.monitor()?)).into(),
            Request::BatchDetails { batch } => {
                Reply::BatchDetails(self.opened()?.batch_details(batch).map(Box::new)).into()
            }
            Request::SetFloor { floor } => {
                self.set_floor(floor, now_ms).await?;
                Reply::Done.into()
            }
            Request::AuditBatch { batch } => Reply::Count(self.audit_batch(batch, now_ms).await?).into(),
            Request::LabelBatch { batch, count } => Reply::Count(self.label_batch(batch, count, now_ms).await?).into(),
            Request::AuditLabels { count } => Reply::Count(self.audit_labels(count, now_ms).await?).into(),
            Request::MeasureGain => Reply::Experiment(self.measure_gain(now_ms).await?).into(),
            Request::AskFirst { items } => Reply::Count(self.ask_first(items)?).into(),
            Request::SetAnnotator { name } => {
                self.set_annotator(&name)?;
                Reply::Done.into()
            }
            Request::Glossary => {
                let terms = glossary::TERMS.iter().map(|term| (term.name.into(), term.meaning.into()));
                Reply::Glossary(terms.collect()).into()
            }
            Request::Runs(query) => self.run_table(&query)?.into(),
            Request::Compare { runs } => Reply::Compared(Box::new(self.compare_runs(&runs)?)).into(),
            Request::NoteRun { run, note } => {
                self.note_run(&run, note).await?;
                Reply::Done.into()
            }
            Request::Artifact { run, path } => self.run_artifact(&run, &path).await?,
            Request::RemoveImport { batch } => Reply::Count(self.remove_import(batch, now_ms).await?).into(),
            Request::RestoreImport { batch } => Reply::Count(self.restore_import(batch, now_ms).await?).into(),
            Request::Inspect { .. }
            | Request::InspectAgain { .. }
            | Request::Import { .. }
            | Request::OpenDemo { .. }
            | Request::Cancel { .. }
            | Request::Merge
            | Request::Storage
            | Request::TakeOver => {
                return refused("This request needs files or the platform; the worker's loop answers it.");
            }
        })
    }

    /// What is being learnt or tried, if it takes long: a title, and the share done. Experiments wait until the labels are learnt, so
    /// that is told first.
    pub fn experiment_progress(&self) -> Option<(String, f64)> {
        let project = self.open.as_ref()?;
        match project.learner.progress().filter(|_| project.learner.is_long()) {
            Some(share) => Some((project.learning_title(), share)),
            None => project.experiments.progress(),
        }
    }

    /// Whether what [`Session::experiment_progress`] tells of can be stopped: learning the labels can't.
    pub fn can_stop_progress(&self) -> bool {
        self.open.as_ref().is_some_and(|project| !project.learner.is_long())
    }

    fn opened(&self) -> Result<&Project, SessionError> {
        match &self.open {
            Some(project) => Ok(project),
            None => refused("No project is open. Nothing was changed. Open one first."),
        }
    }

    fn opened_mut(&mut self) -> Result<&mut Project, SessionError> {
        match &mut self.open {
            Some(project) => Ok(project),
            None => refused("No project is open. Nothing was changed. Open one first."),
        }
    }

    fn must_write(&self) -> Result<(), SessionError> {
        if self.read_only { Err(StoreError::ReadOnly.into()) } else { Ok(()) }
    }

    async fn summaries(&self) -> Result<Vec<ProjectSummary>, SessionError> {
        let mut projects: Vec<ProjectSummary> = self.store.projects().await?.into_iter().map(summary).collect();
        projects.sort_by(|a, b| b.changed_ms.total_cmp(&a.changed_ms));
        Ok(projects)
    }

    async fn rename_project(&mut self, id: &str, name: &str, now_ms: f64) -> Result<(), SessionError> {
        self.must_write()?;
        let name = name.trim();
        if name.is_empty() {
            return refused("A project needs a name. Nothing was changed.");
        }
        let Some(mut record) = self.store.project(id).await? else {
            return refused("That project is gone. Nothing was changed.");
        };
        record.name = name.into();
        record.changed_ms = now_ms;
        self.store.put_project(&record).await?;
        if let Some(project) = self.open.as_mut().filter(|open| open.record.id == id) {
            project.record.name = name.into();
            project.touch();
        }
        Ok(())
    }

    /// Loads a project and makes it the open one: items, log, cached vectors, the last model.
    pub async fn open_project(&mut self, id: &str) -> Result<(), SessionError> {
        self.save_due_record().await;
        let Some(record) = self.store.project(id).await? else {
            return refused("That project is gone. The others are untouched.");
        };
        let source = self.source(record.kind);
        let project = Project::load(&self.store, record, source).await?;
        self.tell_damage();
        self.open(project).await;
        Ok(())
    }

    async fn open(&mut self, mut project: Project) {
        if !self.read_only {
            // For the next start alone: an address that is remembered elsewhere can be lost with the browser's process.
            let _ = self.store.put_setting(LAST_PROJECT, project.id()).await;
        }
        project.annotator.clone_from(&self.annotator);
        self.open = Some(project);
    }

    /// Writes the project's head matter, with fresh counts for the start screen.
    async fn save_record(&mut self, now_ms: f64) -> Result<(), SessionError> {
        let store = self.store.clone();
        let project = self.opened_mut()?;
        project.refresh_record(now_ms);
        project.record_due = None;
        Ok(store.put_project(&project.record).await?)
    }

    /// Writes it if decisions have come since. They are safe in the log even if this fails; the counts are only late.
    async fn save_due_record(&mut self) {
        if let Some(when) = self.open.as_ref().and_then(|project| project.record_due) {
            self.save_record_or_later(when).await;
        }
    }

    /// Writes it or, if that fails, says so and writes it with the next decision. For what can be counted or made again from the rest.
    async fn save_record_or_later(&mut self, now_ms: f64) {
        if let Err(error) = self.save_record(now_ms).await {
            self.notice(error.to_string());
        }
    }
}

fn summary(record: ProjectRecord) -> ProjectSummary {
    ProjectSummary {
        id: record.id,
        name: record.name,
        kind: record.kind,
        items: record.items,
        labelled: record.labelled,
        changed_ms: record.changed_ms,
    }
}
