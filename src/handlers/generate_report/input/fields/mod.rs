//! Reads fields out of `input_data`, and names the one that is not what was expected.
//!
//! Deriving this costs 57 KB of Wasm, a tenth of the worker: the input has six kinds of objects, and each would be
//! decoded by code of its own through a layer that follows the path.
//!
//! A field stays JSON text until somebody asks for it: a number that is shown keeps its digits, and what nobody reads
//! may be anything.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::error::JobError;
use crate::words;

/// The fields of an object, and where in the input it stands.
pub struct Fields<'a> {
    /// Empty for an object that is missing.
    fields: BTreeMap<String, &'a RawValue>,
    path: String,
}

impl<'a> Fields<'a> {
    /// The fields of the whole input; the database lets nothing but an object in.
    ///
    /// # Errors
    /// [`JobError::Permanent`], as everything here: the field is not what was expected.
    pub fn of_input(input_data: &'a RawValue) -> Result<Self, JobError> {
        Self::of("input_data".into(), input_data)
    }

    fn of(path: String, value: &'a RawValue) -> Result<Self, JobError> {
        match decoded(value) {
            Some(fields) => Ok(Self { fields, path }),
            None => Err(unexpected(&path, "an object")),
        }
    }

    /// An object.
    pub fn object(&self, name: &str) -> Result<Self, JobError> {
        let path = self.path(name);
        let Some(value) = self.get(name) else {
            let fields = BTreeMap::new();
            return Ok(Self { fields, path });
        };
        Self::of(path, value)
    }

    /// A list of objects; empty when it is missing.
    pub fn objects(&self, name: &str) -> Result<Vec<Self>, JobError> {
        let list = self.list(name)?.into_iter().enumerate();
        list.map(|(index, value)| Self::of(self.path_of_item(name, index), value))
            .collect()
    }

    /// A uuid, which must be there.
    pub fn uuid(&self, name: &str) -> Result<Uuid, JobError> {
        let missing = || self.refusal(name, "is missing, expected a uuid");
        let text = self.text(name)?.ok_or_else(missing)?;
        Uuid::try_parse(&text).map_err(|_| self.refusal(name, "expected a uuid"))
    }

    /// A text as it is; `None` when it is missing or null, as with all fields.
    pub fn text(&self, name: &str) -> Result<Option<String>, JobError> {
        self.read(name, "a text", decoded)
    }

    /// A text without spaces around it; `None` when nothing is left.
    pub fn filled(&self, name: &str) -> Result<Option<String>, JobError> {
        let text = self.text(name)?.map(|text| text.trim().to_owned());
        Ok(text.filter(|text| !text.is_empty()))
    }

    /// A text on one line; empty when it is missing.
    pub fn line(&self, name: &str) -> Result<String, JobError> {
        Ok(words::line(&self.text(name)?.unwrap_or_default()))
    }

    /// A text on one line that forms may also send as a number, which is kept to the digit.
    pub fn line_or_number(&self, name: &str) -> Result<String, JobError> {
        match self.get(name) {
            Some(value) if is_number(value) => Ok(value.get().to_owned()),
            _ => self.line(name),
        }
    }

    /// A list of texts; empty when it is missing.
    pub fn texts(&self, name: &str) -> Result<Vec<String>, JobError> {
        let list = self.list(name)?.into_iter().enumerate();
        list.map(|(index, value)| {
            let wrong = || unexpected(&self.path_of_item(name, index), "a text");
            decoded(value).ok_or_else(wrong)
        })
        .collect()
    }

    /// A list of texts for which old clients send a single one.
    pub fn texts_or_text(&self, name: &str) -> Result<Vec<String>, JobError> {
        let Some(value) = self.get(name) else {
            return Ok(Vec::new());
        };
        match decoded(value) {
            Some(text) => Ok(vec![text]),
            None if value.get().starts_with('[') => self.texts(name),
            None => Err(unexpected(&self.path(name), "a text or a list of texts")),
        }
    }

    /// A number that is not beyond all measure.
    pub fn number(&self, name: &str) -> Result<Option<f64>, JobError> {
        self.read(name, "a number", decoded_number)
    }

    /// A whole number from 0, which some write as `7.0`.
    pub fn whole_number(&self, name: &str) -> Result<Option<u32>, JobError> {
        self.read(name, "a whole number", |value| {
            let number = decoded_number(value)?;
            let whole = number as u32;
            (f64::from(whole) == number).then_some(whole)
        })
    }

    /// True or false.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, JobError> {
        self.read(name, "true or false", decoded)
    }

    /// One of a few words.
    pub fn choice<T: Copy>(
        &self,
        name: &str,
        choices: &[(&str, T)],
    ) -> Result<Option<T>, JobError> {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let expected = format!("one of {}", words.join(", "));
        self.read(name, &expected, |value| {
            let given: String = decoded(value)?;
            let mut known = choices.iter();
            known.find(|(word, _)| *word == given).map(|known| known.1)
        })
    }

    /// The error that names a field and says what is wrong with it.
    pub fn refusal(&self, name: &str, problem: &str) -> JobError {
        JobError::permanent(format!("{}: {problem}", self.path(name)))
    }

    fn read<T>(
        &self,
        name: &str,
        expected: &str,
        read: impl Fn(&'a RawValue) -> Option<T>,
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

    fn list(&self, name: &str) -> Result<Vec<&'a RawValue>, JobError> {
        let list = self.read(name, "a list", decoded)?;
        Ok(list.unwrap_or_default())
    }

    fn get(&self, name: &str) -> Option<&'a RawValue> {
        let value = self.fields.get(name).copied();
        value.filter(|value| value.get() != "null")
    }

    fn path(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }

    fn path_of_item(&self, name: &str, index: usize) -> String {
        format!("{}[{index}]", self.path(name))
    }
}

fn decoded<'a, T: Deserialize<'a>>(value: &'a RawValue) -> Option<T> {
    serde_json::from_str(value.get()).ok()
}

/// Also from a text: that is how numbers travel which JavaScript has no digits for.
fn decoded_number(value: &RawValue) -> Option<f64> {
    decoded(value).or_else(|| serde_json::from_str(&decoded::<String>(value)?).ok())
}

fn is_number(value: &RawValue) -> bool {
    value
        .get()
        .starts_with(|c: char| c == '-' || c.is_ascii_digit())
}

fn unexpected(path: &str, expected: &str) -> JobError {
    JobError::permanent(format!("{path}: expected {expected}"))
}
