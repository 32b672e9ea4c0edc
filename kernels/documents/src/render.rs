//! One document in one format.

use crate::order::{Answer, DocumentFormat, Order, Outcome};
use crate::photos::Photos;
use crate::{docx, html, markdown};

/// A document that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// What is known of it.
    pub outcome: Outcome,
    /// Its file.
    pub file: Vec<u8>,
}

/// Why no document can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// What was asked for is no order.
    #[error("the order cannot be read: {0}")]
    Order(String),
    /// The photographs' files are fewer or shorter than the order says.
    #[error("the photographs are cut short")]
    Photos,
}

/// What stands before the photographs' files in a frame.
pub fn head(order: &Order) -> Vec<u8> {
    kernel_frame::head(&serde_json::to_string(order).unwrap_or_default())
}

/// Answers a frame, the order and the photographs' files, by a frame, the answer and the document's file.
pub fn answer(frame: &[u8]) -> Vec<u8> {
    let (answer, file) = match answered(frame) {
        Ok(Rendered { outcome, file }) => (Answer::Done(outcome), file),
        Err(error) => (Answer::Refused(error.to_string()), Vec::new()),
    };
    let mut frame = kernel_frame::head(&serde_json::to_string(&answer).unwrap_or_default());
    frame.extend_from_slice(&file);
    frame
}

/// Reads an answer's frame; `None` when it is none.
pub fn read_answer(frame: &[u8]) -> Option<(Answer, &[u8])> {
    let (text, file) = kernel_frame::split(frame)?;
    Some((serde_json::from_slice(text).ok()?, file))
}

fn answered(frame: &[u8]) -> Result<Rendered, RenderError> {
    let (text, files) =
        kernel_frame::split(frame).ok_or_else(|| RenderError::Order("it is cut short".into()))?;
    let order =
        serde_json::from_slice(text).map_err(|error| RenderError::Order(error.to_string()))?;
    render(&order, files)
}

/// Makes a document.
///
/// # Errors
/// [`RenderError`] when it cannot be made.
pub fn render(order: &Order, files: &[u8]) -> Result<Rendered, RenderError> {
    let Order { format, document } = order;
    let photos = Photos::of(document, files).ok_or(RenderError::Photos)?;
    let file = match format {
        DocumentFormat::Docx => docx::file(document, &photos),
        DocumentFormat::Html => html::page(document, &photos).into_bytes(),
        DocumentFormat::Markdown => markdown::text(document, &photos).into_bytes(),
    };
    Ok(Rendered {
        outcome: Outcome::default(),
        file,
    })
}
