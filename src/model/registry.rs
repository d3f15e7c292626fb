use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, Table, value};

use super::ModelError;

/// The models that a user has given names: `models.toml` in the user's folder, which people may edit.
#[derive(Debug)]
pub struct ModelRegistry {
    path: PathBuf,
    document: DocumentMut,
}

impl ModelRegistry {
    const FILE: &'static str = "models.toml";
    const TABLE: &'static str = "models";

    /// Reads the names in a user's folder; none where there is no file.
    pub fn open(user_folder: &Path) -> Result<Self, ModelError> {
        let path = user_folder.join(Self::FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(ModelError::Read { path, source }),
        };
        match text.parse() {
            Ok(document) => Ok(Self { path, document }),
            Err(error) => {
                let reason = error.to_string();
                Err(ModelError::Registry { path, reason })
            }
        }
    }

    /// Names and the folders or files that they stand for.
    pub fn models(&self) -> BTreeMap<String, PathBuf> {
        let table = self.document.get(Self::TABLE).and_then(Item::as_table_like);
        let entries = table.into_iter().flat_map(|table| table.iter());
        entries
            .filter_map(|(name, entry)| Some((name.to_owned(), PathBuf::from(entry.as_str()?))))
            .collect()
    }

    /// What a person means: a name of a model, else a folder or a file.
    pub fn resolve(&self, name_or_path: &str) -> Result<PathBuf, ModelError> {
        let models = self.models();
        if let Some(path) = models.get(name_or_path) {
            return Ok(path.clone());
        }
        let path = PathBuf::from(name_or_path);
        if path.exists() {
            return Ok(path);
        }
        let names: Vec<String> = models.into_keys().collect();
        Err(ModelError::NoModel {
            name: name_or_path.to_owned(),
            names: names.join(", "),
        })
    }

    /// What a model is called that a person has named like this: the name, or the last part of the path.
    pub fn name_of(&self, name_or_path: &str) -> String {
        match self.models().contains_key(name_or_path) {
            true => name_or_path.to_owned(),
            false => last_part(name_or_path),
        }
    }

    /// Gives a model a name. A name that is taken is an error.
    pub fn add(&mut self, name: &str, path: &Path) -> Result<(), ModelError> {
        if self.models().contains_key(name) {
            let reason = format!("there is a model `{name}` already");
            return Err(ModelError::Request(reason));
        }
        let whole = path.canonicalize().map_err(|source| ModelError::Read {
            path: path.to_owned(),
            source,
        })?;
        let table = self
            .document
            .entry(Self::TABLE)
            .or_insert_with(|| Item::Table(Table::new()));
        let Some(table) = table.as_table_like_mut() else {
            return Err(ModelError::Registry {
                path: self.path.clone(),
                reason: "`models` is no table".to_owned(),
            });
        };
        table.insert(name, value(whole.to_string_lossy().into_owned()));
        self.save()
    }

    /// Forgets a name. The files stay.
    pub fn remove(&mut self, name: &str) -> Result<(), ModelError> {
        let names: Vec<String> = self.models().into_keys().collect();
        let table = self
            .document
            .get_mut(Self::TABLE)
            .and_then(Item::as_table_like_mut);
        match table.and_then(|table| table.remove(name)) {
            Some(_) => self.save(),
            None => Err(ModelError::NoModel {
                name: name.to_owned(),
                names: names.join(", "),
            }),
        }
    }

    /// A new file in the place of the old one, so that a cut leaves one of them whole.
    fn save(&self) -> Result<(), ModelError> {
        let failed = |source| ModelError::Read {
            path: self.path.clone(),
            source,
        };
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let new = self
            .path
            .with_extension(format!("{}.new", std::process::id()));
        fs::write(&new, self.document.to_string()).map_err(failed)?;
        fs::rename(&new, &self.path).map_err(failed)
    }
}

/// The last part of a path, also of one like `.`.
pub fn last_part(path: &str) -> String {
    let whole = Path::new(path).canonicalize();
    let whole = whole.unwrap_or_else(|_| PathBuf::from(path));
    match whole.file_name() {
        Some(name) => name.to_string_lossy().into_owned(),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_beside_what_people_wrote() {
        let folder = std::env::temp_dir().join(format!("retake-registry-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        let model = folder.join("some model");
        fs::create_dir_all(&model).unwrap();
        let open = || ModelRegistry::open(&folder.join("config")).unwrap();
        assert!(open().models().is_empty());
        open().add("small", &model).unwrap();
        let file = folder.join("config/models.toml");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, format!("# mine\n{text}")).unwrap();
        let mut registry = open();
        assert_eq!(
            registry.resolve("small").unwrap(),
            model.canonicalize().unwrap()
        );
        assert_eq!(registry.resolve(model.to_str().unwrap()).unwrap(), model);
        assert!(
            registry
                .add("small", &model)
                .unwrap_err()
                .to_string()
                .contains("already")
        );
        let error = registry.resolve("large").unwrap_err().to_string();
        assert!(
            error.contains("`large`") && error.contains("small"),
            "{error}"
        );
        registry.add("b.c \u{e9}", &model).unwrap();
        registry.remove("small").unwrap();
        assert!(registry.remove("small").is_err());
        assert_eq!(registry.name_of("b.c \u{e9}"), "b.c \u{e9}");
        assert_eq!(
            registry.name_of(model.join(".").to_str().unwrap()),
            "some model"
        );
        assert_eq!(
            open().models().into_keys().collect::<Vec<_>>(),
            ["b.c \u{e9}"]
        );
        assert!(fs::read_to_string(&file).unwrap().starts_with("# mine"));
        fs::write(&file, "models = [").unwrap();
        let error = ModelRegistry::open(&folder.join("config")).unwrap_err();
        assert!(error.to_string().contains("models.toml"), "{error}");
        fs::remove_dir_all(&folder).unwrap();
    }
}
