use eventfold_core::{LockMode, Snapshot};
use wasm_bindgen::prelude::*;

use crate::codec::CODEC;
use crate::error::to_js;
use crate::host::{Files, HostStore};

/// The saved state of the view of this name and version: its JSON, its position and the hash of the
/// last line folded; nothing when there is none that belongs to this history.
///
/// # Errors
/// As [`Snapshot::find`].
#[wasm_bindgen(js_name = loadSnapshot)]
pub fn load_snapshot(
    files: Files,
    name: &str,
    version: u32,
) -> Result<Option<js_sys::Array>, JsValue> {
    let store = HostStore::new(files, LockMode::None);
    let found = Snapshot::find(&store, CODEC, name, Some(version)).map_err(to_js)?;
    Ok(found.ok().map(|snapshot| {
        let state: JsValue = snapshot.state.into();
        let position: JsValue = (snapshot.position as f64).into();
        let hash: JsValue = snapshot.hash.to_string().into();
        js_sys::Array::of3(&state, &position, &hash)
    }))
}

/// Checks that a view's name is a file's name on every system.
///
/// # Errors
/// As [`eventfold_core::check_view_name`].
#[wasm_bindgen(js_name = checkViewName)]
pub fn check_view_name(name: &str) -> Result<(), JsValue> {
    eventfold_core::check_view_name(name).map_err(to_js)
}
