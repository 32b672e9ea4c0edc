//! Reads fields out of `input_data`, and names the one that is not what was expected.
//!
//! Deriving this costs 57 KB of Wasm, a tenth of the worker: the input has six kinds of objects, and each would be
//! decoded by code of its own through a layer that follows the path.

use serde_json::{Map, Value};

use crate::error::JobError;

/// The fields of an object, and where in the input it stands.
pub struct Fields<'a> {
    fields: &'a Map<String, Value>,
    path: String,
}

impl<'a> Fields<'a> {
    /// The fields of the whole input; the database lets nothing but an object in.
    ///
    /// # Errors
    /// [`JobError::Permanent`], as everything here: the field is not what was expected.
    pub fn of_input(input_data: &'a Value) -> Result<Self, JobError> {
        Self::of("input_data".into(), input_data)
    }

    fn of(path: String, value: &'a Value) -> Result<Self, JobError> {
        match value {
            Value::Object(fields) => Ok(Self { fields, path }),
            _ => Err(unexpected(&path, "an object")),
        }
    }

    /// An object; `None` when it is missing or null, as with all fields.
    pub fn object(&self, name: &str) -> Result<Option<Self>, JobError> {
        let value = self.get(name);
        value
            .map(|value| Self::of(self.path(name), value))
            .transpose()
    }

    /// A list of objects; empty when it is missing.
    pub fn objects(&self, name: &str) -> Result<Vec<Self>, JobError> {
        let list = self.list(name)?.iter().enumerate();
        list.map(|(index, value)| Self::of(format!("{}[{index}]", self.path(name)), value))
            .collect()
    }

    /// A text.
    pub fn text(&self, name: &str) -> Result<Option<String>, JobError> {
        self.read(name, "a text", |value| value.as_str().map(str::to_owned))
    }

    /// A text that forms may also send as a number.
    pub fn text_or_number(&self, name: &str) -> Result<Option<String>, JobError> {
        self.read(name, "a text", |value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        })
    }

    /// A list of texts; empty when it is missing.
    pub fn texts(&self, name: &str) -> Result<Vec<String>, JobError> {
        let list = self.list(name)?.iter().enumerate();
        list.map(|(index, value)| {
            let text = value.as_str().map(str::to_owned);
            text.ok_or_else(|| unexpected(&format!("{}[{index}]", self.path(name)), "a text"))
        })
        .collect()
    }

    /// A list of texts for which old clients send a single one.
    pub fn texts_or_text(&self, name: &str) -> Result<Vec<String>, JobError> {
        match self.get(name) {
            Some(Value::String(text)) => Ok(vec![text.clone()]),
            Some(Value::Array(_)) | None => self.texts(name),
            Some(_) => Err(unexpected(&self.path(name), "a text or a list of texts")),
        }
    }

    /// A number.
    pub fn number(&self, name: &str) -> Result<Option<f64>, JobError> {
        self.read(name, "a number", Value::as_f64)
    }

    /// A whole number from 0.
    pub fn whole_number(&self, name: &str) -> Result<Option<u32>, JobError> {
        self.read(name, "a whole number", |value| {
            value.as_u64().and_then(|number| u32::try_from(number).ok())
        })
    }

    /// True or false.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, JobError> {
        self.read(name, "true or false", Value::as_bool)
    }

    /// One of a few words.
    pub fn choice<T: Copy>(
        &self,
        name: &str,
        choices: &[(&str, T)],
    ) -> Result<Option<T>, JobError> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let chosen = choices
            .iter()
            .find(|(word, _)| value.as_str() == Some(word));
        if let Some((_, choice)) = chosen {
            return Ok(Some(*choice));
        }
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let expected = format!("one of {}", words.join(", "));
        Err(unexpected(&self.path(name), &expected))
    }

    fn read<T>(
        &self,
        name: &str,
        expected: &str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Result<Option<T>, JobError> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => match read(value) {
                Some(value) => Ok(Some(value)),
                None => Err(unexpected(&self.path(name), expected)),
            },
        }
    }

    fn list(&self, name: &str) -> Result<&'a [Value], JobError> {
        match self.get(name) {
            None => Ok(&[]),
            Some(Value::Array(list)) => Ok(list),
            Some(_) => Err(unexpected(&self.path(name), "a list")),
        }
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    fn path(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }
}

fn unexpected(path: &str, expected: &str) -> JobError {
    JobError::permanent(format!("{path}: expected {expected}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check<T>(
        input: Value,
        read: impl Fn(&Fields) -> Result<T, JobError>,
        expected: Result<T, &str>,
    ) where
        T: PartialEq + std::fmt::Debug,
    {
        let fields = Fields::of_input(&input).expect("an object");
        let expected =
            expected.map_err(|message| JobError::permanent(format!("input_data.{message}")));
        assert_eq!(read(&fields), expected, "{input}");
    }

    #[test]
    fn a_field_that_is_missing_or_null_is_none() {
        for input in [json!({}), json!({ "x": null })] {
            check(input.clone(), |fields| fields.text("x"), Ok(None));
            check(
                input.clone(),
                |fields| fields.texts_or_text("x"),
                Ok(Vec::new()),
            );
            check(input.clone(), |fields| fields.whole_number("x"), Ok(None));
            check(input.clone(), |fields| fields.flag("x"), Ok(None));
            check(
                input.clone(),
                |fields| Ok(fields.objects("x")?.len()),
                Ok(0),
            );
            check(input, |fields| Ok(fields.object("x")?.is_none()), Ok(true));
        }
    }

    #[test]
    fn a_field_is_read_as_what_it_is() {
        let text = |text: &str| Some(text.to_owned());
        check(
            json!({ "x": "a" }),
            |fields| fields.text("x"),
            Ok(text("a")),
        );
        check(
            json!({ "x": "a" }),
            |fields| fields.text_or_number("x"),
            Ok(text("a")),
        );
        check(
            json!({ "x": 4.5 }),
            |fields| fields.text_or_number("x"),
            Ok(text("4.5")),
        );
        check(
            json!({ "x": "a" }),
            |fields| fields.texts_or_text("x"),
            Ok(vec!["a".to_owned()]),
        );
        check(
            json!({ "x": ["a"] }),
            |fields| fields.texts_or_text("x"),
            Ok(vec!["a".to_owned()]),
        );
        check(
            json!({ "x": 7 }),
            |fields| fields.whole_number("x"),
            Ok(Some(7)),
        );
        check(
            json!({ "x": -7.5 }),
            |fields| fields.number("x"),
            Ok(Some(-7.5)),
        );
        check(
            json!({ "x": false }),
            |fields| fields.flag("x"),
            Ok(Some(false)),
        );
        let choices = [("brief", 1), ("elaborate", 2)];
        check(
            json!({ "x": "elaborate" }),
            |fields| fields.choice("x", &choices),
            Ok(Some(2)),
        );
    }

    #[test]
    fn a_field_of_another_kind_is_named_and_its_value_is_not_told() {
        let secret = || json!({ "x": "secret" });
        check(
            json!({ "x": 7 }),
            |fields| fields.text("x"),
            Err("x: expected a text"),
        );
        check(
            json!({ "x": ["a", 7] }),
            |fields| fields.texts("x"),
            Err("x[1]: expected a text"),
        );
        check(
            secret(),
            |fields| fields.texts("x"),
            Err("x: expected a list"),
        );
        let many = "x: expected a text or a list of texts";
        check(
            json!({ "x": 7 }),
            |fields| fields.texts_or_text("x"),
            Err(many),
        );
        for number in [json!(-1), json!(1.5), json!("1"), json!(1u64 << 32)] {
            let input = json!({ "x": number });
            check(
                input,
                |fields| fields.whole_number("x"),
                Err("x: expected a whole number"),
            );
        }
        check(
            secret(),
            |fields| fields.number("x"),
            Err("x: expected a number"),
        );
        check(
            secret(),
            |fields| fields.flag("x"),
            Err("x: expected true or false"),
        );
        let choices = [("brief", 1), ("elaborate", 2)];
        let words = "x: expected one of brief, elaborate";
        check(secret(), |fields| fields.choice("x", &choices), Err(words));
        check(
            secret(),
            |fields| Ok(fields.object("x")?.is_some()),
            Err("x: expected an object"),
        );
        check(
            json!({ "x": [{}, 1] }),
            |fields| Ok(fields.objects("x")?.len()),
            Err("x[1]: expected an object"),
        );
        check(
            json!({ "x": { "y": [{ "z": 1 }] } }),
            |fields| {
                let inner = fields.object("x")?.expect("an object");
                inner.objects("y")?[0].text("z")
            },
            Err("x.y[0].z: expected a text"),
        );
    }
}
