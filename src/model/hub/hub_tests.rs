//! Downloads from hubs of the test's own: well-behaved ones, and ones that cut, damage, refuse and mislead.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::connection::Waits;
use super::{Hub, HubError, Listing, Pulled, Repository, pull};
use crate::jobs::Progress;
use crate::model::ModelSummary;
use crate::model::runnable_tests::folder;
use crate::report::Report;

/// A request, as far as hubs look at it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Asked {
    path: String,
    from: Option<usize>,
    token: Option<String>,
}

/// A server on a port of its own that answers byte for byte, one connection for each request.
#[derive(Clone)]
struct Loopback {
    address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Loopback {
    fn new(answer: impl Fn(&Asked, usize) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        thread::spawn(move || {
            for (number, connection) in listener.incoming().enumerate() {
                let mut connection = connection.unwrap();
                let mut reader = BufReader::new(connection.try_clone().unwrap());
                let mut asked = Asked::default();
                loop {
                    let mut line = String::new();
                    if reader.read_line(&mut line).unwrap_or(0) < 3 {
                        break;
                    }
                    let line = line.trim();
                    if let Some(rest) = line.strip_prefix("GET ") {
                        asked.path = rest.trim_end_matches(" HTTP/1.1").to_owned();
                    }
                    let (name, value) = line.split_once(": ").unwrap_or_default();
                    match name.to_lowercase().as_str() {
                        "range" => {
                            let from = value.strip_prefix("bytes=").unwrap();
                            asked.from = Some(from.trim_end_matches('-').parse().unwrap());
                        }
                        "authorization" => asked.token = Some(value.to_owned()),
                        _ => {}
                    }
                }
                log.lock().unwrap().push(asked.clone());
                let _ = connection.write_all(&answer(&asked, number));
            }
        });
        Self { address, asked }
    }

    fn hub(&self, token: Option<&str>) -> Hub {
        let mut hub = Hub::new(&self.address, token).unwrap();
        hub.waits = Waits {
            first: Duration::from_millis(1),
            tries: 6,
        };
        hub
    }

    /// What was asked for of a file, in order: from which byte on.
    fn asked_for(&self, file: &str) -> Vec<Option<usize>> {
        let asked = self.asked.lock().unwrap();
        let ending = format!("/{file}");
        let of_file = asked.iter().filter(|asked| asked.path.ends_with(&ending));
        of_file.map(|asked| asked.from).collect()
    }
}

/// An answer; what it says of its length may be another one than that of the bytes.
fn answer(status: &str, headers: &str, length: usize, bytes: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    [head.as_bytes(), bytes].concat()
}

fn whole(status: &str, bytes: &[u8]) -> Vec<u8> {
    answer(status, "", bytes.len(), bytes)
}

/// The rest of a file from a byte on, of which only so many bytes come before the connection is cut.
fn part(bytes: &[u8], from: Option<usize>, most: usize) -> Vec<u8> {
    let (rest, status, range) = match from {
        Some(from) => {
            let range = format!(
                "Content-Range: bytes {from}-{}/{}\r\n",
                bytes.len() - 1,
                bytes.len()
            );
            (&bytes[from..], "206 Partial Content", range)
        }
        None => (bytes, "200 OK", String::new()),
    };
    answer(status, &range, rest.len(), &rest[..most.min(rest.len())])
}

fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const WEIGHTS: &str = "model.safetensors";

/// The files of a small model, as a hub has them.
fn files() -> Vec<(String, Vec<u8>)> {
    let names = [
        "config.json",
        "generation_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "chat_template.jinja",
        WEIGHTS,
    ];
    let read = |name: &str| {
        (
            name.to_owned(),
            fs::read(folder("text").join(name)).unwrap(),
        )
    };
    names.into_iter().map(read).collect()
}

fn weights() -> Vec<u8> {
    fs::read(folder("text").join(WEIGHTS)).unwrap()
}

/// The listing of files, where only the weights have a checksum.
fn listing_of(files: &[(String, Vec<u8>)]) -> Value {
    let row = |(name, bytes): &(String, Vec<u8>)| match name.as_str() {
        WEIGHTS => json!({
            "rfilename": name, "size": bytes.len(), "lfs": {"sha256": sha256(bytes), "size": bytes.len()},
        }),
        _ => json!({"rfilename": name, "size": bytes.len()}),
    };
    let rows: Vec<Value> = files.iter().map(row).collect();
    json!({"sha": COMMIT, "cardData": {"license": "apache-2.0"}, "siblings": rows})
}

fn is_listing(asked: &Asked) -> bool {
    asked.path == "/api/models/some/model/revision/main?blobs=true"
}

/// A hub with the small model, where `special` answers what it wants to answer otherwise.
fn hub(special: impl Fn(&Asked, usize) -> Option<Vec<u8>> + Send + 'static) -> Loopback {
    let files = files();
    Loopback::new(move |asked, number| {
        if let Some(answer) = special(asked, number) {
            return answer;
        }
        if is_listing(asked) {
            return whole("200 OK", listing_of(&files).to_string().as_bytes());
        }
        let of_file = |name: &str| asked.path == format!("/some/model/resolve/{COMMIT}/{name}");
        match files.iter().find(|(name, _)| of_file(name)) {
            Some((_, bytes)) => part(bytes, asked.from, usize::MAX),
            None => whole("404 Not Found", b"Entry not found"),
        }
    })
}

/// A folder to download into.
struct Target(PathBuf);

impl Target {
    fn new(name: &str) -> Self {
        let folder = format!("retake-hub-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        let _ = fs::remove_dir_all(&folder);
        Self(folder)
    }

    fn pull(&self, hub: &Hub) -> Result<Pulled, HubError> {
        self.pull_with(hub, None, &Progress::default())
    }

    fn pull_with(
        &self,
        hub: &Hub,
        file: Option<&str>,
        progress: &Progress,
    ) -> Result<Pulled, HubError> {
        let listing = listing(hub)?;
        pull(hub, &listing, file, &self.0, progress)
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn has_part(&self) -> bool {
        self.names().iter().any(|name| name.ends_with(".part"))
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn repository() -> Repository {
    "some/model".parse().unwrap()
}

fn listing(hub: &Hub) -> Result<Listing, HubError> {
    hub.listing(&repository(), &Progress::default())
}

fn hints(error: HubError) -> String {
    Report::from(error).hints.join("\n")
}

#[test]
fn a_model_comes_whole_and_comes_once() {
    let server = hub(|_, _| None);
    let hub = server.hub(None);
    assert_eq!(
        listing(&hub).unwrap().license.as_deref(),
        Some("apache-2.0")
    );
    let target = Target::new("whole");
    let progress = Progress::default();
    let pulled = target.pull_with(&hub, None, &progress).unwrap();
    assert_eq!((&pulled.path, pulled.unchecked.len()), (&target.0, 0));
    for (name, bytes) in files() {
        assert_eq!(fs::read(target.0.join(&name)).unwrap(), bytes, "{name}");
    }
    assert!(!target.has_part());
    let total: usize = files().iter().map(|(_, bytes)| bytes.len()).sum();
    assert_eq!(progress.amounts(), (total as u64, total as u64));
    assert_eq!(ModelSummary::read(&target.0).unwrap().context, 512);
    // What is there and right is not asked for again; what is damaged is.
    target.pull(&hub).unwrap();
    assert_eq!(server.asked_for(WEIGHTS), [None]);
    let mut damaged = weights();
    damaged[100] ^= 1;
    fs::write(target.0.join(WEIGHTS), damaged).unwrap();
    target.pull(&hub).unwrap();
    assert_eq!(server.asked_for(WEIGHTS), [None, None]);
    assert_eq!(fs::read(target.0.join(WEIGHTS)).unwrap(), weights());
}

#[test]
fn a_download_that_was_cut_goes_on_where_it_ended() {
    let (bytes, third) = (weights(), weights().len() / 3);
    let server = hub(move |asked, _| {
        let cut = asked.path.ends_with(WEIGHTS) && asked.from.unwrap_or(0) < 2 * third;
        cut.then(|| part(&bytes, asked.from, third))
    });
    let target = Target::new("cut");
    let progress = Progress::default();
    target
        .pull_with(&server.hub(None), None, &progress)
        .unwrap();
    assert_eq!(
        server.asked_for(WEIGHTS),
        [None, Some(third), Some(2 * third)]
    );
    assert_eq!(fs::read(target.0.join(WEIGHTS)).unwrap(), weights());
    let (done, total) = progress.amounts();
    assert_eq!(done, total, "nothing is counted twice");
}

#[test]
fn another_process_goes_on_where_one_ended() {
    let (bytes, half) = (weights(), weights().len() / 2);
    let dying = hub(move |asked, _| {
        let is_weights = asked.path.ends_with(WEIGHTS);
        let most = if asked.from.is_none() { half } else { 0 };
        is_weights.then(|| part(&bytes, asked.from, most))
    });
    let target = Target::new("process");
    let error = target.pull(&dying.hub(None)).unwrap_err();
    assert!(matches!(error, HubError::Unreachable { .. }), "{error}");
    assert!(hints(error).contains("goes on from there"));
    assert_eq!(
        dying.asked_for(WEIGHTS).len(),
        6,
        "it gives up when nothing comes"
    );
    assert!(target.has_part() && !target.0.join(WEIGHTS).exists());
    let whole = hub(|_, _| None);
    target.pull(&whole.hub(None)).unwrap();
    assert_eq!(whole.asked_for(WEIGHTS), [Some(half)]);
    assert_eq!(fs::read(target.0.join(WEIGHTS)).unwrap(), weights());
}

#[test]
fn a_hub_that_knows_no_parts_sends_the_whole_again() {
    let (bytes, half) = (weights(), weights().len() / 2);
    let server = hub(move |asked, _| {
        let most = if asked.from.is_none() {
            half
        } else {
            usize::MAX
        };
        asked
            .path
            .ends_with(WEIGHTS)
            .then(|| part(&bytes, None, most))
    });
    let target = Target::new("parts");
    target.pull(&server.hub(None)).unwrap();
    assert_eq!(server.asked_for(WEIGHTS), [None, Some(half)]);
    assert_eq!(fs::read(target.0.join(WEIGHTS)).unwrap(), weights());
}

#[test]
fn what_comes_damaged_is_thrown_away() {
    let server = hub(|asked, _| {
        let mut bytes = weights();
        bytes[7] ^= 1;
        asked
            .path
            .ends_with(WEIGHTS)
            .then(|| whole("200 OK", &bytes))
    });
    let target = Target::new("damaged");
    let error = target.pull(&server.hub(None)).unwrap_err();
    assert!(matches!(error, HubError::Checksum { .. }), "{error}");
    let told = error.to_string();
    assert!(
        told.contains(&sha256(&weights())) && told.contains(WEIGHTS),
        "{told}"
    );
    assert!(!target.has_part() && !target.0.join(WEIGHTS).exists());
    target.pull(&hub(|_, _| None).hub(None)).unwrap();
}

#[test]
fn who_may_not_have_it_is_told_what_to_do() {
    let closed = |status: &'static str, headers: &'static str| {
        hub(move |asked, _| {
            let body = br#"{"error":"no access with t0ken"}"#;
            is_listing(asked).then(|| answer(status, headers, body.len(), body))
        })
    };
    let server = closed("401 Unauthorized", "");
    let error = listing(&server.hub(None)).unwrap_err();
    assert!(
        matches!(error, HubError::Denied { status: 401, .. }),
        "{error}"
    );
    assert!(hints(error).contains("HF_TOKEN"));
    let server = closed(
        "403 Forbidden",
        "X-Error-Message: accept the terms first\r\n",
    );
    let hub_with_token = server.hub(Some("t0ken"));
    let error = listing(&hub_with_token).unwrap_err();
    assert!(
        error.to_string().contains("403, accept the terms first"),
        "{error}"
    );
    assert!(hints(error).contains("/some/model"));
    let error = listing(&closed("401 Unauthorized", "").hub(Some("t0ken"))).unwrap_err();
    assert!(!format!("{error} {error:?} {hub_with_token:?}").contains("t0ken"));
    let server = closed("404 Not Found", "");
    let error = listing(&server.hub(None)).unwrap_err();
    assert!(matches!(error, HubError::NotFound { .. }), "{error}");
    assert_eq!(
        server.asked.lock().unwrap().len(),
        1,
        "it is not asked again"
    );
    // A file that the listing promised.
    let server = hub(|asked, _| {
        let is_weights = asked.path.ends_with(WEIGHTS);
        is_weights.then(|| whole("404 Not Found", b"Entry not found"))
    });
    let error = Target::new("gone").pull(&server.hub(None)).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("has no some/model/model.safetensors"),
        "{error}"
    );
}

#[test]
fn what_passes_is_asked_for_again() {
    let server = hub(|_, number| match number {
        0 => Some(whole("503 Service Unavailable", b"")),
        1 => Some(whole("429 Too Many Requests", b"")),
        // Nothing at all, and the connection ends.
        3 => Some(Vec::new()),
        _ => None,
    });
    Target::new("again").pull(&server.hub(None)).unwrap();
    let server = hub(|_, _| Some(whole("500 Internal Server Error", b"")));
    let error = listing(&server.hub(None)).unwrap_err();
    assert!(
        matches!(error, HubError::Refused { status: 500, .. }),
        "{error}"
    );
    assert_eq!(server.asked.lock().unwrap().len(), 6);
}

#[test]
fn the_token_goes_to_the_hub_alone() {
    let store = Loopback::new(|asked, _| part(&weights(), asked.from, usize::MAX));
    let place = format!("Location: {}/blob\r\n", store.address);
    let server = hub(move |asked, _| {
        let headers = format!("{place}X-Linked-Etag: \"{}\"\r\n", sha256(&weights()));
        let sent = || answer("302 Found", &headers, 0, b"");
        asked.path.ends_with(WEIGHTS).then(sent)
    });
    let target = Target::new("token");
    target.pull(&server.hub(Some("t0ken"))).unwrap();
    let at_hub = server.asked.lock().unwrap().clone();
    assert!(
        at_hub
            .iter()
            .all(|asked| asked.token.as_deref() == Some("Bearer t0ken"))
    );
    let at_store = store.asked.lock().unwrap().clone();
    assert_eq!((at_store.len(), &at_store[0].token), (1, &None));
    // A checksum that only the redirect tells is checked, too.
    let wrong = format!(
        "Location: {}/blob\r\nX-Linked-Etag: \"{}\"\r\n",
        store.address,
        "0".repeat(64)
    );
    let server = hub(move |asked, _| {
        if is_listing(asked) {
            let mut listed = listing_of(&files());
            for file in listed["siblings"].as_array_mut().unwrap() {
                file.as_object_mut().unwrap().remove("lfs");
            }
            return Some(whole("200 OK", listed.to_string().as_bytes()));
        }
        asked
            .path
            .ends_with(WEIGHTS)
            .then(|| answer("302 Found", &wrong, 0, b""))
    });
    let error = Target::new("etag").pull(&server.hub(None)).unwrap_err();
    assert!(matches!(error, HubError::Checksum { .. }), "{error}");
}

#[test]
fn hubs_that_mislead_are_not_followed() {
    let misleading = |answer: Vec<u8>| {
        hub(move |asked, _| asked.path.ends_with(WEIGHTS).then(|| answer.clone()))
    };
    let longer = [weights(), vec![0]].concat();
    let cases = [
        (whole("200 OK", &longer), "is longer than its"),
        (
            answer(
                "302 Found",
                "Location: /some/model/resolve/x/model.safetensors\r\n",
                0,
                b"",
            ),
            "round and round",
        ),
        (
            answer("302 Found", "Location: ftp://a/b\r\n", 0, b""),
            "an address that is none",
        ),
        (
            answer("302 Found", "Location: //a/b\r\n", 0, b""),
            "an address that is none",
        ),
        (answer("302 Found", "", 0, b""), "an address that is none"),
    ];
    for (number, (sent, said)) in cases.into_iter().enumerate() {
        let target = Target::new(&format!("misleading-{number}"));
        let error = target.pull(&misleading(sent).hub(None)).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
        assert!(!target.0.join(WEIGHTS).exists());
    }
    let half = weights().len() / 2;
    let server = hub(move |asked, _| {
        let sent = match asked.from {
            None => part(&weights(), None, half),
            Some(_) => part(&weights(), Some(3), usize::MAX),
        };
        asked.path.ends_with(WEIGHTS).then_some(sent)
    });
    let error = Target::new("range").pull(&server.hub(None)).unwrap_err();
    assert!(
        error.to_string().contains(&format!("from byte {half} on")),
        "{error}"
    );
    for (body, said) in [
        ("<html>", "no JSON"),
        ("{}", "no commit"),
        ("\u{fe}", "no JSON"),
    ] {
        let server =
            hub(move |asked, _| is_listing(asked).then(|| whole("200 OK", body.as_bytes())));
        let error = listing(&server.hub(None)).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }
}

/// A hub with other files than those of the small model.
fn hub_of(files: Vec<(String, Vec<u8>)>) -> Loopback {
    let listed = listing_of(&files);
    hub(move |asked, _| {
        if is_listing(asked) {
            return Some(whole("200 OK", listed.to_string().as_bytes()));
        }
        let mut fitting = files
            .iter()
            .filter(|(name, _)| asked.path.ends_with(&format!("/{name}")));
        fitting
            .next()
            .map(|(_, bytes)| part(bytes, asked.from, usize::MAX))
    })
}

#[test]
fn what_cannot_be_run_is_told_before_its_weights_come() {
    let file = |name: &str, text: &str| (name.to_owned(), text.as_bytes().to_vec());
    let server = hub_of(vec![
        file("config.json", r#"{"model_type": "mamba"}"#),
        file(WEIGHTS, "x"),
    ]);
    let error = Target::new("unknown").pull(&server.hub(None)).unwrap_err();
    assert!(
        error.to_string().contains("`mamba` can't be run"),
        "{error}"
    );
    assert!(hints(error).contains("qwen2_vl"));
    assert!(server.asked_for(WEIGHTS).is_empty());
    let server = hub_of(vec![file("a.Q8_0.gguf", "x"), file("b.gguf", "y")]);
    let target = Target::new("gguf");
    let error = target.pull(&server.hub(None)).unwrap_err();
    assert!(error.to_string().contains("a.Q8_0.gguf, b.gguf"), "{error}");
    assert!(hints(error).contains("--file"));
    let progress = Progress::default();
    let pulled = target
        .pull_with(&server.hub(None), Some("b.gguf"), &progress)
        .unwrap();
    assert_eq!(pulled.path, target.0.join("b.gguf"));
    assert_eq!(pulled.unchecked, ["b.gguf"], "its checksum is not told");
    assert!(server.asked_for("a.Q8_0.gguf").is_empty());
}

#[test]
fn shards_are_those_of_the_index() {
    let files = files();
    let bytes = weights();
    let mut sharded: Vec<(String, Vec<u8>)> = files
        .into_iter()
        .filter(|(name, _)| name != WEIGHTS)
        .collect();
    let index = json!({"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}});
    sharded.push((
        "model.safetensors.index.json".to_owned(),
        index.to_string().into_bytes(),
    ));
    for name in ["one.safetensors", "two.safetensors", "other.safetensors"] {
        sharded.push((name.to_owned(), bytes.clone()));
    }
    let server = hub_of(sharded);
    let target = Target::new("shards");
    target.pull(&server.hub(None)).unwrap();
    let names = target.names();
    assert!(names.contains(&"two.safetensors".to_owned()));
    assert!(
        !names.contains(&"other.safetensors".to_owned()),
        "{names:?}"
    );
}

#[test]
fn a_disk_that_is_too_small_is_told_before_anything_comes() {
    let mut listed = listing_of(&files());
    let rows = listed["siblings"].as_array_mut().unwrap();
    let huge = 1_u64 << 60;
    rows.last_mut().unwrap()["lfs"]["size"] = json!(huge);
    let server = hub(move |asked, _| {
        is_listing(asked).then(|| whole("200 OK", listed.to_string().as_bytes()))
    });
    let error = Target::new("space").pull(&server.hub(None)).unwrap_err();
    assert!(
        matches!(&error, HubError::Space { needed, .. } if *needed >= huge),
        "{error}"
    );
    assert!(hints(error).contains("--to"));
    assert!(server.asked_for(WEIGHTS).is_empty());
}

#[test]
fn one_process_at_a_time_and_it_can_be_stopped() {
    let server = hub(|_, _| None);
    let target = Target::new("busy");
    fs::create_dir_all(&target.0).unwrap();
    let lock = fs::File::create(target.0.join(".pull.lock")).unwrap();
    lock.lock().unwrap();
    let error = target.pull(&server.hub(None)).unwrap_err();
    assert!(matches!(error, HubError::Busy(_)), "{error}");
    drop(lock);
    let progress = Progress::default();
    let hub = server.hub(None);
    let listed = listing(&hub).unwrap();
    progress.cancel();
    let error = pull(&hub, &listed, None, &target.0, &progress).unwrap_err();
    assert!(matches!(error, HubError::Cancelled(_)), "{error}");
}

#[test]
fn addresses_and_tokens_that_are_none_are_refused() {
    for wrong in [
        "",
        "hub",
        "ftp://hub",
        "http://",
        "http://me:secret@hub",
        "http://hub?x",
    ] {
        let error = Hub::new(wrong, None).unwrap_err();
        assert!(
            error.to_string().contains("HF_ENDPOINT"),
            "{wrong}: {error}"
        );
    }
    assert!(
        Hub::new("https://hub/", Some("a b"))
            .unwrap_err()
            .to_string()
            .contains("HF_TOKEN")
    );
    assert_eq!(
        Hub::new("https://hub/x/", None).unwrap().endpoint(),
        "https://hub/x"
    );
}
