//! One photograph: read, decoded once, and made into every variant.

use crate::decode::{self, Head};
use crate::draw::annotate;
use crate::encode;
use crate::error::ImageError;

use crate::metadata::Metadata;
use crate::order::{Answer, Order, Source, Variant};
use crate::redact::{MARGIN, redact};
use crate::scale::{fitted, resized};
use crate::turn::Turn;

/// A photograph that was processed.
#[derive(Debug, Clone, PartialEq)]
pub struct Processed {
    /// As it came.
    pub source: Source,
    /// What was made of it, in the order's order, with the files.
    pub variants: Vec<(Variant, Vec<u8>)>,
}

/// What stands before a photograph's file in a frame.
pub fn head(order: &Order) -> Vec<u8> {
    kernel_frame::head(&serde_json::to_string(order).unwrap_or_default())
}

/// Answers a frame, the order and the file, by a frame, the answer and the files of the variants.
pub fn answer(frame: &[u8]) -> Vec<u8> {
    let (answer, files) = match answered(frame) {
        Ok(Processed { source, variants }) => {
            let (variants, files) = variants.into_iter().unzip();
            (Answer::Done { source, variants }, files)
        }
        Err(error) => (Answer::Refused(error.to_string()), Vec::new()),
    };
    let mut frame = kernel_frame::head(&serde_json::to_string(&answer).unwrap_or_default());
    files
        .iter()
        .for_each(|file: &Vec<u8>| frame.extend_from_slice(file));
    frame
}

/// Reads an answer's frame; `None` when it is none.
pub fn read_answer(frame: &[u8]) -> Option<(Answer, &[u8])> {
    let (text, files) = kernel_frame::split(frame)?;
    Some((serde_json::from_slice(text).ok()?, files))
}

fn answered(frame: &[u8]) -> Result<Processed, ImageError> {
    let (text, file) =
        kernel_frame::split(frame).ok_or_else(|| ImageError::Order("it is cut short".into()))?;
    let order =
        serde_json::from_slice(text).map_err(|error| ImageError::Order(error.to_string()))?;
    process(file, &order)
}

/// Makes the variants of a photograph. Without any it is not decoded.
///
/// # Errors
/// [`ImageError`] when nothing can be made of the file.
pub fn process(file: &[u8], order: &Order) -> Result<Processed, ImageError> {
    let mut head = decode::read(file)?;
    let metadata = Metadata::read(head.exif.take());
    let turn = Turn::of_orientation(metadata.orientation());
    let (width, height) = turn.shown(head.size);
    let source = Source {
        width,
        height,
        format: head.format,
        taken_at: metadata.taken_at(),
        gps: metadata.gps().filter(|_| order.wants_gps),
    };
    let variants = variants(head, order, turn.rotated(order.rotation))?;
    Ok(Processed { source, variants })
}

fn variants(
    mut head: Head<'_>,
    order: &Order,
    turn: Turn,
) -> Result<Vec<(Variant, Vec<u8>)>, ImageError> {
    let Some(largest) = order.variants.iter().map(|variant| variant.max_edge).max() else {
        return Ok(Vec::new());
    };
    let (stored, profile) = (head.size, head.profile.take());
    let mut base = turn.apply(head.decode(fitted(stored, largest))?);
    redact(&mut base, &order.redact, MARGIN);
    let made = order.variants.iter().map(|variant| {
        // Of the size in the file: of a scaled one it could be a pixel off.
        let (width, height) = turn.shown(fitted(stored, variant.max_edge));
        let mut raster = resized(&base, (width, height))?;
        redact(&mut raster, &order.redact, 0.0);
        if variant.is_annotated {
            annotate(&mut raster, &order.annotations);
        }
        let file = encode::jpeg(&raster, variant.quality, profile.as_deref())?;
        let bytes = file.len();
        Ok((
            Variant {
                width,
                height,
                bytes,
            },
            file,
        ))
    });
    made.collect()
}
