//! An item's picture in a frame of fixed size: whatever arrives in it, nothing around it moves.

use crate::protocol::ItemIndex;
use crate::ui::app::use_app;
use crate::ui::media::Picture as State;
use crate::ui::parts::views::redrawn;
use leptos::prelude::*;

/// The picture, or a word on why there is none yet.
#[component]
pub fn Picture(
    /// Which item.
    item: ItemIndex,
    /// What it shows, for those who don't see it; empty where its name stands beside it.
    #[prop(into)]
    alt: String,
    /// The small version.
    #[prop(default = false)]
    thumbnail: bool,
) -> impl IntoView {
    let app = use_app();
    let picture = app.media.picture(app, item, thumbnail);
    redrawn(move || match picture.get() {
        State::Loading => view! { <span class="picture loading" aria-busy="true"></span> }.into_any(),
        State::Ready(url) => {
            // Decoded already, so that synchronous decoding costs nothing and no blank frame is seen.
            view! { <img class="picture" src=url alt=alt.clone() decoding="sync" draggable="false" /> }.into_any()
        }
        State::Missing => view! { <span class="picture missing">"No picture"</span> }.into_any(),
    })
}
