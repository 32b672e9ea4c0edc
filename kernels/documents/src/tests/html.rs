//! The page of the web.

use super::file;
use crate::order::DocumentFormat;

fn page() -> String {
    String::from_utf8(file(DocumentFormat::Html)).expect("text")
}

#[test]
fn whatever_stands_in_a_document_is_text() {
    let page = page();
    assert!(!page.contains("<b>"));
    assert!(!page.contains("javascript:"));
    assert_eq!(page.matches("</style>").count(), 1);
    assert!(page.contains("&lt;b&gt;&quot;Slope&quot; &amp; &#39;fall&#39;"));
    assert!(page.contains("href=\"https://x.test/?a=1&amp;b=2\""));
}

#[test]
fn a_page_needs_nothing_else_and_may_load_nothing() {
    let page = page();
    assert!(page.contains("default-src 'none'"));
    assert!(page.contains("src=\"data:image/jpeg;base64,/9j/2Q==\""));
    for word in ["<script", "<link", "url("] {
        assert!(!page.contains(word), "{word}");
    }
}

#[test]
fn a_photograph_has_its_words_for_those_who_cannot_see_it_and_a_missing_one_says_so() {
    let page = page();
    assert!(page.contains("<figure id=\"photo-0\"><img alt=\"Photo 1: Parapet &lt;b&gt;"));
    assert!(page.contains("<div class=\"missing\">Photo 2 is not available</div>"));
    assert!(page.contains("<a href=\"#photo-0\">Photo 1</a>"));
}

#[test]
fn the_language_and_the_title_are_said_and_a_draft_is_stamped() {
    let page = page();
    assert!(page.contains("<html lang=\"en\">"));
    assert!(page.contains("<title>Field Review Report &lt;b&gt;"));
    assert!(page.contains("<div class=\"stamp\" aria-hidden=\"true\">DRAFT</div>"));
}
