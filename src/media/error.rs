use std::path::PathBuf;

use crate::domain::visible_line;

/// Why a picture reference yields no file or no pixels.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// No root holds the path.
    #[error(
        "{} is not under any picture root; add one with `retake add --images ROOT`",
        visible_line(path)
    )]
    NotFound {
        /// The path as the data has it.
        path: String,
    },
    /// The path, or a link on it, leads out of every root.
    #[error(
        "{} leads outside the picture roots and is not opened; if it is meant, add its folder with `retake add --images ROOT`",
        visible_line(path)
    )]
    Outside {
        /// The path as the data has it.
        path: String,
    },
    /// The path could name no file.
    #[error(
        "{} is no file name: {reason}; correct the record in its source",
        visible_line(path)
    )]
    BadPath {
        /// The path as the data has it.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The reference is an address.
    #[error(
        "{} is an address, which is not fetched; download it under a picture root",
        visible_line(url)
    )]
    Address {
        /// The address.
        url: String,
    },
    /// The bytes inside a record are not base64.
    #[error("the picture inside the record is not base64: {0}; correct the record in its source")]
    Base64(#[from] base64::DecodeError),
    /// The file could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// More bytes than the limit.
    #[error("the picture has more than {limit} bytes, the limit")]
    TooManyBytes {
        /// The limit.
        limit: u64,
    },
    /// More pixels than the limit, or a longer side.
    #[error(
        "the picture is {width}×{height}, more than the limit of {max_pixels} pixels and {max_side} on a side"
    )]
    TooManyPixels {
        /// Pixels from left to right.
        width: u32,
        /// Pixels from top to bottom.
        height: u32,
        /// The limit of pixels.
        max_pixels: u64,
        /// The limit of a side.
        max_side: u32,
    },
    /// The bytes are no picture of a known format (PNG, JPEG, GIF, WebP, BMP).
    #[error(
        "not a picture that can be shown (PNG, JPEG, GIF, WebP or BMP); convert it if you need to see it"
    )]
    UnknownFormat,
    /// The bytes begin like a picture but are damaged.
    #[error("the picture is damaged")]
    Damaged(#[source] image::ImageError),
}
