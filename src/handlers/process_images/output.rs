//! What a caller gets.

use image_kernel::order::{Format, GpsPosition};
use serde::{Deserialize, Serialize};

/// What became of the photographs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ImagesOutput {
    /// In the order of the input.
    pub images: Vec<ProcessedImage>,
    /// Over all of them.
    pub totals: Totals,
}

/// What became of one photograph.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProcessedImage {
    /// The caller's name for it.
    pub id: String,
    /// What was done.
    pub status: ImageStatus,
    /// Why nothing was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The photograph as it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceImage>,
    /// What there is of it now, in the order of the input's variants.
    pub variants: Vec<StoredVariant>,
}

/// What was done with a photograph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageStatus {
    /// Its variants are in their places.
    Ok,
    /// They were there already.
    Skipped,
    /// None was made.
    Failed,
}

/// A photograph as it came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceImage {
    /// In pixels, upright.
    pub width: u32,
    /// In pixels, upright.
    pub height: u32,
    /// How long its file is.
    pub bytes: usize,
    /// What its bytes are.
    pub format: Format,
    /// Of its file, in hexadecimal.
    pub sha256: String,
    /// When it was taken, as its camera wrote it, in ISO 8601.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<String>,
    /// Where it was taken, if that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gps: Option<GpsPosition>,
}

/// A variant in Storage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredVariant {
    /// As the input calls it.
    pub name: String,
    /// Where it is, in the output's bucket.
    pub path: String,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// How long its file is.
    pub bytes: usize,
    /// Of its file, in hexadecimal.
    pub sha256: String,
}

/// The file of a variant. It stands beside it in Storage too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariantFile {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// How long it is.
    pub bytes: usize,
    /// Of the file, in hexadecimal.
    pub sha256: String,
}

/// Counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Of photographs.
    pub images: usize,
    /// Whose variants were made.
    pub ok: usize,
    /// Whose variants were there.
    pub skipped: usize,
    /// Of which there are none.
    pub failed: usize,
    /// Of all photographs that were read.
    pub bytes_in: usize,
    /// Of all variants.
    pub bytes_out: usize,
}

impl ImagesOutput {
    /// The result of a job that came to this.
    pub(super) fn of(images: Vec<ProcessedImage>) -> Self {
        let count = |status| images.iter().filter(|image| image.status == status).count();
        let sources = images.iter().filter_map(|image| image.source.as_ref());
        let variants = images.iter().flat_map(|image| &image.variants);
        let totals = Totals {
            images: images.len(),
            ok: count(ImageStatus::Ok),
            skipped: count(ImageStatus::Skipped),
            failed: count(ImageStatus::Failed),
            bytes_in: sources.map(|source| source.bytes).sum(),
            bytes_out: variants.map(|variant| variant.bytes).sum(),
        };
        Self { images, totals }
    }
}
