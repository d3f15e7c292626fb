use image::RgbImage;

/// A filter for resizing pictures, stretched where they shrink (antialiasing).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filter {
    /// Linear between neighbours.
    Bilinear,
    /// Cubic with a = -0.5.
    Bicubic,
    /// Lanczos with three lobes.
    Lanczos,
}

impl Filter {
    /// The number that Pillow and `resample` of image processors have for it.
    pub fn of(number: u64) -> Option<Self> {
        match number {
            1 => Some(Self::Lanczos),
            2 => Some(Self::Bilinear),
            3 => Some(Self::Bicubic),
            _ => None,
        }
    }

    /// How far it reaches, in pixels of the larger picture.
    fn reach(self) -> f64 {
        match self {
            Self::Bilinear => 1.0,
            Self::Bicubic => 2.0,
            Self::Lanczos => 3.0,
        }
    }

    fn at(self, distance: f64) -> f64 {
        const A: f64 = -0.5;
        let x = distance.abs();
        let sinc = |x: f64| match x {
            0.0 => 1.0,
            x => (x * std::f64::consts::PI).sin() / (x * std::f64::consts::PI),
        };
        match self {
            Self::Bilinear if x < 1.0 => 1.0 - x,
            Self::Bicubic if x < 1.0 => ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0,
            Self::Bicubic if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * A,
            Self::Lanczos if x < 3.0 => sinc(x) * sinc(x / 3.0),
            _ => 0.0,
        }
    }
}

/// For each pixel of a line what it is made of: the first pixel of the old line and the weights from there on, as whole numbers.
struct Weights {
    lines: Vec<(usize, Vec<i32>)>,
    /// The weights are multiplied by two to the power of this.
    precision: u32,
}

impl Weights {
    /// `_compute_index_ranges_int16_weights` of PyTorch's `UpSampleKernel.cpp`.
    fn new(old: usize, new: usize, filter: Filter) -> Self {
        let scale = old as f64 / new as f64;
        let stretch = scale.max(1.0);
        let reach = filter.reach() * stretch;
        let mut lines = Vec::with_capacity(new);
        let mut largest = 0.0_f64;
        for place in 0..new {
            let center = scale * (place as f64 + 0.5);
            let first = (center - reach + 0.5).max(0.0) as usize;
            let last = ((center + reach + 0.5) as usize).min(old);
            let mut weights: Vec<f64> = (first..last)
                .map(|pixel| filter.at((pixel as f64 - center + 0.5) / stretch))
                .collect();
            let sum: f64 = weights.iter().sum();
            if sum != 0.0 {
                weights.iter_mut().for_each(|weight| *weight /= sum);
            }
            largest = weights.iter().copied().fold(largest, f64::max);
            lines.push((first, weights));
        }
        let mut precision = 0;
        while precision < 22
            && (0.5 + largest * f64::from(1 << (precision + 1))) as i32 <= i32::from(i16::MAX)
        {
            precision += 1;
        }
        let whole = |weight: f64| {
            let scaled = weight * f64::from(1 << precision);
            (scaled + if weight < 0.0 { -0.5 } else { 0.5 }) as i32
        };
        let lines = lines
            .into_iter()
            .map(|(first, weights)| (first, weights.into_iter().map(whole).collect()))
            .collect();
        Self { lines, precision }
    }

    /// One line of pixels of three bytes; `step` is the distance between its pixels in the old picture.
    fn apply(&self, old: &[u8], step: usize, put: &mut impl FnMut(usize, [u8; 3])) {
        let half = 1_i32 << (self.precision.max(1) - 1);
        for (place, (first, weights)) in self.lines.iter().enumerate() {
            let mut sums = [half; 3];
            let pixels = old.get(first * step..).unwrap_or_default().chunks(step);
            for (weight, pixel) in weights.iter().zip(pixels) {
                for (sum, value) in sums.iter_mut().zip(pixel) {
                    *sum += weight * i32::from(*value);
                }
            }
            let value = |sum: i32| (sum >> self.precision).clamp(0, 255) as u8;
            put(place, sums.map(value));
        }
    }
}

/// Resizes a picture as PyTorch does it with bytes: first along rows, then along columns, each rounded to a byte.
pub(super) fn resize(picture: &RgbImage, width: u32, height: u32, filter: Filter) -> RgbImage {
    let (old_width, old_height) = picture.dimensions();
    let mut wide;
    let mut current = picture;
    if width != old_width {
        let weights = Weights::new(old_width as usize, width as usize, filter);
        wide = RgbImage::new(width, old_height);
        let rows = picture.chunks_exact(old_width as usize * 3);
        for (old, new) in rows.zip(wide.chunks_exact_mut(width as usize * 3)) {
            weights.apply(old, 3, &mut |place, pixel| {
                if let Some(slot) = new.get_mut(place * 3..place * 3 + 3) {
                    slot.copy_from_slice(&pixel);
                }
            });
        }
        current = &wide;
    }
    if height == old_height {
        return current.clone();
    }
    let weights = Weights::new(old_height as usize, height as usize, filter);
    let mut tall = RgbImage::new(width, height);
    let step = width as usize * 3;
    for column in 0..width as usize {
        let old = current.get(column * 3..).unwrap_or_default();
        weights.apply(old, step, &mut |place, pixel| {
            let start = place * step + column * 3;
            if let Some(slot) = tall.get_mut(start..start + 3) {
                slot.copy_from_slice(&pixel);
            }
        });
    }
    tall
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    #[test]
    fn one_color_stays_and_sizes_are_kept() {
        let picture = RgbImage::from_pixel(7, 5, Rgb([10, 200, 255]));
        for filter in [Filter::Bilinear, Filter::Bicubic, Filter::Lanczos] {
            let resized = resize(&picture, 3, 11, filter);
            assert_eq!(resized.dimensions(), (3, 11));
            assert!(resized.pixels().all(|pixel| *pixel == Rgb([10, 200, 255])));
            assert_eq!(resize(&picture, 7, 5, filter), picture);
        }
        let dot = RgbImage::from_pixel(1, 1, Rgb([1, 2, 3]));
        assert!(
            resize(&dot, 4, 4, Filter::Bicubic)
                .pixels()
                .all(|p| *p == Rgb([1, 2, 3]))
        );
    }

    #[test]
    fn halves_are_means_and_edges_are_sharp() {
        let picture = RgbImage::from_fn(4, 1, |x, _| Rgb([[0, 100, 200, 40][x as usize]; 3]));
        // Each half pixel reaches two pixels to each side, by a tent: (0×3 + 100×3 + 200) / 7 ≈ 71.4.
        let half = resize(&picture, 2, 1, Filter::Bilinear);
        assert_eq!(half.get_pixel(0, 0)[0], 71);
        // Cubic interpolation goes beyond the values at a step, and bytes end at 0 and 255.
        let step = RgbImage::from_fn(8, 1, |x, _| Rgb([if x < 4 { 0 } else { 255 }; 3]));
        let double = resize(&step, 16, 1, Filter::Bicubic);
        let line: Vec<u8> = double.pixels().map(|pixel| pixel[0]).collect();
        assert!(
            line[..7].iter().all(|v| *v == 0) && line[9..].iter().all(|v| *v == 255),
            "{line:?}"
        );
        assert!(line[7] < 60 && line[8] > 195, "{line:?}");
    }
}
