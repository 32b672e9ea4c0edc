//! Requests to the project's Storage.

use crate::config::Config;
use crate::host::{HttpRequest, Method};

/// As many as S3 takes.
const MOST_BYTES_OF_A_PATH: usize = 1_024;

/// What is read as `.`, `/` or `\\` somewhere on the way, looks like it, or is not seen at all.
const DOUBLES: [char; 18] = [
    '\\', '\u{200b}', '\u{2024}', '\u{2025}', '\u{2026}', '\u{2044}', '\u{2060}', '\u{2215}',
    '\u{2216}', '\u{29f5}', '\u{29f8}', '\u{29f9}', '\u{fe52}', '\u{fe68}', '\u{feff}', '\u{ff0e}',
    '\u{ff0f}', '\u{ff3c}',
];

/// The request for the object at `path` in `bucket`, with the project's key. The address is made here, so the key goes
/// to this project and nowhere else.
pub fn download(
    config: &Config,
    bucket: &str,
    path: &str,
    timeout_ms: u32,
    most_bytes: usize,
) -> HttpRequest {
    let (project, bucket, path) = (&config.supabase_url, encoded(bucket), encoded(path));
    HttpRequest {
        method: Method::Get,
        url: format!("{project}/storage/v1/object/authenticated/{bucket}/{path}"),
        headers: key_headers(config.database_key.expose()),
        body: None,
        timeout_ms,
        max_response_bytes: most_bytes,
    }
}

/// Whether a text is a path in a bucket that everybody reads in the same way. `job_queue.is_storage_path` in SQL is the
/// same rule; both have `tests/fixtures/storage_paths.json`.
pub fn is_storage_path(path: &str) -> bool {
    let has_code = |code| path.to_ascii_lowercase().contains(code);
    path.len() <= MOST_BYTES_OF_A_PATH
        && path.trim() == path
        && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
        && !path.contains(|letter: char| letter.is_control() || DOUBLES.contains(&letter))
        && !["%2e", "%2f", "%5c"].into_iter().any(has_code)
}

/// Whether a text can be the name of a bucket.
pub fn is_bucket(name: &str) -> bool {
    is_storage_path(name) && !name.contains('/')
}

/// A key of the new kind is no JWT and goes into `apikey` alone.
fn key_headers(key: &str) -> Vec<(String, String)> {
    let mut headers = vec![("apikey".into(), key.to_owned())];
    if !key.starts_with("sb_") {
        headers.push(("authorization".into(), format!("Bearer {key}")));
    }
    headers
}

/// Percent-encodes everything but letters, digits, `-._~` and the slashes between the parts of a path.
fn encoded(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::testing::config;

    #[test]
    fn an_object_is_fetched_from_this_project_with_its_key() {
        let request = download(&config(&[]), "site photos", "north/façade 1%.jpg", 7, 9);
        assert_eq!(
            request.url,
            "http://supabase.test/storage/v1/object/authenticated/site%20photos/north/fa%C3%A7ade%201%25.jpg"
        );
        assert_eq!(
            request.headers,
            [("apikey".into(), "sb_secret_test".into())]
        );
        assert_eq!((request.timeout_ms, request.max_response_bytes), (7, 9));
    }

    #[test]
    fn a_path_that_somebody_may_read_otherwise_is_refused_as_in_sql() {
        #[derive(Deserialize)]
        struct Paths {
            allowed: Vec<String>,
            refused: Vec<String>,
        }
        let paths = include_str!("../tests/fixtures/storage_paths.json");
        let paths: Paths = serde_json::from_str(paths).expect("paths");
        for path in &paths.allowed {
            assert!(is_storage_path(path), "{path:?}");
        }
        for path in &paths.refused {
            assert!(!is_storage_path(path), "{path:?}");
        }
    }

    #[test]
    fn the_name_of_a_bucket_is_no_path() {
        assert!(is_bucket("site photos"));
        assert!(!is_bucket("photos/secret"));
        assert!(!is_bucket(".."));
    }

    #[test]
    fn a_key_of_the_old_kind_is_also_sent_as_a_token() {
        let old = config(&[
            ("SUPABASE_SECRET_KEYS", ""),
            ("SUPABASE_SERVICE_ROLE_KEY", "eyJold"),
        ]);
        let request = download(&old, "photos", "1.jpg", 7, 9);
        let expected = [("apikey", "eyJold"), ("authorization", "Bearer eyJold")];
        assert_eq!(
            request.headers,
            expected.map(|(name, value)| (name.into(), value.into()))
        );
    }
}
