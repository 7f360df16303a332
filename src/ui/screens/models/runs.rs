//! The experiment log: search by expression, choose columns, compare, take away.

use super::runs_table::RunsTable;
use crate::protocol::{Reply, Request, RunComparison, RunQuery, RunRow};
use crate::ui::app::{App, use_app};
use crate::ui::parts::action::ActionButton;
use crate::ui::parts::live::keep_asking;
use crate::ui::parts::show::Show;
use crate::ui::parts::views::CollectAny;
use crate::ui::{actions, dom, experiments, format, mlflow, run_columns};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;

/// Under which name the browser remembers the chosen columns.
const COLUMNS: &str = "hone.run-columns";
const EXAMPLES: [&str; 3] = [
    "metrics.accuracy > 0.9 and params.head = \"ridge\"",
    "attributes.kind = \"trial\"",
    "attributes.status = \"failed\"",
];

/// What the part shows. Cheap to copy.
#[derive(Clone, Copy)]
pub struct RunsView {
    /// The runs that match, in order.
    pub rows: RwSignal<Vec<RunRow>>,
    /// How many there are in all; `None` before the first answer.
    pub total: RwSignal<Option<u32>>,
    /// What is wrong with the expression.
    pub problem: RwSignal<Option<String>>,
    /// Which runs, in which order.
    pub query: RwSignal<RunQuery>,
    /// The metrics and parameters that are shown; `None` while nobody has chosen.
    pub chosen: RwSignal<Option<String>>,
    /// The selected runs' ids.
    pub selected: RwSignal<Vec<String>>,
    /// The comparison, once asked for.
    pub compared: RwSignal<Option<Box<RunComparison>>>,
}

impl RunsView {
    /// Asks for the runs, and again whenever the log changes.
    pub fn new(app: App) -> Self {
        let view = Self {
            rows: RwSignal::new(Vec::new()),
            total: RwSignal::new(None),
            problem: RwSignal::new(None),
            query: RwSignal::new(RunQuery { sort: "number".to_owned(), descending: true, ..RunQuery::default() }),
            chosen: RwSignal::new(dom::remembered(COLUMNS)),
            selected: RwSignal::new(Vec::new()),
            compared: RwSignal::new(None),
        };
        let revision = Memo::new(move |_| {
            app.state
                .project
                .with(|project| project.as_ref().map(|project| (project.id.clone(), project.deployment.runs_revision)))
        });
        let question = Callback::new(move |()| revision.get().map(|_| Request::Runs(view.query.get())));
        let take = Callback::new(move |reply| match reply {
            Reply::Runs { rows, total, problem } => {
                view.rows.set(rows);
                view.total.set(Some(total));
                view.problem.set(problem);
            }
            other => app.unexpected(other),
        });
        keep_asking(app, question, take);
        view
    }

    /// The columns that are shown beside those that every run has.
    pub fn columns(&self) -> Vec<String> {
        self.rows.with(|rows| run_columns::shown(&run_columns::available(rows), self.chosen.read().as_deref()))
    }

    /// Shows or hides a column, and remembers it.
    fn toggle_column(&self, column: &str) {
        let mut columns = untrack(|| self.columns());
        match columns.iter().position(|shown| shown == column) {
            Some(place) => drop(columns.remove(place)),
            None => columns.push(column.to_owned()),
        }
        let chosen = columns.join("\n");
        dom::remember(COLUMNS, Some(&chosen));
        self.chosen.set(Some(chosen));
    }

    /// Sorts by a column; a second time the other way round.
    pub fn sort_by(&self, column: &str) {
        self.query.update(|query| {
            if query.sort == column {
                query.descending = !query.descending;
            } else {
                // Numbers are looked through from the largest, words from the first.
                query.descending = matches!(column, "number" | "start_time") || column.starts_with("metrics.");
                column.clone_into(&mut query.sort);
            }
        });
    }

    fn compare(self, app: App) {
        let runs = self.selected.get_untracked();
        spawn_local(async move {
            match app.ask(Request::Compare { runs }, Vec::new()).await.0 {
                Reply::Compared(comparison) => {
                    // The person may have left the screen meanwhile.
                    if self.compared.try_set(Some(comparison)).is_none() {
                        experiments::show_section(app, "comparison");
                    }
                }
                other => app.unexpected(other),
            }
        });
    }
}

/// The part "Runs".
#[component]
pub fn Runs(
    /// What it shows.
    runs: RunsView,
) -> impl IntoView {
    let app = use_app();
    let selected = Memo::new(move |_| runs.selected.with(Vec::len));
    let why = Signal::derive(move || (selected.get() < 2).then(|| "Select at least two runs in the table.".to_owned()));
    let count = move || {
        let (shown, total) = (runs.rows.with(Vec::len) as u64, runs.total.get().unwrap_or(0).into());
        format!("{} of {}", format::count(shown), format::counted(total, "run", "runs"))
    };
    view! {
        <section id="runs" class="block wide" aria-labelledby="runs-title" tabindex="-1">
            <h2 id="runs-title">"Runs"</h2>
            <Expression runs />
            <div class="row">
                <p class="figures muted" role="status" aria-label="Runs that match">{move || count()}</p>
                <ActionButton name="Compare".to_owned() why press=Callback::new(move |()| runs.compare(app)) />
                <Columns runs />
                <span class="grow"></span>
                {experiments::RUN_EXPORTS.map(|(export, title)| view! { <button on:click=move |_| actions::export(app, export)>{title}</button> }).collect_any()}
                <button on:click=move |_| mlflow::open(app)>"Push to MLflow…"</button>
            </div>
            <Show when=move || runs.total.get() != Some(0) fallback=|| view! { <p class="placeholder">"Every training and every trial of a search will be a row here, with all that decided its result. Press “Train now” for the first."</p> }>
                {view! { <RunsTable runs /> }.into_any()}
            </Show>
        </section>
    }
}

/// The search box, what is wrong with its text, and examples.
#[component]
fn Expression(runs: RunsView) -> impl IntoView {
    let text = RwSignal::new(untrack(|| runs.query.read().expression.clone()));
    let find = move |expression: String| {
        if runs.query.with_untracked(|query| query.expression != expression) {
            runs.query.update(|query| query.expression = expression);
        }
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        find(text.get_untracked().trim().to_owned());
    };
    let example = move |example: &'static str| {
        let choose = move |_| {
            text.set(example.to_owned());
            find(example.to_owned());
        };
        view! { <button type="button" class="link mono" on:click=choose>{example}</button> }
    };
    view! {
        <form class="run-search" role="search" on:submit=submit>
            <input type="search" class="mono" aria-label="Search runs" aria-describedby="run-problem" autocomplete="off" spellcheck="false"
                aria-invalid=move || runs.problem.with(Option::is_some).then_some("true")
                placeholder="metrics.accuracy > 0.9" bind:value=text
                // Emptied, the box shows all again without a key more.
                on:input=move |event| if event_target_value(&event).trim().is_empty() { find(String::new()) } />
            <p id="run-problem" class="bad" role="status">{move || runs.problem.get()}</p>
            <p class="muted small">"Such as "{EXAMPLES.map(example).collect_any()}</p>
        </form>
    }
}

/// A menu of check boxes: which metrics and parameters are shown.
#[component]
fn Columns(runs: RunsView) -> impl IntoView {
    let all = Memo::new(move |_| runs.rows.with(|rows| run_columns::available(rows)));
    let choice = move |column: String| {
        let (name, asked) = (column.clone(), column.clone());
        view! {
            <label class="check"><input type="checkbox" prop:checked=move || runs.columns().contains(&asked) on:change=move |_| runs.toggle_column(&name) />
                <span class="mono">{column}</span></label>
        }
        .into_any()
    };
    view! {
        <details class="columns">
            <summary class="button">"Columns"</summary>
            <div class="column-menu" role="group" aria-label="Columns">{move || all.get().into_iter().map(choice).collect_any()}</div>
        </details>
    }
}
