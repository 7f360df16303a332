//! The confusion matrix as a picture and a table, to be saved. On the page its cells are buttons.

use super::Drawing;
use super::scene::{Anchor, Ink, Scene};
use super::table::{Cell, Table};
use crate::ui::format;

const CELL: f64 = 52.0;
const LEFT: f64 = 120.0;
const TOP: f64 = 56.0;

/// How dark a cell is, in tenths: its share of its row, which is what the class's audits became.
pub fn shade(row: &[u32], column: usize) -> u8 {
    let (count, total) = (row.get(column).copied().unwrap_or(0), row.iter().sum::<u32>());
    match (count, total) {
        (0, _) | (_, 0) => 0,
        // A cell that isn't empty is never quite white.
        _ => ((f64::from(count) / f64::from(total) * 10.0).round() as u8).max(1),
    }
}

/// Draws the K × K counts: rows are the audited class, columns the predicted one.
pub fn draw(classes: &[String], confusion: &[Vec<u32>]) -> Drawing {
    let side = CELL * classes.len() as f64;
    let mut scene = Scene::new(LEFT + side + 12.0, TOP + side + 12.0);
    scene.note((LEFT + side / 2.0, 16.0), "predicted", Anchor::Middle);
    scene.note((12.0, TOP - 10.0), "audited", Anchor::Start);
    let mut table = Table::new(&["audited"]);
    table.head.extend(classes.iter().map(|name| format!("predicted {name}")));
    for (row, name) in classes.iter().enumerate() {
        let counts = confusion.get(row).map(Vec::as_slice).unwrap_or_default();
        let y = TOP + CELL * row as f64;
        scene.note((LEFT + CELL * row as f64 + CELL / 2.0, TOP - 10.0), format::shorten(name, 8), Anchor::Middle);
        scene.label((LEFT - 8.0, y + CELL / 2.0 + 4.0), format::shorten(name, 15), Anchor::End, Ink::Text);
        let mut cells = vec![Cell::Text(name.clone())];
        for column in 0..classes.len() {
            let (x, count) = (LEFT + CELL * column as f64, counts.get(column).copied().unwrap_or(0));
            let corners = vec![(x, y), (x + CELL, y), (x + CELL, y + CELL), (x, y + CELL)];
            let ink = if row == column { Ink::Hue(2) } else { Ink::Hue(1) };
            scene.area(corners.clone(), ink, f64::from(shade(counts, column)) * 0.05);
            scene.line(corners.into_iter().chain([(x, y)]).collect(), Ink::Hairline, 1.0, false);
            scene.label((x + CELL / 2.0, y + CELL / 2.0 + 4.0), format::count(count.into()), Anchor::Middle, Ink::Text);
            cells.push(Cell::Count(count));
        }
        table.rows.push(cells);
    }
    Drawing { title: "Confusion matrix".to_owned(), scene, table }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shading_is_the_share_of_the_row_and_never_hides_a_count() {
        for (row, column, expected) in
            [(&[9, 1][..], 0, 9), (&[9, 1], 1, 1), (&[999, 1], 1, 1), (&[0, 4], 0, 0), (&[0, 0], 1, 0), (&[5], 0, 10)]
        {
            assert_eq!(shade(row, column), expected, "{row:?} {column}");
        }
    }

    #[test]
    fn every_count_is_in_the_table() {
        let drawing = draw(&["cat".into(), "dog".into()], &[vec![8, 2], vec![0, 10]]);
        assert_eq!(drawing.table.csv().0, "audited,predicted cat,predicted dog\r\ncat,8,2\r\ndog,0,10\r\n");
    }
}
