//! `hone certify`: what so many errors in so many audits prove.

use super::arguments::CertifyArguments;
use super::failure::Failure;
use super::output::{self, counted, percent};
use crate::pipeline::triage::{Budget, Certification, certify};
use serde::Serialize;

#[derive(Serialize)]
struct Report {
    /// Whether the budget is kept, at confidence 1 − delta.
    certified: bool,
    /// At most this share is wrong, at that confidence.
    upper_bound: f64,
    /// The least number of audits, in all, that certifies with these errors; null if none does.
    needed: Option<u64>,
}

/// Runs the command. Not certified is an answer, too, not a failure.
pub fn run(arguments: &CertifyArguments) -> Result<(), Failure> {
    let outcome = Budget::new(arguments.alpha, arguments.delta)
        .and_then(|budget| certify(arguments.audits, arguments.errors, budget, arguments.of));
    let found = outcome.map_err(|error| Failure::usage(error.to_string()))?;
    if arguments.json {
        let Certification { certified, upper_bound, needed } = found;
        return output::print_json(&Report { certified, upper_bound, needed });
    }
    output::print(&in_words(arguments, found));
    Ok(())
}

fn in_words(arguments: &CertifyArguments, found: Certification) -> String {
    let CertifyArguments { audits, errors, alpha, delta, of, .. } = *arguments;
    let seen = format!("{} in {}", counted(errors, "error"), counted(audits, "audit"));
    let items = of.map_or("the items".into(), |population| format!("the {}", counted(population, "item")));
    let bound =
        format!("at most {} of {items} are wrong, at {} confidence", percent(found.upper_bound), percent(1.0 - delta));
    if found.certified {
        return format!("certified: {seen} keep the budget of {}; {bound}\n", percent(alpha));
    }
    let next = match found.needed {
        Some(needed) => format!(
            "{} without an error would do, {} in all",
            counted(needed - audits, "more audit"),
            output::thousands(needed)
        ),
        None => "no number of audits can certify this".into(),
    };
    format!("not certified: {seen} do not prove the budget of {}; {bound}; {next}\n", percent(alpha))
}
