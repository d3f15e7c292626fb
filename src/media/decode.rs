use std::fs::File;
use std::io::{Cursor, Read};

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use image::{DynamicImage, ImageDecoder, ImageReader, Limits};

use super::{MediaError, PictureRoots};
use crate::domain::PictureReference;

/// What a picture may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Bytes of the file, or of the decoded base64.
    pub max_bytes: u64,
    /// Width times height.
    pub max_pixels: u64,
    /// Pixels of the longer side.
    pub max_side: u32,
}

impl Default for DecodeLimits {
    /// 64 MiB, 100 million pixels, 32,768 on a side: more than any camera, less than would hurt.
    fn default() -> Self {
        Self {
            max_bytes: 64 << 20,
            max_pixels: 100_000_000,
            max_side: 32_768,
        }
    }
}

/// Sixteen-bit RGBA, the largest pixel that the formats have.
const MAX_BYTES_PER_PIXEL: u64 = 8;

/// Base64 as data has it: with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Turns a picture's bytes into pixels, upright as its EXIF orientation says; of an animation the first frame.
///
/// The format is told by the content, whatever the file's name. The size is checked before any pixel is decoded.
pub fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<DynamicImage, MediaError> {
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limits.max_bytes {
        return Err(MediaError::TooManyBytes {
            limit: limits.max_bytes,
        });
    }
    let mut reader = ImageReader::new(Cursor::new(bytes));
    reader = reader
        .with_guessed_format()
        .map_err(|error| MediaError::Damaged(error.into()))?;
    if reader.format().is_none() {
        return Err(MediaError::UnknownFormat);
    }
    // Sides are checked below, so that the message can name them.
    let mut allocation = Limits::no_limits();
    allocation.max_alloc = Some(
        limits
            .max_pixels
            .saturating_mul(MAX_BYTES_PER_PIXEL)
            .saturating_add(limits.max_bytes),
    );
    reader.limits(allocation);
    let mut decoder = reader.into_decoder().map_err(unreadable)?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels > limits.max_pixels || width.max(height) > limits.max_side {
        return Err(MediaError::TooManyPixels {
            width,
            height,
            max_pixels: limits.max_pixels,
            max_side: limits.max_side,
        });
    }
    // Broken EXIF data is no reason not to show the picture.
    let orientation = decoder.orientation().ok();
    let mut picture = DynamicImage::from_decoder(decoder).map_err(unreadable)?;
    if let Some(orientation) = orientation {
        picture.apply_orientation(orientation);
    }
    Ok(picture)
}

fn unreadable(error: image::ImageError) -> MediaError {
    match error {
        image::ImageError::Unsupported(_) => MediaError::UnknownFormat,
        other => MediaError::Damaged(other),
    }
}

/// The pixels of a reference: a file below the roots, or the bytes inside the record.
pub fn load(
    reference: &PictureReference,
    roots: &PictureRoots,
    limits: &DecodeLimits,
) -> Result<DynamicImage, MediaError> {
    decode(&bytes(reference, roots, limits)?, limits)
}

/// Width and height of a reference, as its file says; no pixel is decoded.
pub fn size(
    reference: &PictureReference,
    roots: &PictureRoots,
    limits: &DecodeLimits,
) -> Result<(u32, u32), MediaError> {
    let bytes = bytes(reference, roots, limits)?;
    let reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| MediaError::Damaged(error.into()))?;
    if reader.format().is_none() {
        return Err(MediaError::UnknownFormat);
    }
    reader.into_dimensions().map_err(unreadable)
}

/// The bytes of a reference: of a file below the roots, or inside the record.
pub fn bytes(
    reference: &PictureReference,
    roots: &PictureRoots,
    limits: &DecodeLimits,
) -> Result<Vec<u8>, MediaError> {
    match reference {
        PictureReference::Url(url) => Err(MediaError::Address { url: url.clone() }),
        PictureReference::Inline(inline) => unpack(&inline.base64, limits),
        PictureReference::Path(path) => {
            let path = roots.resolve(path)?;
            let mut bytes = Vec::new();
            // One byte more than allowed tells a file that is too large.
            let read = File::open(&path).and_then(|file| {
                file.take(limits.max_bytes.saturating_add(1))
                    .read_to_end(&mut bytes)
            });
            read.map_err(|source| MediaError::Read { path, source })?;
            Ok(bytes)
        }
    }
}

fn unpack(base64: &str, limits: &DecodeLimits) -> Result<Vec<u8>, MediaError> {
    let packed: Vec<u8> = base64
        .bytes()
        .filter(|b| !b.is_ascii_whitespace())
        .collect();
    let size = u64::try_from(packed.len()).unwrap_or(u64::MAX) / 4 * 3;
    if size > limits.max_bytes.saturating_add(3) {
        return Err(MediaError::TooManyBytes {
            limit: limits.max_bytes,
        });
    }
    Ok(BASE64.decode(packed)?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use image::{GenericImageView, ImageFormat, Rgb, RgbImage};

    use super::*;
    use crate::domain::PictureBytes;

    /// Three pixels wide, two high; the first is red.
    fn picture(format: ImageFormat) -> Vec<u8> {
        let mut image = RgbImage::from_pixel(3, 2, Rgb([0, 0, 255]));
        image.put_pixel(0, 0, Rgb([255, 0, 0]));
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::from(image)
            .write_to(&mut bytes, format)
            .expect("encoded");
        bytes.into_inner()
    }

    /// A PNG that claims a size; its checksum is right, its data is missing.
    fn png_header(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        bytes.extend_from_slice(&width.to_be_bytes());
        bytes.extend_from_slice(&height.to_be_bytes());
        bytes.extend_from_slice(&[8, 2, 0, 0, 0]);
        let mut crc = u32::MAX;
        for byte in &bytes[12..] {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
            }
        }
        bytes.extend_from_slice(&(!crc).to_be_bytes());
        bytes.extend_from_slice(b"\0\0\0\x01IDAT");
        bytes
    }

    #[test]
    fn every_format_is_told_by_its_content() {
        for format in [
            ImageFormat::Png,
            ImageFormat::Jpeg,
            ImageFormat::Gif,
            ImageFormat::WebP,
            ImageFormat::Bmp,
        ] {
            let decoded = decode(&picture(format), &DecodeLimits::default()).expect("decoded");
            assert_eq!(decoded.dimensions(), (3, 2), "{format:?}");
        }
        let text = decode(b"hello, not a picture", &DecodeLimits::default());
        assert!(matches!(text, Err(MediaError::UnknownFormat)));
        assert!(matches!(
            decode(b"", &DecodeLimits::default()),
            Err(MediaError::UnknownFormat)
        ));
    }

    #[test]
    fn exif_orientation_turns_the_picture_upright() {
        let jpeg = picture(ImageFormat::Jpeg);
        // After the start mark: a segment with one EXIF tag, orientation 6 (turn right).
        let exif = b"\xff\xe1\0\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        let turned = [&jpeg[..2], exif, &jpeg[2..]].concat();
        let decoded = decode(&turned, &DecodeLimits::default()).expect("decoded");
        assert_eq!(decoded.dimensions(), (2, 3));
        let red = decoded.get_pixel(1, 0);
        assert!(red[0] > red[2], "{red:?}");
    }

    #[test]
    fn bombs_are_refused_before_their_pixels() {
        let bomb = decode(&png_header(100_000, 100_000), &DecodeLimits::default());
        assert!(
            matches!(
                bomb,
                Err(MediaError::TooManyPixels {
                    width: 100_000,
                    height: 100_000,
                    ..
                })
            ),
            "{bomb:?}"
        );
        let long = decode(&png_header(40_000, 1), &DecodeLimits::default());
        assert!(
            matches!(long, Err(MediaError::TooManyPixels { .. })),
            "{long:?}"
        );
        let small = DecodeLimits {
            max_pixels: 5,
            ..DecodeLimits::default()
        };
        assert!(matches!(
            decode(&picture(ImageFormat::Png), &small),
            Err(MediaError::TooManyPixels { .. })
        ));
        let short = DecodeLimits {
            max_bytes: 10,
            ..DecodeLimits::default()
        };
        assert!(matches!(
            decode(&picture(ImageFormat::Png), &short),
            Err(MediaError::TooManyBytes { limit: 10 })
        ));
    }

    #[test]
    fn damaged_pictures_are_refused() {
        let limits = DecodeLimits::default();
        let hollow = decode(&png_header(100, 100), &limits);
        assert!(matches!(hollow, Err(MediaError::Damaged(_))), "{hollow:?}");
        for format in [
            ImageFormat::Png,
            ImageFormat::Gif,
            ImageFormat::WebP,
            ImageFormat::Bmp,
        ] {
            let whole = picture(format);
            let cut = decode(&whole[..whole.len() / 2], &limits);
            assert!(cut.is_err(), "{format:?}");
        }
    }

    #[test]
    fn references_of_every_kind_are_loaded_or_refused() {
        let folder = std::env::temp_dir().join(format!("retake-load-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("folder");
        // A PNG under a wrong name.
        std::fs::write(folder.join("a.jpg"), picture(ImageFormat::Png)).expect("file");
        let roots = PictureRoots::new(vec![folder.clone()]);
        let limits = DecodeLimits::default();
        let load_path =
            |path: &str, limits| load(&PictureReference::Path(path.to_owned()), &roots, limits);
        assert_eq!(
            load_path("a.jpg", &limits).expect("loaded").dimensions(),
            (3, 2)
        );
        assert!(matches!(
            load_path("b.jpg", &limits),
            Err(MediaError::NotFound { .. })
        ));
        let short = DecodeLimits {
            max_bytes: 10,
            ..limits
        };
        assert!(matches!(
            load_path("a.jpg", &short),
            Err(MediaError::TooManyBytes { .. })
        ));
        std::fs::remove_dir_all(&folder).expect("removed");

        let inline = |base64: String| {
            let bytes = PictureBytes {
                media_type: None,
                path: None,
                base64: Arc::from(base64),
            };
            load(&PictureReference::Inline(bytes), &roots, &limits)
        };
        let packed = BASE64.encode(picture(ImageFormat::Png));
        assert!(inline(packed.clone()).is_ok());
        assert!(inline(format!("{}\n {}", &packed[..20], &packed[20..]).replace('=', "")).is_ok());
        assert!(matches!(
            inline("%%%".to_owned()),
            Err(MediaError::Base64(_))
        ));
        let url = PictureReference::Url("https://example.org/a.jpg".to_owned());
        assert!(matches!(
            load(&url, &roots, &limits),
            Err(MediaError::Address { .. })
        ));
        let large = load(
            &PictureReference::Inline(PictureBytes {
                media_type: None,
                path: None,
                base64: Arc::from("A".repeat(100)),
            }),
            &roots,
            &short,
        );
        assert!(matches!(large, Err(MediaError::TooManyBytes { .. })));
    }

    proptest::proptest! {
        #[test]
        fn any_change_of_a_picture_is_survived(
            format in proptest::sample::select(vec![ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP, ImageFormat::Bmp]),
            at in 0_usize..200,
            byte in proptest::num::u8::ANY,
            cut in 0_usize..300,
        ) {
            let mut bytes = picture(format);
            let at = at % bytes.len();
            bytes[at] = byte;
            bytes.truncate(bytes.len().saturating_sub(cut % 50));
            let limits = DecodeLimits { max_pixels: 1_000_000, ..DecodeLimits::default() };
            drop(decode(&bytes, &limits));
        }
    }
}
