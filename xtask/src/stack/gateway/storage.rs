//! Objects of Supabase Storage: files by bucket and path.

use std::path::{Component, Path, PathBuf};

use hyper::StatusCode;
use hyper::body::Bytes;
use serde_json::json;

use super::{Answer, bytes_answer, json_answer};

/// Answers with the object whose percent-encoded path is `path`.
pub async fn read(folder: &Path, path: &str) -> Answer {
    let Some(relative) = safe_path(path) else {
        return not_found();
    };
    match tokio::fs::read(folder.join(&relative)).await {
        Ok(bytes) => bytes_answer(StatusCode::OK, content_type(&relative), Bytes::from(bytes)),
        Err(_) => not_found(),
    }
}

/// Storage answers with HTTP status 400; only the body says 404.
pub fn not_found() -> Answer {
    let body = json!({ "statusCode": "404", "error": "not_found", "message": "Object not found" });
    json_answer(StatusCode::BAD_REQUEST, &body)
}

/// `None` for a path that would lead out of the folder.
fn safe_path(encoded: &str) -> Option<PathBuf> {
    let path = PathBuf::from(decode(encoded)?);
    let is_plain = path
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    is_plain.then_some(path)
}

fn decode(encoded: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

fn content_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("png") => "image/png",
        Some("webp") => "image/webp",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::safe_path;

    #[test]
    fn a_path_is_decoded_and_stays_in_the_folder() {
        assert_eq!(
            safe_path("photos/a%20b.jpg"),
            Some(PathBuf::from("photos/a b.jpg"))
        );
        assert_eq!(
            safe_path("photos/%C3%A9.jpg"),
            Some(PathBuf::from("photos/é.jpg"))
        );
        for outside in [
            "../keys",
            "photos/%2e%2e/%2e%2e/keys",
            "%2fetc/passwd",
            "photos/%zz",
            "a%2",
        ] {
            assert_eq!(safe_path(outside), None, "{outside}");
        }
    }
}
