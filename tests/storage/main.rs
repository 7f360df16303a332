//! The stores' behaviour: natively the one in memory, on wasm32 the one in IndexedDB, with the same suite.

#[cfg(any(not(target_arch = "wasm32"), feature = "worker"))]
mod suite;

#[cfg(not(target_arch = "wasm32"))]
mod platform {
    use hone::storage::Media;

    pub fn media_of(bytes: &[u8]) -> Media {
        bytes.to_vec()
    }

    pub async fn bytes_of(media: &Media) -> Vec<u8> {
        media.clone()
    }

    macro_rules! on_the_store {
        ($($behaviour:ident)*) => {$(
            #[test]
            fn $behaviour() {
                let test = crate::suite::$behaviour(hone::storage::Store::default());
                futures_util::FutureExt::now_or_never(test).expect("the store in memory never waits");
            }
        )*};
    }
    pub(crate) use on_the_store;
}

#[cfg(all(target_arch = "wasm32", feature = "worker"))]
mod platform {
    use hone::storage::{Media, Store};
    use wasm_bindgen_futures::JsFuture;
    use wasm_bindgen_test::wasm_bindgen_test_configure;

    // As in the app: the store lives in a worker.
    wasm_bindgen_test_configure!(run_in_dedicated_worker);

    pub fn media_of(bytes: &[u8]) -> Media {
        let parts = js_sys::Array::of1(&js_sys::Uint8Array::from(bytes));
        Media::new_with_u8_array_sequence(&parts).expect("a blob")
    }

    pub async fn bytes_of(media: &Media) -> Vec<u8> {
        let buffer = JsFuture::from(media.array_buffer()).await.expect("the blob's bytes");
        js_sys::Uint8Array::new(&buffer).to_vec()
    }

    /// A store that no other test has seen, in this run or an earlier one.
    pub async fn fresh(name: &str) -> Store {
        let name = format!("{name} {}", js_sys::Math::random());
        Store::open_named(&name).await.expect("a store")
    }

    macro_rules! on_the_store {
        ($($behaviour:ident)*) => {$(
            #[wasm_bindgen_test::wasm_bindgen_test]
            async fn $behaviour() {
                crate::suite::$behaviour(super::platform::fresh(stringify!($behaviour)).await).await;
            }
        )*};
    }
    pub(crate) use on_the_store;
}

#[cfg(any(not(target_arch = "wasm32"), feature = "worker"))]
mod behaviour {
    crate::platform::on_the_store! {
        projects_are_kept_apart_and_replaced_whole
        items_come_back_by_index_with_media_and_labels
        an_event_sent_twice_is_kept_once
        batches_models_and_settings_come_back
        runs_with_their_files_and_certificates_come_back
        vectors_come_back_whatever_the_portions
        a_deleted_project_leaves_what_others_use
        a_purge_moves_what_stays_and_takes_the_rest_for_good
    }
}

#[cfg(all(target_arch = "wasm32", feature = "worker"))]
mod database;
