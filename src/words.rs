//! Text for people: on one line, and without what cannot be seen.

/// The text on one line, its words otherwise unchanged.
pub fn line(text: &str) -> String {
    let visible = |c: &char| !is_invisible(*c);
    let spaced = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let text: String = spaced.filter(visible).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text's beginning, cut after `most` words.
pub fn beginning(text: &str, most: usize) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.len() > most {
        true => format!("{} …", words[..most].join(" ")),
        false => words.join(" "),
    }
}

/// The text without the bullet it begins with, and whether it had one: `- note` is `note`, but `-5 °C at noon` is
/// no list item.
pub fn without_bullet<'a>(text: &'a str, bullets: &[char]) -> (&'a str, bool) {
    let text = text.trim();
    let rest = text.trim_start_matches(bullets);
    let is_bullet = rest.is_empty() || rest.starts_with(char::is_whitespace);
    match rest.len() < text.len() && is_bullet {
        true => (rest.trim_start(), true),
        false => (text, false),
    }
}

/// What ends a sentence.
pub fn is_ended(text: &str) -> bool {
    text.ends_with(['.', '!', '?', ':', '…', '。'])
}

/// Direction overrides, zero-width spaces, soft hyphens, byte order marks and tags: they change what a reader sees,
/// or what a program reads. Joiners are not among them: some scripts cannot be written without.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{200b}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_keeps_every_word_and_loses_what_cannot_be_seen() {
        let check = |text: &str, expected: &str| assert_eq!(line(text), expected);
        check("  Side lap\n\topen,\r\n 300 mm ", "Side lap open, 300 mm");
        check("Élévation nord – 4 °C, 北側", "Élévation nord – 4 °C, 北側");
        check("a\u{0}b\u{7}c\u{2028}d", "a b c d");
        check("\u{202e}gnitrats\u{202c}\u{feff}", "gnitrats");
        check("mem\u{ad}brane \u{e0061}lap", "membrane lap");
        check("نمی\u{200c}دانم", "نمی\u{200c}دانم");
    }

    #[test]
    fn a_bullet_is_followed_by_a_space() {
        let check = |text: &str, expected| assert_eq!(without_bullet(text, &['-', '*']), expected);
        check(" - a lap ", ("a lap", true));
        check("**", ("", true));
        check("-5 °C", ("-5 °C", false));
        check("**bold** start", ("**bold** start", false));
        check("a lap", ("a lap", false));
    }

    #[test]
    fn a_beginning_says_when_there_is_more() {
        assert_eq!(beginning("one two three", 3), "one two three");
        assert_eq!(beginning("one two  three four", 3), "one two three …");
    }
}
