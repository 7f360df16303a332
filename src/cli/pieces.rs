//! DATA read piece by piece, so that any number of rows fits into memory.

use super::failure::Failure;
use super::input::Entry;
use super::photo::decodable;
use super::progress::Progress;
use super::source::{Place, Source, Sources};
use crate::pipeline::import::plan::{ImportPlan, Problem};
use crate::pipeline::import::{Beside, Imported, ProblemList, Reading, TableReader, image_item, reading, text_item};
use crate::pipeline::item::{Content, Item};
use rayon::prelude::*;
use std::ops::ControlFlow;

/// A piece has at most this many items …
pub const PIECE_ITEMS: usize = 4_096;
/// … or little more than this many bytes of texts and cells.
const PIECE_BYTES: usize = 16 << 20;
/// Files that are an item each are read so many at a time, on all cores.
const FILES_AT_ONCE: usize = 256;

/// Why reading ends before the end.
pub(super) enum Stop {
    /// Whoever reads has enough.
    Enough,
    /// Whoever reads has failed.
    Failed(Failure),
}

/// Items on their way into pieces.
pub(super) struct Pieces<'a, F> {
    each: F,
    progress: &'a Progress,
    places: Option<&'a [Option<usize>]>,
    pub(super) open: Vec<Entry>,
    bytes: usize,
    index: usize,
}

impl<'a, F> Pieces<'a, F>
where
    F: FnMut(Vec<Entry>, &mut ProblemList) -> Result<ControlFlow<()>, Failure>,
{
    /// For pieces whose cells go to `places`, if these are known.
    pub(super) fn new(each: F, progress: &'a Progress, places: Option<&'a [Option<usize>]>) -> Self {
        Self { each, progress, places, open: Vec::new(), bytes: 0, index: 0 }
    }

    /// Takes in items; full pieces are handed over.
    fn add(
        &mut self,
        items: impl IntoIterator<Item = (Imported, Option<Place>)>,
        problems: &mut ProblemList,
    ) -> Result<(), Stop> {
        for (imported, place) in items {
            let label = imported.label().map(String::from);
            let Imported { mut item, held_out, .. } = imported;
            if let Some(places) = self.places {
                item.place_cells(places);
            }
            self.bytes += weight(&item);
            self.open.push(Entry { item, label, held_out, index: self.index, place });
            self.index += 1;
            if self.open.len() >= PIECE_ITEMS || self.bytes >= PIECE_BYTES {
                self.give(problems)?;
            }
        }
        Ok(())
    }

    /// Hands over what is there.
    pub(super) fn give(&mut self, problems: &mut ProblemList) -> Result<(), Stop> {
        self.bytes = 0;
        let piece = std::mem::take(&mut self.open);
        if piece.is_empty() {
            return Ok(());
        }
        let count = piece.len() as u64;
        let flow = (self.each)(piece, problems).map_err(Stop::Failed)?;
        self.progress.advance(count);
        if flow.is_break() { Err(Stop::Enough) } else { Ok(()) }
    }
}

/// Reads all files by the plan, tables beside images first.
pub(super) fn read_files<F>(
    sources: &Sources,
    plan: &ImportPlan,
    problems: &mut ProblemList,
    pieces: &mut Pieces<'_, F>,
) -> Result<(), Stop>
where
    F: FnMut(Vec<Entry>, &mut ProblemList) -> Result<ControlFlow<()>, Failure>,
{
    let beside = read_beside(sources, plan, problems);
    let mut waiting: Vec<(&Source, Reading)> = Vec::new();
    let mut images: Vec<&str> = Vec::new();
    for source in &sources.files {
        let Source { file, head, place } = source;
        match reading(plan, file, head) {
            Reading::Skip | Reading::Beside => {}
            Reading::LeftOut(problem) => problems.push(problem),
            how @ (Reading::Image | Reading::Text) => {
                if how == Reading::Image {
                    images.push(&file.path);
                }
                waiting.push((source, how));
                if waiting.len() >= FILES_AT_ONCE {
                    read_whole(sources, plan, &beside, std::mem::take(&mut waiting), problems, pieces)?;
                }
            }
            Reading::Rows => {
                read_whole(sources, plan, &beside, std::mem::take(&mut waiting), problems, pieces)?;
                let mut reader = TableReader::new(plan, file, 0);
                let mut outcome = Ok(());
                let read = sources.read_in_chunks(&file.path, place, |chunk| {
                    pieces.progress.read(chunk.len() as u64);
                    let rows = reader.feed(chunk, problems);
                    outcome = pieces.add(rows.into_iter().map(|row| (row, None)), problems);
                    outcome.is_ok()
                });
                outcome?;
                let rows = reader.finish(problems);
                pieces.add(rows.into_iter().map(|row| (row, None)), problems)?;
                problems.extend(read.err());
            }
        }
    }
    read_whole(sources, plan, &beside, waiting, problems, pieces)?;
    pieces.give(problems)?;
    beside.tell_unmatched(images, problems);
    Ok(())
}

/// Tables beside images come first: an image then takes what is known of it.
fn read_beside(sources: &Sources, plan: &ImportPlan, problems: &mut ProblemList) -> Beside {
    let mut beside = Beside::default();
    for Source { file, head, place } in &sources.files {
        if reading(plan, file, head) != Reading::Beside {
            continue;
        }
        let mut reader = TableReader::new(plan, file, 0);
        let read = sources.read_in_chunks(&file.path, place, |chunk| {
            let rows = reader.feed(chunk, problems);
            beside.add(rows, problems);
            true
        });
        let rows = reader.finish(problems);
        beside.add(rows, problems);
        problems.extend(read.err());
    }
    beside
}

/// An item, and where its file is.
type Placed = (Imported, Option<Place>);

/// Reads files that are an item each, on all cores; they stay in order.
fn read_whole<F>(
    sources: &Sources,
    plan: &ImportPlan,
    beside: &Beside,
    files: Vec<(&Source, Reading)>,
    problems: &mut ProblemList,
    pieces: &mut Pieces<'_, F>,
) -> Result<(), Stop>
where
    F: FnMut(Vec<Entry>, &mut ProblemList) -> Result<ControlFlow<()>, Failure>,
{
    let one = |(Source { file, place, .. }, how): &(&Source, Reading)| {
        let mut found = ProblemList::default();
        let imported = match sources.read(&file.path, place) {
            Ok(bytes) if *how == Reading::Image => match decodable(&bytes) {
                Ok(()) => image_item(plan, beside, file, &bytes, 0, &mut found),
                // What is no image at all is told as such.
                Err(reason) => {
                    let known = image_item(plan, beside, file, &bytes, 0, &mut found);
                    found.extend(known.map(|_| Problem::of_file(&file.path, reason)));
                    None
                }
            },
            Ok(bytes) => text_item(plan, file, &bytes, 0, &mut found),
            Err(problem) => {
                found.push(problem);
                None
            }
        };
        pieces.progress.read(file.size);
        (imported.map(|imported| (imported, Some(place.clone()))), found)
    };
    let read: Vec<(Option<Placed>, ProblemList)> = files.par_iter().map(one).collect();
    for (imported, found) in read {
        absorb(problems, found);
        pieces.add(imported, problems)?;
    }
    Ok(())
}

/// Adds all of `more`, those that are only counted, too.
pub fn absorb(problems: &mut ProblemList, more: ProblemList) {
    let in_words: u64 = more.as_slice().iter().map(|problem| problem.lost).sum();
    let rest = more.lost() - in_words;
    let unnamed = more.count() - more.as_slice().len() as u64;
    problems.extend(more.as_slice().iter().cloned());
    if unnamed > 0 {
        problems.push(Problem::of_rows("", rest, format!("and {unnamed} more problems, not listed")));
    }
}

/// About how many bytes an item takes in memory.
pub fn weight(item: &Item) -> usize {
    let content = match &item.content {
        Content::Image => 0,
        Content::Text(text) => text.len(),
        Content::Row(cells) => cells.iter().map(|cell| cell.len() + size_of::<String>()).sum(),
    };
    let extra: usize = item.extra.iter().map(|(name, cell)| name.len() + cell.len() + 2 * size_of::<String>()).sum();
    content + extra + item.name.len() + size_of::<Entry>()
}
