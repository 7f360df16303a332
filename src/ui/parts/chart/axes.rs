//! Hairline axes: a few round values, and a word on what they are.

use super::scale::{Scale, ticks};
use super::scene::{Anchor, Scene};
use crate::ui::format;

/// The part of a scene that values are drawn in, as the pixels of its edges.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Field {
    /// Left edge.
    pub left: f64,
    /// Right edge.
    pub right: f64,
    /// Upper edge.
    pub top: f64,
    /// Lower edge.
    pub bottom: f64,
}

/// What is counted by an axis decides how its values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Shares from 0 to 1, as per cent.
    Share,
    /// Any other numbers.
    Number,
}

impl Unit {
    /// A value beside an axis.
    pub fn tick(self, value: f64) -> String {
        match self {
            // Rounded away, not cut, is what floating point left of 0.7.
            Unit::Share => format!("{}\u{a0}%", format::number((value * 1000.0).round() / 10.0)),
            Unit::Number => format::number(value),
        }
    }

    /// The exact value, for a point.
    pub fn exact(self, value: f64) -> String {
        match self {
            Unit::Share => format::percent(value),
            Unit::Number => format::number(value),
        }
    }
}

/// About so many values stand at the left axis.
pub const UPWARD_TICKS: u32 = 4;

/// On which side of its place a value below an axis stands: at the ends of a scene it would be cut if it stood around it.
pub fn beside(scene: &Scene, x: f64) -> Anchor {
    const HALF_OF_THE_LONGEST: f64 = 18.0;
    if x > scene.width - HALF_OF_THE_LONGEST {
        Anchor::End
    } else if x < HALF_OF_THE_LONGEST {
        Anchor::Start
    } else {
        Anchor::Middle
    }
}

/// The axis at the left, from `low` to `high`, with a line across the field at each value.
pub fn upward(scene: &mut Scene, field: Field, unit: Unit, low: f64, high: f64) -> Scale {
    let scale = Scale::linear(low, high, field.bottom, field.top);
    for value in ticks(low, high, UPWARD_TICKS) {
        let y = scale.at(value);
        scene.hairline((field.left, y), (field.right, y));
        scene.note((field.left - 6.0, y + 4.0), unit.tick(value), Anchor::End);
    }
    scale
}

/// The axis below, from `low` to `high`, with its name under the values.
pub fn across(scene: &mut Scene, field: Field, unit: Unit, low: f64, high: f64, name: &str) -> Scale {
    let scale = Scale::linear(low, high, field.left, field.right);
    let wanted = if field.right - field.left < 340.0 { 3 } else { 5 };
    for value in ticks(low, high, wanted) {
        let x = scale.at(value);
        scene.hairline((x, field.bottom), (x, field.bottom + 4.0));
        let anchor = beside(scene, x);
        scene.note((x, field.bottom + 17.0), unit.tick(value), anchor);
    }
    scene.note(((field.left + field.right) / 2.0, field.bottom + 33.0), name, Anchor::Middle);
    scale
}
