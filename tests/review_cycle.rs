//! Better data, driven natively: planted errors are found, put right and paid back; kept labels stay kept; people's logs
//! merge; duplicates don't cross from training to audits; questions are repeated blind.

#[path = "driver/mod.rs"]
mod driver;

use driver::{CLASSES, Driver, PROJECT, planted, run, truth};
use hone::pipeline::import::{GivenLabel, Imported};
use hone::pipeline::item::{Content, ContentHash, Item, Kind};
use hone::pipeline::label::Source;
use hone::protocol::{
    ClassIndex, Decision, ExperimentReply, Export, ItemFilter, ItemIndex, ItemQuery, Options, Reply, Request,
    ReviewCase, ReviewKind, ReviewState, RunQuery, Verdict,
};
use hone::storage::Store;
use hone::storage::records::Ending;
use hone::worker::session::{Arrival, Chunk, Coming};

/// Every ninth label that comes with the data is wrong.
fn given(item: ItemIndex) -> ClassIndex {
    if item % 9 == 4 { (truth(item) + 1) % 3 } else { truth(item) }
}

fn arrival(item: ItemIndex, label: Option<ClassIndex>) -> Arrival {
    let bytes = format!("image {item}").into_bytes();
    let hash = ContentHash::of(&bytes);
    let stored = Item { hash, name: format!("{item}.png"), content: Content::Image, batch: 0, extra: Vec::new() };
    let label = label.map(|class| CLASSES[usize::from(class)].to_owned());
    Arrival {
        imported: Imported { item: stored, labels: label.map(GivenLabel::of).into_iter().collect(), held_out: false },
        media: Some(bytes),
    }
}

/// Labels for items that are there already, as if their file had come again with a column of labels.
async fn labels_come(driver: &mut Driver, items: impl Iterator<Item = ItemIndex>) {
    let now = driver.now();
    let batch = driver.session.begin_batch("labels", Kind::Image, &[], Coming::default(), now).await.expect("a batch");
    let arrivals = items.map(|item| arrival(item, Some(given(item)))).collect();
    driver.session.add_chunk(batch, Chunk { arrivals, problems: Vec::new() }, now).await.expect("stored");
    driver.session.finish_batch(batch, Ending::Finished, now).await.expect("stored");
    driver.settle().await;
}

async fn review(driver: &mut Driver, kind: ReviewKind) -> ReviewState {
    // The first question starts the search, the second hears what it found.
    driver.ask(Request::Review(kind)).await;
    driver.settle().await;
    match driver.ask(Request::Review(kind)).await.0 {
        Reply::Review(state) => *state,
        other => panic!("{other:?}"),
    }
}

async fn case(driver: &mut Driver, kind: ReviewKind, items: Vec<ItemIndex>) -> ReviewCase {
    match driver.ask(Request::ReviewCase { kind, items }).await.0 {
        Reply::ReviewCase(Some(case)) => *case,
        other => panic!("{other:?}"),
    }
}

/// Decides about a case as the page would, with what was on screen.
async fn decide(driver: &mut Driver, case: &ReviewCase, verdict: Verdict) {
    driver.ids += 1;
    let id = ulid::Ulid::from_parts(driver.clock_ms as u64, driver.ids).to_string();
    let shown = case.suggested.map(|(class, probability)| hone::pipeline::label::Shown {
        class: CLASSES[usize::from(class)].into(),
        probability,
        model: case.model,
        quality: case.quality,
    });
    let item = case.sides[0].card.item;
    let decision = Decision { id, item, verdict, shown, audit: None, repeat: false, took_ms: Some(700) };
    let reply = driver.ask(Request::Decide(decision)).await.0;
    assert!(matches!(reply, Reply::Decided(_)), "{reply:?}");
}

async fn runs_of_reviews(driver: &mut Driver) -> Vec<hone::protocol::RunRow> {
    let query = RunQuery { expression: "attributes.kind = \"review\"".into(), sort: String::new(), descending: false };
    match driver.ask(Request::Runs(query)).await.0 {
        Reply::Runs { rows, .. } => rows,
        other => panic!("{other:?}"),
    }
}

/// A project whose labels came with errors, and audits to measure with.
async fn with_errors() -> Driver {
    let mut driver = Driver { noise: 0.7, ..Driver::new(Store::default()) }.made_ready(240).await;
    labels_come(&mut driver, 0..150).await;
    driver.ask(Request::AuditNow { count: 50 }).await;
    driver.settle().await;
    for _ in 0..50 {
        assert!(driver.queue.cards[0].audit.is_some());
        driver.label_next().await;
    }
    driver
}

#[test]
fn planted_errors_are_found_put_right_and_paid_back() {
    run(async {
        let mut driver = with_errors().await;
        let wrong: Vec<ItemIndex> = (0..150).filter(|&item| given(item) != truth(item)).collect();
        let mut mended = 0;
        let mut looked_at = 0;
        // As labels near by are mended, one that was kept may be raised again.
        let mut kept = std::collections::BTreeSet::new();
        loop {
            let list = review(&mut driver, ReviewKind::Suspect).await;
            assert_eq!(list.progress, None);
            let Some(row) = list.rows.first().cloned() else { break };
            let shown = case(&mut driver, ReviewKind::Suspect, row.items.clone()).await;
            assert_eq!(shown.sides[0].card.label, row.given);
            assert!(shown.why.contains('%') && !shown.sides[0].card.neighbours.is_empty(), "{}", shown.why);
            looked_at += 1;
            let item = row.items[0];
            if given(item) == truth(item) {
                kept.insert(item);
                decide(&mut driver, &shown, Verdict::Keep).await;
            } else {
                mended += 1;
                decide(&mut driver, &shown, Verdict::Label(truth(item))).await;
            }
        }
        assert!(mended * 10 >= wrong.len() * 9, "{mended} of {} found among {looked_at}", wrong.len());
        assert!(looked_at <= wrong.len() * 2, "{looked_at} looked at for {} errors", wrong.len());
        let round = driver.state().review.round.clone();
        assert_eq!((round.changed as usize, round.kept as usize, round.excluded), (mended, kept.len(), 0));
        assert_eq!(round.why_not, None);

        let reply = driver.ask(Request::MeasureGain).await.0;
        let Reply::Experiment(ExperimentReply::Started { number }) = reply else { panic!("{reply:?}") };
        driver.settle().await;
        let round = driver.state().review.round.clone();
        let gain = round.gain.expect("a measured gain");
        assert_eq!(gain.run, number);
        assert!(gain.sentence.contains(&format!("changed {mended} labels")), "{}", gain.sentence);
        assert!(gain.difference.estimate >= 0.0 && gain.difference.high > 0.0, "{gain:?}");
        assert_eq!((round.changed, round.kept), (0, 0), "the next review begins");
        let logged = runs_of_reviews(&mut driver).await;
        assert_eq!(logged.len(), 1);
        assert!(logged[0].parent.is_some() && logged[0].metrics.iter().any(|(key, _)| key == "gain_low"));
        let reply = driver.ask(Request::MeasureGain).await.0;
        assert!(matches!(&reply, Reply::Failed(why) if why.contains("No label was changed")), "{reply:?}");
    });
}

/// One label in nine is wrong. Labels asked again at random say so, whatever the model thinks; what is found in the ranking says what
/// is to come; the tab, the sentence and the list count the same.
#[test]
fn a_label_audit_measures_the_errors_and_the_ranking_forecasts_them() {
    run(async {
        let mut driver = with_errors().await;
        let before = review(&mut driver, ReviewKind::Suspect).await;
        assert!(before.headline.starts_with(&format!("{} labels differ", before.counts[0])), "{}", before.headline);
        assert_eq!((before.counts[0] as usize, before.forecast.as_str()), (before.rows.len(), ""));
        assert_eq!((before.label_audit.answered, before.label_audit.rate), (0, None));

        let labels = driver.state().labelled;
        let reply = driver.ask(Request::AuditLabels { count: 45 }).await.0;
        assert_eq!(reply, Reply::Count(45));
        driver.settle().await;
        let (mut different, mut unsure) = (0, 0);
        let mut asked = 0;
        while asked < 45 {
            let card = driver.queue.cards[0].clone();
            if card.audit.is_some() {
                // One that was drawn before comes first.
                driver.label_next().await;
                continue;
            }
            assert!(card.repeat && card.label.is_none() && card.suggestion.is_none(), "blind: {card:?}");
            let verdict = if asked % 15 == 7 { Verdict::Skip } else { Verdict::Label(truth(card.item)) };
            unsure += u32::from(verdict == Verdict::Skip);
            different += u32::from(verdict != Verdict::Skip && given(card.item) != truth(card.item));
            driver.decide(card.item, verdict, card.audit).await;
            driver.settle().await;
            asked += 1;
        }
        assert!(!driver.queue.cards[0].repeat, "the audit has an end");
        assert_eq!(driver.state().labelled, labels, "no label changes by being asked again");
        let after = review(&mut driver, ReviewKind::Suspect).await.label_audit;
        assert_eq!((after.wished, after.answered, after.different, after.unsure), (0, 42, different, unsure));
        let rate = after.rate.expect("answers");
        let wrong = (0..150).filter(|&item| given(item) != truth(item)).count() as f64 / 150.0;
        assert!(different > 0 && rate.low < wrong && wrong < rate.high && !rate.few, "{wrong}: {rate:?}");
        // What was answered otherwise waits for another look.
        let doubted = review(&mut driver, ReviewKind::SecondOpinion).await.rows;
        assert_eq!(doubted.len() as u32, different);
        assert!(doubted.iter().all(|row| given(row.items[0]) != truth(row.items[0])));

        for _ in 0..12 {
            let row = review(&mut driver, ReviewKind::Suspect).await.rows[0].clone();
            let shown = case(&mut driver, ReviewKind::Suspect, row.items.clone()).await;
            let item = row.items[0];
            let verdict = match given(item) == truth(item) {
                true => Verdict::Keep,
                false => Verdict::Label(truth(item)),
            };
            decide(&mut driver, &shown, verdict).await;
        }
        let forecast = review(&mut driver, ReviewKind::Suspect).await.forecast;
        assert!(forecast.starts_with("Of 12 looked at, ") && forecast.contains(" will be ("), "{forecast}");
        driver.ask(Request::Undo).await;
        let forecast = review(&mut driver, ReviewKind::Suspect).await.forecast;
        assert!(forecast.starts_with("Of 11 looked at, "), "what is taken back was not looked at: {forecast}");
    });
}

#[test]
fn a_kept_label_is_not_raised_again_and_an_undone_review_is() {
    run(async {
        let mut driver = with_errors().await;
        let list = review(&mut driver, ReviewKind::Suspect).await;
        let first = list.rows[0].items.clone();
        let shown = case(&mut driver, ReviewKind::Suspect, first.clone()).await;
        decide(&mut driver, &shown, Verdict::Keep).await;
        driver.settle().await;
        let after = review(&mut driver, ReviewKind::Suspect).await;
        assert!(after.rows.iter().all(|row| row.items != first));
        assert_eq!(after.counts[0] + 1, list.counts[0]);
        driver.ask(Request::Undo).await;
        let again = review(&mut driver, ReviewKind::Suspect).await;
        assert!(again.rows.iter().any(|row| row.items == first));
        decide(&mut driver, &shown, Verdict::SecondOpinion).await;
        let wanted = review(&mut driver, ReviewKind::SecondOpinion).await;
        assert!(wanted.rows.iter().map(|row| &row.items).eq([&first]), "{:?}", wanted.rows);
        decide(&mut driver, &shown, Verdict::Exclude).await;
        driver.settle().await;
        let excluded = first[0];
        assert_eq!(driver.state().review.round.excluded, 1);
        let (labels, file) = driver.ask(Request::Export(Export::LabelsCsv)).await;
        assert!(matches!(labels, Reply::File { .. }));
        let text = String::from_utf8(file.expect("a file")).expect("UTF-8");
        assert!(!text.contains(&format!(",{excluded}.png,")), "an excluded item has no label to give");
    });
}

#[test]
fn labels_of_duplicates_of_audits_do_not_train() {
    run(async {
        let mut driver = Driver::new(Store::default());
        driver.import(120).await;
        // Item 119 looks just like item 0.
        loop {
            let pending = driver.session.project_mut().expect("open").take_pending(16);
            if pending.is_empty() {
                break;
            }
            let twin = |item: ItemIndex| if item == 119 { 0 } else { item };
            let vectors = pending
                .iter()
                .map(|pending| (pending.item, pending.hash, Ok(planted(twin(pending.item), 16, 0.5))))
                .collect();
            driver.session.embedded(PROJECT, vectors, "planted-1").await.expect("cached");
        }
        driver.settle().await;
        let groups = review(&mut driver, ReviewKind::Duplicate).await;
        assert_eq!(groups.rows.iter().map(|row| row.items.clone()).collect::<Vec<_>>(), [vec![0, 119]]);
        for item in 1..40 {
            driver.decide(item, Verdict::Label(truth(item)), None).await;
        }
        driver.decide(119, Verdict::Label(truth(0)), None).await;
        driver.settle().await;
        assert_eq!(driver.state().review.left_out, 0);
        // Its twin is answered as an audit: from now on the label of 119 would tell the model the audit's answer.
        driver.decide(0, Verdict::Label(truth(0)), Some(0.1)).await;
        driver.settle().await;
        assert_eq!(driver.state().review.left_out, 1);
        assert_eq!(driver.state().model.as_ref().map(|model| model.labels), Some(39));
        // Labelled differently, the two contradict each other.
        driver.decide(119, Verdict::Label((truth(0) + 1) % 3), None).await;
        let found = review(&mut driver, ReviewKind::Contradiction).await;
        assert_eq!(found.rows.iter().map(|row| row.items.clone()).collect::<Vec<_>>(), [vec![0, 119]]);
    });
}

/// A driver of the same items under another name, with labels on `items`; every `differ`-th is another class.
async fn annotator(name: &str, items: std::ops::Range<ItemIndex>, differ: ItemIndex, clock_ms: f64) -> Driver {
    let mut driver = Driver::ready(Store::default(), 60).await;
    driver.clock_ms = clock_ms;
    driver.ids = name.bytes().map(u128::from).sum::<u128>() << 40;
    driver.ask(Request::SetAnnotator { name: name.into() }).await;
    for item in items {
        let class = if item % differ == 1 { (truth(item) + 1) % 3 } else { truth(item) };
        driver.decide(item, Verdict::Label(class), None).await;
    }
    driver.settle().await;
    driver
}

async fn label_log(driver: &mut Driver) -> Vec<u8> {
    let (reply, file) = driver.ask(Request::Export(Export::LabelLog)).await;
    assert!(matches!(reply, Reply::File { .. }), "{reply:?}");
    file.expect("a file")
}

async fn merge(driver: &mut Driver, bytes: &[u8]) -> String {
    let now = driver.now();
    let said = driver.session.merge(bytes, now).await.expect("merged");
    driver.listen();
    driver.embed().await;
    driver.settle().await;
    said
}

async fn standing_labels(driver: &mut Driver) -> Vec<Option<(ClassIndex, Source)>> {
    let (reply, _) = driver.ask(Request::Items(driver::everything())).await;
    let Reply::Items { rows, .. } = reply else { panic!("{reply:?}") };
    rows.into_iter().map(|row| row.label).collect()
}

#[test]
fn logs_merge_both_ways_any_number_of_times_and_disagreements_are_settled() {
    run(async {
        let mut ann = annotator("Ann", 0..30, 1_000, 1_700_000_100_000.0).await;
        let mut ben = annotator("Ben", 10..40, 7, 1_700_000_200_000.0).await;
        let (of_ann, of_ben) = (label_log(&mut ann).await, label_log(&mut ben).await);
        let said = merge(&mut ann, &of_ben).await;
        assert!(said.contains("30 new decisions by Ben"), "{said}");
        merge(&mut ben, &of_ann).await;
        assert!(merge(&mut ann, &of_ben).await.starts_with("Nothing new"));
        assert_eq!(standing_labels(&mut ann).await, standing_labels(&mut ben).await);
        assert_eq!(label_log(&mut ann).await, label_log(&mut ben).await);

        // Ben labelled 15, 22 and 29 otherwise.
        let mut list = review(&mut ann, ReviewKind::Disagreement).await;
        assert_eq!(list.rows.len(), 3);
        assert_eq!(list.annotators.annotators.len(), 2);
        assert!(list.annotators.alpha.is_some_and(|alpha| alpha.estimate < 1.0));
        let [(_, _, 20, Some(kappa))] = list.annotators.pairs[..] else { panic!("{:?}", list.annotators.pairs) };
        assert!(kappa.estimate > 0.5 && kappa.estimate < 1.0, "{kappa:?}");
        while let Some(row) = list.rows.first().cloned() {
            let shown = case(&mut ann, ReviewKind::Disagreement, row.items.clone()).await;
            assert_eq!(shown.sides[0].opinions.len(), 2);
            decide(&mut ann, &shown, Verdict::Label(truth(row.items[0]))).await;
            list = review(&mut ann, ReviewKind::Disagreement).await;
        }
        // The adjudication travels, too.
        let settled = label_log(&mut ann).await;
        merge(&mut ben, &settled).await;
        assert_eq!(review(&mut ben, ReviewKind::Disagreement).await.rows.len(), 0);
        assert_eq!(standing_labels(&mut ann).await, standing_labels(&mut ben).await);
        // Nobody takes back what somebody else decided.
        let before = standing_labels(&mut ben).await;
        ben.ask(Request::Undo).await;
        let after = standing_labels(&mut ben).await;
        let changed: Vec<usize> = (0..60).filter(|&item| before[item] != after[item]).collect();
        assert_eq!(changed, [39], "Ben's own last label");
    });
}

#[test]
fn a_project_file_brings_its_items_and_events_about_unknown_items_wait_for_them() {
    run(async {
        let mut ann = annotator("Ann", 0..20, 1_000, 1_700_000_100_000.0).await;
        let mut ben = Driver::new(Store::default());
        ben.session
            .create_project(PROJECT.into(), "Shapes", Kind::Image, Vec::new(), &CLASSES.map(String::from), 0.0)
            .await
            .expect("a project");
        let of_ann = label_log(&mut ann).await;
        assert!(merge(&mut ben, &of_ann).await.contains("20 new decisions"));
        assert_eq!(ben.state().items, 0);
        let (reply, file) = ann.ask(Request::Export(Export::Project)).await;
        assert!(matches!(reply, Reply::File { .. }));
        let said = merge(&mut ben, &file.expect("a file")).await;
        assert!(said.contains("60 new items"), "{said}");
        let mut own = standing_labels(&mut ben).await;
        let mut theirs = standing_labels(&mut ann).await;
        assert_eq!(own.len(), 60);
        own.sort_by_key(|label| format!("{label:?}"));
        theirs.sort_by_key(|label| format!("{label:?}"));
        assert_eq!(own, theirs);
        let now = ben.now();
        let refused = ben.session.merge(b"not a log", now).await;
        assert!(refused.is_err());
        assert_eq!(ben.state().items, 60);
    });
}

#[test]
fn questions_are_repeated_blind_and_change_no_label() {
    run(async {
        let mut driver = Driver::ready(Store::default(), 120).await;
        let options = Options { audit_share: 0.0, repeat_share: 0.5, ..Options::default() };
        driver.ask(Request::SetOptions(options)).await;
        driver.settle().await;
        let mut repeated = Vec::new();
        for _ in 0..70 {
            let card = driver.queue.cards[0].clone();
            // The person changes their mind on every third repeat.
            let class =
                if card.repeat && repeated.len() % 3 == 2 { (truth(card.item) + 1) % 3 } else { truth(card.item) };
            if card.repeat {
                assert!(card.label.is_none() && card.suggestion.is_none() && card.neighbours.is_empty());
                repeated.push(card.item);
            }
            driver.ids += 1;
            let id = ulid::Ulid::from_parts(driver.clock_ms as u64, driver.ids).to_string();
            let verdict = Verdict::Label(class);
            let decision =
                Decision { id, item: card.item, verdict, shown: None, audit: None, repeat: card.repeat, took_ms: None };
            driver.ask(Request::Decide(decision)).await;
            driver.settle().await;
        }
        assert!(repeated.len() > 10, "{} of 70 were repeats", repeated.len());
        let labels = standing_labels(&mut driver).await;
        for &item in &repeated {
            assert_eq!(labels[item as usize].map(|label| label.0), Some(truth(item)));
        }
        let steady = review(&mut driver, ReviewKind::Suspect).await.annotators.consistency.expect("a figure");
        let changed = repeated.len() / 3;
        assert!(steady.contains(&format!("{} of {} times", repeated.len() - changed, repeated.len())), "{steady}");
    });
}

#[test]
fn more_of_a_rare_class_is_asked_next() {
    run(async {
        let mut driver = Driver::ready(Store::default(), 120).await;
        for item in (0..90).filter(|item| truth(*item) != 2) {
            driver.decide(item, Verdict::Label(truth(item)), None).await;
        }
        driver.decide(2, Verdict::Label(2), None).await;
        driver.settle().await;
        let list = review(&mut driver, ReviewKind::Suspect).await;
        let finding = list.findings.first().expect("a rare class").clone();
        assert!(finding.sentence.starts_with("star has 1 of 61 labels"), "{}", finding.sentence);
        let like = finding.like_these.clone();
        let right = like.iter().filter(|&&item| truth(item) == 2).count();
        assert!(like.len() == 10 && right >= 8, "{right} of {} are stars", like.len());
        let reply = driver.ask(Request::AskFirst { items: like.clone() }).await.0;
        assert_eq!(reply, Reply::Count(10));
        driver.settle().await;
        let asked: Vec<ItemIndex> =
            driver.queue.cards.iter().filter(|card| card.audit.is_none()).map(|card| card.item).take(5).collect();
        assert_eq!(asked, like[..asked.len()]);
        let query = ItemQuery { filter: ItemFilter::All, ..driver::everything() };
        assert!(matches!(driver.ask(Request::Items(query)).await.0, Reply::Items { total: 120, .. }));
    });
}
