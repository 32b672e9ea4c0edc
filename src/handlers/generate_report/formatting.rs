//! The final step: asks the model for the report's order and a summary. Whatever goes wrong here, the report stays
//! whole: its order is then the engineer's.

use serde::{Deserialize, Serialize};

use super::draft::Writer;
use super::findings::Finding;
use super::grok::{Class, Failure, Question, Sent, Usage};
use super::plan::{self, Outline};
use super::prompt;
use super::reuse;
use crate::error::JobError;
use crate::host::Host;
use crate::report::{Formatting, FormattingMode, Status};

const STEPS: [&str; 2] = ["final", "final/2"];

/// The report's order, and how it came about.
pub struct Formatted {
    pub outline: Outline,
    pub formatting: Formatting,
    pub status: Status,
    pub toll: Toll,
}

/// What asking for it took.
#[derive(Default)]
pub struct Toll {
    pub usage: Usage,
    /// Answers that an earlier job has paid for.
    pub reused: u32,
    /// Requests that may have been paid for already.
    pub duplicate_risk: u32,
}

/// The result of a step.
#[derive(Serialize, Deserialize)]
struct Planned {
    /// As it came.
    sent: Option<Sent>,
    /// Why there is nothing.
    problem: String,
    /// Whether there may be something when asked again.
    is_worth_repeating: bool,
    /// What the request is known by; empty when there is no reply.
    fingerprint: String,
    /// Whether the reply is an earlier job's.
    is_reused: bool,
    /// Whether an earlier run may have asked the same and been answered.
    is_again: bool,
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
        let reason = "options.finalFormatting is false".into();
        return Ok(in_engineers_order(findings, Status::Complete, reason));
    }
    let mut toll = Toll::default();
    let mut outline = Err(String::new());
    for step in STEPS {
        if writer.grok.is_spent() && !writer.context.job().steps.contains_key(step) {
            let reason = "the report has cost what options.maxCostUsd allows".into();
            return Ok(Formatted {
                toll,
                ..in_engineers_order(findings, Status::Partial, reason)
            });
        }
        let planned = plan_once(writer, findings, step).await?;
        let is_last = !planned.is_worth_repeating;
        toll.reused += u32::from(planned.is_reused);
        toll.duplicate_risk += u32::from(planned.is_again);
        outline = read(writer, findings, step, planned, &mut toll).await?;
        if outline.is_ok() || is_last {
            break;
        }
    }
    let formatted = match outline {
        Ok(outline) => Formatted {
            outline,
            formatting: Formatting {
                mode: FormattingMode::Model,
                reason: None,
            },
            status: Status::Complete,
            toll: Toll::default(),
        },
        Err(reason) => in_engineers_order(findings, Status::Degraded, reason),
    };
    Ok(Formatted { toll, ..formatted })
}

async fn plan_once<H: Host>(
    writer: &Writer<'_, H>,
    findings: &[Finding],
    step: &str,
) -> Result<Planned, JobError> {
    let ask = async |is_again| {
        let _place = writer.grok.place().await?;
        let photos = writer.visit.photos.len();
        let progress = writer.progress("final", photos, "putting the report in order");
        writer.context.progress(progress);
        let question = Question {
            name: plan::NAME,
            rules: writer.rules,
            parts: prompt::plan(writer.visit, findings),
            schema: plan::schema(findings),
            heard: &|_| (),
        };
        let is_of_use = |content: &str| outline(writer, findings, content).is_ok();
        Ok(match writer.obtain(question, &is_of_use).await {
            Ok(obtained) => Planned {
                sent: Some(obtained.sent),
                fingerprint: obtained.fingerprint,
                is_reused: obtained.is_reused,
                problem: String::new(),
                is_worth_repeating: true,
                is_again,
            },
            Err(failure) if matches!(failure.class, Class::Paused { .. }) => {
                return Err(failure.into());
            }
            Err(failure) => Planned {
                sent: None,
                fingerprint: String::new(),
                is_reused: false,
                problem: failure.message,
                is_worth_repeating: failure.class == Class::Lost,
                is_again,
            },
        })
    };
    writer.context.step_again(step, ask).await
}

/// The order that a step stands for.
async fn read<H: Host>(
    writer: &Writer<'_, H>,
    findings: &[Finding],
    step: &str,
    planned: Planned,
    toll: &mut Toll,
) -> Result<Result<Outline, String>, JobError> {
    let Some(sent) = planned.sent else {
        return Ok(Err(planned.problem));
    };
    let answer = match writer.grok.answer(step, &sent).await? {
        Ok(answer) => answer,
        Err(Failure { class, message }) => {
            toll.duplicate_risk += u32::from(class == Class::Gone);
            return Ok(Err(message));
        }
    };
    toll.usage
        .add(&reuse::cost(answer.usage, planned.is_reused));
    let content = answer.content.map_err(str::to_owned);
    Ok(content.and_then(|content| outline(writer, findings, &content)))
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

fn in_engineers_order(findings: &[Finding], status: Status, reason: String) -> Formatted {
    Formatted {
        outline: plan::deterministic(findings),
        formatting: Formatting {
            mode: FormattingMode::Deterministic,
            reason: Some(reason),
        },
        status,
        toll: Toll::default(),
    }
}
