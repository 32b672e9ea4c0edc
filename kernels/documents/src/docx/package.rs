//! What holds the parts together.

use std::fmt::Write as _;

use super::xml::escaped;
use crate::order::Document;

pub(super) const CONTENT_TYPES: &str = include_str!("content_types.xml");
pub(super) const RELATIONSHIPS: &str = include_str!("relationships.xml");

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const TYPES: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// What programs show of the document.
pub(super) fn properties(document: &Document) -> String {
    format!(
        "{DECLARATION}<cp:coreProperties \
        xmlns:cp=\"http://schemas.openxmlformats.org/package/2006/metadata/core-properties\" \
        xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><dc:title>{}</dc:title><dc:creator>{}</dc:creator>\
        <dc:language>{}</dc:language></cp:coreProperties>",
        escaped(&document.name),
        escaped(&document.furniture.left),
        escaped(&document.language)
    )
}

pub(super) fn settings(document: &Document) -> String {
    format!(
        "{DECLARATION}<w:settings xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\">\
        <w:defaultTabStop w:val=\"720\"/><w:compat><w:compatSetting w:name=\"compatibilityMode\" \
        w:uri=\"http://schemas.microsoft.com/office/word\" w:val=\"15\"/></w:compat>\
        <w:themeFontLang w:val=\"{}\"/></w:settings>",
        escaped(&document.language)
    )
}

/// What the text refers to: parts, pages of the web, photographs.
pub(super) fn body_relationships(addresses: &[String], pictures: &[&[u8]]) -> String {
    let mut xml = format!(
        "{DECLARATION}<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">"
    );
    let parts = [
        ("styles", "styles.xml"),
        ("numbering", "numbering.xml"),
        ("settings", "settings.xml"),
        ("header", "header1.xml"),
        ("footer", "footer1.xml"),
    ];
    for (name, target) in parts {
        relate(&mut xml, name, name, target, "");
    }
    for (address, number) in addresses.iter().zip(1..) {
        let target = escaped(address);
        let id = format!("web{number}");
        relate(
            &mut xml,
            &id,
            "hyperlink",
            &target,
            " TargetMode=\"External\"",
        );
    }
    for number in 1..=pictures.len() {
        let target = format!("media/image{number}.jpeg");
        relate(&mut xml, &format!("image{number}"), "image", &target, "");
    }
    xml.push_str("</Relationships>");
    xml
}

fn relate(xml: &mut String, id: &str, kind: &str, target: &str, mode: &str) {
    let _ = write!(
        xml,
        "<Relationship Id=\"{id}\" Type=\"{TYPES}/{kind}\" Target=\"{target}\"{mode}/>"
    );
}
