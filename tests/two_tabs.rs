//! Two sessions over one store, as two tabs are: one writes, the other reads what it wrote, and they hand over.

mod driver;

use driver::{Driver, run, truth};
use hone::protocol::{Decision, Reply, Request, Verdict};
use hone::storage::Store;
use hone::worker::session::{FeatureSource, Session};

/// Another tab of the same browser, with the same project open, that may not write.
async fn second_tab(store: &Store, project: &str) -> Driver {
    let mut driver = Driver::new(store.clone());
    let source = FeatureSource { id: "planted-1".into(), words: "planted clusters".into(), warning: None };
    driver.session = Session::new(store.clone(), true, source.clone(), source);
    let (reply, _) = driver.ask(Request::OpenProject { project: project.to_owned() }).await;
    assert_eq!(reply, Reply::Done);
    driver.settle().await;
    driver
}

#[test]
fn the_second_follows_takes_over_and_gives_back() {
    run(async {
        let store = Store::default();
        let mut first = Driver::ready(store.clone(), 60).await;
        for _ in 0..4 {
            first.label_next().await;
        }
        first.settle().await;
        let project = first.state().id.clone();
        let mut second = second_tab(&store, &project).await;
        assert!(second.state().read_only);
        assert_eq!(second.state().labelled, first.state().labelled);
        let refused = second.decide(59, Verdict::Label(truth(59)), None).await;
        assert!(matches!(refused, Reply::Failed(ref words) if words.contains("Take over here")), "{refused:?}");

        // What the first one writes, the second one reads.
        first.label_next().await;
        second.session.read_anew().await.expect("read");
        second.settle().await;
        assert_eq!(second.state().labelled, first.state().labelled);

        // They change places: nothing that either decided is lost, and only one writes at a time.
        first.session.set_writer(false).await.expect("read");
        second.session.set_writer(true).await.expect("read");
        second.settle().await;
        let item = second.label_next().await;
        second.settle().await;
        assert!(!second.state().read_only);
        assert_eq!(second.state().labelled, 6);
        let decision = Decision {
            id: "01JD0000000000000000000ZZZ".into(),
            item,
            verdict: Verdict::Skip,
            shown: None,
            audit: None,
            repeat: false,
            took_ms: None,
        };
        let (refused, _) = first.ask(Request::Decide(decision)).await;
        assert!(matches!(refused, Reply::Failed(_)), "{refused:?}");
        first.session.read_anew().await.expect("read");
        first.settle().await;
        assert!(first.state().read_only);
        assert_eq!(first.state().labelled, 6);
        assert_eq!(store.events(&project).await.expect("read").len(), 6);
    });
}

#[test]
fn an_undo_after_the_hand_over_takes_back_what_the_other_one_decided_last() {
    run(async {
        let store = Store::default();
        let mut first = Driver::ready(store.clone(), 30).await;
        for _ in 0..3 {
            first.label_next().await;
        }
        first.settle().await;
        let project = first.state().id.clone();
        let mut second = second_tab(&store, &project).await;
        first.session.set_writer(false).await.expect("read");
        second.session.set_writer(true).await.expect("read");
        let (undone, _) = second.ask(Request::Undo).await;
        assert!(matches!(undone, Reply::Undone(Some(_))), "{undone:?}");
        second.settle().await;
        assert_eq!(second.state().labelled, 2);
    });
}
