//! Shares with their intervals, one below the other on a common axis: slices of the audits.

use super::Drawing;
use super::axes::{Unit, beside};
use super::scale::{Scale, floor_of_shares, ticks};
use super::scene::{Anchor, Ink, Scene};
use super::table::{Cell, Table};
use crate::protocol::{Interval, SliceGroup};
use crate::ui::format;

/// Height of a row in pixels: its name and figures, and its interval below.
const ROW: f64 = 40.0;
const SIDE: f64 = 14.0;

/// One share.
#[derive(Debug, Clone, PartialEq)]
pub struct ShareRow {
    /// Whose.
    pub name: String,
    /// Its colour.
    pub ink: Ink,
    /// The share.
    pub share: Interval,
    /// What stands beside the figures: on how many it was measured.
    pub note: String,
}

/// Draws the rows into a scene from `top` on, with the axis below them. Returns where they end.
pub fn push(scene: &mut Scene, top: f64, rows: &[ShareRow]) -> f64 {
    let lowest = rows.iter().map(|row| row.share.low).fold(1.0, f64::min);
    let floor = floor_of_shares(lowest);
    let scale = Scale::linear(floor, 1.0, SIDE, scene.width - SIDE);
    let end = top + ROW * rows.len() as f64;
    for value in ticks(floor, 1.0, if scene.width < 340.0 { 3 } else { 5 }) {
        let x = scale.at(value);
        scene.hairline((x, top + 18.0), (x, end));
        let anchor = beside(scene, x);
        scene.note((x, end + 14.0), Unit::Share.tick(value), anchor);
    }
    for (place, row) in rows.iter().enumerate() {
        let y = top + ROW * place as f64;
        let figures = format::estimate(row.share);
        // What doesn't fit beside the figures is cut; the point and the table have the whole name.
        let room = ((scene.width - 2.0 * SIDE) / 6.8) as usize;
        let beside = format!("{figures}{}{}", if row.note.is_empty() { "" } else { " · " }, row.note);
        let name = format::shorten(&row.name, room.saturating_sub(beside.chars().count() + 1).max(6));
        scene.label((SIDE, y + 14.0), name, Anchor::Start, Ink::Text);
        scene.note((scene.width - SIDE, y + 14.0), beside, Anchor::End);
        let at = (scale.at(row.share.estimate), y + 28.0);
        let whisker = [(scale.at(row.share.low), at.1), (scale.at(row.share.high), at.1)];
        let value = format!("{}: {figures}{}{}", row.name, if row.note.is_empty() { "" } else { ", " }, row.note);
        scene.point(at, Some(whisker), if row.share.few { Ink::Soft } else { row.ink }, value);
    }
    end + 22.0
}

/// The slices of one grouping, in the order given: worst first.
pub fn slices(width: f64, group: &SliceGroup) -> Drawing {
    let rows: Vec<ShareRow> = group
        .slices
        .iter()
        .map(|slice| ShareRow {
            name: slice.name.clone(),
            ink: Ink::Hue(0),
            share: slice.accuracy,
            note: format::counted(slice.audits.into(), "audit", "audits"),
        })
        .collect();
    let mut scene = Scene::new(width, 0.0);
    scene.height = push(&mut scene, 0.0, &rows);
    let mut table = Table::new(&[&group.by, "audits", "right"]);
    for slice in &group.slices {
        table.rows.push(vec![
            Cell::Text(slice.name.clone()),
            Cell::Count(slice.audits),
            Cell::Interval(Some(slice.accuracy)),
        ]);
    }
    Drawing { title: format!("Slices by {}", group.by), scene, table }
}

#[cfg(test)]
mod tests {
    use super::super::scene::Mark;
    use super::*;
    use crate::protocol::SliceState;

    #[test]
    fn a_slice_has_its_whisker_around_its_point_and_its_whole_name() {
        let name = "a class with a very long name that no phone has room for".to_owned();
        let accuracy = Interval { estimate: 0.8, low: 0.61, high: 0.93, few: false };
        let group = SliceGroup { by: "class".into(), slices: vec![SliceState { name, audits: 1, accuracy }] };
        let drawing = slices(320.0, &group);
        let Some(Mark::Point { at, whisker: Some([low, high]), value, .. }) =
            drawing.scene.marks.iter().find(|mark| matches!(mark, Mark::Point { .. }))
        else {
            panic!("no point with a whisker")
        };
        assert!(low.0 < at.0 && at.0 < high.0 && low.1 == at.1, "{low:?} {at:?} {high:?}");
        assert!(value.contains("no phone has room for: 80.0\u{a0}% (61.0–93.0), 1 audit"), "{value}");
        assert!(drawing.scene.height > ROW && drawing.table.rows.len() == 1);
    }
}
