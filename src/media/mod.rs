//! Picture references to pixels: inside the picture roots only, and within limits of bytes and pixels.
//!
//! No terminal here, and nothing is fetched from an address.

mod decode;
mod error;
mod picture_root;

pub use decode::{DecodeLimits, bytes, decode, load, size};
pub use error::MediaError;
pub use picture_root::PictureRoots;
