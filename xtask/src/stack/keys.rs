//! The keys of the local project, new for every run: nothing here opens anything else.

use std::fs::File;
use std::io::Read;

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

use super::gateway::KeyRules;

/// 2100-01-01: the keys outlive every stack.
const EXPIRES: u64 = 4_102_444_800;

pub struct Keys {
    /// `sb_secret_…`: a server's key, all rights.
    pub secret: String,
    /// `sb_publishable_…`: a browser's key.
    pub publishable: String,
    /// The legacy JWTs of the two roles; the gateway replaces the new keys by them.
    pub service_role: String,
    pub anon: String,
    /// Signs those, and users' tokens (HS256).
    pub jwt_secret: String,
    /// The worker token.
    pub worker_token: String,
    /// PostgREST's password.
    pub authenticator_password: String,
}

impl Keys {
    pub fn generate() -> Result<Self> {
        let jwt_secret = random_text()?;
        Ok(Self {
            secret: format!("sb_secret_{}", &random_text()?[..31]),
            publishable: format!("sb_publishable_{}", &random_text()?[..31]),
            service_role: sign("service_role", &jwt_secret),
            anon: sign("anon", &jwt_secret),
            jwt_secret,
            worker_token: random_text()?,
            authenticator_password: random_text()?,
        })
    }

    pub fn gateway_rules(&self) -> KeyRules {
        KeyRules {
            secret: self.secret.clone(),
            publishable: self.publishable.clone(),
            service_role: self.service_role.clone(),
            anon: self.anon.clone(),
        }
    }
}

/// 32 random bytes as text that needs no escaping anywhere.
pub fn random_text() -> Result<String> {
    let bytes: [u8; 32] = random_bytes()?;
    // Letters and digits only, so that a key can stand in any URL, command line or SQL literal.
    Ok(URL_SAFE_NO_PAD.encode(bytes).replace(['-', '_'], "x"))
}

/// A random number.
pub fn random_number() -> Result<u32> {
    Ok(u32::from_be_bytes(random_bytes()?))
}

/// A random UUID (version 4).
pub fn random_uuid() -> Result<String> {
    let mut bytes: [u8; 16] = random_bytes()?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let part = |range: std::ops::Range<usize>| &digits[range];
    Ok([
        part(0..8),
        part(8..12),
        part(12..16),
        part(16..20),
        part(20..32),
    ]
    .join("-"))
}

fn random_bytes<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .context("/dev/urandom cannot be read")?;
    Ok(bytes)
}

fn sign(role: &str, secret: &str) -> String {
    let header = json!({ "alg": "HS256", "typ": "JWT" });
    let claims = json!({ "iss": "supabase-demo", "role": role, "exp": EXPIRES });
    let parts = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    let unsigned = parts.join(".");
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    mac.update(unsigned.as_bytes());
    format!(
        "{unsigned}.{}",
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    )
}
