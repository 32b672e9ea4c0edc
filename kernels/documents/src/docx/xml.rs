//! Text in XML.

use crate::order::{Link, Span};

/// The text as text, in elements and in attributes. What XML may not hold is left out.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(letter),
            '\u{fffe}' | '\u{ffff}' => {}
            letter if letter.is_control() => {}
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// A run of text, in which line breaks are line breaks; `style` are its properties.
pub(super) fn run(text: &str, style: &str) -> String {
    let properties = match style {
        "" => String::new(),
        style => format!("<w:rPr>{style}</w:rPr>"),
    };
    let lines: Vec<String> = text
        .split('\n')
        .map(|line| format!("<w:t xml:space=\"preserve\">{}</w:t>", escaped(line)))
        .collect();
    format!("<w:r>{properties}{}</w:r>", lines.join("<w:br/>"))
}

/// A paragraph of a style; `more` are properties beside it.
pub(super) fn paragraph(style: &str, more: &str, runs: &str) -> String {
    format!("<w:p><w:pPr><w:pStyle w:val=\"{style}\"/>{more}</w:pPr>{runs}</w:p>")
}

/// The name of a photograph's place, for links.
pub(super) fn bookmark(place: usize) -> String {
    format!("photo_{place}")
}

/// A piece of text with its link. `address` gives the relationship to a page of the web, if it is one; `is_shown` tells
/// whether there is a photograph at a place.
pub(super) fn span(
    span: &Span,
    is_shown: impl Fn(usize) -> bool,
    address: impl FnOnce(&str) -> Option<String>,
) -> String {
    const LINK: &str = "<w:rStyle w:val=\"Hyperlink\"/>";
    match &span.link {
        Some(Link::Photo(place)) if is_shown(*place) => format!(
            "<w:hyperlink w:anchor=\"{}\">{}</w:hyperlink>",
            bookmark(*place),
            run(&span.text, LINK)
        ),
        Some(Link::Web(web)) => match address(web) {
            Some(id) => format!(
                "<w:hyperlink r:id=\"{id}\">{}</w:hyperlink>",
                run(&span.text, LINK)
            ),
            None => run(&span.text, ""),
        },
        _ => run(&span.text, ""),
    }
}
