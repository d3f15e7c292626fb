//! How rows name pictures, and what is written beside them: `--media path|copy|embed`.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Component, Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::staging::Staging;
use super::{ExportError, Refusal};
use crate::domain::{Attachment, PictureReference};
use crate::media::{DecodeLimits, PictureRoots, bytes};

/// The folder of copies, beside the rows.
const FOLDER: &str = "media";

/// What becomes of pictures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Media {
    /// Rows name the files where they are.
    #[default]
    Path,
    /// Files are copied beside the rows, which name them by relative paths.
    Copy,
    /// Rows hold the bytes.
    Embed,
}

impl Media {
    /// Its name: `--media NAME`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Copy => "copy",
            Self::Embed => "embed",
        }
    }
}

/// How a target's rows name pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureUse {
    /// In a place of their own: a column, a part of a message. They can be copied, and embedded.
    Column,
    /// As the data does, in texts and code, too: a copy stands at that path below the export's folder.
    AsInData,
    /// As the data does, and nothing is written beside the rows.
    Untouched,
}

impl PictureUse {
    /// Whether rows can have their pictures so.
    pub fn takes(self, media: Media) -> bool {
        match self {
            Self::Column => true,
            Self::AsInData => media != Media::Embed,
            Self::Untouched => media == Media::Path,
        }
    }
}

/// A file that is to stand beside the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Copy {
    /// Below the export's folder.
    to: PathBuf,
    from: Origin,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    File(PathBuf),
    Bytes(Vec<u8>),
}

/// Names pictures for the rows of one export, and remembers which copies the rows need.
pub struct Pictures {
    media: Media,
    limits: DecodeLimits,
    /// The name of each file that was looked at, by its path.
    names: HashMap<PathBuf, String>,
    /// Copies for the row that is being made.
    pending: Vec<Copy>,
}

impl Pictures {
    pub(super) fn new(media: Media) -> Self {
        Self {
            media,
            limits: DecodeLimits::default(),
            names: HashMap::new(),
            pending: Vec::new(),
        }
    }

    /// What becomes of pictures.
    pub fn media(&self) -> Media {
        self.media
    }

    /// What a row says for a picture: the file's path on this machine (as the data has it, where it is not found), a
    /// relative path of a copy, or a `data:` address.
    pub fn name(
        &mut self,
        attachment: &Attachment,
        roots: &PictureRoots,
    ) -> Result<String, Refusal> {
        self.name_of(&attachment.reference, attachment.alias.as_deref(), roots)
    }

    /// The same for a picture that may have another path.
    pub fn name_of(
        &mut self,
        reference: &PictureReference,
        alias: Option<&str>,
        roots: &PictureRoots,
    ) -> Result<String, Refusal> {
        let file = || match reference {
            PictureReference::Path(path) => {
                let found = roots.resolve(path);
                match alias {
                    Some(alias) => found.or_else(|error| roots.resolve(alias).map_err(|_| error)),
                    None => found,
                }
                .map(Some)
            }
            PictureReference::Url(_) | PictureReference::Inline(_) => Ok(None),
        };
        if let (Media::Path, PictureReference::Path(path) | PictureReference::Url(path)) =
            (self.media, reference)
        {
            let found = file().ok().flatten();
            let found = found.and_then(|file| file.to_str().map(str::to_owned));
            return Ok(found.unwrap_or_else(|| path.clone()));
        }
        let file = file().map_err(|error| Refusal::new(error.to_string()))?;
        if let Some(name) = file.as_ref().and_then(|file| self.names.get(file)).cloned()
            && self.media == Media::Copy
        {
            self.add(
                PathBuf::from(&name),
                file.map_or(Origin::Bytes(Vec::new()), Origin::File),
            );
            return Ok(name);
        }
        let read = match &file {
            Some(file) => read_file(file, &self.limits),
            None => bytes(reference, roots, &self.limits).map_err(|error| error.to_string()),
        };
        let bytes = read.map_err(Refusal::new)?;
        if self.media != Media::Copy {
            return data_address(&bytes);
        }
        // Copies are named by what is in them: one picture under two names is there once.
        let hash = blake3::hash(&bytes).to_hex();
        let name = format!("{FOLDER}/{}{}", &hash[..24], ending(reference, &bytes));
        let origin = match file {
            Some(file) => {
                self.names.insert(file.clone(), name.clone());
                Origin::File(file)
            }
            None => Origin::Bytes(bytes),
        };
        self.add(PathBuf::from(&name), origin);
        Ok(name)
    }

    /// Copies the files of a task to where its texts and code say that they are, for targets that keep these.
    pub(super) fn keep_in_place(
        &mut self,
        attachments: &[Attachment],
        roots: &PictureRoots,
    ) -> Result<(), Refusal> {
        if self.media != Media::Copy {
            return Ok(());
        }
        for attachment in attachments {
            let PictureReference::Path(path) = &attachment.reference else {
                continue;
            };
            let file = roots
                .resolve_attachment(attachment)
                .map_err(|error| Refusal::new(error.to_string()))?;
            for path in [Some(path), attachment.alias.as_ref()]
                .into_iter()
                .flatten()
            {
                let is_inside = Path::new(path)
                    .components()
                    .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
                if !is_inside {
                    return Err(Refusal::new(format!(
                        "{path} would be copied outside the export's folder: `--media path` leaves it where it is"
                    )));
                }
                self.add(PathBuf::from(path), Origin::File(file.clone()));
            }
        }
        Ok(())
    }

    fn add(&mut self, to: PathBuf, from: Origin) {
        let copy = Copy { to, from };
        if !self.pending.contains(&copy) {
            self.pending.push(copy);
        }
    }

    /// The row is not written, so its copies are not needed.
    pub(super) fn discard(&mut self) {
        self.pending.clear();
    }

    /// The row is written: its copies are made.
    pub(super) fn write(
        &mut self,
        staging: &mut Staging,
    ) -> Result<Result<(), Refusal>, ExportError> {
        for copy in std::mem::take(&mut self.pending) {
            let written = match &copy.from {
                Origin::File(file) => {
                    let mut from = File::open(file).map_err(|source| ExportError::File {
                        path: file.clone(),
                        source,
                    })?;
                    staging.copy(&copy.to, &mut from)?
                }
                Origin::Bytes(bytes) => staging.copy(&copy.to, &mut io::Cursor::new(bytes))?,
            };
            if !written {
                return Ok(Err(Refusal::new(format!(
                    "another file is copied to {} already",
                    copy.to.display()
                ))));
            }
        }
        Ok(Ok(()))
    }
}

fn read_file(file: &Path, limits: &DecodeLimits) -> Result<Vec<u8>, String> {
    let failed = |error: io::Error| format!("{} can't be read: {error}", file.display());
    let size = std::fs::metadata(file).map_err(failed)?.len();
    if size > limits.max_bytes {
        return Err(format!(
            "{} has {size} bytes, more than are taken",
            file.display()
        ));
    }
    std::fs::read(file).map_err(failed)
}

fn data_address(bytes: &[u8]) -> Result<String, Refusal> {
    let media_type = image::guess_format(bytes)
        .map(|format| format.to_mime_type())
        .map_err(|_| Refusal::new("a picture's format is not known"))?;
    Ok(format!(
        "data:{media_type};base64,{}",
        STANDARD.encode(bytes)
    ))
}

fn ending(reference: &PictureReference, bytes: &[u8]) -> String {
    let known = reference.file_type().or_else(|| {
        let format = image::guess_format(bytes).ok()?;
        format.extensions_str().first().map(|e| (*e).to_owned())
    });
    let is_plain =
        |ending: &String| ending.len() <= 8 && ending.chars().all(|c| c.is_ascii_alphanumeric());
    known
        .filter(is_plain)
        .map(|ending| format!(".{ending}"))
        .unwrap_or_default()
}
