//! What each kind of paragraph looks like.

use super::xml::escaped;
use crate::order::Document;

pub(super) const NUMBERING: &str = include_str!("numbering.xml");

/// The styles, in the document's colour and language.
pub(super) fn styles(document: &Document) -> String {
    include_str!("styles.xml")
        .replace("__COLOR__", &document.look.color.hex())
        .replace("__LANGUAGE__", &escaped(&document.language))
}
