//! What stands on every page.

use super::xml::{escaped, paragraph, run};
use crate::order::Document;

const NAMESPACES: &str = "xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\" \
    xmlns:v=\"urn:schemas-microsoft-com:vml\" xmlns:o=\"urn:schemas-microsoft-com:office:office\"";
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";

/// Above the text, and across it what a draft is stamped with.
pub(super) fn header(document: &Document) -> String {
    let (left, right) = (&document.furniture.left, &document.furniture.right);
    let stamp = document.look.stamp.as_deref().map(stamp);
    let runs = format!(
        "{}{}<w:r><w:tab/></w:r>{}",
        stamp.unwrap_or_default(),
        run(left, ""),
        run(right, "")
    );
    let line = paragraph("Header", "", &runs);
    format!("{DECLARATION}<w:hdr {NAMESPACES}>{line}</w:hdr>")
}

/// Below the text: the page's number, and how many there are, as the program counts them.
pub(super) fn footer(document: &Document) -> String {
    let [before, between, after] = &document.furniture.page;
    let field = |name: &str| {
        format!("<w:fldSimple w:instr=\" {name} \"><w:r><w:t>1</w:t></w:r></w:fldSimple>")
    };
    let runs = [
        run(before, ""),
        field("PAGE"),
        run(between, ""),
        field("NUMPAGES"),
        run(after, ""),
    ];
    let line = paragraph("Footer", "", &runs.concat());
    format!("{DECLARATION}<w:ftr {NAMESPACES}>{line}</w:ftr>")
}

/// As Word writes its own watermarks.
fn stamp(word: &str) -> String {
    let word = escaped(word);
    format!(
        "<w:r><w:pict><v:shapetype id=\"_x0000_t136\" coordsize=\"21600,21600\" o:spt=\"136\" adj=\"10800\" \
        path=\"m@7,l@8,m@5,21600l@6,21600e\"><v:formulas><v:f eqn=\"sum #0 0 10800\"/><v:f eqn=\"prod #0 2 1\"/>\
        <v:f eqn=\"sum 21600 0 @1\"/><v:f eqn=\"sum 0 0 @2\"/><v:f eqn=\"sum 21600 0 @3\"/><v:f eqn=\"if @0 @3 0\"/>\
        <v:f eqn=\"if @0 21600 @1\"/><v:f eqn=\"if @0 0 @2\"/><v:f eqn=\"if @0 @4 21600\"/></v:formulas>\
        <v:path textpathok=\"t\" o:connecttype=\"rect\"/><v:textpath on=\"t\" fitshape=\"t\"/></v:shapetype>\
        <v:shape id=\"Watermark\" o:spid=\"_x0000_s2049\" type=\"#_x0000_t136\" alt=\"{word}\" \
        style=\"position:absolute;margin-left:0;margin-top:0;width:440pt;height:150pt;rotation:315;z-index:-251658752;\
        mso-position-horizontal:center;mso-position-horizontal-relative:margin;mso-position-vertical:center;\
        mso-position-vertical-relative:margin\" o:allowincell=\"f\" fillcolor=\"#d8d8d8\" stroked=\"f\">\
        <v:fill opacity=\".5\"/><v:textpath style=\"font-family:&quot;Calibri&quot;;font-size:1pt\" string=\"{word}\"/>\
        </v:shape></w:pict></w:r>"
    )
}
