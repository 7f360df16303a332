//! Values by a count: the learning curve, and metrics by step.

use super::Drawing;
use super::axes::{self, Field, Unit};
use super::scale::{Scale, floor_of_shares, spread, widened};
use super::scene::{Anchor, Ink, Scene};
use super::table::{Cell, Table};
use crate::protocol::{BatchMonitor, CurvePoint, Health, Interval, MetricCurve, MonitorState};
use crate::ui::{format, order};

const HEIGHT: f64 = 260.0;
const LINE_GAP: f64 = 15.0;

/// One line of such a chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What is written at its end.
    pub name: String,
    /// Its colour.
    pub ink: Ink,
    /// Thin: a guide beside what matters.
    pub thin: bool,
    /// Each value stands for itself: no line joins them.
    pub apart: bool,
    /// Broken: not measured in this project, only estimated for comparison.
    pub dashed: bool,
    /// By count.
    pub points: Vec<Valued>,
}

impl Series {
    fn line(name: &str, ink: Ink, thin: bool, dashed: bool, points: Vec<Valued>) -> Self {
        Self { name: name.to_owned(), ink, thin, apart: false, dashed, points }
    }
}

/// Count, value, and its interval.
pub type Valued = (f64, f64, Option<Interval>);

/// What the axes of such a chart are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Axes<'a> {
    /// What is counted across, as in "120 labels".
    pub across: &'a str,
    /// How the values are written.
    pub unit: Unit,
    /// What stands at 1, 2, 3, … if it isn't a count.
    pub names: &'a [String],
}

/// Draws the lines, each with its interval as a band and its name and last value at its end.
pub fn draw(width: f64, axes: Axes<'_>, series: &[Series]) -> Scene {
    let mut scene = Scene::new(width, HEIGHT);
    let longest = series.iter().map(|series| series.name.chars().count()).max().unwrap_or(0) as f64;
    let room = order::within(longest * 6.6 + 14.0, 64.0, (width * 0.36).max(64.0));
    let field = Field { left: 46.0, right: width - room, top: 10.0, bottom: HEIGHT - 42.0 };
    let all = || series.iter().flat_map(|series| &series.points);
    let extent = |values: &mut dyn Iterator<Item = f64>| {
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
    };
    let (first, last) = extent(&mut all().map(|point| point.0));
    let (mut low, mut high) = extent(&mut all().flat_map(|&(_, value, ends)| {
        let (low, high) = ends.map_or((value, value), |ends| (ends.low, ends.high));
        [value, low, high]
    }));
    if !first.is_finite() || !low.is_finite() {
        return scene;
    }
    match axes.unit {
        Unit::Share => (low, high) = (floor_of_shares(low), 1.0),
        // A line that never changes lies in the middle of its axis.
        Unit::Number if low == high => (low, high) = (low - 1.0, high + 1.0),
        Unit::Number => (low, high) = widened(low, high, axes::UPWARD_TICKS),
    }
    // Labels are counted from none; steps from the first that there is.
    let begin = if axes.unit == Unit::Share { 0.0 } else { first.min(last - 1.0) };
    let y = axes::upward(&mut scene, field, axes.unit, low, high);
    let x = match axes.names.len() as f64 {
        0.0 => axes::across(&mut scene, field, Unit::Number, begin, last.max(begin + 1.0), axes.across),
        places => {
            let scale = Scale::linear(0.5, places + 0.5, field.left, field.right);
            let letters = ((field.right - field.left) / places / 7.0) as usize;
            for (place, name) in (1..).zip(axes.names) {
                let at = (scale.at(f64::from(place)), field.bottom + 17.0);
                scene.note(at, format::shorten(name, letters.max(3)), Anchor::Middle);
            }
            scale
        }
    };
    for series in series.iter().filter(|series| !series.apart) {
        let place = |value: f64, count: f64| (x.at(count), y.at(value));
        let band: Vec<(f64, f64, f64)> = series
            .points
            .iter()
            .filter_map(|&(count, _, ends)| ends.map(|ends| (count, ends.low, ends.high)))
            .collect();
        if band.len() > 1 {
            let above = band.iter().map(|&(count, _, high)| place(high, count));
            let below = band.iter().rev().map(|&(count, low, _)| place(low, count));
            scene.area(above.chain(below).collect(), series.ink, 0.14);
        }
        let line = series.points.iter().map(|&(count, value, _)| place(value, count)).collect();
        scene.line(line, series.ink, if series.thin { 1.25 } else { 2.25 }, series.dashed);
    }
    for series in series {
        for &(count, value, ends) in &series.points {
            let at = (x.at(count), y.at(value));
            let whisker = ends.map(|ends| [(at.0, y.at(ends.low)), (at.0, y.at(ends.high))]);
            let words = words(axes, series, count, value, ends);
            let ink = if is_few(ends) { Ink::Soft } else { series.ink };
            if series.thin && whisker.is_none() {
                scene.small_point(at, ink, words);
            } else {
                scene.point(at, whisker, ink, words);
            }
        }
    }
    let ends: Vec<(&Series, &Valued)> =
        series.iter().filter_map(|series| series.points.last().map(|last| (series, last))).collect();
    let places: Vec<f64> = ends.iter().map(|(_, last)| y.at(last.1) + 4.0).collect();
    for (&(series, &(_, value, interval)), place) in
        ends.iter().zip(spread(&places, LINE_GAP * 2.0, field.bottom - LINE_GAP))
    {
        // The name stands above the value: beside each other they would take half a phone's width.
        let value = if is_few(interval) { "too few".to_owned() } else { axes.unit.exact(value) };
        scene.label((field.right + 8.0, place - 2.0), value, Anchor::Start, series.ink);
        scene.note((field.right + 8.0, place + LINE_GAP - 3.0), series.name.clone(), Anchor::Start);
    }
    scene
}

fn is_few(interval: Option<Interval>) -> bool {
    interval.is_some_and(|interval| interval.few)
}

fn words(axes: Axes<'_>, series: &Series, count: f64, value: f64, ends: Option<Interval>) -> String {
    let value = match (axes.unit, ends) {
        (Unit::Share, Some(interval)) => format::estimate(interval),
        _ => axes.unit.exact(value),
    };
    if let Some(name) = axes.names.get((count as usize).saturating_sub(1)) {
        return format!("{}: {value} · {name}", series.name);
    }
    match axes.unit {
        Unit::Share => format!("{}: {value} at {} {}", series.name, format::count(count as u64), axes.across),
        Unit::Number => format!("{}: {value} at {} {}", series.name, axes.across, format::number(count)),
    }
}

/// The learning curve: right on the audits, right on the training labels out of fold, and what random labels would
/// have given.
pub fn learning_curve(width: f64, curve: &[CurvePoint], baseline: &[(u32, Interval)]) -> Drawing {
    let with = |interval: &Interval| (interval.estimate, Some(*interval));
    let audits = curve.iter().filter_map(|point| {
        let (value, ends) = with(point.audits.as_ref()?);
        Some((f64::from(point.labels), value, ends))
    });
    let training = curve.iter().filter_map(|point| Some((f64::from(point.labels), point.out_of_fold?, None)));
    let random = baseline.iter().map(|(labels, interval)| {
        let (value, ends) = with(interval);
        (f64::from(*labels), value, ends)
    });
    let mut series = vec![
        Series::line("random labels", Ink::Edge, true, true, random.collect()),
        Series::line("training labels", Ink::Hue(1), true, false, training.collect()),
        Series::line("audits", Ink::Hue(0), false, false, audits.collect()),
    ];
    series.retain(|series| !series.points.is_empty());
    let mut table =
        Table::new(&["labels", "right on audits", "right on training labels, out of fold", "random labels"]);
    let mut counts: Vec<u32> = curve.iter().map(|point| point.labels).collect();
    counts.extend(baseline.iter().map(|(labels, _)| *labels));
    for labels in order::distinct(counts) {
        let here = curve.iter().find(|point| point.labels == labels);
        let random = baseline.iter().find(|(count, _)| *count == labels).map(|(_, interval)| *interval);
        table.rows.push(vec![
            Cell::Count(labels),
            Cell::Interval(here.and_then(|point| point.audits)),
            Cell::Share(here.and_then(|point| point.out_of_fold)),
            Cell::Interval(random),
        ]);
    }
    let scene = draw(width, Axes { across: "labels", unit: Unit::Share, names: &[] }, &series);
    Drawing { title: "Learning curve".to_owned(), scene, table }
}

/// Accuracy import by import: what the champion's confidence promises, what audits found, and what is acceptable.
pub fn timeline(width: f64, state: &MonitorState) -> Drawing {
    let with = |interval: Interval| (interval.estimate, Some(interval));
    let audited = |batch: &BatchMonitor| batch.audited.map(|audit| audit.share());
    let points = |of: &dyn Fn(&BatchMonitor) -> Option<Interval>| {
        let place = |(place, batch): (u32, &BatchMonitor)| {
            let (value, ends) = with(of(batch)?);
            Some((f64::from(place), value, ends))
        };
        (1..).zip(&state.batches).filter_map(place).collect::<Vec<Valued>>()
    };
    let ends = [1.0, state.batches.len().max(1) as f64];
    let acceptable = state.floor.map(|floor| ends.map(|place| (place, floor, None)).to_vec()).unwrap_or_default();
    let mut series = vec![
        Series::line("acceptable", Ink::Edge, true, true, acceptable),
        Series::line("expected", Ink::Hue(1), false, false, points(&|batch| batch.estimate)),
        Series { apart: true, ..Series::line("audited", Ink::Hue(0), false, false, points(&audited)) },
    ];
    series.retain(|series| !series.points.is_empty());
    let mut table =
        Table::new(&["import", "items", "state", "expected right", "audited right", "accepted", "acceptable"]);
    for batch in &state.batches {
        table.rows.push(vec![
            Cell::Text(batch.name.clone()),
            Cell::Count(batch.items),
            Cell::Text(batch.health.map_or("–", Health::word).to_owned()),
            Cell::Interval(batch.estimate),
            Cell::Interval(audited(batch)),
            Cell::Share(Some(batch.accepted)),
            Cell::Share(state.floor),
        ]);
    }
    let names: Vec<String> = state.batches.iter().map(|batch| batch.name.clone()).collect();
    let scene = draw(width, Axes { across: "imports", unit: Unit::Share, names: &names }, &series);
    Drawing { title: "Accuracy by import".to_owned(), scene, table }
}

/// One metric of several runs by step. A run's colour follows its place in `runs`, as in every chart of a comparison.
pub fn metric(width: f64, key: &str, runs: &[u32], curves: &[MetricCurve]) -> Drawing {
    let mut table = Table::new(&["run", "step", key]);
    let mut series = Vec::new();
    for curve in curves.iter().filter(|curve| curve.key == key) {
        let place = runs.iter().position(|run| *run == curve.run).unwrap_or_default();
        let name = format!("r{}", curve.run);
        for &(step, value) in &curve.points {
            table.rows.push(vec![Cell::Text(name.clone()), Cell::Count(step), Cell::Number(Some(value))]);
        }
        let points = curve.points.iter().filter(|(_, value)| value.is_finite());
        let points = points.map(|&(step, value)| (f64::from(step), value, None)).collect();
        series.push(Series { name, ink: Ink::Hue(place), thin: false, apart: false, dashed: false, points });
    }
    let scene = draw(width, Axes { across: "step", unit: Unit::Number, names: &[] }, &series);
    Drawing { title: key.to_owned(), scene, table }
}

#[cfg(test)]
mod tests {
    use super::super::scene::Mark;
    use super::*;

    fn curve() -> Vec<CurvePoint> {
        let interval = |estimate| Interval { estimate, low: estimate - 0.1, high: estimate + 0.05, few: false };
        vec![
            CurvePoint { labels: 10, audits: None, out_of_fold: Some(0.6) },
            CurvePoint { labels: 50, audits: Some(interval(0.8)), out_of_fold: Some(0.85) },
            CurvePoint { labels: 100, audits: Some(interval(0.9)), out_of_fold: None },
        ]
    }

    fn values(scene: &Scene) -> Vec<&str> {
        scene.marks.iter().filter_map(value_of).collect()
    }

    fn value_of(mark: &Mark) -> Option<&str> {
        match mark {
            Mark::Point { value, .. } => Some(value),
            _ => None,
        }
    }

    #[test]
    fn every_value_has_a_point_that_says_it_and_a_row() {
        let baseline = [(50, Interval { estimate: 0.7, low: 0.6, high: 0.8, few: false })];
        let drawing = learning_curve(600.0, &curve(), &baseline);
        let found = values(&drawing.scene);
        assert_eq!(found.len(), 5, "{found:?}");
        assert!(found.contains(&"audits: 90.0\u{a0}% (80.0–95.0) at 100 labels"), "{found:?}");
        assert!(found.contains(&"training labels: 60.0\u{a0}% at 10 labels"), "{found:?}");
        assert_eq!(drawing.table.rows.len(), 3);
        assert_eq!(drawing.table.rows[1][3].shown(), "70.0\u{a0}% (60.0–80.0)");
    }

    #[test]
    fn a_timeline_names_its_imports() {
        let batch = |batch: u32, estimate, audited: Option<(u32, u32)>| BatchMonitor {
            batch,
            name: format!("week {batch}"),
            items: 300,
            time_ms: 0.0,
            is_reference: batch == 0,
            health: Some(Health::Watch),
            sentence: String::new(),
            estimate: Some(Interval { estimate, low: estimate - 0.05, high: estimate + 0.04, few: false }),
            audited: audited.map(|(right, total)| {
                let estimate = f64::from(right) / f64::from(total);
                crate::protocol::AuditState { right, total, estimate, low: 0.6, high: 0.9 }
            }),
            came_labelled: false,
            audits_needed: None,
            accepted: 0.25,
            findings: 0,
        };
        let batches = vec![batch(0, 0.9, None), batch(1, 0.8, Some((60, 80)))];
        let state = MonitorState { floor: Some(0.85), batches, ..MonitorState::default() };
        for width in [280.0, 900.0] {
            let drawing = timeline(width, &state);
            let found = values(&drawing.scene);
            assert!(found.contains(&"audited: 75.0\u{a0}% (60.0–90.0) · week 1"), "{found:?}");
            assert!(found.contains(&"expected: 90.0\u{a0}% (85.0–94.0) · week 0"), "{found:?}");
            assert!(found.contains(&"acceptable: 85.0\u{a0}% · week 1"), "{found:?}");
            assert_eq!(drawing.table.rows[1][5].shown(), "25.0\u{a0}%");
        }
        let empty = timeline(400.0, &MonitorState { floor: Some(0.8), ..MonitorState::default() });
        assert!(!format!("{:?}", empty.scene).contains("NaN"));
    }

    #[test]
    fn nothing_leaves_the_field_at_any_width() {
        for width in [280.0, 350.0, 900.0] {
            let scene = learning_curve(width, &curve(), &[]).scene;
            for mark in &scene.marks {
                if let Mark::Point { at: (x, y), .. } = mark {
                    assert!((0.0..=width).contains(x) && (0.0..=HEIGHT).contains(y), "{width}: {x} {y}");
                }
            }
        }
    }

    #[test]
    fn a_metric_that_never_changes_or_is_not_there_is_drawn() {
        let curve = |points: &[(u32, f64)]| MetricCurve { run: 3, key: "loss".into(), points: points.to_vec() };
        for (points, expected) in
            [(vec![(0, 0.5), (1, 0.5)], 2), (vec![(4, 0.5)], 1), (vec![], 0), (vec![(0, f64::NAN), (1, 1.0)], 1)]
        {
            let drawing = metric(400.0, "loss", &[3], &[curve(&points)]);
            assert_eq!(values(&drawing.scene).len(), expected, "{points:?}");
            let marks = format!("{:?}", drawing.scene.marks);
            assert!(!marks.contains("NaN") && !marks.contains("inf"), "{marks}");
        }
    }
}
