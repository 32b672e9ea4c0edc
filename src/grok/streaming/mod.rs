//! An answer read as it is written: server-sent events, each a line of `data:`. What the model writes is put together
//! into the reply that would have come at once: the events themselves repeat so much that a step could not keep them.

#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use crate::foreign_json;

const DATA: &[u8] = b"data:";
/// Lines of the protocol that say nothing to us.
const OTHER_FIELDS: [&[u8]; 4] = [b":", b"event:", b"id:", b"retry:"];

/// A stream of events as far as it has come.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// The line that has not ended.
    line: Vec<u8>,
    /// What is no event: an answer of a server that does not stream, or an error.
    rest: Vec<u8>,
    has_events: bool,
    content: String,
    finish_reason: Value,
    usage: Value,
    model: Value,
    /// A whole reply, or an error, that an event carries.
    whole: Option<Value>,
}

impl Stream {
    /// Takes the next bytes, wherever they begin and end.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                b'\n' => self.end_line(),
                byte => self.line.push(*byte),
            }
        }
    }

    /// Letters of the answer so far.
    pub(super) fn letters(&self) -> usize {
        self.content.len()
    }

    /// The body of the reply as it would have come at once; `None` when the stream ended too early.
    pub(super) fn body(mut self) -> Option<Vec<u8>> {
        self.end_line();
        if let Some(whole) = self.whole {
            return Some(whole.to_string().into_bytes());
        }
        if !self.has_events {
            return Some(self.rest);
        }
        let choice = json!({
            "message": { "content": self.content },
            "finish_reason": self.finish_reason,
        });
        let reply = json!({ "model": self.model, "choices": [choice], "usage": self.usage });
        (!self.finish_reason.is_null()).then(|| reply.to_string().into_bytes())
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let line = line.trim_ascii();
        if let Some(data) = line.strip_prefix(DATA) {
            self.has_events = true;
            if let Ok(event) = foreign_json::read(&String::from_utf8_lossy(data)) {
                self.take(event);
            }
        } else if !OTHER_FIELDS.iter().any(|field| line.starts_with(field)) {
            self.rest.extend_from_slice(line);
        }
    }

    fn take(&mut self, event: Value) {
        let field = |name: &str| event.get(name).filter(|value| !value.is_null());
        if field("error").is_some() {
            self.whole = Some(event);
            return;
        }
        match field("type").and_then(Value::as_str) {
            None => self.take_chunk(&event),
            Some("response.output_text.delta") => self.append(field("delta")),
            // The last event of a response carries all of it.
            Some("response.completed" | "response.incomplete" | "response.failed") => {
                self.whole = field("response").cloned();
            }
            Some("error") => {
                self.whole = Some(json!({ "code": field("code"), "error": field("message") }));
            }
            Some(_) => {}
        }
    }

    fn take_chunk(&mut self, chunk: &Value) {
        self.append(chunk.pointer("/choices/0/delta/content"));
        for (kept, pointer) in [
            (&mut self.finish_reason, "/choices/0/finish_reason"),
            (&mut self.usage, "/usage"),
            (&mut self.model, "/model"),
        ] {
            if let Some(new) = chunk.pointer(pointer).filter(|new| !new.is_null()) {
                *kept = new.clone();
            }
        }
    }

    fn append(&mut self, text: Option<&Value>) {
        self.content
            .push_str(text.and_then(Value::as_str).unwrap_or_default());
    }
}
