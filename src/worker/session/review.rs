//! What there is to review: found in the background, listed on request; `cases.rs` has what is shown of it.

mod cases;

use super::annotators::People;
use super::audits::Audited;
use super::cards::likeliest;
use super::project::SEED;
use super::{Project, Session, SessionError};
use crate::pipeline::label::{self, Action};
use crate::pipeline::quality::neighbour_votes::{NEIGHBOURS, NeighbourVotes};
use crate::pipeline::quality::opinions::Opinions;
use crate::pipeline::quality::out_of_fold::of_labels;
use crate::pipeline::quality::precision_forecast::{Reviewed, WorthIt, forecast, next_ranks};
use crate::pipeline::quality::suspects::{Evidence, SuspectReport, suspects};
use crate::pipeline::quality::{
    DuplicateGroup, Membership, Neighbours, Outlier, Strangers, duplicate_groups, imbalance, more_like, outliers,
    spread, weak_slices,
};
use crate::protocol::{Finding, ItemIndex, ReviewKind, ReviewRow, ReviewState, ReviewSummary};
use crate::storage::records::SeenSuspect;
use ndarray::ArrayView1;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Rows sent of one part.
const ROWS_SENT: usize = 500;
/// Items that "label more like these" asks.
const MORE: usize = 10;
/// So many of the next suspects are forecast.
const FORECAST: usize = 100;
/// Looking on is worth it while at least this share of them is wrong.
const WORTH: f64 = 0.05;
/// Multiply-adds of one slice: 10–25 ms of wasm.
const SLICE_WORK: usize = 20 << 20;
/// A column with more different values makes no slices.
const MOST_SLICES: usize = 12;

/// What has been found, and how far the search has come.
pub(super) struct Review {
    neighbours: Neighbours,
    /// Feature rows at the last look for duplicates.
    compared: usize,
    groups: Vec<DuplicateGroup>,
    /// Which of the groups each row is in that is in one.
    group_of: HashMap<usize, usize>,
    outliers: Vec<Outlier>,
    /// Labelled items that nearly duplicate an audit.
    duplicates_of_audits: HashSet<ItemIndex>,
    /// Nobody has asked for a list yet: what costs time waits until somebody does.
    wanted: bool,
    search: Option<Search>,
    found: Option<Found>,
    /// What annotators say together, as far as it is computed.
    pub(super) people: Option<People>,
    people_done: bool,
    pub(super) revision: u32,
    /// Items that a person wants asked next.
    pub(super) asked_first: Vec<ItemIndex>,
}

/// What the findings rest on: versions of the model, events, feature rows.
type Basis = (u32, usize, usize);

/// A search under way.
struct Search {
    basis: Basis,
    /// How many there were when it began.
    classes: usize,
    /// Feature row and class of what trains.
    labels: Vec<(usize, usize)>,
    votes: NeighbourVotes,
    strangers: Strangers,
    votes_done: bool,
    opinions: Opinions,
    opinions_done: bool,
}

/// What a search found.
struct Found {
    basis: Basis,
    labels: Vec<(usize, usize)>,
    report: SuspectReport,
    strangers: Vec<Outlier>,
    findings: Vec<Finding>,
}

impl Default for Review {
    fn default() -> Self {
        Self {
            neighbours: Neighbours::new(NEIGHBOURS, SEED),
            compared: 0,
            groups: Vec::new(),
            group_of: HashMap::new(),
            outliers: Vec::new(),
            duplicates_of_audits: HashSet::new(),
            wanted: false,
            search: None,
            found: None,
            people: None,
            people_done: false,
            revision: 0,
            asked_first: Vec::new(),
        }
    }
}

impl Session {
    /// One part of the review; the search for it begins if it hasn't.
    pub(super) fn review(&mut self, kind: ReviewKind) -> Result<ReviewState, SessionError> {
        let project = self.opened_mut()?;
        project.review.wanted = true;
        Ok(project.review_state(kind))
    }

    /// These items are asked next.
    pub(super) fn ask_first(&mut self, items: Vec<ItemIndex>) -> Result<u32, SessionError> {
        let project = self.opened_mut()?;
        let open = |item: &ItemIndex| project.labels.get(*item as usize).is_some_and(|labels| !labels.is_decided());
        let items: Vec<ItemIndex> = items.into_iter().filter(open).collect();
        let count = items.len() as u32;
        project.review.asked_first = items;
        project.mark_rank_due();
        Ok(count)
    }
}

impl Project {
    /// Whether this item nearly duplicates an answered audit or a test label: who learns from it has seen the answer.
    pub(super) fn duplicates_an_audit(&self, item: ItemIndex) -> bool {
        self.review.duplicates_of_audits.contains(&item)
    }

    /// The items that nearly duplicate this one, itself left out.
    fn twins(&self, row: usize) -> impl Iterator<Item = ItemIndex> + '_ {
        let group = self.review.group_of.get(&row).map(|&place| &self.review.groups[place]);
        let rows = group.into_iter().flat_map(|group| &group.rows);
        rows.filter(move |&&other| other != row).map(|&other| self.item_of[other])
    }

    /// Whether a near duplicate of this row has a label that trains: as an audit it would measure nothing.
    pub(super) fn has_trained_twin(&self, row: usize) -> bool {
        self.twins(row).any(|item| self.labels[item as usize].training_key().is_some())
    }

    /// Whether this row of a batch nearly duplicates an item of an earlier one that trains.
    pub(super) fn repeats_earlier_training(&self, row: usize, batch: u32) -> bool {
        let mut twins = self.twins(row);
        twins.any(|item| self.items[item as usize].batch < batch && self.labels[item as usize].training_key().is_some())
    }

    /// How many labels look wrong, as far as anybody has looked.
    pub(super) fn suspects_found(&self) -> u32 {
        self.review_rows(ReviewKind::Suspect).len() as u32
    }

    /// The search for what there is to review begins.
    pub(super) fn want_review(&mut self) {
        self.review.wanted = true;
    }

    /// After a change of the audits, the test labels or the duplicates: leaves out of training what duplicates one of them. True if that
    /// changed what trains.
    pub(super) fn part_duplicates(&mut self) -> bool {
        let audits = |row: usize| self.labels[self.item_of[row] as usize].measures();
        let trains = |row: usize| self.labels[self.item_of[row] as usize].training_key().is_some();
        let rows = spread(&self.review.groups, audits, trains);
        let left_out: HashSet<ItemIndex> = rows.into_iter().map(|row| self.item_of[row]).collect();
        let changed = left_out != self.review.duplicates_of_audits;
        self.review.duplicates_of_audits = left_out;
        changed
    }

    /// One slice of the search; `false` if there is nothing to do.
    pub(super) fn step_review(&mut self) -> bool {
        let rows = self.features.len();
        if rows > 0 && self.pending_count() == 0 && self.review.compared != rows {
            if self.review.neighbours.step(&self.features) {
                self.review.compared = rows;
                self.review.groups = duplicate_groups(&self.review.neighbours);
                let members = self.review.groups.iter().enumerate();
                self.review.group_of =
                    members.flat_map(|(place, group)| group.rows.iter().map(move |&row| (row, place))).collect();
                self.review.outliers = outliers(&self.review.neighbours);
                if self.part_duplicates() {
                    self.relearn();
                }
                self.reviewed_anew();
            }
            return true;
        }
        if self.is_numeric() {
            return self.review.wanted && self.review.compared == rows && self.step_numeric_review();
        }
        if self.review.wanted && self.step_people() {
            return true;
        }
        let basis = (self.learner.version(), self.log.len(), rows);
        let known = self.review.found.as_ref().is_some_and(|found| found.basis == basis);
        if !self.review.wanted || known || self.review.compared != rows || self.learner.polish_due() {
            return false;
        }
        match self.review.search.take() {
            Some(search) if search.basis == basis => self.step_search_of_review(search),
            _ => self.review.search = Some(self.begin_search_of_review(basis)),
        }
        true
    }

    /// One slice of what annotators say together; `false` if it is known.
    fn step_people(&mut self) -> bool {
        if self.review.people.as_ref().is_none_or(|people| people.events != self.log.len()) {
            self.review.people = Some(People::of(self));
            self.review.people_done = false;
        }
        let Some(people) = self.review.people.as_mut().filter(|_| !self.review.people_done) else { return false };
        if people.step() {
            self.review.people_done = true;
            self.reviewed_anew();
        }
        true
    }

    /// The page should ask again.
    pub(super) fn reviewed_anew(&mut self) {
        self.review.revision += 1;
        self.touch();
    }

    fn begin_search_of_review(&self, basis: Basis) -> Search {
        let labels = self.training_rows();
        let classes = self.record.classes.len();
        let unlabelled = (0..self.item_of.len()).filter(|&row| {
            let item = self.item_of[row];
            !self.labels[item as usize].is_decided() && !self.waits_as_audit(item)
        });
        let predicted: Vec<(usize, usize)> =
            unlabelled.filter_map(|row| Some((row, usize::from(likeliest(self.row_probabilities(row)?)?.0)))).collect();
        Search {
            basis,
            votes: NeighbourVotes::new(&labels, NEIGHBOURS),
            strangers: Strangers::new(&labels, &predicted),
            opinions: Opinions::new(&self.features, &labels, classes, self.kind()),
            classes,
            labels,
            votes_done: false,
            opinions_done: false,
        }
    }

    fn step_search_of_review(&mut self, mut search: Search) {
        if !search.votes_done {
            search.votes_done = search.votes.step(&self.review.neighbours);
            self.review.search = Some(search);
            return;
        }
        if !search.opinions_done {
            search.opinions_done = search.opinions.step(&self.features, SLICE_WORK);
            self.review.search = Some(search);
            return;
        }
        let Some(strangers) = search.strangers.step(&self.review.neighbours) else {
            self.review.search = Some(search);
            return;
        };
        let votes = search.votes.finish();
        let given: Vec<usize> = search.labels.iter().map(|&(_, class)| class).collect();
        let probabilities = of_labels(&search.labels, search.classes, self.learner.held_out());
        let (class_means, margins) = search.opinions.finish();
        let evidence = Evidence {
            probabilities: probabilities.view(),
            class_means: Some(class_means.view()),
            neighbour_votes: Some(&votes),
            margins: Some(&margins),
        };
        let report = suspects(&given, &evidence);
        let findings = self.findings(&search.labels);
        self.review.found = Some(Found { basis: search.basis, labels: search.labels, report, strangers, findings });
        self.reviewed_anew();
    }

    /// Rare classes and parts of the data that the model gets wrong more often than the rest.
    fn findings(&self, labels: &[(usize, usize)]) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut counts = vec![0; self.record.classes.len()];
        labels.iter().for_each(|&(_, class)| counts[class] += 1);
        let names = self.class_names();
        let rows_of = |class: usize| labels.iter().filter(|label| label.1 == class).map(|label| label.0).collect();
        if let Some(rare) = imbalance(&counts) {
            let sentence = format!(
                "{} has {} of {} labels ({:.1} %): too few to be learnt well.",
                names[rare.class],
                rare.labels,
                labels.len(),
                rare.share * 100.0
            );
            findings.push(self.finding(sentence, rows_of(rare.class)));
        }
        let held_out = self.learner.held_out();
        let right: Vec<bool> = held_out
            .iter()
            .map(|row| crate::pipeline::predict::likeliest(ArrayView1::from(&row.probabilities)) == row.target)
            .collect();
        let mut slices: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
        for (place, row) in held_out.iter().enumerate() {
            let item = &self.items[self.item_of[row.row] as usize];
            let class = names.get(row.target).cloned().unwrap_or_default();
            slices.entry(("class".into(), class)).or_default().push(place);
            if self.batches.len() > 1
                && let Some(batch) = self.batches.get(item.batch as usize)
            {
                slices.entry(("import".into(), batch.name.clone())).or_default().push(place);
            }
            for (column, value) in &item.extra {
                slices.entry((column.clone(), value.clone())).or_default().push(place);
            }
        }
        let mut values: HashMap<String, usize> = HashMap::new();
        slices.keys().for_each(|(by, _)| *values.entry(by.clone()).or_default() += 1);
        let memberships: Vec<Membership> = slices
            .into_iter()
            .filter(|((by, _), _)| by == "class" || (2..=MOST_SLICES).contains(&values[by]))
            .map(|((by, value), members)| Membership { name: format!("{by} {value}"), members })
            .collect();
        for weak in weak_slices(&right, &memberships) {
            let sentence = format!(
                "{}: {:.1} % right out of fold on {} labels, {:.1} % on the others.",
                weak.slice.name,
                weak.slice.accuracy.estimate * 100.0,
                weak.slice.rows,
                weak.rest.estimate * 100.0
            );
            let rows = memberships[weak.place].members.iter().map(|&place| held_out[place].row).collect();
            findings.push(self.finding(sentence, rows));
        }
        findings
    }

    fn finding(&self, sentence: String, rows: Vec<usize>) -> Finding {
        let open = |row: &usize| {
            let item = self.item_of[*row];
            !self.labels[item as usize].is_decided() && !self.waits_as_audit(item)
        };
        let candidates: Vec<usize> = (0..self.item_of.len()).filter(open).collect();
        let like_these = more_like(&rows, &candidates, &self.review.neighbours, MORE);
        Finding { sentence, like_these: like_these.into_iter().map(|row| self.item_of[row]).collect() }
    }

    pub(super) fn review_summary(&self, audited: &[Audited]) -> ReviewSummary {
        ReviewSummary {
            // Every event may settle a case.
            revision: self.review.revision.wrapping_add(self.log.len() as u32),
            round: self.round_state(audited),
            left_out: self.review.duplicates_of_audits.len() as u32,
        }
    }

    fn review_state(&self, kind: ReviewKind) -> ReviewState {
        let all: Vec<(ReviewKind, Vec<ReviewRow>)> =
            ReviewKind::ALL.map(|kind| (kind, self.review_rows(kind))).into_iter().collect();
        let counts = all.iter().map(|(_, rows)| rows.len() as u32).collect();
        let rows = all.into_iter().find(|(other, _)| *other == kind).map(|(_, rows)| rows).unwrap_or_default();
        ReviewState {
            kind,
            counts,
            headline: self.headline(kind, rows.len()),
            label_audit: self.label_audit_state(),
            forecast: if kind == ReviewKind::Suspect { self.forecast_sentence(rows.len()) } else { String::new() },
            rows: rows.into_iter().take(ROWS_SENT).collect(),
            progress: self.review_progress(),
            findings: self.review.found.as_ref().map(|found| found.findings.clone()).unwrap_or_default(),
            annotators: self.annotators_state(),
        }
    }

    fn review_progress(&self) -> Option<f32> {
        if self.review.compared != self.features.len() {
            return Some(self.review.neighbours.progress() as f32 / 2.0);
        }
        if self.is_numeric() {
            return self.numeric_review_progress();
        }
        // Whoever has a model will be told what it found, even if the search hasn't begun.
        let busy = self.learner.polish_due() || self.review.search.is_some() || self.has_model();
        (self.review.found.is_none() && busy).then_some(0.5)
    }

    /// What came of the suspects so far, and what is to be expected of the next ones.
    fn forecast_sentence(&self, left: usize) -> String {
        let standing: HashSet<&str> = label::standing(&self.log).into_iter().map(|event| event.id.as_str()).collect();
        let seen = self.record.review.seen.iter().filter(|seen| standing.contains(seen.event.as_str()));
        let mut reviewed: Vec<Reviewed> = Vec::new();
        for seen in seen {
            let mut rank = seen.rank as usize;
            while reviewed.iter().any(|other| other.rank == rank) {
                rank += 1;
            }
            reviewed.push(Reviewed { rank, wrong: seen.wrong });
        }
        if reviewed.is_empty() {
            return String::new();
        }
        let next = next_ranks(&reviewed, reviewed.len() + left, FORECAST);
        let found = forecast(&reviewed, &next);
        let wrong = if found.found == 1 { "was" } else { "were" };
        let so_far = format!("Of {} looked at, {} {wrong} wrong.", found.reviewed, found.found);
        if found.next == 0 {
            return so_far;
        }
        let of_next = match found.next {
            1 => "The last one left may be".to_owned(),
            next => {
                format!("Of the next {next}, about {:.0} will be ({} to {})", found.expected, found.low, found.high)
            }
        };
        let worth = match found.worth_it(WORTH) {
            WorthIt::Yes => "",
            WorthIt::Hardly => " Going on is hardly worth the time: fewer than 1 in 20 are expected to be wrong.",
            WorthIt::No => " Going on is not worth the time: surely fewer than 1 in 20 are wrong.",
        };
        format!("{so_far} {of_next}.{worth}")
    }

    /// What a decision about an item says of the ranking of suspects; `None` if it is not one of them.
    pub(super) fn seen_suspect(&self, item: ItemIndex, action: &Action, event: &str) -> Option<SeenSuspect> {
        let place = self.review_rows(ReviewKind::Suspect).iter().position(|row| row.items == [item])?;
        let given = self.labels[item as usize].label.as_ref()?;
        let wrong = match action {
            Action::Label(class) => *class != given.class,
            Action::Exclude => true,
            Action::Keep(_) => false,
            _ => return None,
        };
        let rank = (self.record.review.seen.len() + place) as u32;
        Some(SeenSuspect { event: event.to_owned(), rank, wrong })
    }

    fn headline(&self, kind: ReviewKind, rows: usize) -> String {
        let found = self.review.found.as_ref();
        match kind {
            ReviewKind::Suspect if self.is_numeric() => self.numeric_headline(),
            ReviewKind::Suspect => match found {
                Some(_) if rows == 0 => "No label that is left differs from what was predicted without it.".into(),
                Some(_) if rows == 1 => "1 label differs from what was predicted without it.".into(),
                // How many are wrong, no model knows: its own mistakes differ, too.
                Some(_) => format!(
                    "{rows} labels differ from what was predicted without them; the first are the likeliest wrong."
                ),
                None => "The labels are checked once two classes have labels.".into(),
            },
            ReviewKind::Contradiction => {
                "The same or near-identical items with different labels: settle each in one decision.".into()
            }
            ReviewKind::Disagreement => {
                "Annotators differ: your decision settles it. The suggestion is the consensus.".into()
            }
            ReviewKind::SecondOpinion => {
                "Somebody asked for another opinion on these, or gave another answer when they were asked again.".into()
            }
            ReviewKind::Duplicate => "Near-identical items: label them together, or keep one.".into(),
            ReviewKind::Outlier if rows == 0 => "No item is far from all others.".into(),
            ReviewKind::Outlier => "Far from all other items, or from all labelled ones of its class.".into(),
        }
    }
}
