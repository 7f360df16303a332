//! The gate in one drawing: champion and challenger on one axis, and the evidence against what it must reach.

use super::Drawing;
use super::axes::beside;
use super::rows::{self, ShareRow};
use super::scale::{Scale, powers};
use super::scene::{Anchor, Ink, Scene};
use super::table::{Cell, Table};
use crate::protocol::{GateFigures, Interval};
use crate::ui::{format, order};

const SIDE: f64 = 14.0;

/// Champion and challenger by number, and what they were measured at, drawn at this width.
pub fn draw(width: f64, champion: u32, challenger: u32, figures: &GateFigures) -> Drawing {
    let row = |name: String, hue, share: Interval| ShareRow { name, ink: Ink::Hue(hue), share, note: String::new() };
    let names = [format!("Champion r{champion}"), format!("Challenger r{challenger}")];
    let mut scene = Scene::new(width, 0.0);
    let shares = [row(names[0].clone(), 0, figures.champion), row(names[1].clone(), 1, figures.challenger)];
    let below = rows::push(&mut scene, 0.0, &shares);
    scene.height = evidence(&mut scene, below + 10.0, figures.evidence, figures.evidence_needed);
    let mut table = Table::new(&["model", "right", "mean −ln p", "only it is right"]);
    let models = [
        (&names[0], figures.champion, figures.champion_log_loss, figures.losses),
        (&names[1], figures.challenger, figures.challenger_log_loss, figures.wins),
    ];
    for (name, share, loss, only) in models {
        let cells =
            [Cell::Text(name.clone()), Cell::Interval(Some(share)), Cell::Number(Some(loss)), Cell::Count(only)];
        table.rows.push(cells.into());
    }
    Drawing { title: "Champion and challenger".to_owned(), scene, table }
}

/// The champion, while nothing wants its place.
pub fn alone(width: f64, champion: u32, share: Interval) -> Drawing {
    let name = format!("Champion r{champion}");
    let mut scene = Scene::new(width, 0.0);
    let row = ShareRow { name: name.clone(), ink: Ink::Hue(0), share, note: String::new() };
    scene.height = rows::push(&mut scene, 0.0, &[row]);
    let mut table = Table::new(&["model", "right"]);
    table.rows.push(vec![Cell::Text(name), Cell::Interval(Some(share))]);
    Drawing { title: "Champion".to_owned(), scene, table }
}

/// The evidence on a scale of powers of ten, with the line it must pass. Returns where it ends.
fn evidence(scene: &mut Scene, top: f64, evidence: f64, needed: f64) -> f64 {
    // The scale shows what is needed with room around it, and the evidence if it is within reason.
    let low = order::within(evidence, 1e-4, 0.1);
    let high = order::within(evidence, needed * 10.0, 1e6);
    let scale = Scale::logarithmic(low, high, SIDE, scene.width - SIDE);
    let axis = top + 40.0;
    let passed = evidence >= needed;
    scene.label((SIDE, top + 14.0), "Evidence", Anchor::Start, Ink::Text);
    let verdict = if passed { "enough" } else { "not enough" };
    let words = format!("{}, {verdict}: {} needed", format::evidence(evidence), format::number(needed));
    scene.note((scene.width - SIDE, top + 14.0), words.clone(), Anchor::End);
    scene.hairline((SIDE, axis), (scene.width - SIDE, axis));
    let marks = powers(low, high);
    // At most six of the powers are written.
    let every = marks.len().div_ceil(6).max(1);
    for (place, power) in marks.into_iter().enumerate() {
        let x = scale.at(power);
        scene.hairline((x, axis), (x, axis + 4.0));
        if place % every == 0 {
            let anchor = beside(scene, x);
            scene.note((x, axis + 18.0), format::number(power), anchor);
        }
    }
    let gate = scale.at(needed);
    let right = scene.width - SIDE;
    scene.area(vec![(gate, axis - 14.0), (right, axis - 14.0), (right, axis), (gate, axis)], Ink::Hue(2), 0.14);
    scene.line(vec![(gate, axis - 14.0), (gate, axis)], Ink::Text, 1.5, false);
    scene.point((scale.at(evidence), axis), None, Ink::Hue(1), format!("Evidence {words}"));
    axis + 26.0
}

#[cfg(test)]
mod tests {
    use super::super::scene::Mark;
    use super::*;

    fn figures(evidence: f64) -> GateFigures {
        let interval = |estimate| Interval { estimate, low: estimate - 0.05, high: estimate + 0.05, few: false };
        GateFigures {
            audits: 164,
            tests: 0,
            wins: 12,
            losses: 3,
            evidence,
            evidence_needed: 20.0,
            champion: interval(0.85),
            challenger: interval(0.9),
            difference: interval(0.05),
            champion_log_loss: 0.4,
            challenger_log_loss: 0.3,
            classes: Vec::new(),
            audits_needed: Some(9),
        }
    }

    fn places(evidence: f64) -> (f64, f64) {
        let drawing = draw(500.0, 12, 13, &figures(evidence));
        let mut points = drawing.scene.marks.iter().filter_map(|mark| match mark {
            Mark::Point { at, value, .. } if value.starts_with("Evidence") => Some(at.0),
            _ => None,
        });
        let mut gate = drawing.scene.marks.iter().filter_map(|mark| match mark {
            Mark::Line { points, ink: Ink::Text, .. } => Some(points[0].0),
            _ => None,
        });
        (points.next_back().expect("the evidence"), gate.next_back().expect("what is needed"))
    }

    #[test]
    fn evidence_lies_beyond_the_line_only_when_it_is_enough() {
        for (evidence, enough) in
            [(0.0, false), (1e-9, false), (1.0, false), (19.0, false), (20.0, true), (61.0, true), (1e30, true)]
        {
            let (at, gate) = places(evidence);
            assert_eq!(at >= gate - 1e-9, enough, "{evidence}: {at} and {gate}");
            assert!((0.0..=500.0).contains(&at), "{evidence}: {at}");
        }
    }
}
