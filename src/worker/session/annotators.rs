//! Several annotators: who labelled, how far they agree, and what is to be settled between them.

use super::Project;
use crate::pipeline::item::ContentHash;
use crate::pipeline::quality::annotators::alpha::krippendorff_alpha;
use crate::pipeline::quality::annotators::answers::Answers;
use crate::pipeline::quality::annotators::consistency::self_agreement;
use crate::pipeline::quality::annotators::dawid_skene::{DawidSkene, dawid_skene};
use crate::pipeline::quality::annotators::disagreements::disagreements;
use crate::pipeline::quality::annotators::kappa::pairwise_kappa;
use crate::pipeline::quality::annotators::opinions::opinions;
use crate::protocol::{AnnotatorState, AnnotatorsState, ClassIndex, ItemIndex, ReviewRow};

impl Project {
    /// Items on which annotators differ, with the consensus as the suggestion.
    pub(super) fn disagreement_rows(&self) -> Vec<ReviewRow> {
        let open = disagreements(&self.log);
        if open.is_empty() {
            return Vec::new();
        }
        let consensus = self.consensus();
        open.into_iter()
            .filter_map(|disagreement| {
                let &item = self.by_hash.get(&disagreement.item)?;
                let suggested = consensus.as_ref().and_then(|consensus| self.agreed(consensus, disagreement.item));
                Some(ReviewRow { suggested: suggested.map(|(class, _)| class), ..self.plain_row(item) })
            })
            .filter(|row| !self.waits_as_audit(row.items[0]))
            .collect()
    }
}
