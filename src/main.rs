//! The page's entry. All it does is to start [`hone::ui`].

#[cfg(target_arch = "wasm32")]
fn main() {
    console_error_panic_hook::set_once();
    hone::ui::app::run();
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    eprintln!("This is Hone's page; it runs in a browser. Start it with `cargo xtask serve`.");
    std::process::exit(2);
}
