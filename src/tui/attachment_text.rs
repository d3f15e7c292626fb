//! Files of a task as text.

use crate::domain::PictureReference;
use crate::media::{DecodeLimits, PictureRoots, bytes};
use crate::report::Report;
use crate::sandbox::Pool;

/// More of a file is not shown.
const SHOWN: usize = 1 << 20;

/// Files that are no text themselves; they are read in the sandbox's worker.
const DOCUMENTS: [&str; 6] = ["pdf", "xlsx", "xls", "ods", "docx", "pptx"];

/// A file's text, or why there is none.
pub fn read(
    reference: &PictureReference,
    roots: &PictureRoots,
    limits: &DecodeLimits,
    pool: Result<Pool, Report>,
) -> Result<String, String> {
    let bytes =
        bytes(reference, roots, limits).map_err(|error| Report::from_error(&error).message)?;
    let ending = reference.file_type().unwrap_or_default();
    if DOCUMENTS.contains(&ending.as_str()) {
        let words = |error| Report::from_error(&error).message;
        let mut session = pool.and_then(|pool| pool.session().map_err(|e| Report::from_error(&e)));
        return match &mut session {
            Ok(session) => session.document(&ending, &bytes).map_err(words)?,
            Err(report) => Err(report.message.clone()),
        };
    }
    let cut = bytes.len() > SHOWN;
    let mut shown = bytes.get(..SHOWN).unwrap_or(&bytes);
    // A character that the cut went through is left out.
    if let Err(error) = std::str::from_utf8(shown)
        && cut
        && error.valid_up_to() + 4 > shown.len()
    {
        shown = shown.get(..error.valid_up_to()).unwrap_or(shown);
    }
    if shown.iter().take(8192).any(|byte| *byte == 0) {
        let kind = reference
            .file_type()
            .unwrap_or_else(|| "unknown".to_owned());
        return Err(format!(
            "it is no text (type {kind}, {} bytes)",
            bytes.len()
        ));
    }
    let mut text = String::from_utf8_lossy(shown).into_owned();
    if cut {
        text.push_str(&format!("\n… {} bytes more", bytes.len() - shown.len()));
    }
    Ok(text)
}
