//! Messages that come and stay until they are read: notices as a status, failures as an alert.

use crate::ui::actions;
use crate::ui::app::use_app;
use crate::ui::parts::rows::{Row, rows};
use leptos::prelude::*;

/// How grave a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Good to know.
    Note,
    /// Something did not work.
    Bad,
}

/// A message on screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    /// Tells it from the others.
    pub id: u32,
    /// How grave it is.
    pub tone: Tone,
    /// What happened, what is safe, what to do.
    pub text: String,
    /// The project whose labels it offers as a file.
    pub rescue: Option<String>,
}

/// The messages, newest last. Both live regions are always in the document, so that what enters them is read out.
#[component]
pub fn Toasts() -> impl IntoView {
    let toasts = use_app().state.toasts;
    let row = |toast: Toast| Row::new(toast.id, move || view! { <ToastRow toast /> }.into_any());
    let of =
        move |tone: Tone| rows(move || toasts.get().into_iter().filter(|toast| toast.tone == tone).map(row).collect());
    view! {
        <div class="toasts">
            <div role="status">{of(Tone::Note)}</div>
            <div role="alert">{of(Tone::Bad)}</div>
        </div>
    }
}

#[component]
fn ToastRow(toast: Toast) -> impl IntoView {
    let app = use_app();
    let toasts = app.state.toasts;
    let id = toast.id;
    let rescue = toast.rescue.map(|project| {
        view! { <button on:click=move |_| actions::rescue(app, project.clone())>"Save its labels as a file"</button> }
    });
    let dismiss = move |_| toasts.update(|toasts| toasts.retain(|toast| toast.id != id));
    view! {
        <div class="toast" class:bad=toast.tone == Tone::Bad>
            <p>{toast.text}</p>
            {rescue}
            <button class="quiet" aria-label="Dismiss message" on:click=dismiss>"×"</button>
        </div>
    }
}
