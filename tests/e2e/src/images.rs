//! Pictures made up for tests.

use std::io::Write;

/// A square grey picture.
pub struct Picture {
    side: u32,
    pixels: Vec<u8>,
}

impl Picture {
    /// Stripes whose direction and width tell the class (`number` modulo 10), shifted and shaded by the number, so that no
    /// two are equal.
    pub fn pattern(number: usize, side: u32) -> Picture {
        let (class, variant) = (number % 10, number / 10);
        let shade = |x: usize, y: usize| {
            let along = if class.is_multiple_of(2) { x } else { y };
            let stripe = (along + variant) / (1 + class / 2) % 2;
            let grain = (x * 31 + y * 17 + number * 7) % 40;
            stripe * 180 + grain
        };
        let places = (0..side as usize).flat_map(|y| (0..side as usize).map(move |x| (x, y)));
        let mut pixels: Vec<u8> = places.map(|(x, y)| shade(x, y).min(255) as u8).collect();
        // The number itself, in the first two pixels.
        pixels[0] = (number / 256) as u8;
        pixels[1] = (number % 256) as u8;
        Picture { side, pixels }
    }
}

/// The picture as PNG.
///
/// # Errors
/// When it can't be encoded.
pub fn encode(picture: &Picture) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, picture.side, picture.side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(&picture.pixels))
        .map_err(|error| format!("a picture can't be encoded: {error}"))?;
    Ok(bytes)
}

/// A white picture of any size, in few bytes: what would fill the memory if it were decoded.
///
/// # Errors
/// When it can't be encoded.
pub fn white(width: u32, height: u32) -> Result<Vec<u8>, String> {
    let failed = |error: &dyn std::fmt::Display| format!("a picture can't be encoded: {error}");
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut writer = encoder.write_header().map_err(|error| failed(&error))?;
    let mut stream = writer.stream_writer().map_err(|error| failed(&error))?;
    let row = vec![255; width.div_ceil(8) as usize];
    for _ in 0..height {
        stream.write_all(&row).map_err(|error| failed(&error))?;
    }
    stream.finish().map_err(|error| failed(&error))?;
    drop(writer);
    Ok(bytes)
}
