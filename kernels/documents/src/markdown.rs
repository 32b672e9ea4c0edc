//! Text in CommonMark with tables. A paragraph is a line, however long.

use crate::html::is_web;
use crate::order::{Block, Document, Link, Span, Table};
use crate::photos::Photos;

/// What means something wherever it stands in a line.
const MARKS: &str = "\\`*_[]<>|~#";

/// The text.
pub(crate) fn text(document: &Document, photos: &Photos) -> String {
    let mut blocks = Vec::new();
    if let Some(stamp) = &document.look.stamp {
        blocks.push(format!("**{}**", line(stamp)));
    }
    for (index, words) in document.title.iter().enumerate() {
        blocks.push(match index {
            0 => format!("# {}", line(words)),
            _ => start(line(words)),
        });
    }
    let parts = document.blocks.iter();
    blocks.extend(parts.flat_map(|part| block(part, photos)));
    blocks.retain(|block| !block.is_empty());
    blocks.join("\n\n") + "\n"
}

fn block(block: &Block, photos: &Photos) -> Vec<String> {
    match block {
        Block::Facts(facts) => {
            let lines = facts.iter();
            let lines =
                lines.map(|fact| format!("- **{}:** {}", line(&fact.name), words(&fact.value)));
            vec![lines.collect::<Vec<_>>().join("\n")]
        }
        Block::Heading(heading) => {
            let number = heading.number.iter();
            let number: String = number.map(|number| format!("{number} ")).collect();
            vec![format!("## {}", line(&format!("{number}{}", heading.text)))]
        }
        Block::Paragraph(text) => vec![start(words(text))],
        Block::Items(items) => {
            let lines = items.iter();
            let lines = lines.map(|item| format!("- {}", start(words(item))));
            vec![lines.collect::<Vec<_>>().join("\n")]
        }
        Block::Point(point) => {
            let number = line(&point.number);
            let paragraphs = point.paragraphs.iter().enumerate();
            let paragraphs = paragraphs.map(|(index, paragraph)| match index {
                0 => format!("**{number}** {}", words(paragraph)),
                _ => start(words(paragraph)),
            });
            paragraphs.chain(named(&point.photos, photos)).collect()
        }
        Block::Table(one) => vec![table(one)],
        Block::Gallery(places) => {
            let lines = named(places, photos);
            let lines = lines.map(|line| format!("- {line}"));
            vec![lines.collect::<Vec<_>>().join("\n")]
        }
        Block::Signatures(lines) => {
            let lines = lines.iter();
            lines
                .map(|words| {
                    format!(
                        "{}: \\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_",
                        start(line(words))
                    )
                })
                .collect()
        }
    }
}

/// Photographs by their captions.
fn named<'a>(places: &'a [usize], photos: &'a Photos) -> impl Iterator<Item = String> + 'a {
    let found = photos.at(places);
    found.map(|(_, photo, _)| format!("*{}*", line(&photo.line())))
}

fn table(table: &Table) -> String {
    let names = table.columns.iter().map(|column| line(&column.name));
    let rule = table.columns.iter().map(|_| "---".to_owned());
    let mut lines = vec![row(names), row(rule)];
    for cells in &table.rows {
        lines.push(row(cells.iter().map(|cell| words(cell))));
    }
    lines.join("\n")
}

fn row(cells: impl Iterator<Item = String>) -> String {
    format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
}

fn words(spans: &[Span]) -> String {
    spans.iter().map(span).collect()
}

fn span(span: &Span) -> String {
    let words = line(&span.text);
    match &span.link {
        Some(Link::Web(address)) if is_web(address) && !address.contains(is_odd) => {
            format!("[{words}](<{address}>)")
        }
        _ => words,
    }
}

/// What would end an address early.
fn is_odd(letter: char) -> bool {
    letter.is_control() || letter.is_whitespace() || "<>\\".contains(letter)
}

/// A text that stays text, on one line.
fn line(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' => escaped.push_str("  "),
            '&' => escaped.push_str("&amp;"),
            letter if letter.is_control() => {}
            letter if MARKS.contains(letter) => escaped.extend(['\\', letter]),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// A text at the beginning of a line, where `-`, `+`, `=` and `1.` mean something too.
fn start(text: String) -> String {
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    let behind = text.chars().nth(digits);
    match behind {
        Some('-' | '+' | '=') if digits == 0 => format!("\\{text}"),
        Some('.' | ')') if digits > 0 => {
            let (number, rest) = text.split_at_checked(digits).unwrap_or((&text, ""));
            format!("{number}\\{rest}")
        }
        _ => text,
    }
}
