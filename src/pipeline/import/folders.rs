//! Classes that are folders: which of the folders that files lie in names them.

use super::columns::{says_test, says_train};
use super::inspect::{Head, classes_of, common_folder};
use super::plan::{FolderLevel, ImportPlan, LabelSource};
use super::source::folder_at;
use std::collections::HashSet;

/// Folder names that say what files are rather than what they show.
const GENERIC: [&str; 7] = ["images", "img", "data", "photos", "texts", "pictures", "files"];

/// Items that are a file each: the folder's name is the label if two folders or more hold some.
pub(super) fn plan_folders(plan: &mut ImportPlan, files: &[Head<'_>]) {
    let sound: Vec<&str> = files.iter().filter(|head| head.file.size > 0).map(|head| head.file.path.as_str()).collect();
    plan.expected_items = files.len() as u64;
    plan.folder_levels = levels(&sound);
    if let Some(likeliest) = plan.folder_levels.first() {
        plan.labels = LabelSource::Folder;
        plan.classes.clone_from(&likeliest.classes);
        plan.folder_level = likeliest.above;
        let folders = sound.iter().filter_map(|path| folder_at(path, likeliest.at as usize, likeliest.root as usize));
        plan.merged = classes_of(folders).1;
    }
}

/// The levels of folders that have two names or more, the likeliest first: the one whose names repeat least (that of
/// `cat/2019`, `cat/2020`, `dog/2019` is the first), of several the deepest. Years and numbers are classes only where
/// nothing else is.
fn levels(paths: &[&str]) -> Vec<FolderLevel> {
    let root = common_folder(paths);
    let root = if root.is_empty() { 0 } else { root.split('/').count() };
    let deepest = paths.iter().map(|path| path.split('/').count() - 1).max().unwrap_or(0);
    let mut levels: Vec<((bool, bool), f64, FolderLevel)> = (root..deepest)
        .filter_map(|at| {
            let folders = || paths.iter().filter_map(|path| folder_at(path, at, root));
            let (classes, _) = classes_of(folders());
            let is_generic =
                |name: &str| says_test(name) || says_train(name) || GENERIC.contains(&name.to_lowercase().as_str());
            if classes.len() < 2 || classes.iter().all(|(name, _)| is_generic(name)) {
                return None;
            }
            let places: HashSet<&str> =
                paths.iter().filter(|path| folder_at(path, at, root).is_some()).map(|path| up_to(path, at)).collect();
            let repeats = places.len() as f64 / classes.len() as f64;
            let numbered = classes
                .iter()
                .all(|(name, _)| name.bytes().all(|byte| byte.is_ascii_digit() || b"-_. ".contains(&byte)));
            let lie_here = paths.iter().filter(|path| path.split('/').count() - 1 > at).count();
            let few = lie_here * 2 < paths.len();
            let above = (deepest - 1 - at) as u32;
            Some(((numbered, few), repeats, FolderLevel { above, at: at as u32, root: root as u32, classes }))
        })
        .collect();
    levels.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.above.cmp(&b.2.above)));
    levels.into_iter().map(|(_, _, level)| level).collect()
}

/// A path up to the folder at this place, or to its own.
fn up_to(path: &str, at: usize) -> &str {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    folder.match_indices('/').nth(at).map_or(folder, |(end, _)| &folder[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(paths: &[&str]) -> Vec<Vec<String>> {
        levels(paths).into_iter().map(|level| level.classes.into_iter().map(|(name, _)| name).collect()).collect()
    }

    #[test]
    fn the_level_that_repeats_least_is_the_guess() {
        let years = ["x/cat/2019/1.jpg", "x/cat/2020/2.jpg", "x/dog/2019/3.jpg", "x/dog/2020/4.jpg"];
        assert_eq!(names(&years), [vec!["cat", "dog"], vec!["2019", "2020"]]);
        let years_first = ["x/2019/cat/1.jpg", "x/2019/dog/2.jpg", "x/2020/cat/3.jpg", "x/2020/dog/4.jpg"];
        assert_eq!(names(&years_first), [vec!["cat", "dog"], vec!["2019", "2020"]]);
        let places = ["x/cat/left/1.jpg", "x/cat/right/2.jpg", "x/dog/left/3.jpg", "x/dog/right/4.jpg"];
        assert_eq!(names(&places), [vec!["cat", "dog"], vec!["left", "right"]]);
        assert_eq!(names(&["x/train/cat/1.jpg", "x/test/dog/2.jpg", "x/test/cat/2.jpg"]), [vec!["cat", "dog"]]);
        assert_eq!(names(&["x/3/1.jpg", "x/7/2.jpg"]), [vec!["3", "7"]]);
        assert_eq!(names(&["x/train/1.jpg", "x/test/2.jpg"]), Vec::<Vec<String>>::new());
        assert_eq!(names(&["x/1.jpg", "x/2.jpg"]), Vec::<Vec<String>>::new());
    }

    #[test]
    fn files_higher_up_take_their_own_folder() {
        let ragged = ["x/cat/1.jpg", "x/cat/more/2.jpg", "x/dog/3.jpg", "x/0.jpg"];
        let levels = levels(&ragged);
        assert_eq!(levels[0].classes, [("cat".to_owned(), 2), ("dog".to_owned(), 1)]);
        assert_eq!(folder_at("x/0.jpg", levels[0].at as usize, levels[0].root as usize), None);
    }
}
