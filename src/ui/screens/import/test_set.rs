//! Which labels measure the model and never train it.

use crate::pipeline::import::plan::{LabelSource, TestSet};
use crate::ui::parts::show::Show;
use crate::ui::plan_edit::Draft;
use crate::ui::{order, text};
use leptos::prelude::*;

/// The choice; nothing without labels.
#[component]
pub fn TestSetChoice(draft: RwSignal<Draft>) -> impl IntoView {
    let labelled = move || draft.with(|draft| draft.plan.labels != LabelSource::None);
    let marked = Signal::derive(move || draft.with(Draft::marks_tests));
    let holds = move |wanted: fn(&TestSet) -> bool| draft.with(|draft| wanted(&draft.plan.test_set));
    let none = move || holds(|set| *set == TestSet::None);
    let random = move || holds(|set| matches!(set, TestSet::Random(_)));
    let all = move || holds(|set| *set == TestSet::All);
    let set = move |test_set: TestSet| draft.update(|draft| draft.plan.test_set = test_set);
    let share = Memo::new(move |_| text::fixed(draft.with(Draft::share) * 100.0, 0));
    let typed = move |event| {
        if let Some(per_cent) = text::typed_number(&event_target_value(&event)) {
            set(TestSet::Random(order::within(per_cent / 100.0, 0.01, 0.9)));
        }
    };
    view! {
        <Show when=labelled>
            <fieldset class="choices"><legend>"Test set: labels that measure the model and never train it"</legend>
                <Show when=marked fallback=move || view! {
                    <label><input type="radio" name="test" prop:checked=none on:change=move |_| set(TestSet::None) />"None"</label>
                    <label><input type="radio" name="test" prop:checked=random
                        on:change=move |_| set(TestSet::Random(draft.with_untracked(Draft::share))) />"Hold out a random share"</label>
                    <label><input class="short" type="number" min="1" max="90" aria-label="Share held out in per cent" prop:value=share on:change=typed />"%"</label>
                    <label><input type="radio" name="test" prop:checked=all on:change=move |_| set(TestSet::All) />"Everything here is a test set"</label>
                }>
                    <label><input type="checkbox" prop:checked=move || !none()
                        on:change=move |event| draft.update(|draft| draft.hold_out_marked(event_target_checked(&event))) />"Labels marked test are held out"</label>
                </Show>
            </fieldset>
        </Show>
    }
}
