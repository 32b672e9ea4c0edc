//! Reads fields out of `input_data`, and names the one that is not what was expected.
//!
//! Deriving this costs 57 KB of Wasm, a tenth of the worker: the input has six kinds of objects, and each would be
//! decoded by code of its own through a layer that follows the path.

#[cfg(test)]
mod tests;

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::error::JobError;
use crate::words;

/// The fields of an object, and where in the input it stands.
pub struct Fields<'a> {
    /// `None` for an object that is missing: so are all its fields.
    fields: Option<&'a Map<String, Value>>,
    path: String,
}

impl<'a> Fields<'a> {
    /// The fields of the whole input; the database lets nothing but an object in.
    ///
    /// # Errors
    /// [`JobError::Permanent`], as everything here: the field is not what was expected.
    pub fn of_input(input_data: &'a Value) -> Result<Self, JobError> {
        Self::of("input_data".into(), Some(input_data))
    }

    fn of(path: String, value: Option<&'a Value>) -> Result<Self, JobError> {
        match value {
            Some(Value::Object(fields)) => Ok(Self {
                fields: Some(fields),
                path,
            }),
            Some(_) => Err(unexpected(&path, "an object")),
            None => Ok(Self { fields: None, path }),
        }
    }

    /// An object.
    pub fn object(&self, name: &str) -> Result<Self, JobError> {
        Self::of(self.path(name), self.get(name))
    }

    /// A list of objects; empty when it is missing.
    pub fn objects(&self, name: &str) -> Result<Vec<Self>, JobError> {
        let list = self.list(name)?.iter().enumerate();
        list.map(|(index, value)| Self::of(self.path_of_item(name, index), Some(value)))
            .collect()
    }

    /// A uuid, which must be there.
    pub fn uuid(&self, name: &str) -> Result<Uuid, JobError> {
        let missing = || self.refusal(name, "is missing, expected a uuid");
        let text = self.text(name)?.ok_or_else(missing)?;
        Uuid::try_parse(text).map_err(|_| self.refusal(name, "expected a uuid"))
    }

    /// A text as it is; `None` when it is missing or null, as with all fields.
    pub fn text(&self, name: &str) -> Result<Option<&'a str>, JobError> {
        self.read(name, "a text", Value::as_str)
    }

    /// A text without spaces around it; `None` when nothing is left.
    pub fn filled(&self, name: &str) -> Result<Option<String>, JobError> {
        let text = self
            .text(name)?
            .map(str::trim)
            .filter(|text| !text.is_empty());
        Ok(text.map(str::to_owned))
    }

    /// A text on one line; empty when it is missing.
    pub fn line(&self, name: &str) -> Result<String, JobError> {
        Ok(words::line(self.text(name)?.unwrap_or_default()))
    }

    /// A text on one line that forms may also send as a number.
    pub fn line_or_number(&self, name: &str) -> Result<String, JobError> {
        match self.get(name) {
            Some(Value::Number(number)) => Ok(number.to_string()),
            _ => self.line(name),
        }
    }

    /// A list of texts; empty when it is missing.
    pub fn texts(&self, name: &str) -> Result<Vec<String>, JobError> {
        let list = self.list(name)?.iter().enumerate();
        list.map(|(index, value)| match value {
            Value::String(text) => Ok(text.clone()),
            _ => Err(unexpected(&self.path_of_item(name, index), "a text")),
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

    /// A whole number from 0, which some write as `7.0`.
    pub fn whole_number(&self, name: &str) -> Result<Option<u32>, JobError> {
        self.read(name, "a whole number", |value| {
            let number = value.as_f64()?;
            let whole = number as u32;
            (f64::from(whole) == number).then_some(whole)
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
        let mut known = choices.iter();
        if let Some((_, choice)) = known.find(|(word, _)| value.as_str() == Some(word)) {
            return Ok(Some(*choice));
        }
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let expected = format!("one of {}", words.join(", "));
        Err(unexpected(&self.path(name), &expected))
    }

    /// The error that names a field and says what is wrong with it.
    pub fn refusal(&self, name: &str, problem: &str) -> JobError {
        JobError::permanent(format!("{}: {problem}", self.path(name)))
    }

    fn read<T>(
        &self,
        name: &str,
        expected: &str,
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, JobError> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let read = read(value);
        if read.is_none() {
            return Err(unexpected(&self.path(name), expected));
        }
        Ok(read)
    }

    fn list(&self, name: &str) -> Result<&'a [Value], JobError> {
        match self.get(name) {
            None => Ok(&[]),
            Some(Value::Array(list)) => Ok(list),
            Some(_) => Err(unexpected(&self.path(name), "a list")),
        }
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        self.fields?.get(name).filter(|value| !value.is_null())
    }

    fn path(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }

    fn path_of_item(&self, name: &str, index: usize) -> String {
        format!("{}[{index}]", self.path(name))
    }
}

fn unexpected(path: &str, expected: &str) -> JobError {
    JobError::permanent(format!("{path}: expected {expected}"))
}
