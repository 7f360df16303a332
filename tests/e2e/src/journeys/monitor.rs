//! A deployed model meets another world: train on one, promote, import another, alarm, audit, take a way back, gate, promote,
//! healthy again. Once by better data, once by a better model.

use super::demos::features_are_there;
use super::deployment::{enabled_button, says};
use super::{Surroundings, leave};
use crate::demo::{Rows, Truth};
use crate::visit::{Visit, until};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

/// Bearings of the first import; the last of them come without a label.
const KNOWN: usize = 300;
const WITHOUT_LABEL: usize = 12;
/// Bearings of the second import, all without a label.
const NEW: usize = 260;

/// Where a bearing runs, and so what tells a worn one.
#[derive(Clone, Copy)]
enum World {
    /// Worn ones vibrate, and are a little warmer.
    Known,
    /// Under load it is the sound ones that vibrate.
    Loaded,
    /// On another machine worn ones run cold.
    Cold,
}

/// By labels of the new import.
pub fn better_data(surroundings: &Surroundings) -> Result<(), String> {
    journey(
        surroundings,
        "monitor-data",
        |_| World::Known,
        World::Cold,
        |visit, truth| {
            let label = until("the way by labels", 120, || enabled_button(visit, "Label "))?;
            visit.click("button", &label)?;
            visit.see("status", "Labels of this import")?;
            let mut labels = 0;
            while visit.find("status", "Labels of this import").is_some() {
                answer(visit, truth)?;
                labels += 1;
                if labels > NEW {
                    return Err("labels are asked for without an end".to_owned());
                }
            }
            println!("  monitor-data: {labels} questions until the way back was taken");
            Ok(())
        },
    )
}

/// By another model on the labels there are: one in ten of them was under load, which a straight line can't tell.
pub fn better_model(surroundings: &Surroundings) -> Result<(), String> {
    let mixed = |place: usize| if place % 10 == 9 { World::Loaded } else { World::Known };
    journey(surroundings, "monitor-model", mixed, World::Loaded, |visit, _| {
        visit.click("button", "Search for a better model")?;
        Ok(())
    })
}

/// Product reviews are what the champion knows; film reviews come in. However sure it is of them, nothing is estimated: an audit
/// tells. Before 20 audits no figure leads by its point.
pub fn unlike(surroundings: &Surroundings) -> Result<(), String> {
    let folder = std::env::temp_dir().join(format!("hone-monitor-unlike-{}", std::process::id()));
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let done = films_come_in(surroundings, &folder);
    let _ = fs::remove_dir_all(&folder);
    done
}

fn films_come_in(surroundings: &Surroundings, folder: &Path) -> Result<(), String> {
    let mut truth = Truth::new();
    let reviews = part_of_the_demo(surroundings, folder, ("products.csv", "product", 240), 200, &mut truth)?;
    let films = part_of_the_demo(surroundings, folder, ("films.csv", "film", 300), 0, &mut truth)?;
    let server = surroundings.serve("/")?;
    let mut visit = Visit::start(&surroundings.programs, "monitor-unlike")?;
    visit.session()?.open(&server.url())?;
    visit.choose("Import files", &[&reviews])?;
    visit.click("button", "Import")?;
    visit.see_later("region", "Card")?;
    features_are_there(&visit)?;

    // Three audits say next to nothing, and the screen says that.
    visit.click("link", "Models")?;
    until("a champion", 120, || Ok(visit.all_text()?.contains("Champion r1").then_some(())))?;
    visit.click("button", "Audit now")?;
    visit.click("link", "Label")?;
    let mut answered = 0;
    while answered < 3 {
        answered += usize::from(visit.all_text()?.contains("Drawn at random to measure the model"));
        answer(&mut visit, &truth)?;
    }
    visit.all_saved()?;
    visit.click("link", "Models")?;
    until("few audits, told as few", 60, || {
        let text = visit.all_text()?;
        Ok((text.contains("on 3 audits, too few to say") && text.contains("so far. Share right")).then_some(()))
    })?;
    visit.pictures(&surroundings.screenshots, "models-three-audits")?;

    visit.click("button", "Don’t ask them")?;
    visit.click("link", "Monitor")?;
    visit.choose("Import new data", &[&films])?;
    visit.click("button", "Import")?;
    visit.see_later("region", "Card")?;
    until("the alarm", 180, || Ok(visit.find("link", "Watch: films: show Monitor").map(drop)))?;
    visit.click("link", "Monitor")?;
    says(&visit, "Imports", "cannot be estimated")?;
    visit.click("button", "What moved in films")?;
    says(&visit, "What moved in films", "not like the reference")?;
    visit.pictures(&surroundings.screenshots, "monitor-unlike")?;
    // To the top again, where the page's head lies over nothing.
    let to_top = "for (const part of document.querySelectorAll('*')) if (part.scrollTop) part.scrollTop = 0;";
    visit.session()?.run(to_top, &json!([]))?;
    let audit = until("the audit that would decide", 60, || enabled_button(&visit, "Audit "))?;
    visit.click("button", &audit)?;
    visit.see("status", "Audits of this import")?;
    let mut answered = 0;
    while visit.find("status", "Audits of this import").is_some() {
        answer(&mut visit, &truth)?;
        answered += 1;
        if answered > 200 {
            return Err(format!("{answered} questions were answered, and “{audit}” has no end"));
        }
    }
    visit.all_saved()?;
    visit.click("link", "Monitor")?;
    says(&visit, "Imports", "audits of it")?;
    visit.pictures(&surroundings.screenshots, "monitor-unlike-audited")?;
    leave(visit, &server)
}

/// Reviews of one domain of the demo's sentences as a file of their own, the first of them labelled.
fn part_of_the_demo(
    surroundings: &Surroundings,
    folder: &Path,
    (name, domain, count): (&str, &str, usize),
    labelled: usize,
    truth: &mut Truth,
) -> Result<PathBuf, String> {
    let text = fs::read_to_string(surroundings.demo().join("sentences.csv")).map_err(|error| error.to_string())?;
    let rows = Rows::parse(&text)?;
    let (domains, sentiments, texts) = (rows.column("domain")?, rows.column("sentiment")?, rows.column("text")?);
    let mut out = if labelled > 0 { "text,sentiment\n" } else { "text\n" }.to_owned();
    let of_domain = (0..rows.len()).filter(|&row| domains[row] == domain).take(count);
    for (place, row) in of_domain.enumerate() {
        let label = match labelled {
            0 => String::new(),
            _ if place < labelled => format!(",{}", sentiments[row]),
            _ => ",".to_owned(),
        };
        out.push_str(&format!("\"{}\"{label}\n", texts[row].replace('"', "\"\"")));
        truth.insert(format!("{name}:{}", place + 2), sentiments[row].clone());
    }
    let file = folder.join(name);
    fs::write(&file, out).map_err(|error| format!("{} can't be written: {error}", file.display()))?;
    Ok(file)
}

fn journey(
    surroundings: &Surroundings,
    name: &str,
    known: impl Fn(usize) -> World,
    new: World,
    way_back: impl Fn(&mut Visit<'_>, &Truth) -> Result<(), String>,
) -> Result<(), String> {
    let folder = std::env::temp_dir().join(format!("hone-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let mut bearings = Bearings::new();
    let files = bearings
        .write(&folder, "spring.csv", KNOWN, known, |place| place < KNOWN - WITHOUT_LABEL)
        .and_then(|spring| Ok((spring, bearings.write(&folder, "autumn.csv", NEW, |_| new, |_| false)?)));
    let done = files.and_then(|files| taken(surroundings, name, &files, &bearings.truth, way_back));
    let _ = fs::remove_dir_all(&folder);
    done
}

fn taken(
    surroundings: &Surroundings,
    name: &str,
    (spring, autumn): &(PathBuf, PathBuf),
    truth: &Truth,
    way_back: impl Fn(&mut Visit<'_>, &Truth) -> Result<(), String>,
) -> Result<(), String> {
    let server = surroundings.serve("/")?;
    let mut visit = Visit::start(&surroundings.programs, name)?;
    let pictures = |visit: &Visit<'_>, part: &str| visit.pictures(&surroundings.screenshots, &format!("{name}-{part}"));
    visit.session()?.open(&server.url())?;
    visit.choose("Import files", &[spring])?;
    visit.click("button", "Import")?;
    visit.see_later("region", "Card")?;
    features_are_there(&visit)?;
    visit.click("link", "Monitor")?;
    says(&visit, "Imports", "part of what the champion was trained")?;
    pictures(&visit, "one-import")?;

    // Another world: it raises the alarm on every screen.
    visit.choose("Import new data", &[autumn])?;
    visit.click("button", "Import")?;
    visit.see_later("region", "Card")?;
    let alarm = until("the alarm", 120, || Ok(alarm(&visit)))?;
    println!("  {name}: {alarm}");
    visit.click("link", "Monitor")?;
    says(&visit, "Imports", "What moved")?;
    visit.click("button", "What moved in autumn")?;
    says(&visit, "What moved in autumn", "load")?;
    pictures(&visit, "alarm")?;

    // The audit decides.
    let audit = until("the audit that would decide", 60, || enabled_button(&visit, "Audit "))?;
    visit.click("button", &audit)?;
    let asked: usize = audit.split_whitespace().nth(1).and_then(|count| count.parse().ok()).unwrap_or_default();
    if !(60..=150).contains(&asked) {
        return Err(format!("“{audit}” is no audit of 60 to 150"));
    }
    visit.see("status", "Audits of this import")?;
    let mut answered = 0;
    while visit.find("status", "Audits of this import").is_some() {
        answer(&mut visit, truth)?;
        answered += 1;
        if answered > asked + 20 {
            return Err(format!("{answered} questions were answered, and the audit of {asked} has no end"));
        }
    }
    visit.all_saved()?;
    visit.click("link", "Monitor")?;
    says(&visit, "Imports", "audits of it")?;
    until("that it has deteriorated", 60, || Ok(visit.find("link", "Deteriorated: autumn: show Monitor").map(drop)))?;
    let measured = |visit: &Visit<'_>| Ok(visit.all_text()?.contains("right on the same").then_some(()));
    until("what the ways back gain", 120, || measured(&visit))?;
    pictures(&visit, "deteriorated")?;

    way_back(&mut visit, truth)?;
    visit.all_saved()?;
    visit.click("link", "Models")?;
    let promote = until("a challenger that passed the gate", 300, || enabled_button(&visit, "Promote r"))?;
    visit.click("button", "Verdict")?;
    visit.click("button", &promote)?;
    visit.click("link", "Monitor")?;
    until("health", 60, || Ok((alarm_is_off(&visit)? && visit.find("heading", "Imports").is_some()).then_some(())))?;
    says(&visit, "Imports", "Healthy")?;
    pictures(&visit, "healthy")?;
    leave(visit, &server)
}

/// The alarm on screen, in its words.
fn alarm(visit: &Visit<'_>) -> Option<String> {
    ["Watch", "Deteriorated"]
        .map(|state| format!("{state}: autumn: show Monitor"))
        .into_iter()
        .find(|name| visit.find("link", name).is_some())
}

fn alarm_is_off(visit: &Visit<'_>) -> Result<bool, String> {
    Ok(alarm(visit).is_none() && visit.all_text()?.contains("· healthy"))
}

/// Answers the card on screen as the truth has it.
fn answer(visit: &mut Visit<'_>, truth: &Truth) -> Result<(), String> {
    let card = visit.card()?;
    let class = truth.get(&card.name).ok_or_else(|| format!("the card shows {}, which no file has", card.name))?;
    visit.label(class)
}

/// Measurements of bearings, and which are worn.
struct Bearings {
    state: u64,
    truth: Truth,
}

impl Bearings {
    fn new() -> Self {
        Self { state: 11, truth: Truth::new() }
    }

    /// A linear congruential generator (Knuth's MMIX): the same table on every machine.
    fn random(&mut self) -> f64 {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) as f64 / f64::from(1_u32 << 31)
    }

    fn noise(&mut self, spread: f64) -> f64 {
        (0..6).map(|_| (self.random() - 0.5) * spread).sum()
    }

    fn write(
        &mut self,
        folder: &Path,
        name: &str,
        count: usize,
        world: impl Fn(usize) -> World,
        labelled: impl Fn(usize) -> bool,
    ) -> Result<PathBuf, String> {
        let any = (0..count).any(&labelled);
        let mut text = format!("vibration,temperature,load{}\n", if any { ",state" } else { "" });
        for place in 0..count {
            let worn = self.random() < 0.5;
            let sign = if worn { 2.0 } else { -2.0 };
            let (wide, narrow, slight) = (self.noise(0.8), self.noise(0.5), self.noise(0.3));
            let [vibration, temperature, load] = match world(place) {
                World::Known => [sign + wide, 0.15 * sign + narrow, slight],
                World::Loaded => [-sign + wide, narrow, 4.0 + slight],
                World::Cold => [narrow, -sign + wide, 1.5 + slight],
            };
            let class = if worn { "worn" } else { "sound" };
            let label = match (any, labelled(place)) {
                (true, true) => format!(",{class}"),
                (true, false) => ",".to_owned(),
                (false, _) => String::new(),
            };
            text.push_str(&format!("{vibration:.3},{temperature:.3},{load:.3}{label}\n"));
            self.truth.insert(format!("{name}:{}", place + 2), class.to_owned());
        }
        let file = folder.join(name);
        fs::write(&file, text).map_err(|error| format!("{} can't be written: {error}", file.display()))?;
        Ok(file)
    }
}
