//! The cases, by theme.

pub mod archive;
pub mod crashes;
pub mod events;
pub mod recovery;
pub mod rotation;
pub mod store;
pub mod views;
