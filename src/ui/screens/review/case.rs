//! One case: its items side by side, what is said about them, and the answers.

use crate::protocol::{CardContent, ReviewCase, ReviewKind, ReviewSide, Verdict};
use crate::ui::app::use_app;
use crate::ui::hotkey::class_key;
use crate::ui::parts::bar::hue_class;
use crate::ui::parts::picture::Picture;
use crate::ui::parts::show::Show;
use crate::ui::parts::views::CollectAny;
use crate::ui::review::{CASE_ID, ReviewView};
use crate::ui::screens::card::Content;
use crate::ui::screens::insight::NeighbourList;
use crate::ui::{format, text};
use leptos::prelude::*;

/// The case on screen, or why there is none.
#[component]
pub fn Case(
    /// What the screen shows.
    view: ReviewView,
) -> impl IntoView {
    let body = move || match view.case.get() {
        Some(case) => shown(case),
        None => {
            let sentence = view.list.with(|list| match list {
                Some(list) if list.progress.is_none() && list.rows.is_empty() => {
                    "Nothing to review here. Choose another part, or label more."
                }
                _ => "Looking for labels that may be wrong…",
            });
            view! { <p class="no-card" role="status">{sentence}</p> }.into_any()
        }
    };
    view! {
        <div class="stage">
            <section id=CASE_ID class="case" role="region" aria-label="Case" tabindex="-1"
                data-item=move || view.case.with(|case| case.as_ref().and_then(|case| case.sides.first()).map(|side| side.card.item.to_string()))>{body}</section>
            {view! { <Answers view /> }.into_any()}
        </div>
    }
}

fn shown(case: ReviewCase) -> AnyView {
    let pictures = match case.sides.as_slice() {
        [a, b] if a.card.content == CardContent::Image => Some((a.card.item, b.card.item)),
        _ => None,
    };
    let several = case.sides.len() > 1;
    view! {
        <p class="case-why">{case.why}</p>
        <div class="sides" class:several=several>{case.sides.into_iter().map(side).collect_any()}</div>
        {pictures.map(|(a, b)| view! {
            <figure class="difference"><div><Picture item=a alt="" /><Picture item=b alt="" /></div>
                <figcaption class="muted small">"The difference: black where the two are the same"</figcaption></figure>
        }.into_any())}
    }
    .into_any()
}

fn side(side: ReviewSide) -> AnyView {
    let state = use_app().state;
    let label = state.label_words(side.card.label, side.card.given).unwrap_or_else(|| "not labelled".to_owned());
    let hue = side.card.label.map_or_else(|| "hue-none".to_owned(), |class| hue_class(class.into()));
    let opinions = side.opinions.into_iter().map(|(who, class)| {
        view! { <li>{who}": "<strong>{state.class_name(class)}</strong></li> }
    });
    let pieces = side.pieces;
    let differs = side.differs;
    let images = side.card.content == CardContent::Image;
    let neighbours = side.card.neighbours.clone();
    let name = side.card.name.clone();
    let content = match &side.card.content {
        CardContent::Text(_) if !pieces.is_empty() => {
            let piece = |(text, differs): (String, bool)| match differs {
                true => view! { <mark>{text}</mark> }.into_any(),
                false => text.into_any(),
            };
            view! { <div class="text"><p>{pieces.into_iter().map(piece).collect_any()}</p></div> }.into_any()
        }
        CardContent::Row(cells) if !differs.is_empty() => {
            let row = |((column, cell), differs): ((String, String), bool)| {
                view! { <tr class:differs=differs><th scope="row">{column}</th><td class="figures">{cell}</td></tr> }
            };
            view! { <div class="row-table"><table><tbody>{cells.clone().into_iter().zip(differs).map(row).collect_any()}</tbody></table></div> }.into_any()
        }
        _ => view! { <Content card=side.card.clone() /> }.into_any(),
    };
    view! {
        <article class="side">
            <header class="card-head"><h2 class="card-name">{name}</h2><span class=format!("chip {hue}")>{label}</span></header>
            <div class="card-content">{content}</div>
            <ul class="opinions">{opinions.collect_any()}</ul>
            {view! { <NeighbourList neighbours pictures=images /> }.into_any()}
        </article>
    }
    .into_any()
}

/// A button that decides, with its key.
fn answer(view: ReviewView, name: Signal<String>, key: &'static str, verdict: Verdict) -> AnyView {
    view! {
        <button aria-keyshortcuts=key aria-disabled=move || view.case.with(Option::is_none).to_string() on:click=move |_| view.decide(verdict)>
            {move || name.get()}" "<kbd aria-hidden="true">{key}</kbd></button>
    }
    .into_any()
}

/// The buttons under the case.
#[component]
fn Answers(view: ReviewView) -> impl IntoView {
    let state = use_app().state;
    let suggested = Memo::new(move |_| view.case.with(|case| case.as_ref().and_then(|case| case.suggested)));
    let number = Memo::new(move |_| view.case.with(|case| case.as_ref().and_then(|case| case.suggested_value)));
    let take = move || match suggested.get() {
        None if number.get().is_some() => format!("Take {}", text::plain(number.get().unwrap_or_default())),
        Some((class, probability)) => format!("Take {}, {}", state.class_name(class), format::probability(probability)),
        None => "No suggestion".to_owned(),
    };
    let duplicates = move || view.kind.get() == ReviewKind::Duplicate;
    let exclude = Signal::derive(move || if duplicates() { "Keep only the first" } else { "Exclude" }.to_owned());
    let keep = Signal::derive(move || {
        let several = view.case.with(|case| case.as_ref().is_some_and(|case| case.sides.len() > 1));
        if several { "Keep as they are" } else { "Keep" }.to_owned()
    });
    let class_buttons = move || {
        let classes = state.classes.get();
        let button = |(place, class): (u16, crate::protocol::ClassState)| {
            let key = class_key(place).map(String::from);
            let (accessible_name, shortcut) = (class.class.name.clone(), key.clone());
            let given = move || {
                view.case.with(|case| {
                    case.as_ref().is_some_and(|case| case.sides.iter().any(|side| side.card.label == Some(place)))
                })
            };
            view! {
                <button class=format!("class-button {}", hue_class(place.into())) aria-label=accessible_name aria-keyshortcuts=shortcut
                    class:suggested=move || suggested.get().is_some_and(|(class, _)| class == place) class:present=given
                    on:click=move |_| view.label(place)>
                    <kbd aria-hidden="true">{key}</kbd><span class="class-name">{class.class.name}</span></button>
            }
        };
        (0..).zip(classes).map(button).collect_any()
    };
    view! {
        <div class="answers">
            <div class="class-buttons" role="group" aria-label="Label as">{class_buttons}
                <Show when=state.numeric><input class="class-name-box" type="text" inputmode="decimal" aria-label="Value" autocomplete="off"
                    placeholder="Number, then Enter" on:keydown=move |event| view.on_number_key(&event) /></Show></div>
            <div class="commands row">
                <button class="primary" aria-keyshortcuts="Enter" aria-disabled=move || (suggested.get().is_none() && number.get().is_none()).to_string() on:click=move |_| view.take()>
                    {take}" "<kbd aria-hidden="true">"Enter"</kbd></button>
                {answer(view, keep, "Space", Verdict::Keep)}
                {answer(view, exclude, "Delete", Verdict::Exclude)}
                {answer(view, Signal::stored("Second opinion".to_owned()), "F", Verdict::SecondOpinion)}
                <button aria-keyshortcuts="Z" on:click=move |_| view.undo()>"Undo "<kbd aria-hidden="true">"Z"</kbd></button>
            </div>
        </div>
    }
}
