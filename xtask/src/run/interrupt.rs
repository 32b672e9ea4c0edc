//! Stops everything at Ctrl-C, a closed terminal or SIGTERM, before this process ends.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::Poll;

use anyhow::Result;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::ledger::Ledger;

const EXIT_STATUS: i32 = 130;

type Shared = Arc<Mutex<Ledger>>;

/// What to clear up: the runs that are under way.
static CURRENT: Mutex<Vec<Shared>> = Mutex::new(Vec::new());
static LISTENING: OnceLock<()> = OnceLock::new();

/// Names a ledger to clear up from when a signal comes.
pub fn add(ledger: Shared) -> Result<()> {
    let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    current.push(ledger);
    if LISTENING.get().is_none() {
        listen()?;
        LISTENING.get_or_init(|| ());
    }
    Ok(())
}

/// Its run is over.
pub fn remove(ledger: &Shared) {
    let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    current.retain(|other| !Arc::ptr_eq(other, ledger));
}

fn listen() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let signals = {
        let _inside = runtime.enter();
        [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ]
        .map(signal)
        .into_iter()
        .collect::<std::io::Result<Vec<_>>>()?
    };
    std::thread::spawn(move || {
        wait(&runtime, signals);
        stop();
    });
    Ok(())
}

fn wait(runtime: &Runtime, mut signals: Vec<Signal>) {
    runtime.block_on(std::future::poll_fn(|context| {
        let any = signals
            .iter_mut()
            .any(|signal| signal.poll_recv(context).is_ready());
        if any { Poll::Ready(()) } else { Poll::Pending }
    }));
}

fn stop() {
    eprintln!("stopping");
    let current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    // Locked until the end: their threads wait for it instead of reporting that their programs have ended.
    let mut held: Vec<_> = current
        .iter()
        .map(|ledger| ledger.lock().unwrap_or_else(PoisonError::into_inner))
        .collect();
    for ledger in &mut held {
        ledger.clear();
    }
    std::process::exit(EXIT_STATUS);
}
