//! Arrays as numpy saves them (`numpy.save`): the versions 1 to 3 of the format, little-endian numbers.

use super::failure::Failure;
use std::path::Path;

/// An array of one or two dimensions, in C order.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// The length of each dimension.
    pub shape: Vec<usize>,
    /// The numbers. Whole ones beyond 2⁵³ lose digits, which no class number has.
    pub values: Vec<f64>,
}

/// What begins a file of the format.
const MAGIC: &[u8] = b"\x93NUMPY";

/// Reads a file.
///
/// # Errors
/// If it cannot be read, or is no array of one or two dimensions of numbers; says what would do.
pub fn read(path: &Path) -> Result<Array, Failure> {
    let bytes = std::fs::read(path).map_err(|error| Failure::file("read", path, &error))?;
    parse(&bytes).map_err(|why| Failure::data(format!("{}: {why}", path.display())))
}

fn parse(bytes: &[u8]) -> Result<Array, String> {
    let damaged = || "the file ends too early; save it again".to_string();
    let rest = bytes.strip_prefix(MAGIC).ok_or("this is no .npy file; numpy.save makes one")?;
    let (version, rest) = rest.split_first_chunk::<2>().ok_or_else(damaged)?;
    let (length, rest) = match version[0] {
        1 => {
            let (length, rest) = rest.split_first_chunk::<2>().ok_or_else(damaged)?;
            (usize::from(u16::from_le_bytes(*length)), rest)
        }
        2 | 3 => {
            let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(damaged)?;
            (u32::from_le_bytes(*length) as usize, rest)
        }
        other => return Err(format!("version {other} of the .npy format is unknown")),
    };
    let (header, data) = rest.split_at_checked(length).ok_or_else(damaged)?;
    let header = std::str::from_utf8(header).map_err(|_| "the header is damaged; save the file again")?;
    let kind = text_of(header, "descr").ok_or("it holds records, not plain numbers; save an array of numbers")?;
    let shape = shape_of(header).ok_or("the header names no shape; save the file again")?;
    if shape.is_empty() || shape.len() > 2 {
        return Err(format!("the array has {} dimensions; one or two are expected", shape.len()));
    }
    let numbers = Numbers::of(kind).ok_or_else(|| {
        format!(
            "numbers of type {kind} are not read; save them as float64 (`array.astype(\"<f8\")`) or int64 (`\"<i8\"`)"
        )
    })?;
    let count = shape.iter().try_fold(1_usize, |count, &length| count.checked_mul(length)).ok_or_else(damaged)?;
    let wanted = count.checked_mul(numbers.width()).ok_or_else(damaged)?;
    let values = numbers.read(data.get(..wanted).ok_or_else(damaged)?);
    let fortran = value_of(header, "fortran_order").is_some_and(|value| value.starts_with("True"));
    let values = match shape[..] {
        [rows, columns] if fortran => {
            (0..count).map(|at| values[at % columns.max(1) * rows + at / columns.max(1)]).collect()
        }
        _ => values,
    };
    Ok(Array { shape, values })
}

/// The number types that are read.
#[derive(Debug, Clone, Copy)]
enum Numbers {
    F4,
    F8,
    Signed(usize),
    Unsigned(usize),
}

impl Numbers {
    fn of(kind: &str) -> Option<Self> {
        Some(match kind {
            "<f4" => Numbers::F4,
            "<f8" => Numbers::F8,
            "|i1" | "<i1" => Numbers::Signed(1),
            "<i2" => Numbers::Signed(2),
            "<i4" => Numbers::Signed(4),
            "<i8" => Numbers::Signed(8),
            "|u1" | "<u1" | "|b1" => Numbers::Unsigned(1),
            "<u2" => Numbers::Unsigned(2),
            "<u4" => Numbers::Unsigned(4),
            "<u8" => Numbers::Unsigned(8),
            _ => return None,
        })
    }

    fn width(self) -> usize {
        match self {
            Numbers::F4 => 4,
            Numbers::F8 => 8,
            Numbers::Signed(width) | Numbers::Unsigned(width) => width,
        }
    }

    fn read(self, data: &[u8]) -> Vec<f64> {
        // The lowest bytes of a number, filled up with its sign.
        let eight = |bytes: &[u8], fill: u8| {
            let mut eight = [fill; 8];
            eight[..bytes.len()].copy_from_slice(bytes);
            eight
        };
        let number = |bytes: &[u8]| match self {
            Numbers::F4 => f64::from(f32::from_bits(u64::from_le_bytes(eight(bytes, 0)) as u32)),
            Numbers::F8 => f64::from_le_bytes(eight(bytes, 0)),
            Numbers::Signed(width) => {
                let fill = if bytes[width - 1] & 0x80 == 0 { 0 } else { 0xFF };
                i64::from_le_bytes(eight(bytes, fill)) as f64
            }
            Numbers::Unsigned(_) => u64::from_le_bytes(eight(bytes, 0)) as f64,
        };
        data.chunks_exact(self.width()).map(number).collect()
    }
}

/// What follows a key of the header, a Python dictionary.
fn value_of<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let (_, after) = header.split_once(&format!("'{key}'"))?;
    Some(after.trim_start().strip_prefix(':')?.trim_start())
}

fn text_of<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let (text, _) = value_of(header, key)?.strip_prefix('\'')?.split_once('\'')?;
    Some(text)
}

fn shape_of(header: &str) -> Option<Vec<usize>> {
    let (inside, _) = value_of(header, "shape")?.strip_prefix('(')?.split_once(')')?;
    inside.split(',').map(str::trim).filter(|length| !length.is_empty()).map(|length| length.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(version: u8, descr: &str, fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}   \n");
        let mut bytes = [MAGIC, &[version, 0]].concat();
        match version {
            1 => bytes.extend((header.len() as u16).to_le_bytes()),
            _ => bytes.extend((header.len() as u32).to_le_bytes()),
        }
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    #[test]
    fn arrays_of_every_number_type_are_read() {
        let check = |version, descr: &str, fortran, shape: &str, data: &[u8], lengths: &[usize], values: &[f64]| {
            let array = parse(&file(version, descr, fortran, shape, data)).expect(descr);
            assert_eq!((&array.shape[..], &array.values[..]), (lengths, values), "{descr}");
        };
        let doubles: Vec<u8> = [0.5, 0.25, -1.0, 2.0].iter().flat_map(|value: &f64| value.to_le_bytes()).collect();
        let singles: Vec<u8> = [0.5, 0.25].iter().flat_map(|value: &f32| value.to_le_bytes()).collect();
        check(1, "'<f8'", "False", "(2, 2)", &doubles, &[2, 2], &[0.5, 0.25, -1.0, 2.0]);
        check(1, "'<f8'", "True", "(2, 2)", &doubles, &[2, 2], &[0.5, -1.0, 0.25, 2.0]);
        check(2, "'<f4'", "False", "(2,)", &singles, &[2], &[0.5, 0.25]);
        check(3, "'|u1'", "False", "(3,)", &[0, 200, 3], &[3], &[0.0, 200.0, 3.0]);
        check(1, "'|i1'", "False", "(2,)", &[255, 3], &[2], &[-1.0, 3.0]);
        check(1, "'<i2'", "False", "(2,)", &[254, 255, 3, 0], &[2], &[-2.0, 3.0]);
        check(1, "'<i4'", "False", "(1,)", &[1, 1, 0, 0], &[1], &[257.0]);
        check(1, "'<i8'", "True", "(1,)", &(-7_i64).to_le_bytes(), &[1], &[-7.0]);
        check(1, "'<u4'", "False", "(0, 3)", &[], &[0, 3], &[]);
    }

    #[test]
    fn what_is_not_read_is_told() {
        let check = |bytes: &[u8], words: &str| {
            let why = parse(bytes).expect_err(words);
            assert!(why.contains(words), "{why}");
        };
        check(b"index,label\n", "no .npy file");
        check(MAGIC, "ends too early");
        check(&file(9, "'<f8'", "False", "(1,)", &[0; 8]), "version 9");
        check(&file(1, "'>f8'", "False", "(1,)", &[0; 8]), "astype(\"<f8\")");
        check(&file(1, "'<U5'", "False", "(1,)", &[0; 20]), "<U5");
        check(&file(1, "[('a', '<f8')]", "False", "(1,)", &[0; 8]), "records");
        check(&file(1, "'<f8'", "False", "(1, 1, 1)", &[0; 8]), "3 dimensions");
        check(&file(1, "'<f8'", "False", "()", &[0; 8]), "0 dimensions");
        check(&file(1, "'<f8'", "False", "(2,)", &[0; 8]), "ends too early");
        check(&file(1, "'<f8'", "False", "(9999999999999, 9999999999999)", &[0; 8]), "ends too early");
        check(&file(1, "'<f8'", "False", "(1,)", &[0; 8])[..20], "ends too early");
    }
}
