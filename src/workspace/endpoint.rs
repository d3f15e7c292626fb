use std::collections::BTreeMap;

use serde::Deserialize;
use toml_edit::{DocumentMut, Item};

use crate::config::EndpointConfig;

/// The part of `workspace.toml` that names servers.
#[derive(Debug, Default, Deserialize)]
struct Servers {
    #[serde(default)]
    models: BTreeMap<String, EndpointConfig>,
}

/// The `[models.NAME]` of a workspace's file. `Err` says what is wrong with them.
pub(super) fn endpoints(file: &DocumentMut) -> Result<BTreeMap<String, EndpointConfig>, String> {
    let mut part = DocumentMut::new();
    let models = file.get("models").cloned().unwrap_or(Item::None);
    if !models.is_none() {
        part.insert("models", models);
    }
    let servers: Servers =
        toml_edit::de::from_document(part).map_err(|e| e.message().to_owned())?;
    Ok(servers.models)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<BTreeMap<String, EndpointConfig>, String> {
        endpoints(&text.parse().unwrap())
    }

    #[test]
    fn servers_are_read_beside_everything_else() {
        let found = read(
            "[[source]]\nname = \"a\"\n[models.big]\nbase_url = \"http://b/v1\"\nmodel = \"c\"\n",
        )
        .unwrap();
        assert_eq!(found["big"].base_url, "http://b/v1");
        assert_eq!(found["big"].model.as_deref(), Some("c"));
        assert!(read("").unwrap().is_empty());
        for (wrong, said) in [
            ("models = 3", "invalid type"),
            ("[models.a]\nmodel = \"b\"", "base_url"),
            ("[models.a]\nbase_url = \"b\"\nkey = \"secret\"", "`key`"),
        ] {
            let error = read(wrong).unwrap_err();
            assert!(error.contains(said), "{wrong}: {error}");
        }
    }
}
