//! One page of the web that needs nothing else: its style and its photographs are in it, and it may load nothing.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::order::{Block, Document, Link, Paper, Photo, Point, Span, Table};
use crate::photos::{Photos, ShownFile};

/// What the page may do: show what is in it.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

/// The page.
pub(crate) fn page(document: &Document, photos: &Photos) -> String {
    let mut html = format!(
        "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
        <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
        <meta name=\"viewport\" content=\"width=device-width\">\n<title>{}</title>\n<style>\n{}</style>\n</head>\n<body>\n",
        escaped(&document.language),
        escaped(&document.name),
        style(document)
    );
    if let Some(stamp) = &document.look.stamp {
        html.push_str(&format!(
            "<div class=\"stamp\" aria-hidden=\"true\">{}</div>\n",
            escaped(stamp)
        ));
    }
    let (left, right) = (&document.furniture.left, &document.furniture.right);
    html.push_str(&format!(
        "<header class=\"page\"><span>{}</span><span>{}</span></header>\n<main>\n",
        escaped(left),
        escaped(right)
    ));
    for (index, line) in document.title.iter().enumerate() {
        html.push_str(&match index {
            0 => format!("<h1>{}</h1>\n", escaped(line)),
            _ => format!("<p class=\"subtitle\">{}</p>\n", escaped(line)),
        });
    }
    for part in &document.blocks {
        block(&mut html, part, photos);
    }
    html.push_str("</main>\n</body>\n</html>\n");
    html
}

fn style(document: &Document) -> String {
    let [before, between, after] = &document.furniture.page;
    let paper = match document.look.paper {
        Paper::Letter => "letter",
        Paper::A4 => "A4",
    };
    include_str!("html.css")
        .replace("__COLOR__", &document.look.color.hex())
        .replace("__PAPER__", paper)
        .replace("__BEFORE__", &quoted(before))
        .replace("__BETWEEN__", &quoted(between))
        .replace("__AFTER__", &quoted(after))
}

/// The inside of a string of CSS, which ends neither the string nor the style.
fn quoted(text: &str) -> String {
    let letters = text.chars().filter(|letter| !letter.is_control());
    letters
        .map(|letter| match letter {
            '"' | '\\' | '<' | '>' | '&' => format!("\\{:x} ", u32::from(letter)),
            letter => letter.to_string(),
        })
        .collect()
}

fn block(html: &mut String, block: &Block, photos: &Photos) {
    match block {
        Block::Facts(facts) => {
            html.push_str("<table class=\"facts\">\n");
            for fact in facts {
                let (name, value) = (escaped(&fact.name), text(&fact.value));
                html.push_str(&format!(
                    "<tr><th scope=\"row\">{name}</th><td>{value}</td></tr>\n"
                ));
            }
            html.push_str("</table>\n");
        }
        Block::Heading(heading) => {
            let number = heading.number.iter();
            let number: String = number.map(|number| format!("{number} ")).collect();
            let words = escaped(&format!("{number}{}", heading.text));
            html.push_str(&format!("<h2>{words}</h2>\n"));
        }
        Block::Paragraph(words) => html.push_str(&format!("<p>{}</p>\n", text(words))),
        Block::Items(items) => {
            let items = items.iter();
            let items: String = items
                .map(|item| format!("<li>{}</li>\n", text(item)))
                .collect();
            html.push_str(&format!("<ul>\n{items}</ul>\n"));
        }
        Block::Point(one) => point(html, one, photos),
        Block::Table(one) => table(html, one),
        Block::Gallery(places) => {
            html.push_str("<div class=\"gallery\">\n");
            figures(html, places, photos);
            html.push_str("</div>\n");
        }
        Block::Signatures(lines) => {
            let lines = lines.iter();
            let lines: String = lines
                .map(|line| format!("<div>{}</div>\n", escaped(line)))
                .collect();
            html.push_str(&format!("<div class=\"signatures\">\n{lines}</div>\n"));
        }
    }
}

fn point(html: &mut String, point: &Point, photos: &Photos) {
    let number = escaped(&point.number);
    html.push_str(&format!(
        "<div class=\"point\"><div class=\"number\">{number}</div><div>\n"
    ));
    for paragraph in &point.paragraphs {
        html.push_str(&format!("<p>{}</p>\n", text(paragraph)));
    }
    figures(html, &point.photos, photos);
    html.push_str("</div></div>\n");
}

fn table(html: &mut String, table: &Table) {
    html.push_str("<table>\n<thead><tr>");
    for column in &table.columns {
        html.push_str(&format!("<th scope=\"col\">{}</th>", escaped(&column.name)));
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    for row in &table.rows {
        let cells = row.iter();
        let cells: String = cells
            .map(|cell| format!("<td>{}</td>", text(cell)))
            .collect();
        html.push_str(&format!("<tr>{cells}</tr>\n"));
    }
    html.push_str("</tbody>\n</table>\n");
}

fn figures(html: &mut String, places: &[usize], photos: &Photos) {
    for (place, photo, file) in photos.at(places) {
        html.push_str(&format!("<figure id=\"photo-{place}\">"));
        figure(html, photo, file);
        let line = escaped(&photo.line());
        html.push_str(&format!("<figcaption>{line}</figcaption></figure>\n"));
    }
}

fn figure(html: &mut String, photo: &Photo, file: Option<ShownFile>) {
    let Some(ShownFile { file, bytes }) = file else {
        let words = escaped(&photo.missing);
        html.push_str(&format!("<div class=\"missing\">{words}</div>"));
        return;
    };
    html.push_str(&format!(
        "<img alt=\"{}\" width=\"{}\" height=\"{}\" style=\"height:auto\" src=\"data:image/jpeg;base64,",
        escaped(&photo.line()),
        file.width,
        file.height
    ));
    BASE64_STANDARD.encode_string(bytes, html);
    html.push_str("\">");
}

fn text(spans: &[Span]) -> String {
    spans.iter().map(span).collect()
}

fn span(span: &Span) -> String {
    let words = escaped(&span.text).replace('\n', "<br>");
    match &span.link {
        None => words,
        Some(Link::Photo(place)) => format!("<a href=\"#photo-{place}\">{words}</a>"),
        Some(Link::Web(address)) if is_web(address) => {
            let address = escaped(address);
            format!("<a href=\"{address}\" rel=\"noreferrer\">{words}</a>")
        }
        Some(Link::Web(_)) => words,
    }
}

/// Whether an address leads to a page and does nothing else.
pub(crate) fn is_web(address: &str) -> bool {
    let has = |scheme: &str| {
        let start = address.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    has("http://") || has("https://")
}

/// The text as text, wherever it stands. What no document may hold is left out.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' => escaped.push('\n'),
            letter if letter.is_control() => {}
            letter => escaped.push(letter),
        }
    }
    escaped
}
