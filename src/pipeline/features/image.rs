//! Images to vectors: resize, crop, and the built-in extractor for when the network's weights are missing.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

/// How many numbers the network makes of an image.
pub const NETWORK_COLUMNS: usize = 1280;

/// Names the vectors of EfficientNet-Lite0 (1280 columns) in the cache.
pub const NETWORK_FEATURE_ID: &str = "lite0-f16-2";

/// Names the vectors of [`fallback_vector`] in the cache.
pub const FALLBACK_FEATURE_ID: &str = "histograms-1";

/// Width and height of a [`Crop`], in pixels.
pub const CROP_SIDE: usize = 224;

/// What the shortest side of an image is scaled to before the crop, in pixels.
const SHORTEST_SIDE: f64 = 256.0;

/// The middle of an image as the network wants it: 224 × 224 pixels, three bytes each (red, green, blue), row-major.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crop {
    pixels: Vec<u8>,
}

impl Crop {
    /// Takes 224 × 224 × 3 bytes, row-major.
    ///
    /// # Errors
    /// [`CropError::Length`] for any other number of bytes.
    pub fn from_rgb(pixels: Vec<u8>) -> Result<Crop, CropError> {
        let expected = CROP_SIDE * CROP_SIDE * 3;
        if pixels.len() != expected {
            return Err(CropError::Length { width: CROP_SIDE as u32, height: CROP_SIDE as u32, found: pixels.len() });
        }
        Ok(Crop { pixels })
    }

    /// The 224 × 224 × 3 bytes, row-major.
    pub fn rgb(&self) -> &[u8] {
        &self.pixels
    }
}

/// Why no crop could be made. Never the picture's fault: a decoder hands over whole pictures.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CropError {
    /// A picture of no pixels.
    #[error("the picture has no pixels ({width} × {height})")]
    Empty {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
    },
    /// The bytes are not those of a picture of this size.
    #[error("{found} bytes are no picture of {width} × {height} pixels")]
    Length {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
        /// Bytes handed over.
        found: usize,
    },
    /// The resampler refused, in its own words.
    #[error("the picture could not be resized: {0}")]
    Resize(String),
}

/// Scales a decoded picture so that its shortest side has 256 pixels and cuts out the middle 224 × 224.
///
/// `rgba` holds `width` × `height` × 4 bytes, row-major, alpha not premultiplied; what is transparent becomes white.
/// The resampling is Pillow's `BICUBIC` (Catmull-Rom, widened when shrinking). Only the pixels that end in the crop are resampled, so neither a very long
/// strip nor a very large photo costs extra memory.
///
/// # Errors
/// [`CropError`] when there are no pixels or `rgba` has another length.
pub fn crop_from_rgba(rgba: &[u8], width: u32, height: u32) -> Result<Crop, CropError> {
    if width == 0 || height == 0 {
        return Err(CropError::Empty { width, height });
    }
    if rgba.len() as u64 != u64::from(width) * u64::from(height) * 4 {
        return Err(CropError::Length { width, height, found: rgba.len() });
    }
    let rgb = on_white(rgba);
    let refused = |error: &dyn std::fmt::Display| CropError::Resize(error.to_string());
    let source = ImageRef::new(width, height, &rgb, PixelType::U8x3).map_err(|error| refused(&error))?;
    let mut target = Image::new(CROP_SIDE as u32, CROP_SIDE as u32, PixelType::U8x3);

    let shortest = f64::from(width.min(height));
    let (left, across) = middle(f64::from(width), shortest);
    let (top, down) = middle(f64::from(height), shortest);
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom))
        .crop(left, top, across, down)
        .use_alpha(false);
    Resizer::new().resize(&source, &mut target, &options).map_err(|error| refused(&error))?;
    Ok(Crop { pixels: target.into_vec() })
}

/// The start and length, in source pixels, of what ends in the crop along a side of `length` source pixels.
fn middle(length: f64, shortest: f64) -> (f64, f64) {
    // Whole pixels, as if the whole picture were scaled first and then cut: the reference does so, and half a pixel's
    // shift would cost up to 0.008 of cosine.
    let scaled = (SHORTEST_SIDE * length / shortest).round();
    let offset = ((scaled - CROP_SIDE as f64) / 2.0).floor();
    let step = length / scaled;
    (offset * step, CROP_SIDE as f64 * step)
}

/// Lays pixels of four bytes on white and drops their alpha.
fn on_white(rgba: &[u8]) -> Vec<u8> {
    let mut rgb = Vec::with_capacity(rgba.len() / 4 * 3);
    for pixel in rgba.chunks_exact(4) {
        let alpha = u32::from(pixel[3]);
        for &channel in &pixel[..3] {
            let laid = u32::from(channel) * alpha + 255 * (255 - alpha);
            rgb.push(((laid + 127) / 255) as u8);
        }
    }
    rgb
}

/// Cells along each side of the grid of [`fallback_vector`].
const GRID: usize = 4;
/// Pixels along each side of a cell.
const CELL_SIDE: usize = CROP_SIDE / GRID;
/// Levels a channel is divided into for the colour histogram.
const COLOUR_LEVELS: usize = 4;
/// Directions (over half a turn) that gradients are sorted into.
const ORIENTATIONS: usize = 9;

/// The width of [`fallback_vector`].
pub const FALLBACK_COLUMNS: usize = COLOUR_LEVELS.pow(3) + GRID * GRID * (6 + ORIENTATIONS);

/// A plain description of a picture, for when the network's weights are missing: far less telling, but it needs none.
///
/// 304 columns, three parts, each of unit length (all zero where a picture is flat):
/// 64 a colour histogram of the whole (4 levels a channel; square roots, so that distances are Hellinger's),
/// 96 the mean and the standard deviation of each channel in each cell of a 4 × 4 grid,
/// 144 a histogram of gradient directions in each cell (9 directions over half a turn, weighted by strength),
/// after Dalal and Triggs, "Histograms of Oriented Gradients for Human Detection", 2005.
pub fn fallback_vector(crop: &Crop) -> Vec<f32> {
    let mut vector = Vec::with_capacity(FALLBACK_COLUMNS);
    for mut part in [colour_histogram(crop), cell_colours(crop), gradient_directions(crop)] {
        let length = part.iter().map(|value| value * value).sum::<f32>().sqrt();
        if length > 0.0 {
            part.iter_mut().for_each(|value| *value /= length);
        }
        vector.extend(part);
    }
    vector
}

fn colour_histogram(crop: &Crop) -> Vec<f32> {
    let mut counts = vec![0.0f32; COLOUR_LEVELS.pow(3)];
    for pixel in crop.pixels.chunks_exact(3) {
        let bin = pixel.iter().fold(0, |bin, &channel| bin * COLOUR_LEVELS + channel as usize * COLOUR_LEVELS / 256);
        counts[bin] += 1.0;
    }
    counts.iter().map(|count| count.sqrt()).collect()
}

fn cell_colours(crop: &Crop) -> Vec<f32> {
    let mut sums = vec![[0.0f64; 6]; GRID * GRID];
    for (place, pixel) in crop.pixels.chunks_exact(3).enumerate() {
        let sum = &mut sums[cell(place % CROP_SIDE, place / CROP_SIDE)];
        for (channel, &value) in pixel.iter().enumerate() {
            let value = f64::from(value) / 255.0;
            sum[channel] += value;
            sum[channel + 3] += value * value;
        }
    }
    let pixels = (CELL_SIDE * CELL_SIDE) as f64;
    let mut described = Vec::with_capacity(GRID * GRID * 6);
    for sum in sums {
        for channel in 0..3 {
            let mean = sum[channel] / pixels;
            let variance = (sum[channel + 3] / pixels - mean * mean).max(0.0);
            // Centred at mid-grey, so that brightness alone does not make all pictures alike.
            described.extend([(mean - 0.5) as f32, variance.sqrt() as f32]);
        }
    }
    described
}

fn gradient_directions(crop: &Crop) -> Vec<f32> {
    let grey: Vec<f32> = crop
        .pixels
        .chunks_exact(3)
        .map(|pixel| 0.299 * f32::from(pixel[0]) + 0.587 * f32::from(pixel[1]) + 0.114 * f32::from(pixel[2]))
        .collect();
    let mut cells = vec![[0.0f32; ORIENTATIONS]; GRID * GRID];
    for y in 1..CROP_SIDE - 1 {
        for x in 1..CROP_SIDE - 1 {
            let at = y * CROP_SIDE + x;
            let (across, down) = (grey[at + 1] - grey[at - 1], grey[at + CROP_SIDE] - grey[at - CROP_SIDE]);
            let turn = down.atan2(across).rem_euclid(std::f32::consts::PI) / std::f32::consts::PI;
            let direction = ((turn * ORIENTATIONS as f32) as usize).min(ORIENTATIONS - 1);
            cells[cell(x, y)][direction] += across.hypot(down);
        }
    }
    for directions in &mut cells {
        let length = directions.iter().map(|value| value * value).sum::<f32>().sqrt();
        if length > 0.0 {
            directions.iter_mut().for_each(|value| *value /= length);
        }
    }
    cells.concat()
}

/// The cell of the grid that a pixel lies in.
fn cell(x: usize, y: usize) -> usize {
    y / CELL_SIDE * GRID + x / CELL_SIDE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn painted(width: u32, height: u32, paint: impl Fn(u32, u32) -> [u8; 4]) -> Vec<u8> {
        (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).flat_map(|(x, y)| paint(x, y)).collect()
    }

    #[test]
    fn any_shape_makes_a_crop() {
        for (width, height) in [(1, 1), (1, 5000), (5000, 1), (28, 28), (224, 224), (256, 257), (700, 300)] {
            let crop = crop_from_rgba(&painted(width, height, |_, _| [10, 200, 30, 255]), width, height);
            let crop = crop.unwrap_or_else(|error| panic!("{width} × {height}: {error}"));
            assert!(crop.rgb().chunks(3).all(|pixel| pixel == [10, 200, 30]), "{width} × {height}");
        }
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        assert_eq!(crop_from_rgba(&[], 0, 4), Err(CropError::Empty { width: 0, height: 4 }));
        let short = CropError::Length { width: 2, height: 2, found: 15 };
        assert_eq!(crop_from_rgba(&[0; 15], 2, 2), Err(short));
        assert!(Crop::from_rgb(vec![0; 3]).is_err());
    }

    #[test]
    fn transparency_becomes_white() {
        assert_eq!(on_white(&[0, 0, 0, 0, 9, 9, 9, 255, 0, 255, 0, 51]), [255, 255, 255, 9, 9, 9, 204, 255, 204]);
    }

    #[test]
    fn the_fallback_tells_colour_and_direction_apart() {
        let vector = |paint: fn(u32, u32) -> [u8; 4]| {
            let crop = crop_from_rgba(&painted(256, 256, paint), 256, 256).expect("a crop");
            fallback_vector(&crop)
        };
        let near = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f32>();
        let upright = vector(|x, _| [if x % 16 < 8 { 0 } else { 200 }, 0, 0, 255]);
        let shifted = vector(|x, _| [if (x + 3) % 16 < 8 { 0 } else { 200 }, 0, 0, 255]);
        let lying = vector(|_, y| [if y % 16 < 8 { 0 } else { 200 }, 0, 0, 255]);
        let blue = vector(|x, _| [0, 0, if x % 16 < 8 { 0 } else { 200 }, 255]);
        assert_eq!(upright.len(), FALLBACK_COLUMNS);
        assert!(near(&upright, &shifted) < 0.3 * near(&upright, &lying));
        assert!(near(&upright, &shifted) < 0.3 * near(&upright, &blue));
        assert!(vector(|_, _| [255; 4]).iter().all(|value| value.is_finite()));
    }
}
