//! A model that meets another world, driven natively and seeded: imports are compared, an alarm is logged and voids the
//! certificate, an audit decides, and both ways back end at the gate.

#[path = "driver/mod.rs"]
mod driver;

use driver::{Driver, PROJECT, run};
use hone::pipeline::import::{GivenLabel, Imported};
use hone::pipeline::item::{Content, Item, Kind};
use hone::protocol::{
    BatchDetails, BatchMonitor, CertificateStatus, ClassIndex, Health, MonitorState, Options, Reply, Request, RunQuery,
    RunRow, TriagePlan, Verdict,
};
use hone::storage::Store;
use hone::storage::records::Ending;
use hone::worker::session::{Arrival, Chunk, Coming};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const COLUMNS: [&str; 3] = ["vibration", "temperature", "load"];
const CLASSES: [&str; 2] = ["sound", "worn"];

/// Where a bearing runs, and so what tells a worn one.
#[derive(Debug, Clone, Copy, PartialEq)]
enum World {
    /// Worn ones vibrate and are a little warmer.
    Known,
    /// Under load worn ones run still and sound ones vibrate; one in ten of the known ones is like this.
    Loaded,
    /// On another machine worn ones run cold, not warm.
    Cold,
}

/// A bearing's measurements and whether it is worn.
fn bearing(random: &mut ChaCha8Rng, world: World) -> (Vec<String>, ClassIndex) {
    let class = random.random_range(0..2);
    let sign = if class == 1 { 2.0 } else { -2.0 };
    let mut noise = |spread: f64| (0..6).map(|_| random.random_range(-spread..spread)).sum::<f64>() / 2.0;
    let [vibration, temperature, load] = match world {
        World::Known => [sign + noise(0.8), 0.15 * sign + noise(0.5), noise(0.3)],
        World::Loaded => [-sign + noise(0.8), noise(0.5), 4.0 + noise(0.3)],
        World::Cold => [noise(0.5), -sign + noise(0.8), 1.5 + noise(0.3)],
    };
    ([vibration, temperature, load].map(|number| format!("{number:.3}")).to_vec(), class)
}

/// The known world, one in ten under load.
fn mixed(place: usize) -> World {
    if place % 10 == 9 { World::Loaded } else { World::Known }
}

/// A session on bearings, and the truth of each item.
struct Workshop {
    driver: Driver,
    truth: Vec<ClassIndex>,
    random: ChaCha8Rng,
}

impl Workshop {
    /// `labelled` bearings of the known world, with `loaded` one in ten of them under load, and the champion they gave.
    async fn with_champion(store: Store, labelled: usize, loaded: bool) -> Self {
        let mut driver = Driver::new(store);
        let now = driver.now();
        let columns = COLUMNS.map(String::from).to_vec();
        let classes = CLASSES.map(String::from);
        let created = driver.session.create_project(PROJECT.into(), "Bearings", Kind::Table, columns, &classes, now);
        created.await.expect("a new project");
        let mut workshop = Self { driver, truth: Vec::new(), random: ChaCha8Rng::seed_from_u64(4) };
        workshop.import("spring", labelled, if loaded { mixed } else { |_| World::Known }, true).await;
        assert_eq!(workshop.champion(), 1, "the first model is deployed");
        workshop
    }

    async fn import(&mut self, name: &str, count: usize, world: impl Fn(usize) -> World, labels: bool) {
        let made: Vec<(Vec<String>, ClassIndex)> =
            (0..count).map(|place| bearing(&mut self.random, world(place))).collect();
        let columns = COLUMNS.map(String::from);
        let rows = made.iter().map(|(cells, class)| (cells.clone(), labels.then_some(CLASSES[usize::from(*class)])));
        self.import_rows(name, &columns, rows.collect()).await.expect("an import that fits");
        self.truth.extend(made.iter().map(|(_, class)| class));
    }

    async fn import_rows(
        &mut self,
        name: &str,
        columns: &[String],
        rows: Vec<(Vec<String>, Option<&str>)>,
    ) -> Result<(), String> {
        let now = self.driver.now();
        let begun = self.driver.session.begin_batch(name, Kind::Table, columns, Coming::default(), now).await;
        let batch = begun.map_err(|error| error.to_string())?;
        let arrival = |(place, (cells, label)): (usize, (Vec<String>, Option<&str>))| {
            let content = Content::Row(cells);
            let hash = content.hash().expect("a row");
            let item = Item { hash, name: format!("{name}:{place}"), content, batch, extra: Vec::new() };
            Arrival {
                imported: Imported { item, labels: label.map(GivenLabel::of).into_iter().collect(), held_out: false },
                media: None,
            }
        };
        let chunk = Chunk { arrivals: rows.into_iter().enumerate().map(arrival).collect(), problems: Vec::new() };
        self.driver.session.add_chunk(batch, chunk, now).await.expect("stored");
        self.driver.session.finish_batch(batch, Ending::Finished, now).await.expect("stored");
        self.driver.listen();
        self.driver.settle().await;
        Ok(())
    }

    async fn monitor(&mut self) -> MonitorState {
        self.driver.settle().await;
        match self.driver.ask(Request::Monitor).await.0 {
            Reply::Monitor(state) => *state,
            other => panic!("{other:?}"),
        }
    }

    async fn batch(&mut self, batch: usize) -> BatchMonitor {
        self.monitor().await.batches.swap_remove(batch)
    }

    async fn details(&mut self, batch: u32) -> BatchDetails {
        match self.driver.ask(Request::BatchDetails { batch }).await.0 {
            Reply::BatchDetails(Some(details)) => *details,
            other => panic!("{other:?}"),
        }
    }

    async fn count(&mut self, request: Request) -> u32 {
        match self.driver.ask(request).await.0 {
            Reply::Count(count) => {
                self.driver.settle().await;
                count
            }
            other => panic!("{other:?}"),
        }
    }

    async fn done(&mut self, request: Request) {
        assert_eq!(self.driver.ask(request).await.0, Reply::Done);
        self.driver.settle().await;
    }

    /// Answers the queue's first card by the truth.
    async fn answer(&mut self) -> (u32, bool) {
        let card = self.driver.queue.cards.first().cloned();
        let card = card.unwrap_or_else(|| panic!("no card: {:?}", self.driver.queue.empty));
        let verdict = Verdict::Label(self.truth[card.item as usize]);
        let reply = self.driver.decide(card.item, verdict, card.audit).await;
        assert!(matches!(reply, Reply::Decided(_)), "{reply:?}");
        self.driver.settle().await;
        (card.item, card.audit.is_some())
    }

    async fn answer_audit_of(&mut self, batch: u32, first: u32) {
        let asked = self.count(Request::AuditBatch { batch }).await;
        assert!((60..=150).contains(&asked), "{asked}");
        let mut answered = 0;
        while self.driver.state().monitor.auditing.is_some() {
            let (item, audit) = self.answer().await;
            if audit && item >= first {
                answered += 1;
            }
        }
        assert_eq!(answered, asked);
    }

    async fn runs(&mut self, expression: &str) -> Vec<RunRow> {
        let query = RunQuery { expression: expression.into(), ..RunQuery::default() };
        match self.driver.ask(Request::Runs(query)).await.0 {
            Reply::Runs { rows, problem: None, .. } => rows,
            other => panic!("{other:?}"),
        }
    }

    fn champion(&self) -> u32 {
        self.driver.state().deployment.champion.as_ref().expect("a champion").number
    }

    fn health(&self) -> Option<Health> {
        self.driver.state().monitor.health
    }
}

const FIRST: usize = 300;

#[test]
fn the_same_world_raises_no_alarm() {
    run(async {
        let mut workshop = Workshop::with_champion(Store::default(), FIRST, true).await;
        assert_eq!(workshop.health(), Some(Health::TooSmall), "no audit has said anything yet");
        workshop.import("summer", 250, mixed, false).await;
        let summer = workshop.batch(1).await;
        assert_eq!(summer.health, Some(Health::Healthy), "{}", summer.sentence);
        let estimate = summer.estimate.expect("an estimate");
        // A straight line has nine in ten of this world right.
        assert!(estimate.low <= 0.9 && 0.9 <= estimate.high, "{estimate:?}");
        assert_eq!(workshop.health(), Some(Health::Healthy));
        let logged = workshop.runs("attributes.kind = \"monitor\"").await;
        assert_eq!(logged.len(), 1, "a healthy import is logged, too: {logged:?}");
        assert!(logged[0].name.contains("healthy"), "{}", logged[0].name);
        assert!(workshop.monitor().await.ways.is_none());
    });
}

/// A few items say nothing by themselves; from twenty on, small imports are judged together.
#[test]
fn small_imports_are_judged_together() {
    run(async {
        let mut workshop = Workshop::with_champion(Store::default(), FIRST, true).await;
        for (number, count) in [(1, 1), (2, 7), (3, 5)] {
            workshop.import(&format!("day {number}"), count, mixed, false).await;
            let day = workshop.batch(number).await;
            assert_eq!((day.health, day.estimate), (Some(Health::TooSmall), None), "{}", day.sentence);
        }
        let third = workshop.batch(3).await;
        assert!(
            third.sentence.contains("13 items") && third.sentence.contains("“day 1”, “day 2”"),
            "{}",
            third.sentence
        );
        assert!(workshop.runs("attributes.kind = \"monitor\"").await.is_empty(), "that little is known is no news");

        // A large one does not wait for them, and they do not hide in it.
        workshop.import("summer", 120, mixed, false).await;
        assert_eq!(workshop.batch(4).await.health, Some(Health::Healthy));
        assert_eq!(workshop.batch(3).await.health, Some(Health::TooSmall));
        workshop.import("day 5", 9, mixed, false).await;
        for number in [1, 2, 3, 5] {
            let day = workshop.batch(number).await;
            assert_eq!(day.health, Some(Health::Healthy), "{}", day.sentence);
            assert!(day.estimate.is_some_and(|estimate| estimate.low < estimate.high), "{day:?}");
        }
    });
}

#[test]
fn better_data_are_a_way_back() {
    run(async {
        let store = Store::default();
        let mut workshop = Workshop::with_champion(store.clone(), FIRST, false).await;
        // Something is certified, and accepted.
        workshop.import("summer", 400, |_| World::Known, false).await;
        let plan = TriagePlan { alpha: 0.1, delta: 0.1, by_class: false };
        workshop.done(Request::ProposeTriage(plan)).await;
        while workshop.driver.state().triage.certificates[0].status == CertificateStatus::Auditing {
            workshop.answer().await;
        }
        assert_eq!(workshop.driver.state().triage.certificates[0].status, CertificateStatus::Certified);
        workshop.count(Request::AcceptCertified).await;
        assert!(workshop.driver.state().triage.accepted > 200);

        // Another machine.
        let first = workshop.truth.len() as u32;
        workshop.import("autumn", 400, |_| World::Cold, false).await;
        let autumn = workshop.batch(2).await;
        assert!(autumn.health > Some(Health::Healthy), "{}", autumn.sentence);
        assert!(workshop.health() > Some(Health::Healthy));
        assert_eq!(workshop.driver.state().monitor.batch, Some((2, "autumn".into())));
        let certificate = &workshop.driver.state().triage.certificates[0];
        assert!(
            matches!(&certificate.status, CertificateStatus::Void(why) if why.contains("autumn")),
            "{certificate:?}"
        );
        assert!(workshop.driver.state().triage.to_confirm > 200 && workshop.driver.state().triage.accepted == 0);
        let details = workshop.details(2).await;
        let moved: Vec<&str> = details.columns.iter().filter(|c| c.corrected < 0.02).map(|c| c.name.as_str()).collect();
        assert!(moved.contains(&"load") && moved.contains(&"temperature"), "{moved:?}");
        assert!(details.separation.is_some_and(|area| area.low > 0.9), "{:?}", details.separation);
        assert!(!details.novel.is_empty() && details.novel.iter().all(|novel| novel.item >= first));
        assert!(details.novel.iter().all(|novel| novel.nearest.iter().all(|past| past.item < FIRST as u32)));

        // The audit decides: the champion guesses.
        workshop.answer_audit_of(2, first).await;
        let autumn = workshop.batch(2).await;
        assert_eq!(autumn.health, Some(Health::Deteriorated), "{}", autumn.sentence);
        assert!(autumn.sentence.contains("audits of it"), "{}", autumn.sentence);

        // Both ways are measured on it; labels gain, other models on the old labels do not.
        let ways = workshop.monitor().await.ways.expect("two ways back");
        assert_eq!(ways.batch, 2);
        let (data, model) = (ways.data.gain.expect("measured"), ways.model.gain.expect("measured"));
        assert!(data.low > 0.1 && data.estimate > model.estimate, "{data:?} {model:?}");
        assert!(ways.advice.starts_with("Better data"), "{}", ways.advice);
        assert!(ways.data.seconds.is_some_and(|seconds| seconds > 0.0));

        // Closing the tab loses none of this.
        let mut reopened = Driver::new(store);
        reopened.ask(Request::OpenProject { project: PROJECT.into() }).await;
        reopened.settle().await;
        let before = workshop.runs("attributes.kind = \"monitor\"").await.len();
        workshop.driver = reopened;
        assert_eq!(workshop.health(), Some(Health::Deteriorated));
        let after = workshop.runs("attributes.kind = \"monitor\"").await.len();
        assert_eq!(after, before, "what is known is not logged again");

        // The way by labels: only this import is asked about, then a model is trained by itself.
        let options = Options { retrain_after: 0, audit_share: 0.0, ..workshop.driver.state().options };
        workshop.done(Request::SetOptions(options)).await;
        let wished = workshop.count(Request::LabelBatch { batch: 2, count: ways.labels }).await;
        assert_eq!(wished, ways.labels);
        while workshop.driver.state().monitor.labelling.is_some() {
            let (item, audit) = workshop.answer().await;
            assert!(audit || item >= first, "asked about {item}");
        }
        assert_eq!(workshop.champion(), 1, "nothing is deployed without the gate");
        let gate = workshop.driver.state().deployment.gate.clone().expect("a challenger");
        assert!(gate.promote, "{}", gate.sentence);
        workshop.done(Request::Promote).await;
        assert!(workshop.champion() > 1);
        let autumn = workshop.batch(2).await;
        assert_eq!(autumn.health, Some(Health::Healthy), "{}", autumn.sentence);
        assert!(autumn.is_reference && autumn.sentence.contains("audits of it"), "{}", autumn.sentence);
        assert_eq!(workshop.health(), Some(Health::Healthy));
        assert_eq!(workshop.driver.state().monitor.batch, None);

        // The new world is known now: a mixture of both may move the shares, but is no deterioration.
        workshop.done(Request::SetFloor { floor: 0.8 }).await;
        workshop.import("winter", 300, |place| if place % 2 == 0 { World::Cold } else { World::Known }, false).await;
        let winter = workshop.batch(3).await;
        assert!(winter.health < Some(Health::Deteriorated), "{}", winter.sentence);
    });
}

#[test]
fn a_better_model_is_a_way_back() {
    run(async {
        let mut workshop = Workshop::with_champion(Store::default(), FIRST, true).await;
        workshop.import("heavy", 300, |_| World::Loaded, false).await;
        assert!(workshop.batch(1).await.health > Some(Health::Healthy));
        workshop.answer_audit_of(1, FIRST as u32).await;
        let heavy = workshop.batch(1).await;
        assert_eq!(heavy.health, Some(Health::Deteriorated), "{}", heavy.sentence);
        let ways = workshop.monitor().await.ways.expect("two ways back");
        let model = ways.model.gain.expect("measured");
        assert!(model.low > 0.2, "another model on the same labels sees it: {model:?}");
        assert!(ways.advice.contains("better model"), "{}", ways.advice);

        workshop.driver.ask(Request::Search { seconds: 20, anyway: false }).await;
        workshop.driver.settle().await;
        let gate = workshop.driver.state().deployment.gate.clone().expect("the best is a challenger");
        assert!(gate.promote, "{}", gate.sentence);
        workshop.done(Request::Promote).await;
        assert_eq!(workshop.health(), Some(Health::Healthy));
        assert!(workshop.monitor().await.ways.is_none());
        let changes = workshop.monitor().await.changes;
        assert_eq!(changes.first().map(|change| change.health), Some(Health::Healthy), "{changes:?}");
    });
}

#[test]
fn labels_that_came_along_are_as_good_as_an_audit() {
    run(async {
        let mut workshop = Workshop::with_champion(Store::default(), FIRST, true).await;
        let options = Options { retrain_after: 0, ..workshop.driver.state().options };
        workshop.done(Request::SetOptions(options)).await;
        workshop.import("heavy", 200, |_| World::Loaded, true).await;
        let heavy = workshop.batch(1).await;
        assert_eq!(heavy.health, Some(Health::Deteriorated), "{}", heavy.sentence);
        assert!(heavy.came_labelled && heavy.audits_needed.is_none(), "{heavy:?}");
        assert!(heavy.sentence.contains("labels that came with it"), "{}", heavy.sentence);
        assert!(heavy.audited.is_some_and(|audited| audited.total == 200 && audited.estimate < 0.2));
    });
}

#[test]
fn the_level_is_the_users_to_set() {
    run(async {
        let mut workshop = Workshop::with_champion(Store::default(), FIRST, true).await;
        workshop.import("summer", 250, mixed, false).await;
        let state = workshop.monitor().await;
        assert!(
            !state.floor_is_set && state.floor.is_some_and(|floor| (0.75..0.9).contains(&floor)),
            "{:?}",
            state.floor
        );
        workshop.done(Request::SetFloor { floor: 0.98 }).await;
        assert!(workshop.health() > Some(Health::Healthy), "{:?}", workshop.health());
        let state = workshop.monitor().await;
        assert!(state.floor_is_set && state.floor == Some(0.98));
        for floor in [0.0, 1.0, f64::NAN] {
            let (reply, _) = workshop.driver.ask(Request::SetFloor { floor }).await;
            assert!(matches!(reply, Reply::Failed(why) if why.contains("between 0 and 100")));
        }
        workshop.done(Request::SetFloor { floor: 0.8 }).await;
        assert_eq!(workshop.health(), Some(Health::Healthy));
    });
}

#[test]
fn data_are_checked_before_any_model() {
    run(async {
        let mut workshop = Workshop::with_champion(Store::default(), 100, true).await;
        let rows = |cells: &dyn Fn(usize) -> Vec<String>| (0..60).map(|place| (cells(place), None)).collect::<Vec<_>>();
        // A column is missing, another holds words, and the order is another.
        let columns = ["temperature", "vibration"].map(String::from);
        let spoilt = rows(&|place| vec!["warm".into(), format!("{:.2}", place as f64 / 20.0)]);
        workshop.import_rows("spoilt", &columns, spoilt).await.expect("it comes in all the same");
        workshop.truth.extend([0; 60]);
        let findings = workshop.details(1).await.findings;
        let said = findings.iter().map(|(_, sentence)| sentence.as_str()).collect::<Vec<_>>().join("\n");
        assert!(said.contains("load") && said.contains("temperature"), "{said}");
        assert!(findings.iter().any(|(warning, _)| *warning), "{said}");
        assert_eq!(workshop.driver.state().batches[1].items, 60);
        // The cells are in the project's own columns.
        let (reply, _) = workshop.driver.ask(Request::CardFor { item: 100 }).await;
        let Reply::Card(card) = reply else { panic!("{reply:?}") };
        let hone::protocol::CardContent::Row(cells) = card.content else { panic!("a row") };
        assert_eq!(cells[1], ("temperature".into(), "warm".into()));
        assert_eq!(cells[2], ("load".into(), String::new()));
        // Another table altogether is refused, and nothing changes.
        let refused = workshop.import_rows("other", &["price".into()], rows(&|_| vec!["1".into()])).await;
        assert!(refused.is_err_and(|why| why.contains("Nothing was imported")));
        assert_eq!(workshop.driver.state().batches.len(), 2);
    });
}
