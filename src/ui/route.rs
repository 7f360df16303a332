//! Which screen the address asks for. The route lives in the fragment (`#/label`), so one cached page serves every
//! screen from any sub-path, also offline.

/// A screen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Route {
    /// Projects, demos and import.
    #[default]
    Start,
    /// One card, one question.
    Label,
    /// All items.
    Data,
    /// What looks wrong, and what putting it right gains.
    Review,
    /// How good the model is, and how it asks.
    Models,
    /// Whether the champion holds on new data, and the ways back.
    Monitor,
    /// Storage, privacy, appearance, about.
    Settings,
    /// What every figure means.
    Glossary,
}

impl Route {
    /// The screens of an open project in the order of the flow, as the rail shows them.
    pub const RAIL: [Route; 6] =
        [Route::Label, Route::Data, Route::Review, Route::Models, Route::Monitor, Route::Settings];

    /// Reads a location hash, with or without its `#`. Anything unknown leads to the start screen.
    pub fn parse(hash: &str) -> Route {
        let path = hash.trim_start_matches('#').trim_matches('/');
        match path.to_ascii_lowercase().as_str() {
            "label" => Route::Label,
            "data" => Route::Data,
            "review" => Route::Review,
            "models" => Route::Models,
            "monitor" => Route::Monitor,
            "settings" => Route::Settings,
            "glossary" => Route::Glossary,
            _ => Route::Start,
        }
    }

    /// The location hash that leads here. [`Route::parse`] is its inverse.
    pub fn hash(self) -> &'static str {
        match self {
            Route::Start => "#/",
            Route::Label => "#/label",
            Route::Data => "#/data",
            Route::Review => "#/review",
            Route::Models => "#/models",
            Route::Monitor => "#/monitor",
            Route::Settings => "#/settings",
            Route::Glossary => "#/glossary",
        }
    }

    /// What the screen is called, in the rail and in the document's title.
    pub fn title(self) -> &'static str {
        match self {
            Route::Start => "Start",
            Route::Label => "Label",
            Route::Data => "Data",
            Route::Review => "Review",
            Route::Models => "Models",
            Route::Monitor => "Monitor",
            Route::Settings => "Settings",
            Route::Glossary => "Glossary",
        }
    }

    /// Whether the screen shows an open project, and is empty without one.
    pub fn needs_project(self) -> bool {
        matches!(self, Route::Label | Route::Data | Route::Review | Route::Models | Route::Monitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_survives_its_hash() {
        for route in Route::RAIL.into_iter().chain([Route::Start, Route::Glossary]) {
            assert_eq!(Route::parse(route.hash()), route);
        }
    }

    #[test]
    fn loose_and_unknown_hashes_are_read_kindly() {
        let cases = [
            ("", Route::Start),
            ("#", Route::Start),
            ("#label", Route::Label),
            ("#/Data/", Route::Data),
            ("#/nowhere", Route::Start),
            ("#/label/12", Route::Start),
        ];
        for (hash, expected) in cases {
            assert_eq!(Route::parse(hash), expected, "{hash}");
        }
    }
}
