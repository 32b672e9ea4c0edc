//! Optional parameters of a request, and which of them a model does not take.

use std::cell::RefCell;

/// A parameter without which a request can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Parameter {
    Effort,
    MaxTokens,
    Temperature,
    Schema,
    Deferred,
    Stream,
    Store,
    CacheKey,
}

/// What the two endpoints and the errors of others call them, in lower case and without underscores.
const NAMES: [(Parameter, &[&str]); 8] = [
    (
        Parameter::Effort,
        &["reasoningeffort", "reasoning.effort", "reasoning"],
    ),
    (
        Parameter::MaxTokens,
        &["maxcompletiontokens", "maxoutputtokens"],
    ),
    (Parameter::Temperature, &["temperature"]),
    (
        Parameter::Schema,
        &["responseformat", "jsonschema", "text.format"],
    ),
    (Parameter::Deferred, &["deferred"]),
    (Parameter::Stream, &["stream"]),
    (Parameter::Store, &["store"]),
    (Parameter::CacheKey, &["promptcachekey"]),
];

impl Parameter {
    /// The parameter that a field of a request is.
    pub(super) fn of_field(name: &str) -> Option<Self> {
        match name {
            // As a word it may mean anything.
            "text" => Some(Self::Schema),
            name => Self::named_in(name),
        }
    }

    /// The parameter that a text names, if it names one.
    pub(super) fn named_in(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase().replace('_', "");
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '.');
        let words: Vec<&str> = words.map(|word| word.trim_matches('.')).collect();
        let is_named = |names: &[&str]| names.iter().any(|name| words.contains(name));
        let named = NAMES.iter().find(|(_, names)| is_named(names));
        named.map(|(parameter, _)| *parameter)
    }
}

/// What the models did not take so far, for all requests of an isolate.
#[derive(Debug, Default)]
pub(super) struct RefusedParameters(RefCell<Vec<(String, Parameter)>>);

impl RefusedParameters {
    /// What a model does not take.
    pub(super) fn of(&self, model: &str) -> Vec<Parameter> {
        let refused = self.0.borrow();
        let of_model = refused.iter().filter(|(other, _)| other == model);
        of_model.map(|(_, parameter)| *parameter).collect()
    }

    /// A model does not take a parameter.
    pub(super) fn add(&self, model: &str, parameter: Parameter) {
        if !self.of(model).contains(&parameter) {
            self.0.borrow_mut().push((model.to_owned(), parameter));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_known_by_any_of_its_names_and_by_whole_words() {
        let check = |text, expected| assert_eq!(Parameter::named_in(text), expected, "{text}");
        let effort = Some(Parameter::Effort);
        check("This model does not support `reasoning_effort`.", effort);
        check("Argument not supported: reasoningEffort", effort);
        check("Unknown parameter: 'reasoning.effort'.", effort);
        check(
            "max_completion_tokens: extra inputs",
            Some(Parameter::MaxTokens),
        );
        check("the upstream restored nothing, text included", None);
    }
}
