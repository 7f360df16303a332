//! Where a product's outputs go, and what becomes of sums on their way there: units, bias, activation, residual.

use super::arithmetic::Arithmetic;
use crate::lanes::Lanes;
use std::marker::PhantomData;

/// Where outputs go.
pub(super) enum Output<'a, V> {
    /// Into what flows between blocks, as floats.
    Stream(&'a mut [f32]),
    /// Added to what is there.
    Residual(&'a mut [f32]),
    /// Into what a depthwise convolution reads: groups of lines, pixels × columns × lines of the group. The first line
    /// computed is line `place` of its group. Of a layer that is rectified.
    Wide {
        /// The groups.
        groups: &'a mut [V],
        /// 0 to `STEP` − 1.
        place: usize,
    },
}

/// An output whose size has been checked.
pub(super) struct Target<A: Arithmetic> {
    pub kind: Kind,
    /// The first pixel, or that of the first group.
    pub end: End,
    /// From one line, or group, to the next.
    line: usize,
    arithmetic: PhantomData<A>,
}

impl<A: Arithmetic> Target<A> {
    /// Checks that `lines` lines of `values` values are there.
    pub(super) fn new(output: Output<'_, A::Value>, first: usize, line: usize, lines: usize, values: usize) -> Self {
        let check = |length: usize, steps: usize, values: usize| {
            assert!(length >= first + steps.saturating_sub(1) * line + values, "{length} outputs");
        };
        // SAFETY: as is checked, the first pixel lies within each slice.
        let (kind, to, of_group) = unsafe {
            match output {
                Output::Stream(output) => {
                    check(output.len(), lines, values);
                    (Kind::Stream, output.as_mut_ptr().add(first).cast(), 0)
                }
                Output::Residual(output) => {
                    check(output.len(), lines, values);
                    (Kind::Residual, output.as_mut_ptr().add(first).cast(), 0)
                }
                Output::Wide { groups, place } => {
                    check(groups.len(), (place + lines).div_ceil(A::STEP), values * A::STEP);
                    (Kind::Wide, groups.as_mut_ptr().add(first).cast(), place)
                }
            }
        };
        Target { kind, end: End { to, of_group }, line, arithmetic: PhantomData }
    }

    /// Where value `value` of a line is.
    ///
    /// # Safety
    /// They must be among those that were checked.
    pub(super) unsafe fn at(&self, line: usize, value: usize) -> End {
        let End { to, of_group } = self.end;
        // SAFETY: the caller's promise.
        unsafe {
            match self.kind {
                Kind::Stream | Kind::Residual => {
                    End { to: to.cast::<f32>().add(line * self.line + value).cast(), of_group }
                }
                Kind::Wide => {
                    let (group, of_group) = ((of_group + line) / A::STEP, (of_group + line) % A::STEP);
                    End { to: to.cast::<A::Value>().add(group * self.line + value * A::STEP).cast(), of_group }
                }
            }
        }
    }
}

/// Where a pixel's outputs go.
#[derive(Clone, Copy)]
pub(super) struct End {
    /// To floats or, if wide, to stored values.
    pub to: *mut (),
    /// To which line of a group.
    pub of_group: usize,
}

/// What is done with outputs: see [`Output`].
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Stream,
    Residual,
    Wide,
}

impl Kind {
    /// What becomes of a 1.
    #[inline(always)]
    pub(super) fn scale<A: Arithmetic>(self) -> f32 {
        if matches!(self, Kind::Wide) { A::SIX / 6.0 } else { 1.0 }
    }

    /// Stores a vector of outputs, from the `place`-th on.
    ///
    /// # Safety
    /// They must be there. Only inside [`Lanes::run`].
    #[inline(always)]
    pub(super) unsafe fn store<A: Arithmetic, L: Lanes>(self, value: L::Floats, end: End, place: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            match self {
                Kind::Stream => L::store(value, end.to.cast::<f32>().add(place)),
                Kind::Residual => {
                    let to = end.to.cast::<f32>().add(place);
                    L::store(L::add(value, L::load(to)), to);
                }
                Kind::Wide => {
                    A::store_in_group::<L>(value, end.to.cast::<A::Value>().add(place * A::STEP), end.of_group);
                }
            }
        }
    }
}

/// What a 1 among sums means, and the bias, output by output.
#[derive(Clone, Copy)]
pub(super) struct Scales<'a> {
    pub units: &'a [f32],
    pub bias: &'a [f32],
}

/// What becomes of sums.
pub(super) struct Ending {
    /// What a stored 1 of the input means.
    pub unit: f32,
    pub rectified: bool,
}

/// The same for a vector of outputs.
#[derive(Clone, Copy)]
pub(super) struct VectorEnding<L: Lanes> {
    unit: L::Floats,
    bias: L::Floats,
    zero: L::Floats,
    six: L::Floats,
    rectified: bool,
}

impl<L: Lanes> VectorEnding<L> {
    /// The outputs of sums.
    ///
    /// # Safety
    /// Only inside [`Lanes::run`].
    #[inline(always)]
    pub(super) unsafe fn outputs<A: Arithmetic>(&self, sums: A::Sums<L>) -> L::Floats {
        // SAFETY: the caller's promise.
        unsafe {
            let value = L::add(L::multiply(A::to_floats::<L>(sums), self.unit), self.bias);
            if self.rectified { L::smaller(L::larger(value, self.zero), self.six) } else { value }
        }
    }
}

impl Ending {
    /// For the vector of outputs from `place` on, in what `scale` makes of a 1.
    ///
    /// # Safety
    /// Only inside [`Lanes::run`]; these outputs must be there.
    #[inline(always)]
    pub(super) unsafe fn vector<L: Lanes>(&self, scales: Scales<'_>, place: usize, scale: f32) -> VectorEnding<L> {
        // SAFETY: the caller's promise.
        unsafe {
            VectorEnding {
                unit: L::multiply(L::load(scales.units.as_ptr().add(place)), L::splat(self.unit * scale)),
                bias: L::multiply(L::load(scales.bias.as_ptr().add(place)), L::splat(scale)),
                zero: L::splat(0.0),
                six: L::splat(6.0 * scale),
                rectified: self.rectified,
            }
        }
    }
}
