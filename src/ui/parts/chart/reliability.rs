//! The reliability diagram: how often the model is right by how sure it is. On the diagonal it is as often right as it
//! says.

use super::Drawing;
use super::axes::{self, Field, Unit};
use super::scale::floor_of_shares;
use super::scene::{Anchor, Ink, Scene};
use super::table::{Cell, Table};
use crate::protocol::ReliabilityBar;
use crate::ui::{format, text};

const HEIGHT: f64 = 280.0;

/// Draws the bins as points with their intervals.
pub fn draw(width: f64, bins: &[ReliabilityBar]) -> Drawing {
    let mut scene = Scene::new(width, HEIGHT);
    let field = Field { left: 46.0, right: width - 14.0, top: 22.0, bottom: HEIGHT - 42.0 };
    let lowest = bins.iter().map(|bin| bin.mean_probability.min(bin.right.low)).fold(1.0, f64::min);
    let surest = bins.iter().map(|bin| bin.mean_probability).fold(1.0, f64::min);
    let (floor, begin) = (floor_of_shares(lowest), floor_of_shares(surest));
    let y = axes::upward(&mut scene, field, Unit::Share, floor, 1.0);
    let x = axes::across(&mut scene, field, Unit::Share, begin, 1.0, "the model's probability");
    let from = floor.max(begin);
    scene.line(vec![(x.at(from), y.at(from)), (x.at(1.0), y.at(1.0))], Ink::Edge, 1.25, true);
    // Where the line ends, above all points.
    scene.note((field.right, field.top - 6.0), "as sure as right", Anchor::End);
    let line = bins.iter().map(|bin| (x.at(bin.mean_probability), y.at(bin.right.estimate))).collect();
    scene.line(line, Ink::Hue(0), 1.25, false);
    let mut table = Table::new(&["bin", "mean probability", "audits", "right"]);
    for bin in bins {
        let at = (x.at(bin.mean_probability), y.at(bin.right.estimate));
        let whisker = [(at.0, y.at(bin.right.low)), (at.0, y.at(bin.right.high))];
        let value = format!(
            "{} sure, {} right on {}",
            format::percent(bin.mean_probability),
            format::estimate(bin.right),
            format::counted(bin.audits.into(), "audit", "audits")
        );
        scene.point(at, Some(whisker), if bin.right.few { Ink::Soft } else { Ink::Hue(0) }, value);
        table.rows.push(vec![
            Cell::Text(format!("{}–{}\u{a0}%", text::fixed(bin.low * 100.0, 1), text::fixed(bin.high * 100.0, 1))),
            Cell::Share(Some(bin.mean_probability)),
            Cell::Count(bin.audits),
            Cell::Interval(Some(bin.right)),
        ]);
    }
    Drawing { title: "Reliability".to_owned(), scene, table }
}

#[cfg(test)]
mod tests {
    use super::super::scene::Mark;
    use super::*;
    use crate::protocol::Interval;

    #[test]
    fn a_bin_that_is_as_sure_as_right_lies_on_the_diagonal() {
        let bin = |share: f64| ReliabilityBar {
            low: share - 0.05,
            high: share + 0.05,
            mean_probability: share,
            audits: 12,
            right: Interval { estimate: share, low: share - 0.2, high: (share + 0.1).min(1.0), few: false },
        };
        let drawing = draw(400.0, &[bin(0.6), bin(0.8), bin(0.95)]);
        let points = drawing.scene.marks.iter().filter_map(|mark| match mark {
            Mark::Point { at, .. } => Some(*at),
            _ => None,
        });
        let points: Vec<(f64, f64)> = points.collect();
        let Some(Mark::Line { points: diagonal, .. }) =
            drawing.scene.marks.iter().find(|mark| matches!(mark, Mark::Line { dashed: true, .. }))
        else {
            panic!("no diagonal")
        };
        let ((x1, y1), (x2, y2)) = (diagonal[0], diagonal[1]);
        assert_eq!(points.len(), 3);
        for (x, y) in points {
            assert!((y - (y1 + (y2 - y1) * (x - x1) / (x2 - x1))).abs() < 1e-6, "{x} {y}");
        }
        assert_eq!(drawing.table.rows[1][0].shown(), "75.0–85.0\u{a0}%");
    }
}
