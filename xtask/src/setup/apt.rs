//! Debian's and Ubuntu's package manager, where we may use it.

use crate::command::{command, find, output, run};

/// Whether packages can be installed here without asking for a password.
pub fn usable() -> bool {
    find("apt-get").is_some() && output(command("id").arg("-u")).as_deref() == Some("0")
}

/// Whether all of these are installed.
pub fn installed(packages: &[&str]) -> bool {
    packages.iter().all(|package| {
        output(command("dpkg-query").args(["--show", "--showformat=${db:Status-Status}", package])).as_deref()
            == Some("installed")
    })
}

/// Installs these.
///
/// # Errors
/// When apt-get fails; it has said why by then.
pub fn install(packages: &[&str]) -> Result<(), String> {
    let apt = || {
        let mut apt = command("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive").arg("--quiet");
        apt
    };
    // A list that can't be refreshed may still be good enough for the packages we want.
    if let Err(problem) = run(apt().arg("update")) {
        eprintln!("{problem}; trying with the package lists as they are");
    }
    run(apt().args(["install", "--yes", "--no-install-recommends"]).args(packages))
}
