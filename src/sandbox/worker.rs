//! The worker's side: reads requests, runs steps, writes replies.

use std::collections::HashSet;
use std::io::{self, BufRead, Read, Write};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Limits;
use super::confinement::{confine, limit_computing};
use super::document::text_of;
use super::error::SandboxError;
use super::interpreter::Interpreter;
use super::message::{LONGEST_LINE, Reply, Request};

/// The hidden command that makes a process a worker.
pub const WORKER_VERB: &str = "__sandbox-worker";

/// Stack of the thread that runs code: deep recursion ends at the interpreter's limit, not at the stack's.
const STACK: usize = 64 << 20;

/// Serves one parent on standard input and output until the input ends. `memory` is the limit of the address space.
///
/// Must be called before the process has threads: what confines it binds those that come after.
pub fn serve(memory: u64) -> io::Result<()> {
    // What libraries print must not get between the messages.
    let mut output = own_output()?;
    // The thread is made first: making one is what a confined process can't do.
    let (start, started) = std::sync::mpsc::channel();
    let worker = thread::Builder::new()
        .name("step".to_owned())
        .stack_size(STACK)
        .spawn(move || {
            let Ok(()) = started.recv() else {
                return Ok(());
            };
            let confinement = confine(memory);
            answer_all(&mut io::stdin().lock(), &mut output, confinement)
        })?;
    let _ = start.send(());
    worker
        .join()
        .map_err(|_| io::Error::other("the worker's thread panicked"))?
}

/// Standard output for ourselves; what others write there goes to standard error.
#[cfg(unix)]
fn own_output() -> io::Result<std::fs::File> {
    let own = rustix::io::dup(rustix::stdio::stdout())?;
    rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
    Ok(own.into())
}

#[cfg(not(unix))]
fn own_output() -> io::Result<io::Stdout> {
    Ok(io::stdout())
}

fn answer_all(
    input: &mut dyn BufRead,
    output: &mut dyn Write,
    confinement: super::Confinement,
) -> io::Result<()> {
    say(output, &Reply::Ready(confinement))?;
    let mut limits = Limits::default();
    let mut interpreter = None;
    while let Some(request) = hear(input)? {
        let reply = match request {
            Request::Reset { limits: new } => {
                limits = new;
                interpreter = None;
                Reply::Done
            }
            Request::Restore { limits: new, state } => {
                limits = new;
                match Interpreter::restore(limits, &state) {
                    Ok(restored) => {
                        interpreter = Some(restored);
                        Reply::Done
                    }
                    Err(error) => Reply::Failed(error.to_string()),
                }
            }
            Request::Document { ending, content } => {
                limit_computing(limits.computing.as_secs() + 2);
                let text = STANDARD.decode(content).map_err(|error| error.to_string());
                match text.and_then(|bytes| text_of(&ending, &bytes)) {
                    Ok(text) => Reply::Text { text },
                    Err(reason) => Reply::Failed(reason),
                }
            }
            Request::Answer(_) => Reply::Failed("no call waits for an answer".to_owned()),
            request => {
                let current = match &mut interpreter {
                    Some(current) => current,
                    empty => {
                        let fresh = Interpreter::new(limits).map_err(io::Error::other)?;
                        empty.insert(fresh)
                    }
                };
                match request {
                    Request::Run { code, tools } => {
                        run(current, &code, tools, limits, input, output)?
                    }
                    Request::Variables { width } => Reply::Variables(current.variables(width)),
                    _ => match current.save() {
                        Ok(state) => Reply::Saved { state },
                        Err(error) => Reply::Failed(error.to_string()),
                    },
                }
            }
        };
        say(output, &reply)?;
    }
    Ok(())
}

fn run(
    interpreter: &mut Interpreter,
    code: &str,
    tools: Vec<String>,
    limits: Limits,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> io::Result<Reply> {
    // The interpreter stops first, and keeps its state; the system is for what it can't stop.
    limit_computing(limits.computing.as_secs() + 2);
    let tools: HashSet<String> = tools.into_iter().collect();
    let mut host = |call| {
        let gone = |error: io::Error| SandboxError::Protocol(error.to_string());
        say(output, &Reply::Call(call)).map_err(gone)?;
        match hear(input).map_err(gone)? {
            Some(Request::Answer(answer)) => Ok(answer),
            Some(_) => Err(SandboxError::Protocol("no answer to a call".to_owned())),
            None => Err(SandboxError::Protocol("the parent is gone".to_owned())),
        }
    };
    let ran = interpreter.run(code, &tools, &mut host);
    ran.map(|ran| Reply::Ran(Box::new(ran)))
        .map_err(io::Error::other)
}

fn say(output: &mut dyn Write, reply: &Reply) -> io::Result<()> {
    let mut line = serde_json::to_vec(reply)?;
    line.push(b'\n');
    output.write_all(&line)?;
    output.flush()
}

fn hear(input: &mut dyn BufRead) -> io::Result<Option<Request>> {
    let mut line = Vec::new();
    let limit = u64::try_from(LONGEST_LINE).unwrap_or(u64::MAX);
    input.take(limit).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    serde_json::from_slice(&line)
        .map(Some)
        .map_err(io::Error::from)
}
