//! Reads one file as an import reads it, whatever it is.

use hone::pipeline::import::plan::{ImportPlan, SourceFile};
use hone::pipeline::import::{
    self, Beside, Head, Imported, ProblemList, Reading, TableReader, ZipListing, ZipSource, head_bytes, image_item,
    text_item,
};
use std::collections::HashMap;
use std::io::Cursor;

/// One file read as an import reads it.
#[allow(dead_code, reason = "each test crate looks at its own part")]
pub struct Read {
    pub plan: ImportPlan,
    pub items: Vec<Imported>,
    pub problems: ProblemList,
    pub hidden: u64,
}

/// None of a zip that can't be read.
pub fn read(name: &str, bytes: &[u8]) -> Option<Read> {
    let mut problems = ProblemList::default();
    let file = SourceFile { path: name.into(), size: bytes.len() as u64 };
    if name.ends_with(".zip") {
        let mut zip = ZipSource::open(name, Cursor::new(bytes), &mut problems).ok()?;
        let listing: ZipListing = zip.listing(&mut problems);
        let hidden = zip.hidden();
        let plan = import::inspect(&[], std::slice::from_ref(&listing), None, ProblemList::default());
        let files: Vec<SourceFile> = zip.files().cloned().collect();
        let heads: HashMap<&str, &[u8]> =
            listing.files.iter().map(|(file, head)| (file.path.as_str(), head.as_slice())).collect();
        let sources: Vec<(SourceFile, Vec<u8>, Vec<u8>)> = files
            .iter()
            .enumerate()
            .filter_map(|(at, file)| {
                let whole = zip.read(at).ok()?;
                let head = heads.get(file.path.as_str()).map_or_else(Vec::new, |head| head.to_vec());
                Some((file.clone(), head, whole))
            })
            .collect();
        let items = read_all(&plan, &sources, &mut problems);
        return Some(Read { plan, items, problems, hidden });
    }
    let head = &bytes[..bytes.len().min(head_bytes(name))];
    let plan = import::inspect(&[Head { file: &file, bytes: head }], &[], None, ProblemList::default());
    let items = read_all(&plan, &[(file, head.to_vec(), bytes.to_vec())], &mut problems);
    let hidden = plan.hidden;
    Some(Read { plan, items, problems, hidden })
}

fn read_all(
    plan: &ImportPlan,
    sources: &[(SourceFile, Vec<u8>, Vec<u8>)],
    problems: &mut ProblemList,
) -> Vec<Imported> {
    let mut beside = Beside::default();
    let mut images = Vec::new();
    let rows = |file: &SourceFile, bytes: &[u8], problems: &mut ProblemList| {
        let mut reader = TableReader::new(plan, file, 0);
        let mut items = Vec::new();
        for chunk in bytes.chunks(1000) {
            items.extend(reader.feed(chunk, problems));
        }
        items.extend(reader.finish(problems));
        items
    };
    for (file, head, bytes) in sources {
        if import::reading(plan, file, head) == Reading::Beside {
            let read = rows(file, bytes, problems);
            beside.add(read, problems);
        }
    }
    let mut items = Vec::new();
    for (file, head, bytes) in sources {
        match import::reading(plan, file, head) {
            Reading::Skip | Reading::Beside => {}
            Reading::LeftOut(problem) => problems.push(problem),
            Reading::Image => {
                images.push(file.path.as_str());
                items.extend(image_item(plan, &beside, file, bytes, 0, problems));
            }
            Reading::Text => items.extend(text_item(plan, file, bytes, 0, problems)),
            Reading::Rows => items.extend(rows(file, bytes, problems)),
        }
    }
    beside.tell_unmatched(images, problems);
    items
}
