//! A few numbers computed at once, in the instruction set at hand: WebAssembly's, SSE2, AVX2, or none in particular.
//!
//! Every one computes the same bits: sums are taken in the same order, nothing is fused or reassociated, and
//! rounding is to the nearest, ties to even. So an image has the same embedding in a browser and on the command line.

mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm;

#[cfg(any(test, not(any(target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128")))))]
pub(crate) use portable::Portable;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(crate) use wasm::Simd128;
#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2, Sse2};

/// An instruction set's vectors and the operations that the kernels need.
///
/// # Safety
/// The methods that take a pointer read or write `WIDTH` values or pairs from it on (the two `splat` ones: what they spread),
/// aligned as a single value is. All of them may only be called inside [`Lanes::run`].
pub(crate) trait Lanes: Copy + Send + Sync + std::fmt::Debug + 'static {
    /// Numbers in a vector.
    const WIDTH: usize;
    /// `WIDTH` × f32.
    type Floats: Copy;
    /// `WIDTH` × i32.
    type Integers: Copy;
    /// `WIDTH` × two i16 side by side.
    type Pairs: Copy;

    /// Runs `kernel` with the instruction set switched on.
    ///
    /// # Safety
    /// The processor must have the instruction set.
    unsafe fn run(kernel: impl FnOnce());

    /// One number in every lane.
    unsafe fn splat(value: f32) -> Self::Floats;
    /// `WIDTH` numbers.
    unsafe fn load(from: *const f32) -> Self::Floats;
    /// `WIDTH` numbers.
    unsafe fn store(values: Self::Floats, to: *mut f32);
    /// The sum in each lane.
    unsafe fn add(a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// The product in each lane.
    unsafe fn multiply(a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// The smaller one in each lane.
    unsafe fn smaller(a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// The larger one in each lane.
    unsafe fn larger(a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// Rounds to the nearest integers and stores them as i16; the values must lie within ±32767.
    unsafe fn store_rounded(values: Self::Floats, to: *mut i16);
    /// Rounds to the nearest integers and stores each as the first of a pair, the second zero: `WIDTH` pairs. The values must
    /// lie within 0 to 32767.
    unsafe fn store_firsts(values: Self::Floats, to: *mut i16);
    /// The same as the second of each pair whose second is zero; the first stays.
    unsafe fn store_seconds(values: Self::Floats, to: *mut i16);

    /// Zeros.
    unsafe fn no_integers() -> Self::Integers;
    /// `WIDTH` pairs.
    unsafe fn load_pairs(from: *const i16) -> Self::Pairs;
    /// One pair in every lane.
    unsafe fn splat_pair(from: *const i16) -> Self::Pairs;
    /// In each lane, `sum` + the two products of a pair with a pair, in i32.
    unsafe fn dot_add(sum: Self::Integers, a: Self::Pairs, b: Self::Pairs) -> Self::Integers;
    /// The sum in each lane; it wraps.
    unsafe fn add_integers(a: Self::Integers, b: Self::Integers) -> Self::Integers;
    /// a − b in each lane; it wraps.
    unsafe fn subtract_integers(a: Self::Integers, b: Self::Integers) -> Self::Integers;
    /// `WIDTH` integers.
    unsafe fn store_integers(integers: Self::Integers, to: *mut i32);
    /// The nearest f32 of each.
    unsafe fn to_floats(integers: Self::Integers) -> Self::Floats;
}

/// What is to be computed in some instruction set.
pub(crate) trait Job {
    /// What comes of it.
    type Output;

    /// Computes it.
    fn perform<L: Lanes>(self) -> Self::Output;
}

/// Lets a job be performed in the widest instruction set that this processor has.
pub(crate) fn fastest<J: Job>(job: J) -> J::Output {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        job.perform::<Avx2>()
    } else {
        job.perform::<Sse2>()
    }
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    return job.perform::<Simd128>();
    #[cfg(not(any(target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128"))))]
    job.perform::<Portable>()
}
