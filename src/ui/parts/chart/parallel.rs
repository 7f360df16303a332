//! Parallel coordinates: one upright axis a parameter or metric, one line a run.

use super::Drawing;
use super::scale::{Scale, spread};
use super::scene::{Anchor, Ink, Scene};
use super::table::{Cell, Table};
use crate::protocol::ParallelAxis;
use crate::ui::format;

const HEIGHT: f64 = 260.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = HEIGHT - 26.0;
/// Least distance between two axes; what doesn't fit is scrolled to.
const LEAST: f64 = 84.0;

/// Draws the runs (by their names) on the axes.
pub fn draw(width: f64, runs: &[String], axes: &[ParallelAxis]) -> Drawing {
    let gaps = axes.len().saturating_sub(1).max(1) as f64;
    let (left, right) = (48.0, 84.0);
    let width = width.max(left + right + LEAST * gaps);
    let mut scene = Scene::new(width, HEIGHT);
    let step = (width - left - right) / gaps;
    let x = |axis: usize| left + step * axis as f64;
    let scales: Vec<Scale> = axes.iter().map(|axis| Scale::linear(axis.low, axis.high, BOTTOM, TOP)).collect();
    for (place, axis) in axes.iter().enumerate() {
        scene.hairline((x(place), TOP), (x(place), BOTTOM));
        let (group, name) = axis.key.split_once('.').unwrap_or(("", &axis.key));
        let room = (step / 6.6) as usize;
        scene.note((x(place), 12.0), group, Anchor::Middle);
        scene.label((x(place), 26.0), format::shorten(name, room), Anchor::Middle, Ink::Text);
        scene.note((x(place), TOP - 5.0), format::number(axis.high), Anchor::Middle);
        scene.note((x(place), BOTTOM + 16.0), format::number(axis.low), Anchor::Middle);
    }
    let mut ends = Vec::new();
    for (run, name) in runs.iter().enumerate() {
        let value = |axis: usize| axes[axis].values.get(run).copied().flatten();
        let at = |axis: usize| value(axis).map(|value| (x(axis), scales[axis].at(value)));
        let mut line = Vec::new();
        for axis in 0..axes.len() {
            match at(axis) {
                Some(place) => line.push(place),
                // A run that has no value here has a gap here.
                None => scene.line(std::mem::take(&mut line), Ink::Hue(run), 2.0, false),
            }
        }
        scene.line(line, Ink::Hue(run), 2.0, false);
        for (axis, named) in axes.iter().enumerate() {
            if let (Some(place), Some(value)) = (at(axis), value(axis)) {
                scene.point(place, None, Ink::Hue(run), format!("{name}, {}: {}", named.key, format::number(value)));
            }
        }
        if let Some((_, y)) = (0..axes.len()).rev().find_map(at) {
            ends.push((run, y + 4.0));
        }
    }
    let places: Vec<f64> = ends.iter().map(|end| end.1).collect();
    for (&(run, _), y) in ends.iter().zip(spread(&places, 15.0, BOTTOM)) {
        scene.label((width - right + 12.0, y), runs[run].clone(), Anchor::Start, Ink::Hue(run));
    }
    let mut head = vec!["run"];
    head.extend(axes.iter().map(|axis| axis.key.as_str()));
    let mut table = Table::new(&head);
    for (run, name) in runs.iter().enumerate() {
        let mut cells = vec![Cell::Text(name.clone())];
        cells.extend(axes.iter().map(|axis| Cell::Number(axis.values.get(run).copied().flatten())));
        table.rows.push(cells);
    }
    Drawing { title: "Parallel coordinates".to_owned(), scene, table }
}

#[cfg(test)]
mod tests {
    use super::super::scene::Mark;
    use super::*;

    #[test]
    fn a_run_without_a_value_has_a_gap_and_axes_keep_their_distance() {
        let axis = |key: &str, values: &[Option<f64>]| ParallelAxis {
            key: key.into(),
            low: 0.0,
            high: 1.0,
            values: values.to_vec(),
        };
        let axes = [
            axis("params.c", &[Some(1.0), Some(0.0)]),
            axis("params.width", &[None, Some(0.5)]),
            axis("metrics.accuracy", &[Some(0.9), Some(0.8)]),
        ];
        let drawing = draw(100.0, &["r1".into(), "r2".into()], &axes);
        assert!(drawing.scene.width >= 2.0 * LEAST);
        let lengths = drawing.scene.marks.iter().filter_map(|mark| match mark {
            Mark::Line { points, ink: Ink::Hue(0), .. } => Some(points.len()),
            _ => None,
        });
        assert_eq!(lengths.collect::<Vec<_>>(), [1, 1]);
        let points = drawing.scene.marks.iter().filter(|mark| matches!(mark, Mark::Point { .. })).count();
        assert_eq!(points, 5);
        assert_eq!(drawing.table.rows[0][2].shown(), "–");
    }

    #[test]
    fn no_axis_is_no_harm() {
        assert_eq!(draw(300.0, &["r1".into()], &[]).table.rows.len(), 1);
    }
}
