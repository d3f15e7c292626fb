use std::collections::BTreeSet;

use monty_types::{
    DictPairs, ExcType, MontyClassInstance, MontyClassType, MontyException, MontyObject, MontyUuid,
};
use serde::{Deserialize, Serialize};

use super::stub_table::{ATTRIBUTES, CALLS, MODULES, ROOTS, Reaction, note, reaction};
use super::value::PythonValue;

/// The function that imports are rewritten to.
pub(super) const IMPORT: &str = "__retake_import__";

/// How stubs are named in Python, so that an error about one can be told from an error of the step.
pub(super) const TYPE_PREFIX: &str = "stub of ";

/// Ids of stubs and of their types; the interpreter's own are random.
const OBJECT_IDS: u128 = 0x0072_6574_616b_6500_0000_0000_0000_0000;
const TYPE_IDS: u128 = 0x0072_6574_616b_6501_0000_0000_0000_0000;

/// Arguments in a note are cut here.
const NOTE_WIDTH: usize = 60;

/// The stubs that a run has: objects without content, which remember what was asked of them.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(super) struct Stubs {
    /// What each stub stands for; its id is the place in this list.
    names: Vec<String>,
    /// Paths that a real run would have made.
    made: BTreeSet<String>,
    /// What stubs stood in for since the last [`Stubs::take_notes`].
    #[serde(skip)]
    notes: Vec<String>,
}

/// What a stub gives.
pub(super) enum StubAnswer {
    Value(MontyObject),
    Raise(MontyException),
    /// The step can't go on; what it needs.
    Refuse(String),
}

/// Whether stubs stand for a module.
pub(super) fn is_stubbed(module: &str) -> bool {
    module
        .split('.')
        .next()
        .is_some_and(|root| ROOTS.contains(&root))
}

impl Stubs {
    /// The notes since the last call, in order and once each.
    pub fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    /// Whether an id is a stub's.
    pub fn name(&self, id: MontyUuid) -> Option<&str> {
        let id = u128::from_be_bytes(*id.as_bytes());
        let place = usize::try_from(id.checked_sub(OBJECT_IDS)?).ok()?;
        self.names.get(place).map(String::as_str)
    }

    /// `import module`, or a name out of it.
    pub fn import(&mut self, arguments: &[MontyObject]) -> StubAnswer {
        let text = |at: usize| match arguments.get(at) {
            Some(MontyObject::String(text)) => Some(text.clone()),
            _ => None,
        };
        let Some(module) = text(0) else {
            return StubAnswer::Refuse("an import without a module".to_owned());
        };
        let name = text(1).map_or(module.clone(), |name| format!("{module}.{name}"));
        if text(1).is_none() || MODULES.contains(&name.as_str()) {
            return if is_stubbed(&name) {
                StubAnswer::Value(self.object(&name))
            } else {
                StubAnswer::Refuse(format!("the module {name}"))
            };
        }
        StubAnswer::Value(MontyObject::Function {
            name,
            docstring: None,
        })
    }

    /// Reads an attribute of the stub `of`.
    pub fn attribute(&mut self, of: &str, name: &str) -> StubAnswer {
        let name = format!("{of}.{name}");
        match reaction(ATTRIBUTES, &name) {
            Reaction::Object(object) => StubAnswer::Value(self.object(object)),
            _ => refuse(&name),
        }
    }

    /// Calls what has this whole name (`os.path.join`).
    pub fn call(
        &mut self,
        name: &str,
        arguments: &[MontyObject],
        keywords: &[(MontyObject, MontyObject)],
    ) -> StubAnswer {
        let path = || match arguments.first() {
            Some(MontyObject::String(path) | MontyObject::Path(path)) => Some(path.clone()),
            _ => None,
        };
        let reaction = reaction(CALLS, name);
        match reaction {
            // A pure function does what it says: there is nothing to note.
            Reaction::Path => return path_function(name, arguments),
            Reaction::Refuse => return refuse(name),
            _ => self.remember(name, arguments, keywords),
        }
        StubAnswer::Value(match reaction {
            Reaction::Object(object) => self.object(object),
            Reaction::Objects(objects) => {
                MontyObject::Tuple(objects.iter().map(|object| self.object(object)).collect())
            }
            Reaction::Makes => {
                self.made.extend(path());
                MontyObject::None
            }
            Reaction::Exists => {
                MontyObject::Bool(path().is_some_and(|path| self.made.contains(&path)))
            }
            Reaction::Nothing | Reaction::Path | Reaction::Refuse => MontyObject::None,
        })
    }

    fn remember(
        &mut self,
        name: &str,
        arguments: &[MontyObject],
        keywords: &[(MontyObject, MontyObject)],
    ) {
        let positional = arguments.iter().map(short);
        let named = keywords
            .iter()
            .map(|(key, value)| format!("{key}={}", short(value)));
        let arguments: Vec<String> = positional.chain(named).collect();
        let note = format!("{name}({}): {}", arguments.join(", "), note(name));
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    fn object(&mut self, name: &str) -> MontyObject {
        let known = self.names.iter().position(|other| other == name);
        let place = known.unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        }) as u128;
        MontyObject::ClassInstance(Box::new(MontyClassInstance {
            class_type: MontyClassType {
                name: format!("{TYPE_PREFIX}{name}"),
                id: MontyUuid::from_u128(TYPE_IDS + place),
                host_defined: true,
                is_dataclass: false,
                attrs: DictPairs::default(),
            },
            instance_id: MontyUuid::from_u128(OBJECT_IDS + place),
            attrs: DictPairs::default(),
        }))
    }
}

fn refuse(name: &str) -> StubAnswer {
    StubAnswer::Refuse(format!("{name} (there is only a stub for it)"))
}

/// The `repr` of an argument, cut.
fn short(value: &MontyObject) -> String {
    let text = match value {
        MontyObject::ClassInstance(instance) => format!("<{}>", instance.class_type.name),
        other => PythonValue::from_object(other).repr(),
    };
    match text.char_indices().nth(NOTE_WIDTH) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// The functions of `os.path` that only look at texts, as `posixpath` does.
fn path_function(name: &str, arguments: &[MontyObject]) -> StubAnswer {
    let mut texts = Vec::new();
    for argument in arguments {
        match argument {
            MontyObject::String(text) | MontyObject::Path(text) => texts.push(text.as_str()),
            other => {
                let kind = other.type_name();
                let message = format!("expected str, bytes or os.PathLike object, not {kind}");
                return StubAnswer::Raise(MontyException::new(ExcType::TypeError, Some(message)));
            }
        }
    }
    let function = name.rsplit('.').next().unwrap_or_default();
    let Some((first, more)) = texts.split_first() else {
        let message = format!("{function}() missing 1 required positional argument");
        return StubAnswer::Raise(MontyException::new(ExcType::TypeError, Some(message)));
    };
    let text = |text: &str| MontyObject::String(text.to_owned());
    let (head, tail) = split(first);
    StubAnswer::Value(match function {
        "join" => text(
            &more
                .iter()
                .fold((*first).to_owned(), |path, part| join(&path, part)),
        ),
        "basename" => text(tail),
        "dirname" => text(head),
        "split" => MontyObject::Tuple(vec![text(head), text(tail)]),
        _ => {
            let (stem, ending) = split_ending(first);
            MontyObject::Tuple(vec![text(stem), text(ending)])
        }
    })
}

fn join(path: &str, part: &str) -> String {
    match (
        part.starts_with('/'),
        path.is_empty() || path.ends_with('/'),
    ) {
        (true, _) => part.to_owned(),
        (false, true) => format!("{path}{part}"),
        (false, false) => format!("{path}/{part}"),
    }
}

fn split(path: &str) -> (&str, &str) {
    let at = path.rfind('/').map_or(0, |slash| slash + 1);
    let (head, tail) = path.split_at(at);
    let trimmed = head.trim_end_matches('/');
    (if trimmed.is_empty() { head } else { trimmed }, tail)
}

/// The ending begins at the last dot of the name, unless only dots stand before it.
fn split_ending(path: &str) -> (&str, &str) {
    let name = path.rfind('/').map_or(0, |slash| slash + 1);
    let dot = path.rfind('.').filter(|dot| {
        *dot >= name
            && path
                .get(name..*dot)
                .is_some_and(|stem| stem.contains(|c| c != '.'))
    });
    path.split_at(dot.unwrap_or(path.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_apart_as_posixpath_does() {
        assert_eq!(join("a", "b"), "a/b");
        assert_eq!(join("a/", "b"), "a/b");
        assert_eq!(join("a", "/b"), "/b");
        assert_eq!(join("", "b"), "b");
        assert_eq!(split("a/b.c"), ("a", "b.c"));
        assert_eq!(split("/a"), ("/", "a"));
        assert_eq!(split("a//b"), ("a", "b"));
        assert_eq!(split("a"), ("", "a"));
        assert_eq!(split_ending("a.b/c.tar.gz"), ("a.b/c.tar", ".gz"));
        assert_eq!(split_ending("a/.bashrc"), ("a/.bashrc", ""));
        assert_eq!(split_ending("..x"), ("..x", ""));
        assert_eq!(split_ending("a.b/c"), ("a.b/c", ""));
    }
}
