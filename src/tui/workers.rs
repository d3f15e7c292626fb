//! The threads that effects run on. What repeats keeps only its newest request; decisions are saved in order, all of them.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use crate::jobs::{Order, Worker};
use crate::report::Report;

use super::backend::Backend;
use super::effect::{Effect, Message, Purpose};
use super::rerun::RerunVerb;

/// Pictures that wait; older ones are given up.
const PICTURES: usize = 6;

/// One worker for each kind of effect, so that none waits for another.
pub struct Workers {
    search: Worker<Effect>,
    count: Worker<Effect>,
    preview: Worker<Effect>,
    pictures: Worker<Effect>,
    decisions: Worker<Effect>,
    sandbox: Worker<Effect>,
    exports: Worker<Effect>,
    reruns: Worker<Effect>,
    others: Worker<Effect>,
    sender: Sender<Message>,
}

impl Workers {
    /// Starts them.
    pub fn start(backend: &Arc<Backend>, sender: &Sender<Message>) -> Result<Self, Report> {
        let start = |name: &str, order: Order| {
            let (backend, told, panicked) = (Arc::clone(backend), sender.clone(), sender.clone());
            let perform = move |effect: Effect| {
                let tell = |message: Message| {
                    // Who has left needs no answer.
                    let _ = told.send(message);
                };
                backend.perform(effect, &tell);
            };
            let broken = move |reason: String| {
                let _ = panicked.send(Message::Broken(reason));
            };
            Worker::start(name, order, perform, broken)
                .map_err(|error| Report::failure(format!("a thread can't be started: {error}")))
        };
        Ok(Self {
            search: start("search", Order::OnlyNewest)?,
            count: start("count", Order::OnlyNewest)?,
            preview: start("preview", Order::OnlyNewest)?,
            pictures: start("pictures", Order::NewestFirst(PICTURES))?,
            decisions: start("decisions", Order::AsTheyCame)?,
            sandbox: start("sandbox", Order::AsTheyCame)?,
            exports: start("exports", Order::AsTheyCame)?,
            reruns: start("reruns", Order::AsTheyCame)?,
            others: start("others", Order::AsTheyCame)?,
            sender: sender.clone(),
        })
    }

    /// Hands an effect to its worker.
    pub fn perform(&self, effect: Effect) {
        let worker = match &effect {
            Effect::Search(_) => &self.search,
            Effect::Count(_) => &self.count,
            Effect::Inspect(request) if request.purpose == Purpose::Preview => &self.preview,
            Effect::Picture(_) => &self.pictures,
            Effect::OfRerun(_, RerunVerb::Cancel(_)) => &self.others,
            Effect::Commit(_)
            | Effect::Reverse(_)
            | Effect::OfRerun(..)
            | Effect::KeepQueries(_) => &self.decisions,
            Effect::RunAgain(..) | Effect::ReadAttachment(..) => &self.sandbox,
            Effect::Export(..) => &self.exports,
            Effect::Rerun(..) | Effect::WorkOnRerun(..) => &self.reruns,
            _ => &self.others,
        };
        if let Some(Effect::Picture(given_up)) = worker.submit(effect) {
            let _ = self.sender.send(Message::PictureGivenUp(given_up));
        }
    }

    /// Waits for decisions that are being saved, and gives up the rest.
    pub fn finish(self) {
        self.decisions.finish();
    }
}
