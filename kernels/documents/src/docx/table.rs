//! Tables: facts, rows below names, photographs two to a row, the box of one that is missing.

use super::picture::Room;
use super::xml::{paragraph, run};
use crate::order::Column;

/// Between the margins of the narrower paper, in twentieths of a point.
const WIDTH: u64 = 9_700;
/// A millimetre in twentieths of a point, times ten.
const MILLIMETRE_TENFOLD: u64 = 567;

/// Names and what they stand for.
pub(super) fn facts(rows: &[(String, String)]) -> String {
    let widths = [WIDTH * 28 / 100, WIDTH * 72 / 100];
    let rows = rows.iter().map(|(name, value)| {
        let name = paragraph("TableText", "", name);
        let value = paragraph("TableText", "", value);
        let cells = [
            cell(widths[0], "F2F2F2", &name),
            cell(widths[1], "", &value),
        ];
        row("", &cells.concat())
    });
    framed("ReportTable", &widths, rows)
}

/// Rows below a row of names, which every page repeats.
pub(super) fn table(columns: &[Column], rows: &[Vec<String>]) -> String {
    let all: u64 = columns.iter().map(|column| u64::from(column.width)).sum();
    let widths = columns.iter();
    let widths: Vec<u64> = widths
        .map(|column| WIDTH * u64::from(column.width) / all.max(1))
        .collect();
    let names = columns.iter().zip(&widths);
    let names = names.map(|(column, width)| {
        let words = paragraph("TableHead", "", &run(&column.name, ""));
        cell(*width, "D9DEE4", &words)
    });
    let head = row("<w:tblHeader/>", &names.collect::<String>());
    let rows = rows.iter().map(|cells| {
        let cells = cells.iter().zip(&widths);
        let cells = cells.map(|(runs, width)| cell(*width, "", &paragraph("TableText", "", runs)));
        row("", &cells.collect::<String>())
    });
    framed("ReportTable", &widths, std::iter::once(head).chain(rows))
}

/// Photographs with their captions, two to a row.
pub(super) fn gallery(photos: &[String]) -> String {
    let widths = [WIDTH / 2; 2];
    let rows = photos.chunks(2).map(|two| {
        let left = two.first().map_or("", String::as_str);
        // A cell without a paragraph is none.
        let right = two.get(1).cloned();
        let right = right.unwrap_or_else(|| paragraph("Caption", "", ""));
        row(
            "",
            &[cell(widths[0], "", left), cell(widths[1], "", &right)].concat(),
        )
    });
    framed("PlainTable", &widths, rows)
}

/// A grey box in the place of a photograph.
pub(super) fn missing(words: &str, room: Room, is_indented: bool) -> String {
    let twips = |millimetres: u64| millimetres * MILLIMETRE_TENFOLD / 10;
    let width = twips(room.width);
    let height = format!(
        "<w:trHeight w:val=\"{}\" w:hRule=\"exact\"/>",
        twips(room.height / 2)
    );
    let words = paragraph("MissingPhoto", "", &run(words, ""));
    let cell = format!(
        "<w:tc><w:tcPr><w:tcW w:w=\"{width}\" w:type=\"dxa\"/><w:shd w:val=\"clear\" w:color=\"auto\" w:fill=\"E4E4E4\"/>\
        <w:vAlign w:val=\"center\"/></w:tcPr>{words}</w:tc>"
    );
    let indent = if is_indented {
        "<w:tblInd w:w=\"720\" w:type=\"dxa\"/>"
    } else {
        ""
    };
    format!(
        "<w:tbl><w:tblPr><w:tblW w:w=\"{width}\" w:type=\"dxa\"/>{indent}<w:tblLayout w:type=\"fixed\"/></w:tblPr>\
        <w:tblGrid><w:gridCol w:w=\"{width}\"/></w:tblGrid>{}</w:tbl>",
        row(&height, &cell)
    )
}

/// A table, and a line behind it: two tables that touch become one.
fn framed(style: &str, widths: &[u64], rows: impl Iterator<Item = String>) -> String {
    let columns = widths.iter();
    let columns: String = columns
        .map(|width| format!("<w:gridCol w:w=\"{width}\"/>"))
        .collect();
    let rows: String = rows.collect();
    if rows.is_empty() {
        return String::new();
    }
    format!(
        "<w:tbl><w:tblPr><w:tblStyle w:val=\"{style}\"/><w:tblW w:w=\"{WIDTH}\" w:type=\"dxa\"/>\
        <w:tblLayout w:type=\"fixed\"/></w:tblPr><w:tblGrid>{columns}</w:tblGrid>{rows}</w:tbl>{}",
        paragraph("AfterTable", "", "")
    )
}

/// A row that no page break divides.
fn row(properties: &str, cells: &str) -> String {
    format!("<w:tr><w:trPr><w:cantSplit/>{properties}</w:trPr>{cells}</w:tr>")
}

fn cell(width: u64, fill: &str, content: &str) -> String {
    let shade = match fill {
        "" => String::new(),
        fill => format!("<w:shd w:val=\"clear\" w:color=\"auto\" w:fill=\"{fill}\"/>"),
    };
    format!("<w:tc><w:tcPr><w:tcW w:w=\"{width}\" w:type=\"dxa\"/>{shade}</w:tcPr>{content}</w:tc>")
}
