use std::error::Error as _;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Value as JinjaValue};
use regex::Regex;
use serde_json::{Map, Value};

use super::model_folder::{self, Settings};
use super::python_text::{self, JsonStyle};
use super::{ChatMessage, ModelError};

/// Instructions that a template may take: it comes with a model and may loop.
const FUEL: u64 = 10_000_000;

/// The name of the one template.
const NAME: &str = "chat";

/// The chat template of a model: the text that its messages become.
///
/// Templates see what the `transformers` library gives them (`utils/chat_template_utils.py`): `messages`, `tools`,
/// `add_generation_prompt`, the special tokens by name, `raise_exception`, `strftime_now` (UTC here), a `tojson` like
/// Python's, the methods of Python's strings and dictionaries, `break` and `continue`, and `generation` blocks.
#[derive(Clone)]
pub struct ChatTemplate {
    path: PathBuf,
    environment: Environment<'static>,
    special_tokens: Map<String, Value>,
}

impl ChatTemplate {
    /// Reads the template of a model's folder: `chat_template.jinja`, else `chat_template.json`, else the one in
    /// `tokenizer_config.json` (of several `tool_use` where there are tools, else `default`).
    pub fn open(folder: &Path, has_tools: bool) -> Result<Self, ModelError> {
        let config = Settings::read(folder, "tokenizer_config.json")?.unwrap_or_default();
        let own = config.values.get("chat_template");
        let (path, source) = if let Some(text) = model_folder::text(folder, "chat_template.jinja")?
        {
            (folder.join("chat_template.jinja"), text)
        } else if let Some(settings) = Settings::read(folder, "chat_template.json")?
            && let Some(text) = settings.text("chat_template")
        {
            (settings.path.clone(), text.to_owned())
        } else if let Some(text) = own.and_then(|own| template_of(own, has_tools)) {
            (config.path.clone(), text.to_owned())
        } else {
            return Err(ModelError::NoTemplate(folder.to_owned()));
        };
        Self::new(path, source, special_tokens(&config))
    }

    /// From its text and the special tokens by name; `path` is what errors name.
    pub(super) fn from_text(
        path: &Path,
        text: &str,
        special_tokens: Map<String, Value>,
    ) -> Result<Self, ModelError> {
        Self::new(path.to_owned(), text.to_owned(), special_tokens)
    }

    fn new(
        path: PathBuf,
        source: String,
        special_tokens: Map<String, Value>,
    ) -> Result<Self, ModelError> {
        let mut environment = environment().map_err(|error| failure(&path, &error))?;
        environment
            .add_template_owned(NAME, without_generation_blocks(&source))
            .map_err(|error| failure(&path, &error))?;
        Ok(Self {
            path,
            environment,
            special_tokens,
        })
    }

    /// The text of a conversation. `with_generation_prompt` adds what makes the model answer.
    pub fn render(
        &self,
        messages: &[ChatMessage],
        tools: &[Value],
        with_generation_prompt: bool,
    ) -> Result<String, ModelError> {
        let in_parts = messages.iter().any(|m| m.pictures().next().is_some());
        let messages: Value = messages.iter().map(|m| m.to_json(in_parts)).collect();
        let mut context = self.special_tokens.clone();
        context.insert("messages".to_owned(), messages);
        let tools = (!tools.is_empty()).then(|| Value::from(tools));
        context.insert("tools".to_owned(), tools.unwrap_or_default());
        context.insert("documents".to_owned(), Value::Null);
        context.insert(
            "add_generation_prompt".to_owned(),
            Value::from(with_generation_prompt),
        );
        let template = self.environment.get_template(NAME);
        let rendered = template.and_then(|template| template.render(Serde(&context)));
        rendered.map_err(|error| failure(&self.path, &error))
    }
}

impl fmt::Debug for ChatTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ChatTemplate").field(&self.path).finish()
    }
}

/// The template in a setting: text, or the one that fits of a list of `{name, template}`.
fn template_of(setting: &Value, has_tools: bool) -> Option<&str> {
    let Value::Array(templates) = setting else {
        return setting.as_str();
    };
    let named = |name: &str| {
        let found = templates
            .iter()
            .find(|t| t.get("name").is_some_and(|n| n == name));
        found?.get("template")?.as_str()
    };
    let with_tools = has_tools.then(|| named("tool_use")).flatten();
    with_tools.or_else(|| named("default"))
}

/// Special tokens by name: text, or an object with the text as its `content`.
fn special_tokens(config: &Settings) -> Map<String, Value> {
    let text = |value: &Value| match value {
        Value::String(_) => Some(value.clone()),
        Value::Object(token) => token.get("content").filter(|c| c.is_string()).cloned(),
        _ => None,
    };
    let named = config
        .values
        .iter()
        .filter(|(name, _)| name.ends_with("_token"));
    let extra = config.object("extra_special_tokens").into_iter().flatten();
    named
        .chain(extra)
        .filter_map(|(name, value)| Some((name.clone(), text(value)?)))
        .collect()
}

/// `{% generation %}` marks what a model is trained on; it does not change the text.
fn without_generation_blocks(source: &str) -> String {
    let Ok(block) = Regex::new(r"\{%([-+]?)\s*(end)?generation\s*([-+]?)%\}") else {
        return source.to_owned();
    };
    let replaced = block.replace_all(source, |found: &regex::Captures<'_>| {
        let tag = match found.get(2) {
            Some(_) => "endif",
            None => "if true",
        };
        format!("{{%{} {tag} {}%}}", &found[1], &found[3])
    });
    replaced.into_owned()
}

fn environment() -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true);
    environment.set_syntax(syntax.build()?);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_fuel(Some(FUEL));
    environment.set_formatter(|out, _, value| {
        if value.is_undefined() {
            return Ok(());
        }
        out.write_str(&python(value)?).map_err(Error::from)
    });
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.add_filter("tojson", to_json);
    environment.add_filter("string", |value: JinjaValue| python(&value));
    // To Python a string and a dictionary are sequences, too.
    environment.add_test("sequence", |value: JinjaValue| {
        matches!(
            value.kind(),
            ValueKind::Seq | ValueKind::String | ValueKind::Map
        )
    });
    environment.add_function("raise_exception", raise_exception);
    environment.add_function("strftime_now", strftime_now);
    Ok(environment)
}

/// `str(value)`.
fn python(value: &JinjaValue) -> Result<String, Error> {
    match value.as_str() {
        Some(text) => Ok(text.to_owned()),
        None => Ok(python_text::text(&json(value)?)),
    }
}

fn json(value: &JinjaValue) -> Result<Value, Error> {
    serde_json::to_value(value)
        .map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))
}

/// `tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False)`.
fn to_json(value: JinjaValue, options: Kwargs) -> Result<String, Error> {
    let indent = match options.get::<Option<JinjaValue>>("indent")? {
        Some(indent) => match (indent.as_usize(), indent.as_str()) {
            (Some(width), _) => Some(" ".repeat(width.min(100))),
            (None, text) => text.map(str::to_owned),
        },
        None => None,
    };
    let mut style = JsonStyle::new(indent);
    style.ascii = options
        .get::<Option<bool>>("ensure_ascii")?
        .unwrap_or(false);
    style.sorted = options.get::<Option<bool>>("sort_keys")?.unwrap_or(false);
    if let Some(separators) = options.get::<Option<Vec<String>>>("separators")?
        && let [item, key] = separators.as_slice()
    {
        style.item_separator.clone_from(item);
        style.key_separator.clone_from(key);
    }
    options.assert_all_used()?;
    Ok(style.write(&json(&value)?))
}

/// What a template says by `raise_exception`, in the chain of an error.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Raised(String);

fn raise_exception(message: String) -> Result<JinjaValue, Error> {
    let error = Error::new(ErrorKind::InvalidOperation, message.clone());
    Err(error.with_source(Raised(message)))
}

fn strftime_now(format: String) -> Result<String, Error> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    python_text::strftime(&format, now.as_secs()).ok_or_else(|| {
        let reason = format!("`strftime_now` does not know all of `{format}`");
        Error::new(ErrorKind::InvalidOperation, reason)
    })
}

fn failure(path: &Path, error: &Error) -> ModelError {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(Raised(message)) = inner.downcast_ref() {
            return ModelError::Refused(message.clone());
        }
        cause = inner.source();
    }
    ModelError::Template {
        path: path.to_owned(),
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn template(source: &str) -> ChatTemplate {
        let config = Settings {
            values: json!({
                "bos_token": {"content": "<s>", "special": true}, "eos_token": "</s>", "pad_token": null, "model_max_length": 8,
            })
            .as_object()
            .unwrap()
            .clone(),
            ..Settings::default()
        };
        ChatTemplate::new("t".into(), source.to_owned(), special_tokens(&config)).unwrap()
    }

    fn rendered(source: &str) -> String {
        let mut call = ChatMessage::text("assistant", " A\nb ");
        let calls = json!([{"function": {"name": "f", "arguments": {"x": 1, "y": "é"}}}]);
        call.fields.insert("tool_calls".to_owned(), calls);
        let messages = [ChatMessage::text("user", "U"), call];
        let tools = [json!({"type": "function", "function": {"name": "f"}})];
        template(source).render(&messages, &tools, true).unwrap()
    }

    // What Jinja 3.1 prints for each, in the environment that `transformers` makes.
    #[test]
    fn templates_read_as_in_python() {
        let cases = [
            (
                "{{ bos_token }}{{ eos_token }}{{ pad_token }}{{ nothing }}.",
                "<s></s>.",
            ),
            (
                "{{ none }} {{ true }} {{ [none, 1.0] }}",
                "None True [None, 1.0]",
            ),
            (
                "{{ tools | tojson }}",
                r#"[{"type": "function", "function": {"name": "f"}}]"#,
            ),
            (
                "{{ messages[1].tool_calls[0].function.arguments | tojson(indent=2) }}",
                "{\n  \"x\": 1,\n  \"y\": \"é\"\n}",
            ),
            (
                "{{ {'a': 'é'} | tojson(ensure_ascii=true, separators=(',', ':')) }}",
                r#"{"a":"\u00e9"}"#,
            ),
            (
                "{{ messages[-1]['content'].strip().split('\\n')[-1] }}",
                "b",
            ),
            ("{{ messages[0].content.startswith('U') }}", "True"),
            (
                "{% for m in messages %}\n  {% if loop.first %}\n{% continue %}{% endif %}\n  {{ m.role }}\n{% endfor %}\n.",
                "  assistant\n.",
            ),
            (
                "{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}",
                "2",
            ),
            (
                "{% for k, v in messages[0].items() %}{{ k }}={{ v }};{% endfor %}",
                "role=user;content=U;",
            ),
            (
                "{% for k, v in messages[0] | items %}{{ k }};{% endfor %}",
                "role;content;",
            ),
            (
                "{{ messages[::-1][0].role }}{{ messages[1:] | length }}",
                "assistant1",
            ),
            (
                "{{ 'a' is string }}{{ 'a' is sequence }}{{ 'a' is iterable }}{{ messages is mapping }}",
                "TrueTrueTrueFalse",
            ),
            ("{% generation %}\n a\n{%- endgeneration -%} \n b", " ab"),
            (
                "{% macro m(x) %}<{{ x }}>{% endmacro %}{{ m(1) ~ m('b') }}",
                "<1><b>",
            ),
            (
                "{{ messages[0].tool_calls is defined }}{{ 'content' in messages[0] }}{{ messages[0].get('name') }}",
                "FalseTrueNone",
            ),
            (
                "{{ messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | join(',') }}",
                "U",
            ),
            (
                "{{ add_generation_prompt and 'go' }}{{ 1 | string + 'x' }}",
                "go1x",
            ),
            ("{{ {'a': 'it'} }}{{ ['x'] }}", "{'a': 'it'}['x']"),
        ];
        for (source, expected) in cases {
            assert_eq!(rendered(source), expected, "{source}");
        }
        let year: u32 = rendered("{{ strftime_now('%Y') }}").parse().unwrap();
        assert!((2024..2200).contains(&year));
    }

    #[test]
    fn what_goes_wrong_is_said() {
        let run = |source: &str| {
            let messages = [ChatMessage::text("user", "U")];
            template(source)
                .render(&messages, &[], false)
                .unwrap_err()
                .to_string()
        };
        let refused =
            run("{% for m in messages %}{{ raise_exception('roles must ' + m.role) }}{% endfor %}");
        assert_eq!(
            refused,
            "the chat template refuses these messages: roles must user"
        );
        let failed = run("a\n{{ nothing.at_all }}");
        assert!(
            failed.contains("template of t fails") && failed.contains(":2"),
            "{failed}"
        );
        let endless =
            run("{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}{% endfor %}");
        assert!(endless.contains("fuel"), "{endless}");
        assert!(run("{{ strftime_now('%Q') }}").contains("%Q"));
        assert!(run("{{ 1 | tojson(unknown=1) }}").contains("unknown"));
        let syntax = ChatTemplate::new("t".into(), "{% if %}".to_owned(), Map::new());
        assert!(matches!(syntax, Err(ModelError::Template { .. })));
    }

    #[test]
    fn of_several_templates_the_fitting_one_is_taken() {
        let several =
            json!([{"name": "default", "template": "d"}, {"name": "tool_use", "template": "t"}]);
        assert_eq!(template_of(&several, true), Some("t"));
        assert_eq!(template_of(&several, false), Some("d"));
        assert_eq!(template_of(&json!("x"), true), Some("x"));
        assert_eq!(template_of(&json!([]), true), None);
    }
}
