//! Words of a report as a document takes them: without what cannot be seen, addresses of the web as links.

use document_kernel::order::{Link, Span, Text, plain};

use crate::words;

const SCHEMES: [&str; 2] = ["https://", "http://"];

/// What begins a tag for a photograph: `[IMAGE:2:Roof]`.
pub(super) const TAG: &str = "[IMAGE:";

/// One line, without tags.
pub(super) fn line(text: &str) -> String {
    words::line(&without_tags(text))
}

/// A text whose line breaks stay.
pub(super) fn lines(text: &str) -> String {
    let lines = text.lines().map(words::line);
    let lines: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
    lines.join("\n")
}

/// A text without tags.
fn without_tags(text: &str) -> String {
    let mut pieces = text.split(TAG);
    let mut left = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        left.truncate(left.trim_end_matches(' ').len());
        left.push_str(behind_tag(piece));
    }
    left
}

/// What stands behind a tag that nobody knows, from the text behind its beginning.
pub(super) fn behind_tag(text: &str) -> &str {
    let line = text.lines().next().unwrap_or_default();
    line.find(']')
        .and_then(|end| text.get(end + 1..))
        .unwrap_or(text)
}

/// The paragraphs of a longer text.
pub(super) fn paragraphs(text: &str) -> Vec<Text> {
    let paragraphs = text.lines().map(line);
    let paragraphs = paragraphs.filter(|line| !line.is_empty());
    paragraphs.map(|line| linked(&line)).collect()
}

/// A text with its addresses of the web as links.
pub(super) fn text(text: &str) -> Text {
    linked(&lines(&without_tags(text)))
}

/// A text that is clean already, with its addresses of the web as links.
pub(super) fn linked(text: &str) -> Text {
    let mut spans = Vec::new();
    let mut rest = text;
    while let Some((before, address, behind)) = next_address(rest) {
        if !before.is_empty() {
            spans.extend(plain(before));
        }
        spans.push(Span {
            text: address.into(),
            link: Some(Link::Web(address.into())),
        });
        rest = behind;
    }
    if !rest.is_empty() || spans.is_empty() {
        spans.extend(plain(rest));
    }
    spans
}

/// The first address, what stands before it and what behind.
fn next_address(text: &str) -> Option<(&str, &str, &str)> {
    let starts = SCHEMES.iter().filter_map(|scheme| text.find(scheme));
    let (before, from) = text.split_at_checked(starts.min()?)?;
    let is_end = |letter: char| letter.is_whitespace() || "<>\"".contains(letter);
    let (address, _) = from.split_at_checked(from.find(is_end).unwrap_or(from.len()))?;
    // What ends the sentence is no part of it.
    let address = address.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '\'']);
    let (address, behind) = from.split_at_checked(address.len())?;
    // Without a host it is no address, and would be found for ever.
    match SCHEMES
        .iter()
        .any(|scheme| address.len() > scheme.len() && address.starts_with(scheme))
    {
        true => Some((before, address, behind)),
        false => None,
    }
}
