//! Headings with what stands below them.

use document_kernel::order::{Block, Heading, Text};

use super::words;

/// A heading without a number.
pub(super) fn heading(words: &str) -> Block {
    Block::Heading(Heading {
        number: None,
        text: words.into(),
    })
}

/// A heading and the items below it; nothing without items.
pub(super) fn listed(blocks: &mut Vec<Block>, title: &str, mut items: Vec<Text>) {
    items.retain(|item| item.iter().any(|span| !span.text.is_empty()));
    if !items.is_empty() {
        blocks.extend([heading(title), Block::Items(items)]);
    }
}

/// A heading and the paragraphs of a text below it; nothing without words.
pub(super) fn text(blocks: &mut Vec<Block>, title: &str, text: &str) {
    let paragraphs = words::paragraphs(text);
    if !paragraphs.is_empty() {
        blocks.push(heading(title));
        blocks.extend(paragraphs.into_iter().map(Block::Paragraph));
    }
}
