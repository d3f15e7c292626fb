use std::io::{BufRead, IsTerminal};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;

use crate::config::PictureConfig;
use crate::controller::{ChatRequest, Content, ContentPart, Controller, ImageUrl, RequestMessage};
use crate::media;
use crate::model::ModelError;
use crate::report::Report;

use super::Ended;
use super::controller_args::ControllerArgs;
use super::output::Output;
use super::serve::limits;
use super::session::{Session, interruptible};

/// Talk to a model, to see what it is like
///
/// With a question it answers this one; without it reads questions line by line until the end of its input.
#[derive(Debug, Args)]
pub struct ChatArgs {
    #[command(flatten)]
    controller: ControllerArgs,
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
}

pub(super) fn run(args: &ChatArgs, session: &Session, output: &mut Output) -> Ended {
    let pictures = args
        .image
        .iter()
        .map(|path| picture(path, &session.config.pictures))
        .collect::<Result<Vec<_>, _>>()?;
    // Without a workspace there are the user's own names.
    let workspace = session.workspace().ok();
    let controller = args
        .controller
        .connect(session, workspace.as_ref(), output)?;
    let takes_text_alone = controller.provenance().takes_pictures == Some(false);
    if !pictures.is_empty() && takes_text_alone && !args.controller.drop_images {
        return Err(ModelError::NoPictures.into());
    }
    let mut chat = Chat {
        controller,
        messages: args
            .system
            .iter()
            .map(|text| RequestMessage::text("system", text))
            .collect(),
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

/// A file with a picture as a part of a message; one that can't be decoded is an error.
fn picture(path: &Path, settings: &PictureConfig) -> Result<ContentPart, Report> {
    let bytes = std::fs::read(path)
        .map_err(|error| Report::failure(format!("{} can't be read: {error}", path.display())))?;
    if let Err(error) = media::decode(&bytes, &limits(settings)) {
        let problem = Report::from_error(&error).message;
        return Err(Report::failure(format!("{}: {problem}", path.display())));
    }
    let kind = image::guess_format(&bytes).map_or("image/png", |format| format.to_mime_type());
    let image_url = ImageUrl {
        url: format!("data:{kind};base64,{}", STANDARD.encode(bytes)),
    };
    Ok(ContentPart::ImageUrl { image_url })
}

struct Chat<'a> {
    controller: Box<dyn Controller>,
    messages: Vec<RequestMessage>,
    args: &'a ChatArgs,
}

impl Chat<'_> {
    fn ask(
        &mut self,
        question: &str,
        pictures: Vec<ContentPart>,
        output: &mut Output,
    ) -> Result<(), Report> {
        let mut message = RequestMessage::text("user", question);
        if !pictures.is_empty() {
            let mut parts = pictures;
            parts.push(ContentPart::Text {
                text: question.to_owned(),
            });
            message.content = Some(Content::Parts(parts));
        }
        self.messages.push(message);
        let request = ChatRequest {
            messages: self.messages.clone(),
            max_tokens: Some(self.args.max_tokens),
            temperature: self.args.temperature,
            seed: Some(self.args.seed),
            ..ChatRequest::default()
        };
        let controller = &mut self.controller;
        let mut failed = None;
        let reply = interruptible(|progress| {
            controller.propose(&request, progress, &mut |delta| {
                let written = output.text(&delta.text).and_then(|()| output.flush());
                if let Err(report) = written {
                    failed.get_or_insert(report);
                    progress.cancel();
                }
            })
        });
        if let Some(report) = failed {
            return Err(report);
        }
        let reply = reply?;
        output.line("")?;
        output.flush()?;
        let answer = reply.candidates.into_iter().next().map(|made| made.text);
        let answer = RequestMessage::text("assistant", answer.unwrap_or_default());
        self.messages.push(answer);
        Ok(())
    }
}
