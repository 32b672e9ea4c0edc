//! A document for Word: a zip of XML parts. Written here, because [docx-rs] has no alternative text, no repeating rows of
//! names, calls every picture a PNG and gives all of them one id.
//!
//! [docx-rs]: https://crates.io/crates/docx-rs

mod archive;
mod body;
mod furniture;
mod package;
mod picture;
mod styles;
mod table;
mod xml;

use self::archive::Archive;
use self::body::Body;
use crate::order::Document;
use crate::photos::Photos;

/// The file.
pub(crate) fn file(document: &Document, photos: &Photos) -> Vec<u8> {
    let body = Body::of(document, photos);
    let mut archive = Archive::default();
    archive.add_text("[Content_Types].xml", package::CONTENT_TYPES);
    archive.add_text("_rels/.rels", package::RELATIONSHIPS);
    archive.add_text("docProps/core.xml", &package::properties(document));
    archive.add_text("word/document.xml", &body.xml);
    archive.add_text("word/styles.xml", &styles::styles(document));
    archive.add_text("word/numbering.xml", styles::NUMBERING);
    archive.add_text("word/settings.xml", &package::settings(document));
    archive.add_text("word/header1.xml", &furniture::header(document));
    archive.add_text("word/footer1.xml", &furniture::footer(document));
    archive.add_text(
        "word/_rels/document.xml.rels",
        &package::body_relationships(&body.addresses, &body.pictures),
    );
    for (number, bytes) in body
        .pictures
        .iter()
        .zip(1..)
        .map(|(bytes, number)| (number, bytes))
    {
        archive.add_packed(&format!("word/media/image{number}.jpeg"), bytes);
    }
    archive.finish()
}
