//! Lists of names.

/// Names of groups, word for word: the application finds its photos by them. Only what would break a line is a space.
pub(super) fn group_names(texts: &[String]) -> Vec<String> {
    let names = texts.iter();
    each_once(names.map(|name| name.trim().replace(char::is_control, " ")))
}

/// The texts that are not empty.
pub(super) fn each_once(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut known: Vec<String> = Vec::new();
    for text in texts {
        if !text.is_empty() && !known.contains(&text) {
            known.push(text);
        }
    }
    known
}
