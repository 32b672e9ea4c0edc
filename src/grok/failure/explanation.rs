//! What an error of the API says, and what that means.

use std::fmt;

use serde_json::Value;

use super::class::FailureClass;
use super::wording::{calls_itself_error, field, message, message_of_text, presentable};
use crate::foreign_json;
use crate::grok::parameters::Parameter;

/// Enough for a person to understand; servers repeat what they were sent.
const MOST_CHARACTERS: usize = 300;
const NEITHER: &str = "neither a completion nor an error";
const SOON: FailureClass = FailureClass::Transient {
    retry_after_seconds: None,
};

/// An error's own words, in whatever shape they came, on one line.
pub(super) struct Explanation {
    /// Empty when there is none.
    code: String,
    message: String,
    /// The parameter it is about; empty when it does not say.
    parameter: String,
}

impl Explanation {
    pub(super) fn read(status: u16, body: &[u8], api_key: &str) -> Self {
        let is_success = (200..=299).contains(&status);
        let body = String::from_utf8_lossy(body);
        let error: Option<Value> = foreign_json::read(&body).ok();
        let (code, message, parameter) = match &error {
            // What comes with a good status and is no error may be the model's words.
            Some(error) if !is_success || calls_itself_error(error) => (
                field(error, "code"),
                message(error).unwrap_or(NEITHER),
                field(error, "param"),
            ),
            Some(_) => ("", NEITHER, ""),
            None => ("", message_of_text(&body, is_success), ""),
        };
        // A key of any shape: only those of known shapes are found without knowing them.
        let line = |text: &str| presentable(&text.replace(api_key, "…"));
        Self {
            code: line(code),
            message: line(message),
            parameter: line(parameter),
        }
    }

    pub(super) fn class(&self, status: u16) -> FailureClass {
        match status {
            _ if self.is_about_credit() => FailureClass::Unavailable,
            429 if self.is_about_tokens() => FailureClass::Split { passes: true },
            408 | 409 | 425 | 429 => SOON,
            413 => FailureClass::Split { passes: false },
            200..=299 | 400..=499 => self.class_of_refusal(status),
            // What nobody has classified is tried again.
            _ => SOON,
        }
    }

    fn class_of_refusal(&self, status: u16) -> FailureClass {
        if matches!(status, 401 | 402) || self.says(&["api key"]) {
            return FailureClass::Unavailable;
        }
        if matches!(status, 404 | 405) {
            return FailureClass::Missing;
        }
        if self.is_about_content() {
            return FailureClass::Content;
        }
        if status == 403 {
            return FailureClass::Unavailable;
        }
        if let Some(parameter) = self.refused_parameter() {
            return FailureClass::Parameter(parameter);
        }
        if self.is_about_an_image() {
            return FailureClass::Image;
        }
        if self.is_about_length() {
            return FailureClass::Split { passes: false };
        }
        if (200..=299).contains(&status) && !self.is_refusal() {
            return SOON;
        }
        match self.is_about_the_model() {
            true => FailureClass::Permanent,
            false => FailureClass::Unexplained,
        }
    }

    fn is_about_the_model(&self) -> bool {
        let missing = ["support", "no such", "not exist", "not found", "access"];
        self.says(&["model"]) && self.says(&missing)
    }

    /// What the request shows or says is against xAI's rules.
    fn is_about_content(&self) -> bool {
        let rules = [
            "usage guideline",
            "content policy",
            "content filter",
            "safety",
            "moderation",
        ];
        self.says(&rules)
            || self.says(&["violat"]) && self.says(&["content", "guideline", "polic", "terms"])
    }

    fn refused_parameter(&self) -> Option<Parameter> {
        let is_refused = self.says(&[
            "support",
            "unknown",
            "recogni",
            "unexpected",
            "allow",
            "permit",
            "accept",
            "not take",
            "invalid",
            "extra",
        ]);
        let in_message = || Parameter::named_in(&self.message).filter(|_| is_refused);
        Parameter::named_in(&self.parameter).or_else(in_message)
    }

    /// A limit of tokens per minute: smaller requests meet it later, and alone a request may be too large for it.
    fn is_about_tokens(&self) -> bool {
        self.says(&["tokens per minute", "too many tokens"])
    }

    /// More than the model or a server on the way takes in one request.
    fn is_about_length(&self) -> bool {
        let lengths = [
            "prompt length",
            "prompt is too long",
            "context length",
            "context_length",
            "context window",
            "too many tokens",
            "too large",
        ];
        self.says(&lengths)
    }

    /// Not the whole model's refusal of images: without any photo seen there is no report to sell.
    fn is_about_an_image(&self) -> bool {
        self.says(&["image"]) && !self.says(&["model"])
    }

    fn says(&self, words: &[&str]) -> bool {
        let said = format!("{} {}", self.message, self.code).to_ascii_lowercase();
        words.iter().any(|words| said.contains(words))
    }

    /// A 429 that no waiting of ours cures.
    fn is_about_credit(&self) -> bool {
        self.says(&["credits", "spending limit"])
    }

    /// The codes of an error that came with status 200 and would come again.
    fn is_refusal(&self) -> bool {
        let code = self.code.to_ascii_lowercase().replace([' ', '_'], "-");
        let refusals = [
            "invalid-argument",
            "unauthenticated",
            "permission-denied",
            "not-found",
            "unimplemented",
        ];
        refusals.iter().any(|refusal| code.contains(refusal))
    }

    pub(super) fn advice(&self, status: u16) -> &'static str {
        match status {
            _ if self.is_about_credit() => "; add credit to the xAI account or raise its limit",
            _ if self.is_about_content() => "",
            401 | 403 => "; check GROK_API_KEY",
            400 if self.says(&["api key"]) => "; check GROK_API_KEY",
            _ => "",
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&shown(&self.message))?;
        match self.code.as_str() {
            "" => Ok(()),
            code => write!(formatter, " ({})", shown(code)),
        }
    }
}

fn shown(text: &str) -> String {
    text.chars().take(MOST_CHARACTERS).collect()
}
