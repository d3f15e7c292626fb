//! Candidates of two temperatures from retake's own server, over a real connection: one request in the place of two.

use std::path::Path;
use std::thread;

use serde_json::Value;

use super::*;
use crate::config::Config;
use crate::controller::{
    Address, Controller, ControllerError, HttpController, HttpOptions, Provenance,
};
use crate::domain::{Context, Task};
use crate::jobs::Progress;
use crate::media::DecodeLimits;
use crate::model::{Model, ModelOptions, Sampling};
use crate::serve::{Access, Bound, ServeOptions, Server};

struct Running {
    address: String,
    stop: Progress,
}

impl Running {
    fn start() -> Self {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = package.join("tests/reference/runnable/text");
        let model = Model::open(&folder, &ModelOptions::default(), &Progress::default()).unwrap();
        let options = ServeOptions {
            provenance: Provenance::named("text"),
            access: Access::Open,
            picture_roots: None,
            picture_limits: DecodeLimits::default(),
            sampling: Sampling::greedy(),
            drops_images: false,
            idle: None,
        };
        let bound = Bound::Tcp("127.0.0.1:0".parse().unwrap());
        let server = Server::bind(model, options, &bound).unwrap();
        let Bound::Tcp(address) = *server.bound() else {
            panic!()
        };
        let stop = Progress::default();
        let stopped = stop.clone();
        thread::spawn(move || server.run(&stopped));
        Self {
            address: format!("http://{address}/v1"),
            stop,
        }
    }

    fn controller(&self) -> HttpController {
        let address = Address::new(&self.address).unwrap();
        HttpController::new(address, "text", HttpOptions::default())
    }

    /// How many requests for candidates came before this one, which is one itself: answers are numbered.
    fn requests(&self) -> u64 {
        let body = r#"{"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1}"#;
        let answer = ureq::post(format!("{}/chat/completions", self.address)).send(body);
        let text = answer.unwrap().body_mut().read_to_string().unwrap();
        let answer: Value = serde_json::from_str(&text).unwrap();
        let id = answer["id"].as_str().unwrap();
        u64::from_str_radix(id.rsplit('-').next().unwrap(), 16).unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn draw(count: usize) -> Draw {
    let config = Config::load(None).unwrap().rollout;
    let mut draw = Draw::of_config(&config, PromptForm::ToolCalls, count, 5);
    draw.first.max_tokens = Some(24);
    draw.others.max_tokens = Some(24);
    draw
}

fn loaded() -> LoadedPrompt {
    let context = Context {
        task: Task {
            text: "Count the boats.".to_owned(),
            ..Task::default()
        },
        ..Context::default()
    };
    let prompt = prompt(&context).unwrap();
    prompt.load(&Pictures::default()).unwrap()
}

fn asked(controller: &mut HttpController, batches: &[Batch]) -> Vec<Proposal> {
    let progress = Progress::default();
    propose(controller, &loaded(), batches, None, &progress, &mut |_| {}).unwrap()
}

fn replies(proposals: &[Proposal]) -> Vec<&str> {
    let reply = |one: &Proposal| one.candidate.reply.as_deref().map(str::len);
    assert!(proposals.iter().all(|one| reply(one) > Some(0)));
    let replies = proposals
        .iter()
        .map(|one| one.candidate.reply.as_deref().unwrap());
    replies.collect()
}

#[test]
fn one_request_makes_the_candidates_of_two() {
    let server = Running::start();
    let mut controller = server.controller();
    assert!(!controller.draws_each(), "nothing is known of it yet");
    let draw = draw(4);
    let apart = asked(&mut controller, &batches(&draw, 1, false));
    assert_eq!(server.requests(), 2);
    // The server tells what it takes.
    let listed = controller.listed().unwrap().remove(0);
    controller.set_provenance(listed);
    assert!(controller.draws_each());
    let batches = batches(&draw, 1, controller.draws_each());
    let together = asked(&mut controller, &batches);
    assert_eq!(server.requests(), 2 + 1 + 1, "the counting, and one more");
    assert_eq!(replies(&together), replies(&apart));
    // The temperatures count: a cold first one in the place of a warm one is another text, and so are warm others.
    let same = |temperature: f32| {
        let mut draw = draw.clone();
        draw.first.temperature = Some(temperature);
        draw.others.temperature = Some(temperature);
        super::batches(&draw, 1, true)
    };
    let (cold, warm) = (same(0.7), same(1.2));
    let (cold, warm) = (asked(&mut controller, &cold), asked(&mut controller, &warm));
    assert_eq!(replies(&together)[0], replies(&cold)[0]);
    assert_ne!(replies(&together)[0], replies(&warm)[0]);
    assert_eq!(replies(&together)[1..], replies(&warm)[1..]);
    assert_ne!(replies(&together)[1..], replies(&cold)[1..]);
    // Each tells how it was drawn, and with what.
    for (place, proposal) in together.iter().enumerate() {
        let made = proposal.candidate.generation.as_ref().unwrap();
        assert_eq!((made.place, made.batch), (place, 4));
        assert_eq!(made.seed, Some(draw.step_seed(1)));
        assert_eq!(made.temperatures, [0.7, 1.2, 1.2, 1.2]);
        assert_eq!(made.sampling.temperature, Some(made.temperatures[place]));
    }
    let generation = |proposals: &[Proposal]| {
        let made = proposals[1].candidate.generation.as_ref().unwrap();
        (made.place, made.batch, made.temperatures.clone())
    };
    assert_eq!(generation(&apart), (0, 3, Vec::new()));
}

#[test]
fn a_server_that_does_not_say_so_is_not_asked_for_it() {
    let server = Running::start();
    let mut controller = server.controller();
    let refused = propose(
        &mut controller,
        &loaded(),
        &batches(&draw(2), 0, true),
        None,
        &Progress::default(),
        &mut |_| {},
    );
    assert!(matches!(
        refused,
        Err(RolloutError::Controller(ControllerError::OneDraw { .. }))
    ));
    assert_eq!(server.requests(), 0);
}
