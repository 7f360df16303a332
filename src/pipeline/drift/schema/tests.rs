use super::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn rows(count: usize, row: impl Fn(usize) -> Vec<String>) -> Vec<Vec<String>> {
    (0..count).map(row).collect()
}

fn check(reference: &[Vec<String>], batch: &[Vec<String>], expected: &[&str]) {
    let columns = names(&["mass", "island"]);
    let found = check_rows(&columns, reference, &columns, batch);
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (finding, expected) in found.iter().zip(expected) {
        assert!(finding.sentence.contains(expected), "{finding:?} instead of {expected}");
    }
}

fn penguins(count: usize, change: impl Fn(usize, &mut [String; 2])) -> Vec<Vec<String>> {
    rows(count, |i| {
        let island = ["Dream", "Biscoe", "Torgersen"][i * 7 % 3];
        let mut row = [format!("{}", 3000 + i * 397 % 1500), island.to_string()];
        change(i, &mut row);
        row.to_vec()
    })
}

#[test]
fn each_fault_is_named_once() {
    let reference = penguins(300, |_, _| {});
    check(&reference, &penguins(100, |_, _| {}), &[]);
    check(
        &reference,
        &penguins(100, |i, row| {
            if i % 3 == 0 {
                row[0] = "NA".into()
            }
        }),
        &["“mass” is empty in 34 % of the rows, before in 0 %"],
    );
    check(
        &reference,
        &penguins(100, |_, row| row[0] = "heavy".into()),
        &["held numbers and now holds words (“heavy”)"],
    );
    check(&reference, &penguins(100, |_, row| row[0] = format!("{},5", &row[0])), &["writes numbers in another way"]);
    check(
        &reference,
        &penguins(100, |i, row| row[1] = format!("{}", i % 4)),
        &["held words (“Dream”) and now holds numbers"],
    );
    check(&reference, &penguins(100, |_, row| row[0].clear()), &["“mass” has no value in any row"]);
    check(&reference, &penguins(100, |_, row| row[1] = "Dream".into()), &["is “Dream” in every row"]);
    check(
        &reference,
        &penguins(100, |i, row| {
            if i % 4 == 0 {
                row[1] = "Anvers".into()
            }
        }),
        &["never seen, in 25 % of the rows: “Anvers”."],
    );
    check(
        &reference,
        &penguins(100, |_, row| row[0] = format!("{}", row[0].parse::<f64>().expect("a number") / 1000.0)),
        &["range, 3000 to 4498, in 100 % of the rows"],
    );
    check(&reference, &[], &[]);
    check(&[], &reference, &[]);
}

#[test]
fn columns_are_matched_by_name() {
    let reference = rows(50, |i| names(&[&format!("{i}"), "x", &format!("{}", i % 3)]));
    let batch = rows(50, |i| names(&[&format!("{}", i % 3), &format!("{i}"), "?", "7"]));
    let found = check_rows(
        &names(&["mass", "Bill length", "year"]),
        &reference,
        &names(&["year", "mass", "bill_length", "sex"]),
        &batch,
    );
    let sentences: Vec<&str> = found.iter().map(|finding| finding.sentence.as_str()).collect();
    assert_eq!(
        sentences,
        [
            "The column “Bill length” is missing. Its cells count as missing, and predictions suffer. Is it “bill_length” now? Then rename it.",
            "The columns “bill_length” and “sex” are not in the reference and are left out.",
            "The columns are in another order. They are matched by name, so nothing changes."
        ]
    );
    assert_eq!((found[0].severity, found[1].severity), (Severity::Warning, Severity::Note));
}

#[test]
fn rows_of_the_same_table_are_rarely_faulted() {
    let mut random = ChaCha8Rng::seed_from_u64(6);
    let mut faulted = 0;
    for _ in 0..300 {
        // A number with a long tail, a category with many rare values, a column that is often empty.
        let mut draw = |count: usize| -> Vec<Vec<String>> {
            (0..count)
                .map(|_| {
                    let tail = (1.0 / random.random_range(0.001..1.0f64)).powi(2);
                    let rare = (1.0 / random.random_range(0.002..1.0f64)) as u32;
                    let empty = if random.random::<f64>() < 0.4 { String::new() } else { "a".into() };
                    vec![format!("{tail}"), format!("c{rare}"), empty]
                })
                .collect()
        };
        let columns = names(&["tail", "rare", "empty"]);
        faulted += usize::from(!check_rows(&columns, &draw(400), &columns, &draw(150)).is_empty());
    }
    assert!(faulted <= 6, "{faulted} of 300");
}

#[test]
fn duplicates_of_training_items_are_told() {
    assert!(check_duplicates(0, 0, 50).is_empty());
    let found = check_duplicates(20, 1, 50);
    assert!(found[0].sentence.starts_with("20 of 50 items (40 %) are in the training data already."), "{found:?}");
    assert_eq!(found.len(), 2);
}
