//! The model's text without the markup, numbering and references it was asked not to write: those are made in code.

use crate::words::{is_ended, line, without_bullet};

/// Marks of lists, headings and quotations at the beginning of a line.
const BULLETS: [char; 7] = ['#', '-', '*', '•', '–', '·', '>'];

/// What the model wrote, as plain sentences on one line.
pub fn clean(text: &str) -> String {
    let mut cleaned = String::new();
    for given in text.split(['\n', '\r', '\u{2028}', '\u{2029}']) {
        let (sentence, is_item) = clean_line(given);
        if sentence.is_empty() {
            continue;
        }
        // Items of a list have no end of their own.
        if is_item && !cleaned.is_empty() && !is_ended(&cleaned) {
            cleaned.push('.');
        }
        if !cleaned.is_empty() {
            cleaned.push(' ');
        }
        cleaned.push_str(&sentence);
    }
    cleaned
}

/// A line, and whether it was an item of a list.
fn clean_line(text: &str) -> (String, bool) {
    let text = line(text);
    let text = without_enclosed(&text, '<', '>', is_tag);
    let text = without_enclosed(&text, '[', ']', is_reference);
    let text = without_enclosed(&text, '(', ')', is_alias);
    let text = without_links(&text);
    let (text, is_item) = match is_comparison(&text) {
        true => (text.as_str(), false),
        false => without_bullet(&text, &BULLETS),
    };
    let text = without_entities(&without_marks(text));
    let sentence = without_numbering(text.trim());
    (
        line(sentence),
        is_item || sentence.len() < text.trim().len(),
    )
}

/// `> 5 mm` is no quotation.
fn is_comparison(text: &str) -> bool {
    let compared = text.trim().strip_prefix('>');
    compared.is_some_and(|value| value.trim_start().starts_with(|c: char| c.is_ascii_digit()))
}

/// Drops every `open … close` whose inside `is_unwanted`; nesting is not expected.
fn without_enclosed(
    text: &str,
    open: char,
    close: char,
    is_unwanted: impl Fn(&str) -> bool,
) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(open) {
        let inside = &rest[start + open.len_utf8()..];
        let end = inside
            .find(close)
            .filter(|end| is_unwanted(&inside[..*end]));
        kept.push_str(&rest[..start]);
        rest = match end {
            Some(end) => {
                let after = &inside[end + close.len_utf8()..];
                if after.starts_with(['.', ',', ';', ':', '!', '?']) {
                    kept.truncate(kept.trim_end().len());
                }
                after
            }
            None => {
                kept.push(open);
                inside
            }
        };
    }
    kept + rest
}

/// `b`, `/b`, `br /`, `a href=…`, `!-- … --`, but not the right side of `4 < 5`.
fn is_tag(inside: &str) -> bool {
    let name = inside.trim_start_matches(['/', '!', '-', ' ']);
    name.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// A photo reference: those are made in code.
fn is_reference(inside: &str) -> bool {
    let word: String = inside.chars().take_while(|c| c.is_alphabetic()).collect();
    matches!(word.to_ascii_lowercase().as_str(), "image" | "photo") || is_alias(inside)
}

/// Nothing but what the model calls things, as in `see photo p2 and p3`. Readers know none of these names; in upper
/// case they are something else: P2 is a parking level.
fn is_alias(inside: &str) -> bool {
    let mut words = inside
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .peekable();
    let is_name = |word: &str| {
        let number = word.strip_prefix(['p', 'n', 's', 'o']);
        number
            .is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
    };
    let is_lead = |word: &str| {
        let leads = [
            "see",
            "and",
            "photo",
            "photos",
            "photograph",
            "photographs",
            "image",
            "note",
            "spec",
            "specification",
        ];
        leads.contains(&word.to_ascii_lowercase().as_str())
    };
    let is_any = inside
        .split_whitespace()
        .any(|word| is_name(word.trim_matches(',')));
    words.peek().is_some() && is_any && words.all(|word| is_name(word) || is_lead(word))
}

/// The characters that HTML spells out.
fn without_entities(text: &str) -> String {
    const ENTITIES: [(&str, &str); 6] = [
        ("&nbsp;", " "),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        // Last: what it spells out is not spelt out again.
        ("&amp;", "&"),
    ];
    let mut text = text.to_owned();
    for (entity, character) in ENTITIES {
        text = text.replace(entity, character);
    }
    text
}

/// `[words](address)` becomes `words`.
fn without_links(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(middle) = rest.find("](") {
        let Some(end) = rest[middle..].find(')') else {
            break;
        };
        let label = &rest[..middle];
        match label.rfind('[') {
            Some(start) => {
                kept.push_str(&label[..start]);
                kept.push_str(&label[start + 1..]);
            }
            None => kept.push_str(&rest[..middle + end + 1]),
        }
        rest = &rest[middle + end + 1..];
    }
    kept + rest
}

/// Marks of emphasis and code. A star between digits is a multiplication, a single underscore part of a name.
fn without_marks(text: &str) -> String {
    let text = text.replace("__", "").replace('`', "");
    let letters: Vec<char> = text.chars().collect();
    let is_digit = |index: Option<usize>| {
        index
            .and_then(|index| letters.get(index))
            .is_some_and(char::is_ascii_digit)
    };
    let is_kept = |(index, c): &(usize, &char)| {
        **c != '*' || (is_digit(index.checked_sub(1)) && is_digit(Some(index + 1)))
    };
    let kept = letters.iter().enumerate().filter(is_kept);
    kept.map(|(_, c)| *c).collect()
}

/// Drops `1.`, `1.2`, `2)` in front of a sentence, but leaves `1.5 m of flashing` alone.
fn without_numbering(text: &str) -> &str {
    let number_end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.' && c != ')')
        .unwrap_or(0);
    let (number, rest) = text.split_at(number_end);
    let is_marked = number.ends_with(['.', ')']) || number.matches('.').count() > 1;
    match number.starts_with(|c: char| c.is_ascii_digit()) && is_marked && rest.starts_with(' ') {
        true => rest,
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(clean(text), expected, "{text}");
    }

    #[test]
    fn the_models_text_loses_its_markup_and_nothing_else() {
        check(
            "**Open** side `lap` __near__ *C4*.",
            "Open side lap near C4.",
        );
        check("## Roof", "Roof");
        check("- The lap was open.", "The lap was open.");
        check("1.2 The lap was open.", "1.2 The lap was open.");
        check("1.2. The lap was open.", "The lap was open.");
        check("3) The lap was open.", "The lap was open.");
        check(
            "1.5 m of flashing was missing.",
            "1.5 m of flashing was missing.",
        );
        check(
            "The lap was open [IMAGE:2:Roof] here.",
            "The lap was open here.",
        );
        check("See [the clause](https://example.com).", "See the clause.");
        check("<p>The <b>lap</b> was open.<br/></p>", "The lap was open.");
        check(
            "Slope 1 < 2 % and 4 > 3, 2*3 bays.",
            "Slope 1 < 2 % and 4 > 3, 2*3 bays.",
        );
        check(
            "Drain RD_2 [north] was clear (dry).",
            "Drain RD_2 [north] was clear (dry).",
        );
        check("\u{1b}[31mred\u{1b}[0m", "[31mred [0m");
    }

    #[test]
    fn the_items_of_a_list_become_sentences() {
        check(
            "- the lap was open\n- the drain was clear",
            "the lap was open. the drain was clear",
        );
        check(
            "Two things:\n1. The lap.\n2. The drain.",
            "Two things: The lap. The drain.",
        );
        check("The lap was\nopen.\n\n---\n", "The lap was open.");
    }

    #[test]
    fn a_sign_in_front_of_a_number_is_no_list() {
        check("-5 °C was read at noon.", "-5 °C was read at noon.");
        check("> 5 mm of water stood.", "> 5 mm of water stood.");
    }

    #[test]
    fn what_only_the_model_calls_so_is_not_in_the_text() {
        check("The lap was open (p2).", "The lap was open.");
        check(
            "The lap (see photos p2 and p3) was open [s1].",
            "The lap was open.",
        );
        check(
            "Level (P2) and grid [s1/4] were dry (see note).",
            "Level (P2) and grid [s1/4] were dry (see note).",
        );
    }

    #[test]
    fn characters_that_html_spells_out_are_characters() {
        check(
            "Drains &amp; scuppers &lt; 2&nbsp;%&amp;lt;",
            "Drains & scuppers < 2 %&lt;",
        );
        check("<!-- draft --> The lap was open.", "The lap was open.");
    }
}
