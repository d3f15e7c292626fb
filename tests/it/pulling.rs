//! `retake model pull` from a hub of the test's own. What hubs can do wrong: `src/model/hub/hub_tests.rs`.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::thread;

use serde_json::{Value, json};

use crate::user::{Ended, User};

fn model() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/runnable/text")
}

/// A hub that has one small model for whoever has the token; its address.
fn hub() -> String {
    let files = [
        "config.json",
        "generation_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "chat_template.jinja",
        "model.safetensors",
    ];
    let listed: Vec<Value> = files
        .iter()
        .map(
            |name| json!({"rfilename": name, "size": model().join(name).metadata().unwrap().len()}),
        )
        .collect();
    let listing =
        json!({"sha": "12ab", "cardData": {"license": "mit"}, "siblings": listed}).to_string();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut lines = BufReader::new(connection.try_clone().unwrap()).lines();
            let head: Vec<String> = lines
                .by_ref()
                .map_while(Result::ok)
                .take_while(|line| !line.is_empty())
                .collect();
            let path = head[0].split(' ').nth(1).unwrap();
            let is_known = head
                .iter()
                .any(|line| line.eq_ignore_ascii_case("authorization: bearer t0ken"));
            let file = path
                .strip_prefix("/some/tiny/resolve/12ab/")
                .filter(|name| files.contains(name));
            let (status, body) = match (path, file) {
                _ if !is_known => ("401 Unauthorized", b"{}".to_vec()),
                ("/api/models/some/tiny/revision/main?blobs=true", _) => {
                    ("200 OK", listing.clone().into_bytes())
                }
                (_, Some(file)) => ("200 OK", fs::read(model().join(file)).unwrap()),
                _ => ("404 Not Found", Vec::new()),
            };
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            );
            let _ = connection.write_all(&[head.as_bytes(), &body].concat());
        }
    });
    address
}

#[test]
fn a_model_is_downloaded_and_has_a_name() {
    let user = User::new("pulling");
    let hub = hub();
    let pull = |arguments: &[&str], token: &str| {
        let mut command = user.command(["model", "pull"].iter().chain(arguments));
        command.env("HF_ENDPOINT", &hub).env("HF_TOKEN", token);
        command.env("RETAKE_MODELS_DIR", user.folder().join("models"));
        Ended::of(command)
    };
    let closed = pull(&["some/tiny"], "").ends_with(1);
    assert!(
        closed.stderr.contains("401") && closed.stderr.contains("HF_TOKEN"),
        "{closed:?}"
    );
    let away = pull(&["some/other"], "t0ken").ends_with(1);
    assert!(away.stderr.contains("has no some/other"), "{away:?}");
    pull(&["tiny"], "t0ken").ends_with(2);
    let pulled = pull(&["some/tiny", "--name", "mine"], "t0ken").succeeds();
    assert!(pulled.stdout.contains("license  mit"), "{pulled:?}");
    assert!(pulled.stdout.contains("mine  Llama"), "{pulled:?}");
    assert!(
        pulled.stderr.contains("no checksum of model.safetensors"),
        "{pulled:?}"
    );
    let rows = user.json(["model", "list", "--format", "json"]);
    assert_eq!(rows[0]["name"], "mine");
    let folder = user
        .folder()
        .join("models/some--tiny")
        .canonicalize()
        .unwrap();
    assert_eq!(rows[0]["path"], folder.to_str().unwrap());
    let weights = |folder: &Path| fs::read(folder.join("model.safetensors")).unwrap();
    assert_eq!(weights(&folder), weights(&model()));
    // The same again is nothing new; another name that is taken is told before anything comes.
    pull(&["some/tiny", "--name", "mine"], "t0ken").succeeds();
    user.retake(["model", "add", model().to_str().unwrap(), "--name", "taken"])
        .succeeds();
    let taken = pull(&["some/tiny", "--name", "taken"], "t0ken").ends_with(1);
    assert!(
        taken.stderr.contains("already") && taken.stderr.contains("--name"),
        "{taken:?}"
    );
    assert!(!format!("{closed:?}{away:?}{pulled:?}{taken:?}").contains("t0ken"));
}
