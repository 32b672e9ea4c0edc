//! Prints a job and a report to the terminal.

use serde_json::Value;

use crate::progress::heading;

const WIDTH: usize = 100;

/// Prints what changes in a job.
#[derive(Default)]
pub struct Life {
    last: String,
}

impl Life {
    pub fn observe(&mut self, job: &Value) {
        let now = describe(job);
        if now != self.last {
            heading(&now);
            self.last = now;
        }
    }
}

fn describe(job: &Value) -> String {
    let status = job["status"].as_str().unwrap_or("unknown");
    let progress = &job["progress"];
    let detail = match status {
        "processing" => match (
            &progress["done"],
            &progress["total"],
            progress["message"].as_str(),
        ) {
            (Value::Number(done), Value::Number(total), Some(message)) => {
                format!(": {message} ({done} of {total})")
            }
            _ => String::new(),
        },
        "queued" if job["retry_count"].as_u64() > Some(0) => {
            format!(
                ": failed attempts {}, last error: {}",
                job["retry_count"], job["error"]
            )
        }
        _ => String::new(),
    };
    format!("{status}{detail}")
}

/// `text` with long lines broken at spaces; the rest of a line is indented like its beginning.
pub fn wrapped(text: &str) -> String {
    text.lines().map(wrap_line).collect::<Vec<_>>().join("\n")
}

fn wrap_line(line: &str) -> String {
    let indent = &line[..line.len() - line.trim_start().len()];
    let mut wrapped = String::from(indent);
    let mut column = indent.chars().count();
    for (position, word) in line.split_whitespace().enumerate() {
        let length = word.chars().count();
        if position > 0 && column + 1 + length > WIDTH {
            wrapped.push('\n');
            wrapped.push_str(indent);
            column = indent.chars().count();
        } else if position > 0 {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(word);
        column += length;
    }
    wrapped
}

#[cfg(test)]
mod tests {
    use super::{WIDTH, wrapped};

    #[test]
    fn long_lines_are_broken_and_keep_their_words_and_indent() {
        let text = format!("Title\n\n  1.1 {}", "observation ".repeat(20));
        let result = wrapped(&text);
        assert!(result.lines().all(|line| line.chars().count() <= WIDTH));
        assert!(result.lines().skip(2).all(|line| line.starts_with("  ")));
        let words = |text: &str| {
            text.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(words(&result), words(&text));
    }
}
