//! Views of one type. Leptos compiles what draws a view anew for every type it meets; these give it few.

use leptos::prelude::*;
use std::sync::{Arc, Mutex};

/// A view that is drawn anew whenever something changes that was read while drawing it.
pub fn redrawn<V: IntoView + 'static>(mut draw: impl FnMut() -> V + Send + 'static) -> AnyView {
    let draw: Arc<Mutex<dyn FnMut() -> AnyView + Send>> = Arc::new(Mutex::new(move || draw().into_any()));
    draw.into_any()
}

/// Collects views that follow each other. As Leptos' `collect_view`, but of one type whatever is collected.
pub trait CollectAny {
    /// The views, in order.
    fn collect_any(self) -> Vec<AnyView>;
}

impl<I: IntoIterator<Item: IntoView + 'static>> CollectAny for I {
    fn collect_any(self) -> Vec<AnyView> {
        self.into_iter().map(IntoAny::into_any).collect()
    }
}
