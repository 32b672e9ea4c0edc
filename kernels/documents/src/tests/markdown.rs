//! The text with marks.

use super::file;
use crate::order::DocumentFormat;

fn text() -> String {
    String::from_utf8(file(DocumentFormat::Markdown)).expect("text")
}

#[test]
fn whatever_stands_in_a_document_is_text() {
    let text = text();
    assert!(text.contains(r"\<b\>"), "{text}");
    assert!(text.contains("\n\n1\\. no list\n"), "{text}");
    assert!(text.contains("\n\n\\- Action\n"), "{text}");
    assert!(!text.contains("javascript:"));
    let cells = text.lines().filter(|line| line.starts_with("| "));
    for line in cells {
        assert_eq!(line.replace("\\|", "").matches('|').count(), 3, "{line}");
    }
}

#[test]
fn photographs_are_named_by_their_numbers() {
    let text = text();
    assert!(text.contains("*Photo 1: Parapet "), "{text}");
    assert!(text.contains("- *Photo 2: Parapet "), "{text}");
    assert!(text.contains("[page](<https://x.test/?a=1&b=2>)"), "{text}");
}
