use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use image::RgbImage;

use crate::media;
use crate::model::{
    CandidateOptions, ChatMessage, ChatPart, GenerationRequest, Generator, PictureSize, Sampling,
};
use crate::report::Report;

use super::Ended;
use super::model::{LoadArgs, load};
use super::output::Output;
use super::serve::limits;
use super::session::{Session, interruptible};

/// Talk to a model, to see what it is like
///
/// With a question it answers this one; without it reads questions line by line until the end of its input.
#[derive(Debug, Args)]
pub struct ChatArgs {
    #[command(flatten)]
    load: LoadArgs,
    /// The question
    question: Vec<String>,
    /// A picture for the first question; may be given several times
    #[arg(long, value_name = "FILE")]
    image: Vec<PathBuf>,
    /// What the model is told before
    #[arg(long, value_name = "TEXT")]
    system: Option<String>,
    /// Tokens of an answer at most
    #[arg(long, value_name = "N", default_value_t = 512)]
    max_tokens: usize,
    /// How freely tokens are drawn; 0 takes the best (else what the model's makers suggest)
    #[arg(long, value_name = "T")]
    temperature: Option<f32>,
    /// What settles the draws
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Leave pictures out where the model takes text alone
    #[arg(long)]
    drop_images: bool,
}

pub(super) fn run(args: &ChatArgs, session: &Session, output: &mut Output) -> Ended {
    let mut pictures = Vec::new();
    for path in &args.image {
        let bytes = std::fs::read(path).map_err(|error| {
            Report::failure(format!("{} can't be read: {error}", path.display()))
        })?;
        let picture = media::decode(&bytes, &limits(&session.config.pictures));
        let picture = picture.map_err(|error| {
            let problem = Report::from_error(&error).message;
            Report::failure(format!("{}: {problem}", path.display()))
        })?;
        pictures.push(picture.to_rgb8());
    }
    let model = load(&args.load, session, output)?;
    if args.drop_images && !model.takes_pictures() {
        pictures.clear();
    }
    let mut chat = Chat {
        sampling: Sampling {
            temperature: args
                .temperature
                .unwrap_or(model.suggested_sampling().temperature),
            ..model.suggested_sampling()
        },
        generator: Generator::new(Arc::new(model)),
        messages: args
            .system
            .iter()
            .map(|text| ChatMessage::text("system", text))
            .collect(),
        shown: Vec::new(),
        args,
    };
    if !args.question.is_empty() {
        chat.ask(&args.question.join(" "), pictures, output)?;
        return Ok(None);
    }
    let input = std::io::stdin();
    let watched = input.is_terminal();
    let mut pictures = Some(pictures);
    loop {
        if watched {
            output.text("> ")?;
            output.flush()?;
        }
        let mut line = String::new();
        if input.lock().read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let question = line.trim();
        if !question.is_empty() {
            chat.ask(question, pictures.take().unwrap_or_default(), output)?;
        }
    }
}

struct Chat<'a> {
    generator: Generator,
    messages: Vec<ChatMessage>,
    shown: Vec<RgbImage>,
    sampling: Sampling,
    args: &'a ChatArgs,
}

impl Chat<'_> {
    fn ask(
        &mut self,
        question: &str,
        pictures: Vec<RgbImage>,
        output: &mut Output,
    ) -> Result<(), Report> {
        let mut message = ChatMessage::text("user", question);
        for (place, picture) in pictures.into_iter().enumerate() {
            let (width, height) = picture.dimensions();
            let size = PictureSize { width, height };
            message.content.insert(place, ChatPart::Picture(size));
            self.shown.push(picture);
        }
        self.messages.push(message);
        let prompt = self
            .generator
            .model()
            .chat_prompt(&self.messages, &[], &self.shown)?;
        let request = GenerationRequest {
            prompt,
            candidates: vec![CandidateOptions {
                sampling: self.sampling,
                seed: self.args.seed,
                stop: Vec::new(),
                max_tokens: Some(self.args.max_tokens),
            }],
            logprobs: None,
        };
        let generator = &mut self.generator;
        let mut failed = None;
        let made = interruptible(|progress| {
            generator.generate(&request, progress, &mut |piece| {
                let written = output.text(&piece.text).and_then(|()| output.flush());
                if let Err(report) = written {
                    failed.get_or_insert(report);
                    progress.cancel();
                }
            })
        });
        if let Some(report) = failed {
            return Err(report);
        }
        let (made, _) = made?;
        output.line("")?;
        output.flush()?;
        let answer = made.into_iter().next().map(|made| made.text);
        let answer = ChatMessage::text("assistant", answer.unwrap_or_default());
        self.messages.push(answer);
        Ok(())
    }
}
