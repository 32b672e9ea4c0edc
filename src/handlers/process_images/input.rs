//! What a caller asks for. Positions are parts of the photograph's width and height as it is shown, from 0 to 1.

use image_kernel::order::{Annotation, Rectangle};
use serde::Deserialize;

/// Photographs, and what to make of each.
#[derive(Debug, Clone, Deserialize)]
pub struct ImagesInput {
    /// In the order of the result.
    pub images: Vec<ImageInput>,
    /// What to make of each; `ai`, `doc` and `thumb` if nothing is said.
    pub variants: Option<Vec<VariantInput>>,
    /// Where the variants belong.
    pub output: OutputInput,
    /// Whether to tell where the photographs were taken. It is in none of the variants.
    #[serde(default)]
    pub gps: bool,
    /// Whether a variant is made anew that is in its place already.
    #[serde(default)]
    pub overwrite: bool,
}

/// One photograph.
#[derive(Debug, Clone, Deserialize)]
pub struct ImageInput {
    /// The caller's name for it; `image-1` and so on if there is none.
    pub id: Option<String>,
    /// Where it is, in the project's Storage.
    pub bucket: Option<String>,
    /// Where it is, in the bucket.
    pub path: Option<String>,
    /// Where it is on the web, if it is not in Storage.
    pub url: Option<String>,
    /// Degrees to turn it clockwise after it is upright: 0, 90, 180 or 270.
    #[serde(default)]
    pub rotation: u16,
    /// Blackened in every variant.
    #[serde(default)]
    pub redact: Vec<Rectangle>,
    /// Drawn into the variant `doc`.
    #[serde(default)]
    pub annotations: Vec<Annotation>,
}

/// A size to make of every photograph.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct VariantInput {
    /// Of letters, digits, `-` and `_`.
    pub name: String,
    /// Neither side is longer, in pixels.
    pub max_edge: u16,
    /// Of the JPEG, 1 to 100.
    #[serde(default = "default_quality")]
    pub quality: u8,
}

/// Where the variants belong.
#[derive(Debug, Clone, Deserialize)]
pub struct OutputInput {
    /// The name of a bucket.
    pub bucket: String,
    /// The folder in it.
    pub prefix: String,
}

fn default_quality() -> u8 {
    80
}
