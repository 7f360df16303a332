//! A drawing on the page: hover and focus give the exact value of a point, and its figures are one key away.

use super::table::{Cell, Table};
use super::{Drawing, svg};
use crate::ui::app::{App, use_app};
use crate::ui::parts::toast::Tone;
use crate::ui::{actions, dom, text, words};
use leptos::ev;
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, BlobPropertyBag, Element, HtmlElement, OffscreenCanvas, OffscreenCanvasRenderingContext2d};

/// What stands in the place of a value until one is pointed at.
const HINT: &str = "Point at a value, or use Tab and the arrow keys.";

/// The chart. `drawing` is asked again when the signals it reads or the room it has change.
#[component]
pub fn ChartFigure(
    /// Draws at a width in pixels.
    drawing: Callback<f64, Drawing>,
) -> impl IntoView {
    let width = RwSignal::new(420.0);
    let root = NodeRef::<html::Figure>::new();
    let field = NodeRef::<html::Div>::new();
    let measure = move || {
        if let Some(element) = root.get_untracked() {
            let room = f64::from(element.client_width());
            // Not while it is hidden in a closed part of the page.
            if room > 0.0 && room != width.get_untracked() {
                width.set(room);
            }
        }
    };
    root.on_load(move |_| request_animation_frame(measure));
    let resize = window_event_listener(ev::resize, move |_| measure());
    on_cleanup(move || resize.remove());
    let drawn = Memo::new(move |_| drawing.run(width.get().max(240.0)));
    Effect::new(move |_| {
        let Some(field) = field.get() else { return };
        let markup = drawn.with(|drawn| svg::markup(&drawn.scene, &drawn.title));
        // A chart that changes under the eyes of someone who reads it by keyboard keeps the place.
        let place = points(&field).iter().position(|point| dom::focused().is_some_and(|focused| focused == *point));
        field.set_inner_html(&markup);
        if let Some(point) = place.and_then(|place| points(&field).into_iter().nth(place)) {
            focus(&point);
        }
    });
    let readout = RwSignal::new(String::new());
    view! {
        <figure class="chart" node_ref=root aria-label=move || drawn.with(|drawn| drawn.title.clone())>
            <div class="chart-field" node_ref=field on:keydown=move |event| walk(&event)
                on:focusin=move |event| read(&event, readout) on:pointerover=move |event| read(&event, readout)></div>
            <p class="chart-readout figures" aria-hidden="true">{move || readout.with(|value| if value.is_empty() { HINT.to_owned() } else { value.clone() })}</p>
            <Tools drawn />
        </figure>
    }
}

/// The table and the files of a drawing.
#[component]
pub fn Tools(
    /// The drawing.
    #[prop(into)]
    drawn: Signal<Drawing>,
) -> impl IntoView {
    let app = use_app();
    let title = move |what: &str| format!("Save {what}: {}", drawn.with(|drawn| drawn.title.clone()));
    view! {
        <div class="chart-tools">
            <details><summary>"As a table"</summary>{move || drawn.with(|drawn| data_table(&drawn.table, &drawn.title))}</details>
            <button class="quiet" aria-label=move || title("SVG") on:click=move |_| save_svg(app, &drawn.get_untracked())>"Save SVG"</button>
            <button class="quiet" aria-label=move || title("CSV") on:click=move |_| save_csv(app, &drawn.get_untracked())>"Save CSV"</button>
        </div>
    }
}

/// A table of figures.
pub fn data_table(table: &Table, caption: &str) -> AnyView {
    let built = built(table, caption);
    let place = NodeRef::<html::Div>::new();
    place.on_load(move |place| {
        if let Err(error) = built.and_then(|table| place.append_child(&table)) {
            leptos::logging::error!("a table could not be shown: {error:?}");
        }
    });
    view! { <div class="scroll-x" node_ref=place></div> }.into_any()
}

/// The table element by element, each with its text: no markup that somebody's names could become part of, and no views, of which the
/// page would need one type a table.
fn built(table: &Table, caption: &str) -> Result<Element, JsValue> {
    let document = dom::document();
    let child = |parent: &Element, tag: &str| {
        let made = document.create_element(tag)?;
        parent.append_child(&made)?;
        Ok::<_, JsValue>(made)
    };
    let whole = document.create_element("table")?;
    child(&whole, "caption")?.set_text_content(Some(caption));
    let head = child(&child(&whole, "thead")?, "tr")?;
    for name in &table.head {
        let cell = child(&head, "th")?;
        cell.set_attribute("scope", "col")?;
        cell.set_text_content(Some(name));
    }
    let body = child(&whole, "tbody")?;
    for row in &table.rows {
        let line = child(&body, "tr")?;
        for (place, shown) in row.iter().map(Cell::shown).enumerate() {
            let cell = child(&line, if place == 0 { "th" } else { "td" })?;
            match place {
                0 => cell.set_attribute("scope", "row")?,
                _ => cell.set_class_name("figures"),
            }
            cell.set_text_content(Some(&shown));
        }
    }
    Ok(whole)
}

fn points(field: &Element) -> Vec<HtmlElement> {
    let Ok(found) = field.query_selector_all("[data-point]") else { return Vec::new() };
    // SVG elements have the same way to be focused, though another type.
    (0..found.length()).filter_map(|place| found.item(place).map(JsCast::unchecked_into)).collect()
}

fn focus(point: &HtmlElement) {
    // A point in the document can always be focused.
    let _ = point.focus();
}

/// Moves the focus from point to point.
fn walk(event: &ev::KeyboardEvent) {
    let step = match event.key().as_str() {
        "ArrowRight" | "ArrowDown" => 1,
        "ArrowLeft" | "ArrowUp" => -1,
        _ => return,
    };
    let Some(field) = event.current_target().and_then(|field| field.dyn_into::<Element>().ok()) else { return };
    let all = points(&field);
    let here = all.iter().position(|point| dom::focused().is_some_and(|focused| focused == *point));
    if let Some(next) = here.and_then(|here| all.get(here.checked_add_signed(step)?)) {
        event.prevent_default();
        focus(next);
    }
}

/// Shows the value of the point that the event is about.
fn read(event: &web_sys::Event, readout: RwSignal<String>) {
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let point = target.and_then(|target| target.closest("[data-point]").ok().flatten());
    if let Some(value) = point.and_then(|point| point.get_attribute("aria-label")) {
        readout.set(value);
    }
}

fn save_svg(app: App, drawing: &Drawing) {
    let text = svg::file(drawing, |property| colour(property).unwrap_or_else(|| "#777777".to_owned()));
    save(app, &text, "image/svg+xml", &drawing.title, "svg");
}

fn save_csv(app: App, drawing: &Drawing) {
    let (csv, defused) = drawing.table.csv();
    save(app, &csv, "text/csv;charset=utf-8", &drawing.title, "csv");
    if defused > 0 {
        app.state.tell(Tone::Note, words::defused(&drawing.title, defused));
    }
}

fn save(app: App, text: &str, mime: &str, title: &str, extension: &str) {
    let options = BlobPropertyBag::new();
    options.set_type(mime);
    let parts = js_sys::Array::of1(&JsValue::from_str(text));
    match Blob::new_with_str_sequence_and_options(&parts, &options) {
        Ok(blob) => actions::save(app, &blob, &format!("{}.{extension}", text::lowercase(title).replace(' ', "-"))),
        Err(error) => leptos::logging::error!("no file could be made: {error:?}"),
    }
}

/// The colour that a custom property has now, light or dark, as `#rrggbb`, which every program reads.
fn colour(property: &str) -> Option<String> {
    let probe: HtmlElement = dom::document().create_element("span").ok()?.unchecked_into();
    probe.style().set_property("color", &format!("var({property})")).ok()?;
    dom::document().body()?.append_child(&probe).ok()?;
    let computed = dom::window().get_computed_style(&probe).ok().flatten()?.get_property_value("color").ok();
    probe.remove();
    let canvas = OffscreenCanvas::new(1, 1).ok()?;
    let context: OffscreenCanvasRenderingContext2d = canvas.get_context("2d").ok().flatten()?.unchecked_into();
    context.set_fill_style_str(&computed?);
    context.fill_rect(0.0, 0.0, 1.0, 1.0);
    let pixel = context.get_image_data(0.0, 0.0, 1.0, 1.0).ok()?.data();
    let &[red, green, blue, _] = pixel.0.as_slice() else { return None };
    Some(format!("#{red:02x}{green:02x}{blue:02x}"))
}
