//! Tools of MCP servers: programs that people bring, over pipes (stdio) or streamable HTTP.
//!
//! A server is outside: it may be slow, wrong, or gone. Every wait has an end, and a server that fails makes its tools
//! unavailable, nothing else. The asynchronous machinery lives on the connection's own thread.

mod connection;
mod content;
mod transport;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::error::ToolsError;
use super::signature::signature;
use super::tool::{Patience, Provider, Tool};
use crate::sandbox::{Answer, Call};
use crate::workspace::McpServer;
use connection::Connection;

/// How long a server may take to start and to list its tools.
const START: Duration = Duration::from_secs(30);

/// Connects to a server and lists its tools: each under its own name, and under the names that the declaration gives it.
/// Pictures that it makes are kept in the folder `pictures`, by hash.
///
/// The server ends with the last of its tools.
pub fn connect(server: &McpServer, pictures: &Path) -> Result<Provider, ToolsError> {
    connect_within(server, pictures, START)
}

/// [`connect`] with another end to the wait for a start.
pub fn connect_within(
    server: &McpServer,
    pictures: &Path,
    start: Duration,
) -> Result<Provider, ToolsError> {
    let fails = |reason| ToolsError::Mcp {
        server: server.name.clone(),
        reason,
    };
    let (connection, listed) =
        Connection::open(server, start, pictures.to_owned()).map_err(fails)?;
    let connection = Arc::new(connection);
    let mut tools: Vec<Arc<dyn Tool>> = Vec::new();
    let mut add = |name: &str, remote: &connection::ListedTool| {
        tools.push(Arc::new(McpTool {
            name: name.to_owned(),
            remote: remote.clone(),
            connection: Arc::clone(&connection),
        }));
    };
    for (name, remote_name) in &server.names {
        let Some(remote) = listed.iter().find(|tool| tool.name == *remote_name) else {
            let known: Vec<&str> = listed.iter().map(|tool| tool.name.as_str()).collect();
            return Err(fails(format!(
                "it has no tool `{remote_name}` (for `{name}`); it has {}",
                known.join(", ")
            )));
        };
        add(name, remote);
    }
    for remote in &listed {
        if !server.names.contains_key(&remote.name) {
            add(&remote.name, remote);
        }
    }
    Ok(Provider {
        label: format!("mcp:{}", server.name),
        tools,
    })
}

struct McpTool {
    name: String,
    remote: connection::ListedTool,
    connection: Arc<Connection>,
}

impl Tool for McpTool {
    fn name(&self) -> &str {
        &self.name
    }

    fn description(&self) -> &str {
        &self.remote.description
    }

    fn parameters(&self) -> Value {
        self.remote.parameters.clone()
    }

    fn call(&self, call: &Call) -> Answer {
        match self.arguments(call) {
            Ok(arguments) => self.connection.call(&self.remote.name, arguments),
            Err(message) => Answer::Error(message),
        }
    }

    fn patience(&self) -> Patience {
        Patience::Within(self.connection.patience())
    }
}

impl McpTool {
    /// The call's arguments by name: positions are those of the paper's signature, else of the server's own schema.
    fn arguments(&self, call: &Call) -> Result<serde_json::Map<String, Value>, String> {
        let own = self
            .remote
            .parameters
            .get("properties")
            .and_then(Value::as_object);
        let own: Vec<&str> = own.map_or(Vec::new(), |names| {
            names.keys().map(String::as_str).collect()
        });
        let signed: Vec<&str> = signature(&call.name).map_or(Vec::new(), |signed| {
            signed.parameters.iter().map(|(name, ..)| *name).collect()
        });
        // Where the server calls parameters otherwise, the order is what both have.
        let names = match signed.iter().all(|name| own.contains(name)) {
            true if !signed.is_empty() => signed.clone(),
            _ => own.clone(),
        };
        if call.arguments.len() > names.len() {
            return Err(format!(
                "{}() takes {} arguments but {} were given",
                call.name,
                names.len(),
                call.arguments.len()
            ));
        }
        let mut arguments = serde_json::Map::new();
        for (name, value) in names.iter().zip(&call.arguments) {
            arguments.insert((*name).to_owned(), value.to_json());
        }
        for (keyword, value) in &call.keywords {
            let place = signed.iter().position(|name| name == keyword);
            let name = match place.and_then(|place| names.get(place)) {
                Some(name) if !own.contains(&keyword.as_str()) => (*name).to_owned(),
                _ => keyword.clone(),
            };
            arguments.insert(name, value.to_json());
        }
        Ok(arguments)
    }
}
