//! Addresses as browsers read them (<https://url.spec.whatwg.org>), as far as callers get them wrong.

/// The address without what browsers take out of it, and with what they spell out spelt out; `None` for one that is not
/// `http` or `https`, or names no host. Whoever fetches it then need not be a browser.
pub(super) fn address(given: &str) -> Option<String> {
    let is_outside = |c: char| c <= ' ';
    let text = given
        .trim_matches(is_outside)
        .replace(['\t', '\n', '\r'], "");
    let (scheme, rest) = text.split_once(':')?;
    let is_http = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let rest = rest.trim_start_matches(['/', '\\']);
    let (host, rest) = split_before(rest, ['/', '\\', '?', '#']);
    let (path, rest) = split_before(rest, ['?', '#']);
    let path = path.replace('\\', "/");
    (is_http && is_host(host))
        .then(|| format!("{scheme}://{host}{}{}", encoded(&path), encoded(rest)))
}

fn split_before<const N: usize>(text: &str, ends: [char; N]) -> (&str, &str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

fn is_host(text: &str) -> bool {
    let is_forbidden = |c: char| c.is_control() || matches!(c, ' ' | '<' | '>' | '^' | '|');
    let host = text.rsplit('@').next().unwrap_or_default();
    !host.is_empty() && !host.starts_with(':') && !text.contains(is_forbidden)
}

/// Letters of all scripts stay: whoever fetches knows what to do with them.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\0'..=' ' | '"' | '<' | '>' | '`' | '\u{7f}' => {
                encoded.push_str(&format!("%{:02X}", u32::from(c)));
            }
            _ => encoded.push(c),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(given: &str, read: &str) {
        assert_eq!(address(given).as_deref(), Some(read), "{given}");
    }

    #[test]
    fn a_good_address_stays_as_it_is() {
        for good in [
            "https://photos.test/1.jpg?token=a%20b#top",
            "HTTP://Photos.test:8080",
            "https://photos.test/höhe_北側.jpg",
            "https://[::1]/1.jpg",
        ] {
            check(good, good);
        }
    }

    #[test]
    fn what_browsers_mend_is_mended() {
        check(
            "https://photos.test/my photo.jpg",
            "https://photos.test/my%20photo.jpg",
        );
        check(
            "https://photos.test/1.jpg?name=my photo",
            "https://photos.test/1.jpg?name=my%20photo",
        );
        check(
            " \thttps://photos.test/1\n.jpg\r\n",
            "https://photos.test/1.jpg",
        );
        check(r"https:\\photos.test\1.jpg", "https://photos.test/1.jpg");
        check(
            r"https:/photos.test/1.jpg?a\b",
            r"https://photos.test/1.jpg?a\b",
        );
        check(
            "https://photos.test/\"<a>`\u{1}\u{7f}.jpg",
            "https://photos.test/%22%3Ca%3E%60%01%7F.jpg",
        );
    }

    #[test]
    fn what_browsers_refuse_is_no_address() {
        for bad in [
            "",
            "photos.test/1.jpg",
            "ftp://photos.test/1.jpg",
            "data:image/png;base64,AA",
            "https://",
            "https://?a",
            "https://:80/1.jpg",
            "https://user@/1.jpg",
            "https://my photos.test/1.jpg",
            "https://<photos>.test/1.jpg",
        ] {
            assert_eq!(address(bad), None, "{bad}");
        }
    }
}
