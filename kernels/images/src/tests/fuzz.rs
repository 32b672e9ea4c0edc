//! Photographs in which bytes have become others.

use std::time::Duration;

use proptest::prelude::*;
use rustix::time::{ClockId, clock_gettime};

use super::files::{Extras, exif, interlaced_png, jpeg, webp};
use super::fuzz_runner::fuzz;
use super::order;
use crate::order::Order;
use crate::process::process;

/// Changes of a file: bytes that become others, and where it ends.
fn changes() -> impl Strategy<Value = (Vec<(prop::sample::Index, u8)>, Option<prop::sample::Index>)>
{
    let byte = (
        any::<prop::sample::Index>(),
        prop_oneof![Just(0), Just(0xff), any::<u8>()],
    );
    let end = prop::option::weighted(0.2, any::<prop::sample::Index>());
    (prop::collection::vec(byte, 0..12), end)
}

/// What this thread has used: whatever else runs on the machine does not count.
fn cpu_time() -> Duration {
    let used = clock_gettime(ClockId::ThreadCPUTime);
    used.try_into().expect("time never runs out")
}

#[test]
fn no_file_is_too_odd_and_none_takes_long() {
    let progressive = Extras {
        is_progressive: true,
        exif: Some(exif(5)),
        ..Extras::default()
    };
    let files = [
        jpeg(
            (97, 61),
            &Extras {
                exif: Some(exif(6)),
                ..Extras::default()
            },
        ),
        jpeg((97, 61), &progressive),
        interlaced_png((97, 61)),
        super::files::png(
            &[7; 97 * 61 * 4],
            (97, 61),
            png::ColorType::Rgba,
            png::BitDepth::Eight,
        ),
        webp((97, 61), image_webp::ColorType::Rgba8, Some(exif(3))),
    ];
    let order = Order {
        wants_gps: true,
        ..order(50)
    };
    fuzz((0..files.len(), changes()), |(number, (bytes, end))| {
        let mut file = files[number].clone();
        for (at, byte) in bytes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        if let Some(end) = end {
            file.truncate(end.index(file.len()));
        }
        let started = cpu_time();
        if let Ok(processed) = process(&file, &order) {
            assert_eq!(processed.variants.len(), 1);
        }
        let took = cpu_time() - started;
        assert!(took < Duration::from_secs(2), "{took:?}");
    });
}
