//! The words of a document that are not the report's, a file for each language.

mod en;
mod fr;
mod words;

pub(super) use self::words::Labels;
use crate::handlers::export_document::input::Language;

/// The words of a language.
pub(super) fn labels(language: Language) -> &'static Labels {
    match language {
        Language::En => &en::LABELS,
        Language::Fr => &fr::LABELS,
    }
}
