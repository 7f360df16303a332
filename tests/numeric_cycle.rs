//! A numeric target, driven natively: a table is imported with a column of numbers, values are labelled, intervals hold,
//! wrong readings come first and are put right, and a reopened project is the same.

#[path = "driver/mod.rs"]
mod driver;

use driver::{Driver, PROJECT, everything, run};
use hone::pipeline::import::plan::{ImportPlan, LabelSource, Role, SourceFile, Target};
use hone::pipeline::import::{Head, ProblemList, TableReader, inspect};
use hone::pipeline::item::Kind;
use hone::pipeline::label::Source;
use hone::protocol::{
    Decision, ExperimentReply, Export, ItemIndex, ItemRow, NumericState, Reply, Request, ReviewKind, ReviewState,
    TriagePlan, Verdict,
};
use hone::storage::Store;
use hone::storage::records::Ending;
use hone::worker::session::{Arrival, Chunk, Coming, FeatureSource, Session};
use std::collections::BTreeMap;

/// The penguins' table, and which cells of body mass to spoil.
fn table(spoil: impl Fn(usize) -> Option<String>) -> String {
    let text = std::fs::read_to_string("public/demo/penguins.csv").expect("the demo");
    let mut lines = text.lines();
    let mut table = lines.next().expect("a header").to_owned() + "\n";
    for (place, line) in lines.enumerate() {
        let mut cells: Vec<String> = line.split(',').map(String::from).collect();
        if let Some(spoilt) = spoil(place) {
            cells[4] = spoilt;
        }
        table += &(cells.join(",") + "\n");
    }
    table
}

/// The plan as the user makes it: body mass is the label, a number.
fn plan(file: &SourceFile, table: &str) -> ImportPlan {
    let mut plan = inspect(&[Head { file, bytes: table.as_bytes() }], &[], None, ProblemList::default());
    assert_eq!((plan.kind, plan.target), (Kind::Table, Target::Classes));
    for column in &mut plan.columns {
        column.role = match column.name.as_str() {
            "body_mass_g" => Role::Label,
            _ => Role::Content,
        };
    }
    plan.labels = LabelSource::Column;
    assert_eq!(plan.guess_target(), Target::Number);
    plan.target = Target::Number;
    plan
}

/// Imports a table; without `labels`, its numbers stay behind.
async fn import(driver: &mut Driver, table: &str, labels: bool) -> Vec<String> {
    let file = SourceFile { path: "penguins.csv".into(), size: table.len() as u64 };
    let mut plan = plan(&file, table);
    if !labels {
        plan.labels = LabelSource::None;
    }
    let mut problems = ProblemList::default();
    let mut reader = TableReader::new(&plan, &file, 0);
    let mut items = reader.feed(table.as_bytes(), &mut problems);
    items.extend(reader.finish(&mut problems));
    let problems = problems.into_vec();
    let told = problems.iter().map(|problem| format!("{}: {}", problem.row.unwrap_or_default(), problem.message));
    let told = told.collect();
    let now = driver.now();
    if driver.session.project().is_none() {
        let columns = plan.content_columns();
        let created = driver.session.create_numeric_project(PROJECT.into(), "Penguins", Kind::Table, columns, now);
        created.await.expect("a new project");
    }
    let batch = driver
        .session
        .begin_batch("penguins", Kind::Table, &plan.content_columns(), Coming::default(), now)
        .await
        .expect("a batch");
    let arrivals = items.into_iter().map(|imported| Arrival { imported, media: None }).collect();
    driver.session.add_chunk(batch, Chunk { arrivals, problems }, now).await.expect("stored");
    driver.session.finish_batch(batch, Ending::Finished, now).await.expect("stored");
    driver.listen();
    driver.settle().await;
    told
}

/// The body mass by the item's name.
fn truths() -> BTreeMap<String, f64> {
    let text = std::fs::read_to_string("public/demo/penguins.csv").expect("the demo");
    let rows = text.lines().skip(1).enumerate();
    rows.filter_map(|(place, line)| {
        Some((format!("penguins.csv:{}", place + 2), line.split(',').nth(4)?.parse().ok()?))
    })
    .collect()
}

async fn rows(driver: &mut Driver) -> Vec<ItemRow> {
    match driver.ask(Request::Items(everything())).await.0 {
        Reply::Items { rows, .. } => rows,
        other => panic!("{other:?}"),
    }
}

async fn numeric(driver: &mut Driver, tolerance: f64) -> NumericState {
    match driver.ask(Request::Numeric { tolerance }).await.0 {
        Reply::Numeric(state) => *state,
        other => panic!("{other:?}"),
    }
}

async fn review(driver: &mut Driver) -> ReviewState {
    driver.ask(Request::Review(ReviewKind::Suspect)).await;
    driver.settle().await;
    match driver.ask(Request::Review(ReviewKind::Suspect)).await.0 {
        Reply::Review(state) => *state,
        other => panic!("{other:?}"),
    }
}

#[test]
fn labelled_values_teach_a_model_whose_intervals_hold() {
    run(async {
        let store = Store::default();
        let mut driver = Driver::new(store.clone());
        let told = import(&mut driver, &table(|_| None), false).await;
        assert!(told.is_empty(), "{told:?}");
        let truths = truths();
        assert!(driver.state().classes.is_empty() && driver.state().target == Target::Number);
        assert!(numeric(&mut driver, 300.0).await.problem.is_some_and(|problem| problem.contains("label three")));
        for _ in 0..110 {
            let card = driver.queue.cards[0].clone();
            assert!(card.audit.is_none() || (card.value.is_none() && card.given.is_none()), "audits are blind");
            let verdict = truths.get(&card.name).map_or(Verdict::Skip, |&value| Verdict::Value(value));
            let reply = driver.decide(card.item, verdict, card.audit).await;
            assert!(matches!(reply, Reply::Decided(_)), "{reply:?}");
            driver.settle().await;
        }
        let rows = rows(&mut driver).await;
        let open: Vec<_> = rows.iter().filter(|row| row.given_value.is_none()).collect();
        let known: Vec<(f64, _)> =
            open.iter().filter_map(|row| Some((*truths.get(&row.name)?, row.predicted_value.clone()?))).collect();
        assert!(known.len() > 200, "{}", known.len());
        let held =
            known.iter().filter(|(truth, own)| own.low.unwrap() <= *truth && *truth <= own.high.unwrap()).count();
        let share = held as f64 / known.len() as f64;
        assert!((0.84..=0.98).contains(&share), "90 % intervals hold {share}");

        let state = numeric(&mut driver, 800.0).await;
        let summary = driver.state().clone();
        assert_eq!((state.labels, state.audits, state.problem), (summary.labelled, summary.audits, None));
        let (rmse, r2) = (state.out_of_fold.rmse.unwrap(), state.out_of_fold.r2.unwrap());
        assert!(rmse.low < rmse.estimate && rmse.estimate < rmse.high && rmse.estimate < 450.0, "{rmse:?}");
        assert!(r2.estimate > 0.7, "{r2:?}");
        let on_audits = state.on_audits.rmse.expect("audits enough");
        let true_rmse =
            (known.iter().map(|(truth, own)| (truth - own.value).powi(2)).sum::<f64>() / known.len() as f64).sqrt();
        assert!(on_audits.low < true_rmse && true_rmse < on_audits.high, "{on_audits:?} without {true_rmse}");
        let within = state.within_tolerance.expect("audits");
        assert!(within.low < within.estimate && within.estimate <= 1.0);
        // What may be accepted at a tolerance is within it nine times in ten.
        assert!(state.acceptable > 0 && numeric(&mut driver, 0.0).await.acceptable == 0);
        let half = |own: &hone::protocol::ValueSuggestion| (own.high.unwrap() - own.low.unwrap()) / 2.0;
        let acceptable: Vec<_> = known.iter().filter(|(_, own)| half(own) <= 800.0).collect();
        let right = acceptable.iter().filter(|(truth, own)| (truth - own.value).abs() <= 800.0).count();
        assert!(right as f64 >= 0.84 * acceptable.len() as f64, "{right} of {}", acceptable.len());
        assert!(matches!(driver.ask(Request::Numeric { tolerance: f64::NAN }).await.0, Reply::Failed(_)));

        // The tab is killed: only the store is left.
        let mut reopened = Driver::new(store);
        assert_eq!(reopened.ask(Request::OpenProject { project: PROJECT.into() }).await.0, Reply::Done);
        reopened.settle().await;
        assert_eq!(self::rows(&mut reopened).await, rows);
        assert_eq!(numeric(&mut reopened, 800.0).await, numeric(&mut driver, 800.0).await);
        assert_eq!(reopened.state().history, summary.history);

        // An undone label is forgotten, and its card comes back.
        let before = reopened.state().labelled + reopened.state().audits;
        let Reply::Undone(Some(card)) = reopened.ask(Request::Undo).await.0 else { panic!("nothing undone") };
        reopened.settle().await;
        assert_eq!(reopened.state().labelled + reopened.state().audits, before - 1);
        assert_eq!(card.given, None);
    });
}

#[test]
fn wrong_readings_come_first_and_are_put_right() {
    run(async {
        let truths = truths();
        // A digit twice, a digit lost, a decimal slip.
        let wrong = |place: usize| match place {
            17 => Some("45000".to_owned()),
            120 => Some("325".to_owned()),
            201 => Some("8950".to_owned()),
            260 => Some("1500".to_owned()),
            300 => Some("3.9 kg".to_owned()),
            _ => None,
        };
        let mut driver = Driver::new(Store::default());
        let told = import(&mut driver, &table(wrong), true).await;
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with("302: came in without a label") && told[0].contains("such as 3.9"), "{told:?}");
        assert_eq!(driver.state().labelled, 341, "two penguins have no mass, and one cell was no number");
        assert_eq!(driver.state().batches[0].problem_count, 1);

        let list = review(&mut driver).await;
        assert_eq!(list.progress, None);
        let first: Vec<String> = list.rows.iter().take(4).map(|row| row.name.clone()).collect();
        for place in [17, 120, 201, 260] {
            assert!(first.contains(&format!("penguins.csv:{}", place + 2)), "{place}: {first:?}");
        }
        let mut mended = 0;
        let mut kept = 0;
        loop {
            let list = review(&mut driver).await;
            let Some(row) = list.rows.first().cloned() else { break };
            let item = row.items[0];
            let asked = Request::ReviewCase { kind: ReviewKind::Suspect, items: row.items.clone() };
            let Reply::ReviewCase(Some(case)) = driver.ask(asked).await.0 else { panic!("no case") };
            assert_eq!(case.sides[0].card.given, row.given_value);
            assert_eq!(case.suggested_value, row.suggested_value);
            let truth = truths[&row.name];
            let verdict = if row.given_value == Some(truth) { Verdict::Keep } else { Verdict::Value(truth) };
            if verdict == Verdict::Keep {
                kept += 1;
            } else {
                mended += 1;
                assert!((case.suggested_value.unwrap() - truth).abs() < (row.given_value.unwrap() - truth).abs());
            }
            decide_in_review(&mut driver, item, verdict).await;
            assert!(mended + kept < 40, "the list never ends");
        }
        assert_eq!(mended, 4);
        assert!(kept < 12, "{kept} right labels were doubted");

        let labels = String::from_utf8(driver.ask(Request::Export(Export::LabelsCsv)).await.1.unwrap()).unwrap();
        assert!(labels.contains("penguins.csv:19,4500,review,") || labels.contains("penguins.csv:19,"), "{labels}");
        let rows = rows(&mut driver).await;
        let of = |name: &str| rows.iter().find(|row| row.name == name).and_then(|row| row.given_value);
        assert_eq!(of("penguins.csv:19"), Some((truths["penguins.csv:19"], Source::Review)));
        let predictions =
            String::from_utf8(driver.ask(Request::Export(Export::PredictionsCsv)).await.1.unwrap()).unwrap();
        assert!(predictions.starts_with("item,prediction,low,high\npenguins.csv:2,3"), "{}", &predictions[..80]);
        assert_eq!(predictions.lines().count(), 345);

        // The log goes to a colleague who has the same rows and no labels.
        let log = driver.ask(Request::Export(Export::LabelLog)).await.1.unwrap();
        let mut other = Driver::new(Store::default());
        import(&mut other, &table(|_| None), false).await;
        let said = other.session.merge(&log, 0.0).await.expect("merged");
        assert!(said.contains("new decisions") && !said.contains("could not be read"), "{said}");
        other.settle().await;
        let numbers = |rows: &[ItemRow]| {
            rows.iter().map(|row| (row.given_value, row.predicted_value.clone())).collect::<Vec<_>>()
        };
        assert_eq!(numbers(&self::rows(&mut other).await), numbers(&rows));
    });
}

async fn decide_in_review(driver: &mut Driver, item: ItemIndex, verdict: Verdict) {
    driver.ids += 1;
    let id = ulid::Ulid::from_parts(driver.clock_ms as u64, driver.ids).to_string();
    let decision = Decision { id, item, verdict, shown: None, audit: None, repeat: false, took_ms: None };
    let reply = driver.ask(Request::Decide(decision)).await.0;
    assert!(matches!(reply, Reply::Decided(_)), "{reply:?}");
}

#[test]
fn what_is_for_classes_is_refused_in_a_sentence() {
    run(async {
        let mut driver = Driver::new(Store::default());
        import(&mut driver, &table(|_| None), true).await;
        let plan = TriagePlan { alpha: 0.05, delta: 0.05, by_class: false };
        for request in [
            Request::Train { anyway: false },
            Request::Search { seconds: 5, anyway: false },
            Request::AddClass { name: "heavy".into() },
            Request::ProposeTriage(plan),
            Request::MeasureGain,
            Request::Promote,
            Request::RollBack,
            Request::AcceptCertified,
            Request::Export(Export::Model),
            Request::Export(Export::ChampionPredictionsCsv),
        ] {
            match driver.ask(request.clone()).await.0 {
                Reply::Failed(sentence) => assert!(sentence.contains("Nothing was"), "{request:?}: {sentence}"),
                Reply::Experiment(ExperimentReply::Started { .. }) => panic!("{request:?} began"),
                other => panic!("{request:?}: {other:?}"),
            }
        }
        for verdict in [Verdict::Label(0), Verdict::Value(f64::INFINITY), Verdict::Value(f64::NAN)] {
            assert!(matches!(driver.decide(0, verdict, None).await, Reply::Failed(_)), "{verdict:?}");
        }
        for kind in ReviewKind::ALL {
            assert!(matches!(driver.ask(Request::Review(kind)).await.0, Reply::Review(_)));
            driver.settle().await;
        }
        let mut classes = Driver::ready(Store::default(), 12).await;
        assert!(matches!(classes.decide(0, Verdict::Value(1.0), None).await, Reply::Failed(_)));
        assert!(matches!(classes.ask(Request::Numeric { tolerance: 1.0 }).await.0, Reply::Failed(_)));
        let log = driver.ask(Request::Export(Export::LabelLog)).await.1.unwrap();
        let refused = classes.session.merge(&log, 0.0).await.expect_err("numbers are no classes").to_string();
        assert!(refused.contains("can't be merged"), "{refused}");
        // A project file brings its target along.
        let file = driver.ask(Request::Export(Export::Project)).await.1.unwrap();
        let source = FeatureSource { id: "planted-1".into(), words: "planted clusters".into(), warning: None };
        let mut session = Session::new(Store::default(), false, source.clone(), source);
        let restored = session.restore_archive(&file, 0.0).await.expect("restored");
        session.open_project(&restored.id).await.expect("open");
        assert_eq!(session.project().map(|project| project.target()), Some(Target::Number));
    });
}
