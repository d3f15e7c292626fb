use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use crossbeam::channel::{Receiver, Sender, TrySendError, bounded};
use tokio::sync::mpsc::UnboundedSender;

use super::ServeOptions;
use super::conversation::generation;
use super::error::Refusal;
use super::limits::MOST_WAITING;
use crate::controller::ChatRequest;
use crate::jobs::Progress;
use crate::model::{Completion, GenerationStatistics, Generator, Model, ModelError, Piece, Told};

/// What comes of a request, in order: pieces, and then one of the others.
#[derive(Debug)]
pub(super) enum Outcome {
    /// So many tokens of the prompt are read, of so many.
    Reading(usize, usize),
    /// A piece of a candidate.
    Piece(Piece),
    /// All candidates.
    Done(Vec<Completion>, GenerationStatistics),
    /// There will be none.
    Failed(Refusal),
}

/// A request and where its outcome goes.
pub(super) struct Work {
    /// What is asked for.
    pub request: ChatRequest,
    /// What settles the draws where the request does not say.
    pub seed: u64,
    /// Where pieces go; nobody there ends the work.
    pub outcomes: UnboundedSender<Outcome>,
    /// Ends the work, too.
    pub progress: Progress,
}

/// The thread that owns the model.
#[derive(Clone)]
pub(super) struct Worker {
    queue: Sender<Work>,
}

impl Worker {
    /// Starts the thread. It ends with the last clone of this.
    pub fn start(model: Arc<Model>, options: Arc<ServeOptions>) -> std::io::Result<Self> {
        let (queue, work) = bounded(MOST_WAITING);
        thread::Builder::new()
            .name("model".to_owned())
            .spawn(move || run(&model, &options, &work))?;
        Ok(Self { queue })
    }

    /// Puts work behind that which waits.
    pub fn submit(&self, work: Work) -> Result<(), Refusal> {
        self.queue.try_send(work).map_err(|error| match error {
            TrySendError::Full(_) => Refusal {
                status: 503,
                kind: "overloaded_error",
                message: format!("{MOST_WAITING} requests are waiting"),
            },
            TrySendError::Disconnected(_) => Refusal::server("the model has ended"),
        })
    }
}

fn run(model: &Arc<Model>, options: &ServeOptions, queue: &Receiver<Work>) {
    let mut generator = Generator::new(Arc::clone(model));
    for work in queue {
        // What a library does not expect is no reason to end the server.
        let done = catch_unwind(AssertUnwindSafe(|| answer(&mut generator, options, &work)));
        let outcome = match done {
            Ok(Ok((completions, statistics))) => Outcome::Done(completions, statistics),
            Ok(Err(refusal)) => Outcome::Failed(refusal),
            Err(_) => {
                generator = Generator::new(Arc::clone(model));
                Outcome::Failed(Refusal::server(
                    "the model failed in a way that was not foreseen",
                ))
            }
        };
        // Whoever asked may be gone.
        let _ = work.outcomes.send(outcome);
    }
}

fn answer(
    generator: &mut Generator,
    options: &ServeOptions,
    work: &Work,
) -> Result<(Vec<Completion>, GenerationStatistics), Refusal> {
    work.progress
        .check()
        .map_err(|cancelled| Refusal::from(ModelError::from(cancelled)))?;
    if work.request.cache_prompt == Some(false) {
        generator.forget();
    }
    let request = generation(&work.request, generator.model(), options, work.seed)?;
    let tells_reading = work.request.return_progress == Some(true);
    let mut tell = |told: Told| {
        let outcome = match told {
            Told::Piece(piece) => Outcome::Piece(piece),
            Told::Reading { read, total } if tells_reading => Outcome::Reading(read, total),
            Told::Reading { .. } => return,
        };
        if work.outcomes.send(outcome).is_err() {
            work.progress.cancel();
        }
    };
    Ok(generator.generate(&request, &work.progress, &mut tell)?)
}
