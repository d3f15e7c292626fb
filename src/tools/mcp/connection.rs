use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rmcp::model::CallToolRequestParams;
use rmcp::service::{RoleClient, RunningService};
use rmcp::transport::{StreamableHttpClientTransport, TokioChildProcess};
use rmcp::{Peer, ServiceExt};
use serde_json::Value;

use super::content::answer;
use crate::sandbox::Answer;
use crate::workspace::{McpEndpoint, McpServer};

/// The most tools that a server may list.
const MOST_TOOLS: usize = 1_000;

/// A server's tool.
#[derive(Debug, Clone)]
pub(super) struct ListedTool {
    pub name: String,
    pub description: String,
    /// JSON schema.
    pub parameters: Value,
}

/// A call on its way to the connection's thread.
struct Request {
    tool: String,
    arguments: serde_json::Map<String, Value>,
    reply: mpsc::Sender<Answer>,
}

/// A server that runs. Dropping it ends the server.
pub(super) struct Connection {
    requests: tokio::sync::mpsc::UnboundedSender<Request>,
    patience: Duration,
}

impl Connection {
    /// Starts or reaches a server; its tools. An error says why, in words.
    pub fn open(server: &McpServer, wait: Duration) -> Result<(Self, Vec<ListedTool>), String> {
        let (requests, taken) = tokio::sync::mpsc::unbounded_channel();
        let (opened, listed) = mpsc::channel();
        let patience = server.timeout;
        let endpoint = server.endpoint.clone();
        thread::Builder::new()
            .name("mcp".to_owned())
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build();
                match runtime {
                    Ok(runtime) => {
                        runtime.block_on(serve(endpoint, (wait, patience), taken, &opened))
                    }
                    Err(error) => drop(opened.send(Err(error.to_string()))),
                }
            })
            .map_err(|error| error.to_string())?;
        // The thread has an end to its own waiting.
        let listed = listed
            .recv()
            .unwrap_or_else(|_| Err("its thread ended".to_owned()))?;
        Ok((Self { requests, patience }, listed))
    }

    /// Calls a tool and waits.
    pub fn call(&self, tool: &str, arguments: serde_json::Map<String, Value>) -> Answer {
        let (reply, answers) = mpsc::channel();
        let request = Request {
            tool: tool.to_owned(),
            arguments,
            reply,
        };
        if self.requests.send(request).is_err() {
            return Answer::Unavailable("the server is gone".to_owned());
        }
        // A little more than the thread itself waits.
        match answers.recv_timeout(self.patience + Duration::from_secs(1)) {
            Ok(answer) => answer,
            Err(_) => Answer::Unavailable("the server is gone".to_owned()),
        }
    }
}

/// The connection's thread: connects, says what there is, and answers until nobody asks any more.
async fn serve(
    endpoint: McpEndpoint,
    (wait, patience): (Duration, Duration),
    mut requests: tokio::sync::mpsc::UnboundedReceiver<Request>,
    opened: &mpsc::Sender<Result<Vec<ListedTool>, String>>,
) {
    let started = tokio::time::timeout(wait, start(endpoint)).await;
    let service = match started {
        Ok(Ok((service, tools))) => {
            if opened.send(Ok(tools)).is_err() {
                return;
            }
            service
        }
        Ok(Err(reason)) => return drop(opened.send(Err(reason))),
        Err(_) => {
            let reason = format!("it is not ready within {} s", wait.as_secs_f32());
            return drop(opened.send(Err(reason)));
        }
    };
    while let Some(request) = requests.recv().await {
        let peer = service.peer().clone();
        // Several steps may call at once.
        tokio::spawn(async move {
            let answer = call(&peer, request.tool, request.arguments, patience).await;
            // Whoever asked may have gone on.
            let _ = request.reply.send(answer);
        });
    }
    let _ = tokio::time::timeout(Duration::from_secs(2), service.cancel()).await;
}

type Service = RunningService<RoleClient, ()>;

async fn start(endpoint: McpEndpoint) -> Result<(Service, Vec<ListedTool>), String> {
    let service: Service = match endpoint {
        McpEndpoint::Command { program, arguments } => {
            let mut command = tokio::process::Command::new(&program);
            command
                .args(arguments)
                .kill_on_drop(true)
                // What it writes there would spoil a terminal.
                .stderr(std::process::Stdio::null());
            // Ctrl-C is for us to handle.
            #[cfg(unix)]
            command.process_group(0);
            let transport = TokioChildProcess::builder(command)
                .stderr(std::process::Stdio::null())
                .spawn()
                .map_err(|error| format!("{program} does not start: {error}"))?
                .0;
            ().serve(transport)
                .await
                .map_err(|error| error.to_string())?
        }
        McpEndpoint::Url(url) => {
            let transport = StreamableHttpClientTransport::from_uri(url);
            ().serve(transport)
                .await
                .map_err(|error| error.to_string())?
        }
    };
    let tools = service
        .list_all_tools()
        .await
        .map_err(|error| format!("it does not list its tools: {error}"))?;
    if tools.len() > MOST_TOOLS {
        return Err(format!("it lists more than {MOST_TOOLS} tools"));
    }
    let tools = tools.into_iter().map(|tool| ListedTool {
        name: tool.name.into_owned(),
        description: tool.description.unwrap_or_default().into_owned(),
        parameters: Value::Object((*tool.input_schema).clone()),
    });
    Ok((service, tools.collect()))
}

async fn call(
    peer: &Peer<RoleClient>,
    tool: String,
    arguments: serde_json::Map<String, Value>,
    patience: Duration,
) -> Answer {
    let request = CallToolRequestParams::new(tool).with_arguments(arguments);
    match tokio::time::timeout(patience, peer.call_tool(request)).await {
        Ok(Ok(result)) => answer(result),
        Ok(Err(rmcp::ServiceError::McpError(error))) => Answer::Error(error.message.into_owned()),
        Ok(Err(error)) => Answer::Unavailable(error.to_string()),
        Err(_) => Answer::Unavailable(format!("no answer within {} s", patience.as_secs_f32())),
    }
}
