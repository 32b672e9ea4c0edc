//! Requests to the project's Storage, and what it answers.

use std::rc::Rc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::config::Config;
use crate::host::{HttpRequest, HttpResponse, Method};

/// As many as S3 takes.
const MOST_BYTES_OF_A_PATH: usize = 1_024;

/// What Storage answers to anything but a download.
const MOST_ANSWER_BYTES: usize = 64 << 10;
const ANSWER_MS: u32 = 30_000;

/// What is read as `.`, `/` or `\\` somewhere on the way, looks like it, or is not seen at all.
const DOUBLES: [char; 18] = [
    '\\', '\u{200b}', '\u{2024}', '\u{2025}', '\u{2026}', '\u{2044}', '\u{2060}', '\u{2215}',
    '\u{2216}', '\u{29f5}', '\u{29f8}', '\u{29f9}', '\u{fe52}', '\u{fe68}', '\u{feff}', '\u{ff0e}',
    '\u{ff0f}', '\u{ff3c}',
];

/// A place in Storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoragePlace<'a> {
    /// The name of the bucket.
    pub bucket: &'a str,
    /// The path in it.
    pub path: &'a str,
}

/// What Storage says when it does not do as asked.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct StorageRefusal {
    /// The HTTP status that it means. It answers nearly everything with 400.
    #[serde(rename = "statusCode", deserialize_with = "status")]
    pub status: u16,
    /// Why, in its own words.
    #[serde(default)]
    pub message: String,
}

impl StorageRefusal {
    /// What an answer says; `None` if Storage did as asked.
    pub fn of(response: &HttpResponse) -> Option<Self> {
        if (200..300).contains(&response.status) {
            return None;
        }
        let said = serde_json::from_slice(&response.body);
        Some(said.unwrap_or_else(|_| Self {
            status: response.status,
            message: String::new(),
        }))
    }

    /// Whether the same may succeed later.
    pub fn may_pass(&self) -> bool {
        matches!(self.status, 408 | 423 | 425 | 429 | 500..=599)
    }
}

/// As a text or as a number, from one version of Storage to the next.
fn status<'de, D: Deserializer<'de>>(json: D) -> Result<u16, D::Error> {
    let status = Box::<RawValue>::deserialize(json)?;
    status
        .get()
        .trim_matches('"')
        .parse()
        .map_err(D::Error::custom)
}

/// The request that puts a file where it belongs, in the place of what is there; `metadata` is JSON text that
/// [`info`] tells.
pub fn upload(
    config: &Config,
    place: StoragePlace<'_>,
    file: &Rc<Vec<u8>>,
    media_type: &str,
    metadata: &str,
) -> HttpRequest {
    let mut request = request(config, "object", place);
    request.method = Method::Post;
    request.body = Some(file.clone().into());
    request.headers.extend([
        ("content-type".into(), media_type.into()),
        ("x-upsert".into(), "true".into()),
        ("x-metadata".into(), BASE64_STANDARD.encode(metadata)),
    ]);
    request
}

/// The request for what is known of an object.
pub fn info(config: &Config, place: StoragePlace<'_>) -> HttpRequest {
    request(config, "object/info", place)
}

fn request(config: &Config, route: &str, place: StoragePlace<'_>) -> HttpRequest {
    let project = &config.supabase_url;
    let (bucket, path) = (encoded(place.bucket), encoded(place.path));
    HttpRequest {
        method: Method::Get,
        url: format!("{project}/storage/v1/{route}/{bucket}/{path}"),
        headers: key_headers(config.database_key.expose()),
        body: None,
        timeout_ms: ANSWER_MS,
        max_response_bytes: MOST_ANSWER_BYTES,
    }
}

/// The request for an object, with the project's key. The address is made here, so the key goes
/// to this project and nowhere else.
pub fn download(
    config: &Config,
    place: StoragePlace<'_>,
    timeout_ms: u32,
    most_bytes: usize,
) -> HttpRequest {
    HttpRequest {
        timeout_ms,
        max_response_bytes: most_bytes,
        ..request(config, "object/authenticated", place)
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
    use crate::host::Body;
    use crate::testing::config;

    #[test]
    fn an_object_is_fetched_from_this_project_with_its_key() {
        let place = StoragePlace {
            bucket: "site photos",
            path: "north/façade 1%.jpg",
        };
        let request = download(&config(&[]), place, 7, 9);
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

    const PLACE: StoragePlace = StoragePlace {
        bucket: "photos",
        path: "1.jpg",
    };

    #[test]
    fn a_file_is_put_in_its_place_with_what_is_known_of_it() {
        let file = Rc::new(vec![1, 2]);
        let request = upload(&config(&[]), PLACE, &file, "image/jpeg", "{}");
        assert_eq!(
            request.url,
            "http://supabase.test/storage/v1/object/photos/1.jpg"
        );
        let header = |name: &str| request.headers.iter().find(|(other, _)| other == name);
        for (name, value) in [
            ("x-upsert", "true"),
            ("content-type", "image/jpeg"),
            ("x-metadata", "e30="),
        ] {
            assert_eq!(header(name).map(|(_, value)| value.as_str()), Some(value));
        }
        assert!(request.carries_key());
        assert_eq!(request.body.map(Body::into_bytes), Some(vec![1, 2]));
    }

    #[test]
    fn a_refusal_is_what_storage_means_and_not_the_status_it_answers_with() {
        let refusal = |status, body: &str| {
            StorageRefusal::of(&HttpResponse {
                status,
                headers: Vec::new(),
                body: body.into(),
            })
        };
        assert_eq!(refusal(200, ""), None);
        let cases = [
            (
                r#"{"statusCode":"404","message":"Bucket not found"}"#,
                404,
                false,
            ),
            (r#"{"statusCode":429,"message":"slow down"}"#, 429, true),
            (r#"{"statusCode":"many"}"#, 400, false),
            ("<html>", 400, false),
        ];
        for (body, status, may_pass) in cases {
            let refusal = refusal(400, body).expect("a refusal");
            assert_eq!((refusal.status, refusal.may_pass()), (status, may_pass));
        }
        assert!(refusal(503, "").is_some_and(|refusal| refusal.may_pass()));
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
        let request = info(&old, PLACE);
        let expected = [("apikey", "eyJold"), ("authorization", "Bearer eyJold")];
        assert_eq!(
            request.headers,
            expected.map(|(name, value)| (name.into(), value.into()))
        );
    }
}
