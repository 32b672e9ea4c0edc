//! Reads fields out of `input_data`, and names the one that is not what was expected.
//!
//! Deriving this costs 57 KB of Wasm, a tenth of the worker: the input has six kinds of objects, and each would be
//! decoded by code of its own through a layer that follows the path.

#[cfg(test)]
mod tests;

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
