//! MCP servers as they are: right, slow, broken, gone. The server is a script of the standard library alone; real ones are
//! tried by `tests/mcp/check.py`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use retake::sandbox::{Answer, Call, PythonValue};
use retake::tools::{Provider, connect_within};
use retake::workspace::{McpEndpoint, McpServer};

const SERVER: &str = r#"
import json, sys, time
mode = sys.argv[1]
def say(id, **more):
    sys.stdout.write(json.dumps({'jsonrpc': '2.0', 'id': id, **more}) + '\n')
    sys.stdout.flush()
if mode == 'garbage':
    print('this is no JSON', flush=True)
    print('{"jsonrpc": "2.0"', flush=True)
for line in sys.stdin:
    message = json.loads(line)
    method, id = message.get('method'), message.get('id')
    if method == 'initialize':
        if mode == 'silent':
            time.sleep(60)
        say(id, result={'protocolVersion': message['params']['protocolVersion'], 'capabilities': {'tools': {}},
                        'serverInfo': {'name': 'test', 'version': '1'}})
    elif method == 'tools/list':
        if mode == 'no list':
            say(id, error={'code': -32603, 'message': 'no list today'})
            continue
        names = {'detect': ['label', 'file'], 'echo': ['a', 'b'], 'slow': [], 'die': [], 'fail': [], 'wrong': [], 'junk': []}
        schema = lambda names: {'type': 'object', 'properties': {name: {'type': 'string'} for name in names}}
        say(id, result={'tools': [{'name': n, 'description': n + ' it', 'inputSchema': schema(p)} for n, p in names.items()]})
    elif method == 'tools/call':
        name, arguments = message['params']['name'], message['params'].get('arguments', {})
        text = lambda t: {'content': [{'type': 'text', 'text': t}]}
        if name == 'slow':
            continue
        if name == 'die':
            sys.exit(3)
        if name == 'fail':
            say(id, result={**text('no such picture'), 'isError': True})
        elif name == 'wrong':
            say(id, error={'code': -32602, 'message': 'bad arguments'})
        elif name == 'junk':
            say(id, result={'nonsense': [1]})
        elif name == 'detect':
            say(id, result={**text('[[1.0, 2]]'), 'structuredContent': {'result': [[1.0, 2]]}})
        else:
            say(id, result=text(json.dumps(arguments, sort_keys=True)))
"#;

/// A server in a mode, or `None` (said so) without Python.
fn server(mode: &str) -> Option<McpServer> {
    let python = ["/usr/bin/python3", "/usr/local/bin/python3"];
    let Some(python) = python.iter().map(PathBuf::from).find(|path| path.exists()) else {
        eprintln!("skipped: no python3");
        return None;
    };
    let path = std::env::temp_dir().join(format!("retake-mcp-server-{}.py", std::process::id()));
    std::fs::write(&path, SERVER).unwrap();
    Some(McpServer {
        name: "test".to_owned(),
        endpoint: McpEndpoint::Command {
            program: python.display().to_string(),
            arguments: vec![path.display().to_string(), mode.to_owned()],
        },
        timeout: Duration::from_secs(2),
        names: BTreeMap::from([("objectlocation".to_owned(), "detect".to_owned())]),
    })
}

fn connected(mode: &str) -> Option<Provider> {
    let server = server(mode)?;
    Some(connect_within(&server, Duration::from_secs(20)).unwrap())
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

#[test]
fn tools_are_listed_and_called_under_the_names_of_the_data() {
    let Some(provider) = connected("right") else {
        return;
    };
    assert_eq!(provider.label, "mcp:test");
    let names: Vec<&str> = provider.tools.iter().map(|tool| tool.name()).collect();
    assert_eq!(names[..3], ["objectlocation", "detect", "echo"]);
    let echo = provider.tool("echo").unwrap();
    assert_eq!(echo.description(), "echo it");
    assert!(echo.parameters()["properties"]["b"].is_object());
    let boxes = call(
        &provider,
        "objectlocation",
        &["cat"],
        &[("image_path", "a.jpg")],
    );
    assert!(
        matches!(&boxes, Answer::Value(value) if value.repr() == "[[1.0, 2]]"),
        "{boxes:?}"
    );
    let echoed = call(&provider, "echo", &["1"], &[("b", "2")]);
    assert_eq!(
        echoed,
        Answer::Value(PythonValue::Str("{\"a\": \"1\", \"b\": \"2\"}".to_owned()))
    );
    assert!(matches!(
        call(&provider, "echo", &["1", "2", "3"], &[]),
        Answer::Error(_)
    ));
    assert_eq!(
        call(&provider, "fail", &[], &[]),
        Answer::Error("no such picture".to_owned())
    );
    assert_eq!(
        call(&provider, "wrong", &[], &[]),
        Answer::Error("bad arguments".to_owned())
    );
}

#[test]
fn a_slow_or_broken_call_is_unavailable_and_the_next_one_works() {
    let Some(provider) = connected("right") else {
        return;
    };
    let begun = Instant::now();
    let slow = call(&provider, "slow", &[], &[]);
    assert!(
        matches!(&slow, Answer::Unavailable(reason) if reason.contains("within 2 s")),
        "{slow:?}"
    );
    assert!(begun.elapsed() < Duration::from_secs(10));
    let junk = call(&provider, "junk", &[], &[]);
    assert!(
        !matches!(junk, Answer::Value(PythonValue::List(_))),
        "{junk:?}"
    );
    assert!(matches!(
        call(&provider, "echo", &["1"], &[]),
        Answer::Value(_)
    ));
    let died = call(&provider, "die", &[], &[]);
    assert!(matches!(died, Answer::Unavailable(_)), "{died:?}");
    let after = call(&provider, "echo", &["1"], &[]);
    assert!(matches!(after, Answer::Unavailable(_)), "{after:?}");
}

#[test]
fn a_server_that_does_not_get_ready_is_an_error_that_says_why() {
    let Some(silent) = server("silent") else {
        return;
    };
    let error = |server: &McpServer, wait| connect_within(server, wait).err().unwrap().to_string();
    assert!(error(&silent, Duration::from_secs(1)).contains("not ready within 1 s"));
    let no_list = server("no list").unwrap();
    assert!(error(&no_list, Duration::from_secs(20)).contains("no list today"));
    let missing = McpServer {
        endpoint: McpEndpoint::Command {
            program: "/nonexistent/server".to_owned(),
            arguments: Vec::new(),
        },
        ..silent.clone()
    };
    assert!(
        error(&missing, Duration::from_secs(20)).contains("/nonexistent/server does not start")
    );
    for program in ["/bin/false", "/bin/echo"] {
        let ends = McpServer {
            endpoint: McpEndpoint::Command {
                program: program.to_owned(),
                arguments: vec!["hello".to_owned()],
            },
            ..silent.clone()
        };
        assert!(
            error(&ends, Duration::from_secs(20))
                .starts_with("the MCP server `test` can't be used"),
            "{program}"
        );
    }
    let nobody = McpServer {
        endpoint: McpEndpoint::Url("http://127.0.0.1:9/mcp".to_owned()),
        ..silent.clone()
    };
    assert!(error(&nobody, Duration::from_secs(20)).contains("can't be used"));
    let unknown = McpServer {
        names: BTreeMap::from([("ocr".to_owned(), "read_text".to_owned())]),
        ..server("right").unwrap()
    };
    let error = error(&unknown, Duration::from_secs(20));
    assert!(
        error.contains("no tool `read_text` (for `ocr`); it has detect, echo"),
        "{error}"
    );
}
