//! A server of chat completions on loopback that says what it was told to: a stand-in for models in tests.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

/// Seeds of one step and the next are so far apart.
const STEP: u64 = 4096;

/// What candidates say, by step from 0 and number; whoever is not told to say something says [`SILENT`].
pub type Script = HashMap<(u64, u64), String>;

pub const SILENT: &str = "I do not know.";

pub struct ScriptedServer {
    pub address: String,
    requests: Arc<Mutex<Vec<Value>>>,
}

impl ScriptedServer {
    pub fn start(script: Script, pause: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/v1", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (script, known) = (Arc::new(script), Arc::clone(&requests));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (script, known) = (Arc::clone(&script), Arc::clone(&known));
                // Whoever hangs up has what they wanted.
                thread::spawn(move || answer(stream, &script, &known, pause).ok());
            }
        });
        Self { address, requests }
    }

    /// Requests for candidates so far.
    pub fn requests(&self) -> Vec<Value> {
        self.requests.lock().unwrap().clone()
    }
}

fn answer(
    stream: TcpStream,
    script: &Script,
    requests: &Mutex<Vec<Value>>,
    pause: Duration,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let is_list = line.starts_with("GET");
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let header = header.trim().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    if is_list {
        let list = json!({"object": "list", "data": [{"id": "scripted", "object": "model"}]});
        return send(stream, "application/json", &list.to_string());
    }
    let request: Value = serde_json::from_slice(&body).unwrap();
    let count = request["n"].as_u64().unwrap_or(1);
    let seed = request["seed"].as_u64().unwrap_or(0);
    requests.lock().unwrap().push(request.clone());
    thread::sleep(pause);
    let said = |place: u64| {
        let (step, number) = (seed / STEP, seed % STEP + place);
        script.get(&(step, number)).map_or(SILENT, String::as_str)
    };
    if request["stream"] != json!(true) {
        let choices = (0..count).map(|place| {
            json!({"index": place, "message": {"role": "assistant", "content": said(place)}, "finish_reason": "stop"})
        });
        let whole = json!({"model": "scripted", "choices": choices.collect::<Vec<_>>()});
        return send(stream, "application/json", &whole.to_string());
    }
    let mut events = String::new();
    let mut event = |value: Value| events.push_str(&format!("data: {value}\n\n"));
    for place in 0..count {
        // In two pieces, so that they have to be put together.
        let text: Vec<char> = said(place).chars().collect();
        let (first, second) = text.split_at(text.len() / 2);
        for piece in [first, second] {
            let piece: String = piece.iter().collect();
            event(json!({"model": "scripted", "choices": [{"index": place, "delta": {"content": piece}}]}));
        }
        event(json!({"choices": [{"index": place, "delta": {}, "finish_reason": "stop"}]}));
    }
    event(json!({"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 7}}));
    events.push_str("data: [DONE]\n\n");
    send(stream, "text/event-stream", &events)
}

fn send(mut stream: TcpStream, kind: &str, body: &str) -> std::io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )?;
    stream.flush()
}
