//! Answers that stay true: a question is asked again whenever what it is about changes, but one at a time.

use crate::protocol::{Reply, Request};
use crate::ui::app::App;
use leptos::prelude::*;
use leptos::task::spawn_local;

/// Asks `question` now and whenever the signals it reads change, and hands each reply to `take`. While one is on its way
/// only the newest of those that follow is kept. Ends with the component that calls it.
pub fn keep_asking(app: App, question: Callback<(), Option<Request>>, take: Callback<Reply>) {
    let next = StoredValue::new(None::<Request>);
    let on_its_way = StoredValue::new(false);
    Effect::new(move |_| {
        next.set_value(question.run(()));
        if on_its_way.get_value() {
            return;
        }
        on_its_way.set_value(true);
        spawn_local(async move {
            while let Some(request) = next.try_update_value(Option::take).flatten() {
                let (reply, _) = app.ask(request, Vec::new()).await;
                // The screen may be gone.
                if take.try_run(reply).is_none() {
                    return;
                }
            }
            let _ = on_its_way.try_set_value(false);
        });
    });
}
