use std::rc::Rc;

use futures_util::FutureExt;

use super::*;
use crate::testing::config;

fn limits(changes: &[(&str, &str)]) -> GrokConfig {
    config(changes).grok.expect("Grok is configured")
}

/// How many places there are at once.
fn places(limiter: &Limiter, config: &GrokConfig) -> usize {
    let mut places = Vec::new();
    while let Some(place) = limiter.place(config).now_or_never() {
        places.push(place);
    }
    places.len()
}

#[test]
fn no_more_are_under_way_than_configured_and_places_come_back() {
    let config = limits(&[("GROK_CONCURRENCY", "3")]);
    let limiter = Limiter::default();
    assert_eq!(places(&limiter, &config), 3);
    assert_eq!(places(&limiter, &config), 3);
}

#[test]
fn who_waits_for_a_place_gets_it_though_another_gave_up_waiting() {
    let config = limits(&[("GROK_CONCURRENCY", "1")]);
    let limiter = Rc::new(Limiter::default());
    let mut place = limiter.place(&config).now_or_never();
    assert!(place.is_some());
    assert!(limiter.place(&config).now_or_never().is_none());
    let host = crate::testing::ScriptedHost::new();
    let waits = async { limiter.place(&config).await };
    let gives_back = async { drop(place.take()) };
    host.run(async { futures_util::join!(waits, gives_back) });
}

#[test]
fn a_complaint_stops_everybody_and_lets_fewer_go_on() {
    let config = limits(&[("GROK_CONCURRENCY", "4")]);
    let limiter = Limiter::default();
    assert_eq!(limiter.wait_ms(&config, 1, 0), 0);
    limiter.complained(&config, Some(20_000), 1_000);
    assert_eq!(limiter.wait_ms(&config, 1, 1_000), 20_000);
    assert_eq!(limiter.wait_ms(&config, 1, 20_999), 1);
    assert_eq!(limiter.wait_ms(&config, 1, 21_000), 0);
    assert_eq!(places(&limiter, &config), 2);
    limiter.complained(&config, Some(1), 21_000);
    assert_eq!(places(&limiter, &config), 1);
    for expected in [2, 3, 4, 4] {
        limiter.answered();
        assert_eq!(places(&limiter, &config), expected);
    }
}

#[test]
fn pauses_that_nobody_told_the_length_of_double_until_something_is_answered() {
    let config = limits(&[]);
    let limiter = Limiter::default();
    for expected in [1, 2, 4, 8, 16, 32, 60, 60] {
        let now_ms = limiter.paused_until_ms.get();
        limiter.complained(&config, None, now_ms);
        assert_eq!(limiter.wait_ms(&config, 1, now_ms), expected * 1_000);
    }
    limiter.answered();
    let now_ms = limiter.paused_until_ms.get();
    limiter.complained(&config, None, now_ms);
    assert_eq!(limiter.wait_ms(&config, 1, now_ms), 1_000);
}

#[test]
fn requests_and_tokens_of_a_minute_are_counted_over_all_jobs() {
    let config = limits(&[
        ("GROK_REQUESTS_PER_MINUTE", "3"),
        ("GROK_TOKENS_PER_MINUTE", "1000"),
    ]);
    let limiter = Limiter::default();
    assert_eq!(limiter.wait_ms(&config, 600, 0), 0);
    assert_eq!(limiter.wait_ms(&config, 600, 10), 59_990);
    assert_eq!(limiter.wait_ms(&config, 400, 10), 0);
    assert_eq!(limiter.wait_ms(&config, 0, 20), 0);
    assert_eq!(limiter.wait_ms(&config, 0, 30), 59_970);
    assert_eq!(limiter.wait_ms(&config, 0, 60_000), 0);
}

#[test]
fn a_request_that_is_too_large_for_any_minute_goes_alone() {
    let config = limits(&[("GROK_TOKENS_PER_MINUTE", "1000")]);
    let limiter = Limiter::default();
    assert_eq!(limiter.wait_ms(&config, 5_000, 0), 0);
    assert_eq!(limiter.wait_ms(&config, 1, 0), 60_000);
}

#[test]
fn what_answers_took_corrects_what_the_next_requests_are_reckoned_at() {
    let config = limits(&[("GROK_TOKENS_PER_MINUTE", "1000")]);
    let limiter = Limiter::default();
    limiter.took(400, 800);
    limiter.took(0, 50);
    limiter.took(50, 0);
    assert_eq!(limiter.wait_ms(&config, 500, 0), 0);
    assert_eq!(limiter.wait_ms(&config, 1, 0), 60_000);
    limiter.took(1_200, 0);
    limiter.took(1_200, 800);
    assert_eq!(limiter.wait_ms(&config, 1_000, 60_000), 0);
    assert_eq!(limiter.wait_ms(&config, 0, 60_000), 0);
    assert_eq!(limiter.wait_ms(&config, 2, 60_000), 60_000);
}
