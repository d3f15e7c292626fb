use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml_edit::{DocumentMut, Item, TableLike};

/// A server of tools that `workspace.toml` declares:
///
/// ```toml
/// [[mcp]]
/// name = "vision"
/// command = ["uvx", "vision-server"]     # or: url = "http://127.0.0.1:8000/mcp"
/// key_env = "VISION_KEY"                 # with url: the variable of the environment that holds its key
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
        /// Where it runs: the workspace, so that relative paths lead somewhere.
        folder: PathBuf,
    },
    /// An address of streamable HTTP.
    Url {
        /// The address.
        url: String,
        /// The variable of the environment that holds the key; the key itself is in no file.
        key_variable: Option<String>,
    },
}

impl McpServer {
    /// A hash of how it is reached and what its tools are called: results of another program are others.
    pub fn fingerprint(&self) -> String {
        let declared = format!("{:?} {:?}", self.endpoint, self.names);
        blake3::hash(declared.as_bytes()).to_hex().to_string()
    }
}

/// What a declaration may say.
const KEYS: [&str; 6] = ["name", "command", "url", "key_env", "timeout", "names"];

/// How long a call may take, unless the file says otherwise.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Reads the servers of the file of a workspace in `root`; an error names what is wrong.
pub(super) fn mcp_servers(document: &DocumentMut, root: &Path) -> Result<Vec<McpServer>, String> {
    let Some(item) = document.get("mcp") else {
        return Ok(Vec::new());
    };
    let Item::ArrayOfTables(tables) = item else {
        return Err("`mcp` has to be a list of tables: [[mcp]]".to_owned());
    };
    let mut servers: Vec<McpServer> = Vec::new();
    for table in tables {
        let server = server(table, root)?;
        if servers.iter().any(|known| known.name == server.name) {
            return Err(format!("two MCP servers are called `{}`", server.name));
        }
        servers.push(server);
    }
    Ok(servers)
}

fn server(table: &dyn TableLike, root: &Path) -> Result<McpServer, String> {
    let text = |key: &str| table.get(key).and_then(Item::as_str).map(str::to_owned);
    let name = text("name").filter(|name| !name.is_empty());
    let name = name.ok_or("an MCP server has no name: name = \"…\"")?;
    let wrong = |what: &str| format!("the MCP server `{name}` {what}");
    for (key, _) in table.iter() {
        if !KEYS.contains(&key) {
            return Err(wrong(&format!("has an unknown key `{key}`")));
        }
    }
    let key_variable = match table.get("key_env").map(Item::as_str) {
        None => None,
        Some(Some(variable)) if !variable.is_empty() => Some(variable.to_owned()),
        Some(_) => return Err(wrong("has a `key_env` that is no name of a variable")),
    };
    let command = table.get("command").map(|command| {
        let words = command.as_array().into_iter().flatten();
        let words = words.map(|word| word.as_str().map(str::to_owned));
        words.collect::<Option<Vec<String>>>().unwrap_or_default()
    });
    let endpoint = match (command.as_deref(), text("url")) {
        (Some([program, arguments @ ..]), None) if key_variable.is_none() => McpEndpoint::Command {
            program: program.clone(),
            arguments: arguments.to_vec(),
            folder: root.to_owned(),
        },
        (Some([_, ..]), None) => {
            return Err(wrong(
                "has a `key_env` beside its command; a program sees the environment itself",
            ));
        }
        (None, Some(url)) => {
            check_address(&url, key_variable.is_some()).map_err(wrong)?;
            McpEndpoint::Url { url, key_variable }
        }
        _ => {
            return Err(wrong(
                "needs either command = [\"program\", …] or url = \"https://…\"",
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

/// What is wrong with an address, if something is.
fn check_address(url: &str, has_key: bool) -> Result<(), &'static str> {
    let (is_plain, rest) = match (url.strip_prefix("http://"), url.strip_prefix("https://")) {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        _ => return Err("has an address that begins with neither http:// nor https://"),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() || url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("has an address that names no host");
    }
    if authority.contains('@') {
        return Err(
            "has an address with a name or a password; keys come from the environment: key_env",
        );
    }
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    if is_plain && has_key && !["localhost", "127.0.0.1", "[::1]"].contains(&host) {
        return Err("would send its key in the clear: it needs an address with https://");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<McpServer>, String> {
        mcp_servers(&text.parse().expect("TOML"), Path::new("/work"))
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
                arguments: vec!["v".to_owned()],
                folder: PathBuf::from("/work"),
            }
        );
        assert_eq!(servers[0].names["objectlocation"], "detect");
        assert_eq!(servers[0].timeout, TIMEOUT);
        assert_eq!(servers[1].timeout, Duration::from_secs(5));
        let key = |url: &str| {
            let text = format!("[[mcp]]\nname = \"a\"\nurl = \"{url}\"\nkey_env = \"K\"");
            read(&text).map(|servers| servers[0].endpoint.clone())
        };
        for url in [
            "https://h/mcp",
            "http://127.0.0.1:8000/mcp",
            "http://[::1]:8000",
            "http://localhost",
        ] {
            let expected = McpEndpoint::Url {
                url: url.to_owned(),
                key_variable: Some("K".to_owned()),
            };
            assert_eq!(key(url), Ok(expected));
        }
        assert_ne!(servers[0].fingerprint(), servers[1].fingerprint());
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
            (
                "[[mcp]]\nname = \"a\"\ncommand = [\"x\", 1]",
                "needs either",
            ),
            ("[[mcp]]\nname = \"a\"\nurl = \"file:///x\"", "http://"),
            ("[[mcp]]\nname = \"a\"\nurl = \"https://\"", "no host"),
            (
                "[[mcp]]\nname = \"a\"\nurl = \"https://me:x@h/mcp\"",
                "key_env",
            ),
            (
                "[[mcp]]\nname = \"a\"\nurl = \"http://h/mcp\"\nkey_env = \"K\"",
                "in the clear",
            ),
            (
                "[[mcp]]\nname = \"a\"\nurl = \"http://127.0.0.1.example.org:80\"\nkey_env = \"K\"",
                "in the clear",
            ),
            (
                "[[mcp]]\nname = \"a\"\ncommand = [\"x\"]\nkey_env = \"K\"",
                "beside its command",
            ),
            (
                "[[mcp]]\nname = \"a\"\nurl = \"https://h\"\nkey_env = 1",
                "no name of a variable",
            ),
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
