//! Supabase Storage: files by bucket and path, as far as the project uses it.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use hyper::{HeaderMap, Method, Request, StatusCode};
use serde_json::{Value, json};

use super::{Answer, bytes_answer, json_answer};

/// The buckets are the folders of one folder.
pub struct Storage {
    folder: PathBuf,
    /// What uploads said of their objects.
    metadata: Mutex<HashMap<PathBuf, Value>>,
}

/// What Storage says instead of doing as asked: always with HTTP status 400, the meant one is in the body.
struct Refusal {
    status: &'static str,
    error: &'static str,
    message: &'static str,
}

const NOT_FOUND: Refusal = Refusal {
    status: "404",
    error: "not_found",
    message: "Object not found",
};
const NO_BUCKET: Refusal = Refusal {
    status: "404",
    error: "Bucket not found",
    message: "Bucket not found",
};
const DUPLICATE: Refusal = Refusal {
    status: "409",
    error: "Duplicate",
    message: "The resource already exists",
};
const FORBIDDEN: Refusal = Refusal {
    status: "403",
    error: "Unauthorized",
    message: "new row violates row-level security policy",
};
const INVALID: Refusal = Refusal {
    status: "400",
    error: "InvalidKey",
    message: "Invalid key",
};

impl Storage {
    /// The objects in a folder.
    pub fn of(folder: PathBuf) -> Self {
        Self {
            folder,
            metadata: Mutex::default(),
        }
    }

    /// Answers a request for `path`, percent-encoded, below `/storage/v1/`. Only the service role may do more than read
    /// what is public: there are no policies.
    pub async fn answer(
        &self,
        request: Request<Incoming>,
        path: &str,
        is_service_role: bool,
    ) -> Answer {
        if let Some(public) = path.strip_prefix("object/public/") {
            return self.read(public).await;
        }
        if !is_service_role {
            return match *request.method() {
                Method::POST => FORBIDDEN.answer(),
                _ => NOT_FOUND.answer(),
            };
        }
        let object = path.strip_prefix("object/");
        match (request.method(), object) {
            (&Method::POST, None) if path == "bucket" => self.create_bucket(request).await,
            (&Method::GET, Some(object)) => match object.strip_prefix("info/") {
                Some(object) => self.info(object).await,
                None => {
                    let object = object.strip_prefix("authenticated/").unwrap_or(object);
                    self.read(object).await
                }
            },
            (&Method::POST, Some(object)) => {
                let object = object.to_owned();
                self.write(request, &object).await
            }
            _ => NOT_FOUND.answer(),
        }
    }

    async fn create_bucket(&self, request: Request<Incoming>) -> Answer {
        let body = body(request).await.unwrap_or_default();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let name = body["name"].as_str().and_then(safe_path);
        let Some(name) = name.filter(|name| name.components().count() == 1) else {
            return INVALID.answer();
        };
        match tokio::fs::create_dir(self.folder.join(&name)).await {
            Ok(()) => json_answer(StatusCode::OK, &json!({ "name": name })),
            Err(_) => DUPLICATE.answer(),
        }
    }

    async fn read(&self, path: &str) -> Answer {
        let Some(relative) = safe_path(path) else {
            return NOT_FOUND.answer();
        };
        match tokio::fs::read(self.folder.join(&relative)).await {
            Ok(bytes) => bytes_answer(StatusCode::OK, content_type(&relative), Bytes::from(bytes)),
            Err(_) => NOT_FOUND.answer(),
        }
    }

    async fn info(&self, path: &str) -> Answer {
        let Some(relative) = safe_path(path) else {
            return NOT_FOUND.answer();
        };
        let Ok(file) = tokio::fs::metadata(self.folder.join(&relative)).await else {
            return NOT_FOUND.answer();
        };
        let known = self.metadata.lock().expect("no panic before");
        let info = json!({
            "name": relative,
            "size": file.len(),
            "content_type": content_type(&relative),
            "metadata": known.get(&relative),
        });
        json_answer(StatusCode::OK, &info)
    }

    async fn write(&self, request: Request<Incoming>, path: &str) -> Answer {
        let Some(relative) = safe_path(path).filter(|path| path.components().count() > 1) else {
            return INVALID.answer();
        };
        let is_upsert = header(request.headers(), "x-upsert") == Some("true");
        let metadata = metadata(request.headers());
        let bucket = relative
            .components()
            .next()
            .map(|bucket| self.folder.join(bucket));
        if !bucket.is_some_and(|bucket| bucket.is_dir()) {
            return NO_BUCKET.answer();
        }
        let file = self.folder.join(&relative);
        if file.exists() && !is_upsert {
            return DUPLICATE.answer();
        }
        let folder = file.parent().unwrap_or(&self.folder);
        let written = match (body(request).await, tokio::fs::create_dir_all(folder).await) {
            (Some(bytes), Ok(())) => tokio::fs::write(&file, bytes).await.is_ok(),
            _ => false,
        };
        if !written {
            return INVALID.answer();
        }
        let key = json!({ "Key": relative, "Id": "00000000-0000-4000-8000-000000000000" });
        let mut known = self.metadata.lock().expect("no panic before");
        known.insert(relative, metadata);
        json_answer(StatusCode::OK, &key)
    }
}

impl Refusal {
    fn answer(&self) -> Answer {
        let Self {
            status,
            error,
            message,
        } = self;
        let body = json!({ "statusCode": status, "error": error, "message": message });
        json_answer(StatusCode::BAD_REQUEST, &body)
    }
}

async fn body(request: Request<Incoming>) -> Option<Bytes> {
    Some(request.into_body().collect().await.ok()?.to_bytes())
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The uploader's own words on an object, JSON in base64.
fn metadata(headers: &HeaderMap) -> Value {
    let decoded = header(headers, "x-metadata").and_then(|text| STANDARD.decode(text).ok());
    let metadata = decoded.and_then(|json| serde_json::from_slice(&json).ok());
    metadata.unwrap_or_default()
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
