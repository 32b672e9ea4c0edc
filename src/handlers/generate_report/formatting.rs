//! The final step: asks the model for the report's order and a summary. Whatever goes wrong here, the report stays
//! whole: its order is then the engineer's.

use serde::{Deserialize, Serialize};

use super::draft::Writer;
use super::findings::Finding;
use super::grok::{Class, Failure, Question, Usage};
use super::output::{Formatting, FormattingMode, Status};
use super::plan::{self, Outline, Plan};
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

/// The result of the step.
#[derive(Default, Serialize, Deserialize)]
struct Planned {
    /// A plan that can be used.
    plan: Option<Plan>,
    /// Why there is none.
    problem: String,
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
            writer.progress("final", photos, "putting the report in order");
            Ok(ask(writer, findings).await)
        })
        .await?;
    let Planned {
        plan,
        problem,
        usage,
    } = planned;
    // A saved plan is checked like a new one: another version of the worker may have asked for it.
    let outline = plan
        .ok_or(problem)
        .and_then(|plan| plan::arrange(&plan, findings, &writer.visit.group_order));
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

async fn ask<H: Host>(writer: &Writer<'_, H>, findings: &[Finding]) -> Planned {
    let mut planned = Planned::default();
    for attempt in 1..=TRIES {
        let failure = match ask_once(writer, findings, &mut planned.usage).await {
            Ok(plan) => {
                planned.plan = Some(plan);
                return planned;
            }
            Err(failure) => failure,
        };
        planned.problem = failure.message;
        match failure.pause_seconds {
            Some(seconds) if attempt < TRIES => writer.context.sleep_ms(seconds * 1_000).await,
            _ => break,
        }
    }
    planned
}

/// Why there is no plan, and how long to wait before asking again; `None` when that is useless.
struct Unplanned {
    message: String,
    pause_seconds: Option<u32>,
}

async fn ask_once<H: Host>(
    writer: &Writer<'_, H>,
    findings: &[Finding],
    usage: &mut Usage,
) -> Result<Plan, Unplanned> {
    let question = Question {
        name: plan::NAME,
        rules: writer.rules,
        parts: prompt::plan(writer.visit, findings),
        schema: plan::schema(findings),
    };
    let answer = writer.grok.ask(question).await?;
    usage.add(&answer.usage);
    let plan = answer.content.and_then(|content| {
        let plan = plan::read(&content)?;
        plan::arrange(&plan, findings, &writer.visit.group_order).map(|_| plan)
    });
    plan.map_err(|message| Unplanned {
        message,
        pause_seconds: Some(0),
    })
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
            message: failure.message,
            pause_seconds: pause_seconds.filter(|seconds| *seconds <= LONGEST_PAUSE_SECONDS),
        }
    }
}
