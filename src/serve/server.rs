use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, Response, StatusCode};
use axum::routing::{get, post};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::answer::AnswerHead;
use super::error::Refusal;
use super::limits::MOST_BYTES;
use super::not_done::NotDone;
use super::worker::{Outcome, Work, Worker};
use super::{Access, ServeError, ServeOptions};
use crate::controller::ChatRequest;
use crate::jobs::Progress;
use crate::model::Model;

/// Where a server is to listen, and then where it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound {
    /// A port of an address; port 0 takes any that is free.
    Tcp(SocketAddr),
    /// A Unix socket.
    #[cfg(unix)]
    Unix(PathBuf),
}

/// A server that listens and has not begun to answer.
pub struct Server {
    runtime: tokio::runtime::Runtime,
    listener: Listener,
    state: Arc<Service>,
    bound: Bound,
}

enum Listener {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(tokio::net::UnixListener),
}

/// What answers.
struct Service {
    model: Arc<Model>,
    options: Arc<ServeOptions>,
    worker: Worker,
    activity: Activity,
    requests: AtomicU64,
    first_seed: u64,
}

/// When something was asked last, and how many requests are at work.
struct Activity {
    started: Instant,
    last: AtomicU64,
    running: AtomicUsize,
}

impl Activity {
    fn touch(&self) {
        let now = self.started.elapsed().as_millis();
        let now = u64::try_from(now).unwrap_or(u64::MAX);
        self.last.store(now, Ordering::Relaxed);
    }

    fn is_idle(&self, longest: Duration) -> bool {
        let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
        let rest = self.started.elapsed().saturating_sub(last);
        self.running.load(Ordering::Relaxed) == 0 && rest >= longest
    }
}

/// A request at work; it ends with this, and so does the work if nobody waits for it any more.
struct Running {
    service: Arc<Service>,
    progress: Progress,
}

impl Running {
    fn new(service: &Arc<Service>, progress: &Progress) -> Self {
        service.activity.running.fetch_add(1, Ordering::Relaxed);
        Self {
            service: Arc::clone(service),
            progress: progress.clone(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.progress.cancel();
        self.service.activity.touch();
        self.service
            .activity
            .running
            .fetch_sub(1, Ordering::Relaxed);
    }
}

impl Server {
    /// Listens, and starts the thread that owns the model.
    pub fn bind(
        model: Model,
        mut options: ServeOptions,
        bound: &Bound,
    ) -> Result<Self, ServeError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (listener, bound) = {
            let _entered = runtime.enter();
            listen(bound)?
        };
        options.provenance.draws_each = Some(true);
        let model = Arc::new(model);
        let options = Arc::new(options);
        let mut seed = [0; 8];
        // Without random bits the time will do: it only has to differ.
        if getrandom::fill(&mut seed).is_err() {
            seed = now().to_le_bytes();
        }
        let state = Service {
            worker: Worker::start(Arc::clone(&model), Arc::clone(&options))?,
            model,
            options,
            activity: Activity {
                started: Instant::now(),
                last: AtomicU64::new(0),
                running: AtomicUsize::new(0),
            },
            requests: AtomicU64::new(0),
            first_seed: u64::from_le_bytes(seed) >> 16,
        };
        Ok(Self {
            runtime,
            listener,
            state: Arc::new(state),
            bound,
        })
    }

    /// Where it listens.
    pub fn bound(&self) -> &Bound {
        &self.bound
    }

    /// Answers until it is told to stop, or until nobody has asked for long enough.
    pub fn run(self, stop: &Progress) -> Result<(), ServeError> {
        let Self {
            runtime,
            listener,
            state,
            ..
        } = self;
        let ended = ended(Arc::clone(&state), stop.clone());
        let router = router(state);
        runtime.block_on(async move {
            match listener {
                Listener::Tcp(listener) => {
                    axum::serve(listener, router)
                        .with_graceful_shutdown(ended)
                        .await
                }
                #[cfg(unix)]
                Listener::Unix(listener) => {
                    axum::serve(listener, router)
                        .with_graceful_shutdown(ended)
                        .await
                }
            }
        })?;
        Ok(())
    }
}

fn listen(bound: &Bound) -> Result<(Listener, Bound), ServeError> {
    match bound {
        Bound::Tcp(address) => {
            let failed = |source| ServeError::Listen {
                address: address.to_string(),
                source,
            };
            let listener = std::net::TcpListener::bind(address).map_err(failed)?;
            listener.set_nonblocking(true).map_err(failed)?;
            let bound = Bound::Tcp(listener.local_addr().map_err(failed)?);
            let listener = TcpListener::from_std(listener).map_err(failed)?;
            Ok((Listener::Tcp(listener), bound))
        }
        #[cfg(unix)]
        Bound::Unix(path) => {
            let listener = tokio::net::UnixListener::bind(path);
            let listener = listener.map_err(|source| ServeError::Listen {
                address: path.display().to_string(),
                source,
            })?;
            Ok((Listener::Unix(listener), bound.clone()))
        }
    }
}

/// Comes back when the server is to end.
async fn ended(state: Arc<Service>, stop: Progress) {
    const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
    loop {
        tokio::time::sleep(BETWEEN_LOOKS).await;
        let is_idle = |longest| state.activity.is_idle(longest);
        if stop.check().is_err() || state.options.idle.is_some_and(is_idle) {
            return;
        }
    }
}

fn router(state: Arc<Service>) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/v1/models", get(models))
        .route("/v1/chat/completions", post(completions))
        .fallback(nothing)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .with_state(state)
}

/// Seconds since 1970.
fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default().as_secs()
}

fn respond(status: u16, value: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(value.to_string()));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let kind = axum::http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    if status == 503 {
        let wait = axum::http::HeaderValue::from_static("2");
        response.headers_mut().insert(RETRY_AFTER, wait);
    }
    response
}

fn refuse(refusal: &Refusal) -> Response<Body> {
    respond(refusal.status, &refusal.body())
}

async fn health() -> Response<Body> {
    respond(200, &json!({"status": "ok"}))
}

async fn nothing() -> Response<Body> {
    refuse(&Refusal {
        status: 404,
        kind: "invalid_request_error",
        message: "there are /v1/models, /v1/chat/completions and /health".to_owned(),
    })
}

async fn wrong_method() -> Response<Body> {
    refuse(&Refusal {
        status: 405,
        kind: "invalid_request_error",
        message: "GET asks for /v1/models and /health, POST for /v1/chat/completions".to_owned(),
    })
}

/// Whether a request has the key.
fn admit(state: &Service, headers: &HeaderMap) -> Result<(), Refusal> {
    let Access::Key(key) = &state.options.access else {
        return Ok(());
    };
    let given = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let given = given
        .and_then(|value| value.strip_prefix("Bearer "))
        .unwrap_or_default();
    // Hashes, so that the time that it takes tells nothing of the key.
    if blake3::hash(given.as_bytes()) == blake3::hash(key.as_bytes()) {
        return Ok(());
    }
    Err(Refusal {
        status: 401,
        kind: "authentication_error",
        message: "the key is missing or wrong".to_owned(),
    })
}

async fn models(State(state): State<Arc<Service>>, headers: HeaderMap) -> Response<Body> {
    if let Err(refusal) = admit(&state, &headers) {
        return refuse(&refusal);
    }
    state.activity.touch();
    let mut model = json!({
        "id": state.options.provenance.model, "object": "model", "created": 0, "owned_by": "retake",
    });
    let told = serde_json::to_value(&state.options.provenance).unwrap_or_default();
    if let (Some(model), Value::Object(told)) = (model.as_object_mut(), told) {
        model.extend(told.into_iter().filter(|(name, _)| name != "model"));
    }
    respond(200, &json!({"object": "list", "data": [model]}))
}

async fn completions(
    State(state): State<Arc<Service>>,
    headers: HeaderMap,
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Response<Body> {
    if let Err(refusal) = admit(&state, &headers) {
        return refuse(&refusal);
    }
    state.activity.touch();
    let request = match body {
        Ok(body) => understood(&body),
        Err(rejection) => Err(Refusal {
            status: rejection.status().as_u16(),
            kind: "invalid_request_error",
            message: rejection.body_text(),
        }),
    };
    match request {
        Ok(request) => work(&state, request).await,
        Err(refusal) => refuse(&refusal),
    }
}

/// The request; one that asks for what is not done here is refused.
fn understood(body: &[u8]) -> Result<ChatRequest, Refusal> {
    let wrong = |error| Refusal::request(format!("the request can't be understood: {error}"));
    let request = serde_json::from_slice(body).map_err(wrong)?;
    serde_json::from_slice::<NotDone>(body)
        .map_err(wrong)?
        .check()?;
    Ok(request)
}

async fn work(state: &Arc<Service>, request: ChatRequest) -> Response<Body> {
    let number = state.requests.fetch_add(1, Ordering::Relaxed);
    let head = AnswerHead {
        id: format!("chatcmpl-{:x}-{number:x}", state.first_seed),
        created: now(),
        model: state.options.provenance.model.clone(),
    };
    let streams = request.stream.unwrap_or(false);
    let tells_usage = request
        .stream_options
        .is_some_and(|options| options.include_usage);
    let progress = Progress::default();
    let (outcomes, received) = unbounded_channel();
    let work = Work {
        request,
        seed: state.first_seed.wrapping_add(number.wrapping_mul(1 << 16)),
        outcomes,
        progress: progress.clone(),
    };
    let running = Running::new(state, &progress);
    if let Err(refusal) = state.worker.submit(work) {
        return refuse(&refusal);
    }
    if streams {
        return streamed(running, head, received, tells_usage).await;
    }
    whole(&running, &head, received).await
}

async fn whole(
    running: &Running,
    head: &AnswerHead,
    mut outcomes: UnboundedReceiver<Outcome>,
) -> Response<Body> {
    while let Some(outcome) = outcomes.recv().await {
        match outcome {
            Outcome::Piece(_) | Outcome::Reading(..) => {}
            Outcome::Done(completions, statistics) => {
                let tokenizer = running.service.model.tokenizer();
                return respond(200, &head.whole(&completions, &statistics, tokenizer));
            }
            Outcome::Failed(refusal) => return refuse(&refusal),
        }
    }
    refuse(&Refusal::server("the model has ended"))
}

/// A stream and what it needs to know.
struct Stream {
    running: Running,
    head: AnswerHead,
    outcomes: UnboundedReceiver<Outcome>,
    /// The first outcome, which was waited for.
    next: Option<Outcome>,
    begun: BTreeSet<usize>,
    tells_usage: bool,
    is_over: bool,
}

/// Answers with events. The first is waited for, so that what is refused has its status.
async fn streamed(
    running: Running,
    head: AnswerHead,
    mut outcomes: UnboundedReceiver<Outcome>,
    tells_usage: bool,
) -> Response<Body> {
    let next = match outcomes.recv().await {
        Some(Outcome::Failed(refusal)) => return refuse(&refusal),
        None => return refuse(&Refusal::server("the model has ended")),
        next => next,
    };
    let stream = Stream {
        running,
        head,
        outcomes,
        next,
        begun: BTreeSet::new(),
        tells_usage,
        is_over: false,
    };
    let events = stream::unfold(stream, |mut stream| async move {
        let text = stream.events().await?;
        Some((Ok::<String, std::convert::Infallible>(text), stream))
    });
    let mut response = Response::new(Body::from_stream(events));
    let kind = axum::http::HeaderValue::from_static("text/event-stream");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

impl Stream {
    /// The next events as text; `None` after the last.
    async fn events(&mut self) -> Option<String> {
        if self.is_over {
            return None;
        }
        let outcome = match self.next.take() {
            Some(outcome) => Some(outcome),
            None => self.outcomes.recv().await,
        };
        let event = |value: &Value| format!("data: {value}\n\n");
        match outcome {
            Some(Outcome::Reading(read, total)) => {
                Some(event(&self.head.reading_chunk(read, total)))
            }
            Some(Outcome::Piece(piece)) => {
                let is_first = self.begun.insert(piece.candidate);
                let tokenizer = self.running.service.model.tokenizer();
                Some(event(&self.head.chunk(&piece, is_first, tokenizer)))
            }
            Some(Outcome::Done(_, statistics)) => {
                self.is_over = true;
                let usage = self
                    .tells_usage
                    .then(|| event(&self.head.usage_chunk(&statistics)));
                Some(usage.unwrap_or_default() + "data: [DONE]\n\n")
            }
            Some(Outcome::Failed(refusal)) => {
                self.is_over = true;
                Some(event(&refusal.body()))
            }
            None => {
                self.is_over = true;
                Some(event(&Refusal::server("the model has ended").body()))
            }
        }
    }
}
