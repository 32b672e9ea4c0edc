//! A question to the model.

use serde::Serialize;

use super::usage::Estimate;
use crate::media::Photograph;

const LETTERS_OF_A_TOKEN: usize = 4;
/// 256 for each tile of 448 pixels, and seven tiles at most.
const TOKENS_OF_AN_IMAGE: usize = 1_800;
const TOKENS_OF_AN_ANSWER: u64 = 1_500;

/// What is asked in one request. The answer is a JSON object.
#[derive(Debug)]
pub struct Question<'a> {
    /// The name of the schema, which also names the question in the log.
    pub name: &'static str,
    /// The system message.
    pub rules: &'a str,
    /// The user message.
    pub parts: Vec<Part>,
    /// What the answer must look like, a JSON schema.
    pub schema: String,
    /// How long the model thinks.
    pub effort: Effort,
}

/// A piece of the user message.
#[derive(Debug)]
pub enum Part {
    /// Words.
    Text(String),
    /// A picture.
    Image(ImageSource),
}

/// Where a picture is.
#[derive(Debug)]
pub enum ImageSource {
    /// xAI fetches it there; it must be public or signed.
    Url(String),
    /// Its bytes go along.
    Data(Photograph),
}

/// How long the model thinks before it writes.
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "ReportEffort"))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Effort {
    None,
    #[default]
    Low,
    Medium,
    High,
    Xhigh,
}

impl Question<'_> {
    /// The tokens of a request, roughly and rather too many: four letters make one, a photograph is seen in tiles.
    pub fn estimate(&self) -> Estimate {
        let of_part = |part: &Part| match part {
            Part::Text(text) => text.len() / LETTERS_OF_A_TOKEN,
            Part::Image(_) => TOKENS_OF_AN_IMAGE,
        };
        let parts: usize = self.parts.iter().map(of_part).sum();
        let fixed = (self.rules.len() + self.schema.len()) / LETTERS_OF_A_TOKEN;
        Estimate {
            prompt_tokens: (parts + fixed) as u64,
            completion_tokens: TOKENS_OF_AN_ANSWER,
        }
    }

    pub(super) fn has_images(&self) -> bool {
        let mut parts = self.parts.iter();
        parts.any(|part| matches!(part, Part::Image(_)))
    }
}

impl Part {
    /// What it says, or shows.
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Image(ImageSource::Url(url)) => url.as_bytes(),
            Self::Image(ImageSource::Data(photograph)) => &photograph.bytes,
        }
    }
}
