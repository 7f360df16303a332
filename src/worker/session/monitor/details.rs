//! All that is known of one import.

use super::super::Project;
use super::super::deployment::interval;
use super::super::views::preview;
use crate::pipeline::drift::schema::{Severity, check_duplicates};
use crate::protocol::{BatchDetails, ClassIndex, ClassMoved, ColumnMoved, ItemIndex, NovelItem, PastItem, TestResult};

/// Characters of a text beside its neighbours.
const PREVIEW: usize = 140;

impl Project {
    /// One import in detail; `None` if there is none such.
    pub(in super::super) fn batch_details(&self, batch: u32) -> Option<BatchDetails> {
        self.batches.get(batch as usize)?;
        let report = self.report(batch);
        let mut columns: Vec<ColumnMoved> = report
            .into_iter()
            .flat_map(|report| &report.columns)
            .map(|column| ColumnMoved {
                name: column.name.clone(),
                stability: column.psi,
                corrected: column.test.corrected,
                missing: (column.missing_reference, column.missing_batch),
                usual: (column.usual_reference.clone(), column.usual_batch.clone()),
                unseen: column.unseen.clone(),
                unseen_share: column.unseen_share,
                out_of_range: column.out_of_range,
            })
            .collect();
        columns.sort_by(|a, b| a.corrected.total_cmp(&b.corrected).then(b.stability.total_cmp(&a.stability)));
        let tests = report.into_iter().flat_map(|report| &report.tests).map(|(name, test)| TestResult {
            name: name.clone(),
            statistic: test.statistic,
            corrected: test.corrected,
        });
        let novel = report.into_iter().flat_map(|report| &report.novel).map(|novel| {
            let item = self.item_of[novel.row];
            let stored = &self.items[item as usize];
            NovelItem {
                item,
                name: stored.name.clone(),
                preview: preview(&stored.content, PREVIEW),
                novelty: novel.novelty,
                predicted: self
                    .champion
                    .as_ref()
                    .filter(|_| !self.waits_as_audit(item))
                    .and_then(|champion| champion.prediction(novel.row)),
                nearest: novel.nearest.iter().map(|&row| self.past_item(self.item_of[row])).collect(),
            }
        });
        let findings = self.batch_findings(batch);
        Some(BatchDetails {
            batch,
            summary: report.map(|report| report.summary(findings.len())).unwrap_or_default(),
            findings,
            // On fewer rows than would be too few there is none.
            separation: report.and_then(|report| report.separation).map(|found| interval(found.auc, usize::MAX)),
            classes: self.classes_moved(batch),
            tests: tests.collect(),
            columns,
            novel: novel.collect(),
        })
    }

    fn past_item(&self, item: ItemIndex) -> PastItem {
        let stored = &self.items[item as usize];
        PastItem {
            item,
            name: stored.name.clone(),
            preview: preview(&stored.content, PREVIEW),
            label: self.labelled_class(item),
        }
    }

    fn classes_moved(&self, batch: u32) -> Vec<ClassMoved> {
        let Some(report) = self.report(batch) else { return Vec::new() };
        let audited: Vec<_> =
            self.audited().into_iter().filter(|audit| self.items[audit.item as usize].batch == batch).collect();
        let counted = |class: ClassIndex| {
            let own = audited.iter().filter(|audit| audit.truth == class);
            let says = |row: usize| self.champion.as_ref().and_then(|champion| champion.prediction(row));
            let right = own.clone().filter(|audit| says(audit.row).is_some_and(|(said, _)| said == class)).count();
            (own.count() as u32, right as u32)
        };
        (0..)
            .zip(&report.classes)
            .map(|(class, moved)| ClassMoved {
                class,
                predicted: moved.predicted,
                estimated: moved.estimated.map(|(before, now)| (before, interval(now, usize::MAX))),
                audited: counted(class),
            })
            .collect()
    }

    /// What the data show by themselves, before any model: as found at the import, and what nearly duplicates a label that
    /// trains.
    fn batch_findings(&self, batch: u32) -> Vec<(bool, String)> {
        let record = &self.batches[batch as usize];
        let near = (0..self.item_of.len()).filter(|&row| {
            self.items[self.item_of[row] as usize].batch == batch
                && batch > 0
                && self.repeats_earlier_training(row, batch)
        });
        let duplicates = match batch {
            0 => Vec::new(),
            _ => {
                check_duplicates(record.duplicates as usize, near.count(), (record.items + record.duplicates) as usize)
            }
        };
        let duplicates =
            duplicates.into_iter().map(|finding| (finding.severity == Severity::Warning, finding.sentence));
        record.findings.iter().cloned().chain(duplicates).collect()
    }
}
