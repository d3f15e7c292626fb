use std::collections::BTreeMap;
use std::time::Duration;

use toml_edit::{DocumentMut, Item, TableLike};

/// A server of tools that `workspace.toml` declares:
///
/// ```toml
/// [[mcp]]
/// name = "vision"
/// command = ["uvx", "vision-server"]     # or: url = "http://127.0.0.1:8000/mcp"
/// timeout = 60                           # seconds for a call
/// names = { objectlocation = "detect" }  # a tool of the data = the server's tool
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct McpServer {
    /// What it is called where calls are shown.
    pub name: String,
    /// How it is reached.
    pub endpoint: McpEndpoint,
    /// How long a call may take.
    pub timeout: Duration,
    /// Names of the data's tools, and the server's own names for them.
    pub names: BTreeMap<String, String>,
}

/// How a server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum McpEndpoint {
    /// A program that speaks on its standard input and output.
    Command {
        /// The program.
        program: String,
        /// Its arguments.
        arguments: Vec<String>,
    },
    /// An address of streamable HTTP.
    Url(String),
}

/// How long a call may take, unless the file says otherwise.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Reads the servers of a file; an error names what is wrong.
pub(super) fn mcp_servers(document: &DocumentMut) -> Result<Vec<McpServer>, String> {
    let Some(item) = document.get("mcp") else {
        return Ok(Vec::new());
    };
    let Item::ArrayOfTables(tables) = item else {
        return Err("`mcp` has to be a list of tables: [[mcp]]".to_owned());
    };
    let mut servers: Vec<McpServer> = Vec::new();
    for table in tables {
        let server = server(table)?;
        if servers.iter().any(|known| known.name == server.name) {
            return Err(format!("two MCP servers are called `{}`", server.name));
        }
        servers.push(server);
    }
    Ok(servers)
}

fn server(table: &dyn TableLike) -> Result<McpServer, String> {
    let text = |key: &str| table.get(key).and_then(Item::as_str).map(str::to_owned);
    let name = text("name").filter(|name| !name.is_empty());
    let name = name.ok_or("an MCP server has no name: name = \"…\"")?;
    let wrong = |what: &str| format!("the MCP server `{name}` {what}");
    for (key, _) in table.iter() {
        if !["name", "command", "url", "timeout", "names"].contains(&key) {
            return Err(wrong(&format!("has an unknown key `{key}`")));
        }
    }
    let command: Option<Vec<String>> = table.get("command").map(|command| {
        let words = command.as_array().into_iter().flatten();
        words
            .filter_map(|word| word.as_str().map(str::to_owned))
            .collect()
    });
    let endpoint = match (command.as_deref(), text("url")) {
        (Some([program, arguments @ ..]), None) => McpEndpoint::Command {
            program: program.clone(),
            arguments: arguments.to_vec(),
        },
        (None, Some(url)) if url.starts_with("http://") => McpEndpoint::Url(url),
        (None, Some(_)) => return Err(wrong("has an address that does not begin with http://")),
        _ => {
            return Err(wrong(
                "needs either command = [\"program\", …] or url = \"http://…\"",
            ));
        }
    };
    let timeout = match table.get("timeout") {
        None => TIMEOUT,
        Some(seconds) => {
            let seconds = seconds
                .as_integer()
                .and_then(|seconds| u64::try_from(seconds).ok());
            let seconds = seconds.filter(|seconds| (1..=3600).contains(seconds));
            Duration::from_secs(seconds.ok_or_else(|| {
                wrong("has a timeout that is no number of seconds from 1 to 3600")
            })?)
        }
    };
    let mut names = BTreeMap::new();
    if let Some(item) = table.get("names") {
        let mapped = item
            .as_table_like()
            .ok_or_else(|| wrong("has `names` that are no table"))?;
        for (ours, theirs) in mapped.iter() {
            let theirs = theirs
                .as_str()
                .ok_or_else(|| wrong("has a name that is no text"))?;
            names.insert(ours.to_owned(), theirs.to_owned());
        }
    }
    Ok(McpServer {
        name,
        endpoint,
        timeout,
        names,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<McpServer>, String> {
        mcp_servers(&text.parse().expect("TOML"))
    }

    #[test]
    fn servers_are_read_and_mistakes_named() {
        let servers = read(
            "[[sources]]\nname = \"a\"\n[[mcp]]\nname = \"vision\"\ncommand = [\"uvx\", \"v\"]\nnames = { objectlocation = \"detect\" }\n\
             [[mcp]]\nname = \"web\"\nurl = \"http://127.0.0.1:8000/mcp\"\ntimeout = 5\n",
        );
        let servers = servers.expect("right");
        assert_eq!(
            servers[0].endpoint,
            McpEndpoint::Command {
                program: "uvx".to_owned(),
                arguments: vec!["v".to_owned()]
            }
        );
        assert_eq!(servers[0].names["objectlocation"], "detect");
        assert_eq!(servers[0].timeout, TIMEOUT);
        assert_eq!(servers[1].timeout, Duration::from_secs(5));
        assert_eq!(read("a = 1"), Ok(Vec::new()));
        for (text, part) in [
            ("mcp = 1", "[[mcp]]"),
            ("[[mcp]]\ncommand = [\"a\"]", "no name"),
            ("[[mcp]]\nname = \"a\"", "needs either"),
            ("[[mcp]]\nname = \"a\"\ncommand = []", "needs either"),
            (
                "[[mcp]]\nname = \"a\"\ncommand = [\"x\"]\nurl = \"http://x\"",
                "needs either",
            ),
            ("[[mcp]]\nname = \"a\"\nurl = \"file:///x\"", "http://"),
            (
                "[[mcp]]\nname = \"a\"\ncommand = [\"x\"]\ntimeout = 0",
                "timeout",
            ),
            (
                "[[mcp]]\nname = \"a\"\ncommand = [\"x\"]\nenv = 1",
                "unknown key `env`",
            ),
            (
                "[[mcp]]\nname = \"a\"\ncommand = [\"x\"]\n[[mcp]]\nname = \"a\"\ncommand = [\"x\"]",
                "two MCP",
            ),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
