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

fn content_of(reply: &ApiReply) -> Result<String, ContentProblem> {
    reply.read("xai-secret").expect("it was paid for").content
}

#[test]
fn what_the_model_wrote_is_taken_unless_it_is_of_no_use() {
    let check = |message, finish_reason, expected: Result<&str, ContentProblem>| {
        let content = content_of(&completion(message, finish_reason));
        assert_eq!(content, expected.map(str::to_owned));
    };
    check("{}", json!("stop"), Ok("{}"));
    check("{}", Value::Null, Ok("{}"));
    check(" \n", json!("stop"), Err(ContentProblem::Empty));
    let cut = ContentProblem::Cut;
    check("{\"pho", json!("length"), Err(cut));
    let withheld = ContentProblem::Withheld;
    check("", json!("content_filter"), Err(withheld));
    let unknown = ContentProblem::Unfinished;
    check("{}", json!("tool_calls"), Err(unknown));
}

#[test]
fn what_does_not_say_it_is_an_error_was_paid_for() {
    for body in ["{}", r#"{"choices":[]}"#, r#"{"error":null,"output":7}"#] {
        assert_eq!(content_of(&reply(200, body)), Err(ContentProblem::Empty));
    }
    assert_eq!(
        content_of(&ApiReply::too_long()),
        Err(ContentProblem::TooLong)
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
        Err(ContentProblem::Empty)
    );
    let details = json!({ "reason": "max_output_tokens" });
    let cut = Err(ContentProblem::Cut);
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

#[test]
fn the_object_is_taken_out_of_whatever_the_model_put_around_it() {
    let object = r#"{"photos":[]}"#;
    for finish_reason in [json!("end_turn"), json!(""), json!("eos"), Value::Null] {
        let fenced = format!("```json\n{object}\n```");
        assert_eq!(
            content_of(&completion(&fenced, finish_reason)),
            Ok(object.into())
        );
    }
    let parts = json!([
        { "type": "thinking", "text": "{}" }, { "type": "text", "text": "{\"photos\"" }, { "text": ":[]}" },
    ]);
    let choice = json!({ "message": { "content": parts }, "finish_reason": "stop" });
    let body = json!({ "choices": [choice] }).to_string();
    assert_eq!(content_of(&reply(200, &body)), Ok(object.into()));
}

#[test]
fn a_reply_that_was_paid_for_and_is_no_json_is_of_no_use_and_not_shown() {
    let bodies = [
        r#"{"choices":[{"message":{"content":"secret"},"logprob":NaN}]}"#,
        r#"{"choices":[{"message":{"content":"secret \ud83"}}]}"#,
        r#"{"choices":[{"message":{"content":"secret"#,
    ];
    for body in bodies {
        assert_eq!(
            content_of(&reply(200, body)),
            Err(ContentProblem::Unreadable)
        );
        let failure = reply(400, body)
            .read("xai-secret")
            .expect_err("it is no answer");
        assert!(!failure.message.contains("secret"), "{}", failure.message);
    }
}

#[test]
fn half_a_surrogate_pair_does_not_cost_an_answer() {
    let body = r#"{"choices":[{"message":{"content":"crew \ud83d"}}]}"#;
    assert_eq!(content_of(&reply(200, body)), Ok("crew \u{fffd}".into()));
}

#[test]
fn a_model_that_will_not_answer_is_one_that_was_filtered() {
    let message = json!({ "content": null, "refusal": "I cannot help with that." });
    let body = json!({ "choices": [{ "message": message, "finish_reason": "stop" }] }).to_string();
    let withheld = Err(ContentProblem::Withheld);
    assert_eq!(content_of(&reply(200, &body)), withheld);
}

#[test]
fn an_error_that_does_not_call_itself_one_is_an_error() {
    for body in [
        r#"{"object":"error","message":"too long","code":400}"#,
        r#"{"message":"overloaded"}"#,
        r#"{"detail":[{"msg":"field required"}]}"#,
        r#"[{"error":{"message":"overloaded"}}]"#,
    ] {
        assert!(reply(200, body).read("xai-secret").is_err(), "{body}");
    }
}
