//! Takes out of a text what not everybody may read: addresses, which are input and may be signed, keys, and payloads.
//! `thrown.ts` does the same for TypeScript; both have `tests/fixtures/scrubbed.json`.

const ADDRESS: &str = "<address>";
const SECRET: &str = "<secret>";

/// What names a secret, longer names first.
const SECRET_NAMES: [&str; 10] = [
    "authorization",
    "signature",
    "password",
    "passwd",
    "cookie",
    "secret",
    "token",
    "key",
    "pwd",
    "sig",
];

/// How keys of well-known services begin. `?` stands for one letter, `*` for letters.
const KEY_BEGINNINGS: [&str; 12] = [
    "sb_*_", "sk-", "sk_", "pk-", "pk_", "rk-", "rk_", "xai-", "gh?_", "AKIA", "AIza", "whsec_",
];

/// A stretch to replace: how many bytes of the text, and by what.
type Match = Option<(usize, String)>;

/// Finds a stretch that begins at the second text; the first is what stands before it.
type Matcher = fn(&str, &str) -> Match;

const MATCHERS: [Matcher; 9] = [
    script_place,
    address,
    data_address,
    numeric_address,
    bearer,
    json_web_token,
    known_key,
    assignment,
    opaque_run,
];

pub(super) fn scrubbed(text: &str) -> String {
    let text = MATCHERS.iter().fold(text.to_owned(), replaced);
    without_quoted_payload(without_quoted_header(text))
}

fn replaced(text: String, matcher: &Matcher) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut position = 0;
    while let Some(letter) = text[position..].chars().next() {
        let (before, rest) = text.split_at(position);
        match matcher(before, rest) {
            Some((length, replacement)) => {
                kept.push_str(&replacement);
                position += length;
            }
            None => {
                kept.push(letter);
                position += letter.len_utf8();
            }
        }
    }
    kept
}

/// A place in a script, as stacks give it: the file's name is enough.
fn script_place(before: &str, rest: &str) -> Match {
    let body = scheme(before, rest)?;
    let length = run(&rest[body..], |letter| {
        is_in_address(letter) && !matches!(letter, '(' | ')')
    });
    let run = &rest[..body + length];
    let place = &run[run.rfind('/')? + 1..];
    let place = place.trim_end_matches(|letter: char| !letter.is_ascii_digit());
    let (file, line) = place.split_once(':')?;
    let extension = file.rsplit_once('.')?.1.trim_start_matches(['c', 'm']);
    let is_place = matches!(extension, "js" | "jsx" | "ts" | "tsx")
        && line
            .chars()
            .all(|letter| letter.is_ascii_digit() || letter == ':');
    let end = run.rfind(place)? + place.len();
    is_place.then(|| (end, place.to_owned()))
}

fn address(before: &str, rest: &str) -> Match {
    let body = scheme(before, rest)?;
    let end = body + run(&rest[body..], is_in_address);
    let address = rest[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '}']);
    (address.len() > body).then(|| (address.len(), ADDRESS.into()))
}

fn data_address(before: &str, rest: &str) -> Match {
    let is_start = !ends_in_word(before) && starts_with(rest, "data:");
    let end = is_start.then(|| run(rest, is_in_address))?;
    let (kind, _) = rest[..end].strip_prefix(&rest[..5])?.split_once('/')?;
    (!kind.is_empty()).then(|| (end, ADDRESS.into()))
}

/// Four numbers with dots, and perhaps a port.
fn numeric_address(before: &str, rest: &str) -> Match {
    if ends_in_word(before) {
        return None;
    }
    let digits = |text: &str| run(text, |letter| letter.is_ascii_digit());
    let mut end = 0;
    for part in 0..4 {
        if part > 0 {
            end += rest[end..].strip_prefix('.').map(|_| 1)?;
        }
        let length = digits(&rest[end..]);
        end += (1..=3).contains(&length).then_some(length)?;
    }
    if starts_in_word(&rest[end..]) {
        return None;
    }
    let port = rest[end..].strip_prefix(':').map_or(0, digits);
    let end = if port > 0 { end + 1 + port } else { end };
    Some((end, ADDRESS.into()))
}

fn bearer(before: &str, rest: &str) -> Match {
    let schemes = ["Bearer", "Basic"].into_iter();
    let mut schemes = schemes.filter(|name| !ends_in_word(before) && starts_with(rest, name));
    let name = schemes.next()?.len();
    let spaces = run(&rest[name..], |letter| letter == ' ');
    let start = name + spaces;
    let length = run(&rest[start..], |letter| {
        !letter.is_whitespace() && !matches!(letter, '"' | '\'' | ',' | ';')
    });
    let is_found = spaces > 0 && length > 0;
    is_found.then(|| (start + length, format!("{} {SECRET}", &rest[..name])))
}

fn json_web_token(before: &str, rest: &str) -> Match {
    if ends_in_word(before) || !rest.starts_with("eyJ") {
        return None;
    }
    let head = run(rest, is_in_key);
    let body = rest[head..]
        .strip_prefix('.')
        .map(|rest| run(rest, is_in_key))?;
    let mut end = head + 1 + body;
    if let Some(signature) = rest[end..].strip_prefix('.') {
        end += 1 + run(signature, is_in_key);
    }
    (head > 3 && body > 0).then(|| (end, SECRET.into()))
}

fn known_key(before: &str, rest: &str) -> Match {
    if ends_in_word(before) {
        return None;
    }
    let mut beginnings = KEY_BEGINNINGS.iter();
    let start = beginnings.find_map(|pattern| beginning(rest, pattern))?;
    let length = run(&rest[start..], is_in_key);
    (length >= 8).then(|| (start + length, SECRET.into()))
}

/// `name=value`, and `name: value` if the value has digits: words after a colon are what was expected.
fn assignment(_: &str, rest: &str) -> Match {
    let name = SECRET_NAMES.iter().find(|name| starts_with(rest, name))?;
    let quote = |text: &str| usize::from(text.starts_with(['"', '\'']));
    let spaces = |text: &str| run(text, |letter| letter == ' ');
    let mut start = name.len() + quote(&rest[name.len()..]);
    let is_plain = rest[start..].starts_with('=');
    if !is_plain {
        start += spaces(&rest[start..]);
    }
    start += rest[start..].strip_prefix(['=', ':']).map(|_| 1)?;
    if !is_plain {
        start += spaces(&rest[start..]);
    }
    start += quote(&rest[start..]);
    let length = run(&rest[start..], |letter| {
        !letter.is_whitespace() && !"\"',;&<>()".contains(letter)
    });
    let value = &rest[start..start + length];
    let is_secret = if is_plain {
        length > 0
    } else {
        length >= 8 && value.contains(|letter: char| letter.is_ascii_digit())
    };
    is_secret.then(|| (start + length, format!("{}{SECRET}", &rest[..start])))
}

/// What looks like a key or like base64. Ids stay: errors are found by them.
fn opaque_run(before: &str, rest: &str) -> Match {
    let is_in_run = |letter: char| is_in_key(letter) || matches!(letter, '+' | '=');
    if before.ends_with(is_in_run) {
        return None;
    }
    let end = run(rest, is_in_run);
    let text = &rest[..end];
    let is_opaque = end >= 32
        && text.contains(|letter: char| letter.is_ascii_digit())
        && text.contains(|letter: char| letter.is_ascii_alphabetic())
        && !is_id(text);
    is_opaque.then(|| (end, SECRET.into()))
}

/// What runtimes quote of a header that they refuse, which is a key as often as not.
fn without_quoted_header(text: String) -> String {
    const BEFORE: &str = "Invalid header value: ";
    const AFTER: &str = " is an invalid header value";
    let stretch = match (text.find(BEFORE), text.rfind(AFTER)) {
        (Some(start), _) => start + BEFORE.len()..text.len(),
        (None, Some(end)) => 0..end,
        (None, None) => return text,
    };
    let searched = &text[stretch.clone()];
    match (searched.find('"'), searched.rfind('"')) {
        (Some(start), Some(end)) if start < end => {
            let (head, tail) = (stretch.start + start, stretch.start + end + 1);
            format!("{}{SECRET}{}", &text[..head], &text[tail..])
        }
        _ => text,
    }
}

/// What V8 quotes of JSON that it cannot read.
fn without_quoted_payload(text: String) -> String {
    const REMARK: &str = " is not valid JSON";
    let Some(end) = text.rfind(REMARK) else {
        return text;
    };
    let quoted = text[..end].trim_end_matches("...");
    let (Some(start), true) = (quoted.find('"'), quoted.ends_with('"')) else {
        return text;
    };
    let head = text[..start].trim_end_matches("...");
    let head = head.strip_suffix(", ").unwrap_or(head);
    format!("{head}{}", &text[end..])
}

/// How many bytes `scheme://` takes at the start of a word.
fn scheme(before: &str, rest: &str) -> Option<usize> {
    if ends_in_word(before) || !rest.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
        return None;
    }
    let is_in_scheme = |letter: &char| letter.is_ascii_alphanumeric() || "+.-".contains(*letter);
    let length = rest.chars().take_while(is_in_scheme).take(22).count();
    let is_scheme = (2..=21).contains(&length) && rest[length..].starts_with("://");
    is_scheme.then_some(length + 3)
}

/// How many bytes of the text the pattern of a key's beginning takes.
fn beginning(text: &str, pattern: &str) -> Option<usize> {
    let mut end = 0;
    for sign in pattern.chars() {
        let letters = run(&text[end..], |letter| letter.is_ascii_lowercase());
        end += match sign {
            '?' => (letters > 0).then_some(1)?,
            '*' => (letters > 0).then_some(letters)?,
            sign => text[end..].starts_with(sign).then_some(1)?,
        };
    }
    Some(end)
}

/// How many bytes at the start of the text belong to letters of a kind.
fn run(text: &str, is_of_kind: impl Fn(char) -> bool) -> usize {
    text.find(|letter| !is_of_kind(letter))
        .unwrap_or(text.len())
}

fn starts_with(text: &str, ascii: &str) -> bool {
    let start = text.as_bytes().get(..ascii.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(ascii.as_bytes()))
}

fn ends_in_word(text: &str) -> bool {
    text.ends_with(is_in_word)
}

fn starts_in_word(text: &str) -> bool {
    text.starts_with(is_in_word)
}

fn is_in_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

fn is_in_key(letter: char) -> bool {
    is_in_word(letter) || letter == '-'
}

fn is_in_address(letter: char) -> bool {
    !letter.is_whitespace() && !"\"'`<>".contains(letter)
}

fn is_id(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}
