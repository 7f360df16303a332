//! What only a page can try: the link to a worker that dies, the lock between tabs, files that were dropped.

#![cfg(all(target_arch = "wasm32", feature = "browser"))]

use futures_channel::oneshot;
use futures_util::future::{join, join_all};
use gloo::timers::callback::Timeout;
use hone::browser::link::Link;
use hone::browser::wire::{self, Body};
use hone::browser::{files, tab_lock};
use hone::protocol::{Decision, Event, LabelEffect, Reply, Request, Verdict};
use js_sys::{Array, Uint8Array};
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::{Blob, BlobPropertyBag, DataTransfer, File, Url};

wasm_bindgen_test_configure!(run_in_browser);

/// The first byte of a request says which it is.
fn tag(request: &Request) -> u8 {
    postcard::to_stdvec(request).unwrap()[0]
}

fn decide(id: &str) -> Request {
    let decision = Decision {
        id: id.into(),
        item: 0,
        verdict: Verdict::Skip,
        shown: None,
        audit: None,
        repeat: false,
        took_ms: None,
    };
    Request::Decide(decision)
}

/// A session worker in a few lines of JavaScript. `on_request` sees `tag` and `answer(bytes)`.
fn script(on_request: &str) -> String {
    let source = format!(
        "let seen = [];
         onmessage = event => {{
             const [id, bytes, attachments] = event.data;
             if (bytes === null) return postMessage([0, null, []]);
             const tag = bytes[0];
             const answer = reply => postMessage([id, new Uint8Array(reply), attachments]);
             {on_request}
             seen.push(tag);
         }};
         postMessage([0, null, []]);"
    );
    let kind = BlobPropertyBag::new();
    kind.set_type("text/javascript");
    let blob = Blob::new_with_str_sequence_and_options(&Array::of1(&source.into()), &kind).unwrap();
    Url::create_object_url_with_blob(&blob).unwrap()
}

fn bytes(reply: &Reply) -> String {
    format!("{:?}", postcard::to_stdvec(reply).unwrap())
}

#[wasm_bindgen_test]
fn a_message_survives_the_wire() {
    let request = Request::RenameProject { project: "p".into(), name: "ünï".into() };
    let parcel = wire::pack(7, &request, &["x".into(), JsValue::from(1.5)]).unwrap();
    let frame = wire::unpack::<Request>(parcel.message.into());
    assert_eq!((frame.id, frame.body), (7, Body::Said(request)));
    assert_eq!(frame.attachments, ["x".into(), JsValue::from(1.5)]);
    assert_eq!(wire::unpack::<Request>(wire::beat().message.into()).body, Body::Beat);
    let foreign = Array::of3(&3.into(), &Uint8Array::from([250u8, 1].as_slice()), &Array::new());
    assert_eq!(wire::unpack::<Request>(foreign.into()).body, Body::Unreadable);
}

#[wasm_bindgen_test]
async fn a_decision_outlives_its_worker() {
    // The page of this test never says Hello; the link does, when it restores a project. So the first worker dies of a
    // decision, and its successor does not if the project was opened again before the decision was asked again.
    let done = bytes(&Reply::Done);
    let decided = bytes(&Reply::Decided(LabelEffect::default()));
    let on_request = format!(
        "if (tag === {decide}) {{
             if (seen.join() !== '{hello},{open}') throw new Error('not restored');
             return answer({decided});
         }}
         if (tag === {rename}) return;
         answer({done});",
        decide = tag(&decide("")),
        hello = tag(&Request::Hello),
        open = tag(&Request::OpenProject { project: String::new() }),
        rename = tag(&Request::RenameProject { project: String::new(), name: String::new() }),
    );
    let events = Rc::new(RefCell::new(Vec::new()));
    let heard = Rc::clone(&events);
    let link = Link::start_script(&script(&on_request), move |event, _| heard.borrow_mut().push(event));

    assert_eq!(link.ask(Request::OpenProject { project: "p".into() }, Vec::new()).await.0, Reply::Done);
    let renamed = link.ask(Request::RenameProject { project: "p".into(), name: "q".into() }, Vec::new());
    let first = link.ask(decide("1"), Vec::new());
    let second = link.ask(decide("2"), Vec::new());

    assert!(matches!(renamed.await.0, Reply::Failed(words) if words.contains("started again")));
    assert_eq!(first.await.0, Reply::Decided(LabelEffect::default()));
    assert_eq!(second.await.0, Reply::Decided(LabelEffect::default()));
    assert!(matches!(&events.borrow()[0], Event::Notice(words) if words.contains("safe")));
}

/// Ways to stop that raise no error: nothing but the beats can tell.
#[wasm_bindgen_test]
async fn a_worker_that_falls_silent_is_found_within_ten_seconds() {
    let (done, decided) = (bytes(&Reply::Done), bytes(&Reply::Decided(LabelEffect::default())));
    let stop = async |stops: &str| {
        // The successor is the one that was told the project before the decision, see above.
        let on_request = format!(
            "if (tag === {decide}) {{
                 if (seen.join() === '{hello},{open}') return answer({decided});
                 {stops}
                 return;
             }}
             answer({done});",
            decide = tag(&decide("")),
            hello = tag(&Request::Hello),
            open = tag(&Request::OpenProject { project: String::new() }),
        );
        let link = Link::start_script(&script(&on_request), |_, _| {});
        assert_eq!(link.ask(Request::OpenProject { project: "p".into() }, Vec::new()).await.0, Reply::Done);
        let begun = js_sys::Date::now();
        assert_eq!(link.ask(decide("1"), Vec::new()).await.0, Reply::Decided(LabelEffect::default()), "{stops}");
        let took = js_sys::Date::now() - begun;
        assert!((5_000.0..12_000.0).contains(&took), "{stops}: {took} ms");
    };
    join_all(["close();", "for (;;);", "onmessage = () => {};"].map(stop)).await;
}

#[wasm_bindgen_test]
async fn a_worker_that_keeps_dying_is_given_up() {
    let link = Link::start_script(&script("throw new Error('dead');"), |_, _| {});
    let reply = link.ask(Request::Hello, Vec::new()).await.0;
    assert!(matches!(reply, Reply::Failed(_)), "{reply:?}");
    let attempts = async {
        for _ in 0..4 {
            let reply = link.ask(Request::ListProjects, Vec::new()).await.0;
            assert!(matches!(reply, Reply::Failed(_)), "{reply:?}");
        }
        link.ask(Request::ListProjects, Vec::new()).await.0
    };
    assert!(matches!(attempts.await, Reply::Failed(words) if words.contains("Reload the page")));

    let missing = Link::start_script("there-is-no-such-script.js", |_, _| {});
    assert!(matches!(missing.ask(Request::Hello, Vec::new()).await.0, Reply::Failed(_)));
}

#[wasm_bindgen_test]
async fn files_travel_beside_the_message_both_ways() {
    let done = bytes(&Reply::Done);
    let link = Link::start_script(&script(&format!("answer({done});")), |_, _| {});
    let blob = Blob::new_with_str_sequence(&Array::of1(&"hello".into())).unwrap();
    let (reply, attachments) = link.ask(Request::ListProjects, vec![blob.into()]).await;
    assert_eq!((reply, attachments.len()), (Reply::Done, 1));
    assert_eq!(attachments[0].dyn_ref::<Blob>().unwrap().size(), 5.0);

    // A function cannot be copied to another thread: the question fails, and the link goes on.
    let unsendable = js_sys::Function::new_no_args("");
    assert!(matches!(link.ask(Request::ListProjects, vec![unsendable.into()]).await.0, Reply::Failed(_)));
    assert_eq!(link.ask(Request::ListProjects, Vec::new()).await.0, Reply::Done);
}

#[wasm_bindgen_test]
async fn only_the_first_holds_the_lock_until_it_lets_go() {
    let first = tab_lock::acquire(false).await;
    assert!(first.is_some());
    assert!(tab_lock::acquire(false).await.is_none());
    let second = tab_lock::when_left();
    // A worker that is started again has it back before anybody else.
    drop(first);
    let first = tab_lock::acquire(false).await.expect("nobody has it");
    let let_go = async {
        let (over, waited) = oneshot::channel::<()>();
        Timeout::new(5000, move || drop(over)).forget();
        let _ = waited.await;
        drop(first);
        js_sys::Date::now()
    };
    let (second, left) = join(second, let_go).await;
    assert!(js_sys::Date::now() >= left);
    assert!(tab_lock::acquire(false).await.is_none(), "{second:?}");
    drop(second);
    assert!(tab_lock::acquire(false).await.is_some());
}

#[wasm_bindgen_test]
async fn dropped_files_keep_their_names() {
    let data = DataTransfer::new().unwrap();
    for name in ["a.txt", "b.txt"] {
        let file = File::new_with_str_sequence(&Array::of1(&"12345".into()), name).unwrap();
        data.items().add_with_file(&file).unwrap();
    }
    let given = files::from_drop(data).await;
    // The worker asks for the sizes; the page does not.
    let named: Vec<(&str, f64)> = given.iter().map(|(source, file)| (source.path.as_str(), file.size())).collect();
    assert_eq!(named, [("a.txt", 5.0), ("b.txt", 5.0)]);
}
