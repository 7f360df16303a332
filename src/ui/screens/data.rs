//! All items: search, filter, sort, select, label many at once. Only what is in sight is asked for and drawn.

use crate::pipeline::item::Kind;
use crate::protocol::{ClassIndex, ItemFilter, ItemIndex, ItemQuery, ItemRow, ItemSort, Reply, Request};
use crate::ui::app::{App, use_app};
use crate::ui::parts::rows::{Row, rows};
use crate::ui::parts::show::Show;
use crate::ui::parts::window::{Viewport, visible_range};
use crate::ui::screens::batches::Batches;
use crate::ui::screens::selection::SelectionBar;
use crate::ui::screens::tile::Tile;
use crate::ui::screens::toolbar::Toolbar;
use crate::ui::text;
use leptos::ev;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

/// Items asked for at once.
const PAGE: u32 = 60;
/// Rows drawn above and below what is in sight.
const OVERSCAN: u32 = 3;
/// How long the list waits for further changes before it asks again.
const SETTLE: Duration = Duration::from_millis(300);

/// How the items are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Tiles side by side.
    Grid,
    /// One row an item.
    List,
}

/// What the screen shows. Cheap to copy.
#[derive(Clone, Copy)]
pub struct DataView {
    /// Only items that contain this.
    pub search: RwSignal<String>,
    /// Only these.
    pub filter: RwSignal<ItemFilter>,
    /// In this order.
    pub sort: RwSignal<ItemSort>,
    /// Tiles or rows.
    pub layout: RwSignal<Layout>,
    /// How many items match; `None` before the first answer.
    pub total: RwSignal<Option<u32>>,
    /// What is selected.
    pub selected: RwSignal<BTreeSet<ItemIndex>>,
    /// Where a shift-press extends from: a place in the list.
    pub anchor: RwSignal<Option<u32>>,
    pages: RwSignal<HashMap<u32, Vec<ItemRow>>>,
    asked: StoredValue<BTreeSet<u32>>,
    generation: StoredValue<u32>,
    scroll_top: RwSignal<f64>,
    size: RwSignal<(f64, f64)>,
    kind: Kind,
}

impl DataView {
    fn new(kind: Kind, filter: ItemFilter) -> Self {
        Self {
            search: RwSignal::new(String::new()),
            filter: RwSignal::new(filter),
            sort: RwSignal::new(ItemSort::Imported),
            layout: RwSignal::new(if kind == Kind::Image { Layout::Grid } else { Layout::List }),
            total: RwSignal::new(None),
            selected: RwSignal::new(BTreeSet::new()),
            anchor: RwSignal::new(None),
            pages: RwSignal::new(HashMap::new()),
            asked: StoredValue::new(BTreeSet::new()),
            generation: StoredValue::new(0),
            scroll_top: RwSignal::new(0.0),
            size: RwSignal::new((1000.0, 800.0)),
            kind,
        }
    }

    /// Width and height of a tile in CSS pixels, gap included. The style sheet draws them so.
    fn tile_size(&self) -> (f64, f64) {
        match (self.layout.get(), self.kind) {
            (Layout::List, _) => (f64::INFINITY, 44.0),
            (Layout::Grid, Kind::Image) => (150.0, 176.0),
            (Layout::Grid, Kind::Text | Kind::Table) => (260.0, 136.0),
        }
    }

    fn viewport(&self) -> Viewport {
        let ((width, height), (tile, row_height)) = (self.size.get(), self.tile_size());
        Viewport { scroll_top: self.scroll_top.get(), height, row_height, columns: Viewport::columns_in(width, tile) }
    }

    fn query(&self, offset: u32, limit: u32) -> ItemQuery {
        ItemQuery {
            search: self.search.get_untracked(),
            filter: self.filter.get_untracked(),
            sort: self.sort.get_untracked(),
            offset,
            limit,
        }
    }

    /// Asks for the pages in sight that are not there yet.
    fn load(&self, app: App) {
        let viewport = untrack(|| self.viewport());
        let total = self.total.get_untracked().unwrap_or(PAGE);
        let range = visible_range(&viewport, total.max(1), OVERSCAN);
        for page in range.start / PAGE..=range.end.saturating_sub(1) / PAGE {
            let mut fresh = false;
            self.asked.update_value(|asked| fresh = asked.insert(page));
            if fresh {
                self.fetch(app, page);
            }
        }
    }

    fn fetch(&self, app: App, page: u32) {
        let view = *self;
        let generation = self.generation.get_value();
        spawn_local(async move {
            let (reply, _) = app.ask(Request::Items(view.query(page * PAGE, PAGE)), Vec::new()).await;
            // The screen may be gone, or ask something else by now.
            if view.generation.try_get_value() != Some(generation) {
                return;
            }
            match reply {
                Reply::Items { total, rows } => {
                    view.total.set(Some(total));
                    view.pages.update(|pages| {
                        pages.insert(page, rows);
                    });
                    view.load(app);
                }
                other => app.unexpected(other),
            }
        });
    }

    /// Asks again for what is in sight; what is drawn stays until the answer is there.
    pub fn refresh(&self, app: App) {
        self.generation.update_value(|generation| *generation += 1);
        self.asked.update_value(BTreeSet::clear);
        self.load(app);
    }

    /// After another search, filter or order: from the top.
    pub fn restart(&self, app: App) {
        self.pages.set(HashMap::new());
        self.total.set(None);
        self.scroll_top.set(0.0);
        self.refresh(app);
    }

    /// Selects everything that matches, drawn or not.
    pub fn select_all(&self, app: App) {
        let view = *self;
        let limit = self.total.get_untracked().unwrap_or(0);
        spawn_local(async move {
            match app.ask(Request::Items(view.query(0, limit)), Vec::new()).await.0 {
                Reply::Items { rows, .. } => {
                    let _ = view.selected.try_set(rows.into_iter().map(|row| row.item).collect());
                }
                other => app.unexpected(other),
            }
        });
    }

    /// Selects or deselects the item at a place in the list; with shift, all from the last place to this one.
    pub fn toggle(&self, place: u32, item: ItemIndex, extend: bool) {
        let anchor = self.anchor.get_untracked().filter(|_| extend).unwrap_or(place);
        let selecting = extend || !self.selected.with_untracked(|selected| selected.contains(&item));
        let between = anchor.min(place)..=anchor.max(place);
        let items: Vec<ItemIndex> = between.filter_map(|place| self.row(place)).map(|row| row.item).collect();
        self.selected.update(|selected| {
            for item in items {
                if selecting {
                    selected.insert(item)
                } else {
                    selected.remove(&item)
                };
            }
        });
        self.anchor.set(Some(place));
    }

    fn row(&self, place: u32) -> Option<ItemRow> {
        self.pages.with(|pages| pages.get(&(place / PAGE))?.get((place % PAGE) as usize).cloned())
    }
}

/// The Data screen.
#[component]
pub fn DataScreen() -> impl IntoView {
    let app = use_app();
    let kind = app.state.project.with_untracked(|project| project.as_ref().map_or(Kind::Image, |project| project.kind));
    let showing = app.state.showing.get_untracked();
    app.state.showing.set(None);
    let view = DataView::new(kind, showing.unwrap_or(ItemFilter::All));
    watch_changes(app, view);
    view! {
        <div class="data-screen">
            <h1 class="visually-hidden">"Data"</h1>
            <Toolbar view />
            <SelectionBar view />
            <Items view />
            <Batches />
        </div>
    }
}

/// Asks again when labels or predictions changed, once things have settled.
fn watch_changes(app: App, view: DataView) {
    let version = Memo::new(move |_| {
        app.state.project.with(|project| {
            project.as_ref().map(|p| {
                let model = p.model.as_ref().map_or(0, |model| model.version);
                (
                    p.items,
                    p.embedded,
                    p.labelled,
                    p.decided(),
                    p.skipped,
                    p.flagged,
                    model,
                    p.triage.accepted,
                    p.triage.to_confirm,
                )
            })
        })
    });
    let pending = StoredValue::new(None::<TimeoutHandle>);
    Effect::new(move |previous: Option<()>| {
        version.track();
        if previous.is_none() {
            return view.load(app);
        }
        let waiting = set_timeout_with_handle(
            move || {
                if view.generation.try_get_value().is_some() {
                    view.refresh(app)
                }
            },
            SETTLE,
        );
        if let Some(Some(earlier)) = pending.try_update_value(|pending| std::mem::replace(pending, waiting.ok())) {
            earlier.clear();
        }
    });
}

/// The scrolling box with the tiles in sight.
#[component]
fn Items(view: DataView) -> impl IntoView {
    let app = use_app();
    let scroller = NodeRef::<html::Div>::new();
    let measure = move || {
        if let Some(element) = scroller.get_untracked() {
            view.size.set((f64::from(element.client_width()), f64::from(element.client_height())));
            view.load(app);
        }
    };
    scroller.on_load(move |_| request_animation_frame(measure));
    let resize = window_event_listener(ev::resize, move |_| measure());
    on_cleanup(move || resize.remove());
    let on_scroll = move |_| {
        if let Some(element) = scroller.get_untracked() {
            view.scroll_top.set(f64::from(element.scroll_top()));
            view.load(app);
        }
    };
    let range = Memo::new(move |_| visible_range(&view.viewport(), view.total.get().unwrap_or(0), OVERSCAN));
    let tile = move |place: u32| {
        let row = view.row(place)?;
        let predicted = row.predicted.map(|(class, probability)| (class, (probability * 100.0) as u8));
        let number = (
            row.given_value.map(|(number, source)| (number.to_bits(), source)),
            row.predicted_value.as_ref().map(|value| value.words.clone()),
        );
        let key = (place, row.item, row.label, predicted, number, row.flagged, row.embedded);
        Some(Row::new(key, move || view! { <Tile view place row kind=view.kind /> }.into_any()))
    };
    view! {
        <div class="items" node_ref=scroller on:scroll=on_scroll tabindex="0" role="group" aria-label="Items">
            <div class="items-full" style:height=move || format!("{}px", text::plain(view.viewport().full_height(view.total.get().unwrap_or(0))))>
                <ul class="tiles" class:list=move || view.layout.get() == Layout::List class:images=move || view.kind == Kind::Image
                    style:transform=move || format!("translateY({}px)", text::plain(view.viewport().offset_of(&range.get())))
                    style:grid-template-columns=move || format!("repeat({}, minmax(0, 1fr))", view.viewport().columns)>
                    {rows(move || range.get().filter_map(tile).collect())}
                </ul>
            </div>
            <Show when=move || view.total.get() == Some(0)><p class="empty muted">"No item matches. Clear the search or choose “All”."</p></Show>
        </div>
    }
}

/// The class an item has by its label, or else by its prediction.
pub fn class_of(row: &ItemRow) -> Option<ClassIndex> {
    row.label.map(|(class, _)| class).or(row.predicted.map(|(class, _)| class))
}
