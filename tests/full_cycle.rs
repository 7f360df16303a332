//! The whole cycle, natively and seeded: arrivals → features → labels → model → queue → export → reopen.

mod driver;

use driver::*;
use hone::protocol::{Decision, Export, ItemIndex, QueueState, Reply, Request, Verdict};
use hone::storage::Store;
use hone::worker::session::{FeatureSource, Session};
use std::time::{Duration, Instant};

#[test]
fn thirty_labels_teach_the_model_and_a_reopened_project_is_the_same() {
    run(async {
        let store = Store::default();
        let mut driver = Driver::ready(store.clone(), 180).await;
        assert!(driver.state().model.is_none(), "no labels, no model");
        for _ in 0..30 {
            driver.label_next().await;
        }
        let state = driver.state().clone();
        assert_eq!(state.labelled + state.audits, 30);
        assert!((1..=10).contains(&state.audits), "15 % of 30 requests, drawn at random: {}", state.audits);
        let before = accuracy_on_unlabelled(&mut driver).await;
        assert!(before > 0.9, "{before}");

        // The tab is killed: only the store is left.
        let mut reopened = Driver::new(store);
        let (reply, _) = reopened.ask(Request::OpenProject { project: PROJECT.into() }).await;
        assert_eq!(reply, Reply::Done);
        assert!(reopened.state().model.is_some(), "the stored model predicts at once");
        reopened.settle().await;
        assert_eq!(reopened.state().history, state.history);
        assert_eq!((reopened.state().labelled, reopened.state().audits), (state.labelled, state.audits));
        let after = accuracy_on_unlabelled(&mut reopened).await;
        assert!((before - after).abs() < 0.02, "{before} before, {after} after");
        reopened.label_next().await;
        assert_eq!(reopened.state().labelled + reopened.state().audits, 31);
    });
}

#[test]
fn items_that_wait_for_their_features_are_counted_and_the_queue_says_so() {
    run(async {
        let mut driver = Driver::new(Store::default());
        driver.import(20).await;
        // The model that reads them may be on its way for a minute.
        let QueueState { cards, left, empty } = &driver.queue;
        assert!(cards.is_empty() && *left == 20, "{left}");
        assert!(empty.as_ref().is_some_and(|why| why.contains("are being read")), "{empty:?}");
    });
}

#[test]
fn audits_are_blind_and_never_train() {
    run(async {
        let mut driver = Driver::ready(Store::default(), 120).await;
        for _ in 0..40 {
            for card in driver.queue.cards.iter().filter(|card| card.audit.is_some()) {
                assert!(card.suggestion.is_none() && card.probabilities.is_empty() && card.neighbours.is_empty());
            }
            driver.label_next().await;
        }
        let state = driver.state();
        let model = state.model.as_ref().expect("a model");
        assert!(state.audits > 0);
        assert_eq!(model.labels, state.labelled, "the model has learnt from the labels that train and no others");
        let audit = model.audit.expect("audits were answered");
        assert!(audit.total == state.audits && audit.low < audit.estimate && audit.estimate <= audit.high);
    });
}

#[test]
fn undo_goes_back_to_the_first_label_and_the_model_forgets() {
    run(async {
        let mut driver = Driver::ready(Store::default(), 60).await;
        let mut asked = Vec::new();
        for _ in 0..12 {
            asked.push(driver.label_next().await);
        }
        for expected in asked.iter().rev() {
            let (reply, _) = driver.ask(Request::Undo).await;
            let Reply::Undone(Some(card)) = reply else { panic!("{reply:?}") };
            assert_eq!(card.item, *expected);
        }
        let (reply, _) = driver.ask(Request::Undo).await;
        assert_eq!(reply, Reply::Undone(None));
        driver.settle().await;
        assert_eq!(driver.state().labelled + driver.state().audits, 0);
        assert!(driver.state().model.is_none(), "nothing is labelled, so nothing is known");
    });
}

#[test]
fn the_same_decision_delivered_twice_counts_once() {
    run(async {
        let mut driver = Driver::ready(Store::default(), 20).await;
        let decision = Decision {
            id: "01JD0000000000000000000001".into(),
            item: 3,
            verdict: Verdict::Label(1),
            shown: None,
            audit: None,
            repeat: false,
            took_ms: None,
        };
        for _ in 0..2 {
            let (reply, _) = driver.ask(Request::Decide(decision.clone())).await;
            assert!(matches!(reply, Reply::Decided(_)), "{reply:?}");
        }
        assert_eq!(driver.state().labelled, 1);
        assert_eq!(driver.session.store().events(PROJECT).await.expect("the log").len(), 1);
    });
}

#[test]
fn exported_labels_equal_the_log_and_predictions_cover_every_item() {
    run(async {
        let mut driver = Driver::ready(Store::default(), 60).await;
        for _ in 0..15 {
            driver.label_next().await;
        }
        let (_, file) = driver.ask(Request::Export(Export::LabelsCsv)).await;
        let labels = file.expect("a file");
        let mut reader = csv::Reader::from_reader(labels.as_slice());
        assert_eq!(
            reader.headers().expect("a header").iter().take(7).collect::<Vec<_>>(),
            ["hone_item", "file_name", "label", "hone_source", "hone_probability", "hone_annotator", "hone_time"]
        );
        let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().expect("well-formed CSV");
        assert_eq!(rows.len(), 15);
        for row in &rows {
            let item: ItemIndex = row[1].trim_end_matches(".png").parse().expect("the item's name");
            assert_eq!(&row[2], CLASSES[usize::from(truth(item))]);
        }
        let (_, file) = driver.ask(Request::Export(Export::PredictionsCsv)).await;
        let predictions = file.expect("a file");
        assert_eq!(csv::Reader::from_reader(predictions.as_slice()).records().count(), 60);
    });
}

#[test]
fn a_project_file_brings_everything_back_in_another_browser() {
    run(async {
        let mut driver = Driver::ready(Store::default(), 60).await;
        for _ in 0..15 {
            driver.label_next().await;
        }
        let (_, file) = driver.ask(Request::Export(Export::Project)).await;
        let file = file.expect("a file");

        let mut other = Driver::new(Store::default());
        let now = other.now();
        let summary = other.session.restore_archive(&file, now).await.expect("a whole project");
        assert_eq!((summary.items, summary.name.as_str()), (60, "Shapes"));
        let (reply, _) = other.ask(Request::OpenProject { project: summary.id.clone() }).await;
        assert_eq!(reply, Reply::Done);
        other.settle().await;
        assert_eq!(other.state().history, driver.state().history);
        assert_eq!(other.state().embedded, 60, "the vectors came along");
        let (reply, image) = other.ask(Request::Media { item: 7, thumbnail: false }).await;
        assert_eq!((reply, image), (Reply::Media { present: true }, Some(b"image 7".to_vec())));
        let damaged = other.session.restore_archive(&file[..file.len() / 2], now).await;
        assert!(damaged.is_err());
    });
}

#[test]
fn a_second_tab_reads_but_does_not_write() {
    run(async {
        let store = Store::default();
        let mut first = Driver::new(store.clone());
        first.import(10).await;
        let source = FeatureSource { id: "planted-1".into(), words: String::new(), warning: None };
        let mut second = Session::new(store, true, source.clone(), source);
        assert!(matches!(
            second.handle(Request::OpenProject { project: PROJECT.into() }, 0.0).await.reply,
            Reply::Done
        ));
        for request in [
            Request::Undo,
            Request::AddClass { name: "new".into() },
            Request::DeleteProject { project: PROJECT.into() },
        ] {
            let reply = second.handle(request, 0.0).await.reply;
            let Reply::Failed(sentence) = reply else { panic!("{reply:?}") };
            assert!(sentence.contains("Another tab"), "{sentence}");
        }
    });
}

#[test]
fn requests_that_do_not_fit_are_refused_in_words() {
    run(async {
        let mut driver = Driver::new(Store::default());
        let (reply, _) = driver.ask(Request::Undo).await;
        assert!(matches!(&reply, Reply::Failed(sentence) if sentence.contains("No project is open")), "{reply:?}");
        driver.import(5).await;
        for (request, expected) in [
            (Request::AddClass { name: " ".into() }, "needs a name"),
            (Request::AddClass { name: "ROUND".into() }, "already"),
            (Request::CardFor { item: 99 }, "not in this project"),
        ] {
            let (reply, _) = driver.ask(request).await;
            assert!(matches!(&reply, Reply::Failed(sentence) if sentence.contains(expected)), "{reply:?}");
        }
        let reply = driver.decide(0, Verdict::Label(9), None).await;
        assert!(matches!(&reply, Reply::Failed(_)), "{reply:?}");
    });
}

/// `cargo test --release --test full_cycle soon -- --ignored --nocapture`
#[test]
#[ignore = "a measurement"]
fn after_a_label_the_next_queue_is_there_soon() {
    run(async {
        let mut driver = Driver::new(Store::default());
        (driver.dimensions, driver.noise) = (1280, 2.0);
        driver.import(20_000).await;
        driver.embed().await;
        let ids = (0..5_000).map(|id| format!("{id:026}"));
        let (ids, items): (Vec<String>, Vec<ItemIndex>) = ids.zip(0..).unzip();
        for class in 0..3 {
            let of_class = |&at: &usize| truth(items[at]) == class;
            let chosen: Vec<usize> = (0..items.len()).filter(of_class).collect();
            let request = Request::DecideMany {
                ids: chosen.iter().map(|&at| ids[at].clone()).collect(),
                items: chosen.iter().map(|&at| items[at]).collect(),
                verdict: Verdict::Label(class),
            };
            driver.ask(request).await;
        }
        driver.work_for(Duration::from_secs(60)).await;
        for _ in 0..5 {
            let card = driver.queue.cards.first().cloned().expect("a card");
            let start = Instant::now();
            driver.decide(card.item, Verdict::Label(truth(card.item)), card.audit).await;
            let decided = start.elapsed();
            let mut slices = Vec::new();
            let heard = driver.queues;
            while driver.queues == heard {
                let slice = Instant::now();
                driver.session.background(driver.clock_ms).await;
                slices.push(slice.elapsed());
                driver.listen();
            }
            println!("decided after {decided:?}, a new queue after {:?}: {slices:?}", start.elapsed());
            driver.work_for(Duration::from_secs(2)).await;
        }
    });
}
