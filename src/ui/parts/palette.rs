//! The command palette: every action by typing a part of its name.

use crate::ui::app::use_app;
use crate::ui::commands::Command;
use crate::ui::fuzzy;
use crate::ui::parts::dialog::Modal;
use crate::ui::parts::views::CollectAny;
use leptos::ev::KeyboardEvent;
use leptos::html;
use leptos::prelude::*;

/// How many commands are listed at once.
const LISTED: usize = 12;

/// The palette: a combobox over all commands. Arrow keys choose, Enter runs.
#[component]
pub fn Palette() -> impl IntoView {
    let app = use_app();
    let all = Command::available(app);
    let titles: Vec<String> = all.iter().map(Command::title).collect();
    let query = RwSignal::new(String::new());
    let chosen = RwSignal::new(0_usize);
    let found = Memo::new(move |_| {
        let best = fuzzy::best(&query.read(), titles.iter().map(String::as_str));
        best.into_iter().take(LISTED).collect::<Vec<usize>>()
    });
    let commands = StoredValue::new(all);
    let run = move |place: usize| {
        let command =
            found.with_untracked(|found| commands.with_value(|all| Some(all.get(*found.get(place)?)?.clone())));
        if let Some(command) = command {
            app.state.dialog.set(None);
            command.run(app);
        }
    };
    let on_key = move |event: KeyboardEvent| {
        let last = found.with_untracked(|found| found.len().saturating_sub(1));
        match event.key().as_str() {
            "ArrowDown" => chosen.update(|place| *place = if *place >= last { 0 } else { *place + 1 }),
            "ArrowUp" => chosen.update(|place| *place = place.checked_sub(1).unwrap_or(last)),
            "Enter" => run(chosen.get_untracked()),
            _ => return,
        }
        event.prevent_default();
    };
    let input = NodeRef::<html::Input>::new();
    let on_input = move |event| {
        query.set(event_target_value(&event));
        chosen.set(0);
    };
    let option = move |(place, index): (usize, usize)| {
        let (title, key) = commands.with_value(|all| (all[index].title(), all[index].key()));
        view! {
            <li id=format!("command-{place}") role="option" aria-selected=move || (chosen.get() == place).to_string()
                on:mousemove=move |_| if chosen.get_untracked() != place { chosen.set(place) } on:click=move |_| run(place)>
                <span>{title}</span>{key.map(|key| view! { <kbd>{key}</kbd> }.into_any())}
            </li>
        }
    };
    view! {
        <Modal title="Commands" class="palette">
            <input node_ref=input type="text" role="combobox" aria-label="Command" placeholder="Type a command"
                aria-controls="commands" aria-expanded="true" aria-autocomplete="list" autocomplete="off" autofocus
                aria-activedescendant=move || format!("command-{}", chosen.get())
                on:input=on_input on:keydown=on_key />
            <ul id="commands" role="listbox" aria-label="Commands">
                {move || found.get().into_iter().enumerate().map(option).collect_any()}
            </ul>
            <p class="muted" hidden=move || found.with(|found| !found.is_empty())>"No command is called so."</p>
        </Modal>
    }
}
