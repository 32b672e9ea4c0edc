use serde_json::json;

use super::*;

fn reply(status: u16, body: &str) -> ApiReply {
    ApiReply::of(&HttpResponse {
        status,
        headers: Vec::new(),
        body: body.into(),
    })
}

fn completion(message: &str, finish_reason: Value) -> ApiReply {
    let choice = json!({ "message": { "content": message }, "finish_reason": finish_reason });
    reply(200, &json!({ "choices": [choice] }).to_string())
}

fn content_of(reply: &ApiReply) -> Result<String, &'static str> {
    reply.read("xai-secret").expect("it was paid for").content
}

#[test]
fn what_the_model_wrote_is_taken_unless_it_is_of_no_use() {
    let check = |message, finish_reason, expected: Result<&str, &'static str>| {
        let content = content_of(&completion(message, finish_reason));
        assert_eq!(content, expected.map(str::to_owned));
    };
    check("{}", json!("stop"), Ok("{}"));
    check("{}", Value::Null, Ok("{}"));
    check(" \n", json!("stop"), Err("the answer is empty"));
    let cut = "the answer was cut at the token limit";
    check("{\"pho", json!("length"), Err(cut));
    let withheld = "the answer was withheld by a content filter";
    check("", json!("content_filter"), Err(withheld));
    let unknown = "the answer ended for an unknown reason";
    check("{}", json!("tool_calls"), Err(unknown));
}

#[test]
fn what_does_not_say_it_is_an_error_was_paid_for() {
    for body in ["{}", r#"{"choices":[]}"#, r#"{"error":null,"output":7}"#] {
        assert_eq!(content_of(&reply(200, body)), Err("the answer is empty"));
    }
    assert_eq!(
        content_of(&ApiReply::too_long()),
        Err("the answer is too long")
    );
}

#[test]
fn an_error_is_one_with_any_status() {
    let errors = [
        (200, r#"{"code":"unavailable","error":"Timed out"}"#),
        (200, "<html>"),
        (200, ""),
        (200, "[]"),
        (500, r#"{"choices":[]}"#),
    ];
    for (status, body) in errors {
        assert!(reply(status, body).read("xai-secret").is_err(), "{body}");
    }
}

#[test]
fn a_kept_reply_says_the_same_as_the_one_that_came() {
    let came = completion("a \u{0}\u{1f3d7} and \"quotes\"", json!("stop"));
    let kept = serde_json::to_value(&came).expect("a reply is JSON");
    let kept: ApiReply = serde_json::from_value(kept).expect("a reply");
    assert_eq!(kept, came);
    assert_eq!(content_of(&kept), content_of(&came));
    assert!(
        !serde_json::to_string(&reply(200, "a\0b"))
            .expect("JSON")
            .contains("\\u0000")
    );
}

#[test]
fn a_response_says_the_same_in_other_words() {
    let response = |text: &str, status: &str, details: Value| {
        let message =
            json!({ "type": "message", "content": [{ "type": "output_text", "text": text }] });
        let reasoning =
            json!({ "type": "reasoning", "content": [{ "type": "reasoning_text", "text": "hm" }] });
        let body = json!({
            "status": status, "output": [reasoning, message], "error": null,
            "incomplete_details": details,
        });
        content_of(&reply(200, &body.to_string()))
    };
    assert_eq!(response("{}", "completed", Value::Null), Ok("{}".into()));
    assert_eq!(
        response("", "completed", Value::Null),
        Err("the answer is empty")
    );
    let details = json!({ "reason": "max_output_tokens" });
    let cut = Err("the answer was cut at the token limit");
    assert_eq!(response("{\"pho", "incomplete", details), cut);
    let failed =
        r#"{"status":"failed","error":{"code":"server_error","message":"Oh no"},"output":[]}"#;
    assert!(reply(200, failed).read("xai-secret").is_err());
}

#[test]
fn retry_after_is_honoured_in_seconds_and_within_reason() {
    let wait = |text: &str| {
        let reply = ApiReply::of(&HttpResponse {
            status: 429,
            headers: vec![("retry-after".into(), text.into())],
            body: Vec::new(),
        });
        let failure = reply.read("xai-secret").expect_err("it is no answer");
        failure.told_to_wait_seconds()
    };
    assert_eq!(wait("20"), Some(20));
    assert_eq!(wait("999999999"), Some(LONGEST_WAIT_SECONDS));
    assert_eq!(wait("Wed, 21 Oct 2026 07:28:00 GMT"), None);
}
