use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rmcp::model::CallToolRequestParams;
use rmcp::service::{RoleClient, RunningService};
use rmcp::{Peer, ServiceExt};
use serde_json::Value;

use super::content::answer;
use super::transport::{Started, StderrTail, http_transport, start_process};
use crate::controller::Key;
use crate::sandbox::Answer;
use crate::workspace::{McpEndpoint, McpServer};

/// The most tools that a server may list.
const MOST_TOOLS: usize = 1_000;

/// How long a server may take to end when it is told so, before it is killed.
const FAREWELL: Duration = Duration::from_secs(2);

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
    /// `None` once it is to end.
    requests: Option<tokio::sync::mpsc::UnboundedSender<Request>>,
    patience: Duration,
    thread: Option<JoinHandle<()>>,
}

/// What the connection's thread needs to know.
struct Task {
    endpoint: McpEndpoint,
    /// How long the server may take to get ready, and for a call.
    wait: Duration,
    patience: Duration,
    /// Where pictures that it makes are kept.
    pictures: PathBuf,
    /// What it wants to be shown; from the environment, and nowhere else.
    key: Option<Key>,
}

impl Task {
    /// A text in which the key, should the server say it, is blotted out.
    fn without_key(&self, text: String) -> String {
        match &self.key {
            Some(key) => key.blot(&text),
            None => text,
        }
    }
}

type Opened = Result<Vec<ListedTool>, String>;

impl Connection {
    /// Starts or reaches a server; its tools. An error says why, in words.
    pub fn open(
        server: &McpServer,
        wait: Duration,
        pictures: PathBuf,
    ) -> Result<(Self, Vec<ListedTool>), String> {
        let key = match &server.endpoint {
            McpEndpoint::Url {
                key_variable: Some(variable),
                ..
            } => Some(Key::from_environment(variable).map_err(|error| error.to_string())?),
            _ => None,
        };
        let (requests, taken) = tokio::sync::mpsc::unbounded_channel();
        let (opened, listed) = mpsc::channel();
        let task = Task {
            endpoint: server.endpoint.clone(),
            wait,
            patience: server.timeout,
            pictures,
            key,
        };
        let thread = thread::Builder::new()
            .name("mcp".to_owned())
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build();
                match runtime {
                    Ok(runtime) => runtime.block_on(serve(task, taken, &opened)),
                    Err(error) => drop(opened.send(Err(error.to_string()))),
                }
            })
            .map_err(|error| error.to_string())?;
        // The thread has an end to its own waiting.
        let listed = listed
            .recv()
            .unwrap_or_else(|_| Err("its thread ended".to_owned()))?;
        let connection = Self {
            requests: Some(requests),
            patience: server.timeout,
            thread: Some(thread),
        };
        Ok((connection, listed))
    }

    /// How long a call may take.
    pub fn patience(&self) -> Duration {
        // A little more than the thread itself waits.
        self.patience + Duration::from_secs(2)
    }

    /// Calls a tool and waits.
    pub fn call(&self, tool: &str, arguments: serde_json::Map<String, Value>) -> Answer {
        let (reply, answers) = mpsc::channel();
        let request = Request {
            tool: tool.to_owned(),
            arguments,
            reply,
        };
        let gone = || Answer::Unavailable("the server is gone".to_owned());
        let sent = self.requests.as_ref().map(|sender| sender.send(request));
        if !matches!(sent, Some(Ok(()))) {
            return gone();
        }
        let waits = self.patience + Duration::from_secs(1);
        answers.recv_timeout(waits).unwrap_or_else(|_| gone())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.requests = None;
        // It ends within the time for a farewell.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The connection's thread: connects, says what there is, and answers until nobody asks any more.
async fn serve(
    task: Task,
    mut requests: tokio::sync::mpsc::UnboundedReceiver<Request>,
    opened: &mpsc::Sender<Opened>,
) {
    let task = Arc::new(task);
    let stderr = StderrTail::default();
    let mut process = None;
    let starting = start(&task.endpoint, task.key.as_ref(), &stderr, &mut process);
    let started = tokio::time::timeout(task.wait, starting).await;
    let service = match started {
        Ok(Ok((service, tools))) => {
            if opened.send(Ok(tools)).is_ok() {
                Ok(service)
            } else {
                Err(String::new())
            }
        }
        Ok(Err(reason)) => Err(reason),
        Err(_) => Err(format!(
            "it is not ready within {} s",
            task.wait.as_secs_f32()
        )),
    };
    match service {
        Ok(service) => {
            answer_requests(&service, &mut requests, &task).await;
            let ended = tokio::time::timeout(FAREWELL, service.cancel()).await;
            if ended.is_ok() {
                return;
            }
        }
        Err(reason) => {
            // What it wrote may still be on its way.
            tokio::time::sleep(Duration::from_millis(50)).await;
            let reason = task.without_key(stderr.added_to(reason));
            let _ = opened.send(Err(reason));
        }
    }
    if let Some(process) = process {
        process.kill();
    }
}

async fn answer_requests(
    service: &Service,
    requests: &mut tokio::sync::mpsc::UnboundedReceiver<Request>,
    task: &Arc<Task>,
) {
    while let Some(request) = requests.recv().await {
        let (peer, task) = (service.peer().clone(), Arc::clone(task));
        // Several steps may call at once.
        tokio::spawn(async move {
            let called = call(&peer, request.tool, request.arguments, task.patience).await;
            // Whoever asked may have gone on.
            let _ = request.reply.send(match called {
                Ok(result) => answer(result, &task.pictures),
                Err(Answer::Error(message)) => Answer::Error(task.without_key(message)),
                Err(Answer::Unavailable(reason)) => Answer::Unavailable(task.without_key(reason)),
                Err(answer) => answer,
            });
        });
    }
}

type Service = RunningService<RoleClient, ()>;

async fn start(
    endpoint: &McpEndpoint,
    key: Option<&Key>,
    stderr: &StderrTail,
    process: &mut Option<Started>,
) -> Result<(Service, Vec<ListedTool>), String> {
    let served = match endpoint {
        McpEndpoint::Command {
            program,
            arguments,
            folder,
        } => {
            let (transport, started) = start_process(program, arguments, folder, stderr)?;
            *process = Some(started);
            ().serve(transport).await
        }
        McpEndpoint::Url { url, .. } => ().serve(http_transport(url, key)).await,
    };
    let service: Service = served.map_err(|error| words(&error))?;
    let tools = service
        .list_all_tools()
        .await
        .map_err(|error| format!("it does not list its tools: {}", words(&error)))?;
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
) -> Result<rmcp::model::CallToolResult, Answer> {
    let request = CallToolRequestParams::new(tool).with_arguments(arguments);
    match tokio::time::timeout(patience, peer.call_tool(request)).await {
        Ok(Ok(result)) => Ok(result),
        Ok(Err(rmcp::ServiceError::McpError(error))) => {
            Err(Answer::Error(error.message.into_owned()))
        }
        Ok(Err(error)) => Err(Answer::Unavailable(words(&error))),
        Err(_) => {
            let seconds = patience.as_secs_f32();
            Err(Answer::Unavailable(format!("no answer within {seconds} s")))
        }
    }
}

/// An error with its causes, as far as they say something new.
fn words(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        cause = error.source();
    }
    words
}
