//! The text of the document.

use super::picture::{self, Room};
use super::table;
use super::xml::{self, paragraph, run};
use crate::html::is_web;
use crate::order::{Block, Document, Heading, Paper, Point, Span};
use crate::photos::Photos;

const START: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<w:document \
    xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\" \
    xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\" \
    xmlns:wp=\"http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing\" \
    xmlns:a=\"http://schemas.openxmlformats.org/drawingml/2006/main\" \
    xmlns:pic=\"http://schemas.openxmlformats.org/drawingml/2006/picture\"><w:body>";
/// Numbers that the program counts: of a heading, of a point.
const HEADING_NUMBER: &str = "<w:numPr><w:ilvl w:val=\"0\"/><w:numId w:val=\"1\"/></w:numPr>";
const POINT_NUMBER: &str = "<w:numPr><w:ilvl w:val=\"1\"/><w:numId w:val=\"1\"/></w:numPr>";
/// Below a point, and in a half of the page.
const BELOW: Room = Room::millimetres(125, 95);
const HALF: Room = Room::millimetres(80, 65);

/// The part with the text, and what it refers to.
pub(super) struct Body<'a> {
    photos: &'a Photos<'a>,
    pub(super) xml: String,
    /// Pages of the web, as the relationships `web1`, `web2`, …
    pub(super) addresses: Vec<String>,
    /// Files of photographs, as the relationships `image1`, `image2`, …
    pub(super) pictures: Vec<&'a [u8]>,
    /// What the program has counted so far.
    headings: usize,
    points: usize,
}

impl<'a> Body<'a> {
    pub(super) fn of(document: &Document, photos: &'a Photos<'a>) -> Self {
        let mut body = Self {
            photos,
            xml: START.into(),
            addresses: Vec::new(),
            pictures: Vec::new(),
            headings: 0,
            points: 0,
        };
        for (line, index) in document.title.iter().zip(0..) {
            let style = if index == 0 { "Title" } else { "Subtitle" };
            body.add(&paragraph(style, "", &run(line, "")));
        }
        document.blocks.iter().for_each(|block| body.block(block));
        body.add(section(document.look.paper));
        body.add("</w:body></w:document>");
        body
    }

    fn add(&mut self, xml: &str) {
        self.xml.push_str(xml);
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Facts(facts) => {
                let rows = facts.iter();
                let rows: Vec<_> = rows
                    .map(|fact| (run(&fact.name, "<w:b/>"), self.text(&fact.value)))
                    .collect();
                self.add(&table::facts(&rows));
            }
            Block::Heading(heading) => self.heading(heading),
            Block::Paragraph(text) => {
                let runs = self.text(text);
                self.add(&paragraph("BodyText", "", &runs));
            }
            Block::Items(items) => {
                for item in items {
                    let runs = self.text(item);
                    self.add(&paragraph("ListBullet", "", &runs));
                }
            }
            Block::Point(point) => self.point(point),
            Block::Table(one) => {
                let rows = one.rows.iter();
                let rows: Vec<Vec<String>> = rows
                    .map(|row| row.iter().map(|cell| self.text(cell)).collect())
                    .collect();
                self.add(&table::table(&one.columns, &rows));
            }
            Block::Gallery(places) => {
                let cells: Vec<String> = places
                    .iter()
                    .map(|place| self.photo(*place, HALF, ""))
                    .collect();
                self.add(&table::gallery(&cells));
            }
            Block::Signatures(lines) => {
                for (line, left) in lines.iter().zip((0..lines.len()).rev()) {
                    let keep = if left > 0 { "<w:keepNext/>" } else { "" };
                    self.add(&paragraph("SignatureLine", keep, &run(line, "")));
                }
            }
        }
    }

    /// A heading whose number is what the program counts is counted by it; any other is written out.
    fn heading(&mut self, heading: &Heading) {
        let counted = format!("{}.", self.headings + 1);
        let xml = match &heading.number {
            None => paragraph("Heading1", "", &run(&heading.text, "")),
            Some(number) if *number == counted => {
                (self.headings, self.points) = (self.headings + 1, 0);
                paragraph("Heading1", HEADING_NUMBER, &run(&heading.text, ""))
            }
            Some(number) => {
                let words = format!("{number} {}", heading.text);
                paragraph("Heading1", "", &run(&words, ""))
            }
        };
        self.add(&xml);
    }

    fn point(&mut self, point: &Point) {
        let counted = format!("{}.{}", self.headings, self.points + 1);
        let is_counted = point.number == counted;
        self.points += usize::from(is_counted);
        for (words, index) in point.paragraphs.iter().zip(0..) {
            let runs = self.text(words);
            // What belongs below it stays with it.
            let has_more = index + 1 < point.paragraphs.len() || !point.photos.is_empty();
            let keep = if has_more { "<w:keepNext/>" } else { "" };
            let xml = match (index, is_counted) {
                (0, true) => paragraph("Point", &format!("{keep}{POINT_NUMBER}"), &runs),
                (0, false) => {
                    let number = format!("{}<w:r><w:tab/></w:r>", run(&point.number, ""));
                    paragraph("Point", keep, &format!("{number}{runs}"))
                }
                _ => paragraph("PointText", keep, &runs),
            };
            self.add(&xml);
        }
        for place in &point.photos {
            let photo = self.photo(*place, BELOW, "<w:ind w:left=\"720\"/>");
            self.add(&photo);
        }
    }

    /// A photograph and its caption, which are never parted; nothing where there is none.
    fn photo(&mut self, place: usize, room: Room, indent: &str) -> String {
        let Some((photo, file)) = self.photos.get(place) else {
            return String::new();
        };
        let line = photo.line();
        let shown = match file {
            Some(file) => {
                self.pictures.push(file.bytes);
                let drawing = picture::drawing(self.pictures.len(), &line, room.fit(file.file));
                paragraph("Photo", indent, &drawing)
            }
            None => table::missing(&photo.missing, room, !indent.is_empty()),
        };
        let name = xml::bookmark(place);
        let caption = format!(
            "<w:bookmarkStart w:id=\"{place}\" w:name=\"{name}\"/>{}<w:bookmarkEnd w:id=\"{place}\"/>",
            run(&line, "")
        );
        format!("{shown}{}", paragraph("Caption", indent, &caption))
    }

    fn text(&mut self, spans: &[Span]) -> String {
        let (photos, addresses) = (self.photos, &mut self.addresses);
        let runs = spans.iter().map(|span| {
            xml::span(
                span,
                |place| photos.get(place).is_some(),
                |web| {
                    is_web(web).then(|| {
                        addresses.push(web.into());
                        format!("web{}", addresses.len())
                    })
                },
            )
        });
        runs.collect()
    }
}

fn section(paper: Paper) -> &'static str {
    macro_rules! section {
        ($size:literal) => {
            concat!(
                "<w:sectPr><w:headerReference w:type=\"default\" r:id=\"header\"/>",
                "<w:footerReference w:type=\"default\" r:id=\"footer\"/><w:pgSz ",
                $size,
                "/><w:pgMar w:top=\"1440\" w:right=\"1080\" w:bottom=\"1080\" w:left=\"1080\" w:header=\"620\" ",
                "w:footer=\"500\" w:gutter=\"0\"/></w:sectPr>"
            )
        };
    }
    match paper {
        Paper::Letter => section!("w:w=\"12240\" w:h=\"15840\""),
        Paper::A4 => section!("w:w=\"11906\" w:h=\"16838\""),
    }
}
