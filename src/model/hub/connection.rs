use std::fmt;
use std::io::Read;
use std::time::Duration;

use serde_json::Value;
use ureq::http::{Response, Uri};
use ureq::{Agent, Body};

use super::listing::{Listing, checksum};
use super::{HubError, Repository};
use crate::jobs::Progress;

/// A hub with the interface of Hugging Face, and how it is spoken to.
pub struct Hub {
    endpoint: String,
    token: Option<String>,
    agent: Agent,
    pub(super) waits: Waits,
}

/// How long is waited before something is asked for again, and how often nothing new may come before that ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waits {
    pub first: Duration,
    pub tries: u32,
}

impl Waits {
    /// Before the try number `number`, from 1 on; `None` for no further one. It doubles with each.
    pub fn before(&self, number: u32) -> Option<Duration> {
        (number < self.tries).then(|| self.first.saturating_mul(1 << number.min(6)))
    }
}

/// Where a download comes from, after all redirects.
pub(super) struct Answer {
    pub response: Response<Body>,
    /// The SHA-256 that the hub tells of the file.
    pub sha256: Option<String>,
}

/// Redirects that are followed at most.
const MOST_REDIRECTS: usize = 8;

/// Bytes of a listing, and of an error, at most.
const MOST_LISTING: u64 = 32 << 20;
const MOST_ERROR: u64 = 64 << 10;

impl Hub {
    /// The hub of Hugging Face, where the environment names no other one.
    pub const ENDPOINT: &'static str = "https://huggingface.co";

    /// The hub at `HF_ENDPOINT`, with the token in `HF_TOKEN`.
    pub fn from_environment() -> Result<Self, HubError> {
        let set = |name: &str| {
            let value = std::env::var(name).unwrap_or_default();
            Some(value.trim().to_owned()).filter(|value| !value.is_empty())
        };
        let endpoint = set("HF_ENDPOINT");
        let endpoint = endpoint.as_deref().unwrap_or(Self::ENDPOINT);
        Self::new(endpoint, set("HF_TOKEN").as_deref())
    }

    /// The hub at an address.
    pub fn new(endpoint: &str, token: Option<&str>) -> Result<Self, HubError> {
        let wrong = |variable, reason| HubError::Setting { variable, reason };
        let endpoint = endpoint.trim_end_matches('/');
        let is_address = endpoint.parse::<Uri>().is_ok_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some()
        });
        if !is_address || endpoint.contains(['@', '?', '#']) {
            return Err(wrong("HF_ENDPOINT", "it is no address of a hub"));
        }
        if token.is_some_and(|token| !token.bytes().all(|byte| byte.is_ascii_graphic())) {
            return Err(wrong("HF_TOKEN", "it has characters that no token has"));
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // They are followed here, so that the token goes to the hub alone and its checksum is seen.
            .max_redirects(0)
            .timeout_connect(Some(Duration::from_secs(15)))
            .timeout_recv_response(Some(Duration::from_secs(60)))
            .timeout_per_read(Some(Duration::from_secs(60)))
            .user_agent(concat!("retake/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self {
            endpoint: endpoint.to_owned(),
            token: token.map(str::to_owned),
            agent: Agent::new_with_config(config),
            waits: Waits {
                first: Duration::from_millis(500),
                tries: 6,
            },
        })
    }

    /// Its address.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// What a repository has.
    pub fn listing(
        &self,
        repository: &Repository,
        progress: &Progress,
    ) -> Result<Listing, HubError> {
        let revision = repository.revision().replace('/', "%2F");
        let name = repository.name();
        let url = format!(
            "{}/api/models/{name}/revision/{revision}?blobs=true",
            self.endpoint
        );
        let what = repository.to_string();
        let text = self.patiently(progress, || {
            let answer = self.get(&url, &what, None)?;
            self.text(answer.response, MOST_LISTING)
        })?;
        let answer: Value = serde_json::from_str(&text)
            .map_err(|error| self.misunderstood(&format!("it is no JSON: {error}")))?;
        Listing::read(repository, &answer).map_err(|reason| self.misunderstood(&reason))
    }

    /// Where a file of a listing is.
    pub(super) fn file_url(&self, listing: &Listing, file: &str) -> String {
        let (name, commit) = (listing.repository.name(), &listing.commit);
        format!("{}/{name}/resolve/{commit}/{file}", self.endpoint)
    }

    /// Asks, and asks again where the next time may be another one.
    fn patiently<T>(
        &self,
        progress: &Progress,
        ask: impl Fn() -> Result<T, HubError>,
    ) -> Result<T, HubError> {
        let mut tries = 0;
        loop {
            progress.check()?;
            match ask() {
                Err(error) if is_passing(&error) => {
                    tries += 1;
                    let Some(wait) = self.waits.before(tries) else {
                        return Err(error);
                    };
                    pause(wait, progress)?;
                }
                other => return other,
            }
        }
    }

    /// The answer of the hub, or of where it sends us, from a byte on.
    pub(super) fn get(&self, url: &str, what: &str, from: Option<u64>) -> Result<Answer, HubError> {
        let mut url = url.to_owned();
        let mut sha256 = None;
        for _ in 0..=MOST_REDIRECTS {
            let is_hub = self.is_of_hub(&url);
            let mut call = self.agent.get(&url).header("Accept-Encoding", "identity");
            if let Some(token) = self.token.as_ref().filter(|_| is_hub) {
                call = call.header("Authorization", format!("Bearer {token}"));
            }
            if let Some(from) = from.filter(|from| *from > 0) {
                call = call.header("Range", format!("bytes={from}-"));
            }
            let response = call.call().map_err(|error| self.unreachable(&error))?;
            if is_hub {
                let told = |name: &str| checksum(response.headers().get(name)?.to_str().ok()?);
                sha256 = sha256
                    .or_else(|| told("x-linked-etag"))
                    .or_else(|| told("etag"));
            }
            let status = response.status();
            if status.is_success() {
                return Ok(Answer { response, sha256 });
            }
            if !status.is_redirection() {
                return Err(self.refusal(response, what));
            }
            let target = response.headers().get("location");
            let target = target.and_then(|target| target.to_str().ok());
            url = self.redirected(&url, target.unwrap_or_default())?;
        }
        Err(self.misunderstood("it sends us round and round"))
    }

    /// The address that a redirect means.
    fn redirected(&self, from: &str, to: &str) -> Result<String, HubError> {
        let is_secret = from.starts_with("https://");
        if to.starts_with("https://") || (to.starts_with("http://") && !is_secret) {
            return Ok(to.to_owned());
        }
        match origin(from) {
            Some(origin) if to.starts_with('/') && !to.starts_with("//") => {
                Ok(format!("{origin}{to}"))
            }
            _ => Err(self.misunderstood("it sends us to an address that is none")),
        }
    }

    fn is_of_hub(&self, url: &str) -> bool {
        origin(url).is_some_and(|of_url| origin(&self.endpoint) == Some(of_url))
    }

    fn refusal(&self, response: Response<Body>, what: &str) -> HubError {
        let status = response.status().as_u16();
        let header = response.headers().get("x-error-message");
        let header = header
            .and_then(|text| text.to_str().ok())
            .map(str::to_owned);
        let (hub, what) = (self.endpoint.clone(), what.to_owned());
        let message = || {
            let text = self.text(response, MOST_ERROR).unwrap_or_default();
            let told = serde_json::from_str::<Value>(&text).ok();
            let told = told.and_then(|told| Some(told.get("error")?.as_str()?.to_owned()));
            let message = header.or(told).unwrap_or_default();
            let message: String = message.chars().take(300).collect();
            match &self.token {
                Some(token) => message.replace(token.as_str(), "…"),
                None => message,
            }
        };
        match status {
            404 => HubError::NotFound { hub, what },
            401 | 403 => HubError::Denied {
                hub,
                what,
                status,
                message: message(),
                has_token: self.token.is_some(),
            },
            _ => HubError::Refused {
                hub,
                what,
                status,
                message: message(),
            },
        }
    }

    fn text(&self, response: Response<Body>, most: u64) -> Result<String, HubError> {
        let length = response.body().content_length();
        let mut bytes = Vec::new();
        let mut reader = response.into_body().into_reader().take(most);
        let cut = |reason: String| HubError::Unreachable {
            hub: self.endpoint.clone(),
            reason,
        };
        let read = reader.read_to_end(&mut bytes);
        read.map_err(|error| cut(error.to_string()))?;
        if length.is_some_and(|length| length > bytes.len() as u64 && length <= most) {
            return Err(cut("its answer was cut".to_owned()));
        }
        String::from_utf8(bytes).map_err(|_| self.misunderstood("it is not UTF-8"))
    }

    pub(super) fn misunderstood(&self, reason: &str) -> HubError {
        HubError::Misunderstood {
            hub: self.endpoint.clone(),
            reason: reason.to_owned(),
        }
    }

    pub(super) fn unreachable(&self, error: &impl fmt::Display) -> HubError {
        HubError::Unreachable {
            hub: self.endpoint.clone(),
            reason: error.to_string(),
        }
    }
}

impl fmt::Debug for Hub {
    /// The token is shown nowhere.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

/// Whether the next time may be another one.
pub(super) fn is_passing(error: &HubError) -> bool {
    match error {
        HubError::Unreachable { .. } => true,
        HubError::Refused { status, .. } => matches!(status, 408 | 429 | 500 | 502 | 503 | 504),
        _ => false,
    }
}

/// Waits, and ends the wait when somebody asks for it.
pub(super) fn pause(wait: Duration, progress: &Progress) -> Result<(), HubError> {
    const GLANCE: Duration = Duration::from_millis(50);
    let until = std::time::Instant::now() + wait;
    while std::time::Instant::now() < until {
        progress.check()?;
        std::thread::sleep(GLANCE.min(wait));
    }
    Ok(())
}

/// Scheme, host and port of an address.
fn origin(url: &str) -> Option<&str> {
    let start = url.find("://")? + 3;
    let rest = url.get(start..)?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    url.get(..start + end)
}
