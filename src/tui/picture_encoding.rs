//! Pictures as the terminal shows them: read, boxes drawn over them, resized and encoded. Runs on a worker.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use image::{DynamicImage, Rgba, RgbaImage};
use ratatui_image::Resize;
use ratatui_image::picker::Picker;

use crate::domain::{PictureReference, RecordId};
use crate::media::{DecodeLimits, MediaError, PictureRoots, load};
use crate::report::Report;

use super::effect::{Encoded, PictureBox, PictureRequest};

/// Colours of boxes, in turn; how they are named beside the picture is their number.
pub const BOX_COLORS: [[u8; 3]; 6] = [
    [255, 64, 64],
    [64, 200, 255],
    [120, 230, 90],
    [255, 190, 40],
    [230, 110, 255],
    [255, 255, 255],
];

/// Reads and encodes pictures, and keeps the one it decoded last: zooming and boxes ask for the same again.
pub struct Encoder {
    limits: DecodeLimits,
    picker: RwLock<Picker>,
    last: Mutex<Option<Decoded>>,
}

struct Decoded {
    record: RecordId,
    reference: PictureReference,
    picture: Arc<DynamicImage>,
}

impl Encoder {
    /// An encoder that shows half-blocks until somebody says otherwise.
    pub fn new(limits: DecodeLimits) -> Self {
        Self {
            limits,
            picker: RwLock::new(Picker::halfblocks()),
            last: Mutex::default(),
        }
    }

    /// What a picture may cost.
    pub fn limits(&self) -> DecodeLimits {
        self.limits
    }

    /// The protocol from now on.
    pub fn show_with(&self, picker: Picker) {
        *self.picker.write().unwrap_or_else(PoisonError::into_inner) = picker;
    }

    /// A picture for its place; why there is none is said in words for the place where it would stand.
    pub fn encode(
        &self,
        request: &PictureRequest,
        roots: Option<&PictureRoots>,
    ) -> Result<Encoded, String> {
        let roots = roots.ok_or("the corpus is not open yet")?;
        let picture = self
            .decoded(request, roots)
            .map_err(|e| Report::from_error(&e).message)?;
        let pixels = (picture.width(), picture.height());
        let picture = match request.boxes.is_empty() {
            true => DynamicImage::clone(&picture),
            false => with_boxes(&picture, &request.boxes),
        };
        let picker = self
            .picker
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let filter = image::imageops::FilterType::Triangle;
        let protocol = picker.new_protocol(picture, request.room, Resize::Fit(Some(filter)));
        let protocol = protocol.map_err(|error| format!("it can't be shown: {error}"))?;
        Ok(Encoded { protocol, pixels })
    }

    fn decoded(
        &self,
        request: &PictureRequest,
        roots: &PictureRoots,
    ) -> Result<Arc<DynamicImage>, MediaError> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &*last
            && known.record == request.record
            && known.reference == request.reference
        {
            return Ok(Arc::clone(&known.picture));
        }
        let picture = Arc::new(load(&request.reference, roots, &self.limits)?);
        *last = Some(Decoded {
            record: request.record.clone(),
            reference: request.reference.clone(),
            picture: Arc::clone(&picture),
        });
        Ok(picture)
    }
}

/// A picture with frames around boxes, thick enough to survive being made small.
fn with_boxes(picture: &DynamicImage, boxes: &[PictureBox]) -> DynamicImage {
    let mut picture = picture.to_rgba8();
    let (width, height) = picture.dimensions();
    let thickness = (width.max(height) / 160).max(2);
    for (number, found) in boxes.iter().enumerate() {
        let [r, g, b] = BOX_COLORS[number % BOX_COLORS.len()];
        frame(
            &mut picture,
            found.corners,
            thickness as i32,
            Rgba([r, g, b, 255]),
        );
    }
    DynamicImage::from(picture)
}

fn frame(picture: &mut RgbaImage, corners: [i32; 4], thickness: i32, color: Rgba<u8>) {
    let (width, height) = (picture.width() as i32, picture.height() as i32);
    let [left, top, right, bottom] = corners;
    let (left, right) = (
        left.min(right).clamp(0, width),
        left.max(right).clamp(0, width),
    );
    let (top, bottom) = (
        top.min(bottom).clamp(0, height),
        top.max(bottom).clamp(0, height),
    );
    for y in top..bottom {
        let is_edge = y - top < thickness || bottom - 1 - y < thickness;
        for x in left..right {
            if is_edge || x - left < thickness || right - 1 - x < thickness {
                picture.put_pixel(x as u32, y as u32, color);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_framed_and_cut_at_the_edge() {
        let black = DynamicImage::from(RgbaImage::from_pixel(20, 10, Rgba([0, 0, 0, 255])));
        let boxes = [
            PictureBox {
                corners: [2, 1, 12, 9],
                label: "boat".to_owned(),
            },
            PictureBox {
                corners: [30, 5, -4, 40],
                label: String::new(),
            },
        ];
        let framed = with_boxes(&black, &boxes).to_rgba8();
        let [r, g, b] = BOX_COLORS[0];
        assert_eq!(framed.get_pixel(2, 1), &Rgba([r, g, b, 255]));
        assert_eq!(framed.get_pixel(11, 2), &Rgba([r, g, b, 255]));
        assert_eq!(framed.get_pixel(7, 4), &Rgba([0, 0, 0, 255]), "inside");
        let [r, g, b] = BOX_COLORS[1];
        assert_eq!(
            framed.get_pixel(0, 9),
            &Rgba([r, g, b, 255]),
            "turned round and cut"
        );
    }
}
