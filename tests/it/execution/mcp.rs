//! MCP servers as they are: right, slow, broken, gone. Those of others are tried by `tests/mcp/check.py`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use retake::sandbox::{Answer, Call, PythonValue};
use retake::tools::{Provider, connect_within};
use retake::workspace::{McpEndpoint, McpServer};

use super::mcp_server::{arguments, web};

/// How long a server of these tests may take to get ready.
const START: Duration = Duration::from_secs(30);

fn server(mode: &str) -> McpServer {
    McpServer {
        name: "test".to_owned(),
        endpoint: McpEndpoint::Command {
            program: std::env::current_exe().unwrap().display().to_string(),
            arguments: arguments(mode),
            folder: std::env::temp_dir(),
        },
        timeout: Duration::from_secs(2),
        names: BTreeMap::from([("objectlocation".to_owned(), "detect".to_owned())]),
    }
}

fn at(url: &str, key_variable: Option<&str>) -> McpServer {
    McpServer {
        endpoint: McpEndpoint::Url {
            url: url.to_owned(),
            key_variable: key_variable.map(str::to_owned),
        },
        ..server("")
    }
}

fn pictures() -> PathBuf {
    std::env::temp_dir().join(format!("retake-mcp-pictures-{}", std::process::id()))
}

fn connected(server: &McpServer) -> Provider {
    connect_within(server, &pictures(), START).unwrap()
}

fn error(server: &McpServer, wait: Duration) -> String {
    match connect_within(server, &pictures(), wait) {
        Ok(_) => panic!("it connects"),
        Err(error) => error.to_string(),
    }
}

fn call(provider: &Provider, name: &str, arguments: &[&str], keywords: &[(&str, &str)]) -> Answer {
    let text = |text: &str| PythonValue::Str(text.to_owned());
    provider.tool(name).unwrap().call(&Call {
        index: 0,
        name: name.to_owned(),
        arguments: arguments.iter().map(|a| text(a)).collect(),
        keywords: keywords
            .iter()
            .map(|(k, v)| ((*k).to_owned(), text(v)))
            .collect(),
    })
}

fn unavailable(answer: Answer) -> String {
    match answer {
        Answer::Unavailable(reason) => reason,
        other => panic!("{other:?}"),
    }
}

/// What right servers do, over pipes and HTTP alike.
fn check_right(provider: &Provider) {
    assert_eq!(provider.label, "mcp:test");
    let names: Vec<&str> = provider.tools.iter().map(|tool| tool.name()).collect();
    assert_eq!(names[..3], ["objectlocation", "detect", "echo"]);
    let echo = provider.tool("echo").unwrap();
    assert_eq!(echo.description(), "echo it");
    assert!(echo.parameters()["properties"]["b"].is_object());
    // The data's own names of parameters reach those of the server.
    let boxes = call(
        provider,
        "objectlocation",
        &["cat"],
        &[("image_path", "a.jpg")],
    );
    assert!(
        matches!(&boxes, Answer::Value(value) if value.repr() == "[[1.0, 2]]"),
        "{boxes:?}"
    );
    let echoed = call(provider, "echo", &["1"], &[("b", "2")]);
    let expected = PythonValue::Str("{\"a\":\"1\",\"b\":\"2\"}".to_owned());
    assert_eq!(echoed, Answer::Value(expected));
    let too_many = call(provider, "echo", &["1", "2", "3"], &[]);
    assert!(matches!(too_many, Answer::Error(_)), "{too_many:?}");
    assert_eq!(
        call(provider, "fail", &[], &[]),
        Answer::Error("no such picture".to_owned())
    );
    assert_eq!(
        call(provider, "wrong", &[], &[]),
        Answer::Error("bad arguments".to_owned())
    );
    let painted = call(provider, "paint", &[], &[]);
    let Answer::Value(PythonValue::Str(path)) = painted else {
        panic!("{painted:?}");
    };
    let name = path.strip_prefix(".retake/blobs/pictures/").unwrap();
    assert!(pictures().join(name).is_file(), "{path}");
}

#[test]
fn tools_are_listed_and_called_under_the_names_of_the_data() {
    check_right(&connected(&server("right")));
}

#[test]
fn a_server_over_http_is_the_same() {
    let web = web("right");
    check_right(&connected(&at(&web.url, None)));
    assert!(web.keys.lock().unwrap().iter().all(String::is_empty));
}

#[test]
fn noise_and_floods_are_passed_over() {
    for mode in ["noise", "flood"] {
        let provider = connected(&server(mode));
        let echoed = call(&provider, "echo", &["1"], &[]);
        assert!(matches!(echoed, Answer::Value(_)), "{mode}: {echoed:?}");
    }
}

#[test]
fn a_slow_or_broken_call_is_unavailable_and_the_next_one_works() {
    let provider = connected(&server("right"));
    for tool in ["slow", "torn", "huge", "types", "other", "junk"] {
        let begun = Instant::now();
        let answer = call(&provider, tool, &[], &[]);
        match tool {
            // Answers that are none; what they are taken for must not be a result.
            "types" | "junk" => assert!(
                !matches!(&answer, Answer::Value(value) if *value != PythonValue::Str(String::new())),
                "{tool}: {answer:?}"
            ),
            _ => assert!(unavailable(answer).contains("within 2 s"), "{tool}"),
        }
        assert!(begun.elapsed() < Duration::from_secs(20));
        let next = call(&provider, "echo", &["1"], &[]);
        assert!(matches!(next, Answer::Value(_)), "after {tool}: {next:?}");
    }
    unavailable(call(&provider, "die", &[], &[]));
    unavailable(call(&provider, "echo", &["1"], &[]));
}

#[test]
fn a_broken_call_over_http_is_unavailable_and_the_next_one_works() {
    let web = web("right");
    let provider = connected(&at(&web.url, None));
    for tool in ["slow", "torn", "die"] {
        let begun = Instant::now();
        unavailable(call(&provider, tool, &[], &[]));
        assert!(begun.elapsed() < Duration::from_secs(20));
        let next = call(&provider, "echo", &["1"], &[]);
        assert!(matches!(next, Answer::Value(_)), "after {tool}: {next:?}");
    }
}

#[test]
fn a_server_that_does_not_get_ready_is_an_error_that_says_why() {
    let short = Duration::from_secs(2);
    for (mode, wait, part) in [
        ("silent", short, "not ready within 2 s"),
        ("no list", START, "no list today"),
        ("wrong hello", short, "can't be used"),
        ("wrong list", short, "can't be used"),
        ("long list", START, "more than 1000 tools"),
        ("ends", START, "the last that it wrote: no model was found"),
    ] {
        let error = error(&server(mode), wait);
        assert!(error.contains(part), "{mode}: {error}");
        assert!(
            error.starts_with("the MCP server `test` can't be used: "),
            "{error}"
        );
    }
    let missing = McpServer {
        endpoint: McpEndpoint::Command {
            program: "/nonexistent/server".to_owned(),
            arguments: Vec::new(),
            folder: PathBuf::from("/"),
        },
        ..server("")
    };
    assert!(error(&missing, START).contains("/nonexistent/server does not start"));
    let unknown = McpServer {
        names: BTreeMap::from([("ocr".to_owned(), "read_text".to_owned())]),
        ..server("right")
    };
    let error = error(&unknown, START);
    let part = "no tool `read_text` (for `ocr`); it has detect, echo";
    assert!(error.contains(part), "{error}");
}

#[test]
fn a_server_over_http_that_does_not_get_ready_is_an_error() {
    let short = Duration::from_secs(2);
    for mode in ["500", "page", "no JSON", "silent", "no list"] {
        let error = error(&at(&web(mode).url, None), short);
        assert!(error.contains("can't be used"), "{mode}: {error}");
    }
    let nobody = at("http://127.0.0.1:9/mcp", None);
    assert!(error(&nobody, START).contains("can't be used"));
}

/// The variable that holds the key is set for the whole test program by nobody: these tests take one that is always there.
#[test]
fn a_key_comes_from_the_environment_and_is_shown_to_the_server_alone() {
    let variable = "PATH";
    let value = std::env::var(variable).unwrap();
    let right = web("right");
    check_right(&connected(&at(&right.url, Some(variable))));
    let expected = format!("Bearer {}", value.trim());
    let keys = right.keys.lock().unwrap();
    assert!(!keys.is_empty() && keys.iter().all(|key| *key == expected));
    // A server that says it has it blotted out.
    let broken = error(&at(&web("500").url, Some(variable)), START);
    assert!(!broken.contains(value.trim()), "{broken}");
    let absent = error(&at(&right.url, Some("RETAKE_NO_SUCH_KEY")), START);
    assert!(
        absent.contains("no variable RETAKE_NO_SUCH_KEY"),
        "{absent}"
    );
}

/// A process goes when the last tool of its server goes, also one that does not want to.
#[cfg(target_os = "linux")]
#[test]
fn a_server_ends_with_its_tools() {
    for mode in ["right", "stays"] {
        let provider = connected(&server(mode));
        let Answer::Value(PythonValue::Str(process)) = call(&provider, "process", &[], &[]) else {
            panic!("no process");
        };
        let place = Path::new("/proc").join(process);
        assert!(place.exists());
        let begun = Instant::now();
        drop(provider);
        assert!(begun.elapsed() < Duration::from_secs(10));
        // The system may take a moment to clear it away.
        let gone = (0..50).any(|_| {
            std::thread::sleep(Duration::from_millis(100));
            let status = std::fs::read_to_string(place.join("status"));
            status.map_or(true, |status| status.contains("State:\tZ"))
        });
        assert!(gone, "{mode}");
    }
}
