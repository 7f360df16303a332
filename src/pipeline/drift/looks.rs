//! What a picture looks like in six numbers that anybody can name.

use super::column::{Column, NamedColumn};
use crate::pipeline::features::image::{CROP_SIDE, Crop};

/// The variance of the Laplacian is at least this before its logarithm: a flat picture's would be −∞.
const LEAST_VARIANCE: f32 = 1e-6;

/// A picture's looks. All but the size are of the crop that the network sees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Looks {
    /// Mean luma (Rec. 601), 0 (black) to 1 (white).
    pub brightness: f32,
    /// Standard deviation of luma, 0 (flat) to ½.
    pub contrast: f32,
    /// Natural logarithm of the variance of luma's Laplacian (Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", 2000):
    /// −14 for a flat picture, about −9 for a blurred and −4 for a crisp photo.
    pub sharpness: f32,
    /// Mean of the largest less the smallest channel, 0 (grey) to 1.
    pub saturation: f32,
    /// Binary logarithm of the original's pixels across.
    pub width: f32,
    /// Binary logarithm of the original's pixels down.
    pub height: f32,
}

impl Looks {
    /// The names of the numbers, in the order of [`Looks::to_array`].
    pub const NAMES: [&'static str; 6] = ["brightness", "contrast", "sharpness", "saturation", "width", "height"];

    /// Of the crop of a picture that had `width` × `height` pixels.
    pub fn of(crop: &Crop, width: u32, height: u32) -> Self {
        let pixels = crop.rgb();
        let luma: Vec<f32> = pixels
            .chunks_exact(3)
            .map(|rgb| (0.299 * f32::from(rgb[0]) + 0.587 * f32::from(rgb[1]) + 0.114 * f32::from(rgb[2])) / 255.0)
            .collect();
        let count = luma.len() as f32;
        let (brightness, variance) = moments(luma.iter().copied());
        let range = |rgb: &[u8]| f32::from(rgb.iter().max().unwrap_or(&0) - rgb.iter().min().unwrap_or(&0)) / 255.0;
        let saturation = pixels.chunks_exact(3).map(range).sum::<f32>() / count;
        let laplacian = (1..CROP_SIDE - 1)
            .flat_map(|row| (1..CROP_SIDE - 1).map(move |column| row * CROP_SIDE + column))
            .map(|at| luma[at - 1] + luma[at + 1] + luma[at - CROP_SIDE] + luma[at + CROP_SIDE] - 4.0 * luma[at]);
        let (_, edges) = moments(laplacian);
        Self {
            brightness,
            contrast: variance.sqrt(),
            sharpness: edges.max(LEAST_VARIANCE).ln(),
            saturation,
            width: (width.max(1) as f32).log2(),
            height: (height.max(1) as f32).log2(),
        }
    }

    /// All six numbers, small enough for half precision.
    pub fn to_array(self) -> [f32; 6] {
        [self.brightness, self.contrast, self.sharpness, self.saturation, self.width, self.height]
    }

    /// The inverse of [`Looks::to_array`].
    pub fn from_array([brightness, contrast, sharpness, saturation, width, height]: [f32; 6]) -> Self {
        Self { brightness, contrast, sharpness, saturation, width, height }
    }
}

/// Mean and variance.
fn moments(values: impl Iterator<Item = f32> + Clone) -> (f32, f32) {
    let (count, sum) =
        values.clone().fold((0.0f64, 0.0f64), |(count, sum), value| (count + 1.0, sum + f64::from(value)));
    let mean = sum / count;
    let variance = values.map(|value| (f64::from(value) - mean).powi(2)).sum::<f64>() / count;
    (mean as f32, variance as f32)
}

/// The looks of two samples of pictures, to be compared; widths and heights in pixels.
pub fn look_columns(reference: &[Looks], batch: &[Looks]) -> Vec<NamedColumn> {
    let column = |looks: &[Looks], place: usize| {
        let value = |looks: &Looks| {
            let value = f64::from(looks.to_array()[place]);
            let value = if place >= 4 { value.exp2().round() } else { value };
            value.is_finite().then_some(value)
        };
        Column::Number(looks.iter().map(value).collect())
    };
    let one = |(place, name): (usize, &&str)| NamedColumn {
        name: (*name).to_owned(),
        reference: column(reference, place),
        batch: column(batch, place),
    };
    Looks::NAMES.iter().enumerate().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crop(pixel: impl Fn(usize, usize) -> [u8; 3]) -> Crop {
        let places = (0..CROP_SIDE).flat_map(|row| (0..CROP_SIDE).map(move |column| (row, column)));
        Crop::from_rgb(places.flat_map(|(row, column)| pixel(row, column)).collect()).expect("as many bytes")
    }

    #[test]
    fn plain_pictures_look_as_they_must() {
        let white = Looks::of(&crop(|_, _| [255; 3]), 640, 480);
        assert!((white.brightness - 1.0).abs() < 1e-5 && white.contrast < 1e-3 && white.saturation == 0.0, "{white:?}");
        assert!((white.sharpness - LEAST_VARIANCE.ln()).abs() < 1e-3, "{white:?}");
        assert!((white.width.exp2() - 640.0).abs() < 0.1 && (white.height.exp2() - 480.0).abs() < 0.1);
        let red = Looks::of(&crop(|_, _| [255, 0, 0]), 1, 1);
        assert!((red.brightness - 0.299).abs() < 1e-4 && (red.saturation - 1.0).abs() < 1e-5, "{red:?}");
        let board = Looks::of(&crop(|row, column| [if (row + column) % 2 == 0 { 255 } else { 0 }; 3]), 9, 9);
        // Luma ½ ± ½; its Laplacian is ±4.
        assert!((board.contrast - 0.5).abs() < 1e-4 && (board.sharpness - 16f32.ln()).abs() < 1e-3, "{board:?}");
    }

    #[test]
    fn blur_lowers_the_sharpness_alone() {
        let stripes = |soft: usize| {
            Looks::of(&crop(|row, _| [if (row / soft).is_multiple_of(2) { 60 } else { 200 }; 3]), 224, 224)
        };
        let (crisp, soft) = (stripes(2), stripes(16));
        assert!(crisp.sharpness > soft.sharpness + 1.0 && (crisp.brightness - soft.brightness).abs() < 0.01);
    }

    #[test]
    fn half_precision_keeps_them() {
        let looks = Looks::of(&crop(|row, column| [(row % 256) as u8, (column % 256) as u8, 40]), 6000, 4000);
        assert_eq!(Looks::from_array(looks.to_array()), looks);
        // Half precision keeps 11 bits.
        assert!(looks.to_array().iter().all(|value| value.abs() < 60_000.0));
        let columns = look_columns(&[looks], &[looks, looks]);
        assert_eq!(columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), Looks::NAMES);
        assert_eq!(columns[4].batch, Column::Number(vec![Some(6000.0); 2]));
    }
}
