//! Projects are opened, cards and cases under review are labelled.

use super::{ENTER, SOON, Visit, until};
use crate::webdriver::Session;
use serde_json::json;

/// The question on screen.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    /// The item's index.
    pub item: String,
    /// Its name.
    pub name: String,
}

impl Visit<'_> {
    /// Opens one of the demos from the start screen, up to its first card.
    ///
    /// # Errors
    /// When no card appears.
    pub fn open_demo(&mut self, demo: &str) -> Result<(), String> {
        self.keys.clear();
        self.click("button", &format!("Open the demo: {demo}"))?;
        self.see_later("region", "Card").map(drop)
    }

    /// Opens a stored project from the start screen, unless the app opened it by itself, up to a card.
    ///
    /// # Errors
    /// When no card appears.
    pub fn open_project(&mut self, name: &str) -> Result<(), String> {
        self.keys.clear();
        let button = format!("Open {name}");
        until(&format!("a card or “{button}”"), SOON, || {
            if self.find("region", "Card").is_some() {
                return Ok(Some(()));
            }
            let Some(open) = self.find("button", &button) else { return Ok(None) };
            Ok(self.session()?.click(&open).ok())
        })?;
        self.see_later("region", "Card").map(drop)
    }

    /// The card on screen.
    ///
    /// # Errors
    /// When there is none.
    pub fn card(&self) -> Result<Card, String> {
        until("a card with its item's name", SOON, || Ok(self.card_now()))
    }

    fn card_now(&self) -> Option<Card> {
        let region = self.find("region", "Card")?;
        let script = "const card = arguments[0];
            const heading = card.querySelector('h1, h2, h3, h4, [role=heading]');
            const item = card.dataset.item ?? card.querySelector('[data-item]')?.dataset.item;
            return [item, heading?.textContent.trim()];";
        let found = self.session().ok()?.run(script, &json!([Session::argument(&region)])).ok()?;
        Some(Card { item: found[0].as_str()?.to_owned(), name: found[1].as_str()?.to_owned() })
    }

    /// Labels the card on screen by the keyboard, and waits for the next one. Makes the class if it isn't there.
    ///
    /// # Errors
    /// When the next card doesn't come.
    pub fn label(&mut self, class: &str) -> Result<(), String> {
        let card = self.card()?;
        match self.key_of(class)? {
            Some(key) => self.session()?.press(&key)?,
            None => {
                if self.find("textbox", "Class name").is_none() {
                    self.click("button", "New class")?;
                }
                let name = self.see("textbox", "Class name")?;
                self.session()?.write(&name, &format!("{class}{ENTER}"))?;
            }
        }
        until("the next card", SOON, || Ok(self.card_now().filter(|next| next.item != card.item))).map(drop)
    }

    /// The key that a class is chosen by, once there is one.
    ///
    /// # Errors
    /// When its button names none.
    pub fn key_of(&mut self, class: &str) -> Result<Option<String>, String> {
        if let Some(key) = self.keys.get(class) {
            return Ok(Some(key.clone()));
        }
        let Some(button) = self.find("button", class) else { return Ok(None) };
        let key = self.session()?.attribute(&button, "aria-keyshortcuts")?;
        let key = key.ok_or_else(|| format!("the button “{class}” names no key"))?;
        self.keys.insert(class.to_owned(), key.clone());
        Ok(Some(key))
    }

    /// The case under review: its first item's name, and its label as the screen has it.
    ///
    /// # Errors
    /// When the page is gone.
    pub fn case_now(&self) -> Result<Option<(String, String)>, String> {
        let script = "const side = document.querySelector('#case .side');
            return side && [side.querySelector('.card-name').textContent, side.querySelector('.chip').textContent];";
        let found = self.session()?.run(script, &json!([]))?;
        Ok(found[0].as_str().zip(found[1].as_str()).map(|(name, label)| (name.to_owned(), label.to_owned())))
    }

    /// The case under review; none once nothing is left in this part.
    ///
    /// # Errors
    /// When neither shows.
    pub fn next_case(&self) -> Result<Option<(String, String)>, String> {
        // While the first case is fetched, the list has rows already.
        let script = "return document.querySelectorAll('.case-row').length;";
        until("a case, or the end", 60, || match self.case_now()? {
            Some(case) => Ok(Some(Some(case))),
            None => {
                let none_left = self.session()?.run(script, &json!([]))? == json!(0);
                Ok((none_left && self.all_text()?.contains("Nothing to review here")).then_some(None))
            }
        })
    }

    /// Waits until another case is on screen than this item's, or none.
    ///
    /// # Errors
    /// When it stays.
    pub fn case_after(&self, name: &str) -> Result<(), String> {
        until("the next case", SOON, || Ok(self.case_now()?.is_none_or(|(next, _)| next != name).then_some(())))
    }

    /// Labels the case under review by the keyboard.
    ///
    /// # Errors
    /// When there is no such class.
    pub fn label_case(&self, class: &str) -> Result<(), String> {
        let button = self.see("button", class)?;
        let key = self.session()?.attribute(&button, "aria-keyshortcuts")?;
        self.session()?.press(&key.ok_or_else(|| format!("the button “{class}” names no key"))?)
    }

    /// Waits until every label is safe on disk.
    ///
    /// # Errors
    /// When it takes too long.
    pub fn all_saved(&self) -> Result<(), String> {
        until("“All saved”", SOON, || {
            let Some(state) = self.find("status", "Save state") else { return Ok(None) };
            Ok(self.session()?.text(&state).is_ok_and(|text| text.contains("All saved")).then_some(()))
        })
    }

    /// The number that the screen gives as labelled.
    ///
    /// # Errors
    /// When there is none.
    pub fn labelled_count(&self) -> Result<u32, String> {
        let script = "return document.querySelector('[aria-label=\"Labelled items\"]')?.textContent ?? null;";
        until("the number of labelled items", SOON, || {
            let text = self.session()?.run(script, &json!([])).unwrap_or_default();
            Ok(text.as_str().and_then(first_number))
        })
    }
}

fn first_number(text: &str) -> Option<u32> {
    let digits: String = text
        .chars()
        .skip_while(|letter| !letter.is_ascii_digit())
        .take_while(|letter| letter.is_ascii_digit() || matches!(letter, ',' | '\u{202f}' | '\u{a0}'))
        .filter(char::is_ascii_digit)
        .collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::first_number;

    #[test]
    fn reads_numbers_as_people_write_them() {
        for (text, expected) in
            [("30 labelled", Some(30)), ("2,000", Some(2000)), ("1\u{202f}234 of", Some(1234)), ("none", None)]
        {
            assert_eq!(first_number(text), expected, "{text}");
        }
    }
}
