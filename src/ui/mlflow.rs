//! Handing the experiment log to the page that pushes it to an MLflow server. That page's policy allows connections; this
//! one's doesn't, so the two are apart, and only the log goes over, when that page asks for it.

use crate::protocol::{Export, Request};
use crate::ui::app::App;
use crate::ui::parts::toast::Tone;
use crate::ui::{actions, dom};
use js_sys::{Object, Reflect};
use leptos::task::spawn_local;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{MessageEvent, Window};

const PAGE: &str = "mlflow.html";

/// Opens the page that pushes, in a window of its own.
pub fn open(app: App) {
    let opened = dom::window().open_with_url_and_target(PAGE, "hone-mlflow");
    if !matches!(opened, Ok(Some(_))) {
        app.state.tell(
            Tone::Bad,
            "The browser blocked the window that pushes to MLflow. Nothing was sent. Allow pop-ups for this page and try again, or export the runs for MLflow instead."
                .to_owned(),
        );
    }
}

/// Answers a message of that page with the log. Messages of any other origin, or of another kind, are not ours.
pub fn answer(app: App, event: &MessageEvent) {
    let origin = event.origin();
    let asks = Reflect::get(&event.data(), &"hone".into()).is_ok_and(|kind| kind == "plan");
    if !asks || dom::window().location().origin().ok().as_ref() != Some(&origin) {
        return;
    }
    let Some(asker) = event.source() else { return };
    spawn_local(async move {
        let Some((blob, ..)) = actions::file(app, Request::Export(Export::RunsPushPlan)).await else { return };
        let Ok(plan) = wasm_bindgen_futures::JsFuture::from(blob.text()).await else { return };
        if let Err(error) = post(&asker.unchecked_into(), &plan, &origin) {
            leptos::logging::error!("the log could not be handed over: {error:?}");
        }
    });
}

fn post(asker: &Window, plan: &JsValue, origin: &str) -> Result<(), JsValue> {
    let message = Object::new();
    Reflect::set(&message, &"hone".into(), &"plan".into())?;
    Reflect::set(&message, &"plan".into(), plan)?;
    asker.post_message(&message, origin)
}
