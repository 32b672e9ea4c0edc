//! How the caller wants the report made.

use super::fields::Fields;
use crate::config::{ApiStyle, Transport};
use crate::error::JobError;
use crate::grok::Effort;
use crate::handlers::generate_report::visit::{ImageTransport, Settings};
use crate::report::{Warning, WarningCode};

const MOST_IN_A_BATCH: u32 = 20;
const DEFAULT_BATCH: u32 = 5;

const API_STYLES: &[(&str, ApiStyle)] =
    &[("chat", ApiStyle::Chat), ("responses", ApiStyle::Responses)];

/// `None` is a way of waiting that does not exist yet.
const TRANSPORTS: &[(&str, Option<Transport>)] = &[
    ("sync", Some(Transport::Sync)),
    ("stream", Some(Transport::Stream)),
    ("deferred", Some(Transport::Deferred)),
    ("batch", None),
];

const EFFORTS: &[(&str, Effort)] = &[
    ("none", Effort::None),
    ("low", Effort::Low),
    ("medium", Effort::Medium),
    ("high", Effort::High),
    ("xhigh", Effort::Xhigh),
];

const IMAGE_TRANSPORTS: &[(&str, ImageTransport)] = &[
    ("base64", ImageTransport::Base64),
    ("url", ImageTransport::Url),
];

/// The options with their defaults.
///
/// # Errors
/// [`JobError::Permanent`] naming the option that is not what was expected.
pub(super) fn settings(input: &Fields, warnings: &mut Vec<Warning>) -> Result<Settings, JobError> {
    let options = input.object("options")?;
    let mut ignored = |message: &str| {
        warnings.push(Warning::new(WarningCode::OptionIgnored, message));
    };
    if !options.line("baseUrl")?.is_empty() {
        ignored("options.baseUrl is ignored: the API's address is the server's to choose");
    }
    let api_style = options.choice("apiStyle", API_STYLES)?;
    let transport = options.choice("transport", TRANSPORTS)?;
    if api_style == Some(ApiStyle::Responses) && transport == Some(Some(Transport::Deferred)) {
        ignored("options.apiStyle responses is ignored: only chat can answer later");
    }
    if transport == Some(None) {
        ignored("options.transport batch is not available; the configured one was used");
    }
    let language = short_name(&options, "language", "a language tag")?;
    Ok(Settings {
        model: short_name(&options, "model", "a model's name")?,
        api_style,
        transport: transport.flatten(),
        effort: options
            .choice("reasoningEffort", EFFORTS)?
            .unwrap_or_default(),
        batch_size: batch_size(&options)?,
        image_transport: options
            .choice("imageTransport", IMAGE_TRANSPORTS)?
            .unwrap_or_default(),
        final_formatting: options.flag("finalFormatting")?.unwrap_or(true),
        language: language.unwrap_or_else(|| "en".into()),
        reuse: options.flag("reuse")?.unwrap_or(false),
        write_report: options.flag("writeReport")?.unwrap_or(true),
        max_cost_usd: max_cost_usd(&options)?,
    })
}

fn batch_size(options: &Fields) -> Result<usize, JobError> {
    let size = options.whole_number("batchSize")?.unwrap_or(DEFAULT_BATCH);
    if (1..=MOST_IN_A_BATCH).contains(&size) {
        return Ok(size as usize);
    }
    let expected = format!("expected a whole number from 1 to {MOST_IN_A_BATCH}");
    Err(options.refusal("batchSize", &expected))
}

fn max_cost_usd(options: &Fields) -> Result<Option<f64>, JobError> {
    match options.number("maxCostUsd")? {
        Some(usd) if usd < 0.0 => {
            Err(options.refusal("maxCostUsd", "expected US dollars, 0 for no limit"))
        }
        given => Ok(given.filter(|usd| *usd > 0.0)),
    }
}

/// Names travel in requests and prompts; anything that is no name has no business there.
fn short_name(options: &Fields, name: &str, what: &str) -> Result<Option<String>, JobError> {
    let is_part = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    match options.filled(name)? {
        Some(given) if given.len() > 64 || !given.bytes().all(is_part) => {
            let expected = format!("expected {what}: at most 64 letters, digits, dots, dashes");
            Err(options.refusal(name, &expected))
        }
        given => Ok(given),
    }
}
