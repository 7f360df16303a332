//! Every figure on screen: what it means and how it is computed, in a sentence or two. `docs/methods.md` has the formulas.
//! The words wait here until somebody opens the glossary, so that the page need not carry them.

/// A term, its anchor, and what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// The word used on screen.
    pub name: &'static str,
    /// What it is and how it is computed.
    pub meaning: &'static str,
}

/// All of them, in the order of the flow.
pub const TERMS: [Term; 43] = [
    term(
        "Label",
        "What a person, or the data, says an item is. Labels form a log that is only ever added to; undo adds a line, too.",
    ),
    term(
        "Suggestion",
        "The class that the working model finds likeliest, with its calibrated probability. Never shown on an audit.",
    ),
    term(
        "Working model",
        "The model that learns with each label at once and is refitted on all labels in idle time. It suggests, and it orders the queue.",
    ),
    term(
        "Uncertainty herding",
        "How the queue chooses: items the model is unsure of that stand for many others no label is near to yet (Bae, Oliveira and Sutherland, 2024).",
    ),
    term(
        "Audit",
        "A question drawn at random from the items then open, asked without a suggestion and never trained on. Audits and imported test labels measure a model.",
    ),
    term(
        "Imported test labels",
        "Labels that came with the data as a test set: a split column, a folder, a random share. They measure a model and never train it. They are not blind, so their figures stand beside the audits’, not among them.",
    ),
    term(
        "Accuracy",
        "The share of audits that a model has right, with the exact (Clopper–Pearson) 95 % interval: it covers the truth at least 95 times in 100, however few the audits.",
    ),
    term(
        "Too few to say",
        "Fewer than 20 audits (100 for the calibration error) are behind a figure: its interval comes first and its point is muted. At 20 the exact 95 % interval of a share is at most 46 points wide.",
    ),
    term(
        "Estimate for the rest",
        "The accuracy on the items nobody labelled for training. Audits were drawn from hard and easy, and the queue has since taken the hard away: the estimate corrects for these by their out-of-fold error, and so does its interval, the audits’ exact one.",
    ),
    term(
        "Out of fold",
        "The share of training labels that a model has right which did not see them: five fits, each on four fifths. These labels were chosen, so it is a guide and not the accuracy.",
    ),
    term(
        "Precision, recall, F1",
        "Of what is predicted as a class, the share that is; of what is a class, the share predicted so; and the harmonic mean of the two. On audits, with intervals.",
    ),
    term(
        "Confusion matrix",
        "Audits counted by true class (rows) and predicted class (columns). A cell opens its items.",
    ),
    term(
        "Calibration",
        "Probabilities are softmax(logits / T) with a temperature T fitted on out-of-fold predictions, so that of what is said with 90 % about nine in ten are right.",
    ),
    term(
        "Reliability, ECE",
        "Audits in bins of the top probability: the share right against the mean probability. The expected calibration error is the mean gap; 0 is perfect.",
    ),
    term("Log-loss (NLL)", "The mean of −ln p of the true class. Being surely wrong costs most."),
    term("Brier score", "The mean squared distance between the probabilities and the truth, from 0 to 2."),
    term(
        "ROC-AUC",
        "How well the probability of a class ranks what is of it before what is not: 0.5 is chance, 1 perfect. Averaged over classes.",
    ),
    term("Learning curve", "Accuracy on the audits by number of training labels, one point a training run."),
    term(
        "Random baseline",
        "What as many labels drawn at random would have given: a throw-away model learns from part of the audits and is measured on the rest.",
    ),
    term(
        "Halting hint",
        "A light for stopping. Green: you may stop. Amber: look first. Red: labels still pay. From the learning curve's slope, the estimated accuracy and the share decided or accepted.",
    ),
    term(
        "Suspect",
        "A label that a model which had not seen it finds unlikely, ranked by model, nearest labelled items and the class’s cleanness (confident learning, 2021). A label you keep returns only once the odds that it is right have fallen to a third.",
    ),
    term(
        "Near duplicate, contradiction, outlier",
        "Near duplicates are nearer than 0.13 × the median nearest distance; with different labels they contradict each other. An outlier’s mean distance to its 10 nearest lies above Q3 + 1.7 · IQR. What duplicates an audit never trains.",
    ),
    term(
        "Gain of a review",
        "The same kind of model is trained on the labels before and after the review, and both are measured on the same audits. The interval is of the paired difference (Bonett and Price, 2012).",
    ),
    term(
        "κ and α",
        "Agreement beyond chance, 1 when complete and 0 as chance would have it: Cohen’s κ of two annotators, Krippendorff’s α of all, with 95 % intervals.",
    ),
    term(
        "Consensus",
        "What several annotators say together: each answer weighs by how often that annotator is right about that class, estimated with the truth at once (Dawid and Skene, 1979).",
    ),
    term(
        "Steadiness",
        "The share of your own labels that you gave again when asked blind, later, with its exact interval. It changes no label.",
    ),
    term(
        "Champion, challenger",
        "The champion is the deployed model: frozen, it accepts and is exported. A challenger is a newly trained one that wants to replace it.",
    ),
    term(
        "Gate",
        "A challenger is promoted only if the evidence on the same audits reaches 20, no class is behind that may lose more than five points, and its log-loss is not worse.",
    ),
    term(
        "Evidence (e-value)",
        "How many times likelier the answers are if the claim holds than if it does not. Reaching 1/δ by chance happens with probability δ at most, even if one looks after every audit; so looking is allowed.",
    ),
    term(
        "Error budget",
        "The largest share of wrong labels (α) that you can bear among those accepted without a person, and the chance (δ) that the promise fails.",
    ),
    term(
        "Certificate",
        "The frozen list of predictions to accept, audited at random until the evidence reaches 1/δ or can't any more. The j-th certificate spends 6δ/(π²j²), so all together keep δ. A new champion or threshold voids it.",
    ),
    term(
        "Run, fingerprint",
        "Each experiment is logged as a run. Its fingerprint is the SHA-256 of all that decides the result (data, labels, features, parameters, seed); the same fingerprint is answered from the log.",
    ),
    term(
        "Import, reference",
        "An import after the champion was deployed is compared with the reference: all that was there then, which it was trained and audited on. The next champion's reference includes it.",
    ),
    term(
        "Healthy, watch, deteriorated",
        "Deteriorated: audits, or the whole band of the expected accuracy, lie below the acceptable level. Watch: the data moved, can’t be estimated, or fell; an audit decides. Healthy needs evidence. Else it is too small to say; small imports are judged together.",
    ),
    term(
        "Acceptable level",
        "The accuracy below which the champion has deteriorated. Until you set it: what the first champion was measured at less five points, or its lower bound; none if always guessing the largest class does better.",
    ),
    term(
        "Expected accuracy",
        "What the champion’s own confidence promises on an import, recalibrated on held-out labels and for its class shares. None for fewer than 20 items, or for items unlike the reference. It can’t see that the same item is called something else now.",
    ),
    term(
        "Class shares before and now",
        "Estimated from what the champion predicts: the posterior of the shares with a prior around those of the reference, so that what a weak model can’t tell widens the interval. Where nothing can be estimated, what is predicted is counted.",
    ),
    term(
        "Label audit",
        "Labels drawn at random are asked again, blind; no label changes. The share answered otherwise, with the exact interval of a finite number of labels, tells how many are wrong, whatever a model thinks. Skip if you can’t tell.",
    ),
    term(
        "Next in the ranking",
        "How many of the next suspects are expected to be wrong, from those already reviewed: precision is supposed to stay or fall with rank. With a 90 % interval; it says when going on is hardly worth it.",
    ),
    term(
        "Stability index (PSI)",
        "How far a column's distribution moved: the sum over its bins of (now − before) · ln(now / before). Below 0.1 is little, above 0.25 much. What decides is the test beside it.",
    ),
    term(
        "Most novel",
        "Items farther from their nearest reference items than those are from each other, and told from the reference by a linear classifier. Beside each are the past items most like it.",
    ),
    term(
        "Gain of a way back",
        "Measured on audits of the import, paired with the champion: by a throw-away model that also learnt from four fifths of them, and by the first models that a search would try.",
    ),
    term(
        "What a label changed",
        "How many unlabelled items' likeliest class flipped, and by how much the mean top probability moved, from just before to just after the label.",
    ),
];

const fn term(name: &'static str, meaning: &'static str) -> Term {
    Term { name, meaning }
}

#[cfg(test)]
mod tests {
    use super::TERMS;

    #[test]
    fn terms_are_distinct_whole_sentences() {
        for (place, term) in TERMS.iter().enumerate() {
            assert!(TERMS[place + 1..].iter().all(|other| other.name != term.name), "{} twice", term.name);
            assert!(term.meaning.ends_with('.') && term.meaning.len() < 260, "{}", term.name);
        }
    }
}
