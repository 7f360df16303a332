//! What took how long, told to the browser: User Timing measures (<https://www.w3.org/TR/user-timing/>), which a recording in
//! the developer tools shows beside each worker, and a trace of the browser holds.

use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;
    #[wasm_bindgen(catch, js_namespace = performance, js_name = measure)]
    fn performance_measure(name: &str, options: &JsValue) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(js_namespace = performance, js_name = clearMeasures)]
    fn clear_measures(name: &str);
}

/// Milliseconds since this page or worker began.
pub fn now() -> f64 {
    performance_now()
}

/// Tells that `name` took from `since`, a time of [`now`], until now.
pub fn measure(name: &str, since: f64) {
    let options = js_sys::Object::new();
    // Setting a new object's own field can't fail, nor a measure that begins in the past; a lost measure would be no harm.
    let _ = js_sys::Reflect::set(&options, &"start".into(), &since.into());
    let _ = performance_measure(name, &options);
    // Observers and traces have it; the browser would keep it for as long as the worker lives, four for each image.
    clear_measures(name);
}
