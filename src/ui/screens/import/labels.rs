//! Where labels come from, and the classes found there.

use crate::pipeline::import::plan::{FolderLevel, LabelSource, Target};
use crate::ui::format;
use crate::ui::parts::bar::hue_class;
use crate::ui::parts::show::Show;
use crate::ui::parts::views::{CollectAny, redrawn};
use crate::ui::plan_edit::Draft;
use leptos::prelude::*;

/// So many classes are drawn; how many more there are is said.
const CHIPS: usize = 200;
/// So many merged spellings are told.
const MERGED_TOLD: usize = 5;

/// Labels: their source, whether they are classes or numbers, the classes.
#[component]
pub fn Labels(draft: RwSignal<Draft>) -> impl IntoView {
    let choice = move |target: Target, text: &'static str| {
        view! {
            <label><input type="radio" name="target" prop:checked=move || draft.with(|draft| draft.plan.target == target)
                on:change=move |_| draft.update(|draft| draft.plan.target = target) />{text}</label>
        }
    };
    let choosable = move || draft.with(|draft| draft.plan.labels != LabelSource::Folder);
    view! {
        <section class="import-labels">
            <h3>"Labels"</h3>
            <p>{move || draft.with(sentence)}</p>
            <Show when=choosable>
                <fieldset class="choices"><legend>"Labels are"</legend>{choice(Target::Classes, "Classes")}{choice(Target::Number, "Numbers")}</fieldset>
            </Show>
            <Folders draft />
            <Classes draft />
        </section>
    }
}

fn sentence(draft: &Draft) -> String {
    let plan = &draft.plan;
    let name = draft.label_column().map_or("", |column| &column.name);
    let found = draft.classes().map(|classes| format::counted(classes.len() as u64, "class", "classes"));
    match (plan.labels, plan.target, found) {
        (LabelSource::None, Target::Number, _) => "No labels come along: you type the numbers.".to_owned(),
        (LabelSource::None, Target::Classes, _) => {
            "No labels come along: you name the classes as you meet them.".to_owned()
        }
        (_, Target::Number, _) => format!("A number is learnt, from the column “{name}”."),
        (LabelSource::Folder, _, found) => format!("{} found in folder names.", found.unwrap_or_default()),
        (LabelSource::Column, _, Some(found)) if plan.estimated => {
            format!("{found} in the first part of the column “{name}”.")
        }
        (LabelSource::Column, _, Some(found)) => format!("{found} in the column “{name}”."),
        (LabelSource::Column, _, None) => format!("The classes are counted while reading, from the column “{name}”."),
    }
}

/// Whether folders name the classes, and which of them.
#[component]
fn Folders(draft: RwSignal<Draft>) -> impl IntoView {
    let (possible, levels) =
        draft.with_untracked(|draft| (draft.plan.labels == LabelSource::Folder, draft.plan.folder_levels.clone()));
    let used = move || draft.with(|draft| draft.plan.labels == LabelSource::Folder);
    let level = move |level: FolderLevel| {
        let above = level.above;
        let names: Vec<String> = level.classes.iter().take(3).map(|(name, _)| format::shorten(name, 20)).collect();
        let more = if level.classes.len() > 3 { ", …" } else { "" };
        let place = match above {
            0 => "the folder itself".to_owned(),
            1 => "the one above".to_owned(),
            above => format!("{above} above"),
        };
        let count = format::counted(level.classes.len() as u64, "class", "classes");
        view! {
            <label><input type="radio" name="level" prop:checked=move || draft.with(|draft| draft.plan.folder_level == above)
                on:change=move |_| draft.update(|draft| draft.set_level(above)) />{format!("{}{more} ({place}, {count})", names.join(", "))}</label>
        }
    };
    let choice = StoredValue::new((levels.len() > 1).then_some(levels));
    possible.then(|| {
        view! {
            <label class="check"><input type="checkbox" prop:checked=used
                on:change=move |event| draft.update(|draft| draft.use_folders(event_target_checked(&event))) />"Use folder names as labels"</label>
            <Show when=move || used() && choice.with_value(Option::is_some)>
                <fieldset class="choices"><legend>"The class is the folder"</legend>
                    {choice.get_value().into_iter().flatten().map(level).collect_any()}</fieldset>
            </Show>
        }
    })
}

/// The classes with their counts, and which spellings are taken for one.
#[component]
fn Classes(draft: RwSignal<Draft>) -> impl IntoView {
    let classes = Memo::new(move |_| draft.with(|draft| draft.classes().map(<[_]>::to_vec)).unwrap_or_default());
    let chip = |(place, (name, count)): (usize, (String, u32))| {
        view! { <li class=format!("class-chip {}", hue_class(place))><span class="swatch"></span>{name}<span class="figures muted">{format::count(count.into())}</span></li> }
    };
    let more = move || match classes.with(Vec::len).saturating_sub(CHIPS) {
        0 => None,
        more => Some(format!("and {} more", format::count(more as u64))),
    };
    let merged = move || {
        let merged = draft.with(|draft| match classes.with(Vec::is_empty) {
            true => Vec::new(),
            false => draft.plan.merged.clone(),
        });
        let mut told: Vec<String> = merged
            .iter()
            .take(MERGED_TOLD)
            .map(|(name, others)| format!("{} and “{name}” are taken for one class.", quoted(others)))
            .collect();
        if merged.len() > MERGED_TOLD {
            let more = merged.len() - MERGED_TOLD;
            told.push(format!(
                "So are the spellings of {}.",
                format::counted(more as u64, "other class", "other classes")
            ));
        }
        told.join(" ")
    };
    view! {
        {redrawn(move || (!classes.with(Vec::is_empty)).then(|| view! {
            <ul class="class-chips" tabindex="0" aria-label="Classes found">{classes.get().into_iter().take(CHIPS).enumerate().map(chip).collect_any()}</ul>
        }.into_any()))}
        <p class="muted">{move || more()}</p>
        <p class="muted">{move || merged()}</p>
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().take(3).map(|name| format!("“{name}”")).collect::<Vec<_>>().join(", ")
}
