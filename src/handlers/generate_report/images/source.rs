//! Where a photo is, and with which rights it is fetched.

use super::Photo;
use crate::config::Config;
use crate::host::{HttpRequest, Method};

const TIMEOUT_MS: u32 = 15_000;

/// The request for a photo. Only a photo named by bucket and path is fetched with the project's key, and its
/// address is made here: an address out of the input never meets the key, whatever host it names.
pub(super) fn request(photo: &Photo, config: &Config, most_bytes: usize) -> HttpRequest {
    let (url, headers) = match (&photo.stored, &photo.url) {
        (Some((bucket, path)), _) => (
            storage_url(&config.supabase_url, bucket, path),
            key_headers(config.database_key.expose()),
        ),
        (None, url) => (url.clone().unwrap_or_default(), Vec::new()),
    };
    HttpRequest {
        method: Method::Get,
        url,
        headers,
        body: None,
        timeout_ms: TIMEOUT_MS,
        max_response_bytes: most_bytes,
    }
}

fn storage_url(project: &str, bucket: &str, path: &str) -> String {
    let bucket = encoded(bucket);
    let path = encoded(path);
    format!("{project}/storage/v1/object/authenticated/{bucket}/{path}")
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
    use crate::handlers::generate_report::tests::photo;
    use crate::testing::config;

    fn stored(bucket: &str, path: &str) -> Photo {
        Photo {
            stored: Some((bucket.into(), path.into())),
            ..photo(1)
        }
    }

    #[test]
    fn a_photo_in_storage_is_fetched_from_this_project_with_its_key() {
        let request = request(
            &stored("site photos", "north/façade 1%.jpg"),
            &config(&[]),
            9,
        );
        assert_eq!(
            request.url,
            "http://supabase.test/storage/v1/object/authenticated/site%20photos/north/fa%C3%A7ade%201%25.jpg"
        );
        assert_eq!(
            request.headers,
            [("apikey".into(), "sb_secret_test".into())]
        );
        assert_eq!(request.max_response_bytes, 9);
    }

    #[test]
    fn a_key_of_the_old_kind_is_also_sent_as_a_token() {
        let old = config(&[
            ("SUPABASE_SECRET_KEYS", ""),
            ("SUPABASE_SERVICE_ROLE_KEY", "eyJold"),
        ]);
        let request = request(&stored("photos", "1.jpg"), &old, 9);
        let expected = [("apikey", "eyJold"), ("authorization", "Bearer eyJold")];
        assert_eq!(
            request.headers,
            expected.map(|(name, value)| (name.into(), value.into()))
        );
    }

    #[test]
    fn a_photo_at_an_address_is_fetched_without_any_key_even_from_this_project() {
        for url in [
            "https://elsewhere.test/1.jpg",
            "http://supabase.test/storage/v1/object/x/1.jpg",
        ] {
            let photo = Photo {
                url: Some(url.into()),
                stored: None,
                ..photo(1)
            };
            let request = request(&photo, &config(&[]), 9);
            assert_eq!((request.url.as_str(), request.headers.len()), (url, 0));
        }
    }
}
