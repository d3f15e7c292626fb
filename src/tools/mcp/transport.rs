//! How a server is reached: a child process over its pipes, or streamable HTTP.

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use rmcp::RoleClient;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::transport::{StreamableHttpClientTransport, TokioChildProcess, Transport};
use tokio::io::AsyncReadExt as _;
use tokio::process::ChildStderr;

use crate::controller::Key;

/// Bytes of a server's standard error that are kept.
const TAIL: usize = 2_000;

/// The end of what a server wrote to its standard error: it would spoil a terminal, and says why a server does not start.
#[derive(Debug, Clone, Default)]
pub(super) struct StderrTail(Arc<Mutex<Vec<u8>>>);

impl StderrTail {
    fn add(&self, bytes: &[u8]) {
        let mut tail = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tail.extend_from_slice(bytes);
        let excess = tail.len().saturating_sub(TAIL);
        tail.drain(..excess);
    }

    /// A reason, with the last line that the server wrote.
    pub fn added_to(&self, reason: String) -> String {
        let tail = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&tail);
        match text.lines().rev().find(|line| !line.trim().is_empty()) {
            Some(line) => format!("{reason}; the last that it wrote: {}", line.trim()),
            None => reason,
        }
    }
}

/// A server's process.
pub(super) struct Started {
    #[cfg(unix)]
    group: Option<rustix::process::Pid>,
}

impl Started {
    /// Ends it and what it started. To be called before it was waited for: its number is its own until then.
    pub fn kill(self) {
        #[cfg(unix)]
        if let Some(group) = self.group {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

/// Starts a program that speaks MCP on its standard input and output.
pub(super) fn start_process(
    program: &str,
    arguments: &[String],
    folder: &Path,
    stderr: &StderrTail,
) -> Result<(TokioChildProcess, Started), String> {
    let mut command = tokio::process::Command::new(program);
    command
        .args(arguments)
        .current_dir(folder)
        .kill_on_drop(true);
    // Ctrl-C is for us to handle.
    #[cfg(unix)]
    command.process_group(0);
    let (child, written) = TokioChildProcess::builder(command)
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{program} does not start: {error}"))?;
    if let Some(written) = written {
        tokio::spawn(read_stderr(written, stderr.clone()));
    }
    #[cfg(unix)]
    let started = Started {
        group: child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(rustix::process::Pid::from_raw),
    };
    #[cfg(not(unix))]
    let started = Started {};
    Ok((child, started))
}

/// Reads on, however much a server writes: one that nobody reads would block.
async fn read_stderr(mut written: ChildStderr, tail: StderrTail) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(count @ 1..) = written.read(&mut buffer).await {
        tail.add(buffer.get(..count).unwrap_or_default());
    }
}

/// Speaks streamable HTTP with a server.
pub(super) fn http_transport(url: &str, key: Option<&Key>) -> impl Transport<RoleClient> + use<> {
    // The client takes whatever cryptography the process has; another part may have set it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut config = StreamableHttpClientTransportConfig::with_uri(url);
    if let Some(key) = key {
        config = config.auth_header(key.secret());
    }
    StreamableHttpClientTransport::from_config(config)
}
