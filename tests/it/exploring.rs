//! Explorations and runs through the command line, with a server whose words depend on what it is asked alone: whatever stops an
//! exploration, and however it is divided, the same comes out, and nothing is done twice that was done.
#![cfg(unix)]

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::user::{User, array, record};

const REPLIES: [&str; 7] = [
    "Thought: I look it up.\n\nCode:\n```py\nfound = ask_search_agent(query=\"it\")\nprint(found)\n```",
    "Thought: I compute.\n\nCode:\n```py\nx = 6 * 7\nprint(x)\n```",
    "Thought: I know it.\n\nCode:\n```py\nfinal_answer(x)\n```",
    "I have nothing to run.",
    "Thought: I ask something else.\n\nCode:\n```py\nprint(ask_search_agent(query=\"other\"))\n```",
    "Thought: It is seven.\n\nCode:\n```py\nfinal_answer(\"seven\")\n```",
    "Thought: I add one.\n\nCode:\n```py\nx = x + 1\nprint(x)\n```",
];

/// A server of chat completions; it counts what it is asked.
struct Server {
    address: String,
    asked: Arc<Mutex<HashMap<String, usize>>>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/v1#hashing", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(HashMap::new()));
        let counted = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let counted = Arc::clone(&counted);
                // One that was killed says no more.
                std::thread::spawn(move || stream.map(|stream| answer(stream, &counted)));
            }
        });
        Self { address, asked }
    }

    /// Different requests, and all of them.
    fn amounts(&self) -> (usize, usize) {
        let asked = self.asked.lock().unwrap();
        (asked.len(), asked.values().sum())
    }

    fn forget(&self) {
        self.asked.lock().unwrap().clear();
    }
}

fn answer(mut stream: TcpStream, asked: &Mutex<HashMap<String, usize>>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let (mut line, mut length) = (String::new(), 0);
    reader.read_line(&mut line).ok()?;
    let is_post = line.starts_with("POST");
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let header = line.trim().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let told = match is_post {
        false => json!({"object": "list", "data": [{"id": "hashing", "object": "model"}]}),
        true => {
            let request: Value = serde_json::from_slice(&body).ok()?;
            *asked
                .lock()
                .unwrap()
                .entry(request.to_string())
                .or_default() += 1;
            // A model takes its time.
            std::thread::sleep(Duration::from_millis(8));
            let choices: Vec<Value> = (0..request["n"].as_u64().unwrap_or(1))
                .map(|place| {
                    let seed = request["seed"].as_u64().unwrap_or(0) + place;
                    let hash = blake3::hash(format!("{seed} {}", request["messages"]).as_bytes());
                    let text = REPLIES[usize::from(hash.as_bytes()[0]) % REPLIES.len()];
                    json!({"index": place, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"})
                })
                .collect();
            json!({"model": "hashing", "choices": choices})
        }
    };
    let text = told.to_string();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
        text.len()
    )
    .ok()
}

const TASKS: usize = 20;

fn user(name: &str) -> User {
    let user = User::new(name);
    let records: Vec<Value> = (0..TASKS)
        .map(|n| {
            record(
                &format!("task-{n}"),
                &format!("What is number {n}?"),
                "It is nine.",
                "nine",
            )
        })
        .collect();
    user.write("tasks.json", array(&records));
    user.retake(["add", "tasks.json"]).succeeds();
    user
}

fn explore<'a>(server: &'a Server, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec![
        "explore",
        "source:tasks",
        "-n",
        "3",
        "--max-steps",
        "5",
        "--threads",
        "3",
        "--model",
    ];
    arguments.push(&server.address);
    arguments.extend(more);
    arguments
}

/// The records of a file by id's last part, without clocks and names.
fn records(path: &Path) -> BTreeMap<String, Value> {
    fn plain(value: &mut Value) {
        match value {
            Value::Object(members) => {
                for name in ["time", "milliseconds", "hash", "run"] {
                    members.remove(name);
                }
                members.values_mut().for_each(plain);
            }
            Value::Array(items) => items.iter_mut().for_each(plain),
            _ => {}
        }
    }
    let text = std::fs::read_to_string(path).unwrap();
    let record = |line: &str| {
        let mut record: Value = serde_json::from_str(line).unwrap();
        let id = record["id"]
            .as_str()
            .unwrap()
            .split_once('/')
            .unwrap()
            .1
            .to_owned();
        record["id"] = json!(id);
        plain(&mut record);
        (id, record)
    };
    let records: Vec<_> = text.lines().map(record).collect();
    let count = records.len();
    let by_id: BTreeMap<_, _> = records.into_iter().collect();
    assert_eq!(by_id.len(), count, "one record for each task");
    by_id
}

#[test]
fn an_exploration_that_is_killed_again_and_again_loses_nothing_and_repeats_nothing() {
    let user = user("explore-killed");
    let server = Server::start();
    let ended = user
        .retake(explore(&server, &["--run", "whole"]))
        .succeeds();
    assert!(
        ended.stdout.starts_with("20 of 20 tasks explored"),
        "{ended:?}"
    );
    let (different, all) = server.amounts();
    assert_eq!(different, all, "nothing is asked twice");
    server.forget();
    let (mut kills, mut wait) = (0, 120);
    loop {
        let mut command = user.command(explore(&server, &["--run", "killed", "-q"]));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        wait = 50 + (wait * 37 + 11) % 190;
        // So that a machine that is too slow for any step in that time gets to the end, too.
        std::thread::sleep(Duration::from_millis(wait + kills * 5));
        match child.try_wait().unwrap() {
            Some(status) => {
                assert!(status.success());
                break;
            }
            None => {
                child.kill().unwrap();
                child.wait().unwrap();
                kills += 1;
            }
        }
        assert!(kills < 400);
    }
    let (killed, repeated) = server.amounts();
    assert_eq!(killed, different);
    // A step asks twice, and three threads are within one each when a kill comes.
    let most = usize::try_from(kills).unwrap() * 6;
    assert!(
        repeated - killed <= most,
        "{repeated} of {killed} after {kills} kills"
    );
    let runs = user.path(".retake/runs");
    assert_eq!(
        records(&runs.join("killed.jsonl")),
        records(&runs.join("whole.jsonl"))
    );
    assert!(kills > 3, "{kills}: it is to be killed in the middle");
    // It is a source like any other, and knows what it grew from.
    assert_eq!(user.ids("source:killed in:trajectory").len(), TASKS);
    let pairs = user.ids("source:killed in:pair");
    assert!(!pairs.is_empty());
    user.retake(["show", &pairs[0]]).succeeds();
    server.forget();
    let again = user
        .retake(explore(&server, &["--run", "killed"]))
        .succeeds();
    assert!(
        again.stdout.starts_with("0 of 20 tasks explored"),
        "{again:?}"
    );
    assert_eq!(server.amounts().1, 0);
}

#[test]
fn parts_that_machines_made_alone_join_to_the_whole() {
    let server = Server::start();
    let whole = user("explore-whole");
    whole.retake(explore(&server, &["--run", "x"])).succeeds();
    let home = user("explore-home");
    let parts = ["1/3", "2/3", "3/3"];
    for (number, part) in parts.into_iter().enumerate() {
        let machine = user(&format!("explore-part-{number}"));
        machine
            .retake(explore(&server, &["--run", "x", "--shard", part]))
            .succeeds();
        let folder = machine.path("");
        let folder = folder.to_str().unwrap();
        let merged = home.retake(["merge", folder]).succeeds();
        assert!(merged.stdout.contains("x  "), "{merged:?}");
        // Taken in twice, it is there once.
        home.retake(["merge", folder]).succeeds();
    }
    let file = |user: &User| records(&user.path(".retake/runs/x.jsonl"));
    assert_eq!(file(&home), file(&whole));
    assert_eq!(home.ids("source:x in:trajectory").len(), TASKS);
    let wrong = home.retake(explore(&server, &["--shard", "4/3"]));
    assert_eq!(wrong.code, Some(2));
}

#[test]
fn what_was_begun_in_one_way_does_not_go_on_in_another() {
    let user = user("explore-other");
    let server = Server::start();
    let mut command = user.command(explore(&server, &["--run", "a", "-q"]));
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let log = user.path(".retake/runs/a.jsonl.progress");
    while std::fs::read_to_string(&log).map_or(0, |text| text.lines().count()) < 4 {
        assert!(child.try_wait().unwrap().is_none(), "it was too quick");
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let other = user.retake(explore(&server, &["--run", "a", "--top-k", "5"]));
    assert_eq!(other.code, Some(1));
    assert!(other.stderr.contains("top_k was 100, not 5"), "{other:?}");
    user.retake(explore(&server, &["--run", "a"])).succeeds();
    // Elsewhere nothing is in the way; and what is no source is none.
    user.retake(explore(
        &server,
        &["-o", "b.jsonl", "--top-k", "5", "--format", "json"],
    ))
    .succeeds();
    assert_eq!(records(&user.path("b.jsonl")).len(), TASKS);
    assert!(user.ids("source:b").is_empty());
}

#[test]
fn a_new_task_is_run_and_kept() {
    let user = User::new("run-task");
    let server = Server::start();
    image::RgbImage::new(4, 4)
        .save(user.path("boat.png"))
        .unwrap();
    let run = |seed: &str, more: &[&str]| {
        let mut arguments = vec![
            "run",
            "How many boats?",
            "--image",
            "boat.png",
            "--model",
            &server.address,
            "--seed",
            seed,
        ];
        arguments.extend(more);
        user.retake(arguments)
    };
    let answered: Vec<Value> = (0..12)
        .map(|seed| {
            let ended = run(&seed.to_string(), &["--format", "json"]);
            assert!(matches!(ended.code, Some(0 | 3)), "{ended:?}");
            serde_json::from_str(&ended.stdout).unwrap()
        })
        .collect();
    assert_eq!(answered[0]["id"], "runs/how-many-boats");
    assert_eq!(answered[1]["id"], "runs/how-many-boats-2");
    let done = answered
        .iter()
        .find(|run| run["end"] == "answered")
        .expect("one that answers");
    let shown = user.json(["show", done["id"].as_str().unwrap(), "--format", "json"]);
    assert_eq!(shown["trajectory"]["answer"], done["answer"]);
    let steps = shown["trajectory"]["steps"].as_array().unwrap();
    assert_eq!(steps.len() as u64, done["steps"].as_u64().unwrap());
    assert_eq!(steps[0]["candidates"][0]["generation"]["model"], "hashing");
    // Pictures are sent as pixels, and named for tools.
    let asked = server.asked.lock().unwrap();
    let first = asked.keys().next().unwrap();
    assert!(
        first.contains("data:image/png;base64,") && first.contains("Attachment: boat.png; "),
        "{first}"
    );
    drop(asked);
    let text = run("3", &["-n", "3", "--max-steps", "2"]);
    assert!(
        text.stdout.contains("candidate 3") && text.stdout.contains("step 1"),
        "{text:?}"
    );
    let gone = user.retake([
        "run",
        "x",
        "--image",
        "gone.png",
        "--model",
        &server.address,
    ]);
    assert_eq!(gone.code, Some(1));
    assert!(gone.stderr.contains("gone.png"), "{gone:?}");
}
