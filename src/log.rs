//! The function's log: one JSON object per line and event, with ids, types and milliseconds, never payloads.

use std::cell::RefCell;
use std::fmt;

use serde::Serialize;
use uuid::Uuid;

use crate::error::ErrorMessage;
use crate::host::Host;
use crate::job::Job;

/// The platform keeps 10,000 characters of a message and a hundred messages in ten seconds, so lines written in the
/// same moment travel as one message.
const LONGEST_MESSAGE: usize = 9_500;

/// Collects lines and writes them to the host's log as few messages.
pub struct Log<'a, H> {
    host: &'a H,
    lines: RefCell<String>,
}

#[derive(Serialize)]
struct RunEvent<'e> {
    event: &'e str,
}

#[derive(Serialize)]
struct JobEvent<'e> {
    event: &'e str,
    job_id: Uuid,
    job_type: &'e str,
    attempt: u32,
}

#[derive(Serialize)]
struct ErrorField {
    error: ErrorMessage,
}

impl<'a, H: Host> Log<'a, H> {
    /// A log that writes to `host`.
    pub fn new(host: &'a H) -> Self {
        Self {
            host,
            lines: RefCell::default(),
        }
    }

    /// Adds a line about the run; `fields` must serialize to a JSON object.
    pub fn event(&self, event: &str, fields: &impl Serialize) {
        self.line(&RunEvent { event }, fields);
    }

    /// Adds a line about something in the run that failed.
    pub fn failure(&self, event: &str, error: &impl fmt::Display) {
        let error = ErrorMessage::of(error);
        self.event(event, &ErrorField { error });
    }

    /// Adds a line about a job.
    pub fn job_event(&self, event: &str, job: &Job, fields: &impl Serialize) {
        let head = JobEvent {
            event,
            job_id: job.id,
            job_type: &job.job_type,
            attempt: job.attempt(),
        };
        self.line(&head, fields);
    }

    /// Writes the collected lines to the host's log.
    pub fn flush(&self) {
        let lines = self.lines.take();
        if !lines.is_empty() {
            self.host.log(&lines);
        }
    }

    fn line(&self, head: &impl Serialize, fields: &impl Serialize) {
        let line = joined(&encoded(head), &encoded(fields));
        if self.lines.borrow().len() + line.len() >= LONGEST_MESSAGE {
            self.flush();
        }
        let mut lines = self.lines.borrow_mut();
        if !lines.is_empty() {
            lines.push('\n');
        }
        lines.push_str(&line);
    }
}

fn encoded(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// One JSON object with the members of both; anything but an object adds nothing.
fn joined(head: &str, fields: &str) -> String {
    match fields.strip_prefix('{') {
        Some(members) if members != "}" => format!("{},{members}", head.trim_end_matches('}')),
        _ => head.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{ScriptedHost, job};

    #[test]
    fn a_line_has_the_jobs_id_type_and_attempt() {
        let host = ScriptedHost::new();
        let log = Log::new(&host);
        let job = job("noop", json!({ "secret": true }));
        log.job_event("step", &job, &json!({ "ms": 3 }));
        log.job_event("bare", &job, &json!({}));
        log.event("run", &json!({ "a": { "b": {} } }));
        log.flush();
        let id = job.id.to_string();
        let lines = [
            json!({ "event": "step", "job_id": id, "job_type": "noop", "attempt": 1, "ms": 3 }),
            json!({ "event": "bare", "job_id": id, "job_type": "noop", "attempt": 1 }),
            json!({ "event": "run", "a": { "b": {} } }),
        ];
        assert_eq!(host.log_lines(), lines);
        assert_eq!(host.messages.borrow().len(), 1);
    }

    #[test]
    fn fields_that_are_no_object_do_not_spoil_the_line() {
        let host = ScriptedHost::new();
        let log = Log::new(&host);
        log.event("odd", &json!([1, "{"]));
        log.event("odder", &Value::Null);
        log.flush();
        assert_eq!(
            host.log_lines(),
            [json!({ "event": "odd" }), json!({ "event": "odder" })]
        );
    }

    #[test]
    fn nothing_to_say_is_no_message() {
        let host = ScriptedHost::new();
        Log::new(&host).flush();
        assert!(host.messages.borrow().is_empty());
    }
}
