use std::io::Cursor;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::ImageFormat;
use rmcp::model::{CallToolResult, ContentBlock, ResourceContents};

use crate::media::{DecodeLimits, decode};
use crate::sandbox::{Answer, PythonValue};
use crate::tools::made_picture::keep_picture;

/// The longest text that a server may give.
const LONGEST: usize = 8 << 20;

/// What a server's result means to a step. Pictures in it are kept in `pictures`.
///
/// Structured content is the value; servers of one library wrap every value in `{"result": …}`. Else texts and the paths of
/// pictures are one text, a line each.
pub(super) fn answer(result: CallToolResult, pictures: &Path) -> Answer {
    let mut texts = Vec::new();
    let mut made = Vec::new();
    let mut others = 0;
    for block in result.content {
        match block {
            ContentBlock::Text(text) => texts.push(text.text),
            ContentBlock::Image(image) => made.push(image.data),
            ContentBlock::Resource(embedded) => match embedded.resource {
                ResourceContents::TextResourceContents { text, .. } => texts.push(text),
                _ => others += 1,
            },
            _ => others += 1,
        }
    }
    if texts.iter().map(String::len).sum::<usize>() > LONGEST {
        return Answer::Unavailable(format!("it answers with more than {LONGEST} bytes"));
    }
    if result.is_error == Some(true) {
        return Answer::Error(texts.join("\n"));
    }
    if let Some(structured) = result.structured_content {
        let inner = structured
            .as_object()
            .filter(|fields| fields.len() == 1)
            .and_then(|fields| fields.get("result"));
        return Answer::Value(PythonValue::from_json(inner.unwrap_or(&structured)));
    }
    for picture in made {
        match kept(&picture, pictures) {
            Ok(path) => texts.push(path),
            Err(reason) => {
                return Answer::Unavailable(format!("a picture of its answer: {reason}"));
            }
        }
    }
    if texts.is_empty() && others > 0 {
        return Answer::Unavailable(
            "it answers with sounds or resources, which are not taken".to_owned(),
        );
    }
    Answer::Value(PythonValue::Str(texts.join("\n")))
}

/// Keeps a picture that came in base64, if it is one; its path.
fn kept(base64: &str, pictures: &Path) -> Result<String, String> {
    let bytes = STANDARD
        .decode(base64)
        .map_err(|_| "its base64 is broken".to_owned())?;
    let picture = decode(&bytes, &DecodeLimits::default()).map_err(|error| error.to_string())?;
    match image::guess_format(&bytes) {
        Ok(ImageFormat::Png) => keep_picture(&bytes, "png", pictures),
        Ok(ImageFormat::Jpeg) => keep_picture(&bytes, "jpg", pictures),
        _ => {
            let mut png = Vec::new();
            picture
                .write_to(&mut Cursor::new(&mut png), ImageFormat::Png)
                .map_err(|error| error.to_string())?;
            keep_picture(&png, "png", pictures)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(result: serde_json::Value) -> Answer {
        let nowhere = Path::new("/nonexistent/pictures");
        answer(serde_json::from_value(result).expect("a result"), nowhere)
    }

    #[test]
    fn results_become_values() {
        let text = |text: &str| json!({"type": "text", "text": text});
        assert_eq!(
            of(json!({"content": [text("a"), text("b")]})),
            Answer::Value(PythonValue::Str("a\nb".to_owned()))
        );
        let boxes = of(
            json!({"content": [text("[[1.0, 2]]")], "structuredContent": {"result": [[1.0, 2]]}}),
        );
        assert!(
            matches!(&boxes, Answer::Value(value) if value.repr() == "[[1.0, 2]]"),
            "{boxes:?}"
        );
        let whole = of(json!({"content": [], "structuredContent": {"a": null, "b": 1}}));
        assert!(matches!(&whole, Answer::Value(value) if value.repr() == "{'a': None, 'b': 1}"));
        assert_eq!(
            of(json!({"content": [text("no file")], "isError": true})),
            Answer::Error("no file".to_owned())
        );
        let resource = json!({"type": "resource", "resource": {"uri": "x:y", "text": "inside"}});
        assert_eq!(
            of(json!({"content": [resource]})),
            Answer::Value(PythonValue::Str("inside".to_owned()))
        );
        for content in [
            json!({"type": "audio", "data": "", "mimeType": "audio/wav"}),
            json!({"type": "image", "data": "", "mimeType": "image/png"}),
            json!({"type": "image", "data": "§", "mimeType": "image/png"}),
            text(&"x".repeat(LONGEST + 1)),
        ] {
            let answer = of(json!({"content": [content]}));
            assert!(matches!(answer, Answer::Unavailable(_)), "{answer:?}");
        }
    }

    #[test]
    fn pictures_are_kept_by_hash_and_named_by_their_path() {
        let folder = std::env::temp_dir().join(format!("retake-mcp-made-{}", std::process::id()));
        let encoded = |format: ImageFormat| {
            let mut bytes = Vec::new();
            image::RgbImage::from_pixel(2, 1, image::Rgb([1, 2, 3]))
                .write_to(&mut Cursor::new(&mut bytes), format)
                .expect("written");
            bytes
        };
        let of = |format: ImageFormat, before: &str| {
            let data = STANDARD.encode(encoded(format));
            let result = json!({"content": [
                {"type": "text", "text": before},
                {"type": "image", "data": data, "mimeType": "image/x"},
            ]});
            match answer(serde_json::from_value(result).expect("a result"), &folder) {
                Answer::Value(PythonValue::Str(text)) => text,
                other => panic!("{other:?}"),
            }
        };
        let png = of(ImageFormat::Png, "Made:");
        let hash = blake3::hash(&encoded(ImageFormat::Png)).to_hex();
        assert_eq!(png, format!("Made:\n.retake/blobs/pictures/{hash}.png"));
        // A format that not every reader knows becomes PNG.
        assert_eq!(of(ImageFormat::Bmp, "Made:"), png);
        assert_eq!(std::fs::read_dir(&folder).expect("a folder").count(), 1);
        std::fs::remove_dir_all(folder).expect("removed");
    }
}
