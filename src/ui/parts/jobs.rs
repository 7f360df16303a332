//! Background work: a ring in the top bar that opens a list with progress, rate, time left and cancel.

use crate::protocol::JobState;
use crate::ui::app::use_app;
use crate::ui::parts::rows::{Row, rows};
use crate::ui::parts::show::Show;
use crate::ui::{actions, format, order, text};
use leptos::prelude::*;

/// The ring's circumference, so that a share of it can be drawn as a dash.
const AROUND: f64 = 2.0 * std::f64::consts::PI * 7.0;

/// The share that is done, if the total is known.
fn share(job: &JobState) -> Option<f64> {
    job.total.filter(|&total| total > 0).map(|total| order::within(job.done as f64 / total as f64, 0.0, 1.0))
}

/// The ring and, when there is work, its list.
#[component]
pub fn Jobs() -> impl IntoView {
    let jobs = use_app().state.jobs;
    let any = Memo::new(move |_| jobs.with(|jobs| !jobs.is_empty()));
    let row = |job: &JobState| {
        let job = job.job;
        Row::new(job, move || view! { <JobRow job /> }.into_any())
    };
    let mean = move || {
        jobs.with(|jobs| {
            let shares: Vec<f64> = jobs.iter().filter_map(share).collect();
            if shares.is_empty() { 0.25 } else { shares.iter().sum::<f64>() / shares.len() as f64 }
        })
    };
    view! {
        <Show when=move || any.get()>
            <details class="jobs" open>
                <summary aria-label="Background work">
                    <svg class="ring" viewBox="0 0 18 18" width="18" height="18" aria-hidden="true">
                        <circle cx="9" cy="9" r="7" class="ring-track" />
                        <circle cx="9" cy="9" r="7" class="ring-done" transform="rotate(-90 9 9)"
                            stroke-dasharray=move || format!("{} {}", text::fixed(mean() * AROUND, 2), text::fixed(AROUND, 2)) />
                    </svg>
                    <span class="wide-only figures">{move || format!("{}\u{a0}%", text::fixed(mean() * 100.0, 0))}</span>
                </summary>
                <ul class="job-list">
                    {rows(move || jobs.with(|jobs| jobs.iter().map(row).collect()))}
                </ul>
            </details>
        </Show>
    }
}

#[component]
fn JobRow(job: u32) -> impl IntoView {
    let app = use_app();
    let state = Memo::new(move |_| app.state.jobs.with(|jobs| jobs.iter().find(|each| each.job == job).cloned()));
    let title = move || state.with(|job| job.as_ref().map(|job| job.title.clone()));
    let done = move || state.with(|job| job.as_ref().and_then(share));
    let figures = move || {
        state.with(|job| {
            let Some(job) = job else { return String::new() };
            let mut parts = vec![match (job.total, share(job)) {
                (_, Some(share)) if !job.counts => format::whole_percent(share),
                (Some(total), _) => format!("{} of {}", format::count(job.done), format::count(total)),
                (None, _) => format::count(job.done),
            }];
            if job.rate > 0.0 && job.counts {
                parts.push(format!("{} a second", text::fixed(job.rate, 0)));
            }
            parts.extend(job.seconds_left.map(format::time_left));
            parts.join(" · ")
        })
    };
    let can_cancel = move || state.with(|job| job.as_ref().is_some_and(|job| job.can_cancel));
    view! {
        <li>
            <span class="job-title">{move || title()}</span>
            <progress aria-label=title max="1" value=move || done().map(|share| text::fixed(share, 4))></progress>
            <span class="figures muted">{move || figures()}</span>
            {move || can_cancel().then(|| view! { <button on:click=move |_| actions::cancel(app, job)>"Cancel"</button> })}
        </li>
    }
}
