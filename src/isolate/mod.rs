//! One isolate: what it may use, the signals that reach it, and what survives its crash.

mod crash_record;
mod resources;
mod run_context;
mod semaphore;
mod shared;
mod signals;
mod stop_reason;

pub use self::crash_record::{AbandonCall, CrashEntry, CrashRecord};
pub use self::resources::{Cost, Limits, ResourceUsage, Resources, kind};
pub use self::run_context::RunContext;
pub use self::semaphore::{Permit, Semaphore};
pub use self::shared::Shared;
pub use self::signals::Signals;
pub use self::stop_reason::StopReason;
