use futures_util::FutureExt;

use super::*;
use crate::testing::config;

fn limits(changes: &[(&str, &str)]) -> GrokConfig {
    config(changes).grok.expect("Grok is configured")
}

/// How many permits there are at once.
fn permits(limiter: &Limiter, config: &GrokConfig) -> usize {
    let mut permits = Vec::new();
    while let Some(permit) = limiter.permit(config).now_or_never() {
        permits.push(permit);
    }
    permits.len()
}

/// How long a request has to wait; 0 if it was sent.
fn wait_ms(limiter: &Limiter, config: &GrokConfig, tokens: u64, now_ms: u64) -> u64 {
    let admitted = limiter.admit(config, tokens, now_ms);
    admitted.err().unwrap_or_default()
}

#[test]
fn no_more_are_under_way_than_configured_and_permits_come_back() {
    let config = limits(&[("GROK_CONCURRENCY", "3")]);
    let limiter = Limiter::default();
    assert_eq!(permits(&limiter, &config), 3);
    assert_eq!(permits(&limiter, &config), 3);
}

#[test]
fn a_complaint_stops_everybody_and_lets_fewer_go_on() {
    let config = limits(&[("GROK_CONCURRENCY", "4")]);
    let limiter = Limiter::default();
    assert_eq!(wait_ms(&limiter, &config, 1, 0), 0);
    limiter.slow_down(&config, Some(20_000), 1_000);
    assert_eq!(wait_ms(&limiter, &config, 1, 1_000), 20_000);
    assert_eq!(wait_ms(&limiter, &config, 1, 20_999), 1);
    assert_eq!(wait_ms(&limiter, &config, 1, 21_000), 0);
    assert_eq!(permits(&limiter, &config), 2);
    limiter.slow_down(&config, Some(1), 21_000);
    assert_eq!(permits(&limiter, &config), 1);
    for expected in [2, 3, 4, 4] {
        limiter.speed_up();
        assert_eq!(permits(&limiter, &config), expected);
    }
}

#[test]
fn pauses_that_nobody_told_the_length_of_double_until_something_is_speed_up() {
    let config = limits(&[]);
    let limiter = Limiter::default();
    for expected in [1, 2, 4, 8, 16, 32, 60, 60] {
        let now_ms = limiter.paused_until_ms.get();
        limiter.slow_down(&config, None, now_ms);
        assert_eq!(wait_ms(&limiter, &config, 1, now_ms), expected * 1_000);
    }
    limiter.speed_up();
    let now_ms = limiter.paused_until_ms.get();
    limiter.slow_down(&config, None, now_ms);
    assert_eq!(wait_ms(&limiter, &config, 1, now_ms), 1_000);
}

#[test]
fn requests_and_tokens_of_a_minute_are_counted_over_all_jobs() {
    let config = limits(&[
        ("GROK_REQUESTS_PER_MINUTE", "3"),
        ("GROK_TOKENS_PER_MINUTE", "1000"),
    ]);
    let limiter = Limiter::default();
    assert_eq!(wait_ms(&limiter, &config, 600, 0), 0);
    assert_eq!(wait_ms(&limiter, &config, 600, 10), 59_990);
    assert_eq!(wait_ms(&limiter, &config, 400, 10), 0);
    assert_eq!(wait_ms(&limiter, &config, 0, 20), 0);
    assert_eq!(wait_ms(&limiter, &config, 0, 30), 59_970);
    assert_eq!(wait_ms(&limiter, &config, 0, 60_000), 0);
}

#[test]
fn a_request_that_is_too_large_for_any_minute_goes_alone() {
    let config = limits(&[("GROK_TOKENS_PER_MINUTE", "1000")]);
    let limiter = Limiter::default();
    assert_eq!(wait_ms(&limiter, &config, 5_000, 0), 0);
    assert_eq!(wait_ms(&limiter, &config, 1, 0), 60_000);
}

#[test]
fn what_answers_took_corrects_what_the_next_requests_are_expected_to_take() {
    let config = limits(&[("GROK_TOKENS_PER_MINUTE", "1000")]);
    let limiter = Limiter::default();
    limiter.learn(400, 800);
    limiter.learn(0, 50);
    limiter.learn(50, 0);
    assert_eq!(wait_ms(&limiter, &config, 500, 0), 0);
    assert_eq!(wait_ms(&limiter, &config, 1, 0), 60_000);
    limiter.learn(1_200, 0);
    limiter.learn(1_200, 800);
    assert_eq!(wait_ms(&limiter, &config, 1_000, 60_000), 0);
    assert_eq!(wait_ms(&limiter, &config, 0, 60_000), 0);
    assert_eq!(wait_ms(&limiter, &config, 2, 60_000), 60_000);
}
