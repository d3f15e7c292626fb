use std::io::ErrorKind;
use std::path::PathBuf;

use minijinja::{AutoEscape, Environment};
use serde::Serialize;

use super::PromptError;

/// The prompts that come with the program, by name.
const EMBEDDED: &[(&str, &str)] = &[("judge", include_str!("../../assets/prompts/judge.txt"))];

/// Steps that rendering a template may take; one that loops is stopped.
const FUEL: u64 = 10_000_000;

/// Where prompts come from: the first folder that has `NAME.txt`, else what is embedded.
#[derive(Debug, Clone, Default)]
pub struct Prompts {
    folders: Vec<PathBuf>,
}

impl Prompts {
    /// Folders whose files go before the embedded prompts, the first one foremost.
    pub fn new(folders: Vec<PathBuf>) -> Self {
        Self { folders }
    }

    /// The template of a prompt.
    pub fn template(&self, name: &str) -> Result<String, PromptError> {
        for folder in &self.folders {
            let path = folder.join(format!("{name}.txt"));
            match std::fs::read_to_string(&path) {
                Ok(text) => return Ok(text),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(source) => return Err(PromptError::Read { path, source }),
            }
        }
        let embedded = EMBEDDED.iter().find(|(known, _)| *known == name);
        embedded
            .map(|(_, text)| (*text).to_owned())
            .ok_or_else(|| PromptError::Unknown(name.to_owned()))
    }

    /// The prompt that a template makes of values.
    pub fn render(&self, name: &str, values: impl Serialize) -> Result<String, PromptError> {
        let template = self.template(name)?;
        let wrong = |error: minijinja::Error| PromptError::Template {
            name: name.to_owned(),
            reason: error.to_string(),
        };
        let mut environment = Environment::new();
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        environment.set_fuel(Some(FUEL));
        let text = environment.render_str(&template, values).map_err(wrong)?;
        Ok(text.trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_file_goes_before_the_embedded_prompt() {
        let folder = std::env::temp_dir().join(format!("retake-prompts-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let prompts = Prompts::new(vec![folder.join("none"), folder.clone()]);
        assert_eq!(
            prompts.template("judge").expect("embedded"),
            Prompts::default().template("judge").expect("embedded")
        );
        std::fs::write(folder.join("judge.txt"), "{{ task }}!\n").expect("written");
        assert_eq!(prompts.render("judge", json!({"task": "<a>"})).expect("rendered"), "<a>!");
        std::fs::write(folder.join("judge.txt"), "{% if %}").expect("written");
        let wrong = prompts.render("judge", json!({})).expect_err("wrong");
        assert!(matches!(wrong, PromptError::Template { .. }), "{wrong}");
        assert!(matches!(prompts.template("other"), Err(PromptError::Unknown(_))));
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
