//! JSON text from outside, read by one rule: half a surrogate pair becomes U+FFFD, and NUL is left out. Neither can be
//! stored, and neither is a reason to do work again.

use serde_json::Value;

const NUL: u16 = 0;

/// The value that a text stands for.
///
/// # Errors
/// When it is no JSON, or is deeper than 127 levels.
pub(crate) fn read(json: &str) -> serde_json::Result<Value> {
    serde_json::from_str(json).or_else(|error| match json.contains("\\u") {
        true => serde_json::from_str(&storable(json.to_owned())),
        false => Err(error),
    })
}

/// The same JSON text without what cannot be stored. There it can only stand as an escape; behind an escaped backslash
/// the same letters are only letters.
pub(crate) fn storable(json: String) -> String {
    if !["\\u0000", "\\uD", "\\ud"]
        .iter()
        .any(|escape| json.contains(escape))
    {
        return json;
    }
    let mut kept = String::with_capacity(json.len());
    let mut rest = json.as_str();
    while let Some(backslash) = rest.find('\\') {
        let (before, escape) = rest.split_at(backslash);
        kept.push_str(before);
        let length = kept_escape(escape, &mut kept);
        rest = escape.get(length..).unwrap_or_default();
    }
    kept + rest
}

/// Takes in the escape at the start of a text, and answers how long it is there.
fn kept_escape(text: &str, kept: &mut String) -> usize {
    let Some(unit) = unit(text) else {
        // A backslash and what it escapes.
        let length = text.chars().take(2).map(char::len_utf8).sum();
        kept.push_str(text.get(..length).unwrap_or_default());
        return length;
    };
    let pair = [unit, text.get(6..).and_then(self::unit).unwrap_or_default()];
    let length = match unit {
        NUL => return 6,
        0xd800..=0xdbff if char::decode_utf16(pair).next().is_some_and(|it| it.is_ok()) => 12,
        0xd800..=0xdfff => {
            kept.push(char::REPLACEMENT_CHARACTER);
            return 6;
        }
        _ => 6,
    };
    kept.push_str(text.get(..length).unwrap_or_default());
    length
}

/// The UTF-16 unit that `\uXXXX` at the start of a text stands for.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u16::from_str_radix(digits, 16).ok().filter(|_| is_hex)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[test]
    fn text_is_kept_as_it_is_in_typescript() {
        #[derive(Deserialize)]
        struct Case {
            name: String,
            sent: String,
            kept: String,
        }
        let cases = include_str!("../tests/fixtures/text.json");
        let cases: Vec<Case> = serde_json::from_str(cases).expect("cases");
        for Case { name, sent, kept } in cases {
            let kept: Value = serde_json::from_str(&kept).expect("what is kept is JSON");
            let stored = storable(sent.clone());
            let stored: Value = serde_json::from_str(&stored).expect("what is stored is JSON");
            assert_eq!(stored, kept, "{name}");
            let read = serde_json::to_string(&read(&sent).expect("it is read")).expect("JSON");
            assert_eq!(storable(read), kept.to_string(), "{name}");
        }
    }

    #[test]
    fn siblings_of_the_cases_are_kept_too() {
        let cases = [
            (r#""\uD83D\uDC77""#, r#""\uD83D\uDC77""#),
            (r#""\uDBFF""#, "\"\u{fffd}\""),
            (r#""\uD83D\\uDC77""#, "\"\u{fffd}\\\\uDC77\""),
            (r#""\ud83dé""#, "\"\u{fffd}é\""),
            (r#""\ud8"#, r#""\ud8"#),
            (r#""\u+000\uD""#, r#""\u+000\uD""#),
            (r#""\u0000\é\"#, r#""\é\"#),
        ];
        for (sent, kept) in cases {
            assert_eq!(storable(sent.to_owned()), kept);
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_nothing_is_left_that_cannot_be_stored(
            escapes in prop::collection::vec(prop_oneof![
                Just("\\ud83d"), Just("\\udc77"), Just("\\u0000"), Just("\\\\"), Just("x"), Just("é"), Just("\\n"),
            ], 0..12)
        ) {
            let sent = format!("\"{}\"", escapes.concat());
            let read = read(&sent).expect("it is JSON").to_string();
            prop_assert!(!storable(read).replace("\\\\", "").contains("\\u0000"));
            prop_assert!(serde_json::from_str::<Value>(&storable(sent)).is_ok());
        }

        #[test]
        fn no_text_is_too_odd(text in "\\PC*|([\\\\u0dD8é\"])*") {
            let _ = read(&text);
            let _ = storable(text);
        }
    }
}
