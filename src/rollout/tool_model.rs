use std::sync::Arc;

use crate::jobs::Progress;
use crate::report::Report;
use crate::serve::{Connector, WantedModel};
use crate::tools::ModelAccess;

/// A model that answers calls of live tools, called `name` where calls are shown. It is reached when the first call needs it.
pub fn tool_model(connector: &Connector, wanted: &WantedModel, name: &str) -> ModelAccess {
    let (connector, wanted) = (connector.clone(), wanted.clone());
    ModelAccess {
        name: name.to_owned(),
        progress: Progress::default(),
        make: Arc::new(move || {
            // Who no longer waits leaves the model to its server.
            let connected = connector.connect(&wanted, &Progress::default());
            connected.map_err(|error| Report::from(error).message)
        }),
    }
}
