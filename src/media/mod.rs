//! Picture references to pixels: inside the picture roots only, and within limits of bytes and pixels.
//!
//! No terminal here, and nothing is fetched from an address.
