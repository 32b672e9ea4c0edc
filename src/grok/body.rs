//! What the bodies of both endpoints have in common: JSON in which photographs stay bytes until they are sent.

use std::borrow::Cow;

use serde_json::Value;

use super::parameters::Parameter;
use super::question::{ImageSource, Part, Question};
use crate::config::Transport;
use crate::host::{Body, Piece};

/// Enough for an answer about twenty photographs, and reasoning counts too.
pub(super) const MOST_COMPLETION_TOKENS: u32 = 16_000;
/// Answers are to be alike more than they are to be interesting.
pub(super) const TEMPERATURE: f64 = 0.3;
/// Stands for a photograph; texts are sent without this character.
const MARK: char = '\u{1}';
/// The mark as a JSON string.
const MARK_IN_JSON: &str = r#""\u0001""#;

/// What a request says beyond its question.
pub(super) struct RequestOptions<'a> {
    pub(super) model: &'a str,
    /// Requests of one conversation meet the same cache of the messages they begin with.
    pub(super) conversation: &'a str,
    pub(super) transport: Transport,
    /// Parameters that the model does not take.
    pub(super) left_out: &'a [Parameter],
}

/// The system message. It tells the schema to a model that takes none.
pub(super) fn rules<'q>(question: &'q Question, options: &RequestOptions) -> Cow<'q, str> {
    if !options.left_out.contains(&Parameter::Schema) {
        return Cow::Borrowed(question.rules);
    }
    let (rules, schema) = (question.rules, &question.schema);
    let told = "The answer is one JSON object of this JSON schema, and nothing else:";
    Cow::Owned(format!("{rules}\n\n{told}\n{schema}"))
}

/// What the answer must look like.
pub(super) fn schema(question: &Question) -> Value {
    serde_json::from_str(&question.schema).unwrap_or_default()
}

/// A text of the user message.
pub(super) fn text(text: &str) -> String {
    text.replace(MARK, " ")
}

/// A picture of the user message as an address; one whose bytes go along is marked.
pub(super) fn address(source: &ImageSource) -> String {
    match source {
        ImageSource::Url(url) => text(url),
        ImageSource::Data(_) => MARK.into(),
    }
}

/// `request` without what the model does not take, and with the photographs of `question` where they are marked.
pub(super) fn encode(mut request: Value, question: &Question, options: &RequestOptions) -> Body {
    if let Some(fields) = request.as_object_mut() {
        let is_left_out = |name: &str| {
            let parameter = Parameter::of_field(name);
            parameter.is_some_and(|parameter| options.left_out.contains(&parameter))
        };
        fields.retain(|name, value| !value.is_null() && !is_left_out(name));
    }
    let json = request.to_string();
    let photographs = question.parts.iter().filter_map(|part| match part {
        Part::Image(ImageSource::Data(photograph)) => Some(photograph),
        Part::Image(ImageSource::Url(_)) | Part::Text(_) => None,
    });
    let mut texts = json.split(MARK_IN_JSON);
    let mut pieces = vec![Piece::Text(texts.next().unwrap_or_default().into())];
    for (text, photograph) in texts.zip(photographs) {
        let mime = photograph.format.mime();
        pieces.push(Piece::Text(format!("\"data:{mime};base64,")));
        pieces.push(Piece::Base64(photograph.bytes.clone()));
        pieces.push(Piece::Text(format!("\"{text}")));
    }
    Body::of(pieces)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::grok::Effort;
    use crate::media::Photograph;

    #[test]
    fn photographs_stand_where_they_belong_whatever_the_texts_say() {
        let photograph = Photograph::from_bytes(vec![0xff, 0xd8, 0xff]).expect("a photograph");
        let question = Question {
            name: "test",
            rules: "",
            parts: vec![
                Part::Text("\u{1}".into()),
                Part::Image(ImageSource::Data(photograph)),
            ],
            schema: "{}".into(),
            effort: Effort::Low,
        };
        let options = RequestOptions {
            model: "grok",
            conversation: "",
            transport: Transport::Sync,
            left_out: &[],
        };
        let parts = question.parts.iter().map(|part| match part {
            Part::Text(words) => text(words),
            Part::Image(source) => address(source),
        });
        let request = json!({ "parts": parts.collect::<Vec<_>>(), "stream": null });
        let body = encode(request, &question, &options).to_string();
        assert_eq!(body, r#"{"parts":[" ","data:image/jpeg;base64,/9j/"]}"#);
    }
}
