//! One picture in every way that a camera, a scanner or a broken download stores it, natively and in Chromium: see
//! `tests/golden/import/images/make_images.py`.
#![cfg(any(feature = "cli", all(target_arch = "wasm32", feature = "worker")))]

use Stored::{AsItIs, Converted, LeftOut};
use hone::pipeline::import::plan::{Problem, SourceFile};
use hone::pipeline::import::{Beside, Head, ProblemList, image_item, inspect};

/// What is stored of a file in a browser. Natively, the first two are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stored {
    AsItIs,
    Converted,
    LeftOut,
}

/// What a file shows.
#[derive(Debug, Clone, Copy)]
enum Shows {
    /// The drawing, to the pixel.
    Drawing,
    /// The drawing, as far as its format keeps it: so many levels apart on average.
    Nearly(f64),
    /// The drawing in greys, to the pixel.
    Greys,
    /// One colour, in so many pixels.
    Plain([u8; 3], u32, u32),
    /// So many pixels.
    Size(u32, u32),
    /// Nothing; a part of the reason.
    Nothing(&'static str),
}

macro_rules! files {
    ($(($name:literal, $stored:expr, $shows:expr),)*) => {
        &[$(($name, include_bytes!(concat!("golden/import/images/", $name)), $stored, $shows),)*]
    };
}

const FILES: &[(&str, &[u8], Stored, Shows)] = files![
    ("upright.png", AsItIs, Shows::Drawing),
    ("turned-1.png", AsItIs, Shows::Drawing),
    ("turned-3.png", Converted, Shows::Drawing),
    ("turned-6.png", Converted, Shows::Drawing),
    ("turned-8.png", Converted, Shows::Drawing),
    ("turned-1.webp", AsItIs, Shows::Drawing),
    ("turned-3.webp", Converted, Shows::Drawing),
    ("turned-6.webp", Converted, Shows::Drawing),
    ("turned-8.webp", Converted, Shows::Drawing),
    ("turned-1.tif", Converted, Shows::Drawing),
    ("turned-3.tif", Converted, Shows::Drawing),
    ("turned-6.tif", Converted, Shows::Drawing),
    ("turned-8.tif", Converted, Shows::Drawing),
    ("turned-1.jpg", AsItIs, Shows::Nearly(3.0)),
    ("turned-3.jpg", AsItIs, Shows::Nearly(3.0)),
    ("turned-6.jpg", AsItIs, Shows::Nearly(3.0)),
    ("turned-8.jpg", AsItIs, Shows::Nearly(3.0)),
    ("deep.png", Converted, Shows::Drawing),
    ("deep-grey.png", Converted, Shows::Greys),
    ("deep-grey.tif", Converted, Shows::Greys),
    ("grey.tif", Converted, Shows::Greys),
    ("black-and-white.tif", Converted, Shows::Size(48, 32)),
    ("palette.tif", Converted, Shows::Nearly(12.0)),
    ("cmyk.tif", Converted, Shows::Drawing),
    ("jpeg-in.tif", Converted, Shows::Nearly(6.0)),
    ("see-through.tif", Converted, Shows::Size(48, 32)),
    ("cut.jpg", Converted, Shows::Size(160, 120)),
    ("cut.progressive.jpg", Converted, Shows::Size(160, 120)),
    ("cut.png", Converted, Shows::Size(160, 120)),
    ("cut.gif", LeftOut, Shows::Nothing("ends before its picture")),
    ("cut.webp", LeftOut, Shows::Nothing("ends before its picture")),
    ("cut.bmp", LeftOut, Shows::Nothing("ends before its picture")),
    ("cut.tif", LeftOut, Shows::Nothing("damaged or cut off")),
    ("dot.png", AsItIs, Shows::Plain([9, 90, 200], 1, 1)),
    ("strip.png", AsItIs, Shows::Plain([9, 90, 200], 1, 20_000)),
    ("hundred-megapixels.png", AsItIs, Shows::Plain([77; 3], 10_000, 10_000)),
    ("claims-too-much.png", LeftOut, Shows::Nothing("megapixels; the limit is 100")),
    ("empty.png", LeftOut, Shows::Nothing("empty")),
    ("moving.gif", AsItIs, Shows::Plain([200, 30, 30], 40, 40)),
    ("moving.webp", AsItIs, Shows::Plain([200, 30, 30], 40, 40)),
    ("moving.png", AsItIs, Shows::Plain([200, 30, 30], 40, 40)),
    ("heic-as.jpg", LeftOut, Shows::Nothing("its content is HEIC")),
];

/// The drawing's pixel, as the recipe has it.
fn drawn(x: u32, y: u32) -> [u8; 3] {
    [(x * 255 / 47) as u8, (y * 255 / 31) as u8, if x < 24 { 200 } else { 40 }]
}

/// Pillow's grey of a colour.
fn grey([r, g, b]: [u8; 3]) -> u8 {
    ((u32::from(r) * 19_595 + u32::from(g) * 38_470 + u32::from(b) * 7_471 + 0x8000) >> 16) as u8
}

/// How far pixels are from what they should be, in levels, on average.
fn apart(rgba: &[u8], width: u32, expected: impl Fn(u32, u32) -> [u8; 3]) -> f64 {
    let levels = rgba.chunks_exact(4).enumerate().map(|(at, pixel)| {
        let expected = expected(at as u32 % width, at as u32 / width);
        pixel.iter().zip(expected).map(|(found, expected)| f64::from(found.abs_diff(expected))).sum::<f64>()
    });
    levels.sum::<f64>() / (rgba.len() / 4 * 3) as f64
}

/// Checks decoded pixels of a picture of `size`; there may be fewer of them, if a large one was reduced.
fn check(name: &str, shows: Shows, rgba: &[u8], across: u32, size: (u32, u32)) {
    let (expected_size, distance, least) = match shows {
        Shows::Drawing => ((48, 32), apart(rgba, across, drawn), 0.0),
        Shows::Nearly(levels) => ((48, 32), apart(rgba, across, drawn), levels),
        Shows::Greys => ((48, 32), apart(rgba, across, |x, y| [grey(drawn(x, y)); 3]), 0.0),
        Shows::Plain(colour, width, height) => ((width, height), apart(rgba, across, |_, _| colour), 0.0),
        Shows::Size(width, height) => ((width, height), 0.0, 0.0),
        Shows::Nothing(reason) => panic!("{name} was decoded; it should be left out ({reason})"),
    };
    assert_eq!(size, expected_size, "{name}");
    assert!(distance <= least, "{name}: {distance} levels apart");
}

/// The problems of a file that comes in as the platform's part of an import says.
fn problems(name: &str, bytes: &[u8], refused: Option<Problem>) -> ProblemList {
    let file = SourceFile { path: name.into(), size: bytes.len() as u64 };
    let plan = inspect(&[Head { file: &file, bytes: b"" }], &[], None, ProblemList::default());
    let mut problems = ProblemList::default();
    if image_item(&plan, &Beside::default(), &file, bytes, 0, &mut problems).is_some() {
        problems.extend(refused);
    }
    problems
}

/// That a file is left out for the expected reason, or comes in, with a note if it breaks off.
fn check_problems(name: &str, shows: Shows, found: &ProblemList) {
    let messages: Vec<&str> = found.as_slice().iter().map(|problem| problem.message.as_str()).collect();
    if let Shows::Nothing(reason) = shows {
        assert_eq!((found.count(), found.lost()), (1, 1), "{name}: {messages:?}");
        assert!(messages[0].starts_with("left out: ") && messages[0].contains(reason), "{name}: {messages:?}");
    } else {
        assert_eq!(found.count(), u64::from(name.starts_with("cut.")), "{name}: {messages:?}");
        assert_eq!(found.lost(), 0, "{name}: {messages:?}");
        assert!(messages.iter().all(|message| message.contains("ends in the middle")), "{name}: {messages:?}");
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod natively {
    use super::*;
    use hone::cli::photo::{crop_of_file, decodable, decode};

    #[test]
    fn every_picture_comes_in_upright_or_is_told() {
        for &(name, bytes, stored, shows) in FILES {
            let refused = decodable(bytes).err().map(|reason| Problem::of_file(name, reason));
            check_problems(name, shows, &problems(name, bytes, refused));
            if stored != LeftOut {
                let pixels = decode(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
                check(name, shows, &pixels.rgba, pixels.width, (pixels.width, pixels.height));
            }
        }
    }

    #[test]
    fn every_way_of_storing_a_turned_picture_gives_nearly_one_crop() {
        let crop = |name: &str| {
            let (_, bytes, ..) = FILES.iter().find(|(other, ..)| *other == name).expect("a file of the table");
            crop_of_file(bytes).unwrap_or_else(|error| panic!("{name}: {error}"))
        };
        let upright = crop("upright.png");
        for orientation in [1, 3, 6, 8] {
            for (format, most) in [("png", 0.0), ("webp", 0.0), ("tif", 0.0), ("jpg", 3.0)] {
                let name = format!("turned-{orientation}.{format}");
                let (crop, sum) = (crop(&name), |sum, (a, b): (&u8, &u8)| sum + f64::from(a.abs_diff(*b)));
                let apart = crop.rgb().iter().zip(upright.rgb()).fold(0.0, sum) / crop.rgb().len() as f64;
                assert!(apart <= most, "{name}: {apart} levels apart");
            }
        }
    }

    #[test]
    fn what_is_there_of_a_cut_picture_is_what_it_was() {
        for name in ["cut.jpg", "cut.png"] {
            let (_, bytes, ..) = FILES.iter().find(|(other, ..)| *other == name).expect("a file of the table");
            let pixels = decode(bytes).expect("a picture").rgba;
            // The noise differs from pixel to pixel; what is missing is alike.
            let row = |y: usize| &pixels[y * 160 * 4..][..160 * 4];
            let is_alike = |y: usize| row(y).chunks(4).all(|pixel| pixel[0].abs_diff(row(y)[0]) < 8);
            assert!((0..60).all(|y| !is_alike(y)), "{name}");
            assert!((84..120).all(is_alike), "{name}: the end is not grey");
        }
    }
}

#[cfg(target_arch = "wasm32")]
mod in_chromium {
    use super::*;
    use hone::pipeline::import::converted::belongs;
    use hone::pipeline::item::ContentHash;
    use hone::worker::picture::{decode, importable};
    use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
    use web_sys::Blob;

    wasm_bindgen_test_configure!(run_in_dedicated_worker);

    #[wasm_bindgen_test]
    async fn every_picture_comes_in_upright_or_is_told() {
        for &(name, bytes, stored, shows) in FILES {
            let file = SourceFile { path: name.into(), size: bytes.len() as u64 };
            let (media, refused) = match importable(bytes, &file).await {
                Ok(media) => (media, None),
                Err(problem) => (None, Some(problem)),
            };
            check_problems(name, shows, &problems(name, bytes, refused));
            if stored == LeftOut {
                continue;
            }
            assert_eq!(media.is_some(), stored == Converted, "{name}");
            let media = media.unwrap_or_else(|| bytes.to_vec());
            assert!(belongs(&media, ContentHash::of(bytes)), "{name}");
            let part = js_sys::Array::of1(&js_sys::Uint8Array::from(&media[..]));
            let blob = Blob::new_with_u8_array_sequence(&part).expect("a blob");
            let picture = decode(&blob).await.unwrap_or_else(|error| panic!("{name}: {error}"));
            check(name, shows, &picture.rgba, picture.rgba_width, (picture.width, picture.height));
        }
    }
}
