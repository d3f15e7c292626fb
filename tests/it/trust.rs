//! A workspace that came from elsewhere follows no path outside itself until its user agrees.

use std::fs;

use crate::user::{User, array, record};

/// Makes a workspace with one source inside and one outside; a copy of it arrives at someone else's.
fn copied(maker: &User, receiver: &User) {
    maker.write("inside.json", array(&[record("in", "Inside?", "x", "y")]));
    let outside = maker.folder().join("outside.json");
    fs::write(&outside, array(&[record("out", "Secret?", "x", "y")])).unwrap();
    let arguments = ["add".as_ref(), "inside.json".as_ref(), outside.as_os_str()];
    maker.retake(arguments).succeeds();
    assert_eq!(maker.ids("").len(), 2, "its maker is trusted");
    receiver.write("inside.json", fs::read(maker.path("inside.json")).unwrap());
    for file in ["workspace.toml", "workspace.local.toml"] {
        let text = fs::read(maker.path(".retake").join(file)).unwrap();
        receiver.write(&format!(".retake/{file}"), text);
    }
}

#[test]
fn paths_outside_stay_closed_until_they_are_trusted() {
    let (maker, receiver) = (User::new("trust-maker"), User::new("trust-receiver"));
    copied(&maker, &receiver);
    assert_eq!(receiver.ids(""), ["inside/in"]);
    let sources = receiver.json(["sources", "--format", "json"]);
    let closed = sources[1]["closed"].as_str().unwrap();
    assert!(
        closed.contains("outside") && closed.contains("retake trust"),
        "{closed}"
    );
    let search = receiver.retake(["search", "secret"]).succeeds();
    assert!(!search.stdout.contains("Secret"), "{search:?}");

    let elsewhere = maker.folder().join("settings");
    for arguments in [
        vec!["add".as_ref(), elsewhere.as_os_str()],
        vec![
            "add".as_ref(),
            "inside.json".as_ref(),
            "--images".as_ref(),
            elsewhere.as_os_str(),
        ],
    ] {
        let refused = receiver.retake(arguments).ends_with(1);
        assert!(refused.stderr.contains("retake trust"), "{refused:?}");
    }

    receiver.retake(["trust"]).succeeds();
    assert_eq!(receiver.ids(""), ["inside/in", "outside/out"]);
    let again = receiver.retake(["trust"]).succeeds();
    assert!(again.stderr.contains("already"), "{again:?}");
}

#[test]
fn a_changed_file_asks_again() {
    let (maker, receiver) = (User::new("trust-change-maker"), User::new("trust-change"));
    copied(&maker, &receiver);
    receiver.retake(["trust"]).succeeds();
    assert_eq!(receiver.ids("").len(), 2);
    let local = receiver.path(".retake/workspace.local.toml");
    let text = fs::read_to_string(&local).unwrap();
    let other = maker.folder().join("other.json");
    fs::write(&other, array(&[record("more", "More?", "x", "y")])).unwrap();
    let old = maker.folder().join("outside.json");
    let text = text.replace(&*old.to_string_lossy(), &other.to_string_lossy());
    fs::write(&local, text).unwrap();
    let found = receiver.ids("");
    assert!(!found.contains(&"outside/more".to_owned()), "{found:?}");
    let sources = receiver.json(["sources", "--format", "json"]);
    assert!(
        sources[1]["closed"].to_string().contains("retake trust"),
        "{sources}"
    );
    let text = receiver.retake(["sources"]).ends_with(3).stdout;
    assert!(
        text.contains("closed") && text.contains("retake trust"),
        "{text}"
    );
    // What is known of it stays in the index; its file is not touched.
    let shown = receiver.retake(["show", "outside/out"]).ends_with(1);
    assert!(shown.stderr.contains("retake trust"), "{shown:?}");
}

#[test]
fn what_it_may_do_is_told_by_the_place_not_by_the_user() {
    let (maker, receiver) = (User::new("trust-place-maker"), User::new("trust-place"));
    copied(&maker, &receiver);
    receiver.retake(["trust"]).succeeds();
    // The same files in another folder are another workspace.
    let moved = receiver.folder().join("moved");
    fs::rename(receiver.path(""), &moved).unwrap();
    fs::create_dir(receiver.path("")).unwrap();
    let sources = receiver.retake([
        "--workspace".as_ref(),
        moved.as_os_str(),
        "sources".as_ref(),
    ]);
    assert!(sources.stdout.contains("retake trust"), "{sources:?}");
}

/// A link inside the workspace leads outside as well as a path does.
#[cfg(unix)]
#[test]
fn links_lead_nowhere() {
    let (maker, receiver) = (User::new("trust-link-maker"), User::new("trust-link"));
    copied(&maker, &receiver);
    std::os::unix::fs::symlink(
        maker.folder().join("outside.json"),
        receiver.path("link.json"),
    )
    .unwrap();
    let file = receiver.path(".retake/workspace.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(
        &file,
        format!("{text}\n[[source]]\nname = \"link\"\npath = \"link.json\"\n"),
    )
    .unwrap();
    assert_eq!(receiver.ids(""), ["inside/in"]);

    // A folder inside, with a link to a file outside in it.
    fs::create_dir(receiver.path("folder")).unwrap();
    std::os::unix::fs::symlink(
        maker.folder().join("outside.json"),
        receiver.path("folder/link.json"),
    )
    .unwrap();
    fs::write(
        &file,
        format!("{text}\n[[source]]\nname = \"folder\"\npath = \"folder\"\n"),
    )
    .unwrap();
    assert_eq!(receiver.ids(""), ["inside/in"]);
    let index = receiver.retake(["index"]);
    assert!(
        index.stderr.contains("link.json") && index.stderr.contains("retake trust"),
        "{index:?}"
    );
    receiver.retake(["trust"]).succeeds();
    assert_eq!(receiver.ids("source:folder"), ["folder/out"]);
}
