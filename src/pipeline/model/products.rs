//! The two matrix products of a linear head's training: many columns, few classes.
//!
//! A general matrix product first copies its operands into another order and pads the classes to the width of its tiles,
//! which for five or ten classes costs as much as the product. These run along the columns, as both operands lie.

use crate::lanes::{Job, Lanes, fastest};
use ndarray::{Array2, ArrayView2};

/// Classes in a tile at most: by two rows, or two vectors of columns, their sums fill 10 of 16 registers.
const CLASSES: usize = 5;
/// Rows, or vectors of columns, in a tile.
const TOGETHER: usize = 2;

/// rows · weightsᵀ: n × d by K × d gives n × K.
///
/// # Panics
/// If the columns differ in number.
pub fn rows_by_classes(rows: ArrayView2<f32>, weights: ArrayView2<f32>) -> Array2<f32> {
    let ((count, columns), classes) = (rows.dim(), weights.nrows());
    assert_eq!(columns, weights.ncols(), "columns");
    // What is row-major already is not copied.
    let (rows, weights) = (rows.as_standard_layout(), weights.as_standard_layout());
    let (rows, weights) = (rows.as_slice().expect("row-major"), weights.as_slice().expect("row-major"));
    let mut products = vec![0.0; count * classes];
    fastest(RowsByClasses { rows, weights, columns, classes, products: &mut products });
    Array2::from_shape_vec((count, classes), products).expect("n × K")
}

/// Adds residualsᵀ · rows to `sums`: n × K by n × d is added to K × d, in f64.
///
/// # Panics
/// If the rows differ in number, or `sums` has another length.
pub fn add_classes_by_columns(residuals: ArrayView2<f32>, rows: ArrayView2<f32>, sums: &mut [f64]) {
    let ((count, columns), classes) = (rows.dim(), residuals.ncols());
    assert!(residuals.nrows() == count && sums.len() == classes * columns, "{classes} × {columns}");
    let (residuals, rows) = (residuals.as_standard_layout(), rows.as_standard_layout());
    let (residuals, rows) = (residuals.as_slice().expect("row-major"), rows.as_slice().expect("row-major"));
    fastest(ClassesByColumns { residuals, rows, columns, classes, sums });
}

/// Both slices hold whole rows of `columns`, `products` one of `classes` for each row.
struct RowsByClasses<'a> {
    rows: &'a [f32],
    weights: &'a [f32],
    columns: usize,
    classes: usize,
    products: &'a mut [f32],
}

impl Job for RowsByClasses<'_> {
    type Output = ();

    fn perform<L: Lanes>(self) {
        let RowsByClasses { rows, weights, columns, classes, products } = self;
        if columns == 0 || classes == 0 {
            return;
        }
        let parts = rows.chunks(TOGETHER * columns).zip(products.chunks_mut(TOGETHER * classes));
        for (rows, products) in parts {
            for (tile, weights) in weights.chunks(CLASSES * columns).enumerate() {
                let products = &mut products[tile * CLASSES..];
                match (rows.len() / columns, weights.len() / columns) {
                    (1, 1) => dots::<L, 1, 1>(rows, weights, columns, classes, products),
                    (1, 2) => dots::<L, 1, 2>(rows, weights, columns, classes, products),
                    (1, 3) => dots::<L, 1, 3>(rows, weights, columns, classes, products),
                    (1, 4) => dots::<L, 1, 4>(rows, weights, columns, classes, products),
                    (1, _) => dots::<L, 1, 5>(rows, weights, columns, classes, products),
                    (_, 1) => dots::<L, 2, 1>(rows, weights, columns, classes, products),
                    (_, 2) => dots::<L, 2, 2>(rows, weights, columns, classes, products),
                    (_, 3) => dots::<L, 2, 3>(rows, weights, columns, classes, products),
                    (_, 4) => dots::<L, 2, 4>(rows, weights, columns, classes, products),
                    (_, _) => dots::<L, 2, 5>(rows, weights, columns, classes, products),
                }
            }
        }
    }
}

/// `ROWS` × `columns` by `COUNT` × `columns`; a row's products go `stride` after those of the one before.
#[inline(never)]
fn dots<L: Lanes, const ROWS: usize, const COUNT: usize>(
    rows: &[f32],
    weights: &[f32],
    columns: usize,
    stride: usize,
    products: &mut [f32],
) {
    assert!(rows.len() == ROWS * columns && weights.len() == COUNT * columns);
    let whole = columns - columns % L::WIDTH;
    // As wide as any vector.
    let mut lanes = [[[0.0f32; 16]; ROWS]; COUNT];
    // SAFETY: a vector from a column below `whole` on lies within its row; `fastest` knows the processor.
    unsafe {
        L::run(
            #[inline(always)]
            || {
                let mut sums = [[L::splat(0.0); ROWS]; COUNT];
                for column in (0..whole).step_by(L::WIDTH) {
                    let row: [L::Floats; ROWS] =
                        std::array::from_fn(|row| L::load(rows.as_ptr().add(row * columns + column)));
                    for (class, sums) in sums.iter_mut().enumerate() {
                        let weights = L::load(weights.as_ptr().add(class * columns + column));
                        for (sum, row) in sums.iter_mut().zip(row) {
                            *sum = L::add(*sum, L::multiply(row, weights));
                        }
                    }
                }
                for (sums, lanes) in sums.into_iter().zip(&mut lanes) {
                    for (sum, lanes) in sums.into_iter().zip(lanes) {
                        L::store(sum, lanes.as_mut_ptr());
                    }
                }
            },
        );
    }
    for (class, lanes) in lanes.iter().enumerate() {
        for (row, lanes) in lanes.iter().enumerate() {
            let rest = (whole..columns).map(|column| rows[row * columns + column] * weights[class * columns + column]);
            products[row * stride + class] = lanes.iter().copied().chain(rest).sum();
        }
    }
}

/// `rows` holds whole rows of `columns`, `residuals` one of `classes` for each.
struct ClassesByColumns<'a> {
    residuals: &'a [f32],
    rows: &'a [f32],
    columns: usize,
    classes: usize,
    sums: &'a mut [f64],
}

impl Job for ClassesByColumns<'_> {
    type Output = ();

    fn perform<L: Lanes>(self) {
        if self.columns == 0 {
            return;
        }
        let ClassesByColumns { residuals, rows, columns, classes, sums } = self;
        for (tile, sums) in sums.chunks_mut(CLASSES * columns).enumerate() {
            let first = tile * CLASSES;
            match sums.len() / columns {
                1 => add_products::<L, 1>(residuals, classes, first, rows, columns, sums),
                2 => add_products::<L, 2>(residuals, classes, first, rows, columns, sums),
                3 => add_products::<L, 3>(residuals, classes, first, rows, columns, sums),
                4 => add_products::<L, 4>(residuals, classes, first, rows, columns, sums),
                _ => add_products::<L, 5>(residuals, classes, first, rows, columns, sums),
            }
        }
    }
}

/// For `COUNT` classes from `first` on: adds to each's row of `sums` the rows, each times its residual.
#[inline(never)]
fn add_products<L: Lanes, const COUNT: usize>(
    residuals: &[f32],
    classes: usize,
    first: usize,
    rows: &[f32],
    columns: usize,
    sums: &mut [f64],
) {
    let count = rows.len() / columns;
    assert!(residuals.len() == count * classes && first + COUNT <= classes && sums.len() == COUNT * columns);
    let width = TOGETHER * L::WIDTH;
    let whole = columns - columns % width;
    for column in (0..whole).step_by(width) {
        // As wide as any vector.
        let mut parts = [[0.0f32; TOGETHER * 16]; COUNT];
        // SAFETY: two vectors from a column below `whole` on lie within their row, the residuals within theirs; `fastest`
        // knows the processor.
        unsafe {
            L::run(
                #[inline(always)]
                || {
                    let mut sums = [[L::splat(0.0); TOGETHER]; COUNT];
                    let (mut row, mut residual) = (rows.as_ptr().add(column), residuals.as_ptr().add(first));
                    for _ in 0..count {
                        let vectors: [L::Floats; TOGETHER] =
                            std::array::from_fn(|vector| L::load(row.add(vector * L::WIDTH)));
                        for (class, sums) in sums.iter_mut().enumerate() {
                            let factor = L::splat(*residual.add(class));
                            for (sum, vector) in sums.iter_mut().zip(vectors) {
                                *sum = L::add(*sum, L::multiply(vector, factor));
                            }
                        }
                        row = row.wrapping_add(columns);
                        residual = residual.wrapping_add(classes);
                    }
                    for (sums, parts) in sums.into_iter().zip(&mut parts) {
                        for (vector, sum) in sums.into_iter().enumerate() {
                            L::store(sum, parts.as_mut_ptr().add(vector * L::WIDTH));
                        }
                    }
                },
            );
        }
        for (class, parts) in parts.iter().enumerate() {
            for (sum, part) in sums[class * columns + column..][..width].iter_mut().zip(parts) {
                *sum += f64::from(*part);
            }
        }
    }
    for column in whole..columns {
        for class in 0..COUNT {
            let factors = residuals[first + class..].iter().step_by(classes);
            let products = factors.zip(rows[column..].iter().step_by(columns)).map(|(a, b)| a * b);
            sums[class * columns + column] += f64::from(products.sum::<f32>());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(rows: usize, columns: usize, step: f32) -> Array2<f32> {
        Array2::from_shape_fn((rows, columns), |(row, column)| ((row * columns + column) as f32 * step).sin())
    }

    #[test]
    fn equal_the_general_products() {
        for (rows, columns, classes) in
            [(1, 1, 1), (7, 13, 2), (8, 32, 3), (5, 20, 4), (64, 40, 5), (9, 8, 6), (3, 7, 12)]
        {
            let (x, weights, residuals) =
                (wave(rows, columns, 0.37), wave(classes, columns, 0.7), wave(rows, classes, 0.11));
            let products = rows_by_classes(x.view(), weights.view());
            for (found, expected) in products.iter().zip(&x.dot(&weights.t())) {
                assert!((found - expected).abs() < 1e-4, "{rows} {columns} {classes}: {found} ≠ {expected}");
            }
            let mut sums = vec![0.5; classes * columns];
            add_classes_by_columns(residuals.view(), x.view(), &mut sums);
            for (found, expected) in sums.iter().zip(&residuals.t().dot(&x)) {
                let expected = f64::from(*expected) + 0.5;
                assert!((found - expected).abs() < 1e-4, "{rows} {columns} {classes}: {found} ≠ {expected}");
            }
        }
        assert_eq!(rows_by_classes(wave(2, 0, 1.0).view(), wave(3, 0, 1.0).view()), Array2::<f32>::zeros((2, 3)));
        assert_eq!(rows_by_classes(wave(0, 4, 1.0).view(), wave(3, 4, 1.0).view()).dim(), (0, 3));
        add_classes_by_columns(wave(2, 3, 1.0).view(), wave(2, 0, 1.0).view(), &mut []);
    }
}
