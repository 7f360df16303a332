//! The cases of a review: which there are in each part, and all that is shown of one.

use crate::pipeline::item::Content;
use crate::pipeline::label::{self, Action, Source};
use crate::pipeline::quality::contradictions;
use crate::pipeline::quality::difference::{Kind, word_difference};
use crate::pipeline::quality::suspects::{Agreement, Suspect};
use crate::pipeline::quality::why::{raised_again, why};
use crate::protocol::{Card, ClassIndex, ItemIndex, ReviewCase, ReviewKind, ReviewRow, ReviewSide};
use crate::worker::session::Project;
use crate::worker::session::views::preview;
use std::collections::{BTreeMap, HashSet};

/// Items of a case shown side by side.
const SIDES: usize = 12;
/// Characters of a text in the list.
const PREVIEW: usize = 60;

impl Project {
    /// All cases of a part, most urgent first.
    pub(super) fn review_rows(&self, kind: ReviewKind) -> Vec<ReviewRow> {
        match kind {
            ReviewKind::Suspect if self.is_numeric() => self.numeric_suspect_rows(),
            ReviewKind::Suspect => {
                self.open_suspects().map(|(item, suspect)| self.suspect_row(item, suspect)).collect()
            }
            ReviewKind::Contradiction => {
                let label = |row: usize| self.class_on(self.item_of[row]).map(usize::from);
                let found = contradictions(&self.review.neighbours, &self.review.groups, label);
                let groups = found.into_iter().map(|found| found.rows).filter(|rows| !self.are_kept(rows));
                // One item that the data label twice contradicts itself; it comes before what is only nearly the same.
                let own = (0..self.items.len() as ItemIndex).filter(|&item| !self.labels_at_odds(item).is_empty());
                own.map(|item| self.row_at_odds(item)).chain(groups.map(|rows| self.row_of_group(&rows))).collect()
            }
            ReviewKind::Duplicate => {
                let groups = self.review.groups.iter().map(|group| self.still_there(&group.rows));
                let open = groups.filter(|rows| rows.len() > 1 && !self.are_settled(rows));
                open.map(|rows| self.row_of_group(&rows)).collect()
            }
            ReviewKind::Outlier => {
                let strangers = self.review.found.iter().flat_map(|found| &found.strangers);
                let mut seen = HashSet::new();
                let items = self.review.outliers.iter().chain(strangers).map(|outlier| self.item_of[outlier.row]);
                items
                    .filter(|&item| seen.insert(item) && self.is_open_outlier(item))
                    .map(|item| self.plain_row(item))
                    .collect()
            }
            ReviewKind::SecondOpinion => {
                let asked = |item: &ItemIndex| self.labels[*item as usize].second_opinion;
                let mut items: Vec<ItemIndex> = (0..self.items.len() as ItemIndex).filter(asked).collect();
                // What was answered otherwise when it was asked again is another opinion, too.
                items.extend(self.labels_in_doubt().into_iter().filter(|item| !asked(item)));
                items.into_iter().map(|item| self.plain_row(item)).collect()
            }
            ReviewKind::Disagreement => self.disagreement_rows(),
        }
    }

    /// Suspects that nobody has decided about, or whose evidence has grown since.
    fn open_suspects(&self) -> impl Iterator<Item = (ItemIndex, &Suspect)> {
        let found = self.review.found.iter();
        found.flat_map(|found| found.report.ranked.iter().map(move |suspect| (found, suspect))).filter_map(
            |(found, suspect)| {
                let &(row, _) = found.labels.get(suspect.index)?;
                let item = self.item_of[row];
                // What the neighbours alone speak against is mostly right where classes overlap: it would make the list endless.
                let is_suspect = suspect.flagged || matches!(suspect.agreement, Agreement::Both | Agreement::ModelOnly);
                let same = |key: &str| self.class_of_key(key).map(usize::from) == Some(suspect.given);
                (is_suspect && !self.was_reviewed(item, same, suspect.score)).then_some((item, suspect))
            },
        )
    }

    /// Whether a person decided about the label that was found suspicious with this score, on evidence that has not grown
    /// since. `same` says of a label's text whether it is still that label.
    pub(in crate::worker::session) fn was_reviewed(
        &self,
        item: ItemIndex,
        same: impl Fn(&str) -> bool,
        score: f64,
    ) -> bool {
        let labels = &self.labels[item as usize];
        let Some(standing) = labels.label.as_ref().filter(|_| !labels.excluded && !labels.second_opinion) else {
            return true;
        };
        // The label was changed since: what was found was about another.
        if !same(&standing.class) {
            return true;
        }
        match labels.kept.as_ref().filter(|kept| kept.class == standing.class) {
            Some(kept) => kept.quality.is_none_or(|quality| !raised_again(quality.into(), score)),
            None => standing.source == Source::Review,
        }
    }

    fn suspect_row(&self, item: ItemIndex, suspect: &Suspect) -> ReviewRow {
        ReviewRow {
            given: Some(suspect.given as ClassIndex),
            suggested: Some(suspect.suggested as ClassIndex),
            quality: Some(suspect.score as f32),
            ..self.plain_row(item)
        }
    }

    pub(in crate::worker::session) fn plain_row(&self, item: ItemIndex) -> ReviewRow {
        let stored = &self.items[item as usize];
        ReviewRow {
            items: vec![item],
            name: stored.name.clone(),
            preview: preview(&stored.content, PREVIEW),
            given: self.class_on(item),
            suggested: None,
            quality: None,
            given_value: self.number_on(item),
            suggested_value: None,
        }
    }

    /// The class keys that the data give this item, if they differ and nobody has settled it.
    fn labels_at_odds(&self, item: ItemIndex) -> Vec<&str> {
        // Most items have one label; their events need no ordering.
        let waits = self.waits_as_audit(item);
        if waits || self.events_of(item).nth(1).is_none() { Vec::new() } else { label::unsettled(self.events_of(item)) }
    }

    /// Of the labels at odds the one that the item does not have, to be suggested.
    fn other_at_odds(&self, item: ItemIndex) -> Option<ClassIndex> {
        let given = self.class_on(item);
        let classes = self.labels_at_odds(item).into_iter().filter_map(|key| self.class_of_key(key));
        classes.rev().find(|&class| Some(class) != given)
    }

    fn row_at_odds(&self, item: ItemIndex) -> ReviewRow {
        ReviewRow { suggested: self.other_at_odds(item), ..self.plain_row(item) }
    }

    /// Why an item that contradicts itself is here.
    fn what_is_at_odds(&self, item: ItemIndex) -> String {
        let keys = self.labels_at_odds(item);
        let names: Vec<String> = keys.into_iter().map(|key| format!("“{}”", self.name_of_key(key))).collect();
        match names.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!(
                "The same content came with different labels: {} and {last}. Your decision settles it.",
                rest.join(", ")
            ),
            _ => "Its labels differed; a decision has settled it.".into(),
        }
    }

    /// Who says what of an item that contradicts itself.
    fn opinions_at_odds(&self, item: ItemIndex) -> Vec<(String, ClassIndex)> {
        let keys = self.labels_at_odds(item);
        let mut said: Vec<(String, ClassIndex)> = Vec::new();
        for event in label::standing(self.events_of(item)) {
            let Action::Label(key) = &event.action else { continue };
            let Some(class) = self.class_of_key(key).filter(|_| keys.contains(&key.as_str())) else { continue };
            let one = (event.annotator.clone(), class);
            if !said.contains(&one) {
                said.push(one);
            }
        }
        said
    }

    fn row_of_group(&self, rows: &[usize]) -> ReviewRow {
        let mut items: Vec<ItemIndex> = rows.iter().map(|&row| self.item_of[row]).collect();
        items.sort_unstable();
        items.truncate(SIDES);
        ReviewRow { suggested: self.majority(&items), items: items.clone(), ..self.plain_row(items[0]) }
    }

    /// The class that most of these are labelled as, or else predicted as; of equals the first.
    fn majority(&self, items: &[ItemIndex]) -> Option<ClassIndex> {
        let mut counts: BTreeMap<ClassIndex, usize> = BTreeMap::new();
        items.iter().filter_map(|&item| self.class_on(item)).for_each(|class| *counts.entry(class).or_default() += 1);
        let most = counts.into_iter().max_by_key(|&(class, count)| (count, std::cmp::Reverse(class)));
        most.map(|(class, _)| class).or_else(|| Some(self.prediction(*items.first()?)?.0))
    }

    /// The class an item is labelled as by people or the data.
    fn class_on(&self, item: ItemIndex) -> Option<ClassIndex> {
        let labels = &self.labels[item as usize];
        let standing = labels.given().filter(|_| !labels.excluded)?;
        self.class_of_key(&standing.class)
    }

    fn is_kept(&self, item: ItemIndex) -> bool {
        let labels = &self.labels[item as usize];
        let standing = labels.given();
        labels.kept.as_ref().is_some_and(|kept| standing.is_some_and(|standing| standing.class == kept.class))
    }

    fn are_kept(&self, rows: &[usize]) -> bool {
        rows.iter().all(|&row| self.is_kept(self.item_of[row]))
    }

    /// Rows that were not excluded and do not wait to be asked blind.
    fn still_there(&self, rows: &[usize]) -> Vec<usize> {
        let there = |row: &&usize| {
            let item = self.item_of[**row];
            !self.labels[item as usize].excluded && !self.waits_as_audit(item)
        };
        rows.iter().filter(there).copied().collect()
    }

    /// Whether a person has labelled all of these alike, or has let them be.
    fn are_settled(&self, rows: &[usize]) -> bool {
        let items: Vec<ItemIndex> = rows.iter().map(|&row| self.item_of[row]).collect();
        let label = |item: ItemIndex| (self.class_on(item), self.number_on(item));
        let first = label(items[0]);
        let alike = first != (None, None) && items.iter().all(|&item| label(item) == first);
        let by_people = items.iter().all(|&item| self.was_seen(item));
        (alike && by_people) || items.iter().all(|&item| self.is_kept(item))
    }

    /// Whether a person decided about it.
    fn was_seen(&self, item: ItemIndex) -> bool {
        let labels = &self.labels[item as usize];
        labels.excluded
            || self.is_kept(item)
            || labels
                .current()
                .is_some_and(|standing| matches!(standing.source, Source::Human | Source::Review | Source::Audit))
    }

    fn is_open_outlier(&self, item: ItemIndex) -> bool {
        !self.was_seen(item) && !self.waits_as_audit(item)
    }

    /// A case with all that is to be shown of it; `None` if its items are not here.
    pub(in crate::worker::session) fn review_case(&self, kind: ReviewKind, items: &[ItemIndex]) -> Option<ReviewCase> {
        if items.is_empty() || items.iter().any(|&item| item as usize >= self.items.len()) {
            return None;
        }
        let items = &items[..items.len().min(SIDES)];
        let (mut why, suggested, mut quality) = self.what_is_said(kind, items);
        let mut suggested_value = None;
        if self.is_numeric() && items.len() == 1 {
            let (of_number, value, doubt) = self.what_is_said_of_number(items[0]);
            suggested_value = value;
            if kind == ReviewKind::Suspect {
                (why, quality) = (of_number, doubt);
            }
        }
        let sides = items.iter().map(|&item| self.side(item, items)).collect();
        Some(ReviewCase { kind, sides, why, suggested, suggested_value, quality, model: self.learner.version() })
    }

    /// Why a case is here, what it may be instead, and how good its label is.
    fn what_is_said(&self, kind: ReviewKind, items: &[ItemIndex]) -> (String, Option<(ClassIndex, f32)>, Option<f32>) {
        let names = self.class_names();
        let name = |class: usize| names.get(class).map_or("", String::as_str);
        let suspect = self.review.found.as_ref().and_then(|found| {
            let is_this = |suspect: &&Suspect| {
                found.labels.get(suspect.index).is_some_and(|&(row, _)| self.item_of[row] == items[0])
            };
            found.report.ranked.iter().find(is_this)
        });
        match kind {
            ReviewKind::Suspect => match suspect {
                Some(suspect) => (
                    why(suspect, name),
                    Some((suspect.suggested as ClassIndex, suspect.suggested_probability as f32)),
                    Some(suspect.score as f32),
                ),
                None => ("You asked for this one.".into(), self.prediction(items[0]), None),
            },
            ReviewKind::Contradiction if items.len() == 1 => {
                let keys = self.labels_at_odds(items[0]).len().max(1) as f32;
                let other = self.other_at_odds(items[0]);
                (self.what_is_at_odds(items[0]), other.map(|class| (class, 1.0 / keys)), None)
            }
            ReviewKind::Contradiction | ReviewKind::Duplicate => {
                let most = self.majority(items);
                let share = |class: ClassIndex| {
                    let same = items.iter().filter(|&&item| self.class_on(item) == Some(class)).count();
                    (class, same as f32 / items.len() as f32)
                };
                let sentence = match kind {
                    ReviewKind::Contradiction => "These are nearly the same, and labelled differently. One label is wrong, or the classes overlap.",
                    _ => "These are nearly the same. One of them teaches the model as much as all.",
                };
                (sentence.into(), most.map(share), None)
            }
            ReviewKind::Outlier => (
                "It is farther from its nearest neighbours than almost any other item. If it is none of the classes, exclude it.".into(),
                self.prediction(items[0]),
                None,
            ),
            ReviewKind::SecondOpinion => {
                ("Another opinion was asked for. Keeping or changing the label settles it.".into(), self.prediction(items[0]), None)
            }
            ReviewKind::Disagreement => self.what_annotators_say(items[0]),
        }
    }

    fn side(&self, item: ItemIndex, all: &[ItemIndex]) -> ReviewSide {
        let mut card: Card = self.bare_card(item, String::new());
        if let Some(row) = self.row_of[item as usize] {
            card.neighbours = self.neighbours(row);
            let held_out = self.learner.held_out().iter().find(|held_out| held_out.row == row);
            card.probabilities = held_out.map(|row| row.probabilities.clone()).unwrap_or_default();
        }
        // Each is compared with the first, and the first with the second.
        let other = if item == all[0] { all.get(1) } else { all.first() };
        let (pieces, differs) =
            match other.map(|&other| (&self.items[item as usize].content, &self.items[other as usize].content)) {
                Some((Content::Text(own), Content::Text(other))) => (marked(own, other), Vec::new()),
                Some((Content::Row(own), Content::Row(other))) => {
                    (Vec::new(), own.iter().zip(other).map(|(own, other)| own != other).collect())
                }
                _ => (Vec::new(), Vec::new()),
            };
        let mut opinions = self.opinions_on(item);
        if opinions.is_empty() {
            opinions = self.opinions_at_odds(item);
        }
        ReviewSide { opinions, card, pieces, differs }
    }
}

/// A text in pieces, and which of them the other one does not have.
fn marked(own: &str, other: &str) -> Vec<(String, bool)> {
    let pieces = word_difference(own, other).left;
    pieces.into_iter().map(|piece| (piece.text, piece.kind != Kind::Same)).collect()
}
