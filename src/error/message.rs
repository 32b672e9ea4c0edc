//! The one way an error leaves the worker.

use std::fmt;

use serde::Serialize;

use super::scrub::scrubbed;

const MOST_CHARACTERS: usize = 2_000;
/// A longer text is cut before it is searched.
const MOST_SEARCHED: usize = 10_000;

/// What people read of an error: in `jobs.error`, in the log, in an answer. It holds no address, no key and no payload,
/// and is at most 2,000 characters long, whatever it was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ErrorMessage(String);

impl ErrorMessage {
    /// The message of an error.
    pub fn of(error: &impl fmt::Display) -> Self {
        let text = error.to_string();
        Self(cut(scrubbed(&searched(text)), MOST_CHARACTERS))
    }

    /// The message as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ErrorMessage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Without the last word of a text that was cut: it may be half a secret.
fn searched(text: String) -> String {
    let Some((end, _)) = text.char_indices().nth(MOST_SEARCHED) else {
        return text;
    };
    let kept = text[..end].trim_end_matches(|letter: char| !letter.is_whitespace());
    format!("{kept}…")
}

fn cut(text: String, most: usize) -> String {
    if text.chars().nth(most).is_none() {
        return text;
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    fn message(text: &str) -> String {
        ErrorMessage::of(&text).to_string()
    }

    #[test]
    fn what_nobody_may_read_is_taken_out_as_it_is_in_typescript() {
        #[derive(Deserialize)]
        struct Case {
            name: String,
            text: String,
            scrubbed: String,
        }
        let cases = include_str!("../../tests/fixtures/scrubbed.json");
        let cases: Vec<Case> = serde_json::from_str(cases).expect("cases");
        for case in cases {
            assert_eq!(message(&case.text), case.scrubbed, "{}", case.name);
        }
    }

    #[test]
    fn siblings_of_the_cases_are_taken_out_too() {
        let cases = [
            ("wss://a.test/x?token=1.", "<address>."),
            ("HTTPS://A.TEST/X,", "<address>,"),
            ("basic dXNlcjpwYXNz;", "basic <secret>;"),
            (
                "sk-abcdefgh12345678 and ghp_abcdefgh",
                "<secret> and <secret>",
            ),
            ("token: 'abc123def456'", "token: '<secret>'"),
            ("at 192.168.0.1, not 1.2.3", "at <address>, not 1.2.3"),
            ("ünïcode → https://é.test/ü", "ünïcode → <address>"),
            ("a://", "a://"),
        ];
        for (text, scrubbed) in cases {
            assert_eq!(message(text), scrubbed);
        }
    }

    #[test]
    fn a_long_message_is_cut_between_two_characters() {
        let long = message(&"👷 ".repeat(2_000));
        assert_eq!(long.chars().count(), 2_000);
        assert!(long.ends_with('…'));
    }

    #[test]
    fn a_secret_that_a_cut_would_halve_is_left_out() {
        let text = format!("{}sb_secret_abcdefgh", "word ".repeat(1_998));
        assert!(!message(&text).contains("sb_"));
    }

    #[test]
    fn an_error_of_megabytes_is_cut_before_it_is_searched() {
        for part in ["a.", "a", "https://", "\"", "eyJ", "token=", "1.", "é"] {
            assert!(message(&part.repeat(1_000_000)).chars().count() <= 2_000);
        }
    }
}
