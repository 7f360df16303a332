//! Corrections to an import plan as the user makes them in the dialog, and what still stands in its way.

use crate::pipeline::import::plan::{ImportPlan, LabelSource, Role, Target};
use crate::pipeline::item::Kind;

/// Gives a column its role. At most one column holds the label, and a text project has one text: the column that had
/// the place before is kept beside the item.
pub fn set_role(plan: &mut ImportPlan, column: usize, role: Role) {
    let single = role == Role::Label || (role == Role::Content && plan.kind == Kind::Text);
    for (place, other) in plan.columns.iter_mut().enumerate() {
        if place == column {
            other.role = role;
        } else if single && other.role == role {
            other.role = Role::Extra;
        }
    }
    let labelled = plan.columns.iter().any(|column| column.role == Role::Label);
    plan.labels = match plan.labels {
        LabelSource::Folder => LabelSource::Folder,
        _ if labelled => LabelSource::Column,
        _ => LabelSource::None,
    };
    if labelled {
        plan.target = plan.guess_target();
    }
}

/// Changes what the rows of a table are. A text is one column, the longest that isn't a number; a table is all columns
/// but the label and those kept beside.
pub fn set_kind(plan: &mut ImportPlan, kind: Kind) {
    if plan.columns.is_empty() || kind == Kind::Image || plan.kind == kind {
        return;
    }
    plan.kind = kind;
    if kind == Kind::Text {
        let length = |samples: &[String]| samples.iter().map(|sample| sample.chars().count()).max().unwrap_or(0);
        let text = (0..plan.columns.len())
            .filter(|&place| plan.columns[place].role != Role::Label)
            .max_by_key(|&place| (!plan.columns[place].numeric, length(&plan.columns[place].samples)));
        if let Some(text) = text {
            set_role(plan, text, Role::Content);
        }
    } else {
        for column in plan.columns.iter_mut().filter(|column| column.role == Role::Extra) {
            // As many values as rows is an identifier, which a classifier would only learn by heart.
            let identifier = !column.numeric && u64::from(column.distinct) >= plan.expected_items.max(2);
            if !identifier {
                column.role = Role::Content;
            }
        }
    }
}

/// Why the plan can't be imported yet; `None` if it can.
pub fn obstacle(plan: &ImportPlan) -> Option<&'static str> {
    let with_role = |role| plan.columns.iter().filter(|column| column.role == role).count();
    let content = with_role(Role::Content);
    if plan.expected_items == 0 {
        Some("Nothing here can be imported. The problems below say why.")
    } else if !plan.columns.is_empty() && content == 0 {
        Some("Choose a column to learn from.")
    } else if !plan.columns.is_empty() && plan.kind == Kind::Text && content > 1 {
        Some("A text project has one text column. Choose which.")
    } else if plan.target == Target::Number && plan.columns.iter().any(|it| it.role == Role::Label && !it.numeric) {
        Some("The label column does not hold numbers. Read it as classes, or choose another.")
    } else if plan.labels == LabelSource::Column && with_role(Role::Label) != 1 {
        Some("Choose the column that holds the label.")
    } else if plan.name.trim().is_empty() {
        Some("Give the project a name.")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::features::cell::NumberFormat;
    use crate::pipeline::import::plan::Column;

    fn column(name: &str, role: Role, numeric: bool, sample: &str) -> Column {
        Column {
            name: name.into(),
            role,
            numeric,
            distinct: 3,
            samples: vec![sample.into()],
            number_format: NumberFormat::Point,
            why: String::new(),
        }
    }

    fn plan() -> ImportPlan {
        ImportPlan {
            name: "reviews".into(),
            kind: Kind::Table,
            labels: LabelSource::Column,
            target: Target::Classes,
            classes: vec![("good".into(), 2)],
            columns: vec![
                column("stars", Role::Content, true, "4"),
                column("review", Role::Content, false, "a long sentence"),
                column("verdict", Role::Label, false, "good"),
            ],
            format: None,
            expected_items: 100,
            estimated: false,
            header: None,
            folder_levels: Vec::new(),
            folder_level: 0,
            test_set: Default::default(),
            merged: Vec::new(),
            hidden: 0,
            problems: Vec::new(),
        }
    }

    fn roles(plan: &ImportPlan) -> Vec<Role> {
        plan.columns.iter().map(|column| column.role).collect()
    }

    #[test]
    fn only_one_column_is_the_label() {
        let mut plan = plan();
        set_role(&mut plan, 0, Role::Label);
        assert_eq!(roles(&plan), [Role::Label, Role::Content, Role::Extra]);
        set_role(&mut plan, 0, Role::Extra);
        assert_eq!(plan.labels, LabelSource::None);
    }

    #[test]
    fn a_text_is_one_column_and_a_table_all() {
        let mut plan = plan();
        set_kind(&mut plan, Kind::Text);
        assert_eq!(roles(&plan), [Role::Extra, Role::Content, Role::Label]);
        assert_eq!(obstacle(&plan), None);
        set_kind(&mut plan, Kind::Table);
        assert_eq!(roles(&plan), [Role::Content, Role::Content, Role::Label]);
        set_kind(&mut plan, Kind::Image);
        assert_eq!(plan.kind, Kind::Table);
    }

    #[test]
    fn says_what_stands_in_the_way() {
        let check = |change: fn(&mut ImportPlan), expected: &str| {
            let mut plan = plan();
            change(&mut plan);
            assert!(obstacle(&plan).is_some_and(|reason| reason.contains(expected)), "{expected}");
        };
        check(|plan| plan.expected_items = 0, "Nothing here");
        check(|plan| plan.columns.iter_mut().for_each(|column| column.role = Role::Extra), "learn from");
        check(|plan| plan.kind = Kind::Text, "one text column");
        check(|plan| plan.columns[2].role = Role::Extra, "holds the label");
        check(|plan| plan.name = " ".into(), "name");
    }
}
