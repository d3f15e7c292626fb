//! Pictures as rows hold them: a path or address, a `data:` address, the `{bytes, path}` structure of Hugging Face
//! tables, or a list of these.

use std::sync::Arc;

use serde_json::Value;

use super::json_field::{field, filled};
use crate::domain::{Attachment, PictureBytes, PictureReference};

/// Every picture in a field's value, in order; what is no picture is passed over.
pub(super) fn pictures(value: &Value) -> Vec<PictureReference> {
    match value {
        Value::Array(list) => list.iter().filter_map(picture).collect(),
        other => picture(other).into_iter().collect(),
    }
}

/// One picture: a string, or an object with `bytes` (base64), `path`, `url`, `image`, `image_url` or `source`.
pub(super) fn picture(value: &Value) -> Option<PictureReference> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(PictureReference::from_text(text)),
        Value::Object(_) => {
            let media_type = filled(value, "media_type").map(str::to_owned);
            let path = filled(value, "path");
            if let Some(base64) = filled(value, "bytes").or_else(|| filled(value, "data")) {
                return Some(PictureReference::Inline(PictureBytes {
                    media_type,
                    path: path.map(str::to_owned),
                    base64: Arc::from(base64),
                }));
            }
            path.or_else(|| filled(value, "url"))
                .map(PictureReference::from_text)
                .or_else(|| {
                    ["image_url", "image", "source"]
                        .iter()
                        .find_map(|key| picture(field(value, key)?))
                })
        }
        _ => None,
    }
}

/// The pictures of a row's column (`images` or `image`), handed out in order to the places that stand for them.
#[derive(Default)]
pub(super) struct PictureColumn(std::vec::IntoIter<PictureReference>);

impl PictureColumn {
    /// What stands for a picture in a turn's text.
    pub const MARK: &'static str = "<image>";

    /// Reads the first of these columns that is there.
    pub fn of(row: &Value, keys: &[&str]) -> Self {
        let column = keys.iter().find_map(|key| field(row, key));
        Self(column.map(pictures).unwrap_or_default().into_iter())
    }

    /// The next picture.
    pub fn next(&mut self) -> Option<PictureReference> {
        self.0.next()
    }

    /// As many pictures as the text has marks, or as there are.
    pub fn for_marks(&mut self, text: &str) -> Vec<PictureReference> {
        if self.0.len() == 0 {
            return Vec::new();
        }
        self.0
            .by_ref()
            .take(text.matches(Self::MARK).count())
            .collect()
    }

    /// The pictures that no place stands for, as attachments of the task.
    pub fn rest(self) -> impl Iterator<Item = Attachment> {
        self.0.map(shown)
    }
}

/// A picture that the controller got as pixels.
pub(super) fn shown(reference: PictureReference) -> Attachment {
    Attachment {
        reference,
        alias: None,
        caption: None,
        shown: true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_spelling_of_a_picture_is_read() {
        let inline = |base64: &str, path: Option<&str>| {
            PictureReference::Inline(PictureBytes {
                media_type: None,
                path: path.map(str::to_owned),
                base64: Arc::from(base64),
            })
        };
        let path = |p: &str| PictureReference::Path(p.to_owned());
        let cases = [
            (json!(null), vec![]),
            (json!(""), vec![]),
            (json!("a.jpg"), vec![path("a.jpg")]),
            (
                json!({"bytes": "AAAA", "path": null}),
                vec![inline("AAAA", None)],
            ),
            (
                json!({"bytes": "AAAA", "path": "b.png"}),
                vec![inline("AAAA", Some("b.png"))],
            ),
            (json!({"bytes": null, "path": "c.png"}), vec![path("c.png")]),
            (
                json!(["d.png", null, 7, {"image_url": {"url": "https://x.org/e.png"}}]),
                vec![
                    path("d.png"),
                    PictureReference::Url("https://x.org/e.png".to_owned()),
                ],
            ),
            (
                json!({"type": "image", "source": {"media_type": "image/png", "path": "images/f.png"}}),
                vec![path("images/f.png")],
            ),
        ];
        for (value, expected) in cases {
            assert_eq!(pictures(&value), expected, "{value}");
        }
    }

    #[test]
    fn a_column_fills_marks_in_order_and_the_rest_is_left() {
        let row = json!({"images": ["1.png", "2.png", "3.png"]});
        let mut column = PictureColumn::of(&row, &["images", "image"]);
        assert_eq!(column.for_marks("no mark").len(), 0);
        assert_eq!(
            column.for_marks("<image> or <image>?"),
            vec![
                PictureReference::Path("1.png".to_owned()),
                PictureReference::Path("2.png".to_owned())
            ]
        );
        assert_eq!(column.for_marks("<image><image>").len(), 1);
        assert_eq!(column.rest().count(), 0);
    }
}
