//! How the caller wants the report made.

use super::{filled, invalid};
use crate::config::{ApiStyle, Transport};
use crate::error::JobError;
use crate::handlers::generate_report::input::Options;
use crate::handlers::generate_report::visit::Settings;
use crate::report::{Warning, WarningCode};

const MOST_IN_A_BATCH: u32 = 20;
const DEFAULT_BATCH: u32 = 5;

/// The options with their defaults.
///
/// # Errors
/// [`JobError::Permanent`] naming the option that is not what was expected.
pub(super) fn settings(
    options: Options,
    warnings: &mut Vec<Warning>,
) -> Result<Settings, JobError> {
    warn_of_options(&options, warnings);
    let batch_size = options.batch_size.unwrap_or(DEFAULT_BATCH);
    if !(1..=MOST_IN_A_BATCH).contains(&batch_size) {
        let expected = format!("expected a whole number from 1 to {MOST_IN_A_BATCH}");
        return Err(invalid("options.batchSize", &expected));
    }
    Ok(Settings {
        model: short_name("options.model", "a model's name", filled(options.model))?,
        api_style: options.api_style,
        transport: options.transport.flatten(),
        effort: options.reasoning_effort.unwrap_or_default(),
        batch_size: batch_size as usize,
        image_transport: options.image_transport.unwrap_or_default(),
        final_formatting: options.final_formatting.unwrap_or(true),
        language: short_name(
            "options.language",
            "a language tag",
            filled(options.language),
        )?
        .unwrap_or_else(|| "en".into()),
        reuse: options.reuse.unwrap_or(false),
        write_report: options.write_report.unwrap_or(true),
        max_cost_usd: max_cost_usd(options.max_cost_usd)?,
    })
}

fn max_cost_usd(given: Option<f64>) -> Result<Option<f64>, JobError> {
    match given {
        Some(usd) if !(usd >= 0.0 && usd.is_finite()) => Err(invalid(
            "options.maxCostUsd",
            "expected US dollars, 0 for no limit",
        )),
        given => Ok(given.filter(|usd| *usd > 0.0)),
    }
}

/// Names travel in requests and prompts; anything that is no name has no business there.
fn short_name(field: &str, what: &str, name: Option<String>) -> Result<Option<String>, JobError> {
    let is_name = |name: &String| {
        name.len() <= 64
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
    };
    match name {
        Some(name) if !is_name(&name) => Err(invalid(
            field,
            &format!("expected {what}: at most 64 letters, digits, dots, dashes"),
        )),
        name => Ok(name),
    }
}

fn warn_of_options(options: &Options, warnings: &mut Vec<Warning>) {
    let mut ignored = |message: &str| {
        warnings.push(Warning::new(WarningCode::OptionIgnored, message));
    };
    if options.base_url.as_ref().is_some_and(|url| !url.is_empty()) {
        ignored("options.baseUrl is ignored: the API's address is the server's to choose");
    }
    let responses = options.api_style == Some(ApiStyle::Responses);
    if responses && options.transport == Some(Some(Transport::Deferred)) {
        ignored("options.apiStyle responses is ignored: only chat can answer later");
    }
    if options.transport == Some(None) {
        ignored("options.transport batch is not available; the configured one was used");
    }
}
