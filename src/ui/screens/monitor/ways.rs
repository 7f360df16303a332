//! Two ways back, side by side: a better model, or better data.

use super::Watched;
use crate::protocol::{WayBack, WaysBack};
use crate::ui::app::{App, use_app};
use crate::ui::parts::action::ActionButton;
use crate::ui::parts::views::redrawn;
use crate::ui::route::Route;
use crate::ui::{format, monitor};
use leptos::prelude::*;

/// The two cards; nothing while every import is healthy.
#[component]
pub fn Ways(
    /// The state.
    watched: Watched,
) -> impl IntoView {
    let app = use_app();
    let ways = Memo::new(move |_| watched.with(|state| state.as_ref().and_then(|state| state.ways.clone())));
    let labelling = Memo::new(move |_| {
        app.state.project.with(|project| project.as_ref().and_then(|project| project.monitor.labelling))
    });
    redrawn(move || {
        let under_way = labelling.get().map(|(batch, given, wished)| {
            view! {
                <p class="row" role="status"><span class="figures">{format!("{given} of {wished} labels given; then a model is trained and brought to the gate.")}</span>
                    <a href=Route::Label.hash()>"Go on labelling"</a>
                    <button class="quiet" on:click=move |_| monitor::label(app, batch, 0)>"Ask about all items again"</button></p>
            }
            .into_any()
        });
        ways.get().map(|ways| cards(app, ways, under_way))
    })
}

fn cards(app: App, ways: WaysBack, under_way: Option<AnyView>) -> AnyView {
    let WaysBack { batch, name, model, data, labels, suspects, suspects_seconds, advice } = ways;
    let why = Signal::derive(move || app.state.why_read_only().map(str::to_owned));
    let seconds = model.seconds.unwrap_or_default() as u32;
    let review = (suspects > 0).then(|| {
        let words = format!(
            "Review {}{}",
            format::counted(suspects.into(), "label that looks wrong", "labels that look wrong"),
            suspects_seconds.map(|seconds| format!(", {}", format::duration(seconds))).unwrap_or_default()
        );
        view! { <a href=Route::Review.hash()>{words}</a> }.into_any()
    });
    let labelling = format!("Label {labels} of this import");
    let computing = model.seconds.map(|seconds| format!("{} of computing, no label", format::duration(seconds)));
    let time = data.seconds.map(|seconds| format!("{} of your time", format::duration(seconds)));
    let time = format!("{labels} labels, {}", time.unwrap_or_else(|| "as long as they take you".to_owned()));
    view! {
        <section class="block" aria-labelledby="ways-title">
            <h2 id="ways-title">{format!("Two ways back on {name}")}</h2>
            <p role="status">{advice}</p>
            {under_way}
            <div class="ways">
                {card("Improve the model", &model, computing.unwrap_or_default())}
                {card("Improve the data", &data, time)}
                <div class="row"><ActionButton name="Search for a better model".to_owned() why press=Callback::new(move |()| monitor::search(app, seconds)) /></div>
                <div class="row"><ActionButton name=labelling why press=Callback::new(move |()| monitor::label(app, batch, labels)) />{review}</div>
            </div>
        </section>
    }
    .into_any()
}

fn card(title: &'static str, way: &WayBack, cost: String) -> AnyView {
    let gain = way.gain.map_or_else(
        || "not known yet".to_owned(),
        |gain| {
            let ends = [gain.low, gain.high].map(|end| format::points(end).replace(" points", ""));
            format!("{} ({} to {})", format::points(gain.estimate), ends[0], ends[1])
        },
    );
    view! {
        <div class="way"><h3>{title}</h3>
            <dl><dt>"Gain"</dt><dd class="figures">{gain}</dd><dt>"Cost"</dt><dd class="figures">{cost}</dd></dl>
            <p class="muted">{way.how.clone()}</p></div>
    }
    .into_any()
}
