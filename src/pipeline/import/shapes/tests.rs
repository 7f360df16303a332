use super::*;
use crate::pipeline::import::json::fields_of_object;

fn fields(text: &str) -> Fields {
    fields_of_object(text).expect("an object")
}

fn texts(fields: &Fields) -> Vec<(&str, &str)> {
    fields.cells.iter().map(|(name, cell)| (name.as_str(), cell.text.as_str())).collect()
}

fn labels(fields: &Fields, column: &str) -> Vec<(String, Option<String>, Option<f64>)> {
    let cell = fields.cells.iter().find(|(name, _)| name == column).map(|(_, cell)| cell.clone()).unwrap_or_default();
    cell.labels.unwrap_or_default().into_iter().map(|label| (label.name, label.annotator, label.time_ms)).collect()
}

#[test]
fn doccano_lists_its_labels() {
    let of = |label: &str| fields(&format!(r#"{{"text": "so", "label": {label}}}"#)).cells[1].1.clone();
    assert_eq!((of("[\"x\"]").text.as_str(), of("[\"x\"]").list), ("x", Some(vec!["x".into()])));
    assert_eq!((of("[]").text.as_str(), of("[]").list), ("", Some(vec![])));
    assert_eq!(of("[\"x\", \"y\"]").list.map(|list| list.len()), Some(2));
}

#[test]
fn argilla_nests_fields_and_answers() {
    let record = fields(
        r#"{"id": "7", "fields": {"text": "so it goes"}, "metadata": {"split": "train"}, "suggestions": {"label": {"value": "good"}},
           "responses": {"label": [{"value": "bad", "user_id": "u", "status": "submitted"}, {"value": "good", "user_id": "v", "status": "discarded"}]}}"#,
    );
    assert_eq!(texts(&record), [("id", "7"), ("text", "so it goes"), ("split", "train"), ("label", "bad")]);
    assert_eq!(labels(&record, "label"), [("bad".into(), Some("u".into()), None)]);
    assert!(matches!(&record.remark, Some(Remark::OfAll(message)) if message.contains("suggestions")));
    let columns = fields(
        r#"{"text": "so", "label.responses": ["bad", "good"], "label.responses.users": ["u", "v"],
            "label.responses.status": ["submitted", "draft"], "label.suggestion": "good"}"#,
    );
    assert_eq!(texts(&columns), [("text", "so"), ("label", "bad")]);
}

#[test]
fn label_studio_tasks_carry_who_and_when() {
    let task = fields(
        r#"{"id": 3, "data": {"text": "so it goes", "source": "a"}, "annotations": [
            {"completed_by": {"id": 1, "email": "ann@example.org"}, "created_at": "1970-01-01T00:00:01Z",
             "result": [{"type": "choices", "value": {"choices": ["bad"]}}]},
            {"completed_by": 2, "was_cancelled": true, "result": [{"value": {"choices": ["good"]}}]},
            {"completed_by": 4, "result": [{"value": {"choices": ["good"]}}]}],
            "predictions": [{"result": [{"value": {"choices": ["good"]}}], "score": 0.7}], "file_upload": "x.json"}"#,
    );
    assert_eq!(texts(&task), [("id", "3"), ("text", "so it goes"), ("source", "a"), ("label", "good")]);
    let expected =
        [("bad".into(), Some("ann@example.org".into()), Some(1000.0)), ("good".into(), Some("4".into()), None)];
    assert_eq!(labels(&task, "label"), expected);
    assert!(matches!(&task.remark, Some(Remark::OfAll(message)) if message.contains("predictions")));
    let untouched = fields(r#"{"id": 3, "data": {"text": "so"}, "annotations": [], "predictions": []}"#);
    assert_eq!((labels(&untouched, "label"), untouched.remark), (vec![], None));
}

#[test]
fn prodigy_says_what_was_accepted() {
    let choice = r#""text": "so", "_input_hash": 7, "options": [{"id": "A"}, {"id": "B"}]"#;
    let accepted = fields(&format!(r#"{{{choice}, "accept": ["A"], "answer": "accept", "_annotator_id": "ann"}}"#));
    assert_eq!(texts(&accepted), [("text", "so"), ("label", "A")]);
    assert_eq!(labels(&accepted, "label"), [("A".into(), Some("ann".into()), None)]);
    let several = fields(&format!(r#"{{{choice}, "accept": ["A", "B"], "answer": "accept"}}"#));
    assert!(labels(&several, "label").is_empty() && matches!(several.remark, Some(Remark::OfRow(_))));
    let rejected = fields(r#"{"text": "so", "label": "SPAM", "answer": "reject"}"#);
    assert!(labels(&rejected, "label").is_empty() && matches!(rejected.remark, Some(Remark::OfRow(_))));
    let ignored = fields(r#"{"text": "so", "label": "SPAM", "answer": "ignore"}"#);
    assert!(labels(&ignored, "label").is_empty());
}

#[test]
fn other_objects_become_columns() {
    let nested = fields(r#"{"text": "so", "user": {"name": "ann", "tags": ["x", {"y": 1}]}, "meta": {"text": "no"}}"#);
    let expected = [("text", "so"), ("user.name", "ann"), ("user.tags", "[\"x\",{\"y\":1}]"), ("meta.text", "no")];
    assert_eq!(texts(&nested), expected);
}
