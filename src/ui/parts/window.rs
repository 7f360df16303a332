//! Which rows of a long list are in sight. Only these are in the document, however many items there are.

use std::ops::Range;

/// A list of equal tiles in a scrolling box, all lengths in CSS pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Viewport {
    /// How far the box is scrolled.
    pub scroll_top: f64,
    /// The box's inner height.
    pub height: f64,
    /// The height of a row of tiles, gap included; above 0.
    pub row_height: f64,
    /// Tiles a row; at least 1.
    pub columns: u32,
}

impl Viewport {
    /// How many columns of at least `tile` pixels fit into `width`; at least one.
    pub fn columns_in(width: f64, tile: f64) -> u32 {
        (width / tile).floor().max(1.0) as u32
    }

    /// The height of the whole list of `total` tiles.
    pub fn full_height(&self, total: u32) -> f64 {
        f64::from(total.div_ceil(self.columns)) * self.row_height
    }

    /// Where the first tile of `range` begins, from the list's top.
    pub fn offset_of(&self, range: &Range<u32>) -> f64 {
        f64::from(range.start / self.columns) * self.row_height
    }
}

/// The tiles in sight and `overscan` rows to either side, as a range of indices below `total` that begins a row.
/// A box scrolled past the end (the list just got shorter) shows the last rows.
pub fn visible_range(viewport: &Viewport, total: u32, overscan: u32) -> Range<u32> {
    let rows = total.div_ceil(viewport.columns);
    if rows == 0 {
        return 0..0;
    }
    let in_sight = (viewport.height.max(0.0) / viewport.row_height).ceil() as u32 + 1;
    let first =
        ((viewport.scroll_top.max(0.0) / viewport.row_height).floor() as u32).min(rows.saturating_sub(in_sight));
    let from = first.saturating_sub(overscan);
    let to = first.saturating_add(in_sight).saturating_add(overscan).min(rows);
    from * viewport.columns..to.saturating_mul(viewport.columns).min(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(scroll_top: f64, total: u32, expected: Range<u32>) {
        let viewport = Viewport { scroll_top, height: 100.0, row_height: 20.0, columns: 4 };
        assert_eq!(visible_range(&viewport, total, 1), expected, "scrolled {scroll_top} of {total}");
    }

    #[test]
    fn shows_what_is_in_sight_and_one_row_to_either_side() {
        check(0.0, 0, 0..0);
        check(0.0, 3, 0..3);
        check(0.0, 1000, 0..28);
        check(19.9, 1000, 0..28);
        check(200.0, 1000, 36..68);
        check(-50.0, 1000, 0..28);
    }

    #[test]
    fn the_end_is_reached_and_never_passed() {
        check(4900.0, 1000, 972..1000);
        check(1.0e9, 1000, 972..1000);
        check(1.0e9, 999, 972..999);
        check(200.0, 8, 0..8);
    }

    #[test]
    fn every_tile_is_in_sight_at_some_scroll_position() {
        let total = 537;
        let mut seen = vec![false; total as usize];
        let mut viewport = Viewport { scroll_top: 0.0, height: 333.0, row_height: 57.0, columns: 5 };
        while viewport.scroll_top < viewport.full_height(total) {
            for index in visible_range(&viewport, total, 0) {
                seen[index as usize] = true;
            }
            viewport.scroll_top += 57.0;
        }
        assert!(seen.iter().all(|&seen| seen));
    }

    #[test]
    fn columns_fit_the_width() {
        for (width, expected) in [(0.0, 1), (99.0, 1), (100.0, 1), (250.0, 2), (1000.0, 10)] {
            assert_eq!(Viewport::columns_in(width, 100.0), expected, "{width}");
        }
    }
}
