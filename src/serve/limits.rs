use std::time::Duration;

use crate::controller::Provenance;
use crate::media::{DecodeLimits, PictureRoots};
use crate::model::Sampling;

/// Who may use a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Whoever reaches it: a Unix socket in a folder of one's own.
    Open,
    /// Whoever knows a key.
    Key(String),
}

/// How a model is served.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// What is told of the model; its name is the one in answers.
    pub provenance: Provenance,
    /// Who may use it.
    pub access: Access,
    /// Where pictures may be opened by path; `None` where only `data:` URLs are taken.
    pub picture_roots: Option<PictureRoots>,
    /// What a picture may cost.
    pub picture_limits: DecodeLimits,
    /// How tokens are drawn where a request does not say.
    pub sampling: Sampling,
    /// Whether pictures are left out where the model takes none, in the place of an error.
    pub drops_images: bool,
    /// How long it waits for a request before it ends; `None` for ever.
    pub idle: Option<Duration>,
}

/// Bytes of a request at most.
pub(super) const MOST_BYTES: usize = 64 << 20;

/// Requests that wait at most.
pub(super) const MOST_WAITING: usize = 64;

/// Pictures of a request at most.
pub(super) const MOST_PICTURES: usize = 64;
