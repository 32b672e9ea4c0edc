//! The body of a chat completion: what is said, what the answer must look like, and only parameters every model takes.

use std::io;
use std::rc::Rc;

use serde::{Serialize, Serializer};
use serde_json::ser::Formatter;
use serde_json::{Value, json};

use super::Question;
use crate::config::Transport;
use crate::handlers::generate_report::images::{Format, Image};
use crate::handlers::generate_report::visit::Effort;
use crate::host::{Body, Piece};

/// Enough for twenty photos, and reasoning counts too.
pub(super) const MOST_COMPLETION_TOKENS: u32 = 16_000;
const LETTERS_OF_A_TOKEN: usize = 4;
/// 256 for each tile of 448 pixels, and seven tiles at most.
const TOKENS_OF_AN_IMAGE: usize = 1_800;
const TOKENS_OF_AN_ANSWER: usize = 1_500;
/// Reports are to be alike more than they are to be interesting.
pub(super) const TEMPERATURE: f64 = 0.3;

/// What a request says beyond its question.
pub(super) struct Form<'a> {
    pub(super) model: &'a str,
    pub(super) effort: Effort,
    pub(super) transport: Transport,
    /// Requests of one conversation meet the same cache of the messages they begin with.
    pub(super) conversation: &'a str,
}

/// The body as JSON.
pub(super) fn body(question: &Question, form: &Form) -> Body {
    let completion = Completion {
        model: form.model,
        messages: (
            Message {
                role: "system",
                content: question.rules,
            },
            Message {
                role: "user",
                content: question.parts.as_slice(),
            },
        ),
        response_format: json!({
            "type": "json_schema",
            "json_schema": { "name": question.name, "strict": true, "schema": question.schema() },
        }),
        reasoning_effort: form.effort,
        max_completion_tokens: MOST_COMPLETION_TOKENS,
        temperature: TEMPERATURE,
        deferred: (form.transport == Transport::Deferred).then_some(true),
        stream: (form.transport == Transport::Stream).then_some(true),
    };
    encoded(&completion, &question.parts)
}

#[derive(Serialize)]
struct Completion<'a> {
    model: &'a str,
    messages: (Message<&'a str>, Message<&'a [Part]>),
    response_format: Value,
    reasoning_effort: Effort,
    max_completion_tokens: u32,
    temperature: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    deferred: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
}

#[derive(Serialize)]
pub(super) struct Message<C> {
    pub(super) role: &'static str,
    pub(super) content: C,
}

/// A piece of the user message.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Part {
    /// Words.
    Text { text: String },
    /// A picture.
    ImageUrl { image_url: ImageUrl },
}

/// A picture as the API takes it.
#[derive(Debug, Serialize)]
pub struct ImageUrl {
    pub(super) url: Picture,
    pub(super) detail: &'static str,
}

/// A picture as an address, which may be a data URL.
#[derive(Debug)]
pub(super) struct Picture(Image);

impl Part {
    /// Words.
    pub fn text(text: String) -> Self {
        Self::Text { text }
    }

    /// What it says, or shows.
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Text { text } => text.as_bytes(),
            Self::ImageUrl { image_url } => match &image_url.url.0 {
                Image::Address(url) => url.as_bytes(),
                Image::Bytes { bytes, .. } => bytes,
            },
        }
    }

    fn picture(&self) -> Option<(Format, &Rc<Vec<u8>>)> {
        match self {
            Self::ImageUrl { image_url } => match &image_url.url.0 {
                Image::Bytes { format, bytes } => Some((*format, bytes)),
                Image::Address(_) => None,
            },
            Self::Text { .. } => None,
        }
    }

    /// A picture.
    pub fn image(image: Image) -> Self {
        let url = Picture(image);
        Self::ImageUrl {
            image_url: ImageUrl {
                url,
                detail: "auto",
            },
        }
    }
}

/// Bytes leave a [`MARK`] where they belong: they become base64 when they are sent.
impl Serialize for Picture {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Image::Address(url) => serializer.serialize_str(url),
            Image::Bytes { bytes, .. } => serializer.serialize_bytes(bytes),
        }
    }
}

impl Question<'_> {
    /// What the answer must look like.
    pub(super) fn schema(&self) -> Value {
        serde_json::from_str(&self.schema).unwrap_or_default()
    }

    /// The tokens of a call, roughly and rather too many: four letters make one, a photo is seen in tiles.
    pub(super) fn tokens(&self) -> u64 {
        let of_part = |part: &Part| match part {
            Part::Text { text } => text.len() / LETTERS_OF_A_TOKEN,
            Part::ImageUrl { .. } => TOKENS_OF_AN_IMAGE,
        };
        let prompt: usize = self.parts.iter().map(of_part).sum();
        let fixed = (self.rules.len() + self.schema.len()) / LETTERS_OF_A_TOKEN;
        (prompt + fixed + TOKENS_OF_AN_ANSWER) as u64
    }
}

/// Stands for a picture in JSON, which has no such character: in its strings it is escaped.
const MARK: char = '\u{1}';

/// Writes JSON that has a [`MARK`] for every list of bytes.
struct Marking;

impl Formatter for Marking {
    fn write_byte_array<W>(&mut self, writer: &mut W, _: &[u8]) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        write!(writer, "\"{MARK}\"")
    }
}

/// `request` as JSON; its pictures are those of `parts`, in order.
pub(super) fn encoded(request: &impl Serialize, parts: &[Part]) -> Body {
    let mut json = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut json, Marking);
    // Writing plain structures to memory cannot fail; an empty body would be refused by the API.
    let _ = request.serialize(&mut serializer);
    let json = String::from_utf8(json).unwrap_or_default();
    let pictures = parts.iter().filter_map(Part::picture);
    let mut texts = json.split(MARK);
    let mut pieces: Vec<Piece> = texts
        .next()
        .map(|text| Piece::Text(text.into()))
        .into_iter()
        .collect();
    for (text, (format, bytes)) in texts.zip(pictures) {
        pieces.push(Piece::Text(format!("data:{};base64,", format.mime())));
        pieces.push(Piece::Base64(bytes.clone()));
        pieces.push(Piece::Text(text.into()));
    }
    Body::of(pieces)
}
