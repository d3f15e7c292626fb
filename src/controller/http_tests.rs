//! The client against servers of the test's own: well-behaved, slow, broken and hostile ones.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::{
    Address, ChatRequest, Controller, ControllerError, Delta, HttpController, HttpOptions, Key,
    Reply, RequestMessage, RetryPolicy,
};
use crate::jobs::Progress;

/// What is done with a connection whose request was read.
type Answer = Box<dyn FnOnce(&mut TcpStream) + Send>;

/// A server that gives each connection the next answer, byte for byte, and tells what it was asked.
struct Server {
    address: String,
    asked: Receiver<String>,
}

impl Server {
    fn new(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (tell, asked) = channel();
        thread::spawn(move || {
            for answer in answers {
                let Ok((mut connection, _)) = listener.accept() else {
                    return;
                };
                let _ = tell.send(request(&connection));
                answer(&mut connection);
            }
        });
        Self { address, asked }
    }

    fn of(answers: &[String]) -> Self {
        let answer = |text: &String| {
            let text = text.clone();
            let write = move |connection: &mut TcpStream| {
                let _ = connection.write_all(text.as_bytes());
            };
            Box::new(write) as Answer
        };
        Self::new(answers.iter().map(answer).collect())
    }

    fn controller(&self) -> HttpController {
        self.controller_with(HttpOptions::default())
    }

    fn controller_with(&self, options: HttpOptions) -> HttpController {
        let options = HttpOptions {
            retries: RetryPolicy {
                first: Duration::from_millis(10),
                ..RetryPolicy::default()
            },
            silence: Duration::from_millis(700),
            ..options
        };
        HttpController::new(Address::new(&self.address).unwrap(), "m", options)
    }
}

/// The head and the body of a request.
fn request(connection: &TcpStream) -> String {
    let mut reader = BufReader::new(connection.try_clone().unwrap());
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) < 3 {
            break;
        }
        if let Some(count) = line.to_lowercase().strip_prefix("content-length:") {
            length = count.trim().parse().unwrap();
        }
        head += &line;
    }
    let mut body = vec![0; length];
    let _ = reader.read_exact(&mut body);
    head + &String::from_utf8(body).unwrap()
}

fn http(status: &str, kind: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

/// Events until the connection is closed.
fn events(events: &[&str]) -> String {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nConnection: close\r\n\r\n";
    let events = events.iter().map(|event| format!("data: {event}\n\n"));
    head.to_owned() + &events.collect::<String>()
}

fn chunk(index: usize, text: &str) -> String {
    format!(
        r#"{{"model":"big","choices":[{{"index":{index},"delta":{{"content":"{text}"}},"finish_reason":null}}]}}"#
    )
}

fn end(index: usize) -> String {
    format!(r#"{{"choices":[{{"index":{index},"delta":{{}},"finish_reason":"stop"}}]}}"#)
}

fn ask(
    controller: &mut HttpController,
    n: Option<usize>,
) -> (Result<Reply, ControllerError>, Vec<Delta>) {
    let request = ChatRequest {
        messages: vec![RequestMessage::text("user", "Hi")],
        seed: Some(5),
        n,
        ..ChatRequest::default()
    };
    let mut told = Vec::new();
    let reply = controller.propose(&request, &Progress::default(), &mut |delta| {
        told.push(delta)
    });
    (reply, told)
}

#[test]
fn a_stream_is_told_piece_by_piece() {
    let usage = r#"{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2}}"#;
    let stream = events(&[&chunk(0, "Hel"), &chunk(0, "lo"), &end(0), usage, "[DONE]"]);
    let server = Server::of(&[stream]);
    let key = Key::new("sk-secret");
    let mut controller = server.controller_with(HttpOptions {
        key,
        ..HttpOptions::default()
    });
    let (reply, told) = ask(&mut controller, None);
    let reply = reply.unwrap();
    assert_eq!(reply.candidates[0].text, "Hello");
    assert_eq!(reply.candidates[0].finish.as_deref(), Some("stop"));
    assert_eq!(reply.usage.unwrap().prompt_tokens, 7);
    assert_eq!(reply.model.as_deref(), Some("big"));
    let texts: Vec<&str> = told.iter().map(|delta| delta.text.as_str()).collect();
    assert_eq!(texts, ["Hel", "lo"]);
    let asked = server.asked.recv().unwrap();
    assert!(asked.starts_with("POST /v1/chat/completions "), "{asked}");
    assert!(
        asked
            .to_lowercase()
            .contains("authorization: bearer sk-secret"),
        "{asked}"
    );
    assert!(
        asked.contains(r#""model":"m""#) && asked.contains(r#""stream":true"#),
        "{asked}"
    );
    assert!(
        !asked.contains(r#""n""#),
        "one candidate is what servers make anyway: {asked}"
    );
}

#[test]
fn whole_answers_are_taken_as_well() {
    let body = r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"length"}]}"#;
    let server = Server::of(&[http("200 OK", "application/json", body)]);
    let (reply, told) = ask(&mut server.controller(), None);
    assert_eq!(
        reply.unwrap().candidates[0].finish.as_deref(),
        Some("length")
    );
    assert_eq!(told.len(), 1);
}

#[test]
fn servers_that_make_one_at_a_time_are_asked_again() {
    let one = |text: &str| events(&[&chunk(0, text), &end(0), "[DONE]"]);
    let server = Server::of(&[one("a"), one("b"), one("c")]);
    let (reply, told) = ask(&mut server.controller(), Some(3));
    let texts: Vec<String> = reply
        .unwrap()
        .candidates
        .into_iter()
        .map(|c| c.text)
        .collect();
    assert_eq!(texts, ["a", "b", "c"]);
    assert_eq!(
        told.iter().map(|d| d.candidate).collect::<Vec<_>>(),
        [0, 1, 2]
    );
    let asked: Vec<String> = server.asked.iter().take(3).collect();
    assert!(asked[0].contains(r#""n":3"#) && asked[0].contains(r#""seed":5"#));
    assert!(asked[1].contains(r#""n":2"#) && asked[1].contains(r#""seed":6"#));
    assert!(!asked[2].contains(r#""n""#) && asked[2].contains(r#""seed":7"#));
}

#[test]
fn servers_that_refuse_to_make_several_are_asked_for_one_at_a_time() {
    let refusal = http(
        "400 Bad Request",
        "application/json",
        r#"{"error":{"message":"Field 'n': Value must be between 1 <= value <= 1, but got 2"}}"#,
    );
    let one = |text: &str| events(&[&chunk(0, text), &end(0), "[DONE]"]);
    let server = Server::of(&[refusal, one("a"), one("b"), one("c"), one("d")]);
    let mut controller = server.controller();
    for expected in [["a", "b"], ["c", "d"]] {
        let (reply, _) = ask(&mut controller, Some(2));
        let made = reply.unwrap().candidates.into_iter().map(|c| c.text);
        assert_eq!(made.collect::<Vec<_>>(), expected);
    }
    let asked: Vec<String> = server.asked.iter().take(5).collect();
    assert!(asked[0].contains(r#""n":2"#));
    // It is remembered.
    assert!(asked[1..].iter().all(|asked| !asked.contains(r#""n""#)));
}

#[test]
fn what_passes_is_tried_again_and_what_stays_is_not() {
    let busy = http(
        "429 Too Many Requests",
        "application/json",
        r#"{"error":{"message":"slow down"}}"#,
    );
    let late = http("503 Service Unavailable", "text/html", "<h1>down</h1>");
    let fine = events(&[&chunk(0, "ok"), &end(0), "[DONE]"]);
    let server = Server::of(&[
        busy.replace("Connection", "Retry-After: 0\r\nConnection"),
        late.clone(),
        fine,
    ]);
    let (reply, _) = ask(&mut server.controller(), None);
    assert_eq!(reply.unwrap().candidates[0].text, "ok");

    let wrong = http(
        "401 Unauthorized",
        "application/json",
        r#"{"error":{"message":"bad key sk-secret"}}"#,
    );
    let server = Server::of(&[wrong, late.clone()]);
    let key = Key::new("sk-secret");
    let mut controller = server.controller_with(HttpOptions {
        key,
        ..HttpOptions::default()
    });
    let error = ask(&mut controller, None).0.unwrap_err();
    assert!(
        matches!(error, ControllerError::Refused { status: 401, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("bad key …"), "{error}");
    assert!(!format!("{error:?} {controller:?}").contains("sk-secret"));

    let server = Server::of(&[late.clone(), late.clone(), late.clone(), late.clone(), late]);
    let error = ask(&mut server.controller(), None).0.unwrap_err();
    assert!(error.to_string().contains("503, <h1>down</h1>"), "{error}");
    assert_eq!(server.asked.iter().take(5).count(), 5);
}

#[test]
fn answers_that_are_cut_or_no_answers_are_errors() {
    type Check = fn(&ControllerError) -> bool;
    let cut: Check = |error| matches!(error, ControllerError::Cut { .. });
    let misunderstood: Check = |error| matches!(error, ControllerError::Misunderstood { .. });
    let json = |body: &str| http("200 OK", "application/json", body);
    let cases: Vec<(String, Check)> = vec![
        (events(&[&chunk(0, "half")]), cut),
        (events(&[&chunk(0, "a"), &end(0), &chunk(1, "b")]), cut),
        (
            events(&[&chunk(0, "a")]) + "data: {\"choices\":[{\"index\":0,\"del",
            cut,
        ),
        (events(&[]), cut),
        (events(&["[DONE]"]), cut),
        (
            json(r#"{"choices":[]}"#).replace("Content-Length: 14", "Content-Length: 99"),
            cut,
        ),
        (events(&["not json", "[DONE]"]), misunderstood),
        (
            events(&[r#"{"error":{"message":"out of memory"}}"#]),
            misunderstood,
        ),
        (
            events(&[r#"{"choices":[{"index":0,"delta":{"content":["x"]}}]}"#]),
            misunderstood,
        ),
        (json("<html>"), misunderstood),
        (json("[1]"), misunderstood),
        (json(r#"{"choices":[]}"#), misunderstood),
        (
            http("200 OK", "application/json", r#"{"choices":"many"}"#),
            misunderstood,
        ),
        (
            "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
                .to_owned(),
            |error| matches!(error, ControllerError::Refused { status: 302, .. }),
        ),
    ];
    for (answer, check) in cases {
        let server = Server::of(std::slice::from_ref(&answer));
        let error = ask(&mut server.controller(), None).0.unwrap_err();
        assert!(check(&error), "{answer}\n{error:?}");
    }
}

#[test]
fn servers_that_are_silent_or_away_are_told() {
    let quiet: Answer = Box::new(|connection| {
        let _ = connection.write_all(events(&[&chunk(0, "a")]).as_bytes());
        thread::sleep(Duration::from_secs(3));
    });
    let server = Server::new(vec![quiet]);
    let started = Instant::now();
    let error = ask(&mut server.controller(), None).0.unwrap_err();
    assert!(matches!(error, ControllerError::Silent { .. }), "{error:?}");
    assert!(started.elapsed() < Duration::from_millis(2500));

    // A port that nobody listens on.
    let address = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let options = HttpOptions {
        retries: RetryPolicy {
            retries: 0,
            ..RetryPolicy::default()
        },
        ..HttpOptions::default()
    };
    let mut controller = HttpController::new(Address::new(&address).unwrap(), "m", options);
    let error = ask(&mut controller, None).0.unwrap_err();
    assert!(
        matches!(error, ControllerError::Unreachable { .. }),
        "{error:?}"
    );
}

#[test]
fn it_can_be_stopped_between_two_pieces() {
    let slow: Answer = Box::new(|connection| {
        let _ = connection.write_all(events(&[]).as_bytes());
        for _ in 0..40 {
            if connection
                .write_all(format!("data: {}\n\n", chunk(0, "x")).as_bytes())
                .is_err()
            {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
    });
    let server = Server::new(vec![slow]);
    let progress = Progress::default();
    let request = ChatRequest {
        messages: vec![RequestMessage::text("user", "Hi")],
        ..ChatRequest::default()
    };
    let mut pieces = 0;
    let reply = server.controller().propose(&request, &progress, &mut |_| {
        pieces += 1;
        progress.cancel();
    });
    assert!(matches!(reply, Err(ControllerError::Cancelled(_))));
    assert!(pieces <= 2, "{pieces}");
}

#[test]
fn it_can_be_stopped_while_a_server_thinks() {
    // Before the head of an answer, and between two of its pieces.
    let thinks: Answer = Box::new(|_| thread::sleep(Duration::from_secs(20)));
    let stalls: Answer = Box::new(|connection| {
        let _ = connection.write_all(events(&[&chunk(0, "a")]).as_bytes());
        thread::sleep(Duration::from_secs(20));
    });
    for answer in [thinks, stalls] {
        let server = Server::new(vec![answer]);
        let options = HttpOptions::default();
        let address = Address::new(&server.address).unwrap();
        let mut controller = HttpController::new(address, "m", options);
        let request = ChatRequest {
            messages: vec![RequestMessage::text("user", "Hi")],
            ..ChatRequest::default()
        };
        let progress = Progress::default();
        let stop = progress.clone();
        let stopping = thread::spawn(move || {
            thread::sleep(Duration::from_millis(300));
            stop.cancel();
        });
        let started = Instant::now();
        let reply = controller.propose(&request, &progress, &mut |_| {});
        assert!(
            matches!(reply, Err(ControllerError::Cancelled(_))),
            "{reply:?}"
        );
        assert!(started.elapsed() < Duration::from_secs(10));
        stopping.join().unwrap();
    }
}

#[test]
fn models_are_listed() {
    let body = r#"{"object":"list","data":[{"id":"a"},{"id":"b"},{"x":1}]}"#;
    let server = Server::of(&[http("200 OK", "application/json", body)]);
    assert_eq!(server.controller().models().unwrap(), ["a", "b"]);
    assert!(server.asked.recv().unwrap().starts_with("GET /v1/models "));
}
