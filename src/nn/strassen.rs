//! Strassen's multiplication ("Gaussian elimination is not optimal", 1969) of two tiles of pixels with two panels of outputs:
//! seven products along half a row instead of eight. It saves a ninth of the arithmetic where rows are long.
//!
//! With integers it is exact: sums and differences of two inputs or two weights fit their 16 bits, and products of 32 bits
//! may wrap on the way, as what comes out in the end does not. So it computes the same bits as the plain product.
//!
//! With A the inputs of two tiles (first and second half of a row), B the weights of two panels (first and second half of a
//! row in each) and C the sums:
//!
//! ```text
//! P1 = (A11 + A22) (B11 + B22)      P5 = (A11 + A12) B22             C11 = P1 + P4 − P5 + P7
//! P2 = (A21 + A22) B11              P6 = (A21 − A11) (B11 + B12)     C12 = P3 + P5
//! P3 = A11 (B12 − B22)              P7 = (A12 − A22) (B21 + B22)     C21 = P2 + P4
//! P4 = A22 (B21 − B11)                                               C22 = P1 − P2 + P3 + P6
//! ```

use super::arithmetic::Arithmetic;
use super::outputs::{End, Ending, Kind, Scales};
use crate::lanes::Lanes;

/// Sums of a tile: pixels × vectors of outputs.
pub(super) type Tile<A, L, const ROWS: usize, const VECTORS: usize> = [[<A as Arithmetic>::Sums<L>; VECTORS]; ROWS];

/// Of either side, operands that are sums or differences; the other two are parts of the matrix as it is.
pub(super) const COMBINED: usize = 5;

/// B11 + B22, B12 − B22, B21 − B11, B11 + B12, B21 + B22 of two panels, one after another.
pub(super) fn combine_weights<A: Arithmetic>(first: &[A::Value], second: &[A::Value]) -> Vec<A::Value> {
    let ((b11, b21), (b12, b22)) = (first.split_at(first.len() / 2), second.split_at(second.len() / 2));
    let mut combined = Vec::with_capacity(COMBINED * b11.len());
    let mut push = |a: &[A::Value], b: &[A::Value], combine: fn(A::Value, A::Value) -> A::Value| {
        combined.extend(a.iter().zip(b).map(|(a, b)| combine(*a, *b)));
    };
    push(b11, b22, A::sum);
    push(b12, b22, A::difference);
    push(b21, b11, A::difference);
    push(b11, b12, A::sum);
    push(b21, b22, A::sum);
    combined
}

/// A11 + A22, A21 + A22, A11 + A12, A21 − A11, A12 − A22 of two tiles, one after another, each `ROWS` × half a row. `rows` are
/// 2 · `ROWS` × a row.
pub(super) fn combine_inputs<A: Arithmetic, const ROWS: usize>(rows: &[A::Value], combined: &mut [A::Value]) {
    let half = rows.len() / (4 * ROWS);
    let (upper, lower) = rows.split_at(ROWS * 2 * half);
    let mut operands = combined.chunks_exact_mut(ROWS * half);
    let mut fill = |a: &[A::Value], b: &[A::Value], from: [usize; 2], combine: fn(A::Value, A::Value) -> A::Value| {
        let operand = operands.next().expect("room for five operands");
        let rows = a.chunks_exact(2 * half).zip(b.chunks_exact(2 * half));
        for ((a, b), to) in rows.zip(operand.chunks_exact_mut(half)) {
            let (a, b) = (&a[from[0] * half..][..half], &b[from[1] * half..][..half]);
            for ((a, b), to) in a.iter().zip(b).zip(to) {
                *to = combine(*a, *b);
            }
        }
    };
    fill(upper, lower, [0, 1], A::sum);
    fill(lower, lower, [0, 1], A::sum);
    fill(upper, upper, [0, 1], A::sum);
    fill(lower, upper, [0, 0], A::difference);
    fill(upper, lower, [1, 1], A::difference);
}

/// Where the operands are.
pub(super) struct Operands<V> {
    /// The first tile's rows.
    pub rows: *const V,
    /// Values in a row.
    pub columns: usize,
    /// What [`combine_inputs`] made of both tiles.
    pub inputs: *const V,
    /// The first panel; the second one follows it.
    pub panels: *const V,
    /// What [`combine_weights`] made of both.
    pub weights: *const V,
}

impl<V: Copy> Operands<V> {
    /// Writes P1 to P7.
    ///
    /// # Safety
    /// Two tiles of `ROWS` rows, two panels of `VECTORS` vectors, their combinations and room for the products must be there.
    /// A half of a row is a multiple of `STEP` × `UNROLL`. The processor must have the instruction set.
    pub(super) unsafe fn multiply<A, L, const ROWS: usize, const VECTORS: usize>(
        &self,
        products: *mut [Tile<A, L, ROWS, VECTORS>; 7],
    ) where
        A: Arithmetic<Value = V>,
        L: Lanes,
    {
        let half = self.columns / 2;
        let panel = half * VECTORS * L::WIDTH;
        // SAFETY: the caller's promise.
        unsafe {
            let row = |row: usize| self.rows.add(row * self.columns);
            let combined = |operand: usize| self.inputs.add(operand * ROWS * half);
            let part = |part: usize| self.panels.add(part * panel);
            let weights = |operand: usize| self.weights.add(operand * panel);
            let factors = [
                (combined(0), half, weights(0)),
                (combined(1), half, part(0)),
                (row(0), self.columns, weights(1)),
                (row(ROWS).add(half), self.columns, weights(2)),
                (combined(2), half, part(3)),
                (combined(3), half, weights(3)),
                (combined(4), half, weights(4)),
            ];
            for (place, (inputs, stride, weights)) in factors.into_iter().enumerate() {
                let product = products.cast::<Tile<A, L, ROWS, VECTORS>>().add(place);
                multiply::<A, L, ROWS, VECTORS>(inputs, stride, weights, half, product);
            }
        }
    }
}

/// A tile's product with a panel, `columns` long. A small function, called often: browsers optimise function by function.
#[inline(never)]
unsafe fn multiply<A: Arithmetic, L: Lanes, const ROWS: usize, const VECTORS: usize>(
    inputs: *const A::Value,
    stride: usize,
    weights: *const A::Value,
    columns: usize,
    product: *mut Tile<A, L, ROWS, VECTORS>,
) {
    // SAFETY: the caller's promise.
    unsafe {
        L::run(
            #[inline(always)]
            || product.write(product_of::<A, L, ROWS, VECTORS>(inputs, stride, weights, columns)),
        );
    }
}

/// The sums over `columns` inputs of each of `ROWS` rows, `stride` apart, with a panel's weights: for each step of the inputs
/// `VECTORS` vectors.
///
/// # Safety
/// Inputs and weights must be there, and `columns` be a multiple of `STEP` × `UNROLL`. Only inside [`Lanes::run`].
#[inline(always)]
pub(super) unsafe fn product_of<A: Arithmetic, L: Lanes, const ROWS: usize, const VECTORS: usize>(
    mut input: *const A::Value,
    stride: usize,
    mut weights: *const A::Value,
    columns: usize,
) -> Tile<A, L, ROWS, VECTORS> {
    // SAFETY: the caller's promise.
    unsafe {
        let mut sums = [[A::nothing::<L>(); VECTORS]; ROWS];
        for _ in 0..columns / (A::STEP * A::UNROLL) {
            for step in 0..A::UNROLL {
                let weights = weights.add(step * VECTORS * L::WIDTH * A::STEP);
                let panel: [A::Factors<L>; VECTORS] =
                    std::array::from_fn(|vector| A::load::<L>(weights.add(vector * L::WIDTH * A::STEP)));
                for (row, sums) in sums.iter_mut().enumerate() {
                    let value = A::splat::<L>(input.add(step * A::STEP + row * stride));
                    for (sum, weights) in sums.iter_mut().zip(panel) {
                        *sum = A::multiply_add::<L>(*sum, value, weights);
                    }
                }
            }
            input = input.add(A::STEP * A::UNROLL);
            weights = weights.add(A::UNROLL * VECTORS * L::WIDTH * A::STEP);
        }
        sums
    }
}

impl Ending {
    /// Two tiles' outputs of two panels, from the seven products. Each pixel's outputs from `column` on go to its end.
    ///
    /// # Safety
    /// These outputs and their scales must be there. The processor must have the instruction set.
    #[inline(never)]
    pub(super) unsafe fn pair<A: Arithmetic, L: Lanes, const ROWS: usize, const VECTORS: usize>(
        &self,
        products: &[Tile<A, L, ROWS, VECTORS>; 7],
        scales: Scales<'_>,
        kind: Kind,
        ends: &[End],
        column: usize,
    ) {
        // SAFETY: the caller's promise. (Each kind has a loop of its own, without a question in it.)
        unsafe {
            L::run(
                #[inline(always)]
                || match kind {
                    Kind::Stream => self.quadrants::<A, L, ROWS, VECTORS>(products, scales, Kind::Stream, ends, column),
                    Kind::Residual => {
                        self.quadrants::<A, L, ROWS, VECTORS>(products, scales, Kind::Residual, ends, column)
                    }
                    Kind::Wide => self.quadrants::<A, L, ROWS, VECTORS>(products, scales, Kind::Wide, ends, column),
                },
            );
        }
    }

    #[inline(always)]
    unsafe fn quadrants<A: Arithmetic, L: Lanes, const ROWS: usize, const VECTORS: usize>(
        &self,
        products: &[Tile<A, L, ROWS, VECTORS>; 7],
        scales: Scales<'_>,
        kind: Kind,
        ends: &[End],
        column: usize,
    ) {
        // A line that goes into a group after another one must be stored after it: tile by tile.
        let (first, second) = ends.split_at(ROWS);
        // SAFETY: the caller's promise.
        unsafe {
            self.quadrant::<A, L, ROWS, VECTORS, 0, 0>(products, scales, kind, first, column);
            self.quadrant::<A, L, ROWS, VECTORS, 0, 1>(products, scales, kind, first, column);
            self.quadrant::<A, L, ROWS, VECTORS, 1, 0>(products, scales, kind, second, column);
            self.quadrant::<A, L, ROWS, VECTORS, 1, 1>(products, scales, kind, second, column);
        }
    }

    #[inline(always)]
    unsafe fn quadrant<
        A: Arithmetic,
        L: Lanes,
        const ROWS: usize,
        const VECTORS: usize,
        const TILE: usize,
        const PANEL: usize,
    >(
        &self,
        products: &[Tile<A, L, ROWS, VECTORS>; 7],
        scales: Scales<'_>,
        kind: Kind,
        ends: &[End],
        column: usize,
    ) {
        // SAFETY: the caller's promise.
        unsafe {
            for vector in 0..VECTORS {
                let place = (PANEL * VECTORS + vector) * L::WIDTH;
                let ending = self.vector::<L>(scales, place, kind.scale::<A>());
                for (row, end) in ends.iter().take(ROWS).enumerate() {
                    let sums = sums::<A, L, ROWS, VECTORS, TILE, PANEL>(products, row, vector);
                    kind.store::<A, L>(ending.outputs::<A>(sums), *end, column + place);
                }
            }
        }
    }
}

/// Sums of the first or second tile with the first or second panel, from all products.
///
/// # Safety
/// Only inside [`Lanes::run`].
#[inline(always)]
unsafe fn sums<
    A: Arithmetic,
    L: Lanes,
    const ROWS: usize,
    const VECTORS: usize,
    const TILE: usize,
    const PANEL: usize,
>(
    products: &[Tile<A, L, ROWS, VECTORS>; 7],
    row: usize,
    vector: usize,
) -> A::Sums<L> {
    let product = |number: usize| products[number - 1][row][vector];
    // SAFETY: the caller's promise.
    unsafe {
        let (plus, minus) = (A::plus::<L>, A::minus::<L>);
        match (TILE, PANEL) {
            (0, 0) => plus(minus(plus(product(1), product(4)), product(5)), product(7)),
            (0, _) => plus(product(3), product(5)),
            (_, 0) => plus(product(2), product(4)),
            _ => plus(plus(minus(product(1), product(2)), product(3)), product(6)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::Portable;
    use crate::nn::arithmetic::Integer;

    const ROWS: usize = 5;
    const VECTORS: usize = 2;
    const COLUMNS: usize = 24;
    const WIDTH: usize = VECTORS * Portable::WIDTH;

    /// Numbers up to ±`largest`, which they reach.
    fn numbers(count: usize, largest: i32, seed: u32) -> Vec<i16> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as i32
        };
        (0..count).map(|_| (next() % (2 * largest + 1) - largest).clamp(-largest, largest) as i16).collect()
    }

    #[test]
    fn seven_products_make_the_same_sums_as_eight() {
        for seed in 0..20 {
            // As large as inputs and weights get, so that products wrap.
            let mut rows = numbers(2 * ROWS * COLUMNS, 4095, seed);
            let mut panels = numbers(2 * WIDTH * COLUMNS, 16383, seed + 100);
            if seed == 0 {
                rows.fill(4095);
                panels.fill(16383);
            }
            let (first, second) = panels.split_at(WIDTH * COLUMNS);
            let weights = combine_weights::<Integer>(first, second);
            let mut inputs = vec![0; COMBINED * ROWS * COLUMNS / 2];
            combine_inputs::<Integer, ROWS>(&rows, &mut inputs);
            let operands = Operands {
                rows: rows.as_ptr(),
                columns: COLUMNS,
                inputs: inputs.as_ptr(),
                panels: panels.as_ptr(),
                weights: weights.as_ptr(),
            };
            let mut products = [[[[0; Portable::WIDTH]; VECTORS]; ROWS]; 7];
            // SAFETY: the slices above are as long as the operands need, and this instruction set is everywhere.
            unsafe { operands.multiply::<Integer, Portable, ROWS, VECTORS>(&raw mut products) };
            for (row, vector) in (0..ROWS).flat_map(|row| (0..VECTORS).map(move |vector| (row, vector))) {
                // SAFETY: as above.
                let quadrants = unsafe {
                    [
                        [
                            sums::<Integer, Portable, ROWS, VECTORS, 0, 0>(&products, row, vector),
                            sums::<Integer, Portable, ROWS, VECTORS, 0, 1>(&products, row, vector),
                        ],
                        [
                            sums::<Integer, Portable, ROWS, VECTORS, 1, 0>(&products, row, vector),
                            sums::<Integer, Portable, ROWS, VECTORS, 1, 1>(&products, row, vector),
                        ],
                    ]
                };
                for (tile, panel) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                    let row = &rows[(tile * ROWS + row) * COLUMNS..][..COLUMNS];
                    for (lane, found) in quadrants[tile][panel].into_iter().enumerate() {
                        let output = vector * Portable::WIDTH + lane;
                        let expected = row.iter().enumerate().fold(0i32, |sum, (column, input)| {
                            // Pairs of inputs, output by output, as the panels hold them.
                            let place = panel * WIDTH * COLUMNS + (column / 2 * WIDTH + output) * 2 + column % 2;
                            sum.wrapping_add(i32::from(*input) * i32::from(panels[place]))
                        });
                        assert_eq!(found, expected, "{seed}: {tile} {panel} {lane}");
                    }
                }
            }
        }
    }
}
