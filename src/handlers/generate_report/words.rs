//! Text on its way into a report: one line, no control characters, and from the model no markup either.

/// The text on one line, its words otherwise unchanged.
pub fn line(text: &str) -> String {
    let visible = |c: &char| !is_invisible(*c);
    let spaced = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let text: String = spaced.filter(visible).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What the model wrote, without the markup and the numbering it was asked not to write.
pub fn clean(text: &str) -> String {
    let text = line(text);
    let text = without_enclosed(&text, '<', '>', is_tag);
    let text = without_enclosed(&text, '[', ']', is_reference);
    let text = without_links(&text);
    let text = without_marks(&text);
    line(without_numbering(
        text.trim_start_matches(['#', '-', '•', '>', ' ']),
    ))
}

/// The text's beginning, cut after `most` words.
pub fn beginning(text: &str, most: usize) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.len() > most {
        true => format!("{} …", words[..most].join(" ")),
        false => words.join(" "),
    }
}

/// Direction overrides, zero-width spaces and byte order marks: they change what a reader sees.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}' | '\u{feff}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
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
            Some(end) => &inside[end + close.len_utf8()..],
            None => {
                kept.push(open);
                inside
            }
        };
    }
    kept + rest
}

/// `b`, `/b`, `br /`, `a href=…`, but not the right side of `4 < 5`.
fn is_tag(inside: &str) -> bool {
    let name = inside.strip_prefix('/').unwrap_or(inside);
    name.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// A photo reference: those are made in code.
fn is_reference(inside: &str) -> bool {
    let word: String = inside.chars().take_while(|c| c.is_alphabetic()).collect();
    matches!(word.to_ascii_lowercase().as_str(), "image" | "photo")
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

    #[test]
    fn a_line_keeps_every_word_and_loses_what_cannot_be_seen() {
        let check = |text: &str, expected: &str| assert_eq!(line(text), expected);
        check("  Side lap\n\topen,\r\n 300 mm ", "Side lap open, 300 mm");
        check("Élévation nord – 4 °C, 北側", "Élévation nord – 4 °C, 北側");
        check("a\u{0}b\u{7}c", "a b c");
        check("\u{202e}gnitrats\u{202c}\u{feff}", "gnitrats");
    }

    #[test]
    fn the_models_text_loses_its_markup_and_nothing_else() {
        let check = |text: &str, expected: &str| assert_eq!(clean(text), expected, "{text}");
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
    fn a_beginning_says_when_there_is_more() {
        assert_eq!(beginning("one two three", 3), "one two three");
        assert_eq!(beginning("one two  three four", 3), "one two three …");
    }
}
