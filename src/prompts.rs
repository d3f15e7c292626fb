//! Prompts are data: templates in `assets/prompts/`, unless a person has an own form of one. Whoever uses a prompt names it; this is the
//! only place that finds and fills it in.

use std::path::PathBuf;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;

use crate::domain::ContentHash;
use crate::report::Report;

/// Instructions that a prompt may take: a person's own may loop.
const FUEL: u64 = 10_000_000;

/// A prompt as it comes with the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Template {
    /// Its name; a person's own form of it is a file `<name>.txt`.
    pub name: &'static str,
    /// The embedded form.
    pub text: &'static str,
}

/// A prompt that was filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The text, without white space around it.
    pub text: String,
    /// BLAKE3 over the template, as it was used.
    pub template: ContentHash,
}

/// Where prompts come from: the first folder that has the file, else what is embedded.
#[derive(Debug, Clone, Default)]
pub struct Prompts {
    folders: Vec<PathBuf>,
}

/// Why a prompt could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// A person's own form of it can't be read.
    #[error("the prompt in {path} can't be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no template, asks for what is not there, or does not end.
    #[error("the prompt `{name}` is wrong: {reason}")]
    Wrong {
        /// Its name.
        name: String,
        /// What is wrong.
        reason: String,
    },
}

impl Prompts {
    /// Folders whose files go before the embedded prompts, the first one foremost.
    pub fn new(folders: Vec<PathBuf>) -> Self {
        Self { folders }
    }

    /// Fills a prompt in. What it asks for and is not there is an error.
    pub fn render(
        &self,
        template: &Template,
        values: impl Serialize,
    ) -> Result<Rendered, PromptError> {
        let own = self.own(template.name)?;
        let text = own.as_deref().unwrap_or(template.text);
        let wrong = |error: minijinja::Error| PromptError::Wrong {
            name: template.name.to_owned(),
            reason: error.to_string(),
        };
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        let mut syntax = SyntaxConfig::builder();
        syntax.trim_blocks(true).lstrip_blocks(true);
        environment.set_syntax(syntax.build().map_err(wrong)?);
        environment.set_fuel(Some(FUEL));
        let rendered = environment
            .render_named_str(template.name, text, Serde(values))
            .map_err(wrong)?;
        Ok(Rendered {
            text: rendered.trim().to_owned(),
            template: ContentHash(blake3::hash(text.as_bytes()).into()),
        })
    }

    fn own(&self, name: &str) -> Result<Option<String>, PromptError> {
        for folder in &self.folders {
            let path = folder.join(format!("{name}.txt"));
            match std::fs::read_to_string(&path) {
                Ok(text) => return Ok(Some(text)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(source) => return Err(PromptError::Read { path, source }),
            }
        }
        Ok(None)
    }
}

impl From<PromptError> for Report {
    fn from(error: PromptError) -> Self {
        Self::from_error(&error)
    }
}

#[cfg(test)]
mod tests {
    use minijinja::context;

    use super::*;

    const GREETING: Template = Template {
        name: "greeting",
        text: "Hello {{ name }}.\n",
    };

    #[test]
    fn the_first_folder_that_has_a_prompt_goes_before_the_embedded_one() {
        let folder = std::env::temp_dir().join(format!("retake-prompts-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let prompts = Prompts::new(vec![folder.join("none"), folder.clone()]);
        let ada = context! { name => "<Ada>" };
        let embedded = prompts.render(&GREETING, &ada).expect("rendered");
        assert_eq!(embedded.text, "Hello <Ada>.");
        std::fs::write(folder.join("greeting.txt"), "Hi {{ name }}!").expect("written");
        let own = prompts.render(&GREETING, &ada).expect("rendered");
        assert_eq!(own.text, "Hi <Ada>!");
        assert_ne!(own.template, embedded.template);
        std::fs::remove_dir_all(&folder).expect("removed");
    }

    #[test]
    fn what_is_missing_or_endless_is_told() {
        let prompts = Prompts::default();
        let error = prompts.render(&GREETING, context! {}).unwrap_err();
        assert!(error.to_string().contains("greeting"), "{error}");
        let endless = Template {
            name: "endless",
            text: "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
        };
        assert!(prompts.render(&endless, context! {}).is_err());
    }
}
