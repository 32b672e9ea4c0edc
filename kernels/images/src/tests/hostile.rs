//! Files that are no photographs, no longer photographs, or more than that.

use std::time::{Duration, Instant};

use super::files::{Extras, exif, interlaced_png, jpeg, png_bomb, webp};
use super::order;
use crate::error::ImageError;
use crate::order::Answer;
use crate::process::{answer, head, process, read_answer};

fn refusal(file: &[u8]) -> String {
    let refusal = process(file, &order(100)).expect_err("no photograph");
    refusal.to_string()
}

#[test]
fn what_is_no_photograph_is_named() {
    let cases: [(&[u8], &str); 7] = [
        (b"", "expected JPEG, PNG or WebP"),
        (b"GIF89a", "expected JPEG, PNG or WebP"),
        (b"\n<!DOCTYPE html><title>Sign in", "it is a web page"),
        (b"<HTML>", "it is a web page"),
        (
            b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
            "it is HEIC: convert it to JPEG",
        ),
        (
            b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic",
            "it is HEIC: convert it to JPEG",
        ),
        (b"\0\0\0\x18ftypisom\0\0\0\0", "expected JPEG, PNG or WebP"),
    ];
    for (file, words) in cases {
        let said = refusal(file);
        assert!(said.starts_with(words), "{said}");
    }
}

#[test]
fn a_bomb_is_refused_by_its_head() {
    let started = Instant::now();
    let bombs = [
        (
            png_bomb((50_000, 50_000), false),
            "50000 × 50000 pixels, expected at most 64 million",
        ),
        (
            png_bomb((u32::MAX >> 1, u32::MAX >> 1), true),
            "expected at most 64 million",
        ),
        (
            png_bomb((7_000, 7_000), true),
            "takes 186 MiB to decode, expected at most 96",
        ),
    ];
    for (bomb, words) in &bombs {
        let said = refusal(bomb);
        assert!(said.contains(words), "{said}");
    }
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[test]
fn a_file_that_breaks_off_is_refused_wherever_it_does() {
    let exif = Some(exif(6));
    let progressive = Extras {
        is_progressive: true,
        ..Extras::default()
    };
    let files = [
        jpeg(
            (64, 48),
            &Extras {
                exif,
                ..Extras::default()
            },
        ),
        jpeg((64, 48), &progressive),
        interlaced_png((64, 48)),
        webp((64, 48), image_webp::ColorType::Rgb8, None),
    ];
    for (number, file) in files.iter().enumerate() {
        for end in (0..file.len().saturating_sub(20)).step_by(7) {
            assert!(
                process(&file[..end], &order(40)).is_err(),
                "file {number} at {end}"
            );
        }
    }
    let jpeg = &files[0];
    let cut = process(&jpeg[..jpeg.len() - 2], &order(40));
    assert_eq!(cut, Err(ImageError::Truncated));
}

#[test]
fn a_frame_is_answered_by_a_frame_whatever_it_holds() {
    let file = jpeg((64, 48), &Extras::default());
    let frame = [&head(&order(32))[..], &file].concat();
    let answered = answer(&frame);
    let Some((Answer::Done { variants, .. }, files)) = read_answer(&answered) else {
        panic!("it is a photograph");
    };
    assert_eq!(variants[0].bytes, files.len());
    for odd in [&b""[..], &[0; 4], &[255; 4], &frame[..20], b"\x02\0\0\0{}"] {
        let answered = answer(odd);
        let refused = matches!(read_answer(&answered), Some((Answer::Refused(_), [])));
        assert!(refused, "{odd:?}");
    }
}
