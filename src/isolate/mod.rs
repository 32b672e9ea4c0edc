//! One isolate: what it may use, what reaches it from outside, and what a crash of it leaves readable.

mod budget;
mod crash_record;
mod run_context;
mod semaphore;
mod shared;
mod signals;
mod stop_reason;

pub use self::budget::{Budget, Usage};
pub use self::crash_record::{CrashEntry, CrashRecord, LastWords};
pub use self::run_context::RunContext;
pub use self::semaphore::{Permit, Semaphore};
pub use self::shared::Shared;
pub use self::signals::Signals;
pub use self::stop_reason::StopReason;
