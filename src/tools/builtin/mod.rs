//! Native tools: the same call gives the same result. They see the picture roots, the pictures that they made, and nothing else.

pub(super) mod arguments;
mod calculator;
mod document;
mod picture;

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

use super::made_picture::MADE;
use super::signature::schema;
use super::tool::{Provider, Tool};
use crate::domain::PictureReference;
use crate::media::{DecodeLimits, MediaError, PictureRoots};
use crate::sandbox::{Answer, Call, Pool, PythonValue};
use arguments::Arguments;
pub(super) use document::document_text;

/// How these tools are called where calls are shown.
pub const BUILT_IN: &str = "built in";

/// What the tools may see.
#[derive(Clone)]
pub struct Surroundings {
    /// Where paths of the data are looked up.
    pub roots: Arc<PictureRoots>,
    /// Where pictures that tools make are kept, by hash.
    pub pictures: PathBuf,
    /// Workers that read documents and compute.
    pub pool: Pool,
}

/// One tool: a row of [`TOOLS`].
struct Built {
    name: &'static str,
    description: &'static str,
    /// Name, JSON type, whether it may be left out.
    parameters: &'static [(&'static str, &'static str, bool)],
    run: fn(&Arguments<'_>, &Surroundings) -> Result<PythonValue, Failure>,
}

/// Why a tool gives no value.
pub(super) enum Failure {
    /// The code sees this as an exception.
    Error(String),
    /// The tool can't answer this call at all.
    Unavailable(String),
}

impl From<MediaError> for Failure {
    fn from(error: MediaError) -> Self {
        Self::Error(error.to_string())
    }
}

const TOOLS: &[Built] = &[
    Built {
        name: "inspect_file_as_text",
        description: "Gives a file's content as text: text, CSV, HTML, XLSX, DOCX, PPTX, PDF.",
        parameters: &[("file_path", "string", false), ("question", "string", true)],
        run: document::inspect,
    },
    Built {
        name: "image_size",
        description: "Gives a picture's width and height in pixels.",
        parameters: &[("image_path", "string", false)],
        run: picture::size,
    },
    Built {
        name: "image_crop",
        description: "Cuts a box [x1, y1, x2, y2] out of a picture; gives the new picture's path.",
        parameters: &[("image_path", "string", false), ("box", "array", false)],
        run: picture::crop,
    },
    Built {
        name: "image_resize",
        description: "Scales a picture to a width and a height; gives the new picture's path.",
        parameters: &[
            ("image_path", "string", false),
            ("width", "integer", false),
            ("height", "integer", false),
        ],
        run: picture::resize,
    },
    Built {
        name: "image_rotate",
        description: "Turns a picture clockwise by 90, 180 or 270 degrees; gives the new picture's path.",
        parameters: &[
            ("image_path", "string", false),
            ("degrees", "integer", false),
        ],
        run: picture::rotate,
    },
    Built {
        name: "color_histogram",
        description: "Counts a picture's pixels by red, green and blue, in bins of equal width.",
        parameters: &[("image_path", "string", false), ("bins", "integer", true)],
        run: picture::histogram,
    },
    Built {
        name: "calculator",
        description: "Computes an arithmetical expression; the functions of Python's math are known.",
        parameters: &[("expression", "string", false)],
        run: calculator::compute,
    },
    Built {
        // As GTA calls it.
        name: "Calculator",
        description: "Computes an arithmetical expression; the functions of Python's math are known.",
        parameters: &[("expression", "string", false)],
        run: calculator::compute,
    },
];

/// The native tools.
pub fn built_in(surroundings: &Surroundings) -> Provider {
    let tool = |built: &'static Built| {
        Arc::new(BuiltIn {
            built,
            surroundings: surroundings.clone(),
        }) as Arc<dyn Tool>
    };
    Provider {
        label: BUILT_IN.to_owned(),
        tools: TOOLS.iter().map(tool).collect(),
    }
}

struct BuiltIn {
    built: &'static Built,
    surroundings: Surroundings,
}

impl Tool for BuiltIn {
    fn name(&self) -> &str {
        self.built.name
    }

    fn description(&self) -> &str {
        self.built.description
    }

    fn parameters(&self) -> Value {
        schema(self.built.parameters)
    }

    fn call(&self, call: &Call) -> Answer {
        let result = Arguments::bind(call, self.built.parameters)
            .map_err(Failure::Error)
            .and_then(|arguments| (self.built.run)(&arguments, &self.surroundings));
        match result {
            Ok(value) => Answer::Value(value),
            Err(Failure::Error(message)) => Answer::Error(message),
            Err(Failure::Unavailable(reason)) => Answer::Unavailable(reason),
        }
    }
}

impl Surroundings {
    /// The bytes of a file that a call names: a picture that a tool made, or a file below the roots.
    pub(super) fn bytes(&self, path: &str, limits: &DecodeLimits) -> Result<Vec<u8>, MediaError> {
        if let Some(name) = path.strip_prefix(MADE) {
            let made = PictureRoots::new(vec![self.pictures.clone()]);
            return crate::media::bytes(&PictureReference::Path(name.to_owned()), &made, limits);
        }
        let reference = PictureReference::Path(path.to_owned());
        crate::media::bytes(&reference, &self.roots, limits)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::jobs::Progress;
    use crate::sandbox::{Limits, WorkerCommand};

    struct Folder(PathBuf);

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    /// Tools over a folder with a picture of 4×2 pixels: red on the left, blue on the right.
    fn tools(name: &str) -> (Provider, Folder) {
        let folder =
            std::env::temp_dir().join(format!("retake-built-in-{name}-{}", std::process::id()));
        let folder = Folder(folder);
        fs::create_dir_all(folder.0.join("root/zoo")).expect("folder");
        let picture = image::RgbImage::from_fn(4, 2, |x, _| {
            image::Rgb(if x < 2 { [255, 0, 0] } else { [0, 0, 255] })
        });
        picture
            .save(folder.0.join("root/zoo/a.png"))
            .expect("saved");
        fs::write(folder.0.join("secret.png"), "x").expect("written");
        let surroundings = Surroundings {
            roots: Arc::new(PictureRoots::new(vec![folder.0.join("root")])),
            pictures: folder.0.join("blobs"),
            // Tools of pictures need no worker.
            pool: Pool::new(
                WorkerCommand::of("/nonexistent".into()),
                Limits::default(),
                1,
                Progress::default(),
            ),
        };
        (built_in(&surroundings), folder)
    }

    fn call(tools: &Provider, name: &str, arguments: &[&str]) -> Answer {
        let tool = tools.tool(name).expect("a tool");
        let literal = |text: &&str| crate::sandbox::parse_literal(text).expect("a literal");
        tool.call(&Call {
            index: 0,
            name: name.to_owned(),
            arguments: arguments.iter().map(literal).collect(),
            keywords: Vec::new(),
        })
    }

    fn value(answer: Answer) -> PythonValue {
        match answer {
            Answer::Value(value) => value,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn pictures_are_measured_and_changed() {
        let (tools, _folder) = tools("pictures");
        let path = "'data/x/zoo/a.png'";
        assert_eq!(value(call(&tools, "image_size", &[path])).repr(), "(4, 2)");
        let left = value(call(&tools, "image_crop", &[path, "[0, 0, 2.0, 2]"]));
        let left = left.repr();
        assert!(left.starts_with("'.retake/blobs/pictures/"), "{left}");
        assert_eq!(value(call(&tools, "image_size", &[&left])).repr(), "(2, 2)");
        let colors = value(call(&tools, "color_histogram", &[&left, "2"])).repr();
        assert_eq!(colors, "{'red': [0, 4], 'green': [4, 0], 'blue': [4, 0]}");
        // The same call gives the same picture.
        assert_eq!(
            value(call(&tools, "image_crop", &[path, "[0, 0, 2, 2]"])).repr(),
            left
        );
        let turned = value(call(&tools, "image_rotate", &[path, "90"])).repr();
        assert_eq!(
            value(call(&tools, "image_size", &[&turned])).repr(),
            "(2, 4)"
        );
        let small = value(call(&tools, "image_resize", &[path, "2", "1"])).repr();
        assert_eq!(
            value(call(&tools, "image_size", &[&small])).repr(),
            "(2, 1)"
        );
    }

    #[test]
    fn nothing_outside_is_reached_and_wrong_calls_are_errors() {
        let (tools, folder) = tools("outside");
        let secret = format!("'{}'", folder.0.join("secret.png").display());
        for (name, arguments) in [
            ("image_size", vec![secret.as_str()]),
            ("image_size", vec!["'../secret.png'"]),
            (
                "image_size",
                vec!["'.retake/blobs/pictures/../../secret.png'"],
            ),
            ("image_size", vec!["'zoo/missing.png'"]),
            ("image_size", vec!["1"]),
            ("image_size", vec![]),
            ("image_size", vec!["'zoo/a.png'", "2"]),
            ("image_crop", vec!["'zoo/a.png'", "[0, 0, 9, 9]"]),
            ("image_crop", vec!["'zoo/a.png'", "[2, 0, 1, 1]"]),
            ("image_crop", vec!["'zoo/a.png'", "[0, 0, 1]"]),
            ("image_resize", vec!["'zoo/a.png'", "0", "1"]),
            ("image_resize", vec!["'zoo/a.png'", "100000", "100000"]),
            ("image_rotate", vec!["'zoo/a.png'", "45"]),
            ("color_histogram", vec!["'zoo/a.png'", "0"]),
            ("color_histogram", vec!["'zoo/a.png'", "257"]),
            ("inspect_file_as_text", vec![secret.as_str()]),
        ] {
            let answer = call(&tools, name, &arguments);
            assert!(
                matches!(&answer, Answer::Error(message) if !message.is_empty()),
                "{name} {arguments:?}: {answer:?}"
            );
        }
        let question = call(
            &tools,
            "inspect_file_as_text",
            &["'zoo/a.png'", "'What is it?'"],
        );
        assert!(matches!(question, Answer::Unavailable(_)), "{question:?}");
    }
}
