use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use memchr::memchr;

use super::value_end::ValueEnd;
use super::window::Window;
use super::{ContainerError, ContainerKind, ScanLimits};

/// Tells a plain file's kind by its content; `name` only where the content leaves it open.
pub(super) fn kind_of(
    path: &Path,
    name: &str,
    limits: &ScanLimits,
) -> Result<ContainerKind, ContainerError> {
    let mut file = File::open(path).map_err(ContainerError::io(path))?;
    let start = first_bytes(&mut file).map_err(ContainerError::io(path))?;
    match start.as_slice() {
        [] => {
            return Err(ContainerError::Empty {
                path: path.to_path_buf(),
            });
        }
        [b'P', b'A', b'R', b'1', ..] => return Ok(ContainerKind::Parquet),
        [b'A', b'R', b'R', b'O', b'W', b'1', ..] => return Ok(ContainerKind::ArrowFile),
        [0xFF, 0xFF, 0xFF, 0xFF, ..] => return Ok(ContainerKind::ArrowStream),
        _ => {}
    }
    let mut window = Window::new(file, 0, limits.chunk_bytes);
    if let Err(encoding) = window.skip_mark().map_err(ContainerError::io(path))? {
        let path = path.to_path_buf();
        return Err(ContainerError::Encoding { path, encoding });
    }
    let is_named_lines = is_named_lines(name);
    match window.skip_space().map_err(ContainerError::io(path))? {
        None => Err(ContainerError::Empty {
            path: path.to_path_buf(),
        }),
        Some(b'[') => Ok(ContainerKind::Json),
        Some(b'{') => {
            object_or_lines(&mut window, is_named_lines).map_err(ContainerError::io(path))
        }
        Some(_) if is_named_lines => Ok(ContainerKind::JsonLines),
        Some(_) => Err(ContainerError::Unknown {
            path: path.to_path_buf(),
            start: start.escape_ascii().to_string(),
        }),
    }
}

/// Up to 16 bytes; leaves the file at its start.
pub(super) fn first_bytes(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(16).read_to_end(&mut bytes)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(bytes)
}

fn is_named_lines(name: &str) -> bool {
    let ending = name
        .rsplit_once('.')
        .map(|(_, ending)| ending.to_ascii_lowercase());
    matches!(ending.as_deref(), Some("jsonl" | "ndjson"))
}

/// One object, or lines that start with one: lines, if the object takes one line and more follows. A first line that
/// is broken off makes lines, too, if the file is named so and its next line starts an object.
fn object_or_lines<R: Read>(
    window: &mut Window<R>,
    is_named_lines: bool,
) -> io::Result<ContainerKind> {
    let Some(mut end) = ValueEnd::starting_with(b'{') else {
        return Ok(ContainerKind::Json);
    };
    loop {
        let rest = window.rest();
        let closed = end.advance(rest);
        let object = closed.and_then(|count| rest.get(..count)).unwrap_or(rest);
        if let Some(line) = memchr(b'\n', object) {
            window.advance(line);
            let starts_object = window.skip_space()? == Some(b'{');
            return Ok(if is_named_lines && starts_object {
                ContainerKind::JsonLines
            } else {
                ContainerKind::Json
            });
        }
        window.advance(object.len());
        if closed.is_some() {
            return Ok(match has_another_line(window)? {
                true => ContainerKind::JsonLines,
                false => ContainerKind::Json,
            });
        }
        if !window.fill()? {
            return Ok(ContainerKind::Json);
        }
    }
}

/// Whether a line end and then something visible follows.
fn has_another_line<R: Read>(window: &mut Window<R>) -> io::Result<bool> {
    loop {
        let visible = |byte: &u8| !matches!(byte, b' ' | b'\r' | b'\t');
        match window.rest().iter().copied().find(visible) {
            Some(b'\n') => return Ok(window.skip_space()?.is_some()),
            Some(_) => return Ok(false),
            None => {
                window.advance_all();
                if !window.fill()? {
                    return Ok(false);
                }
            }
        }
    }
}
