//! A list that changes: what stays is left as it is, with its focus, and only what is new is drawn.

use crate::protocol::ClassIndex;
use crate::ui::app::use_app;
use leptos::prelude::*;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// One entry of such a list.
pub struct Row {
    key: u64,
    draw: Box<dyn FnOnce() -> AnyView + Send>,
}

impl Row {
    /// What tells it from the others, all that its drawing depends on, and the drawing.
    pub fn new(key: impl Hash, draw: impl FnOnce() -> AnyView + Send + 'static) -> Self {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        Self { key: hasher.finish(), draw: Box::new(draw) }
    }
}

/// The list. All lists are of one type, because Leptos' `For` is compiled anew for every type of row.
pub fn rows(each: impl Fn() -> Vec<Row> + Send + 'static) -> AnyView {
    keyed(Box::new(each))
}

/// A row for each class, drawn from its index and its name, and anew when it is renamed.
pub fn class_rows(draw: impl Fn(ClassIndex, String) -> AnyView + Send + Sync + 'static) -> AnyView {
    let classes = use_app().state.classes;
    let draw: Arc<dyn Fn(ClassIndex, String) -> AnyView + Send + Sync> = Arc::new(draw);
    let row = move |(class, name): (ClassIndex, String)| {
        let draw = draw.clone();
        Row::new((class, name.clone()), move || draw(class, name))
    };
    rows(move || {
        let names = classes.with(|classes| classes.iter().map(|class| class.class.name.clone()).collect::<Vec<_>>());
        (0..).zip(names).map(&row).collect()
    })
}

fn keyed(each: Box<dyn Fn() -> Vec<Row> + Send>) -> AnyView {
    view! { <For each key=|row: &Row| row.key children=|row: Row| (row.draw)() /> }.into_any()
}
