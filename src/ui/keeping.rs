//! That what was labelled is kept: the browser is asked for a promise, and a disk that fills up is told in time.

use crate::protocol::{Reply, Request};
use crate::ui::app::App;
use crate::ui::parts::toast::Tone;
use crate::ui::words;
use leptos::prelude::*;
use leptos::task::spawn_local;

/// After so many labels of a visit there is something worth a promise.
const LABELS_BEFORE_ASKING: u32 = 5;
/// How much room is left is looked at every so many labels.
const LABELS_BETWEEN_LOOKS: u32 = 100;

/// A label was stored.
pub fn after_a_label(app: App) {
    let labels = app.state.labels_stored.get_value() + 1;
    app.state.labels_stored.set_value(labels);
    if labels == LABELS_BEFORE_ASKING {
        spawn_local(async move {
            if let Err(error) = crate::browser::storage_quota::request_persistence().await {
                leptos::logging::warn!("the browser can't be asked to keep what is stored: {error:?}");
            }
        });
    }
    if labels == LABELS_BEFORE_ASKING || labels.is_multiple_of(LABELS_BETWEEN_LOOKS) {
        look_for_room(app);
    }
}

/// Asks how much room is left, and warns, once a visit, if it is little.
pub fn look_for_room(app: App) {
    if app.state.warned_of_room.get_value() {
        return;
    }
    spawn_local(async move {
        // What a browser doesn't tell, the settings say.
        if let Reply::Storage(storage) = app.ask(Request::Storage, Vec::new()).await.0
            && let Some(warning) = words::room_warning(&storage)
        {
            app.state.warned_of_room.set_value(true);
            app.state.tell(Tone::Bad, warning);
        }
    });
}
