//! What is drawn: marks in pixels, with colours by name, so that the page and a saved file can each give them theirs.

/// A place in pixels, from the left and from the top.
pub type Place = (f64, f64);

/// A colour by what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// Text that matters.
    Text,
    /// Text beside it.
    Soft,
    /// Axes and grid.
    Hairline,
    /// A mark that has to be told from what is behind it, without a meaning of its own.
    Edge,
    /// The page itself.
    Surface,
    /// A series, by its number: the hues of the classes.
    Hue(usize),
}

impl Ink {
    /// The custom property of the style sheet that holds the colour.
    pub fn property(self) -> String {
        match self {
            Ink::Text => "--text".to_owned(),
            Ink::Soft => "--text-soft".to_owned(),
            Ink::Hairline => "--line-strong".to_owned(),
            Ink::Edge => "--edge".to_owned(),
            Ink::Surface => "--surface".to_owned(),
            Ink::Hue(series) => format!("--hue-{}", series % 10),
        }
    }
}

/// Which side of its place a text is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// To the right of it.
    Start,
    /// Around it.
    Middle,
    /// To the left of it.
    End,
}

/// One thing that is drawn.
#[derive(Debug, Clone, PartialEq)]
pub enum Mark {
    /// A line through all points.
    Line {
        /// Where it goes.
        points: Vec<Place>,
        /// Its colour.
        ink: Ink,
        /// Its width.
        width: f64,
        /// Whether it is broken.
        dashed: bool,
    },
    /// A light area within these corners.
    Area {
        /// Its corners.
        points: Vec<Place>,
        /// Its colour.
        ink: Ink,
        /// How opaque it is, 0 to 1.
        opacity: f64,
    },
    /// Words. The place is at their baseline.
    Text {
        /// Where.
        at: Place,
        /// What.
        text: String,
        /// Its colour.
        ink: Ink,
        /// On which side of the place.
        anchor: Anchor,
        /// Whether it is bold.
        strong: bool,
    },
    /// A value that can be pointed at and focused.
    Point {
        /// Where.
        at: Place,
        /// Its colour.
        ink: Ink,
        /// The ends of its interval.
        whisker: Option<[Place; 2]>,
        /// The exact value in words.
        value: String,
        /// Small: one of so many that full dots would hide their line.
        small: bool,
    },
}

/// All that is drawn, in a field of this size in pixels.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scene {
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
    /// From back to front.
    pub marks: Vec<Mark>,
}

impl Scene {
    /// An empty field.
    pub fn new(width: f64, height: f64) -> Self {
        Self { width, height, marks: Vec::new() }
    }

    /// A line of the grid or an axis.
    pub fn hairline(&mut self, from: Place, to: Place) {
        self.line(vec![from, to], Ink::Hairline, 1.0, false);
    }

    /// A line through all points.
    pub fn line(&mut self, points: Vec<Place>, ink: Ink, width: f64, dashed: bool) {
        self.marks.push(Mark::Line { points, ink, width, dashed });
    }

    /// A light area.
    pub fn area(&mut self, points: Vec<Place>, ink: Ink, opacity: f64) {
        self.marks.push(Mark::Area { points, ink, opacity });
    }

    /// Soft text, as beside an axis.
    pub fn note(&mut self, at: Place, text: impl Into<String>, anchor: Anchor) {
        self.marks.push(Mark::Text { at, text: text.into(), ink: Ink::Soft, anchor, strong: false });
    }

    /// Text that matters: a name or a value written at its mark.
    pub fn label(&mut self, at: Place, text: impl Into<String>, anchor: Anchor, ink: Ink) {
        self.marks.push(Mark::Text { at, text: text.into(), ink, anchor, strong: true });
    }

    /// A value that can be pointed at.
    pub fn point(&mut self, at: Place, whisker: Option<[Place; 2]>, ink: Ink, value: String) {
        self.marks.push(Mark::Point { at, ink, whisker, value, small: false });
    }

    /// The same, small, where there are many of them.
    pub fn small_point(&mut self, at: Place, ink: Ink, value: String) {
        self.marks.push(Mark::Point { at, ink, whisker: None, value, small: true });
    }
}
