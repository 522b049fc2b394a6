use eventfold_core::Error;
use js_sys::Reflect;
use wasm_bindgen::prelude::*;

use crate::host::HostError;

/// The error as JavaScript throws it: an `Error` with the `code` and the fields that
/// `js/errors.d.ts` tells, and the host's own error, unchanged, as its `cause`.
#[must_use]
pub fn to_js(error: Error<HostError>) -> JsValue {
    let message = error.to_string();
    match error {
        Error::Storage { file, source, .. } => thrown(
            "storage",
            &message,
            &[("file", file.into()), ("cause", source.0)],
        ),
        Error::Corrupt {
            position,
            file,
            offset,
            ..
        } => thrown(
            "corrupt",
            &message,
            &[
                ("position", (position as f64).into()),
                ("file", file.into()),
                ("offset", (offset as f64).into()),
            ],
        ),
        Error::Conflict {
            found, found_hash, ..
        } => thrown(
            "conflict",
            &message,
            &[
                ("position", (found as f64).into()),
                ("hash", found_hash.to_string().into()),
            ],
        ),
        Error::DurabilityUnknown {
            position, source, ..
        } => thrown(
            "durability-unknown",
            &message,
            &[("position", (position as f64).into()), ("cause", source.0)],
        ),
        Error::Poisoned { .. } => thrown("poisoned", &message, &[]),
        Error::TooLarge { .. } => thrown("too-large", &message, &[]),
        Error::Unreadable { .. } => thrown("unreadable", &message, &[]),
        Error::Beyond { .. } | Error::NotABoundary { .. } | Error::Diverged { .. } => {
            thrown("bad-position", &message, &[])
        }
        Error::NotExclusive { action } => {
            let message = format!(
                "cannot {action} without the lock: others may be writing; open the log without \
                 lock: \"none\""
            );
            thrown("unsupported", &message, &[])
        }
        _ => thrown("bad-argument", &message, &[]),
    }
}

pub(crate) fn bad_argument(message: &str) -> JsValue {
    thrown("bad-argument", message, &[])
}

pub(crate) fn no_room(len: usize) -> JsValue {
    let message = format!("there is no memory for {len} bytes of lines: append fewer at once");
    thrown("too-large", &message, &[])
}

fn thrown(code: &str, message: &str, fields: &[(&str, JsValue)]) -> JsValue {
    let error = js_sys::Error::new(message);
    let set = |name: &str, value: &JsValue| {
        // A fresh object takes any property.
        drop(Reflect::set(&error, &name.into(), value));
    };
    set("code", &code.into());
    for (name, value) in fields {
        set(name, value);
    }
    error.into()
}
