//! Where an import goes: into the project on screen only if it fits it as it is.

use crate::pipeline::import::plan::{LabelSource, Target};
use crate::pipeline::item::Kind;
use crate::ui::plan_edit::Draft;
use crate::ui::{format, text};

/// So many names are listed in a sentence.
const NAMES_LISTED: usize = 4;

/// What a project of the import's kind has that the import should have, too.
#[derive(Debug, Clone)]
pub struct Home {
    /// Its columns, for a table.
    pub columns: Vec<String>,
    /// What it learns.
    pub target: Target,
    /// The names of its classes.
    pub classes: Vec<String>,
}

/// In what an import differs from a project of the same kind, in words; `None` if in nothing.
pub fn difference(draft: &Draft, home: &Home) -> Option<String> {
    let plan = &draft.plan;
    if plan.kind == Kind::Table {
        let columns = plan.content_columns();
        if columns.iter().any(|name| !home.columns.contains(name)) || columns.len() < home.columns.len() {
            return Some(format!("It has the columns {}; these are {}.", listed(&home.columns), listed(&columns)));
        }
    }
    if plan.labels == LabelSource::None {
        return None;
    }
    if plan.target != home.target {
        return Some(match home.target {
            Target::Number => "It learns a number; these labels are read as classes.".to_owned(),
            Target::Classes => "It learns classes; these labels are read as numbers.".to_owned(),
        });
    }
    let alike = |a: &str, b: &str| text::lowercase(a.trim()) == text::lowercase(b.trim());
    let found: Vec<String> = draft.classes().unwrap_or_default().iter().map(|(name, _)| name.clone()).collect();
    let is_new = |name: &String| !home.classes.iter().any(|known| alike(known, name));
    (!home.classes.is_empty() && found.iter().any(is_new))
        .then(|| format!("It has the classes {}; these are {}.", listed(&home.classes), listed(&found)))
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let first: Vec<String> = names.iter().take(NAMES_LISTED).map(|name| format::shorten(name, 24)).collect();
    match names.len().saturating_sub(NAMES_LISTED) {
        0 => first.join(", "),
        more => format!("{} and {} more", first.join(", "), format::count(more as u64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::import::{Head, ProblemList, inspect, plan::SourceFile};

    #[test]
    fn what_differs_is_said_and_what_fits_is_not_asked() {
        let check = |table: &str, change: fn(&mut Home), expected: Option<&str>| {
            let file = SourceFile { path: "new.csv".into(), size: table.len() as u64 };
            let head = Head { file: &file, bytes: table.as_bytes() };
            let draft = Draft::new(inspect(&[head], &[], None, ProblemList::default()));
            let mut home = Home {
                columns: vec!["width".into(), "height".into()],
                target: Target::Classes,
                classes: vec!["Bolt".into(), "nut".into()],
            };
            change(&mut home);
            let found = difference(&draft, &home);
            let fits = expected.map_or(found.is_none(), |words| found.as_ref().is_some_and(|it| it.contains(words)));
            assert!(fits, "{table}: {found:?}, not {expected:?}");
        };
        let table = |labels: [&str; 4]| {
            let rows = labels.iter().enumerate().map(|(row, label)| format!("{row}.5,{row}.7,{label}\n"));
            format!("width,height,label\n{}", rows.collect::<String>())
        };
        let known = table(["bolt", "nut", "bolt", "nut"]);
        check(&known, |_| {}, None);
        check(&table(["bolt", "gear", "bolt", "gear"]), |_| {}, Some("It has the classes Bolt, nut; these are"));
        check(&table(["gear", "gear", "gear", "nut"]), |home| home.classes.clear(), None);
        check(&known, |home| home.target = Target::Number, Some("learns a number"));
        check(&known, |home| home.columns.push("depth".into()), Some("columns width, height, depth"));
        check("width,height\n1.5,2.5\n3.5,4.5\n", |_| {}, None);
    }
}
