//! Charts as SVG with hairline axes and direct labels, each with its figures as a table one key away.

use crate::ui::format;
use leptos::prelude::*;

const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 200.0;
const LEFT: f64 = 44.0;
const RIGHT: f64 = 52.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 28.0;

/// A share (0 to 1) by a count, as a line with its last value written beside it.
#[component]
pub fn ShareByCount(
    /// What it shows: the accessible name and the table's caption.
    title: &'static str,
    /// What is counted on the horizontal axis.
    across: &'static str,
    /// What the share is.
    up: &'static str,
    /// The points, in order of their count.
    #[prop(into)]
    points: Signal<Vec<(u32, f64)>>,
) -> impl IntoView {
    let drawing = move || draw(&points.read(), title, across);
    let rows = move || {
        let row = |(count, share): (u32, f64)| view! { <tr><td class="figures">{format::count(count.into())}</td><td class="figures">{format::percent(share)}</td></tr> };
        points.get().into_iter().map(row).collect_view()
    };
    view! {
        <figure class="chart">
            {drawing}
            <details><summary>"As a table"</summary>
                <table><caption>{title}</caption>
                    <thead><tr><th scope="col">{across}</th><th scope="col">{up}</th></tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </details>
        </figure>
    }
}

fn draw(points: &[(u32, f64)], title: &'static str, across: &'static str) -> impl IntoView + use<> {
    let largest = points.iter().map(|&(count, _)| count).max().unwrap_or(1).max(1);
    let lowest = points.iter().map(|&(_, share)| share).fold(1.0_f64, f64::min);
    // The axis begins at the ten per cent below the lowest point, so that differences can be seen.
    let floor = ((lowest * 10.0).floor() / 10.0).clamp(0.0, 0.9);
    let x = move |count: u32| LEFT + (WIDTH - LEFT - RIGHT) * f64::from(count) / f64::from(largest);
    let y = move |share: f64| TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - (share - floor) / (1.0 - floor));
    let line: Vec<String> = points.iter().map(|&(count, share)| format!("{:.1},{:.1}", x(count), y(share))).collect();
    let dot = move |(count, share): (u32, f64)| {
        let value = format!("{} {across}: {}", format::count(count.into()), format::percent(share));
        view! { <circle class="dot" cx=x(count).to_string() cy=y(share).to_string() r="3"><title>{value}</title></circle> }
    };
    let tick = move |share: f64| {
        view! {
            <line class="hairline" x1=LEFT.to_string() x2=(WIDTH - RIGHT).to_string() y1=y(share).to_string() y2=y(share).to_string() />
            <text x=(LEFT - 6.0).to_string() y=(y(share) + 4.0).to_string() text-anchor="end">{format!("{:.0} %", share * 100.0)}</text>
        }
    };
    let last = points.last().map(|&(count, share)| view! {
        <text class="direct" x=(x(count) + 7.0).to_string() y=(y(share) + 4.0).to_string()>{format::percent(share)}</text>
    });
    view! {
        <svg viewBox=format!("0 0 {WIDTH} {HEIGHT}") role="img" aria-label=title>
            {[floor, (1.0 + floor) / 2.0, 1.0].map(tick).collect_view()}
            <polyline class="line" points=line.join(" ") />
            {points.iter().copied().map(dot).collect_view()}
            {last}
            <text x=LEFT.to_string() y=(HEIGHT - 8.0).to_string()>"0"</text>
            <text x=(WIDTH - RIGHT).to_string() y=(HEIGHT - 8.0).to_string() text-anchor="end">{format!("{} {across}", format::count(largest.into()))}</text>
        </svg>
    }
}
