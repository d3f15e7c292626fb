//! Which keys ask for which action: the embedded keymap, and the user's patch over it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml_edit::Document;

use super::action::{Action, Scope};
use super::key::Key;

/// The keymaps inside the program, by name; each but the first is a patch over the first.
pub const KEYMAPS: [(&str, &str); 2] = [
    ("default", include_str!("../../keymaps/default.toml")),
    ("vim", include_str!("../../keymaps/vim.toml")),
];

/// Keys that are pressed one after another.
pub type Chord = Vec<Key>;

/// Chords and what they ask for, by scope.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Keymap {
    bindings: BTreeMap<Scope, BTreeMap<Chord, Action>>,
}

/// What is wrong in a keymap. The rest of it holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}: {reason}", .path.display())]
pub struct KeymapError {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub reason: String,
}

/// What keys pressed so far ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pressed {
    /// This.
    Action(Action),
    /// Nothing yet: more keys may follow.
    Incomplete,
    /// Nothing.
    Nothing,
}

impl Keymap {
    /// An embedded keymap by its name.
    pub fn named(name: &str) -> Option<Self> {
        let mut keymap = Self::default();
        let (_, wanted) = KEYMAPS.iter().find(|(known, _)| *known == name)?;
        let (first, text) = KEYMAPS[0];
        // That the embedded ones have no errors is tested.
        keymap.patch(text, Path::new(first));
        if name != first {
            keymap.patch(wanted, Path::new(name));
        }
        Some(keymap)
    }

    /// Takes over what a file says: `"keys" = "action"` in sections named like scopes; `""` unbinds. What is wrong is left
    /// out and returned.
    pub fn patch(&mut self, toml: &str, path: &Path) -> Vec<KeymapError> {
        let error = |at: usize, reason: String| KeymapError {
            path: path.to_owned(),
            line: line_of(toml, at),
            reason,
        };
        let document = match Document::parse(toml) {
            Ok(document) => document,
            Err(wrong) => {
                let at = wrong.span().map_or(0, |span| span.start);
                return vec![error(at, wrong.message().to_owned())];
            }
        };
        let mut errors = Vec::new();
        for (section, item) in document.iter() {
            let place = |key: Option<&toml_edit::Key>| {
                key.and_then(toml_edit::Key::span)
                    .map_or(0, |span| span.start)
            };
            let at = place(document.key(section));
            let Some(scope) = Scope::named(section) else {
                let names = Scope::ALL.map(Scope::name).join(", ");
                errors.push(error(
                    at,
                    format!("there is no section `{section}`; there are {names}"),
                ));
                continue;
            };
            let Some(table) = item.as_table_like() else {
                errors.push(error(
                    at,
                    format!("`{section}` is to be a section: [{section}]"),
                ));
                continue;
            };
            let mut seen: BTreeMap<Chord, String> = BTreeMap::new();
            for (written, value) in table.iter() {
                let at = place(table.key(written));
                match read(scope, written, value) {
                    Err(reason) => errors.push(error(at, reason)),
                    Ok((chord, action)) => {
                        if let Some(before) = seen.insert(chord.clone(), written.to_owned()) {
                            let reason =
                                format!("`{written}` is bound twice, as `{before}` before");
                            errors.push(error(at, reason));
                            continue;
                        }
                        let bindings = self.bindings.entry(scope).or_default();
                        match action {
                            Some(action) => bindings.insert(chord, action),
                            None => bindings.remove(&chord),
                        };
                    }
                }
            }
        }
        errors.extend(self.hidden().into_iter().map(|(scope, short, long)| {
            let reason = format!(
                "[{}] `{}` can never be pressed: `{}` is bound itself",
                scope.name(),
                words(&long),
                words(&short)
            );
            error(0, reason)
        }));
        errors
    }

    /// Chords that a shorter one of the same section makes unreachable.
    fn hidden(&self) -> Vec<(Scope, Chord, Chord)> {
        let mut hidden = Vec::new();
        for (scope, bindings) in &self.bindings {
            for short in bindings.keys() {
                let longer = bindings
                    .keys()
                    .filter(|long| long.len() > short.len() && long.starts_with(short));
                hidden.extend(longer.map(|long| (*scope, short.clone(), long.clone())));
            }
        }
        hidden
    }

    /// What keys ask for in a scope; a scope's own bindings go before the global ones.
    pub fn pressed(&self, scope: Scope, keys: &[Key]) -> Pressed {
        let scopes = match scope.is_typed_in() {
            true => vec![scope],
            false => vec![scope, Scope::Global],
        };
        let mut incomplete = false;
        for scope in scopes {
            let Some(bindings) = self.bindings.get(&scope) else {
                continue;
            };
            if let Some(action) = bindings.get(keys) {
                return Pressed::Action(*action);
            }
            incomplete |= bindings.keys().any(|chord| chord.starts_with(keys));
        }
        match incomplete {
            true => Pressed::Incomplete,
            false => Pressed::Nothing,
        }
    }

    /// The chords that ask for an action in a scope, shortest first.
    pub fn chords(&self, scope: Scope, action: Action) -> Vec<String> {
        let own = self.bindings.get(&scope).into_iter().flatten();
        let global = self.bindings.get(&Scope::Global).into_iter().flatten();
        let global = global.filter(|(chord, _)| {
            let hides = |own: &BTreeMap<Chord, Action>| own.contains_key(*chord);
            !scope.is_typed_in() && !self.bindings.get(&scope).is_some_and(hides)
        });
        let mut chords: Vec<String> = Vec::new();
        for (chord, bound) in own.chain(global) {
            let chord = words(chord);
            if *bound == action && !chords.contains(&chord) {
                chords.push(chord);
            }
        }
        chords.sort_by_key(|chord| chord.chars().count());
        chords
    }

    /// Every binding, by scope.
    pub fn bindings(&self) -> impl Iterator<Item = (Scope, String, Action)> {
        let all = self.bindings.iter().flat_map(|(scope, bindings)| {
            bindings
                .iter()
                .map(|(chord, action)| (*scope, words(chord), *action))
        });
        all.collect::<Vec<_>>().into_iter()
    }
}

/// A chord as keymaps write it.
pub fn words(chord: &[Key]) -> String {
    let keys: Vec<String> = chord.iter().map(Key::to_string).collect();
    keys.join(" ")
}

fn read(
    scope: Scope,
    written: &str,
    value: &toml_edit::Item,
) -> Result<(Chord, Option<Action>), String> {
    let chord: Result<Chord, _> = written
        .split(' ')
        .filter(|k| !k.is_empty())
        .map(str::parse)
        .collect();
    let chord = chord.map_err(|error: super::key::KeyError| error.to_string())?;
    if chord.is_empty() {
        return Err("a key has no name".to_owned());
    }
    let name = value
        .as_str()
        .ok_or_else(|| format!("`{written}` is to be the name of an action in quotes"))?;
    if name.is_empty() {
        return Ok((chord, None));
    }
    let action = Action::named(name).ok_or_else(|| {
        let names = super::action::ACTIONS.iter().map(|row| row.name);
        match crate::index::query::closest(name, names) {
            Some(near) => format!("there is no action `{name}`; did you mean `{near}`?"),
            None => format!("there is no action `{name}`"),
        }
    })?;
    if !action.is_in(scope) && scope != Scope::Global {
        return Err(format!("`{name}` can't be used in [{}]", scope.name()));
    }
    if scope.is_typed_in() && chord.iter().any(|key| key.is_text()) {
        return Err(format!("`{written}` is text in [{}]", scope.name()));
    }
    Ok((chord, Some(action)))
}

fn line_of(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or(text);
    before.bytes().filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(toml: &str) -> (Keymap, Vec<String>) {
        let mut keymap = Keymap::named("default").expect("the default");
        let errors = keymap.patch(toml, Path::new("keymap.toml"));
        (keymap, errors.iter().map(KeymapError::to_string).collect())
    }

    fn pressed(keymap: &Keymap, scope: Scope, keys: &str) -> Pressed {
        let keys: Vec<Key> = keys
            .split(' ')
            .map(|key| key.parse().expect("a key"))
            .collect();
        keymap.pressed(scope, &keys)
    }

    #[test]
    fn the_embedded_keymaps_are_right() {
        for (name, text) in KEYMAPS {
            let mut keymap = Keymap::named("default").expect("the default");
            assert_eq!(keymap.patch(text, Path::new(name)), [], "{name}");
            assert_eq!(Keymap::named(name), Some(keymap));
        }
    }

    #[test]
    fn every_action_can_be_reached_by_a_key() {
        for (name, _) in KEYMAPS {
            let keymap = Keymap::named(name).expect("a keymap");
            for row in crate::tui::action::ACTIONS {
                for scope in row.scopes {
                    let chords = keymap.chords(*scope, row.action);
                    assert!(
                        !chords.is_empty(),
                        "{name}: {} in {}",
                        row.name,
                        scope.name()
                    );
                }
            }
        }
    }

    /// The page of keys, from the table of actions.
    fn page() -> String {
        let [default, vim] = KEYMAPS.map(|(name, _)| Keymap::named(name).expect("a keymap"));
        let mut page = String::from(
            "# Keys\n\n\
             What each key of the workbench does. `?` shows the keys of the view in front, `:` finds an action by its name. \
             Keys of a view go before those that hold everywhere.\n\n\
             A file of your own, `~/.config/retake/keymap.toml`, says what differs, with the names of the actions:\n\n\
             ```toml\n[corpus]\n\"ctrl-d\" = \"reject\"   # a key more\n\"r\" = \"\"              # one less\n\
             \"g a\" = \"mark-all\"    # keys one after another\n```\n\n\
             Keys are characters, `enter esc tab backspace delete insert up down left right home end pageup pagedown space` and \
             `f1` to `f12`, each behind `ctrl-`, `alt-` or `shift-`. What is wrong in the file is said at the start, with its line; \
             the rest of it holds. `keymap = \"vim\"` under `[tui]` in `config.toml` takes the keys of the last column.\n",
        );
        for scope in Scope::ALL {
            page.push_str(&format!(
                "\n## {}\n\n| key | vim | action | what it does |\n|---|---|---|---|\n",
                scope.name()
            ));
            let rows = crate::tui::action::ACTIONS
                .iter()
                .filter(|row| row.scopes.contains(&scope));
            for row in rows {
                let keys = |keymap: &Keymap| {
                    let chords = keymap.chords(scope, row.action).into_iter();
                    let chords = chords.map(|chord| format!("`{}`", chord.replace('|', "\\|")));
                    chords.collect::<Vec<_>>().join(" ")
                };
                let (own, other) = (keys(&default), keys(&vim));
                let other = if own == other { String::new() } else { other };
                page.push_str(&format!(
                    "| {own} | {other} | `{}` | {} |\n",
                    row.name, row.doc
                ));
            }
        }
        page
    }

    #[test]
    fn docs_agree() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/keys.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, page()).expect("docs/keys.md");
        }
        let written = std::fs::read_to_string(path).expect("docs/keys.md");
        assert_eq!(
            written,
            page(),
            "UPDATE_DOCS=1 cargo test --release docs_agree"
        );
    }

    #[test]
    fn a_patch_binds_unbinds_and_overrides() {
        let (keymap, errors) = patch(
            "[corpus]\nx = \"\"\n\"x x\" = \"accept\"\na = \"\"\n[global]\n\"ctrl-q\" = \"quit\"\n",
        );
        assert_eq!(errors, [""; 0]);
        assert_eq!(
            pressed(&keymap, Scope::Corpus, "x x"),
            Pressed::Action(Action::Accept)
        );
        assert_eq!(pressed(&keymap, Scope::Corpus, "x"), Pressed::Incomplete);
        assert_eq!(pressed(&keymap, Scope::Corpus, "a"), Pressed::Nothing);
        assert_eq!(
            pressed(&keymap, Scope::Replay, "ctrl-q"),
            Pressed::Action(Action::Quit)
        );
        assert_eq!(pressed(&keymap, Scope::Edit, "ctrl-q"), Pressed::Nothing);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line_and_the_rest_holds() {
        let toml = "[corpus]\n\"ctrl-a\" = \"accpt\"\n\"ctrl-b\" = \"accept\"\n\n[nowhere]\nx = \"help\"\n[edit]\nx = \"save-edit\"\n\"ctrl-t\" = \"play\"\n";
        let (keymap, errors) = patch(toml);
        assert_eq!(errors.len(), 4, "{errors:?}");
        assert_eq!(
            errors[0],
            "keymap.toml:2: there is no action `accpt`; did you mean `accept`?"
        );
        assert!(errors[1].starts_with("keymap.toml:5: there is no section `nowhere`"));
        assert_eq!(errors[2], "keymap.toml:8: `x` is text in [edit]");
        assert_eq!(errors[3], "keymap.toml:9: `play` can't be used in [edit]");
        assert_eq!(
            pressed(&keymap, Scope::Corpus, "ctrl-b"),
            Pressed::Action(Action::Accept)
        );
    }

    #[test]
    fn a_key_bound_twice_is_an_error() {
        let (_, errors) = patch("[corpus]\n\"ctrl-k\" = \"accept\"\n\"ctrl-K\" = \"reject\"\n");
        assert_eq!(
            errors,
            ["keymap.toml:3: `ctrl-K` is bound twice, as `ctrl-k` before"]
        );
        let (_, errors) = patch("[corpus]\n\"ctrl-k\" = \"accept\"\n\"ctrl-k\" = \"reject\"\n");
        assert!(errors[0].starts_with("keymap.toml:3: "), "{errors:?}");
        let (_, errors) = patch("[corpus]\n\"ctrl-k\" = \"accept\"\n\"ctrl-k x\" = \"reject\"\n");
        assert!(errors[0].contains("can never be pressed"), "{errors:?}");
    }
}
