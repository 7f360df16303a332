//! Where an import goes: a project of its own, or one that is there.

use crate::ui::app::use_app;
use crate::ui::destination::{Home, difference};
use crate::ui::order;
use crate::ui::parts::show::Show;
use crate::ui::parts::views::CollectAny;
use crate::ui::plan_edit::Draft;
use leptos::prelude::*;

/// So many stored projects are offered.
const OFFERED: usize = 30;

/// The choice. What fits the project on screen goes into it; anything else gets a project of its own, unless the person
/// picks one. An import that goes on with an interrupted one has no choice.
#[component]
pub fn Destination(draft: RwSignal<Draft>, into: RwSignal<Option<String>>, resume: Option<u32>) -> impl IntoView {
    let state = use_app().state;
    let open = state.project.get_untracked();
    if resume.is_some() {
        into.set(open.as_ref().map(|open| open.id.clone()));
        return view! { <p>"Goes on with the import that was interrupted. Choose what you chose then; items that are in are not doubled."</p> }
            .into_any();
    }
    let kind = draft.with_untracked(|draft| draft.plan.kind);
    let on_screen = state.route.get_untracked().needs_project();
    let differs = open.as_ref().and_then(|open| match open.kind == kind {
        true => {
            let classes = open.classes.iter().map(|state| state.class.name.clone()).collect();
            let home = Home { columns: open.columns.clone(), target: open.target, classes };
            draft.with_untracked(|draft| difference(draft, &home))
        }
        false => Some(format!("It holds {}s; these are {}s.", open.kind.noun(), kind.noun())),
    });
    let note = open
        .as_ref()
        .zip(differs.as_ref())
        .filter(|_| on_screen)
        .map(|(open, differs)| format!("Not into “{}”? {differs}", open.name));
    if let Some(open) = open.as_ref().filter(|_| on_screen && differs.is_none()) {
        into.set(Some(open.id.clone()));
    }
    // The one on screen first, then the newest.
    let is_open = |id: &str| open.as_ref().is_some_and(|open| open.id == id);
    let fitting = state.projects.get_untracked().into_iter().filter(|project| project.kind == kind).collect();
    let fitting =
        order::sorted(fitting, |a, b| is_open(&b.id).cmp(&is_open(&a.id)).then(b.changed_ms.total_cmp(&a.changed_ms)));
    let choice = (!fitting.is_empty()).then(|| {
        let options = fitting.into_iter().take(OFFERED).map(|project| {
            let id = project.id.clone();
            view! { <option value=project.id prop:selected=move || into.with(|into| into.as_ref() == Some(&id))>{format!("Into “{}”", project.name)}</option> }
        });
        view! {
            <label class="field">"Where to"
                <select on:change=move |event| into.set(Some(event_target_value(&event)).filter(|id| !id.is_empty()))>
                    <option value="" prop:selected=move || into.with(Option::is_none)>"A new project"</option>
                    {options.collect_any()}
                </select>
            </label>
        }
    });
    view! {
        {choice}
        <p class="watch">{note}</p>
        <Show when=move || into.with(Option::is_none)>
            <label class="field">"Project name"
                <input type="text" prop:value=move || draft.with(|draft| draft.plan.name.clone())
                    on:input=move |event| draft.update(|draft| draft.plan.name = event_target_value(&event)) />
            </label>
        </Show>
    }
    .into_any()
}
