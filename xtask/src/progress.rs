//! Progress messages of the commands.

use std::sync::OnceLock;
use std::time::Instant;

static START: OnceLock<Instant> = OnceLock::new();

/// Starts the clock that [`heading`] shows.
pub fn start() {
    START.get_or_init(Instant::now);
}

/// Prints what the command does now and how many seconds it has been running.
pub fn heading(text: &str) {
    let elapsed = START.get_or_init(Instant::now).elapsed();
    println!("[{:>6.1} s] {text}", elapsed.as_secs_f64());
}

/// Adds a detail to the last heading.
pub fn detail(text: &str) {
    println!("           {text}");
}
