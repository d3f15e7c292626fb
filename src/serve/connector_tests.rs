//! What names stand for, with servers of the test's own. Servers as child processes: `tests/it/controllers.rs`.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::thread;

use super::{ConnectError, Connector, WantedModel};
use crate::config::Config;
use crate::controller::{Controller, ControllerError};
use crate::jobs::Progress;
use crate::report::Report;
use crate::workspace::Workspace;

/// A folder with settings and a workspace.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let folder = format!("retake-connector-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("user")).unwrap();
        fs::create_dir_all(folder.join("work/.retake")).unwrap();
        Self(folder)
    }

    fn connector(&self, settings: &str, shared: &str, is_trusted: bool) -> Connector {
        let user = self.0.join("user");
        fs::write(user.join("config.toml"), settings).unwrap();
        fs::write(self.0.join("work/.retake/workspace.toml"), shared).unwrap();
        let config = Config::load(Some(&user.join("config.toml"))).unwrap();
        let mut workspace = Workspace::open(&self.0.join("work"), Some(&user)).unwrap();
        if is_trusted {
            workspace.trust().unwrap();
        }
        let connector = Connector::new(&config, Some(&user), Some(&workspace)).unwrap();
        connector.with_program(PathBuf::from("/nowhere/retake"), self.0.join("servers"))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn wanted(model: &str) -> WantedModel {
    WantedModel {
        model: Some(model.to_owned()),
        ..WantedModel::default()
    }
}

fn connect(connector: &Connector, model: &str) -> Result<Box<dyn Controller>, ConnectError> {
    connector.connect(&wanted(model), &Progress::default())
}

fn refusal(connector: &Connector, model: &str) -> ConnectError {
    match connect(connector, model) {
        Ok(controller) => panic!("{model} is {}", controller.name()),
        Err(error) => error,
    }
}

/// A server that answers each request with this; its address.
fn server(status: &'static str, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/v1", listener.local_addr().unwrap());
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let _ = connection.read(&mut [0; 4096]);
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
            let _ = connection.write_all(answer.as_bytes());
        }
    });
    address
}

const TWO: &str = r#"{"data":[{"id":"a"},{"id":"b","max_model_len":4096}]}"#;

#[test]
fn a_server_has_an_address_and_perhaps_a_model() {
    let place = Place::new("address");
    let connector = place.connector("", "", true);
    let one = server("200 OK", r#"{"data":[{"id":"only"}]}"#);
    let only = connect(&connector, &one).unwrap().provenance();
    assert_eq!((only.model.as_str(), only.server), ("only", Some(one)));
    let two = server("200 OK", TWO);
    let error = refusal(&connector, &two);
    assert!(
        error.to_string().contains("several models (a, b)"),
        "{error}"
    );
    assert!(Report::from(error).to_string().contains("#MODEL"));
    let second = connect(&connector, &format!("{two}#b")).unwrap();
    assert_eq!(
        (second.name(), second.provenance().context),
        ("b", Some(4096))
    );
    // A server may know a model by a name that it does not list, or list none.
    assert_eq!(
        connect(&connector, &format!("{two}#c")).unwrap().name(),
        "c"
    );
    let closed = server("403 Forbidden", "{}");
    assert_eq!(
        connect(&connector, &format!("{closed}#d")).unwrap().name(),
        "d"
    );
    assert!(matches!(
        refusal(&connector, &closed),
        ConnectError::Controller(ControllerError::Refused { status: 403, .. })
    ));
    let wrong_key = server("401 Unauthorized", "{}");
    assert!(matches!(
        refusal(&connector, &format!("{wrong_key}#d")),
        ConnectError::Controller(ControllerError::Refused { status: 401, .. })
    ));
    let away = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    assert!(matches!(
        refusal(&connector, &format!("http://{away}/v1#d")),
        ConnectError::Controller(ControllerError::Unreachable { .. })
    ));
    let keyless = WantedModel {
        key_variable: Some("RETAKE_TEST_NO_SUCH_KEY".to_owned()),
        ..wanted(&format!("{two}#b"))
    };
    let error = connector
        .connect(&keyless, &Progress::default())
        .err()
        .unwrap();
    assert!(
        error.to_string().contains("RETAKE_TEST_NO_SUCH_KEY"),
        "{error}"
    );
}

#[test]
fn names_of_a_workspace_wait_for_trust_and_redirect_nothing() {
    let place = Place::new("trust");
    let (own, shared) = (
        server("200 OK", r#"{"data":[{"id":"own"}]}"#),
        server("200 OK", TWO),
    );
    let settings = format!("[models.mine]\nbase_url = \"{own}\"\n");
    let workspace = format!(
        "[models.mine]\nbase_url = \"{shared}\"\n[models.team]\nbase_url = \"{shared}\"\nmodel = \"b\"\n[models.a]\nbase_url = \"{shared}\"\n"
    );
    let connector = place.connector(&settings, &workspace, false);
    let error = refusal(&connector, "team");
    assert!(matches!(error, ConnectError::NotTrusted(_)), "{error}");
    assert!(Report::from(error).to_string().contains("retake trust"));
    assert_eq!(connector.names(), ["mine"]);
    assert_eq!(connect(&connector, "mine").unwrap().name(), "own");
    let connector = place.connector(&settings, &workspace, true);
    assert_eq!(connector.names(), ["a", "mine", "team"]);
    assert_eq!(connect(&connector, "team").unwrap().name(), "b");
    assert_eq!(connect(&connector, "mine").unwrap().name(), "own");
    // Of several models the one of the same name is meant.
    assert_eq!(connect(&connector, "a").unwrap().name(), "a");
}

#[test]
fn the_settings_name_the_model_that_no_command_names() {
    let place = Place::new("default");
    let one = server("200 OK", r#"{"data":[{"id":"only"}]}"#);
    let none = WantedModel::default();
    let connector = place.connector("", "", true);
    let error = connector
        .connect(&none, &Progress::default())
        .err()
        .unwrap();
    assert!(matches!(error, ConnectError::NoName), "{error}");
    let settings = format!("[controller]\nmodel = \"{one}\"\n");
    let connector = place.connector(&settings, "", true);
    let found = connector.connect(&none, &Progress::default()).unwrap();
    assert_eq!(found.name(), "only");
}

#[test]
fn what_is_no_model_starts_nothing() {
    let place = Place::new("none");
    let connector = place.connector(
        "[models.big]\nbase_url = \"http://127.0.0.1:1/v1\"",
        "",
        true,
    );
    let error = refusal(&connector, "larg\u{1b}e");
    assert!(error.to_string().contains("are big"), "{error}");
    assert!(!error.to_string().contains('\u{1b}'));
    let folder = place.0.join("work");
    let error = refusal(&connector, folder.to_str().unwrap());
    assert!(matches!(error, ConnectError::Model(_)), "{error}");
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let model = package.join("tests/reference/runnable/text");
    let error = refusal(&connector, model.to_str().unwrap());
    assert!(matches!(error, ConnectError::Start { .. }), "{error}");
    let connector = place.connector("[controller]\ndevice = \"tpu\"", "", true);
    let error = refusal(&connector, model.to_str().unwrap());
    assert!(error.to_string().contains("controller.device"), "{error}");
}
