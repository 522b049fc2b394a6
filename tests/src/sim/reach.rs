//! How a program reaches the disk under it.

use eventfold_core::{Recovery, Storage};

use super::check::{Checker, Promised};
use super::disk::Disk;
use super::image::Image;

/// What lies between the log and the disk.
pub trait Reach {
    type Store: Storage;

    /// A store over the disk.
    fn reach(disk: &Disk) -> Self::Store;

    /// Opens the log in an image and checks what is there.
    fn recover(
        checker: &mut Checker,
        image: &mut Image,
        promised: &Promised<'_>,
        damaged: bool,
    ) -> Recovery {
        let disk = Disk::holding(std::mem::take(image));
        let mut store = Self::reach(&disk);
        let shown = |_: &Self::Store| disk.shown(Image::clone);
        let recovery = checker.recover(&mut store, promised, damaged, shown);
        *image = disk.shown(Image::clone);
        recovery
    }
}

/// Nothing: the disk is the store.
#[derive(Debug)]
pub struct Direct;

impl Reach for Direct {
    type Store = Disk;

    fn reach(disk: &Disk) -> Disk {
        disk.clone()
    }

    fn recover(
        checker: &mut Checker,
        image: &mut Image,
        promised: &Promised<'_>,
        damaged: bool,
    ) -> Recovery {
        // An image is a store by itself, and a quicker one.
        checker.recover(image, promised, damaged, Image::clone)
    }
}
