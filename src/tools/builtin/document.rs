use super::arguments::Arguments;
use super::{Failure, Surroundings};
use crate::domain::PictureReference;
use crate::media::{DecodeLimits, MediaError};
use crate::sandbox::{MOST_DOCUMENT_BYTES, PythonValue};

/// A file's content as text, read in a worker.
pub(super) fn inspect(
    arguments: &Arguments<'_>,
    surroundings: &Surroundings,
) -> Result<PythonValue, Failure> {
    let path = arguments.text("file_path").map_err(Failure::Error)?;
    if arguments.get("question").is_some() {
        return Err(Failure::Unavailable(
            "a question about a file needs a model; without the question the file's text is given"
                .to_owned(),
        ));
    }
    document_text(path, surroundings).map(PythonValue::Str)
}

/// The text of the file that a call names.
pub(in crate::tools) fn document_text(
    path: &str,
    surroundings: &Surroundings,
) -> Result<String, Failure> {
    let reference = PictureReference::Path(path.to_owned());
    if reference.is_picture() {
        return Err(Failure::Error(
            "a picture has no text; ask visualizer about it".to_owned(),
        ));
    }
    let limits = DecodeLimits {
        max_bytes: MOST_DOCUMENT_BYTES as u64,
        ..DecodeLimits::default()
    };
    let bytes = match surroundings.bytes(path, &limits) {
        // In the words of the paper's toolkit.
        Err(MediaError::NotFound { path }) => {
            return Err(Failure::Error(format!("File not found: {path}")));
        }
        bytes => bytes?,
    };
    let ending = reference.file_type().unwrap_or_default();
    let unavailable = |error: crate::sandbox::SandboxError| Failure::Unavailable(error.to_string());
    let mut session = surroundings.pool.session().map_err(unavailable)?;
    let text = session.document(&ending, &bytes).map_err(unavailable)?;
    text.map_err(Failure::Error)
}
