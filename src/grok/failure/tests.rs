use serde_json::json;

use super::*;

const SOON: FailureClass = FailureClass::Transient {
    retry_after_seconds: None,
};

fn failure(status: u16, body: &str) -> Failure {
    Failure::response(status, body.as_bytes(), "xai-secret")
}

#[test]
fn errors_are_read_in_every_shape_they_come_in() {
    let check = |status, body, class, message: &str| {
        let failure = failure(status, body);
        assert_eq!((failure.class, failure.message.as_str()), (class, message));
    };
    check(
        500,
        r#"{"code":"internal","error":"Something broke."}"#,
        SOON,
        "grok answered 500: Something broke (internal)",
    );
    check(
        503,
        r#"{"error":{"message":"Overloaded","type":"server_error","code":null}}"#,
        SOON,
        "grok answered 503: Overloaded",
    );
    check(
        200,
        r#"{"code":"unavailable","error":"Timed out waiting for first token"}"#,
        SOON,
        "grok answered 200: Timed out waiting for first token (unavailable)",
    );
    check(
        200,
        r#"{"code":"Client specified an invalid argument","error":"no such model"}"#,
        FailureClass::Permanent,
        "grok answered 200: no such model (Client specified an invalid argument)",
    );
    check(
        502,
        "<html><h1>Bad Gateway</h1></html>",
        SOON,
        "grok answered 502: a web page",
    );
    check(
        502,
        "upstream connect error",
        SOON,
        "grok answered 502: upstream connect error",
    );
    check(200, "", SOON, "grok answered 200: nothing");
    check(
        200,
        "{}",
        SOON,
        "grok answered 200: neither a completion nor an error",
    );
    check(
        400,
        r#"{"code":"Client specified an invalid argument","error":"Incorrect API key provided."}"#,
        FailureClass::Unavailable,
        "grok answered 400: Incorrect API key provided (Client specified an invalid argument); check GROK_API_KEY",
    );
}

#[test]
fn a_status_says_whether_to_come_back() {
    for status in [408, 409, 425, 429, 500, 502, 503, 504, 529, 302] {
        assert_eq!(failure(status, "{}").class, SOON, "{status}");
    }
    for status in [401, 402, 403] {
        let class = failure(status, "{}").class;
        assert_eq!(class, FailureClass::Unavailable, "{status}");
    }
    for status in [404, 405] {
        let class = failure(status, "{}").class;
        assert_eq!(class, FailureClass::Missing, "{status}");
    }
    for status in [400, 415, 422] {
        let class = failure(status, "{}").class;
        assert_eq!(class, FailureClass::Unexplained, "{status}");
    }
}

#[test]
fn a_request_that_asks_for_too_much_is_told_from_one_with_a_bad_photo() {
    let check = |status, error: &str, class| {
        let failure = failure(status, &serde_json::json!({ "error": error }).to_string());
        assert_eq!(failure.class, class, "{error}");
    };
    let tokens = "Too many tokens for team x. Tokens per Minute (actual/limit): 65605/16000";
    check(429, tokens, FailureClass::Split { passes: true });
    let too_much = FailureClass::Split { passes: false };
    check(413, "", too_much);
    let prompt =
        "This model's maximum prompt length is 131072 but the request contains 537812 tokens.";
    check(400, prompt, too_much);
    check(400, "Request exceeds the context window", too_much);
    check(
        400,
        "Fetching image failed with HTTP status 404.",
        FailureClass::Image,
    );
    check(
        422,
        "Unsupported image-type, expected JPEG or PNG",
        FailureClass::Image,
    );
    check(400, "Image is too large", FailureClass::Image);
    check(200, "Could not decode image 2", FailureClass::Image);
    check(
        400,
        "Image inputs are not supported by this model",
        FailureClass::Permanent,
    );
    check(503, "The image service is overloaded", SOON);
    check(400, "Invalid base64 data", FailureClass::Unexplained);
    check(400, "Ungültige Bilddaten", FailureClass::Unexplained);
    let unread = "The model could not read image 2";
    check(400, unread, FailureClass::Unexplained);
    let effort = FailureClass::Parameter(Parameter::Effort);
    check(400, "This model does not take `reasoning_effort`", effort);
    let forbidden = FailureClass::Content;
    check(
        403,
        "Content violates usage guidelines. Failed check: X",
        forbidden,
    );
    check(400, "Rejected by our safety system", forbidden);
}

#[test]
fn a_429_for_want_of_credit_is_no_jobs_fault() {
    let body = r#"{"code":"resource-exhausted","error":"Your team has used all available credits or reached its monthly spending limit."}"#;
    let failure = failure(429, body);
    assert_eq!(failure.class, FailureClass::Unavailable);
    assert!(
        failure
            .message
            .ends_with("add credit to the xAI account or raise its limit")
    );
}

#[test]
fn the_key_and_long_bodies_stay_out_of_the_message() {
    let failure = failure(
        400,
        &format!("the key xai-secret is wrong {}", "x".repeat(5_000)),
    );
    assert!(!failure.message.contains("xai-secret"));
    assert!(failure.message.len() < 400);
}

#[test]
fn a_code_as_long_as_a_book_stays_out_of_the_message_too() {
    let code = "Client specified 👷 ".repeat(200);
    let bodies = [
        json!({ "code": code, "error": "no" }),
        json!({ "error": { "code": code, "message": "no" } }),
        json!([{ "error": { "code": code, "message": code } }]),
    ];
    for body in bodies {
        let message = failure(400, &body.to_string()).message;
        assert!(message.chars().count() < 700, "{message}");
    }
}

#[test]
fn no_answer_is_tried_again() {
    let class = |error| Failure::transport(&error).class;
    assert_eq!(class(TransportError::TimedOut), FailureClass::TimedOut);
    assert_eq!(
        class(TransportError::Failed("reset".into())),
        FailureClass::Lost
    );
}

#[test]
fn a_message_is_read_wherever_it_stands() {
    let bodies = [
        r#"{"message":"maximum context length is 9"}"#,
        r#"{"detail":"maximum context length is 9"}"#,
        r#"{"detail":[{"loc":["body"],"msg":"maximum context length is 9"}]}"#,
        r#"{"object":"error","message":"maximum context length is 9","code":400}"#,
        r#"[{"error":{"message":"maximum context length is 9"}}]"#,
        r#"{"errors":["maximum context length is 9"]}"#,
        r#"{"error":{"error":{"message":"maximum context length is 9"}}}"#,
    ];
    for body in bodies {
        let failure = failure(400, body);
        assert_eq!(
            failure.class,
            FailureClass::Split { passes: false },
            "{body}"
        );
        let expected = "grok answered 400: maximum context length is 9";
        assert_eq!(failure.message, expected, "{body}");
    }
}

#[test]
fn the_models_words_are_in_no_message_whatever_they_come_as() {
    let words = [
        "The lap at grid C4 is open.",
        "```json\n{\"photos\":[\"The lap at grid C4 is open.\"]}",
        r#""The lap at grid C4 is open.""#,
        r#"["The lap at grid C4 is open."]"#,
        r#"{"message":"The lap at grid C4 is open."}"#,
        r#"{"photos":[{"detail":"The lap at grid C4 is open."}],"choices":NaN}"#,
        r#"[{"message":"The lap at grid C4 is open."}]"#,
    ];
    for body in words {
        let message = failure(200, body).message;
        assert!(!message.contains("C4"), "{body} became {message}");
    }
}

#[test]
fn json_that_was_damaged_on_its_way_is_in_no_message_whatever_its_status() {
    let damaged = [
        "\0\"choices\":[\"The lap at grid C4 is open.\"]",
        ")]}',\n{\"content\":\"The lap at grid C4 is open.\"}",
        "data: {\"choices\":[{\"delta\":{\"content\":\"The lap at grid C4 is open.",
        "The lap at grid C4 is open.\"}]}",
    ];
    for (status, body) in [200, 300, 400, 502]
        .into_iter()
        .flat_map(|status| damaged.map(|body| (status, body)))
    {
        let message = failure(status, body).message;
        assert!(
            message.contains("what is no JSON"),
            "{body} became {message}"
        );
    }
}

#[test]
fn a_parameter_may_be_named_beside_the_message() {
    let body = r#"{"error":{"message":"Unsupported value.","param":"temperature"}}"#;
    let temperature = FailureClass::Parameter(Parameter::Temperature);
    assert_eq!(failure(400, body).class, temperature);
}

#[test]
fn ids_and_addresses_stay_out_of_the_message() {
    let said = "Your team 5b0c2a9e-4f0b-4c56-9d0e-2b7f1f6a3c11 (key: 9f86d081884c7d659a2f) may not read \
        https://photos.test/1.jpg?token=1 with xai-another0key";
    let failure = failure(403, &serde_json::json!({ "error": said }).to_string());
    let expected = "grok answered 403: Your team … (key: <secret>) may not read <address> with <secret>; \
        check GROK_API_KEY";
    assert_eq!(failure.message, expected);
}
