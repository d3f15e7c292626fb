//! Pictures as the terminal shows them: read, boxes drawn over them, resized and encoded. Runs on a worker.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use image::imageops::FilterType;
use image::{DynamicImage, Rgba, RgbaImage};
use ratatui::layout::Size;
use ratatui_image::Resize;
use ratatui_image::picker::{Picker, ProtocolType};

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
        let picker = self
            .picker
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let cell = picker.font_size();
        let cells = cells(pixels, request.room, (cell.width, cell.height));
        let picture = match request.boxes.is_empty() {
            true => picture,
            false => {
                // As thick as what is left of it: a character's half, or two pixels.
                let least = match picker.protocol_type() {
                    ProtocolType::Halfblocks => 1,
                    _ => u32::from(cell.width) / 2,
                };
                let columns = u32::from(cells.width).max(1) * least.max(1);
                let thickness = (pixels.0 / columns).max(2);
                Arc::new(with_boxes(&picture, &request.boxes, thickness))
            }
        };
        // To whole cells: what a picture leaves of its last row would be black.
        let (width, height) = (
            u32::from(cells.width) * u32::from(cell.width),
            u32::from(cells.height) * u32::from(cell.height),
        );
        let shown = picture.resize_exact(width, height, FilterType::Triangle);
        let protocol = picker.new_protocol(shown, cells, Resize::Fit(None));
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

/// The cells that a picture takes of a room: whole, in its proportions, and not larger than it is.
fn cells(pixels: (u32, u32), room: Size, cell: (u16, u16)) -> Size {
    let (width, height) = (f64::from(pixels.0.max(1)), f64::from(pixels.1.max(1)));
    let (columns, rows) = (
        width / f64::from(cell.0.max(1)),
        height / f64::from(cell.1.max(1)),
    );
    let scale = (f64::from(room.width) / columns)
        .min(f64::from(room.height) / rows)
        .min(1.0);
    let whole = |length: f64, most: u16| (length.round() as u16).clamp(1, most.max(1));
    Size::new(
        whole(columns * scale, room.width),
        whole(rows * scale, room.height),
    )
}

/// A picture with frames around boxes.
fn with_boxes(picture: &DynamicImage, boxes: &[PictureBox], thickness: u32) -> DynamicImage {
    let mut picture = picture.to_rgba8();
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
    fn a_picture_keeps_its_proportions_in_whole_cells() {
        let size = |pixels, room: (u16, u16)| {
            let cells = cells(pixels, Size::new(room.0, room.1), (10, 20));
            (cells.width, cells.height)
        };
        assert_eq!(size((640, 440), (44, 40)), (44, 15));
        assert_eq!(size((640, 440), (200, 10)), (29, 10));
        assert_eq!(size((20, 20), (40, 20)), (2, 1), "not larger than it is");
        assert_eq!(size((1, 1), (40, 20)), (1, 1));
        assert_eq!(size((20_000, 10), (40, 20)), (40, 1));
    }

    #[test]
    fn every_protocol_encodes() {
        let folder = std::env::temp_dir().join(format!("retake-encode-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let red = RgbaImage::from_pixel(64, 32, Rgba([255, 0, 0, 255]));
        red.save(folder.join("red.png")).expect("a picture");
        let roots = PictureRoots::new(vec![folder.clone()]);
        let request = |name: &str| PictureRequest {
            record: RecordId::new("source", "record"),
            reference: PictureReference::Path(name.to_owned()),
            room: Size::new(10, 5),
            boxes: Vec::new(),
        };
        let encoder = Encoder::new(DecodeLimits::default());
        let protocols = [
            ProtocolType::Halfblocks,
            ProtocolType::Kitty,
            ProtocolType::Sixel,
            ProtocolType::Iterm2,
        ];
        for protocol in protocols {
            let mut picker = crate::tui::terminal_query::picker_of_size(Some((8, 16)));
            picker.set_protocol_type(protocol);
            encoder.show_with(picker);
            let encoded = encoder
                .encode(&request("red.png"), Some(&roots))
                .expect("encoded");
            assert_eq!(encoded.pixels, (64, 32), "{protocol:?}");
            assert_eq!(encoded.protocol.size(), Size::new(8, 2), "{protocol:?}");
        }
        let missing = encoder
            .encode(&request("blue.png"), Some(&roots))
            .expect_err("missing");
        assert!(missing.contains("blue.png"), "{missing}");
        let outside = encoder.encode(&request("../red.png"), Some(&roots));
        assert!(outside.is_err(), "outside of the roots");
        std::fs::remove_dir_all(&folder).expect("removed");
    }

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
        let framed = with_boxes(&black, &boxes, 2).to_rgba8();
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
