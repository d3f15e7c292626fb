use std::path::{Path, PathBuf};

use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use super::error::RolloutError;
use crate::domain::ContentHash;

/// Instructions that a prompt may take: a user's own may loop.
const FUEL: u64 = 10_000_000;

/// A prompt that is data: `assets/prompts/`, unless the user has an own one of that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Template {
    /// Its name; the user's own form of it is `prompts/<name>.txt` in the folder of their settings.
    pub name: &'static str,
    /// The embedded form.
    pub text: &'static str,
}

/// A prompt that was filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The text.
    pub text: String,
    /// BLAKE3 over the template, as it was used.
    pub template: ContentHash,
}

/// Where prompts come from.
#[derive(Debug, Clone, Default)]
pub struct Templates {
    folder: Option<PathBuf>,
}

impl Templates {
    /// The embedded ones, under those in `prompts/` of the user's own settings.
    pub fn new(user_folder: Option<&Path>) -> Self {
        Self {
            folder: user_folder.map(|folder| folder.join("prompts")),
        }
    }

    /// Fills a prompt in. What it asks for and is not there is an error.
    pub fn render(
        &self,
        template: &Template,
        values: impl Serialize,
    ) -> Result<Rendered, RolloutError> {
        let own = self.own(template.name)?;
        let text = own.as_deref().unwrap_or(template.text);
        let wrong = |error: minijinja::Error| RolloutError::Template {
            name: template.name.to_owned(),
            reason: error.to_string(),
        };
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        environment.set_keep_trailing_newline(false);
        let rendered = environment
            .render_named_str(template.name, text, values)
            .map_err(wrong)?;
        Ok(Rendered {
            text: rendered,
            template: ContentHash(blake3::hash(text.as_bytes()).into()),
        })
    }

    fn own(&self, name: &str) -> Result<Option<String>, RolloutError> {
        let Some(folder) = &self.folder else {
            return Ok(None);
        };
        let path = folder.join(format!("{name}.txt"));
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(RolloutError::TemplateFile { path, source }),
        }
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
    fn the_users_own_prompt_goes_before_the_embedded_one() {
        let folder = tempfile::tempdir().unwrap();
        let templates = Templates::new(Some(folder.path()));
        let embedded = templates.render(&GREETING, context! { name => "Ada" }).unwrap();
        assert_eq!(embedded.text, "Hello Ada.");
        std::fs::create_dir(folder.path().join("prompts")).unwrap();
        std::fs::write(folder.path().join("prompts/greeting.txt"), "Hi {{ name }}!").unwrap();
        let own = templates.render(&GREETING, context! { name => "Ada" }).unwrap();
        assert_eq!(own.text, "Hi Ada!");
        assert_ne!(own.template, embedded.template);
    }

    #[test]
    fn what_is_missing_or_endless_is_told() {
        let templates = Templates::default();
        let error = templates.render(&GREETING, context! {}).unwrap_err();
        assert!(error.to_string().contains("greeting"), "{error}");
        let endless = Template {
            name: "endless",
            text: "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
        };
        assert!(templates.render(&endless, context! {}).is_err());
    }
}
