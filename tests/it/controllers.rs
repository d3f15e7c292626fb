//! Models by name: the server that retake starts itself, shared by processes, crashed, idle and noisy.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use retake::config::Config;
use retake::controller::{ChatRequest, Controller, ControllerError, RequestMessage};
use retake::jobs::Progress;
use retake::model::DeviceChoice;
use retake::report::Report;
use retake::serve::{ConnectError, Connector, WantedModel};
use serde_json::Value;

use crate::user::User;

fn model() -> String {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = package.join("tests/reference/runnable/text");
    folder.to_str().unwrap().to_owned()
}

/// A question to the model and its answer, by the reference.
fn case() -> (String, String) {
    let text = fs::read_to_string(Path::new(&model()).join("expected.json")).unwrap();
    let case = serde_json::from_str::<Vec<Value>>(&text).unwrap().remove(0);
    let question = case["messages"][0]["content"][0].as_str().unwrap();
    (
        question.to_owned(),
        case["text"].as_str().unwrap().to_owned(),
    )
}

/// A person whose servers end after so many seconds.
fn user(name: &str, idle_seconds: u64) -> User {
    let user = User::new(name);
    let settings = format!("[controller]\nidle_seconds = {idle_seconds}\ndevice = \"cpu\"\n");
    fs::write(user.folder().join("settings/config.toml"), settings).unwrap();
    user
}

/// What this person's servers have written down of themselves.
fn servers(folder: &Path) -> Vec<Value> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let places = entries.filter(|path| path.extension().is_some_and(|ending| ending == "json"));
    places
        .map(|path| serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap())
        .collect()
}

/// The process of the one server that there is.
fn process(folder: &Path) -> u64 {
    let servers = servers(folder);
    assert_eq!(servers.len(), 1, "{servers:?}");
    servers[0]["pid"].as_u64().unwrap()
}

fn signal(process: u64, signal: &str) -> bool {
    let mut kill = std::process::Command::new("kill");
    kill.args([signal, &process.to_string()])
        .stderr(Stdio::null());
    kill.status().unwrap().success()
}

/// Waits until a process has ended, at most so long.
fn ends_within(process: u64, longest: Duration) -> bool {
    let until = Instant::now() + longest;
    // One that has ended and was not waited for has no command line any more.
    let is_there =
        || fs::read(format!("/proc/{process}/cmdline")).is_ok_and(|line| !line.is_empty());
    while is_there() {
        if Instant::now() > until {
            return false;
        }
        thread::sleep(Duration::from_millis(20));
    }
    true
}

const LONGEST: Duration = Duration::from_secs(60);

/// A program that does something before it is retake.
fn program(user: &User, name: &str, before: &str) -> PathBuf {
    let retake = env!("CARGO_BIN_EXE_retake");
    let path = user.write(
        name,
        format!("#!/bin/sh\n{before}\nexec '{retake}' \"$@\"\n"),
    );
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn connector(user: &User, program: PathBuf) -> (Connector, PathBuf) {
    let folder = user.folder().join("settings");
    let config = Config::load(Some(&folder.join("config.toml"))).unwrap();
    let servers = user.folder().join("servers");
    let connector = Connector::new(&config, Some(&folder), None).unwrap();
    (connector.with_program(program, servers.clone()), servers)
}

fn wanted() -> WantedModel {
    WantedModel {
        model: Some(model()),
        device: Some(DeviceChoice::Cpu),
        ..WantedModel::default()
    }
}

fn connect(connector: &Connector) -> Result<Box<dyn Controller>, ConnectError> {
    connector.connect(&wanted(), &Progress::default())
}

fn request(question: &str, tokens: usize) -> ChatRequest {
    ChatRequest {
        messages: vec![RequestMessage::text("user", question)],
        temperature: Some(0.0),
        max_tokens: Some(tokens),
        ..ChatRequest::default()
    }
}

fn answer(controller: &mut dyn Controller) -> Result<String, ControllerError> {
    let request = request(&case().0, 20);
    let reply = controller.propose(&request, &Progress::default(), &mut |_| {})?;
    Ok(reply.candidates[0].text.clone())
}

#[test]
fn processes_share_a_server_and_it_comes_back_after_a_crash() {
    let user = user("controllers-share", 60);
    let folder = user.folder().join("cache/servers");
    let (question, wanted) = case();
    let model = model();
    let arguments = [
        "chat",
        "--temperature",
        "0",
        "--max-tokens",
        "20",
        "--model",
        &model,
        &question,
    ];
    let start = || {
        let mut command = user.command(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let shown = format!("{}\n", retake::domain::visible(&wanted));
    let answers = |child: std::process::Child| {
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && said.is_empty(), "{said}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), shown);
    };
    // Neither knows of the other; one of them starts it.
    for child in [start(), start()] {
        answers(child);
    }
    let first = process(&folder);
    answers(start());
    assert_eq!(process(&folder), first);
    // Where it listens, and its key, are for its user alone.
    for entry in fs::read_dir(&folder).unwrap() {
        let mode = entry.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
    }
    assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o077, 0);
    assert!(signal(first, "-KILL"));
    assert!(ends_within(first, LONGEST));
    answers(start());
    let second = process(&folder);
    assert_ne!(second, first);
    assert!(signal(second, "-TERM"));
    assert!(ends_within(second, LONGEST));
}

#[test]
fn a_server_that_crashes_is_started_again_between_and_in_answers() {
    let user = user("controllers-crash", 60);
    let program = program(
        &user,
        "retake",
        "echo starting >> starts; echo a driver complains >&2",
    );
    let (connector, folder) = connector(&user, program);
    let mut controllers: Vec<Box<dyn Controller>> = thread::scope(|scope| {
        let started: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| connect(&connector).unwrap()))
            .collect();
        started
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let starts = || {
        fs::read_to_string(folder.join("starts"))
            .unwrap()
            .lines()
            .count()
    };
    assert_eq!(starts(), 1);
    let controller = controllers[0].as_mut();
    let known = controller.provenance();
    let weights = fs::read(Path::new(&model()).join("model.safetensors")).unwrap();
    assert_eq!(
        known.weights,
        Some(blake3::hash(&weights).to_hex().to_string())
    );
    assert_eq!(
        (known.backend.as_deref(), known.takes_pictures),
        (Some("flex f32"), Some(false))
    );
    assert_eq!((known.server, known.context), (None, Some(512)));
    let (_, wanted) = case();
    assert_eq!(answer(controller).unwrap(), wanted);
    let first = process(&folder);
    assert!(signal(first, "-KILL") && ends_within(first, LONGEST));
    assert_eq!(answer(controller).unwrap(), wanted);
    assert_eq!(starts(), 2);
    // In the middle of an answer: what was told can't be taken back.
    let second = process(&folder);
    assert_ne!(second, first);
    let mut told = 0;
    let request = request(&case().0, 400);
    let reply = controller.propose(&request, &Progress::default(), &mut |_| {
        told += 1;
        if told == 1 {
            assert!(signal(second, "-KILL"));
        }
    });
    assert!(
        matches!(reply, Err(ControllerError::Cut { .. })),
        "{reply:?}"
    );
    assert!(ends_within(second, LONGEST));
    // The others learn of it, too, and share the one that the first of them starts.
    for controller in &mut controllers {
        assert_eq!(answer(controller.as_mut()).unwrap(), wanted);
    }
    assert_eq!(starts(), 3);
    assert!(signal(process(&folder), "-KILL"));
}

#[test]
fn a_server_ends_when_nobody_asks_and_is_there_when_somebody_does() {
    let user = user("controllers-idle", 1);
    let (connector, folder) = connector(&user, env!("CARGO_BIN_EXE_retake").into());
    let mut controller = connect(&connector).unwrap();
    let (_, wanted) = case();
    assert_eq!(answer(controller.as_mut()).unwrap(), wanted);
    let first = process(&folder);
    assert!(ends_within(first, LONGEST), "it is still there");
    assert_eq!(answer(controller.as_mut()).unwrap(), wanted);
    let second = process(&folder);
    assert_ne!(second, first);
    assert!(ends_within(second, LONGEST));
}

#[test]
fn servers_that_do_not_come_up_are_told_in_their_own_words() {
    let user = user("controllers-start", 1);
    let fails = |name: &str, before: &str| {
        let (connector, _) = connector(&user, program(&user, name, before));
        let report = Report::from(connect(&connector).err().unwrap());
        (report.message.clone(), report.hints.join("\n"))
    };
    let (message, hints) = fails(
        "full",
        "echo noise >&2; echo error: no room >&2; echo hint: buy some >&2; exit 1",
    );
    assert!(message.ends_with("did not come up: no room"), "{message}");
    assert_eq!(hints, "buy some");
    let (message, _) = fails("crash", "echo the driver died >&2; kill -SEGV $$");
    assert!(
        message.ends_with("did not come up: the driver died"),
        "{message}"
    );
    let (message, _) = fails("chatty", "echo hello");
    assert!(message.contains("in a way of its own"), "{message}");
    // Somebody who does not want to wait.
    let (connector, folder) =
        connector(&user, program(&user, "slow", "echo $$ > process; sleep 60"));
    let progress = Progress::default();
    let started = Instant::now();
    let cancel = progress.clone();
    let waiting = thread::spawn(move || {
        thread::sleep(Duration::from_millis(300));
        cancel.cancel();
    });
    let error = connector.connect(&wanted(), &progress).err().unwrap();
    assert!(matches!(error, ConnectError::Cancelled(_)), "{error}");
    assert!(started.elapsed() < Duration::from_secs(20));
    waiting.join().unwrap();
    let process = fs::read_to_string(folder.join("process")).unwrap();
    assert!(ends_within(process.trim().parse().unwrap(), LONGEST));
}

#[test]
fn pictures_are_left_out_where_that_is_wanted() {
    let user = user("controllers-pictures", 1);
    let (connector, _) = connector(&user, env!("CARGO_BIN_EXE_retake").into());
    let (question, text) = case();
    let parts = serde_json::json!({"messages": [{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,"}}, {"type": "text", "text": question},
    ]}], "temperature": 0, "max_tokens": 20});
    let asked: ChatRequest = serde_json::from_value(parts).unwrap();
    let mut controller = connect(&connector).unwrap();
    let error = controller
        .propose(&asked, &Progress::default(), &mut |_| {})
        .unwrap_err();
    assert!(
        matches!(error, ControllerError::Refused { status: 400, .. }),
        "{error}"
    );
    let without = WantedModel {
        drops_images: true,
        ..wanted()
    };
    let mut controller = connector.connect(&without, &Progress::default()).unwrap();
    let reply = controller
        .propose(&asked, &Progress::default(), &mut |_| {})
        .unwrap();
    assert_eq!(reply.candidates[0].text, text);
}
