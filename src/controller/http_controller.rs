use std::io::Read;
use std::time::{Duration, Instant};

use serde_json::Value;
use ureq::http::Response;
use ureq::{Agent, Body};

use super::background::{NAP, Pieces, in_background};
use super::event_stream::EventStream;
use super::reply::message_of;
use super::{
    Address, ChatRequest, Controller, ControllerError, Delta, Key, Provenance, Reply, RetryPolicy,
    StreamOptions,
};
use crate::jobs::Progress;

/// A model behind a server that speaks OpenAI's chat completions.
#[derive(Debug)]
pub struct HttpController {
    address: Address,
    model: String,
    provenance: Provenance,
    key: Option<Key>,
    retries: RetryPolicy,
    silence: Duration,
    agent: Agent,
    /// It refused to make several candidates in one request.
    makes_one: bool,
}

/// How a server is spoken to.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// Its key, if it wants one.
    pub key: Option<Key>,
    /// When requests are sent again.
    pub retries: RetryPolicy,
    /// How long it may take to connect.
    pub connect: Duration,
    /// How long it may say nothing, the reading of the prompt included.
    pub silence: Duration,
}

impl Default for HttpOptions {
    /// No key, ten seconds to connect, five minutes of silence.
    fn default() -> Self {
        Self {
            key: None,
            retries: RetryPolicy::default(),
            connect: Duration::from_secs(10),
            silence: Duration::from_secs(300),
        }
    }
}

/// Bytes of an answer at most.
const MOST_BYTES: u64 = 256 << 20;

/// Bytes of what a server says of an error at most.
const MOST_ERROR_BYTES: u64 = 64 << 10;

impl HttpController {
    /// The model of a name behind a server.
    pub fn new(address: Address, model: &str, options: HttpOptions) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // An answer from elsewhere is none; nor is the key sent there.
            .max_redirects(0)
            .timeout_connect(Some(options.connect))
            .timeout_per_read(Some(options.silence))
            .timeout_recv_response(Some(options.silence))
            .build();
        let provenance = Provenance {
            server: Some(address.to_string()),
            ..Provenance::named(model)
        };
        Self {
            address,
            model: model.to_owned(),
            provenance,
            key: options.key,
            retries: options.retries,
            silence: options.silence,
            agent: Agent::new_with_config(config),
            makes_one: false,
        }
    }

    /// The names of the server's models.
    pub fn models(&self) -> Result<Vec<String>, ControllerError> {
        let listed = self.listed()?;
        Ok(listed.into_iter().map(|model| model.model).collect())
    }

    /// What the server tells of its models.
    pub fn listed(&self) -> Result<Vec<Provenance>, ControllerError> {
        let mut call = self.agent.get(self.address.join("models"));
        if let Some(key) = &self.key {
            call = call.header("Authorization", key.header());
        }
        let response = call.call().map_err(|error| self.failure(&error))?;
        let response = self.accepted(response)?;
        let value = self.json(&self.all(response, &Progress::default())?)?;
        let models = value.get("data").and_then(Value::as_array);
        let models = models.ok_or_else(|| self.misunderstood("it has no list `data`"))?;
        Ok(models.iter().filter_map(Provenance::listed).collect())
    }

    /// What is known of the model from now on. The name and the address are those that it is asked by.
    pub fn set_provenance(&mut self, known: Provenance) {
        self.provenance = Provenance {
            model: self.model.clone(),
            server: Some(self.address.to_string()),
            ..known
        };
    }

    /// One request and its answer.
    fn ask(
        &self,
        request: &ChatRequest,
        first: usize,
        progress: &Progress,
        tell: &mut dyn FnMut(Delta),
    ) -> Result<Reply, ControllerError> {
        let body = serde_json::to_string(request)
            .map_err(|error| self.misunderstood(&format!("the request: {error}")))?;
        let mut tries = 0;
        loop {
            progress.check()?;
            let (error, asked) = match self.send(&body, progress) {
                Ok(response) if response.status().is_success() => {
                    return self.read(response, first, progress, tell);
                }
                Ok(response) => {
                    let asked = retry_after(&response);
                    match self.accepted(response) {
                        Err(error) => (error, asked),
                        // No other status than those above is a success.
                        Ok(_) => (self.misunderstood("its status is none"), None),
                    }
                }
                Err(error) => (error, None),
            };
            let is_passing = match &error {
                ControllerError::Refused { status, .. } => RetryPolicy::is_passing(*status),
                ControllerError::Unreachable { .. } => self.retries.waits_for_server,
                _ => false,
            };
            tries += 1;
            let Some(wait) = self.retries.wait(tries, asked).filter(|_| is_passing) else {
                return Err(error);
            };
            let until = Instant::now() + wait;
            while Instant::now() < until {
                progress.check()?;
                std::thread::sleep(NAP.min(wait));
            }
        }
    }

    /// Sends a request and waits for the head of the answer: that is as long as the reading of the prompt takes.
    fn send(&self, body: &str, progress: &Progress) -> Result<Response<Body>, ControllerError> {
        let mut call = self
            .agent
            .post(self.address.join("chat/completions"))
            .header("Content-Type", "application/json")
            .header("Accept", "text/event-stream, application/json");
        if let Some(key) = &self.key {
            call = call.header("Authorization", key.header());
        }
        let body = body.to_owned();
        let sent = in_background(progress, move || call.send(body))?;
        sent.map_err(|error| self.failure(&error))
    }

    /// The response, or what a server says in the place of one.
    fn accepted(&self, response: Response<Body>) -> Result<Response<Body>, ControllerError> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let mut text = Vec::new();
        let mut reader = response.into_body().into_reader().take(MOST_ERROR_BYTES);
        // What can be read of it will do.
        let _ = reader.read_to_end(&mut text);
        let text = String::from_utf8_lossy(&text);
        let message = match serde_json::from_str::<Value>(&text) {
            Ok(value) => message_of(&value),
            Err(_) => message_of(&Value::from(text.trim())),
        };
        let message = match &self.key {
            Some(key) => key.blot(&message),
            None => message,
        };
        Err(ControllerError::Refused {
            server: self.address.to_string(),
            status: status.as_u16(),
            message,
        })
    }

    /// Reads an answer, in pieces or whole.
    fn read(
        &self,
        response: Response<Body>,
        first: usize,
        progress: &Progress,
        tell: &mut dyn FnMut(Delta),
    ) -> Result<Reply, ControllerError> {
        let mut reply = Reply::default();
        let mut add = |reply: &mut Reply, text: &str| {
            let value = self.json(text)?;
            let deltas = reply.add(&value).map_err(|e| self.misunderstood(&e))?;
            for mut delta in deltas {
                delta.candidate += first;
                tell(delta);
            }
            Ok::<(), ControllerError>(())
        };
        let kind = response.body().mime_type();
        if kind.is_none_or(|kind| kind != "text/event-stream") {
            add(&mut reply, &self.all(response, progress)?)?;
            return Ok(reply);
        }
        let pieces = Pieces::of(response.into_body().into_reader().take(MOST_BYTES))?;
        let mut stream = EventStream::default();
        let mut is_done = false;
        while !is_done {
            progress.check()?;
            let piece = match pieces.next(progress)? {
                Ok(piece) => piece,
                Err(error) if is_timeout(&error) => return Err(self.silent()),
                // A connection that breaks is a cut answer, told below.
                Err(_) => Vec::new(),
            };
            let is_end = piece.is_empty();
            let events = match is_end {
                true => stream.finish().into_iter().collect(),
                false => stream
                    .push(&piece)
                    .map_err(|reason| self.misunderstood(&reason))?,
            };
            for event in events {
                if event.trim() == "[DONE]" {
                    is_done = true;
                    break;
                }
                if is_end && serde_json::from_str::<Value>(&event).is_err() {
                    // A piece of an event at the end.
                    continue;
                }
                add(&mut reply, &event)?;
            }
            if is_end {
                break;
            }
        }
        let is_whole = !reply.candidates.is_empty()
            && reply
                .candidates
                .iter()
                .all(|candidate| candidate.finish.is_some());
        if is_whole || (is_done && !reply.candidates.is_empty()) {
            return Ok(reply);
        }
        Err(ControllerError::Cut {
            server: self.address.to_string(),
            received: reply
                .candidates
                .iter()
                .map(|c| c.text.chars().count())
                .sum(),
        })
    }

    /// All of an answer that does not come in pieces.
    fn all(
        &self,
        response: Response<Body>,
        progress: &Progress,
    ) -> Result<String, ControllerError> {
        let length = response.body().content_length();
        let cut = |received: usize| ControllerError::Cut {
            server: self.address.to_string(),
            received,
        };
        let pieces = Pieces::of(response.into_body().into_reader().take(MOST_BYTES))?;
        let mut bytes = Vec::new();
        loop {
            match pieces.next(progress)? {
                Ok(piece) if piece.is_empty() => break,
                Ok(piece) => bytes.extend(piece),
                Err(error) if is_timeout(&error) => return Err(self.silent()),
                Err(_) => return Err(cut(bytes.len())),
            }
        }
        if length.is_some_and(|length| length > bytes.len() as u64) {
            return Err(cut(bytes.len()));
        }
        String::from_utf8(bytes).map_err(|_| self.misunderstood("it is not UTF-8"))
    }

    fn json(&self, text: &str) -> Result<Value, ControllerError> {
        serde_json::from_str(text).map_err(|error| {
            let begin: String = text.chars().take(60).collect();
            self.misunderstood(&format!("`{begin}` is no JSON: {error}"))
        })
    }

    fn misunderstood(&self, reason: &str) -> ControllerError {
        ControllerError::Misunderstood {
            server: self.address.to_string(),
            reason: match &self.key {
                Some(key) => key.blot(reason),
                None => reason.to_owned(),
            },
        }
    }

    fn silent(&self) -> ControllerError {
        ControllerError::Silent {
            server: self.address.to_string(),
            seconds: self.silence.as_secs(),
        }
    }

    fn failure(&self, error: &ureq::Error) -> ControllerError {
        match error {
            ureq::Error::Timeout(ureq::Timeout::Connect) => ControllerError::Unreachable {
                server: self.address.to_string(),
                reason: "it takes too long to connect".to_owned(),
            },
            ureq::Error::Timeout(_) => self.silent(),
            error => ControllerError::Unreachable {
                server: self.address.to_string(),
                reason: error.to_string(),
            },
        }
    }
}

impl Controller for HttpController {
    fn name(&self) -> &str {
        &self.model
    }

    fn provenance(&self) -> Provenance {
        self.provenance.clone()
    }

    /// Asks in one request, and again for what is missing where a server makes one candidate at a time, or refuses to make more.
    fn propose(
        &mut self,
        request: &ChatRequest,
        progress: &Progress,
        tell: &mut dyn FnMut(Delta),
    ) -> Result<Reply, ControllerError> {
        let wanted = request.n.unwrap_or(1).max(1);
        let mut whole = Reply::default();
        while whole.candidates.len() < wanted {
            let made = whole.candidates.len();
            let mut part = request.clone();
            if part.model.is_empty() {
                part.model.clone_from(&self.model);
            }
            part.n = Some(wanted - made).filter(|n| *n > 1 && !self.makes_one);
            // Another server would leave it out without a word.
            if !self.draws_each() && !request.candidates.is_empty() {
                return Err(ControllerError::OneDraw {
                    server: self.address.to_string(),
                });
            }
            let draws = request.candidates.iter().skip(made);
            part.candidates = draws.take(part.n.unwrap_or(1)).copied().collect();
            part.seed = request.seed.map(|seed| seed.wrapping_add(made as u64));
            // Hosted servers refuse members that they do not know.
            part.return_progress = self.draws_each().then_some(true);
            part.stream = Some(true);
            part.stream_options = Some(StreamOptions {
                include_usage: true,
            });
            let reply = match self.ask(&part, made, progress, tell) {
                Err(error) if part.n.is_some() && is_about_number(&error) => {
                    self.makes_one = true;
                    continue;
                }
                reply => reply?,
            };
            if reply.candidates.is_empty() {
                return Err(self.misunderstood("it has no candidate"));
            }
            whole.candidates.extend(reply.candidates);
            whole.model = reply.model.or(whole.model);
            whole.usage = match (whole.usage, reply.usage) {
                (Some(mut sum), Some(usage)) => {
                    sum.completion_tokens += usage.completion_tokens;
                    Some(sum)
                }
                (sum, usage) => sum.or(usage),
            };
        }
        whole.candidates.truncate(wanted);
        Ok(whole)
    }
}

/// Whether a server refuses that several candidates are asked for; llama.cpp's does where it has fewer slots.
fn is_about_number(error: &ControllerError) -> bool {
    let ControllerError::Refused {
        status: 400 | 422,
        message,
        ..
    } = error
    else {
        return false;
    };
    ["'n'", "`n`", "\"n\"", "one completion"]
        .iter()
        .any(|sign| message.contains(sign))
}

fn is_timeout(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{TimedOut, WouldBlock};
    matches!(error.kind(), TimedOut | WouldBlock) || error.to_string().contains("timeout")
}

/// `Retry-After` in seconds.
fn retry_after(response: &Response<Body>) -> Option<Duration> {
    let value = response.headers().get("retry-after")?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
}
