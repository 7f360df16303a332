//! The few icons of the frame, drawn as strokes of one width. They never stand alone: a word or a name goes with each.

use leptos::prelude::*;

/// Which icon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IconName {
    /// A whetstone and a blade's edge.
    Brand,
    /// A house.
    Start,
    /// A tag.
    Label,
    /// A grid.
    Data,
    /// A lens.
    Review,
    /// A rising curve on axes.
    Models,
    /// A pulse.
    Monitor,
    /// Two sliders.
    Settings,
    /// An arrow out of a tray.
    Export,
    /// An arrow into a tray.
    Import,
    /// A prompt.
    Command,
    /// A small arrow down.
    Down,
    /// A flag.
    Flag,
}

impl IconName {
    /// The strokes, on a field of 20 × 20.
    fn path(self) -> &'static str {
        match self {
            IconName::Brand => "M3 15h14M4.5 12 14 3l2.5 2.5L8 12z",
            IconName::Start => "M3.5 9.5 10 4l6.5 5.5M5.5 8.5V16h9V8.5",
            IconName::Label => "M3.5 3.5h6l7 7-6 6-7-7zM7 7h.01",
            IconName::Data => "M3.5 3.5h5v5h-5zM11.5 3.5h5v5h-5zM3.5 11.5h5v5h-5zM11.5 11.5h5v5h-5z",
            IconName::Review => "M8.5 3.5a5 5 0 1 0 .01 0zM12.2 12.2 17 17M6.5 8.5 8 10l2.8-3",
            IconName::Models => "M3.5 3v13.5H17M6 13c2-6 4.5-8 10-8.5",
            IconName::Monitor => "M2.5 11H6l2-6 3.5 11L13.5 9l1 2h3",
            IconName::Settings => "M3 7h7M14 7h3M3 13h3M10 13h7M12 5v4M8 11v4",
            IconName::Export => "M10 12V3M6.5 6.5 10 3l3.5 3.5M3.5 12v4.5h13V12",
            IconName::Import => "M10 3v9M6.5 8.5 10 12l3.5-3.5M3.5 12v4.5h13V12",
            IconName::Command => "M4 5l4 4-4 4M10 14h6",
            IconName::Down => "M6 8l4 4 4-4",
            IconName::Flag => "M5 17V3.5h9l-2 3.5 2 3.5H5",
        }
    }
}

/// Draws it in the colour of the text.
#[component]
pub fn Icon(
    /// Which one.
    name: IconName,
) -> impl IntoView {
    view! { <svg class="icon" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true"><path d=name.path() /></svg> }
}
