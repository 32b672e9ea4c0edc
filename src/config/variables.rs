//! Reading single variables of the environment.

use std::collections::BTreeMap;

use super::error::ConfigError;
use super::secret::Secret;

/// By name.
pub(super) struct Variables(pub(super) BTreeMap<String, String>);

impl Variables {
    /// A variable that is set to nothing counts as not set: dashboards make them so.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
    }

    pub(super) fn secret(&self, name: &'static str) -> Result<Option<Secret>, ConfigError> {
        self.text(name)
            .map(|text| header_safe(name, text))
            .transpose()
    }

    pub(super) fn url(&self, name: &'static str) -> Result<Option<String>, ConfigError> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let is_url = text.starts_with("https://") || text.starts_with("http://");
        is_url
            .then(|| Some(text.trim_end_matches('/').to_owned()))
            .ok_or_else(|| ConfigError {
                variable: name,
                expected: "expected an address that starts with https:// or http://".into(),
            })
    }

    pub(super) fn choice<T: Copy>(
        &self,
        name: &'static str,
        choices: &[(&str, T)],
    ) -> Result<Option<T>, ConfigError> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let chosen = choices.iter().find(|(name, _)| *name == text);
        chosen.map(|(_, value)| Some(*value)).ok_or_else(|| {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            ConfigError {
                variable: name,
                expected: format!("expected one of {}", names.join(", ")),
            }
        })
    }

    pub(super) fn number(
        &self,
        name: &'static str,
        default: u32,
        least: u32,
        most: u32,
    ) -> Result<u32, ConfigError> {
        let Some(text) = self.text(name) else {
            return Ok(default);
        };
        text.parse()
            .ok()
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| ConfigError {
                variable: name,
                expected: format!("expected a whole number from {least} to {most}"),
            })
    }
}

/// A secret travels in a header: one that cannot is found here and not in the middle of a run.
pub(super) fn header_safe(variable: &'static str, text: &str) -> Result<Secret, ConfigError> {
    let is_safe = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    is_safe.then(|| Secret::new(text)).ok_or(ConfigError {
        variable,
        expected: "expected printable ASCII characters without spaces".into(),
    })
}
