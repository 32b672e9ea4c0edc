//! The document for Word, read as a zip of XML.

use std::io::{Cursor, Read};

use super::{document, file};
use crate::order::{Block, DocumentFormat, Order};
use crate::render;

/// A part by its name.
fn part(file: &[u8], name: &str) -> String {
    let mut archive = zip::ZipArchive::new(Cursor::new(file)).expect("a zip");
    let mut part = archive
        .by_name(name)
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut text = String::new();
    part.read_to_string(&mut text).expect("text");
    text
}

fn docx() -> Vec<u8> {
    file(DocumentFormat::Docx)
}

/// How often each element is opened and closed.
fn expect_balanced(name: &str, xml: &str) {
    let mut open: Vec<&str> = Vec::new();
    for tag in xml.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').expect("a tag ends");
        let element = tag
            .split([' ', '/'])
            .find(|part| !part.is_empty())
            .expect("a name");
        match tag.chars().next() {
            Some('?') => {}
            Some('/') => assert_eq!(open.pop(), Some(element), "{name}"),
            _ if tag.ends_with('/') => {}
            _ => open.push(element),
        }
    }
    assert!(open.is_empty(), "{name}: {open:?}");
}

#[test]
fn every_part_that_is_named_is_there_and_is_well_formed() {
    let file = docx();
    for name in [
        "[Content_Types].xml",
        "_rels/.rels",
        "docProps/core.xml",
        "word/document.xml",
        "word/styles.xml",
        "word/numbering.xml",
        "word/settings.xml",
        "word/header1.xml",
        "word/footer1.xml",
        "word/_rels/document.xml.rels",
    ] {
        expect_balanced(name, &part(&file, name));
    }
    let text = part(&file, "word/document.xml");
    let relationships = part(&file, "word/_rels/document.xml.rels");
    for id in text
        .split("r:id=\"")
        .chain(text.split("r:embed=\""))
        .skip(1)
    {
        let (id, _) = id.split_once('"').expect("an id");
        let is_id = id.chars().all(char::is_alphanumeric);
        assert!(
            !is_id || relationships.contains(&format!("Id=\"{id}\"")),
            "{id}"
        );
    }
    let styles = part(&file, "word/styles.xml");
    for style in text.split("<w:pStyle w:val=\"").skip(1) {
        let (style, _) = style.split_once('"').expect("a name");
        assert!(
            styles.contains(&format!("w:styleId=\"{style}\"")),
            "{style}"
        );
    }
}

#[test]
fn headings_and_points_are_counted_by_the_program_and_other_numbers_are_written_out() {
    let counted = part(&docx(), "word/document.xml");
    assert!(counted.contains("<w:pStyle w:val=\"Heading1\"/><w:numPr><w:ilvl w:val=\"0\"/>"));
    assert!(counted.contains("<w:keepNext/><w:numPr><w:ilvl w:val=\"1\"/>"));
    assert!(!counted.contains(">1.1</w:t></w:r><w:r><w:tab/>"));
    let mut document = document();
    for block in &mut document.blocks {
        match block {
            Block::Heading(heading) => heading.number = Some("7.".into()),
            Block::Point(point) => point.number = "7.3".into(),
            _ => {}
        }
    }
    let format = DocumentFormat::Docx;
    let order = Order { format, document };
    let file = render(&order, super::FILE).expect("a document").file;
    let written = part(&file, "word/document.xml");
    assert!(!written.contains("<w:numPr>"));
    assert!(written.contains(">7. Roof "));
    assert!(written.contains(">7.3</w:t></w:r><w:r><w:tab/>"));
}

#[test]
fn a_photograph_stays_with_its_caption_keeps_its_shape_and_has_its_words() {
    let file = docx();
    let text = part(&file, "word/document.xml");
    assert!(text.contains("<w:pStyle w:val=\"Photo\"/>"));
    assert!(
        text.contains("<wp:extent cx=\"4500000\" cy=\"3375000\"/>"),
        "{text}"
    );
    assert!(text.contains("name=\"Picture 1\" descr=\"Photo 1: Parapet &lt;b&gt;"));
    let styles = part(&file, "word/styles.xml");
    for style in ["Photo", "MissingPhoto", "Heading1"] {
        let (_, style) = styles
            .split_once(&format!("w:styleId=\"{style}\""))
            .expect("a style");
        let (style, _) = style.split_once("</w:style>").expect("its end");
        assert!(style.contains("<w:keepNext/>"));
    }
    let mut archive = zip::ZipArchive::new(Cursor::new(&file)).expect("a zip");
    let mut picture = Vec::new();
    let mut entry = archive
        .by_name("word/media/image1.jpeg")
        .expect("a picture");
    entry.read_to_end(&mut picture).expect("bytes");
    assert_eq!(picture, super::FILE);
    assert!(text.contains("Photo 2 is not available"));
}

#[test]
fn tables_repeat_their_names_pages_are_counted_and_links_lead_somewhere() {
    let file = docx();
    let text = part(&file, "word/document.xml");
    assert_eq!(text.matches("<w:tblHeader/>").count(), 1);
    assert_eq!(
        text.matches("<w:tr>").count(),
        text.matches("<w:cantSplit/>").count()
    );
    assert!(text.contains("<w:hyperlink w:anchor=\"photo_0\">"));
    assert!(text.contains("w:name=\"photo_0\""));
    let footer = part(&file, "word/footer1.xml");
    assert!(footer.contains(" PAGE ") && footer.contains(" NUMPAGES "));
    let relationships = part(&file, "word/_rels/document.xml.rels");
    assert!(
        relationships.contains("Target=\"https://x.test/?a=1&amp;b=2\" TargetMode=\"External\"")
    );
    assert!(!relationships.contains("javascript"));
}

#[test]
fn a_draft_is_stamped_and_the_language_and_the_title_are_said() {
    let file = docx();
    assert!(part(&file, "word/header1.xml").contains("string=\"DRAFT\""));
    assert!(part(&file, "word/styles.xml").contains("<w:lang w:val=\"en\"/>"));
    let properties = part(&file, "docProps/core.xml");
    assert!(properties.contains("<dc:title>Field Review Report &lt;b&gt;"));
}
