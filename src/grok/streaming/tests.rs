use super::*;

fn stream(text: &str, piece: usize) -> Stream {
    let mut stream = Stream::default();
    text.as_bytes()
        .chunks(piece)
        .for_each(|piece| stream.push(piece));
    stream
}

fn body(text: &str) -> Option<Value> {
    let bodies = [1, 3, 1_000].map(|piece| stream(text, piece).body());
    assert!(
        bodies.iter().all(|body| *body == bodies[0]),
        "pieces do not matter"
    );
    let [body, ..] = bodies;
    body.map(|body| serde_json::from_slice(&body).unwrap_or(Value::Null))
}

const CHUNKS: &str = concat!(
    ": keep-alive\r\n\r\n",
    "data: {\"model\":\"grok-4.3\",\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\r\n\r\n",
    "data: {\"choices\":[{\"delta\":{\"content\":\"Bitum\"},\"finish_reason\":null}]}\n\n",
    "event: message\n",
    "data: {\"choices\":[{\"delta\":{\"content\":\"en, 5 °C\"}}],\"usage\":null}\n\n",
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":9}}\n\n",
    "data: [DONE]\n\n",
);

#[test]
fn chunks_are_put_together_into_the_reply_that_would_have_come_at_once() {
    let choice = json!({ "message": { "content": "Bitumen, 5 °C" }, "finish_reason": "stop" });
    let expected =
        json!({ "model": "grok-4.3", "choices": [choice], "usage": { "prompt_tokens": 9 } });
    assert_eq!(body(CHUNKS), Some(expected));
}

#[test]
fn letters_are_counted_as_they_come() {
    let half = CHUNKS.find("event:").expect("a second chunk");
    assert_eq!(stream(&CHUNKS[..half], 7).letters(), 5);
}

#[test]
fn a_stream_that_ends_before_the_answer_does_is_no_answer() {
    let half = CHUNKS.find("event:").expect("a second chunk");
    assert_eq!(body(&CHUNKS[..half]), None);
}

const EMPTY_EVENTS: [&str; 12] = [
    "{}",
    "null",
    "1",
    "[]",
    "\"\"",
    "[[]]",
    "{\"choices\":[]}",
    "{\"choices\":{}}",
    "{\"choices\":[1]}",
    "{\"choices\":[{\"delta\":[]}],\"usage\":null}",
    "{\"type\":7}",
    "{\"choices\":",
];

#[test]
fn an_event_that_says_nothing_is_skipped() {
    for event in EMPTY_EVENTS {
        let event = format!("data: {event}\n\n");
        let anywhere = CHUNKS.replace("\n\n", &format!("\n\n{event}"));
        assert_eq!(body(&anywhere), body(CHUNKS), "{event}");
        assert_eq!(body(&event), None, "{event}");
    }
}

#[test]
fn an_error_among_the_chunks_is_the_reply() {
    let half = CHUNKS.find("event:").expect("a second chunk");
    let error = r#"{"code":"unavailable","error":"Overloaded"}"#;
    let text = format!("{}data: {error}\n\n", &CHUNKS[..half]);
    assert_eq!(body(&text).map(|body| body.to_string()), Some(error.into()));
}

#[test]
fn what_is_no_stream_is_taken_as_it_is() {
    let check = |text: &str| {
        let body = stream(text, 7).body();
        assert_eq!(body, Some(text.replace('\n', "").into_bytes()));
    };
    check(r#"{"choices":[]}"#);
    check("<html>\n<h1>502 Bad Gateway</h1>\n</html>");
    check("");
}

const RESPONSE: &str = concat!(
    "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"status\":\"in_progress\"}}\n\n",
    "event: response.output_text.delta\n",
    "data: {\"type\":\"response.output_text.delta\",\"delta\":\"Bitumen\"}\n\n",
);

#[test]
fn the_last_event_of_a_response_is_the_reply() {
    let response = r#"{"output":[],"status":"completed"}"#;
    let last = format!(r#"data: {{"type":"response.completed","response":{response}}}"#);
    assert_eq!(stream(RESPONSE, 7).letters(), 7);
    let whole = body(&format!("{RESPONSE}{last}\n\n"));
    assert_eq!(whole.map(|body| body.to_string()), Some(response.into()));
    assert_eq!(body(RESPONSE), None);
}

#[test]
fn an_error_among_the_events_of_a_response_is_the_reply() {
    let error = r#"data: {"type":"error","code":"unavailable","message":"Overloaded"}"#;
    let expected = json!({ "code": "unavailable", "error": "Overloaded" });
    assert_eq!(body(&format!("{RESPONSE}{error}\n\n")), Some(expected));
}
