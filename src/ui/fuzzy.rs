//! How the command palette finds a command: by the words typed, in any order, each as the start of a word before
//! the middle of one.

use crate::ui::{order, text};

/// How well `query` fits `text`; higher is better, `None` if a word of the query is nowhere in it. An empty query
/// fits everything equally.
pub fn fit(query: &str, text: &str) -> Option<u32> {
    let text = text::lowercase(text);
    text::lowercase(query).split_whitespace().try_fold(0, |sum, word| {
        let place = text.find(word)?;
        let starts = text.split(|c: char| !c.is_alphanumeric()).any(|part| part.starts_with(word));
        Some(
            sum + if place == 0 {
                3
            } else if starts {
                2
            } else {
                1
            },
        )
    })
}

/// The indices of the texts that fit, best first, ties in the given order.
pub fn best<'a>(query: &str, texts: impl IntoIterator<Item = &'a str>) -> Vec<usize> {
    let fits = texts.into_iter().enumerate().filter_map(|(index, text)| Some((fit(query, text)?, index))).collect();
    let best_first = order::sorted(fits, |a: &(u32, usize), b| b.0.cmp(&a.0));
    best_first.into_iter().map(|(_, index)| index).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_by_words_in_any_order_and_prefers_beginnings() {
        let commands = ["Go to Label", "Label as bird", "Export labels as CSV", "Undo"];
        let check = |query: &str, expected: &[usize]| assert_eq!(best(query, commands), expected, "{query}");
        check("", &[0, 1, 2, 3]);
        check("label", &[1, 0, 2]);
        check("csv EXPORT", &[2]);
        check("bird as", &[1]);
        check("xyz", &[]);
    }
}
