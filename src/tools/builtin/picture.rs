use std::io::Cursor;

use image::imageops::FilterType;
use image::{DynamicImage, ImageFormat};

use super::arguments::Arguments;
use super::{Failure, Surroundings};
use crate::media::{DecodeLimits, decode};
use crate::sandbox::PythonValue;
use crate::tools::made_picture::keep_picture;

/// The longest side and the most pixels of a picture that a tool makes.
const LONGEST_SIDE: i64 = 8_192;
const MOST_PIXELS: i64 = 40_000_000;

/// Bins of a histogram, unless the call says otherwise.
const BINS: i64 = 8;

pub(super) fn size(
    arguments: &Arguments<'_>,
    surroundings: &Surroundings,
) -> Result<PythonValue, Failure> {
    let picture = load(arguments, surroundings)?;
    let sides = [picture.width(), picture.height()];
    Ok(PythonValue::Tuple(
        sides.map(|side| PythonValue::Int(side.into())).to_vec(),
    ))
}

pub(super) fn crop(
    arguments: &Arguments<'_>,
    surroundings: &Surroundings,
) -> Result<PythonValue, Failure> {
    let picture = load(arguments, surroundings)?;
    let corners = arguments.numbers("box", 4).map_err(Failure::Error)?;
    let side = |from: i64, to: i64, limit: u32| {
        let (start, end) = (u32::try_from(from).ok()?, u32::try_from(to).ok()?);
        (start < end && end <= limit).then(|| (start, end - start))
    };
    let outside = || {
        Failure::Error(format!(
            "the box {corners:?} is empty or not inside the picture of {}×{}",
            picture.width(),
            picture.height()
        ))
    };
    let [x1, y1, x2, y2] = <[i64; 4]>::try_from(corners.as_slice()).map_err(|_| outside())?;
    let (x, width) = side(x1, x2, picture.width()).ok_or_else(outside)?;
    let (y, height) = side(y1, y2, picture.height()).ok_or_else(outside)?;
    keep(&picture.crop_imm(x, y, width, height), surroundings)
}

pub(super) fn resize(
    arguments: &Arguments<'_>,
    surroundings: &Surroundings,
) -> Result<PythonValue, Failure> {
    let picture = load(arguments, surroundings)?;
    let side = |name: &str| {
        arguments
            .number(name, 1, LONGEST_SIDE)
            .map_err(Failure::Error)
    };
    let (width, height) = (side("width")?, side("height")?);
    if width * height > MOST_PIXELS {
        return Err(Failure::Error(format!("more than {MOST_PIXELS} pixels")));
    }
    let pixels = |side: i64| u32::try_from(side).unwrap_or(1);
    let (width, height) = (pixels(width), pixels(height));
    keep(
        &picture.resize_exact(width, height, FilterType::Triangle),
        surroundings,
    )
}

pub(super) fn rotate(
    arguments: &Arguments<'_>,
    surroundings: &Surroundings,
) -> Result<PythonValue, Failure> {
    let picture = load(arguments, surroundings)?;
    let turned = match arguments.number("degrees", -270, 270) {
        Ok(90 | -270) => picture.rotate90(),
        Ok(180 | -180) => picture.rotate180(),
        Ok(270 | -90) => picture.rotate270(),
        _ => {
            return Err(Failure::Error(
                "degrees has to be 90, 180 or 270".to_owned(),
            ));
        }
    };
    keep(&turned, surroundings)
}

pub(super) fn histogram(
    arguments: &Arguments<'_>,
    surroundings: &Surroundings,
) -> Result<PythonValue, Failure> {
    let picture = load(arguments, surroundings)?;
    let bins = match arguments.get("bins") {
        Some(_) => arguments.number("bins", 1, 256).map_err(Failure::Error)?,
        None => BINS,
    };
    let count = usize::try_from(bins).unwrap_or(1);
    let mut channels = [0; 3].map(|_| vec![0_i64; count]);
    for pixel in picture.to_rgb8().pixels() {
        for (channel, level) in channels.iter_mut().zip(pixel.0) {
            if let Some(bin) = channel.get_mut(usize::from(level) * count / 256) {
                *bin += 1;
            }
        }
    }
    let names = ["red", "green", "blue"].map(|name| PythonValue::Str(name.to_owned()));
    let counts =
        channels.map(|bins| PythonValue::List(bins.into_iter().map(PythonValue::Int).collect()));
    Ok(PythonValue::Dict(names.into_iter().zip(counts).collect()))
}

fn load(arguments: &Arguments<'_>, surroundings: &Surroundings) -> Result<DynamicImage, Failure> {
    let path = arguments.text("image_path").map_err(Failure::Error)?;
    let limits = DecodeLimits::default();
    let bytes = surroundings.bytes(path, &limits)?;
    Ok(decode(&bytes, &limits)?)
}

/// Keeps a picture by the hash of its bytes, and gives its path.
fn keep(picture: &DynamicImage, surroundings: &Surroundings) -> Result<PythonValue, Failure> {
    let mut bytes = Vec::new();
    picture
        .write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)
        .map_err(|error| Failure::Error(format!("the picture can't be written: {error}")))?;
    keep_picture(&bytes, "png", &surroundings.pictures)
        .map(PythonValue::Str)
        .map_err(Failure::Unavailable)
}
