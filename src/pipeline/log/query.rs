//! Searching runs by an expression, in the language of MLflow's search and a little more forgiving:
//! `metrics.accuracy > 0.9 and params.head = "ridge"`.
//!
//! - Keys: `metrics.`, `params.`, `tags.` or `attributes.` and a name; a name with other characters than letters, digits
//!   and `_ - . / :` goes between backticks or double quotes. Without a group it is an attribute: `status`, `kind`, `name`,
//!   `number`, `id`, `parent`, `fingerprint`, `note`, `start_time`, `end_time`, `duration`.
//! - Comparisons: `=` `!=` `>` `>=` `<` `<=`, and for text `like` and `ilike` (`%` any text, `_` any letter; `ilike`
//!   ignores case). They are joined by `and`, `or`, `not` and parentheses; `and` binds more tightly than `or`.
//! - Parameters and tags compare as numbers if both sides are numbers, else as text.
//! - Times are milliseconds since 1970, or text as far as it matters: `start_time >= "2026-11-24"`. Durations are seconds.
//! - A run that lacks the key satisfies no comparison with it, not even `!=`.

mod parse;

use super::run::Run;
use crate::pipeline::export::time::rfc_3339;
use std::cmp::Ordering;

/// Why a text is no expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("At character {}: expected {expected}, found {found}.", place + 1)]
pub struct QueryError {
    /// Which character of the text, counted from 0.
    pub place: usize,
    /// What could stand there, in words.
    pub expected: String,
    /// What stands there, in words.
    pub found: String,
}

/// A checked expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Query(Option<Condition>);

impl Query {
    /// Reads an expression; an empty one matches every run.
    ///
    /// # Errors
    /// Says where the text stops making sense and what was expected there.
    pub fn parse(text: &str) -> Result<Query, QueryError> {
        parse::parse(text).map(Query)
    }

    /// Whether the expression is true of `run`.
    pub fn matches(&self, run: &Run) -> bool {
        self.0.as_ref().is_none_or(|condition| condition.holds(run))
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Compare(Key, Operator, Value),
}

#[derive(Debug, Clone, PartialEq)]
enum Key {
    Metric(String),
    Param(String),
    Tag(String),
    Attribute(Attribute),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Attribute {
    Status,
    Kind,
    Name,
    Number,
    Id,
    Parent,
    Fingerprint,
    Note,
    StartTime,
    EndTime,
    Duration,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Like,
    LikeAnyCase,
}

#[derive(Debug, Clone, PartialEq)]
enum Value {
    Number(f64),
    Text(String),
}

impl Condition {
    fn holds(&self, run: &Run) -> bool {
        match self {
            Condition::All(parts) => parts.iter().all(|part| part.holds(run)),
            Condition::Any(parts) => parts.iter().any(|part| part.holds(run)),
            Condition::Not(part) => !part.holds(run),
            Condition::Compare(key, operator, value) => holds(key, *operator, value, run).unwrap_or(false),
        }
    }
}

/// None if the run lacks the key, or the two sides can't be compared.
fn holds(key: &Key, operator: Operator, value: &Value, run: &Run) -> Option<bool> {
    let numbers = |left: f64| match value {
        Value::Number(right) => ordered(left.partial_cmp(right), operator),
        Value::Text(_) => None,
    };
    let texts = |left: &str| match value {
        Value::Text(right) => text_holds(left, operator, right),
        // Only a number can be asked for without quotes, and a name may be one.
        Value::Number(right) => text_holds(left, operator, &super::canonical::number(*right)),
    };
    match key {
        Key::Metric(name) => numbers(run.metric(name)?),
        Key::Param(name) => loosely(run.params.get(name)?, operator, value),
        Key::Tag(name) => loosely(run.tags.get(name)?, operator, value),
        Key::Attribute(attribute) => match attribute {
            // Whoever knows MLflow writes FINISHED.
            Attribute::Status => any_case(run.status.word(), operator, value),
            Attribute::Kind => any_case(run.kind.word(), operator, value),
            Attribute::Number => numbers(f64::from(run.number)),
            Attribute::Name => texts(&run.name),
            Attribute::Id => texts(&run.id),
            Attribute::Parent => texts(run.parent.as_deref()?),
            Attribute::Fingerprint => texts(run.fingerprint.as_deref()?),
            Attribute::Note => texts(&run.note),
            Attribute::StartTime => time_holds(run.start_ms, operator, value),
            Attribute::EndTime => time_holds(run.end_ms?, operator, value),
            Attribute::Duration => numbers((run.end_ms? - run.start_ms) / 1000.0),
        },
    }
}

fn loosely(left: &str, operator: Operator, value: &Value) -> Option<bool> {
    let left_number = left.trim().parse::<f64>().ok();
    match (left_number, value, operator) {
        (_, Value::Text(right), Operator::Like | Operator::LikeAnyCase) => text_holds(left, operator, right),
        (Some(left), Value::Number(right), _) => ordered(left.partial_cmp(right), operator),
        (None, Value::Number(right), _) => text_holds(left, operator, &super::canonical::number(*right)),
        (left_number, Value::Text(right), _) => match (left_number, right.trim().parse::<f64>()) {
            (Some(left), Ok(right)) => ordered(left.partial_cmp(&right), operator),
            _ => text_holds(left, operator, right),
        },
    }
}

fn any_case(left: &str, operator: Operator, value: &Value) -> Option<bool> {
    match value {
        Value::Text(right) => text_holds(left, operator, &right.to_lowercase()),
        Value::Number(_) => None,
    }
}

/// Text is compared as far as it goes: a day is any moment of it.
fn time_holds(left_ms: f64, operator: Operator, value: &Value) -> Option<bool> {
    match value {
        Value::Number(right) => ordered(left_ms.partial_cmp(right), operator),
        Value::Text(right) => {
            let left: String = rfc_3339(left_ms).chars().take(right.chars().count()).collect();
            text_holds(&left, operator, right)
        }
    }
}

fn text_holds(left: &str, operator: Operator, right: &str) -> Option<bool> {
    match operator {
        Operator::Like => Some(like(left, right)),
        Operator::LikeAnyCase => Some(like(&left.to_lowercase(), &right.to_lowercase())),
        _ => ordered(Some(left.cmp(right)), operator),
    }
}

/// None for what has no order, which is only a number that is none.
fn ordered(ordering: Option<Ordering>, operator: Operator) -> Option<bool> {
    let ordering = ordering?;
    match operator {
        Operator::Equal => Some(ordering.is_eq()),
        Operator::NotEqual => Some(ordering.is_ne()),
        Operator::Greater => Some(ordering.is_gt()),
        Operator::GreaterOrEqual => Some(ordering.is_ge()),
        Operator::Less => Some(ordering.is_lt()),
        Operator::LessOrEqual => Some(ordering.is_le()),
        Operator::Like | Operator::LikeAnyCase => None,
    }
}

/// SQL's `like`: `%` stands for any text, `_` for any one character. Going back to the last `%` alone is enough, so the
/// work is at most the product of the two lengths.
fn like(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
    let (mut at, mut in_pattern) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(in_pattern) {
            Some('%') => {
                retry = Some((at, in_pattern));
                in_pattern += 1;
            }
            Some(&letter) if letter == '_' || letter == text[at] => {
                at += 1;
                in_pattern += 1;
            }
            _ => match retry {
                Some((from, percent)) => {
                    retry = Some((from + 1, percent));
                    at = from + 1;
                    in_pattern = percent + 1;
                }
                None => return false,
            },
        }
    }
    pattern[in_pattern..].iter().all(|&letter| letter == '%')
}

#[cfg(test)]
mod tests;
