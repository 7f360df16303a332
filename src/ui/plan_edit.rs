//! An import plan as the person corrects it in the dialog, and what still stands in its way.

use crate::pipeline::import::plan::{Column, ImportPlan, LabelSource, Role, Target, TestSet};
use crate::pipeline::item::Kind;
use crate::ui::import_words;
use std::collections::BTreeSet;

/// A random test set is offered unasked from so many items on.
const ENOUGH_TO_HOLD_OUT: u64 = 200;
/// It has this share of them …
const SHARE_HELD_OUT: f64 = 0.1;
/// … but so many items at least …
const LEAST_HELD_OUT: f64 = 100.0;
/// … and never more than this share.
const MOST_HELD_OUT: f64 = 0.5;

/// A plan on its way from a guess to what the person wants.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// As it stands.
    pub plan: ImportPlan,
    guessed: ImportPlan,
    /// The columns whose role the person decided: no other choice changes it.
    decided: BTreeSet<usize>,
}

impl Draft {
    /// What was guessed and, if everything is labelled and nothing says what is for testing, a share to test with.
    pub fn new(guessed: ImportPlan) -> Self {
        let mut plan = guessed.clone();
        if plan.test_set == TestSet::None
            && plan.labels != LabelSource::None
            && plan.expected_items >= ENOUGH_TO_HOLD_OUT
            && is_fully_labelled(&plan)
        {
            plan.test_set = TestSet::Random(share_to_hold_out(&plan));
        }
        Self { plan, guessed, decided: BTreeSet::new() }
    }

    /// After the files were looked at anew: another plan of the same name and kind.
    pub fn reread(&mut self, plan: ImportPlan) {
        let (name, kind) = (std::mem::take(&mut self.plan.name), self.plan.kind);
        *self = Draft::new(plan);
        self.plan.name = name;
        self.set_kind(kind);
    }

    /// Gives a column its role. At most one column holds the label, the split or the file's name: the one that had
    /// that role before is kept beside the item. Any number of columns are content.
    pub fn set_role(&mut self, column: usize, role: Role) {
        let before = self.plan.columns[column].role;
        let single = matches!(role, Role::Label | Role::Split | Role::File);
        self.decided.insert(column);
        for (place, other) in self.plan.columns.iter_mut().enumerate() {
            if place == column {
                other.role = role;
            } else if single && other.role == role {
                other.role = Role::Extra;
                self.decided.insert(place);
            }
        }
        self.roles_changed(before == Role::Label || role == Role::Label, role == Role::Split);
    }

    /// What follows from the columns' roles.
    fn roles_changed(&mut self, label: bool, split: bool) {
        let plan = &mut self.plan;
        let has = |role| plan.columns.iter().any(|column: &Column| column.role == role);
        let (has_label, has_split) = (has(Role::Label), has(Role::Split));
        if label {
            plan.labels = match plan.labels {
                _ if has_label => LabelSource::Column,
                LabelSource::Folder => LabelSource::Folder,
                _ => LabelSource::None,
            };
            if has_label {
                plan.target = plan.guess_target();
            }
        }
        if split {
            plan.test_set = TestSet::Column;
        } else if plan.test_set == TestSet::Column && !has_split {
            plan.test_set = TestSet::None;
        }
    }

    /// Changes what the rows of a table are. Columns that the person decided about keep their role. Of the others, a
    /// text has the longest that isn't a number, and a table all but identifiers.
    pub fn set_kind(&mut self, kind: Kind) {
        let plan = &mut self.plan;
        if plan.columns.is_empty() || kind == Kind::Image || plan.kind == Kind::Image || plan.kind == kind {
            return;
        }
        plan.kind = kind;
        let free = |place: &usize, columns: &[Column]| {
            !self.decided.contains(place) && matches!(columns[*place].role, Role::Content | Role::Extra)
        };
        let free: Vec<usize> = (0..plan.columns.len()).filter(|place| free(place, &plan.columns)).collect();
        let length = |column: &Column| column.samples.iter().map(|sample| sample.chars().count()).max().unwrap_or(0);
        let content: BTreeSet<usize> = if self.guessed.kind == kind {
            let was = |place: &usize| self.guessed.columns[*place].role == Role::Content;
            free.iter().copied().filter(was).collect()
        } else if kind == Kind::Text {
            let decided = plan.columns_of(Role::Content).count() > free_content(plan, &free);
            let longest = free.iter().copied().max_by_key(|&place| {
                let column = &plan.columns[place];
                (!column.numeric, length(column))
            });
            longest.into_iter().filter(|_| !decided).collect()
        } else {
            // As many values as rows is an identifier, which a classifier would only learn by heart.
            let is_identifier =
                |column: &Column| !column.numeric && u64::from(column.distinct) >= plan.expected_items.max(2);
            free.iter().copied().filter(|&place| !is_identifier(&plan.columns[place])).collect()
        };
        for place in free {
            plan.columns[place].role = if content.contains(&place) { Role::Content } else { Role::Extra };
        }
    }

    /// Whether folders' names are labels.
    pub fn use_folders(&mut self, yes: bool) {
        self.plan.labels = if yes { LabelSource::Folder } else { LabelSource::None };
    }

    /// Which folder names the class: so many above the one that a file lies in.
    pub fn set_level(&mut self, above: u32) {
        if let Some(level) = self.plan.folder_levels.iter().find(|level| level.above == above) {
            self.plan.classes.clone_from(&level.classes);
            self.plan.folder_level = above;
        }
    }

    /// The column that the label is read from.
    pub fn label_column(&self) -> Option<&Column> {
        self.plan.columns_of(Role::Label).next()
    }

    /// The classes found, each with its count; `None` where they are counted only while reading: they were looked for in
    /// another column.
    pub fn classes(&self) -> Option<&[(String, u32)]> {
        let plan = &self.plan;
        let as_guessed = || self.label_column() == self.guessed.columns_of(Role::Label).next();
        match plan.labels {
            _ if plan.target == Target::Number => Some(&[]),
            LabelSource::None => Some(&[]),
            LabelSource::Folder => Some(&plan.classes),
            LabelSource::Column => {
                (self.guessed.labels == LabelSource::Column && as_guessed()).then_some(&plan.classes)
            }
        }
    }

    /// Whether the data themselves say what is for testing.
    pub fn marks_tests(&self) -> bool {
        matches!(self.guessed.test_set, TestSet::Folder) || self.plan.columns_of(Role::Split).next().is_some()
    }

    /// Holds out what the data mark as test, or doesn't.
    pub fn hold_out_marked(&mut self, yes: bool) {
        let marked = if self.guessed.test_set == TestSet::Folder { TestSet::Folder } else { TestSet::Column };
        self.plan.test_set = if yes { marked } else { TestSet::None };
    }

    /// The share that a random test set would have.
    pub fn share(&self) -> f64 {
        match self.plan.test_set {
            TestSet::Random(share) => share,
            _ => share_to_hold_out(&self.plan),
        }
    }

    /// The plan to import by: no classes and no test set without labels, no classes that belong to another column.
    pub fn finished(&self) -> ImportPlan {
        let mut plan = self.plan.clone();
        plan.classes = self.classes().map(<[_]>::to_vec).unwrap_or_default();
        if plan.labels == LabelSource::None {
            plan.test_set = TestSet::None;
        }
        plan
    }

    /// Why it can't be imported yet; `None` if it can.
    pub fn obstacle(&self) -> Option<String> {
        let plan = &self.plan;
        let count = |role| plan.columns_of(role).count();
        let sentence = if plan.expected_items == 0 {
            return Some(match import_words::chief_reason(&plan.problems) {
                Some(reason) => format!("Nothing here can be imported: {reason}."),
                None => "Nothing here can be imported: there is not one row or file.".to_owned(),
            });
        } else if plan.kind != Kind::Image && !plan.columns.is_empty() && count(Role::Content) == 0 {
            "Choose a column to learn from."
        } else if plan.target == Target::Number && plan.columns_of(Role::Label).any(|column| !column.numeric) {
            "The label column does not hold numbers. Read it as classes, or choose another."
        } else if plan.labels == LabelSource::Column && count(Role::Label) != 1 {
            "Choose the column that holds the label."
        } else if plan.kind == Kind::Image && plan.labels == LabelSource::Column && count(Role::File) != 1 {
            "Choose the column that names the image files."
        } else if plan.name.trim().is_empty() {
            "Give the project a name."
        } else {
            return None;
        };
        Some(sentence.to_owned())
    }
}

fn free_content(plan: &ImportPlan, free: &[usize]) -> usize {
    free.iter().filter(|&&place| plan.columns[place].role == Role::Content).count()
}

/// Whether every row that was looked at has a label. How many were looked at is not known if it was the first part of a
/// larger table: as many, then, as the column that repeats least has different values.
fn is_fully_labelled(plan: &ImportPlan) -> bool {
    let labelled: u64 = plan.classes.iter().map(|(_, count)| u64::from(*count)).sum();
    let most_different = plan.columns.iter().map(|column| u64::from(column.distinct)).max();
    let looked_at = if plan.estimated { most_different.unwrap_or(0) } else { plan.expected_items };
    labelled > 0 && labelled >= looked_at
}

/// A tenth, or as much as makes a hundred items: fewer would measure nothing. In whole per cents.
fn share_to_hold_out(plan: &ImportPlan) -> f64 {
    let share = SHARE_HELD_OUT.max(LEAST_HELD_OUT / plan.expected_items.max(1) as f64).min(MOST_HELD_OUT);
    (share * 100.0).ceil() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::features::cell::NumberFormat;
    use crate::pipeline::import::plan::{FolderLevel, Problem};

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
            test_set: TestSet::None,
            merged: Vec::new(),
            hidden: 0,
            problems: Vec::new(),
        }
    }

    fn draft() -> Draft {
        Draft::new(plan())
    }

    fn roles(draft: &Draft) -> Vec<Role> {
        draft.plan.columns.iter().map(|column| column.role).collect()
    }

    #[test]
    fn only_one_column_is_the_label() {
        let mut draft = draft();
        draft.set_role(0, Role::Label);
        assert_eq!(roles(&draft), [Role::Label, Role::Content, Role::Extra]);
        draft.set_role(0, Role::Extra);
        assert_eq!(draft.plan.labels, LabelSource::None);
    }

    #[test]
    fn a_text_is_one_column_and_a_table_all() {
        let mut draft = draft();
        draft.set_kind(Kind::Text);
        assert_eq!(roles(&draft), [Role::Extra, Role::Content, Role::Label]);
        assert_eq!(draft.obstacle(), None);
        draft.set_kind(Kind::Table);
        assert_eq!(roles(&draft), [Role::Content, Role::Content, Role::Label]);
        draft.set_kind(Kind::Image);
        assert_eq!(draft.plan.kind, Kind::Table);
    }

    #[test]
    fn a_second_text_column_never_drops_the_first() {
        let mut draft = draft();
        draft.set_kind(Kind::Text);
        draft.set_role(0, Role::Content);
        assert_eq!(roles(&draft), [Role::Content, Role::Content, Role::Label]);
        assert_eq!(draft.obstacle(), None);
    }

    #[test]
    fn another_kind_keeps_what_the_person_decided() {
        let mut draft = draft();
        draft.set_role(1, Role::Extra);
        draft.set_kind(Kind::Text);
        assert_eq!(roles(&draft), [Role::Content, Role::Extra, Role::Label], "kept beside stays beside");
        draft.set_role(0, Role::Extra);
        draft.set_kind(Kind::Table);
        assert_eq!(roles(&draft), [Role::Extra, Role::Extra, Role::Label]);
        // A column that lost the label to another is not turned into content, either.
        let mut draft = self::draft();
        draft.set_role(1, Role::Label);
        draft.set_kind(Kind::Text);
        draft.set_kind(Kind::Table);
        assert_eq!(roles(&draft), [Role::Content, Role::Label, Role::Extra]);
    }

    #[test]
    fn numbers_stay_numbers_while_other_columns_change() {
        let mut draft = draft();
        draft.set_role(0, Role::Label);
        draft.plan.target = Target::Number;
        draft.set_role(1, Role::Extra);
        assert_eq!(draft.plan.target, Target::Number);
    }

    #[test]
    fn classes_come_only_from_where_they_were_looked_for() {
        let mut draft = draft();
        assert_eq!(draft.finished().classes.len(), 1);
        draft.set_role(2, Role::Extra);
        assert_eq!(draft.classes(), Some(&[][..]), "kept beside, there are none");
        assert!(draft.finished().classes.is_empty());
        draft.set_role(1, Role::Label);
        assert_eq!(draft.classes(), None);
        assert!(draft.finished().classes.is_empty());
        draft.set_role(2, Role::Label);
        assert_eq!(draft.finished().classes.len(), 1);

        let level = |above, name: &str| FolderLevel { above, classes: vec![(name.into(), 100)] };
        let folders = ImportPlan {
            labels: LabelSource::Folder,
            columns: Vec::new(),
            folder_levels: vec![level(0, "cat"), level(1, "2019")],
            ..plan()
        };
        let mut draft = Draft::new(folders);
        draft.set_level(1);
        assert_eq!((draft.finished().folder_level, draft.finished().classes[0].0.as_str()), (1, "2019"));
        draft.use_folders(false);
        assert!(draft.finished().classes.is_empty());
    }

    #[test]
    fn a_share_is_held_out_of_what_is_fully_labelled() {
        let check = |items: u64, labelled: u32, expected: TestSet| {
            let plan = ImportPlan { expected_items: items, classes: vec![("good".into(), labelled)], ..plan() };
            assert_eq!(Draft::new(plan).plan.test_set, expected, "{labelled} of {items}");
        };
        check(15_547, 15_547, TestSet::Random(0.1));
        check(400, 400, TestSet::Random(0.25));
        check(200, 200, TestSet::Random(0.5));
        check(199, 199, TestSet::None);
        check(400, 399, TestSet::None);
    }

    #[test]
    fn what_the_data_mark_as_test_can_be_used_or_not() {
        let mut draft = draft();
        assert!(!draft.marks_tests());
        draft.set_role(0, Role::Split);
        assert_eq!(draft.finished().test_set, TestSet::Column);
        draft.hold_out_marked(false);
        assert!(draft.marks_tests());
        assert_eq!(draft.finished().test_set, TestSet::None);
        draft.hold_out_marked(true);
        draft.set_role(0, Role::Extra);
        assert_eq!(draft.finished().test_set, TestSet::None);
    }

    #[test]
    fn reading_anew_keeps_name_and_kind() {
        let mut draft = draft();
        draft.plan.name = "mine".into();
        draft.set_kind(Kind::Text);
        draft.reread(ImportPlan { header: Some(false), ..plan() });
        assert_eq!((draft.plan.name.as_str(), draft.plan.kind), ("mine", Kind::Text));
        assert_eq!(draft.plan.header, Some(false));
    }

    #[test]
    fn says_what_stands_in_the_way() {
        let check = |change: fn(&mut ImportPlan), expected: &str| {
            let mut draft = draft();
            change(&mut draft.plan);
            assert!(draft.obstacle().is_some_and(|reason| reason.contains(expected)), "{expected}");
        };
        check(|plan| plan.expected_items = 0, "Nothing here");
        check(
            |plan| {
                plan.expected_items = 0;
                plan.problems = vec![Problem::of_file("a.pdf", "left out: it is a PDF document")];
            },
            "a PDF document",
        );
        check(|plan| plan.columns.iter_mut().for_each(|column| column.role = Role::Extra), "learn from");
        check(|plan| plan.columns[2].role = Role::Extra, "holds the label");
        check(|plan| plan.name = " ".into(), "name");
    }
}
