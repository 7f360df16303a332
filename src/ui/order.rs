//! Order. The page sorts a handful of lists of different kinds, all of them short: one sort of their places serves
//! them all, where a sort of each kind would bring its own copy of the algorithm into the page.

use std::cmp::Ordering;

/// The places `0..count`, sorted by what `compare` says of two of them. Equal ones keep their order.
pub fn places(count: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut places: Vec<usize> = (0..count).collect();
    places.sort_by(|&a, &b| compare(a, b));
    places
}

/// The items, sorted. Equal ones keep their order.
pub fn sorted<T>(items: Vec<T>, compare: impl Fn(&T, &T) -> Ordering) -> Vec<T> {
    let order = places(items.len(), &|a, b| compare(&items[a], &items[b]));
    let mut items: Vec<Option<T>> = items.into_iter().map(Some).collect();
    order.into_iter().filter_map(|place| items[place].take()).collect()
}

/// The items, sorted, each once.
pub fn distinct<T: Ord>(items: Vec<T>) -> Vec<T> {
    let mut items = sorted(items, T::cmp);
    items.dedup();
    items
}

/// The value, or the end of `low..=high` that it lies beyond. As `f64::clamp`, which however brings the code that writes a
/// number, for its panic.
pub fn within(value: f64, low: f64, high: f64) -> f64 {
    if value < low {
        low
    } else if value > high {
        high
    } else {
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_and_keeps_the_order_of_equals() {
        assert_eq!(places(4, &|a, b| [3, 1, 3, 2][a].cmp(&[3, 1, 3, 2][b])), [1, 3, 0, 2]);
        let by_number = |a: &(u32, &str), b: &(u32, &str)| a.0.cmp(&b.0);
        assert_eq!(
            sorted(vec![(2, "a"), (1, "b"), (2, "c"), (1, "d")], by_number),
            [(1, "b"), (1, "d"), (2, "a"), (2, "c")]
        );
        assert_eq!(sorted(Vec::new(), by_number), []);
        assert_eq!(distinct(vec!["b", "a", "b", "a"]), ["a", "b"]);
        assert_eq!([-1.0, 0.25, 7.0].map(|value| within(value, 0.0, 1.0)), [0.0, 0.25, 1.0]);
    }
}
