//! The server over a real connection: by the project's own client, and by bytes that no client sends.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Access, Bound, ServeError, ServeOptions, Server};
use crate::controller::{
    Address, ChatRequest, Content, ContentPart, Controller, ControllerError, HttpController,
    HttpOptions, ImageUrl, Key, Provenance, RequestMessage, StopTexts,
};
use crate::jobs::Progress;
use crate::media::{DecodeLimits, PictureRoots};
use crate::model::{Model, ModelOptions, Sampling};

fn folder(name: &str) -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.join("tests/reference/runnable").join(name)
}

fn expected(name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(folder(name).join("expected.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

struct Running {
    address: SocketAddr,
    stop: Progress,
    thread: Option<JoinHandle<Result<(), ServeError>>>,
}

impl Running {
    fn new(name: &str, change: impl FnOnce(&mut ServeOptions)) -> Self {
        let model = Model::open(
            &folder(name),
            &ModelOptions::default(),
            &Progress::default(),
        );
        let mut options = ServeOptions {
            provenance: Provenance::named(name),
            access: Access::Key("right".to_owned()),
            picture_roots: None,
            picture_limits: DecodeLimits::default(),
            sampling: Sampling::greedy(),
            drops_images: false,
            idle: None,
        };
        change(&mut options);
        let bound = Bound::Tcp("127.0.0.1:0".parse().unwrap());
        let server = Server::bind(model.unwrap(), options, &bound).unwrap();
        let Bound::Tcp(address) = *server.bound() else {
            panic!()
        };
        let stop = Progress::default();
        let thread = thread::spawn({
            let stop = stop.clone();
            move || server.run(&stop)
        });
        Self {
            address,
            stop,
            thread: Some(thread),
        }
    }

    fn controller(&self) -> HttpController {
        let options = HttpOptions {
            key: Key::new("right"),
            ..HttpOptions::default()
        };
        let address = Address::new(&format!("http://{}", self.address)).unwrap();
        HttpController::new(address, "any", options)
    }

    /// The status and the body of the answer to a request.
    fn raw(&self, request: &str) -> (u16, String) {
        let mut connection = TcpStream::connect(self.address).unwrap();
        connection
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        connection.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let _ = connection.read_to_end(&mut answer);
        let answer = String::from_utf8(answer).unwrap();
        let status = answer
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let body = answer
            .split_once("\r\n\r\n")
            .map(|(_, body)| body.to_owned());
        (status.unwrap_or(0), body.unwrap_or_default())
    }

    fn post(&self, key: &str, body: &str) -> (u16, Value) {
        let length = body.len();
        let (status, body) = self.raw(&format!(
            "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {key}\r\nContent-Length: {length}\r\n\r\n{body}"
        ));
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn question(text: &str) -> ChatRequest {
    ChatRequest {
        messages: vec![RequestMessage::text("user", text)],
        max_tokens: Some(20),
        ..ChatRequest::default()
    }
}

fn ask(
    controller: &mut HttpController,
    request: &ChatRequest,
) -> Result<Vec<String>, ControllerError> {
    let mut told: Vec<String> = Vec::new();
    let reply = controller.propose(request, &Progress::default(), &mut |delta| {
        if told.len() <= delta.candidate {
            told.resize(delta.candidate + 1, String::new());
        }
        told[delta.candidate] += &delta.text;
    })?;
    let texts: Vec<String> = reply.candidates.into_iter().map(|c| c.text).collect();
    assert_eq!(texts, told);
    Ok(texts)
}

#[test]
fn the_client_gets_what_the_model_answers() {
    let server = Running::new("text", |_| {});
    let case = expected("text").remove(0);
    let text = case["text"].as_str().unwrap();
    let asked = case["messages"][0]["content"][0].as_str().unwrap();
    let mut controller = server.controller();
    assert_eq!(controller.models().unwrap(), ["text"]);
    let request = question(asked);
    assert_eq!(ask(&mut controller, &request).unwrap(), [text]);
    // Several at once, warm: the seeds count on from the first.
    let request = ChatRequest {
        n: Some(3),
        temperature: Some(1.0),
        seed: Some(9),
        ..request
    };
    let several = ask(&mut controller, &request).unwrap();
    assert_eq!(several.len(), 3);
    assert_eq!(ask(&mut controller, &request).unwrap(), several);
    let second = ChatRequest {
        n: None,
        seed: Some(10),
        ..request.clone()
    };
    assert_eq!(ask(&mut controller, &second).unwrap(), several[1..2]);
    let stop = text.chars().skip(4).take(2).collect::<String>();
    let stopped = ChatRequest {
        n: None,
        temperature: None,
        stop: Some(StopTexts::One(stop.clone())),
        ..request
    };
    let wanted = &text[..text.find(&stop).unwrap()];
    assert_eq!(ask(&mut controller, &stopped).unwrap(), [wanted]);
}

#[test]
fn each_candidate_of_a_request_is_drawn_as_it_says() {
    let server = Running::new("text", |_| {});
    let asked = |members: &str| {
        let body = format!(
            r#"{{"messages": [{{"role": "user", "content": "Hi"}}], "max_tokens": 12, {members}}}"#
        );
        let (status, answer) = server.post("right", &body);
        let choices = answer["choices"].as_array().cloned().unwrap_or_default();
        let texts: Vec<String> = choices
            .iter()
            .map(|choice| choice["message"]["content"].as_str().unwrap().to_owned())
            .collect();
        (status, texts, answer["error"]["message"].to_string())
    };
    let alone = |temperature: f32, seed: u64| {
        let mut texts = asked(&format!(r#""temperature": {temperature}, "seed": {seed}"#)).1;
        assert_eq!(texts.len(), 1);
        texts.remove(0)
    };
    // Without `n`, and what an entry leaves out is as the request says: the seed counts on.
    let (status, texts, _) = asked(
        r#""seed": 7, "temperature": 0.9, "candidates": [{"temperature": 0.5}, {}, {"temperature": 1.4, "seed": 3}]"#,
    );
    assert_eq!(status, 200);
    assert_eq!(texts, [alone(0.5, 7), alone(0.9, 8), alone(1.4, 3)]);
    assert_ne!(alone(1.4, 3), alone(1.4, 9));
    for (wrong, said) in [
        (
            r#""n": 3, "candidates": [{}, {}]"#,
            "has 2 entries, and `n` is 3",
        ),
        (r#""candidates": [{"top_k": 3}]"#, "top_k"),
        (
            r#""candidates": [{"temperature": -1}]"#,
            "temperature is -1",
        ),
        (r#""candidates": 3"#, "can't be understood"),
    ] {
        let (status, _, message) = asked(wrong);
        assert!(
            status == 400 && message.contains(said),
            "{wrong}: {message}"
        );
    }
    let listed = server.controller().listed().unwrap().remove(0);
    assert_eq!(listed.draws_each, Some(true));
}

#[test]
fn how_much_of_the_prompt_is_read_is_told_to_whom_it_concerns() {
    let server = Running::new("text", |_| {});
    let told = |controller: &mut HttpController, text: &str| {
        let mut told = Vec::new();
        let progress = Progress::default();
        let reply = controller.propose(&question(text), &progress, &mut |delta| told.push(delta));
        let tokens = reply.unwrap().usage.unwrap().prompt_tokens;
        let reading = told.iter().filter_map(|delta| delta.reading);
        (reading.collect::<Vec<_>>(), tokens, told)
    };
    let mut controller = server.controller();
    // A server of which nothing is known is not asked for it.
    assert_eq!(told(&mut controller, "How many boats are there?").0, []);
    let listed = controller.listed().unwrap().remove(0);
    controller.set_provenance(listed);
    let (reading, total, all) = told(&mut controller, "Which boat is the largest?");
    assert_eq!(reading.len(), 1, "{all:?}");
    assert!(all[0].reading.is_some() && all[0].text.is_empty());
    // What is known from before is not read again.
    assert!(reading[0].total == total && reading[0].read < total);
    // An error before that has its status still.
    let long = "boat ".repeat(600);
    let refused = controller.propose(&question(&long), &Progress::default(), &mut |_| {});
    assert!(matches!(
        refused,
        Err(ControllerError::Refused { status: 400, .. })
    ));
}

#[test]
fn pictures_come_as_data_and_as_paths_where_these_are_allowed() {
    let name = "qwen2_vl";
    let case = expected(name).remove(2);
    let bytes = std::fs::read(folder(name).join("0.png")).unwrap();
    let asked = |url: String| {
        let mut request = question("");
        let text = case["messages"][0]["content"][1]
            .as_str()
            .unwrap()
            .to_owned();
        let image_url = ImageUrl { url };
        let parts = vec![
            ContentPart::ImageUrl { image_url },
            ContentPart::Text { text },
        ];
        request.messages[0].content = Some(Content::Parts(parts));
        request
    };
    let data = asked(format!("data:image/png;base64,{}", STANDARD.encode(bytes)));
    let wanted = [case["text"].as_str().unwrap().to_owned()];
    let closed = Running::new(name, |_| {});
    assert_eq!(ask(&mut closed.controller(), &data).unwrap(), wanted);
    for url in [
        "0.png",
        "file:///etc/passwd",
        "http://127.0.0.1:1/x.png",
        "data:image/png,x",
        "data:;base64,AAAA",
    ] {
        let error = ask(&mut closed.controller(), &asked(url.to_owned())).unwrap_err();
        assert!(
            matches!(error, ControllerError::Refused { status: 400, .. }),
            "{url}: {error}"
        );
    }
    let open = Running::new(name, |options| {
        options.picture_roots = Some(PictureRoots::new(vec![folder(name)]));
    });
    assert_eq!(
        ask(&mut open.controller(), &asked("0.png".to_owned())).unwrap(),
        wanted
    );
    let error = ask(
        &mut open.controller(),
        &asked("../text/config.json".to_owned()),
    )
    .unwrap_err();
    assert!(error.to_string().contains("400"), "{error}");
}

#[test]
fn a_model_of_text_refuses_pictures_unless_they_are_to_be_dropped() {
    let picture = json!({
        "messages": [{"role": "user", "content": [
            {"type": "text", "text": "a"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="}},
        ]}],
        "max_tokens": 3,
    });
    let server = Running::new("text", |_| {});
    let (status, body) = server.post("right", &picture.to_string());
    assert_eq!(status, 400);
    assert!(
        body["error"]["message"]
            .as_str()
            .unwrap()
            .contains("text alone"),
        "{body}"
    );
    let server = Running::new("text", |options| options.drops_images = true);
    let (status, body) = server.post("right", &picture.to_string());
    assert_eq!(status, 200, "{body}");
}

#[test]
fn whatever_is_asked_it_answers_in_json_and_goes_on() {
    let server = Running::new("text", |_| {});
    let message = |more: &str| {
        format!(r#"{{"messages":[{{"role":"user","content":"a"}}],"max_tokens":2{more}}}"#)
    };
    let long = "word ".repeat(600);
    let cases = [
        ("wrong", message(""), 401, "key"),
        ("right", "{".to_owned(), 400, "can't be understood"),
        ("right", "[]".to_owned(), 400, "can't be understood"),
        (
            "right",
            r#"{"messages":[]}"#.to_owned(),
            400,
            "`messages` is empty",
        ),
        (
            "right",
            r#"{"messages":[{"role":"user","content":7}]}"#.to_owned(),
            400,
            "can't be understood",
        ),
        (
            "right",
            message(r#","temperature":"hot""#),
            400,
            "can't be understood",
        ),
        (
            "right",
            message(r#","temperature":-1"#),
            400,
            "temperature is -1",
        ),
        ("right", message(r#","n":0"#), 400, "0 candidates"),
        ("right", message(r#","n":1000000"#), 400, "candidates"),
        (
            "right",
            message(r#","top_logprobs":99,"logprobs":true"#),
            400,
            "`top_logprobs`",
        ),
        (
            "right",
            message(r#","max_tokens":1"#),
            400,
            "duplicate field",
        ),
        (
            "right",
            format!(r#"{{"messages":[{{"role":"user","content":"{long}"}}],"max_tokens":2}}"#),
            400,
            "context",
        ),
    ];
    for (key, body, status, said) in cases {
        let (found, answer) = server.post(key, &body);
        let text = answer["error"]["message"].as_str().unwrap_or_default();
        assert_eq!(
            (found, text.contains(said)),
            (status, true),
            "{body}: {answer}"
        );
        // Streams are refused with their status, too.
        if let Some(rest) = body.strip_prefix("{\"messages\"") {
            let (found, _) = server.post(key, &format!("{{\"stream\":true,\"messages\"{rest}"));
            assert_eq!(found, status, "{body}");
        }
    }
    for (request, status) in [
        (
            "GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            401,
        ),
        (
            "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            200,
        ),
        (
            "GET /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            405,
        ),
        (
            "GET /../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            404,
        ),
    ] {
        let (found, body) = server.raw(request);
        assert_eq!(found, status, "{request}");
        assert!(serde_json::from_str::<Value>(&body).is_ok(), "{body}");
    }
    server.raw("\u{0}\u{1}nonsense\r\n\r\n");
    let (status, answer) = server.post("right", &message(r#","logprobs":true,"top_logprobs":2"#));
    assert_eq!(status, 200);
    let told = &answer["choices"][0]["logprobs"]["content"][0];
    assert_eq!(told["top_logprobs"].as_array().unwrap().len(), 2);
    assert_eq!(answer["usage"]["completion_tokens"], 2);
}

#[test]
fn it_ends_when_nobody_asks() {
    let started = Instant::now();
    let mut server = Running::new("text", |options| {
        options.idle = Some(Duration::from_millis(600));
    });
    thread::sleep(Duration::from_millis(300));
    ask(&mut server.controller(), &question("a")).unwrap();
    server.thread.take().unwrap().join().unwrap().unwrap();
    assert!(started.elapsed() > Duration::from_millis(850));
    assert!(TcpStream::connect(server.address).is_err());
}

#[test]
fn a_client_that_goes_does_not_hold_up_the_next() {
    let server = Running::new("text", |_| {});
    let body =
        r#"{"messages":[{"role":"user","content":"a"}],"stream":true,"n":8,"temperature":1}"#;
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer right\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut connection = TcpStream::connect(server.address).unwrap();
    connection.write_all(head.as_bytes()).unwrap();
    let mut some = [0; 200];
    assert!(connection.read(&mut some).unwrap() > 0);
    drop(connection);
    assert_eq!(
        ask(&mut server.controller(), &question("b")).unwrap().len(),
        1
    );
}

#[cfg(unix)]
#[test]
fn it_listens_on_a_socket() {
    use std::os::unix::net::UnixStream;
    let path = std::env::temp_dir().join(format!("retake-serve-{}.sock", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let model = Model::open(
        &folder("text"),
        &ModelOptions::default(),
        &Progress::default(),
    );
    let options = ServeOptions {
        provenance: Provenance::named("text"),
        access: Access::Open,
        picture_roots: None,
        picture_limits: DecodeLimits::default(),
        sampling: Sampling::greedy(),
        drops_images: false,
        idle: None,
    };
    let server = Server::bind(model.unwrap(), options, &Bound::Unix(path.clone())).unwrap();
    let stop = Progress::default();
    let thread = thread::spawn({
        let stop = stop.clone();
        move || server.run(&stop)
    });
    let mut connection = UnixStream::connect(&path).unwrap();
    connection
        .write_all(b"GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains(r#""id":"text""#),
        "{answer}"
    );
    stop.cancel();
    thread.join().unwrap().unwrap();
    std::fs::remove_file(path).unwrap();
}
