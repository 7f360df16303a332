//! Text to conditions: a parser by recursive descent, which never looks back further than one word.

use super::{Attribute, Condition, Key, Operator, QueryError, Value};

/// Parentheses and `not` nest no deeper than this, so that no text can exhaust the stack.
const DEEPEST: usize = 64;

pub(super) fn parse(text: &str) -> Result<Option<Condition>, QueryError> {
    let mut parser = Parser { text: text.chars().collect(), at: 0, depth: 0 };
    parser.skip_space();
    if parser.peek().is_none() {
        return Ok(None);
    }
    let condition = parser.any()?;
    match parser.peek() {
        None => Ok(Some(condition)),
        Some(_) => Err(parser.expected("`and`, `or` or the end")),
    }
}

struct Parser {
    text: Vec<char>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn any(&mut self) -> Result<Condition, QueryError> {
        let mut parts = vec![self.all()?];
        while self.take_keyword("or") {
            parts.push(self.all()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Condition::Any(parts) })
    }

    fn all(&mut self) -> Result<Condition, QueryError> {
        let mut parts = vec![self.one()?];
        while self.take_keyword("and") {
            parts.push(self.one()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Condition::All(parts) })
    }

    fn one(&mut self) -> Result<Condition, QueryError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.expected(&format!("fewer than {DEEPEST} nested parentheses and `not`")));
        }
        let condition = if self.take_keyword("not") {
            Condition::Not(Box::new(self.one()?))
        } else if self.take("(") {
            let inner = self.any()?;
            if !self.take(")") {
                return Err(self.expected("`and`, `or` or `)`"));
            }
            inner
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(condition)
    }

    fn comparison(&mut self) -> Result<Condition, QueryError> {
        let key = self.key()?;
        let operator_at = self.at;
        let operator = self.operator()?;
        let is_number = matches!(key, Key::Metric(_) | Key::Attribute(Attribute::Number | Attribute::Duration));
        if is_number && matches!(operator, Operator::Like | Operator::LikeAnyCase) {
            self.at = operator_at;
            return Err(self.expected("`=`, `!=`, `>`, `>=`, `<` or `<=`, because this is a number"));
        }
        let value = self.value(&key, is_number)?;
        Ok(Condition::Compare(key, operator, value))
    }

    fn key(&mut self) -> Result<Key, QueryError> {
        const EXPECTED: &str = "`metrics.`, `params.`, `tags.` or `attributes.` and a name";
        let start = self.at;
        let word = self.word(|letter| letter.is_alphanumeric() || letter == '_');
        if word.is_empty() || ["and", "or", "not", "like", "ilike"].contains(&word.to_lowercase().as_str()) {
            self.at = start;
            return Err(self.expected(EXPECTED));
        }
        if self.peek() != Some('.') {
            self.skip_space();
            return self.attribute(&word, start);
        }
        self.at += 1;
        let name_at = self.at;
        let name = match self.peek() {
            Some(quote @ ('`' | '"')) => self.quoted(quote)?,
            _ => self.word(|letter| letter.is_alphanumeric() || "_-./:".contains(letter)),
        };
        if name.is_empty() {
            self.at = name_at;
            return Err(self.expected("a name after the dot; one with special characters goes between backticks"));
        }
        self.skip_space();
        match word.to_lowercase().as_str() {
            "metrics" | "metric" => Ok(Key::Metric(name)),
            "params" | "param" | "parameters" | "parameter" => Ok(Key::Param(name)),
            "tags" | "tag" => Ok(Key::Tag(name)),
            "attributes" | "attribute" | "attr" | "run" => self.attribute(&name, name_at),
            _ => {
                self.at = start;
                Err(self.expected(EXPECTED))
            }
        }
    }

    fn attribute(&mut self, name: &str, at: usize) -> Result<Key, QueryError> {
        let attribute = match name.to_lowercase().as_str() {
            "status" => Attribute::Status,
            "kind" => Attribute::Kind,
            "name" | "run_name" => Attribute::Name,
            "number" => Attribute::Number,
            "id" | "run_id" => Attribute::Id,
            "parent" => Attribute::Parent,
            "fingerprint" => Attribute::Fingerprint,
            "note" => Attribute::Note,
            "start_time" | "created" => Attribute::StartTime,
            "end_time" => Attribute::EndTime,
            "duration" => Attribute::Duration,
            _ => {
                self.at = at;
                return Err(self.expected(
                    "`metrics.`, `params.` or `tags.` and a name, or one of the attributes status, kind, name, number, id, \
                     parent, fingerprint, note, start_time, end_time, duration",
                ));
            }
        };
        Ok(Key::Attribute(attribute))
    }

    fn operator(&mut self) -> Result<Operator, QueryError> {
        const SIGNS: [(&str, Operator); 8] = [
            ("!=", Operator::NotEqual),
            ("<>", Operator::NotEqual),
            (">=", Operator::GreaterOrEqual),
            ("<=", Operator::LessOrEqual),
            ("==", Operator::Equal),
            ("=", Operator::Equal),
            (">", Operator::Greater),
            ("<", Operator::Less),
        ];
        for (sign, operator) in SIGNS {
            if self.take(sign) {
                return Ok(operator);
            }
        }
        if self.take_keyword("like") {
            return Ok(Operator::Like);
        }
        if self.take_keyword("ilike") {
            return Ok(Operator::LikeAnyCase);
        }
        Err(self.expected("`=`, `!=`, `>`, `>=`, `<`, `<=`, `like` or `ilike`"))
    }

    fn value(&mut self, key: &Key, is_number: bool) -> Result<Value, QueryError> {
        let start = self.at;
        let text = match self.peek() {
            Some(quote @ ('"' | '\'')) => self.quoted(quote)?,
            _ => {
                let word = self.word(|letter| !letter.is_whitespace() && !"()\"'`=<>!".contains(letter));
                if word.is_empty() || ["and", "or", "not"].contains(&word.to_lowercase().as_str()) {
                    self.at = start;
                    let wanted = if is_number { "a number" } else { "a number, or text between quotes" };
                    return Err(self.expected(wanted));
                }
                // `r12` is what the screen calls run 12.
                let digits =
                    if *key == Key::Attribute(Attribute::Number) { word.trim_start_matches('r') } else { &word };
                if let Some(number) = finite(digits) {
                    self.skip_space();
                    return Ok(Value::Number(number));
                }
                word
            }
        };
        self.skip_space();
        let is_time = matches!(key, Key::Attribute(Attribute::StartTime | Attribute::EndTime));
        if is_number {
            let digits = text.strip_prefix('r').filter(|_| *key == Key::Attribute(Attribute::Number)).unwrap_or(&text);
            return match finite(digits) {
                Some(number) => Ok(Value::Number(number)),
                None => {
                    self.at = start;
                    Err(self.expected("a number"))
                }
            };
        }
        if is_time && !is_date(&text) {
            self.at = start;
            return Err(self.expected("milliseconds since 1970, or a date such as \"2026-11-24\""));
        }
        Ok(Value::Text(text))
    }

    /// Text up to the same quote; the quote itself is written twice, or after a backslash.
    fn quoted(&mut self, quote: char) -> Result<String, QueryError> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        while let Some(letter) = self.peek() {
            self.at += 1;
            let next = self.peek();
            if letter == '\\' && next.is_some_and(|next| next == quote || next == '\\') {
                text.extend(next);
                self.at += 1;
            } else if letter == quote && next == Some(quote) {
                text.push(quote);
                self.at += 1;
            } else if letter == quote {
                return Ok(text);
            } else {
                text.push(letter);
            }
        }
        let expected = format!("a closing {quote} for the one at character {}", start + 1);
        Err(self.expected(&expected))
    }

    fn word(&mut self, belongs: impl Fn(char) -> bool) -> String {
        let word: String = self.text[self.at..].iter().copied().take_while(|&letter| belongs(letter)).collect();
        self.at += word.chars().count();
        word
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    /// Takes these signs and the space after them, if they are next.
    fn take(&mut self, signs: &str) -> bool {
        let next = self.text[self.at..].iter().copied().take(signs.len());
        let found = next.eq(signs.chars());
        if found {
            self.at += signs.len();
            self.skip_space();
        }
        found
    }

    /// Takes this word, in any case, and the space after it, if it is next and no longer word begins so.
    fn take_keyword(&mut self, keyword: &str) -> bool {
        let start = self.at;
        let word = self.word(|letter| letter.is_alphanumeric() || "_.".contains(letter));
        if word.eq_ignore_ascii_case(keyword) {
            self.skip_space();
            return true;
        }
        self.at = start;
        false
    }

    fn expected(&self, what: &str) -> QueryError {
        let rest: String = self.text[self.at..].iter().take(20).collect();
        let found = match rest.split_whitespace().next() {
            Some(word) => format!("`{word}`"),
            None => "the end".into(),
        };
        QueryError { place: self.at, expected: what.into(), found }
    }
}

fn finite(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}

/// Whether it begins as RFC 3339 does, with at least a whole date.
fn is_date(text: &str) -> bool {
    const SHAPE: &str = "0000-00-00T00:00:00.000Z";
    (10..=SHAPE.len()).contains(&text.len())
        && text
            .chars()
            .zip(SHAPE.chars())
            .all(|(letter, shape)| if shape == '0' { letter.is_ascii_digit() } else { letter == shape })
}
