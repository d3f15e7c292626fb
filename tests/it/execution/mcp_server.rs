//! An MCP server that does what it is told to do wrong: over pipes this test program itself, started anew, and over HTTP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

/// How the argument begins that makes a server of this test program.
const MODE: &str = "mode=";

/// What a server does that is told to do it wrong from the start.
const MANY: usize = 1_001;

/// The arguments that make this test program a server in a mode.
pub fn arguments(mode: &str) -> Vec<String> {
    // The runner runs the tests of these names: the server, and none.
    let name = "execution::mcp_server::serves_if_it_is_told_to";
    vec![
        "--exact".to_owned(),
        name.to_owned(),
        format!("{MODE}{mode}"),
    ]
}

#[test]
fn serves_if_it_is_told_to() {
    let mode = std::env::args().find_map(|argument| Some(argument.strip_prefix(MODE)?.to_owned()));
    if let Some(mode) = mode {
        serve(&mode);
        std::process::exit(0);
    }
}

fn say(message: &Value) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{message}").unwrap();
    out.flush().unwrap();
}

fn serve(mode: &str) {
    let mut err = std::io::stderr();
    match mode {
        "flood" => {
            // More than a pipe holds: whoever does not read it blocks us.
            for number in 0..20_000 {
                writeln!(err, "warning {number}: {}", "x".repeat(100)).unwrap();
            }
        }
        "ends" => {
            writeln!(err, "no model was found\n").unwrap();
            std::process::exit(3);
        }
        "noise" => {
            let mut out = std::io::stdout().lock();
            writeln!(
                out,
                "loading\n{{\"jsonrpc\": \"2.0\"\n[1, 2]\nnull\n\u{1b}[2J"
            )
            .unwrap();
        }
        _ => {}
    }
    for line in BufReader::new(std::io::stdin()).lines() {
        let Ok(message) = serde_json::from_str::<Value>(&line.unwrap()) else {
            continue;
        };
        match answer(&message, mode) {
            Told::Say(message) => say(&message),
            Told::Nothing => {}
            Told::Die => std::process::exit(3),
            Told::SayRaw(text) => {
                let mut out = std::io::stdout().lock();
                out.write_all(text.as_bytes()).unwrap();
                out.flush().unwrap();
            }
        }
    }
    if mode == "stays" {
        // It does not end when it is left.
        thread::sleep(Duration::from_secs(600));
    }
}

/// What a server does with a message.
enum Told {
    Say(Value),
    SayRaw(String),
    Nothing,
    Die,
}

fn answer(message: &Value, mode: &str) -> Told {
    let id = &message["id"];
    let result = |result: Value| Told::Say(json!({"jsonrpc": "2.0", "id": id, "result": result}));
    let error = |code: i64, text: &str| {
        let error = json!({"code": code, "message": text});
        Told::Say(json!({"jsonrpc": "2.0", "id": id, "error": error}))
    };
    match message["method"].as_str() {
        Some("initialize") if mode == "silent" => Told::Nothing,
        Some("initialize") if mode == "wrong hello" => result(json!([1])),
        Some("initialize") => result(json!({
            "protocolVersion": message["params"]["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "test", "version": "1"},
        })),
        Some("tools/list") => match mode {
            "no list" => error(-32603, "no list today"),
            "wrong list" => result(json!({"tools": {"name": 1}})),
            "long list" => {
                let tools = (0..MANY).map(|number| tool(&format!("t{number}"), &[]));
                result(json!({"tools": tools.collect::<Vec<_>>()}))
            }
            _ => {
                let tools = [
                    tool("detect", &["label", "file"]),
                    tool("echo", &["a", "b"]),
                    tool("slow", &[]),
                    tool("die", &[]),
                    tool("fail", &[]),
                    tool("wrong", &[]),
                    tool("junk", &[]),
                    tool("torn", &[]),
                    tool("huge", &[]),
                    tool("types", &[]),
                    tool("other", &[]),
                    tool("paint", &[]),
                    tool("process", &[]),
                ];
                result(json!({"tools": tools}))
            }
        },
        Some("tools/call") => call(message, &result, &error),
        _ => Told::Nothing,
    }
}

fn tool(name: &str, parameters: &[&str]) -> Value {
    let properties = parameters.iter();
    let properties: serde_json::Map<String, Value> = properties
        .map(|name| ((*name).to_owned(), json!({"type": "string"})))
        .collect();
    let schema = json!({"type": "object", "properties": properties});
    json!({"name": name, "description": format!("{name} it"), "inputSchema": schema})
}

fn call(
    message: &Value,
    result: &dyn Fn(Value) -> Told,
    error: &dyn Fn(i64, &str) -> Told,
) -> Told {
    let text = |text: &str| json!([{"type": "text", "text": text}]);
    match message["params"]["name"].as_str().unwrap_or_default() {
        "slow" => Told::Nothing,
        "die" => Told::Die,
        "fail" => result(json!({"content": text("no such picture"), "isError": true})),
        "wrong" => error(-32602, "bad arguments"),
        "junk" => result(json!({"nonsense": [1]})),
        "torn" => Told::SayRaw("{\"jsonrpc\": \"2.0\", \"id\": \n".to_owned()),
        // More than a line may have.
        "huge" => Told::SayRaw(format!("\"{}\"\n", "x".repeat(17 << 20))),
        "types" => result(json!({"content": "no list", "isError": "no"})),
        // An answer to a question that nobody asked.
        "other" => Told::SayRaw("{\"jsonrpc\": \"2.0\", \"id\": 999, \"result\": {}}\n".to_owned()),
        "paint" => {
            let data = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";
            result(json!({"content": [{"type": "image", "data": data, "mimeType": "image/png"}]}))
        }
        "process" => result(json!({"content": text(&std::process::id().to_string())})),
        "detect" => result(json!({
            "content": text("[[1.0, 2]]"), "structuredContent": {"result": [[1.0, 2]]},
        })),
        _ => {
            let mut arguments = message["params"]["arguments"].clone();
            arguments.sort_all_objects();
            result(json!({"content": text(&arguments.to_string())}))
        }
    }
}

/// A server over HTTP on this machine; what it was shown as a key, in order.
pub struct Web {
    pub url: String,
    pub keys: Arc<Mutex<Vec<String>>>,
}

/// Serves over HTTP in a mode until the test program ends.
pub fn web(mode: &'static str) -> Web {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let keys = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&keys);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let seen = Arc::clone(&seen);
            thread::spawn(move || {
                // Whoever goes away in the middle is no matter.
                let _ = exchange(stream, mode, &seen);
            });
        }
    });
    Web { url, keys }
}

fn exchange(mut stream: TcpStream, mode: &str, keys: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let is_post = line.starts_with("POST ");
    let (mut length, mut key) = (0, String::new());
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or_default();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap_or(0),
            "authorization" => key = value.trim().to_owned(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    keys.lock().unwrap().push(key.clone());
    let (status, kind, text) = match mode {
        "500" => ("500 Broken", "text/plain", format!("out of memory, {key}")),
        "page" => ("200 OK", "text/html", "<html>Hello</html>".to_owned()),
        "no JSON" => ("200 OK", "application/json", "{\"jsonrpc\":".to_owned()),
        "silent" => {
            thread::sleep(Duration::from_secs(600));
            return Ok(());
        }
        _ if !is_post => ("405 Not Allowed", "text/plain", String::new()),
        _ => match answer(&message, mode) {
            Told::Say(message) => ("200 OK", "application/json", message.to_string()),
            Told::SayRaw(text) => ("200 OK", "application/json", text),
            Told::Nothing if message["id"].is_null() => {
                ("202 Accepted", "text/plain", String::new())
            }
            Told::Nothing => {
                thread::sleep(Duration::from_secs(600));
                return Ok(());
            }
            // Cut in the middle.
            Told::Die => {
                let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{\"json";
                return stream.write_all(head.as_bytes());
            }
        },
    };
    let length = text.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{text}"
    )
}
