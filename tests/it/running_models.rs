//! Models through the command line: names, what is known of them, answers, and the server as a child process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use crate::user::User;

fn folder(name: &str) -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.join("tests/reference/runnable").join(name)
}

fn case(name: &str, number: usize) -> Value {
    let text = std::fs::read_to_string(folder(name).join("expected.json")).unwrap();
    serde_json::from_str::<Vec<Value>>(&text)
        .unwrap()
        .remove(number)
}

fn path(name: &str) -> String {
    folder(name).to_str().unwrap().to_owned()
}

/// A person whose servers do not outlive the tests.
fn user(name: &str) -> User {
    let user = User::new(name);
    let settings = user.folder().join("settings/config.toml");
    std::fs::write(settings, "[controller]\nidle_seconds = 2\n").unwrap();
    user
}

#[test]
fn models_have_names_and_are_described() {
    let user = User::new("models-names");
    let ended = user.retake(["model", "add", &path("text"), "--name", "small"]);
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (Some(0), ""),
        "{ended:?}"
    );
    assert!(ended.stdout.starts_with("small  Llama"), "{ended:?}");
    assert_eq!(
        user.retake(["model", "add", &path("smolvlm")]).code,
        Some(0)
    );
    let twice = user.retake(["model", "add", &path("text"), "--name", "small"]);
    assert_eq!(twice.code, Some(1));
    assert!(twice.stderr.contains("already"), "{twice:?}");
    let ended = user.retake(["model", "list", "--format", "json"]);
    let rows: Vec<Value> = serde_json::from_str(&ended.stdout).unwrap();
    let names: Vec<&str> = rows
        .iter()
        .map(|row| row["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["small", "smolvlm"]);
    assert_eq!(rows[1]["architecture"], "SmolVLM");
    let ended = user.retake(["model", "info", "small", "--devices"]);
    assert!(ended.stdout.contains("text alone, 512 tokens"), "{ended:?}");
    assert!(ended.stdout.contains("cpu (Burn flex)"), "{ended:?}");
    assert!(
        cfg!(feature = "gpu") || ended.stdout.contains("--features gpu"),
        "{ended:?}"
    );
    assert_eq!(user.retake(["model", "rm", "small"]).code, Some(0));
    let gone = user.retake(["model", "info", "small"]);
    assert_eq!(gone.code, Some(1));
    assert!(
        gone.stderr.contains("no model `small`") && gone.stderr.contains("hint:"),
        "{gone:?}"
    );
}

#[test]
fn what_is_no_model_gets_no_name() {
    let user = user("models-none");
    user.write("empty/config.json", r#"{"model_type": "mamba"}"#);
    for (what, said) in [
        ("nowhere", "nowhere"),
        ("empty", "has no model.safetensors"),
    ] {
        let ended = user.retake(["model", "add", what]);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stderr.contains(said), "{ended:?}");
    }
    let ended = user.retake(["chat", "--model", "empty", "Hi"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    if !cfg!(feature = "gpu") {
        let text = path("text");
        let ended = user.retake(["chat", "--model", &text, "--device", "gpu", "Hi"]);
        assert_eq!(ended.code, Some(1));
        assert!(ended.stderr.contains("--features gpu"), "{ended:?}");
    }
    let ended = user.retake(["chat", "--model", &path("text"), "--device", "tpu", "Hi"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
}

#[test]
fn chat_answers_as_the_reference() {
    let user = user("models-chat");
    let asked = |case: &Value, part: usize| {
        case["messages"][0]["content"][part]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let text = case("text", 0);
    let wanted = text["text"].as_str().unwrap();
    let model = path("text");
    let base = [
        "chat",
        "--device",
        "cpu",
        "--temperature",
        "0",
        "--max-tokens",
        "20",
        "--model",
    ];
    let question = asked(&text, 0);
    let ended = user.retake(base.into_iter().chain([model.as_str(), question.as_str()]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(
        ended.stdout,
        format!("{}\n", retake::domain::visible(wanted))
    );
    let seen = case("qwen2_vl", 2);
    let (model, picture) = (path("qwen2_vl"), folder("qwen2_vl").join("0.png"));
    let question = asked(&seen, 1);
    let arguments = [
        model.as_str(),
        "--image",
        picture.to_str().unwrap(),
        &question,
    ];
    let ended = user.retake(base.into_iter().chain(arguments));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let refused = user.retake(base.into_iter().chain([
        &path("text"),
        "--image",
        picture.to_str().unwrap(),
        "x",
    ]));
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.stderr.contains("text alone") && refused.stderr.contains("--drop-images"),
        "{refused:?}"
    );
    let model = path("text");
    let dropped = [
        model.as_str(),
        "--image",
        picture.to_str().unwrap(),
        "--drop-images",
        "x",
    ];
    assert_eq!(user.retake(base.into_iter().chain(dropped)).code, Some(0));
}

#[cfg(unix)]
#[test]
fn the_server_is_a_child_that_ends_when_nobody_asks() {
    let user = User::new("models-serve");
    let model = path("text");
    let mut command = user.command(["serve", "--device", "cpu", "--idle", "2", "--model", &model]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    let place: Value = serde_json::from_str(&line).unwrap();
    let address = place["url"].as_str().unwrap();
    let address = address
        .strip_prefix("http://")
        .unwrap()
        .strip_suffix("/v1")
        .unwrap();
    let key = place["key"].as_str().unwrap();
    assert_eq!(key.len(), 48);
    let case = case("text", 0);
    let question = case["messages"][0]["content"][0].as_str().unwrap();
    let body = serde_json::json!({
        "messages": [{"role": "user", "content": question}], "temperature": 0, "max_tokens": 20,
    })
    .to_string();
    let mut connection = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(
        connection,
        "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {key}\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    let answer: Value = serde_json::from_str(body).unwrap();
    assert_eq!(answer["choices"][0]["message"]["content"], case["text"]);
    let status = child.wait().unwrap();
    assert!(status.success(), "{status:?}");
    let missing = user.retake(["serve", "--model", &model, "--listen", "127.0.0.1:0"]);
    assert_eq!(missing.code, Some(2), "{missing:?}");
}
