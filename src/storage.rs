//! Requests to the project's Storage.

use crate::config::Config;
use crate::host::{HttpRequest, Method};

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
