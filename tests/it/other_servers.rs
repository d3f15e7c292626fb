//! The client against a server of another project that runs: `tests/servers/check.py` starts one.
#![allow(clippy::print_stdout)] // Whoever runs this by hand reads what was said.

use std::collections::BTreeSet;

use retake::config::Config;
use retake::controller::{
    ChatRequest, Controller, ControllerError, Delta, Reply, RequestMessage, StopTexts,
};
use retake::jobs::Progress;
use retake::serve::{ConnectError, Connector, WantedModel};

const KEY: &str = "RETAKE_OTHER_KEY";

fn connect(server: &str, key: Option<&str>) -> Result<Box<dyn Controller>, ConnectError> {
    let connector = Connector::new(&Config::load(None).unwrap(), None, None).unwrap();
    let wanted = WantedModel {
        model: Some(server.to_owned()),
        key_variable: key.map(str::to_owned),
        ..WantedModel::default()
    };
    connector.connect(&wanted, &Progress::default())
}

fn request(question: &str) -> ChatRequest {
    ChatRequest {
        messages: vec![
            RequestMessage::text("system", "You answer in one sentence."),
            RequestMessage::text("user", question),
        ],
        temperature: Some(0.0),
        max_tokens: Some(24),
        seed: Some(7),
        ..ChatRequest::default()
    }
}

fn ask(controller: &mut dyn Controller, request: &ChatRequest) -> (Reply, Vec<Delta>) {
    let mut told = Vec::new();
    let reply = controller.propose(request, &Progress::default(), &mut |delta| told.push(delta));
    (reply.unwrap(), told)
}

#[test]
#[ignore = "needs a server: tests/servers/check.py"]
fn a_server_of_another_project_is_understood() {
    let server = std::env::var("RETAKE_OTHER_SERVER").expect("RETAKE_OTHER_SERVER");
    let key = std::env::var(KEY).is_ok().then_some(KEY);
    let mut controller = connect(&server, key).unwrap();
    let controller = controller.as_mut();
    let known = controller.provenance();
    assert_eq!(known.server.as_deref(), Some(server.as_str()));
    assert!(
        !known.model.is_empty() && known.weights.is_none(),
        "{known:?}"
    );

    // Piece by piece, the same each time.
    let greedy = request("What is the capital of France?");
    let (reply, told) = ask(controller, &greedy);
    let text = reply.candidates[0].text.clone();
    assert!(text.split_whitespace().count() > 3, "{text}");
    assert!(told.len() > 3, "{told:?}");
    let pieces: String = told.iter().map(|delta| delta.text.as_str()).collect();
    assert_eq!(pieces, text);
    assert!(matches!(
        reply.candidates[0].finish.as_deref(),
        Some("stop" | "length")
    ));
    assert_eq!(ask(controller, &greedy).0.candidates[0].text, text);
    println!("{}: {text}", known.model);

    // As many candidates as were asked for, though this server makes one at a time.
    let several = ChatRequest {
        n: Some(3),
        temperature: Some(1.5),
        ..request("Tell me of a town that you like.")
    };
    let (reply, told) = ask(controller, &several);
    let texts: BTreeSet<&str> = reply
        .candidates
        .iter()
        .map(|made| made.text.as_str())
        .collect();
    assert_eq!((reply.candidates.len(), texts.len()), (3, 3), "{texts:?}");
    let candidates: BTreeSet<usize> = told.iter().map(|delta| delta.candidate).collect();
    assert_eq!(candidates, BTreeSet::from([0, 1, 2]));

    // A stop text ends a candidate and is no part of it.
    let word = text.split_whitespace().nth(2).unwrap();
    let stopped = ChatRequest {
        stop: Some(StopTexts::Several(vec![word.to_owned()])),
        ..greedy.clone()
    };
    let made = ask(controller, &stopped).0.candidates.remove(0);
    assert_eq!(made.finish.as_deref(), Some("stop"));
    assert_eq!(made.text, text[..text.find(word).unwrap()]);
    let short = ChatRequest {
        max_tokens: Some(2),
        ..greedy.clone()
    };
    assert_eq!(
        ask(controller, &short).0.candidates[0].finish.as_deref(),
        Some("length")
    );

    // Stopped in the middle, it answers the next.
    let long = ChatRequest {
        max_tokens: Some(500),
        ..request("Tell me a long story.")
    };
    let progress = Progress::default();
    let reply = controller.propose(&long, &progress, &mut |_| progress.cancel());
    assert!(
        matches!(reply, Err(ControllerError::Cancelled(_))),
        "{reply:?}"
    );
    assert_eq!(ask(controller, &greedy).0.candidates[0].text, text);

    // What it refuses is told in its words, if it has any: some begin to answer first, and then just end.
    let too_long = request(&"What? ".repeat(10_000));
    let error = controller
        .propose(&too_long, &Progress::default(), &mut |_| {})
        .unwrap_err();
    println!("{error}");
    assert!(
        matches!(
            error,
            ControllerError::Refused { status: 400, .. } | ControllerError::Cut { received: 0, .. }
        ),
        "{error}"
    );
    assert_eq!(ask(controller, &greedy).0.candidates[0].text, text);
    if key.is_some() {
        let error = connect(&server, None).err().unwrap();
        assert!(
            matches!(
                error,
                ConnectError::Controller(ControllerError::Refused { status: 401, .. })
            ),
            "{error}"
        );
    }
}
