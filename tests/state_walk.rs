//! Random walks through what people do: import, label, correct, undo, audit, train, close and open again. After every step each
//! count on the screen is what a recount of the log gives, figures of the same thing are the same, and what is said of the model is
//! true.

#[path = "driver/mod.rs"]
mod driver;

use driver::{CLASSES, Driver, PROJECT, everything, run, truth};
use hone::pipeline::import::{GivenLabel, Imported};
use hone::pipeline::item::{Content, ContentHash, Item, Kind};
use hone::pipeline::label::{LabelEvent, fold};
use hone::pipeline::quality::annotators::log_file::read_log;
use hone::protocol::{AuditState, EvaluationState, Export, ItemIndex, Judged, Reply, Request, Verdict};
use hone::storage::Store;
use hone::storage::records::Ending;
use hone::worker::session::{Arrival, Chunk, Coming};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::{HashMap, HashSet};

const STEPS: usize = 90;

/// A batch of items after those there are; a third of it may come labelled, some of a class of its own.
async fn import(driver: &mut Driver, random: &mut ChaCha8Rng, from: usize, number: usize) -> usize {
    let count = random.random_range(1..40);
    let labelled = random.random::<bool>();
    let now = driver.now();
    let name = format!("batch {number}");
    let batch = driver.session.begin_batch(&name, Kind::Image, &[], Coming::default(), now).await.expect("a batch");
    let arrivals = (from..from + count).map(|index| {
        let bytes = format!("image {index}").into_bytes();
        let hash = ContentHash::of(&bytes);
        let item = Item { hash, name: format!("{index}.png"), content: Content::Image, batch: 0, extra: Vec::new() };
        let class = match index % 11 {
            3 => format!("kind {number}"),
            _ => CLASSES[usize::from(truth(index as ItemIndex))].to_owned(),
        };
        let labels = (labelled && index % 3 == 0).then(|| GivenLabel::of(class)).into_iter().collect();
        Arrival { imported: Imported { item, labels, held_out: false }, media: Some(bytes) }
    });
    let chunk = Chunk { arrivals: arrivals.collect(), problems: Vec::new() };
    driver.session.add_chunk(batch, chunk, now).await.expect("stored");
    driver.session.finish_batch(batch, Ending::Finished, now).await.expect("stored");
    driver.embed().await;
    driver.listen();
    count
}

async fn log(driver: &mut Driver) -> Vec<LabelEvent> {
    let (_, file) = driver.ask(Request::Export(Export::LabelLog)).await;
    read_log("log", &file.expect("a file")).expect("a log").events
}

async fn evaluation(driver: &mut Driver, model: Judged) -> Option<EvaluationState> {
    match driver.ask(Request::Evaluate(model)).await.0 {
        Reply::Evaluation(evaluation) => evaluation.map(|evaluation| *evaluation),
        other => panic!("{other:?}"),
    }
}

/// What every item is predicted as, to the bit.
async fn predictions(driver: &mut Driver) -> Vec<(ItemIndex, Option<(u16, u32)>)> {
    match driver.ask(Request::Items(everything())).await.0 {
        Reply::Items { rows, .. } => {
            rows.iter().map(|row| (row.item, row.predicted.map(|(class, p)| (class, p.to_bits())))).collect()
        }
        other => panic!("{other:?}"),
    }
}

/// Compares all that is told with a recount.
async fn check(driver: &mut Driver, step: &str) {
    let events = log(driver).await;
    let state = driver.state().clone();
    let labels = fold(&events);
    let count = |test: &dyn Fn(&hone::pipeline::label::ItemLabels) -> bool| {
        labels.values().filter(|labels| test(labels)).count() as u32
    };
    let audit = |labels: &hone::pipeline::label::ItemLabels, checks: bool| {
        labels.audit.as_ref().is_some_and(|audit| audit.certificate.is_some() == checks)
    };
    let told = [state.labelled, state.audits, state.checks, state.tests, state.flagged];
    let recounted = [
        count(&|labels| labels.label.is_some() && !labels.measures()),
        count(&|labels| audit(labels, false)),
        count(&|labels| audit(labels, true)),
        count(&|labels| labels.test.is_some()),
        count(&|labels| labels.flagged),
    ];
    assert_eq!(told, recounted, "{step}");
    let in_classes: u32 = state.classes.iter().map(|class| class.labelled).sum();
    assert_eq!(in_classes, state.decided(), "{step}: the classes' counts add up");
    assert!(state.classes.iter().map(|class| class.predicted).sum::<u32>() <= state.items - state.decided(), "{step}");

    // What is said of the model is true.
    let trains: HashSet<&str> = labels.values().filter_map(|labels| labels.training_key()).collect();
    match (&state.model, &state.why_no_model) {
        (Some(_), why) => assert_eq!(*why, None, "{step}"),
        (None, Some(why)) if trains.len() >= 2 => {
            assert!(!why.contains("needs two classes"), "{step}: {why}, with {} classes", trains.len());
        }
        (None, why) => assert!(why.is_some(), "{step}"),
    }

    // The same figure is the same wherever it stands.
    let same = |one: Option<AuditState>, other: Option<&EvaluationState>| {
        let Some(evaluation) = other.filter(|evaluation| !evaluation.on_test) else { return };
        let one = one.unwrap_or_else(|| panic!("{step}: an evaluation without audits"));
        assert_eq!(one.total, evaluation.audits, "{step}");
        let shown = evaluation.accuracy;
        assert_eq!((one.estimate, one.low, one.high), (shown.estimate, shown.low, shown.high), "{step}");
        assert_eq!(shown.few, one.total < 20, "{step}");
        assert!(
            shown.low < shown.high && evaluation.calibration_error.low < evaluation.calibration_error.high,
            "{step}"
        );
        let in_matrix: u32 = evaluation.confusion.iter().flatten().sum();
        assert_eq!(in_matrix, evaluation.audits, "{step}");
        assert!(evaluation.audits <= state.audits, "{step}");
    };
    let working = evaluation(driver, Judged::Working).await;
    same(state.model.as_ref().and_then(|model| model.audit), working.as_ref());
    let champion = evaluation(driver, Judged::Champion).await;
    same(state.deployment.champion.as_ref().and_then(|champion| champion.audit), champion.as_ref());
    if let (Some(working), Some(champion)) = (&working, &champion) {
        assert_eq!(working.halting, champion.halting, "{step}: one hint, whichever model is looked at");
    }
    if let Some(health) = state.monitor.health {
        let audits =
            state.deployment.champion.as_ref().and_then(|champion| champion.audit).map_or(0, |audit| audit.total);
        let is_healthy = health == hone::protocol::Health::Healthy;
        assert!(!is_healthy || audits >= 20 || state.batches.len() > 1, "{step}: healthy on {audits} audits");
    }
}

#[test]
fn every_count_is_what_a_recount_gives() {
    for seed in 0..3 {
        run(async move {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let store = Store::default();
            let mut driver = Driver::ready(store.clone(), 60).await;
            let (mut items, mut batches, mut seen) = (60, 1, HashMap::new());
            for step in 0..STEPS {
                let what = random.random_range(0..20);
                let name = match what {
                    0 => {
                        items += import(&mut driver, &mut random, items, batches).await;
                        batches += 1;
                        "import"
                    }
                    1 => {
                        let ids = driver.ids;
                        driver = Driver::new(store.clone());
                        driver.ids = ids + 1_000;
                        driver.clock_ms += 1e7 * (step + 1) as f64;
                        driver.ask(Request::OpenProject { project: PROJECT.into() }).await;
                        "reopen"
                    }
                    2 => {
                        driver.ask(Request::Train { anyway: false }).await;
                        "train"
                    }
                    3 => {
                        driver.ask(Request::AuditNow { count: random.random_range(0..8) }).await;
                        "audit now"
                    }
                    4 => {
                        driver.ask(Request::AuditLabels { count: random.random_range(0..6) }).await;
                        "audit labels"
                    }
                    5 => {
                        let item = random.random_range(0..items as ItemIndex);
                        driver.decide(item, Verdict::Flag, None).await;
                        "flag"
                    }
                    6..9 => {
                        driver.ask(Request::Undo).await;
                        "undo"
                    }
                    9 => {
                        // What is decided already is corrected.
                        let item = random.random_range(0..items as ItemIndex);
                        driver.decide(item, Verdict::Label(random.random_range(0..3)), None).await;
                        "correct"
                    }
                    10 => {
                        driver.settle().await;
                        if driver.state().classes.iter().filter(|class| class.labelled > 0).count() >= 3 {
                            let state = driver.state();
                            let said = (state.model.is_some(), state.why_no_model.clone());
                            assert!(said.0 || state.labelled < 2, "{said:?}");
                        }
                        "settle"
                    }
                    _ => {
                        for _ in 0..random.random_range(0..40) {
                            driver.clock_ms += 20.0;
                            driver.session.background(driver.clock_ms).await;
                        }
                        driver.listen();
                        let Some(card) = driver.queue.cards.first().cloned() else { continue };
                        let before = predictions(&mut driver).await;
                        let class =
                            if random.random_range(0..6) == 0 { (truth(card.item) + 1) % 3 } else { truth(card.item) };
                        driver.decide(card.item, Verdict::Label(class), card.audit).await;
                        if random.random_range(0..3) == 0 {
                            check(&mut driver, "label, to be taken back").await;
                            driver.ask(Request::Undo).await;
                            let after = predictions(&mut driver).await;
                            assert_eq!(before, after, "seed {seed}, step {step}: a label taken back leaves no trace");
                        }
                        "label"
                    }
                };
                *seen.entry(name).or_insert(0) += 1;
                check(&mut driver, &format!("seed {seed}, step {step}: {name}")).await;
            }
            assert!(seen.len() >= 8, "{seen:?}");
        });
    }
}
