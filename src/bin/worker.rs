//! The worker's entry. One script serves two roles; the name that it was started under says which.

use hone::browser::worker_side::scope;
use hone::worker::{embed, serve};
use wasm_bindgen_futures::spawn_local;

fn main() {
    console_error_panic_hook::set_once();
    match scope().name().as_str() {
        "embed" => embed::run(),
        _ => spawn_local(serve::run()),
    }
}
