//! The body of a request as JSON in which photographs stay bytes until they are sent.

use std::borrow::Cow;
use std::io;

use serde::{Serialize, Serializer};
use serde_json::ser::Formatter;

use super::parameters::Parameter;
use super::question::{ImageSource, Part, Question};
use crate::config::Transport;
use crate::host::{Body, Piece};

/// Enough for an answer about twenty photographs, and reasoning counts too.
pub(super) const MOST_COMPLETION_TOKENS: u32 = 16_000;
/// Answers are to be alike more than they are to be interesting.
pub(super) const TEMPERATURE: f64 = 0.3;

/// What a request says beyond its question.
pub(super) struct RequestOptions<'a> {
    pub(super) model: &'a str,
    /// Requests of one conversation meet the same cache of the messages they begin with.
    pub(super) conversation: &'a str,
    pub(super) transport: Transport,
    /// Parameters that the model does not take.
    pub(super) left_out: Vec<Parameter>,
}

impl RequestOptions<'_> {
    /// A parameter's value, if the model takes the parameter.
    pub(super) fn optional<T>(&self, parameter: Parameter, value: T) -> Option<T> {
        (!self.left_out.contains(&parameter)).then_some(value)
    }

    pub(super) fn deferred(&self) -> Option<bool> {
        let is_deferred = self.transport == Transport::Deferred;
        self.optional(Parameter::Deferred, true)
            .filter(|_| is_deferred)
    }

    pub(super) fn stream(&self) -> Option<bool> {
        let is_streamed = self.transport == Transport::Stream;
        self.optional(Parameter::Stream, true)
            .filter(|_| is_streamed)
    }

    /// The system message. It tells the schema to a model that takes none.
    pub(super) fn rules<'q>(&self, question: &'q Question) -> Cow<'q, str> {
        match self.optional(Parameter::Schema, ()) {
            Some(()) => Cow::Borrowed(question.rules),
            None => {
                let (rules, schema) = (question.rules, &question.schema);
                let told = "The answer is one JSON object of this JSON schema, and nothing else:";
                Cow::Owned(format!("{rules}\n\n{told}\n{schema}"))
            }
        }
    }
}

#[derive(Serialize)]
pub(super) struct Message<C> {
    pub(super) role: &'static str,
    pub(super) content: C,
}

/// The system and the user message.
pub(super) fn messages<C>(
    rules: Cow<'_, str>,
    parts: Vec<C>,
) -> (Message<Cow<'_, str>>, Message<Vec<C>>) {
    let system = Message {
        role: "system",
        content: rules,
    };
    let user = Message {
        role: "user",
        content: parts,
    };
    (system, user)
}

/// A picture as an address, which may be a data URL. Bytes leave a [`MARK`] where they belong.
pub(super) struct PictureUrl<'a>(pub(super) &'a ImageSource);

impl Serialize for PictureUrl<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            ImageSource::Url(url) => serializer.serialize_str(url),
            ImageSource::Data(photograph) => serializer.serialize_bytes(&photograph.bytes),
        }
    }
}

/// Stands for a picture in JSON, which has no such character: in its strings it is escaped.
const MARK: char = '\u{1}';

/// Writes JSON that has a [`MARK`] for every list of bytes.
struct MarkFormatter;

impl Formatter for MarkFormatter {
    fn write_byte_array<W>(&mut self, writer: &mut W, _: &[u8]) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        write!(writer, "\"{MARK}\"")
    }
}

/// `request` as JSON; its pictures are those of `parts`, in order.
pub(super) fn encode(request: &impl Serialize, parts: &[Part]) -> Body {
    let mut json = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut json, MarkFormatter);
    // Writing plain structures to memory cannot fail; an empty body would be refused by the API.
    let _ = request.serialize(&mut serializer);
    let json = String::from_utf8(json).unwrap_or_default();
    let photographs = parts.iter().filter_map(|part| match part {
        Part::Image(ImageSource::Data(photograph)) => Some(photograph),
        Part::Image(ImageSource::Url(_)) | Part::Text(_) => None,
    });
    let mut texts = json.split(MARK).map(str::to_owned);
    let mut pieces: Vec<Piece> = texts.next().map(Piece::Text).into_iter().collect();
    for (text, photograph) in texts.zip(photographs) {
        let head = format!("data:{};base64,", photograph.format.mime());
        pieces.push(Piece::Text(head));
        pieces.push(Piece::Base64(photograph.bytes.clone()));
        pieces.push(Piece::Text(text));
    }
    Body::of(pieces)
}
