use super::*;
use crate::pipeline::log::run::tests::{example, metric};
use crate::pipeline::log::run::{RunKind, RunStatus};
use proptest::prelude::*;

fn run() -> Run {
    let mut run = example(12);
    run.name = "Ridge, all n-grams".into();
    run.metrics.push(metric("macro f1", 0.5, 3, 0.0));
    run.metrics.push(metric("nothing", f64::NAN, 0, 0.0));
    run.params.extend([("c".into(), "0.10".into()), ("layers".into(), "12".into()), ("n-grams".into(), "yes".into())]);
    run.tags.insert("mlflow.user".into(), "O'Hara".into());
    run.kind = RunKind::Trial;
    run.status = RunStatus::Finished;
    // 2023-11-14T22:13:20Z, and a minute and a half later.
    run.start_ms = 1_700_000_000_000.0;
    run.end_ms = Some(1_700_000_090_000.0);
    run
}

fn check(text: &str, expected: bool) {
    let query = Query::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(query.matches(&run()), expected, "{text}");
}

#[test]
fn what_matches() {
    for text in [
        "",
        "  \n",
        "metrics.accuracy > 0.87 and params.head = \"ridge\"",
        "metrics.accuracy = 0.875",
        "metric.accuracy >= 8.75e-1",
        "metrics.`macro f1` <= .5",
        "metrics.\"macro f1\" != -1",
        // Numbers if both are: 0.10 is 0.1, and 12 is more than 9.
        "params.c = 0.1",
        "params.c = \"0.1\"",
        "params.layers > 9",
        "params.layers > \"9\"",
        // Else text.
        "params.head > 'a' AND params.head < 'z'",
        "params.head != 3",
        "params.head = ridge",
        "parameters.n-grams = 'yes'",
        "tags.mlflow.user = 'O''Hara'",
        "tags.mlflow.user = 'O\\'Hara'",
        "tags.`mlflow.user` like 'O_H%'",
        "params.head like '%d%e'",
        "params.head ilike 'RID%'",
        "params.layers like '1%'",
        "attributes.status = 'FINISHED' and status = finished",
        "attributes.kind = 'trial'",
        "name ilike 'ridge%'",
        "attributes.number = 12 and number = r12 and number = 'r12' and number > 11",
        "attributes.start_time >= 1700000000000",
        "start_time = '2023-11-14' and start_time <= \"2023-11-14\" and start_time > '2023-11-13'",
        "end_time > '2023-11-14T22:13' and end_time = '2023-11-14T22:14' and duration = 90",
        "not metrics.loss > 0",
        "not (params.head = 'ridge' and params.layers = 3)",
        "params.head = 'knn' or params.head = 'mlp' or params.head = 'ridge'",
        // `and` binds more tightly.
        "params.head = 'ridge' or params.head = 'knn' and params.layers = 3",
        "fingerprint like 'abab%' and note = ''",
        "metrics.accuracy>0.1 and(params.c<1)",
    ] {
        check(text, true);
    }
}

#[test]
fn what_does_not_match() {
    for text in [
        "metrics.accuracy > 0.875",
        "metrics.accuracy != 0.875",
        "(params.head = 'ridge' or params.head = 'knn') and params.layers = 3",
        // A missing key satisfies nothing, and neither does what is no number.
        "metrics.loss != 0",
        "params.none != 'a'",
        "parent != 'a'",
        "metrics.nothing = 0 or metrics.nothing != 0 or metrics.nothing < 1",
        "params.head like 'ridg'",
        "params.head like 'RIDGE'",
        "params.head like '_'",
        "start_time > '2023-11-14'",
        "not not status = 'failed'",
        "status != 'Finished'",
        "number < 12",
    ] {
        check(text, false);
    }
}

#[test]
fn an_error_says_where_and_what_was_expected() {
    for (text, place, expected) in [
        ("accuracy > 0.9", 0, "attributes status, kind"),
        ("metric > 3", 0, "attributes status"),
        ("metrics. > 3", 8, "a name"),
        ("metrics.accuracy", 16, "`like`"),
        ("metrics.accuracy ~ 1", 17, "`>=`"),
        ("metrics.accuracy > ", 19, "a number"),
        ("metrics.accuracy > 'high'", 19, "a number"),
        ("metrics.accuracy > high", 19, "a number"),
        ("metrics.accuracy like '9%'", 17, "because this is a number"),
        ("params.head = 'ridge", 20, "a closing ' for the one at character 15"),
        ("params.`head = 1", 16, "a closing `"),
        ("params.head = ridge knn", 20, "`and`, `or` or the end"),
        ("(params.head = 'ridge'", 22, "`)`"),
        ("params.head = 'ridge')", 21, "the end"),
        ("params.head = 'é' and", 21, "`metrics.`"),
        ("params.head = and", 14, "text between quotes"),
        ("params.head = 1 or and params.a = 2", 19, "`metrics.`"),
        ("start_time > 'yesterday'", 13, "such as \"2026-11-24\""),
        ("model.head = 'ridge'", 0, "`params.`"),
        ("attributes.colour = 'red'", 11, "start_time"),
    ] {
        let error = Query::parse(text).expect_err(text);
        assert_eq!(error.place, place, "{text}: {error}");
        assert!(error.to_string().contains(expected), "{text}: {error}");
    }
    let error = Query::parse("metrics.accuracy > high and params.a = 1").unwrap_err();
    assert_eq!(error.to_string(), "At character 20: expected a number, found `high`.");
}

#[test]
fn nesting_ends_before_the_stack_does() {
    let nested = |depth: usize| format!("{}params.head = 1{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Query::parse(&nested(60)).is_ok());
    assert!(Query::parse(&nested(100_000)).unwrap_err().to_string().contains("nested"));
    assert!(Query::parse(&"not ".repeat(100_000)).is_err());
    // Side by side there is no end.
    let wide = vec!["(not params.head = 'knn')"; 10_000].join(" and ");
    check(&wide, true);
}

#[test]
fn patterns_do_not_explode() {
    let text = "a".repeat(5_000);
    assert!(!like(&text, &format!("{}b", "a%".repeat(50))));
    assert!(like(&text, &"a%".repeat(50)));
    assert!(like("", "%%") && !like("", "_") && like("é", "_"));
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,60}") {
        if let Ok(query) = Query::parse(&text) {
            query.matches(&run());
        }
    }

    #[test]
    fn no_mixture_of_words_panics(words in prop::collection::vec(prop::sample::select(vec![
        "metrics.accuracy", "params.head", "tags.`a b`", "status", "number", "start_time", "=", "!=", ">", "<=", "like", "ilike",
        "and", "or", "not", "(", ")", "0.9", "-1e400", "NaN", "'ridge'", "\"", "'", "`", "r12", "%", ".", "é", "'2026-11-24'",
    ]), 0..12)) {
        match Query::parse(&words.join(" ")) {
            Ok(query) => { query.matches(&run()); }
            Err(error) => {
                prop_assert!(error.place <= words.join(" ").chars().count());
                prop_assert!(!error.expected.is_empty());
            }
        }
    }
}
