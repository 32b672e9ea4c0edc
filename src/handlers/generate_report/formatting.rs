//! The final step: asks the model for the report's order and a summary. Whatever goes wrong here, the report stays
//! whole: its order is then the engineer's.

use serde::{Deserialize, Serialize};

use super::draft::Writer;
use super::findings::Finding;
use super::grok::{Class, Failure, Question, Usage};
use super::output::{Formatting, FormattingMode, Status};
use super::plan::{self, Outline};
use super::prompt;
use crate::error::JobError;
use crate::host::Host;

const TRIES: u32 = 2;
const PAUSE_SECONDS: u32 = 1;
/// A longer pause is not worth it for an order.
const LONGEST_PAUSE_SECONDS: u32 = 10;

/// The report's order, and how it came about.
pub struct Formatted {
    pub outline: Outline,
    pub formatting: Formatting,
    pub status: Status,
    pub usage: Usage,
}

/// The result of the step: the last answer as it came, or why there was none.
#[derive(Default, Serialize, Deserialize)]
struct Planned {
    /// What the model wrote.
    content: Option<String>,
    /// Why there is nothing.
    problem: String,
    /// What all tries cost.
    usage: Usage,
}

/// Puts the findings in order.
///
/// # Errors
/// Only those of saving the step: a plan that cannot be had is no error.
pub async fn format<H: Host>(
    writer: &Writer<'_, H>,
    findings: &[Finding],
) -> Result<Formatted, JobError> {
    if !writer.visit.settings.final_formatting {
        let reason = "options.finalFormatting is false";
        return Ok(in_engineers_order(
            findings,
            Status::Complete,
            reason.into(),
            Usage::default(),
        ));
    }
    let planned = writer
        .context
        .step("final", async || {
            let photos = writer.visit.photos.len();
            let progress = writer.progress("final", photos, "putting the report in order");
            writer.context.progress(progress);
            Ok(ask(writer, findings).await)
        })
        .await?;
    let usage = planned.usage;
    let outline = match &planned.content {
        Some(content) => outline(writer, findings, content),
        None => Err(planned.problem),
    };
    Ok(match outline {
        Ok(outline) => Formatted {
            outline,
            formatting: Formatting {
                mode: FormattingMode::Model,
                reason: None,
            },
            status: Status::Complete,
            usage,
        },
        Err(reason) => in_engineers_order(findings, Status::Degraded, reason, usage),
    })
}

fn in_engineers_order(
    findings: &[Finding],
    status: Status,
    reason: String,
    usage: Usage,
) -> Formatted {
    Formatted {
        outline: plan::deterministic(findings),
        formatting: Formatting {
            mode: FormattingMode::Deterministic,
            reason: Some(reason),
        },
        status,
        usage,
    }
}

/// The order that an answer stands for.
fn outline<H: Host>(
    writer: &Writer<'_, H>,
    findings: &[Finding],
    content: &str,
) -> Result<Outline, String> {
    let plan = plan::read(content)?;
    plan::arrange(&plan, findings, &writer.visit.group_order)
}

async fn ask<H: Host>(writer: &Writer<'_, H>, findings: &[Finding]) -> Planned {
    let mut planned = Planned::default();
    for attempt in 1..=TRIES {
        let unplanned = match ask_once(writer, findings, &mut planned).await {
            Ok(()) => break,
            Err(unplanned) => unplanned,
        };
        planned.problem = unplanned.problem;
        match unplanned.pause_seconds {
            Some(seconds) if attempt < TRIES => writer.context.sleep_ms(seconds * 1_000).await,
            _ => break,
        }
    }
    planned
}

/// Why there is no plan, and how long to wait before asking again; `None` when that is useless.
struct Unplanned {
    problem: String,
    pause_seconds: Option<u32>,
}

async fn ask_once<H: Host>(
    writer: &Writer<'_, H>,
    findings: &[Finding],
    planned: &mut Planned,
) -> Result<(), Unplanned> {
    let question = Question {
        name: plan::NAME,
        rules: writer.rules,
        parts: prompt::plan(writer.visit, findings),
        schema: plan::schema(findings),
    };
    let answer = writer.grok.ask(question).await?;
    planned.usage.add(&answer.usage);
    let useless = |problem| Unplanned {
        problem,
        pause_seconds: Some(0),
    };
    let content = answer.content().map_err(useless)?;
    outline(writer, findings, content).map_err(useless)?;
    planned.content = answer.content;
    Ok(())
}

impl From<Failure> for Unplanned {
    fn from(failure: Failure) -> Self {
        let pause_seconds = match failure.class {
            Class::Transient {
                retry_after_seconds,
            } => Some(retry_after_seconds.unwrap_or(PAUSE_SECONDS)),
            Class::TimedOut | Class::Permanent => None,
        };
        Self {
            problem: failure.message,
            pause_seconds: pause_seconds.filter(|seconds| *seconds <= LONGEST_PAUSE_SECONDS),
        }
    }
}
