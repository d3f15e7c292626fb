//! Tools that a model answers: questions about a picture, questions about a file.

use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::ImageFormat;
use serde_json::{Map, Value};

use super::builtin::{Failure, Surroundings, arguments::Arguments, document_text};
use super::signature::schema;
use super::tool::{Patience, Provider, Tool};
use crate::controller::{ChatRequest, Content, ContentPart, Controller, ImageUrl, RequestMessage};
use crate::jobs::Progress;
use crate::media::{DecodeLimits, decode};
use crate::sandbox::{Answer, Call, PythonValue};

/// Makes a controller for one call; an error says in words why there is none.
pub type MakeController = Arc<dyn Fn() -> Result<Box<dyn Controller>, String> + Send + Sync>;

/// A model that tools ask.
#[derive(Clone)]
pub struct ModelAccess {
    /// What it is called where calls are shown.
    pub name: String,
    /// Makes a controller for it.
    pub make: MakeController,
    /// Whoever cancels it wants no answer any more.
    pub progress: Progress,
}

/// How long a model may take for an answer: a large one on a CPU needs minutes.
const ANSWER: Duration = Duration::from_secs(600);

/// Tokens of an answer at most.
const MOST_TOKENS: usize = 1_024;

/// Characters of a file's text that a model reads at most.
const MOST_CHARACTERS: usize = 48_000;

/// What to do where no model is set.
const NO_MODEL: &str = "it needs a vision-language model, and none is set: name one with --model, or as `controller.model` in the settings";

impl ModelAccess {
    /// Asks with a conversation and gives the answer's text: the likeliest one. An error says in words why there is none.
    pub(super) fn ask(&self, messages: Vec<RequestMessage>) -> Result<String, String> {
        let mut controller = (self.make)()?;
        // The question needs its part of a small context.
        let context = controller.provenance().context;
        let half = context.and_then(|tokens| usize::try_from(tokens / 2).ok());
        let request = ChatRequest {
            messages,
            n: Some(1),
            seed: Some(0),
            temperature: Some(0.0),
            max_tokens: Some(half.unwrap_or(MOST_TOKENS).min(MOST_TOKENS)),
            ..ChatRequest::default()
        };
        let reply = controller
            .propose(&request, &self.progress, &mut |_| {})
            .map_err(|error| error.to_string())?;
        let candidate = reply.candidates.into_iter().next();
        let text = candidate.map(|candidate| candidate.text.trim().to_owned());
        text.filter(|text| !text.is_empty())
            .ok_or_else(|| format!("{} answered with nothing", self.name))
    }
}

/// One tool: a row of [`TOOLS`].
struct Asking {
    name: &'static str,
    description: &'static str,
    /// Name, JSON type, whether it may be left out.
    parameters: &'static [(&'static str, &'static str, bool)],
    /// The conversation that is put to the model.
    messages: fn(&Arguments<'_>, &Surroundings) -> Result<Vec<RequestMessage>, Failure>,
}

const TOOLS: &[Asking] = &[
    Asking {
        name: "visualizer",
        description: "Answers a question about a picture.",
        parameters: &[
            ("question", "string", false),
            ("image_path", "string", false),
        ],
        messages: about_a_picture,
    },
    Asking {
        name: "inspect_file_as_text",
        description: "Answers a question about a file.",
        parameters: &[("file_path", "string", false), ("question", "string", true)],
        messages: about_a_file,
    },
];

/// The tools that a model answers. Without a model they are unavailable and say what to configure.
pub fn model_tools(model: Option<ModelAccess>, surroundings: &Surroundings) -> Provider {
    let label = match &model {
        Some(model) => format!("model:{}", model.name),
        None => "model".to_owned(),
    };
    let tool = |asking: &'static Asking| {
        Arc::new(ModelTool {
            asking,
            model: model.clone(),
            surroundings: surroundings.clone(),
        }) as Arc<dyn Tool>
    };
    Provider {
        label,
        tools: TOOLS.iter().map(tool).collect(),
    }
}

struct ModelTool {
    asking: &'static Asking,
    model: Option<ModelAccess>,
    surroundings: Surroundings,
}

impl Tool for ModelTool {
    fn name(&self) -> &str {
        self.asking.name
    }

    fn description(&self) -> &str {
        self.asking.description
    }

    fn parameters(&self) -> Value {
        schema(self.asking.parameters)
    }

    fn call(&self, call: &Call) -> Answer {
        let messages = Arguments::bind(call, self.asking.parameters)
            .map_err(Failure::Error)
            .and_then(|arguments| {
                let Some(model) = &self.model else {
                    return Err(Failure::Unavailable(NO_MODEL.to_owned()));
                };
                let messages = (self.asking.messages)(&arguments, &self.surroundings)?;
                model.ask(messages).map_err(Failure::Unavailable)
            });
        match messages {
            Ok(text) => Answer::Value(PythonValue::Str(text)),
            Err(Failure::Error(message)) => Answer::Error(message),
            Err(Failure::Unavailable(reason)) => Answer::Unavailable(reason),
        }
    }

    fn patience(&self) -> Patience {
        Patience::Within(ANSWER)
    }
}

fn about_a_picture(
    arguments: &Arguments<'_>,
    surroundings: &Surroundings,
) -> Result<Vec<RequestMessage>, Failure> {
    let question = arguments.text("question").map_err(Failure::Error)?;
    let path = arguments.text("image_path").map_err(Failure::Error)?;
    let limits = DecodeLimits::default();
    let url = data_url(&surroundings.bytes(path, &limits)?, &limits)?;
    let picture = ContentPart::ImageUrl {
        image_url: ImageUrl { url },
    };
    let text = ContentPart::Text {
        text: question.to_owned(),
    };
    Ok(vec![RequestMessage {
        role: "user".to_owned(),
        content: Some(Content::Parts(vec![picture, text])),
        fields: Map::new(),
    }])
}

fn about_a_file(
    arguments: &Arguments<'_>,
    surroundings: &Surroundings,
) -> Result<Vec<RequestMessage>, Failure> {
    let Some(_) = arguments.get("question") else {
        // The native tool gives the text; what failed there fails here.
        return Err(Failure::Unavailable(String::new()));
    };
    let question = arguments.text("question").map_err(Failure::Error)?;
    let path = arguments.text("file_path").map_err(Failure::Error)?;
    let text = document_text(path, surroundings)?;
    let mut shown: String = text.chars().take(MOST_CHARACTERS).collect();
    if shown.len() < text.len() {
        shown.push_str("\n[The file goes on; this is its beginning.]");
    }
    let asked = format!("The file {path}:\n\n{shown}\n\n{question}");
    Ok(vec![RequestMessage::text("user", asked)])
}

/// A picture as a `data:` URL. Formats that not every server knows become PNG.
fn data_url(bytes: &[u8], limits: &DecodeLimits) -> Result<String, Failure> {
    let format = image::guess_format(bytes).ok();
    if let Some(format @ (ImageFormat::Png | ImageFormat::Jpeg)) = format {
        return Ok(url(format, bytes));
    }
    let mut png = Vec::new();
    decode(bytes, limits)?
        .write_to(&mut Cursor::new(&mut png), ImageFormat::Png)
        .map_err(|error| Failure::Error(format!("the picture can't be passed on: {error}")))?;
    Ok(url(ImageFormat::Png, &png))
}

fn url(format: ImageFormat, bytes: &[u8]) -> String {
    format!(
        "data:{};base64,{}",
        format.to_mime_type(),
        STANDARD.encode(bytes)
    )
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::listening::model;
    use super::*;
    use crate::media::PictureRoots;
    use crate::sandbox::{Limits, Pool, WorkerCommand};

    fn surroundings(name: &str) -> (Surroundings, std::path::PathBuf) {
        let folder = std::env::temp_dir().join(format!("retake-{name}-{}", std::process::id()));
        fs::create_dir_all(folder.join("root")).unwrap();
        let picture = image::RgbImage::from_pixel(3, 2, image::Rgb([9, 8, 7]));
        picture.save(folder.join("root/a.png")).unwrap();
        picture.save(folder.join("root/a.bmp")).unwrap();
        let surroundings = Surroundings {
            roots: Arc::new(PictureRoots::new(vec![folder.join("root")])),
            pictures: folder.join("blobs"),
            pool: Pool::new(
                WorkerCommand::of("/nonexistent".into()),
                Limits::default(),
                1,
                Progress::default(),
            ),
        };
        (surroundings, folder)
    }

    fn call(name: &str, arguments: &[&str]) -> Call {
        let text = |text: &&str| PythonValue::Str((*text).to_owned());
        Call {
            index: 0,
            name: name.to_owned(),
            arguments: arguments.iter().map(text).collect(),
            keywords: Vec::new(),
        }
    }

    #[test]
    fn a_question_about_a_picture_reaches_the_model_with_its_pixels() {
        let (surroundings, folder) = surroundings("visualizer");
        let (model, requests) = model("eyes", Some(" Two boats.\n"));
        let provider = model_tools(Some(model), &surroundings);
        assert_eq!(provider.label, "model:eyes");
        let visualizer = provider.tool("visualizer").unwrap();
        for path in ["a.png", "a.bmp"] {
            let answer = visualizer.call(&call("visualizer", &["How many boats?", path]));
            assert_eq!(
                answer,
                Answer::Value(PythonValue::Str("Two boats.".to_owned()))
            );
            let request = requests.lock().unwrap().pop().unwrap();
            assert_eq!(request.temperature, Some(0.0));
            let Some(Content::Parts(parts)) = &request.messages[0].content else {
                panic!("{request:?}");
            };
            let ContentPart::ImageUrl { image_url } = &parts[0] else {
                panic!("{parts:?}");
            };
            let bytes = image_url
                .url
                .strip_prefix("data:image/png;base64,")
                .unwrap();
            let pixels = image::load_from_memory(&STANDARD.decode(bytes).unwrap()).unwrap();
            assert_eq!(pixels.to_rgb8().get_pixel(2, 1).0, [9, 8, 7]);
            assert!(matches!(&parts[1], ContentPart::Text { text } if text == "How many boats?"));
        }
        for arguments in [vec!["q", "missing.png"], vec!["q"], vec!["q", "../x.png"]] {
            let answer = visualizer.call(&call("visualizer", &arguments));
            assert!(matches!(answer, Answer::Error(_)), "{answer:?}");
        }
        assert!(requests.lock().unwrap().is_empty());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn without_a_model_or_an_answer_a_call_is_unavailable_and_says_why() {
        let (surroundings, folder) = surroundings("no-model");
        let reason = |model: Option<ModelAccess>| {
            let provider = model_tools(model, &surroundings);
            let tool = provider.tool("visualizer").unwrap();
            match tool.call(&call("visualizer", &["q", "a.png"])) {
                Answer::Unavailable(reason) => reason,
                other => panic!("{other:?}"),
            }
        };
        assert!(reason(None).contains("controller.model"));
        let failing = ModelAccess {
            name: "gone".to_owned(),
            make: Arc::new(|| Err("nothing listens there".to_owned())),
            progress: Progress::default(),
        };
        assert_eq!(reason(Some(failing)), "nothing listens there");
        assert!(reason(Some(model("eyes", Some("  ")).0)).contains("with nothing"));
        assert!(reason(Some(model("eyes", None).0)).contains("no answer left"));
        fs::remove_dir_all(folder).unwrap();
    }
}
