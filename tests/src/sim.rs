//! A simulated disk with power cuts, and what has to hold after each.
//!
//! A script runs once, on a [`Disk`] that writes down every operation. Then each moment of it is
//! taken for the moment of a power cut: [`Unsynced`](unsynced::Unsynced) knows which bytes are durable
//! and lists the images that the disk may hold, and each is opened and checked against what was
//! acknowledged by then.
//!
//! | | |
//! |---|---|
//! | `image` | the bytes of all slots at one moment |
//! | `disk`, `op` | a store that writes down what is done to it, and fails as planned |
//! | `unsynced` | what is durable, and what is not yet |
//! | `cuts`, `damage` | the images that a power cut can leave |
//! | `reach`, `hosted` | what lies between a program and its disk |
//! | `script`, `run`, `known` | what a program does, and what it was promised at each operation |
//! | `check` | what has to hold of an image |
//! | `explore`, `seen` | all images of a script, with second cuts in their recoveries |
//! | `codec` | what is rotated with |
//! | `between` | readers that see the operations of a script happen between their own |
//! | `lasting` | a reader and a view that outlive kills, power cuts and rotations |
//! | `failing` | every call of a script fails, in every way |
//! | `shaky` | files that fail, end, vanish or change while they are read |
//! | `chaos` | faults, kills and power cuts mixed, drawn from a seed |

pub mod between;
pub mod chaos;
pub mod check;
pub mod codec;
pub mod cuts;
mod damage;
pub mod disk;
pub mod explore;
pub mod failing;
#[cfg(target_arch = "wasm32")]
pub mod hosted;
pub mod image;
pub mod known;
pub mod lasting;
pub mod op;
pub mod random;
pub mod reach;
pub mod run;
mod said;
pub mod script;
pub mod seen;
pub mod shaky;
pub mod unsynced;

pub use disk::Disk;
