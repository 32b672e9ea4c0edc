//! What is asked of a photograph, and what is answered. Positions are parts of the photograph's width and height as it
//! is shown, from 0 to 1, so that they mean the same in every size.

mod fields;

use serde::{Deserialize, Serialize};

/// What to do with one photograph.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// Degrees to turn it clockwise after it is upright: 0, 90, 180 or 270.
    pub rotation: u16,
    /// Whether to tell where it was taken.
    pub wants_gps: bool,
    /// What nobody is to see.
    pub redact: Vec<Rectangle>,
    /// What is drawn into the variants that are annotated.
    pub annotations: Vec<Annotation>,
    /// What to make of it.
    pub variants: Vec<VariantOrder>,
}

/// One JPEG to make of a photograph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariantOrder {
    /// Neither side is longer, in pixels; nothing is enlarged.
    pub max_edge: u16,
    /// Of the JPEG, 1 to 100.
    pub quality: u8,
    /// Whether the annotations are drawn into it.
    pub is_annotated: bool,
}

/// A part of a photograph.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rectangle {
    /// Its left edge.
    pub x: f32,
    /// Its upper edge.
    pub y: f32,
    /// Of the photograph's width.
    pub width: f32,
    /// Of the photograph's height.
    pub height: f32,
}

/// A position in a photograph.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// From the left.
    pub x: f32,
    /// From above.
    pub y: f32,
}

/// Something drawn on a photograph.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "snake_case",
    try_from = "fields::AnnotationFields"
)]
pub enum Annotation {
    /// An arrow.
    Arrow {
        /// Its tail.
        from: Position,
        /// Its head.
        to: Position,
        /// `#rrggbb`; red if nothing is said.
        color: Option<String>,
    },
    /// A circle.
    Circle {
        /// Its centre.
        center: Position,
        /// A part of the photograph's longer side.
        radius: f32,
        /// `#rrggbb`; red if nothing is said.
        color: Option<String>,
    },
    /// One line of text.
    Text {
        /// The upper left corner of its box.
        at: Position,
        /// The words.
        text: String,
        /// `#rrggbb`; red if nothing is said.
        color: Option<String>,
    },
}

/// What became of a photograph.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// All that was asked.
    Done {
        /// The photograph as it came.
        source: Source,
        /// What was made of it, in the order's order. Their bytes follow the answer.
        variants: Vec<Variant>,
    },
    /// Nothing, and why, for people.
    Refused(String),
}

/// What a file says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// In pixels, as it is shown before the order turns it.
    pub width: u32,
    /// In pixels, as it is shown before the order turns it.
    pub height: u32,
    /// What the bytes are.
    pub format: Format,
    /// When it was taken, in ISO 8601; without an offset where the camera did not write one.
    pub taken_at: Option<String>,
    /// Where it was taken, if that was asked.
    pub gps: Option<GpsPosition>,
}

/// A format that can be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// `image/jpeg`.
    Jpeg,
    /// `image/png`.
    Png,
    /// `image/webp`.
    Webp,
}

/// A place on earth, in degrees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GpsPosition {
    /// North is positive.
    pub latitude: f64,
    /// East is positive.
    pub longitude: f64,
}

/// A JPEG that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// How long its file is.
    pub bytes: usize,
}
