//! What is wrong with an import's sources.

use crate::pipeline::import::plan::Problem;
use crate::ui::format;
use crate::ui::parts::views::CollectAny;
use leptos::prelude::*;

/// So many are listed.
const LISTED: usize = 200;

/// The problems, those first for which something did not come in. The rest is imported all the same.
#[component]
pub fn Problems(
    /// The problems, or the first of them.
    problems: Vec<Problem>,
) -> impl IntoView {
    let count = problems.len();
    let (losses, remarks): (Vec<Problem>, Vec<Problem>) = problems.into_iter().partition(|problem| problem.lost > 0);
    let summary = match (losses.len() as u64, remarks.len() as u64) {
        (0, remarks) => format!("{} on what comes in all the same", format::counted(remarks, "remark", "remarks")),
        (losses, 0) => format!("{}, the rest is imported", format::counted(losses, "problem", "problems")),
        (losses, remarks) => format!(
            "{}, the rest is imported; {}",
            format::counted(losses, "problem", "problems"),
            format::counted(remarks, "remark", "remarks")
        ),
    };
    (count > 0).then(|| {
        let calm = losses.is_empty();
        view! {
            <details class="problems" class:calm=calm open=count <= 5>
                <summary>{summary}</summary>
                {table(losses.into_iter().chain(remarks).take(LISTED).collect())}
            </details>
        }
    })
}

/// The list itself.
pub fn table(problems: Vec<Problem>) -> AnyView {
    let row = |problem: Problem| {
        let lost = if problem.lost > 0 { format::count(problem.lost) } else { String::new() };
        view! {
            <tr><td>{problem.file}</td><td class="figures">{problem.row.map(format::count)}</td><td>{problem.message}</td><td class="figures">{lost}</td></tr>
        }
    };
    view! {
        <div class="scroll-x"><table>
            <thead><tr><th scope="col">"File"</th><th scope="col">"Row"</th><th scope="col">"What is wrong"</th><th scope="col">"Left out"</th></tr></thead>
            <tbody>{problems.into_iter().map(row).collect_any()}</tbody>
        </table></div>
    }
    .into_any()
}
