//! The final step: asks the model for the report's order and a summary. Whatever goes wrong here, the report stays
//! whole: its order is then the engineer's.

use super::findings::Finding;
use super::plan::{self, Outline};
use super::prompt;
use super::requests::{Drafter, Preparation, ReportRequest};
use crate::error::JobError;
use crate::grok::{Failure, FailureClass, ModelAnswer, Question};
use crate::host::Host;
use crate::report::{Formatting, FormattingMode, Status};

const STEPS: [&str; 2] = ["final", "final/2"];

/// The report's order, and how it came about.
pub struct Layout {
    /// The order.
    pub outline: Outline,
    /// Whose it is.
    pub formatting: Formatting,
    /// What that makes of the report.
    pub status: Status,
    /// Answers to repeated questions that this job has paid for.
    pub repeats: u32,
}

/// The request for the order.
struct OutlineRequest<'a, H> {
    drafter: &'a Drafter<'a, H>,
    findings: &'a [Finding],
}

impl<H: Host> ReportRequest for OutlineRequest<'_, H> {
    type Details = ();

    async fn prepare(&self) -> Preparation<'_, ()> {
        let drafter = self.drafter;
        let photos = drafter.visit.photos.len();
        let progress = drafter.progress("final", photos, "putting the report in order");
        drafter.context.progress(progress);
        let question = Question {
            name: plan::NAME,
            rules: drafter.rules,
            parts: prompt::plan(drafter.visit, self.findings),
            schema: plan::schema(self.findings),
            effort: drafter.visit.settings.effort,
        };
        Preparation {
            question: Some(question),
            details: (),
            reservation: None,
        }
    }

    fn is_of_use(&self, (): &(), content: &str) -> bool {
        self.outline(content).is_ok()
    }

    fn is_bearable(&self, failure: &Failure) -> bool {
        !matches!(failure.class, FailureClass::Paused { .. })
    }
}

impl<H: Host> OutlineRequest<'_, H> {
    /// The order that an answer stands for.
    fn outline(&self, content: &str) -> Result<Outline, String> {
        let plan = plan::read(content)?;
        plan::arrange(&plan, self.findings, &self.drafter.visit.group_order)
    }
}

/// Puts the findings in order.
///
/// # Errors
/// Only those of saving the step: an order that cannot be had is no error.
pub async fn format<H: Host>(
    drafter: &Drafter<'_, H>,
    findings: &[Finding],
) -> Result<Layout, JobError> {
    if !drafter.visit.settings.final_formatting {
        let reason = "options.finalFormatting is false".into();
        return Ok(in_engineers_order(findings, Status::Complete, reason));
    }
    let request = OutlineRequest { drafter, findings };
    let (mut answers, mut reason) = (0_u32, String::new());
    for step in STEPS {
        let Some(record) = drafter.request(step, &request).await? else {
            let reason = "the report has cost what options.maxCostUsd allows".into();
            return Ok(in_engineers_order(findings, Status::Partial, reason));
        };
        let answer = drafter.grok.answer(step, &record).await?;
        answers += u32::from(answer.is_ok() && !record.is_reused);
        match outline_of(&request, answer) {
            Ok(outline) => {
                return Ok(Layout {
                    outline,
                    formatting: Formatting {
                        mode: FormattingMode::Model,
                        reason: None,
                    },
                    status: Status::Complete,
                    repeats: answers.saturating_sub(1),
                });
            }
            Err(problem) => reason = problem,
        }
        if record.problem.is_some() && !record.may_pass {
            break;
        }
    }
    Ok(Layout {
        repeats: answers.saturating_sub(1),
        ..in_engineers_order(findings, Status::Degraded, reason)
    })
}

/// The order that an answer stands for, or why there is none.
fn outline_of<H: Host>(
    request: &OutlineRequest<'_, H>,
    answer: Result<Option<ModelAnswer>, Failure>,
) -> Result<Outline, String> {
    let answer = answer.map_err(Failure::for_people)?;
    let content = answer.map_or(Ok(String::new()), |answer| answer.content);
    request.outline(&content.map_err(|problem| problem.to_string())?)
}

fn in_engineers_order(findings: &[Finding], status: Status, reason: String) -> Layout {
    Layout {
        outline: plan::deterministic(findings),
        formatting: Formatting {
            mode: FormattingMode::Deterministic,
            reason: Some(reason),
        },
        status,
        repeats: 0,
    }
}
