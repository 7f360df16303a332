//! From labels to a deployed model, natively and seeded: train → evaluate → gate → promote → roll back; propose → audit →
//! certify → accept → revert; search, and nothing run twice; all of it still there after a reload.

mod driver;

use driver::*;
use hone::pipeline::import::{GivenLabel, Imported};
use hone::pipeline::item::{Content, ContentHash, Item, Kind};
use hone::protocol::{
    CertificateState, CertificateStatus, ExperimentReply, Export, Judged, Options, PartStatus, Reply, Request,
    RunQuery, RunRow, TriagePlan,
};
use hone::storage::Store;
use hone::storage::records::Ending;
use hone::worker::session::{Arrival, Chunk, Coming};

impl Driver {
    async fn options(&mut self, retrain_after: u32, auto_promote: bool) {
        let options = Options { retrain_after, auto_promote, ..self.state().options };
        assert_eq!(self.ask(Request::SetOptions(options)).await.0, Reply::Done);
        self.settle().await;
    }

    /// Labels what the queue asks until so many labels train.
    async fn label_until(&mut self, training: u32) {
        while self.state().labelled < training {
            self.label_next().await;
        }
    }

    /// Answers so many audits of the stream.
    async fn answer_audits(&mut self, count: u32) {
        assert_eq!(self.ask(Request::AuditNow { count }).await.0, Reply::Done);
        self.settle().await;
        let before = self.state().audits;
        while self.state().audits < before + count {
            self.label_next().await;
        }
        assert_eq!(self.state().audits_wished, 0);
    }

    async fn train(&mut self, anyway: bool) -> ExperimentReply {
        let (reply, _) = self.ask(Request::Train { anyway }).await;
        self.settle().await;
        match reply {
            Reply::Experiment(reply) => reply,
            other => panic!("{other:?}"),
        }
    }

    async fn search(&mut self, seconds: u32, anyway: bool) {
        let (reply, _) = self.ask(Request::Search { seconds, anyway }).await;
        assert!(matches!(reply, Reply::Experiment(ExperimentReply::Started { .. })), "{reply:?}");
        self.settle().await;
    }

    async fn runs(&mut self, expression: &str) -> Vec<RunRow> {
        let query = RunQuery { expression: expression.into(), ..RunQuery::default() };
        match self.ask(Request::Runs(query)).await.0 {
            Reply::Runs { rows, problem: None, .. } => rows,
            other => panic!("{other:?}"),
        }
    }

    async fn refusal(&mut self, request: Request) -> String {
        match self.ask(request).await.0 {
            Reply::Failed(sentence) => sentence,
            other => panic!("not refused: {other:?}"),
        }
    }

    async fn count(&mut self, request: Request) -> u32 {
        let (reply, _) = self.ask(request).await;
        self.settle().await;
        match reply {
            Reply::Count(count) => count,
            other => panic!("{other:?}"),
        }
    }

    fn champion(&self) -> u32 {
        self.state().deployment.champion.as_ref().expect("a champion").number
    }

    fn certificate(&self) -> &CertificateState {
        self.state().triage.certificates.first().expect("a certificate")
    }

    /// A champion that has learnt from so many labels, and no pipeline that runs by itself.
    async fn with_champion(store: Store, items: usize, labels: u32) -> Self {
        // A few labels give a poor model of these, sixty a good one.
        let mut driver = Driver { dimensions: 96, noise: 0.5, ..Driver::new(store) }.made_ready(items).await;
        driver.options(labels, false).await;
        driver.label_until(labels).await;
        driver.settle().await;
        assert_eq!(driver.champion(), 1, "the first model is deployed: there is nothing to protect");
        driver.options(0, false).await;
        driver
    }

    /// Proposes, and answers the audit to its end.
    async fn certify(&mut self, plan: TriagePlan) {
        assert_eq!(self.ask(Request::ProposeTriage(plan)).await.0, Reply::Done);
        self.settle().await;
        while self.certificate().status == CertificateStatus::Auditing {
            let card = self.queue.cards.first().expect("a card");
            // Audits of the stream that were drawn before come first.
            assert!(card.audit.is_some(), "{}", card.why);
            assert!(card.suggestion.is_none() && card.probabilities.is_empty(), "asked blind");
            self.label_next().await;
        }
    }
}

const BUDGET: TriagePlan = TriagePlan { alpha: 0.1, delta: 0.05, by_class: false };

#[test]
fn a_better_model_is_promoted_and_rolled_back() {
    run(async {
        let store = Store::default();
        let mut driver = Driver::with_champion(store.clone(), 500, 4).await;
        driver.answer_audits(60).await;
        driver.label_until(60).await;
        let started = driver.train(false).await;
        assert!(matches!(started, ExperimentReply::Started { .. }), "{started:?}");
        let deployment = driver.state().deployment.clone();
        let gate = deployment.gate.expect("a challenger stands at the gate");
        let figures = gate.figures.expect("audits compare the two");
        assert_eq!(figures.audits, driver.state().audits);
        assert!(figures.wins > figures.losses, "{figures:?}");
        assert!(gate.promote && figures.evidence >= 20.0, "{}", gate.sentence);
        assert_eq!(driver.champion(), 1, "it waits to be promoted");

        assert_eq!(driver.ask(Request::Promote).await.0, Reply::Done);
        let second = driver.champion();
        assert!(second > 1 && driver.state().deployment.challenger.is_none());
        let logged = driver.runs("attributes.kind = \"promotion\"").await;
        assert_eq!(logged.len(), 2);
        assert!(logged[1].metrics.iter().any(|(key, value)| key == "e_value" && *value >= 20.0));

        // A reload forgets nothing.
        let mut reopened = Driver::new(store);
        reopened.ask(Request::OpenProject { project: PROJECT.into() }).await;
        reopened.settle().await;
        assert_eq!(reopened.state().deployment.promotions, driver.state().deployment.promotions);
        assert_eq!(reopened.state().deployment.champion, driver.state().deployment.champion);

        assert_eq!(reopened.ask(Request::RollBack).await.0, Reply::Done);
        assert_eq!(reopened.champion(), 1);
        assert_eq!(reopened.state().deployment.promotions[0].why, "rolled back");
    });
}

#[test]
fn an_equally_good_model_is_not_promoted_and_the_same_experiment_is_not_run_twice() {
    run(async {
        let mut driver = Driver::with_champion(Store::default(), 400, 60).await;
        driver.answer_audits(40).await;
        driver.label_until(66).await;
        driver.train(false).await;
        let gate = driver.state().deployment.gate.clone().expect("a challenger");
        assert!(!gate.promote, "{}", gate.sentence);
        let refusal = driver.refusal(Request::Promote).await;
        assert!(refusal.contains("Not proven") || refusal.contains("Vetoed"), "{refusal}");
        assert_eq!(driver.champion(), 1);

        let runs = driver.state().deployment.runs;
        let again = driver.train(false).await;
        let ExperimentReply::FromLog { number, sentence, .. } = again else { panic!("run twice: {again:?}") };
        assert!(sentence.contains("was not run again"), "{sentence}");
        assert_eq!(driver.state().deployment.runs, runs, "nothing was logged anew");
        // Unless the user insists; then the log says what it repeats, and the result is the same.
        driver.train(true).await;
        let trained = driver.runs("attributes.kind = \"train\"").await;
        let twins: Vec<&RunRow> = trained
            .iter()
            .filter(|run| run.fingerprint == trained.last().and_then(|last| last.fingerprint.clone()))
            .collect();
        assert_eq!(twins.len(), 2);
        assert_eq!(twins[0].number, number);
        assert_eq!(twins[0].metrics, twins[1].metrics);
        assert!(twins[1].tags.contains(&("repeats".into(), format!("r{number}"))));
    });
}

#[test]
fn the_pipeline_runs_by_itself_and_promotes_if_it_may() {
    run(async {
        let mut driver = Driver::with_champion(Store::default(), 500, 4).await;
        driver.answer_audits(60).await;
        driver.options(56, true).await;
        driver.label_until(60).await;
        assert!(driver.champion() > 1, "{:?}", driver.state().deployment.gate);
        assert!(driver.state().deployment.promotions[0].why.starts_with("promoted, evidence"));
    });
}

#[test]
fn audits_that_come_later_promote_as_well() {
    run(async {
        let mut driver = Driver::with_champion(Store::default(), 500, 4).await;
        driver.label_until(60).await;
        driver.options(0, true).await;
        driver.train(false).await;
        assert_eq!(driver.champion(), 1, "too few audits yet: {:?}", driver.state().deployment.gate);
        driver.answer_audits(60).await;
        assert!(driver.champion() > 1, "{:?}", driver.state().deployment.gate);
    });
}

#[test]
fn accepted_predictions_keep_the_budget_and_return_when_the_champion_changes() {
    run(async {
        let store = Store::default();
        let mut driver = Driver::with_champion(store.clone(), 700, 4).await;
        driver.answer_audits(60).await;
        driver.label_until(60).await;
        driver.train(false).await;
        assert_eq!(driver.ask(Request::Promote).await.0, Reply::Done, "{:?}", driver.state().deployment.gate);
        driver.settle().await;
        let trained = driver.state().labelled;
        driver.certify(BUDGET).await;
        let certificate = driver.certificate().clone();
        assert_eq!(certificate.status, CertificateStatus::Certified, "{certificate:?}");
        let part = &certificate.parts[0];
        assert!(part.audited < part.items / 2 && part.upper_bound <= 0.1 + 1e-9, "{part:?}");
        assert_eq!(part.status, PartStatus::Certified);

        let accepted = driver.count(Request::AcceptCertified).await;
        // One or the other may have been answered as an audit of the stream meanwhile.
        assert!((part.items - part.audited).abs_diff(accepted) <= 3, "{accepted} of {part:?}");
        assert_eq!(driver.state().triage.accepted, accepted);
        assert_eq!(driver.state().labelled, trained, "accepted predictions never train");
        let Reply::Items { rows, .. } = driver.ask(Request::Items(everything())).await.0 else { panic!() };
        let taken: Vec<_> = rows
            .iter()
            .filter_map(|row| {
                row.label.filter(|label| label.1 == hone::pipeline::label::Source::Model).map(|label| (row, label.0))
            })
            .collect();
        // What waits as a blind audit shows no label, not even an accepted one.
        assert!(accepted.abs_diff(taken.len() as u32) <= 3);
        let wrong = taken.iter().filter(|(row, class)| *class != truth(row.item)).count();
        assert!(wrong as f64 <= 0.1 * f64::from(part.items), "{wrong} of {accepted} wrong");
        assert!(driver.queue.cards.iter().all(|card| taken.iter().all(|(row, _)| row.item != card.item)));

        assert_eq!(driver.count(Request::RevertAccepted { certificate: 1 }).await, accepted);
        assert_eq!(driver.state().triage.accepted, 0);
        assert_eq!(driver.count(Request::AcceptCertified).await, accepted);

        // The certificate was the champion's: with another one, what it accepted is to be confirmed.
        assert_eq!(driver.ask(Request::RollBack).await.0, Reply::Done);
        driver.settle().await;
        let triage = driver.state().triage.clone();
        assert_eq!((triage.accepted, triage.to_confirm), (0, accepted));
        assert_eq!(triage.to_confirm + triage.decided + triage.left, driver.state().items, "each item once");
        assert!(
            matches!(&triage.certificates[0].status, CertificateStatus::Void(why) if why.contains("became champion"))
        );

        let mut reopened = Driver::new(store);
        reopened.ask(Request::OpenProject { project: PROJECT.into() }).await;
        reopened.settle().await;
        assert_eq!(reopened.state().triage, triage);
    });
}

#[test]
fn a_budget_that_cannot_hold_is_refused() {
    run(async {
        let mut driver = Driver::with_champion(Store::default(), 300, 12).await;
        let tight = TriagePlan { alpha: 0.001, ..BUDGET };
        let refusal = driver.refusal(Request::ProposeTriage(tight)).await;
        assert!(refusal.contains("Nothing was changed"), "{refusal}");
        let nonsense = TriagePlan { alpha: 1.5, ..BUDGET };
        assert!(driver.refusal(Request::ProposeTriage(nonsense)).await.contains("Nothing was changed"));
        assert!(driver.refusal(Request::AcceptCertified).await.contains("no certificate"));
    });
}

#[test]
fn imported_test_labels_stand_beside_a_certificate_and_prove_nothing_of_it() {
    run(async {
        let mut driver = Driver::with_champion(Store::default(), 500, 60).await;
        driver.certify(BUDGET).await;
        let before = driver.certificate().clone();
        assert_eq!(before.test, None);
        let now = driver.now();
        let batch =
            driver.session.begin_batch("test", Kind::Image, &[], Coming::default(), now).await.expect("a batch");
        let arrivals = (500..560).map(|index| {
            let bytes = format!("image {index}").into_bytes();
            let label = GivenLabel { name: CLASSES[usize::from(truth(index))].into(), annotator: None, time_ms: None };
            let (hash, name) = (ContentHash::of(&bytes), format!("{index}.png"));
            let item = Item { hash, name, content: Content::Image, batch: 0, extra: Vec::new() };
            Arrival { imported: Imported { item, labels: vec![label], held_out: true }, media: Some(bytes) }
        });
        let chunk = Chunk { arrivals: arrivals.collect(), problems: Vec::new() };
        driver.session.add_chunk(batch, chunk, now).await.expect("stored");
        driver.session.finish_batch(batch, Ending::Finished, now).await.expect("stored");
        driver.embed().await;
        driver.settle().await;
        let after = driver.certificate().clone();
        let test = after.test.expect("test labels");
        assert!((1..=60).contains(&test.total) && test.right <= test.total, "{test:?}");
        assert!(test.low < test.estimate && test.estimate <= test.high);
        // Its evidence and its verdict are what they were.
        assert_eq!(CertificateState { test: None, ..after }, before);
        // Those that it would accept are fewer than all: some are predicted with less than the threshold.
        let all = driver.state().deployment.champion.as_ref().and_then(|model| model.test).expect("measured");
        assert_eq!(all.total, 60);
        assert!(test.total < 60 && test.estimate >= all.estimate, "{test:?} of {all:?}");
    });
}

#[test]
fn an_audit_answered_with_many_errors_refuses_the_certificate() {
    run(async {
        let mut driver = Driver::with_champion(Store::default(), 500, 60).await;
        assert_eq!(driver.ask(Request::ProposeTriage(BUDGET)).await.0, Reply::Done);
        driver.settle().await;
        while driver.certificate().status == CertificateStatus::Auditing {
            let card = driver.queue.cards.first().cloned().expect("a card");
            let wrong = (truth(card.item) + 1) % 3;
            driver.decide(card.item, hone::protocol::Verdict::Label(wrong), card.audit).await;
            driver.settle().await;
        }
        assert_eq!(driver.certificate().status, CertificateStatus::Refused);
        assert!(driver.refusal(Request::AcceptCertified).await.contains("not certified"));
        // Those answers were drawn from what the model is sure of: they must not speak for all items.
        let state = driver.state();
        let audit = state.model.as_ref().expect("a model").audit;
        assert!(state.checks > 0 && audit.is_none_or(|audit| audit.total == state.audits), "{audit:?}");
    });
}

#[test]
fn a_search_is_logged_and_the_second_one_is_answered_from_the_log() {
    run(async {
        let mut driver = Driver::with_champion(Store::default(), 200, 40).await;
        driver.answer_audits(20).await;
        driver.search(600, false).await;
        let first = driver.state().deployment.search.clone().expect("a search");
        assert!(first.tried >= 6 && first.from_log == 0 && !first.running, "{first:?}");
        let trials = driver.runs("attributes.kind = \"trial\"").await;
        assert_eq!(trials.len() as u32, first.tried);
        assert!(trials.iter().all(|run| run.fingerprint.is_some() && run.parent == Some(first.number)));
        let heads: std::collections::BTreeSet<&String> = trials
            .iter()
            .flat_map(|run| run.params.iter().filter(|(key, _)| key == "head").map(|(_, head)| head))
            .collect();
        assert!(heads.len() >= 4, "{heads:?}");

        driver.search(600, false).await;
        let second = driver.state().deployment.search.clone().expect("a search");
        assert_eq!((second.tried, second.from_log), (first.tried, first.tried), "nothing is run twice");
        assert_eq!(second.best, first.best);
        assert_eq!(driver.runs("attributes.kind = \"trial\"").await.len() as u32, first.tried);

        let best = driver.runs("attributes.kind = \"trial\" and metrics.out_of_fold_accuracy > 0.5").await;
        assert!(!best.is_empty());
        let runs: Vec<String> = trials.iter().take(2).map(|run| run.id.clone()).collect();
        let Reply::Compared(compared) = driver.ask(Request::Compare { runs }).await.0 else { panic!() };
        assert!(compared.rows.iter().any(|row| row.differs) && !compared.axes.is_empty());
    });
}

#[test]
fn a_stopped_search_keeps_what_it_found() {
    run(async {
        let mut driver = Driver::with_champion(Store::default(), 200, 40).await;
        let (reply, _) = driver.ask(Request::Search { seconds: 600, anyway: false }).await;
        assert!(matches!(reply, Reply::Experiment(_)), "{reply:?}");
        while driver.state().deployment.search.as_ref().is_none_or(|search| search.tried < 3) {
            driver.clock_ms += 600.0;
            driver.session.background(driver.clock_ms).await;
            driver.listen();
        }
        assert!(driver.refusal(Request::Train { anyway: false }).await.contains("under way"));
        assert_eq!(driver.ask(Request::StopExperiments).await.0, Reply::Done);
        driver.settle().await;
        let finished = driver.runs("attributes.kind = \"trial\" and attributes.status = \"finished\"").await;
        assert!(finished.len() >= 3);
        let search = driver.runs("attributes.kind = \"search\"").await;
        assert_eq!(search[0].status, "cancelled");
    });
}

#[test]
fn labels_given_during_a_search_are_for_the_next_one() {
    run(async {
        let mut driver = Driver::with_champion(Store::default(), 200, 40).await;
        driver.ask(Request::Search { seconds: 600, anyway: false }).await;
        while driver.state().deployment.search.as_ref().is_none_or(|search| search.tried < 2) {
            driver.clock_ms += 600.0;
            driver.session.background(driver.clock_ms).await;
            driver.listen();
        }
        let before = driver.state().labelled;
        driver.label_until(before + 3).await;
        let trials = driver.runs("attributes.kind = \"trial\"").await;
        assert!(trials.len() > 2);
        let labels = ("labels".to_string(), before.to_string());
        assert!(trials.iter().all(|run| run.params.contains(&labels)), "every trial learns from the same labels");
    });
}

#[test]
fn the_evaluation_is_of_the_audits_alone() {
    run(async {
        let mut driver = Driver::with_champion(Store::default(), 400, 30).await;
        driver.answer_audits(50).await;
        for model in [Judged::Working, Judged::Champion] {
            let Reply::Evaluation(Some(evaluation)) = driver.ask(Request::Evaluate(model)).await.0 else { panic!() };
            assert_eq!(evaluation.audits, driver.state().audits);
            assert_eq!(evaluation.confusion.iter().flatten().sum::<u32>(), evaluation.audits);
            assert!(evaluation.accuracy.low < evaluation.accuracy.estimate);
            assert!((evaluation.estimate.estimate - evaluation.accuracy.estimate).abs() < 0.1);
            assert!(evaluation.slices.iter().any(|group| group.by == "class"));
            for group in &evaluation.slices {
                let shares: Vec<f64> = group.slices.iter().map(|slice| slice.accuracy.estimate).collect();
                assert!(shares.is_sorted(), "{}, worst first: {shares:?}", group.by);
            }
            assert!(!evaluation.halting.sentence.is_empty() && !evaluation.curve.is_empty());
        }
        let (reply, _) = driver.ask(Request::Evaluate(Judged::Challenger)).await;
        assert_eq!(reply, Reply::Evaluation(None));
    });
}

#[test]
fn the_log_goes_along_in_the_project_file_and_can_be_taken_away() {
    run(async {
        let mut driver = Driver::with_champion(Store::default(), 400, 60).await;
        driver.certify(BUDGET).await;
        let (_, file) = driver.ask(Request::Export(Export::Project)).await;
        let mut other = Driver::new(Store::default());
        let now = other.now();
        let restored = other.session.restore_archive(&file.expect("a file"), now).await.expect("a whole project");
        other.ask(Request::OpenProject { project: restored.id }).await;
        other.settle().await;
        assert_eq!(other.state().deployment.champion, driver.state().deployment.champion);
        assert_eq!(other.state().triage, driver.state().triage);
        assert_eq!(other.runs("").await, driver.runs("").await);
        for export in [Export::RunsCsv, Export::RunsMlflow, Export::RunsPushPlan, Export::ChampionPredictionsCsv] {
            let (reply, file) = other.ask(Request::Export(export)).await;
            assert!(matches!(reply, Reply::File { .. }) && !file.expect("a file").is_empty(), "{export:?}");
        }
        let plan = String::from_utf8(other.ask(Request::Export(Export::RunsPushPlan)).await.1.expect("a file"));
        let plan = plan.expect("JSON is text");
        assert!(!plan.contains("17.png") && plan.contains("accuracy"), "runs only, never items");
    });
}
