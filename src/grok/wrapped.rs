//! Finds the JSON object in what a model wrote around it.

use std::borrow::Cow;

use crate::foreign_json;

/// Behind the last of them stands what the model says.
const THOUGHT_ENDS: [&str; 4] = ["</think>", "</thinking>", "</thought>", "</reasoning>"];
/// More braces are not tried: a model that writes so many writes no answer.
const MOST_TRIES: usize = 50;

/// The longest JSON object in a text, beyond what was only thought; the text itself if there is none. A text that is
/// itself the JSON of a text was encoded once too often.
pub(super) fn json_object(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    match serde_json::from_str::<String>(text) {
        Ok(inner) => Cow::Owned(longest_object(&inner).to_owned()),
        Err(_) => Cow::Borrowed(longest_object(text)),
    }
}

fn longest_object(text: &str) -> &str {
    if text.starts_with('{') && object_at_start(text).map(str::len) == Some(text.len()) {
        return text;
    }
    let ends = THOUGHT_ENDS.iter();
    let said = ends.filter_map(|end| Some(text.rsplit_once(end)?.1));
    let said = said.min_by_key(|said| said.len()).unwrap_or(text);
    let (mut rest, mut longest) = (said, "");
    for _ in 0..MOST_TRIES {
        let Some((_, begun)) = rest
            .find('{')
            .and_then(|start| rest.split_at_checked(start))
        else {
            break;
        };
        let object = object_at_start(begun).unwrap_or_default();
        longest = if object.len() > longest.len() {
            object
        } else {
            longest
        };
        rest = begun.get(object.len().max(1)..).unwrap_or_default();
    }
    if longest.is_empty() { said } else { longest }
}

/// The object that a text begins with, if it is whole.
fn object_at_start(text: &str) -> Option<&str> {
    let (mut depth, mut is_string, mut is_escaped) = (0_usize, false, false);
    let end = text.bytes().position(|byte| {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_string => is_escaped = true,
            b'"' => is_string = !is_string,
            b'{' if !is_string => depth += 1,
            b'}' if !is_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0
    });
    let object = text.get(..=end?)?;
    let is_json = foreign_json::read(object).is_ok();
    is_json.then_some(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_object_is_found_whatever_stands_around_it() {
        let object = r#"{"photos":[{"p":"p1"}]}"#;
        let wrappers = [
            "OBJECT",
            " OBJECT\n",
            "```json\nOBJECT\n```",
            "Here it is: OBJECT I hope {this} helps.",
            "<think>Perhaps {\"photos\":[{\"p\":\"p1\"},{\"p\":\"p2\"}]}?</think>\nOBJECT",
            "thinking without a beginning {}</think>OBJECT",
            "<thinking>{\"photos\":[{\"p\":\"p1\"},{\"p\":\"p2\"}]}</thinking> OBJECT",
            "<reasoning>{\"photos\":[{\"p\":\"p1\"},{\"p\":\"p2\"}]}</reasoning>\n<answer>OBJECT</answer>",
            "[OBJECT]",
            "{not JSON} OBJECT {}",
            "OBJECT }",
        ];
        for wrapper in wrappers {
            assert_eq!(
                json_object(&wrapper.replace("OBJECT", object)),
                object,
                "{wrapper}"
            );
        }
    }

    #[test]
    fn an_object_that_was_encoded_once_too_often_is_found_too() {
        let object = r#"{"photos":[{"p":"p1"}]}"#;
        for answer in [object.to_owned(), format!("```json\n{object}\n```")] {
            let encoded = serde_json::json!(answer).to_string();
            assert_eq!(json_object(&encoded), object, "{encoded}");
        }
    }

    #[test]
    fn a_text_without_an_object_stays_as_it_is() {
        for text in ["", "The roof leaks.", r#"{"photos":[{"p":"#, "[1]"] {
            assert_eq!(json_object(text), text);
        }
        let braces = "{".repeat(100_000);
        assert_eq!(json_object(&braces), braces);
    }
}
