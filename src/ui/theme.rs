//! Light or dark: as the system says, unless the person chose.

use crate::ui::dom;

const KEY: &str = "hone.theme";

/// The choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// As the system says.
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl Theme {
    /// All choices, in the order they are offered.
    pub const ALL: [Theme; 3] = [Theme::System, Theme::Light, Theme::Dark];

    /// The word on screen.
    pub fn title(self) -> &'static str {
        match self {
            Theme::System => "As the system",
            Theme::Light => "Light",
            Theme::Dark => "Dark",
        }
    }

    fn word(self) -> Option<&'static str> {
        match self {
            Theme::System => None,
            Theme::Light => Some("light"),
            Theme::Dark => Some("dark"),
        }
    }
}

/// The choice this browser remembers.
pub fn chosen() -> Theme {
    let remembered = dom::remembered(KEY);
    Theme::ALL.into_iter().find(|theme| theme.word() == remembered.as_deref()).unwrap_or(Theme::System)
}

/// Makes a choice and remembers it.
pub fn choose(theme: Theme) {
    dom::remember(KEY, theme.word());
    restore();
}

/// Applies the remembered choice to the document.
pub fn restore() {
    let Some(root) = dom::document().document_element() else { return };
    let done = match chosen().word() {
        Some(word) => root.set_attribute("data-theme", word),
        None => root.remove_attribute("data-theme"),
    };
    if let Err(error) = done {
        leptos::logging::warn!("the theme could not be applied: {error:?}");
    }
}
