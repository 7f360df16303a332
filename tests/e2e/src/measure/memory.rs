//! What the page and its workers took of the memory at most.

use std::collections::HashMap;
use std::fs;

/// The largest resident size that a renderer process below `browser` ever had, in MB (2²⁰ bytes): the page and its workers share
/// one. `None` where the system has no `/proc`.
pub fn peak_megabytes(browser: u64) -> Option<f64> {
    let processes: HashMap<u64, Process> = fs::read_dir("/proc")
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|id| Some((id, Process::read(id)?)))
        .collect();
    let is_below = |mut id: u64| {
        while let Some(process) = processes.get(&id) {
            if process.parent == browser {
                return true;
            }
            id = process.parent;
        }
        false
    };
    let renderers = processes.iter().filter(|&(&id, process)| process.is_renderer && is_below(id));
    renderers.map(|(_, process)| process.peak_kilobytes / 1024.0).reduce(f64::max)
}

struct Process {
    parent: u64,
    peak_kilobytes: f64,
    is_renderer: bool,
}

impl Process {
    fn read(id: u64) -> Option<Process> {
        let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        let command = fs::read(format!("/proc/{id}/cmdline")).ok()?;
        Some(Process {
            parent: field("PPid:")?,
            peak_kilobytes: field("VmHWM:").unwrap_or(0) as f64,
            is_renderer: String::from_utf8_lossy(&command).contains("--type=renderer"),
        })
    }
}
