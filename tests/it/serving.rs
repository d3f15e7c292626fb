//! `retake serve` over HTTP, as a child process: whatever is asked, the answer is JSON that says what is wrong, and the next request
//! is answered as if nothing had been.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};
use serde_json::{Value, json};

use crate::user::User;

fn folder(name: &str) -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.join("tests/reference/runnable").join(name)
}

/// A server that ends with its test.
struct Served {
    child: Child,
    address: String,
    key: String,
}

impl Served {
    fn new(user: &User, arguments: &[&str]) -> Self {
        let base = ["serve", "--device", "cpu", "--idle", "60"];
        let mut command = user.command(base.iter().chain(arguments));
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let place: Value = serde_json::from_str(&line).unwrap();
        let url = place["url"].as_str().unwrap();
        let address = url.strip_prefix("http://").unwrap();
        Self {
            child,
            address: address.strip_suffix("/v1").unwrap().to_owned(),
            key: place["key"].as_str().unwrap().to_owned(),
        }
    }

    /// The status and the JSON of the answer to a body.
    fn post(&self, body: &[u8]) -> (u16, Value) {
        let mut connection = TcpStream::connect(&self.address).unwrap();
        let (key, length) = (&self.key, body.len());
        write!(
            connection,
            "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {key}\r\nContent-Length: {length}\r\n\r\n"
        )
        .unwrap();
        connection.write_all(body).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        assert!(head.contains("application/json"), "{head}");
        (status, serde_json::from_str(body).unwrap())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A picture of one bit for each pixel, all black; its rows are really there.
fn black(width: u32, height: u32) -> Vec<u8> {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
    let row = vec![0; 1 + width.div_ceil(8) as usize];
    (0..height).for_each(|_| packed.write_all(&row).unwrap());
    let [width, height] = [width, height].map(u32::to_be_bytes);
    let header = [&width[..], &height, &[1, 0, 0, 0, 0]].concat();
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in [
        (b"IHDR", header),
        (b"IDAT", packed.finish().unwrap()),
        (b"IEND", Vec::new()),
    ] {
        let mut sum = Crc::new();
        sum.update(kind);
        sum.update(&data);
        file.extend((data.len() as u32).to_be_bytes());
        file.extend(kind);
        file.extend(data);
        file.extend(sum.sum().to_be_bytes());
    }
    file
}

/// A question about a picture.
fn about(picture: &[u8]) -> Vec<u8> {
    let url = format!("data:image/png;base64,{}", STANDARD.encode(picture));
    let content = json!([
        {"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "How many boats?"},
    ]);
    let request = json!({"messages": [{"role": "user", "content": content}], "temperature": 0, "max_tokens": 3});
    request.to_string().into_bytes()
}

fn with(more: &str) -> Vec<u8> {
    let messages = r#"{"role":"user","content":"Where does the ferry leave?"}"#;
    format!(r#"{{"messages":[{messages}]{more}}}"#).into_bytes()
}

/// A good request, and what the model answers by the reference.
fn good(served: &Served, name: &str) {
    let expected = std::fs::read_to_string(folder(name).join("expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&expected).unwrap();
    let (status, answer) = served.post(&with(r#","temperature":0,"max_tokens":20"#));
    assert_eq!(status, 200, "{answer}");
    let text = &answer["choices"][0]["message"]["content"];
    assert_eq!(*text, expected[0]["text"], "{answer}");
}

#[test]
fn pictures_of_any_size_are_answered_or_refused() {
    let user = User::new("serving-pictures");
    for name in ["qwen2_vl", "smolvlm"] {
        let path = folder(name);
        let served = Served::new(&user, &["--model", path.to_str().unwrap()]);
        let huge = black(20_000, 20_000);
        assert!(huge.len() < 1 << 20);
        let mut claims_more = black(1, 1);
        claims_more[16..24].fill(0x7f);
        for (what, picture, said) in [
            ("huge", huge, Some("20000×20000")),
            ("claims more", claims_more, Some("")),
            ("none", Vec::new(), Some("")),
            ("no picture", b"GIF89a nothing".to_vec(), Some("")),
            ("one", black(1, 1), None),
            ("small", black(3, 2), None),
        ] {
            let (status, answer) = served.post(&about(&picture));
            match said {
                Some(said) => {
                    let told = answer["error"]["message"].as_str().unwrap();
                    assert_eq!(status, 400, "{name}, {what}: {answer}");
                    assert!(told.contains(said) && told.len() > 10, "{what}: {told}");
                }
                None => assert_eq!(status, 200, "{name}, {what}: {answer}"),
            }
            good(&served, name);
        }
    }
}

#[test]
fn bad_requests_are_refused_with_words_and_the_next_is_answered() {
    let user = User::new("serving-requests");
    let path = folder("text");
    let served = Served::new(&user, &["--model", path.to_str().unwrap()]);
    let no_text = b"{\"messages\":[{\"role\":\"user\",\"content\":\"a\xff\xfeb\"}]}".to_vec();
    let bytes = |text: &str| text.as_bytes().to_vec();
    for (body, said) in [
        (Vec::new(), "can't be understood"),
        (bytes("{"), "can't be understood"),
        (bytes("null"), "can't be understood"),
        (bytes("{}"), "messages"),
        (bytes(r#"{"messages":[]}"#), "`messages` is empty"),
        (bytes(r#"{"messages":[{}]}"#), "role"),
        (no_text, "can't be understood"),
        (with(r#","n":0"#), "0 candidates"),
        (with(r#","n":-1"#), "-1"),
        (with(r#","n":65"#), "65 candidates"),
        (
            with(r#","n":99999999999999999999999"#),
            "can't be understood",
        ),
        (with(r#","max_tokens":-5"#), "-5"),
        (with(r#","max_tokens":2.5"#), "2.5"),
        (with(r#","max_tokens":1000000000000"#), "context"),
        (with(r#","max_tokens":18446744073709551615"#), "context"),
        (with(r#","temperature":NaN"#), "can't be understood"),
        (with(r#","temperature":1e999"#), "can't be understood"),
        (with(r#","temperature":1e39"#), "temperature is inf"),
        (with(r#","temperature":-0.5"#), "temperature is -0.5"),
        (with(r#","top_p":0"#), "top_p is 0"),
        (with(r#","min_p":2"#), "min_p is 2"),
        (with(r#","stop":[1]"#), "can't be understood"),
        (
            with(r#","response_format":{"type":"json_object"}"#),
            "`response_format`",
        ),
    ] {
        let (status, answer) = served.post(&body);
        let told = answer["error"]["message"].as_str().unwrap_or_default();
        let body = String::from_utf8_lossy(&body).into_owned();
        assert_eq!(status, 400, "{body}: {answer}");
        assert!(told.contains(said), "{body}: {answer}");
        assert_eq!(answer["error"]["type"], "invalid_request_error", "{body}");
        good(&served, "text");
    }
    // A message that says nothing is still a turn of the conversation.
    for content in [r#""""#, "null", "[]", r#"[{"type":"text","text":""}]"#] {
        let body = format!(
            r#"{{"messages":[{{"role":"user","content":{content}}}],"max_tokens":2,"temperature":0}}"#
        );
        let (status, answer) = served.post(body.as_bytes());
        assert_eq!(status, 200, "{body}: {answer}");
        assert!(answer["usage"]["prompt_tokens"].as_u64().unwrap() > 0);
    }
    // No tokens are asked for, and none come: the prompt is known then.
    let (status, answer) = served.post(&with(r#","max_tokens":0"#));
    assert_eq!(
        (status, &answer["usage"]["completion_tokens"]),
        (200, &json!(0)),
        "{answer}"
    );
    // There is one model; whatever name it is asked by, the answer says which it is.
    let (status, answer) = served.post(&with(r#","model":"gpt-77","max_tokens":1"#));
    assert_eq!(
        (status, &answer["model"]),
        (200, &json!("text")),
        "{answer}"
    );
}

#[test]
fn the_model_of_the_settings_is_served_and_told() {
    let user = User::new("serving-settings");
    let settings = user.folder().join("settings/config.toml");
    let none = user.retake(["serve"]);
    assert_eq!(none.code, Some(1), "{none:?}");
    assert!(none.stderr.contains("[controller]"), "{none:?}");
    std::fs::write(
        &settings,
        "[controller]\nmodel = \"http://127.0.0.1:9/v1\"\n",
    )
    .unwrap();
    let other = user.retake(["serve"]);
    assert_eq!(other.code, Some(2), "{other:?}");
    assert!(other.stderr.contains("is on a server"), "{other:?}");
    let path = folder("text");
    let added = user.retake(["model", "add", path.to_str().unwrap(), "--name", "small"]);
    assert_eq!(added.code, Some(0), "{added:?}");
    std::fs::write(&settings, "[controller]\nmodel = \"small\"\n").unwrap();
    let served = Served::new(&user, &[]);
    good(&served, "text");
    let (_, answer) = served.post(&with(r#","max_tokens":1"#));
    assert_eq!(answer["model"], "small");
    drop(served);
    let ended = user.retake(["serve", "--device", "cpu", "--idle", "0"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended
            .stderr
            .contains("the model is that of the settings: small"),
        "{ended:?}"
    );
    let measured = user.retake(["model", "bench", "--prompt", "8", "--tokens", "2"]);
    assert_eq!(measured.code, Some(0), "{measured:?}");
}

#[test]
fn weights_of_eight_bits_are_refused_on_a_gpu() {
    let user = User::new("serving-packed");
    let path = folder("text");
    let model = ["--model", path.to_str().unwrap(), "--quantize", "q8"];
    let refused = |arguments: &[&str]| {
        let ended = user.retake(arguments.iter().chain(&model));
        assert_eq!(ended.code, Some(1), "{ended:?}");
        let said = "weights in q8 are for the CPU";
        assert!(ended.stderr.contains(said), "{ended:?}");
        assert!(
            ended.stderr.contains("hint: leave out `--quantize q8`"),
            "{ended:?}"
        );
        // Not that another build would help.
        assert!(!ended.stderr.contains("--features gpu"), "{ended:?}");
    };
    for device in ["gpu", "gpu:1"] {
        refused(&["serve", "--device", device]);
        refused(&["model", "bench", "--device", device]);
        refused(&["chat", "--device", device, "Hi"]);
    }
    let settings = user.folder().join("settings/config.toml");
    std::fs::write(
        settings,
        "[controller]\ndevice = \"gpu\"\nidle_seconds = 2\n",
    )
    .unwrap();
    refused(&["chat", "Hi"]);
    // What is to be chosen is chosen.
    let ended = user.retake(
        ["model", "bench", "--prompt", "8", "--tokens", "2"]
            .iter()
            .chain(&model),
    );
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let info = user.retake(["model", "info", path.to_str().unwrap()]);
    assert!(
        info.stdout.contains("GB there with --quantize q8"),
        "{info:?}"
    );
    let info = user.json(["model", "info", path.to_str().unwrap(), "--format", "json"]);
    let [packed, whole] = ["memory_q8", "memory_cpu"].map(|m| info["model"][m].as_u64().unwrap());
    assert!(packed < whole, "{info}");
}
