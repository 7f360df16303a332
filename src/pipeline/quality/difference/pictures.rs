//! Where two pictures differ.

use ndarray::Array2;

/// How much two pictures of the same size differ, part by part: `down` × `across` mean absolute differences of their red,
/// green and blue values, 0 (the same) to 1 (black against white).
///
/// `left` and `right` are RGB, three bytes a pixel, row by row from the top. Parts are as equal in size as whole pixels
/// allow. `None` if a picture's bytes are not 3 × `width` × `height`, or there are more parts than pixels or no parts.
pub fn picture_difference(
    left: &[u8],
    right: &[u8],
    (width, height): (usize, usize),
    (across, down): (usize, usize),
) -> Option<Array2<f32>> {
    let bytes = width.checked_mul(height)?.checked_mul(3)?;
    let fits = (1..=width).contains(&across) && (1..=height).contains(&down);
    if !fits || left.len() != bytes || right.len() != bytes {
        return None;
    }
    let mut sums = Array2::<u64>::zeros((down, across));
    let mut counts = Array2::<u64>::zeros((down, across));
    for (pixel, (left, right)) in left.chunks_exact(3).zip(right.chunks_exact(3)).enumerate() {
        let part = [pixel / width * down / height, pixel % width * across / width];
        sums[part] += left.iter().zip(right).map(|(left, right)| u64::from(left.abs_diff(*right))).sum::<u64>();
        counts[part] += 3 * 255;
    }
    Some(Array2::from_shape_fn((down, across), |part| sums[part] as f32 / counts[part] as f32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_changed_part_is_found() {
        let (width, height) = (37, 29);
        let left: Vec<u8> = (0..width * height * 3).map(|byte| (byte % 200) as u8).collect();
        let mut right = left.clone();
        // The lower right corner turns lighter by 51, a fifth.
        for row in height - 2..height {
            for column in width - 2..width {
                (0..3).for_each(|channel| right[(row * width + column) * 3 + channel] += 51);
            }
        }
        let found = picture_difference(&left, &right, (width, height), (8, 8)).expect("of the same size");
        assert_eq!(found.dim(), (8, 8));
        assert_eq!(found.iter().filter(|&&part| part > 0.0).count(), 1);
        // Four pixels of the corner's 4 × 3.
        assert!((found[[7, 7]] - 0.2 * 4.0 / 12.0).abs() < 1e-6, "{}", found[[7, 7]]);
    }

    #[test]
    fn black_against_white_is_one_and_misfits_are_refused() {
        let found = picture_difference(&[0; 12], &[255; 12], (2, 2), (1, 2)).expect("fits");
        assert_eq!(found, Array2::from_elem((2, 1), 1.0));
        for (size, parts) in [((2, 3), (1, 1)), ((2, 2), (3, 1)), ((2, 2), (0, 1)), ((usize::MAX, 2), (1, 1))] {
            assert_eq!(picture_difference(&[0; 12], &[0; 12], size, parts), None, "{size:?} {parts:?}");
        }
    }
}
