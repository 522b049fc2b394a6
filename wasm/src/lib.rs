//! The log for JavaScript, over files that a JavaScript host provides.
//!
//! [`RawWriter`] and [`RawScan`] are what `js/` builds the package's API on; JSON is made and
//! parsed there. [`HostStore`] is the store under them.

mod codec;
mod error;
mod host;
mod scan;
mod snapshot;
mod writer;

pub use codec::CODEC;
pub use error::to_js;
pub use host::{Files, HostError, HostStore, memory_files};
pub use scan::{RawScan, flaws, start_of_last};
pub use snapshot::{check_view_name, load_snapshot};
pub use writer::RawWriter;

/// The module's memory.
#[must_use]
#[wasm_bindgen::prelude::wasm_bindgen(js_name = moduleMemory)]
pub fn module_memory() -> wasm_bindgen::JsValue {
    wasm_bindgen::memory()
}
