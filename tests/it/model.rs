//! A model's folder: what `transformers` makes of conversations and pictures, we make of them, too.

use std::fs;
use std::path::{Path, PathBuf};

use retake::model::{
    ChatMessage, ChatPart, ChatTemplate, ModelError, PictureSize, TokenCounter, Tokenizer,
};
use retake::report::Report;
use serde_json::Value;

use crate::user::TemporaryFolder;

fn models() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/models")
}

const FOLDERS: [&str; 6] = [
    "idefics3",
    "qwen2_5_vl",
    "qwen2_vl",
    "qwen3_vl",
    "smolvlm",
    "text",
];

fn expected(folder: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(folder.join("expected.json")).unwrap()).unwrap()
}

fn size(value: &Value) -> PictureSize {
    let side = |place: usize| value[place].as_u64().unwrap() as u32;
    PictureSize {
        width: side(0),
        height: side(1),
    }
}

fn message(value: &Value) -> ChatMessage {
    let part = |part: &Value| match part.as_str() {
        Some(text) => ChatPart::Text(text.to_owned()),
        None => ChatPart::Picture(size(part)),
    };
    let mut fields = value.as_object().unwrap().clone();
    fields.retain(|name, _| name != "role" && name != "content");
    ChatMessage {
        role: value["role"].as_str().unwrap().to_owned(),
        content: value["content"]
            .as_array()
            .unwrap()
            .iter()
            .map(part)
            .collect(),
        fields,
    }
}

#[test]
fn conversations_become_the_text_and_tokens_of_the_reference() {
    let mut folders: Vec<_> = fs::read_dir(models())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    folders.sort();
    assert_eq!(folders, FOLDERS);
    for name in FOLDERS {
        let folder = models().join(name);
        let counter = TokenCounter::open(&folder).unwrap();
        let tokenizer = Tokenizer::open(&folder).unwrap();
        let expected = expected(&folder);
        for case in expected["conversations"].as_array().unwrap() {
            let messages: Vec<_> = case["messages"]
                .as_array()
                .unwrap()
                .iter()
                .map(message)
                .collect();
            let tools = case["tools"].as_array().unwrap();
            let template = ChatTemplate::open(&folder, !tools.is_empty()).unwrap();
            let text = template.render(&messages, tools, false).unwrap();
            assert_eq!(text, case["text"], "{name}");
            if let Some(ids) = case["ids"].as_array() {
                let ids: Vec<u32> = ids.iter().map(|id| id.as_u64().unwrap() as u32).collect();
                assert_eq!(tokenizer.encode(&text).unwrap(), ids, "{name}");
            }
            let tokens = counter.count(&messages, tools).unwrap();
            assert_eq!(tokens, case["tokens"], "{name}: {text}");
        }
    }
}

#[test]
fn pictures_of_any_size_take_the_tokens_of_the_reference() {
    for name in FOLDERS.into_iter().filter(|name| *name != "text") {
        let folder = models().join(name);
        let counter = TokenCounter::open(&folder).unwrap();
        let count = |size: PictureSize| {
            let content = vec![ChatPart::Text("a".to_owned()), ChatPart::Picture(size)];
            let message = ChatMessage {
                content,
                ..ChatMessage::text("user", "")
            };
            counter.count(&[message], &[]).unwrap() as i64
        };
        let expected = expected(&folder);
        let sizes = expected["picture_tokens"].as_array().unwrap();
        assert!(sizes.len() >= 20);
        let (first, first_tokens) = (size(&sizes[0][0]), sizes[0][1].as_i64().unwrap());
        let around = count(first) - first_tokens;
        assert!((0..40).contains(&around), "{name}: {around}");
        for case in sizes {
            let tokens = count(size(&case[0])) - around;
            assert_eq!(tokens, case[1].as_i64().unwrap(), "{name}: {case}");
        }
    }
}

#[test]
fn a_generation_prompt_follows_the_messages() {
    let template = ChatTemplate::open(&models().join("qwen2_vl"), false).unwrap();
    let text = template
        .render(&[ChatMessage::text("user", "a")], &[], true)
        .unwrap();
    assert!(
        text.ends_with("<|im_end|>\n<|im_start|>assistant\n"),
        "{text}"
    );
}

/// A copy of a folder without some files, and with others.
fn changed(name: &str, without: &[&str], with: &[(&str, &str)]) -> TemporaryFolder {
    let folder = TemporaryFolder::new("model-changed");
    for entry in fs::read_dir(models().join(name)).unwrap() {
        let entry = entry.unwrap();
        if !without.contains(&entry.file_name().to_str().unwrap()) {
            fs::copy(entry.path(), folder.0.join(entry.file_name())).unwrap();
        }
    }
    for (file, text) in with {
        fs::write(folder.0.join(file), text).unwrap();
    }
    folder
}

#[test]
fn what_is_missing_is_named() {
    let picture = |width, height| ChatMessage {
        content: vec![ChatPart::Picture(PictureSize { width, height })],
        ..ChatMessage::text("user", "")
    };
    let opened = |folder: &TemporaryFolder| {
        let error = TokenCounter::open(&folder.0).unwrap_err();
        let message = error.to_string();
        let report = Report::from(error);
        (message, report.hints.join("\n"))
    };
    let (message, hint) = opened(&changed("text", &["tokenizer.json"], &[]));
    assert!(message.ends_with("has no tokenizer.json"), "{message}");
    assert!(hint.contains("folder of the model"), "{hint}");
    let (message, _) = opened(&changed("text", &["chat_template.jinja"], &[]));
    assert!(message.ends_with("has no chat template"), "{message}");
    let (message, _) = opened(&changed("text", &[], &[("tokenizer.json", "{}")]));
    assert!(
        message.ends_with("tokenizer.json is not what it should be"),
        "{message}"
    );

    // Text needs nothing of what pictures need.
    let count = |folder: &TemporaryFolder, message: ChatMessage| {
        let counter = TokenCounter::open(&folder.0).unwrap();
        let text = counter
            .count(&[ChatMessage::text("user", "a")], &[])
            .unwrap();
        assert!(text > 1);
        counter.count(&[message], &[]).unwrap_err()
    };
    let error = count(&changed("qwen3_vl", &["config.json"], &[]), picture(9, 9));
    assert!(error.to_string().ends_with("has no config.json"), "{error}");
    let error = count(
        &changed("qwen3_vl", &["processor_config.json"], &[]),
        picture(9, 9),
    );
    assert!(
        error
            .to_string()
            .ends_with("has no preprocessor_config.json"),
        "{error}"
    );
    let other = [("config.json", r#"{"model_type": "llava"}"#)];
    let error = count(&changed("qwen3_vl", &[], &other), picture(9, 9));
    assert!(matches!(error, ModelError::UnknownModel(_)), "{error}");
    assert!(Report::from(error).hints.join("\n").contains("qwen2_5_vl"));
    let plain = [(
        "chat_template.jinja",
        "{{ messages[0].role }} has more than one token",
    )];
    let error = count(&changed("qwen3_vl", &[], &plain), picture(9, 9));
    let expected = "the templated text has 0 × `<|image_pad|>` for 1 pictures";
    assert_eq!(error.to_string(), expected);
    let error = count(&changed("qwen3_vl", &[], &[]), picture(2001, 10));
    assert!(
        matches!(error, ModelError::PictureShape { width: 2001, .. }),
        "{error}"
    );
    let error = count(&changed("idefics3", &[], &[]), picture(0, 10));
    assert!(
        matches!(error, ModelError::PictureShape { height: 10, .. }),
        "{error}"
    );
    let other = [("config.json", r#"{"model_type": "smolvlm"}"#)];
    let error = count(&changed("qwen3_vl", &[], &other), picture(9, 9));
    let expected = "the tokenizer has no token `<image>`, which stands for a picture";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_template_may_refuse_messages() {
    let counter = TokenCounter::open(&models().join("text")).unwrap();
    let twice = [
        ChatMessage::text("user", "a"),
        ChatMessage::text("user", "b"),
    ];
    let error = counter.count(&twice, &[]).unwrap_err();
    let expected =
        "the chat template refuses these messages: turns must alternate: user, assistant, user, …";
    assert_eq!(error.to_string(), expected);
}
