//! The files of a task, collected from the several places in which a record names them.

use serde_json::Value;

use crate::domain::{Attachment, PictureBytes, PictureReference};

/// Later files are only compared with this many: a hostile list must not cost its length squared.
const MAX_JOINED: usize = 512;

/// Collects attachments in order, so that a file which is named twice is one attachment.
#[derive(Debug, Default)]
pub struct Attachments(Vec<Attachment>);

impl Attachments {
    /// A picture that the controller got as pixels.
    pub fn add_picture(&mut self, reference: PictureReference) {
        let mut known = self.0.iter_mut().take(MAX_JOINED);
        match known.find(|a| a.reference == reference) {
            Some(known) => known.shown = true,
            None => self.0.push(Attachment {
                reference,
                alias: None,
                caption: None,
                shown: true,
            }),
        }
    }

    /// A file that the prompt names by its path. Its path under another root becomes a picture's alias.
    pub fn add_file(&mut self, file: Attachment) {
        let path = file.reference.label();
        let known = self.0.iter_mut().take(MAX_JOINED).find(|a| {
            a.reference == file.reference
                || a.alias.as_deref() == Some(path)
                || (a.alias.is_none() && same_file(a.reference.label(), path))
        });
        match known {
            Some(known) => {
                if known.reference != file.reference && known.alias.is_none() {
                    known.alias = Some(path.to_owned());
                }
                if known.caption.is_none() {
                    known.caption = file.caption;
                }
                known.shown |= file.shown;
            }
            None => self.0.push(file),
        }
    }

    /// The attachments.
    pub fn into_vec(self) -> Vec<Attachment> {
        self.0
    }
}

/// Whether two different paths name one file: M-TRACE keeps its pictures under `data/open_llava_next/` for the
/// controller's input and under `data/tongagent/` for its tools, and raw runs leave the root out.
fn same_file(a: &str, b: &str) -> bool {
    match (below_root(a), below_root(b)) {
        (Some((root_a, tail_a)), Some((root_b, tail_b))) => {
            (root_a == root_b && tail_a == tail_b) || tail_a == b || tail_b == a
        }
        (Some((_, tail)), None) => tail == b,
        (None, Some((_, tail))) => tail == a,
        (None, None) => false,
    }
}

/// `data/tongagent/coco/a.jpg` is `coco/a.jpg` in the root `data`.
fn below_root(path: &str) -> Option<(&str, &str)> {
    let path = path.strip_prefix("./").unwrap_or(path);
    let mut parts = path.splitn(3, '/');
    let root = parts.next()?;
    let tail = parts.nth(1)?;
    (!root.is_empty() && !tail.is_empty()).then_some((root, tail))
}

/// The pictures in an `image`, `images` or `image_paths` field: `{}`, a path, a list, `{"<image_01>": path, …}` in
/// any order and with gaps (sorted by number), or the `{bytes, path}` of Hugging Face tables. A table whose rows differ in
/// this has their JSON as text.
pub fn picture_references(field: &Value) -> Vec<PictureReference> {
    match field {
        Value::String(text) if text.starts_with(['{', '[']) => {
            match serde_json::from_str::<Value>(text) {
                Ok(inner) if !inner.is_string() => picture_references(&inner),
                _ => vec![PictureReference::from_text(text)],
            }
        }
        Value::String(text) if !text.trim().is_empty() => vec![PictureReference::from_text(text)],
        Value::Array(list) => list.iter().flat_map(picture_reference).collect(),
        Value::Object(_) if picture_reference(field).is_some() => {
            picture_reference(field).into_iter().collect()
        }
        Value::Object(pictures) => {
            let mut numbered: Vec<_> = pictures
                .iter()
                .map(|(key, value)| (picture_number(key), value))
                .collect();
            numbered.sort_by_key(|(number, _)| *number);
            numbered
                .into_iter()
                .filter_map(|(_, value)| picture_reference(value))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// One picture: a path or address, or the structure of Hugging Face tables; `None` for null and the like.
pub fn picture_reference(value: &Value) -> Option<PictureReference> {
    if let Value::String(text) = value {
        return (!text.trim().is_empty()).then(|| PictureReference::from_text(text));
    }
    let path = value.get("path").and_then(Value::as_str);
    let path = path.filter(|path| !path.trim().is_empty());
    match value.get("bytes").and_then(Value::as_str) {
        Some(base64) => Some(PictureReference::Inline(PictureBytes {
            media_type: None,
            path: path.map(str::to_owned),
            base64: base64.into(),
        })),
        None => path.map(PictureReference::from_text),
    }
}

/// The number in `<image_01>`; keys without one come last.
fn picture_number(key: &str) -> u32 {
    let digits: String = key.chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn labels(field: Value) -> Vec<String> {
        let references = picture_references(&field);
        references.iter().map(|r| r.label().to_owned()).collect()
    }

    #[test]
    fn every_form_of_the_image_field() {
        assert!(labels(json!({})).is_empty());
        assert!(labels(json!(null)).is_empty());
        assert!(labels(json!("")).is_empty());
        assert_eq!(labels(json!("a.jpg")), ["a.jpg"]);
        assert!(labels(json!("{}")).is_empty());
        assert_eq!(labels(json!("[\"a.jpg\"]")), ["a.jpg"]);
        assert_eq!(labels(json!("[a].jpg")), ["[a].jpg"]);
        assert_eq!(
            labels(json!(["a.jpg", null, {"path": "b.jpg", "bytes": null}])),
            ["a.jpg", "b.jpg"]
        );
        let gapped =
            json!({"<image_10>": "k", "<image_03>": "d", "<image_01>": null, "<image_00>": "a"});
        assert_eq!(labels(gapped), ["a", "d", "k"]);
        let inline = picture_references(&json!({"bytes": "aGk=", "path": "c.png"}));
        assert!(
            matches!(&inline[..], [PictureReference::Inline(bytes)] if &*bytes.base64 == "aGk=")
        );
    }

    #[test]
    fn one_file_under_two_roots_is_one_attachment() {
        let mut attachments = Attachments::default();
        let shown = |path: &str| PictureReference::Path(path.to_owned());
        attachments.add_picture(shown("data/open_llava_next/coco/a.jpg"));
        attachments.add_picture(shown("data/open_llava_next/coco/a.jpg"));
        attachments.add_file(Attachment::from_path("data/tongagent/coco/a.jpg", false));
        attachments.add_file(Attachment::from_path("data/tongagent/coco/a.jpg", false));
        attachments.add_file(Attachment::from_path("data/tongagent/sam/a.jpg", false));
        attachments.add_file(Attachment::from_path("other/tongagent/coco/a.jpg", false));
        let attachments = attachments.into_vec();
        assert_eq!(attachments.len(), 3);
        assert_eq!(
            attachments[0].alias.as_deref(),
            Some("data/tongagent/coco/a.jpg")
        );
        assert!(attachments[0].shown && !attachments[1].shown);
        assert_eq!(attachments[1].alias, None);
    }

    #[test]
    fn a_raw_run_leaves_the_root_out() {
        let mut attachments = Attachments::default();
        attachments.add_file(Attachment::from_path("coco/a.jpg", false));
        attachments.add_file(Attachment::from_path("data/tongagent/coco/a.jpg", false));
        let attachments = attachments.into_vec();
        assert_eq!(attachments.len(), 1);
        assert_eq!(
            attachments[0].alias.as_deref(),
            Some("data/tongagent/coco/a.jpg")
        );
    }
}
